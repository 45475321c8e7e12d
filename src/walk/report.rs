//! The result of a walk, assembled: tests, runs, steps, verdicts.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use super::definition::{Condition, Origin, Role, Test};
use super::matching::{HostCount, Walk};
use super::runs::{Run, Runs};
use super::steps::Found;
use super::{steps, verdict};
use crate::detect::clauses::is_listed_host;
use crate::detect::profile::Profile;
use crate::model::batch::Place;
use crate::model::event::{Field, code};
use crate::model::host;
use crate::model::secrets::mask;
use crate::model::time::Timestamp;
use crate::model::walkthrough::{Folded, RunReport, TestReport};
use crate::store::Store;
use crate::store::events::event::StoredEvent;
use crate::store::ids::{EventId, ProcessId};
use crate::store::tuning_matches::TuningMatches;

/// Which runs are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// The host, by its name or its first label, without case; `None` for all.
    pub host: Option<String>,
    /// Earliest time of an act or trace.
    pub from: Option<Timestamp>,
    /// Latest time of an act or trace.
    pub to: Option<Timestamp>,
}

/// Parameters of a report.
pub struct View<'a> {
    /// The store whose events were processed.
    pub store: &'a Store,
    /// The verdicts of the patterns in force.
    pub flags: &'a TuningMatches,
    /// The profile.
    pub profile: Profile,
    /// The minimum score of an alert.
    pub min_score: u8,
    /// The runs to report.
    pub scope: &'a Scope,
}

/// A view with caches of its repeated look-ups.
pub(super) struct Scene<'a> {
    pub(super) walk: &'a Walk,
    pub(super) view: &'a View<'a>,
    pub(super) store: &'a Store,
    /// By number of host: the number of its name without case.
    host_numbers: Vec<usize>,
    /// By that number: the name as it was written, and whether it is in the scope.
    hosts: Vec<(String, bool)>,
    counts: Vec<HostCount>,
    /// By that number: its place among the hosts by name.
    host_order: Vec<usize>,
    /// By number of source: its place among the sources by name.
    source_order: Vec<usize>,
    /// The DNS answers of each process, as far as they were looked up.
    names: RefCell<HashMap<ProcessId, Vec<(IpAddr, EventId)>>>,
    /// Cached results, by row or for the search's list, process and address.
    queries: RefCell<HashMap<Lookup, Option<EventId>>>,
}

/// A row (`None` for the search's list), a process and an address.
type Lookup = (Option<(usize, usize)>, ProcessId, IpAddr);

/// Where a connection's name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// The row asks for no name, or the event itself has it.
    Own,
    /// This Event 22 of the same process.
    Joined(EventId),
}

impl Walk {
    /// Reports on all tests, from the events processed so far.
    #[must_use]
    pub fn report(&self, view: &View<'_>) -> Vec<TestReport> {
        (0..self.tests.len()).filter_map(|number| self.report_one(number, view)).collect()
    }

    /// Reports on one test, by its number from 0.
    #[must_use]
    pub fn report_one(&self, number: usize, view: &View<'_>) -> Option<TestReport> {
        Some(Scene::new(self, view).test(number, self.tests.get(number)?))
    }
}

impl<'a> Scene<'a> {
    fn new(walk: &'a Walk, view: &'a View<'a>) -> Self {
        let store = view.store;
        let mut by_name: HashMap<String, usize> = HashMap::new();
        let mut scene = Self {
            walk,
            view,
            store,
            host_numbers: Vec::new(),
            hosts: Vec::new(),
            counts: Vec::new(),
            host_order: Vec::new(),
            source_order: places_of(store.sources().iter().map(|source| source.name.clone())),
            names: RefCell::default(),
            queries: RefCell::default(),
        };
        for (id, host) in (0..).map(crate::store::ids::DistinctId).zip(store.hosts().entries()) {
            let name = host::key(store.text(host.written));
            let number = *by_name.entry(name).or_insert_with_key(|name| {
                let is_in_scope = view.scope.host.as_ref().is_none_or(|wanted| host::is_meant(name, wanted));
                scene.hosts.push((store.text(host.written).to_owned(), is_in_scope));
                scene.counts.push(HostCount::default());
                scene.hosts.len() - 1
            });
            // Of several spellings the first by name: the order of arrival does not decide.
            if let Some((shown, _)) = scene.hosts.get_mut(number)
                && store.text(host.written) < shown.as_str()
            {
                store.text(host.written).clone_into(shown);
            }
            scene.host_numbers.push(number);
            if let Some(count) = scene.counts.get_mut(number) {
                count.add(&walk.host_count(id));
            }
        }
        scene.host_order = places_of(scene.hosts.iter().map(|(name, _)| host::key(name)));
        scene
    }

