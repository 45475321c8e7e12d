//! Which events were handed over already, so that a subscription that begins again hands over none twice.

use std::collections::{HashSet, VecDeque};

use super::xml::Stamp;

/// Maximum of events remembered one by one. They are needed where the log does not report their numbers.
const MAX_REMEMBERED: usize = 65_536;

/// The events that were handed over: by their numbers in the log, and the last ones by their stamps.
#[derive(Debug, Default)]
pub(super) struct Dedup {
    /// The largest number in the log of an event that was handed over.
    last: Option<u64>,
    stamps: HashSet<Stamp>,
    order: VecDeque<Stamp>,
}

impl Dedup {
    /// The largest number of an event that was handed over.
    pub(super) const fn last(&self) -> Option<u64> {
        self.last
    }

    /// Returns true if nothing was handed over yet.
    pub(super) fn is_empty(&self) -> bool {
        self.last.is_none() && self.order.is_empty()
    }

    /// Returns whether the event of that number in the log was handed over.
    pub(super) fn is_before(&self, place: u64) -> bool {
        self.last.is_some_and(|last| place <= last)
    }

    /// Returns whether an event was handed over. The own number of a forwarded event is another host's, so that only
    /// the number in the log decides. Where that is not known, the whole stamp does.
    pub(super) fn contains(&self, place: Option<u64>, stamp: &Stamp) -> bool {
        place.map_or_else(|| self.stamps.contains(stamp), |place| self.is_before(place))
    }

    /// Notes an event.
    pub(super) fn add(&mut self, stamp: Stamp) {
        if self.stamps.insert(stamp) {
            self.order.push_back(stamp);
        }
        if self.order.len() > MAX_REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.stamps.remove(&oldest);
        }
    }

    /// Notes the number in the log of the last event of a batch.
    pub(super) fn reach(&mut self, place: u64) {
        self.last = self.last.max(Some(place));
    }

    /// Forgets the numbers: the log is a new file.
    pub(super) const fn forget_places(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Timestamp;

    fn stamp(id: u64, computer: u64, second: i64) -> Stamp {
        Stamp { record_id: Some(id), computer, time: Some(Timestamp::from_unix(second, 0, 7)) }
    }

    #[test]
    fn place_decides_where_known() {
        let mut seen = Dedup::default();
        assert!(seen.is_empty() && !seen.contains(Some(1), &stamp(1, 1, 1)));
        seen.add(stamp(900, 1, 50));
        seen.reach(10);
        assert!(seen.contains(Some(10), &stamp(900, 1, 50)));
        assert!(!seen.contains(Some(11), &stamp(3, 2, 1)), "a late event of another host is new");
        assert!(!seen.contains(Some(12), &stamp(900, 1, 50)), "the same event, forwarded again");
        seen.forget_places();
        assert!(!seen.contains(Some(3), &stamp(3, 1, 60)), "a log that counts from 1 again");
    }

    #[test]
    fn unknown_place_compares_whole_stamp() {
        let mut seen = Dedup::default();
        seen.add(stamp(5, 1, 10));
        assert!(seen.contains(None, &stamp(5, 1, 10)));
        for other in [stamp(5, 2, 10), stamp(5, 1, 11), stamp(6, 1, 10)] {
            assert!(!seen.contains(None, &other));
        }
        for id in 0..100_000 {
            seen.add(stamp(id, 9, 0));
        }
        assert!(seen.stamps.len() == MAX_REMEMBERED && seen.order.len() == MAX_REMEMBERED);
    }
}
