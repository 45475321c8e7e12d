//! Where the regions are, for every size of screen.

use ratatui::layout::Rect;

use crate::tui::state::prepared::{LIST_HEAD, Panes};
use crate::tui::state::{App, Pane};

/// Columns under which the console says that the screen is too small.
pub const MIN_WIDTH: u16 = 60;
/// Rows under which it does.
pub const MIN_HEIGHT: u16 = 16;

/// Lays the regions out for the state as it is.
#[must_use]
pub fn panes_of(app: &App) -> Panes {
    let area = app.area;
    let asks = app.question.is_some() || (app.verdict_menu && app.message.is_none());
    let bottom_height = if app.prompt.is_some() || asks { 2 } else { 1 };
    let header = Rect { height: 1.min(area.height), ..area };
    let bottom_height = bottom_height.min(area.height.saturating_sub(1));
    let bottom = Rect { y: area.bottom().saturating_sub(bottom_height), height: bottom_height, ..area };
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1 + bottom_height), ..area };
    let mut panes = Panes { header, body, bottom, ..Panes::default() };
    if app.pattern_editor.is_some() {
        let editor = (body.height / 2).max(9).min(body.height);
        panes.list = Some(Rect { height: body.height - editor, ..body });
        panes.pattern_editor = Some(Rect { y: body.bottom() - editor, height: editor, ..body });
    } else if app.zoomed {
        let pane = match app.pane {
            Pane::Alerts => &mut panes.list,
            Pane::Histogram => &mut panes.histogram,
            Pane::Detail => &mut panes.detail,
        };
        *pane = Some(body);
    } else {
        let bars = match body.height {
            0..=17 => 0,
            18..=27 => 2,
            28..=45 => 4,
            _ => 6,
        };
        let list = (LIST_HEAD + (body.height - bars).saturating_sub(LIST_HEAD) * 2 / 5).min(body.height);
        panes.list = Some(Rect { height: list, ..body });
        panes.histogram = (bars > 0).then_some(Rect { y: body.y + list, height: bars, ..body });
        panes.detail =
            Some(Rect { y: body.y + list + bars, height: body.height.saturating_sub(list + bars), ..body });
    }
    panes
}
