//! What is read off one record, in buffers that are used again for the next.

use std::fmt::Write as _;

use crate::model::batch::{EventHead, Place};
use crate::model::event::Field;
use crate::model::guid::Guid;
use crate::model::time::Timestamp;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Another provider's.
    OtherProvider,
    /// Sysmon's, of an Event ID that is only counted.
    Counted(u16),
    /// Sysmon's; the [`Event`] holds its fields.
    Kept,
}

/// The fields of one kept event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Sysmon's Event ID.
    pub(super) code: u16,
    /// `TimeCreated@SystemTime`.
    pub(super) time: Option<Timestamp>,
    /// `System/EventRecordID`.
    pub(super) record_id: Option<u64>,
    /// `ProcessGuid`, where it is one.
    pub(super) process_guid: Option<Guid>,
    /// `ParentProcessGuid`, where it is one.
    pub(super) parent_process_guid: Option<Guid>,
    text: String,
    spans: Vec<(Field, usize, usize)>,
}

impl Event {
    /// Forgets everything but the buffers' room.
    pub(super) fn clear(&mut self) {
        self.code = 0;
        self.time = None;
        self.record_id = None;
        self.process_guid = None;
        self.parent_process_guid = None;
        self.text.clear();
        self.spans.clear();
    }

    /// Adds the text that `write` appends to the buffer as a field; what `write` returns is handed on. A GUID's field
    /// becomes the typed value where the text is one.
    pub(super) fn add<T>(&mut self, field: Field, write: impl FnOnce(&mut String) -> T) -> T {
        let start = self.text.len();
        let result = write(&mut self.text);
        let end = self.text.len();
        if matches!(field, Field::ProcessGuid | Field::ParentProcessGuid)
            && let Some(guid) = self.text.get(start..end).and_then(Guid::parse)
        {
            self.text.truncate(start);
            self.set_guid(field, guid);
        } else if end > start {
            self.spans.push((field, start, end));
        }
        result
    }

    /// Adds a GUID that is typed. The first of two stays, as it does for texts.
    pub(super) fn set_guid(&mut self, field: Field, guid: Guid) {
        match field {
            Field::ProcessGuid => self.process_guid = self.process_guid.or(Some(guid)),
            Field::ParentProcessGuid => {
                self.parent_process_guid = self.parent_process_guid.or(Some(guid));
            }
            _ => {
                self.add(field, |out| {
                    // Writing to a string cannot fail.
                    let _ = write!(out, "{guid}");
                });
            }
        }
    }

    /// The typed parts.
    pub(super) fn head(&self, place: Place) -> EventHead {
        EventHead {
            event_code: self.code,
            time: self.time,
            record_id: self.record_id,
            place,
            process_guid: self.process_guid,
            parent_process_guid: self.parent_process_guid,
        }
    }

    /// The texts, in the order in which they were added.
    pub(super) fn fields(&self) -> impl Iterator<Item = (Field, &str)> {
        self.spans
            .iter()
            .filter_map(|(field, start, end)| self.text.get(*start..*end).map(|text| (*field, text)))
    }
}

/// The names of Sysmon's providers.
const PROVIDERS: [&str; 2] = ["Microsoft-Windows-Sysmon", "Linux-Sysmon"];

/// Whether a provider's name is Sysmon's; case does not matter.
pub(super) fn is_sysmon(name: &str) -> bool {
    PROVIDERS.iter().any(|provider| provider.eq_ignore_ascii_case(name))
}

/// The same of a name in UTF-16LE.
pub(super) fn is_sysmon_utf16(name: &[u8]) -> bool {
    PROVIDERS.iter().any(|provider| super::utf16::is_ascii(name, provider.as_bytes(), true))
}
