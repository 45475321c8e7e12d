//! The tree of processes around runs: the topmost one above a process, and the processes that a shell started in a
//! time.
//!
//! A process below a shell has a place in the order of a walk through the tree, children by the time of their start.
//! The processes that a shell started between two times, with all below them, are then one range of places, whatever
//! its size. Runs that share nearby processes share the range without a copy for each.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::report::Scene;
use crate::store::ids::ProcessId;

/// Finds the topmost process of a set above others. Each process is looked at once, whatever is asked.
pub(super) struct Topmost {
    of: HashSet<ProcessId>,
    known: HashMap<ProcessId, Option<ProcessId>>,
}

impl Topmost {
    pub(super) fn new(of: HashSet<ProcessId>) -> Self {
        Self { of, known: HashMap::new() }
    }

    /// The topmost one of the set among a process and all above it.
    pub(super) fn above(&mut self, scene: &Scene<'_>, process: ProcessId) -> Option<ProcessId> {
        let (mut way, mut top) = (Vec::new(), None);
        let mut at = Some(process);
        while let Some(process) = at {
            if let Some(known) = self.known.get(&process) {
                top = *known;
                break;
            }
            // A log can claim that a process is above itself: the way ends where it comes round.
            self.known.insert(process, None);
            way.push(process);
            at = scene.store.process(process).and_then(|process| process.parent);
        }
        for process in way.into_iter().rev() {
            top = top.or_else(|| self.of.contains(&process).then_some(process));
            self.known.insert(process, top);
        }
        top
    }
}

/// The processes below the shells of runs, in the order of their places.
#[derive(Debug, Default)]
pub(super) struct Around {
    /// By process: its own place, and the first one after all its descendants.
    places: HashMap<ProcessId, Range<u32>>,
    /// By shell: its children whose start is known, by that, in seconds since 1970.
    started: HashMap<ProcessId, Vec<(i64, ProcessId)>>,
}

impl Around {
    pub(super) fn new(scene: &Scene<'_>, shells: impl Iterator<Item = ProcessId>) -> Self {
        let shells: HashSet<ProcessId> = shells.collect();
        let mut topmost = Topmost::new(shells.clone());
        let mut in_order: Vec<ProcessId> = shells.iter().copied().collect();
        in_order.sort_unstable_by_key(|shell| shell.0);
        let mut around = Self::default();
        for shell in in_order {
            let top = topmost.above(scene, shell).unwrap_or(shell);
            around.walk(scene, &shells, top);
            // Only where the log says that the two are above each other it is not met below the other.
            around.walk(scene, &shells, shell);
        }
        around
    }

    /// Assigns places to a process and all its descendants, if they have no place yet.
    fn walk(&mut self, scene: &Scene<'_>, shells: &HashSet<ProcessId>, from: ProcessId) {
        enum Step {
            Enter(ProcessId),
            Leave(ProcessId),
        }
        let mut next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let mut steps = vec![Step::Enter(from)];
        while let Some(step) = steps.pop() {
            let process = match step {
                Step::Enter(process) => process,
                Step::Leave(process) => {
                    if let Some(place) = self.places.get_mut(&process) {
                        place.end = next;
                    }
                    continue;
                }
            };
            if self.places.contains_key(&process) {
                continue;
            }
            self.places.insert(process, next..next + 1);
            next = next.saturating_add(1);
            let started = |child: ProcessId| scene.store.event(scene.store.process(child)?.start?)?.time;
            let mut children: Vec<(Option<_>, ProcessId)> =
                scene.store.events().each_child(process).map(|child| (started(child), child)).collect();
            let start = |child: ProcessId| scene.order(scene.store.process(child)?.start?);
            // Children without a known start sort first, and are in no range between two times.
            children.sort_by_key(|(_, child)| (start(*child), child.0));
            if shells.contains(&process) {
                let known =
                    children.iter().filter_map(|(time, child)| Some(((*time)?.unix_seconds(), *child)));
                self.started.insert(process, known.collect());
            }
            steps.push(Step::Leave(process));
            steps.extend(children.into_iter().rev().map(|(_, child)| Step::Enter(child)));
        }
    }

    /// Returns the places of the processes that a shell started between two times, both included, and of all below.
    pub(super) fn started(&self, shell: ProcessId, from: i64, to: i64) -> Range<u32> {
        let children = self.started.get(&shell).map(Vec::as_slice).unwrap_or_default();
        let first = children.partition_point(|(started, _)| *started < from);
        let behind = children.partition_point(|(started, _)| *started <= to);
        let places = |at: usize| children.get(at).and_then(|(_, child)| self.places.get(child));
        match (places(first), behind.checked_sub(1).and_then(places)) {
            (Some(first), Some(last)) if first.start < last.end => first.start..last.end,
            _ => 0..0,
        }
    }

    pub(super) fn place(&self, process: ProcessId) -> Option<u32> {
        self.places.get(&process).map(|place| place.start)
    }

    pub(super) fn is_shell(&self, process: ProcessId) -> bool {
        self.started.contains_key(&process)
    }
}
