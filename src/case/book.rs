//! The decisions in force.

use hashbrown::HashMap;

use super::{Decision, Identity};

/// The last decision on every alert that has one.
#[derive(Debug, Default)]
pub struct CaseBook {
    /// Each with the number of its line, so that the later one of two is known.
    decisions: Vec<(u64, Decision)>,
    exact: HashMap<Identity, usize>,
    by_record: HashMap<u64, Vec<usize>>,
    by_process: HashMap<u64, Vec<usize>>,
    /// Decisions on alerts without record number.
    unnumbered: usize,
    lines: u64,
    generation: u64,
    /// The record keys of the last decisions, one for each generation up to this one; `None` without a record number.
    recent: Vec<Option<u64>>,
}

/// So many decisions are known one by one to whoever asks for the last ones.
const MOST_RECENT: usize = 100_000;

impl CaseBook {
    /// Takes a decision; it counts over those before it.
    pub fn apply(&mut self, decision: Decision) {
        self.lines += 1;
        self.generation += 1;
        if self.recent.len() >= MOST_RECENT {
            self.recent.clear();
        }
        self.recent.push(decision.identity.record_key());
        if let Some((line, known)) =
            self.exact.get(&decision.identity).and_then(|at| self.decisions.get_mut(*at))
        {
            (*line, *known) = (self.lines, decision);
            return;
        }
        let at = self.decisions.len();
        let identity = &decision.identity;
        self.exact.insert(identity.clone(), at);
        match identity.record_key() {
            Some(key) => self.by_record.entry(key).or_default().push(at),
            None => self.unnumbered += 1,
        }
        self.by_process.entry(identity.process_key()).or_default().push(at);
        self.decisions.push((self.lines, decision));
    }

    /// Forgets all: the file is another one.
    pub fn clear(&mut self) {
        let generation = self.generation + 1;
        *self = Self { generation, ..Self::default() };
    }

    /// The decision on an alert.
    #[must_use]
    pub fn find(&self, identity: &Identity) -> Option<&Decision> {
        let of = |table: &HashMap<u64, Vec<usize>>, key| table.get(&key).cloned().unwrap_or_default();
        let by_record = identity.record_key().map(|key| of(&self.by_record, key)).unwrap_or_default();
        let by_process = of(&self.by_process, identity.process_key());
        by_record
            .into_iter()
            .chain(by_process)
            .filter_map(|at| self.decisions.get(at))
            .filter(|(_, decision)| decision.identity.is_same(identity))
            .max_by_key(|(line, _)| *line)
            .map(|(_, decision)| decision)
    }

    /// Whether there could be a decision on an alert with that [record key](Identity::record_key): no means no.
    #[must_use]
    pub fn may_know(&self, record_key: Option<u64>) -> bool {
        match record_key {
            Some(key) => self.unnumbered > 0 || self.by_record.contains_key(&key),
            None => !self.decisions.is_empty(),
        }
    }

    /// The [record keys](Identity::record_key) that were decided on since a generation. `None` where alerts with other
    /// keys can be concerned too: a decision had no record number, all was forgotten, or that is too long ago.
    #[must_use]
    pub fn decided_since(&self, generation: u64) -> Option<Vec<u64>> {
        let steps = usize::try_from(self.generation.checked_sub(generation)?).ok()?;
        let keys = self.recent.get(self.recent.len().checked_sub(steps)?..)?;
        keys.iter().copied().collect()
    }

    /// A number that changes whenever anything here does.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether nothing was ever decided.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.decisions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;
    use crate::model::verdict::Verdict;

    fn decision(record_id: Option<u64>, verdict: Verdict) -> Decision {
        let time = Timestamp::parse("2026-03-10T13:37:00.123Z");
        Decision {
            identity: Identity::new(Some("WS-1"), 3, record_id, time, Some("{AB}")).unwrap(),
            verdict,
            note: String::new(),
            at: None,
            by: None,
            host: None,
            signal: String::new(),
        }
    }

    #[test]
    fn the_last_decision_counts_also_across_dialects() {
        let mut book = CaseBook::default();
        let (numbered, unnumbered) = (decision(Some(7), Verdict::Benign), decision(None, Verdict::Malicious));
        assert!(!book.may_know(numbered.identity.record_key()));
        book.apply(numbered.clone());
        assert!(book.may_know(numbered.identity.record_key()) && !book.may_know(Some(1)));
        assert_eq!(book.find(&unnumbered.identity).unwrap().verdict, Verdict::Benign);
        book.apply(unnumbered.clone());
        assert_eq!(book.find(&numbered.identity).unwrap().verdict, Verdict::Malicious);
        book.apply(decision(Some(7), Verdict::Undecided));
        assert_eq!(book.find(&unnumbered.identity).unwrap().verdict, Verdict::Undecided);
        let other = decision(Some(8), Verdict::Undecided).identity;
        book.apply(decision(Some(8), Verdict::Unclear));
        assert_eq!(book.find(&other).unwrap().verdict, Verdict::Unclear);
        assert_eq!(book.find(&numbered.identity).unwrap().verdict, Verdict::Undecided);
        book.clear();
        assert!(book.is_empty() && book.find(&other).is_none());
    }

    #[test]
    fn it_says_what_was_decided_since() {
        let mut book = CaseBook::default();
        let key = |record| decision(Some(record), Verdict::Benign).identity.record_key();
        assert_eq!(book.decided_since(0), Some(Vec::new()));
        book.apply(decision(Some(7), Verdict::Benign));
        book.apply(decision(Some(8), Verdict::Benign));
        assert_eq!(book.decided_since(0), Some(vec![key(7).unwrap(), key(8).unwrap()]));
        assert_eq!(book.decided_since(1), Some(vec![key(8).unwrap()]));
        book.apply(decision(None, Verdict::Benign));
        assert_eq!(book.decided_since(1), None, "it may be on an alert with any number");
        assert_eq!(book.decided_since(3), Some(Vec::new()));
        book.clear();
        assert_eq!(book.decided_since(3), None, "all was forgotten");
        assert_eq!(book.decided_since(99), None);
    }
}
