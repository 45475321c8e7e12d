//! The kept events by host, record number and time, to know one again that is met twice.
//!
//! In a log that is read once, no record number comes twice. A scan makes use of that: as long as the numbers of each
//! batch lie apart from those of all others, nothing is looked up, and the table is not even made. Where somebody looks
//! at a screen meanwhile, the table grows from the first event on, since to make it all at once takes longer than a frame.

use std::collections::BTreeMap;

use super::distinct::DistinctId;
use super::event::{EventId, StoredEvent};
use super::index::Index;
use crate::model::batch::Batch;
use crate::model::time::Timestamp;

/// Stretches of record numbers that are told apart. A log has one, or a few where it has gaps.
const MOST_STRETCHES: usize = 1 << 16;
/// Numbers between two stretches that are so close belong to records that were only counted, and are taken for theirs.
const CLOSE: u64 = 8;

/// What tells an event from all others.
pub(super) type Identity = (DistinctId, u64, Option<Timestamp>);

/// The numbers of events by their [`Identity`], which stands in the events themselves.
#[derive(Default)]
pub(super) struct Known {
    table: Index,
    /// Events that are not in the table yet.
    waiting: Vec<EventId>,
    stretches: Stretches,
    /// Whether no event of the batch that is taken in can have been met before.
    is_new: bool,
    /// Whether the table is made as late as can be.
    is_late: bool,
}

/// The record numbers of all batches so far, first and last of each stretch.
#[derive(Default)]
struct Stretches {
    ends: BTreeMap<u64, u64>,
    /// Whether numbers have met, or are too many to tell.
    is_given_up: bool,
}

fn identity(events: &[StoredEvent], id: EventId) -> Option<Identity> {
    let event = events.get(id.0 as usize)?;
    Some((event.host?, event.record_id()?, event.time))
}

impl Stretches {
    /// Adds a batch's numbers, and says whether they go upwards and lie apart from all others.
    fn add(&mut self, batch: &Batch) -> bool {
        if self.is_given_up {
            return false;
        }
        let mut numbers = batch.events.iter().filter_map(|event| event.head.record_id);
        let Some(first) = numbers.next() else { return true };
        let last = numbers.try_fold(first, |last, number| (number > last).then_some(number));
        let is_apart = last.is_some_and(|last| self.insert(first, last));
        self.is_given_up = !is_apart || self.ends.len() > MOST_STRETCHES;
        is_apart
    }

    fn insert(&mut self, first: u64, last: u64) -> bool {
        let before = self.ends.range(..=last).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, end)| end >= first) {
            return false;
        }
        let behind = self.ends.range(last..=last.saturating_add(CLOSE)).next().map(|(first, _)| *first);
        let end = behind.and_then(|behind| self.ends.remove(&behind)).unwrap_or(last);
        match before.filter(|(_, end)| first - end <= CLOSE) {
            Some((start, _)) => self.ends.insert(start, end),
            None => self.ends.insert(first, end),
        };
        true
    }
}

impl Known {
    /// How many events there is room for.
    pub(super) fn capacity(&self) -> usize {
        self.table.capacity() + self.waiting.capacity()
    }

    /// Makes the table as late as can be: once, and all of it.
    pub(super) const fn defer(&mut self) {
        self.is_late = true;
    }

    /// The events of this batch come next.
    pub(super) fn begin(&mut self, batch: &Batch) {
        self.is_new = self.is_late && self.stretches.add(batch);
    }

    /// What comes next is of no batch that was announced.
    pub(super) const fn end(&mut self) {
        self.is_new = false;
    }

    /// The event of that identity.
    pub(super) fn find(&mut self, wanted: Identity, events: &[StoredEvent]) -> Option<EventId> {
        if self.is_new {
            return None;
        }
        self.settle(events);
        let is_it = |number: u32| identity(events, EventId(number)) == Some(wanted);
        self.table.find(self.table.hash(wanted), is_it).map(EventId)
    }

    /// Adds an event that stands among the others; of two with one identity the first stays.
    pub(super) fn add(&mut self, own: Identity, id: EventId, events: &[StoredEvent]) {
        if self.is_new {
            self.waiting.push(id);
            return;
        }
        // Its number is in no stretch.
        self.stretches.is_given_up = true;
        self.settle(events);
        self.insert(own, id, events);
    }

    fn settle(&mut self, events: &[StoredEvent]) {
        for id in std::mem::take(&mut self.waiting) {
            if let Some(own) = identity(events, id) {
                self.insert(own, id, events);
            }
        }
    }

    fn insert(&mut self, own: Identity, id: EventId, events: &[StoredEvent]) {
        let hash = self.table.hash(own);
        let is_it = |number: u32| identity(events, EventId(number)) == Some(own);
        if self.table.find(hash, is_it).is_none() {
            self.table.insert(hash, id.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_numbers_grow_together_and_none_is_taken_twice() {
        let mut stretches = Stretches::default();
        for (first, last) in
            [(100, 190), (300, 390), (198, 295), (1, 50), (391, 391), (u64::MAX, u64::MAX), (60, 70)]
        {
            assert!(stretches.insert(first, last), "{first}");
        }
        let ends: Vec<_> = stretches.ends.iter().map(|(first, last)| (*first, *last)).collect();
        assert_eq!(ends, [(1, 50), (60, 70), (100, 391), (u64::MAX, u64::MAX)]);
        for (first, last) in
            [(50, 55), (0, 1), (150, 150), (80, 500), (195, 196), (u64::MAX, u64::MAX), (0, u64::MAX)]
        {
            assert!(!stretches.insert(first, last), "{first}");
        }
    }
}
