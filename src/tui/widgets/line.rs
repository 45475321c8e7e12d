//! One line of a screen: pieces set at columns, cut where they end.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::model::text;

/// Writes a text, safe for a terminal, at a column of an area's row; cut with `…` at `width`. Returns the columns that
/// it took.
pub fn put(
    buffer: &mut Buffer,
    area: Rect,
    x: u16,
    y: u16,
    width: u16,
    value: &str,
    style: Style,
    ellipsis: &str,
) -> u16 {
    let end = area.right();
    if y >= area.bottom() || x >= end || width == 0 {
        return 0;
    }
    let width = width.min(end - x);
    let cut = text::truncate_to_width(value, usize::from(width), ellipsis);
    let (next, _) = buffer.set_stringn(x, y, &*cut, usize::from(width), style);
    next.saturating_sub(x)
}

/// Draws a rule with titles: `── Alerts 3 of 20 ── filter git ─────`. Each title gets a blank at both sides.
pub fn rule(
    buffer: &mut Buffer,
    area: Rect,
    y: u16,
    title: &[(String, Style)],
    style: Style,
    glyphs: &Glyphs,
) {
    if y >= area.bottom() {
        return;
    }
    for x in area.left()..area.right() {
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_symbol(glyphs.rule).set_style(style);
        }
    }
    let mut x = area.left().saturating_add(2);
    for (piece, piece_style) in title {
        let room = area.right().saturating_sub(x);
        x = x.saturating_add(
            put(buffer, area, x, y, room, &format!(" {piece} "), *piece_style, glyphs.ellipsis) + 2,
        );
    }
}

/// The glyphs that are not letters, each with a twin in ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Glyphs {
    pub rule: &'static str,
    pub ellipsis: &'static str,
    pub branch: &'static str,
    pub last_branch: &'static str,
    pub trunk: &'static str,
    pub here: &'static str,
    pub ascending: &'static str,
    pub descending: &'static str,
    pub closed: &'static str,
    pub open: &'static str,
    pub caret: &'static str,
    pub arrow: &'static str,
    pub separator: &'static str,
    /// Nothing, half and whole: console fonts lack the eighths.
    pub bars: [&'static str; 3],
}

impl Glyphs {
    /// For terminals whose fonts have line and block characters.
    pub const UNICODE: Self = Self {
        rule: "─",
        ellipsis: "…",
        branch: "├─",
        last_branch: "└─",
        trunk: "│ ",
        here: "►",
        ascending: "▲",
        descending: "▼",
        closed: "►",
        open: "▼",
        caret: "^",
        arrow: "→",
        separator: "│",
        bars: [" ", "▄", "█"],
    };

    /// For all others.
    pub const ASCII: Self = Self {
        rule: "-",
        ellipsis: "~",
        branch: "|-",
        last_branch: "`-",
        trunk: "| ",
        here: ">",
        ascending: "^",
        descending: "v",
        closed: "+",
        open: "-",
        caret: "^",
        arrow: "->",
        separator: "|",
        bars: [" ", ".", "#"],
    };
}
