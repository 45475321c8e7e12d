//! Processes by host and ProcessGuid, with their parents, their children and their events.

use crate::model::guid::Guid;
use crate::store::events::hash_index::HashIndex;
use crate::store::events::interner::Symbol;
use crate::store::ids::{EventId, ProcessId};

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
    /// Its newest event, in order of arrival; the others follow by `Events::events_of`.
    pub(in crate::store) newest_event: Option<EventId>,
    /// The child that was met last; its elder siblings follow.
    pub(in crate::store) newest_child: Option<ProcessId>,
    pub(in crate::store) elder_sibling: Option<ProcessId>,
}

impl Process {
    /// Returns its host's name in lower case.
    pub(in crate::store) const fn host_key(&self) -> Symbol {
        self.host_key
    }
}

/// All processes.
#[derive(Default)]
pub(in crate::store) struct Processes {
    entries: Vec<Process>,
    by_key: HashIndex,
}

impl Processes {
    /// Returns the process of a host (by its name in lower case) and a GUID, added where it is new; `None` for a zero
    /// GUID.
    pub(in crate::store) fn get_or_add(&mut self, host_key: Symbol, guid: Guid) -> Option<ProcessId> {
        if guid.is_zero() {
            return None;
        }
        let hash = self.by_key.hash((host_key, guid));
        if let Some(known) = self.find_hashed(hash, host_key, guid) {
            return Some(known);
        }
        let number = u32::try_from(self.entries.len()).ok()?;
        self.by_key.insert(hash, number);
        self.entries.push(Process {
            guid,
            host_key,
            start: None,
            parent: None,
            newest_event: None,
            newest_child: None,
            elder_sibling: None,
        });
        Some(ProcessId(number))
    }

    /// The process of a host and a GUID that was met before.
    pub(in crate::store) fn find(&self, host_key: Symbol, guid: Guid) -> Option<ProcessId> {
        self.find_hashed(self.by_key.hash((host_key, guid)), host_key, guid)
    }

    fn find_hashed(&self, hash: u32, host_key: Symbol, guid: Guid) -> Option<ProcessId> {
        let is_it = |number: u32| {
            let known = self.entries.get(number as usize);
            known.is_some_and(|known| known.guid == guid && known.host_key == host_key)
        };
        self.by_key.find(hash, is_it).map(ProcessId)
    }

    pub(in crate::store) fn get(&self, id: ProcessId) -> Option<&Process> {
        self.entries.get(id.0 as usize)
    }

    pub(in crate::store) fn get_mut(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.entries.get_mut(id.0 as usize)
    }

    /// Makes `child` a child of `parent`, once: a process that already has a parent keeps it.
    pub(in crate::store) fn link(&mut self, child: ProcessId, parent: ProcessId) {
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

    /// Bytes that they take.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Process>() + self.by_key.capacity() * HashIndex::BYTES
    }
}
