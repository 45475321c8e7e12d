//! Pages over the screen: the help, what could not be read, a raw event.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::config;
use crate::model::fault::Severity;
use crate::model::secrets::mask;
use crate::store::coverage::Impact;
use crate::tui::format::grouped;
use crate::tui::keys::{Context, bindings, chord_name};
use crate::tui::safe;
use crate::tui::state::{App, Page};
use crate::tui::theme::Token;
use crate::tui::update::commands::COMMANDS;
use crate::tui::widgets::line::rule;
use crate::tui::widgets::wrap::{Piece, wrap};

/// Lines of a raw event.
const MAX_RAW_LINES: usize = 5_000;
/// Columns of the kind of a note or read error.
const KIND_WIDTH: usize = 12;

/// Draws a page.
pub fn draw(app: &App, page: &Page, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let name = match page {
        Page::Help => "Help",
        Page::ReadErrors => "Read errors",
        Page::Coverage => "Log coverage",
        Page::SavePreview(_) => "Changes to the configuration: Enter writes them, Esc cancels",
        Page::NewException { .. } => "New exception: Enter keeps it, ^N proposes something else",
        Page::Snapshots(_) => "Snapshots of the patterns",
        Page::Raw { .. } => "Raw event",
        Page::Tests => return super::test_runs::draw(app, area, buffer),
        Page::Pushes => "Who pushes where",
    };
    let lines = app.page_lines().unwrap_or_default();
    let rows = usize::from(area.height.saturating_sub(1));
    let below = lines.len().saturating_sub(app.page_top + rows);
    let place = format!("line {} of {}, {below} below; Esc closes", app.page_top + 1, lines.len());
    let title = [(name.to_owned(), style(Token::Title)), (place, style(Token::Muted))];
    rule(buffer, area, area.y, &title, style(Token::BorderFocused), &app.glyphs);
    for (y, line) in (area.y + 1..area.bottom()).zip(lines.iter().skip(app.page_top)) {
        buffer.set_line(area.x, y, line, area.width);
    }
}

/// The lines of a page.
#[must_use]
pub fn page_lines(app: &App, page: &Page) -> Vec<Line<'static>> {
    match page {
        Page::Help => help(app),
        Page::ReadErrors => read_errors(app),
        Page::Coverage => coverage(app),
        Page::SavePreview(plan) => config::plan_lines(app, plan),
        Page::NewException { exception, taken } => {
            let taken = taken.get(&app.store).map_or(&[][..], Vec::as_slice);
            config::exception_lines(app, exception, taken)
        }
        Page::Snapshots(snapshots) => config::snapshot_lines(app, snapshots),
        Page::Raw { text, .. } => raw(app, text.as_ref()),
        // Tables of their own.
        Page::Tests | Page::Pushes => Vec::new(),
    }
}

fn help(app: &App) -> Vec<Line<'static>> {
    let style = |token| app.theme.style(token);
    let width = usize::from(app.area.width);
    let mut lines = Vec::new();
    let entry = |lines: &mut Vec<Line<'static>>, key: String, help: &str| {
        let pieces =
            [Piece::new(format!("  {key:<18}"), style(Token::Key)), Piece::new(help, style(Token::Text))];
        lines.extend(wrap(&pieces, width, 20, 4));
    };
    for context in Context::ALL {
        lines.push(Line::from(Span::styled(context.title(), style(Token::Title))));
        for binding in bindings(context) {
            let keys: Vec<_> = binding.chords.iter().map(|chord| chord_name(*chord)).collect();
            entry(&mut lines, keys.join(" "), binding.help);
        }
        lines.push(Line::default());
    }
    lines.push(Line::from(Span::styled("Commands", style(Token::Title))));
    for command in COMMANDS {
        entry(&mut lines, format!(":{} {}", command.name, command.arguments), command.help);
    }
    for (heading, text) in ABOUT {
        lines.push(Line::default());
        lines.push(Line::from(Span::styled(*heading, style(Token::Title))));
        for paragraph in *text {
            lines.extend(wrap(&[Piece::new(format!("  {paragraph}"), style(Token::Text))], width, 2, 20));
        }
    }
    lines
}

