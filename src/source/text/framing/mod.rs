//! Framers: they find where a record ends and the next begins without parsing it, so that a broken record costs only
//! itself.
//!
//! All framers look at a window of the stream that grows at its end and is cut at its beginning, and look at each byte
//! a fixed number of times.

mod csv;
mod json;
mod xml;

use std::ops::Range;

pub(super) use self::csv::{CsvFramer, Names};
pub(super) use self::json::JsonFramer;
pub(super) use self::xml::XmlFramer;
use crate::model::fault::SkipReason;

/// Bytes of a record; a longer one is skipped as lost, so that it is not held in memory.
pub(super) const MAX_RECORD: usize = 16 << 20;
const MAX_DEPTH: usize = 128;
const TOO_LONG: &str = "the record is longer than 16 MiB, which no event is";
const CUT: &str = "the input ends inside this record";

/// A step of a framer, by its offsets in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// A record.
    Record(Range<usize>),
    /// A line taken for one record without scanning it. If it is not valid JSON, [`resolve`] scans it again. `is_last`:
    /// the input ends after it; otherwise the next line starts with `{`.
    Line {
        /// Its range, without its line end.
        range: Range<usize>,
        /// True if the input ends after it.
        is_last: bool,
    },
    /// A lost record, with the reason as a clause.
    Lost(Range<usize>, SkipReason, &'static str),
    /// A line of another program.
    OtherProgram,
    /// No further frame until the window grows.
    NeedMore,
}

/// A framer of any dialect.
#[derive(Debug)]
pub(super) enum Framer {
    /// JSON.
    Json(JsonFramer),
    /// XML.
    Xml(XmlFramer),
    /// CSV.
    Csv(CsvFramer),
}

impl Framer {
    /// The next frame of the window; `is_end` is true if the input ends with it.
    pub(super) fn next(&mut self, window: &[u8], is_end: bool) -> Frame {
        match self {
            Self::Json(framer) => framer.next(window, is_end),
            Self::Xml(framer) => framer.next(window, is_end),
            Self::Csv(framer) => framer.next(window, is_end),
        }
    }

    /// Bytes of the window that are done with.
    pub(super) fn done(&self) -> usize {
        match self {
            Self::Json(framer) => framer.done(),
            Self::Xml(framer) => framer.start,
            Self::Csv(framer) => framer.start,
        }
    }

    /// Returns true while a record that is too long to be kept is skipped.
    pub(super) fn is_skipping(&self) -> bool {
        match self {
            Self::Json(framer) => framer.is_skipping,
            Self::Xml(framer) => framer.is_skipping,
            Self::Csv(framer) => framer.is_skipping,
        }
    }

    /// Notes the bytes that were cut from the window's beginning.
    pub(super) fn cut(&mut self, gone: &[u8]) {
        let bytes = gone.len();
        match self {
            Self::Json(framer) => framer.cut(gone),
            Self::Xml(framer) => framer.cut(bytes),
            Self::Csv(framer) => {
                framer.start = framer.start.saturating_sub(bytes);
                framer.at = framer.at.saturating_sub(bytes);
            }
        }
    }
}

/// Returns the frames of a line that looked like a record but is not one, by their offsets in the line.
pub(super) fn resolve(line: &[u8], is_last: bool) -> Vec<Frame> {
    let mut window = line.to_vec();
    if !is_last {
        window.extend_from_slice(b"\n{");
    }
    let mut framer = JsonFramer::default();
    let mut found = Vec::new();
    loop {
        match framer.next(&window, true) {
            Frame::NeedMore => return found,
            // The next line's, which is looked at by itself.
            Frame::Lost(range, ..) if range.start >= line.len() => {}
            frame => found.push(frame),
        }
    }
}

fn from(window: &[u8], at: usize) -> &[u8] {
    window.get(at..).unwrap_or_default()
}

fn trimmed(window: &[u8], range: Range<usize>) -> &[u8] {
    window.get(range).unwrap_or_default().trim_ascii()
}

/// Returns true for JSON's blanks on one line.
fn is_blank(text: &[u8]) -> bool {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    look_at(blanks);
    blanks == text.len()
}

/// `Record 17`, as evtx_dump writes it between records.
fn is_record_line(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"Record ").unwrap_or_default();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Returns whether a line begins as syslog's do: `Oct 24 17:05:38 `, `<13>`, or a time of RFC 3339.
fn is_syslog_line(line: &[u8]) -> bool {
    match line {
        [b'<', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=3).contains(&digits) && rest.get(digits) == Some(&b'>')
        }
        [b'A'..=b'Z', b'a'..=b'z', b'a'..=b'z', b' ', _, day, b' ', _, _, b':', ..] => day.is_ascii_digit(),
        [a, b, c, d, b'-', _, _, b'-', _, _, b'T' | b' ', ..] => {
            [a, b, c, d].iter().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

/// Counts the bytes that framers look at, for the test that their work is linear.
#[inline]
fn look_at(bytes: usize) {
    #[cfg(test)]
    looked::BYTES.with(|count| count.set(count.get() + bytes));
    #[cfg(not(test))]
    let _ = bytes;
}

#[cfg(test)]
pub(super) mod looked {
    use std::cell::Cell;

    thread_local! {
        /// Bytes that the framers of this thread have looked at.
        pub(super) static BYTES: Cell<usize> = const { Cell::new(0) };
    }

    /// Returns the count of bytes that were scanned since the last call.
    pub(in crate::source::text) fn take() -> usize {
        BYTES.with(Cell::take)
    }
}
