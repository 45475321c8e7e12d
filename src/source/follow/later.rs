//! Faults of files that appear in a folder after the start.

use std::collections::{HashMap, HashSet};

use crate::model::fault::{Fault, FaultKind, Severity};

/// Looks in a row that find the same fault before it is reported: a file that is being written may be read a moment
/// later.
const LOOKS: u32 = 3;
/// Names that are reported, and that wait.
const MAX_NAMES: usize = 1000;

/// Reports each file once, when the fault stays.
#[derive(Debug, Default)]
pub(super) struct LaterFaults {
    reported: HashSet<String>,
    /// By name: looks in a row so far.
    waiting: HashMap<String, u32>,
    /// Faults of the present look.
    found: HashMap<String, Fault>,
    is_full_reported: bool,
}

impl LaterFaults {
    /// Notes a name that was reported at the start.
    pub(super) fn add_reported(&mut self, name: &str) {
        if self.reported.len() < MAX_NAMES {
            self.reported.insert(name.to_owned());
        }
    }

    /// Notes a fault of the present look.
    pub(super) fn add(&mut self, fault: Fault) {
        if !self.reported.contains(&fault.name) && self.found.len() < MAX_NAMES {
            self.found.insert(fault.name.clone(), fault);
        }
    }

    /// Ends a look; returns the faults that are to be reported now, by name.
    pub(super) fn end_look(&mut self) -> Vec<Fault> {
        let before = std::mem::take(&mut self.waiting);
        let mut due = Vec::new();
        for (name, fault) in std::mem::take(&mut self.found) {
            let looks = before.get(&name).copied().unwrap_or(0) + 1;
            if looks < LOOKS {
                self.waiting.insert(name, looks);
            } else if self.reported.len() < MAX_NAMES {
                self.reported.insert(name);
                due.push(fault);
            } else if !std::mem::replace(&mut self.is_full_reported, true) {
                let kind = FaultKind::AndOthers(Box::new(fault.kind));
                due.push(Fault { severity: Severity::Loss, kind, ..fault });
            }
        }
        due.sort_by(|one, other| one.name.cmp(&other.name));
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(name: &str) -> Fault {
        Fault::new(name.to_owned(), FaultKind::Empty)
    }

    /// Reported names of each look.
    fn looks(faults: &mut LaterFaults, looks: &[&[&str]]) -> Vec<Vec<String>> {
        let look = |names: &&[&str]| {
            names.iter().for_each(|name| faults.add(fault(name)));
            faults.end_look().into_iter().map(|fault| fault.name).collect()
        };
        looks.iter().map(look).collect()
    }

    #[test]
    fn lasting_fault_is_reported_once() {
        let mut faults = LaterFaults::default();
        faults.add_reported("old");
        let all: &[&str] = &["old", "b", "a"];
        let expected = [vec![], vec![], vec!["a".to_owned(), "b".to_owned()], vec![], vec![]];
        assert_eq!(looks(&mut faults, &[all; 5]), expected);
    }

    #[test]
    fn passing_fault_is_not_reported() {
        let mut faults = LaterFaults::default();
        let (some, none): (&[&str], &[&str]) = (&["a"], &[]);
        assert!(looks(&mut faults, &[some, some, none, some, some, none]).concat().is_empty());
    }

    #[test]
    fn names_are_bounded() {
        let mut faults = LaterFaults::default();
        let mut reported = 0;
        for round in 0..5 {
            for _ in 0..LOOKS {
                (0..900).for_each(|number| faults.add(fault(&format!("{round} {number}"))));
                reported += faults.end_look().len();
            }
        }
        assert_eq!(reported, MAX_NAMES + 1, "the last one says that others are not named");
        assert!(faults.reported.len() <= MAX_NAMES && faults.waiting.len() <= MAX_NAMES);
    }
}
