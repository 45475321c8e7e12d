//! The push matrix, of who pushes where: the findings of a profile, alerts and suppressed, as a table of repositories'
//! owners and of hosts or users.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::thread::JoinHandle;
use std::time::Duration;

use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::model::event::Field;
use crate::model::repository;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::ids::{Epoch, FindingId};
use crate::store::list::listing::Query;
use crate::store::resumable::Pause;
use crate::store::tuning_matches::TuningMatches;
use crate::store::view::FindingView;

const DAY: i64 = 86_400;
/// Findings that are counted between two polls of the pause; each takes some microseconds.
const FINDINGS_PER_POLL: u32 = if cfg!(test) { 2 } else { 128 };
/// Seconds without a finding after which the rest is of a broken clock.
const BROKEN_CLOCK: i64 = 10 * 365 * DAY;

/// The columns of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// The hosts.
    #[default]
    Host,
    /// The users.
    User,
}

impl Axis {
    /// Its name: the filter's field too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
        }
    }

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Host => Self::User,
            Self::User => Self::Host,
        }
    }
}

/// Some findings, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that are alerts.
    pub alerts: usize,
    /// Those that were selected but suppressed.
    pub suppressed: usize,
    /// The highest score of them.
    pub top_score: u8,
    /// The earliest time.
    pub first: Option<Timestamp>,
    /// The latest time.
    pub last: Option<Timestamp>,
    /// True if its first finding is of the log's last day, while the log holds earlier ones.
    pub is_new: bool,
}

impl Count {
    fn add(&mut self, score: u8, min_score: u8, time: Option<Timestamp>) {
        if score >= min_score {
            self.alerts += 1;
        } else {
            self.suppressed += 1;
        }
        self.top_score = self.top_score.max(score);
        self.last = self.last.max(time);
        if let Some(time) = time {
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
        }
    }

    /// Alerts and suppressed.
    #[must_use]
    pub const fn all(&self) -> usize {
        self.alerts + self.suppressed
    }
}

/// A row or a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AxisEntry {
    /// The owner, host or user; `None` for findings that name none.
    pub name: Option<String>,
    /// All of it.
    pub count: Count,
    /// An owner's repositories that were first seen on the log's last day, by name.
    pub new_repositories: Vec<String>,
}

/// The table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushMatrix {
    /// The owners, those with most alerts first.
    pub owners: Vec<AxisEntry>,
    /// The hosts or users, those with most alerts first.
    pub columns: Vec<AxisEntry>,
    /// By number of owner and of host or user; a missing cell is 0.
    pub cells: HashMap<(usize, usize), Count>,
    /// The beginning of the log's last day (UTC), in seconds since 1970; `None` where it holds one day only, so that
    /// nothing in it can be called new.
    pub last_day: Option<i64>,
}

/// Counts by name, in order of appearance.
#[derive(Default)]
struct Counter {
    heads: Vec<AxisEntry>,
    by_name: HashMap<Option<String>, usize>,
}

impl Counter {
    fn count(&mut self, name: Option<String>, add: impl FnOnce(&mut Count)) -> usize {
        let number = *self.by_name.entry(name).or_insert_with_key(|name| {
            self.heads.push(AxisEntry { name: name.clone(), ..AxisEntry::default() });
            self.heads.len() - 1
        });
        if let Some(head) = self.heads.get_mut(number) {
            add(&mut head.count);
        }
        number
    }

