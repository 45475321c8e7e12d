//! Verdict of the detection on a run: an alert, a suppressed one and its reason, or the condition that failed.

use std::fmt::Write;

use super::definition::Test;
use super::report::{Scene, excerpt, place_of};
use super::runs::{Run, Runs};
use super::steps::Found;
use crate::detect::clauses::Unmet;
use crate::detect::profile::Profile;
use crate::detect::technique::{Clause, ClauseId};
use crate::detect::{ALERT_SCORE, DetectionInput, TECHNIQUE};
use crate::model::event::{Field, code};
use crate::model::row::Signal;
use crate::model::text::image_name;
use crate::model::time::Timestamp;
use crate::model::walkthrough::{Folded, Outcome, Verdict};
use crate::store::events::event::StoredEvent;
use crate::store::ids::{EventId, FindingId};

/// The findings of each run's own processes.
pub(super) fn gather(scene: &Scene<'_>, runs: &Runs) -> Vec<Vec<FindingId>> {
    let mut all = vec![Vec::new(); runs.runs.len()];
    for (id, finding) in (0..).map(FindingId).zip(scene.store.findings()) {
        let Some(event) = scene.store.event(finding.event).filter(|event| event.process.is_some()) else {
            continue;
        };
        if let Some(findings) = runs.core_of(event).and_then(|run| all.get_mut(run)) {
            findings.push(id);
        }
    }
    all
}

/// A finding as a verdict weighs it.
struct Weighed {
    id: FindingId,
    event: EventId,
    time: Option<Timestamp>,
    signal: Signal,
    score: u8,
}

/// The verdict on a run.
pub(super) fn report(
    scene: &Scene<'_>,
    test: &Test,
    run: &Run,
    findings: &[FindingId],
    found: &[Found],
) -> Verdict {
    let view = scene.view;
    let mut weighed: Vec<Weighed> = findings
        .iter()
        .filter_map(|id| scene.store.view(*id, view.profile, view.flags))
        .map(|seen| Weighed {
            id: seen.id(),
            event: seen.finding().event,
            time: seen.time(),
            signal: seen.signal(),
            score: seen.score(),
        })
        .collect();
    // The expected signal first, then the highest score, then the earliest.
    weighed.sort_by_key(|one| {
        (
            test.signal.is_some_and(|signal| signal != one.signal),
            std::cmp::Reverse(one.score),
            one.time,
            scene.order(one.event),
        )
    });
    let least = view.min_score.max(ALERT_SCORE);
    let alerts = weighed.iter().filter(|one| one.score >= least).count();
    if let Some(alert) = weighed.iter().find(|one| one.score >= least) {
        return detected(scene, test, run, alert, alerts);
    }
    let known = weighed.iter().find(|one| one.signal != Signal::Unknown);
    if let Some(one) = known {
        return suppressed(scene, one, least);
    }
    missed(scene, test, run, weighed.first(), (findings, found))
}

/// The verdict on a test of which there is no run.
pub(super) fn no_trace(scene: &Scene<'_>, folded: &Folded) -> Verdict {
    let scope = scene.view.scope;
    let narrowed = scope.host.is_some() || scope.from.is_some() || scope.to.is_some();
    let why = match (folded.count, narrowed) {
        (1.., _) => format!("There are {} alone.", folded.words()),
        (0, true) => "Nothing of it is there, on this host and in this time.".to_owned(),
        (0, false) => "Nothing of it is in what was read.".to_owned(),
    };
    let outcome = Outcome::NoTrace;
    Verdict { outcome, signal: None, score: None, finding: None, why }
}

