//! Which events were handed over already, so that a subscription that begins again hands over none twice.

use std::collections::BTreeMap;

use super::xml::Stamp;
use crate::model::time::Timestamp;

/// How many events are remembered one by one.
const REMEMBERED: usize = 4096;

/// The events that were handed over: the last ones by name, the ones before by the highest number and the latest time.
#[derive(Debug, Default)]
pub(super) struct Seen {
    recent: BTreeMap<u64, Option<Timestamp>>,
    highest: Option<u64>,
    latest: Option<Timestamp>,
}

impl Seen {
    /// Whether nothing was handed over yet.
    pub(super) fn is_empty(&self) -> bool {
        self.highest.is_none()
    }

    /// The highest record number that was handed over.
    pub(super) fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Whether an event was handed over already. A log that was made anew counts from 1 again: its events have numbers
    /// that were there before, but later times.
    pub(super) fn contains(&self, stamp: Stamp) -> bool {
        let (Some(id), Some(highest)) = (stamp.record_id, self.highest) else { return false };
        match self.recent.first_key_value() {
            Some((oldest, _)) if id >= *oldest => {
                self.recent.get(&id).is_some_and(|time| *time == stamp.time)
            }
            _ => id <= highest && stamp.time <= self.latest,
        }
    }

    /// Notes an event.
    pub(super) fn add(&mut self, stamp: Stamp) {
        let Some(id) = stamp.record_id else { return };
        self.latest = self.latest.max(stamp.time);
        let is_anew = self.recent.contains_key(&id)
            || self.highest.is_some_and(|highest| id.saturating_add(65_536) < highest);
        if is_anew {
            // The log counts from 1 again. What it held before is gone, and can't come again.
            self.recent.clear();
            self.highest = None;
        }
        self.highest = self.highest.max(Some(id));
        self.recent.insert(id, stamp.time);
        if self.recent.len() > REMEMBERED {
            self.recent.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(id: u64, second: i64) -> Stamp {
        Stamp { record_id: Some(id), time: Some(Timestamp::from_unix(second, 0, 7)) }
    }

    #[test]
    fn what_was_added_is_seen_and_nothing_else() {
        let mut seen = Seen::default();
        assert!(seen.is_empty() && !seen.contains(stamp(1, 1)));
        for id in [10, 12, 11, 14] {
            seen.add(stamp(id, 100 + i64::try_from(id).unwrap()));
        }
        assert!(seen.contains(stamp(11, 111)));
        assert!(!seen.contains(stamp(13, 113)), "it was left out");
        assert!(!seen.contains(stamp(15, 115)));
        assert!(!seen.contains(stamp(11, 999)), "another event of the same number");
        assert!(seen.contains(stamp(9, 90)), "older than all that was handed over");
        assert_eq!(seen.highest(), Some(14));
    }

    #[test]
    fn a_log_that_counts_from_one_again_gives_new_events() {
        let mut seen = Seen::default();
        for id in 1..100_000 {
            seen.add(stamp(id, 0));
        }
        assert!(seen.contains(stamp(5, 0)));
        for id in 1..10 {
            assert!(!seen.contains(stamp(id, 5)));
            seen.add(stamp(id, 5));
        }
        assert_eq!(seen.highest(), Some(9));
        assert!(seen.contains(stamp(9, 5)) && !seen.contains(stamp(10, 5)));
    }
}
