//! Reading events in every other dialect than Windows' own logs, through the sources' public door.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which the lints' own exception for tests does not cover"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use exfilscope::model::batch::{Batch, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::fault::{Fault, Severity, Tally};
use exfilscope::model::feed::{FeedMessage, Progress, RawEvents, SourceInfo};
use exfilscope::model::guid::Guid;
use exfilscope::source::{Events, InputFormat, LoadOptions, load_as};

/// All that a load hands over.
#[derive(Default)]
struct Loaded {
    sources: Vec<SourceInfo>,
    batches: Vec<Batch>,
    faults: Vec<Fault>,
    tallies: BTreeMap<SourceId, Tally>,
}

/// One event in comparable form.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    code: u16,
    time: Option<String>,
    record_id: Option<u64>,
    process: Option<Guid>,
    parent: Option<Guid>,
    fields: BTreeMap<&'static str, String>,
}

impl Loaded {
    fn of(paths: &[PathBuf], format: Option<InputFormat>, threads: usize) -> Self {
        let loaded = Mutex::new(Self::default());
        let progress = Progress::default();
        load_as(paths, format, &LoadOptions { threads }, &progress, &|message| {
            let mut loaded = loaded.lock().unwrap();
            match message {
                FeedMessage::Source(source) => loaded.sources.push(source),
                FeedMessage::Batch(batch) => {
                    loaded.tallies.entry(batch.source).or_default().add(&batch.tally);
                    loaded.faults.extend(batch.faults.iter().cloned());
                    loaded.batches.push(batch);
                }
                FeedMessage::Fault(fault) => loaded.faults.push(fault),
                FeedMessage::Finished => {}
            }
            true
        });
        let mut loaded = loaded.into_inner().unwrap();
        loaded.sources.sort_by_key(|source| source.id);
        let total = loaded.total();
        assert_eq!(progress.records_done.load(Ordering::Relaxed), total.records());
        assert_eq!(progress.bytes_done.load(Ordering::Relaxed), total.bytes);
        assert_eq!(progress.bytes_found.load(Ordering::Relaxed), total.bytes);
        assert_eq!(progress.files_done.load(Ordering::Relaxed), progress.files_found.load(Ordering::Relaxed));
        let lost: u64 = total
            .skipped
            .iter()
            .filter(|(reason, _)| reason.key() != "other_provider")
            .map(|(_, count)| count)
            .sum();
        let named: u64 = loaded.faults.iter().map(|fault| fault.lost_records).sum();
        assert_eq!(lost, named, "every loss is named: {:?}", loaded.faults);
        loaded
    }

    fn one(path: &Path) -> Self {
        Self::of(&[path.to_owned()], None, 1)
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.tallies.values() {
            total.add(tally);
        }
        total
    }

    fn events(&self) -> Vec<Seen> {
        let mut events: Vec<(u64, Seen)> = Vec::new();
        for batch in &self.batches {
            for event in &batch.events {
                let fields = Field::ALL
                    .iter()
                    .filter_map(|field| Some((field.name(), batch.text(event, *field)?.to_owned())))
                    .collect();
                let head = &event.head;
                let seen = Seen {
                    code: head.event_code,
                    time: head.time.map(|time| time.to_string()),
                    record_id: head.record_id,
                    process: head.process_guid,
                    parent: head.parent_process_guid,
                    fields,
                };
                events.push((head.place, seen));
            }
        }
        events.sort_by_key(|(place, _)| *place);
        events.into_iter().map(|(_, event)| event).collect()
    }
}

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(path);
    if path.exists() {
        return Some(path);
    }
    println!("not tested: {} is not here", path.display());
    None
}

