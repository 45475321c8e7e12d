//! Regions of the screen, one a file; [`draw`] puts them together.
//!
//! ```text
//! header     exfilscope  fixtures  12,345 events  3:14 2:6  correlated  7 suppressed  2 read errors
//! alerts     ── Alerts 20 ── by score ───────────────────────────────────────────────
//!            S  Time     Host     User     Signal    Image     Destination   Command line
//!            3  13:37:00 WS-4711  alice    git-push  git.exe   github.com/…  git push …
//! histogram  ── 2026-03-10 08:00 to 17:45, 5 min a bar ──────────────────────────────
//!               ▄ █  ▄
//! detail     ── Detail ──────────────────────────────────────────────────────────────
//!            Why       git.exe ran with "push" …
//! bottom     Enter parent  / filter  c CI  i IDE  x suppressed …   (or the line being typed)
//! ```

pub mod bottom;
mod config;
pub mod detail;
pub mod header;
pub mod histogram;
pub mod layout;
pub mod list;
pub mod page;
pub mod pattern_editor;
pub mod pushes;
pub mod test_runs;
pub mod workbench;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::tui::state::{App, Page};
use crate::tui::theme::Token;
use layout::{MIN_HEIGHT, MIN_WIDTH};

/// Draws the whole screen, and says where the cursor is, if anywhere.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    buffer.set_style(area, app.theme.style(Token::Text));
    if area.width < MIN_WIDTH || area.height < MIN_HEIGHT {
        too_small(app, area, buffer);
        return None;
    }
    let panes = &app.panes;
    header::draw(app, panes.header, buffer);
    if app.page == Some(Page::Pushes) {
        pushes::draw(app, panes.body, buffer);
    } else if let Some(page) = &app.page {
        page::draw(app, page, panes.body, buffer);
    } else if let Some(workbench) = app.workbench.as_ref().filter(|_| app.shows_workbench()) {
        let cursor = workbench::draw(app, workbench, panes.body, buffer);
        return bottom::draw(app, panes.bottom, buffer).or(cursor);
    } else {
        if let Some(pane) = panes.list {
            list::draw(app, pane, buffer);
        }
        if let Some(pane) = panes.histogram {
            histogram::draw(app, pane, buffer);
        }
        if let Some(pane) = panes.detail {
            detail::draw(app, pane, buffer);
        }
    }
    let in_pattern = panes
        .pattern_editor
        .filter(|_| app.page.is_none())
        .and_then(|pane| pattern_editor::draw(app, pane, buffer));
    bottom::draw(app, panes.bottom, buffer).or(in_pattern)
}

fn too_small(app: &App, area: Rect, buffer: &mut Buffer) {
    let size = format!("{}x{}", area.width, area.height);
    for (row, text) in
        [format!("Too small: {size}"), format!("Needs {MIN_WIDTH}x{MIN_HEIGHT}"), "^C quits".to_owned()]
            .iter()
            .enumerate()
    {
        let y = area.y.saturating_add(u16::try_from(row).unwrap_or(0));
        crate::tui::widgets::line::put(
            buffer,
            area,
            (area.x, y, area.width),
            text,
            app.theme.style(Token::Text),
            "",
        );
    }
}
