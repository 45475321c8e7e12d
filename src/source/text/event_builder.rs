//! The event under construction, in buffers that the next event uses again.

use crate::model::batch::{Batch, EventHead, Place};
use crate::model::event::{Field, Wanted, code, is_sysmon};
use crate::model::fault::SkipReason;
use crate::model::guid::Guid;
use crate::model::telemetry::Channel;
use crate::model::time::Timestamp;
use crate::model::understood::lacks_essentials;

/// The kind of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RecordKind {
    /// Another provider's.
    OtherProvider,
    /// Sysmon's; the [`EventBuilder`] holds it.
    Sysmon(u16),
    /// It is not an event, or one that can't be read: why, as a clause.
    Unreadable(SkipReason, String),
}

impl RecordKind {
    pub(super) fn damaged(reason: impl Into<String>) -> Self {
        Self::Unreadable(SkipReason::Damaged, reason.into())
    }
}

/// The fields of an event so far.
#[derive(Clone, Debug, Default)]
pub(super) struct EventBuilder {
    /// Its provider; empty where unknown.
    pub(super) provider: String,
    /// Its channel; empty where unknown.
    pub(super) channel: String,
    /// Its Event ID.
    pub(super) code: Option<u16>,
    /// Its time.
    pub(super) time: Option<Timestamp>,
    /// Its record number.
    pub(super) record_id: Option<u64>,
    process_guid: Option<Guid>,
    parent_process_guid: Option<Guid>,
    text: String,
    spans: Vec<(Field, usize, usize)>,
    /// Why fields of this record are missing, where that is the record's own fault.
    pub(super) trouble: Option<String>,
    /// The structure of a record whose data have no names, as a clause.
    pub(super) hint: Option<String>,
    /// The projection; it stays from event to event.
    wanted: Wanted,
}

/// A whole number without the `.0` that some tables of numbers give it.
fn whole(text: &str) -> &str {
    let text = text.trim();
    text.strip_suffix(".0").unwrap_or(text)
}

/// Returns true for Sysmon's channel: `…-Sysmon/Operational`, also after a Splunk source type's `XmlWinEventLog:`.
fn is_sysmon_channel(channel: &str) -> bool {
    // Hayabusa writes no more of it.
    if channel.eq_ignore_ascii_case("sysmon") {
        return true;
    }
    let channel = channel.rsplit_once(':').map_or(channel, |(_, channel)| channel);
    let provider = channel.split_once('/').map_or(channel, |(provider, _)| provider);
    is_sysmon(provider.trim())
}

