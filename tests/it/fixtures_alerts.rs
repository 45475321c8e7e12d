//! The intact logs give the alert counts of `fixtures/ALERTS.tsv`, which was worked out without this code. Events go
//! straight from the scenarios into the store: readers have tests of their own.

#![allow(clippy::expect_used, clippy::panic, reason = "a table that is not as expected is a failed test")]

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use exfilscope::detect::hunt::hosts::RepositoryHosts;
use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::{Field, code};
use exfilscope::model::feed::SourceInfo;
use exfilscope::model::guid::Guid;
use exfilscope::model::time::Timestamp;
use exfilscope::store::list::listing::{Listing, Query};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use support::evtx_writer::value::Value;
use support::scenarios::event::Event;
use support::scenarios::{self, Fixture, Log};
use support::schemas::SYSMON;

/// Records, Sysmon's records, alerts under `spl`, `correlated` and `hunt`.
type Expected = [Option<usize>; 5];

fn expected() -> BTreeMap<String, Expected> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/ALERTS.tsv");
    let table = fs::read_to_string(path).expect("the table");
    let lines = table.lines().skip(1).map(|line| {
        let mut cells = line.split('\t');
        let name = cells.next().unwrap_or_default().to_owned();
        let mut number = || cells.next().and_then(|cell| cell.parse().ok());
        (name, [number(), number(), number(), number(), number()])
    });
    lines.collect()
}

#[test]
fn each_log_gives_expected_alerts() {
    let fixtures = scenarios::all();
    let table = expected();
    let logs: Vec<(&str, &Log)> =
        fixtures.iter().filter_map(|fixture| Some((fixture.path, fixture.log.as_ref()?))).collect();
    for (path, log) in &logs {
        let expected = table.get(*path).unwrap_or_else(|| panic!("{path} is not in ALERTS.tsv"));
        let sysmon = log.events.iter().filter(|event| is_sysmon(event)).count();
        let [spl, correlated, hunt] = Profile::ALL.map(|profile| alerts(&[log], profile));
        let found = [log.events.len(), sysmon, spl, correlated, hunt];
        assert_eq!(found.map(Some), *expected, "{path}");
    }
    assert_eq!(table.len(), logs.len() + 1, "ALERTS.tsv names every log and the folder");
}

#[test]
fn whole_day_gives_expected_alerts() {
    let fixtures = scenarios::all();
    let is_of_day = |fixture: &&Fixture| fixture.path.starts_with("developers-day/");
    let logs: Vec<&Log> =
        fixtures.iter().filter(is_of_day).filter_map(|fixture| fixture.log.as_ref()).collect();
    let [_, _, spl, correlated, hunt] = expected()["developers-day"];
    assert_eq!(Some(alerts(&logs, Profile::Spl)), spl);
    assert_eq!(Some(alerts(&logs, Profile::Correlated)), correlated);
    assert_eq!(Some(alerts(&logs, Profile::Hunt)), hunt);
}

fn is_sysmon(event: &Event) -> bool {
    std::ptr::eq(event.shape.provider, &raw const SYSMON)
}

fn alerts(logs: &[&Log], profile: Profile) -> usize {
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    store.hunt(RepositoryHosts::default());
    for (id, log) in (0..).map(SourceId).zip(logs) {
        let name = format!("{}.evtx", id.0);
        store.add_source(SourceInfo { id, path: name.clone().into(), name, size: None });
        store.ingest(batch(id, log));
    }
    let mut flags = TuningMatches::new(Patterns::new(None, None).expect("the built-in patterns"));
    flags.extend(&store);
    Listing::new(&mut store, &flags, &Query::alerts(profile)).findings.len()
}

fn batch(source: SourceId, log: &Log) -> Batch {
    let mut batch = Batch::new(source);
    for (record_id, event) in (log.first_record_id..).zip(&log.events) {
        if !is_sysmon(event) || !code::is_kept(event.shape.event_id) {
            continue;
        }
        let texts: Vec<(&str, String)> =
            event.shape.fields.iter().map(|(name, _)| *name).zip(event.values.iter().map(text)).collect();
        let guid =
            |name| texts.iter().find(|(field, _)| *field == name).and_then(|(_, text)| Guid::parse(text));
        let head = EventHead {
            event_code: event.shape.event_id,
            time: Some(Timestamp::from_filetime(event.time.0)),
            record_id: Some(record_id),
            place: record_id,
            process_guid: guid("ProcessGuid"),
            parent_process_guid: guid("ParentProcessGuid"),
        };
        let fields = texts.iter().filter_map(|(name, text)| Some((Field::from_name(name)?, text.as_str())));
        let fields =
            fields.filter(|(field, _)| !matches!(field, Field::ProcessGuid | Field::ParentProcessGuid));
        batch.push(head, fields.chain([(Field::Computer, &*event.computer)]));
    }
    batch
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone().into_owned(),
        Value::Utf16(units) => String::from_utf16_lossy(units),
        Value::UInt16(number) => number.to_string(),
        Value::UInt32(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Guid(guid) => guid.to_string(),
        _ => String::new(),
    }
}
