//! The kept events by host, record number and time, to know one again that is met twice.

use hashbrown::{DefaultHashBuilder, HashTable};

use super::distinct::DistinctId;
use super::event::{EventId, StoredEvent};
use super::interner::{short_hash, spread};
use crate::model::time::Timestamp;

/// What tells an event from all others.
pub(super) type Identity = (DistinctId, u64, Option<Timestamp>);

/// An event's number and its identity's hash, so that the table grows without a look at the events.
#[derive(Clone, Copy)]
struct Entry {
    id: EventId,
    hash: u32,
}

/// The numbers of events by their [`Identity`], which stands in the events themselves.
#[derive(Default)]
pub(super) struct Known {
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
}

fn identity(events: &[StoredEvent], id: EventId) -> Option<Identity> {
    let event = events.get(id.0 as usize)?;
    Some((event.host?, event.record_id()?, event.time))
}

impl Known {
    /// How many events there is room for.
    pub(super) fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// The event of that identity.
    pub(super) fn find(&self, wanted: Identity, events: &[StoredEvent]) -> Option<EventId> {
        let hash = short_hash(&self.hasher, wanted);
        let is_it = |entry: &Entry| entry.hash == hash && identity(events, entry.id) == Some(wanted);
        self.table.find(spread(hash), is_it).map(|entry| entry.id)
    }

    /// Adds an event that stands among the others; of two with one identity the first stays.
    pub(super) fn add(&mut self, own: Identity, id: EventId, events: &[StoredEvent]) {
        let hash = short_hash(&self.hasher, own);
        let is_it = |entry: &Entry| entry.hash == hash && identity(events, entry.id) == Some(own);
        self.table.entry(spread(hash), is_it, |other| spread(other.hash)).or_insert(Entry { id, hash });
    }
}