impl EventBuilder {
    /// A builder that skips the data of events of which the projection wants none.
    pub(super) fn with_projection(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// The projection.
    pub(super) const fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Forgets everything but the buffers' room.
    pub(super) fn clear(&mut self) {
        self.provider.clear();
        self.channel.clear();
        self.code = None;
        self.time = None;
        self.record_id = None;
        self.process_guid = None;
        self.parent_process_guid = None;
        self.text.clear();
        self.spans.clear();
        self.trouble = None;
        self.hint = None;
    }

    /// Returns whether a kept Sysmon event still lacks data that the detection needs. Another part of its record may
    /// hold them.
    pub(super) fn is_incomplete(&self) -> bool {
        let RecordKind::Sysmon(event_code) = self.record_kind() else { return false };
        self.is_kept()
            && match event_code {
                code::PROCESS_CREATE => !(self.has(Field::Image) && self.has(Field::CommandLine)),
                _ => lacks_essentials(event_code, |field| self.has(field)),
            }
    }

    /// Takes an Event ID, if it is one.
    pub(super) fn set_code(&mut self, text: &str) {
        self.code = self.code.or_else(|| whole(text).parse().ok());
    }

    /// Takes a record number, if it is one.
    pub(super) fn set_record_id(&mut self, text: &str) {
        self.record_id = self.record_id.or_else(|| whole(text).parse().ok());
    }

    /// Takes a time, if it is one.
    pub(super) fn set_time(&mut self, text: &str) {
        self.time = self.time.or_else(|| time_of(text));
    }

    /// Returns whether a field is known.
    pub(super) fn has(&self, field: Field) -> bool {
        match field {
            Field::ProcessGuid if self.process_guid.is_some() => true,
            Field::ParentProcessGuid if self.parent_process_guid.is_some() => true,
            _ => self.spans.iter().any(|(known, ..)| *known == field),
        }
    }

    /// The text of a field, where it is known as text.
    pub(super) fn text(&self, field: Field) -> Option<&str> {
        let (_, start, end) = self.spans.iter().find(|(known, ..)| *known == field)?;
        self.text.get(*start..*end)
    }

    /// Adds a field, unless it is empty or known already.
    pub(super) fn add(&mut self, field: Field, value: &str) {
        if value.is_empty() || self.has(field) {
            return;
        }
        match field {
            Field::ProcessGuid => self.process_guid = Guid::parse(value),
            Field::ParentProcessGuid => self.parent_process_guid = Guid::parse(value),
            _ => {}
        }
        if !self.has(field) {
            let start = self.text.len();
            self.text.push_str(value);
            self.spans.push((field, start, self.text.len()));
        }
    }

    /// Adds a field of the event's data under Sysmon's name, if it is one that is read.
    pub(super) fn add_named(&mut self, name: &str, value: &str) {
        if let Some(field) = Field::from_name(name).filter(|field| *field != Field::Computer) {
            self.add(field, value);
        }
    }

    /// The kind of the record by its provider, else by its channel, and by its ID.
    pub(super) fn record_kind(&self) -> RecordKind {
        let is_sysmon = match (self.provider.as_str(), self.channel.as_str()) {
            ("", "") if self.code.is_none() => return RecordKind::damaged("it holds no Windows event"),
            ("", "") => {
                let reason = "the event names neither its provider nor its channel";
                return RecordKind::Unreadable(SkipReason::Unsupported, reason.to_owned());
            }
            ("", channel) => is_sysmon_channel(channel),
            (provider, _) => is_sysmon(provider.trim()),
        };
        match self.code {
            _ if !is_sysmon => RecordKind::OtherProvider,
            Some(code) => RecordKind::Sysmon(code),
            None => RecordKind::damaged("the event has no Event ID"),
        }
    }

    /// Returns whether the event's data are needed, as far as it is known. Of all others only the ID is counted.
    pub(super) fn is_kept(&self) -> bool {
        match self.record_kind() {
            RecordKind::Sysmon(event_code) => {
                code::is_kept(event_code) && Wanted::has_data(self.wanted.mask(event_code))
            }
            RecordKind::OtherProvider => {
                self.other_channel().is_some_and(|channel| self.code == Some(channel.event_code()))
            }
            RecordKind::Unreadable(..) => true,
        }
    }

    /// Adds the event to a batch, if its ID is one that is kept.
    pub(super) fn push(&self, event_code: u16, place: Place, batch: &mut Batch) {
        batch.tally.count_sysmon(event_code);
        if code::is_kept(event_code) {
            batch.push(self.head(event_code, place), self.fields());
            if let Some(hint) = self.hint.as_deref().filter(|_| batch.hint.is_none()) {
                batch.hint = Some(hint.into());
            }
        }
    }

    /// Adds an event of another channel to a batch, if it is one that the tests of the detection look at.
    pub(super) fn push_other_channel(&self, place: Place, batch: &mut Batch) {
        let Some(channel) = self.other_channel() else { return };
        batch.count_beside(channel);
        if let Some(event_code) = self.code.filter(|code| *code == channel.event_code()) {
            batch.push_telemetry(self.head(event_code, place), self.fields());
        }
    }

    /// The other channel of the event, by its provider, else by the channel's name.
    fn other_channel(&self) -> Option<Channel> {
        if !self.provider.is_empty() {
            return Channel::of_provider(|name| name.eq_ignore_ascii_case(self.provider.trim()));
        }
        let channel =
            self.channel.rsplit_once(':').map_or(self.channel.as_str(), |(_, channel)| channel).trim();
        if Channel::Security.name().eq_ignore_ascii_case(channel) {
            return Some(Channel::Security);
        }
        let provider = channel.split_once('/').map_or("", |(provider, _)| provider);
        Channel::of_provider(|name| name.eq_ignore_ascii_case(provider))
    }

    fn head(&self, event_code: u16, place: Place) -> EventHead {
        EventHead {
            event_code,
            time: self.time,
            record_id: self.record_id,
            place,
            process_guid: self.process_guid,
            parent_process_guid: self.parent_process_guid,
        }
    }

    fn fields(&self) -> impl Iterator<Item = (Field, &str)> {
        self.spans
            .iter()
            .filter_map(|(field, start, end)| self.text.get(*start..*end).map(|text| (*field, text)))
    }
}

/// A time as the dialects write it: RFC 3339, the same followed by ` UTC`, `/Date(ms)/`, or seconds since 1970.
pub(super) fn time_of(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(time) = Timestamp::parse(text) {
        return Some(time);
    }
    if let Some(inner) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        // An offset after the milliseconds only affects their display.
        let end = inner.get(1..).and_then(|rest| rest.find(['+', '-'])).map_or(inner.len(), |at| at + 1);
        let milliseconds: i64 = inner.get(..end)?.parse().ok()?;
        let nanoseconds = u32::try_from(milliseconds.rem_euclid(1000)).ok()? * 1_000_000;
        return Some(Timestamp::from_unix(milliseconds.div_euclid(1000), nanoseconds, 3));
    }
    if let Some(time) = text.strip_suffix("UTC").and_then(Timestamp::parse) {
        return Some(time);
    }
    epoch(text)
}

