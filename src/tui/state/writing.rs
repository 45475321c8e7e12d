//! The files that are being written, as the screen names them.

use crate::tui::state::App;

/// A file that is being written, for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing {
    /// Its number.
    pub number: u64,
    /// The object that is written: a file's name, `the configuration`.
    pub what: String,
    /// How many rows or alerts of how many are gathered; `None` where it is one piece.
    pub rows: Option<(usize, usize)>,
    /// Whether it can be stopped.
    pub can_stop: bool,
}

impl Writing {
    /// How much of it is gathered: ` 43%`; nothing where it is one piece.
    #[must_use]
    pub fn percent(&self) -> String {
        let percent = self.rows.and_then(|(done, all)| (done * 100).checked_div(all));
        percent.map_or_else(String::new, |percent| format!(" {percent}%"))
    }
}

impl App {
    /// Shows that a file is being written.
    pub(in crate::tui) fn begin_writing(&mut self, number: u64, what: String, can_stop: bool) {
        self.writing.push(Writing { number, what, rows: None, can_stop });
    }

    /// Updates how many rows or alerts are gathered.
    pub(in crate::tui) fn gathered(&mut self, number: u64, done: usize, all: usize) {
        if let Some(writing) = self.writing.iter_mut().find(|writing| writing.number == number) {
            writing.rows = Some((done, all));
        }
    }

    /// A file is written, or was not.
    pub(in crate::tui) fn end_writing(&mut self, number: u64) {
        self.writing.retain(|writing| writing.number != number);
    }
}
