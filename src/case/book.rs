//! The decisions in force.

use std::collections::BTreeSet;

use hashbrown::{HashMap, HashSet};

use super::identity::MAX_DIGITS;
use super::{Decision, Identity};

/// The last decision on every alert that has one.
#[derive(Debug, Default)]
pub struct CaseBook {
    /// Each with the number of its line, so that the later one of two is known.
    decisions: Vec<(u64, Decision)>,
    exact: HashMap<Identity, usize>,
    record_keys: HashSet<u64>,
    by_record: ByMoment,
    by_process: ByMoment,
    /// Those on alerts without record number.
    unnumbered_by_process: ByMoment,
    /// How many these are.
    unnumbered: usize,
    lines: u64,
    generation: u64,
    /// The record keys of the last decisions, one for each generation up to this one; `None` without a record number.
    recent: Vec<Option<u64>>,
}

/// Maximum number of the last decisions that can be asked for one by one.
const MAX_RECENT: usize = 100_000;

/// Decisions by a key and by time: one process can have decided alerts by the ten thousand, of which a look-up is to
/// meet only those of about its own time.
#[derive(Debug, Default)]
struct ByMoment {
    places: BTreeSet<(u64, u8, Option<i128>, usize)>,
    /// The bits of all numbers of digits that their times have.
    digits: u32,
}

impl ByMoment {
    fn add(&mut self, key: u64, identity: &Identity, place: usize) {
        let digits = identity.time_digits();
        self.digits |= 1 << digits;
        self.places.insert((key, digits, identity.nanoseconds(), place));
    }

    /// Returns the indices of decisions under a key whose times agree with an identity's, as far as both are written.
    fn near(&self, key: u64, identity: &Identity) -> impl Iterator<Item = usize> {
        let time = identity.nanoseconds();
        let own_digits = identity.time_digits();
        let has = |digits: &u8| self.digits & 1 << digits != 0;
        (0..=MAX_DIGITS).filter(has).flat_map(move |digits| {
            let unit = 10_i128.pow(u32::from(MAX_DIGITS - digits.min(own_digits)));
            let (from, to) = (time.map(|time| time - unit), time.map(|time| time + unit));
            self.places
                .range((key, digits, from, 0)..=(key, digits, to, usize::MAX))
                .map(|(.., place)| *place)
        })
    }
}

impl CaseBook {
    /// Takes a decision; it counts over those before it.
    pub fn apply(&mut self, decision: Decision) {
        self.lines += 1;
        self.generation += 1;
        if self.recent.len() >= MAX_RECENT {
            self.recent.clear();
        }
        self.recent.push(decision.identity.record_key());
        if let Some(at) = self.exact.get(&decision.identity).copied()
            && let Some((line, known)) = self.decisions.get_mut(at)
        {
            // The same time can be written with other digits, and agree with other ones.
            let is_written_otherwise = known.identity.time_digits() != decision.identity.time_digits();
            (*line, *known) = (self.lines, decision);
            if is_written_otherwise {
                let identity = known.identity.clone();
                self.place(&identity, at);
            }
            return;
        }
        let at = self.decisions.len();
        let identity = &decision.identity;
        self.exact.insert(identity.clone(), at);
        self.unnumbered += usize::from(identity.record_key().is_none());
        self.place(&identity.clone(), at);
        self.decisions.push((self.lines, decision));
    }

    /// Adds a decision to the look-up tables.
    fn place(&mut self, identity: &Identity, at: usize) {
        let process = identity.process_key();
        match identity.record_key() {
            Some(key) => {
                self.record_keys.insert(key);
                self.by_record.add(key, identity, at);
            }
            None => self.unnumbered_by_process.add(process, identity, at),
        }
        self.by_process.add(process, identity, at);
    }

    /// Clears all: the file is another one.
    pub fn clear(&mut self) {
        let generation = self.generation + 1;
        *self = Self { generation, ..Self::default() };
    }

    /// The decision on an alert.
    #[must_use]
    pub fn find(&self, identity: &Identity) -> Option<&Decision> {
        let mut last: Option<&(u64, Decision)> = None;
        let mut look_at = |at: usize| {
            let Some(entry) = self.decisions.get(at) else { return };
            if entry.1.identity.is_same(identity) && last.is_none_or(|last| last.0 < entry.0) {
                last = Some(entry);
            }
        };
        // A decision with a record number is on an alert with the same one, or on one without.
        match identity.record_key() {
            Some(key) => {
                self.by_record.near(key, identity).for_each(&mut look_at);
                self.unnumbered_by_process.near(identity.process_key(), identity).for_each(&mut look_at);
            }
            None => self.by_process.near(identity.process_key(), identity).for_each(&mut look_at),
        }
        last.map(|(_, decision)| decision)
    }

    /// Returns whether a decision may exist on an alert with that [record key](Identity::record_key): false is certain.
    #[must_use]
    pub fn may_know(&self, record_key: Option<u64>) -> bool {
        match record_key {
            Some(key) => self.unnumbered > 0 || self.record_keys.contains(&key),
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

    /// Returns whether no decision was ever made.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.decisions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn find_matches_a_plain_search(
            all in proptest::collection::vec((0_u64..4, 0_i64..3, 0_u32..3, 0_usize..3, 0_usize..2), 1..40),
        ) {
            let identity = |(record, second, part, digits, guid): (u64, i64, u32, usize, usize)| {
                let digits = [0, 3, 7][digits];
                let nanoseconds = match digits { 0 => 0, 3 => part * 1_000_000, _ => part * 500_100 };
                let time = Timestamp::from_unix(second, nanoseconds, digits);
                let record = Some(record).filter(|record| *record > 0);
                Identity::new(Some("WS-1"), 3, record, Some(time), Some(["{A}", "{B}"][guid])).unwrap()
            };
            let mut book = CaseBook::default();
            let mut plain: Vec<Decision> = Vec::new();
            for (number, one) in all.iter().enumerate() {
                let note = number.to_string();
                let decision =
                    Decision { identity: identity(*one), note, ..decision(None, Verdict::Benign) };
                book.apply(decision.clone());
                plain.retain(|known| known.identity != decision.identity);
                plain.push(decision);
                for other in &all {
                    let wanted = identity(*other);
                    let last = plain.iter().rev().find(|decision| decision.identity.is_same(&wanted));
                    prop_assert_eq!(book.find(&wanted).map(|found| &found.note), last.map(|found| &found.note));
                }
            }
        }
    }
}
