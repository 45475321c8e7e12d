//! Reading real and damaged event logs through the sources' public door.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which the lints' own exception for tests does not cover"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use exfilscope::model::batch::{Batch, SourceId};
use exfilscope::model::fault::{Fault, Severity, Tally};
use exfilscope::model::feed::{FeedMessage, Progress, RawEvents, SourceInfo};
use exfilscope::source::{EvtxEvents, LoadOptions, load};

/// All that a load hands over.
#[derive(Default)]
struct Loaded {
    sources: Vec<SourceInfo>,
    batches: Vec<Batch>,
    faults: Vec<Fault>,
    tallies: BTreeMap<SourceId, Tally>,
    finished: usize,
}

impl Loaded {
    fn of(paths: &[PathBuf], threads: usize) -> Self {
        let loaded = Mutex::new(Self::default());
        let progress = Progress::default();
        load(paths, &LoadOptions { threads }, &progress, &|message| {
            let mut loaded = loaded.lock().unwrap();
            assert_eq!(loaded.finished, 0, "nothing comes behind the end");
            match message {
                FeedMessage::Source(source) => loaded.sources.push(source),
                FeedMessage::Batch(batch) => {
                    assert!(loaded.sources.iter().any(|source| source.id == batch.source));
                    loaded.tallies.entry(batch.source).or_default().add(&batch.tally);
                    loaded.faults.extend(batch.faults.iter().cloned());
                    loaded.batches.push(batch);
                }
                FeedMessage::Fault(fault) => loaded.faults.push(fault),
                FeedMessage::Finished => loaded.finished += 1,
            }
            true
        });
        let mut loaded = loaded.into_inner().unwrap();
        assert_eq!(loaded.finished, 1);
        loaded.sources.sort_by_key(|source| source.id);
        let total = loaded.total();
        assert_eq!(progress.records_done.load(Ordering::Relaxed), total.records());
        assert_eq!(progress.bytes_done.load(Ordering::Relaxed), total.bytes);
        assert_eq!(progress.files_done.load(Ordering::Relaxed), progress.files_found.load(Ordering::Relaxed));
        loaded
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.tallies.values() {
            total.add(tally);
        }
        total
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

/// Records of a file by the evtx crate's own account: those that it reads, and those that it names as unreadable.
fn crate_records(path: &Path) -> usize {
    let Ok(mut parser) = evtx::EvtxParser::from_path(path) else { return 0 };
    parser.records().flatten().count()
}

#[test]
fn real_logs_yield_no_fewer_records() {
    let (Some(folder), Some(manifest)) = (shared("evtx"), shared("MANIFEST.tsv")) else { return };
    let loaded = Loaded::of(&[folder], 0);
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let rows: BTreeMap<&str, Vec<&str>> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("evtx/"))
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|row| (row[0], row))
        .collect();
    assert_eq!(loaded.sources.len(), rows.len());
    let mut beyond = 0;
    for source in &loaded.sources {
        let tally = &loaded.tallies[&source.id];
        let row = &rows[source.name.as_str()];
        assert_eq!(tally.bytes, row[1].parse::<u64>().unwrap(), "{}", source.name);
        assert_eq!(tally.records(), tally.sysmon + tally.skipped.values().sum::<u64>());
        assert_eq!(tally.sysmon, tally.event_codes.values().sum::<u64>());
        let lost: u64 = tally
            .skipped
            .iter()
            .filter(|(reason, _)| matches!(reason.key(), "damaged" | "truncated"))
            .map(|(_, count)| count)
            .sum();
        let named: u64 = loaded
            .faults
            .iter()
            .filter(|fault| fault.source == Some(source.id))
            .map(|fault| fault.lost_records)
            .sum();
        assert_eq!(lost, named, "{}: every loss is named", source.name);
        let read = usize::try_from(tally.records() - lost).unwrap();
        let expected = crate_records(&source.path);
        assert!(read >= expected, "{}: {read} records, the crate has {expected}", source.name);
        beyond += read - expected;
        for (code, column) in [(1, 4), (3, 5)] {
            let count = tally.event_codes.get(&code).copied().unwrap_or(0);
            let stated: u64 = row[column].parse().unwrap();
            assert!(
                count == stated || (count > stated && read > expected),
                "{}: {count} events of ID {code}, {stated} stated",
                source.name
            );
        }
    }
    // Every read event can be shown.
    for batch in &loaded.batches {
        let source = loaded.sources.iter().find(|source| source.id == batch.source).unwrap();
        for event in batch.events.iter().step_by(5) {
            let xml = EvtxEvents.xml(source, event.head.place).unwrap();
            let id = event.head.record_id.unwrap();
            assert!(xml.contains(&format!("<EventRecordID>{id}</EventRecordID>")), "{xml}");
        }
    }
    println!("{:?}, {beyond} records more than the crate reads", loaded.total());
    for fault in loaded.faults.iter().filter(|fault| fault.severity >= Severity::Notice) {
        println!("{fault}");
    }
}

