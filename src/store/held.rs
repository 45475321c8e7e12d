//! The epoch of ids, and ids that can be read in their own epoch alone.
//!
//! A compaction gives the numbers of events, findings and processes to others. An id that is kept across it would then
//! mean another event, and a verdict would go to that one. So ids that outlive a call are kept as [`Held`], which a
//! store of another epoch cannot read: what was not relocated does nothing, instead of something else.

use crate::store::Store;
use crate::store::compaction::Relocation;
use crate::store::ids::{Epoch, EventId, FindingId, ProcessId};

/// Ids with the epoch that they were taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held<T> {
    epoch: Epoch,
    ids: T,
}

impl<T> Held<T> {
    /// Keeps ids of this store.
    #[must_use]
    pub const fn new(ids: T, store: &Store) -> Self {
        Self { epoch: store.epoch(), ids }
    }

    /// The ids, where the store is still of their epoch.
    #[must_use]
    pub fn get(&self, store: &Store) -> Option<&T> {
        (self.epoch == store.epoch()).then_some(&self.ids)
    }

    /// The ids, to be changed, where the store is still of their epoch.
    #[must_use]
    pub fn get_mut(&mut self, store: &Store) -> Option<&mut T> {
        (self.epoch == store.epoch()).then_some(&mut self.ids)
    }
}

impl<T: Relocate> Held<T> {
    /// The same ids after a compaction; `None` where they left, or were not of the store before it.
    #[must_use]
    pub fn relocate(self, moved: &Relocation, store: &Store) -> Option<Self> {
        if self.epoch != moved.old.epoch() {
            return None;
        }
        Some(Self::new(self.ids.relocate(moved, store)?, store))
    }
}

/// Ids that can be found again after a compaction.
pub trait Relocate: Sized {
    /// Returns the ids in the store that took the old one's place; `None` where all were evicted.
    #[must_use]
    fn relocate(self, moved: &Relocation, store: &Store) -> Option<Self>;
}

impl Relocate for EventId {
    fn relocate(self, moved: &Relocation, _: &Store) -> Option<Self> {
        moved.event(self)
    }
}

impl Relocate for FindingId {
    fn relocate(self, moved: &Relocation, store: &Store) -> Option<Self> {
        moved.finding(self, store)
    }
}

impl Relocate for ProcessId {
    fn relocate(self, moved: &Relocation, store: &Store) -> Option<Self> {
        moved.process(self, store)
    }
}

/// Those that left are left out.
impl<T: Relocate> Relocate for Vec<T> {
    fn relocate(self, moved: &Relocation, store: &Store) -> Option<Self> {
        Some(self.into_iter().filter_map(|id| id.relocate(moved, store)).collect())
    }
}
