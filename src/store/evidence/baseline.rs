//! Who pushed where until now: rows of a file that was made of earlier logs, by which a short log is judged.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};

use hashbrown::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

use crate::detect::profile::Profile;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::evidence::table::ActivityTable;

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;
/// The longest row that is read, in bytes.
const MAX_ROW: u64 = 64 << 10;
/// Maximum of rows: a million hosts' owners.
const MAX_ROWS: usize = 4_000_000;

/// A row of a baseline: a host, a user and an owner, with the days on which it pushed. A row without an owner says that
/// the host was in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
pub struct BaselineRow {
    /// The host's name.
    pub host: String,
    /// The account.
    pub user: Option<String>,
    /// `github.com/owner`.
    pub owner: Option<String>,
    /// The first day, `2026-03-20`.
    pub first: String,
    /// The last day.
    pub last: String,
    /// Days on which it pushed.
    pub days: u64,
    /// Pushes and uploads.
    pub pushes: u64,
}

/// A baseline.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    /// By owner, host and user: the first and last day and the count of days.
    pushes: HashMap<(String, String, String), Span>,
    /// By owner: the first day, and the hosts.
    owners: HashMap<String, (i64, HashSet<String>)>,
    accounts: HashMap<(String, String), i64>,
    hosts: HashMap<String, i64>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    first: i64,
    last: i64,
    days: u64,
}

impl Baseline {
    /// Reads the rows of a file, several concatenated ones too. An empty line is skipped.
    ///
    /// # Errors
    ///
    /// Names the line that is no row of a baseline, and why.
    pub fn read(mut input: impl BufRead) -> io::Result<Self> {
        let mut baseline = Self::default();
        let mut line = Vec::new();
        for number in 1..=MAX_ROWS {
            line.clear();
            if (&mut input).take(MAX_ROW).read_until(b'\n', &mut line)? == 0 {
                return Ok(baseline);
            }
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let fault =
                |why: String| io::Error::new(io::ErrorKind::InvalidData, format!("line {number}: {why}"));
            let row: BaselineRow = serde_json::from_slice(text).map_err(|error| fault(error.to_string()))?;
            let day =
                |text: &str| day_of(text).ok_or_else(|| fault("a day is written 2026-03-20".to_owned()));
            let (first, last) = (day(&row.first)?, day(&row.last)?);
            baseline.add(&row, first, last);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, format!("more than {MAX_ROWS} rows")))
    }

    fn add(&mut self, row: &BaselineRow, first: i64, last: i64) {
        let keep_first = |slot: &mut i64| *slot = (*slot).min(first);
        let host = row.host.to_lowercase();
        keep_first(self.hosts.entry(host.clone()).or_insert(first));
        let Some(owner) = row.owner.as_ref().map(|owner| owner.to_lowercase()) else {
            if row.pushes > 0 {
                let user = row.user.as_deref().unwrap_or("").to_lowercase();
                keep_first(self.accounts.entry((host, user)).or_insert(first));
            }
            return;
        };
        let user = row.user.as_deref().unwrap_or("").to_lowercase();
        let (of_owner, hosts) = self.owners.entry(owner.clone()).or_insert((first, HashSet::new()));
        keep_first(of_owner);
        hosts.insert(host.clone());
        keep_first(self.accounts.entry((host.clone(), user.clone())).or_insert(first));
        let span = self.pushes.entry((owner, host, user)).or_insert(Span { first, last, days: 0 });
        span.first = span.first.min(first);
        span.last = span.last.max(last);
        span.days += row.days;
    }

    /// Returns true where an owner was pushed to before a day.
    pub(super) fn knows_owner(&self, owner: &str, day: i64) -> bool {
        self.owners.get(owner).is_some_and(|(first, _)| *first < day)
    }

    /// Returns the hosts that pushed to an owner.
    pub(super) fn hosts_of(&self, owner: &str) -> impl Iterator<Item = &str> {
        self.owners.get(owner).into_iter().flat_map(|(_, hosts)| hosts.iter().map(String::as_str))
    }

    /// Returns the count of days before one on which a host and user pushed to an owner.
    pub(super) fn days(&self, owner: &str, host: &str, user: &str, day: i64) -> usize {
        if self.pushes.is_empty() {
            return 0;
        }
        let key = (owner.to_owned(), host.to_owned(), user.to_owned());
        let Some(span) = self.pushes.get(&key).filter(|span| span.first < day) else { return 0 };
        let days = if span.last < day { span.days } else { span.days.saturating_sub(1).max(1) };
        usize::try_from(days).unwrap_or(usize::MAX)
    }

    /// Returns true where a host and user pushed anything before a day.
    pub(super) fn has_pushed(&self, host: &str, user: &str, day: i64) -> bool {
        let key = (host.to_owned(), user.to_owned());
        !self.accounts.is_empty() && self.accounts.get(&key).is_some_and(|first| *first < day)
    }

    /// Returns the first second of the first day of a host.
    pub(super) fn first_of_host(&self, host: &str) -> Option<i64> {
        self.hosts.get(host).map(|day| day * DAY)
    }
}

