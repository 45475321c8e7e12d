//! The telemetry of a run, row by row: seen, not seen, or why it can't be seen.

use std::collections::HashMap;
use std::fmt::Write;

use super::definition::{Origin, Row, Test};
use super::report::{Naming, Scene, excerpt, place_of};
use super::runs::{Near, Run, Runs, Tie};
use crate::model::event::{Field, code};
use crate::model::telemetry::Channel;
use crate::model::walkthrough::{StepReport, StepState};
use crate::store::events::event::StoredEvent;
use crate::store::ids::{EventId, ProcessId};

/// Maximum number of events listed for a row; beyond it only the count is reported.
const MAX_LISTED: usize = 50;
/// Maximum number of events that are sorted to find the first ones by time.
const MAX_SORTED: usize = 4 * MAX_LISTED;

type Hit = (EventId, Naming);

/// The events of a row in a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    core: Vec<Hit>,
    /// The first events around the act, by time, and how many there are.
    near: Vec<Hit>,
    near_count: usize,
    /// The first connection that meets all but the name.
    unnamed: Option<EventId>,
}

impl Found {
    /// The events: those of the act where there are some, else the first ones of those around it.
    pub(super) fn events(&self) -> &[Hit] {
        if self.core.is_empty() { &self.near } else { &self.core }
    }

    /// How many there are.
    fn count(&self) -> usize {
        if self.core.is_empty() { self.near_count } else { self.core.len() }
    }
}

/// A shell's Event 1, and its other hits by time in seconds since 1970.
type OfShell<T> = (Vec<T>, Vec<(i64, T)>);

/// The hits of a row that are around runs.
struct AroundRuns<T> {
    /// By place.
    by_place: Vec<(u32, T)>,
    /// By shell: its Event 1, and its other hits, by time in seconds since 1970.
    of_shells: HashMap<ProcessId, OfShell<T>>,
}

impl<T: Copy> AroundRuns<T> {
    fn new() -> Self {
        Self { by_place: Vec::new(), of_shells: HashMap::new() }
    }

    fn add(&mut self, event: &StoredEvent, process: ProcessId, place: Option<u32>, is_shell: bool, hit: T) {
        self.by_place.extend(place.map(|place| (place, hit)));
        if !is_shell {
            return;
        }
        let (starts, others) = self.of_shells.entry(process).or_insert_with(|| (Vec::new(), Vec::new()));
        if event.event_code == code::PROCESS_CREATE {
            starts.push(hit);
        } else {
            others.extend(event.time.map(|time| (time.unix_seconds(), hit)));
        }
    }

    fn sort(&mut self) {
        self.by_place.sort_by_key(|(place, _)| *place);
        self.of_shells.values_mut().for_each(|(_, others)| others.sort_by_key(|(seconds, _)| *seconds));
    }

    /// Adds the first of those that are near a run; returns how many there are.
    fn near(&self, near: &Near, first: &mut Vec<T>) -> usize {
        let from = self.by_place.partition_point(|(place, _)| *place < near.places.start);
        let to = self.by_place.partition_point(|(place, _)| *place < near.places.end);
        let below = self.by_place.get(from..to).unwrap_or_default();
        first.extend(below.iter().take(MAX_SORTED).map(|(_, hit)| *hit));
        let Some((starts, others)) = self.of_shells.get(&near.shell) else { return below.len() };
        first.extend(starts.iter().take(MAX_SORTED).copied());
        let from = others.partition_point(|(seconds, _)| seconds < near.seconds.start());
        let to = others.partition_point(|(seconds, _)| seconds <= near.seconds.end());
        let own = others.get(from..to).unwrap_or_default();
        first.extend(own.iter().take(MAX_SORTED).map(|(_, hit)| *hit));
        below.len() + starts.len() + own.len()
    }
}

