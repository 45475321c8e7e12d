//! Which patterns and exceptions are in force, and which were.

use crate::detect::pattern::Patterns;
use crate::store::coverage::{Impact, Note};
use crate::tui::state::App;
use crate::tune::Tuned;

impl App {
    /// Puts other patterns in force, remembering the ones before.
    pub fn keep_patterns(&mut self, patterns: Patterns) {
        self.keep(Tuned { patterns, exceptions: self.flags.exceptions().clone() });
    }

    /// Puts other patterns and exceptions in force, remembering the ones before.
    pub fn keep(&mut self, tuned: Tuned) {
        let before = self.tuned();
        if tuned != before {
            self.history.add(before);
            self.put_in_force(tuned, None);
        }
        self.invalidate();
    }

    /// The patterns and exceptions in force.
    #[must_use]
    pub fn tuned(&self) -> Tuned {
        Tuned { patterns: self.flags.patterns().clone(), exceptions: self.flags.exceptions().clone() }
    }

    /// Whether the configuration has other patterns or exceptions than are in force.
    #[must_use]
    pub fn is_unsaved(&self) -> bool {
        self.saved != *self.flags.patterns() || self.saved_exceptions != *self.flags.exceptions()
    }

    /// Goes back, or forth again, in the history; says whether there was anything.
    pub fn step_history(&mut self, back: bool) -> bool {
        let now = self.tuned();
        let Some(tuned) = (if back { self.history.undo(now) } else { self.history.redo(now) }) else {
            return false;
        };
        self.put_in_force(tuned, None);
        self.invalidate();
        true
    }

    /// Puts patterns and exceptions in force without a history. What was typed in the workbench against `before` and
    /// differs from it stays.
    pub fn put_in_force(&mut self, tuned: Tuned, before: Option<&Patterns>) {
        self.flags.set_patterns(tuned.patterns, &self.store);
        self.flags.set_exceptions(tuned.exceptions, &self.store);
        self.follow_in_workbench(before);
    }

    /// Tells the workbench what is in force and saved.
    pub fn follow_in_workbench(&mut self, before: Option<&Patterns>) {
        if let Some(workbench) = &mut self.workbench {
            let saved = Tuned { patterns: self.saved.clone(), exceptions: self.saved_exceptions.clone() };
            workbench.follow(&self.flags, before, saved, &self.store);
        }
    }

    /// Says which exceptions have expired.
    pub fn set_expired(&mut self, expired: Vec<String>) {
        self.expired = expired;
        self.notes = self.all_notes();
    }

    pub(in crate::tui) fn all_notes(&self) -> Vec<Note> {
        let expired = self.expired.iter().map(|text| Note { impact: Impact::Info, text: text.clone() });
        self.store.coverage_notes().into_iter().chain(expired).collect()
    }
}
