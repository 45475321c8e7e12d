//! The framer of CSV.

use super::{Frame, MAX_RECORD, TOO_LONG, from, look_at, trimmed};
use crate::model::fault::SkipReason;

/// Rows of RFC 4180: quoted cells may hold line ends.
#[derive(Debug)]
pub(in crate::source::text) struct CsvFramer {
    pub(super) start: usize,
    pub(super) at: usize,
    state: Cell,
    delimiter: u8,
    pub(super) is_skipping: bool,
    /// Skips to the end of the line, after a lost row.
    is_lost: bool,
    pub(in crate::source::text) names: Names,
    /// A quote without an end was found. All later lines lay inside of quotes and left them open, so that no later open
    /// quote has an end either: none is searched for again.
    is_open_to_end: bool,
}

/// The row of a table that names its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source::text) enum Names {
    /// In its first row.
    First,
    /// The first row that names columns of events; other rows may come before it.
    Known,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Start,
    Plain,
    Quoted,
    /// After a quote inside of quotes: the end, or the first of two.
    Quote,
}

impl CsvFramer {
    pub(in crate::source::text) const fn new(delimiter: u8) -> Self {
        Self {
            start: 0,
            at: 0,
            state: Cell::Start,
            delimiter,
            is_skipping: false,
            is_lost: false,
            names: Names::First,
            is_open_to_end: false,
        }
    }

    /// The same, of a table that was known by a line with names of columns.
    pub(in crate::source::text) const fn with_known_names(self) -> Self {
        Self { names: Names::Known, ..self }
    }

    pub(super) fn next(&mut self, window: &[u8], is_end: bool) -> Frame {
        loop {
            if self.at - self.start > MAX_RECORD {
                self.is_skipping = true;
                self.is_lost = true;
            }
            if self.is_lost {
                let stop = memchr::memchr(b'\n', from(window, self.at)).map(|stop| self.at + stop + 1);
                look_at(stop.unwrap_or(window.len()).saturating_sub(self.at));
                let Some(stop) = stop.or_else(|| is_end.then_some(window.len())) else {
                    self.at = window.len();
                    if self.is_skipping {
                        self.start = self.at;
                    }
                    return Frame::NeedMore;
                };
                let lost = self.start..stop;
                self.start = stop;
                self.at = stop;
                self.state = Cell::Start;
                self.is_lost = false;
                self.is_skipping = false;
                return Frame::Lost(lost, SkipReason::Damaged, TOO_LONG);
            }
            let Some(byte) = window.get(self.at).copied() else {
                if !is_end || self.start == window.len() {
                    return Frame::NeedMore;
                }
                return self.end(window);
            };
            look_at(1);
            match (self.state, byte) {
                (Cell::Quoted, b'"') => self.state = Cell::Quote,
                (Cell::Quoted, b'\n') if self.is_open_to_end => return self.give_up_line(self.at + 1),
                (Cell::Quoted, _) if self.is_open_to_end => {
                    let rest = from(window, self.at);
                    let length = memchr::memchr2(b'"', b'\n', rest).unwrap_or(rest.len());
                    look_at(length);
                    self.at += length;
                    continue;
                }
                (Cell::Quoted, _) => {
                    let rest = from(window, self.at);
                    let length = memchr::memchr(b'"', rest).unwrap_or(rest.len());
                    look_at(length);
                    self.at += length;
                    continue;
                }
                (Cell::Quote | Cell::Start, b'"') => self.state = Cell::Quoted,
                (_, b'\n') => {
                    let row = self.start..self.at;
                    self.at += 1;
                    self.start = self.at;
                    self.state = Cell::Start;
                    if !trimmed(window, row.clone()).is_empty() {
                        return Frame::Record(row);
                    }
                    continue;
                }
                (_, byte) if byte == self.delimiter => self.state = Cell::Start,
                _ => {
                    self.state = Cell::Plain;
                    let rest = from(window, self.at);
                    let length = memchr::memchr2(self.delimiter, b'\n', rest).unwrap_or(rest.len());
                    look_at(length);
                    self.at += length;
                    continue;
                }
            }
            self.at += 1;
        }
    }

    fn end(&mut self, window: &[u8]) -> Frame {
        let row = self.start..window.len();
        if self.state != Cell::Quoted {
            self.start = window.len();
            if trimmed(window, row.clone()).is_empty() {
                return Frame::NeedMore;
            }
            return Frame::Record(row);
        }
        // A quote without an end: only its line is given up.
        let stop = memchr::memchr(b'\n', window.get(row.clone()).unwrap_or_default())
            .map_or(window.len(), |stop| row.start + stop + 1);
        self.is_open_to_end = true;
        self.give_up_line(stop)
    }

    fn give_up_line(&mut self, stop: usize) -> Frame {
        let row = self.start..stop;
        self.start = stop;
        self.at = stop;
        self.state = Cell::Start;
        Frame::Lost(row, SkipReason::Truncated, "a quote has no end")
    }
}
