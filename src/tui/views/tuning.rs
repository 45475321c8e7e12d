//! The editor of a pattern: the text, its fault under a caret, what it matches, and what it changes.
//!
//! ```text
//! ── CI-host pattern ── matches 3 of 41 hosts ── 2 alerts appear, 1 goes ──────────
//! (?i)(jenkins|gitlab-runner|ci[-_]|build[-_]
//!     ^ this group is not closed: add `)`
//! matches       events  last seen            │ changes
//! BUILD-SRV2       812  2026-03-10 17:02:11  │ + 3 WS-1 git-push git push …
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;

use super::header::{count, grouped};
use crate::model::event::Field;
use crate::model::text;
use crate::store::finding::FindingId;
use crate::tui::app::{App, Tuning};
use crate::tui::safe;
use crate::tui::theme::Token;
use crate::tui::widgets::line::{put, rule};
use crate::tui::widgets::wrap::{highlighted, wrap};
use crate::tune::{Which, subjects};

/// Draws the editor, and says where the cursor is.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    let tuning = app.tuning.as_ref()?;
    let style = |token| app.theme.style(token);
    let rows = usize::from(area.height.saturating_sub(4)) + tuning.scroll;
    let (shown, matching, all) = subjects(&app.store, tuning.trial.which, &tuning.trial.flags, rows);
    rule(buffer, area, area.y, &title(app, tuning, matching, all), style(Token::BorderFocused), &app.glyphs);
    let cursor = draw_text(app, tuning, area, buffer);
    let left = area.width * 3 / 5;
    let (head, body) = (area.y + 3, area.y + 4);
    let subject_width = left.saturating_sub(32);
    let muted = style(Token::Muted);
    put(buffer, area, (area.x, head, subject_width), tuning.trial.which.subjects(), muted, "");
    put(buffer, area, (area.x + subject_width, head, 30), "   events  last seen", muted, "");
    put(
        buffer,
        area,
        (area.x + left + 1, head, area.width - left),
        "what changes",
        muted,
        app.glyphs.ellipsis,
    );
    for (y, subject) in (body..area.bottom()).zip(shown.iter().skip(tuning.scroll)) {
        let ranges: Vec<_> = subject.matched.clone().into_iter().collect();
        let (visible, ranges) = safe::shown_with_ranges(subject.text, &ranges, true);
        let base = if subject.matched.is_some() { style(Token::Text) } else { muted };
        let pieces = highlighted(&visible, &ranges, base, style(Token::Match));
        if let Some(line) = wrap(&pieces, usize::from(subject_width.saturating_sub(1)), 0, 1).first() {
            buffer.set_line(area.x, y, line, subject_width.saturating_sub(1));
        }
        let last = subject
            .last_seen
            .map_or_else(String::new, |time| format!("{} {}", time.date_text(), time.clock_text()));
        let figures = format!("{:>9}  {last}", grouped(subject.events));
        put(buffer, area, (area.x + subject_width, y, 32), &figures, base, app.glyphs.ellipsis);
    }
    draw_changes(
        app,
        tuning,
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

fn title(app: &App, tuning: &Tuning, matching: usize, all: usize) -> Vec<(String, Style)> {
    let style = |token| app.theme.style(token);
    let name = match tuning.trial.which {
        Which::CiHost => "CI-host pattern",
        Which::IdeParent => "IDE-parent pattern",
    };
    let subjects = tuning.trial.which.subjects();
    let changes = &tuning.changes;
    let mut title = vec![(name.to_owned(), style(Token::Title))];
    title.push((
        format!("matches {} of {} {subjects}", grouped(count(matching)), grouped(count(all))),
        style(Token::Text),
    ));
    let figure = |number: usize, one: &str, many: &str| {
        format!("{} {}", grouped(count(number)), if number == 1 { one } else { many })
    };
    title.push((figure(changes.appear.len(), "alert appears", "alerts appear"), style(Token::Score3)));
    title.push((figure(changes.go.len(), "goes", "go"), style(Token::Ok)));
    if let Some(proposal) = tuning.proposals.get(tuning.proposal) {
        title.push((format!("takes in {}", safe::shown(&proposal.takes_in, true)), style(Token::Key)));
    }
    if tuning.trial.error.is_some() {
        title.push(("invalid: the list keeps the last valid pattern".to_owned(), style(Token::Error)));
    }
    title
}

fn draw_text(app: &App, tuning: &Tuning, area: Rect, buffer: &mut Buffer) -> Position {
    let style = |token| app.theme.style(token);
    let pattern = tuning.editor.lines().concat();
    let at = tuning.editor.cursor().1;
    let before: String = pattern.chars().take(at).collect();
    let room = usize::from(area.width).saturating_sub(1);
    let hidden = text::width(&before).saturating_sub(room);
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
    let token = if tuning.trial.error.is_some() { Token::InputError } else { Token::Input };
    buffer.set_style(Rect { y: area.y + 1, height: 1, ..area }, style(token));
    put(
        buffer,
        area,
        (area.x, area.y + 1, area.width),
        &safe::shown(&skipped, true),
        style(token),
        app.glyphs.ellipsis,
    );
    if let Some(error) = &tuning.trial.error {
        let column = error.column.unwrap_or(0).saturating_sub(hidden);
        let caret = area.x + u16::try_from(column).unwrap_or(0).min(area.width.saturating_sub(1));
        let y = area.y + 2;
        let message = safe::shown(&error.message, true);
        let width = u16::try_from(text::width(&message)).unwrap_or(u16::MAX);
        let beside = caret.saturating_add(2);
        if beside.saturating_add(width) <= area.right() {
            put(buffer, area, (beside, y, area.width), &message, style(Token::Error), app.glyphs.ellipsis);
        } else {
            put(
                buffer,
                area,
                (area.x, y, caret.saturating_sub(area.x + 1)),
                &message,
                style(Token::Error),
                app.glyphs.ellipsis,
            );
        }
        put(buffer, area, (caret, y, 1), app.glyphs.caret, style(Token::Error), "");
    }
    let column = u16::try_from(text::width(&before).saturating_sub(hidden)).unwrap_or(0);
    Position::new((area.x + column).min(area.right().saturating_sub(1)), area.y + 1)
}

/// Each alert that appears or goes, the ones that appear first.
fn draw_changes(app: &App, tuning: &Tuning, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let changes = &tuning.changes;
    let signed = |list: &'_ [FindingId], sign: &'static str, token| {
        list.iter().map(move |id| (*id, sign, token)).collect::<Vec<_>>()
    };
    let rows = usize::from(area.height);
    let all =
        signed(changes.appear.get(..rows.min(changes.appear.len())).unwrap_or_default(), "+", Token::Score3)
            .into_iter()
            .chain(signed(changes.go.get(..rows.min(changes.go.len())).unwrap_or_default(), "-", Token::Ok));
    let mut written = 0;
    for (y, (id, sign, token)) in (area.y..area.bottom()).zip(all) {
        let Some(view) = app.store.view(id, app.list.profile, &tuning.trial.flags) else { continue };
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
            &safe::shown(&line, app.reveal_secrets),
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
            "nothing against the pattern in force",
            style(Token::Muted),
            app.glyphs.ellipsis,
        );
    }
}
