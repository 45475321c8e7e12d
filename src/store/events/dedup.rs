//! Duplicate detection: an index of events by host, record number and time.
//!
//! In a log that is read once, no record number comes twice. A scan makes use of that: as long as the numbers of each
//! batch lie apart from those of all others, nothing is looked up, and the table is not even made. Under a screen the
//! table grows from the first event on, since to make it all at once takes longer than a frame.
//!
//! Host, number and time only select the events to compare. Their contents decide whether two are one, since the writer
//! of a log can write any number into it.

use std::collections::BTreeMap;

use crate::store::events::counted::{Counted, Packed};
use crate::store::events::event::StoredEvent;
use crate::store::events::hash_index::HashIndex;
use crate::store::events::interner::Symbol;
use crate::store::ids::EventId;

use crate::model::batch::Batch;
use crate::model::time::Timestamp;

/// Maximum of separate ranges of record numbers. A log has one, or a few where it has gaps.
const MAX_STRETCHES: usize = 1 << 16;
/// Numbers between two stretches that are so close belong to records that were only counted, and are taken for theirs.
const MAX_HOLE: u64 = 8;
/// Maximum of events of one host, number and second that are compared. Each is another event under the number of the
/// first, so that more than one is deliberate. Those after the maximum are kept, and so are their duplicates.
pub(in crate::store) const MAX_SAME_KEY: usize = 16;

/// The key of events that may be one: the host's name without case, the record's number, and the second.
type Key = (Symbol, u64, Option<i64>);

/// The key and contents that an event is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct EventKey {
    /// The host's name without case.
    pub(in crate::store) host: Symbol,
    /// The record's number.
    pub(in crate::store) record: u64,
    /// The event's time.
    pub(in crate::store) time: Option<Timestamp>,
}

impl EventKey {
    const fn key(&self) -> Key {
        (self.host, self.record, second(self.time))
    }
}

/// The relation of an event to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Likeness {
    /// The same event.
    Same,
    /// Another one, which nothing is odd about.
    Other,
    /// Another one under the same number, though no two events have one number at one time.
    Contradiction,
}

/// The result for an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Earlier {
    /// The same event, met before.
    pub(in crate::store) same: Option<EventId>,
    /// Another event that has its number.
    pub(in crate::store) contradiction: Option<EventId>,
}

/// The numbers of events by their [`EventKey`]s, which are read from the events themselves.
#[derive(Default)]
pub(in crate::store) struct Dedup {
    table: HashIndex,
    /// Events that are not in the table yet.
    waiting: Vec<EventId>,
    /// Counted events that are not in the table yet.
    counted_waiting: Packed,
    counted: Vec<Counted>,
    counted_table: HashIndex,
    /// True if some event's time is a whole second: another dialect may have rounded its time up to it.
    has_whole_seconds: bool,
    stretches: RecordRanges,
    /// True if no event of the current batch can be a duplicate.
    is_new: bool,
    /// Set where the table is built as late as possible.
    is_deferred: bool,
}

/// The record numbers of all batches so far, first and last of each stretch.
#[derive(Default)]
struct RecordRanges {
    ends: BTreeMap<u64, u64>,
    /// True once ranges overlap, or are too many to track.
    is_given_up: bool,
}

impl RecordRanges {
    /// Adds a batch's numbers. Returns whether they go upwards and lie apart from all others.
    fn add(&mut self, batch: &Batch) -> bool {
        if self.is_given_up {
            return false;
        }
        let mut numbers = batch.events.iter().filter_map(|event| event.head.record_id);
        let Some(first) = numbers.next() else { return true };
        let last = numbers.try_fold(first, |last, number| (number > last).then_some(number));
        let is_apart = last.is_some_and(|last| self.insert(first, last));
        self.is_given_up = !is_apart || self.ends.len() > MAX_STRETCHES;
        is_apart
    }

    fn insert(&mut self, first: u64, last: u64) -> bool {
        let before = self.ends.range(..=last).next_back().map(|(first, last)| (*first, *last));
        if before.is_some_and(|(_, end)| end >= first) {
            return false;
        }
        let behind = self.ends.range(last..=last.saturating_add(MAX_HOLE)).next().map(|(first, _)| *first);
        let end = behind.and_then(|behind| self.ends.remove(&behind)).unwrap_or(last);
        match before.filter(|(_, end)| first - end <= MAX_HOLE) {
            Some((start, _)) => self.ends.insert(start, end),
            None => self.ends.insert(first, end),
        };
        true
    }
}

