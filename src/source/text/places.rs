//! The other places in which exports put the data of an event: values without names, rendered messages, members under
//! another name. They are looked at where an event still lacks data that the detection needs.
//!
//! A new export is a row in a table here, unless its envelope is one of a kind.

use super::event_builder::{EventBuilder, RecordKind};
use super::json::{Value, text_of};
use super::message;
use super::schema;
use crate::model::event::Field;
use crate::model::understood::lacks_essentials;

/// Members that hold the values in Sysmon's order: `Get-WinEvent`, fluent-bit, fluentd.
const VALUES: [&str; 4] = ["Properties", "StringInserts", "EventData", "event_data"];
/// Members that hold the rendered message: `Get-WinEvent`, fluent-bit, Beats, Log Analytics, fluentd.
const MESSAGES: [&str; 4] = ["Message", "message", "RenderedDescription", "Description"];
/// The text that PowerShell writes for a value deeper than its `-Depth`.
const TYPE_NAME: &str = "System.Diagnostics.Eventing.Reader.EventProperty";

/// Names for Sysmon's fields, compared without case and punctuation; the fields' own names need no row.
const SYNONYMS: &[(&str, Field)] = &[
    // HELK and OSSEM.
    ("processpath", Field::Image),
    ("processcommandline", Field::CommandLine),
    ("processcurrentdirectory", Field::CurrentDirectory),
    ("processparentpath", Field::ParentImage),
    ("processparentcommandline", Field::ParentCommandLine),
    ("processparentguid", Field::ParentProcessGuid),
    ("processparentid", Field::ParentProcessId),
    ("useraccount", Field::User),
    ("dstipaddr", Field::DestinationIp),
    ("dsthostname", Field::DestinationHostname),
    ("dstport", Field::DestinationPort),
    ("dnsqueryname", Field::QueryName),
    ("dnsqueryresults", Field::QueryResults),
];

/// Members by which an export is known that does not hold Sysmon's fields, and what to do about it.
const LACKING: &[(&str, &str)] = &[
    (
        "PayloadData1",
        "the column Payload, which holds the fields, is missing: export all columns of EvtxECmd",
    ),
    (
        "RuleTitle",
        "it is a timeline of Hayabusa, which tells the fields in its own words: read the .evtx files",
    ),
];

/// Maximum of members that a hint names, and of letters of each.
const MAX_NAMED: usize = 12;
const MAX_LETTERS: usize = 40;

/// The values of a list without names; `None` where it is no such list.
pub(super) fn values_of(list: Value<'_>) -> Option<Vec<&str>> {
    let value = |element: Value<'_>| {
        let inner = element.get("Value").unwrap_or(element);
        (!inner.is_object()).then_some(())
    };
    let mut values = Vec::new();
    for element in list.elements() {
        value(element)?;
        values.push(element.get("Value").unwrap_or(element).scalar().unwrap_or_default());
    }
    (!values.is_empty() && !values.iter().all(|value| *value == TYPE_NAME)).then_some(values)
}

/// The rendered message.
fn message_of(event: Value<'_>) -> Option<&str> {
    MESSAGES.iter().filter_map(|name| event.get(name)?.as_str()).find(|text| text.contains('\n'))
}

/// Fills the missing fields of an event from its rendered message alone.
pub(super) fn fill_from_message(event: Value<'_>, builder: &mut EventBuilder) {
    if let (RecordKind::Sysmon(event_code), Some(message)) = (builder.record_kind(), message_of(event)) {
        // A field that can't be read there stays missing.
        let _ = message::read_lines(event_code, message, builder);
    }
}

/// Fills the missing fields of an event from all of these places.
pub(super) fn complete(event: Value<'_>, builder: &mut EventBuilder) {
    let RecordKind::Sysmon(event_code) = builder.record_kind() else { return };
    let message = message_of(event);
    let mut has_values = false;
    for name in VALUES {
        let Some(values) = event.get(name).and_then(values_of) else { continue };
        has_values = true;
        if schema::name_values(event_code, &values, builder)
            || message.is_some_and(|message| message::name_values(message, &values, builder))
        {
            break;
        }
    }
    // Names and values that do not belong together are not paired: the message may be that of another version.
    if let Some(message) = message.filter(|_| !has_values && builder.is_incomplete()) {
        let reading = message::read_lines(event_code, message, builder);
        builder.trouble = reading.reason().filter(|_| builder.is_incomplete());
    }
    if builder.is_incomplete() {
        for (name, value) in event.members() {
            if let (Some(field), Some(text)) = (synonym(name), text_of(value)) {
                builder.add(field, text);
            }
        }
    }
    if builder.trouble.is_none() && lacks_essentials(event_code, |field| builder.has(field)) {
        builder.hint = Some(hint(event, event_code));
    }
}

/// The field of a name in another spelling.
fn synonym(name: &str) -> Option<Field> {
    let plain: String = name
        .bytes()
        .filter(u8::is_ascii_alphanumeric)
        .take(MAX_LETTERS)
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let own = || Field::ALL.iter().find(|field| field.name().eq_ignore_ascii_case(&plain)).copied();
    let known = SYNONYMS.iter().find(|(synonym, _)| *synonym == plain).map(|(_, field)| *field);
    known.or_else(own).filter(|field| *field != Field::Computer)
}

/// Returns the structure that a record has in place of named fields, as a clause.
fn hint(event: Value<'_>, event_code: u16) -> String {
    if let Some((_, clause)) = LACKING.iter().find(|(name, _)| event.get(name).is_some()) {
        return (*clause).to_owned();
    }
    for name in VALUES {
        if let Some(values) = event.get(name).and_then(values_of) {
            return format!(
                "no field names: {name} was a list of {} values that fit no schema of Event {event_code}",
                values.len()
            );
        }
    }
    let data = ["EventData", "event_data"].into_iter().find_map(|name| Some((name, event.get(name)?)));
    if let Some((name, data)) = data {
        return match data.as_str() {
            Some("") => format!("{name} was empty"),
            Some(_) => format!("no field names: {name} was text that is neither JSON nor XML of an event"),
            None => format!("no field names: {name} had {}", members(data)),
        };
    }
    format!("it has no EventData and no message that could be read; it had {}", members(event))
}

/// The names of an object's members.
fn members(value: Value<'_>) -> String {
    let mut names: Vec<String> = value
        .members()
        .take(MAX_NAMED + 1)
        .map(|(name, _)| name.chars().take(MAX_LETTERS).collect())
        .collect();
    if names.is_empty() {
        return "no members".to_owned();
    }
    if names.len() > MAX_NAMED {
        names.truncate(MAX_NAMED);
        names.push("…".to_owned());
    }
    format!("the members {}", names.join(", "))
}
