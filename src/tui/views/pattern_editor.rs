//! The editor of a pattern: the text, its fault under a caret, what it matches, and what it changes.
//!
//! ```text
//! ── CI-host pattern ── matches 3 of 41 hosts ── 2 new alerts ── 1 gone ──────────
//! (?i)(jenkins|gitlab-runner|ci[-_]|build[-_]
//!     ^ this group is not closed: add `)`
//! matches       events  last seen            │ changes
//! BUILD-SRV2       812  2026-03-10 17:02:11  │ + 3 WS-1 git-push git push …
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use tui_textarea::TextArea;

use crate::detect::pattern::PatternError;
use crate::model::event::Field;
use crate::model::text;
use crate::store::ids::FindingId;
use crate::tui::format::{count, grouped};
use crate::tui::safe;
use crate::tui::state::{App, PatternEditor};
use crate::tui::theme::Token;
use crate::tui::widgets::line::{put, rule};
use crate::tui::widgets::wrap::{Piece, highlighted, wrap};
use crate::tune::{Changes, Proposal, Subject, Which, subjects};

/// Draws the editor, and says where the cursor is.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let pattern_editor = app.pattern_editor.as_ref()?;
    let style = |token| app.theme.style(token);
    let rows = usize::from(area.height.saturating_sub(4)) + pattern_editor.scroll;
    let (shown, matching, all) =
        subjects(&app.store, pattern_editor.trial.which, &pattern_editor.trial.flags, "", rows);
    rule(
        buffer,
        area,
        area.y,
        &title(app, pattern_editor, matching, all),
        style(Token::BorderFocused),
        &app.glyphs,
    );
    let cursor = draw_text(app, &pattern_editor.editor, pattern_editor.trial.error.as_ref(), area, buffer);
    let is_here = |proposal: &&Proposal| proposal.which == pattern_editor.trial.which;
    let proposal = pattern_editor.proposals.get(pattern_editor.proposal).filter(is_here);
    if let Some(warning) = pattern_editor.warnings.first().filter(|_| pattern_editor.trial.error.is_none()) {
        let text =
            format!("{}: {}", warning.which.name(), safe::masked(&warning.evidence, app.reveal_secrets));
        let at = (area.x, area.y + 2, area.width);
        put(buffer, area, at, &text, style(Token::Error), app.glyphs.ellipsis);
    } else if let Some(other) =
        other_edited(app, pattern_editor).filter(|_| pattern_editor.trial.error.is_none())
    {
        let text = format!("{} is edited too: Enter keeps both, Esc restores both", other.name());
        let at = (area.x, area.y + 2, area.width);
        put(buffer, area, at, &text, style(Token::Warning), app.glyphs.ellipsis);
    } else if let Some(proposal) = proposal.filter(|_| pattern_editor.trial.error.is_none()) {
        let made_for = safe::masked(&pattern_editor.made_for_name, app.reveal_secrets);
        let text =
            format!("also matches {}; for {made_for}", safe::masked(&proposal.takes_in, app.reveal_secrets));
        put(buffer, area, (area.x, area.y + 2, area.width), &text, style(Token::Key), app.glyphs.ellipsis);
    }
    let left = area.width * 3 / 5;
    let faults = fault_rows(&pattern_editor.editor, pattern_editor.trial.error.as_ref(), area.width);
    let head = area.y + 2 + faults.max(1);
    let body = head + 1;
    let subject_width = left.saturating_sub(FIGURES_WIDTH);
    let muted = style(Token::Muted);
    put(buffer, area, (area.x, head, subject_width), pattern_editor.trial.which.subjects(), muted, "");
    put(buffer, area, (area.x + subject_width, head, 30), "   events  last seen", muted, "");
    put(buffer, area, (area.x + left + 1, head, area.width - left), "changes", muted, app.glyphs.ellipsis);
    let subjects = Rect { y: body, height: area.bottom().saturating_sub(body), width: left, ..area };
    draw_subjects(app, shown.get(pattern_editor.scroll..).unwrap_or_default(), subjects, buffer);
    draw_changes(
        app,
        pattern_editor,
        Rect {
            x: area.x + left + 1,
            y: body,
            width: area.width - left - 1,
            height: area.bottom().saturating_sub(body),
        },
        buffer,
    );
    Some(cursor)
}

