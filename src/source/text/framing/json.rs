//! The framer of JSON: values, and the text between them.

use super::{
    CUT, Frame, MAX_DEPTH, MAX_RECORD, TOO_LONG, from, is_blank, is_record_line, is_syslog_line, look_at,
    trimmed,
};
use crate::model::fault::SkipReason;

/// Frames JSON values in sequence: one a line or over several lines, in a list, or in the list of an envelope.
#[derive(Debug, Default)]
pub(in crate::source::text) struct JsonFramer {
    at: usize,
    /// The treatment of a line that can only be a record if it is valid JSON.
    lines: Scan,
    /// The offset of the current record, inside of one.
    start: Option<usize>,
    /// Its distance from its line's beginning.
    column: usize,
    /// The end of the record's first line, if it has ended: with more than its bracket, or with that alone.
    first_line: Option<FirstLine>,
    line_start: usize,
    /// Bytes of the line that were cut from the window, and whether one of them is no blank.
    line_cut: usize,
    line_is_used: bool,
    /// The brackets that are open.
    open: Vec<u8>,
    /// Open brackets around the records.
    bases: Vec<usize>,
    string_start: Option<usize>,
    /// The last significant byte, and its offset while it is held.
    before: u8,
    before_at: Option<usize>,
    is_envelope_key: bool,
    /// State after a bracket that may open an envelope's list. The first byte that is not blank decides.
    list: List,
    /// Up to here the line is known to be blank, from its beginning on.
    blank_to: usize,
    pub(super) is_skipping: bool,
    /// The rest of a broken record is skipped.
    resync_reason: Option<&'static str>,
    garbage: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Scan {
    #[default]
    Full,
    FastPath,
}

/// State of a bracket that was just opened: `Maybe` if it may be that of an envelope's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum List {
    #[default]
    No,
    Maybe,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FirstLine {
    Full,
    Bare,
}

/// Names under which envelopes hold their list of records.
fn is_envelope(key: &[u8]) -> bool {
    matches!(key, b"events" | b"Events" | b"hits" | b"records" | b"Records" | b"results" | b"rows" | b"value")
}

impl JsonFramer {
    /// A framer with a fast path: a line `{…}` followed by a line that starts with `{` is emitted unscanned, and the
    /// block reader validates it.
    pub(in crate::source::text) fn by_lines() -> Self {
        Self { lines: Scan::FastPath, ..Self::default() }
    }

    fn base(&self) -> usize {
        self.bases.last().copied().unwrap_or(0)
    }

    pub(super) fn done(&self) -> usize {
        if self.is_skipping {
            return self.at;
        }
        self.start.or(self.garbage).unwrap_or(self.at)
    }

    pub(super) fn cut(&mut self, gone: &[u8]) {
        let bytes = gone.len();
        self.at = self.at.saturating_sub(bytes);
        if let Some(line) = gone.get(self.line_start..) {
            self.line_cut += line.len();
            self.line_is_used |= !is_blank(line);
        }
        for place in [&mut self.start, &mut self.garbage, &mut self.string_start].into_iter().flatten() {
            *place = place.saturating_sub(bytes);
        }
        self.line_start = self.line_start.saturating_sub(bytes);
        self.blank_to = self.blank_to.saturating_sub(bytes);
        self.before_at = self.before_at.and_then(|at| at.checked_sub(bytes));
    }

    fn new_line(&mut self, start: usize) {
        self.line_start = start;
        self.blank_to = start;
        self.line_cut = 0;
        self.line_is_used = false;
    }

    pub(super) fn next(&mut self, window: &[u8], is_end: bool) -> Frame {
        loop {
            if self.start.or(self.garbage).is_some_and(|start| self.at - start > MAX_RECORD) {
                self.is_skipping = true;
            }
            let frame = if self.resync_reason.is_some() {
                self.pass_broken(window)
            } else if self.string_start.is_some() {
                self.string(window)
            } else if self.garbage.is_some() {
                self.pass_junk(window, is_end)
            } else if self.open.len() == self.base() {
                self.between(window, is_end)
            } else {
                self.inside(window)
            };
            match frame {
                None => {}
                Some(Frame::NeedMore) if is_end => return self.end(window),
                Some(frame) => return frame,
            }
        }
    }

    fn end(&mut self, window: &[u8]) -> Frame {
        self.string_start = None;
        self.garbage = None;
        let is_open = self.open.len() > self.base();
        let is_broken = self.resync_reason.take().is_some();
        self.open.clear();
        self.bases.clear();
        self.at = window.len();
        let was_skipping = std::mem::take(&mut self.is_skipping);
        match self.start.take() {
            Some(start) if was_skipping => Frame::Lost(start..window.len(), SkipReason::Damaged, TOO_LONG),
            Some(start) if is_open || is_broken => {
                Frame::Lost(start..window.len(), SkipReason::Truncated, CUT)
            }
            _ => Frame::NeedMore,
        }
    }

