//! Rows as comma-separated values that a spreadsheet may open.
//!
//! Lines end in CR LF, per RFC 4180: line tools have `ndjson`, and every reader of CSV takes CR LF. No cell holds a
//! line break, so a row is a line. There is no byte order mark: it would become part of the first column's name in most
//! readers.
//!
//! A text that a spreadsheet would take for a formula gets an apostrophe before it; numbers of the console's own are
//! exempt. This holds at the start of a cell, and after a `;` or `|` in it, where a cell begins for a reader with that
//! separator. Blanks and quotes before the formula change nothing, and neither do apostrophes: the text comes back by
//! removing one of them at each such offset. A lone `-`, which Sysmon writes for "not known", is no formula for any
//! spreadsheet and stays.

use std::borrow::Borrow;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::row::{Value, text, values};
use super::{ExportOptions, safe};
use crate::model::row::COLUMNS;
use crate::model::row::{AlertRow, EvidenceRow, JoinedField};

const LINE_END: &str = "\r\n";

pub(super) fn write(
    out: &mut dyn Write,
    rows: impl Iterator<Item = impl Borrow<AlertRow>>,
    options: &ExportOptions,
) -> io::Result<()> {
    let mut line = COLUMNS.join(",");
    if options.activities {
        line.push_str(",Rows");
    }
    line.push_str(LINE_END);
    out.write_all(line.as_bytes())?;
    for row in rows {
        let row = row.borrow();
        line.clear();
        for (index, value) in values(row, options.reveal_secrets).into_iter().enumerate() {
            if index > 0 {
                line.push(',');
            }
            match value {
                Value::Missing => {}
                Value::Text(text) => push_cell(&mut line, &text),
                Value::Number(number) => line.push_str(&number.to_string()),
                Value::Points(points) => line.push_str(&points.to_string()),
                Value::Evidence(items) => push_cell(&mut line, &evidence_text(items, options.reveal_secrets)),
                Value::Joined(fields) => push_cell(&mut line, &joined_text(fields, options.reveal_secrets)),
            }
        }
        if let Some(rows) = &row.rows {
            let records: Vec<String> = rows.iter().map(u64::to_string).collect();
            line.push(',');
            push_cell(&mut line, &records.join(" "));
        }
        line.push_str(LINE_END);
        out.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// `DestinationHostname from Event 22, record 7, dns.evtx (own value: -)`, one after the other.
pub(super) fn joined_text(fields: &[JoinedField], reveal_secrets: bool) -> String {
    let mut shown = String::new();
    for field in fields {
        if !shown.is_empty() {
            shown.push_str("; ");
        }
        // Writing to a String cannot fail.
        let _ = write!(shown, "{} from Event {}", field.field.name(), field.event_code);
        if let Some(record_id) = field.record_id {
            let _ = write!(shown, ", record {record_id}");
        }
        let _ = write!(shown, ", {}", safe::masked(&field.source, reveal_secrets));
        if let Some(own_value) = text(field.own_value.as_deref(), reveal_secrets) {
            let _ = write!(shown, " (own value: {own_value})");
        }
    }
    shown
}

/// `no host pushed to github.com/acme before (+3, record 7)`, one after the other.
pub(super) fn evidence_text(items: &[EvidenceRow], reveal_secrets: bool) -> String {
    let mut shown = String::new();
    for item in items {
        if !shown.is_empty() {
            shown.push_str("; ");
        }
        // Writing to a String cannot fail.
        let _ = write!(shown, "{} ({:+}", safe::masked(&item.why, reveal_secrets), item.points);
        if let Some(record) = item.record {
            let _ = write!(shown, ", record {record}");
        }
        shown.push(')');
    }
    shown
}

fn push_cell(line: &mut String, text: &str) {
    let cell = harmless(text);
    let is_quoted = cell.contains(['"', ',', ';', '\'']) || cell.starts_with(' ') || cell.ends_with(' ');
    if is_quoted {
        line.push('"');
        line.push_str(&cell.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(&cell);
    }
}

/// Returns the text with invisible characters written out, and never a formula. TAB and CR are invisible, too.
fn harmless(text: &str) -> Cow<'_, str> {
    let shown = safe::shown(text, true);
    if shown == "-" {
        return shown;
    }
    let mut guarded = String::new();
    let mut copied = 0;
    let behind_separators = shown.match_indices([';', '|']).map(|(at, separator)| at + separator.len());
    for at in std::iter::once(0).chain(behind_separators) {
        if begins_formula(shown.get(at..).unwrap_or_default()) {
            guarded.push_str(shown.get(copied..at).unwrap_or_default());
            guarded.push('\'');
            copied = at;
        }
    }
    if guarded.is_empty() {
        return shown;
    }
    guarded.push_str(shown.get(copied..).unwrap_or_default());
    Cow::Owned(guarded)
}

/// Returns whether a cell that begins here would be a formula, once its blanks and quotes are removed.
fn begins_formula(cell: &str) -> bool {
    let is_passed_over = |character: char| character.is_whitespace() || matches!(character, '"' | '\'');
    cell.trim_start_matches(is_passed_over).starts_with(starts_a_formula)
}

/// Returns whether spreadsheets take a character for the start of a formula, in full width too: they fold it.
fn starts_a_formula(character: char) -> bool {
    matches!(
        character,
        '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}' | '\u{2212}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("--force", "'--force"),
            ("@SUM(1)", "'@SUM(1)"),
            (" \u{3000}=1", " <U+3000>=1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\u{ff0b}1", "'\u{ff0b}1"),
            ("\u{ff0d}1", "'\u{ff0d}1"),
            ("\u{ff20}x", "'\u{ff20}x"),
            ("\t=1", "<U+0009>=1"),
            ("\r=1", "<U+000D>=1"),
            ("\u{feff}=1", "<U+FEFF>=1"),
            ("-", "-"),
            ("", ""),
            ("a=1", "a=1"),
            ("a ;=cmd|' /C calc'!A0;", "a ;'=cmd|' /C calc'!A0;"),
            ("a|+1", "a|'+1"),
            ("a; \"=1\"", "a;' \"=1\""),
            ("a;'=1", "a;''=1"),
            ("'=1", "''=1"),
            ("a; b | c", "a; b | c"),
            ("'", "'"),
        ] {
            assert_eq!(harmless(text), expected, "{text:?}");
        }
    }
}