    /// Returns an event's place in the order of time, host, record and source. The order of arrival changes nothing:
    /// logs that are read at once arrive in another order each time.
    pub(super) fn order(&self, id: EventId) -> Order {
        self.store.event(id).map(|event| Key {
            time: event.time,
            host: self.host_place(self.host_number(event)),
            record: event.record_id(),
            source: self.source_order.get(event.source.0 as usize).copied(),
            place: event.place,
        })
    }

    /// Returns a host's place among the hosts by name.
    pub(super) fn host_place(&self, number: Option<usize>) -> Option<usize> {
        self.host_order.get(number?).copied()
    }

    fn test(&self, number: usize, test: &Test) -> TestReport {
        let runs = Runs::new(self, number, test);
        let found = steps::gather(self, number, test, &runs);
        let findings = verdict::gather(self, &runs);
        let (mut reports, mut folded): (Vec<RunReport>, Vec<&Run>) = (Vec::new(), Vec::new());
        for (run, (found, findings)) in runs.runs.iter().zip(found.iter().zip(&findings)) {
            if test.has_marks() && !has_a_mark(test, found) {
                folded.push(run);
                continue;
            }
            reports.push(RunReport {
                number: None,
                host: self.shown_host(run.act.or_else(|| run.first())),
                start: run.began(),
                steps: steps::report(self, test, Some(run), found),
                verdict: verdict::report(self, test, run, findings, found),
            });
        }
        // Runs are by time so far, and stay so where as many steps were seen.
        reports.sort_by_key(|run| Reverse(run.steps_seen()));
        for (number, run) in (1..).zip(&mut reports) {
            run.number = Some(number);
        }
        let folded = Self::folded(test, &folded);
        if reports.is_empty() {
            let nothing = vec![steps::Found::default(); test.rows.len()];
            reports.push(RunReport {
                number: None,
                host: self.view.scope.host.clone(),
                start: None,
                steps: steps::report(self, test, None, &nothing),
                verdict: verdict::no_trace(self, &folded),
            });
        }
        TestReport {
            name: test.name.clone(),
            sentence: test.sentence.clone(),
            technique: test.technique.clone(),
            steps: test.steps.clone(),
            runs: reports,
            folded,
            more_runs: runs.more,
        }
    }

    fn folded(test: &Test, runs: &[&Run]) -> Folded {
        let hosts: BTreeSet<Option<usize>> = runs.iter().map(|run| run.host).collect();
        let starts = || runs.iter().filter_map(|run| run.began());
        Folded {
            count: runs.len(),
            hosts: hosts.len(),
            span: starts().min().zip(starts().max()),
            act: test.act.clone(),
        }
    }

    fn shown_host(&self, event: Option<EventId>) -> Option<String> {
        self.store.event(event?).and_then(|event| self.store.host_of(event)).map(str::to_owned)
    }

    pub(super) fn host_number(&self, event: &StoredEvent) -> Option<usize> {
        self.host_numbers.get(event.host?.0 as usize).copied()
    }

    /// A host's name, as it was written.
    pub(super) fn host_name(&self, number: Option<usize>) -> Option<&str> {
        self.hosts.get(number?).map(|(name, _)| name.as_str())
    }

    /// Returns the event counts of a host's Sysmon; without a host, of all hosts in the scope.
    pub(super) fn host_count(&self, number: Option<usize>) -> HostCount {
        if let Some(number) = number {
            return self.counts.get(number).copied().unwrap_or_default();
        }
        let mut sum = HostCount::default();
        for ((_, is_in_scope), count) in self.hosts.iter().zip(&self.counts) {
            if *is_in_scope {
                sum.add(count);
            }
        }
        sum
    }

    pub(super) fn is_in_scope(&self, event: &StoredEvent) -> bool {
        let scope = self.view.scope;
        let host = match (self.host_number(event), &scope.host) {
            (_, None) => true,
            (number, Some(_)) => number.and_then(|number| self.hosts.get(number)).is_some_and(|host| host.1),
        };
        host && scope.from.is_none_or(|from| event.time.is_some_and(|time| time >= from))
            && scope.to.is_none_or(|to| event.time.is_some_and(|time| time <= to))
    }

    /// The events that meet all of a row's conditions, the name of a connection included.
    pub(super) fn confirmed(&self, test: usize, row: usize) -> Vec<EventId> {
        let hits = self.walk.hits(test, row).iter().copied();
        hits.filter(|id| self.naming(test, row, *id).is_some()).collect()
    }

