//! Statistics of a scan: one JSON object with the outcome of every record.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::model::fault::Tally;

/// Counts of a scan: read, found and unreadable. `records` is always `sysmon` and all of `skipped`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Bytes of the sources.
    pub bytes: u64,
    /// All records.
    pub records: u64,
    /// Sysmon events of any Event ID.
    pub sysmon: u64,
    /// Events that a clause of the search selected.
    pub selected: u64,
    /// Rows at or above the wanted score.
    pub alerts: u64,
    /// Records that gave no Sysmon event, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Things that could not be read as they should be.
    pub errors: u64,
    /// Time from start to end.
    pub elapsed_ms: u64,
    /// Peak memory of the process, where the system reports it.
    pub peak_rss_bytes: Option<u64>,
    /// Activity that the logs could not have shown, a sentence or two each.
    pub coverage: Vec<String>,
}

impl Stats {
    /// The account of a finished scan; asks the system for the memory.
    #[must_use]
    pub fn new(
        tally: &Tally,
        selected: u64,
        alerts: u64,
        errors: u64,
        elapsed: Duration,
        coverage: Vec<String>,
    ) -> Self {
        Self {
            bytes: tally.bytes,
            records: tally.records(),
            sysmon: tally.sysmon,
            selected,
            alerts,
            skipped: tally.skipped.iter().map(|(reason, count)| (reason.key(), *count)).collect(),
            errors,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            peak_rss_bytes: peak_rss_bytes(),
            coverage,
        }
    }

    /// Writes it as one line.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = Vec::new();
        super::json::to_json(&mut line, self)?;
        line.push(b'\n');
        out.write_all(&line)
    }
}

/// Returns the peak memory of this process so far. `None` where the system has no `/proc`.
#[must_use]
pub fn peak_rss_bytes() -> Option<u64> {
    if cfg!(target_os = "linux") {
        high_water_mark(&std::fs::read_to_string("/proc/self/status").ok()?)
    } else {
        None
    }
}

fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::fault::SkipReason;

    #[test]
    fn every_record_is_accounted_for_in_the_contract_s_order() {
        let mut tally = Tally { bytes: 69_632, ..Tally::default() };
        for event_code in [1, 3, 3, 255] {
            tally.count_sysmon(event_code);
        }
        tally.skip(SkipReason::OtherProvider, 7);
        tally.skip(SkipReason::Damaged, 2);
        let mut stats = Stats::new(&tally, 3, 1, 2, Duration::from_millis(1234), vec!["blind".to_owned()]);
        assert_eq!(stats.records, stats.sysmon + stats.skipped.values().sum::<u64>());
        stats.peak_rss_bytes = None;
        let mut line = Vec::new();
        stats.write(&mut line).unwrap();
        assert_eq!(
            String::from_utf8(line).unwrap(),
            concat!(
                r#"{"bytes":69632,"records":13,"sysmon":4,"selected":3,"alerts":1,"#,
                r#""skipped":{"damaged":2,"other_provider":7},"errors":2,"elapsed_ms":1234,"peak_rss_bytes":null,"#,
                r#""coverage":["blind"]}"#,
                "\n"
            )
        );
    }

    #[test]
    fn an_empty_scan_has_an_account_too() {
        let stats = Stats::new(&Tally::default(), 0, 0, 0, Duration::ZERO, Vec::new());
        assert_eq!(stats.records, 0);
        assert!(stats.skipped.is_empty());
        assert_eq!(stats.peak_rss_bytes.is_some(), cfg!(target_os = "linux"));
    }

    #[test]
    fn the_memory_is_read_off_the_status_file() {
        assert_eq!(
            high_water_mark("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t    5248 kB\nVmRSS:\t 1 kB\n"),
            Some(5_373_952)
        );
        assert_eq!(high_water_mark("VmRSS:\t 1 kB\n"), None);
        assert_eq!(high_water_mark("VmHWM:\t many kB\n"), None);
    }
}
