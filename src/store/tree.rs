//! The way up and down the tree of processes.

use std::collections::HashSet;

use super::Store;
use super::event::EventId;
use super::process::ProcessId;

/// How far up or down a walk goes: a log can claim any depth.
const WALK_LIMIT: usize = 10_000;

impl Store {
    /// The ancestors that are known, the parent first, up to the root or to where the log repeats itself.
    #[must_use]
    pub fn ancestors(&self, process: ProcessId) -> Vec<ProcessId> {
        let mut seen = HashSet::from([process]);
        let mut ancestors = Vec::new();
        let mut at = process;
        while let Some(parent) = self.process(at).and_then(|process| process.parent) {
            if !seen.insert(parent) || ancestors.len() == WALK_LIMIT {
                break;
            }
            ancestors.push(parent);
            at = parent;
        }
        ancestors
    }

    /// The children that are known, by the time of their start.
    #[must_use]
    pub fn children(&self, process: ProcessId) -> Vec<ProcessId> {
        let mut children = Vec::new();
        let mut next = self.process(process).and_then(|process| process.newest_child);
        while let Some(child) = next {
            if children.len() == WALK_LIMIT {
                break;
            }
            children.push(child);
            next = self.process(child).and_then(|process| process.elder_sibling);
        }
        let started = |id: &ProcessId| self.event(self.process(*id)?.start?)?.time;
        children.sort_by_key(started);
        children
    }

    /// The events of a process, by time.
    #[must_use]
    pub fn events_of(&self, process: ProcessId) -> Vec<EventId> {
        let mut events = Vec::new();
        let mut next = self.process(process).and_then(|process| process.newest_event);
        while let Some(id) = next {
            events.push(id);
            next = self.event(id).and_then(|event| event.previous_of_process);
        }
        events.sort_by_key(|id| {
            self.event(*id).map(|event| (event.time, event.record_id_or_max, event.source, event.place))
        });
        events
    }
}
