//! The workbench: both patterns in their editors, what they match, what they change against what is saved, and advice.

use tui_textarea::{CursorMove, TextArea};

use crate::detect::exception::Exceptions;
use crate::detect::pattern::{Pattern, PatternError, Patterns};
use crate::detect::profile::Profile;
use crate::store::Store;
use crate::store::compaction::Relocation;
use crate::store::held::Held;
use crate::store::tuning_matches::TuningMatches;
use crate::tui::state::ListOptions;
use crate::tune::{Advice, Adviser, Changes, Tuned, Which, changes};

/// A part of the workbench.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The text of a pattern.
    Pattern(Which),
    /// The filter of the listed hosts and parents.
    SubjectFilter,
    /// The changes.
    Changes,
    /// The advice.
    Advice,
}

/// The parts that Tab steps through.
pub const PARTS: [Part; 4] =
    [Part::Pattern(Which::CiHost), Part::Pattern(Which::IdeParent), Part::Changes, Part::Advice];

/// A pattern in its editor.
pub struct Editor {
    /// Which of the two.
    pub which: Which,
    /// The text.
    pub area: TextArea<'static>,
    /// The error of the typed text.
    pub error: Option<PatternError>,
    /// The first of its hosts or parents that is shown.
    pub scroll: usize,
}

impl Editor {
    fn new(which: Which, text: &str) -> Self {
        let mut editor = Self { which, area: TextArea::default(), error: None, scroll: 0 };
        editor.set(text);
        editor
    }

    fn set(&mut self, text: &str) {
        self.area = TextArea::new(vec![text.to_owned()]);
        self.area.move_cursor(CursorMove::End);
        self.error = None;
        self.scroll = 0;
    }

    /// The typed text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().concat()
    }
}

/// The state of the workbench.
pub struct Workbench {
    /// The part that has the keys.
    pub part: Part,
    /// Both patterns: CI hosts, IDE parents.
    pub editors: [Editor; 2],
    /// The filter of the listed hosts and parents.
    pub subject_filter: String,
    /// The verdicts of the last valid texts.
    pub trial: TuningMatches,
    /// The verdicts of what the configuration has.
    pub saved: TuningMatches,
    /// The changes between these.
    changes: Held<Changes>,
    /// The change under the cursor.
    pub change: usize,
    /// The advice on the typed patterns.
    pub advice: Vec<Advice>,
    /// The advice under the cursor.
    pub advised: usize,
    /// While an alert is looked at in the list: how the list was before.
    pub list_before: Option<ListOptions>,
    /// The patterns that were warned of: Enter again keeps them all the same.
    pub(in crate::tui) warned: Option<Patterns>,
    pub(in crate::tui) adviser: Adviser,
    needs_rebuild: bool,
}

impl Workbench {
    /// Both patterns as they are in force.
    #[must_use]
    pub fn new(in_force: &TuningMatches, saved: Patterns, saved_exceptions: Exceptions) -> Self {
        let editor = |which: Which| Editor::new(which, which.of(in_force.patterns()).text());
        Self {
            part: Part::Pattern(Which::CiHost),
            editors: [editor(Which::CiHost), editor(Which::IdeParent)],
            subject_filter: String::new(),
            trial: in_force.clone(),
            saved: TuningMatches::with_exceptions(saved, saved_exceptions),
            changes: Held::default(),
            change: 0,
            advice: Vec::new(),
            advised: 0,
            list_before: None,
            warned: None,
            adviser: Adviser::default(),
            needs_rebuild: true,
        }
    }

    /// Whether it is on the screen, and not the list with an alert of it.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        self.list_before.is_none()
    }

    /// Whether anything typed here differs from what is in force.
    #[must_use]
    pub fn is_changed(&self, in_force: &Patterns) -> bool {
        self.trial.patterns() != in_force || self.editors.iter().any(|editor| editor.error.is_some())
    }

    /// Whether a text is being typed.
    #[must_use]
    pub const fn is_typing(&self) -> bool {
        matches!(self.part, Part::Pattern(_) | Part::SubjectFilter)
    }

    /// The editor of a pattern.
    #[must_use]
    pub const fn editor(&self, which: Which) -> &Editor {
        let [ci_host, ide_parent] = &self.editors;
        match which {
            Which::CiHost => ci_host,
            Which::IdeParent => ide_parent,
        }
    }

    /// The same, to be edited. Call [`Self::try_text`] afterwards.
    pub const fn editor_mut(&mut self, which: Which) -> &mut Editor {
        let [ci_host, ide_parent] = &mut self.editors;
        match which {
            Which::CiHost => ci_host,
            Which::IdeParent => ide_parent,
        }
    }

    /// Takes a pattern's typed text. An invalid one leaves the verdicts as they are.
    pub fn try_text(&mut self, which: Which, store: &Store) {
        self.warned = None;
        let editor = self.editor_mut(which);
        match Pattern::new(&editor.text()) {
            Ok(pattern) => {
                editor.error = None;
                editor.scroll = 0;
                let patterns = which.with(self.trial.patterns(), pattern);
                self.trial.set_patterns(patterns, store);
                self.needs_rebuild = true;
            }
            Err(error) => editor.error = Some(error),
        }
    }

    /// Puts a text into a pattern's editor.
    pub fn set_text(&mut self, which: Which, text: &str, store: &Store) {
        self.editor_mut(which).set(text);
        self.try_text(which, store);
    }

    /// Takes other patterns and exceptions, in force and saved. A text that differs from the one of `before` was typed
    /// here, and stays.
    pub fn follow(
        &mut self,
        in_force: &TuningMatches,
        before: Option<&Patterns>,
        saved: Tuned,
        store: &Store,
    ) {
        for which in [Which::CiHost, Which::IdeParent] {
            let was_typed = before.is_some_and(|before| self.editor(which).text() != which.of(before).text());
            let text = which.of(in_force.patterns()).text();
            if !was_typed && self.editor(which).text() != text {
                self.editor_mut(which).set(text);
            }
            self.try_text(which, store);
        }
        self.trial.set_exceptions(in_force.exceptions().clone(), store);
        self.saved.set_patterns(saved.patterns, store);
        self.saved.set_exceptions(saved.exceptions, store);
        self.needs_rebuild = true;
    }

    /// The changes between the saved and the typed patterns.
    #[must_use]
    pub fn changes(&self, store: &Store) -> &Changes {
        self.changes.get(store).unwrap_or(Changes::NONE)
    }

    /// Follows a compaction.
    pub(in crate::tui) fn relocate(&mut self, moved: &Relocation, store: &Store) {
        self.trial.extend(store);
        self.saved.extend(store);
        self.changes = std::mem::take(&mut self.changes).relocate(moved, store).unwrap_or_default();
    }

    /// Brings changes and advice up to date, where the texts or, with `news`, the store have changed.
    pub fn refresh(&mut self, store: &Store, profile: Profile, min_score: u8, news: bool) {
        if !self.needs_rebuild && !news {
            return;
        }
        self.needs_rebuild = false;
        self.trial.extend(store);
        self.saved.extend(store);
        let changes = changes(store, profile, min_score, &self.saved, &self.trial);
        self.change = self.change.min(changes.len().saturating_sub(1));
        self.changes = Held::new(changes, store);
        self.advice = self.adviser.advise(store, profile, &self.trial);
        self.advised = self.advised.min(self.advice.len().saturating_sub(1));
    }
}
