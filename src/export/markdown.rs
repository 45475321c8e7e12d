//! Rows for a ticket: a short table, and under it a list of each alert's particulars.
//!
//! Texts of events are in code spans, where no link, mention, picture or formula is made of them. A character that
//! could end a span, a cell or a tag is no part of a span but a character reference between two of them
//! (`` `a`&#124;`b` ``): that holds for readers that know tables, readers that don't, and readers that are lax about
//! HTML.

use std::borrow::Borrow;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::report::{Entry, Node, Report};
use super::row::text;
use super::{ExportOptions, safe};
use crate::detect::TECHNIQUE;
use crate::model::row::AlertRow;
use crate::model::text::image_name;

/// Maximum nesting depth of lists; readers of Markdown give up at some depth.
const MAX_NESTED: usize = 12;

pub(super) fn write(
    out: &mut dyn Write,
    rows: impl Iterator<Item = impl Borrow<AlertRow>>,
    options: &ExportOptions,
) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    let rows: Vec<&AlertRow> = rows.iter().map(Borrow::borrow).collect();
    let title = options.title.as_ref().map(|title| prose(&safe::shown(title, options.reveal_secrets)));
    write!(out, "# {}\n\n", title.unwrap_or_else(|| TECHNIQUE.report_title()))?;
    if let Some(summary) = &options.summary {
        write!(out, "{}\n\n", prose(&safe::shown(summary, options.reveal_secrets)))?;
    }
    if rows.is_empty() {
        return writeln!(out, "No alerts.");
    }
    out.write_all(b"| # | Score | Time (UTC) | Host | User | Signal | Program | Destination |\n")?;
    out.write_all(b"|---|---|---|---|---|---|---|---|\n")?;
    for (index, row) in rows.iter().enumerate() {
        write_table_row(out, index + 1, row, row.destination_hostname.as_deref(), None, options)?;
    }
    for (index, row) in rows.iter().enumerate() {
        write_particulars(out, index + 1, row, options)?;
    }
    Ok(())
}

/// Writes a whole report.
pub(super) fn write_whole(out: &mut dyn Write, report: &Report, options: &ExportOptions) -> io::Result<()> {
    let said = |text: &str| prose(&safe::shown(text, options.reveal_secrets));
    let title = options.title.as_deref().map(said);
    write!(out, "# {}\n\n", title.unwrap_or_else(|| TECHNIQUE.report_title()))?;
    for sentence in &report.summary {
        writeln!(out, "- {}", said(sentence))?;
    }
    if report.entries.is_empty() {
        writeln!(out, "\nNo alerts.")?;
    } else {
        out.write_all(
            b"\n| # | Score | Verdict | Time (UTC) | Host | User | Signal | Program | Destination |\n",
        )?;
        out.write_all(b"|---|---|---|---|---|---|---|---|---|\n")?;
    }
    for (number, _, Entry { row, place, decided, .. }) in report.numbered() {
        let verdict = decided.as_ref().map_or_else(String::new, |decided| format!("{} | ", decided.verdict));
        let verdict = Some(if verdict.is_empty() { " | " } else { &verdict });
        write_table_row(out, number, row, place.as_deref(), verdict, options)?;
    }
    writeln!(out, "\n## Patterns in force\n")?;
    for (name, pattern) in &report.patterns {
        let pattern = if pattern.is_empty() {
            "(none)".to_owned()
        } else {
            code_of_line(&safe::shown(pattern, options.reveal_secrets))
        };
        writeln!(out, "- {}: {pattern}", said(name))?;
    }
    writeln!(out, "\n## What these logs could not have shown\n")?;
    for sentence in &report.coverage {
        writeln!(out, "- {}", said(sentence))?;
    }
    if report.coverage.is_empty() {
        writeln!(out, "- Nothing is missing that this detection needs.")?;
    }
    for (number, group, entry) in report.numbered() {
        if let Some((name, text)) = group {
            writeln!(out, "\n# By {name}: {}", code(&safe::shown(text, options.reveal_secrets)))?;
        }
        write_particulars(out, number, &entry.row, options)?;
        write_more(out, entry, options)?;
    }
    Ok(())
}