    /// Between records.
    fn between(&mut self, window: &[u8], is_end: bool) -> Option<Frame> {
        let Some(&byte) = window.get(self.at) else { return Some(Frame::NeedMore) };
        look_at(1);
        match byte {
            b'\n' => {
                self.at += 1;
                self.new_line(self.at);
            }
            b' ' | b'\t' | b'\r' | b',' | 0x1e | 0xef | 0xbb | 0xbf => self.at += 1,
            b'{' => match self.line(window, is_end) {
                Some(frame) => return Some(frame),
                None => self.begin(),
            },
            b'[' if self.open.len() < MAX_DEPTH => {
                self.open.push(b'[');
                self.bases.push(self.open.len());
                self.at += 1;
            }
            b']' if self.base() > 0 => {
                self.bases.pop();
                self.open.pop();
                self.means(b']');
                self.at += 1;
            }
            _ => self.garbage = Some(self.at),
        }
        None
    }

    /// A line that is a record or none: a bracket at its very beginning and one at its end, and another one at the
    /// beginning of the next. A list of objects in it might make it an envelope around records.
    fn line(&mut self, window: &[u8], is_end: bool) -> Option<Frame> {
        if self.lines == Scan::Full
            || !self.open.is_empty()
            || self.at != self.line_start
            || self.line_cut != 0
        {
            return None;
        }
        let rest = from(window, self.at);
        let end = memchr::memchr(b'\n', rest);
        look_at(end.unwrap_or(rest.len()));
        let end = end?;
        let is_last = match rest.get(end + 1) {
            Some(b'{') => false,
            None if is_end => true,
            _ => return None,
        };
        let line = rest.get(..end)?.trim_ascii_end();
        if line.len() > MAX_RECORD || line.last() != Some(&b'}') {
            return None;
        }
        let is_list_of_objects = |at: usize| {
            let mut behind = from(line, at + 1).iter();
            behind.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        };
        if memchr::memchr_iter(b'[', line).any(is_list_of_objects) {
            return None;
        }
        let range = self.at..self.at + line.len();
        self.at += end;
        Some(Frame::Line { range, is_last })
    }

    /// Remembers the last byte that meant something.
    fn means(&mut self, byte: u8) {
        self.before = byte;
        self.before_at = Some(self.at);
    }

    fn begin(&mut self) {
        self.start = Some(self.at);
        self.column = self.at.saturating_sub(self.line_start) + self.line_cut;
        self.open.push(b'{');
        self.means(b'{');
        self.list = List::No;
        self.first_line = None;
        self.at += 1;
    }

    /// Detects a truncated record: after a colon, a new line starts with `{` and is indented no deeper than the current
    /// record, whose first line held more than its bracket. That `{` opens the next record.
    fn is_next_record(&self) -> bool {
        self.before == b':'
            && self.first_line == Some(FirstLine::Full)
            && !self.line_is_used
            && self.at.saturating_sub(self.line_start) + self.line_cut <= self.column
            && self.before_at.is_none_or(|before| before < self.line_start)
    }

