//! Damaged event logs: readable records are read, the others are counted and named.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "helpers of tests, which the lints' own exception for tests does not cover"
)]

use crate::source_log;

use std::collections::BTreeMap;

use exfilscope::model::fault::Severity;
use source_log::{CHUNK, Log, Outcome, PER_CHUNK, Writer, seal};

#[test]
fn overwritten_records_lose_only_themselves() {
    // The first record of a chunk holds the templates of all others; another chunk has the same.
    for id in [21, 25, 40, 60] {
        for byte in [0xaa, 0x00, 0xff] {
            let mut log = Log::new(3);
            log.fill(log.records[&id].clone(), byte);
            log.read().expect(&log, &[id]);
            // Without their content, but with their header.
            let mut log = Log::new(3);
            let range = log.records[&id].clone();
            log.fill(range.start + 24..range.end - 4, byte);
            log.read().expect(&log, &[id]);
        }
    }
    let mut log = Log::new(3);
    for id in 26..=31 {
        log.fill(log.records[&id].clone(), 0x55);
    }
    log.read().expect(&log, &[26, 27, 28, 29, 30, 31]);
}

#[test]
fn single_chunk_depends_on_first_record() {
    let mut log = Log::new(1);
    log.fill(log.records[&1].clone(), 0xaa);
    let all: Vec<u64> = (1..=PER_CHUNK).collect();
    log.read().expect(&log, &all);
    let mut log = Log::new(1);
    log.fill(log.records[&2].clone(), 0xaa);
    log.read().expect(&log, &[2]);
}

#[test]
fn record_with_damaged_header_is_read() {
    for id in [21, 30, 40, 60] {
        for size in [u32::MAX, 0, 1, 27, 60_000, 200, 0x8000_0000] {
            let mut log = Log::new(3);
            let start = log.records[&id].start;
            log.bytes[start + 4..start + 8].copy_from_slice(&size.to_le_bytes());
            log.read().expect_notice(&log, "its header is damaged");
            // The same in a chunk of which nothing else is known.
            let number = (start - 4096) / CHUNK;
            log.chunk(number)[..512].fill(0);
            log.read().expect(&log, &[]);
        }
        for (range, byte) in [(0..4, 0xee), (0..8, 0), (0..24, 0xcc)] {
            let mut log = Log::new(3);
            let start = log.records[&id].start;
            log.fill(start + range.start..start + range.end, byte);
            log.read().expect(&log, &[]);
        }
        let mut log = Log::new(3);
        let end = log.records[&id].end;
        log.fill(end - 4..end, 0x77);
        log.read().expect(&log, &[]);
    }
}

#[test]
fn chunks_without_header_are_read() {
    for number in 0..3 {
        let mut log = Log::new(3);
        log.chunk(number)[..8].fill(0);
        log.read().expect_notice(&log, "the chunk's header is overwritten");
        log.chunk(number)[..512].fill(0);
        log.read().expect_notice(&log, "the chunk's header is overwritten");
        log.chunk(number)[..512].fill(0xbb);
        log.read().expect_notice(&log, "the chunk's header is overwritten");
    }
}

#[test]
fn overwritten_chunk_is_reported_missing() {
    let mut log = Log::new(3);
    log.chunk(1).fill(0xab);
    let lost: Vec<u64> = (21..=40).collect();
    log.read().expect(&log, &lost);
}

#[test]
fn the_files_header_is_not_needed() {
    let mut log = Log::new(3);
    log.fill(0..4096, 0);
    log.read().expect_notice(&log, "header is missing or overwritten");
    log.fill(0..4096, 0x5a);
    log.read().expect_notice(&log, "header is missing or overwritten");
    log.bytes.drain(..4096);
    log.read().expect_notice(&log, "header is missing or overwritten");
    let mut log = Log::new(3);
    log.bytes.drain(..700);
    log.read().expect_notice(&log, "header is missing or overwritten");
    let mut log = Log::new(3);
    log.bytes[120] = 1;
    assert_eq!(log.read().faults, [], "a log that was in use is normal");
    let mut log = Log::new(3);
    log.bytes[42] = 1;
    log.bytes[24..32].copy_from_slice(&5_u64.to_le_bytes());
    log.read().expect_notice(&log, "out of date: it counts 1 chunks, 3 were found");
}

