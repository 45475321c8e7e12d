//! Where the regions are, for every size of screen.

use ratatui::layout::Rect;

use crate::tui::state::{App, Pane};

/// Columns under which the console says that the screen is too small.
pub const MIN_WIDTH: u16 = 60;
/// Rows under which it does.
pub const MIN_HEIGHT: u16 = 16;
/// The rule and the names of the columns over the list's rows.
const LIST_HEAD: u16 = 2;

/// The regions that are on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Panes {
    /// The first line.
    pub header: Rect,
    /// Everything between header and bottom.
    pub body: Rect,
    /// The list, with its rule and its columns' names.
    pub list: Option<Rect>,
    /// The histogram, with its rule.
    pub histogram: Option<Rect>,
    /// The detail, with its rule.
    pub detail: Option<Rect>,
    /// The editor of a pattern, with its rule.
    pub pattern_editor: Option<Rect>,
    /// The last line, or the last few while something is typed.
    pub bottom: Rect,
}

impl Panes {
    /// Rows of findings that the list has room for.
    #[must_use]
    pub fn list_rows(&self) -> u16 {
        self.list.map_or(0, |pane| pane.height.saturating_sub(LIST_HEAD))
    }
}

/// The layout of a screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Its regions.
    pub panes: Panes,
}

impl Layout {
    /// Lays the regions out for the state as it is.
    #[must_use]
    pub fn of(app: &App) -> Self {
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
            panes.detail = Some(Rect {
                y: body.y + list + bars,
                height: body.height.saturating_sub(list + bars),
                ..body
            });
        }
        Self { panes }
    }
}
