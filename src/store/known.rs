//! The kept events by host, record number and time, to know one again that is met twice.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::distinct::DistinctId;
use super::event::{EventId, StoredEvent};
use crate::model::time::Timestamp;

/// What tells an event from all others.
pub(super) type Identity = (DistinctId, u64, Option<Timestamp>);

/// The numbers of events by their [`Identity`], which stands in the events themselves.
#[derive(Default)]
pub(super) struct Known {
    table: HashTable<EventId>,
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
        let hash = self.hasher.hash_one(wanted);
        self.table.find(hash, |id| identity(events, *id) == Some(wanted)).copied()
    }

    /// Adds an event that stands among the others; of two with one identity the first stays.
    pub(super) fn add(&mut self, own: Identity, id: EventId, events: &[StoredEvent]) {
        if self.find(own, events).is_none() {
            let hasher = &self.hasher;
            // One without an identity is never added.
            let hash = |other: &EventId| identity(events, *other).map_or(0, |own| hasher.hash_one(own));
            self.table.insert_unique(hasher.hash_one(own), id, hash);
        }
    }
}