    /// Text between records.
    fn pass_junk(&mut self, window: &[u8], is_end: bool) -> Option<Frame> {
        let start = self.garbage?;
        let is_list = self.base() > 0;
        let rest = from(window, self.at);
        let stop = rest
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'{') || (is_list && matches!(byte, b',' | b']')));
        look_at(stop.unwrap_or(rest.len()));
        let Some(stop) = stop.map(|stop| self.at + stop).or_else(|| is_end.then_some(window.len())) else {
            self.at = window.len();
            return Some(Frame::NeedMore);
        };
        self.at = stop;
        self.garbage = None;
        let was_skipping = std::mem::take(&mut self.is_skipping);
        if !is_list && window.get(stop) == Some(&b'{') && !was_skipping {
            // A transport's prefix before its message.
            return None;
        }
        let text = trimmed(window, start..stop);
        if was_skipping {
            Some(Frame::Lost(start..stop, SkipReason::Damaged, TOO_LONG))
        } else if !is_list && is_record_line(text) {
            None
        } else if !is_list && is_syslog_line(text) {
            Some(Frame::OtherProgram)
        } else if is_list {
            Some(Frame::Lost(start..stop, SkipReason::Damaged, "this element of the list is no event"))
        } else {
            Some(Frame::Lost(start..stop, SkipReason::Damaged, "this line is no event"))
        }
    }

    fn string(&mut self, window: &[u8]) -> Option<Frame> {
        let rest = from(window, self.at);
        let stop = memchr::memchr3(b'"', b'\\', b'\n', rest);
        look_at(stop.unwrap_or(rest.len()));
        let Some(stop) = stop else {
            self.at = window.len();
            return Some(Frame::NeedMore);
        };
        let stop = self.at + stop;
        match window.get(stop) {
            Some(b'\\') if window.len() < stop + 2 => {
                self.at = stop;
                return Some(Frame::NeedMore);
            }
            Some(b'\\') if window.get(stop + 1) != Some(&b'\n') => self.at = stop + 2,
            Some(b'"') => {
                let start = self.string_start.take().unwrap_or(stop);
                self.is_envelope_key =
                    self.open.len() <= self.base() + 2 && window.get(start..stop).is_some_and(is_envelope);
                self.at = stop;
                self.means(b'"');
                self.at = stop + 1;
            }
            _ => {
                self.at = stop;
                self.break_up("a string has no end on its line");
            }
        }
        None
    }

    fn break_up(&mut self, reason: &'static str) {
        self.resync_reason = Some(reason);
        self.string_start = None;
        // An envelope that is broken around its list is lost from here.
        self.start = self.start.or(Some(self.at));
    }

    /// Inside of a record, or of an envelope around its list.
    fn inside(&mut self, window: &[u8]) -> Option<Frame> {
        while let Some(&byte) = window.get(self.at) {
            look_at(1);
            if self.list == List::Maybe && !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0c) {
                self.list = List::No;
                if byte == b'{' && self.before == b'[' {
                    // An envelope around records: the part held of it is dropped.
                    self.start = None;
                    self.is_skipping = false;
                    self.bases.push(self.open.len());
                    return None;
                }
            }
            match byte {
                b'\n' => {
                    let is_bare = self.before == b'{' && self.open.len() == self.base() + 1;
                    let line = if is_bare { FirstLine::Bare } else { FirstLine::Full };
                    self.first_line = self.first_line.or(Some(line));
                    self.new_line(self.at + 1);
                }
                b' ' | b'\t' | b'\r' => {}
                b'"' => {
                    self.at += 1;
                    self.string_start = Some(self.at);
                    return None;
                }
                b'{' | b'[' => {
                    let in_list = self.open.last() == Some(&b'[');
                    let fits = self.before == b':' || (in_list && matches!(self.before, b'[' | b','));
                    if !fits || (byte == b'{' && self.is_next_record()) {
                        self.break_up("a bracket stands where none can");
                        return None;
                    }
                    if self.open.len() == MAX_DEPTH {
                        self.break_up("it is nested too deeply");
                        return None;
                    }
                    let is_shallow = self.open.len() <= self.base() + 2 && !in_list;
                    let may_be_envelope =
                        byte == b'[' && is_shallow && self.is_envelope_key && self.before == b':';
                    self.list = if may_be_envelope { List::Maybe } else { List::No };
                    self.open.push(byte);
                    self.means(byte);
                }
                b'}' | b']' => {
                    if self.open.pop() != Some(byte - 2) {
                        self.break_up("its brackets do not match");
                        return None;
                    }
                    self.means(byte);
                    if self.open.len() == self.base() {
                        self.at += 1;
                        let start = self.start.take();
                        let was_skipping = std::mem::take(&mut self.is_skipping);
                        return start.map(|start| {
                            if was_skipping {
                                Frame::Lost(start..self.at, SkipReason::Damaged, TOO_LONG)
                            } else {
                                Frame::Record(start..self.at)
                            }
                        });
                    }
                }
                _ => self.means(byte),
            }
            self.at += 1;
            if self.at.is_multiple_of(MAX_RECORD) {
                // So that a long record is noticed.
                return None;
            }
        }
        Some(Frame::NeedMore)
    }

    /// Passes over the rest of a broken record: to a line on which one begins, no further in than the broken one.
    fn pass_broken(&mut self, window: &[u8]) -> Option<Frame> {
        // Known blanks are not scanned again.
        let known = self.blank_to.clamp(self.line_start, self.at.max(self.line_start));
        let here = from(window, known).get(..self.at.saturating_sub(known));
        let mut line = self.line_start;
        if self.line_is_used || here.is_some_and(|head| !is_blank(head)) {
            let stop = memchr::memchr(b'\n', from(window, self.at));
            look_at(stop.unwrap_or(window.len().saturating_sub(self.at)));
            let Some(stop) = stop else {
                self.at = window.len();
                return Some(Frame::NeedMore);
            };
            line = self.at + stop + 1;
            self.new_line(line);
            self.at = line;
        }
        loop {
            // A record may begin on this line.
            let rest = from(window, self.at);
            let blanks = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
            look_at(blanks.unwrap_or(rest.len()));
            let Some(blanks) = blanks else {
                self.at = window.len();
                self.blank_to = self.at;
                return Some(Frame::NeedMore);
            };
            let at = self.at + blanks;
            let byte = rest.get(blanks).copied().unwrap_or_default();
            let column = at - line + self.line_cut;
            let is_start = byte == b'{' && column <= self.column;
            let is_close = self.base() > 0 && byte == b']' && column < self.column.max(1);
            if is_start || is_close {
                self.at = at;
                self.open.truncate(self.base());
                let reason = self.resync_reason.take().unwrap_or_default();
                let reason = if std::mem::take(&mut self.is_skipping) { TOO_LONG } else { reason };
                let start = self.start.take().unwrap_or(at).min(at);
                return Some(Frame::Lost(start..at, SkipReason::Damaged, reason));
            }
            let stop = memchr::memchr(b'\n', from(window, at));
            look_at(stop.unwrap_or(window.len().saturating_sub(at)));
            let Some(stop) = stop else {
                self.at = window.len();
                return Some(Frame::NeedMore);
            };
            line = at + stop + 1;
            self.new_line(line);
            self.at = line;
        }
    }
}
