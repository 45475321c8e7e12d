//! The runs of a test apart from each other: by the process tree, and by time where the tree does not tell.
//!
//! An act is a process: it and all that it started are the run. A trace joins the run of the act above it; where there is
//! none, traces of one process make a run until nothing comes for a while. What no process can be told of (other
//! channels, a zero GUID) joins the run of its host that is nearest in time.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::definition::{Role, Test};
use super::report::Scene;
use crate::model::event::{Field, code};
use crate::model::time::Timestamp;
use crate::store::event::{EventId, StoredEvent};
use crate::store::process::ProcessId;

/// Seconds of silence after which traces are another run's.
const GAP: i64 = 120;
/// Seconds around a run in which what has no process may be its own.
const AROUND: i64 = 120;
/// Seconds before an act in which the same shell may have prepared it, and after it in which it may have tidied up.
const BEFORE: i64 = 900;
const AFTER: i64 = 10;
/// Generations that are gone up, and processes that one run takes: a log can claim any tree.
const MOST_GENERATIONS: usize = 64;
const MOST_PROCESSES: usize = 4_096;
/// Runs of one test that are told apart; a test that is met more often is no test.
const MOST_RUNS: usize = 10_000;
/// Runs of a host that are compared by their times, on either side.
const MOST_NEIGHBOURS: usize = 64;

/// One run.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The host, by the number of its name without case.
    pub(super) host: Option<usize>,
    /// The first event of the act.
    pub(super) act: Option<EventId>,
    /// Its first act or trace, and its last.
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// The events that tell of it.
    starters: Vec<EventId>,
    roots: Vec<ProcessId>,
    /// The processes of the act, and what they started.
    pub(super) core: HashSet<ProcessId>,
    /// What the same shell started before.
    near: HashSet<ProcessId>,
    shell: Option<ProcessId>,
    /// From when on the shell's doings are this run's, in seconds since 1970.
    near_from: i64,
}

impl Run {
    /// How far away a time is, in seconds; 0 inside.
    fn distance(&self, seconds: Option<i64>) -> Option<i64> {
        let (first, last) = self.span?;
        let seconds = seconds?;
        Some((first.unix_seconds() - seconds).max(seconds - last.unix_seconds()).max(0))
    }

    /// The first event that tells of it.
    pub(super) fn first(&self) -> Option<EventId> {
        self.starters.first().copied()
    }

    /// When it began: the act, or the first that is known of it.
    pub(super) fn began(&self) -> Option<Timestamp> {
        self.span.map(|span| span.0)
    }
}

/// How an event belongs to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// It is of the act's own processes.
    Core,
    /// It is of the same shell, or near in time.
    Near,
}

/// The runs of one test.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the runs are what it is of")]
pub(super) struct Runs {
    pub(super) runs: Vec<Run>,
    /// Runs behind these that were too many.
    pub(super) more: usize,
    core: HashMap<ProcessId, Vec<usize>>,
    near: HashMap<ProcessId, Vec<usize>>,
    by_host: HashMap<Option<usize>, Vec<usize>>,
}

struct Starter {
    event: EventId,
    process: Option<ProcessId>,
    time: Option<Timestamp>,
    host: Option<usize>,
    is_act: bool,
}

impl Runs {
    /// Tells the runs of a test apart.
    pub(super) fn new(scene: &Scene<'_>, number: usize, test: &Test) -> Self {
        let starters = starters(scene, number, test);
        let mut runs = Self::default();
        let rest = runs.by_process(scene, starters);
        runs.by_time(rest);
        runs.more = runs.runs.len().saturating_sub(MOST_RUNS);
        runs.runs.sort_by_key(|run| (run.span, run.host));
        runs.runs.truncate(MOST_RUNS);
        for run in &mut runs.runs {
            run.grow(scene);
        }
        runs.index_core();
        runs.adopt(scene, number, test);
        runs.runs.sort_by_key(|run| (run.span, run.host));
        runs.index_core();
        runs.find_near(scene);
        runs
    }

    /// Makes runs of what has a process; gives the rest.
    fn by_process(&mut self, scene: &Scene<'_>, starters: Vec<Starter>) -> Vec<Starter> {
        let acts: HashSet<ProcessId> =
            starters.iter().filter(|starter| starter.is_act).filter_map(|starter| starter.process).collect();
        let traces: HashSet<ProcessId> = starters.iter().filter_map(|starter| starter.process).collect();
        let mut of_acts: BTreeMap<u32, Vec<Starter>> = BTreeMap::new();
        let mut of_traces: BTreeMap<u32, Vec<Starter>> = BTreeMap::new();
        let mut rest = Vec::new();
        for starter in starters {
            let Some(process) = starter.process else {
                rest.push(starter);
                continue;
            };
            let line: Vec<ProcessId> = scene.line_of(process, MOST_GENERATIONS).collect();
            let topmost =
                |of: &HashSet<ProcessId>| line.iter().rev().find(|process| of.contains(*process)).copied();
            if let Some(act) = topmost(&acts) {
                of_acts.entry(act.0).or_default().push(starter);
            } else {
                of_traces.entry(topmost(&traces).unwrap_or(process).0).or_default().push(starter);
            }
        }
        for (root, starters) in of_acts {
            self.runs.push(run_of(Some(ProcessId(root)), starters));
        }
        for (root, mut starters) in of_traces {
            starters.sort_by_key(|starter| starter.time);
            for group in split(starters) {
                self.runs.push(run_of(Some(ProcessId(root)), group));
            }
        }
        rest
    }