/// Where the records of each chunk are, by their sizes.
fn records(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut records = Vec::new();
    for start in (4096..bytes.len()).step_by(65_536) {
        let mut at = start + 512;
        while bytes.get(at..at + 4) == Some(b"**\0\0") {
            let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
            records.push(at..at + size);
            at += size;
        }
    }
    records
}

fn of_bytes(bytes: &[u8]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.evtx");
    std::fs::write(&path, bytes).unwrap();
    Loaded::of(&[path], 2)
}

fn lost(loaded: &Loaded) -> u64 {
    loaded.faults.iter().map(|fault| fault.lost_records).sum()
}

/// A damaged real log loses only its destroyed records.
#[test]
fn damaged_real_logs_lose_the_least() {
    for name in ["evtx/PanacheSysmon_vs_AtomicRedTeam01.evtx", "evtx/issue_43.evtx"] {
        let Some(path) = shared(name) else { return };
        let whole = std::fs::read(path).unwrap();
        let places = records(&whole);
        let all = places.len() as u64;
        let total = of_bytes(&whole).total();
        assert_eq!(total.records(), all);

        // Every seventh record is overwritten, the first ones of chunks too.
        let mut bytes = whole.clone();
        for range in places.iter().step_by(7) {
            bytes[range.clone()].fill(0xa5);
        }
        let loaded = of_bytes(&bytes);
        assert_eq!(loaded.total().records(), all);
        let destroyed = places.len().div_ceil(7) as u64;
        println!("{name}: {destroyed} records destroyed, {} lost", lost(&loaded));
        assert_eq!(lost(&loaded), destroyed);

        // Neither the file's header nor any chunk's is there, and the sizes of the records are wrong.
        let mut bytes = whole.clone();
        bytes[..4096].fill(0);
        for start in (4096..whole.len()).step_by(65_536) {
            bytes[start..start + 512].fill(0);
        }
        for range in places.iter().step_by(3) {
            bytes[range.start + 4..range.start + 8].fill(0xff);
        }
        let loaded = of_bytes(&bytes);
        assert_eq!(lost(&loaded), 0, "{:#?}", loaded.faults);
        assert_eq!(loaded.total().event_codes, total.event_codes);

        // Everything is shifted.
        let mut bytes = whole.clone();
        bytes.drain(..3000);
        bytes.splice(65_536 * 3..65_536 * 3, [7; 999]);
        let loaded = of_bytes(&bytes);
        println!("{name}: shifted in the middle of a chunk, {} lost", lost(&loaded));
        assert!(lost(&loaded) <= 80);

        // Cut short.
        let place = &places[places.len() * 2 / 3];
        let loaded = of_bytes(&whole[..place.start + 30]);
        assert_eq!(loaded.total().records() - lost(&loaded), places.len() as u64 * 2 / 3);
        assert!(lost(&loaded) > 0);
    }
}
