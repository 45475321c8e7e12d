//! An event log made for the tests, and what a load gives of it. Other tests take this file in as a module.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "helpers of tests, which the lints' own exception for tests does not cover"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::Mutex;

use exfilscope::model::batch::SourceId;
use exfilscope::model::event::Field;
use exfilscope::model::fault::{Fault, Severity, Tally};
use exfilscope::model::feed::{FeedMessage, Progress, RawEvents, SourceInfo};
use exfilscope::source::{EvtxEvents, LoadOptions, load};

/// Bytes of a chunk.
pub(crate) const CHUNK: usize = 65_536;
/// Records of a chunk.
pub(crate) const PER_CHUNK: u64 = 20;

/// Function that writes one value.
type Write<'a> = &'a dyn Fn(&mut Writer);

/// A chunk of Sysmon events of ID 1, written as Windows writes it.
pub(crate) struct Writer {
    data: Vec<u8>,
    names: BTreeMap<&'static str, u32>,
    templates: BTreeMap<u32, u32>,
    records: Vec<Range<usize>>,
}

impl Writer {
    /// A chunk with these records, and where in it they are.
    pub(crate) fn chunk(ids: Range<u64>) -> (Vec<u8>, Vec<Range<usize>>) {
        let mut writer = Self {
            data: vec![0; 512],
            names: BTreeMap::new(),
            templates: BTreeMap::new(),
            records: Vec::new(),
        };
        for id in ids.clone() {
            writer.record(id);
        }
        let Self { mut data, records, .. } = writer;
        let free = data.len();
        data.resize(CHUNK, 0);
        data[..8].copy_from_slice(b"ElfChnk\0");
        for (at, id) in [(8, ids.start), (16, ids.end - 1), (24, ids.start), (32, ids.end - 1)] {
            data[at..at + 8].copy_from_slice(&id.to_le_bytes());
        }
        data[40..44].copy_from_slice(&128_u32.to_le_bytes());
        data[44..48].copy_from_slice(&(records.last().unwrap().start as u32).to_le_bytes());
        data[48..52].copy_from_slice(&(free as u32).to_le_bytes());
        let sum = crc32fast::hash(&data[512..free]);
        data[52..56].copy_from_slice(&sum.to_le_bytes());
        seal(&mut data);
        (data, records)
    }

    fn put(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
    }

    fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        for unit in text.encode_utf16() {
            self.put(&unit.to_le_bytes());
        }
    }

    fn name(&mut self, name: &'static str) {
        let known = self.names.get(name).copied();
        let here = self.data.len() as u32 + 4;
        self.u32(known.unwrap_or(here));
        if known.is_none() {
            self.names.insert(name, here);
            self.u32(0);
            let sum =
                name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(65_599).wrapping_add(u32::from(byte)));
            self.put(&(sum as u16).to_le_bytes());
            self.put(&(name.len() as u16).to_le_bytes());
            self.text(name);
            self.put(&[0, 0]);
        }
    }

    fn open(&mut self, name: &'static str, attribute: Option<&'static str>) {
        self.put(&[if attribute.is_some() { 0x41 } else { 0x01 }, 0xff, 0xff, 0, 0, 0, 0]);
        self.name(name);
        if let Some(attribute) = attribute {
            self.put(&[0, 0, 0, 0, 0x06]);
            self.name(attribute);
        }
    }

    fn literal(&mut self, text: &str) {
        self.put(&[0x05, 0x01]);
        self.put(&(text.len() as u16).to_le_bytes());
        self.text(text);
    }

    fn element(&mut self, name: &'static str, hole: u8, kind: u8) {
        self.open(name, None);
        self.put(&[0x02, 0x0e, hole, 0, kind, 0x04]);
    }

    /// The beginning of an instance, with the definition where it is the first.
    fn instance(&mut self, template_id: u32, define: impl FnOnce(&mut Self)) {
        self.put(&[0x0f, 1, 1, 0, 0x0c, 1]);
        self.u32(template_id);
        let here = self.data.len() as u32 + 4;
        let known = *self.templates.entry(template_id).or_insert(here);
        self.u32(known);
        if known == here {
            self.u32(0);
            self.u32(template_id);
            self.put(&[7; 12]);
            let size_at = self.data.len();
            self.u32(0);
            self.put(&[0x0f, 1, 1, 0]);
            define(self);
            self.put(&[0]);
            let size = (self.data.len() - size_at - 4) as u32;
            self.data[size_at..size_at + 4].copy_from_slice(&size.to_le_bytes());
        }
    }

    /// Writes values after their descriptors, each by its function.
    fn values(&mut self, values: &[(u8, Write<'_>)]) {
        self.u32(values.len() as u32);
        let table = self.data.len();
        for (kind, _) in values {
            self.put(&[0, 0, *kind, 0]);
        }
        for (index, (_, write)) in values.iter().enumerate() {
            let start = self.data.len();
            write(self);
            let size = (self.data.len() - start) as u16;
            self.data[table + index * 4..table + index * 4 + 2].copy_from_slice(&size.to_le_bytes());
        }
    }

    fn record(&mut self, id: u64) {
        let start = self.data.len();
        self.put(b"**\0\0\0\0\0\0");
        self.put(&id.to_le_bytes());
        self.put(&filetime(id).to_le_bytes());
        self.instance(0x1111_1111, |writer| {
            writer.open("Event", Some("xmlns"));
            writer.literal("http://schemas.microsoft.com/win/2004/08/events/event");
            writer.put(&[0x02]);
            writer.open("System", None);
            writer.put(&[0x02]);
            writer.open("Provider", Some("Name"));
            writer.literal("Microsoft-Windows-Sysmon");
            writer.put(&[0x03]);
            writer.element("EventID", 0, 0x06);
            writer.open("TimeCreated", Some("SystemTime"));
            writer.put(&[0x0e, 1, 0, 0x11, 0x03]);
            writer.element("EventRecordID", 2, 0x0a);
            writer.open("Computer", None);
            writer.put(&[0x02]);
            writer.literal("host.example");
            writer.put(&[0x04, 0x04, 0x0e, 3, 0, 0x21, 0x04]);
        });
        self.values(&[
            (0x06, &|writer| writer.put(&1_u16.to_le_bytes())),
            (0x11, &move |writer| writer.put(&filetime(id).to_le_bytes())),
            (0x0a, &move |writer| writer.put(&id.to_le_bytes())),
            (0x21, &move |writer| {
                writer.instance(0x2222_2222, |writer| {
                    writer.open("EventData", None);
                    writer.put(&[0x02]);
                    for (hole, (name, kind)) in
                        [("ProcessGuid", 0x0f), ("ProcessId", 0x08), ("Image", 0x01), ("CommandLine", 0x01)]
                            .into_iter()
                            .enumerate()
                    {
                        writer.open("Data", Some("Name"));
                        writer.literal(name);
                        writer.put(&[0x02, 0x0d, hole as u8, 0, kind, 0x04]);
                    }
                    writer.put(&[0x04]);
                });
                writer.values(&[
                    (0x0f, &|writer| writer.put(&[9; 16])),
                    (0x08, &move |writer| writer.u32(id as u32)),
                    (0x01, &|writer| writer.text("C:\\Program Files\\Git\\cmd\\git.exe\0")),
                    (0x01, &move |writer| writer.text(&format!("git push origin {id}\0"))),
                ]);
                writer.put(&[0]);
            }),
        ]);
        self.put(&[0]);
        while !(self.data.len() - start + 4).is_multiple_of(8) {
            self.put(&[0]);
        }
        let size = (self.data.len() - start + 4) as u32;
        self.u32(size);
        self.data[start + 4..start + 8].copy_from_slice(&size.to_le_bytes());
        self.records.push(start..self.data.len());
    }
}

fn filetime(id: u64) -> u64 {
    0x01d5_0000_0000_0000 + id * 10_000_000
}

/// Puts the checksum of a chunk's header right.
pub(crate) fn seal(chunk: &mut [u8]) {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&chunk[..120]);
    hasher.update(&chunk[128..512]);
    chunk[124..128].copy_from_slice(&hasher.finalize().to_le_bytes());
}

/// A log and where its records are.
#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: BTreeMap<u64, Range<usize>>,
}

impl Log {
    pub(crate) fn new(chunks: u64) -> Self {
        let mut bytes = vec![0; 4096];
        bytes[..8].copy_from_slice(b"ElfFile\0");
        bytes[16..24].copy_from_slice(&(chunks - 1).to_le_bytes());
        bytes[24..32].copy_from_slice(&(chunks * PER_CHUNK + 1).to_le_bytes());
        bytes[32..44].copy_from_slice(&[128, 0, 0, 0, 1, 0, 3, 0, 0, 16, chunks as u8, 0]);
        let sum = crc32fast::hash(&bytes[..120]);
        bytes[124..128].copy_from_slice(&sum.to_le_bytes());
        let mut records = BTreeMap::new();
        for chunk in 0..chunks {
            let first = chunk * PER_CHUNK + 1;
            let (data, ranges) = Writer::chunk(first..first + PER_CHUNK);
            for (id, range) in (first..).zip(ranges) {
                records.insert(id, range.start + bytes.len()..range.end + bytes.len());
            }
            bytes.extend_from_slice(&data);
        }
        Self { bytes, records }
    }

    pub(crate) fn chunk(&mut self, number: usize) -> &mut [u8] {
        &mut self.bytes[4096 + number * CHUNK..4096 + (number + 1) * CHUNK]
    }

