//! The page "who pushes where": its cursor, and from a cell to its findings.

use crate::filter::Filter;
use crate::store::list::listing::{Query, Shown};
use crate::store::push_matrix::{Axis, AxisEntry, Count, PushMatrix, PushMatrixBuilder, PushMatrixInputs};
use crate::store::resumable::Pause;
use crate::tui::state::{App, Page, Pane, Tone};

/// Rows of the page that are not the table's: the rule, the heads, and the lines about the cell.
pub const OTHER_ROWS: u16 = 5;
/// Columns of a host or user.
pub const CELL_WIDTH: u16 = 12;
/// Columns of the sum over all hosts or users.
pub const ALL_WIDTH: u16 = 10;

/// The page's state. The selection is by name, so that it stays while others come in.
#[derive(Default)]
pub struct PushesPage {
    /// What stands beside the owners.
    pub axis: Axis,
    /// The table.
    pub table: PushMatrix,
    /// The row of the cursor.
    pub row: usize,
    /// The column of the cursor; 0 is the sum over all.
    pub column: usize,
    /// The first row that is shown.
    pub top: usize,
    /// The first host or user that is shown.
    pub left: usize,
    /// Whether the table must be made before it is shown.
    pub is_stale: bool,
    /// The table that is being made.
    pub(in crate::tui) making: Option<PushMatrixBuilder>,
}

/// Columns of the owners.
#[must_use]
pub fn owner_width(width: u16) -> u16 {
    (width * 2 / 5).clamp(20, 48)
}

/// How many hosts or users have room beside the owners.
#[must_use]
pub fn columns_that_fit(width: u16) -> usize {
    usize::from((width.saturating_sub(owner_width(width) + ALL_WIDTH) / CELL_WIDTH).max(1))
}

impl PushesPage {
    /// The owner under the cursor.
    #[must_use]
    pub fn owner(&self) -> Option<&AxisEntry> {
        self.table.owners.get(self.row)
    }

    /// The host or user under the cursor; `None` in the column of all.
    #[must_use]
    pub fn other(&self) -> Option<&AxisEntry> {
        self.table.columns.get(self.column.checked_sub(1)?)
    }

    /// What is counted under the cursor.
    #[must_use]
    pub fn count(&self) -> Option<&Count> {
        match self.column.checked_sub(1) {
            None => self.owner().map(|owner| &owner.count),
            Some(other) => self.table.cell(self.row, other),
        }
    }

    /// Takes a new table, with the cursor on what it was on.
    fn renew(&mut self, table: PushMatrix) {
        let place = |heads: &[AxisEntry], name: Option<&AxisEntry>| {
            let name = &name?.name;
            heads.iter().position(|head| head.name == *name)
        };
        let row = place(&table.owners, self.owner());
        let column =
            if self.column == 0 { Some(0) } else { place(&table.columns, self.other()).map(|at| at + 1) };
        let before = std::mem::replace(&mut self.table, table);
        // Very many names take a while to be given back. Where there is no thread to be had, that is done here.
        let _ = std::thread::Builder::new().spawn(move || drop(before));
        self.row = row.unwrap_or(self.row);
        self.column = column.unwrap_or(0);
    }

    /// Keeps the cursor in the table and on the screen.
    fn follow(&mut self, rows: usize, columns: usize) {
        self.row = self.row.min(self.table.owners.len().saturating_sub(1));
        self.column = self.column.min(self.table.columns.len());
        let rows = rows.max(1);
        self.top = self.top.clamp(self.row.saturating_sub(rows - 1), self.row);
        if let Some(other) = self.column.checked_sub(1) {
            self.left = self.left.clamp(other.saturating_sub(columns.max(1) - 1), other);
        } else {
            self.left = 0;
        }
    }
}

impl App {
    /// Opens the page.
    pub(in crate::tui) fn open_pushes(&mut self) {
        self.page = Some(Page::Pushes);
        self.pushes.is_stale = true;
    }