#[test]
fn truncated_log_keeps_whole_records() {
    let whole = Log::new(3);
    for (id, offset) in [(60, 4), (60, 100), (55, 10), (55, 0), (50, 23), (41, 30), (42, 0)] {
        let mut log = whole.clone();
        log.bytes.truncate(log.records[&id].start + offset);
        let outcome = log.read();
        let lost: Vec<u64> = (id..=60).collect();
        outcome.expect(&log, &lost);
        assert_eq!(outcome.tally.skipped.keys().map(|why| why.key()).collect::<Vec<_>>(), ["truncated"]);
        // The header of the chunk holds their count; without it only the one that is begun is known.
        let end = log.bytes.len();
        log.fill(4096 + 2 * CHUNK..(4096 + 2 * CHUNK + 512).min(end), 0);
        let outcome = log.read();
        assert_eq!(outcome.ids.len() as u64, id - 1, "{:#?}", outcome.faults);
    }
    let mut log = whole.clone();
    log.bytes.truncate(log.records[&60].end);
    log.read().expect_notice(&log, "the file ends inside this chunk");
    log.bytes.truncate(log.records[&60].end - 2);
    let outcome = log.read();
    assert_eq!(outcome.ids.len(), 60, "its content is all there");
    for rest in [4, 60, 300] {
        let mut log = whole.clone();
        log.bytes.truncate(4096 + 2 * CHUNK + rest);
        assert_eq!(log.read().ids.len(), 40);
    }
}

#[test]
fn wrong_checksums_cost_nothing() {
    let mut log = Log::new(3);
    log.chunk(1)[124] ^= 0xff;
    log.read().expect_notice(&log, "the checksum of the chunk's header is wrong");
    let mut log = Log::new(3);
    log.chunk(1)[52] ^= 0xff;
    seal(log.chunk(1));
    log.read().expect_notice(&log, "the checksum of the chunk's records is wrong");
}

#[test]
fn wrong_records_end_is_corrected() {
    let whole = Log::new(3);
    let right = |log: &mut Log| u32::from_le_bytes(log.chunk(1)[48..52].try_into().unwrap());
    for sealed in [true, false] {
        for change in [-1500_i32, -8, 8, 1000, 20_000, 10_000_000] {
            let mut log = whole.clone();
            let free = right(&mut log).wrapping_add_signed(change);
            log.chunk(1)[48..52].copy_from_slice(&free.to_le_bytes());
            if sealed {
                seal(log.chunk(1));
            }
            let outcome = log.read();
            outcome.expect(&log, &[]);
            assert!(!outcome.faults.is_empty());
        }
        let mut log = whole.clone();
        log.chunk(1)[48..52].copy_from_slice(&512_u32.to_le_bytes());
        if sealed {
            seal(log.chunk(1));
        }
        log.read().expect(&log, &[]);
    }
    // The service writes the header late: records are there that it does not know of.
    let mut log = whole.clone();
    let start = log.records[&33].start - 4096 - CHUNK;
    log.chunk(1)[48..52].copy_from_slice(&(start as u32).to_le_bytes());
    log.chunk(1)[32..40].copy_from_slice(&32_u64.to_le_bytes());
    seal(log.chunk(1));
    log.read().expect_notice(&log, "older than its last records");
}

#[test]
fn records_of_last_round_are_ignored() {
    let whole = Log::new(3);
    // In chunk 1, records of an older chunk follow the live ones, at any offset.
    let (old, ranges) = Writer::chunk(1000..1020);
    for headless in [false, true] {
        for first in [0_usize, 3] {
            let mut log = whole.clone();
            let end = log.records[&40].end - 4096 - CHUNK;
            // Older records have lower numbers: the log counts on.
            let shift: BTreeMap<u64, u64> = (1..=60).map(|id| (id, id + 2000)).collect();
            let mut newer = Log { bytes: log.bytes.clone(), records: BTreeMap::new() };
            for (id, range) in &log.records {
                let start = range.start + 8;
                newer.bytes[start..start + 8].copy_from_slice(&shift[id].to_le_bytes());
            }
            let stale = &old[ranges[first].start..ranges[19].end];
            let chunk = newer.chunk(1);
            chunk[end..end + stale.len()].copy_from_slice(stale);
            if headless {
                chunk[..512].fill(0);
            }
            log.bytes = newer.bytes;
            let outcome = log.read();
            assert_eq!(outcome.ids, log.all(), "{:#?}", outcome.faults);
            assert_eq!(outcome.lost(), 0, "{:#?}", outcome.faults);
        }
    }
}

