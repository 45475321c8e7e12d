//! Rows as a report in one HTML file, for readers without a console or a ticket.
//!
//! The page loads nothing and runs nothing: its own policy forbids both, in case a text ever slips through the
//! escaping.

use std::borrow::Borrow;
use std::io::{self, Write};

use super::report::{Entry, Node, Report};
use super::row::text;
use super::safe::{escaped, shown};
use super::{ExportOptions, csv};
use crate::detect::TECHNIQUE;
use crate::model::row::AlertRow;
use crate::model::text::{image_name, visible};

/// Maximum depth to which a tree is indented.
const MAX_NESTED: usize = 24;
const FOOT: &[u8] = b"</body>\n</html>\n";
/// Scores for which the report counts rows, the worst first.
const SCORES: [u8; 4] = [3, 2, 1, 0];
const STYLE: &str = "\
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1e1e1e;background:#fff}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}\
code{font-family:ui-monospace,Consolas,monospace;direction:ltr;unicode-bidi:isolate;overflow-wrap:anywhere;white-space:pre-wrap}\
dl{display:grid;grid-template-columns:12rem 1fr;gap:.2rem 1rem}dt{font-weight:600}dd{margin:0}\
section{break-inside:avoid}\
.s3{color:#a80000;font-weight:700}.s2{color:#8a5a00;font-weight:700}.s1{color:#005a9e}.s0{color:#666}";

/// Writes the whole page.
///
/// # Errors
/// Those of `out`.
pub fn write_report(
    out: &mut dyn Write,
    rows: impl Iterator<Item = impl Borrow<AlertRow>>,
    options: &ExportOptions,
) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    let rows: Vec<&AlertRow> = rows.iter().map(Borrow::borrow).collect();
    write_head(out, options)?;
    if let Some(summary) = &options.summary {
        writeln!(out, "<p>{}</p>", escaped(&shown(summary, options.reveal_secrets)))?;
    }
    if rows.is_empty() {
        writeln!(out, "<p>No alerts.</p>")?;
    } else {
        write_counts(out, &rows.iter().copied())?;
        write_table(out, rows.iter().map(|row| (*row, None)), options)?;
        for (index, row) in rows.iter().enumerate() {
            write_particulars(out, index + 1, row, None, options)?;
        }
    }
    out.write_all(FOOT)
}

/// Writes a whole report.
pub(super) fn write_whole(out: &mut dyn Write, report: &Report, options: &ExportOptions) -> io::Result<()> {
    let said = |text: &str| escaped(&shown(text, options.reveal_secrets));
    write_head(out, options)?;
    for sentence in &report.summary {
        writeln!(out, "<p>{}</p>", said(sentence))?;
    }
    if report.entries.is_empty() {
        writeln!(out, "<p>No alerts.</p>")?;
    } else {
        write_counts(out, &report.entries.iter().map(|entry| &entry.row))?;
        write_table(out, report.entries.iter().map(|entry| (&entry.row, Some(entry))), options)?;
    }
    out.write_all(b"<h2>Patterns in force</h2>\n<dl>\n")?;
    for (name, pattern) in &report.patterns {
        let pattern = code(Some(pattern), options.reveal_secrets).unwrap_or_else(|| "(none)".to_owned());
        writeln!(out, "<dt>{}</dt><dd>{pattern}</dd>", said(name))?;
    }
    out.write_all(b"</dl>\n<h2>What these logs could not have shown</h2>\n<ul>\n")?;
    for sentence in &report.coverage {
        writeln!(out, "<li>{}</li>", said(sentence))?;
    }
    if report.coverage.is_empty() {
        writeln!(out, "<li>Nothing is missing that this detection needs.</li>")?;
    }
    out.write_all(b"</ul>\n")?;
    for (number, group, entry) in report.numbered() {
        if let Some((name, text)) = group {
            let text = code(Some(text), options.reveal_secrets).unwrap_or_default();
            writeln!(out, "<h2>By {name}: {text}</h2>")?;
        }
        write_particulars(out, number, &entry.row, Some(entry), options)?;
    }
    out.write_all(FOOT)
}

fn write_head(out: &mut dyn Write, options: &ExportOptions) -> io::Result<()> {
    let title = options.title.clone().unwrap_or_else(|| TECHNIQUE.report_title());
    let title = escaped(&shown(&title, options.reveal_secrets));
    write!(
        out,
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{title}</h1>
"#
    )
}

