//! The budget of a chunk's records. No chunk of a real log comes near it, and a costly one ends there.

use std::path::{Path, PathBuf};

use super::chunk::{ChunkReader, MAX_TEXT};
use super::differential_tests::shared_logs;
use super::event_buffer::EventBuffer;
use super::header::{CHUNK_SIZE, ChunkHeader};
use super::records::{RECORD_MAGIC, Step, Walk};
use super::slow::{MAX_WORK, SlowReader};
use crate::model::batch::{Batch, SourceId};
use crate::model::fault::SkipReason;

/// Returns the maximum cost of the records of one chunk, were all of them read through the crate, and the maximum of
/// their text.
fn measure(log: &[u8]) -> (usize, usize) {
    let (mut work, mut text) = (0, 0);
    let (mut reference, mut event, mut reader) =
        (SlowReader::default(), EventBuffer::default(), ChunkReader::default());
    for chunk in log.get(4096..).unwrap_or_default().chunks(CHUNK_SIZE) {
        let mut walk = Walk::new(chunk, ChunkHeader::read(chunk));
        reference.begin_chunk();
        while let Some(step) = walk.step() {
            if let Step::Record(record) = step {
                let _ = reference.read(chunk, &record, true, &mut event);
            }
        }
        work = work.max(reference.work());
        let mut batch = Batch::new(SourceId(0));
        reader.read(chunk, 0, &mut batch);
        text = text.max(batch.text_bytes());
    }
    (work, text)
}

#[test]
fn real_chunks_stay_far_below() {
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"));
    let own = ["four-tests.evtx", "old-schema.evtx", "forwarded.evtx", "four-tests-security.evtx"];
    let logs: Vec<PathBuf> = own.iter().map(|name| fixtures.join(name)).chain(shared_logs()).collect();
    let (mut work, mut text) = (0, 0);
    for path in logs {
        let (own_work, own_text) = measure(&std::fs::read(&path).unwrap());
        (work, text) = (work.max(own_work), text.max(own_text));
    }
    println!("at most {work} of {MAX_WORK} bytes of work and {text} of {MAX_TEXT} bytes of text");
    assert!(work > 0 && work * 2 < MAX_WORK, "{work}");
    assert!(text > 0 && text * 8 < MAX_TEXT, "{text}");
}

/// A chunk of Sysmon's Event 1 by one definition, which each record uses again.
struct Maker {
    data: Vec<u8>,
    definition: usize,
}

impl Maker {
    /// A chunk with `records` records after the first; `body` writes the elements of `EventData`.
    fn chunk(records: usize, body: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut maker = Self { data: vec![0; 512], definition: 0 };
        let start = maker.begin(1);
        maker.definition = maker.data.len() + 4;
        maker.u32(maker.definition);
        maker.u32(0);
        maker.data.extend([0x11; 16]);
        let size_at = maker.data.len();
        maker.u32(0);
        maker.data.extend([0x0f, 1, 1, 0]);
        maker.open("Event", None);
        maker.data.push(2);
        maker.open("System", None);
        maker.data.push(2);
        maker.open("Provider", Some(("Name", "Microsoft-Windows-Sysmon")));
        maker.data.push(3);
        maker.open("EventID", None);
        maker.data.push(2);
        maker.text("1");
        maker.data.extend([4, 4]);
        maker.open("EventData", None);
        maker.data.push(2);
        body(&mut maker);
        maker.data.extend([4, 4, 0]);
        let size = maker.data.len() - size_at - 4;
        maker.put_u32(size_at, size);
        maker.end(start);
        for number in 0..records {
            let start = maker.begin(number + 2);
            maker.u32(maker.definition);
            maker.end(start);
        }
        let Self { mut data, .. } = maker;
        assert!(data.len() <= CHUNK_SIZE, "{}", data.len());
        let free = u32::try_from(data.len()).unwrap();
        let last = u64::try_from(records + 1).unwrap();
        data.resize(CHUNK_SIZE, 0);
        data[..8].copy_from_slice(b"ElfChnk\0");
        for (at, id) in [(8, 1), (16, last), (24, 1), (32, last)] {
            data[at..at + 8].copy_from_slice(&id.to_le_bytes());
        }
        data[40..44].copy_from_slice(&128_u32.to_le_bytes());
        data[48..52].copy_from_slice(&free.to_le_bytes());
        let mut sum = crc32fast::Hasher::new();
        sum.update(&data[..120]);
        sum.update(&data[128..512]);
        data[124..128].copy_from_slice(&sum.finalize().to_le_bytes());
        data
    }

