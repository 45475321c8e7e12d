//! The XPath that the service filters by.

use super::LiveOptions;
use super::SYSMON_CHANNEL;
use super::session::Session;
use crate::model::telemetry::Channel;
use crate::model::time::Timestamp;

/// The Event IDs that are asked for: those that the detection reads, and Sysmon's own state (4), configuration (16) and
/// errors (255), which say whether the log can be believed.
pub const EVENT_CODES: [u16; 8] = [1, 3, 5, 11, 22, 4, 16, 255];

/// Which part of a log is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Oldest,
    /// The events with a larger number.
    Behind(u64),
    /// The events that are no older than this, and all with a larger number, however their times read: clocks are set back.
    Since(Timestamp, u64),
}

impl Session {
    /// The query for the events that are asked for in a part.
    pub(super) fn query(&self, part: Part) -> String {
        query(part, &self.options.event_codes())
    }
}

impl LiveOptions {
    /// The Event IDs that are asked for. A channel that collects events may have those of every channel that is read.
    #[must_use]
    pub fn event_codes(&self) -> Vec<u16> {
        match self.telemetry {
            Some(channel) => vec![channel.event_code()],
            None if self.channel.eq_ignore_ascii_case(SYSMON_CHANNEL) => EVENT_CODES.to_vec(),
            None => EVENT_CODES.into_iter().chain(Channel::ALL.map(Channel::event_code)).collect(),
        }
    }
}

/// The query for the events of these IDs in a part.
pub(super) fn query(part: Part, codes: &[u16]) -> String {
    let codes: Vec<String> = codes.iter().map(|code| format!("EventID={code}")).collect();
    let codes = codes.join(" or ");
    match part {
        Part::Oldest => format!("*[System[({codes})]]"),
        Part::Behind(number) => format!("*[System[EventRecordID > {number} and ({codes})]]"),
        Part::Since(time, number) => format!(
            "*[System[({codes}) and (EventRecordID > {number} or TimeCreated[@SystemTime >= '{}T{}Z'])]]",
            time.date_text(),
            time.clock_millis_text()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_names_codes_and_part() {
        let codes = "EventID=1 or EventID=3 or EventID=5 or EventID=11 or EventID=22 or EventID=4 or EventID=16 or EventID=255";
        let sysmon = LiveOptions::default().event_codes();
        assert_eq!(query(Part::Oldest, &sysmon), format!("*[System[({codes})]]"));
        assert_eq!(query(Part::Behind(9), &sysmon), format!("*[System[EventRecordID > 9 and ({codes})]]"));
        let time = Timestamp::parse("2026-11-24T10:00:00.5Z").unwrap();
        assert_eq!(
            query(Part::Since(time, 7), &sysmon),
            format!(
                "*[System[({codes}) and (EventRecordID > 7 or TimeCreated[@SystemTime >= '2026-11-24T10:00:00.500Z'])]]"
            )
        );
        let other = LiveOptions { telemetry: Some(Channel::Security), ..LiveOptions::default() };
        assert_eq!(query(Part::Oldest, &other.event_codes()), "*[System[(EventID=4688)]]");
    }

    #[test]
    fn largest_query_needs_no_structure() {
        let collector = LiveOptions { channel: "ForwardedEvents".to_owned(), ..LiveOptions::default() };
        let query = query(Part::Since(Timestamp::from_unix(0, 0, 0), 1), &collector.event_codes());
        assert!(query.contains("EventID=4104 or EventID=4688"), "{query}");
        assert!(query.matches(['=', '>']).count() <= 20, "more expressions need a structured query");
    }
}
