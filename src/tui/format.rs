//! Numbers, sizes, ages and times as the screen writes them.

use crate::model::time::Timestamp;

/// `2026-03-10 08:00:00 to 08:25:00`; an end that is open is named so.
#[must_use]
pub fn range_text(from: i64, to: i64) -> String {
    let at = |seconds| Timestamp::from_unix(seconds, 0, 0);
    let day_and_time = |seconds| format!("{} {}", at(seconds).date_text(), at(seconds).clock_text());
    match (from, to) {
        (i64::MIN, i64::MAX) => "all times".to_owned(),
        (i64::MIN, to) => format!("before {}", day_and_time(to)),
        (from, i64::MAX) => format!("from {}", day_and_time(from)),
        (from, to) if at(from).date() == at(to).date() => {
            format!("{} to {}", day_and_time(from), at(to).clock_text())
        }
        (from, to) => format!("{} to {}", day_and_time(from), day_and_time(to)),
    }
}

/// `12,345`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things in memory.
#[must_use]
pub fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// `395 MB`, in powers of a thousand.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..=999 => format!("{bytes} B"),
        1_000..=999_999 => format!("{} kB", bytes / 1_000),
        1_000_000..=9_999_999 => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        10_000_000..=999_999_999 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

/// `24h`, `7d`, `90s`.
#[must_use]
pub fn age(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length));
    unit.map_or_else(|| format!("{seconds}s"), |(length, name)| format!("{}{name}", seconds / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_use_their_largest_unit() {
        assert_eq!([90, 1_800, 86_400, 7 * 86_400, 5_400].map(age), ["90s", "30m", "1d", "7d", "90m"]);
    }

    #[test]
    fn figures_are_easy_to_read() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [5, 64_000, 1_150_000, 395_000_000, 2_300_000_000].map(size),
            ["5 B", "64 kB", "1.1 MB", "395 MB", "2.3 GB"]
        );
    }
}
