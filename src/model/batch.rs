//! What a source hands over at a time: a few hundred events and what became of the records that are none.

use super::{
    claim::RowClaim,
    event::Field,
    fault::{Fault, Tally},
    guid::Guid,
    time::Timestamp,
};

/// The number of a source (a file, a pipe, a channel), in the order in which the sources were named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u32);

/// Where an event stands in its source: a byte offset of its record, or a record's number where there are no bytes.
/// Later events have larger places.
pub type Place = u64;

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    length: u32,
}

/// The parts of an event that have types of their own.
#[derive(Clone, Copy, Debug)]
pub struct EventHead {
    /// Sysmon's Event ID.
    pub event_code: u16,
    /// `System/TimeCreated/@SystemTime`.
    pub time: Option<Timestamp>,
    /// `System/EventRecordID`.
    pub record_id: Option<u64>,
    /// Where the event stands in its source.
    pub place: Place,
    /// The process that the event speaks of; `None` where it is missing or no GUID.
    pub process_guid: Option<Guid>,
    /// Event 1: the parent; `None` where it is missing or no GUID.
    pub parent_process_guid: Option<Guid>,
}

/// One event of a [`Batch`]; its text stands in the batch.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// The typed parts.
    pub head: EventHead,
    spans: [Span; Field::COUNT],
}

/// Events of one source, and the account of its records since the last batch.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The source of all of them.
    pub source: SourceId,
    /// The events, in the source's order.
    pub events: Vec<EventRecord>,
    /// The records behind this batch, the ones that gave no event included.
    pub tally: Tally,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// Where the events are rows that scans wrote: what these said, one for each event. Empty for events of logs.
    pub claims: Vec<RowClaim>,
    text: String,
}

impl Batch {
    /// An empty batch of a source.
    #[must_use]
    pub fn new(source: SourceId) -> Self {
        Self { source, ..Self::default() }
    }

    /// Adds an event with its texts. An empty text is a missing field; of two texts for one field the first stays.
    pub fn push<'a>(&mut self, head: EventHead, fields: impl IntoIterator<Item = (Field, &'a str)>) {
        let mut spans = [Span::default(); Field::COUNT];
        for (field, value) in fields {
            let (Ok(start), Ok(length)) = (u32::try_from(self.text.len()), u32::try_from(value.len())) else {
                continue;
            };
            if let Some(span) = spans.get_mut(field.index()).filter(|span| span.length == 0) {
                *span = Span { start, length };
                self.text.push_str(value);
            }
        }
        self.events.push(EventRecord { head, spans });
    }

    /// The text of an event's field; `None` where the event lacks it or has it empty.
    #[must_use]
    pub fn text(&self, event: &EventRecord, field: Field) -> Option<&str> {
        let span = event.spans.get(field.index()).filter(|span| span.length > 0)?;
        self.text.get(span.start as usize..(span.start + span.length) as usize)
    }

    /// Bytes of text that the batch holds.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Whether the batch says nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.faults.is_empty() && self.tally.is_empty()
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
}
