//! Rows of a table.

use super::{MOST_RECORD, Step, TOO_LONG, from, trimmed};
use crate::model::fault::SkipReason;

/// Rows of RFC 4180: quoted cells may hold line ends.
#[derive(Debug)]
pub(in crate::source::text) struct CsvFramer {
    pub(super) start: usize,
    pub(super) at: usize,
    state: Cell,
    delimiter: u8,
    pub(super) is_skipping: bool,
    /// Behind a row that is lost, to the line's end.
    is_lost: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Start,
    Plain,
    Quoted,
    /// Behind a quote inside of quotes: the end, or the first of two.
    Quote,
}

impl CsvFramer {
    pub(in crate::source::text) const fn new(delimiter: u8) -> Self {
        Self { start: 0, at: 0, state: Cell::Start, delimiter, is_skipping: false, is_lost: false }
    }

    pub(super) fn next(&mut self, window: &[u8], is_end: bool) -> Step {
        loop {
            if self.at - self.start > MOST_RECORD {
                self.is_skipping = true;
                self.is_lost = true;
            }
            if self.is_lost {
                let stop = memchr::memchr(b'\n', from(window, self.at)).map(|stop| self.at + stop + 1);
                let Some(stop) = stop.or_else(|| is_end.then_some(window.len())) else {
                    self.at = window.len();
                    if self.is_skipping {
                        self.start = self.at;
                    }
                    return Step::More;
                };
                let lost = self.start..stop;
                self.start = stop;
                self.at = stop;
                self.state = Cell::Start;
                self.is_lost = false;
                self.is_skipping = false;
                return Step::Lost(lost, SkipReason::Damaged, TOO_LONG);
            }
            let Some(byte) = window.get(self.at).copied() else {
                if !is_end || self.start == window.len() {
                    return Step::More;
                }
                return self.end(window);
            };
            match (self.state, byte) {
                (Cell::Quoted, b'"') => self.state = Cell::Quote,
                (Cell::Quoted, _) => {
                    self.at += memchr::memchr(b'"', from(window, self.at)).unwrap_or(window.len() - self.at);
                    continue;
                }
                (Cell::Quote | Cell::Start, b'"') => self.state = Cell::Quoted,
                (_, b'\n') => {
                    let row = self.start..self.at;
                    self.at += 1;
                    self.start = self.at;
                    self.state = Cell::Start;
                    if !trimmed(window, row.clone()).is_empty() {
                        return Step::Record(row);
                    }
                    continue;
                }
                (_, byte) if byte == self.delimiter => self.state = Cell::Start,
                _ => {
                    self.state = Cell::Plain;
                    let rest = from(window, self.at);
                    self.at += memchr::memchr2(self.delimiter, b'\n', rest).unwrap_or(rest.len());
                    continue;
                }
            }
            self.at += 1;
        }
    }

    fn end(&mut self, window: &[u8]) -> Step {
        let row = self.start..window.len();
        if self.state != Cell::Quoted {
            self.start = window.len();
            if trimmed(window, row.clone()).is_empty() {
                return Step::More;
            }
            return Step::Record(row);
        }
        // A quote without an end: only its line is given up.
        let stop = memchr::memchr(b'\n', window.get(row.clone()).unwrap_or_default())
            .map_or(window.len(), |stop| row.start + stop + 1);
        self.start = stop;
        self.at = stop;
        self.state = Cell::Start;
        Step::Lost(row.start..stop, SkipReason::Truncated, "a quote has no end")
    }
}
