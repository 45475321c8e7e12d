//! Detection of events that the reader did not understand. Sysmon writes some fields into each event of an ID. Events
//! without them were not understood, or an export left them incomplete. "No alerts" is no answer then.
//!
//! The rule is in [`Understood::severity`]. It uses counts and not a share alone: a writer of events into a log could
//! hide those that are not understood among as many good ones as he likes.

use std::fmt::Write as _;

use super::batch::{Batch, EventRecord};
use super::event::{Field, Wanted, code};
use super::fault::Severity;

/// The maximum count of events without their fields that is only odd. More are a fault of the source, however many
/// other events it has.
const MAX_ODD: u64 = 9;

/// The judged Event IDs, and the fields that an event lacks when it is not understood.
const JUDGED: [(u16, &str); 3] = [
    (code::PROCESS_CREATE, "Image and CommandLine"),
    (code::NETWORK_CONNECT, "Image or address"),
    (code::DNS_QUERY, "QueryName"),
];

/// Returns whether an event lacks the fields without which it shows the detection nothing. `has` reports the presence
/// of a requested field.
pub fn lacks_essentials(event_code: u16, has: impl Fn(Field) -> bool) -> bool {
    match event_code {
        code::PROCESS_CREATE => !has(Field::Image) && !has(Field::CommandLine),
        code::NETWORK_CONNECT => {
            !has(Field::Image) || !(has(Field::DestinationIp) || has(Field::DestinationHostname))
        }
        code::DNS_QUERY => !has(Field::QueryName),
        _ => false,
    }
}

/// The same check on an event of a batch, as far as its fields were requested.
#[must_use]
pub fn is_bare(batch: &Batch, event: &EventRecord, wanted: &Wanted) -> bool {
    let event_code = event.head.event_code;
    let text = |field| batch.text(event, field);
    if !lacks_essentials(event_code, |field| !wanted.has(event_code, field) || text(field).is_some()) {
        return false;
    }
    // The address of an event that does not pass a gate is not requested.
    match (wanted.gate(event_code), text(Field::Image)) {
        (Some(gate), Some(image)) if event_code == code::NETWORK_CONNECT => gate.passes(image),
        _ => true,
    }
}

/// The count of a source's events, and of those that lack their fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Understood {
    all: [u64; JUDGED.len()],
    bare: [u64; JUDGED.len()],
}

impl Understood {
    /// Counts an event.
    pub fn count(&mut self, event_code: u16, is_bare: impl FnOnce() -> bool) {
        let Some(index) = JUDGED.iter().position(|(judged, _)| *judged == event_code) else { return };
        if let (Some(all), Some(bare)) = (self.all.get_mut(index), self.bare.get_mut(index)) {
            *all += 1;
            *bare += u64::from(is_bare());
        }
    }

    /// Counts the events of a batch.
    pub fn count_batch(&mut self, batch: &Batch, wanted: &Wanted) {
        for event in &batch.events {
            self.count(event.head.event_code, || is_bare(batch, event, wanted));
        }
    }

    /// Adds other counts.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.all.iter_mut().zip(other.all).chain(self.bare.iter_mut().zip(other.bare)) {
            *sum += count;
        }
    }

    /// Events without their fields.
    #[must_use]
    pub fn bare(&self) -> u64 {
        self.bare.iter().sum()
    }

    /// The severity. A loss, if at least half the events of an ID lack their fields, or ten do: adding good events to
    /// those can't make it less. Fewer among others are odd events and no more than a notice, but never nothing.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        let worst = self.all.iter().zip(self.bare).filter(|(_, bare)| *bare > 0).map(|(all, bare)| {
            if bare > MAX_ODD || bare.saturating_mul(2) >= *all { Severity::Loss } else { Severity::Notice }
        });
        worst.max()
    }

    /// Returns the missing fields with their counts of events, as a clause; empty if no field is missing.
    #[must_use]
    pub fn sentence(&self) -> String {
        let mut text = String::new();
        for ((all, bare), (event_code, fields)) in self.all.iter().zip(self.bare).zip(JUDGED) {
            if bare > 0 {
                let comma = if text.is_empty() { "" } else { ", " };
                let _ = write!(text, "{comma}{bare} of {all} Event {event_code} came without {fields}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(event_code: u16, bare: u64, good: u64) -> Understood {
        let mut counts = Understood::default();
        for number in 0..bare + good {
            counts.count(event_code, || number < bare);
        }
        counts
    }

    #[test]
    fn good_events_do_not_hide_ten_bare_ones() {
        for (bare, good, expected) in [
            (0, 0, None),
            (0, 5, None),
            (1, 0, Some(Severity::Loss)),
            (1, 1, Some(Severity::Loss)),
            (1, 2, Some(Severity::Notice)),
            (3, 1000, Some(Severity::Notice)),
            (9, 1000, Some(Severity::Notice)),
            (10, 100_000, Some(Severity::Loss)),
        ] {
            assert_eq!(counted(1, bare, good).severity(), expected, "{bare} {good}");
        }
        let mut both = counted(1, 0, 50);
        both.add(&counted(22, 2, 0));
        assert_eq!(both.severity(), Some(Severity::Loss), "each Event ID is judged by itself");
        assert_eq!(both.sentence(), "2 of 2 Event 22 came without QueryName");
        assert_eq!(counted(5, 3, 0).severity(), None);
    }

    #[test]
    fn an_event_lacks_what_the_detection_asks_for() {
        let all = [
            Field::Image,
            Field::CommandLine,
            Field::DestinationIp,
            Field::DestinationHostname,
            Field::QueryName,
        ];
        for (event_code, there, expected) in [
            (1, &[][..], true),
            (1, &[Field::CommandLine], false),
            (1, &[Field::Image], false),
            (3, &[Field::Image], true),
            (3, &[Field::DestinationIp], true),
            (3, &[Field::Image, Field::DestinationHostname], false),
            (22, &[Field::Image], true),
            (22, &[Field::QueryName], false),
            (5, &[], false),
        ] {
            assert!(there.iter().all(|field| all.contains(field)));
            assert_eq!(
                lacks_essentials(event_code, |field| there.contains(&field)),
                expected,
                "{event_code}"
            );
        }
    }
}
