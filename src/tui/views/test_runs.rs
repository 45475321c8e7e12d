//! The tests, step by step.
//!
//! ```text
//! ── The tests ── 5 detected ── 1 missed ───────────────────────────
//! git push of sensitive files
//!   missed       run 2  WS-4711  2026-03-11 09:21:49
//!     seen       2  push            Event 1: git push starts
//!     not seen      push to a URL   Event 1: the push has github.com …
//! ── Why ── 3 lines below; ─────────────────────────────────────────
//! The push clause does not select git.exe (Event 1, record 48279 …
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::export::walk::{folded_words, outcome_words, state_words};
use crate::model::text;
use crate::model::walkthrough::{Outcome, StepState};
use crate::tui::format::grouped;
use crate::tui::safe;
use crate::tui::state::App;
use crate::tui::state::test_runs::{Entry, list_rows};
use crate::tui::theme::Token;
use crate::tui::widgets::line::{put, rule};
use crate::tui::widgets::wrap::{Piece, wrap};

/// Draws the screen.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let mut title = vec![("The tests".to_owned(), style(Token::Title))];
    title.extend(summary(app));
    rule(buffer, area, area.y, &title, style(Token::BorderFocused), &app.glyphs);
    let list = Rect { y: area.y + 1, height: list_rows(area), ..area };
    let entries = app.test_runs.entries();
    if entries.is_empty() {
        let text = format!(
            "Looking through the events: {} of {}.",
            grouped(app.test_runs.seen(&app.store) as u64),
            grouped(app.store.kept_events() as u64)
        );
        put(buffer, list, (list.x, list.y, list.width), &text, style(Token::Muted), app.glyphs.ellipsis);
    }
    let rows = (list.y..list.bottom()).zip(entries.iter().enumerate().skip(app.test_runs.top));
    for (y, (number, entry)) in rows {
        draw_entry(app, entry, Rect { y, height: 1, ..list }, buffer);
        if number == app.test_runs.cursor {
            buffer.set_style(Rect { y, height: 1, ..list }, style(Token::Selection));
        }
    }
    let why = Rect { y: list.bottom(), height: area.bottom().saturating_sub(list.bottom()), ..area };
    draw_why(app, why, buffer);
}

/// How many runs of each verdict, and what is not done yet.
fn summary(app: &App) -> Vec<(String, Style)> {
    let style = |token| app.theme.style(token);
    let runs = || app.test_runs.reports.iter().flat_map(|test| &test.runs);
    let mut parts = Vec::new();
    for outcome in [Outcome::Detected, Outcome::Suppressed, Outcome::Missed, Outcome::NoTrace] {
        let count = runs().filter(|run| run.verdict.outcome == outcome).count();
        if count > 0 {
            parts.push((format!("{count} {}", outcome_words(outcome)), style(token_of(outcome))));
        }
    }
    if app.test_runs_are_behind() && !app.test_runs.reports.is_empty() {
        parts.push(("more has come in".to_owned(), style(Token::Muted)));
    }
    parts.push((app.list.profile.name().to_owned(), style(Token::Muted)));
    parts
}

const fn token_of(outcome: Outcome) -> Token {
    match outcome {
        Outcome::Detected => Token::Ok,
        Outcome::Suppressed => Token::Warning,
        Outcome::Missed => Token::Error,
        Outcome::NoTrace => Token::Muted,
    }
}

const fn token_of_state(state: StepState) -> Token {
    match state {
        StepState::Seen => Token::Ok,
        StepState::NotSeen => Token::Error,
        StepState::CannotBeSeen => Token::Muted,
    }
}

