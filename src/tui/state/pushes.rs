//! The page "who pushes where": its cursor, and from a cell to its findings.

use crate::store::push_matrix::{Axis, AxisEntry, Count, PushMatrix, PushMatrixBuilder};

/// Rows of the page that are not the table's: the rule, the heads, and the lines about the cell.
pub const OTHER_ROWS: u16 = 5;
/// Columns of a host or user.
pub const CELL_WIDTH: u16 = 12;
/// Columns of the sum over all hosts or users.
pub const ALL_WIDTH: u16 = 10;

/// The page's state. The selection is by name, so that it stays while others come in.
#[derive(Default)]
pub struct PushesPage {
    /// The columns: hosts or users.
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

/// Returns how many columns of hosts or users fit.
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

    /// The counts under the cursor.
    #[must_use]
    pub fn count(&self) -> Option<&Count> {
        match self.column.checked_sub(1) {
            None => self.owner().map(|owner| &owner.count),
            Some(other) => self.table.cell(self.row, other),
        }
    }

    /// Takes a new table, with the cursor on what it was on.
    pub(in crate::tui) fn renew(&mut self, table: PushMatrix) {
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
    pub(in crate::tui) fn follow(&mut self, rows: usize, columns: usize) {
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