    /// Puts what has no process to the nearest run of its host, or makes runs of it.
    fn by_time(&mut self, mut rest: Vec<Starter>) {
        self.index_hosts();
        rest.sort_by_key(|starter| (starter.host, starter.time));
        let mut alone = Vec::new();
        for starter in rest {
            let seconds = starter.time.map(|time| time.unix_seconds());
            match self.nearest(starter.host, seconds).and_then(|number| self.runs.get_mut(number)) {
                Some(run) => run.starters.push(starter.event),
                None => alone.push(starter),
            }
        }
        for group in split(alone) {
            self.runs.push(run_of(None, group));
        }
        self.index_hosts();
    }

    fn index_hosts(&mut self) {
        self.by_host.clear();
        for (number, run) in self.runs.iter().enumerate() {
            self.by_host.entry(run.host).or_default().push(number);
        }
        for numbers in self.by_host.values_mut() {
            numbers.sort_by_key(|number| self.runs.get(*number).map(|run| run.span));
        }
    }

    /// The runs of a host around a time, each with its distance, the near ones alone.
    fn around(&self, host: Option<usize>, seconds: Option<i64>) -> impl Iterator<Item = (i64, usize)> {
        let numbers = self.by_host.get(&host).map(Vec::as_slice).unwrap_or_default();
        let began =
            |number: &usize| self.runs.get(*number).and_then(Run::began).map(|time| time.unix_seconds());
        let later = numbers.partition_point(|number| began(number) <= seconds);
        let from = later.saturating_sub(MOST_NEIGHBOURS);
        let to = numbers.len().min(later.saturating_add(MOST_NEIGHBOURS));
        numbers
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .filter_map(move |number| Some((self.runs.get(*number)?.distance(seconds)?, *number)))
            .filter(|(distance, _)| *distance <= AROUND)
    }

    fn index_core(&mut self) {
        self.core.clear();
        for (number, run) in self.runs.iter().enumerate() {
            for process in &run.core {
                self.core.entry(*process).or_default().push(number);
            }
        }
        self.index_hosts();
    }

    /// A run without a process takes those that do what the test does, near it in time.
    fn adopt(&mut self, scene: &Scene<'_>, number: usize, test: &Test) {
        if self.runs.iter().all(|run| !run.roots.is_empty()) {
            return;
        }
        for row in 0..test.rows.len() {
            for id in scene.confirmed(number, row) {
                let Some(event) = scene.store.event(id) else { continue };
                let Some(process) = event.process.filter(|process| !self.core.contains_key(process)) else {
                    continue;
                };
                let host = scene.host_number(event);
                let seconds = event.time.map(|time| time.unix_seconds());
                let Some(near) = self.nearest(host, seconds) else { continue };
                if let Some(run) = self.runs.get_mut(near).filter(|run| run.roots.is_empty()) {
                    run.core.insert(process);
                }
            }
        }
    }

    /// What the shell of each run did before it, up to the run before.
    fn find_near(&mut self, scene: &Scene<'_>) {
        let mut last_of_shell: HashMap<ProcessId, i64> = HashMap::new();
        let mut children: HashMap<ProcessId, Vec<(i64, ProcessId)>> = HashMap::new();
        for number in 0..self.runs.len() {
            let Some(run) = self.runs.get(number) else { continue };
            let (Some(shell), Some((first, last))) =
                (run.roots.first().and_then(|root| scene.store.process(*root)?.parent), run.span)
            else {
                continue;
            };
            let before = last_of_shell.insert(shell, last.unix_seconds()).unwrap_or(i64::MIN);
            let from = (first.unix_seconds() - BEFORE).max(before.saturating_add(1));
            let to = last.unix_seconds() + AFTER;
            let mut near = HashSet::new();
            let children = children.entry(shell).or_insert_with(|| scene.started_by(shell));
            let first = children.partition_point(|(started, _)| *started < from);
            for (_, child) in children.iter().skip(first).take_while(|(started, _)| *started <= to) {
                if !self.core.contains_key(child) {
                    scene.descend(*child, MOST_PROCESSES, &mut near);
                }
            }
            for process in near.iter().chain([&shell]) {
                self.near.entry(*process).or_default().push(number);
            }
            if let Some(run) = self.runs.get_mut(number) {
                (run.shell, run.near, run.near_from) = (Some(shell), near, from);
            }
        }
    }

