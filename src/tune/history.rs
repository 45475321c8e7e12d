//! Undo history of the patterns and exceptions in force.

use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;

/// States that are remembered.
const MOST: usize = 1_000;

/// Settings that decide which activity is normal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuned {
    /// The two patterns.
    pub patterns: Patterns,
    /// The exceptions that suppress.
    pub exceptions: Exceptions,
}

/// The states in force before each change, and the undone ones.
#[derive(Clone, Debug, Default)]
pub struct History {
    before: Vec<Tuned>,
    undone: Vec<Tuned>,
}

impl History {
    /// Remembers the state before a change. Undone changes can't be redone after it.
    pub fn add(&mut self, before: Tuned) {
        if self.before.len() >= MOST {
            self.before.remove(0);
        }
        self.before.push(before);
        self.undone.clear();
    }

    /// Returns the previous state, given the current one.
    pub fn undo(&mut self, now: Tuned) -> Option<Tuned> {
        let before = self.before.pop()?;
        self.undone.push(now);
        Some(before)
    }

    /// Returns the state that was undone last, given the current one.
    pub fn redo(&mut self, now: Tuned) -> Option<Tuned> {
        let undone = self.undone.pop()?;
        self.before.push(now);
        Some(undone)
    }

    /// Returns whether a change can be undone.
    #[must_use]
    pub const fn can_undo(&self) -> bool {
        !self.before.is_empty()
    }

    /// Returns whether an undone change can be redone.
    #[must_use]
    pub const fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undone_can_be_done_again_until_something_else_is() {
        let state = |ci_host: &str| Tuned {
            patterns: Patterns::new(Some(ci_host), None).unwrap(),
            exceptions: Exceptions::default(),
        };
        let mut history = History::default();
        history.add(state("a"));
        history.add(state("b"));
        assert_eq!(history.undo(state("c")), Some(state("b")));
        assert_eq!(history.undo(state("b")), Some(state("a")));
        assert_eq!(history.undo(state("a")), None);
        assert_eq!(history.redo(state("a")), Some(state("b")));
        assert_eq!(history.redo(state("b")), Some(state("c")));
        assert!(history.can_undo() && !history.can_redo());
        assert_eq!(history.undo(state("c")), Some(state("b")));
        history.add(state("b"));
        assert!(!history.can_redo());
    }
}
