//! Where one record ends and the next begins, told without understanding them, so that a broken one costs only itself.
//!
//! All framers look at a window of the stream that grows at its end and is cut at its beginning, and look at each byte
//! a fixed number of times.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::model::fault::SkipReason;

/// A longer record than this is not held in memory, and lost.
pub(super) const MOST_RECORD: usize = 16 << 20;
const MOST_DEPTH: usize = 128;
const TOO_LONG: &str = "the record is longer than 16 MiB, which no event is";
const CUT: &str = "the input ends inside this record";

/// What a framer found, by its place in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record.
    Record(Range<usize>),
    /// What should be a record and is none.
    Lost(Range<usize>, SkipReason, &'static str),
    /// A line of another program.
    Foreign,
    /// All that can be told until more is there.
    More,
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
    /// The next record of the window; `is_end` says that no more comes behind it.
    pub(super) fn next(&mut self, window: &[u8], is_end: bool) -> Step {
        match self {
            Self::Json(framer) => framer.next(window, is_end),
            Self::Xml(framer) => framer.next(window, is_end),
            Self::Csv(framer) => framer.next(window, is_end),
        }
    }

    /// What stands before this place of the window is done with.
    pub(super) fn done(&self) -> usize {
        match self {
            Self::Json(framer) => framer.done(),
            Self::Xml(framer) => framer.start,
            Self::Csv(framer) => framer.start,
        }
    }

    /// Whether a record is being passed over that is too long to be kept.
    pub(super) fn is_skipping(&self) -> bool {
        match self {
            Self::Json(framer) => framer.is_skipping,
            Self::Xml(framer) => framer.is_skipping,
            Self::Csv(framer) => framer.is_skipping,
        }
    }

    /// Says what was cut from the window's beginning.
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

fn from(window: &[u8], at: usize) -> &[u8] {
    window.get(at..).unwrap_or_default()
}

fn trimmed(window: &[u8], range: Range<usize>) -> &[u8] {
    window.get(range).unwrap_or_default().trim_ascii()
}

/// Whether a text is what JSON takes for blank, on one line.
fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

/// `Record 17`, as evtx_dump writes it between records.
fn is_record_line(line: &[u8]) -> bool {
    let digits = line.strip_prefix(b"Record ").unwrap_or_default();
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Whether a line begins as syslog's do: `Oct 24 17:05:38 `, `<13>`, or a time of RFC 3339.
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

/// JSON values one behind the other, one a line or over several, in a list, or in the list of an envelope.
#[derive(Debug, Default)]
pub(super) struct JsonFramer {
    at: usize,
    /// Where the record begins, inside of one.
    start: Option<usize>,
    /// How far from its line's beginning that is.
    column: usize,
    /// How the record's first line ended, where it did: with more than its bracket, or with that alone.
    first_line: Option<FirstLine>,
    line_start: usize,
    /// Bytes of the line that were cut from the window, and whether one of them is no blank.
    line_cut: usize,
    line_is_used: bool,
    /// The brackets that are open.
    open: Vec<u8>,
    /// How many brackets are open where records stand.
    bases: Vec<usize>,
    string_start: Option<usize>,
    /// The last byte that meant something.
    before: u8,
    is_envelope_key: bool,
    is_skipping: bool,
    /// The rest of a broken record is passed over.
    broken: Option<&'static str>,
    junk: Option<usize>,
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
    fn base(&self) -> usize {
        self.bases.last().copied().unwrap_or(0)
    }

    fn done(&self) -> usize {
        if self.is_skipping {
            return self.at;
        }
        self.start.or(self.junk).unwrap_or(self.at)
    }

    fn cut(&mut self, gone: &[u8]) {
        let bytes = gone.len();
        self.at = self.at.saturating_sub(bytes);
        if let Some(line) = gone.get(self.line_start..) {
            self.line_cut += line.len();
            self.line_is_used |= !is_blank(line);
        }
        for place in [&mut self.start, &mut self.junk, &mut self.string_start].into_iter().flatten() {
            *place = place.saturating_sub(bytes);
        }
        self.line_start = self.line_start.saturating_sub(bytes);
    }

    fn new_line(&mut self, start: usize) {
        self.line_start = start;
        self.line_cut = 0;
        self.line_is_used = false;
    }

    fn next(&mut self, window: &[u8], is_end: bool) -> Step {
        loop {
            if self.start.or(self.junk).is_some_and(|start| self.at - start > MOST_RECORD) {
                self.is_skipping = true;
            }
            let step = if self.broken.is_some() {
                self.pass_broken(window)
            } else if self.string_start.is_some() {
                self.string(window)
            } else if self.junk.is_some() {
                self.pass_junk(window, is_end)
            } else if self.open.len() == self.base() {
                self.between(window)
            } else {
                self.inside(window, is_end)
            };
            match step {
                None => {}
                Some(Step::More) if is_end => return self.end(window),
                Some(step) => return step,
            }
        }
    }

    fn end(&mut self, window: &[u8]) -> Step {
        self.string_start = None;
        self.junk = None;
        let is_open = self.open.len() > self.base();
        let is_broken = self.broken.take().is_some();
        self.open.clear();
        self.bases.clear();
        self.at = window.len();
        let was_skipping = std::mem::take(&mut self.is_skipping);
        match self.start.take() {
            Some(start) if was_skipping => Step::Lost(start..window.len(), SkipReason::Damaged, TOO_LONG),
            Some(start) if is_open || is_broken => {
                Step::Lost(start..window.len(), SkipReason::Truncated, CUT)
            }
            _ => Step::More,
        }
    }

    /// Between records.
    fn between(&mut self, window: &[u8]) -> Option<Step> {
        let Some(&byte) = window.get(self.at) else { return Some(Step::More) };
        match byte {
            b'\n' => {
                self.at += 1;
                self.new_line(self.at);
            }
            b' ' | b'\t' | b'\r' | b',' | 0x1e | 0xef | 0xbb | 0xbf => self.at += 1,
            b'{' => self.begin(),
            b'[' if self.open.len() < MOST_DEPTH => {
                self.open.push(b'[');
                self.bases.push(self.open.len());
                self.at += 1;
            }
            b']' if self.base() > 0 => {
                self.bases.pop();
                self.open.pop();
                self.before = b']';
                self.at += 1;
            }
            _ => self.junk = Some(self.at),
        }
        None
    }

    fn begin(&mut self) {
        self.start = Some(self.at);
        self.column = self.at.saturating_sub(self.line_start) + self.line_cut;
        self.open.push(b'{');
        self.before = b'{';
        self.first_line = None;
        self.at += 1;
    }

    /// Whether a bracket behind a colon begins a line as far out as the record did, which had more than a bracket on
    /// its first: a record that was cut off there, and the next one.
    fn is_next_record(&self, window: &[u8]) -> bool {
        let head = from(window, self.line_start).get(..self.at.saturating_sub(self.line_start));
        self.before == b':'
            && self.first_line == Some(FirstLine::Full)
            && !self.line_is_used
            && self.at.saturating_sub(self.line_start) + self.line_cut <= self.column
            && head.is_some_and(is_blank)
    }

    /// Text between records.
    fn pass_junk(&mut self, window: &[u8], is_end: bool) -> Option<Step> {
        let start = self.junk?;
        let is_list = self.base() > 0;
        let rest = from(window, self.at);
        let stop = rest
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'{') || (is_list && matches!(byte, b',' | b']')));
        let Some(stop) = stop.map(|stop| self.at + stop).or_else(|| is_end.then_some(window.len())) else {
            self.at = window.len();
            return Some(Step::More);
        };
        self.at = stop;
        self.junk = None;
        let was_skipping = std::mem::take(&mut self.is_skipping);
        if !is_list && window.get(stop) == Some(&b'{') && !was_skipping {
            // What a transport puts before its message.
            return None;
        }
        let text = trimmed(window, start..stop);
        if was_skipping {
            Some(Step::Lost(start..stop, SkipReason::Damaged, TOO_LONG))
        } else if !is_list && is_record_line(text) {
            None
        } else if !is_list && is_syslog_line(text) {
            Some(Step::Foreign)
        } else if is_list {
            Some(Step::Lost(start..stop, SkipReason::Damaged, "this element of the list is no event"))
        } else {
            Some(Step::Lost(start..stop, SkipReason::Damaged, "this line is no event"))
        }
    }

    fn string(&mut self, window: &[u8]) -> Option<Step> {
        let rest = from(window, self.at);
        let Some(stop) = memchr::memchr3(b'"', b'\\', b'\n', rest) else {
            self.at = window.len();
            return Some(Step::More);
        };
        let stop = self.at + stop;
        match window.get(stop) {
            Some(b'\\') if window.len() < stop + 2 => {
                self.at = stop;
                return Some(Step::More);
            }
            Some(b'\\') if window.get(stop + 1) != Some(&b'\n') => self.at = stop + 2,
            Some(b'"') => {
                let start = self.string_start.take().unwrap_or(stop);
                self.is_envelope_key =
                    self.open.len() <= self.base() + 2 && window.get(start..stop).is_some_and(is_envelope);
                self.before = b'"';
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
        self.broken = Some(reason);
        self.string_start = None;
        // An envelope that is broken around its list is lost from here.
        self.start = self.start.or(Some(self.at));
    }

    /// Inside of a record, or of an envelope around its list.
    fn inside(&mut self, window: &[u8], is_end: bool) -> Option<Step> {
        while let Some(&byte) = window.get(self.at) {
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
                    if !fits || (byte == b'{' && self.is_next_record(window)) {
                        self.break_up("a bracket stands where none can");
                        return None;
                    }
                    if self.open.len() == MOST_DEPTH {
                        self.break_up("it is nested too deeply");
                        return None;
                    }
                    let is_shallow = self.open.len() <= self.base() + 2 && !in_list;
                    if byte == b'[' && is_shallow && self.is_envelope_key && self.before == b':' {
                        let next = from(window, self.at + 1).iter().find(|byte| !byte.is_ascii_whitespace());
                        match next {
                            None if !is_end => return Some(Step::More),
                            Some(b'{') => {
                                self.start = None;
                                self.is_skipping = false;
                                self.open.push(b'[');
                                self.bases.push(self.open.len());
                                self.at += 1;
                                return None;
                            }
                            _ => {}
                        }
                    }
                    self.open.push(byte);
                    self.before = byte;
                }
                b'}' | b']' => {
                    if self.open.pop() != Some(byte - 2) {
                        self.break_up("its brackets do not match");
                        return None;
                    }
                    self.before = byte;
                    if self.open.len() == self.base() {
                        self.at += 1;
                        let start = self.start.take();
                        let was_skipping = std::mem::take(&mut self.is_skipping);
                        return start.map(|start| {
                            if was_skipping {
                                Step::Lost(start..self.at, SkipReason::Damaged, TOO_LONG)
                            } else {
                                Step::Record(start..self.at)
                            }
                        });
                    }
                }
                _ => self.before = byte,
            }
            self.at += 1;
            if self.at.is_multiple_of(MOST_RECORD) {
                // So that a long record is noticed.
                return None;
            }
        }
        Some(Step::More)
    }

    /// Passes over the rest of a broken record: to a line on which one begins, no further in than the broken one.
    fn pass_broken(&mut self, window: &[u8]) -> Option<Step> {
        let here = from(window, self.line_start).get(..self.at.saturating_sub(self.line_start));
        let mut line = self.line_start;
        if self.line_is_used || here.is_some_and(|head| !is_blank(head)) {
            let Some(stop) = memchr::memchr(b'\n', from(window, self.at)) else {
                self.at = window.len();
                return Some(Step::More);
            };
            line = self.at + stop + 1;
            self.new_line(line);
            self.at = line;
        }
        loop {
            // A record may begin on this line.
            let rest = from(window, self.at);
            let Some(blanks) = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\r')) else {
                self.at = window.len();
                return Some(Step::More);
            };
            let at = self.at + blanks;
            let byte = rest.get(blanks).copied().unwrap_or_default();
            let column = at - line + self.line_cut;
            let is_start = byte == b'{' && column <= self.column;
            let is_close = self.base() > 0 && byte == b']' && column < self.column.max(1);
            if is_start || is_close {
                self.at = at;
                self.open.truncate(self.base());
                let reason = self.broken.take().unwrap_or_default();
                let reason = if std::mem::take(&mut self.is_skipping) { TOO_LONG } else { reason };
                let start = self.start.take().unwrap_or(at).min(at);
                return Some(Step::Lost(start..at, SkipReason::Damaged, reason));
            }
            let Some(stop) = memchr::memchr(b'\n', from(window, at)) else {
                self.at = window.len();
                return Some(Step::More);
            };
            line = at + stop + 1;
            self.new_line(line);
            self.at = line;
        }
    }
}

