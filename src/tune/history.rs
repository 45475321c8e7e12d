//! What was in force before.

use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;

/// States that are remembered.
const MOST: usize = 1_000;

/// What decides what is normal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tuned {
    /// The two patterns.
    pub patterns: Patterns,
    /// The exceptions that suppress.
    pub exceptions: Exceptions,
}

/// What was in force before each change, and what was undone.
#[derive(Clone, Debug, Default)]
pub struct History {
    before: Vec<Tuned>,
    undone: Vec<Tuned>,
}

impl History {
    /// Remembers what was in force before a change. What was undone can't be done again after it.
    pub fn add(&mut self, before: Tuned) {
        if self.before.len() >= MOST {
            self.before.remove(0);
        }
        self.before.push(before);
        self.undone.clear();
    }

    /// What was before, given what is now.
    pub fn undo(&mut self, now: Tuned) -> Option<Tuned> {
        let before = self.before.pop()?;
        self.undone.push(now);
        Some(before)
    }

    /// What was undone last, given what is now.
    pub fn redo(&mut self, now: Tuned) -> Option<Tuned> {
        let undone = self.undone.pop()?;
        self.before.push(now);
        Some(undone)
    }

    /// Whether there is a change to undo.
    #[must_use]
    pub const fn can_undo(&self) -> bool {
        !self.before.is_empty()
    }

    /// Whether there is a change to do again.
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
