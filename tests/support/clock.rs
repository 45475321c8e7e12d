//! Moments as Windows counts them, and the two ways in which Sysmon's logs write them.

use std::ops::Add;

const TICKS_PER_MILLISECOND: u64 = 10_000;
const TICKS_PER_SECOND: u64 = 10_000_000;
const SECONDS_PER_DAY: u64 = 86_400;
/// Seconds from 1601-01-01 to 1970-01-01.
const UNIX_EPOCH: u64 = 11_644_473_600;

/// A moment: 100 ns ticks since 1601-01-01, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(pub u64);

/// Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Millis(pub u64);

impl Add<Millis> for Ticks {
    type Output = Self;
    fn add(self, rhs: Millis) -> Self {
        Self(self.0 + rhs.0 * TICKS_PER_MILLISECOND)
    }
}

impl Ticks {
    /// A day and a time of day: `at((2026, 3, 10), "09:14:02.5510000")`; the fraction is optional, with up to seven
    /// digits.
    pub fn at((year, month, day): (u64, u64, u64), time_of_day: &str) -> Self {
        let (clock, fraction) = time_of_day.split_once('.').unwrap_or((time_of_day, "0"));
        let mut parts = clock.split(':').map(|part| part.parse::<u64>().expect("a number"));
        let mut next = || parts.next().expect("HH:MM:SS");
        let seconds = next() * 3600 + next() * 60 + next();
        let fraction = format!("{fraction:0<7}").parse::<u64>().expect("a fraction");
        Self((days_from_1601(year, month, day) * SECONDS_PER_DAY + seconds) * TICKS_PER_SECOND + fraction)
    }

    /// Seconds since 1970, which Sysmon puts into its ProcessGuids; 0 before 1970.
    pub fn unix_seconds(self) -> u64 {
        (self.0 / TICKS_PER_SECOND).saturating_sub(UNIX_EPOCH)
    }

    /// `2026-03-10 09:14:02.551`: Sysmon's UtcTime.
    pub fn utc_time(self) -> String {
        let (date, clock, ticks) = self.parts();
        format!("{date} {clock}.{:03}", ticks / TICKS_PER_MILLISECOND)
    }

    /// `2026-03-10T09:14:02.5510000Z`: System/TimeCreated/@SystemTime.
    pub fn system_time(self) -> String {
        let (date, clock, ticks) = self.parts();
        format!("{date}T{clock}.{ticks:07}Z")
    }

    fn parts(self) -> (String, String, u64) {
        let seconds = self.0 / TICKS_PER_SECOND;
        let (year, month, day) = date_of(seconds / SECONDS_PER_DAY);
        let of_day = seconds % SECONDS_PER_DAY;
        (
            format!("{year:04}-{month:02}-{day:02}"),
            format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60),
            self.0 % TICKS_PER_SECOND,
        )
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_before_year(year: u64) -> u64 {
    let past = year - 1601;
    past * 365 + past / 4 - past / 100 + past / 400
}

fn days_from_1601(year: u64, month: u64, day: u64) -> u64 {
    days_before_year(year) + (1..month).map(|month| days_of_month(year, month)).sum::<u64>() + day - 1
}

fn date_of(days: u64) -> (u64, u64, u64) {
    // No year is shorter than 365 days: the estimate is never too small.
    let mut year = 1601 + days / 365;
    while days_before_year(year) > days {
        year -= 1;
    }
    let mut day = days - days_before_year(year);
    let mut month = 1;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    (year, month, day + 1)
}
