//! Identity of an alert across loads of the same logs, whatever dialect they come in.
//!
//! An event is its host, its Event ID, its record's number and its time. Sysmon writes one channel a host, so that the
//! channel, which most dialects drop, distinguishes nothing. Without record numbers, an event is identified by the
//! process's GUID and the time instead. Times are compared to the digits that both sides have: some dialects cut or
//! round them.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::host;
use crate::model::time::Timestamp;

/// Digits of a second that are compared: nanoseconds.
pub(super) const MAX_DIGITS: u8 = 9;

/// An alert's lasting identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The host's first label in lower case: forwarders and `--host short` leave no more.
    host: String,
    event_code: u16,
    record_id: Option<u64>,
    time: Option<Timestamp>,
    /// In capitals; empty where the event has none.
    process_guid: String,
}

impl Identity {
    /// Returns the identity of an event; `None` if nothing distinguishes it from another one.
    #[must_use]
    pub fn new(
        host: Option<&str>,
        event_code: u16,
        record_id: Option<u64>,
        time: Option<Timestamp>,
        process_guid: Option<&str>,
    ) -> Option<Self> {
        (record_id.is_some() || time.is_some()).then(|| Self {
            host: host_label(host),
            event_code,
            record_id,
            time,
            process_guid: process_guid.unwrap_or_default().to_ascii_uppercase(),
        })
    }

    /// Sysmon's Event ID.
    #[must_use]
    pub const fn event_code(&self) -> u16 {
        self.event_code
    }

    /// The record's number.
    #[must_use]
    pub const fn record_id(&self) -> Option<u64> {
        self.record_id
    }

    /// The event's time.
    #[must_use]
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The process's GUID.
    #[must_use]
    pub fn process_guid(&self) -> Option<&str> {
        Some(self.process_guid.as_str()).filter(|guid| !guid.is_empty())
    }

    /// The event's time in nanoseconds since 1970.
    #[must_use]
    pub fn nanoseconds(&self) -> Option<i128> {
        self.time.map(nanoseconds)
    }

    /// Returns the number of digits of a second that its time has; 0 without a time.
    #[must_use]
    pub fn time_digits(&self) -> u8 {
        self.time.map_or(0, |time| time.digits().min(MAX_DIGITS))
    }

    /// Returns whether both are the same event.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let is_one_record = match (self.record_id, other.record_id) {
            (Some(one), Some(other)) => one == other,
            _ => self.process_guid == other.process_guid,
        };
        is_one_record
            && self.event_code == other.event_code
            && self.host == other.host
            && agree(self.time, other.time)
    }

    /// Returns a key shared by all events with the same host, Event ID and record number; `None` without a record
    /// number.
    #[must_use]
    pub fn record_key(&self) -> Option<u64> {
        Some(record_key(host_key(Some(&self.host)), self.event_code, self.record_id?))
    }

    /// Returns a key shared by all events with the same host, Event ID and process.
    #[must_use]
    pub fn process_key(&self) -> u64 {
        hash(&(&self.host, self.event_code, &self.process_guid))
    }
}

/// Returns the key of a host for [`record_key`].
#[must_use]
pub fn host_key(host: Option<&str>) -> u64 {
    hash(&host_label(host))
}

/// [`Identity::record_key`] of an event, without making its identity; the host by its [`host_key`].
#[must_use]
pub fn record_key(host: u64, event_code: u16, record_id: u64) -> u64 {
    hash(&(host, event_code, record_id))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn host_label(host: Option<&str>) -> String {
    host::key(host::label(host.unwrap_or_default()))
}

/// Returns whether two times agree, as far as both are written.
fn agree(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.agrees_with(&other),
        (None, None) => true,
        _ => false,
    }
}

fn nanoseconds(time: Timestamp) -> i128 {
    i128::from(time.unix_seconds()) * 1_000_000_000 + i128::from(time.subsec_nanoseconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(host: &str, record_id: Option<u64>, time: &str, guid: &str) -> Identity {
        Identity::new(Some(host), 1, record_id, Timestamp::parse(time), Some(guid)).unwrap()
    }

    #[test]
    fn the_same_event_is_known_in_every_dialect() {
        let evtx = identity("WS-1.corp.example", Some(7), "2026-03-10T13:37:00.1234567Z", "{A}");
        for (host, record, time, guid) in [
            ("WS-1.corp.example", Some(7), "2026-03-10T13:37:00.123456Z", "{A}"),
            ("ws-1", Some(7), "2026-03-10T13:37:00.123Z", "{a}"),
            ("WS-1", Some(7), "2026-03-10T14:37:00.124+01:00", ""),
            ("WS-1.corp.example", Some(7), "2026-03-10T13:37:00Z", "{A}"),
            ("WS-1.corp.example", None, "2026-03-10T13:37:00.123Z", "{A}"),
        ] {
            let other = identity(host, record, time, guid);
            assert!(evtx.is_same(&other) && other.is_same(&evtx), "{other:?}");
        }
        for (host, record, time, guid) in [
            ("WS-2.corp.example", Some(7), "2026-03-10T13:37:00.1234567Z", "{A}"),
            ("WS-1.corp.example", Some(8), "2026-03-10T13:37:00.1234567Z", "{A}"),
            ("WS-1.corp.example", Some(7), "2026-03-10T13:37:00.1234568Z", "{A}"),
            ("WS-1.corp.example", Some(7), "2026-03-10T13:37:02Z", "{A}"),
            ("WS-1.corp.example", None, "2026-03-10T13:37:00.1234567Z", "{B}"),
            ("WS-1.corp.example", None, "2026-03-10T13:37:00.125Z", "{A}"),
        ] {
            assert!(!evtx.is_same(&identity(host, record, time, guid)), "{host} {record:?} {time} {guid}");
        }
    }

    #[test]
    fn a_log_that_was_cleared_gives_its_numbers_to_other_events() {
        let before = identity("WS-1", Some(7), "2026-03-10T13:37:00.1234567Z", "{A}");
        let after = identity("WS-1", Some(7), "2026-04-01T08:00:00.1234567Z", "{B}");
        assert!(!before.is_same(&after));
        assert_eq!(before.record_key(), after.record_key(), "the key alone is not enough");
    }

    #[test]
    fn an_event_without_number_and_time_has_none() {
        assert_eq!(Identity::new(Some("WS-1"), 1, None, None, Some("{A}")), None);
        assert!(Identity::new(None, 1, Some(1), None, None).is_some());
    }

    #[test]
    fn the_key_of_a_record_is_that_of_its_identity() {
        let identity = identity("WS-1.corp.example", Some(7), "2026-03-10T13:37:00Z", "{A}");
        assert_eq!(identity.record_key(), Some(record_key(host_key(Some("ws-1")), 1, 7)));
        assert_ne!(identity.record_key(), Some(record_key(host_key(Some("ws-1")), 3, 7)));
    }
}
