//! Separates the runs of a test: by the process tree, and by time where the tree does not decide.
//!
//! An act is a process: it and all that it started are the run. A trace joins the run of the act above it. Without such
//! an act, traces of one process form a run until nothing comes for a while. Events without a usable process (other
//! channels, a zero GUID) join the run of their host that is nearest in time.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Range, RangeInclusive};

use super::around::{Around, Topmost};
use super::definition::{Role, Test};
use super::report::Scene;
use crate::model::event::Field;
use crate::model::time::Timestamp;
use crate::store::events::event::StoredEvent;
use crate::store::ids::{EventId, ProcessId};

/// Seconds of silence after which traces are another run's.
const GAP: i64 = 120;
/// Seconds around a run in which an event without a process may belong to it.
const AROUND: i64 = 120;
/// Seconds before an act in which the same shell may have prepared it, and after it in which it may have tidied up.
const BEFORE: i64 = 900;
const AFTER: i64 = 10;
/// Maximum number of runs of one test that are kept apart; a test that is met more often is no test.
const MAX_RUNS: usize = 10_000;
/// Maximum number of runs of a host that are compared by their times, on either side.
const MAX_NEIGHBOURS: usize = 64;

/// One run.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The host, by the number of its name without case.
    pub(super) host: Option<usize>,
    /// The first event of the act.
    pub(super) act: Option<EventId>,
    /// Its first act or trace, and its last.
    pub(super) span: Option<(Timestamp, Timestamp)>,
    /// The acts and traces that established it.
    starters: Vec<EventId>,
    /// The process of the act: it and all that it started is the run's own.
    root: Option<ProcessId>,
    /// The events of its own processes, as they were met.
    pub(super) events: Vec<EventId>,
    /// The events of the same shell around it.
    pub(super) near: Option<Near>,
}

/// The events of the shell around a run.
#[derive(Clone, Debug)]
pub(super) struct Near {
    pub(super) shell: ProcessId,
    /// The times at which the shell's own actions belong to the run, in seconds since 1970.
    pub(super) seconds: RangeInclusive<i64>,
    /// The places of the processes that it started then, and of all their descendants.
    pub(super) places: Range<u32>,
}

impl Run {
    /// Returns the distance of a time, in seconds; 0 inside the run.
    fn distance(&self, seconds: Option<i64>) -> Option<i64> {
        let (first, last) = self.span?;
        let seconds = seconds?;
        Some((first.unix_seconds() - seconds).max(seconds - last.unix_seconds()).max(0))
    }

    /// Returns the first act or trace that established it.
    pub(super) fn first(&self) -> Option<EventId> {
        self.starters.first().copied()
    }

    /// Returns its start: the time of its first act or trace.
    pub(super) fn began(&self) -> Option<Timestamp> {
        self.span.map(|span| span.0)
    }
}

/// How an event belongs to runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// It belongs to no run.
    Nothing,
    /// It belongs to the act's own processes of this run.
    Core(usize),
    /// It has no process, and is near this run in time.
    Alone(usize),
    /// Its process lies around runs: it belongs to those that have its place near them, or its process as their shell.
    Around {
        /// Its process.
        process: ProcessId,
        /// The place of that process, if it is below some run's shell.
        place: Option<u32>,
        /// True if it is the shell of some run.
        is_shell: bool,
    },
}

/// The runs of one test.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the runs are what it is of")]
pub(super) struct Runs {
    pub(super) runs: Vec<Run>,
    /// Count of further runs, beyond the maximum.
    pub(super) more: usize,
    /// By process: the roots that it is below or itself, of an act and of traces.
    roots: HashMap<ProcessId, [Option<ProcessId>; 2]>,
    /// By root: its runs, by time. Traces of one process that lie apart are runs of one root.
    of_root: HashMap<ProcessId, Vec<usize>>,
    /// By process that was put to runs without one: these runs, by time.
    adopted: HashMap<ProcessId, Vec<usize>>,
    by_host: HashMap<Option<usize>, Vec<usize>>,
    around: Around,
    numbers: OnceCell<HashSet<(Holder, String)>>,
}

