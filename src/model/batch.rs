//! The unit of transfer from a source: a few hundred events, and the account of the records that gave no event.

use super::{
    alarm::Alarm,
    claim::RowClaim,
    event::Field,
    fault::{Fault, Tally},
    guid::Guid,
    telemetry::Channel,
    time::Timestamp,
};

/// The number of a source (a file, a pipe, a channel), in the order in which the sources were named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// An event's position in its source: the byte offset of its record, or a record number where there are no bytes. Later
/// events have larger positions.
pub type Place = u64;

/// The count of texts per event for which room is reserved.
const USUAL_TEXTS: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    length: u32,
}

/// The parts of an event that have types of their own.
#[derive(Clone, Copy, Debug)]
pub struct EventHead {
    /// The Event ID; in a batch's `events` Sysmon's.
    pub event_code: u16,
    /// `System/TimeCreated/@SystemTime`.
    pub time: Option<Timestamp>,
    /// `System/EventRecordID`.
    pub record_id: Option<u64>,
    /// The event's position in its source.
    pub place: Place,
    /// The event's process; `None` if it is missing or not a GUID.
    pub process_guid: Option<Guid>,
    /// Event 1: the parent; `None` if it is missing or not a GUID.
    pub parent_process_guid: Option<Guid>,
}

/// One event of a [`Batch`]; the batch holds its text.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// The typed parts.
    pub head: EventHead,
    /// One bit for each field that is there, by the field's number.
    present: u64,
    /// The index of its first span among the batch's, in the order of the bits.
    first: u32,
}

const _: () = assert!(Field::COUNT <= 64, "an event's fields are bits of 64");

/// The identity of a chunk's records that are only counted. It is as good as one number for all of them, since a copy
/// of a log has the same chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CountedRecords {
    /// Their count.
    pub records: u64,
    /// The lowest record number.
    pub first: u64,
    /// The highest record number.
    pub last: u64,
    /// Mixed of all their numbers, times and Event IDs.
    pub digest: u64,
}

impl CountedRecords {
    /// Adds a record to those of a chunk.
    #[must_use]
    pub fn with(counted: Option<Self>, record: u64, time: u64, event_code: u16) -> Self {
        let mixed = (record ^ time.rotate_left(32) ^ u64::from(event_code).rotate_left(48))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let digest = mixed ^ (mixed >> 29);
        counted.map_or(Self { records: 1, first: record, last: record, digest }, |counted| Self {
            records: counted.records + 1,
            first: counted.first.min(record),
            last: counted.last.max(record),
            digest: counted.digest.wrapping_mul(31).wrapping_add(digest),
        })
    }
}

/// A field with the start and end of its text.
pub type Part = (Field, usize, usize);

/// Events of one source, and the account of its records since the last batch.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The source of all of them.
    pub source: SourceId,
    /// The events, in the source's order.
    pub events: Vec<EventRecord>,
    /// The account of this batch's records, the ones that gave no event included.
    pub tally: Tally,
    /// The faults found while reading.
    pub faults: Vec<Fault>,
    /// Events of other channels, where they were requested. The tally counts them as skipped: the detection does not
    /// read them.
    pub telemetry: Vec<EventRecord>,
    /// All records of the other channels, read or not, by the channel's number; 0 where the channel was not requested.
    pub beside: [u64; Channel::COUNT],
    /// Alarms that keep events of the source from coming.
    pub alarms: Vec<Alarm>,
    /// Verdicts of the scans that wrote the rows, one for each event, where the events are such rows. Empty for events
    /// of logs.
    pub claims: Vec<RowClaim>,
    /// The content of a record in place of the fields that its event lacks, as a clause, where the reader can identify
    /// it.
    pub hint: Option<Box<str>>,
    /// A chunk's records that are only counted, where the batch is all of one chunk.
    pub counted: Option<CountedRecords>,
    text: String,
    spans: Vec<Span>,
}

impl Batch {
    /// An empty batch of a source.
    #[must_use]
    pub fn new(source: SourceId) -> Self {
        Self { source, ..Self::default() }
    }

    /// Reserves room for a number of events.
    pub fn reserve(&mut self, events: usize) {
        self.events.reserve(events);
        self.spans.reserve(events * USUAL_TEXTS);
    }

