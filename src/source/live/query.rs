//! The XPath that the service filters by.

use crate::model::time::Timestamp;

/// The Event IDs that are asked for: those that the detection reads, and Sysmon's own state (4), configuration (16) and
/// errors (255), which say whether the log can be believed.
pub const EVENT_CODES: [u16; 8] = [1, 3, 5, 11, 22, 4, 16, 255];

/// Which part of a log is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Oldest,
    /// The events with a larger number.
    Behind(u64),
    /// The events that are no older than this, and all with a larger number, however their times read: clocks are set back.
    Since(Timestamp, u64),
}

/// The query for the events of [`EVENT_CODES`] in a part.
#[must_use]
pub fn query(part: Part) -> String {
    let codes: Vec<String> = EVENT_CODES.iter().map(|code| format!("EventID={code}")).collect();
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
    fn the_queries_are_these() {
        let codes = "EventID=1 or EventID=3 or EventID=5 or EventID=11 or EventID=22 or EventID=4 or EventID=16 or EventID=255";
        assert_eq!(query(Part::Oldest), format!("*[System[({codes})]]"));
        assert_eq!(query(Part::Behind(9)), format!("*[System[EventRecordID > 9 and ({codes})]]"));
        let time = Timestamp::parse("2026-11-24T10:00:00.5Z").unwrap();
        assert_eq!(
            query(Part::Since(time, 7)),
            format!(
                "*[System[({codes}) and (EventRecordID > 7 or TimeCreated[@SystemTime >= '2026-11-24T10:00:00.500Z'])]]"
            )
        );
    }

    #[test]
    fn the_service_takes_so_many_expressions_without_a_structured_query() {
        assert!(query(Part::Since(Timestamp::from_unix(0, 0, 0), 1)).matches(['=', '>']).count() <= 20);
    }
}
