//! The detail of the selected alert or of the process walked up to.

mod alarm;
mod process;
pub mod reasons;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::tui::state::{App, Pane};
use crate::tui::theme::Token;
use crate::tui::widgets::line::rule;

/// Draws the detail.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let style = |token| app.theme.style(token);
    let focused = app.pane == Pane::Detail;
    let border = style(if focused { Token::BorderFocused } else { Token::Border });
    rule(buffer, area, area.y, &title(app, area), border, &app.glyphs);
    let two = !app.detail.right.is_empty();
    let width = if two { (area.width - 3) / 2 } else { area.width };
    lines(buffer, Rect { x: area.x, width, ..area }, &app.detail.left, app.detail_top);
    if two {
        let x = area.x + width + 1;
        for y in area.y + 1..area.bottom() {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_symbol(app.glyphs.separator).set_style(style(Token::Border));
            }
        }
        lines(
            buffer,
            Rect { x: x + 2, width: area.right().saturating_sub(x + 2), ..area },
            &app.detail.right,
            app.detail_top,
        );
    }
}

fn lines(buffer: &mut Buffer, area: Rect, lines: &[Line<'_>], top: usize) {
    for (y, line) in (area.y + 1..area.bottom()).zip(lines.iter().skip(top)) {
        buffer.set_line(area.x, y, line, area.width);
    }
}

fn title(app: &App, area: Rect) -> Vec<(String, Style)> {
    let style = |token| app.theme.style(token);
    let mut title = match app.walked().len() {
        0 => vec![("Detail".to_owned(), style(Token::Title))],
        1 => vec![("Parent process".to_owned(), style(Token::Title))],
        steps => vec![(format!("Ancestor, {steps} up"), style(Token::Title))],
    };
    let rows = usize::from(area.height.saturating_sub(1));
    let below = app.detail.longest().saturating_sub(app.detail_top + rows);
    if below > 0 || app.detail_top > 0 {
        let above =
            if app.detail_top > 0 { format!("{} lines above, ", app.detail_top) } else { String::new() };
        let how = if app.pane == Pane::Detail { "arrows scroll" } else { "Tab, then arrows scroll" };
        let text = format!("{above}{below} lines below; {how}, z zooms");
        title.push((text, style(Token::Muted)));
    }
    title
}