/// The events, and their hosts' names without case by number of host.
#[derive(Clone, Copy)]
pub(in crate::store) struct KeyedEvents<'a> {
    pub(in crate::store) events: &'a [StoredEvent],
    pub(in crate::store) host_keys: &'a [Option<Symbol>],
}

impl KeyedEvents<'_> {
    /// Returns the key of an event; `None` where it has no host or no record number.
    pub(in crate::store) fn event_key(&self, id: EventId) -> Option<EventKey> {
        let event = self.events.get(id.0 as usize)?;
        let host = self.host_keys.get(event.host?.0 as usize).copied().flatten()?;
        Some(EventKey { host, record: event.record_id()?, time: event.time })
    }
}

impl Dedup {
    /// Bytes that the tables take.
    pub(in crate::store) fn bytes(&self) -> usize {
        (self.table.capacity() + self.counted_table.capacity()) * HashIndex::BYTES
            + self.waiting.capacity() * size_of::<EventId>()
            + self.counted.capacity() * size_of::<Counted>()
            + self.counted_waiting.bytes()
    }

    /// Makes the table as late as can be: once, and all of it.
    pub(in crate::store) const fn defer(&mut self) {
        self.is_deferred = true;
    }

    /// The events of this batch come next.
    pub(in crate::store) fn begin(&mut self, batch: &Batch) {
        self.is_new = self.is_deferred && self.stretches.add(batch);
    }

    /// Ends the announced batch.
    pub(in crate::store) const fn end(&mut self) {
        self.is_new = false;
    }

    /// Returns true where the next event may be a duplicate.
    pub(in crate::store) const fn may_know(&self) -> bool {
        !self.is_new
    }

    /// Returns the earlier events that match one, once all that came before it are settled. `judge` returns its
    /// relation to one of the same host, number and second.
    pub(in crate::store) fn find(
        &self,
        wanted: EventKey,
        all: KeyedEvents<'_>,
        mut judge: impl FnMut(EventId) -> Likeness,
    ) -> Earlier {
        let mut met = Earlier::default();
        for second in seconds(wanted.time, self.has_whole_seconds) {
            let key = (wanted.host, wanted.record, second);
            let mut looked_at = 0;
            let _ = self.table.find(self.table.hash(key), |number| {
                let id = EventId(number);
                if all.event_key(id).is_none_or(|event_key| event_key.key() != key) {
                    return false;
                }
                looked_at += 1;
                match judge(id) {
                    Likeness::Same => met.same = met.same.or(Some(id)),
                    Likeness::Contradiction => met.contradiction = met.contradiction.or(Some(id)),
                    Likeness::Other => {}
                }
                met.same.is_some() || looked_at >= MAX_SAME_KEY
            });
            if met.same.is_some() {
                break;
            }
        }
        met
    }

    /// Adds an event that is in the table of events.
    pub(in crate::store) fn add(&mut self, id: EventId, all: KeyedEvents<'_>) {
        if self.is_new {
            self.waiting.push(id);
            return;
        }
        // Its number is in no stretch.
        self.stretches.is_given_up = true;
        self.settle(all);
        self.insert(id, all);
    }

    /// Adds an event that is only counted. Returns whether it is a duplicate.
    pub(in crate::store) fn count(&mut self, event_key: EventKey, event_code: u16) -> bool {
        let counted = Counted { event_key, event_code };
        if self.is_new {
            self.counted_waiting.push(counted);
            return false;
        }
        if !self.counted_waiting.is_empty() {
            for waiting in std::mem::take(&mut self.counted_waiting).iter() {
                self.insert_counted(waiting);
            }
        }
        let mut most = 0;
        for second in seconds(event_key.time, self.has_whole_seconds) {
            let key = (event_key.host, event_key.record, second);
            let (mut looked_at, mut is_met) = (0, false);
            let _ = self.counted_table.find(self.counted_table.hash(key), |number| {
                let Some(other) = self.counted.get(number as usize).filter(|it| it.event_key.key() == key)
                else {
                    return false;
                };
                looked_at += 1;
                is_met = other.event_code == event_code && agree(other.event_key.time, event_key.time);
                is_met || looked_at >= MAX_SAME_KEY
            });
            if is_met {
                return true;
            }
            most = most.max(looked_at);
        }
        if most < MAX_SAME_KEY {
            self.insert_counted(counted);
        }
        false
    }