static EVENT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("Event"));
/// A longer run of lines that are no events counts as several.
const MOST_JUNK: usize = 1 << 20;
const JUNK: &str = "this is no event";

/// `<Event …>…</Event>`, whatever stands between.
#[derive(Debug, Default)]
pub(super) struct XmlFramer {
    /// Where the record begins, or a run of lines that are no event.
    start: usize,
    at: usize,
    /// Between records, where the line begins.
    line: usize,
    is_inside: bool,
    is_skipping: bool,
    /// Whole lines from `start` on are no event.
    is_junk: bool,
}

/// What stands where an event's tag might.
enum Tag {
    Begin,
    No,
    /// That depends on what comes.
    Open,
}

/// Looks behind the name `Event`.
fn tag(window: &[u8], behind: usize, is_end: bool) -> Tag {
    match window.get(behind) {
        Some(b'>' | b'/') => Tag::Begin,
        Some(byte) if byte.is_ascii_whitespace() => Tag::Begin,
        None if !is_end => Tag::Open,
        _ => Tag::No,
    }
}

impl XmlFramer {
    fn cut(&mut self, bytes: usize) {
        for place in [&mut self.start, &mut self.at, &mut self.line] {
            *place = place.saturating_sub(bytes);
        }
    }

    fn next(&mut self, window: &[u8], is_end: bool) -> Step {
        loop {
            let step =
                if self.is_inside { Some(self.inside(window, is_end)) } else { self.between(window, is_end) };
            if self.at - self.start > MOST_RECORD {
                self.is_skipping = true;
            }
            if self.is_skipping {
                // What stands before a name tells what it is.
                self.start = self.start.max(self.at.saturating_sub(2));
            }
            match step {
                None => {}
                Some(Step::More) if is_end => return self.end(window),
                Some(step) => return step,
            }
        }
    }