    /// The run of a host that is nearest in time, and near enough.
    fn nearest(&self, host: Option<usize>, seconds: Option<i64>) -> Option<usize> {
        self.around(host, seconds).min().map(|(_, number)| number)
    }

    /// The runs that an event belongs to, mostly none or one.
    pub(super) fn of(&self, scene: &Scene<'_>, event: &StoredEvent) -> Vec<(usize, Tie)> {
        let seconds = event.time.map(|time| time.unix_seconds());
        let Some(process) = event.process else { return self.without_process(scene, event, seconds) };
        if let Some(numbers) = self.core.get(&process) {
            // Of several runs of one process the nearest.
            let nearest = numbers.iter().min_by_key(|number| {
                self.runs.get(**number).and_then(|run| run.distance(seconds)).unwrap_or(i64::MAX)
            });
            return nearest.map(|number| (*number, Tie::Core)).into_iter().collect();
        }
        let numbers = self.near.get(&process).into_iter().flatten().copied();
        let is_of = |number: &usize| {
            let Some(run) = self.runs.get(*number) else { return false };
            let until = run.span.map_or(i64::MAX, |(_, last)| last.unix_seconds() + AFTER);
            let is_in_time = seconds.is_some_and(|seconds| (run.near_from..=until).contains(&seconds));
            // The shell itself was there before.
            is_in_time
                || run.near.contains(&process)
                || (run.shell == Some(process) && event.event_code == code::PROCESS_CREATE)
        };
        numbers.filter(is_of).map(|number| (number, Tie::Near)).collect()
    }

    /// Another channel's event, or one without a GUID: the run that has its process's number, else the nearest.
    fn without_process(
        &self,
        scene: &Scene<'_>,
        event: &StoredEvent,
        seconds: Option<i64>,
    ) -> Vec<(usize, Tie)> {
        let host = scene.host_number(event);
        let number = scene.store.field(event, Field::NewProcessId).and_then(decimal);
        let by_number = number.and_then(|number| {
            let mut near = self.around(host, seconds).map(|(_, at)| at);
            near.find(|at| self.runs.get(*at).is_some_and(|run| run.has_number(scene, &number)))
        });
        by_number.or_else(|| self.nearest(host, seconds)).map(|at| (at, Tie::Near)).into_iter().collect()
    }
}

impl Run {
    /// Takes in all that its processes started.
    fn grow(&mut self, scene: &Scene<'_>) {
        for root in self.roots.clone() {
            scene.descend(root, MOST_PROCESSES, &mut self.core);
        }
    }

    /// Whether one of its processes has that number.
    fn has_number(&self, scene: &Scene<'_>, number: &str) -> bool {
        self.core.iter().any(|process| {
            let start = scene.store.process(*process).and_then(|process| process.start);
            let start = start.and_then(|start| scene.store.event(start));
            start.and_then(|start| scene.store.field(start, Field::ProcessId)) == Some(number)
        })
    }
}

/// `0x1f4` as `500`.
fn decimal(text: &str) -> Option<String> {
    let digits = text.trim().strip_prefix("0x")?;
    u64::from_str_radix(digits, 16).ok().map(|number| number.to_string())
}

/// The acts and traces that lie in the scope.
fn starters(scene: &Scene<'_>, number: usize, test: &Test) -> Vec<Starter> {
    let mut starters = Vec::new();
    for (at, row) in test.rows.iter().enumerate() {
        if row.role() == Role::Context {
            continue;
        }
        for id in scene.confirmed(number, at) {
            let Some(event) = scene.store.event(id).filter(|event| scene.is_in_scope(event)) else {
                continue;
            };
            starters.push(Starter {
                event: id,
                process: event.process,
                time: event.time,
                host: scene.host_number(event),
                is_act: row.role() == Role::Act,
            });
        }
    }
    starters
}

/// Cuts starters in order of host and time where the host changes or nothing comes for a while.
fn split(starters: Vec<Starter>) -> Vec<Vec<Starter>> {
    let mut groups: Vec<Vec<Starter>> = Vec::new();
    for starter in starters {
        let goes_on = groups.last().and_then(|group| group.last()).is_some_and(|last: &Starter| {
            let seconds = |time: Option<Timestamp>| time.map_or(i64::MIN, |time| time.unix_seconds());
            last.host == starter.host && seconds(starter.time).saturating_sub(seconds(last.time)) <= GAP
        });
        match groups.last_mut().filter(|_| goes_on) {
            Some(group) => group.push(starter),
            None => groups.push(vec![starter]),
        }
    }
    groups
}

fn run_of(root: Option<ProcessId>, mut starters: Vec<Starter>) -> Run {
    starters.sort_by_key(|starter| (starter.time, starter.event));
    let times = || starters.iter().filter_map(|starter| starter.time);
    Run {
        host: starters.first().and_then(|starter| starter.host),
        act: starters.iter().find(|starter| starter.is_act).map(|starter| starter.event),
        span: times().min().zip(times().max()),
        starters: starters.iter().map(|starter| starter.event).collect(),
        roots: root.into_iter().collect(),
        ..Run::default()
    }
}