/// Returns the events of all rows, by run and row. An event near several runs is counted for each of them, and listed
/// in part.
pub(super) fn gather(scene: &Scene<'_>, number: usize, test: &Test, runs: &Runs) -> Vec<Vec<Found>> {
    let order = |(id, _): &Hit| scene.order(*id);
    let earliest = |ids: &mut dyn Iterator<Item = EventId>| ids.min_by_key(|id| scene.order(*id));
    let mut all = vec![vec![Found::default(); test.rows.len()]; runs.runs.len()];
    for row in 0..test.rows.len() {
        let (mut named, mut unnamed) = (AroundRuns::new(), AroundRuns::new());
        for id in scene.walk.hits(number, row) {
            let Some(event) = scene.store.event(*id) else { continue };
            let naming = scene.naming(number, row, *id);
            let (run, is_core) = match runs.tie(scene, event) {
                Tie::Nothing => continue,
                Tie::Core(run) => (run, true),
                Tie::Alone(run) => (run, false),
                Tie::Around { process, place, is_shell } => {
                    match naming {
                        Some(naming) => named.add(event, process, place, is_shell, (*id, naming)),
                        None => unnamed.add(event, process, place, is_shell, *id),
                    }
                    continue;
                }
            };
            let Some(found) = all.get_mut(run).and_then(|rows| rows.get_mut(row)) else { continue };
            match (naming, is_core) {
                (Some(naming), true) => found.core.push((*id, naming)),
                (Some(naming), false) => found.near.push((*id, naming)),
                (None, _) => found.unnamed = earliest(&mut found.unnamed.into_iter().chain([*id])),
            }
        }
        named.sort();
        unnamed.sort();
        for (run, rows) in runs.runs.iter().zip(&mut all) {
            let Some(found) = rows.get_mut(row) else { continue };
            found.core.sort_by_key(order);
            found.near_count = found.near.len();
            if let Some(near) = run.near.as_ref().filter(|_| found.core.is_empty()) {
                found.near_count += named.near(near, &mut found.near);
                let mut others = Vec::new();
                unnamed.near(near, &mut others);
                found.unnamed = earliest(&mut others.into_iter().chain(found.unnamed));
            }
            found.near.sort_by_key(order);
            found.near.truncate(MAX_LISTED);
            found.near.shrink_to_fit();
        }
    }
    all
}

/// Reports on all rows; without a run, on those of a test that left no trace.
pub(super) fn report(scene: &Scene<'_>, test: &Test, run: Option<&Run>, found: &[Found]) -> Vec<StepReport> {
    test.rows.iter().zip(found).map(|(row, found)| step(scene, row, run, found)).collect()
}

fn step(scene: &Scene<'_>, row: &Row, run: Option<&Run>, found: &Found) -> StepReport {
    let events = found.events();
    let (state, why) = if events.is_empty() {
        unseen(scene, row, run, found)
    } else {
        (StepState::Seen, seen(scene, events, found.count()))
    };
    let record = |(id, _): &Hit| scene.store.event(*id)?.record_id();
    StepReport {
        step: row.step.clone(),
        expected: row.expected(),
        state,
        count: found.count(),
        records: events.iter().take(MAX_LISTED).filter_map(record).collect(),
        events: events.iter().take(MAX_LISTED).map(|(id, _)| id.0).collect(),
        why,
    }
}

/// Locates a row's events, and names the joins and parts that they were put together from.
fn seen(scene: &Scene<'_>, events: &[Hit], count: usize) -> String {
    let store = scene.store;
    let Some((first, naming)) = events.first() else { return String::new() };
    let Some(event) = store.event(*first) else { return String::new() };
    let mut why = match count {
        1 => format!("It is {}", place_of(store, event)),
        count => format!("The first of {count} is {}", place_of(store, event)),
    };
    if let Naming::Joined(query) = naming
        && let Some(query) = store.event(*query)
    {
        let own = store.field(event, Field::DestinationHostname).unwrap_or("nothing");
        let name = store.field(query, Field::QueryName).unwrap_or_default();
        let _ = write!(
            why,
            "; the event itself says {}, {} is the name that its process asked DNS for (Event 22, {})",
            excerpt(own),
            excerpt(name),
            place_of(store, query)
        );
    }
    match store.parts_of(*first) {
        Some((there, total)) if there < total => {
            let _ = write!(why, "; {there} of its {total} parts are there");
        }
        Some((_, total)) => {
            let _ = write!(why, "; it was logged in {total} parts");
        }
        None => {}
    }
    if count > MAX_LISTED {
        let _ = write!(why, "; {MAX_LISTED} of them are listed, {} more are not", count - MAX_LISTED);
    }
    why + "."
}

/// Returns the reason why a row has no events.
fn unseen(scene: &Scene<'_>, row: &Row, run: Option<&Run>, found: &Found) -> (StepState, String) {
    let host = run.and_then(|run| scene.host_name(run.host));
    let (channel, event_code) = match &row.source {
        Origin::Elsewhere(reason) => return (StepState::CannotBeSeen, reason.clone()),
        Origin::Events { channel, event_code, .. } => (*channel, *event_code),
    };
    let blind = match channel {
        Some(channel) => blind_channel(scene, channel, host),
        None => blind_sysmon(scene, event_code, run, host).or_else(|| blind_name(scene, run, host, found)),
    };
    match blind {
        Some(reason) => (StepState::CannotBeSeen, reason),
        None => (StepState::NotSeen, nearest_miss(scene, row, run, found)),
    }
}