fn manifest() -> Vec<Vec<String>> {
    let Some(path) = shared("MANIFEST.tsv") else { return Vec::new() };
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn twins_give_the_events_of_their_log() {
    let mut twins = 0;
    for row in manifest().iter().filter(|row| row[0].starts_with("derived/")) {
        let Some(path) = shared(&row[0]) else { continue };
        let name = row[0].strip_prefix("derived/").unwrap();
        let stem = name.split('.').next().unwrap();
        let Some(log) = shared(&format!("evtx/{stem}.evtx")) else { continue };
        let (twin, original) = (Loaded::one(&path), Loaded::one(&log));
        assert_eq!(twin.total().event_codes, original.total().event_codes, "{name}");
        assert_eq!(twin.total().skipped, original.total().skipped, "{name}");
        let (twin_events, events) = (twin.events(), original.events());
        assert_eq!(twin_events.len(), events.len(), "{name}");
        for (one, other) in twin_events.iter().zip(&events) {
            assert_eq!(one, other, "{name}");
        }
        assert!(
            twin.faults.iter().all(|fault| fault.severity == Severity::Notice),
            "{name}: {:?}",
            twin.faults
        );
        for batch in &twin.batches {
            for event in batch.events.iter().take(2) {
                let raw = Events.xml(&twin.sources[0], event.head.place).unwrap();
                assert!(raw.contains(&event.head.record_id.unwrap().to_string()), "{raw}");
            }
        }
        twins += 1;
    }
    println!("{twins} twins are the same");
}

/// The manifest counts these by a pattern, which finds two events where an envelope names its type.
fn records_of(row: &[String]) -> u64 {
    let stated: u64 = row[3].parse().unwrap();
    match row[0].as_str() {
        // Two pretty-printed events one behind the other, which the manifest's parser took for damaged.
        "json/sigma_7124aebe-4cd7-4ccb-8df0-6d6b93c96795.json" => 2,
        "json/openxp_Sysmon_session_modified_raw_events_4.json" => 1,
        name if name.starts_with("json/openxp_") => stated / 2,
        _ => stated,
    }
}

#[test]
fn captures_give_what_their_manifest_says() {
    for row in manifest().iter().filter(|row| row[0].starts_with("json/") || row[0].starts_with("xml/")) {
        let Some(path) = shared(&row[0]) else { continue };
        let loaded = Loaded::one(&path);
        let total = loaded.total();
        let name = &row[0];
        assert_eq!(total.records(), records_of(row), "{name}: {total:?} {:?}", loaded.faults);
        let count = |code| total.event_codes.get(&code).copied().unwrap_or(0);
        if !name.contains("sigma_7124aebe") {
            assert_eq!(count(1), row[4].parse::<u64>().unwrap(), "{name}");
            assert_eq!(count(3), row[5].parse::<u64>().unwrap(), "{name}");
        }
        assert_eq!(total.bytes, row[1].parse::<u64>().unwrap(), "{name}");
        assert!(
            loaded.faults.iter().all(|fault| fault.severity == Severity::Notice),
            "{name}: {:?}",
            loaded.faults
        );
        for event in loaded.events() {
            assert!(event.time.is_some(), "{name}: {event:?}");
            assert!(event.fields.contains_key("Computer"), "{name}: {event:?}");
        }
    }
}

#[test]
fn a_large_capture_is_read_straight_from_its_archive() {
    let Some(path) = shared("json-large/nxlog-flat-42k.json.zip") else { return };
    let loaded = Loaded::one(&path);
    let total = loaded.total();
    assert_eq!(total.records(), 42_482, "{:?}", loaded.faults);
    assert_eq!(total.event_codes.get(&3), Some(&135));
    let names: Vec<_> = loaded
        .events()
        .into_iter()
        .filter(|event| event.code == 3)
        .filter_map(|event| event.fields.get("DestinationHostname").cloned())
        .collect();
    assert_eq!(names.len(), 135);
    assert!(names.iter().all(|name| name == "-"));
    assert_eq!(loaded.sources[0].name, "nxlog-flat-42k.json.zip/metasploit_procdump_lsass_memory_dump.json");
}

#[test]
fn a_folder_of_everything_is_read() {
    let Some(path) = shared("") else { return };
    for threads in [1, 3] {
        let loaded = Loaded::of(std::slice::from_ref(&path), None, threads);
        println!("{:?}", loaded.total());
        assert!(loaded.total().sysmon > 100_000 / 4);
    }
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    path
}