    /// Puts the checksum of the file's header right.
    pub(crate) fn seal_header(&mut self) {
        let sum = crc32fast::hash(&self.bytes[..120]);
        self.bytes[124..128].copy_from_slice(&sum.to_le_bytes());
    }

    pub(crate) fn fill(&mut self, range: Range<usize>, byte: u8) {
        self.bytes[range].fill(byte);
    }

    pub(crate) fn all(&self) -> BTreeSet<u64> {
        self.records.keys().copied().collect()
    }

    pub(crate) fn read(&self) -> Outcome {
        Outcome::of(&self.bytes)
    }
}

/// Result of loading one file.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) ids: BTreeSet<u64>,
    pub(crate) tally: Tally,
    pub(crate) faults: Vec<Fault>,
}

impl Outcome {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.evtx");
        std::fs::write(&path, bytes).unwrap();
        Self::of_file(&path)
    }

    /// The same of bytes that need not be a log, and of which nothing is expected.
    pub(crate) fn of_any(bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.evtx");
        std::fs::write(&path, bytes).unwrap();
        let outcome = Mutex::new(Self::default());
        load(&[path], &LoadOptions { threads: 2 }, &Progress::default(), &|message| {
            let mut outcome = outcome.lock().unwrap();
            match message {
                FeedMessage::Batch(batch) => {
                    outcome.tally.add(&batch.tally);
                    outcome.faults.extend(batch.faults);
                }
                FeedMessage::Fault(fault) => outcome.faults.push(fault),
                _ => {}
            }
            true
        });
        outcome.into_inner().unwrap()
    }

    pub(crate) fn of_file(path: &Path) -> Self {
        let outcome = Mutex::new(Self::default());
        load(&[path.to_owned()], &LoadOptions { threads: 2 }, &Progress::default(), &|message| {
            let mut outcome = outcome.lock().unwrap();
            match message {
                FeedMessage::Batch(batch) => {
                    for event in &batch.events {
                        let id = event.head.record_id.unwrap();
                        assert!(outcome.ids.insert(id), "record {id} is read twice");
                        let command = batch.text(event, Field::CommandLine);
                        if batch.text(event, Field::Computer) == Some("host.example") {
                            assert_eq!(command, Some(format!("git push origin {id}").as_str()));
                            assert!(event.head.process_guid.is_some());
                        }
                        // Whatever is read can be shown.
                        let source = SourceInfo {
                            id: SourceId(0),
                            path: path.to_owned(),
                            name: "log.evtx".to_owned(),
                            size: None,
                        };
                        if let Ok(xml) = EvtxEvents.xml(&source, event.head.place) {
                            assert!(xml.contains(&format!("<EventRecordID>{id}</EventRecordID>")), "{xml}");
                        }
                    }
                    outcome.tally.add(&batch.tally);
                    outcome.faults.extend(batch.faults);
                }
                FeedMessage::Fault(fault) => outcome.faults.push(fault),
                _ => {}
            }
            true
        });
        outcome.into_inner().unwrap()
    }

    pub(crate) fn lost(&self) -> u64 {
        let skipped = &self.tally.skipped;
        skipped
            .iter()
            .filter(|(why, _)| matches!(why.key(), "damaged" | "truncated"))
            .map(|(_, lost)| lost)
            .sum()
    }

    /// Exactly these records are lost, each is counted, and the loss is named.
    #[track_caller]
    pub(crate) fn expect(&self, log: &Log, lost: &[u64]) {
        let missing: BTreeSet<u64> = log.all().difference(&self.ids).copied().collect();
        assert_eq!(missing, lost.iter().copied().collect(), "{:#?}", self.faults);
        assert!(self.ids.is_subset(&log.all()));
        assert_eq!(self.lost(), lost.len() as u64, "{:#?}", self.faults);
        assert_eq!(self.tally.records(), log.records.len() as u64);
        let named: u64 = self.faults.iter().map(|fault| fault.lost_records).sum();
        assert_eq!(named, lost.len() as u64, "{:#?}", self.faults);
        let worst = self.faults.iter().map(|fault| fault.severity).max();
        assert_eq!(worst >= Some(Severity::Loss), !lost.is_empty(), "{:#?}", self.faults);
    }

    #[track_caller]
    pub(crate) fn expect_notice(&self, log: &Log, words: &str) {
        self.expect(log, &[]);
        assert!(
            self.faults.iter().any(|fault| fault.reason().contains(words)),
            "{words} is not in {:#?}",
            self.faults
        );
    }
}

#[test]
fn intact_log_reads_without_faults() {
    let log = Log::new(3);
    let outcome = log.read();
    outcome.expect(&log, &[]);
    assert_eq!(outcome.faults, []);
    assert_eq!(outcome.tally.bytes, log.bytes.len() as u64);
}
