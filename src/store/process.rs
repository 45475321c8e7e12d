//! Processes by host and ProcessGuid, with their parents, their children and what they did.

use hashbrown::hash_table::Entry as Slot;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::event::EventId;
use super::interner::{Symbol, short_hash, spread};
use crate::model::guid::Guid;

/// The number of a process in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessId(pub u32);

/// A process that some event speaks of.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its GUID, never zero.
    pub guid: Guid,
    /// Its host's name in lower case.
    host_key: Symbol,
    /// Its Event 1; of several, the earliest. `None` where the log holds none.
    pub start: Option<EventId>,
    /// Its parent, as its Event 1 names it.
    pub parent: Option<ProcessId>,
    /// Its newest event, in order of arrival; the others follow by [`super::Store::events_of`].
    pub(super) newest_event: Option<EventId>,
    /// The child that was met last; its elder siblings follow.
    pub(super) newest_child: Option<ProcessId>,
    pub(super) elder_sibling: Option<ProcessId>,
}

/// A process's number and its key's hash; the key stands in the process itself.
#[derive(Clone, Copy)]
struct Entry {
    id: ProcessId,
    hash: u32,
}

/// All processes.
#[derive(Default)]
pub(super) struct Processes {
    entries: Vec<Process>,
    by_key: HashTable<Entry>,
    hasher: DefaultHashBuilder,
}

impl Processes {
    /// The process of a host (by its name in lower case) and a GUID, made where it is new. A zero GUID is nobody's.
    pub(super) fn get_or_add(&mut self, host_key: Symbol, guid: Guid) -> Option<ProcessId> {
        if guid.is_zero() {
            return None;
        }
        let hash = short_hash(&self.hasher, (host_key, guid));
        let is_it = |entry: &Entry| {
            let known = self.entries.get(entry.id.0 as usize);
            entry.hash == hash && known.is_some_and(|known| known.guid == guid && known.host_key == host_key)
        };
        match self.by_key.entry(spread(hash), is_it, |other| spread(other.hash)) {
            Slot::Occupied(known) => Some(known.get().id),
            Slot::Vacant(slot) => {
                let id = ProcessId(u32::try_from(self.entries.len()).ok()?);
                slot.insert(Entry { id, hash });
                self.entries.push(Process {
                    guid,
                    host_key,
                    start: None,
                    parent: None,
                    newest_event: None,
                    newest_child: None,
                    elder_sibling: None,
                });
                Some(id)
            }
        }
    }

    /// The process of a host and a GUID that was met before.
    pub(super) fn find(&self, host_key: Symbol, guid: Guid) -> Option<ProcessId> {
        let hash = short_hash(&self.hasher, (host_key, guid));
        let is_it = |entry: &Entry| {
            let known = self.entries.get(entry.id.0 as usize);
            entry.hash == hash && known.is_some_and(|known| known.guid == guid && known.host_key == host_key)
        };
        self.by_key.find(spread(hash), is_it).map(|entry| entry.id)
    }

    pub(super) fn get(&self, id: ProcessId) -> Option<&Process> {
        self.entries.get(id.0 as usize)
    }

    pub(super) fn get_mut(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.entries.get_mut(id.0 as usize)
    }

    /// Makes `child` a child of `parent`, once: a process that already has a parent keeps it.
    pub(super) fn link(&mut self, child: ProcessId, parent: ProcessId) {
        if self.get(child).is_none_or(|process| process.parent.is_some()) {
            return;
        }
        let Some(elder) = self.get_mut(parent).map(|process| process.newest_child.replace(child)) else {
            return;
        };
        if let Some(process) = self.get_mut(child) {
            process.parent = Some(parent);
            process.elder_sibling = elder;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
