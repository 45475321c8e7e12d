//! The XPath that the service filters by.

use std::time::Duration;

/// The Event IDs that are asked for: those that the detection reads, and Sysmon's own state (4), configuration (16) and
/// errors (255), which say whether the log can be believed.
pub const EVENT_CODES: [u16; 8] = [1, 3, 5, 11, 22, 4, 16, 255];

/// The query for events of [`EVENT_CODES`] that are no older than `since`.
#[must_use]
pub fn query(since: Option<Duration>) -> String {
    let codes: Vec<String> = EVENT_CODES.iter().map(|code| format!("EventID={code}")).collect();
    let codes = codes.join(" or ");
    match since {
        Some(since) => format!(
            "*[System[({codes}) and TimeCreated[timediff(@SystemTime) <= {}]]]",
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        ),
        None => format!("*[System[({codes})]]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queries_are_these() {
        let codes = "EventID=1 or EventID=3 or EventID=5 or EventID=11 or EventID=22 or EventID=4 or EventID=16 or EventID=255";
        assert_eq!(query(None), format!("*[System[({codes})]]"));
        assert_eq!(
            query(Some(Duration::from_secs(24 * 60 * 60))),
            format!("*[System[({codes}) and TimeCreated[timediff(@SystemTime) <= 86400000]]]")
        );
    }

    #[test]
    fn the_service_takes_so_many_expressions_without_a_structured_query() {
        assert!(query(Some(Duration::ZERO)).matches(['=', '<']).count() <= 20);
    }
}
