//! The way up and down the tree of processes.

use std::collections::HashSet;

use crate::store::events::Events;
use crate::store::events::event::StoredEvent;
use crate::store::ids::{EventId, ProcessId};

/// Maximum depth of a walk: a log can claim any.
const MAX_WALK: usize = 10_000;

/// Returns the first `most` things by their keys, and the count of all; never holds more than twice as many.
fn first_of<K: Ord, T>(things: impl Iterator<Item = (K, T)>, most: usize) -> (Vec<T>, usize) {
    let mut first: Vec<(K, T)> = Vec::new();
    let mut all = 0;
    for thing in things {
        all += 1;
        first.push(thing);
        if first.len() > 2 * most.max(1) {
            first.select_nth_unstable_by(most, |a, b| a.0.cmp(&b.0));
            first.truncate(most);
        }
    }
    first.sort_by(|a, b| a.0.cmp(&b.0));
    first.truncate(most);
    (first.into_iter().map(|(_, thing)| thing).collect(), all)
}

impl Events {
    /// The ancestors that are known, the parent first, up to the root or to where the log repeats itself.
    #[must_use]
    pub fn ancestors(&self, process: ProcessId) -> Vec<ProcessId> {
        let mut seen = HashSet::from([process]);
        let mut ancestors = Vec::new();
        let mut at = process;
        while let Some(parent) = self.process(at).and_then(|process| process.parent) {
            if !seen.insert(parent) || ancestors.len() == MAX_WALK {
                break;
            }
            ancestors.push(parent);
            at = parent;
        }
        ancestors
    }

    /// The children that are known, all of them, the one that was met last first. Nothing is made of them, however many.
    pub fn each_child(&self, process: ProcessId) -> impl Iterator<Item = ProcessId> {
        let newest = self.process(process).and_then(|process| process.newest_child);
        std::iter::successors(newest, |child| self.process(*child)?.elder_sibling)
    }

    /// The events of a process, all of them, the one that came last first.
    pub fn each_event_of(&self, process: ProcessId) -> impl Iterator<Item = EventId> {
        let newest = self.process(process).and_then(|process| process.newest_event);
        std::iter::successors(newest, |id| self.event(*id)?.previous_of_process)
    }

    /// Returns the first `most` children by the time of their start, and the count of all.
    #[must_use]
    pub fn first_children(&self, process: ProcessId, most: usize) -> (Vec<ProcessId>, usize) {
        let started = |id: &ProcessId| self.event(self.process(*id)?.start?)?.time;
        // Of those that start at one time the one that was met last is the first.
        first_of(self.each_child(process).enumerate().map(|(at, child)| ((started(&child), at), child)), most)
    }

    /// Returns the first `most` wanted events of a process by time, and the count of all.
    pub fn first_events_of(
        &self,
        process: ProcessId,
        most: usize,
        is_wanted: impl Fn(&StoredEvent) -> bool,
    ) -> (Vec<EventId>, usize) {
        let wanted = self.each_event_of(process).filter_map(|id| Some((id, self.event(id)?)));
        let wanted = wanted.filter(|(_, event)| is_wanted(event));
        let key = |event: &StoredEvent| (event.time, event.record_id_or_max, event.source, event.place);
        first_of(wanted.enumerate().map(|(at, (id, event))| ((key(event), at), id)), most)
    }

    /// The children that are known, by the time of their start.
    #[must_use]
    pub fn children(&self, process: ProcessId) -> Vec<ProcessId> {
        let mut children = Vec::new();
        let mut next = self.process(process).and_then(|process| process.newest_child);
        while let Some(child) = next {
            if children.len() == MAX_WALK {
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