/// Writes the report's details of an alert, in addition to its row.
fn write_more(out: &mut dyn Write, entry: &Entry, options: &ExportOptions) -> io::Result<()> {
    let shown = |text: &str| code(&safe::shown(text, options.reveal_secrets));
    if let Some(decided) = &entry.decided {
        writeln!(out, "- Verdict: {}", prose(&safe::shown(&decided.line(), options.reveal_secrets)))?;
        if !decided.note.is_empty() {
            writeln!(out, "- Note: {}", shown(&decided.note))?;
        }
    }
    if !entry.tree.is_empty() {
        out.write_all(b"- Process tree:\n")?;
    }
    for Node { depth, image, about, command_line, is_own } in &entry.tree {
        let indent = "  ".repeat(depth.saturating_add(1).min(MAX_NESTED));
        let own = if *is_own { " **this alert**" } else { "" };
        let about = if about.is_empty() { String::new() } else { format!(", {}", shown(about)) };
        writeln!(
            out,
            "{indent}- {}{own}{about}: {}",
            shown(image_name(image)),
            shown(command_line.as_deref().unwrap_or("(no command line)"))
        )?;
    }
    if !entry.acts.is_empty() {
        out.write_all(b"- What it did:\n")?;
    }
    for act in &entry.acts {
        writeln!(out, "  - {}", shown(act))?;
    }
    Ok(())
}

fn write_table_row(
    out: &mut dyn Write,
    number: usize,
    row: &AlertRow,
    place: Option<&str>,
    verdict: Option<&str>,
    options: &ExportOptions,
) -> io::Result<()> {
    let shown = |text: Option<&str>| code(&safe::shown(text.unwrap_or_default(), options.reveal_secrets));
    let time = row.time.map(|time| format!("{} {}", time.date_text(), time.clock_text())).unwrap_or_default();
    writeln!(
        out,
        "| {number} | {} | {}{time} | {} | {} | {} | {} | {} |",
        row.suspicion_score,
        verdict.unwrap_or_default(),
        shown(row.host.as_deref()),
        shown(row.user.as_deref()),
        row.signal,
        shown(row.image.as_deref().map(image_name)),
        shown(place),
    )
}

fn write_particulars(
    out: &mut dyn Write,
    number: usize,
    row: &AlertRow,
    options: &ExportOptions,
) -> io::Result<()> {
    let shown =
        |value: Option<&str>| text(value, options.reveal_secrets).map(|text| code(&safe::shown(&text, true)));
    let mut text = format!("\n## {number}. {}, score {}\n\n", row.signal, row.suspicion_score);
    let mut item = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "- {name}: {value}");
        }
    };
    item("Why", Some(prose(&safe::shown(&row.explanation.sentence, options.reveal_secrets))));
    item("Time", row.time.map(|time| code(&time.to_string())));
    item("Host", shown(row.host.as_deref()));
    item("User", shown(row.user.as_deref()));
    item("Program", shown(row.image.as_deref()));
    item("Command line", shown(row.command_line.as_deref()));
    item("Parent", shown(row.parent_image.as_deref()));
    item("Parent's command line", shown(row.parent_command_line.as_deref()));
    item("Destination", shown(row.destination_hostname.as_deref()));
    item("Process", shown(row.process_guid.as_deref()));
    let record = row.record_id.map(|record_id| format!("record {record_id}, ")).unwrap_or_default();
    item(
        "From",
        Some(format!(
            "Event {}, {record}{}",
            row.event_code,
            code(&safe::shown(&row.source, options.reveal_secrets))
        )),
    );
    for joined in &row.joined {
        let record = joined.record_id.map(|record_id| format!("record {record_id}, ")).unwrap_or_default();
        let source = code(&safe::shown(&joined.source, options.reveal_secrets));
        let own =
            shown(joined.own_value.as_deref()).map(|own| format!(", own value {own}")).unwrap_or_default();
        let (field, event_code) = (joined.field.name(), joined.event_code);
        item("Joined", Some(format!("{field} from Event {event_code}, {record}{source}{own}")));
    }
    out.write_all(text.as_bytes())
}

/// A visible text in code spans, for a line that is no row of a table: a bar ends nothing there, and a pattern with
/// alternatives stays in one piece.
fn code_of_line(text: &str) -> String {
    code_without(text, |character| character != '|' && is_special(character))
}

/// A visible text in code spans.
pub(super) fn code(text: &str) -> String {
    code_without(text, is_special)
}