fn on(host: Option<&str>) -> String {
    host.map_or_else(|| "any host that is looked at".to_owned(), str::to_owned)
}

/// Returns the reason why a channel other than Sysmon's could not show it.
fn blind_channel(scene: &Scene<'_>, channel: Channel, host: Option<&str>) -> Option<String> {
    let store = scene.store;
    if !store.reads_other_channels() {
        let channel = channel.name();
        return Some(format!(
            "{channel} is not read from a source without an end: export its log, and read that with Sysmon's."
        ));
    }
    if store.dropped_channel_events() > 0 {
        return Some(format!(
            "{} events of other channels that some test looks for were too many to be kept: narrow what is read.",
            store.dropped_channel_events()
        ));
    }
    if store.channel_records(channel) == 0 && !store.has_source_named(channel.name()) {
        return Some(format!("No log of {} is among what was read: read it too.", channel.name()));
    }
    let wanted = host.or(scene.view.scope.host.as_deref());
    let coverage = store.channel_coverage(channel, wanted);
    let (event_code, switch) = match channel {
        Channel::PowerShell => (code::SCRIPT_BLOCK, "script block logging"),
        Channel::Security => (code::NEW_PROCESS, "auditing of process creation"),
    };
    if coverage.events == 0 {
        return Some(format!(
            "No {event_code} from {} is in what was read: {switch} is off there, or it is another host's log.",
            on(wanted)
        ));
    }
    if channel == Channel::Security && coverage.without_text == coverage.events {
        return Some(format!(
            "No 4688 from {} has a command line: let the policy include it in process creation events.",
            on(wanted)
        ));
    }
    None
}

/// Why Sysmon could not show it.
fn blind_sysmon(scene: &Scene<'_>, event_code: u16, run: Option<&Run>, host: Option<&str>) -> Option<String> {
    let count = scene.host_count(run.and_then(|run| run.host));
    if count.events == 0 {
        return Some(format!("No event of Sysmon from {} is in what was read.", on(host)));
    }
    (count.of(event_code) == Some(0)).then(|| {
        format!("No Event {event_code} from {} is in what was read: its Sysmon does not log any.", on(host))
    })
}

/// Returns the reason why a logged connection can't be identified by its name.
fn blind_name(scene: &Scene<'_>, run: Option<&Run>, host: Option<&str>, found: &Found) -> Option<String> {
    let first = scene.store.event(found.unnamed?)?;
    (scene.host_count(run?.host).named_connections == 0).then(|| {
        format!(
            "DnsLookup is off: no Event 3 from {} has a DestinationHostname, and no Event 22 of the process names the \
             address of {}.",
            on(host),
            place_of(scene.store, first)
        )
    })
}

/// Describes the nearest miss and the condition that it fails.
fn nearest_miss(scene: &Scene<'_>, row: &Row, run: Option<&Run>, found: &Found) -> String {
    let store = scene.store;
    let Some(run) = run else { return "No run of the test is in what was read.".to_owned() };
    if let Some(event) = found.unnamed.and_then(|id| store.event(id)) {
        let name = store.field(event, Field::DestinationHostname);
        let name = name.map_or_else(|| "no DestinationHostname".to_owned(), excerpt);
        return format!("A connection is there under another name: {name} ({}).", place_of(store, event));
    }
    let Origin::Events { conditions, event_code, channel: None, .. } = &row.source else {
        return "Nothing near the run in time is it.".to_owned();
    };
    let near = run.events.iter().filter_map(|id| {
        let event = store.event(*id).filter(|event| event.event_code == *event_code)?;
        let met = conditions.iter().filter(|condition| condition.holds(|field| store.field(event, field)));
        Some((met.count(), *id, event)).filter(|(met, ..)| *met > 0)
    });
    let best = near.min_by_key(|(met, id, _)| (std::cmp::Reverse(*met), scene.order(*id)));
    let Some((_, _, event)) = best else {
        return format!("No Event {event_code} of the run comes near it.");
    };
    let failed = conditions.iter().find(|condition| !condition.holds(|field| store.field(event, field)));
    let Some(failed) = failed else { return String::new() };
    let text = store.field(event, failed.field);
    let field = failed.field.name();
    match text {
        Some(text) => {
            format!("{field} {} {} ({}).", excerpt(text), failed.test.failure(), place_of(store, event))
        }
        None => format!("{field} is missing ({}).", place_of(store, event)),
    }
}