/// `1595345678.1234567`, up to the year 9999. More than nine decimals are cut.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let seconds: i64 = whole.parse().ok().filter(|seconds| *seconds < 253_402_300_800)?;
    let fraction = fraction.get(..9).unwrap_or(fraction);
    let digits = u8::try_from(fraction.len()).ok()?;
    let value: u32 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    Some(Timestamp::from_unix(seconds, value * 10_u32.pow(u32::from(9 - digits)), digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_all_dialects_are_read() {
        for (text, expected) in [
            ("2026-03-01 13:37:00.123 UTC", Some("2026-03-01T13:37:00.123Z")),
            ("2026-03-01T13:37:00.123+01:00", Some("2026-03-01T12:37:00.123Z")),
            ("/Date(1583012220123)/", Some("2020-02-29T21:37:00.123Z")),
            ("/Date(1583012220123+0100)/", Some("2020-02-29T21:37:00.123Z")),
            ("1583012220.1234567", Some("2020-02-29T21:37:00.1234567Z")),
            ("1583012220", Some("2020-02-29T21:37:00Z")),
            ("2026-03-01 13:37:00.123 CET", None),
            ("-5", None),
            ("/Date(ä)/", None),
            (".5", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(time_of(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn provider_decides_before_channel() {
        for (provider, channel, is_sysmon) in [
            ("microsoft-windows-SYSMON", "ForwardedEvents", true),
            ("Linux-Sysmon", "", true),
            ("", "Microsoft-Windows-Sysmon/Operational", true),
            ("", "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", true),
            ("Microsoft-Windows-Security-Auditing", "Microsoft-Windows-Sysmon/Operational", false),
            ("", "Security", false),
            ("", "Microsoft-Windows-SysmonX/Operational", false),
        ] {
            let builder = EventBuilder {
                provider: provider.to_owned(),
                channel: channel.to_owned(),
                code: Some(1),
                ..EventBuilder::default()
            };
            assert_eq!(builder.record_kind() == RecordKind::Sysmon(1), is_sysmon, "{provider} {channel}");
        }
    }
}