#[test]
fn chunks_that_are_shifted_are_found() {
    for garbage in [1, 100, 512, 4096, CHUNK, CHUNK + 77] {
        for number in 0..=3 {
            let mut log = Log::new(3);
            let at = 4096 + number * CHUNK;
            log.bytes.splice(at..at, std::iter::repeat_n(0xd7, garbage));
            log.read().expect_notice(&log, "no log data");
        }
    }
    // Bytes are missing after the last record of a chunk: nothing of it is lost.
    for missing in [1, 64, 3000] {
        let mut log = Log::new(3);
        let end = 4096 + 2 * CHUNK;
        log.bytes.drain(end - missing..end);
        log.read().expect(&log, &[]);
    }
    // Bytes are missing inside of a record: the ones after it have moved away from their templates' offsets, but the
    // next chunk has those too.
    let mut log = Log::new(3);
    let at = log.records[&30].start;
    log.bytes.drain(at + 50..at + 114);
    log.read().expect(&log, &[30]);
}

#[test]
fn file_without_log_is_reported() {
    for (bytes, words) in [
        (vec![], "empty"),
        (vec![0; 70_000], "nothing but zeros"),
        (b"notes of the day\n".to_vec(), "it is text"),
        (vec![0xd8; 70_000], "no part of it is a Windows event log"),
        (b"PK\x03\x04xxxxxxxx".to_vec(), "the archive's directory is damaged"),
    ] {
        let outcome = Outcome::of(&bytes);
        let [fault] = outcome.faults.as_slice() else { panic!("{:#?}", outcome.faults) };
        assert_eq!(fault.severity, Severity::Unreadable);
        assert!(fault.reason().contains(words), "{fault}");
        assert_eq!(outcome.tally.records(), 0);
    }
    let mut empty = Log::new(1);
    empty.bytes.truncate(4096);
    empty.bytes[24..32].copy_from_slice(&1_u64.to_le_bytes());
    empty.seal_header();
    assert_eq!(empty.read().faults, [], "a log without records");
    empty.bytes.resize(4096 + CHUNK, 0);
    assert_eq!(empty.read().faults, [], "a log without records");
}

#[test]
fn the_missing_end_is_counted() {
    let whole = Log::new(5);
    let at = 4096 + 3 * CHUNK;
    let lost: Vec<u64> = (61..=100).collect();
    let named = |outcome: &Outcome, words: &str| {
        assert!(outcome.faults.iter().any(|fault| fault.reason().contains(words)), "{:#?}", outcome.faults);
    };
    for dirty in [0, 1, 3] {
        let mut log = whole.clone();
        log.bytes[120] = dirty;
        let mut cut = log.clone();
        cut.bytes.truncate(at);
        let outcome = cut.read();
        outcome.expect(&cut, &lost);
        named(&outcome, "records 61 to 100 are missing at the end");
        assert_eq!(outcome.tally.skipped.keys().map(|why| why.key()).collect::<Vec<_>>(), ["truncated"]);
        for byte in [0, 0xa5] {
            let mut overwritten = log.clone();
            overwritten.fill(at..log.bytes.len(), byte);
            let outcome = overwritten.read();
            outcome.expect(&overwritten, &lost);
            named(&outcome, "records 61 to 100 are missing at the end");
        }
        // Inside of a chunk, which says itself what it held.
        let mut inside = log.clone();
        inside.bytes.truncate(at + 700);
        inside.read().expect(&inside, &lost);
        // Of a header that is older than its chunks nothing follows.
        let mut older = log.clone();
        older.bytes[24..32].copy_from_slice(&41_u64.to_le_bytes());
        older.seal_header();
        older.read().expect(&older, &[]);
        // One with a wrong checksum is not believed, but reported as wrong.
        let mut wrong = cut.clone();
        wrong.bytes[124] ^= 1;
        let outcome = wrong.read();
        assert_eq!(outcome.lost(), 0);
        named(&outcome, "the checksum of the file's header is wrong");
    }
    assert_eq!(whole.read().faults, []);
}

