//! Rows of `scan` from many hosts, merged: they stay what they are, patterns answer to them, and what is no row is named.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what fails by failing"
)]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use exfilscope::detect::hunt::hosts::RepositoryHosts;
use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::export::{ExportOptions, Format, write_rows};
use exfilscope::model::fault::{Severity, SkipReason};
use exfilscope::model::feed::{FeedMessage, Progress, RawEvents as _};
use exfilscope::model::row::AlertRow;
use exfilscope::source::{Events, LoadOptions, load, load_rows};
use exfilscope::store::list::listing::{Listing, Query};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use proptest::prelude::*;

const FIXTURES: [&str; 6] =
    ["four-tests.evtx", "developers-day", "forwarded.evtx", "hostile.evtx", "old-schema.evtx", "damaged"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn take(store: &mut Store, messages: impl IntoIterator<Item = FeedMessage>) {
    for message in messages {
        match message {
            FeedMessage::Source(source) => store.add_source(source),
            FeedMessage::Batch(batch) => store.ingest(batch),
            FeedMessage::Fault(fault) => store.add_fault(fault),
            FeedMessage::Finished => {}
        }
    }
}

fn scanned(path: &Path) -> Store {
    let messages = Mutex::new(Vec::new());
    load(&[path.to_owned()], &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        messages.lock().unwrap().push(message);
        true
    });
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    take(&mut store, messages.into_inner().unwrap());
    store
}

fn merged(paths: &[PathBuf]) -> Store {
    let messages = RefCell::new(Vec::new());
    load_rows(paths, &Progress::default(), &|message| {
        messages.borrow_mut().push(message);
        true
    });
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    take(&mut store, messages.into_inner());
    store
}

/// All rows, suppressed ones too, ranked.
fn rows(
    store: &mut Store,
    profile: Profile,
    ci_host: Option<&str>,
    ide_parent: Option<&str>,
) -> Vec<AlertRow> {
    let mut flags = TuningMatches::new(Patterns::new(ci_host, ide_parent).unwrap());
    flags.extend(store);
    let listing = Listing::new(store, &flags, &Query { min_score: 0, ..Query::alerts(profile) });
    listing.findings.iter().map(|id| store.row(*id, profile, &flags).unwrap()).collect()
}