/// Whose processes are looked for by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Root(ProcessId),
    Run(usize),
}

struct Starter {
    event: EventId,
    process: Option<ProcessId>,
    time: Option<Timestamp>,
    host: Option<usize>,
    is_act: bool,
}

impl Runs {
    /// Separates the runs of a test.
    pub(super) fn new(scene: &Scene<'_>, number: usize, test: &Test) -> Self {
        let starters = starters(scene, number, test);
        let mut runs = Self::default();
        let rest = runs.by_process(scene, starters);
        runs.sort(scene);
        runs.by_time(scene, rest);
        runs.more = runs.runs.len().saturating_sub(MAX_RUNS);
        runs.sort(scene);
        runs.runs.truncate(MAX_RUNS);
        runs.index(scene);
        runs.adopt(scene, number, test);
        runs.find_near(scene);
        runs.gather_events(scene);
        runs
    }

    /// Sorts the runs by time; the order of arrival does not decide.
    fn sort(&mut self, scene: &Scene<'_>) {
        self.runs.sort_by_cached_key(|run| {
            (run.span, scene.host_place(run.host), run.first().and_then(|first| scene.order(first)))
        });
    }

    /// Makes runs of the starters that have a process; returns the rest.
    fn by_process(&mut self, scene: &Scene<'_>, starters: Vec<Starter>) -> Vec<Starter> {
        let processes = |of: &dyn Fn(&Starter) -> bool| -> HashSet<ProcessId> {
            starters.iter().filter(|starter| of(starter)).filter_map(|starter| starter.process).collect()
        };
        let mut acts = Topmost::new(processes(&|starter| starter.is_act));
        let mut traces = Topmost::new(processes(&|_| true));
        let mut of_acts: BTreeMap<u32, Vec<Starter>> = BTreeMap::new();
        let mut of_traces: BTreeMap<u32, Vec<Starter>> = BTreeMap::new();
        let mut rest = Vec::new();
        for starter in starters {
            let Some(process) = starter.process else {
                rest.push(starter);
                continue;
            };
            if let Some(act) = acts.above(scene, process) {
                of_acts.entry(act.0).or_default().push(starter);
            } else {
                let root = traces.above(scene, process).unwrap_or(process);
                of_traces.entry(root.0).or_default().push(starter);
            }
        }
        for (root, starters) in of_acts {
            self.runs.push(run_of(scene, Some(ProcessId(root)), starters));
        }
        for (root, mut starters) in of_traces {
            starters.sort_by_key(|starter| scene.order(starter.event));
            for group in split(starters) {
                self.runs.push(run_of(scene, Some(ProcessId(root)), group));
            }
        }
        rest
    }

