//! The fast reader against the evtx crate, over real logs; and against itself.

use std::path::{Path, PathBuf};

use super::ChunkReader;
use super::binxml::Instance;
use super::differential::{Agreement, sorted};
use super::event_buffer::{EventBuffer, RecordKind};
use super::fast::FastReader;
use super::header::{CHUNK_SIZE, ChunkHeader};
use super::records::{Step, Walk};
use crate::model::batch::{Batch, EventHead, SourceId};

/// The developers' shared logs, if there are any.
pub(super) fn shared_logs() -> Vec<PathBuf> {
    let shared = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data"));
    let mut logs: Vec<PathBuf> = ["evtx", "hostile"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(shared.join(folder)).ok())
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    logs.sort();
    if logs.is_empty() {
        println!("not tested: there are no logs in {}", shared.display());
    }
    logs
}

#[test]
fn the_fast_reader_says_what_the_crate_says() {
    let mut all = Agreement::default();
    for path in shared_logs() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let log = Agreement::of(&std::fs::read(&path).unwrap()).unwrap_or_else(|why| panic!("{name}, {why}"));
        assert_eq!((log.kept_beyond, log.drifting), (0, 0), "{name}: the crate is no reference");
        all.records += log.records;
        all.kept += log.kept;
        all.texts += log.texts;
        all.doubts += log.doubts;
    }
    println!("{all:?}");
    assert!(all.texts >= all.kept * 5);
    assert!(all.doubts * 100 <= all.records, "{} records are beyond the fast reader", all.doubts);
}

/// The reading of each record of a chunk.
fn readings(reader: &mut FastReader, chunk: &[u8]) -> Vec<String> {
    let mut event = EventBuffer::default();
    let mut walk = Walk::new(chunk, ChunkHeader::read(chunk));
    let mut readings = Vec::new();
    reader.begin_chunk();
    while let Some(step) = walk.step() {
        let Step::Record(record) = step else { continue };
        let kind = reader.read(chunk, &record, None, &mut event);
        let (head, fields): (EventHead, _) = (event.head(record.start as u64), sorted(&event));
        readings.push(match kind {
            Ok(RecordKind::Event) => format!("{} {head:?} {fields:?}", record.id),
            other => format!("{} {other:?}", record.id),
        });
    }
    readings
}

#[test]
fn templates_of_chunks_before_change_nothing() {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    for name in ["four-tests.evtx", "old-schema.evtx", "forwarded.evtx", "four-tests-security.evtx"] {
        let log = std::fs::read(fixtures.join(name)).unwrap();
        chunks.extend(log.get(4096..).unwrap().chunks(CHUNK_SIZE).take(2).map(<[u8]>::to_vec));
    }
    let mut warm = FastReader::default();
    for chunk in &chunks {
        assert_eq!(readings(&mut warm, chunk), readings(&mut FastReader::default(), chunk));
    }
    // Each changed byte is seen, in a definition or in a name far from it.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    let mut different = 0;
    for round in 0..600 {
        let original = &chunks[round % chunks.len()];
        let mut chunk = original.clone();
        // The first records hold the definitions.
        let at = 512 + next(if round % 4 == 0 { CHUNK_SIZE - 512 } else { 6000 });
        let Some(byte) = chunk.get_mut(at) else { continue };
        *byte ^= 1 << next(8);
        let expected = readings(&mut FastReader::default(), &chunk);
        different += usize::from(expected != readings(&mut warm, original));
        assert_eq!(readings(&mut warm, &chunk), expected, "byte {at} of chunk {}", round % chunks.len());
    }
    assert!(different > 80, "only {different} of the changes matter");
}

#[test]
fn a_time_of_any_year_is_read_and_ticks_of_none_are_left_to_the_record() {
    let fixture = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/four-tests.evtx"));
    let log = std::fs::read(fixture).unwrap();
    let chunk = log.get(4096..4096 + CHUNK_SIZE).unwrap();
    let mut walk = Walk::new(chunk, ChunkHeader::read(chunk));
    let Some(Step::Record(record)) = walk.step() else { panic!("the log begins with a record") };
    let instance = Instance::read(chunk, record.content_start(), record.content_end).unwrap();
    let sizes = chunk[instance.descriptors..instance.values].chunks(4);
    let sizes: Vec<_> =
        sizes.map(|row| (row[2], usize::from(u16::from_le_bytes([row[0], row[1]])))).collect();
    let number = sizes.iter().position(|(kind, _)| *kind == 0x11).expect("the event has a time");
    let at = instance.values + sizes[..number].iter().map(|(_, size)| size).sum::<usize>();
    for (ticks, year) in [
        (0, Some(1601)),
        (u64::MAX / 8, Some(8907)),
        (u64::MAX / 4, Some(16_214)),
        (u64::MAX / 2, Some(30_828)),
        (u64::MAX / 2 + 1, None),
        (u64::MAX, None),
    ] {
        let mut log = log.clone();
        log[4096 + at..4096 + at + 8].copy_from_slice(&u64::to_le_bytes(ticks));
        Agreement::of(&log).unwrap();
        let mut event = EventBuffer::default();
        let read = FastReader::default().read(&log[4096..4096 + CHUNK_SIZE], &record, None, &mut event);
        assert_eq!(read.is_ok(), year.is_some(), "{ticks}");
        if let Some(year) = year {
            assert_eq!(event.time.map(|time| time.date().0), Some(year));
        }
        // Where the event has no time, its record has one: 2026, in this log.
        let mut batch = Batch::new(SourceId(0));
        ChunkReader::default().read(&log[4096..4096 + CHUNK_SIZE], 4096, &mut batch);
        let first = batch.events.iter().find(|event| event.head.record_id == Some(record.id)).unwrap();
        assert_eq!(first.head.time.map(|time| time.date().0), year.or(Some(2026)), "{ticks}");
    }
}

#[test]
fn the_seeds_of_the_fuzzer_hold_records_that_both_read() {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/oracle"));
    for seed in std::fs::read_dir(corpus).unwrap() {
        let path = seed.unwrap().path();
        let log = Agreement::of(&std::fs::read(&path).unwrap()).unwrap();
        assert!(log.kept + log.doubts + log.drifting > 0, "{}: {log:?}", path.display());
    }
}
