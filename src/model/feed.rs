//! Messages from the sources to the consumer of their events, over any channel that the wiring chose.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::batch::{Batch, Place, SourceId};
use super::fault::Fault;
use super::time::Timestamp;

/// A source, once it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// Its number; sources are numbered from 0 without gaps, in the order of the command line and of names in folders.
    pub id: SourceId,
    /// Its location.
    pub path: PathBuf,
    /// Its file name, for the rows' `Source` column.
    pub name: String,
    /// Its size in bytes, where it has one.
    pub size: Option<u64>,
}

/// A message of the sources.
#[derive(Clone, Debug)]
pub enum FeedMessage {
    /// A source that will be read. It comes before its first batch.
    Source(SourceInfo),
    /// Events.
    Batch(Batch),
    /// A fault that concerns no batch: a path that cannot be opened, a folder without logs.
    Fault(Fault),
    /// All sources are read to their end, or the load was stopped.
    Finished,
}

/// The name of all threads that read sources. A panic on one of them costs the data that was read just then: it is
/// caught, counted and named.
pub const SOURCE_THREAD: &str = "source";

/// The progress of a load. Written by the sources' threads, read by the code that shows it. All orders are relaxed,
/// since each figure is independent.
#[derive(Debug, Default)]
pub struct Progress {
    /// Files that were found.
    pub files_found: AtomicU64,
    /// Files that are read to their end.
    pub files_done: AtomicU64,
    /// Bytes of the files that were found.
    pub bytes_found: AtomicU64,
    /// Bytes that are read.
    pub bytes_done: AtomicU64,
    /// Records that are read.
    pub records_done: AtomicU64,
    /// By source, where it keeps its position from one console to the next: the last one read its events up to this
    /// position.
    seen_until: Mutex<BTreeMap<SourceId, Place>>,
    stop: AtomicBool,
}

impl Progress {
    /// Asks the sources to stop as soon as they can; what they have read stays.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Returns the position up to which the last console read a source, where that is known.
    #[must_use]
    pub fn seen_until(&self, source: SourceId) -> Option<Place> {
        self.seen_until.lock().unwrap_or_else(PoisonError::into_inner).get(&source).copied()
    }

    /// Sets that position.
    pub fn set_seen_until(&self, source: SourceId, place: Option<Place>) {
        let mut places = self.seen_until.lock().unwrap_or_else(PoisonError::into_inner);
        match place {
            Some(place) => places.insert(source, place),
            None => places.remove(&source),
        };
    }

    /// Returns whether a stop was requested.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Rereads an event from its position, to show it raw. The text is not made safe for a terminal.
pub trait RawEvents: Send + Sync {
    /// The event as XML.
    ///
    /// # Errors
    /// A sentence that names the file and the reason, where it can't be read again.
    fn xml(&self, source: &SourceInfo, place: Place) -> Result<String, String>;

    /// The same, for the event with this record number. A file that was rotated or overwritten since holds another
    /// event at its position.
    ///
    /// # Errors
    /// The same, and a sentence where another event is at that position.
    fn xml_of_record(
        &self,
        source: &SourceInfo,
        place: Place,
        record: Option<u64>,
    ) -> Result<String, String> {
        let text = self.xml(source, place)?;
        match record {
            Some(record) if !has_number(&text, record) => Err(format!(
                "{} was rotated or written over since record {record} was read: another event stands in its place",
                source.path.display()
            )),
            _ => Ok(text),
        }
    }

    /// The same, of exactly this event.
    ///
    /// # Errors
    /// The same.
    fn xml_of_event(&self, source: &SourceInfo, place: Place, key: &EventKey) -> Result<String, String> {
        self.xml_of_record(source, place, key.record)
    }
}

/// An event's identity across hosts. The record number alone does not suffice where events of several hosts meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventKey {
    /// The record's number.
    pub record: Option<u64>,
    /// The host that wrote it.
    pub computer: Option<String>,
    /// The time at which it was written.
    pub time: Option<Timestamp>,
}

/// Returns whether a text contains a number, with other digits on neither side.
fn has_number(text: &str, number: u64) -> bool {
    let digits = number.to_string();
    text.match_indices(&digits).any(|(at, _)| {
        let (before, behind) = (text.get(..at), text.get(at + digits.len()..));
        let is_digit = |c: char| c.is_ascii_digit();
        !before.is_some_and(|text| text.ends_with(is_digit))
            && !behind.is_some_and(|text| text.starts_with(is_digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::SourceId;

    struct Fixed(&'static str);

    impl RawEvents for Fixed {
        fn xml(&self, _: &SourceInfo, _: Place) -> Result<String, String> {
            Ok(self.0.to_owned())
        }
    }

    #[test]
    fn another_event_in_the_place_of_one_is_not_shown_as_that_one() {
        let source = SourceInfo { id: SourceId(0), path: "a.json".into(), name: "a.json".into(), size: None };
        let of = |text, record| Fixed(text).xml_of_record(&source, 0, record);
        assert!(of("<EventRecordID>17</EventRecordID>", Some(17)).is_ok());
        assert!(of("nothing to hold it against", None).is_ok());
        for other in ["<EventRecordID>170</EventRecordID>", "217", "16", ""] {
            assert!(of(other, Some(17)).unwrap_err().contains("record 17"), "{other}");
        }
    }
}
