//! Faults of reading, named and counted: nothing vanishes.

use std::collections::BTreeMap;
use std::fmt;

use super::batch::SourceId;
pub use super::fault_kind::{BugIn, FaultKind, StreamError};

/// The reason why a record gave no Sysmon event. The name is the key in the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// A record of another provider than Sysmon.
    OtherProvider,
    /// A record whose bytes are damaged.
    Damaged,
    /// A record that is cut off by the end of the file.
    Truncated,
    /// A record that the reader understands but does not support.
    Unsupported,
    /// An event that was met before, in this source or in another: the same host, record number, time and content.
    Duplicate,
    /// An event for which there was no room any more.
    NoRoom,
}

impl SkipReason {
    /// The key in the statistics.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::OtherProvider => "other_provider",
            Self::Damaged => "damaged",
            Self::Truncated => "truncated",
            Self::Unsupported => "unsupported",
            Self::Duplicate => "duplicate",
            Self::NoRoom => "no_room",
        }
    }
}

/// The account of records: `records == sysmon + the sum of skipped`, always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Bytes of the source that these records cover.
    pub bytes: u64,
    /// Sysmon events of any Event ID.
    pub sysmon: u64,
    /// Records that gave no Sysmon event, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
    /// Sysmon events by Event ID, the ones that are only counted included.
    pub event_codes: BTreeMap<u16, u64>,
}

impl Tally {
    /// All records, read or not.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.sysmon + self.skipped.values().sum::<u64>()
    }

    /// Counts a Sysmon event.
    pub fn count_sysmon(&mut self, event_code: u16) {
        self.count_several(event_code, 1);
    }

    /// Counts several Sysmon events of one Event ID.
    pub fn count_several(&mut self, event_code: u16, events: u64) {
        if events > 0 {
            self.sysmon += events;
            *self.event_codes.entry(event_code).or_default() += events;
        }
    }

    /// Counts a record that gave no event.
    pub fn skip(&mut self, reason: SkipReason, records: u64) {
        if records > 0 {
            *self.skipped.entry(reason).or_default() += records;
        }
    }

    /// Moves counted Sysmon events to the skipped records.
    pub fn uncount(&mut self, event_code: u16, events: u64, reason: SkipReason) {
        self.sysmon = self.sysmon.saturating_sub(events);
        if let Some(count) = self.event_codes.get_mut(&event_code) {
            *count = count.saturating_sub(events);
        }
        self.skip(reason, events);
    }

    /// Adds another account to this one.
    pub fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.sysmon += other.sysmon;
        for (reason, count) in &other.skipped {
            *self.skipped.entry(*reason).or_default() += count;
        }
        for (event_code, count) in &other.event_codes {
            *self.event_codes.entry(*event_code).or_default() += count;
        }
    }

    /// The increase of this account over an earlier one.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        fn more<K: Copy + Ord>(now: &BTreeMap<K, u64>, before: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
            now.iter()
                .map(|(key, count)| (*key, count.saturating_sub(before.get(key).copied().unwrap_or(0))))
                .filter(|(_, count)| *count > 0)
                .collect()
        }
        Self {
            bytes: self.bytes.saturating_sub(earlier.bytes),
            sysmon: self.sysmon.saturating_sub(earlier.sysmon),
            skipped: more(&self.skipped, &earlier.skipped),
            event_codes: more(&self.event_codes, &earlier.event_codes),
        }
    }

    /// Returns whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0 && self.sysmon == 0 && self.skipped.is_empty()
    }
}

/// The cost of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Something is odd, but nothing is lost (a dirty header, a wrong checksum over records that can be read).
    Notice,
    /// Records are lost, or may be.
    Loss,
    /// Nothing at all could be read from the source.
    Unreadable,
}

/// One reading fault: where, why, and the loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The source; `None` if the fault's path never became a source (a path that does not exist).
    pub source: Option<SourceId>,
    /// The file's name as given, not made safe for a terminal.
    pub name: String,
    /// The chunk's number from 0, where there is one.
    pub chunk: Option<u64>,
    /// The record's number, where it is known.
    pub record: Option<u64>,
    /// The cost.
    pub severity: Severity,
    /// Records that are lost by it, as far as that is known.
    pub lost_records: u64,
    /// Its kind, which writes the clause on the cause and the remedy.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault of a file or folder as a whole, with the severity of its kind.
    #[must_use]
    pub const fn new(name: String, kind: FaultKind) -> Self {
        let severity = kind.severity();
        Self { source: None, name, chunk: None, record: None, severity, lost_records: 0, kind }
    }

    /// The same fault of a source.
    #[must_use]
    pub fn of_source(self, source: SourceId) -> Self {
        Self { source: Some(source), ..self }
    }

    /// The same fault, where its context makes it graver or less grave than its kind is.
    #[must_use]
    pub fn with_severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// The same fault, by which records are lost.
    #[must_use]
    pub fn losing(self, lost_records: u64) -> Self {
        Self { lost_records, ..self }
    }

    /// The same fault of a record.
    #[must_use]
    pub fn at_record(self, record: Option<u64>) -> Self {
        Self { record, ..self }
    }

    /// The cause and the remedy, as a clause without a full stop.
    #[must_use]
    pub fn reason(&self) -> String {
        self.kind.to_string()
    }
}

/// `day1.evtx, chunk 3, record 1234: the record's size is wrong`. Not made safe for a terminal.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(chunk) = self.chunk {
            write!(f, ", chunk {chunk}")?;
        }
        if let Some(record) = self.record {
            write!(f, ", record {record}")?;
        }
        write!(f, ": {}", self.kind)
    }
}