fn ndjson(rows: &[AlertRow]) -> String {
    let mut bytes = Vec::new();
    write_rows(&mut bytes, Format::Ndjson, rows.iter(), &ExportOptions::default()).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// A file of rows.
fn written(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn merged_rows_equal_their_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for name in FIXTURES {
        for profile in Profile::ALL {
            let original = ndjson(&rows(&mut scanned(&fixture(name)), profile, None, None));
            let path = written(folder.path(), "rows.ndjson", &original);
            let mut store = merged(&[path]);
            let again = ndjson(&rows(&mut store, profile, None, None));
            for (one, other) in original.lines().zip(again.lines()) {
                assert_eq!(one, other, "{name}, {}", profile.name());
            }
            assert_eq!(original.lines().count(), again.lines().count(), "{name}, {}", profile.name());
            assert_eq!(store.faults().iter().filter(|fault| fault.severity != Severity::Notice).count(), 0);
            assert_eq!(store.tally().records(), original.lines().count() as u64);
            assert_eq!(store.tally().records(), store.tally().sysmon);
            compared += original.lines().count();
        }
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn patterns_match_merged_rows_like_logs() {
    let folder = tempfile::tempdir().unwrap();
    let mut changed = 0;
    for name in ["four-tests.evtx", "developers-day"] {
        let mut log = scanned(&fixture(name));
        let path =
            written(folder.path(), "rows.ndjson", &ndjson(&rows(&mut log, Profile::Correlated, None, None)));
        let before = ndjson(&rows(&mut log, Profile::Correlated, None, None));
        let mut merged = merged(&[path]);
        for (ci_host, ide_parent) in [
            (Some("(?i)ws-"), None),
            (Some("x^"), Some("x^")),
            (None, Some(r"(?i)(cmd|powershell|explorer)\.exe")),
            (Some("SCAN"), Some("(?i)node")),
        ] {
            let verdicts = |rows: Vec<AlertRow>| -> Vec<_> {
                rows.into_iter()
                    .map(|row| {
                        let joined: Vec<_> = row.joined.iter().map(|joined| joined.field.name()).collect();
                        (
                            row.host,
                            row.record_id,
                            row.signal,
                            row.suspicion_score,
                            row.is_ci_system,
                            row.is_known_ide,
                            joined.len(),
                        )
                    })
                    .collect()
            };
            let by_log = rows(&mut log, Profile::Correlated, ci_host, ide_parent);
            changed += usize::from(ndjson(&by_log) != before);
            let by_rows = rows(&mut merged, Profile::Correlated, ci_host, ide_parent);
            for row in &by_rows {
                assert!(!row.explanation.sentence.is_empty());
            }
            assert!(
                by_rows
                    .iter()
                    .any(|row| row.explanation.sentence.contains("The scan that wrote the row said"))
                    || ndjson(&by_log) == before,
                "what the scan said stays"
            );
            // The scan's evidence stays with its rows, and so their order.
            let in_order = |mut rows: Vec<AlertRow>| {
                rows.sort_by_key(|row| (row.host.clone(), row.record_id, row.source.clone()));
                rows
            };
            let (by_log, by_rows) = (verdicts(in_order(by_log)), verdicts(in_order(by_rows)));
            assert_eq!(by_log, by_rows, "{name} {ci_host:?} {ide_parent:?}");
        }
    }
    assert!(changed > 4, "{changed}");
}

#[test]
fn merged_hosts_rank_together_without_duplicates() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("more");
    fs::create_dir(&inner).unwrap();
    let day = ndjson(&rows(&mut scanned(&fixture("developers-day")), Profile::Correlated, None, None));
    let tests = ndjson(&rows(&mut scanned(&fixture("four-tests.evtx")), Profile::Correlated, None, None));
    written(folder.path(), "a.ndjson", &day);
    written(&inner, "b.jsonl", &tests);
    // The same scan a second time, and a file whose name marks no rows.
    written(folder.path(), "c.json", &tests);
    written(folder.path(), "notes.txt", "not looked at");
    let mut store = merged(&[folder.path().to_owned()]);
    let all = rows(&mut store, Profile::Correlated, None, None);
    let (day, tests) = (day.lines().count(), tests.lines().count());
    assert_eq!(all.len(), day + tests);
    assert_eq!(store.tally().skipped.get(&SkipReason::Duplicate), Some(&(tests as u64)));
    let rank = |row: &AlertRow| std::cmp::Reverse((row.suspicion_score, row.evidence_points, row.time));
    assert!(all.is_sorted_by_key(rank));
    let sources: BTreeSet<_> = all.iter().map(|row| row.source.as_str()).collect();
    assert!(sources.contains("four-tests.evtx") && sources.len() > 1, "{sources:?}");
    let notes = store.coverage_notes();
    assert!(notes.iter().any(|note| note.text.contains("rows that scans wrote, no logs")), "{notes:?}");
    // The row's location is its line.
    let finding = &store.findings()[0];
    let event = store.event(finding.event).unwrap();
    let raw = Events.xml(store.source(event).unwrap(), event.place).unwrap();
    assert!(raw.contains("SuspicionScore") && raw.contains(&event.record_id().unwrap().to_string()), "{raw}");
}

#[test]
fn invalid_rows_are_reported_and_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let good = ndjson(&rows(&mut scanned(&fixture("four-tests.evtx")), Profile::Correlated, None, None));
    let lines: Vec<&str> = good.lines().collect();
    let event_3 = lines.iter().find(|line| line.contains("\"EventCode\":3")).unwrap();
    let upload = lines.iter().find(|line| line.contains("CodeRepoAPIUpload")).unwrap();
    let broken = [
        ("[]", "no row of a scan"),
        ("nonsense", "no JSON"),
        (&lines[0][..lines[0].len() / 2], "no JSON"),
        ("{}", "missing field `Signal`"),
        (&lines[0].replace("\"RecordId\":", "\"RecordId\":-"), "no row of a scan"),
        (&lines[0].replace("\"SuspicionScore\":3", "\"SuspicionScore\":7"), "not 0 to 3"),
        (&lines[0].replace("\"EventCode\":1", "\"EventCode\":11"), "EventCode 11"),
        (&upload.replace("\"Signal\":\"CodeRepoAPIUpload", "\"Signal\":\"Nothing"), "Nothing is no signal"),
        (&lines[0].replace("2026-03-11T", "yesterday "), "_time is no time"),
        (&event_3.replace("\"Joined\":{\"CommandLine\"", "\"Joined\":{\"Hashes\""), "Joined names Hashes"),
    ]
    .map(|(line, reason)| (line.to_owned(), reason));
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        text.push_str(line);
        text.push_str(if number % 2 == 0 { "\r\n" } else { "\n\n" });
    }
    let first_broken = text.lines().count() + 1;
    for (line, _) in &broken {
        text.push_str(line);
        text.push('\n');
    }
    let path = written(folder.path(), "host.ndjson", &text);
    let missing = folder.path().join("missing.ndjson");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let mut store = merged(&[missing, path, empty]);
    assert_eq!(ndjson(&rows(&mut store, Profile::Correlated, None, None)), good);
    let named: Vec<String> = store.faults().iter().map(ToString::to_string).collect();
    for (number, (line, reason)) in broken.iter().enumerate() {
        let place = format!("host.ndjson: line {}: ", first_broken + number);
        assert!(
            named.iter().any(|fault| fault.contains(&place) && fault.contains(reason)),
            "{place}{reason} of {line}: {named:#?}"
        );
    }
    assert!(named.iter().any(|fault| fault.contains("missing.ndjson: there is no such file")), "{named:?}");
    assert!(named.iter().any(|fault| fault.contains("empty: no file in it ends in .ndjson")), "{named:?}");
    assert_eq!(store.tally().skipped.get(&SkipReason::Damaged), Some(&(broken.len() as u64)));
    assert_eq!(store.tally().records(), (lines.len() + broken.len()) as u64);
}