fn code_without(text: &str, is_special: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len() + 2);
    let mut rest = text;
    while !rest.is_empty() {
        let at = rest.find(&is_special).unwrap_or(rest.len());
        let (span, after) = rest.split_at(at);
        push_span(&mut shown, span);
        let mut characters = after.chars();
        if let Some(special) = characters.next() {
            let _ = write!(shown, "&#{};", u32::from(special));
        }
        rest = characters.as_str();
    }
    shown
}

/// Returns whether a character is barred from spans: it could end the span, the cell, or open a tag for a lax reader.
const fn is_special(character: char) -> bool {
    matches!(character, '`' | '|' | '<' | '>' | '&')
}

fn push_span(shown: &mut String, span: &str) {
    // Blanks at a span's edges are eaten by the span, and a backslash before its end is read as an escape by some.
    let inner = span.trim_matches(' ');
    let kept = inner.trim_end_matches('\\');
    let (before, after) = if inner.is_empty() {
        (span.len(), 0)
    } else {
        (span.len() - span.trim_start_matches(' ').len(), span.len() - span.trim_end_matches(' ').len())
    };
    shown.extend(std::iter::repeat_n(' ', before));
    if !kept.is_empty() {
        let _ = write!(shown, "`{kept}`");
    }
    for _ in kept.len()..inner.len() {
        shown.push_str("&#92;");
    }
    shown.extend(std::iter::repeat_n(' ', after));
}

/// A visible sentence: words that are nothing but words stay plain, all else is a code span.
pub(super) fn prose(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 8);
    let mut spanned = String::new();
    for word in text.split(' ') {
        if is_plain_word(word) {
            push_spanned(&mut shown, &mut spanned);
            push_word(&mut shown, word);
        } else {
            push_word(&mut spanned, word);
        }
    }
    push_spanned(&mut shown, &mut spanned);
    shown
}

/// Writes a span; the sentence's own punctuation after it stays outside.
fn push_spanned(shown: &mut String, spanned: &mut String) {
    let bare = spanned.trim_end_matches(['.', ',', ';', ':']);
    if !spanned.is_empty() {
        let punctuation = spanned.get(bare.len()..).unwrap_or_default();
        push_word(shown, &(code(bare) + punctuation));
    }
    spanned.clear();
}

fn push_word(text: &mut String, word: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

/// A word with nothing in it that Markdown, a ticket system or a reader's eye could take for more: letters, digits, an
/// inner hyphen or apostrophe, and the punctuation of prose at its end.
fn is_plain_word(word: &str) -> bool {
    let bare = word.trim_end_matches(['.', ',', ';', ':', '?', '!', ')']).trim_start_matches('(');
    let edges_hold = !bare.starts_with(['-', '\'']) && !bare.ends_with(['-', '\'']);
    edges_hold
        && word.len() - bare.len() <= 3
        && bare.chars().all(|character| character.is_alphanumeric() || matches!(character, '-' | '\''))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_in_spans_that_they_cannot_leave() {
        for (text, expected) in [
            ("", ""),
            ("git push", "`git push`"),
            (r"C:\a\git.exe", r"`C:\a\git.exe`"),
            (r"C:\a\\", r"`C:\a`&#92;&#92;"),
            ("a|b", "`a`&#124;`b`"),
            ("a`b``", "`a`&#96;`b`&#96;&#96;"),
            ("<script>", "&#60;`script`&#62;"),
            ("a & b", "`a` &#38; `b`"),
            (" a ", " `a` "),
            ("  ", "  "),
            ("\\", "&#92;"),
            ("[x](http://y) **z** @you", "`[x](http://y) **z** @you`"),
        ] {
            assert_eq!(code(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_sentence_stays_one() {
        for (text, expected) in [
            (
                "git.exe pushes to github.com, and ws01 is no CI system.",
                "`git.exe` pushes to `github.com`, and ws01 is no CI system.",
            ),
            ("the host's name (by reverse lookup)", "the host's name (by reverse lookup)"),
            ("see @you and http://x | y", "see `@you` and `http://x` &#124; y"),
            ("**a** _b_ c", "`**a** _b_` c"),
            ("it ran C:\\x.exe.", "it ran `C:\\x.exe`."),
            ("...", "..."),
        ] {
            assert_eq!(prose(text), expected);
        }
    }
}
