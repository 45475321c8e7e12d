//! The state of the pattern editor.

use crate::detect::pattern::{PatternError, Patterns};
use crate::store::Store;
use crate::store::held::Held;
use crate::store::ids::FindingId;
use crate::tune::{Advice, Adviser, Changes, Proposal, Trial};

/// A pattern in its editor.
pub struct PatternEditor {
    /// The matches and changes of the typed pattern.
    pub trial: Trial,
    /// The text.
    pub editor: tui_textarea::TextArea<'static>,
    /// Against what is in force.
    pub changes: Held<Changes>,
    /// The first line of the matches that is shown.
    pub scroll: usize,
    /// Proposals that would make an alert normal; empty where the editor was opened by hand.
    pub proposals: Vec<Proposal>,
    /// The number of that one.
    pub proposal: usize,
    /// The alert that they are made for: it may be gone from the list while one of them is tried.
    pub made_for: Option<Held<FindingId>>,
    /// The label of that alert.
    pub made_for_name: String,
    /// The other pattern, where it was edited too.
    pub other: Option<Draft>,
    /// Warnings of patterns that would silence everything.
    pub warnings: Vec<Advice>,
    /// The patterns that were warned of: Enter again keeps them all the same.
    pub(in crate::tui) warned: Option<Patterns>,
    pub(in crate::tui) adviser: Adviser,
}

/// A pattern's text that is not on the screen just now.
pub struct Draft {
    /// The text.
    pub editor: tui_textarea::TextArea<'static>,
    /// The error of the typed text.
    pub error: Option<PatternError>,
}

impl PatternEditor {
    /// Whether anything typed here differs from what is in force.
    #[must_use]
    pub fn is_changed(&self, in_force: &Patterns) -> bool {
        let is_invalid = |draft: &Draft| draft.error.is_some();
        self.trial.flags.patterns() != in_force
            || self.trial.error.is_some()
            || self.other.as_ref().is_some_and(is_invalid)
    }

    /// Finds what the patterns typed here would silence altogether.
    pub(in crate::tui) fn warn(&mut self, store: &Store, in_force: &Patterns) {
        self.warnings = self.adviser.warnings(store, &self.trial.flags, in_force);
    }
}