/// The pattern that is not on the screen, where it was edited.
fn other_edited(app: &App, pattern_editor: &PatternEditor) -> Option<Which> {
    let other = pattern_editor.trial.which.other();
    let is_invalid = pattern_editor.other.as_ref().is_some_and(|draft| draft.error.is_some());
    let is_changed = other.of(pattern_editor.trial.flags.patterns()) != other.of(app.flags.patterns());
    (is_invalid || is_changed).then_some(other)
}

fn title(app: &App, pattern_editor: &PatternEditor, matching: usize, all: usize) -> Vec<(String, Style)> {
    let style = |token| app.theme.style(token);
    let name = match pattern_editor.trial.which {
        Which::CiHost => "CI-host pattern",
        Which::IdeParent => "IDE-parent pattern",
    };
    let changes = pattern_editor.changes.get(&app.store).unwrap_or(Changes::NONE);
    let mut title = vec![(name.to_owned(), style(Token::Title))];
    title.push((
        format!("matches {} of {}", grouped(count(matching)), pattern_editor.trial.which.counted(all)),
        style(Token::Text),
    ));
    let figure = |number: usize, one: &str, many: &str| {
        format!("{} {}", grouped(count(number)), if number == 1 { one } else { many })
    };
    title.push((figure(changes.appear.len(), "new alert", "new alerts"), style(Token::Score3)));
    let go = if pattern_editor.warnings.is_empty() { Token::Warning } else { Token::Error };
    title.push((figure(changes.go.len(), "gone", "gone"), style(go)));
    if pattern_editor.trial.error.is_some() {
        title.push(("invalid: the list keeps the last valid pattern".to_owned(), style(Token::Error)));
    }
    title
}

/// Columns of the figures to the right of a host or a parent.
const FIGURES_WIDTH: u16 = 32;

