//! A day of the fixtures in every dialect gives the same rows, as far as the dialect can express them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use crate::support;

use std::path::Path;
use std::sync::Mutex;

use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::export::{ExportOptions, Format, write_rows};
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::source::{LoadOptions, load};
use exfilscope::store::list::listing::{Listing, Query};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use serde_json::Value as Json;
use support::dialects::{ALL, Lacks};
use support::scenarios::{Fixture, developers_day, forwarded, four_tests, hostile, old_schema};

/// The rows of a file under each profile, alerts and suppressed, as `scan --min-score 0` writes them.
fn rows(path: &Path) -> Vec<(Profile, Vec<Json>)> {
    let store = Mutex::new(Store::new(HostNaming::Computer, Collect::Everything));
    load(&[path.to_owned()], &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        let mut store = store.lock().unwrap();
        match message {
            FeedMessage::Source(source) => store.add_source(source),
            FeedMessage::Batch(batch) => store.ingest(batch),
            FeedMessage::Fault(fault) => store.add_fault(fault),
            FeedMessage::Finished => {}
        }
        true
    });
    let mut store = store.into_inner().unwrap();
    assert!(store.faults().is_empty(), "{}: {:?}", path.display(), store.faults());
    let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
    flags.extend(&store);
    let rows_of = |profile| {
        let query = Query { min_score: 0, ..Query::alerts(profile) };
        let listing = Listing::new(&mut store, &flags, &query);
        let rows = listing.findings.iter().filter_map(|id| store.row(*id, profile, &flags));
        let mut text = Vec::new();
        write_rows(&mut text, Format::Ndjson, rows, &ExportOptions::default()).unwrap();
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        (profile, lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
    };
    Profile::ALL.into_iter().map(rows_of).collect()
}

/// The same row without the data that the dialect cannot express.
fn without(mut row: Json, lacks: Lacks, file: &str) -> String {
    row["Source"] = Json::Null;
    if lacks.digits
        && let Some(time) = row["_time"].as_str()
    {
        row["_time"] = format!("{}Z", &time[..23]).into();
    }
    if lacks.record {
        row["RecordId"] = Json::Null;
        if let Some(joined) = row["Joined"].as_object_mut() {
            joined.values_mut().for_each(|join| join["RecordId"] = Json::Null);
        }
    }
    if lacks.record
        && let Some(evidence) = row["Evidence"].as_array_mut()
    {
        for item in evidence {
            item["record"] = Json::Null;
        }
    }
    if lacks.time {
        // Evidence speaks of times.
        for name in ["_time", "Incident", "Evidence", "EvidencePoints"] {
            row[name] = Json::Null;
        }
    }
    let mut text = row.to_string().replace(file, "FILE");
    if lacks.record {
        // The sentence names the record that something was joined from.
        while let Some(at) = text.find(" record ") {
            let end =
                text[at + 8..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |end| at + 8 + end);
            text.replace_range(at..end, "");
        }
        text = text.replace("an Event ", "Event ");
    }
    text
}

#[test]
fn every_dialect_gives_the_same_rows() {
    let mut fixtures: Vec<Fixture> = four_tests::fixtures();
    // One host's day: the others' are of the same kind.
    fixtures.extend(developers_day::fixtures().into_iter().take(1));
    fixtures.extend([forwarded::fixture(), old_schema::fixture()]);
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for fixture in fixtures {
        let Some(log) = &fixture.log else { continue };
        let events: Vec<_> = (log.first_record_id..).zip(&log.events).collect();
        let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture.path);
        let name = original.file_name().unwrap().to_str().unwrap().to_owned();
        let of_evtx = rows(&original);
        for dialect in ALL {
            let path = folder.path().join(dialect.file);
            std::fs::write(&path, (dialect.write)(&events)).unwrap();
            for ((_, expected), (_, found)) in of_evtx.iter().zip(rows(&path)) {
                let mut expected: Vec<String> =
                    expected.iter().map(|row| without(row.clone(), dialect.lacks, &name)).collect();
                let mut found: Vec<String> =
                    found.into_iter().map(|row| without(row, dialect.lacks, dialect.file)).collect();
                if dialect.lacks != Lacks::default() {
                    // Ties are broken by what it lacks.
                    expected.sort();
                    found.sort();
                }
                for (found, expected) in found.iter().zip(&expected) {
                    assert_eq!(found, expected, "{} as {}", fixture.path, dialect.file);
                }
                assert_eq!(found.len(), expected.len(), "{} as {}", fixture.path, dialect.file);
                compared += found.len();
            }
        }
    }
    assert!(compared > 1_000, "{compared} rows");
}

#[test]
fn hostile_log_equals_its_json_twin() {
    let fixture = hostile::fixture();
    let log = fixture.log.as_ref().unwrap();
    // Lone surrogates and what else no text can hold is beyond JSON too.
    let events: Vec<_> = (log.first_record_id..)
        .zip(&log.events)
        .filter(|(record, _)| !log.beyond_the_crate.contains(record))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let dialect = ALL.iter().find(|dialect| dialect.file == "evtx_dump.jsonl").unwrap();
    let path = folder.path().join(dialect.file);
    std::fs::write(&path, (dialect.write)(&events)).unwrap();
    let records: Vec<u64> = events.iter().map(|(record, _)| *record).collect();
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture.path);
    let of_spl = |path: &Path| rows(path).swap_remove(0).1;
    let expected: Vec<String> = of_spl(&original)
        .into_iter()
        .filter(|row| records.contains(&row["RecordId"].as_u64().unwrap()))
        .map(|row| without(row, dialect.lacks, "hostile.evtx"))
        .collect();
    let found: Vec<String> =
        of_spl(&path).into_iter().map(|row| without(row, dialect.lacks, dialect.file)).collect();
    assert_eq!(found, expected);
}