const ABOUT: &[(&str, &[&str])] = &[
    (
        "The filter",
        &[
            "Words and terms are all asked for: git alice. OR and ( ) say otherwise: host:ws-1 OR host:ws-2.",
            "field:value holds the value; field=value is the value; field~regex matches it; all of them without case, but for the regex.",
            "score>=3, time>=2026-03-10T12:00, record=4711. !term is the opposite; a missing field meets no term but a negated one.",
            "Fields: host, user, image, command, parent, parentcommand, destination, owner, signal, score, time, record, source, verdict, note; verdict:none finds undecided alerts.",
        ],
    ),
    (
        "The list",
        &[
            "S is the search's score: 3 a push or an upload, 2 a connection. A star beside it: spl and correlated say different things of it; the detail says what.",
            "A joined text came from another event of the same process, by host and ProcessGuid: a connection's parent from its Event 1, its name from the Event 22 that its own process caused.",
        ],
    ),
    (
        "Verdicts",
        &[
            "V is your verdict: M malicious, b benign, u unclear, n a note alone. d and a letter decide, on a group's line on all of the group; n goes to the next without one; U takes the last one back.",
            "They are kept in the case file, a line a decision, nothing before the first one: case.ndjson beside the configuration, or the file of --case or of the configuration's case. An alert is known by its host, record and time, so that the same logs show them again, whatever dialect they come in.",
        ],
    ),
    (
        "Profiles",
        &[
            "spl is the Splunk search to the letter, with its surprises: a capital letter in a host evades its Signal, a push to dev.azure.com is Unknown to it, and on raw Sysmon the IDE pattern changes nothing.",
            "correlated is what it set out to do. Without a Splunk at hand these can't be known: how it folds case outside ASCII, whether * runs over line breaks, and what host is behind a forwarder (--host short is the other guess).",
            "hunt has the alerts of correlated unchanged, and leads: what the search misses. A lead has its own name (filter: signal:GitPush) and score, and lists the events that it is made of; one act is one lead. A fetch is none.",
            "A browser's upload can't be decided from Sysmon: no command line names it, and its connection looks like reading.",
        ],
    ),
];

fn read_errors(app: &App) -> Vec<Line<'static>> {
    let style = |token| app.theme.style(token);
    let width = usize::from(app.area.width);
    let tally = app.store.tally();
    let mut lines = Vec::new();
    let summary: Vec<_> =
        tally.skipped.iter().map(|(reason, count)| format!("{} {count}", reason.key())).collect();
    let text = format!("{} records: {} of Sysmon; {}", tally.records(), tally.sysmon, summary.join(", "));
    lines.extend(wrap(&[Piece::new(text, style(Token::Text))], width, 2, 4));
    lines.push(Line::default());
    for fault in app.store.faults() {
        let (kind, token) = match fault.severity {
            Severity::Notice => ("notice", Token::Muted),
            Severity::Loss => ("lost", Token::Warning),
            Severity::Unreadable => ("unreadable", Token::Error),
        };
        let pieces = [
            Piece::new(format!("{kind:<KIND_WIDTH$}"), style(token)),
            Piece::new(safe::masked(&fault.to_string(), app.reveal_secrets), style(Token::Text)),
        ];
        lines.extend(wrap(&pieces, width, KIND_WIDTH, 6));
    }
    lines
}

