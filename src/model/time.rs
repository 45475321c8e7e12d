//! Times that keep the digits of their source, over the whole range that Windows can write (1601 to 30828).

use std::fmt;
use std::num::NonZeroU8;

const SECONDS_PER_DAY: i64 = 86_400;
/// Seconds from 1601-01-01 (the zero of Windows) to 1970-01-01.
const FILETIME_TO_UNIX_SECONDS: i64 = 11_644_473_600;
const FILETIME_TICKS_PER_SECOND: u64 = 10_000_000;

/// A moment in UTC, with the number of fractional digits that its source gave.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    seconds: i64,
    /// 0 to 999,999,999.
    nanoseconds: u32,
    /// Fractional digits to show, 0 to 9, plus one: so that an `Option<Timestamp>` takes no more room.
    digits_plus_one: NonZeroU8,
}

/// The digits are how a time was written, not when it was: they take no part in comparisons.
impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Timestamp {}
impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}
impl std::hash::Hash for Timestamp {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl Timestamp {
    const fn key(&self) -> (i64, u32) {
        (self.seconds, self.nanoseconds)
    }

    /// The last FILETIME of which Windows makes a time: in September 30828.
    pub const LAST_FILETIME: u64 = u64::MAX / 2;

    /// From Windows' 100 ns ticks since 1601, as EVTX holds them: seven digits.
    #[must_use]
    pub fn from_filetime(ticks: u64) -> Self {
        let seconds = i64::try_from(ticks / FILETIME_TICKS_PER_SECOND).unwrap_or(i64::MAX);
        let nanoseconds = u32::try_from(ticks % FILETIME_TICKS_PER_SECOND * 100).unwrap_or(0);
        Self::from_unix(seconds - FILETIME_TO_UNIX_SECONDS, nanoseconds, 7)
    }

    /// From seconds since 1970 and the nanoseconds after them, with `digits` (0 to 9) to show.
    #[must_use]
    pub fn from_unix(seconds: i64, nanoseconds: u32, digits: u8) -> Self {
        let digits_plus_one = NonZeroU8::MIN.saturating_add(digits.min(9));
        Self { seconds, nanoseconds: nanoseconds.min(999_999_999), digits_plus_one }
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn unix_seconds(&self) -> i64 {
        self.seconds
    }

    /// The nanoseconds after [`Self::unix_seconds`], 0 to 999,999,999.
    #[must_use]
    pub const fn subsec_nanoseconds(&self) -> u32 {
        self.nanoseconds
    }

    /// The number of fractional digits that the source gave, 0 to 9.
    #[must_use]
    pub const fn digits(&self) -> u8 {
        self.digits_plus_one.get() - 1
    }

    /// Returns whether two times are equal, as far as both are written: some dialects cut times, some round them.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let unit = 10_i128.pow(u32::from(9 - self.digits().min(other.digits()).min(9)));
        let nanoseconds =
            |time: &Self| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds);
        (nanoseconds(self) - nanoseconds(other)).abs() < unit
    }

    /// Reads RFC 3339 and its relatives: `T` or a blank between date and time, up to nine fractional digits, and
    /// `Z`, an offset, or nothing (taken as UTC). More than nine digits, and text around it, are no time.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.trim().as_bytes();
        let mut reader = Digits { bytes, at: 0 };
        let mut year = reader.number(4)?;
        // Windows can write years up to 30828.
        if let Some(digit) = reader.literal(b"0123456789") {
            year = year * 10 + i64::from(digit - b'0');
        }
        reader.literal(b"-")?;
        let month = reader.number(2)?;
        reader.literal(b"-")?;
        let day = reader.number(2)?;
        reader.literal(b"Tt ")?;
        let hour = reader.number(2)?;
        reader.literal(b":")?;
        let minute = reader.number(2)?;
        reader.literal(b":")?;
        let second = reader.number(2)?;
        let month_valid = (1..=12).contains(&month);
        if !month_valid
            || day < 1
            || day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 60
        {
            return None;
        }
        let (nanoseconds, digits) = if reader.literal(b".,").is_some() { reader.fraction()? } else { (0, 0) };
        let offset = reader.offset_seconds()?;
        let seconds =
            days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        Some(Self::from_unix(seconds - offset, nanoseconds, digits))
    }

    /// The calendar date in UTC: year, month 1 to 12, day 1 to 31.
    #[must_use]
    pub fn date(&self) -> (i64, u8, u8) {
        civil_from_days(self.seconds.div_euclid(SECONDS_PER_DAY))
    }

    /// `2026-03-01`, the date alone.
    #[must_use]
    pub fn date_text(&self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `13:37:00`, the time of day to the second.
    #[must_use]
    pub fn clock_text(&self) -> String {
        let of_day = self.seconds.rem_euclid(SECONDS_PER_DAY);
        format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
    }

    /// `13:37:00.123`, the time of day to the millisecond.
    #[must_use]
    pub fn clock_millis_text(&self) -> String {
        format!("{}.{:03}", self.clock_text(), self.nanoseconds / 1_000_000)
    }
}

