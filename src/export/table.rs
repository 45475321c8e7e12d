//! Rows as aligned columns for a terminal.
//!
//! ```text
//! Score  Time (UTC)           Host  User        Signal    Program  Destination  Command line
//!     3  2026-03-01 13:37:00  ws01  CORP\alice  git-push  git.exe               git push https://github.com/a/…
//! ```
//!
//! On a narrow terminal the widest columns shrink first, then whole columns go, the least informative ones first. The
//! score and the command line are the last.

use std::borrow::Borrow;
use std::borrow::Cow;
use std::io::{self, Write};

use super::{ExportOptions, safe};
use crate::model::event::Field;
use crate::model::row::AlertRow;
use crate::model::text::{image_name, truncate_to_width, width};

const GAP: usize = 2;
const COLUMN_COUNT: usize = 8;
/// Columns that the command line is given before the others keep theirs.
const COMMAND_LINE_WANTS: usize = 32;
/// Minimum width of a useful command line: below it other columns go instead.
const COMMAND_LINE_NEEDS: usize = 16;
/// From this width on there is room for the signals' full names.
const FULL_NAMES_FROM: usize = 160;
const JOINED_MARK: &str = "*";
const JOINED_NOTE: &str = "* joined: it comes from another event of the same process";

struct Column {
    heading: &'static str,
    /// Minimum width, down to which it shrinks.
    least: usize,
    /// Maximum width, where the total width is bounded.
    most: usize,
    /// The highest goes first where there is no room; 0 stays.
    goes: u8,
}

const SCORE: usize = 0;
const COMMAND_LINE: usize = COLUMN_COUNT - 1;
const COLUMNS: [Column; COLUMN_COUNT] = [
    Column { heading: "Score", least: 5, most: 5, goes: 0 },
    Column { heading: "Time (UTC)", least: 19, most: 20, goes: 2 },
    Column { heading: "Host", least: 8, most: 24, goes: 3 },
    Column { heading: "User", least: 8, most: 24, goes: 6 },
    Column { heading: "Signal", least: 8, most: 27, goes: 1 },
    Column { heading: "Program", least: 8, most: 24, goes: 4 },
    Column { heading: "Destination", least: 11, most: 32, goes: 5 },
    Column { heading: "Command line", least: 0, most: usize::MAX, goes: 0 },
];

pub(super) fn write(
    out: &mut dyn Write,
    rows: impl Iterator<Item = impl Borrow<AlertRow>>,
    options: &ExportOptions,
) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    let rows: Vec<&AlertRow> = rows.iter().map(Borrow::borrow).collect();
    if !rows.is_empty() {
        let widths = fit(natural_widths(&rows, options), options.table_width);
        let heading = line(COLUMNS.each_ref().map(|column| Cow::Borrowed(column.heading)), &widths, options);
        write_styled(out, &heading, "1", options)?;
        for row in &rows {
            write_row(out, row, &widths, options)?;
        }
        if rows
            .iter()
            .any(|row| is_joined(row, Field::CommandLine) || is_joined(row, Field::DestinationHostname))
        {
            write_note(out, JOINED_NOTE, "2", options)?;
        }
    }
    if let Some(summary) = &options.summary {
        write_note(out, &safe::shown(summary, options.reveal_secrets), "", options)?;
    }
    Ok(())
}

fn write_row(
    out: &mut dyn Write,
    row: &AlertRow,
    widths: &Widths,
    options: &ExportOptions,
) -> io::Result<()> {
    let text = line(cells(row, options), widths, options);
    let style = match row.suspicion_score {
        0 => "2",
        1 => "36",
        2 => "33",
        _ => "1;31",
    };
    // The score alone carries the colour: a text under it must stay readable on any background.
    let score_end = widths.first().copied().flatten().unwrap_or(0).min(text.len());
    match text.split_at_checked(score_end) {
        Some((score, rest)) if options.color && !score.is_empty() => {
            writeln!(out, "\u{1b}[{style}m{score}\u{1b}[0m{rest}")
        }
        _ => writeln!(out, "{text}"),
    }
}

fn write_note(out: &mut dyn Write, note: &str, style: &str, options: &ExportOptions) -> io::Result<()> {
    write_styled(out, &cut(note, options.table_width.unwrap_or(usize::MAX), options), style, options)
}

fn write_styled(out: &mut dyn Write, text: &str, style: &str, options: &ExportOptions) -> io::Result<()> {
    if options.color && !style.is_empty() {
        writeln!(out, "\u{1b}[{style}m{text}\u{1b}[0m")
    } else {
        writeln!(out, "{text}")
    }
}

