//! The search text of a term, compiled so that a row costs no allocation.

use std::fmt;
use std::ops::Range;

use regex::{Regex, RegexBuilder};

use crate::model::time::Timestamp;

/// The largest compiled pattern, in bytes.
const PATTERN_LIMIT: usize = 1 << 20;

/// The comparison of a text with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The field contains it, without case.
    Contains,
    /// It is the field, without case.
    Equals,
    /// The regular expression matches somewhere in the field.
    Matches,
}

#[derive(Clone, Debug)]
enum Matcher {
    /// Small letters of ASCII, which capitals of ASCII match too; `rare` is the index of the byte to look for first.
    Ascii { small: Vec<u8>, rare: usize },
    /// Everything else.
    Pattern(Regex),
}

/// A text to look for.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    text: String,
    mode: Mode,
    matcher: Matcher,
}

/// The matcher follows from the text and the mode, and is not compared.
impl PartialEq for Needle {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.mode == other.mode
    }
}

impl Needle {
    /// Compiles a text. The error is a fragment on the fault of the pattern.
    pub(super) fn new(text: &str, mode: Mode) -> Result<Self, String> {
        let escaped = || regex::escape(text);
        let matcher = match mode {
            Mode::Contains | Mode::Equals if text.is_ascii() => {
                let small = text.to_ascii_lowercase().into_bytes();
                let rare = (0..small.len())
                    .max_by_key(|index| small.get(*index).map_or(0, |byte| rarity(*byte)))
                    .unwrap_or(0);
                Matcher::Ascii { small, rare }
            }
            Mode::Contains => Matcher::Pattern(compile(&format!("(?i:{})", escaped()))?),
            Mode::Equals => Matcher::Pattern(compile(&format!(r"\A(?i:{})\z", escaped()))?),
            Mode::Matches => Matcher::Pattern(compile(text)?),
        };
        Ok(Self { text: text.to_owned(), mode, matcher })
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        match &self.matcher {
            Matcher::Ascii { small, .. } if self.mode == Mode::Equals => {
                text.as_bytes().eq_ignore_ascii_case(small)
            }
            Matcher::Ascii { small, rare } => find_ascii(text.as_bytes(), small, *rare, 0).is_some(),
            Matcher::Pattern(pattern) => pattern.is_match(text),
        }
    }

    /// Adds the byte ranges of the needle in a text; empty matches are left out.
    pub(super) fn find_all(&self, text: &str, ranges: &mut Vec<Range<usize>>) {
        match &self.matcher {
            _ if self.text.is_empty() => {}
            Matcher::Ascii { .. } if self.mode == Mode::Equals => {
                if self.is_match(text) {
                    ranges.push(0..text.len());
                }
            }
            Matcher::Ascii { small, rare } => {
                let mut from = 0;
                while let Some(start) = find_ascii(text.as_bytes(), small, *rare, from) {
                    from = start + small.len();
                    ranges.push(start..from);
                }
            }
            Matcher::Pattern(pattern) => {
                ranges.extend(
                    pattern.find_iter(text).map(|found| found.range()).filter(|range| !range.is_empty()),
                );
            }
        }
    }

    /// The operator that asks for this mode.
    pub(super) const fn sign(&self) -> &'static str {
        match self.mode {
            Mode::Contains => ":",
            Mode::Equals => "=",
            Mode::Matches => "~",
        }
    }

    /// The text as it would be typed, in quotes where it needs them.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = !self.text.is_empty()
            && !matches!(self.text.as_str(), "OR" | "AND")
            && !self.text.contains(|c: char| c.is_whitespace() || r#"!"():=~<>"#.contains(c));
        if is_plain {
            return f.write_str(&self.text);
        }
        write!(f, "\"{}\"", self.text.replace('\\', r"\\").replace('"', "\\\""))
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern).size_limit(PATTERN_LIMIT).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    })
}

/// The rarity of a byte in paths and command lines; the rarest of a needle is searched first.
fn rarity(byte: u8) -> u8 {
    const COMMON: &[u8] = b"eitsorancl\\m.dphugx -w:fbykv/\"12034";
    COMMON.iter().position(|common| *common == byte).map_or(u8::MAX, |at| u8::try_from(at).unwrap_or(u8::MAX))
}

/// The first offset from `from` on where `small` matches, capitals or not.
fn find_ascii(text: &[u8], small: &[u8], rare: usize, from: usize) -> Option<usize> {
    let Some(rare_byte) = small.get(rare).copied() else { return Some(from) };
    let capital = rare_byte.to_ascii_uppercase();
    let mut at = from + rare;
    // The rare byte may come no later than where the rest of the needle still has room.
    let end = text.len().checked_sub(small.len() - rare - 1)?;
    while let Some(window) = text.get(at..end) {
        at += memchr::memchr2(rare_byte, capital, window)?;
        let start = at - rare;
        if text.get(start..start + small.len()).is_some_and(|found| found.eq_ignore_ascii_case(small)) {
            return Some(start);
        }
        at += 1;
    }
    None
}

/// A stretch of time that was written down to some digit: `2026-03` is the whole month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Period {
    /// As it would be typed.
    pub(super) text: String,
    /// Its first moment.
    pub(super) start: Timestamp,
    /// The first moment after it.
    pub(super) end: Timestamp,
}

impl Period {
    /// Reads a time in UTC (or with an offset), or the start of one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            return None;
        }
        let (date, clock) = match text.split_once(['T', 't', ' ']) {
            Some((date, clock)) => (date, Some(clock)),
            None => (text, None),
        };
        let Some(clock) = clock else { return Self::of_date(date) };
        if date.len() != "2026-03-10".len() {
            return None;
        }
        let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
        let (clock, zone) = clock.split_at(zone_at);
        let zone = if zone.eq_ignore_ascii_case("z") { "" } else { zone };
        let (missing, seconds, nanoseconds) = match clock.len() {
            2 => (":00:00", 3600, 0),
            5 => (":00", 60, 0),
            8 => ("", 1, 0),
            9.. => {
                let digits = u32::try_from(clock.len() - 9).ok().filter(|digits| (1..=9).contains(digits))?;
                ("", 0, 10_u32.pow(9 - digits))
            }
            _ => return None,
        };
        let start = Timestamp::parse(&format!("{date}T{clock}{missing}{zone}"))?;
        let nanoseconds = start.subsec_nanoseconds() + nanoseconds;
        let end = Timestamp::from_unix(
            start.unix_seconds() + seconds + i64::from(nanoseconds / 1_000_000_000),
            nanoseconds % 1_000_000_000,
            0,
        );
        Some(Self { text: format!("{date}T{clock}{zone}"), start, end })
    }

    fn of_date(date: &str) -> Option<Self> {
        let missing = match date.len() {
            4 => "-01-01",
            7 => "-01",
            10 => "",
            _ => return None,
        };
        let start = Timestamp::parse(&format!("{date}{missing}T00:00:00"))?;
        let (year, month, _) = start.date();
        let days = match date.len() {
            4 => 366,
            7 => 31,
            _ => 1,
        };
        // The same day of the next month or year is at most that far; the days beyond it are taken back.
        let mut end = Timestamp::from_unix(start.unix_seconds() + days * 86_400, 0, 0);
        let (end_year, end_month, end_day) = end.date();
        let is_beyond = date.len() < 10 && end_day > 1 && (end_year, end_month) != (year, month);
        if is_beyond {
            end = Timestamp::from_unix(end.unix_seconds() - i64::from(end_day - 1) * 86_400, 0, 0);
        }
        Some(Self { text: date.to_owned(), start, end })
    }
}