/// RFC 3339 in UTC with the source's own number of digits: `2026-03-01T13:37:00.1234567Z`. Years after 9999 have
/// five digits.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T{}", self.date_text(), self.clock_text())?;
        if self.digits() > 0 {
            let fraction = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", fraction.get(..usize::from(self.digits())).unwrap_or(&fraction))?;
        }
        f.write_str("Z")
    }
}

struct Digits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Digits<'_> {
    fn number(&mut self, width: usize) -> Option<i64> {
        let digits = self.bytes.get(self.at..self.at + width)?;
        self.at += width;
        digits
            .iter()
            .try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    }

    fn literal(&mut self, any_of: &[u8]) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        any_of.contains(&byte).then(|| {
            self.at += 1;
            byte
        })
    }

    fn fraction(&mut self) -> Option<(u32, u8)> {
        let mut value = 0_u32;
        let mut digits = 0_u8;
        while let Some(byte) = self.bytes.get(self.at).filter(|byte| byte.is_ascii_digit()) {
            if digits == 9 {
                return None;
            }
            value = value * 10 + u32::from(byte - b'0');
            digits += 1;
            self.at += 1;
        }
        (digits > 0).then(|| (value * 10_u32.pow(u32::from(9 - digits)), digits))
    }

    fn offset_seconds(&mut self) -> Option<i64> {
        let Some(sign) = self.literal(b"Zz+-") else {
            return (self.at == self.bytes.len()).then_some(0);
        };
        let offset = if matches!(sign, b'Z' | b'z') {
            0
        } else {
            let hours = self.number(2)?;
            let _ = self.literal(b":");
            let minutes = self.number(2)?;
            (hours * 3600 + minutes * 60) * if sign == b'-' { -1 } else { 1 }
        };
        (self.at == self.bytes.len()).then_some(offset)
    }
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, in the proleptic Gregorian calendar.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u8::try_from(month).unwrap_or(0), u8::try_from(day).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn filetimes_keep_seven_digits_over_their_whole_range() {
        for (ticks, expected) in [
            (0, "1601-01-01T00:00:00.0000000Z"),
            (116_444_736_000_000_001, "1970-01-01T00:00:00.0000001Z"),
            (132_000_480_000_000_000, "2019-04-18T08:00:00.0000000Z"),
            (u64::MAX / 2, "30828-09-14T02:48:05.4775807Z"),
        ] {
            assert_eq!(Timestamp::from_filetime(ticks).to_string(), expected);
        }
    }

    #[test]
    fn times_are_read_with_their_digits() {
        for (text, expected) in [
            ("2019-04-18 16:55:37.014", "2019-04-18T16:55:37.014Z"),
            ("2019-04-18T16:55:37.0141890Z", "2019-04-18T16:55:37.0141890Z"),
            ("2021-10-24T17:05:38.412320000Z", "2021-10-24T17:05:38.412320000Z"),
            ("2024-02-29T23:59:59+02:00", "2024-02-29T21:59:59Z"),
            ("2024-01-01T00:30:00.5-0130", "2024-01-01T02:00:00.5Z"),
        ] {
            assert_eq!(
                Timestamp::parse(text).map(|time| time.to_string()).as_deref(),
                Some(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "-",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00.1234567891Z",
            "2024-01-01T00:00:00Zx",
            "2024-01-01T00:00:00+0a:00",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(seconds in -62_135_596_800_i64..253_402_300_800, nanoseconds in 0_u32..1_000_000_000) {
            let time = Timestamp::from_unix(seconds, nanoseconds, 9);
            prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }
}
