//! The values of Sysmon's events in the order in which it logs them.
//!
//! Some exports have the values without their names, or the names only in a rendered message. `System/Version` has been
//! the same since 2017 while fields came, so the number of values identifies the schema. A new field of Sysmon is added
//! here, with the next number as its `since`.

use super::event_builder::EventBuilder;
use crate::model::event::code;
use crate::model::guid::Guid;
use crate::model::time::Timestamp;

/// The kind of a value. A value of another kind belongs to another field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text, line ends too.
    Free,
    /// Text of one line: no path, account or name has a line end.
    Line,
    Time,
    Guid,
    /// Decimal, or hexadecimal after `0x`.
    Number,
    Truth,
}

/// A value's place in an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The first schema that has it, counted from 2017.
    since: u8,
}

const fn entry(name: &'static str, kind: Kind, since: u8) -> Entry {
    Entry { name, kind, since }
}

/// Schemas: 2017; with the file's version (Sysmon 7); with `RuleName` (8); with `OriginalFileName` (10); with the
/// accounts of parents, queries and files (13.30).
const SCHEMAS: u8 = 5;

/// All of Event 1 in the newest schema's order. The older ones lack some.
const PROCESS_CREATE: &[Entry] = &[
    entry("RuleName", Kind::Line, 2),
    entry("UtcTime", Kind::Time, 0),
    entry("ProcessGuid", Kind::Guid, 0),
    entry("ProcessId", Kind::Number, 0),
    entry("Image", Kind::Line, 0),
    // A program's version resource holds any text.
    entry("FileVersion", Kind::Free, 1),
    entry("Description", Kind::Free, 1),
    entry("Product", Kind::Free, 1),
    entry("Company", Kind::Free, 1),
    entry("OriginalFileName", Kind::Free, 3),
    entry("CommandLine", Kind::Free, 0),
    entry("CurrentDirectory", Kind::Line, 0),
    entry("User", Kind::Line, 0),
    entry("LogonGuid", Kind::Guid, 0),
    entry("LogonId", Kind::Number, 0),
    entry("TerminalSessionId", Kind::Number, 0),
    entry("IntegrityLevel", Kind::Line, 0),
    entry("Hashes", Kind::Line, 0),
    entry("ParentProcessGuid", Kind::Guid, 0),
    entry("ParentProcessId", Kind::Number, 0),
    entry("ParentImage", Kind::Line, 0),
    entry("ParentCommandLine", Kind::Free, 0),
    entry("ParentUser", Kind::Line, 4),
];

const NETWORK_CONNECT: &[Entry] = &[
    entry("RuleName", Kind::Line, 2),
    entry("UtcTime", Kind::Time, 0),
    entry("ProcessGuid", Kind::Guid, 0),
    entry("ProcessId", Kind::Number, 0),
    entry("Image", Kind::Line, 0),
    entry("User", Kind::Line, 0),
    entry("Protocol", Kind::Line, 0),
    entry("Initiated", Kind::Truth, 0),
    entry("SourceIsIpv6", Kind::Truth, 0),
    entry("SourceIp", Kind::Line, 0),
    entry("SourceHostname", Kind::Line, 0),
    entry("SourcePort", Kind::Number, 0),
    entry("SourcePortName", Kind::Line, 0),
    entry("DestinationIsIpv6", Kind::Truth, 0),
    entry("DestinationIp", Kind::Line, 0),
    entry("DestinationHostname", Kind::Line, 0),
    entry("DestinationPort", Kind::Number, 0),
    entry("DestinationPortName", Kind::Line, 0),
];

const PROCESS_TERMINATE: &[Entry] = &[
    entry("RuleName", Kind::Line, 2),
    entry("UtcTime", Kind::Time, 0),
    entry("ProcessGuid", Kind::Guid, 0),
    entry("ProcessId", Kind::Number, 0),
    entry("Image", Kind::Line, 0),
    entry("User", Kind::Line, 4),
];

const FILE_CREATE: &[Entry] = &[
    entry("RuleName", Kind::Line, 2),
    entry("UtcTime", Kind::Time, 0),
    entry("ProcessGuid", Kind::Guid, 0),
    entry("ProcessId", Kind::Number, 0),
    entry("Image", Kind::Line, 0),
    entry("TargetFilename", Kind::Line, 0),
    entry("CreationUtcTime", Kind::Time, 0),
    entry("User", Kind::Line, 4),
];

const DNS_QUERY: &[Entry] = &[
    entry("RuleName", Kind::Line, 2),
    entry("UtcTime", Kind::Time, 2),
    entry("ProcessGuid", Kind::Guid, 2),
    entry("ProcessId", Kind::Number, 2),
    entry("QueryName", Kind::Line, 2),
    entry("QueryStatus", Kind::Line, 2),
    entry("QueryResults", Kind::Line, 2),
    entry("Image", Kind::Line, 2),
    entry("User", Kind::Line, 4),
];

/// The values of an event in the newest schema's order; none for events whose data are not read.
pub(super) const fn layout(event_code: u16) -> &'static [Entry] {
    match event_code {
        code::PROCESS_CREATE => PROCESS_CREATE,
        code::NETWORK_CONNECT => NETWORK_CONNECT,
        code::PROCESS_TERMINATE => PROCESS_TERMINATE,
        code::FILE_CREATE => FILE_CREATE,
        code::DNS_QUERY => DNS_QUERY,
        _ => &[],
    }
}