    fn end(&mut self, window: &[u8]) -> Step {
        let lost = self.start..window.len();
        self.start = window.len();
        self.at = window.len();
        self.line = window.len();
        let was_skipping = std::mem::take(&mut self.is_skipping);
        let was_inside = std::mem::take(&mut self.is_inside);
        let was_junk = std::mem::take(&mut self.is_junk);
        if was_skipping {
            Step::Lost(lost, SkipReason::Damaged, TOO_LONG)
        } else if was_inside {
            Step::Lost(lost, SkipReason::Truncated, CUT)
        } else if was_junk {
            Step::Lost(lost, SkipReason::Damaged, JUNK)
        } else {
            Step::More
        }
    }

    fn inside(&mut self, window: &[u8], is_end: bool) -> Step {
        while let Some(found) = EVENT.find(from(window, self.at)) {
            let name = self.at + found;
            let before = window.get(..name).unwrap_or_default();
            if before.ends_with(b"</") {
                match window.get(name + 5) {
                    Some(b'>') => {
                        let record = self.start..name + 6;
                        self.leave(record.end);
                        return if std::mem::take(&mut self.is_skipping) {
                            Step::Lost(record, SkipReason::Damaged, TOO_LONG)
                        } else {
                            Step::Record(record)
                        };
                    }
                    None if !is_end => {
                        self.at = name;
                        return Step::More;
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
                        return Step::Lost(lost, SkipReason::Damaged, reason);
                    }
                    Tag::Open => {
                        self.at = name;
                        return Step::More;
                    }
                    Tag::No => {}
                }
            }
            self.at = name + 5;
        }
        self.at = self.at.max(window.len().saturating_sub(4));
        Step::More
    }