    /// Adds starters without a process to the nearest run of their host, or makes runs of them.
    fn by_time(&mut self, scene: &Scene<'_>, mut rest: Vec<Starter>) {
        self.index_hosts();
        rest.sort_by_key(|starter| (starter.host, scene.order(starter.event)));
        let mut alone = Vec::new();
        for starter in rest {
            let seconds = starter.time.map(|time| time.unix_seconds());
            match self.nearest(starter.host, seconds).and_then(|number| self.runs.get_mut(number)) {
                Some(run) => run.starters.push(starter.event),
                None => alone.push(starter),
            }
        }
        for group in split(alone) {
            self.runs.push(run_of(scene, None, group));
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
        let from = later.saturating_sub(MAX_NEIGHBOURS);
        let to = numbers.len().min(later.saturating_add(MAX_NEIGHBOURS));
        numbers
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .filter_map(move |number| Some((self.runs.get(*number)?.distance(seconds)?, *number)))
            .filter(|(distance, _)| *distance <= AROUND)
    }

    /// Maps each process to its roots. Roots of one kind lie apart, so that each process is visited at most twice.
    fn index(&mut self, scene: &Scene<'_>) {
        self.index_hosts();
        let (mut of_acts, mut of_traces) = (Vec::new(), Vec::new());
        for (at, run) in self.runs.iter().enumerate() {
            let Some(root) = run.root else { continue };
            let of_root = self.of_root.entry(root).or_default();
            if of_root.is_empty() {
                let roots = if run.act.is_some() { &mut of_acts } else { &mut of_traces };
                roots.push(root);
            }
            of_root.push(at);
        }
        for (kind, roots) in [of_acts, of_traces].into_iter().enumerate() {
            for root in roots {
                let mut waiting = vec![root];
                while let Some(process) = waiting.pop() {
                    let Some(slot) = self.roots.entry(process).or_default().get_mut(kind) else { continue };
                    if slot.is_none() {
                        *slot = Some(root);
                        waiting.extend(scene.store.events().each_child(process));
                    }
                }
            }
        }
    }

    /// Gives a run without a process the processes that do the test's actions near it in time.
    fn adopt(&mut self, scene: &Scene<'_>, number: usize, test: &Test) {
        if self.runs.iter().all(|run| run.root.is_some()) {
            return;
        }
        for row in 0..test.rows.len() {
            for id in scene.confirmed(number, row) {
                let Some(event) = scene.store.event(id) else { continue };
                let Some(process) = event.process.filter(|process| !self.roots.contains_key(process)) else {
                    continue;
                };
                let host = scene.host_number(event);
                let seconds = event.time.map(|time| time.unix_seconds());
                let Some(near) = self.nearest(host, seconds) else { continue };
                if self.runs.get(near).is_some_and(|run| run.root.is_none()) {
                    self.adopted.entry(process).or_default().push(near);
                }
            }
        }
        for runs in self.adopted.values_mut() {
            runs.sort_unstable();
            runs.dedup();
        }
    }

    /// Finds the events of each run's shell around the run, back to the previous run.
    fn find_near(&mut self, scene: &Scene<'_>) {
        let shell_of = |run: &Run| scene.store.process(run.root?)?.parent;
        self.around = Around::new(scene, self.runs.iter().filter_map(shell_of));
        let mut last_of_shell: HashMap<ProcessId, i64> = HashMap::new();
        for run in &mut self.runs {
            let (Some(shell), Some((first, last))) = (shell_of(run), run.span) else { continue };
            let before = last_of_shell.insert(shell, last.unix_seconds()).unwrap_or(i64::MIN);
            let from = (first.unix_seconds() - BEFORE).max(before.saturating_add(1));
            let to = last.unix_seconds() + AFTER;
            let places = self.around.started(shell, from, to);
            run.near = Some(Near { shell, seconds: from..=to, places });
        }
    }

    /// Gives each run the events of its own processes; each event is one run's.
    fn gather_events(&mut self, scene: &Scene<'_>) {
        let processes: Vec<ProcessId> = self.roots.keys().chain(self.adopted.keys()).copied().collect();
        for process in processes {
            for id in scene.store.events().each_event_of(process) {
                let Some(event) = scene.store.event(id) else { continue };
                if let Some(run) = self.core_of(event).and_then(|run| self.runs.get_mut(run)) {
                    run.events.push(id);
                }
            }
        }
    }

    /// The run of a host that is nearest in time, and near enough.
    fn nearest(&self, host: Option<usize>, seconds: Option<i64>) -> Option<usize> {
        self.around(host, seconds).min().map(|(_, number)| number)
    }

    /// The run whose own process an event is of; of several runs of one process the nearest.
    pub(super) fn core_of(&self, event: &StoredEvent) -> Option<usize> {
        let process = event.process?;
        let seconds = event.time.map(|time| time.unix_seconds());
        let roots = self.roots.get(&process).copied().unwrap_or_default();
        let of_roots = roots.into_iter().flatten().filter_map(|root| self.of_root.get(&root));
        let lists = of_roots.chain(self.adopted.get(&process));
        lists.filter_map(|list| self.nearest_of(list, seconds)).min().map(|(_, run)| run)
    }

    /// Returns the nearest of disjoint runs in time order, with its distance.
    fn nearest_of(&self, runs: &[usize], seconds: Option<i64>) -> Option<(i64, usize)> {
        let began = |number: &usize| self.runs.get(*number)?.began().map(|time| time.unix_seconds());
        let later = runs.partition_point(|number| began(number) <= seconds);
        let near = runs.get(later.saturating_sub(1)..runs.len().min(later + 1)).unwrap_or_default();
        let distance =
            |number: &usize| self.runs.get(*number).and_then(|run| run.distance(seconds)).unwrap_or(i64::MAX);
        near.iter().map(|number| (distance(number), *number)).min()
    }

    /// How an event belongs to runs.
    pub(super) fn tie(&self, scene: &Scene<'_>, event: &StoredEvent) -> Tie {
        let Some(process) = event.process else {
            let seconds = event.time.map(|time| time.unix_seconds());
            return self.without_process(scene, event, seconds).map_or(Tie::Nothing, Tie::Alone);
        };
        if let Some(run) = self.core_of(event) {
            return Tie::Core(run);
        }
        let (place, is_shell) = (self.around.place(process), self.around.is_shell(process));
        if place.is_none() && !is_shell { Tie::Nothing } else { Tie::Around { process, place, is_shell } }
    }

    /// Another channel's event, or one without a GUID: the run that has its process's number, else the nearest.
    fn without_process(&self, scene: &Scene<'_>, event: &StoredEvent, seconds: Option<i64>) -> Option<usize> {
        let host = scene.host_number(event);
        let number = scene.store.field(event, Field::NewProcessId).and_then(decimal);
        let by_number = number.and_then(|number| {
            let mut near = self.around(host, seconds).map(|(_, at)| at);
            near.find(|at| self.has_number(scene, *at, &number))
        });
        by_number.or_else(|| self.nearest(host, seconds))
    }

    /// Returns whether one of a run's processes has that number.
    fn has_number(&self, scene: &Scene<'_>, run: usize, number: &str) -> bool {
        let numbers = self.numbers.get_or_init(|| {
            let number_of = |process: ProcessId| {
                let start = scene.store.event(scene.store.process(process)?.start?)?;
                scene.store.field(start, Field::ProcessId).map(str::to_owned)
            };
            let of_roots = self.roots.iter().flat_map(|(process, roots)| {
                roots.iter().flatten().map(|root| (Holder::Root(*root), *process))
            });
            let of_runs = self
                .adopted
                .iter()
                .flat_map(|(process, runs)| runs.iter().map(|run| (Holder::Run(*run), *process)));
            let all = of_roots.chain(of_runs);
            all.filter_map(|(holder, process)| Some((holder, number_of(process)?))).collect()
        });
        let root = self.runs.get(run).and_then(|run| run.root);
        let holder = root.map_or(Holder::Run(run), Holder::Root);
        numbers.contains(&(holder, number.to_owned()))
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
        if !row.role().starts_a_run() {
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

/// Splits starters in order of host and time where the host changes, or where none comes for a while.
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

fn run_of(scene: &Scene<'_>, root: Option<ProcessId>, mut starters: Vec<Starter>) -> Run {
    starters.sort_by_key(|starter| scene.order(starter.event));
    let times = || starters.iter().filter_map(|starter| starter.time);
    Run {
        host: starters.first().and_then(|starter| starter.host),
        act: starters.iter().find(|starter| starter.is_act).map(|starter| starter.event),
        span: times().min().zip(times().max()),
        starters: starters.iter().map(|starter| starter.event).collect(),
        root,
        ..Run::default()
    }
}