    /// Adds an event with its texts. An empty text is a missing field; of two texts for one field the first stays.
    pub fn push<'a>(&mut self, head: EventHead, fields: impl IntoIterator<Item = (Field, &'a str)>) {
        let record = self.record(head, fields);
        self.events.push(record);
    }

    /// Adds an event of another channel in the same way.
    pub fn push_telemetry<'a>(
        &mut self,
        head: EventHead,
        fields: impl IntoIterator<Item = (Field, &'a str)>,
    ) {
        let record = self.record(head, fields);
        self.telemetry.push(record);
    }

    /// Counts a record of another channel.
    pub fn count_beside(&mut self, channel: Channel) {
        if let Some(count) = self.beside.get_mut(channel.index()) {
            *count += 1;
        }
    }

    fn record<'a>(
        &mut self,
        head: EventHead,
        fields: impl IntoIterator<Item = (Field, &'a str)>,
    ) -> EventRecord {
        let mut spans = [Span::default(); Field::COUNT];
        for (field, value) in fields.into_iter().filter(|(field, _)| field.is_carried()) {
            let (Ok(start), Ok(length)) = (u32::try_from(self.text.len()), u32::try_from(value.len())) else {
                continue;
            };
            if let Some(span) = spans.get_mut(field.index()).filter(|span| span.length == 0) {
                *span = Span { start, length };
                self.text.push_str(value);
            }
        }
        self.record_of(head, &spans)
    }

    /// Adds an event whose texts will be in the text that [`Self::give_text`] hands over. As in [`Self::push`], an
    /// empty one is missing, and of two the first stays.
    pub fn push_parts(&mut self, head: EventHead, parts: &[Part]) {
        let record = self.record_of_parts(head, parts);
        self.events.push(record);
    }

    /// Adds an event of another channel in the same way.
    pub fn push_telemetry_parts(&mut self, head: EventHead, parts: &[Part]) {
        let record = self.record_of_parts(head, parts);
        self.telemetry.push(record);
    }

    fn record_of_parts(&mut self, head: EventHead, parts: &[Part]) -> EventRecord {
        let first = self.spans.len();
        let mut present = 0_u64;
        for (field, start, end) in parts {
            let bit = 1_u64 << field.index();
            let (Ok(start), Ok(length)) = (u32::try_from(*start), u32::try_from(end.saturating_sub(*start)))
            else {
                continue;
            };
            // Spans are sorted by field number: that is the order in which they are looked up.
            if bit <= present {
                self.spans.truncate(first);
                return self.record_of_unsorted(head, parts);
            }
            if length > 0 && field.is_carried() {
                present |= bit;
                self.spans.push(Span { start, length });
            }
        }
        EventRecord { head, present, first: u32::try_from(first).unwrap_or(u32::MAX) }
    }

    fn record_of_unsorted(&mut self, head: EventHead, parts: &[Part]) -> EventRecord {
        let mut spans = [Span::default(); Field::COUNT];
        for (field, start, end) in parts.iter().filter(|(field, ..)| field.is_carried()) {
            if let (Ok(start), Ok(length)) =
                (u32::try_from(*start), u32::try_from(end.saturating_sub(*start)))
                && let Some(span) = spans.get_mut(field.index()).filter(|span| span.length == 0)
            {
                *span = Span { start, length };
            }
        }
        self.record_of(head, &spans)
    }

    fn record_of(&mut self, head: EventHead, spans: &[Span; Field::COUNT]) -> EventRecord {
        let first = u32::try_from(self.spans.len()).unwrap_or(u32::MAX);
        let mut present = 0;
        for (index, span) in spans.iter().enumerate().filter(|(_, span)| span.length > 0) {
            present |= 1_u64 << index;
            self.spans.push(*span);
        }
        EventRecord { head, present, first }
    }

    /// Takes the batch's text out, so that more can be appended as UTF-8; it must be given back.
    pub fn take_text(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text).into_bytes()
    }

    /// Gives the text back. It is checked here, once for all its events; were it not UTF-8, no event would have any.
    pub fn give_text(&mut self, text: Vec<u8>) {
        self.text = String::from_utf8(text).unwrap_or_default();
    }

    /// Returns the text of an event's field; `None` if the event lacks it or has it empty.
    #[must_use]
    pub fn text(&self, event: &EventRecord, field: Field) -> Option<&str> {
        debug_assert!(field.is_carried(), "no batch carries {}", field.name());
        let bit = 1_u64 << field.index();
        if event.present & bit == 0 {
            return None;
        }
        let before = (event.present & (bit - 1)).count_ones();
        let span = self.spans.get((event.first + before) as usize)?;
        self.text.get(span.start as usize..(span.start + span.length) as usize)
    }

    /// Bytes of text that the batch holds.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns whether the batch carries nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.telemetry.is_empty()
            && self.faults.is_empty()
            && self.alarms.is_empty()
            && self.tally.is_empty()
            && self.beside.iter().all(|count| *count == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_is_a_missing_one_and_the_first_of_two_stays() {
        let mut batch = Batch::new(SourceId(3));
        let head = EventHead {
            event_code: 1,
            time: None,
            record_id: None,
            place: 0,
            process_guid: None,
            parent_process_guid: None,
        };
        batch.push(
            head,
            [
                (Field::Image, r"C:\git.exe"),
                (Field::User, ""),
                (Field::Image, "other"),
                (Field::CommandLine, "-"),
            ],
        );
        batch.push(head, [(Field::Image, "second")]);
        let [first, second] = batch.events.as_slice() else { panic!("two events") };
        assert_eq!(batch.text(first, Field::Image), Some(r"C:\git.exe"));
        assert_eq!(batch.text(first, Field::User), None);
        assert_eq!(batch.text(first, Field::CommandLine), Some("-"));
        assert_eq!(batch.text(second, Field::Image), Some("second"));
        assert_eq!(batch.text(second, Field::ParentImage), None);
    }

    #[test]
    fn parts_of_one_text_are_events_like_any_other() {
        let head = EventHead {
            event_code: 1,
            time: None,
            record_id: None,
            place: 0,
            process_guid: None,
            parent_process_guid: None,
        };
        let mut batch = Batch::new(SourceId(0));
        batch.push(head, [(Field::User, "alice"), (Field::Hashes, "MD5=0")]);
        let mut text = batch.take_text();
        let start = text.len();
        text.extend_from_slice(b"HOSTgit");
        let (middle, end) = (start + 4, text.len());
        for parts in [
            vec![
                (Field::Computer, start, middle),
                (Field::User, middle, middle),
                (Field::Image, middle, end),
            ],
            vec![
                (Field::Image, middle, end),
                (Field::Computer, start, middle),
                (Field::Image, start, middle),
            ],
        ] {
            batch.push_parts(head, &parts);
        }
        batch.give_text(text);
        let texts: Vec<_> = batch
            .events
            .iter()
            .map(|event| [Field::Computer, Field::User, Field::Image].map(|field| batch.text(event, field)))
            .collect();
        let both = [Some("HOST"), None, Some("git")];
        assert_eq!(texts, [[None, Some("alice"), None], both, both]);
        assert_eq!(batch.text_bytes(), "aliceHOSTgit".len(), "what is not carried takes no room");
    }
}
