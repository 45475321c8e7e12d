//! Values that are prepared for a frame: the panes and the lines of the detail.

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::store::ids::{Epoch, FindingId, ProcessId};
use crate::tui::state::alarms::AlarmKey;

/// Of what a detail is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailKey {
    /// The finding.
    pub finding: Option<FindingId>,
    /// The alarm, and how often it came.
    pub alarm: Option<(AlarmKey, u64)>,
    /// The processes walked up to.
    pub walked: Vec<ProcessId>,
    /// The epoch of these numbers.
    pub epoch: Epoch,
    /// Columns.
    pub width: u16,
    /// The list's generation.
    pub generation: u64,
}

/// The lines of a detail.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// The only column, or the left one.
    pub left: Vec<Line<'static>>,
    /// The right one; empty where there is one column.
    pub right: Vec<Line<'static>>,
}

/// The rule and the names of the columns over the list's rows.
pub(in crate::tui) const LIST_HEAD: u16 = 2;

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

impl Detail {
    /// Lines of the longer column.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.left.len().max(self.right.len())
    }
}