/// Returns whether an event may end with this value in some schema.
pub(super) fn is_last(layout: &[Entry], index: usize) -> bool {
    layout.get(index..).is_some_and(|rest| rest.iter().skip(1).all(|entry| entry.since == SCHEMAS - 1))
}

/// Returns whether a value fits the kind of its name. Sysmon writes nothing or `-` where it knows nothing.
pub(super) fn fits(kind: Kind, value: &str) -> bool {
    let value = match kind {
        Kind::Free => return !is_placeholder(value),
        Kind::Line => return !value.contains(['\n', '\r']) && !is_placeholder(value),
        _ => value.trim(),
    };
    if matches!(value, "" | "-") {
        return true;
    }
    match kind {
        Kind::Time => Timestamp::parse(value).is_some(),
        Kind::Guid => Guid::parse(value).is_some(),
        Kind::Number => {
            let digits = value.strip_prefix("0x").or_else(|| value.strip_prefix("0X"));
            let is_hex = digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
            is_hex || value.bytes().all(|byte| byte.is_ascii_digit())
        }
        Kind::Truth => ["true", "false", "0", "1"].iter().any(|truth| truth.eq_ignore_ascii_case(value)),
        Kind::Free | Kind::Line => true,
    }
}

/// `%22`, as Windows leaves in a message where the event has no value for the message's name.
fn is_placeholder(value: &str) -> bool {
    let digits = value.trim().strip_prefix('%').unwrap_or_default();
    !digits.is_empty() && digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Gives an event's values, in the order in which Sysmon logs them, their names. Nothing is taken unless some schema
/// has as many values and each of them can be what its name says.
pub(super) fn name_values(event_code: u16, values: &[&str], builder: &mut EventBuilder) -> bool {
    let layout = layout(event_code);
    if values.is_empty() || layout.is_empty() {
        return false;
    }
    let of = |schema: u8| layout.iter().filter(move |entry| entry.since <= schema);
    let Some(schema) = (0..SCHEMAS).find(|schema| of(*schema).count() == values.len()) else { return false };
    let is_sure = |kind| matches!(kind, Kind::Time | Kind::Guid);
    // If no value has a form of its own, all of them may be shifted.
    let has_form = of(schema).zip(values).any(|(entry, value)| is_sure(entry.kind) && value.len() > 1);
    if !has_form || !of(schema).zip(values).all(|(entry, value)| fits(entry.kind, value)) {
        return false;
    }
    for (entry, value) in of(schema).zip(values) {
        builder.add_named(entry.name, value);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Field;

    #[test]
    fn each_schema_has_its_own_count() {
        for (event_code, counts) in [
            (1, &[16, 20, 21, 22, 23][..]),
            (3, &[17, 17, 18, 18, 18]),
            (5, &[4, 4, 5, 5, 6]),
            (11, &[6, 6, 7, 7, 8]),
            (22, &[0, 0, 8, 8, 9]),
        ] {
            let found: Vec<usize> = (0..SCHEMAS)
                .map(|schema| layout(event_code).iter().filter(|entry| entry.since <= schema).count())
                .collect();
            assert_eq!(found, counts, "{event_code}");
        }
        let is_last_name = |event_code, name| {
            let layout = layout(event_code);
            is_last(layout, layout.iter().position(|entry| entry.name == name).unwrap())
        };
        assert!(is_last_name(1, "ParentCommandLine") && is_last_name(1, "ParentUser"));
        assert!(!is_last_name(1, "CommandLine") && is_last_name(3, "DestinationPortName"));
    }

    #[test]
    fn unfit_values_stay_unnamed() {
        const GUID: &str = "0a1b2c3d-1111-6600-0000-001000a00100";
        let good = ["-", "2026-03-01 13:37:01.123", GUID, "7", r"C:\a.exe"];
        let taken = |values: &[&str]| {
            let mut builder = EventBuilder::default();
            name_values(5, values, &mut builder)
                .then(|| builder.text(Field::Image).unwrap_or_default().to_owned())
        };
        assert_eq!(taken(&good).as_deref(), Some(r"C:\a.exe"));
        assert_eq!(taken(&good[1..]).as_deref(), Some(r"C:\a.exe"));
        assert_eq!(taken(&[&good[..], &["u"]].concat()).as_deref(), Some(r"C:\a.exe"));
        for wrong in [
            &good[2..],
            &[],
            &[&good[1..], &["u"]].concat(),
            &["-", "", "", "", r"C:\a.exe"],
            &["-", "2026-03-01 13:37:01.123", GUID, "seven", r"C:\a.exe"],
            &["-", "2026-03-01 13:37:01.123", GUID, "7", "a\nb"],
            &["-", "2026-03-01 13:37:01.123", GUID, "7", "%5"],
        ] {
            assert_eq!(taken(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn numbers_are_read_in_both_bases() {
        for (value, expected) in [("106496", true), ("0x1a000", true), ("0X3E7", true), ("1a000", false)] {
            assert_eq!(fits(Kind::Number, value), expected, "{value}");
        }
    }
}
