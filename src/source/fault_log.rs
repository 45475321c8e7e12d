//! The faults of one file: the gravest by name, the rest as a number.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::model::batch::SourceId;
use crate::model::fault::{BugIn, Fault, FaultKind, Severity, StreamError};
use crate::model::feed::SourceInfo;

/// Maximum number of named faults of one file.
pub(super) const MAX_NAMED: usize = 100;

type Key = (Reverse<Severity>, Option<u64>, u64);

/// The faults of one file.
#[derive(Debug, Default)]
pub(super) struct FaultLog {
    named: BTreeMap<Key, Fault>,
    count: u64,
    more: u64,
    more_lost: u64,
    more_severity: Option<Severity>,
}

impl FaultLog {
    /// Adds a fault. The faults of one chunk are added in their order.
    pub(super) fn add(&mut self, fault: Fault) {
        self.count += 1;
        self.named.insert((Reverse(fault.severity), fault.chunk, self.count), fault);
        if self.named.len() > MAX_NAMED
            && let Some((_, least)) = self.named.pop_last()
        {
            self.more += 1;
            self.more_lost += least.lost_records;
            self.more_severity = self.more_severity.max(Some(least.severity));
        }
    }

    /// Hands over the faults in the order of the file.
    pub(super) fn take(&mut self, source: SourceId, name: &str) -> Vec<Fault> {
        let mut faults: Vec<Fault> = std::mem::take(&mut self.named).into_values().collect();
        faults.sort_by_key(|fault| (fault.chunk, fault.record));
        if let Some(severity) = self.more_severity.take() {
            let kind = FaultKind::More { places: self.more, records: self.more_lost };
            let fault = Fault::new(name.to_owned(), kind).of_source(source);
            faults.push(fault.with_severity(severity).losing(self.more_lost));
        }
        self.more = 0;
        self.more_lost = 0;
        faults
    }
}

/// A fault of one place in a source, before the source's name is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    pub(super) severity: Severity,
    /// The record's number, where it is known.
    pub(super) record: Option<u64>,
    /// Records that are lost by it.
    pub(super) lost_records: u64,
    /// Its kind.
    pub(super) kind: FaultKind,
}

impl Remark {
    /// A remark with the severity of its kind, by which no record is lost.
    pub(super) const fn new(kind: FaultKind) -> Self {
        Self { severity: kind.severity(), record: None, lost_records: 0, kind }
    }

    /// The same remark on a record.
    pub(super) fn at_record(self, record: Option<u64>) -> Self {
        Self { record, ..self }
    }

    /// The same remark, by which records are lost.
    pub(super) fn losing(self, lost_records: u64) -> Self {
        Self { lost_records, ..self }
    }

    /// The fault of a named source.
    pub(super) fn of_source(self, info: &SourceInfo, name: String, chunk: Option<u64>) -> Fault {
        let Self { severity, record, lost_records, kind } = self;
        Fault { source: Some(info.id), name, chunk, record, severity, lost_records, kind }
    }
}

/// The fault of a path that can't be opened or read.
pub(super) fn describe(error: &io::Error) -> FaultKind {
    match error.kind() {
        io::ErrorKind::NotFound => FaultKind::NotFound,
        io::ErrorKind::PermissionDenied => FaultKind::NoPermission,
        // ERROR_SHARING_VIOLATION: the event log service holds its files.
        _ if cfg!(windows) && error.raw_os_error() == Some(32) => FaultKind::InUse,
        _ => FaultKind::CantRead(stream_error(error)),
    }
}

/// The error of a stream: one of this program's guards, or the system's.
pub(super) fn stream_error(error: &io::Error) -> StreamError {
    let guard = error.get_ref().and_then(|inner| inner.downcast_ref::<StreamError>());
    guard.cloned().unwrap_or_else(|| StreamError::Io(error.to_string()))
}

/// The fault of a file on which a reader failed as a whole.
pub(super) fn failed(source: Option<SourceId>, path: &Path) -> Fault {
    Fault { source, ..Fault::new(path.display().to_string(), FaultKind::Bug(BugIn::File)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(severity: Severity, chunk: u64, lost_records: u64) -> Fault {
        Fault {
            source: Some(SourceId(0)),
            name: "a.evtx".to_owned(),
            chunk: Some(chunk),
            record: None,
            severity,
            lost_records,
            kind: FaultKind::NoChunk,
        }
    }

    #[test]
    fn gravest_faults_are_named() {
        let mut log = FaultLog::default();
        for chunk in 0..MAX_NAMED as u64 {
            log.add(fault(Severity::Notice, chunk, 0));
        }
        log.add(fault(Severity::Loss, 7, 3));
        log.add(fault(Severity::Loss, 500, 4));
        let faults = log.take(SourceId(0), "a.evtx");
        assert_eq!(faults.len(), MAX_NAMED + 1);
        assert_eq!(faults.iter().map(|fault| fault.lost_records).sum::<u64>(), 7);
        let last = faults.last().unwrap();
        assert_eq!(last.reason(), "2 more places are damaged, 0 more records are lost in them");
        assert_eq!(last.severity, Severity::Notice);
        assert!(log.take(SourceId(0), "a.evtx").is_empty());
    }
}