fn detected(scene: &Scene<'_>, test: &Test, run: &Run, alert: &Weighed, alerts: usize) -> Verdict {
    let mut why = sentence_of(scene, alert.id);
    if let Some(place) = scene.store.event(alert.event).map(|event| place_of(scene.store, event)) {
        let _ = write!(why, " It is {place}, {}.", delay(scene, run, alert));
    }
    if let Some(expected) = test.signal.filter(|signal| *signal != alert.signal) {
        let _ = write!(why, " It was not detected as {expected}, which is expected.");
    }
    match alerts {
        0 | 1 => {}
        2 => why += " One more alert is of the same run.",
        more => {
            let _ = write!(why, " {} more alerts are of the same run.", more - 1);
        }
    }
    Verdict {
        outcome: Outcome::Detected,
        signal: Some(alert.signal),
        score: Some(alert.score),
        finding: Some(alert.id.0),
        why,
    }
}

/// `the act itself`, or `1.3 s after the act`.
fn delay(scene: &Scene<'_>, run: &Run, alert: &Weighed) -> String {
    if run.act == Some(alert.event) {
        return "the act itself (0.0 s after it)".to_owned();
    }
    let act = run.act.and_then(|act| scene.store.event(act)?.time);
    let (from, what) = match (act, run.began()) {
        (Some(act), _) => (act, "the act"),
        (None, Some(began)) => (began, "its first trace"),
        (None, None) => return "at a time that is not known".to_owned(),
    };
    let Some(time) = alert.time else { return "at a time that is not known".to_owned() };
    let tenths = |time: Timestamp| {
        i128::from(time.unix_seconds()) * 10 + i128::from(time.subsec_nanoseconds() / 100_000_000)
    };
    let between = tenths(time) - tenths(from);
    let (seconds, rest) = (between.unsigned_abs() / 10, between.unsigned_abs() % 10);
    let side = if between < 0 { "before" } else { "after" };
    format!("{seconds}.{rest} s {side} {what}")
}

fn suppressed(scene: &Scene<'_>, one: &Weighed, least: u8) -> Verdict {
    let mut why = sentence_of(scene, one.id);
    if one.score >= ALERT_SCORE {
        let _ = write!(why, " Its score is under {least}, the least that is asked for.");
    }
    if let Some(event) = scene.store.event(one.event) {
        let _ = write!(why, " It is {}.", place_of(scene.store, event));
    }
    Verdict {
        outcome: Outcome::Suppressed,
        signal: Some(one.signal),
        score: Some(one.score),
        finding: Some(one.id.0),
        why,
    }
}

fn sentence_of(scene: &Scene<'_>, id: FindingId) -> String {
    let row = scene.store.row(id, scene.view.profile, scene.view.flags);
    row.map_or_else(String::new, |row| row.explanation.sentence)
}

fn missed(
    scene: &Scene<'_>,
    test: &Test,
    run: &Run,
    unknown: Option<&Weighed>,
    (findings, found): (&[FindingId], &[Found]),
) -> Verdict {
    let mut sentences: Vec<String> = Vec::new();
    match unknown {
        // The search selects it and forgets it.
        Some(unknown) => sentences.push(sentence_of(scene, unknown.id)),
        None => sentences.extend(failures(scene, test.signal, run)),
    }
    if sentences.is_empty() {
        let events = found.iter().flat_map(Found::events);
        let first = events.min_by_key(|(id, _)| scene.order(*id)).and_then(|(id, _)| scene.store.event(*id));
        let place = first.map_or_else(String::new, |event| {
            format!(" What is there is Event {}, {}.", event.event_code, place_of(scene.store, event))
        });
        sentences.push(format!(
            "Of this run no event is there that the detection reads: it reads Sysmon's Event 1 and 3 alone.{place}"
        ));
    }
    sentences.extend(lead(scene, findings));
    Verdict {
        outcome: Outcome::Missed,
        signal: unknown.map(|one| one.signal),
        score: unknown.map(|one| one.score),
        finding: unknown.map(|one| one.id.0),
        why: sentences.join(" "),
    }
}