fn coverage(app: &App) -> Vec<Line<'static>> {
    let style = |token| app.theme.style(token);
    let width = usize::from(app.area.width);
    let mut lines = note_lines(app, width);
    if lines.is_empty() {
        let text = "Nothing is missing that this detection needs.";
        lines.push(Line::from(Span::styled(text, style(Token::Ok))));
    }
    lines.push(Line::default());
    let narrow = width < 100;
    let name_width = if narrow { 17 } else { 36 };
    let head = format!(
        "{:<name_width$}{:>9}{:>9}{:>7}{:>8}{:>9}  seen",
        "host", "Event 1", "Event 3", "named", "by DNS", "Event 22"
    );
    lines.push(Line::from(Span::styled(head, style(Token::Header))));
    for host in app.store.coverage() {
        let named = (host.named_connections * 100).checked_div(host.connections);
        let named = named.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%"));
        let seen = host.span.map_or_else(String::new, |(first, last)| {
            if narrow {
                days(&first.date_text(), &last.date_text())
            } else if width < 130 {
                format!("{} to {}", first.date_text(), last.date_text())
            } else {
                format!(
                    "{} {} to {} {}",
                    first.date_text(),
                    first.clock_text(),
                    last.date_text(),
                    last.clock_text()
                )
            }
        });
        let shown = safe::masked(&host.host, app.reveal_secrets);
        let name =
            crate::model::text::truncate_to_width(&shown, name_width - 1, app.glyphs.ellipsis).into_owned();
        let padding = " ".repeat(name_width.saturating_sub(crate::model::text::width(&name)));
        let figures = format!(
            "{padding}{:>9}{:>9}{named:>7}{:>8}{:>9}  {seen}",
            grouped(host.process_creates),
            grouped(host.connections),
            grouped(host.resolved_connections),
            grouped(host.dns_queries)
        );
        lines.push(Line::from(Span::styled(format!("{name}{figures}"), style(Token::Text))));
    }
    lines
}

/// Two dates in at most 19 columns: what the second shares with the first is left out, or both days.
fn days(first: &str, last: &str) -> String {
    let (year, month) = (|date: &str| date.split('-').next().map(str::len), |date: &str| date.rfind('-'));
    let (Some(years), Some(first_month), Some(last_month)) = (year(first), month(first), month(last)) else {
        return format!("{first} to {last}");
    };
    if first == last {
        first.to_owned()
    } else if first.get(..=years) == last.get(..=years) {
        format!("{first} to {}", last.get(years + 1..).unwrap_or_default())
    } else {
        let (from, to) = (first.get(..first_month), last.get(..last_month));
        format!("{} to {}", from.unwrap_or_default(), to.unwrap_or_default())
    }
}

/// Notes on the log coverage, a sentence or two each.
#[must_use]
pub fn note_lines(app: &App, width: usize) -> Vec<Line<'static>> {
    app.notes
        .iter()
        .flat_map(|note| {
            let (kind, token) = match note.impact {
                Impact::BlindSpot => ("blind spot", Token::Error),
                Impact::Uncertain => ("uncertain", Token::Warning),
                Impact::Info => ("info", Token::Muted),
            };
            let pieces = [
                Piece::new(format!("{kind:<KIND_WIDTH$}"), app.theme.style(token)),
                Piece::new(safe::masked(&note.text, app.reveal_secrets), app.theme.style(Token::Text)),
            ];
            wrap(&pieces, width, KIND_WIDTH, 8)
        })
        .collect()
}

fn raw(app: &App, text: Option<&Result<String, String>>) -> Vec<Line<'static>> {
    let width = usize::from(app.area.width);
    let (text, token) = match text {
        None => ("Reading it again from its file.", Token::Muted),
        Some(Ok(text)) => (text.as_str(), Token::Text),
        Some(Err(reason)) => (reason.as_str(), Token::Error),
    };
    // Masked as a whole: the word that marks a secret may be on another line.
    let masked = if app.reveal_secrets { Cow::Borrowed(text) } else { mask(text) };
    masked
        .lines()
        .take(MAX_RAW_LINES)
        .flat_map(|line| {
            let piece = Piece::new(safe::visible(line), app.theme.style(token));
            wrap(&[piece], width, 4, MAX_RAW_LINES)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn two_dates_share_what_they_can() {
        assert_eq!(days("2026-03-10", "2026-03-10"), "2026-03-10");
        assert_eq!(days("2026-03-10", "2026-04-01"), "2026-03-10 to 04-01");
        assert_eq!(days("2017-10-23", "2021-12-07"), "2017-10 to 2021-12");
        assert_eq!(days("1601-01-01", "30828-09-14"), "1601-01 to 30828-09");
    }
}
