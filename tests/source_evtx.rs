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
use exfilscope::model::feed::{FeedMessage, Progress, SourceInfo};
use exfilscope::source::{LoadOptions, load};

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
fn no_real_log_yields_less_than_the_crate_or_than_its_manifest_says() {
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
    println!("{:?}, {beyond} records more than the crate reads", loaded.total());
    for fault in loaded.faults.iter().filter(|fault| fault.severity > Severity::Notice) {
        println!("{fault}");
    }
}