/// Hosts or parents with their figures, a row each, the matched part highlighted.
pub(in crate::tui) fn draw_subjects(app: &App, subjects: &[Subject<'_>], area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let width = area.width.saturating_sub(FIGURES_WIDTH);
    for (y, subject) in (area.y..area.bottom()).zip(subjects) {
        let ranges: Vec<_> = subject.matched.clone().into_iter().collect();
        let (visible, ranges) = safe::masked_with_ranges(subject.text, &ranges, app.reveal_secrets);
        let base = if subject.matched.is_some() { style(Token::Text) } else { style(Token::Muted) };
        let pieces = highlighted(&visible, &ranges, base, style(Token::Match));
        let room = width.saturating_sub(1);
        if let Some(line) = wrap(&pieces, usize::from(room), 0, 1).first() {
            buffer.set_line(area.x, y, line, room);
            if text::width(&visible) > usize::from(room) {
                // A cut text ends with an ellipsis.
                let end = u16::try_from(line.width()).unwrap_or(room).min(room.saturating_sub(1));
                put(buffer, area, (area.x + end, y, 1), app.glyphs.ellipsis, base, "");
            }
        }
        let last = subject
            .last_seen
            .map_or_else(String::new, |time| format!("{} {}", time.date_text(), time.clock_text()));
        let figures = format!("{:>9}  {last}", grouped(subject.events));
        put(buffer, area, (area.x + width, y, FIGURES_WIDTH), &figures, base, app.glyphs.ellipsis);
    }
}

/// Lines that a fault may take under its caret.
const MAX_FAULT_LINES: usize = 4;

/// The place of a pattern's error.
struct Fault {
    /// The column of its caret.
    caret: u16,
    message: String,
    /// Whether the message fits to the right of the caret; it is under the caret otherwise.
    is_beside: bool,
}

impl Fault {
    /// `hidden` is how many columns of the text are scrolled out.
    fn of(error: &PatternError, hidden: usize, width: u16) -> Self {
        let column = error.column.unwrap_or(0).saturating_sub(hidden);
        let caret = u16::try_from(column).unwrap_or(u16::MAX).min(width.saturating_sub(1));
        let message = safe::visible(&error.message);
        let is_beside = text::width(&message) + usize::from(caret) + 2 <= usize::from(width);
        Self { caret, message, is_beside }
    }
}

/// Columns of a text that are scrolled out so that its cursor is seen, given the width before the cursor.
fn hidden_columns(before: usize, width: u16) -> usize {
    before.saturating_sub(usize::from(width).saturating_sub(1))
}

/// How many rows a fault takes under the text.
pub(in crate::tui) fn fault_rows(editor: &TextArea<'_>, error: Option<&PatternError>, width: u16) -> u16 {
    let Some(error) = error else { return 0 };
    let before: String = editor.lines().concat().chars().take(editor.cursor().1).collect();
    let fault = Fault::of(error, hidden_columns(text::width(&before), width), width);
    if fault.is_beside {
        return 1;
    }
    let pieces = [Piece::new(fault.message, Style::default())];
    1 + u16::try_from(wrap(&pieces, usize::from(width), 0, MAX_FAULT_LINES).len()).unwrap_or(0)
}

/// A pattern's text under the rule at the top of an area, its fault under that; says where the cursor is.
pub(in crate::tui) fn draw_text(
    app: &App,
    editor: &TextArea<'_>,
    error: Option<&PatternError>,
    area: Rect,
    buffer: &mut Buffer,
) -> Position {
    let style = |token| app.theme.style(token);
    let pattern = editor.lines().concat();
    let at = editor.cursor().1;
    let before: String = pattern.chars().take(at).collect();
    let hidden = hidden_columns(text::width(&before), area.width);
    let skipped: String = {
        let mut width = 0;
        pattern
            .chars()
            .skip_while(|c| {
                let skip = width < hidden;
                width += text::width(c.encode_utf8(&mut [0; 4]));
                skip
            })
            .collect()
    };
    let token = if error.is_some() { Token::InputError } else { Token::Input };
    buffer.set_style(Rect { y: area.y + 1, height: 1, ..area }, style(token));
    put(
        buffer,
        area,
        (area.x, area.y + 1, area.width),
        &safe::visible(&skipped),
        style(token),
        app.glyphs.ellipsis,
    );
    if let Some(error) = error {
        let y = area.y + 2;
        let fault = Fault::of(error, hidden, area.width);
        put(buffer, area, (area.x + fault.caret, y, 1), app.glyphs.caret, style(Token::Error), "");
        if fault.is_beside {
            let at = (area.x + fault.caret + 2, y, area.width);
            put(buffer, area, at, &fault.message, style(Token::Error), app.glyphs.ellipsis);
        } else {
            let lines = wrap(
                &[Piece::new(fault.message, style(Token::Error))],
                usize::from(area.width),
                0,
                MAX_FAULT_LINES,
            );
            for (y, line) in (y + 1..area.bottom()).zip(&lines) {
                buffer.set_style(Rect { y, height: 1, ..area }, style(Token::Text));
                buffer.set_line(area.x, y, line, area.width);
            }
        }
    }
    let column = u16::try_from(text::width(&before).saturating_sub(hidden)).unwrap_or(0);
    Position::new((area.x + column).min(area.right().saturating_sub(1)), area.y + 1)
}

/// Each alert that appears or goes, the ones that appear first.
fn draw_changes(app: &App, pattern_editor: &PatternEditor, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let changes = pattern_editor.changes.get(&app.store).unwrap_or(Changes::NONE);
    let signed = |list: &'_ [FindingId], sign: &'static str, token| {
        list.iter().map(move |id| (*id, sign, token)).collect::<Vec<_>>()
    };
    let rows = usize::from(area.height);
    let all =
        signed(changes.appear.get(..rows.min(changes.appear.len())).unwrap_or_default(), "+", Token::Score3)
            .into_iter()
            .chain(signed(
                changes.go.get(..rows.min(changes.go.len())).unwrap_or_default(),
                "-",
                if pattern_editor.warnings.is_empty() { Token::Warning } else { Token::Error },
            ));
    let mut written = 0;
    for (y, (id, sign, token)) in (area.y..area.bottom()).zip(all) {
        let Some(view) = app.store.view(id, app.list.profile, &pattern_editor.trial.flags) else { continue };
        let what = view
            .text(Field::CommandLine)
            .map(str::to_owned)
            .or_else(|| view.destination())
            .unwrap_or_default();
        let host = view.host().unwrap_or("-");
        let line = format!("{sign} {host}  {}  {what}", view.signal().short_name());
        put(
            buffer,
            area,
            (area.x, y, area.width),
            &safe::masked(&line, app.reveal_secrets),
            style(token),
            app.glyphs.ellipsis,
        );
        written += 1;
    }
    if written == 0 && area.height > 0 {
        put(
            buffer,
            area,
            (area.x, area.y, area.width),
            "no changes",
            style(Token::Muted),
            app.glyphs.ellipsis,
        );
    }
}
