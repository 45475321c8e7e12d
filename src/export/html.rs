//! Rows as a report in one HTML file, for who has neither a console nor a ticket.
//!
//! The page loads nothing and runs nothing: its own policy forbids both, should a text ever slip through the escaping.

use std::borrow::Borrow;
use std::io::{self, Write};

use super::row::text;
use super::safe::{escaped, shown};
use super::{ExportOptions, csv};
use crate::model::row::AlertRow;
use crate::model::text::{image_name, visible};

const DEFAULT_TITLE: &str = "Exfiltration to code repositories (MITRE ATT&CK T1567.001)";
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
    let title = escaped(&visible(options.title.as_deref().unwrap_or(DEFAULT_TITLE)));
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
    )?;
    if let Some(summary) = &options.summary {
        writeln!(out, "<p>{}</p>", escaped(&visible(summary)))?;
    }
    if rows.is_empty() {
        writeln!(out, "<p>No alerts.</p>")?;
    } else {
        let counts = SCORES.map(|score| rows.iter().filter(|row| row.suspicion_score == score).count());
        for (score, count) in SCORES.iter().zip(counts).filter(|(_, count)| *count > 0) {
            writeln!(out, r#"<p class="s{score}">Score {score}: {count}</p>"#)?;
        }
        write_table(out, &rows, options)?;
        for (index, row) in rows.iter().enumerate() {
            write_particulars(out, index + 1, row, options)?;
        }
    }
    out.write_all(b"</body>\n</html>\n")
}

fn write_table(out: &mut dyn Write, rows: &[&AlertRow], options: &ExportOptions) -> io::Result<()> {
    out.write_all(b"<table>\n<tr><th>#</th><th>Score</th><th>Time (UTC)</th><th>Host</th><th>User</th><th>Signal</th><th>Program</th><th>Destination</th></tr>\n")?;
    for (index, row) in rows.iter().enumerate() {
        let cell = |value: Option<&str>| code(value, options.reveal_secrets).unwrap_or_default();
        let time = row.time.map(|time| format!("{} {}", time.date_text(), time.clock_text()));
        writeln!(
            out,
            r##"<tr><td><a href="#alert-{number}">{number}</a></td><td class="s{score}">{score}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>"##,
            time.unwrap_or_default(),
            cell(row.host.as_deref()),
            cell(row.user.as_deref()),
            row.signal,
            cell(row.image.as_deref().map(image_name)),
            cell(row.destination_hostname.as_deref()),
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
    let source = code(Some(&row.source), true).unwrap_or_default();
    writeln!(out, "<dt>From</dt><dd>Event {}{record}, {source}</dd>", row.event_code)?;
    if let Some(joined) = code(Some(&joined), true) {
        writeln!(out, "<dt>Joined</dt><dd>{joined}</dd>")?;
    }
    out.write_all(b"</dl>\n</section>\n")
}

fn code(value: Option<&str>, reveal_secrets: bool) -> Option<String> {
    text(value, reveal_secrets).map(|text| format!("<code>{}</code>", escaped(&visible(&text))))
}
