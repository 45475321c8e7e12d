//! The options of `tests`. Its `--host` is the host to look at, not what `host` is, so that it takes the other common
//! options one by one.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Common, DetectionOptions, ReadingOptions, SecretOptions, ShownOptions};
use crate::model::time::Timestamp;

#[derive(Debug, Args)]
pub(in crate::cli) struct Tests {
    /// Files and folders (read recursively): logs of Sysmon, PowerShell and Security as .evtx, XML, JSON or CSV, also
    /// packed; `-` for standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Look at this host alone: its name as written, or its first label
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Look at what ran from then on, as 2026-03-11T09:00 (UTC), or as much of it from the left as you know
    #[arg(long, value_name = "TIME", value_parser = parse_from)]
    pub from: Option<Timestamp>,
    /// Look at what ran until then, the minute, hour or day included
    #[arg(long, value_name = "TIME", value_parser = parse_to)]
    pub to: Option<Timestamp>,
    /// A test of your own, beside the four that are built in; may be given several times
    #[arg(long, value_name = "FILE")]
    pub test: Vec<PathBuf>,
    /// How it is written [default: table on a terminal, ndjson in a pipe]
    #[arg(long, value_enum)]
    pub format: Option<WalkFormatName>,
    #[command(flatten)]
    pub detection: DetectionOptions,
    #[command(flatten)]
    pub reading: ReadingOptions,
    #[command(flatten)]
    pub shown: ShownOptions,
    #[command(flatten)]
    pub secrets: SecretOptions,
}

impl Tests {
    /// The options that it shares with the other commands.
    pub(in crate::cli) fn common(&self) -> Common {
        Common {
            detection: self.detection.clone(),
            reading: self.reading.clone(),
            shown: self.shown.clone(),
            secrets: self.secrets.clone(),
            ..Common::default()
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(in crate::cli) enum WalkFormatName {
    /// Tests, runs and steps for a terminal
    Table,
    /// A JSON object a line: one for each step, and one for each run's verdict
    Ndjson,
    /// A table and a section for each test, for a ticket
    Markdown,
}

fn parse_from(text: &str) -> Result<Timestamp, String> {
    parse_time(text, ["", ":00", ":00:00", "T00:00:00"])
}

fn parse_to(text: &str) -> Result<Timestamp, String> {
    parse_time(text, ["", ":59.999999999", ":59:59.999999999", "T23:59:59.999999999"])
}

/// Parses a time, or the beginning of one, completed by the first of the rests that fits.
fn parse_time(text: &str, rests: [&str; 4]) -> Result<Timestamp, String> {
    let known = rests.iter().find_map(|rest| Timestamp::parse(&format!("{text}{rest}")));
    known.ok_or_else(|| "a time is 2026-03-11T09:00, or as much of it from the left as you know".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_of_a_time_is_its_beginning_or_its_end() {
        for (text, from, to) in [
            ("2026-03-11", "2026-03-11T00:00:00Z", "2026-03-11T23:59:59.999999999Z"),
            ("2026-03-11T09", "2026-03-11T09:00:00Z", "2026-03-11T09:59:59.999999999Z"),
            ("2026-03-11 09:12", "2026-03-11T09:12:00Z", "2026-03-11T09:12:59.999999999Z"),
            ("2026-03-11T09:12:05+01:00", "2026-03-11T08:12:05Z", "2026-03-11T08:12:05Z"),
        ] {
            assert_eq!(parse_from(text).unwrap().to_string(), from);
            assert_eq!(parse_to(text).unwrap().to_string(), to);
        }
        for text in ["", "noon", "2026", "2026-13-01", "09:12"] {
            assert!(parse_from(text).is_err(), "{text}");
        }
    }
}