/// Returns the lead of the profile `hunt` on a run that the profile misses.
fn lead(scene: &Scene<'_>, findings: &[FindingId]) -> Option<String> {
    let view = scene.view;
    let seen = |id: &FindingId| scene.store.view(*id, Profile::Hunt, view.flags);
    let leads = findings.iter().filter_map(seen).filter(|seen| seen.signal().is_lead());
    let best =
        leads.max_by_key(|seen| (seen.score(), std::cmp::Reverse(scene.order(seen.finding().event))))?;
    let row = scene.store.row(best.id(), Profile::Hunt, view.flags)?;
    let (signal, score) = (best.signal().name(), best.score());
    Some(format!("The profile hunt finds it ({signal}, score {score}): {}", row.explanation.sentence))
}

/// Which condition failed on which text: of the Event 1 and of the Event 3 that came nearest.
fn failures(scene: &Scene<'_>, expected: Option<Signal>, run: &Run) -> Vec<String> {
    let store = scene.store;
    let mut events: Vec<(EventId, &StoredEvent)> =
        run.events.iter().filter_map(|id| Some((*id, store.event(*id)?))).collect();
    if events.is_empty() {
        return Vec::new();
    }
    events.sort_by_key(|(id, _)| scene.order(*id));
    let mut sentences = Vec::new();
    for event_code in [code::PROCESS_CREATE, code::NETWORK_CONNECT] {
        // The clause of the expected signal alone, if this is its Event ID. Leads have rules of their own.
        let of_signal = |(_, clause): &(ClauseId, &Clause)| Some(clause.signal) == expected;
        let is_expected = TECHNIQUE.clauses_of(event_code).any(|clause| of_signal(&clause));
        let clauses: Vec<_> =
            TECHNIQUE.clauses_of(event_code).filter(|clause| !is_expected || of_signal(clause)).collect();
        let of_code = || events.iter().filter(|(_, event)| event.event_code == event_code);
        let candidates = of_code().flat_map(|(id, event)| {
            clauses
                .iter()
                .map(|(number, clause)| (*id, *event, *clause, failed_conditions(scene, *id, event, *number)))
        });
        // The act itself before any other event that fails as many conditions.
        let nearest = candidates
            .filter(|(.., unmet)| !unmet.is_empty())
            .min_by_key(|(id, .., unmet)| (unmet.len(), run.act != Some(*id)));
        let Some((_, event, clause, unmet)) = nearest else {
            if of_code().next().is_none() {
                sentences.push(format!("No Event {event_code} of its processes is in what was read."));
            }
            continue;
        };
        let image = store.field(event, Field::Image).map_or("it", image_name);
        let each: Vec<String> = unmet
            .iter()
            .map(|one| {
                let text = store.field(event, one.field);
                let text = text.map_or_else(|| "is missing, and".to_owned(), excerpt);
                let joined = if one.field == Field::DestinationHostname && scene.view.profile != Profile::Spl
                {
                    ", and its process asked DNS for none of these with that address"
                } else {
                    ""
                };
                format!("{} {text} {}{joined}", one.field.name(), one.failure)
            })
            .collect();
        let place = place_of(store, event);
        sentences.push(format!(
            "The {} clause does not select {image} (Event {event_code}, {place}): {}.",
            clause.name,
            each.join("; ")
        ));
    }
    sentences
}

/// The conditions of a clause that an event does not meet; a name that its process asked for counts where it is joined.
fn failed_conditions(scene: &Scene<'_>, id: EventId, event: &StoredEvent, clause: ClauseId) -> Vec<Unmet> {
    let mut failed = TECHNIQUE.unmet(&facts(scene, event), clause);
    if TECHNIQUE.is_of_connections(clause) && scene.view.profile != Profile::Spl && scene.asked_for_listed(id)
    {
        failed.retain(|failed| failed.field != Field::DestinationHostname);
    }
    failed
}

fn facts<'a>(scene: &Scene<'a>, event: &'a StoredEvent) -> DetectionInput<'a> {
    let field = |field| scene.store.field(event, field);
    DetectionInput {
        event_code: event.event_code,
        host: scene.store.host_of(event),
        image: field(Field::Image),
        command_line: field(Field::CommandLine),
        parent_image: field(Field::ParentImage),
        destination_hostname: field(Field::DestinationHostname),
    }
}
