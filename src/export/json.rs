//! Rows as JSON: one array, or one object a line.
//!
//! Values are exactly the event's, masked tokens aside. Characters that JSON permits but a terminal would obey (C1
//! controls, bidirectional overrides, zero-width characters) are written as `\u…`: a reader of JSON gets the same
//! value, and a screen gets none of them.

use std::borrow::Borrow;
use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use super::row::{Value, values};
use super::{ExportOptions, safe};
use crate::model::row::COLUMNS;
use crate::model::row::{AlertRow, JoinedField};
use crate::model::text::is_forbidden;

/// An object a line.
pub(super) fn write_ndjson(
    out: &mut dyn Write,
    rows: impl Iterator<Item = impl Borrow<AlertRow>>,
    options: &ExportOptions,
) -> io::Result<()> {
    let mut line = Vec::new();
    for row in rows {
        let row = row.borrow();
        line.clear();
        to_json(&mut line, &JsonRow { row, reveal_secrets: options.reveal_secrets })?;
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

/// One array, an element a line.
pub(super) fn write_json(
    out: &mut dyn Write,
    rows: impl Iterator<Item = impl Borrow<AlertRow>>,
    options: &ExportOptions,
) -> io::Result<()> {
    let mut element = Vec::new();
    let mut before = "[\n";
    for row in rows {
        let row = row.borrow();
        element.clear();
        element.extend_from_slice(before.as_bytes());
        to_json(&mut element, &JsonRow { row, reveal_secrets: options.reveal_secrets })?;
        out.write_all(&element)?;
        before = ",\n";
    }
    out.write_all(if before == "[\n" { b"[]\n" } else { b"\n]\n" })
}

/// Appends a value as JSON on one line, without characters that a terminal would obey.
pub(super) fn to_json(buffer: &mut Vec<u8>, value: &impl Serialize) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(buffer, HarmlessFormatter))?;
    Ok(())
}

/// A row as the object of the contract.
pub(super) struct JsonRow<'a> {
    pub(super) row: &'a AlertRow,
    pub(super) reveal_secrets: bool,
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(COLUMNS.len()))?;
        for (name, value) in COLUMNS.iter().zip(values(self.row, self.reveal_secrets)) {
            match value {
                Value::Missing => object.serialize_entry(name, &())?,
                Value::Text(text) => object.serialize_entry(name, &text)?,
                Value::Number(number) => object.serialize_entry(name, &number)?,
                Value::Points(points) => object.serialize_entry(name, &points)?,
                Value::Evidence(items) => {
                    let all: Vec<_> = items
                        .iter()
                        .map(|item| {
                            serde_json::json!({
                                "item": item.item,
                                "points": item.points,
                                "why": safe::masked(&item.why, self.reveal_secrets),
                                "record": item.record,
                            })
                        })
                        .collect();
                    object.serialize_entry(name, &all)?;
                }
                Value::Joined(fields) => {
                    object.serialize_entry(
                        name,
                        &JoinedFields { fields, reveal_secrets: self.reveal_secrets },
                    )?;
                }
            }
        }
        if let Some(rows) = &self.row.rows {
            object.serialize_entry("Rows", rows)?;
        }
        // Only a lead has it, so that the rows of the other profiles stay as they are.
        let events = &self.row.explanation.evidence;
        if !events.is_empty() {
            let all: Vec<_> = events
                .iter()
                .map(|event| {
                    serde_json::json!({
                        "EventCode": event.event_code,
                        "RecordId": event.record_id,
                        "Source": safe::masked(&event.source, self.reveal_secrets),
                        "What": safe::masked(&event.what, self.reveal_secrets),
                    })
                })
                .collect();
            object.serialize_entry("LeadEvents", &all)?;
        }
        object.end()
    }
}

struct JoinedFields<'a> {
    fields: &'a [JoinedField],
    reveal_secrets: bool,
}

impl Serialize for JoinedFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.fields.len()))?;
        for field in self.fields {
            object.serialize_entry(
                field.field.name(),
                &Origin { field, reveal_secrets: self.reveal_secrets },
            )?;
        }
        object.end()
    }
}

struct Origin<'a> {
    field: &'a JoinedField,
    reveal_secrets: bool,
}

impl Serialize for Origin<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(4))?;
        object.serialize_entry("RecordId", &self.field.record_id)?;
        object.serialize_entry("EventCode", &self.field.event_code)?;
        object.serialize_entry("Source", &safe::masked(&self.field.source, self.reveal_secrets))?;
        object.serialize_entry(
            "Own",
            &super::row::text(self.field.own_value.as_deref(), self.reveal_secrets),
        )?;
        object.end()
    }
}

/// Compact JSON that writes forbidden characters as escapes.
struct HarmlessFormatter;

impl Formatter for HarmlessFormatter {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all text is of this kind, which a check of its bytes detects.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return CompactFormatter.write_string_fragment(writer, fragment);
        }
        let mut rest = fragment;
        while let Some((at, forbidden)) = rest.char_indices().find(|(_, character)| is_forbidden(*character))
        {
            let (before, from) = rest.split_at(at);
            CompactFormatter.write_string_fragment(writer, before)?;
            for unit in forbidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = from.get(forbidden.len_utf8()..).unwrap_or_default();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}
