//! What changes on the screen when old events have left the store: numbers, and nothing that is seen of what stayed.

use crate::store::compaction::{Relocation, Retention};
use crate::store::held::Held;
use crate::tui::state::{App, Frozen, Page, Selected};
use crate::tui::views::header::{grouped, size};

impl App {
    /// The store's events have other numbers now.
    pub(in crate::tui) fn relocate(&mut self, moved: Relocation) {
        // What is still to be decided is known by its old number.
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

    /// Returns what is kept of a source without an end, and how much was evicted, for the header. "Left" is only what
    /// is still to be decided.
    #[must_use]
    pub fn bounds(&self) -> Option<String> {
        let keep = match self.keeper.as_ref()?.retention() {
            Retention::Events(events) => format!("retention {} events", grouped(events as u64)),
            Retention::Bytes(bytes) => format!("retention {}", size(bytes as u64)),
            Retention::Age(age) => format!("retention {}", long(age.as_secs())),
        };
        Some(match self.store.evicted() {
            0 => keep,
            gone => format!("{keep}, {} evicted", grouped(gone)),
        })
    }
}

/// `24h`, `7d`, `90s`.
fn long(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    unit.map_or_else(|| format!("{seconds}s"), |(length, name)| format!("{}{name}", seconds / length))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_age_is_said_in_its_largest_whole_unit() {
        assert_eq!(
            [90, 1_800, 86_400, 7 * 86_400, 5_400].map(super::long),
            ["90s", "30m", "1d", "7d", "90m"]
        );
    }
}
