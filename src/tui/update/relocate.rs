//! Remaps the ids that the console holds after a compaction. Evicted alerts go; all else looks as before.

use crate::store::compaction::Relocation;
use crate::store::held::Held;
use crate::tui::state::{App, Frozen, Page, Selected};

impl App {
    /// The store's events have other numbers now.
    pub(in crate::tui) fn relocate(&mut self, moved: Relocation) {
        // Verdicts still to be applied have ids of the old store.
        let effects = self.advance_verdicts(Some(&moved.old), &|| false);
        self.effects.extend(effects);
        let store = &self.store;
        self.flags.extend(store);
        if let Some(pattern_editor) = &mut self.pattern_editor {
            pattern_editor.trial.flags.extend(store);
            pattern_editor.made_for = pattern_editor.made_for.and_then(|id| id.relocate(&moved, store));
            pattern_editor.changes =
                std::mem::take(&mut pattern_editor.changes).relocate(&moved, store).unwrap_or_default();
        }
        if let Some(workbench) = &mut self.workbench {
            workbench.relocate(&moved, store);
        }
        for selected in [&mut self.selected, &mut self.shown] {
            if let Some(Selected::Finding(id)) = selected {
                *selected = id.relocate(&moved, store).map(Selected::Finding);
            }
        }
        self.detail_of = self.detail_of.and_then(|id| id.relocate(&moved, store));
        if let Some(pin) = &mut self.pin {
            pin.relocate(&moved, store);
        }
        let steps = self.walked().len();
        self.walked = std::mem::take(&mut self.walked).relocate(&moved, store).unwrap_or_default();
        if self.walked().len() != steps {
            self.walked = Held::default();
        }
        if let Some(Page::NewException { taken, .. }) = &mut self.page {
            *taken = std::mem::take(taken).relocate(&moved, store).unwrap_or_default();
        }
        if let Some(frozen) = &mut self.frozen {
            *frozen = Frozen { events: moved.count_of_first(frozen.events), ..*frozen };
        }
        self.triage.extend(store, &self.flags);
        self.relocate_list(&moved);
        // A large store takes a while to be freed.
        std::thread::spawn(move || drop(moved));
    }
}