/// Writes rows, an object a line, in their order.
///
/// # Errors
///
/// Fails as the target does.
pub fn write_rows(out: &mut impl Write, rows: &[BaselineRow]) -> io::Result<()> {
    for row in rows {
        serde_json::to_writer(&mut *out, row)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

impl Store {
    /// Returns the rows of a baseline of all that was weighed: of each host, when it was in the log, and of each host, user
    /// and owner, when it pushed.
    #[must_use]
    pub fn baseline_rows(&self, profile: Profile) -> Vec<BaselineRow> {
        let mut rows: BTreeMap<(String, Option<String>, Option<String>), Vec<Timestamp>> = BTreeMap::new();
        for activity in self.activities_of(profile).map_or(&[][..], ActivityTable::all) {
            let Some((time, _)) = activity.span.filter(|_| activity.is_sent) else { continue };
            let first = activity.findings.first().and_then(|id| self.event(self.finding(*id)?.event));
            let host = first.and_then(|event| self.host_name(event.host?)).unwrap_or("").to_owned();
            let user = activity.user.map(|user| self.text(user).to_owned());
            rows.entry((host, user, activity.owner.clone())).or_default().push(time);
        }
        let pushes = rows.into_iter().filter_map(|((host, user, owner), mut times)| {
            times.sort_unstable();
            let mut days: Vec<String> = times.iter().map(|time| day_text(*time)).collect();
            days.dedup();
            Some(BaselineRow {
                host,
                user,
                owner,
                first: days.first()?.clone(),
                last: days.last()?.clone(),
                days: u64::try_from(days.len()).unwrap_or(u64::MAX),
                pushes: u64::try_from(times.len()).unwrap_or(u64::MAX),
            })
        });
        let hosts = self.host_spans().map(|(host, (first, last))| BaselineRow {
            host: host.to_owned(),
            user: None,
            owner: None,
            first: day_text(first),
            last: day_text(last),
            days: 0,
            pushes: 0,
        });
        let mut rows: Vec<BaselineRow> = hosts.chain(pushes).collect();
        rows.sort_unstable();
        rows
    }
}

/// Returns the days since 1970 of `2026-03-20`.
fn day_of(text: &str) -> Option<i64> {
    let time = Timestamp::parse(&format!("{text}T00:00:00Z"))?;
    Some(time.unix_seconds().div_euclid(DAY))
}

/// Returns the day of a time as `2026-03-20`.
pub(super) fn day_text(time: Timestamp) -> String {
    let text = time.to_string();
    text.get(..10).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = r#"{"host":"WS-1","user":"CORP\\a","owner":"github.com/Acme","first":"2026-03-01","last":"2026-03-03","days":3,"pushes":7}

{"host":"ws-2","user":null,"owner":null,"first":"2026-02-01","last":"2026-03-03","days":0,"pushes":0}
"#;

    #[test]
    fn baseline_knows_what_was_before() {
        let baseline = Baseline::read(ROWS.repeat(2).as_bytes()).unwrap();
        let day = day_of("2026-03-02").unwrap();
        assert!(baseline.knows_owner("github.com/acme", day));
        assert!(!baseline.knows_owner("github.com/acme", day - 1), "not on its first day");
        assert_eq!(baseline.days("github.com/acme", "ws-1", r"corp\a", day + 5), 6, "two files add up");
        assert!(baseline.has_pushed("ws-1", r"corp\a", day) && !baseline.has_pushed("ws-2", "", day));
        assert_eq!(baseline.first_of_host("ws-2"), day_of("2026-02-01").map(|day| day * 86_400));
        assert_eq!(baseline.hosts_of("github.com/acme").collect::<Vec<_>>(), ["ws-1"]);
    }

    #[test]
    fn rows_are_read_as_written() {
        let baseline: Vec<BaselineRow> = ROWS
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let mut out = Vec::new();
        write_rows(&mut out, &baseline).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), ROWS.replace("\n\n", "\n"));
    }

    #[test]
    fn wrong_row_is_named() {
        for (text, expected) in [
            ("{\"host\":\"a\"}", "line 1: missing field"),
            ("\nx", "line 2: expected value"),
            (&*ROWS.replace("2026-03-01", "March"), "line 1: a day is written"),
            (&*ROWS.replace("pushes", "push"), "line 1: unknown field"),
        ] {
            let error = Baseline::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
