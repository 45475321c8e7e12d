//! Who pushes where: repositories' owners as rows, hosts or users as columns.
//!
//! ```text
//! ── Who pushes where ── owner by host ── 5 owners, 12 hosts ── Enter alerts; Tab users ──
//! owner or organisation            all       WS-2101     10482
//! github.com/corp-example          +12 (3)   2           +10
//! gitlab.com/group                 4         .           4
//! github.com/corp-example by WS-2101: 2 alerts, 0 suppressed
//! first 2026-03-10 16:40:01, last 2026-03-10 16:40:01
//! The log holds one day, so that nothing in it can be called new.
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::time::Timestamp;
use crate::store::push_matrix::{Axis, AxisEntry, Count};
use crate::tui::format::count as number;
use crate::tui::format::grouped;
use crate::tui::safe;
use crate::tui::state::App;
use crate::tui::state::pushes::{ALL_WIDTH, CELL_WIDTH, OTHER_ROWS, columns_that_fit, owner_width};
use crate::tui::theme::Token;
use crate::tui::widgets::line::{put, rule};

/// Draws the page.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let page = &app.pushes;
    let style = |token| app.theme.style(token);
    let plural = |count: usize, name: &str| format!("{count} {name}{}", if count == 1 { "" } else { "s" });
    let (owners, others) = (page.table.owners.len(), page.table.columns.len());
    let title = [
        ("Who pushes where".to_owned(), style(Token::Title)),
        (format!("{} by {}", plural(owners, "owner"), plural(others, page.axis.name())), style(Token::Text)),
        ("alerts (suppressed), + new".to_owned(), style(Token::Muted)),
    ];
    rule(buffer, area, area.y, &title, style(Token::BorderFocused), &app.glyphs);
    if page.table.owners.is_empty() {
        let text = match page.making.as_ref().map(|making| making.percent(&app.store)) {
            Some(percent) => format!("Counting {percent} %"),
            None => "No pushes yet.".to_owned(),
        };
        line(app, area, area.y + 1, &text, style(Token::Text), buffer);
        return;
    }
    heads(app, area, buffer);
    let rows = usize::from(area.height.saturating_sub(OTHER_ROWS));
    for (at, owner) in page.table.owners.iter().enumerate().skip(page.top).take(rows) {
        let Ok(y) = u16::try_from(at - page.top).map(|row| area.y + 2 + row) else { break };
        owner_row(app, area, y, (at, owner), buffer);
    }
    about(app, area, buffer);
}

fn line(app: &App, area: Rect, y: u16, text: &str, style: Style, buffer: &mut Buffer) {
    put(buffer, area, (area.x, y, area.width), text, style, app.glyphs.ellipsis);
}

/// The name of a row or column on the screen, in a few columns where it is a user or a host.
fn name(app: &App, head: &AxisEntry, short: bool) -> String {
    let Some(name) = &head.name else { return "(not known)".to_owned() };
    let name = match (short, app.pushes.axis) {
        (true, Axis::User) => name.rsplit('\\').next().unwrap_or(name),
        (true, Axis::Host) if name.chars().any(|c| c.is_ascii_alphabetic()) => {
            name.split('.').next().unwrap_or(name)
        }
        _ => name.as_str(),
    };
    safe::masked(name, app.reveal_secrets)
}

fn shown_columns(app: &App, area: Rect) -> impl Iterator<Item = (usize, u16)> {
    let first = area.x + owner_width(area.width) + ALL_WIDTH;
    let left = app.pushes.left;
    let last = app.pushes.table.columns.len().min(left + columns_that_fit(area.width));
    (left..last).zip((first..).step_by(usize::from(CELL_WIDTH)))
}

fn heads(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = app.theme.style(Token::Header);
    let y = area.y + 1;
    put(
        buffer,
        area,
        (area.x, y, owner_width(area.width) - 1),
        "Owner or organisation",
        style,
        app.glyphs.ellipsis,
    );
    put(
        buffer,
        area,
        (area.x + owner_width(area.width), y, ALL_WIDTH - 1),
        "all",
        style,
        app.glyphs.ellipsis,
    );
    for (other, x) in shown_columns(app, area) {
        let Some(head) = app.pushes.table.columns.get(other) else { continue };
        let (text, style) = if head.count.is_new {
            (format!("+{}", name(app, head, true)), app.theme.style(Token::Warning))
        } else {
            (name(app, head, true), style)
        };
        put(buffer, area, (x, y, CELL_WIDTH - 1), &text, style, app.glyphs.ellipsis);
    }
}