    fn leave(&mut self, at: usize) {
        self.start = at;
        self.at = at;
        self.line = at;
        self.is_inside = false;
    }

    fn between(&mut self, window: &[u8], is_end: bool) -> Option<Step> {
        while let Some(found) = memchr::memchr2(b'<', b'\n', from(window, self.at)) {
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
                    return Some(Step::More);
                }
            }
        }
        self.at = window.len();
        if is_end && self.line < window.len() {
            return self.end_line(window, window.len(), window.len());
        }
        Some(Step::More)
    }

    fn begin(&mut self, place: usize) -> Option<Step> {
        let junk = self.start..self.line.max(self.start);
        self.start = place;
        self.at = place + 6;
        self.is_inside = true;
        let was_junk = std::mem::take(&mut self.is_junk);
        if std::mem::take(&mut self.is_skipping) {
            return Some(Step::Lost(junk, SkipReason::Damaged, TOO_LONG));
        }
        was_junk.then_some(Step::Lost(junk, SkipReason::Damaged, JUNK))
    }

    /// Judges a line that ends at `end`, and goes on at `next`.
    fn end_line(&mut self, window: &[u8], end: usize, next: usize) -> Option<Step> {
        let text = trimmed(window, self.line..end);
        let is_foreign = is_syslog_line(text);
        if self.is_junk && !self.is_skipping && (is_foreign || is_silent(text)) {
            // The line itself is looked at again.
            let junk = self.start..self.line;
            self.leave(self.line);
            self.is_junk = false;
            return Some(Step::Lost(junk, SkipReason::Damaged, JUNK));
        }
        let lost = self.start..next;
        self.at = next;
        self.line = next;
        if std::mem::take(&mut self.is_skipping) {
            self.is_junk = false;
            self.start = next;
            return Some(Step::Lost(lost, SkipReason::Damaged, TOO_LONG));
        }
        if is_foreign || is_silent(text) {
            self.start = next;
            return is_foreign.then_some(Step::Foreign);
        }
        self.is_junk = true;
        if lost.len() > MOST_JUNK {
            self.is_junk = false;
            self.start = next;
            return Some(Step::Lost(lost, SkipReason::Damaged, JUNK));
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

/// Rows of RFC 4180: quoted cells may hold line ends.
#[derive(Debug)]
pub(super) struct CsvFramer {
    start: usize,
    at: usize,
    state: Cell,
    delimiter: u8,
    is_skipping: bool,
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
    pub(super) const fn new(delimiter: u8) -> Self {
        Self { start: 0, at: 0, state: Cell::Start, delimiter, is_skipping: false, is_lost: false }
    }

    fn next(&mut self, window: &[u8], is_end: bool) -> Step {
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
