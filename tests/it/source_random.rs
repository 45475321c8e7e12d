//! Any bytes at all: the reader neither fails nor hangs, and its account is right.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests are no tests to the lints"
)]

use crate::source_log;

use std::path::Path;
use std::time::{Duration, Instant};

use exfilscope::model::fault::Severity;
use proptest::prelude::*;
use source_log::{CHUNK, Log, Outcome, seal};

/// A change to bytes. Offsets and lengths are taken to fit.
#[derive(Clone, Debug)]
enum Change {
    Set(usize, u8),
    Word(usize, u32),
    Fill(usize, usize, u8),
    Cut(usize, usize),
    Insert(usize, Vec<u8>),
    Copy(usize, usize, usize),
    Truncate(usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let size = bytes.len();
        let range = |at: usize, length: usize| at % size..(at % size + length).min(size);
        match self {
            Self::Set(at, byte) => bytes[at % size] = *byte,
            Self::Word(at, word) => {
                for (offset, byte) in word.to_le_bytes().into_iter().enumerate() {
                    bytes[(at + offset) % size] = byte;
                }
            }
            Self::Fill(at, length, byte) => bytes[range(*at, *length)].fill(*byte),
            Self::Cut(at, length) => drop(bytes.drain(range(*at, *length))),
            Self::Insert(at, new) => drop(bytes.splice(at % size..at % size, new.iter().copied())),
            Self::Copy(from, to, length) => {
                let part = bytes[range(*from, *length)].to_vec();
                let target = range(*to, part.len());
                bytes[target.clone()].copy_from_slice(&part[..target.len()]);
            }
            Self::Truncate(at) => bytes.truncate(at % size),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<usize>();
    // Numbers that are likely to break something.
    let word = prop_oneof![
        any::<u32>(),
        Just(u32::MAX),
        Just(0),
        Just(0x0000_2a2a),
        Just(0x8000_0000),
        Just(65_536),
        Just(65_535)
    ];
    prop_oneof![
        4 => (place, any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        6 => (place, word).prop_map(|(at, word)| Change::Word(at, word)),
        1 => (place, 1_usize..3000, any::<u8>()).prop_map(|(at, length, byte)| Change::Fill(at, length, byte)),
        1 => (place, 1_usize..3000).prop_map(|(at, length)| Change::Cut(at, length)),
        1 => (place, prop::collection::vec(any::<u8>(), 1..300)).prop_map(|(at, new)| Change::Insert(at, new)),
        2 => (place, place, 1_usize..3000).prop_map(|(from, to, length)| Change::Copy(from, to, length)),
        1 => place.prop_map(Change::Truncate),
    ]
}

/// Reads bytes and holds the reader to its account.
fn read(bytes: &[u8]) -> Result<Outcome, TestCaseError> {
    let start = Instant::now();
    let outcome = Outcome::of_any(bytes);
    prop_assert!(start.elapsed() < Duration::from_secs(20));
    for fault in &outcome.faults {
        prop_assert!(!fault.kind.is_bug(), "{fault}");
    }
    let named: u64 = outcome.faults.iter().map(|fault| fault.lost_records).sum();
    prop_assert_eq!(outcome.lost(), named);
    prop_assert_eq!(outcome.tally.sysmon, outcome.tally.event_codes.values().sum::<u64>());
    let is_unreadable = outcome.faults.iter().any(|fault| fault.severity == Severity::Unreadable);
    prop_assert!(is_unreadable || outcome.tally.bytes == bytes.len() as u64);
    Ok(outcome)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_changes_of_log_are_survived(changes in prop::collection::vec(change(), 1..12)) {
        let mut log = Log::new(2);
        // Most changes shall hit what is used of the chunks.
        log.bytes.drain(4096 + CHUNK + 8000..);
        for change in &changes {
            change.apply(&mut log.bytes);
        }
        read(&log.bytes)?;
    }

    #[test]
    fn random_bytes_are_survived(
        bytes in prop::collection::vec(any::<u8>(), 0..9000),
        is_file in any::<bool>(),
        is_chunk in any::<bool>(),
    ) {
        let mut bytes = bytes;
        for (at, magic, wanted) in [(0, b"ElfFile\0", is_file), (4096, b"ElfChnk\0", is_chunk)] {
            if let Some(target) = bytes.get_mut(at..at + 8).filter(|_| wanted) {
                target.copy_from_slice(magic);
            }
        }
        read(&bytes)?;
    }

    #[test]
    fn random_records_are_survived(
        seed in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..80)), 1..60),
    ) {
        let mut bytes = Log::new(1).bytes;
        bytes.truncate(4096 + 512);
        for (kind, noise) in seed {
            match kind % 4 {
                0 => bytes.extend_from_slice(b"**\0\0"),
                1 => bytes.extend_from_slice(&[0x0f, 1, 1, 0, 0x0c, 1]),
                2 => bytes.extend_from_slice(b"ElfChnk\0"),
                _ => {}
            }
            bytes.extend_from_slice(&noise);
        }
        read(&bytes)?;
    }

    #[test]
    fn random_real_log_changes_are_survived(changes in prop::collection::vec(change(), 1..12)) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/evtx/LM_sysmon_3_12_13_1_SharpRDP.evtx");
        if !Path::new(path).exists() {
            return Ok(());
        }
        let mut bytes = std::fs::read(path).unwrap();
        bytes.truncate(4096 + 38_000);
        for change in &changes {
            change.apply(&mut bytes);
        }
        read(&bytes)?;
    }
}

/// As many broken records as a chunk has room for, each of which makes the reader look for the next.
#[test]
fn adversarial_chunk_is_not_slow() {
    let mut log = Log::new(1);
    let (definition, rest) = (log.records[&1].clone(), log.records[&2].clone());
    let mut chunk = log.bytes[4096..definition.end].to_vec();
    let mut broken = log.bytes[rest].to_vec();
    broken.truncate(40);
    let mut id = 2_u64;
    while chunk.len() + broken.len() < CHUNK {
        broken[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        broken[8..16].copy_from_slice(&id.to_le_bytes());
        chunk.extend_from_slice(&broken);
        id += 1;
    }
    // Its header counts all of them as records.
    let free = u32::try_from(chunk.len()).unwrap();
    chunk[32..40].copy_from_slice(&(id - 1).to_le_bytes());
    chunk[48..52].copy_from_slice(&free.to_le_bytes());
    chunk.resize(CHUNK, 0);
    seal(&mut chunk);
    log.bytes.truncate(4096);
    for _ in 0..8 {
        log.bytes.extend_from_slice(&chunk);
    }
    let start = Instant::now();
    let outcome = read(&log.bytes).unwrap();
    assert!(outcome.tally.records() > 8 * 1000);
    assert!(outcome.faults.len() <= 101, "no more than a hundred are named");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