    fn insert_counted(&mut self, counted: Counted) {
        let Ok(number) = u32::try_from(self.counted.len()) else { return };
        self.has_whole_seconds |= is_whole(counted.event_key.time);
        self.counted_table.insert(self.counted_table.hash(counted.event_key.key()), number);
        self.counted.push(counted);
    }

    /// Puts all events into the table.
    pub(in crate::store) fn settle(&mut self, all: KeyedEvents<'_>) {
        if self.waiting.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.waiting) {
            self.insert(id, all);
        }
    }

    fn insert(&mut self, id: EventId, all: KeyedEvents<'_>) {
        let Some(event_key) = all.event_key(id) else { return };
        let key = event_key.key();
        let hash = self.table.hash(key);
        let mut twins = 0;
        let _ = self.table.find(hash, |number| {
            twins +=
                usize::from(all.event_key(EventId(number)).is_some_and(|event_key| event_key.key() == key));
            twins >= MAX_SAME_KEY
        });
        if twins < MAX_SAME_KEY {
            self.has_whole_seconds |= is_whole(event_key.time);
            self.table.insert(hash, id.0);
        }
    }
}

const fn second(time: Option<Timestamp>) -> Option<i64> {
    match time {
        Some(time) => Some(time.unix_seconds()),
        None => None,
    }
}

fn is_whole(time: Option<Timestamp>) -> bool {
    time.is_some_and(|time| time.subsec_nanoseconds() == 0)
}

/// Returns the seconds that the same event may have: its own, and the one that its time may have been rounded from or
/// to.
fn seconds(time: Option<Timestamp>, has_whole_seconds: bool) -> impl Iterator<Item = Option<i64>> {
    let own = second(time);
    let near = own.and_then(|own| {
        if is_whole(time) {
            own.checked_sub(1)
        } else if has_whole_seconds {
            own.checked_add(1)
        } else {
            None
        }
    });
    std::iter::once(own).chain(near.map(Some))
}

/// Returns true where two times agree in the digits that both have.
pub(in crate::store) fn agree(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.agrees_with(&other),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_of_numbers_grow_together_and_none_is_taken_twice() {
        let mut stretches = RecordRanges::default();
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

    #[test]
    fn counted_events_are_known_to_the_coarser_time() {
        let mut strings = crate::store::events::interner::Interner::default();
        let host = strings.intern("ws-1").unwrap();
        let event_key = |record, time| EventKey { host, record, time: Timestamp::parse(time) };
        for is_deferred in [false, true] {
            let mut known = Dedup { is_deferred, is_new: is_deferred, ..Dedup::default() };
            assert!(!known.count(event_key(7, "2026-03-01T00:00:00.9996543Z"), 5));
            assert!(!known.count(event_key(8, "2026-03-01T00:00:01.1234567Z"), 5));
            known.end();
            for (record, time, code, expected) in [
                (7, "2026-03-01T00:00:01.000Z", 5, true),
                (7, "2026-03-01T00:00:00.999Z", 5, true),
                (7, "2026-03-01T00:00:00.9996544Z", 5, false),
                (7, "2026-03-01T00:00:00.9996543Z", 11, false),
                (8, "2026-03-01T00:00:01.123Z", 5, true),
                (8, "2026-03-01T00:00:03Z", 5, false),
                (9, "2026-03-01T00:00:01.123Z", 5, false),
            ] {
                assert_eq!(known.count(event_key(record, time), code), expected, "{record} {time} {code}");
            }
        }
    }

    #[test]
    fn a_flood_of_one_number_costs_no_more_each() {
        let mut strings = crate::store::events::interner::Interner::default();
        let host = strings.intern("ws-1").unwrap();
        let mut known = Dedup::default();
        for code in 0..10_000 {
            let event_key = EventKey { host, record: 7, time: Timestamp::parse("2026-03-01T00:00:01.1Z") };
            assert!(!known.count(event_key, code));
        }
        assert!(known.counted.len() <= MAX_SAME_KEY);
    }
}