    fn u32(&mut self, value: usize) {
        self.data.extend(u32::try_from(value).unwrap().to_le_bytes());
    }

    fn put_u32(&mut self, at: usize, value: usize) {
        self.data[at..at + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
    }

    fn begin(&mut self, id: usize) -> usize {
        let start = self.data.len();
        self.data.extend(RECORD_MAGIC);
        self.u32(0);
        self.data.extend(u64::try_from(id).unwrap().to_le_bytes());
        self.data.extend(0x01d5_0000_0000_0000_u64.to_le_bytes());
        self.data.extend([0x0f, 1, 1, 0, 0x0c, 1, 0x11, 0x11, 0x11, 0x11]);
        start
    }

    fn end(&mut self, start: usize) {
        self.u32(0);
        self.data.push(0);
        while !(self.data.len() - start + 4).is_multiple_of(8) {
            self.data.push(0);
        }
        let size = self.data.len() - start + 4;
        self.u32(size);
        self.put_u32(start + 4, size);
    }

    /// Writes a name at its first reference; returns its offset.
    fn name(&mut self, name: &str) -> usize {
        let table = self.data.len() + 4;
        self.u32(table);
        self.u32(0);
        let units: Vec<u16> = name.encode_utf16().collect();
        let sum =
            units.iter().fold(0_u32, |sum, unit| sum.wrapping_mul(65_599).wrapping_add(u32::from(*unit)));
        self.data.extend(u16::try_from(sum & 0xffff).unwrap().to_le_bytes());
        self.data.extend(u16::try_from(units.len()).unwrap().to_le_bytes());
        self.data.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        self.data.extend([0, 0]);
        table
    }

    fn text(&mut self, text: &str) {
        self.data.extend([5, 1]);
        self.data.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
        self.data.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }

    fn open(&mut self, name: &str, attribute: Option<(&str, &str)>) {
        self.data.extend([if attribute.is_some() { 0x41 } else { 1 }, 0xff, 0xff, 0, 0, 0, 0]);
        self.name(name);
        if let Some((name, value)) = attribute {
            self.data.extend([0, 0, 0, 0, 6]);
            self.name(name);
            self.text(value);
        }
    }

    fn data(&mut self, name: &str, value: &str) {
        self.open("Data", Some(("Name", name)));
        self.data.push(2);
        self.text(value);
        self.data.push(4);
    }
}

/// Returns the counts of a chunk's records that are read, and that are reported as lost.
fn read(chunk: &[u8]) -> (ChunkReader, u64, u64) {
    let (mut reader, mut batch) = (ChunkReader::default(), Batch::new(SourceId(0)));
    let findings = reader.read(chunk, 0, &mut batch);
    let lost = batch.tally.skipped.get(&SkipReason::Damaged).copied().unwrap_or(0);
    assert_eq!(findings.remarks.iter().map(|remark| remark.lost_records).sum::<u64>(), lost);
    assert!(batch.text_bytes() <= 2 * MAX_TEXT);
    (reader, batch.tally.sysmon, lost)
}

#[test]
fn long_names_end_at_the_budget() {
    // An element's name of many letters, which others use again; the twin of a field has the crate read the records.
    let chunk = Maker::chunk(400, |maker| {
        let long = "A".repeat(10_000);
        maker.data.extend([1, 0xff, 0xff, 0, 0, 0, 0]);
        let name = maker.name(&long);
        maker.data.push(3);
        for _ in 0..600 {
            maker.data.extend([1, 0xff, 0xff, 0, 0, 0, 0]);
            maker.u32(name);
            maker.data.push(3);
        }
        maker.data("CommandLine", "git push");
        maker.data("CommandLine", "git push");
    });
    let (reader, _, lost) = read(&chunk);
    assert!(lost > 350, "{lost}");
    let once = 16 << 20;
    assert!(reader.slow.work() < MAX_WORK + 2 * once, "{}", reader.slow.work());
}

#[test]
fn texts_of_a_definition_end_at_the_budget() {
    let long = "x".repeat(14_000);
    let chunk = Maker::chunk(600, |maker| maker.data("CommandLine", &long));
    let (_, read_records, lost) = read(&chunk);
    assert_eq!(read_records + lost, 601);
    assert!((70..=80).contains(&read_records), "{read_records}");
    // Texts of the usual size are all read.
    let chunk = Maker::chunk(600, |maker| maker.data("CommandLine", "git push"));
    let (_, read_records, lost) = read(&chunk);
    assert_eq!((read_records, lost), (601, 0));
}