    /// The heads in their order, and the place of each number in it.
    fn in_order(self) -> (Vec<AxisEntry>, Vec<usize>) {
        let mut order: Vec<(usize, AxisEntry)> = self.heads.into_iter().enumerate().collect();
        order.sort_by(|(_, a), (_, b)| {
            let key = |head: &AxisEntry| {
                (Reverse(head.count.alerts), Reverse(head.count.all()), head.name.is_none())
            };
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        let mut places = vec![0; order.len()];
        for (place, (number, _)) in order.iter().enumerate() {
            if let Some(slot) = places.get_mut(*number) {
                *slot = place;
            }
        }
        (order.into_iter().map(|(_, head)| head).collect(), places)
    }
}

/// A table that is being made, in steps that can be interrupted: a screen must answer while a million findings are
/// counted.
pub struct PushMatrixBuilder {
    of: PushMatrixInputs,
    /// The next finding by number.
    next: u32,
    counts: Counts,
    /// The thread that sorts the counts: of very many owners that takes longer than a frame.
    ordering: Option<JoinHandle<PushMatrix>>,
}

/// The inputs of a table. Other inputs give another table.
#[derive(Clone, Debug, PartialEq)]
pub struct PushMatrixInputs {
    query: Query,
    axis: Axis,
    patterns: Patterns,
    exceptions: Exceptions,
    epoch: Epoch,
}

impl PushMatrixInputs {
    /// Returns the present inputs of a table: all findings of a query's profile, whatever it filters. Its minimum score
    /// separates alerts from suppressed.
    #[must_use]
    pub fn new(store: &Store, tuning: &TuningMatches, query: Query, axis: Axis) -> Self {
        let (patterns, exceptions) = (tuning.patterns().clone(), tuning.exceptions().clone());
        Self { query, axis, patterns, exceptions, epoch: store.epoch() }
    }
}

/// The counts so far.
#[derive(Default)]
struct Counts {
    owners: Counter,
    columns: Counter,
    times: Vec<i64>,
    /// By number of owner and name: when a repository was first seen.
    repositories: HashMap<(usize, String), Option<Timestamp>>,
    cells: HashMap<(usize, usize), Count>,
}

impl PushMatrixBuilder {
    /// Begins with nothing counted.
    #[must_use]
    pub fn new(of: PushMatrixInputs) -> Self {
        Self { of, next: 0, counts: Counts::default(), ordering: None }
    }

    /// Returns its inputs.
    #[must_use]
    pub const fn basis(&self) -> &PushMatrixInputs {
        &self.of
    }

    /// Returns its progress in percent.
    #[must_use]
    pub fn percent(&self, store: &Store) -> usize {
        self.next as usize * 100 / store.findings().len().max(1)
    }

    /// Goes on until the table is made, which it gives, or it is time to stop.
    pub fn advance(&mut self, store: &Store, tuning: &TuningMatches, pause: Pause<'_>) -> Option<PushMatrix> {
        if self.ordering.is_none() {
            if !self.count(store, tuning, pause) {
                return None;
            }
            let counts = std::mem::take(&mut self.counts);
            let spans: Vec<_> = store.spans().collect();
            let Ok(thread) = std::thread::Builder::new().spawn({
                let spans = spans.clone();
                move || counts.in_order(&spans)
            }) else {
                // The counts are gone with it: all are counted again, since an empty table would be untrue.
                self.next = 0;
                return None;
            };
            self.ordering = Some(thread);
        }
        while self.ordering.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if pause() {
                return None;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        self.ordering.take().and_then(|thread| thread.join().ok())
    }

    fn count(&mut self, store: &Store, tuning: &TuningMatches, pause: Pause<'_>) -> bool {
        let PushMatrixInputs { query, axis, .. } = &self.of;
        while (self.next as usize) < store.findings().len() {
            let id = FindingId(self.next);
            self.next += 1;
            if let Some(view) = store.view(id, query.profile, tuning)
                && query.up_to_event.is_none_or(|events| (view.finding().event.0 as usize) < events)
            {
                self.counts.add(&view, query.min_score, *axis);
            }
            if self.next.is_multiple_of(FINDINGS_PER_POLL) && pause() {
                return false;
            }
        }
        true
    }
}

impl Counts {
    fn add(&mut self, view: &FindingView<'_>, min_score: u8, axis: Axis) {
        let (score, time) = (view.score(), view.time());
        self.times.extend(time.map(|time| time.unix_seconds()));
        let other = match axis {
            Axis::Host => view.host_name(),
            Axis::User => view.text(Field::User),
        };
        let add = |count: &mut Count| count.add(score, min_score, time);
        let repository = view.destination();
        let owner = self.owners.count(repository.as_deref().map(repository::owner), add);
        if let Some(repository) = repository.filter(|repository| repository.matches('/').count() > 1) {
            let first = self.repositories.entry((owner, repository.to_lowercase())).or_insert(time);
            *first = [*first, time].into_iter().flatten().min();
        }
        let other = self.columns.count(other.map(str::to_owned), add);
        add(self.cells.entry((owner, other)).or_default());
    }

    /// Makes the table; `spans` are the first and last times of the hosts.
    fn in_order(mut self, spans: &[(Timestamp, Timestamp)]) -> PushMatrix {
        let (owners, owner_places) = self.owners.in_order();
        let (columns, other_places) = self.columns.in_order();
        let place = |places: &[usize], number: usize| places.get(number).copied().unwrap_or(0);
        let cells = self
            .cells
            .into_iter()
            .map(|((owner, other), count)| {
                ((place(&owner_places, owner), place(&other_places, other)), count)
            })
            .collect();
        let mut table = PushMatrix { owners, columns, cells, last_day: last_day(spans, &mut self.times) };
        table.mark_new();
        table.name_new_repositories(self.repositories, &owner_places);
        table
    }
}

impl PushMatrix {
    fn mark_new(&mut self) {
        let Some(day) = self.last_day else { return };
        let counts = self.owners.iter_mut().chain(&mut self.columns).map(|head| &mut head.count);
        for count in counts.chain(self.cells.values_mut()) {
            count.is_new = count.first.is_some_and(|first| first.unix_seconds() >= day);
        }
    }

    fn name_new_repositories(
        &mut self,
        repositories: HashMap<(usize, String), Option<Timestamp>>,
        places: &[usize],
    ) {
        let Some(day) = self.last_day else { return };
        for ((owner, repository), first) in repositories {
            if first.is_some_and(|first| first.unix_seconds() >= day)
                && let Some(head) = places.get(owner).and_then(|place| self.owners.get_mut(*place))
            {
                head.new_repositories.push(repository);
            }
        }
        for head in &mut self.owners {
            head.new_repositories.sort_unstable();
        }
    }

    /// Returns the counts of an owner and a column.
    #[must_use]
    pub fn cell(&self, owner: usize, other: usize) -> Option<&Count> {
        self.cells.get(&(owner, other))
    }
}

/// The beginning of the last day of a log, where it holds more than that day. Times ten years away from most of the
/// findings' are a broken clock's, and no part of it.
fn last_day(spans: &[(Timestamp, Timestamp)], times: &mut [i64]) -> Option<i64> {
    times.sort_unstable();
    let (from, to) = times
        .chunk_by(|earlier, later| later.saturating_sub(*earlier) <= BROKEN_CLOCK)
        .max_by_key(|together| together.len())
        .and_then(|together| Some((*together.first()?, *together.last()?)))?;
    let (mut first, mut last) = (from, to);
    for (earliest, latest) in spans {
        for seconds in [earliest.unix_seconds(), latest.unix_seconds()] {
            if seconds >= from.saturating_sub(BROKEN_CLOCK) && seconds <= to.saturating_add(BROKEN_CLOCK) {
                (first, last) = (first.min(seconds), last.max(seconds));
            }
        }
    }
    let day = last.div_euclid(DAY) * DAY;
    (first < day).then_some(day)
}