fn draw_entry(app: &App, entry: &Entry<'_>, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let shown = |text: &str| safe::masked(text, app.reveal_secrets);
    let mut x = area.x;
    let mut cell = |text: &str, room: u16, token| {
        put(buffer, area, (x, area.y, room.saturating_sub(1)), text, style(token), app.glyphs.ellipsis);
        x = x.saturating_add(room);
    };
    match entry {
        Entry::Test(test) => cell(&shown(&test.name), area.width, Token::Title),
        Entry::Folded(folded) => {
            cell("", 2, Token::Text);
            cell(&shown(&folded.words()), area.width, Token::Muted);
        }
        Entry::Run(run) => {
            cell("", 2, Token::Text);
            cell(outcome_words(run.verdict.outcome), 14, token_of(run.verdict.outcome));
            let Some(number) = run.number else { return };
            let score = run.verdict.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
            cell(&score, 3, Token::Text);
            cell(run.verdict.signal.map_or("-", |signal| signal.short_name()), 10, Token::Text);
            cell(&format!("run {number}"), 8, Token::Muted);
            let start = run.start.map(|start| format!("{} {}", start.date_text(), start.clock_text()));
            cell(&start.unwrap_or_default(), 21, Token::Text);
            cell(&shown(run.host.as_deref().unwrap_or("(unnamed)")), area.width, Token::Text);
        }
        Entry::Step(step) => {
            cell("", 4, Token::Text);
            cell(state_words(step.state), 14, token_of_state(step.state));
            let count = if step.count > 1 { step.count.to_string() } else { String::new() };
            cell(&count, 5, Token::Text);
            cell(&shown(&step.step), 18, Token::Text);
            cell(&shown(&step.expected), area.width, Token::Text);
        }
    }
}

/// Draws the explanation of the selected line.
fn draw_why(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let lines = why_lines(app, usize::from(area.width));
    let rows = usize::from(area.height.saturating_sub(1));
    let mut title = vec![("Why".to_owned(), style(Token::Title))];
    if app.test_run_has_target() {
        let goes = match app.test_runs.selected() {
            Some(Entry::Step(step)) if step.count > 1 => "Enter shows the events, one after the other",
            Some(Entry::Step(_)) => "Enter shows the event",
            _ => "Enter goes to it in the list",
        };
        title.push((goes.to_owned(), style(Token::Muted)));
    }
    rule(buffer, area, area.y, &title, style(Token::Border), &app.glyphs);
    let fits = lines.len() <= rows;
    for (number, (y, line)) in (area.y + 1..area.bottom()).zip(&lines).enumerate() {
        buffer.set_line(area.x, y, line, area.width);
        if !fits && number + 1 == rows {
            let more = format!("{} more lines", lines.len() - rows);
            let width = u16::try_from(text::width(&more) + 1).unwrap_or(area.width).min(area.width);
            put(buffer, area, (area.right() - width, y, width), &format!(" {more}"), style(Token::Muted), "");
        }
    }
}

fn why_lines(app: &App, width: usize) -> Vec<Line<'static>> {
    const MAX_WHY_LINES: usize = 100;
    let style = |token| app.theme.style(token);
    let shown = |text: &str| safe::masked(text, app.reveal_secrets);
    let paragraph =
        |text: &str, token| wrap(&[Piece::new(shown(text), style(token))], width, 2, MAX_WHY_LINES);
    match app.test_runs.selected() {
        None => Vec::new(),
        Some(Entry::Test(test)) => {
            let mut lines = paragraph(&test.sentence, Token::Text);
            if let Some(technique) = &test.technique {
                lines.extend(paragraph(&format!("MITRE ATT&CK {technique}"), Token::Muted));
            }
            for (number, step) in (1..).zip(&test.steps) {
                lines.extend(paragraph(&format!("{number}. {step}"), Token::Text));
            }
            if test.more_runs > 0 {
                let more = format!("{} more runs were too many to be told apart.", test.more_runs);
                lines.extend(paragraph(&more, Token::Warning));
            }
            lines
        }
        Some(Entry::Folded(folded)) => paragraph(&folded_words(folded), Token::Text),
        Some(Entry::Run(run)) => paragraph(&run.verdict.why, Token::Text),
        Some(Entry::Step(step)) => {
            let mut lines = paragraph(&step.expected, Token::Text);
            lines.extend(paragraph(&step.why, Token::Text));
            lines
        }
    }
}
