//! The workbench: the two patterns with what they match, what changes against what is saved, and advice.
//!
//! ```text
//! ── CI-host pattern ── matches 3 of 41 hosts ──────┐ side by side from 140 columns on,
//! (?i)(jenkins|gitlab-runner|ci[-_]|build[-_])      │ one over the other under that
//! BUILD-SRV2            812  2026-03-10 17:02:11    │
//! ── IDE-parent pattern ── matches 1 of 7 parents ──┘
//! ── Changes vs saved ── 2 new ── 1 gone ── 0 rescored ─────────────────────────────────────
//! + 3  WS-1  git-push  git push …
//! ── Advice 1 of 2 ──────────────────────────────────────────────────────────────────────────
//! ► `ci[-_]` matches inside a word: PC-DECI-7 (12 events).
//!   → `\bci[-_]` leaves 1 out and keeps 3 that it matches otherwise
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::pattern_editor::{draw_subjects, draw_text, fault_rows};
use crate::model::event::Field;
use crate::tui::format::{count, grouped};
use crate::tui::safe;
use crate::tui::state::App;
use crate::tui::state::workbench::{Part, Workbench};
use crate::tui::theme::Token;
use crate::tui::widgets::line::{put, rule};
use crate::tui::widgets::wrap::{Piece, wrap};
use crate::tune::{Change, Kind, Which, subjects};

/// From this width on the parts are side by side.
const TWO_COLUMN_WIDTH: u16 = 140;
/// Rows that every part has at least.
const MIN_PART_HEIGHT: u16 = 3;
/// Lines that a sentence of advice may take.
const MAX_LINES: usize = 4;

/// Draws the workbench, and says where the cursor is, where a text is typed.
pub fn draw(app: &App, workbench: &Workbench, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let [ci_host, ide_parent, changes, advice] = regions(workbench.part, area);
    let at_ci = draw_pattern(app, workbench, Which::CiHost, ci_host, buffer);
    let at_ide = draw_pattern(app, workbench, Which::IdeParent, ide_parent, buffer);
    draw_changes(app, workbench, changes, buffer);
    draw_advice(app, workbench, advice, buffer);
    match workbench.part {
        Part::Pattern(Which::CiHost) => Some(at_ci),
        Part::Pattern(Which::IdeParent) => Some(at_ide),
        _ => None,
    }
}

/// Where the four parts are.
fn regions(part: Part, area: Rect) -> [Rect; 4] {
    if area.width >= TWO_COLUMN_WIDTH {
        let top = area.height * 3 / 5;
        let left = (area.width - 1) / 2;
        let columns = |y: u16, height: u16| {
            let first = Rect { y, height, width: left, ..area };
            [first, Rect { x: area.x + left + 1, width: area.width - left - 1, ..first }]
        };
        let [ci_host, ide_parent] = columns(area.y, top);
        let [changes, advice] = columns(area.y + top, area.height - top);
        return [ci_host, ide_parent, changes, advice];
    }
    let focus = match part {
        Part::Pattern(Which::CiHost) | Part::SubjectFilter => 0,
        Part::Pattern(Which::IdeParent) => 1,
        Part::Changes => 2,
        Part::Advice => 3,
    };
    let extra = area.height.saturating_sub(4 * MIN_PART_HEIGHT);
    // The part that has the keys takes half of what there is to give, and the rest of the division.
    let share = extra / 2 / 3;
    let mut y = area.y;
    [0, 1, 2, 3].map(|number| {
        let height = MIN_PART_HEIGHT + if number == focus { extra - 3 * share } else { share };
        let region = Rect { y, height: height.min(area.bottom().saturating_sub(y)), ..area };
        y = region.bottom();
        region
    })
}

fn frame(app: &App, focused: bool) -> Style {
    app.theme.style(if focused { Token::BorderFocused } else { Token::Border })
}

fn draw_pattern(app: &App, workbench: &Workbench, which: Which, area: Rect, buffer: &mut Buffer) -> Position {
    let style = |token| app.theme.style(token);
    let editor = workbench.editor(which);
    let rows = usize::from(area.height) + editor.scroll;
    let (shown, matching, all) =
        subjects(&app.store, which, &workbench.trial, &workbench.subject_filter, rows);
    let name = match which {
        Which::CiHost => "CI-host pattern",
        Which::IdeParent => "IDE-parent pattern",
    };
    let mut title = vec![(name.to_owned(), style(Token::Title))];
    let matches = format!("matches {} of {}", grouped(count(matching)), which.counted(all));
    title.push((matches, style(Token::Text)));
    if editor.error.is_some() {
        title.push(("invalid: below is what the last valid one matches".to_owned(), style(Token::Error)));
    }
    if workbench.part == Part::SubjectFilter || !workbench.subject_filter.is_empty() {
        let cursor = if workbench.part == Part::SubjectFilter { "_" } else { "" };
        let subject_filter = format!("that hold {}{cursor}", safe::visible(&workbench.subject_filter));
        title.push((subject_filter, style(Token::Key)));
    }
    rule(buffer, area, area.y, &title, frame(app, workbench.part == Part::Pattern(which)), &app.glyphs);
    let cursor = draw_text(app, &editor.area, editor.error.as_ref(), area, buffer);
    let head = 2 + fault_rows(&editor.area, editor.error.as_ref(), area.width);
    let list = Rect { y: area.y + head, height: area.height.saturating_sub(head), ..area };
    let scroll = editor.scroll.min(shown.len().saturating_sub(1));
    draw_subjects(app, shown.get(scroll..).unwrap_or_default(), list, buffer);
    cursor
}

