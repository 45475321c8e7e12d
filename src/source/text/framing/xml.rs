//! The framer of XML: events, and the lines between them.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{CUT, Frame, MAX_RECORD, TOO_LONG, from, is_record_line, is_syslog_line, look_at, trimmed};
use crate::model::fault::SkipReason;

static EVENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("Event"));
/// Bytes of one loss of lines that are no events; a longer run counts as several.
const MAX_GARBAGE: usize = 1 << 20;
const GARBAGE: &str = "this is no event";

/// Frames `<Event …>…</Event>`.
#[derive(Debug, Default)]
pub(in crate::source::text) struct XmlFramer {
    /// Offset of the record, or of a run of lines that are no event.
    pub(super) start: usize,
    at: usize,
    /// Between records, where the line begins.
    line: usize,
    is_inside: bool,
    pub(super) is_skipping: bool,
    /// Whole lines from `start` on are no event.
    is_garbage: bool,
}

/// The outcome of a look for an event's tag.
enum Tag {
    Begin,
    No,
    /// The window ends too early to decide.
    Open,
}

/// Decides by the byte after the name `Event`.
fn tag(window: &[u8], behind: usize, is_end: bool) -> Tag {
    match window.get(behind) {
        Some(b'>' | b'/') => Tag::Begin,
        Some(byte) if byte.is_ascii_whitespace() => Tag::Begin,
        None if !is_end => Tag::Open,
        _ => Tag::No,
    }
}

impl XmlFramer {
    pub(super) fn cut(&mut self, bytes: usize) {
        for place in [&mut self.start, &mut self.at, &mut self.line] {
            *place = place.saturating_sub(bytes);
        }
    }

    pub(super) fn next(&mut self, window: &[u8], is_end: bool) -> Frame {
        loop {
            let frame =
                if self.is_inside { Some(self.inside(window, is_end)) } else { self.between(window, is_end) };
            if self.at - self.start > MAX_RECORD {
                self.is_skipping = true;
            }
            if self.is_skipping {
                // The two bytes before a name tell its tag.
                self.start = self.start.max(self.at.saturating_sub(2));
            }
            match frame {
                None => {}
                Some(Frame::NeedMore) if is_end => return self.end(window),
                Some(frame) => return frame,
            }
        }
    }

    fn end(&mut self, window: &[u8]) -> Frame {
        let lost = self.start..window.len();
        self.start = window.len();
        self.at = window.len();
        self.line = window.len();
        let was_skipping = std::mem::take(&mut self.is_skipping);
        let was_inside = std::mem::take(&mut self.is_inside);
        let was_garbage = std::mem::take(&mut self.is_garbage);
        if was_skipping {
            Frame::Lost(lost, SkipReason::Damaged, TOO_LONG)
        } else if was_inside {
            Frame::Lost(lost, SkipReason::Truncated, CUT)
        } else if was_garbage {
            Frame::Lost(lost, SkipReason::Damaged, GARBAGE)
        } else {
            Frame::NeedMore
        }
    }

    fn inside(&mut self, window: &[u8], is_end: bool) -> Frame {
        while let Some(found) = EVENT.find(from(window, self.at)) {
            look_at(found + 5);
            let name = self.at + found;
            let before = window.get(..name).unwrap_or_default();
            if before.ends_with(b"</") {
                match window.get(name + 5) {
                    Some(b'>') => {
                        let record = self.start..name + 6;
                        self.leave(record.end);
                        return if std::mem::take(&mut self.is_skipping) {
                            Frame::Lost(record, SkipReason::Damaged, TOO_LONG)
                        } else {
                            Frame::Record(record)
                        };
                    }
                    None if !is_end => {
                        self.at = name;
                        return Frame::NeedMore;
                    }
                    _ => {}
                }
            } else if before.ends_with(b"<") {
                match tag(window, name + 5, is_end) {
                    Tag::Begin => {
                        let lost = self.start..name - 1;
                        self.start = name - 1;
                        self.at = name + 5;
                        let was_skipping = std::mem::take(&mut self.is_skipping);
                        let reason = if was_skipping { TOO_LONG } else { "the event has no end" };
                        return Frame::Lost(lost, SkipReason::Damaged, reason);
                    }
                    Tag::Open => {
                        self.at = name;
                        return Frame::NeedMore;
                    }
                    Tag::No => {}
                }
            }
            self.at = name + 5;
        }
        look_at(window.len().saturating_sub(self.at));
        self.at = self.at.max(window.len().saturating_sub(4));
        Frame::NeedMore
    }