#[test]
fn log_without_chunks_fails() {
    for byte in [0, 0xa5] {
        let mut log = Log::new(3);
        log.fill(4096..log.bytes.len(), byte);
        let all: Vec<u64> = (1..=60).collect();
        let outcome = log.read();
        outcome.expect(&log, &all);
        assert!(outcome.faults.iter().any(|fault| fault.severity == Severity::Unreadable));
        log.bytes.truncate(4096);
        log.read().expect(&log, &all);
    }
}

#[test]
fn zeroed_middle_chunks_are_counted() {
    for (chunks, lost) in [(1..2, 21..=40), (1..3, 21..=60), (0..1, 1..=20), (0..3, 1..=60)] {
        for byte in [0, 0xa5] {
            let mut log = Log::new(5);
            log.fill(4096 + chunks.start * CHUNK..4096 + chunks.end * CHUNK, byte);
            let lost: Vec<u64> = lost.clone().collect();
            log.read().expect(&log, &lost);
        }
    }
    // With something else in one of them.
    let mut log = Log::new(5);
    log.fill(4096 + CHUNK..4096 + 3 * CHUNK, 0);
    log.fill(4096 + 2 * CHUNK + 77..4096 + 2 * CHUNK + 99, 0xa5);
    log.read().expect(&log, &(21..=60).collect::<Vec<_>>());
}

#[test]
fn partial_log_is_reported() {
    let mut log = Log::new(5);
    log.bytes.drain(4096..4096 + 2 * CHUNK);
    log.bytes.truncate(4096 + CHUNK);
    let outcome = log.read();
    assert_eq!((outcome.ids.len(), outcome.lost()), (20, 0), "{:#?}", outcome.faults);
    assert!(outcome.faults[0].reason().contains("a part of a log"), "{:#?}", outcome.faults);
}

#[test]
fn slack_fragment_is_no_record() {
    // The service had begun to write a record that went to the next chunk instead: its content is there, its header is not.
    let mut log = Log::new(2);
    let content = log.bytes[log.records[&20].start + 24..log.records[&20].end].to_vec();
    let end = log.records[&20].end;
    log.bytes[end + 24..end + 24 + content.len()].copy_from_slice(&content);
    assert_eq!(log.read().faults, []);
}

#[test]
fn records_hidden_in_others_are_read() {
    for hidden in [1_u64, 3] {
        let mut log = Log::new(3);
        let (start, end) = (log.records[&30].start, log.records[&(30 + hidden)].end);
        let size = (u32::try_from(end - start).unwrap()).to_le_bytes();
        log.bytes[start + 4..start + 8].copy_from_slice(&size);
        log.bytes[end - 4..end].copy_from_slice(&size);
        log.read().expect_notice(&log, "which hides that one; both were read");
    }
}

#[test]
fn cut_out_records_are_missed() {
    // The bytes of record 30 are taken out of the chunk, and the rest is moved up: the templates stay where they are.
    let mut log = Log::new(3);
    let range = log.records[&30].clone();
    log.bytes.drain(range.clone());
    let end = 4096 + 2 * CHUNK - range.len();
    log.bytes.splice(end..end, std::iter::repeat_n(0, range.len()));
    let chunk = log.chunk(1);
    let free = u32::from_le_bytes(chunk[48..52].try_into().unwrap()) - u32::try_from(range.len()).unwrap();
    chunk[48..52].copy_from_slice(&free.to_le_bytes());
    let sum = crc32fast::hash(&chunk[512..free as usize]);
    chunk[52..56].copy_from_slice(&sum.to_le_bytes());
    seal(chunk);
    let outcome = log.read();
    outcome.expect(&log, &[30]);
    assert!(outcome.faults[0].reason().contains("missing here by their numbers"), "{:#?}", outcome.faults);
}