#[test]
fn files_without_rows_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), "a.ndjson", "");
    written(folder.path(), "b.txt", "x");
    written(folder.path(), "c.csv", "x");
    let store = merged(&[folder.path().to_owned()]);
    let named: Vec<String> = store.faults().iter().map(ToString::to_string).collect();
    assert!(named.iter().any(|fault| fault.contains("2 files in it that do not end in")), "{named:?}");
    assert!(named.iter().any(|fault| fault.contains("a.ndjson: no line of it is a row")), "{named:?}");
}

#[test]
fn utf16_rows_of_shell_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let good = ndjson(&rows(&mut scanned(&fixture("hostile.evtx")), Profile::Correlated, None, None));
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(good.replace('\n', "\r\n").encode_utf16().flat_map(u16::to_le_bytes));
    let path = folder.path().join("host.ndjson");
    fs::write(&path, bytes).unwrap();
    let mut store = merged(std::slice::from_ref(&path));
    assert_eq!(ndjson(&rows(&mut store, Profile::Correlated, None, None)), good);
    fs::write(&path, format!("\u{feff}{good}")).unwrap();
    let mut store = merged(&[path]);
    assert_eq!(ndjson(&rows(&mut store, Profile::Correlated, None, None)), good);
}

#[test]
fn rows_without_record_numbers_stay_distinct() {
    let folder = tempfile::tempdir().unwrap();
    let good = ndjson(&rows(&mut scanned(&fixture("four-tests.evtx")), Profile::Correlated, None, None));
    let unnumbered: Vec<String> = good
        .lines()
        .map(|line| {
            let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["RecordId"] = serde_json::Value::Null;
            row.to_string()
        })
        .collect();
    let unnumbered = unnumbered.join("\n");
    let path = written(folder.path(), "a.ndjson", &unnumbered);
    let twice = written(folder.path(), "b.ndjson", &unnumbered);
    let mut store = merged(&[path, twice]);
    let count = good.lines().count();
    assert_eq!(rows(&mut store, Profile::Correlated, None, None).len(), count);
    assert_eq!(store.tally().skipped.get(&SkipReason::Duplicate), Some(&(count as u64)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_file_of_rows_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), cut in 0_usize..2000) {
        let folder = tempfile::tempdir().unwrap();
        let good = ndjson(&rows(&mut scanned(&fixture("four-tests.evtx")), Profile::Correlated, None, None));
        let mut text = good.into_bytes();
        let at = cut.min(text.len());
        text.splice(at..at, bytes);
        let path = folder.path().join("x.ndjson");
        fs::write(&path, text).unwrap();
        let mut store = merged(&[path]);
        let found = rows(&mut store, Profile::Correlated, None, None).len();
        prop_assert!(found <= 40);
        let tally = store.tally();
        let lost: u64 = tally.skipped.get(&SkipReason::Damaged).copied().unwrap_or(0);
        let named: u64 = store.faults().iter().map(|fault| fault.lost_records).sum();
        prop_assert_eq!(lost, named);
    }
}

#[test]
fn merged_lead_keeps_its_profile() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["four-tests.evtx", "developers-day"] {
        let messages = Mutex::new(Vec::new());
        load(&[fixture(name)], &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
            messages.lock().unwrap().push(message);
            true
        });
        let mut store = Store::new(HostNaming::Computer, Collect::Everything);
        store.hunt(RepositoryHosts::default());
        take(&mut store, messages.into_inner().unwrap());
        let hunted = rows(&mut store, Profile::Hunt, None, None);
        let path = written(folder.path(), "rows.ndjson", &ndjson(&hunted));
        let mut again = merged(&[path]);
        let what = |rows: &[AlertRow]| -> Vec<_> {
            let leads = rows.iter().filter(|row| row.signal.is_lead());
            leads
                .map(|row| {
                    let verdict = (row.signal, row.suspicion_score, row.is_ci_system, row.is_known_ide);
                    let texts = (row.destination_hostname.clone(), row.explanation.sentence.clone());
                    (row.record_id, verdict, texts)
                })
                .collect()
        };
        let leads = what(&hunted);
        assert!(!leads.is_empty());
        assert_eq!(what(&rows(&mut again, Profile::Hunt, None, None)), leads, "{name}");
        assert!(what(&rows(&mut again, Profile::Correlated, None, None)).is_empty());
        assert_eq!(
            rows(&mut again, Profile::Correlated, None, None).len(),
            rows(&mut store, Profile::Correlated, None, None).len()
        );
        let all_ci = rows(&mut again, Profile::Hunt, Some("."), None);
        assert!(all_ci.iter().all(|row| row.suspicion_score == 0), "the patterns answer to merged leads");
    }
}
