//! The telemetry of a run, row by row: seen, not seen, or why it can't be seen.

use std::fmt::Write;

use super::definition::{Origin, Row, Test};
use super::report::{Naming, Scene, excerpt, place_of};
use super::runs::{Run, Runs, Tie};
use crate::model::event::{Field, code};
use crate::model::telemetry::Channel;
use crate::model::walkthrough::{StepReport, StepState};
use crate::store::event::EventId;

/// The events of a row in a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    core: Vec<(EventId, Naming)>,
    near: Vec<(EventId, Naming)>,
    /// Connections that meet all but the name.
    unnamed: Vec<EventId>,
}

impl Found {
    /// The events: those of the act where there are some, else those around it.
    pub(super) fn events(&self) -> &[(EventId, Naming)] {
        if self.core.is_empty() { &self.near } else { &self.core }
    }
}

/// The events of all rows, by run and row.
pub(super) fn gather(scene: &Scene<'_>, number: usize, test: &Test, runs: &Runs) -> Vec<Vec<Found>> {
    let mut all = vec![vec![Found::default(); test.rows.len()]; runs.runs.len()];
    for row in 0..test.rows.len() {
        for id in scene.walk.hits(number, row) {
            let Some(event) = scene.store.event(*id) else { continue };
            for (run, tie) in runs.of(scene, event) {
                let Some(found) = all.get_mut(run).and_then(|rows| rows.get_mut(row)) else { continue };
                match (scene.naming(number, row, *id), tie) {
                    (Some(naming), Tie::Core) => found.core.push((*id, naming)),
                    (Some(naming), Tie::Near) => found.near.push((*id, naming)),
                    (None, _) => found.unnamed.push(*id),
                }
            }
        }
    }
    for found in all.iter_mut().flatten() {
        let time = |(id, _): &(EventId, Naming)| {
            scene.store.event(*id).map(|event| (event.time, event.record_id(), event.source, event.place))
        };
        found.core.sort_by_key(time);
        found.near.sort_by_key(time);
    }
    all
}

/// What is said of all rows; without a run, of a test that left no trace.
pub(super) fn report(scene: &Scene<'_>, test: &Test, run: Option<&Run>, found: &[Found]) -> Vec<StepReport> {
    test.rows.iter().zip(found).map(|(row, found)| step(scene, row, run, found)).collect()
}

fn step(scene: &Scene<'_>, row: &Row, run: Option<&Run>, found: &Found) -> StepReport {
    let events = found.events();
    let (state, why) = if events.is_empty() {
        unseen(scene, row, run, found)
    } else {
        (StepState::Seen, seen(scene, events))
    };
    let record = |(id, _): &(EventId, Naming)| scene.store.event(*id)?.record_id();
    StepReport {
        step: row.step.clone(),
        expected: row.expected(),
        state,
        count: events.len(),
        records: events.iter().filter_map(record).collect(),
        events: events.iter().map(|(id, _)| id.0).collect(),
        why,
    }
}

/// Where a row's events are, and what had to be put together.
fn seen(scene: &Scene<'_>, events: &[(EventId, Naming)]) -> String {
    let store = scene.store;
    let Some((first, naming)) = events.first() else { return String::new() };
    let Some(event) = store.event(*first) else { return String::new() };
    let mut why = match events.len() {
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
    why + "."
}

/// Why nothing of a row is there.
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

/// Why a channel beside Sysmon's could not show it.
fn blind_channel(scene: &Scene<'_>, channel: Channel, host: Option<&str>) -> Option<String> {
    let store = scene.store;
    if !store.reads_telemetry() {
        let channel = channel.name();
        return Some(format!(
            "{channel} is not read from a source without an end: export its log, and read that with Sysmon's."
        ));
    }
    if store.dropped_telemetry() > 0 {
        return Some(format!(
            "{} events of other channels that some test looks for were too many to be kept: narrow what is read.",
            store.dropped_telemetry()
        ));
    }
    if store.channel_records(channel) == 0 {
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

/// Why a connection that is there can't be told by its name.
fn blind_name(scene: &Scene<'_>, run: Option<&Run>, host: Option<&str>, found: &Found) -> Option<String> {
    let first = scene.store.event(*found.unnamed.first()?)?;
    (scene.host_count(run?.host).named_connections == 0).then(|| {
        format!(
            "DnsLookup is off: no Event 3 from {} has a DestinationHostname, and no Event 22 of the process names the \
             address of {}.",
            on(host),
            place_of(scene.store, first)
        )
    })
}

/// What comes nearest, and what it lacks.
fn nearest_miss(scene: &Scene<'_>, row: &Row, run: Option<&Run>, found: &Found) -> String {
    let store = scene.store;
    let Some(run) = run else { return "Nothing in what was read is it.".to_owned() };
    if let Some(event) = found.unnamed.first().and_then(|id| store.event(*id)) {
        let name = store.field(event, Field::DestinationHostname);
        let name = name.map_or_else(|| "no DestinationHostname".to_owned(), excerpt);
        return format!("A connection is there under another name: {name} ({}).", place_of(store, event));
    }
    let Origin::Events { conditions, event_code, channel: None, .. } = &row.source else {
        return "Nothing near the run in time is it.".to_owned();
    };
    let events = run.core.iter().flat_map(|process| store.events_of(*process));
    let mut best: Option<(usize, EventId)> = None;
    for id in events {
        let Some(event) = store.event(id).filter(|event| event.event_code == *event_code) else { continue };
        let met =
            conditions.iter().filter(|condition| condition.holds(|field| store.field(event, field))).count();
        if met > 0 && best.is_none_or(|(most, of)| (met, of) > (most, id) || met > most) {
            best = Some((met, id));
        }
    }
    let Some(event) = best.and_then(|(_, id)| store.event(id)) else {
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