fn write_counts<'a>(
    out: &mut dyn Write,
    rows: &(impl Iterator<Item = &'a AlertRow> + Clone),
) -> io::Result<()> {
    let counts = SCORES.map(|score| rows.clone().filter(|row| row.suspicion_score == score).count());
    for (score, count) in SCORES.iter().zip(counts).filter(|(_, count)| *count > 0) {
        writeln!(out, r#"<p class="s{score}">Score {score}: {count}</p>"#)?;
    }
    Ok(())
}

/// An entry of `None` is a table without verdicts.
fn write_table<'a>(
    out: &mut dyn Write,
    rows: impl Iterator<Item = (&'a AlertRow, Option<&'a Entry>)>,
    options: &ExportOptions,
) -> io::Result<()> {
    let mut rows = rows.peekable();
    let verdict = if rows.peek().is_some_and(|(_, entry)| entry.is_some()) { "<th>Verdict</th>" } else { "" };
    write!(out, "<table>\n<tr><th>#</th><th>Score</th>{verdict}")?;
    out.write_all(b"<th>Time (UTC)</th><th>Host</th><th>User</th><th>Signal</th><th>Program</th><th>Destination</th></tr>\n")?;
    for (index, (row, entry)) in rows.enumerate() {
        let verdict = entry.map_or_else(String::new, |entry| {
            let decided = entry.decided.as_ref();
            format!("<td>{}</td>", decided.map_or("", |decided| decided.verdict.name()))
        });
        let cell = |value: Option<&str>| code(value, options.reveal_secrets).unwrap_or_default();
        let time = row.time.map(|time| format!("{} {}", time.date_text(), time.clock_text()));
        writeln!(
            out,
            r##"<tr><td><a href="#alert-{number}">{number}</a></td><td class="s{score}">{score}</td>{verdict}<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"##,
            time.unwrap_or_default(),
            cell(row.host.as_deref()),
            cell(row.user.as_deref()),
            row.signal,
            cell(row.image.as_deref().map(image_name)),
            cell(entry.map_or(row.destination_hostname.as_deref(), |entry| entry.place.as_deref())),
            number = index + 1,
            score = row.suspicion_score,
        )?;
    }
    out.write_all(b"</table>\n")
}

fn write_particulars(
    out: &mut dyn Write,
    number: usize,
    row: &AlertRow,
    entry: Option<&Entry>,
    options: &ExportOptions,
) -> io::Result<()> {
    let reveal_secrets = options.reveal_secrets;
    let joined = csv::joined_text(&row.joined, reveal_secrets);
    let record = row.record_id.map(|record_id| format!(", record {record_id}")).unwrap_or_default();
    writeln!(out, r#"<section id="alert-{number}">"#)?;
    writeln!(
        out,
        r#"<h2>{number}. {}, score <span class="s{score}">{score}</span></h2>"#,
        row.signal,
        score = row.suspicion_score
    )?;
    writeln!(out, "<p>{}</p>\n<dl>", escaped(&shown(&row.explanation.sentence, reveal_secrets)))?;
    for (name, value) in [
        ("Time", row.time.map(|time| time.to_string()).as_deref()),
        ("Host", row.host.as_deref()),
        ("User", row.user.as_deref()),
        ("Program", row.image.as_deref()),
        ("Command line", row.command_line.as_deref()),
        ("Parent", row.parent_image.as_deref()),
        ("Parent's command line", row.parent_command_line.as_deref()),
        ("Destination", row.destination_hostname.as_deref()),
        ("Process", row.process_guid.as_deref()),
    ] {
        if let Some(value) = code(value, reveal_secrets) {
            writeln!(out, "<dt>{name}</dt><dd>{value}</dd>")?;
        }
    }
    let source = code(Some(&row.source), reveal_secrets).unwrap_or_default();
    writeln!(out, "<dt>From</dt><dd>Event {}{record}, {source}</dd>", row.event_code)?;
    if let Some(joined) = code(Some(&joined), true) {
        writeln!(out, "<dt>Joined</dt><dd>{joined}</dd>")?;
    }
    if let Some(decided) = entry.and_then(|entry| entry.decided.as_ref()) {
        let line = escaped(&shown(&decided.line(), reveal_secrets));
        writeln!(out, "<dt>Verdict</dt><dd>{line}</dd>")?;
        if let Some(note) = code(Some(&decided.note), reveal_secrets) {
            writeln!(out, "<dt>Note</dt><dd>{note}</dd>")?;
        }
    }
    out.write_all(b"</dl>\n")?;
    if let Some(entry) = entry {
        write_tree(out, entry, reveal_secrets)?;
    }
    out.write_all(b"</section>\n")
}

fn write_tree(out: &mut dyn Write, entry: &Entry, reveal_secrets: bool) -> io::Result<()> {
    let cell = |text: &str| code(Some(text), reveal_secrets).unwrap_or_default();
    if !entry.tree.is_empty() {
        out.write_all(b"<h3>Process tree</h3>\n")?;
    }
    for Node { depth, image, about, command_line, is_own } in &entry.tree {
        let own = if *is_own { " <b>this alert</b>" } else { "" };
        let command_line = command_line.as_deref().unwrap_or("(no command line)");
        writeln!(
            out,
            r#"<div style="margin-left:{}rem">{}{own} {}<br>{}</div>"#,
            (*depth).min(MAX_NESTED),
            cell(image_name(image)),
            escaped(&shown(about, reveal_secrets)),
            cell(command_line),
        )?;
    }
    if !entry.acts.is_empty() {
        out.write_all(b"<h3>What it did</h3>\n<ul>\n")?;
        for act in &entry.acts {
            writeln!(out, "<li>{}</li>", cell(act))?;
        }
        out.write_all(b"</ul>\n")?;
    }
    Ok(())
}

fn code(value: Option<&str>, reveal_secrets: bool) -> Option<String> {
    text(value, reveal_secrets).map(|text| format!("<code>{}</code>", escaped(&visible(&text))))
}