fn owner_row(app: &App, area: Rect, y: u16, (at, owner): (usize, &AxisEntry), buffer: &mut Buffer) {
    let page = &app.pushes;
    let shown = name(app, owner, false);
    let (text, token) = match owner.new_repositories.len() {
        _ if owner.count.is_new => (format!("+{shown}"), Token::Warning),
        0 => (shown, Token::Text),
        new => (format!("{shown} +{new}"), Token::Warning),
    };
    put(
        buffer,
        area,
        (area.x, y, owner_width(area.width) - 1),
        &text,
        app.theme.style(token),
        app.glyphs.ellipsis,
    );
    let mut cell = |count: Option<&Count>, column: usize, x: u16, width: u16| {
        let is_here = (page.row, page.column) == (at, column);
        let (text, token) = cell_text(count);
        let style = app.theme.style(if is_here { Token::Selection } else { token });
        let text = if is_here { format!("{text:<0$}", usize::from(width) - 1) } else { text };
        put(buffer, area, (x, y, width - 1), &text, style, app.glyphs.ellipsis);
    };
    cell(Some(&owner.count), 0, area.x + owner_width(area.width), ALL_WIDTH);
    for (other, x) in shown_columns(app, area) {
        cell(page.table.cell(at, other), other + 1, x, CELL_WIDTH);
    }
}

/// `+12 (3)`: new, twelve alerts, three suppressed.
fn cell_text(count: Option<&Count>) -> (String, Token) {
    let Some(count) = count else { return (".".to_owned(), Token::Border) };
    let new = if count.is_new { "+" } else { "" };
    let text = match (count.alerts, count.suppressed) {
        (alerts, 0) => format!("{new}{}", grouped(number(alerts))),
        (0, suppressed) => format!("{new}({})", grouped(number(suppressed))),
        (alerts, suppressed) => format!("{new}{} ({})", grouped(number(alerts)), grouped(number(suppressed))),
    };
    let token = match (count.is_new, count.alerts, count.top_score) {
        (true, ..) => Token::Warning,
        (_, 0, _) => Token::Muted,
        (_, _, 3) => Token::Score3,
        (_, _, 2) => Token::Score2,
        _ => Token::Score1,
    };
    (text, token)
}

/// Draws the lines about the cell under the cursor.
fn about(app: &App, area: Rect, buffer: &mut Buffer) {
    let page = &app.pushes;
    let y = area.bottom().saturating_sub(3);
    let owner = page.owner().map_or_else(String::new, |owner| name(app, owner, false));
    let by = page.other().map_or_else(
        || format!("all {}s", page.axis.name()),
        |other| format!("{} {}", page.axis.name(), name(app, other, false)),
    );
    let at = |time: Option<Timestamp>| {
        time.map_or_else(
            || "(no time)".to_owned(),
            |time| format!("{} {}", time.date_text(), time.clock_text()),
        )
    };
    let what = page.count().map_or_else(
        || "nothing".to_owned(),
        |count| {
            format!(
                "{} alerts, {} suppressed",
                grouped(number(count.alerts)),
                grouped(number(count.suppressed))
            )
        },
    );
    let style = |token| app.theme.style(token);
    line(app, area, y, &format!("{owner}, {by}: {what}"), style(Token::Title), buffer);
    if let Some(count) = page.count() {
        line(
            app,
            area,
            y + 1,
            &format!("first {}, last {}", at(count.first), at(count.last)),
            style(Token::Text),
            buffer,
        );
    }
    let is_new = page.count().is_some_and(|count| count.is_new);
    let new: Vec<&str> = page
        .owner()
        .map(|owner| {
            owner.new_repositories.iter().map(|name| name.rsplit('/').next().unwrap_or(name)).collect()
        })
        .unwrap_or_default();
    let (text, token) = match page.table.last_day {
        None => ("The log holds one day: nothing in it can be called new.".to_owned(), Token::Muted),
        Some(day) => {
            let day = Timestamp::from_unix(day, 0, 0).date_text();
            if !new.is_empty() {
                let names = safe::masked(&new.join(", "), app.reveal_secrets);
                (format!("New on the log's last day, {day}: {names}"), Token::Warning)
            } else if is_new {
                (format!("New: first seen on the log's last day, {day}."), Token::Warning)
            } else {
                (format!("+ is what was first seen on the log's last day, {day}."), Token::Muted)
            }
        }
    };
    line(app, area, y + 2, &text, style(token), buffer);
}