    /// Brings the page up to date; `with_news` where what came in is to be shown too. The table before stays until the
    /// next one is made, in steps where there are many findings.
    pub(in crate::tui) fn prepare_pushes(&mut self, with_news: bool, pause: Pause<'_>) {
        if self.page != Some(Page::Pushes) {
            self.pushes.making = None;
            return;
        }
        self.pushes.is_stale |= with_news;
        let never = || false;
        let pause = if self.has_long_list() { pause } else { &never };
        self.make_pushes(pause);
        self.follow_in_pushes();
    }

    fn make_pushes(&mut self, pause: Pause<'_>) {
        if self.pushes.is_stale || self.pushes.making.is_some() {
            let query = Query {
                min_score: self.list.min_score,
                up_to_event: self.frozen.map(|frozen| frozen.events),
                ..Query::alerts(self.list.profile)
            };
            let basis = PushMatrixInputs::new(&self.store, &self.flags, query, self.pushes.axis);
            // What came in meanwhile is in the next table, or none would ever be made while much comes in.
            let begun = self.pushes.making.take().filter(|making| *making.basis() == basis);
            self.pushes.is_stale &= begun.is_some();
            let mut making = begun.unwrap_or_else(|| PushMatrixBuilder::new(basis));
            match making.advance(&self.store, &self.flags, pause) {
                Some(table) => self.pushes.renew(table),
                None => self.pushes.making = Some(making),
            }
        }
    }

    fn follow_in_pushes(&mut self) {
        let rows = usize::from(self.area.height.saturating_sub(2 + OTHER_ROWS));
        self.pushes.follow(rows, columns_that_fit(self.area.width));
    }

    /// Moves the cursor by rows and columns.
    pub(in crate::tui) fn move_in_pushes(&mut self, rows: isize, columns: isize) {
        self.pushes.row = self.pushes.row.saturating_add_signed(rows);
        self.pushes.column = self.pushes.column.saturating_add_signed(columns);
        self.follow_in_pushes();
    }

    /// Hosts in place of users, or the other way round.
    pub(in crate::tui) fn turn_pushes(&mut self) {
        self.pushes.axis = self.pushes.axis.other();
        (self.pushes.column, self.pushes.left) = (0, 0);
        self.pushes.is_stale = true;
    }

    /// Leaves the page for the findings under the cursor: the list, filtered by owner and by host or user.
    pub(in crate::tui) fn open_cell(&mut self) {
        let (Some(owner), Some(count)) = (self.pushes.owner(), self.pushes.count().copied()) else {
            self.say(Tone::Info, "Nothing of this owner is from there.");
            return;
        };
        let mut text = term("owner", owner.name.as_deref());
        if let Some(other) = self.pushes.other() {
            text.push(' ');
            text.push_str(&term(self.pushes.axis.name(), other.name.as_deref()));
        }
        let filter = match Filter::parse(&text) {
            Ok(filter) => filter,
            Err(error) => {
                self.say(Tone::Warning, format!("No filter can be made of these names: {error}"));
                return;
            }
        };
        self.list.filter = Some((text, filter));
        self.list.side = if count.alerts > 0 { Shown::Alerts } else { Shown::Suppressed };
        self.list.range = None;
        self.set_group(None);
        self.page = None;
        self.pane = Pane::Alerts;
        self.walk_to(Vec::new());
        let others = match (count.alerts, count.suppressed) {
            (0, _) => "None of these is an alert; Esc takes the filter away.".to_owned(),
            (_, 0) => "Esc takes the filter away.".to_owned(),
            (_, suppressed) => {
                format!("{suppressed} more of these are suppressed (x); Esc takes the filter away.")
            }
        };
        self.say(Tone::Info, others);
    }
}

/// A term of a filter that a name alone meets, or none at all.
fn term(field: &str, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{field}=\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
        None => format!("!{field}~\"(?s).\""),
    }
}