fn is_joined(row: &AlertRow, field: Field) -> bool {
    row.joined.iter().any(|joined| joined.field == field)
}

fn cut<'a>(text: &'a str, columns: usize, options: &ExportOptions) -> Cow<'a, str> {
    truncate_to_width(text, columns, if options.ascii { "..." } else { "…" })
}

type Cells<'a> = [Cow<'a, str>; COLUMN_COUNT];

fn cells<'a>(row: &'a AlertRow, options: &ExportOptions) -> Cells<'a> {
    let shown = |text: Option<&'a str>| safe::shown(text.unwrap_or_default(), options.reveal_secrets);
    let marked = |text: Option<&'a str>, field| {
        let text = shown(text);
        if is_joined(row, field) && !text.is_empty() {
            Cow::Owned(format!("{JOINED_MARK}{text}"))
        } else {
            text
        }
    };
    let has_full_names = options.table_width.is_none_or(|columns| columns >= FULL_NAMES_FROM);
    [
        Cow::Owned(row.suspicion_score.to_string()),
        row.time.map_or(Cow::Borrowed(""), |time| {
            Cow::Owned(format!("{} {}", time.date_text(), time.clock_text()))
        }),
        shown(row.host.as_deref()),
        shown(row.user.as_deref()),
        Cow::Borrowed(if has_full_names { row.signal.name() } else { row.signal.short_name() }),
        shown(row.image.as_deref().map(image_name)),
        marked(row.destination_hostname.as_deref(), Field::DestinationHostname),
        marked(row.command_line.as_deref(), Field::CommandLine),
    ]
}

/// The columns that each column takes; `None` for one that is left out.
type Widths = [Option<usize>; COLUMN_COUNT];

fn natural_widths(rows: &[&AlertRow], options: &ExportOptions) -> [usize; COLUMN_COUNT] {
    let mut widths = COLUMNS.each_ref().map(|column| column.heading.len());
    for row in rows {
        for (widest, cell) in widths.iter_mut().zip(cells(row, options)) {
            *widest = width(&cell).max(*widest);
        }
    }
    widths
}

fn fit(natural: [usize; COLUMN_COUNT], room: Option<usize>) -> Widths {
    let Some(room) = room else { return natural.map(Some) };
    let mut widths: Widths = natural.map(Some);
    for (given, column) in widths.iter_mut().zip(&COLUMNS) {
        *given = given.map(|columns| columns.min(column.most));
    }
    let wanted = natural.last().copied().unwrap_or(0);
    // The widest shrink, a column at a time, until the command line has the width that it wants.
    while left_for_command_line(&widths, room) < wanted.min(COMMAND_LINE_WANTS) {
        let others = widths.iter_mut().zip(&COLUMNS).take(COMMAND_LINE);
        let shrinkable = others.filter(|(given, column)| given.is_some_and(|given| given > column.least));
        let Some((Some(widest), _)) = shrinkable.max_by_key(|(given, _)| **given) else { break };
        *widest -= 1;
    }
    // Then whole columns go.
    while left_for_command_line(&widths, room) < wanted.min(COMMAND_LINE_NEEDS) {
        let goers =
            widths.iter_mut().zip(&COLUMNS).filter(|(given, column)| given.is_some() && column.goes > 0);
        let Some((given, _)) = goers.max_by_key(|(_, column)| column.goes) else { break };
        *given = None;
    }
    let left = left_for_command_line(&widths, room);
    if let Some(command_line) = widths.last_mut() {
        *command_line = (left > 0).then_some(left.min(wanted));
    }
    if let Some(Some(score)) = widths.get_mut(SCORE) {
        *score = (*score).min(room);
    }
    widths
}

fn left_for_command_line(widths: &Widths, room: usize) -> usize {
    let others: usize = widths.iter().take(COMMAND_LINE).flatten().map(|columns| columns + GAP).sum();
    room.saturating_sub(others)
}

/// Returns a line without its end. Each cell is cut to its column; the score is aligned right, all else left.
fn line(cells: Cells<'_>, widths: &Widths, options: &ExportOptions) -> String {
    let mut line = String::new();
    let mut owed = 0;
    for (index, (cell, columns)) in cells.into_iter().zip(widths).enumerate() {
        let Some(columns) = *columns else { continue };
        let cell = cut(&cell, columns, options);
        let blanks = columns.saturating_sub(width(&cell));
        let (before, after) = if index == SCORE { (blanks, 0) } else { (0, blanks) };
        line.extend(std::iter::repeat_n(' ', owed + before));
        line.push_str(&cell);
        owed = after + GAP;
    }
    // An empty last cell leaves the blanks before it.
    line.truncate(line.trim_end_matches(' ').len());
    line
}
