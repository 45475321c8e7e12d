//! The fields of one record, in buffers that the next record uses again.

use crate::model::batch::{Batch, EventHead, Part, Place};
use crate::model::event::{Field, PROVIDERS};
use crate::model::guid::Guid;
use crate::model::telemetry::Channel;
use crate::model::time::Timestamp;

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordKind {
    /// Another provider's.
    OtherProvider,
    /// Another channel's that was asked for, of an Event ID that is only counted.
    OtherChannel(Channel),
    /// Another channel's that was asked for; the [`EventBuffer`] holds its fields.
    OtherChannelEvent(Channel),
    /// Sysmon's, of an Event ID that is only counted.
    CountedOnly(u16),
    /// Sysmon's; the [`EventBuffer`] holds its fields.
    Event,
}

/// The fields of one kept event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EventBuffer {
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
    /// UTF-8: the texts of the kept events before this one, and then its own.
    text: Vec<u8>,
    /// Offset of its own text.
    begin: usize,
    /// Offset of its chunk's text.
    chunk_begin: usize,
    spans: Vec<Part>,
}

impl EventBuffer {
    /// Takes the batch's text; later texts are appended to it.
    pub(super) fn begin_text(&mut self, text: Vec<u8>) {
        self.begin = text.len();
        self.chunk_begin = text.len();
        self.text = text;
        self.clear();
    }

    /// Bytes of the texts that were added since the last chunk began.
    pub(super) fn chunk_text(&self) -> usize {
        self.text.len().saturating_sub(self.chunk_begin)
    }

    /// Hands over the texts of all events that were kept since the beginning.
    pub(super) fn end_text(&mut self) -> Vec<u8> {
        self.clear();
        self.begin = 0;
        std::mem::take(&mut self.text)
    }

    /// Puts the event into a batch; its texts follow with [`Self::end_text`].
    pub(super) fn keep(&mut self, head: EventHead, batch: &mut Batch) {
        batch.push_parts(head, &self.spans);
        self.begin = self.text.len();
    }

    /// The same of an event of another channel.
    pub(super) fn keep_telemetry(&mut self, head: EventHead, batch: &mut Batch) {
        batch.push_telemetry_parts(head, &self.spans);
        self.begin = self.text.len();
    }

    /// Forgets everything except the kept fields and the buffers' room.
    pub(super) fn clear(&mut self) {
        self.code = 0;
        self.time = None;
        self.record_id = None;
        self.process_guid = None;
        self.parent_process_guid = None;
        self.text.truncate(self.begin);
        self.spans.clear();
    }

    /// Adds the UTF-8 that `write` appends to the buffer as a field; the result of `write` is handed on. A GUID's field
    /// becomes the typed value where the text is one.
    pub(super) fn add<T>(&mut self, field: Field, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let start = self.text.len();
        let result = write(&mut self.text);
        let end = self.text.len();
        if matches!(field, Field::ProcessGuid | Field::ParentProcessGuid)
            && let Some(guid) =
                self.text.get(start..end).and_then(|text| str::from_utf8(text).ok()).and_then(Guid::parse)
        {
            self.text.truncate(start);
            self.set_guid(field, guid);
        } else if end > start {
            self.spans.push((field, start, end));
        }
        result
    }

    /// Sets the GUID of one of the two fields that are GUIDs. The first of two stays, as it does for texts.
    pub(super) fn set_guid(&mut self, field: Field, guid: Guid) {
        let slot = match field {
            Field::ParentProcessGuid => &mut self.parent_process_guid,
            _ => &mut self.process_guid,
        };
        *slot = slot.or(Some(guid));
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
    #[cfg(any(test, fuzzing))]
    pub(super) fn fields(&self) -> impl Iterator<Item = (Field, &str)> {
        self.spans.iter().filter_map(|(field, start, end)| {
            let text = self.text.get(*start..*end)?;
            Some((*field, str::from_utf8(text).unwrap_or_default()))
        })
    }
}

/// The other channel whose provider has this name in UTF-16LE.
pub(super) fn channel_utf16(name: &[u8]) -> Option<Channel> {
    Channel::of_provider(|provider| super::utf16::is_ascii(name, provider.as_bytes(), true))
}

/// The provider of nearly all events, in UTF-16LE.
const USUAL: &[u8; 48] = b"M\0i\0c\0r\0o\0s\0o\0f\0t\0-\0W\0i\0n\0d\0o\0w\0s\0-\0S\0y\0s\0m\0o\0n\0";

/// Returns whether a provider's name in UTF-16LE is Sysmon's.
pub(super) fn is_sysmon_utf16(name: &[u8]) -> bool {
    name == USUAL.as_slice()
        || PROVIDERS.iter().any(|provider| super::utf16::is_ascii(name, provider.as_bytes(), true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::is_sysmon;

    #[test]
    fn providers_match_in_any_case() {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        for name in ["Microsoft-Windows-Sysmon", "MICROSOFT-windows-sysmon", "Linux-Sysmon"] {
            assert!(is_sysmon(name) && is_sysmon_utf16(&wide(name)), "{name}");
        }
        for name in ["", "Microsoft-Windows-Sysmon2", "Microsoft-Windows-Sysmo", "Sysmon"] {
            assert!(!is_sysmon(name) && !is_sysmon_utf16(&wide(name)), "{name}");
        }
    }

    #[test]
    fn invalid_guid_stays_text() {
        let mut event = EventBuffer::default();
        event.add(Field::ProcessGuid, |out| out.extend_from_slice(b"-"));
        event.add(Field::ParentProcessGuid, |out| {
            out.extend_from_slice(b"a1b2c3d4-0001-0002-1020-304050607080");
        });
        event.add(Field::Image, |out| out.extend_from_slice(b""));
        assert_eq!(event.process_guid, None);
        assert!(event.parent_process_guid.is_some());
        assert_eq!(event.fields().collect::<Vec<_>>(), [(Field::ProcessGuid, "-")]);
    }
}
