//! The last line: the keys that work here and now, a message, or the line being typed.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::model::text;
use crate::tui::keys::{Context, bindings, chord_name};
use crate::tui::safe;
use crate::tui::state::prompt::{Kind, Prompt};
use crate::tui::state::question::Question;
use crate::tui::state::{App, Tone};
use crate::tui::theme::Token;
use crate::tui::widgets::line::put;

/// Draws the bottom, and says where the cursor is, if in here.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if app.question.is_some() {
        draw_keys(app, area, buffer);
        return None;
    }
    if let Some(prompt) = &app.prompt {
        return Some(draw_prompt(app, prompt, area, buffer));
    }
    if let Some((tone, message)) = &app.message {
        let token = match tone {
            Tone::Info => Token::Ok,
            Tone::Warning => Token::Warning,
            Tone::Danger => Token::Error,
        };
        put(
            buffer,
            area,
            (area.x, area.y, area.width),
            &safe::masked(message, app.reveal_secrets),
            app.theme.style(token),
            app.glyphs.ellipsis,
        );
        return None;
    }
    draw_keys(app, area, buffer);
    None
}

/// The keys of the context that do something now, in the table's order, as many as fit; help and quit always do.
fn draw_keys(app: &App, area: Rect, buffer: &mut Buffer) {
    let context = app.context();
    let mut area = area;
    let question = match (context, app.question) {
        (Context::Verdict, _) => Some((format!("Verdict on {}?", on_what(app)), Token::Title)),
        (_, Some(question)) => {
            let token = if question == Question::Quit { Token::Warning } else { Token::Title };
            Some((app.question_text(question), token))
        }
        _ => None,
    };
    if let Some((question, token)) = question {
        let at = (area.x, area.y, area.width);
        put(buffer, area, at, &question, app.theme.style(token), app.glyphs.ellipsis);
        area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    }
    let labels = key_labels(app, context);
    let width = |(key, label): &(String, &str)| text::width(key) + text::width(label) + 3;
    let (always, others): (Vec<_>, Vec<_>) =
        labels.into_iter().partition(|(_, label)| matches!(*label, "help" | "quit" | "close"));
    let mut room = usize::from(area.width).saturating_sub(always.iter().map(width).sum());
    let fitting = others.into_iter().take_while(|label| {
        let fits = width(label) <= room;
        room = room.saturating_sub(width(label));
        fits
    });
    let mut x = area.x;
    for (key, label) in fitting.chain(always) {
        let style = |token| app.theme.style(token);
        x += put(buffer, area, (x, area.y, area.width), &key, style(Token::Key), "");
        x += 1;
        x += put(buffer, area, (x, area.y, area.width), label, style(Token::KeyLabel), "");
        x += 2;
    }
}

/// The pinned alerts: `WS-1 record 2049: git push …`, `12 alerts of host WS-1`.
fn on_what(app: &App) -> String {
    let Some(pin) = &app.pin else { return "nothing".to_owned() };
    let name = safe::masked(pin.name(), app.reveal_secrets);
    match pin.gone(&app.store) {
        0 => name,
        _ if pin.alerts(&app.store).is_empty() => format!("{name} (evicted)"),
        gone => format!("{name} ({gone} evicted)"),
    }
}

/// Key and label of all that the key bar of a context may offer now.
#[must_use]
pub fn key_labels(app: &App, context: Context) -> Vec<(String, &'static str)> {
    bindings(context)
        .filter(|binding| !binding.label.is_empty() && app.can(context, binding.action).is_ok())
        .filter_map(|binding| Some((chord_name(*binding.chords.first()?), binding.label)))
        .collect()
}

/// The line being typed, and under it what is wrong with it, or what could follow.
fn draw_prompt(app: &App, prompt: &Prompt, area: Rect, buffer: &mut Buffer) -> Position {
    let style = |token| app.theme.style(token);
    let sign = match prompt.kind {
        Kind::Filter => "/",
        Kind::Command => ":",
        Kind::Note => "note: ",
    };
    let lead = u16::try_from(text::width(sign)).unwrap_or(1);
    let token = if prompt.error.is_some() { Token::InputError } else { Token::Input };
    let room = usize::from(area.width).saturating_sub(usize::from(lead) + 1);
    let before: String = prompt.text.chars().take(prompt.cursor).collect();
    // A text longer than the line is shown from where its cursor is still seen.
    let hidden = text::width(&before).saturating_sub(room);
    let skipped: String = {
        let mut width = 0;
        prompt
            .text
            .chars()
            .skip_while(|c| {
                let skip = width < hidden;
                width += text::width(c.encode_utf8(&mut [0; 4]));
                skip
            })
            .collect()
    };
    put(buffer, area, (area.x, area.y, lead), sign, style(Token::Key), "");
    put(
        buffer,
        area,
        (area.x + lead, area.y, area.width),
        &safe::visible(&skipped),
        style(token),
        app.glyphs.ellipsis,
    );
    let cursor = u16::try_from(text::width(&before) - hidden.min(text::width(&before))).unwrap_or(0);
    let y = area.y + 1;
    if let Some(error) = &prompt.error {
        let column = u16::try_from(error.column.saturating_sub(hidden)).unwrap_or(0);
        let caret = area.x + 1 + column.min(area.width.saturating_sub(2));
        let message = safe::visible(&error.message);
        let width = u16::try_from(text::width(&message)).unwrap_or(u16::MAX);
        put(buffer, area, (caret, y, 1), app.glyphs.caret, style(Token::Error), "");
        // Right of the caret where it fits, left of it otherwise.
        let x = if caret + 2 + width <= area.right() { caret + 2 } else { area.x };
        let room = if x > caret { area.right() - x } else { caret.saturating_sub(1) };
        if room >= width || x > caret {
            put(buffer, area, (x, y, room), &message, style(Token::Error), app.glyphs.ellipsis);
        } else {
            put(buffer, area, (area.x, y, area.width), &message, style(Token::Error), app.glyphs.ellipsis);
        }
    } else {
        hint(app, prompt, area, y, buffer);
    }
    Position::new((area.x + lead + cursor).min(area.right().saturating_sub(1)), area.y)
}

fn hint(app: &App, prompt: &Prompt, area: Rect, y: u16, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let (possibilities, at) = prompt.possibilities();
    if !possibilities.is_empty() {
        let mut x = area.x;
        for (number, (text, _)) in possibilities.iter().enumerate() {
            let last_word = text.trim_end().rsplit(' ').next().unwrap_or(text);
            let token = if number == at { Token::Key } else { Token::Muted };
            x += put(buffer, area, (x, y, area.width), last_word, style(token), app.glyphs.ellipsis) + 2;
        }
        return;
    }
    let text = match prompt.kind {
        Kind::Filter => {
            let shown = app.listing.findings.len();
            let all = app.listing.total(app.listing.query.shown, app.list.min_score);
            format!(
                "{shown} of {all}  words  field:value  field~regex  score>=3  !not  ( or OR )  Tab completes"
            )
        }
        Kind::Command if prompt.text.starts_with("report ") => {
            let how = "Enter writes a new file here; or name one: .html for a page, else Markdown";
            if prompt.text.starts_with("report selected") {
                format!("{how}; on {}", on_what(app))
            } else {
                how.to_owned()
            }
        }
        Kind::Command => "Tab completes; :help lists the commands".to_owned(),
        Kind::Note => format!("Enter keeps it, an empty one takes it away; on {}", on_what(app)),
    };
    put(buffer, area, (area.x, y, area.width), &text, style(Token::Muted), app.glyphs.ellipsis);
}