fn draw_changes(app: &App, workbench: &Workbench, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let changes = workbench.changes(&app.store);
    let figure = |number: usize, what: &str| format!("{} {what}", grouped(count(number)));
    let is_silent = workbench.advice.iter().any(|advice| advice.kind == Kind::MatchesAll);
    let goes = if is_silent { Token::Error } else { Token::Warning };
    let title = [
        ("Changes vs saved".to_owned(), style(Token::Title)),
        (figure(changes.appear.len(), "new"), style(Token::Score3)),
        (figure(changes.go.len(), "gone"), style(goes)),
        (figure(changes.rescored.len(), "rescored"), style(Token::Text)),
    ];
    let focused = workbench.part == Part::Changes;
    rule(buffer, area, area.y, &title, frame(app, focused), &app.glyphs);
    let rows = usize::from(area.height.saturating_sub(1));
    if changes.is_empty() && rows > 0 {
        let text = "no changes";
        let at = (area.x, area.y + 1, area.width);
        put(buffer, area, at, text, style(Token::Muted), app.glyphs.ellipsis);
    }
    let first = (workbench.change + 1).saturating_sub(rows);
    for (row, y) in (area.y + 1..area.bottom()).enumerate() {
        let Some((change, id)) = changes.get(first + row) else { break };
        let Some(view) = app.store.view(id, app.list.profile, &workbench.trial) else { continue };
        let before = app.store.score_of(view.finding(), app.list.profile, &workbench.saved).unwrap_or(0);
        let (sign, token) = match change {
            Change::Appears => ("+", Token::Score3),
            Change::Goes => ("-", goes),
            Change::Rescored => ("~", Token::Text),
        };
        let line = view.text(Field::CommandLine).map(str::to_owned).or_else(|| view.destination());
        let text = format!(
            "{sign} {before}{}{}  {}  {}  {}",
            app.glyphs.arrow,
            view.score(),
            view.host().unwrap_or("-"),
            view.signal().short_name(),
            line.unwrap_or_default()
        );
        let is_chosen = focused && first + row == workbench.change;
        if is_chosen {
            buffer.set_style(Rect { y, height: 1, ..area }, style(Token::Selection));
        }
        let text = safe::masked(&text, app.reveal_secrets);
        let look = if is_chosen { style(Token::Selection) } else { style(token) };
        put(buffer, area, (area.x, y, area.width), &text, look, app.glyphs.ellipsis);
    }
}

fn draw_advice(app: &App, workbench: &Workbench, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let all = workbench.advice.len();
    let focused = workbench.part == Part::Advice;
    let mut title = vec![("Advice".to_owned(), style(Token::Title))];
    if all > 0 {
        title.push((format!("{} of {all}, from this log", workbench.advised + 1), style(Token::Text)));
        title.push(("^T takes it".to_owned(), style(Token::Key)));
    }
    rule(buffer, area, area.y, &title, frame(app, focused), &app.glyphs);
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut top = 0;
    let rows = usize::from(area.height.saturating_sub(1));
    for (number, advice) in workbench.advice.iter().enumerate() {
        let is_chosen = number == workbench.advised;
        let mark = if is_chosen { app.glyphs.here } else { " " };
        let token = match advice.kind {
            Kind::MatchesAll => Token::Error,
            _ if is_chosen => Token::Text,
            _ => Token::Muted,
        };
        let start = lines.len();
        let evidence = safe::masked(&advice.evidence, app.reveal_secrets);
        let pieces = [
            Piece::new(format!("{mark} "), style(Token::Key)),
            Piece::new(format!("{}: ", advice.which.name()), style(Token::Muted)),
            Piece::new(evidence, style(token)),
        ];
        lines.extend(wrap(&pieces, width, 2, MAX_LINES));
        let proposal = safe::masked(&advice.proposal, app.reveal_secrets);
        let look = if advice.text.is_some() && is_chosen { Token::Key } else { Token::Muted };
        let pieces = [Piece::new(format!("  {} {proposal}", app.glyphs.arrow), style(look))];
        lines.extend(wrap(&pieces, width, 4, MAX_LINES));
        if is_chosen {
            top = lines.len().saturating_sub(rows).min(start);
        }
    }
    if lines.is_empty() && rows > 0 {
        let text = "none: this log does not contradict the patterns";
        let at = (area.x, area.y + 1, area.width);
        put(buffer, area, at, text, style(Token::Muted), app.glyphs.ellipsis);
    }
    for (y, line) in (area.y + 1..area.bottom()).zip(lines.iter().skip(top)) {
        buffer.set_line(area.x, y, line, area.width);
    }
}