    /// Returns the source of the name that a row asks for; `None` if the hit has another name or no name.
    pub(super) fn naming(&self, test: usize, row: usize, id: EventId) -> Option<Naming> {
        let Origin::Events { conditions, .. } = &self.walk.tests.get(test)?.rows.get(row)?.source else {
            return None;
        };
        let named = |condition: &&Condition| condition.field == Field::DestinationHostname;
        let holds =
            |name: Option<&str>| conditions.iter().filter(named).all(|condition| condition.holds(|_| name));
        let event = self.store.event(id)?;
        if event.event_code != code::NETWORK_CONNECT
            || holds(self.store.field(event, Field::DestinationHostname))
        {
            return Some(Naming::Own);
        }
        self.query_for(event, Some((test, row)), &holds).map(Naming::Joined)
    }

    /// Returns whether the process of a connection queried DNS for a name on the search's list, and got that address.
    pub(super) fn asked_for_listed(&self, id: EventId) -> bool {
        let event = self.store.event(id);
        let is_listed = |name: Option<&str>| name.is_some_and(is_listed_host);
        event.is_some_and(|event| self.query_for(event, None, &is_listed).is_some())
    }

    /// Returns the Event 22 by which a connection's process got its address, if the name queried passes `holds`. The
    /// answer for a row (`of`) is always the same, and looked up once for each process and address.
    fn query_for(
        &self,
        event: &StoredEvent,
        of: Option<(usize, usize)>,
        holds: &dyn Fn(Option<&str>) -> bool,
    ) -> Option<EventId> {
        let address = self.store.field(event, Field::DestinationIp).and_then(address)?;
        let process = event.process?;
        if let Some(known) = self.queries.borrow().get(&(of, process, address)) {
            return *known;
        }
        let mut names = self.names.borrow_mut();
        let asked = names.entry(process).or_insert_with(|| self.asked(process));
        let first = asked.partition_point(|(other, _)| *other < address);
        let mut answers =
            asked.iter().skip(first).take_while(|(other, _)| *other == address).map(|(_, answer)| *answer);
        let found = answers.find(|answer| {
            let answer = self.store.event(*answer);
            holds(answer.and_then(|answer| self.store.field(answer, Field::QueryName)))
        });
        self.queries.borrow_mut().insert((of, process, address), found);
        found
    }

    /// Returns the DNS queries of a process, by the addresses that answered.
    fn asked(&self, process: ProcessId) -> Vec<(IpAddr, EventId)> {
        let mut asked = Vec::new();
        for id in self.store.events().events_of(process) {
            let Some(event) = self.store.event(id).filter(|event| event.event_code == code::DNS_QUERY) else {
                continue;
            };
            let results = self.store.field(event, Field::QueryResults).unwrap_or_default();
            asked.extend(results.split(';').filter_map(address).map(|address| (address, id)));
        }
        asked.sort_by_key(|(address, id)| (*address, self.order(*id)));
        asked
    }
}

/// An event's place among the events, whatever the order in which they arrived.
pub(super) type Order = Option<Key>;

/// Compared field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    time: Option<Timestamp>,
    host: Option<usize>,
    record: Option<u64>,
    source: Option<usize>,
    place: Place,
}

/// Returns the place of each name in the order of the names.
fn places_of(names: impl Iterator<Item = String>) -> Vec<usize> {
    let names: Vec<String> = names.collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|at| names.get(*at));
    let mut places = vec![0; names.len()];
    for (place, at) in order.into_iter().enumerate() {
        if let Some(slot) = places.get_mut(at) {
            *slot = place;
        }
    }
    places
}

/// Returns whether some step that sets the test apart was seen.
fn has_a_mark(test: &Test, found: &[Found]) -> bool {
    test.rows.iter().zip(found).any(|(row, found)| row.role() == Role::Mark && !found.events().is_empty())
}

/// An address as Event 3 and QueryResults write it; a v4 address mapped into v6 is the v4 address.
fn address(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Quotes an event's text in a sentence, cut to its beginning if it is long. A cut text is masked first, since half a
/// token can't be recognised any more.
pub(super) fn excerpt(text: &str) -> String {
    const MOST: usize = 160;
    if text.chars().nth(MOST).is_none() {
        return format!("\"{text}\"");
    }
    let masked = mask(text);
    format!("\"{}…\"", masked.chars().take(MOST).collect::<String>())
}

/// `record 4711 of Sysmon.evtx`.
pub(super) fn place_of(store: &Store, event: &StoredEvent) -> String {
    let source = store.source_name(event);
    match event.record_id() {
        Some(record) => format!("record {record} of {source}"),
        None => format!("an event of {source}"),
    }
}