    fn leave(&mut self, at: usize) {
        self.start = at;
        self.at = at;
        self.line = at;
        self.is_inside = false;
    }

    fn between(&mut self, window: &[u8], is_end: bool) -> Option<Frame> {
        while let Some(found) = memchr::memchr2(b'<', b'\n', from(window, self.at)) {
            look_at(found + 1);
            let place = self.at + found;
            if window.get(place) == Some(&b'\n') {
                return self.end_line(window, place, place + 1);
            }
            let rest = from(window, place);
            let is_open = rest.len() < 6 && b"<Event".starts_with(rest) && !is_end;
            match if rest.starts_with(b"<Event") { tag(window, place + 6, is_end) } else { Tag::No } {
                Tag::Begin => return self.begin(place),
                Tag::No if !is_open => self.at = place + 1,
                _ => {
                    self.at = place;
                    return Some(Frame::NeedMore);
                }
            }
        }
        look_at(window.len().saturating_sub(self.at));
        self.at = window.len();
        if is_end && self.line < window.len() {
            return self.end_line(window, window.len(), window.len());
        }
        Some(Frame::NeedMore)
    }

    fn begin(&mut self, place: usize) -> Option<Frame> {
        let garbage = self.start..self.line.max(self.start);
        self.start = place;
        self.at = place + 6;
        self.is_inside = true;
        let was_garbage = std::mem::take(&mut self.is_garbage);
        if std::mem::take(&mut self.is_skipping) {
            return Some(Frame::Lost(garbage, SkipReason::Damaged, TOO_LONG));
        }
        was_garbage.then_some(Frame::Lost(garbage, SkipReason::Damaged, GARBAGE))
    }

    /// Judges a line that ends at `end`, and goes on at `next`.
    fn end_line(&mut self, window: &[u8], end: usize, next: usize) -> Option<Frame> {
        look_at(end.saturating_sub(self.line));
        let text = trimmed(window, self.line..end);
        let is_foreign = is_syslog_line(text);
        if self.is_garbage && !self.is_skipping && (is_foreign || is_silent(text)) {
            // The line itself is looked at again.
            let garbage = self.start..self.line;
            self.leave(self.line);
            self.is_garbage = false;
            return Some(Frame::Lost(garbage, SkipReason::Damaged, GARBAGE));
        }
        let lost = self.start..next;
        self.at = next;
        self.line = next;
        if std::mem::take(&mut self.is_skipping) {
            self.is_garbage = false;
            self.start = next;
            return Some(Frame::Lost(lost, SkipReason::Damaged, TOO_LONG));
        }
        if is_foreign || is_silent(text) {
            self.start = next;
            return is_foreign.then_some(Frame::OtherProgram);
        }
        self.is_garbage = true;
        if lost.len() > MAX_GARBAGE {
            self.is_garbage = false;
            self.start = next;
            return Some(Frame::Lost(lost, SkipReason::Damaged, GARBAGE));
        }
        None
    }
}

/// A line between events that is no loss.
fn is_silent(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let starts: [&[u8]; 6] = [b"<?", b"<Events", b"</Events", b"<!--", b"<!DOCTYPE", b"]>"];
    line.is_empty() || is_record_line(line) || starts.iter().any(|start| line.starts_with(start))
}
