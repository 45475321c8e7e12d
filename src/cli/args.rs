//! The options and commands.

#[path = "tests_args.rs"]
mod tests_args;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::detect::profile::Profile;
use crate::export::Format;
use crate::rule::Engine;
use crate::source::InputFormat;
use crate::store::HostNaming;
use crate::store::keep::Keep;

pub(super) use tests_args::{Tests, WalkFormatName};

/// Is somebody carrying data out through a code repository? (MITRE ATT&CK T1567.001)
///
/// Reads Sysmon events from Windows event logs, runs one detection over them, ranks the alerts, and shows why each
/// fired, its parent process and the way up the tree.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Files and folders (read recursively): .evtx, or XML, JSON and CSV of Sysmon events, also packed; `-` for standard
    /// input
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// This host's own Sysmon channel, live (Windows)
    #[arg(long, conflicts_with = "paths")]
    pub live: bool,
    /// --live: how far back to begin, as 30m, 24h or 7d, instead of where the last run stopped
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    pub since: Option<Duration>,
    /// --live: another channel, such as ForwardedEvents
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// Go on reading as the files grow, through rotation; a path that is not there yet is waited for
    #[arg(long, conflicts_with = "live", requires = "paths")]
    pub follow: bool,
    #[command(flatten)]
    pub case: CaseOption,
    #[command(flatten)]
    pub common: Common,
}

/// Where the console keeps verdicts.
#[derive(Debug, Args)]
pub(super) struct CaseOption {
    /// The case file of verdicts and notes; made by the first one [default: case.ndjson beside the configuration]
    #[arg(long, value_name = "FILE")]
    pub case: Option<PathBuf>,
}

/// `90s`, `30m`, `24h` or `7d`.
fn parse_age(text: &str) -> Result<Duration, String> {
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(number.len()..).unwrap_or("");
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("an age is a number and s, m, h or d, such as 24h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "an age begins with a number, such as 24h".to_owned())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "that is too long ago".to_owned())
}

/// `200000`, `500MB` or `24h`.
fn parse_keep(text: &str) -> Result<Keep, String> {
    const SHAPES: &str = "a number of events (200000), a size (64MB, 2GB) or an age (30m, 24h, 7d)";
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(number.len()..).unwrap_or("").to_ascii_lowercase();
    let count = || number.parse::<usize>().map_err(|_| format!("what to keep is {SHAPES}"));
    let bytes = |factor: usize| count()?.checked_mul(factor).ok_or_else(|| "that is too much".to_owned());
    let keep = match unit.as_str() {
        "" => Keep::Events(count()?),
        "kb" => Keep::Bytes(bytes(1_000)?),
        "mb" => Keep::Bytes(bytes(1_000_000)?),
        "gb" => Keep::Bytes(bytes(1_000_000_000)?),
        "s" | "m" | "h" | "d" => Keep::Age(parse_age(text)?),
        _ => return Err(format!("what to keep is {SHAPES}")),
    };
    match keep {
        Keep::Events(0..1_000) => Err("fewer than 1000 events are too few to see anything by".to_owned()),
        Keep::Bytes(0..8_000_000) => Err("less than 8MB is too little to see anything by".to_owned()),
        keep => Ok(keep),
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// No screen: alerts to standard output
    ///
    /// Exit status: 0 no alert, 1 alerts, 2 usage or nothing could be read at all, 3 read in part (alerts are still
    /// printed, each unreadable part is named on standard error).
    Scan(Scan),
    /// The tests of the detection, step by step: seen, detected, or why not
    ///
    /// Exit status: 0 every test that left a trace was detected, 1 one was not, 2 usage or nothing could be read at all,
    /// 3 read in part.
    Tests(Box<Tests>),
    /// The console on rows that `scan` wrote, from many hosts
    ///
    /// `ssh HOST exfilscope scan ... > HOST.ndjson` on each host, then `exfilscope merge *.ndjson`.
    Merge(Merge),
    /// The tuned detection for another engine, or patterns out of a Splunk search
    #[command(subcommand)]
    Rule(RuleCommand),
}

#[derive(Debug, Args)]
pub(super) struct Merge {
    /// Files of `scan --format ndjson`, and folders of them (.ndjson, .jsonl, .json); `-` for standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub case: CaseOption,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Subcommand)]
pub(super) enum RuleCommand {
    /// The detection with the patterns in force, to standard output
    Export(RuleExport),
    /// The two patterns of a Splunk search, as they stand in the configuration, to standard output
    Import {
        /// The file with the search; `-` for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct RuleExport {
    /// The engine
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub to: EngineName,
    /// clickhouse: the table, with the columns of the rows
    #[arg(long, value_name = "NAME", default_value = "sysmon")]
    pub table: String,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum EngineName {
    /// Splunk
    Spl,
    /// A Sigma rule
    Sigma,
    /// Microsoft Sentinel
    Kql,
    /// Elasticsearch
    Esql,
    /// ClickHouse, over a flat table
    Clickhouse,
}

impl From<EngineName> for Engine {
    fn from(name: EngineName) -> Self {
        match name {
            EngineName::Spl => Self::Spl,
            EngineName::Sigma => Self::Sigma,
            EngineName::Kql => Self::Kql,
            EngineName::Esql => Self::Esql,
            EngineName::Clickhouse => Self::Clickhouse,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct Scan {
    /// Files and folders (read recursively): .evtx, or XML, JSON and CSV of Sysmon events, also packed; `-` for standard
    /// input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub common: Common,
    /// How rows are written [default: table on a terminal, ndjson in a pipe]
    #[arg(long, value_enum)]
    pub format: Option<FormatName>,
    /// Write the rows to a file, whole or not at all
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// --output: over another file that is there, but never over what is read
    #[arg(long, requires = "output")]
    pub force: bool,
    /// One JSON object with the account of all records on standard error at the end
    #[arg(long)]
    pub stats: bool,
}

#[derive(Debug, Default, Args)]
pub(super) struct Common {
    /// How the search is read [default: correlated]
    #[arg(long, value_enum)]
    pub profile: Option<ProfileName>,
    /// The pattern of hosts that are CI systems, over the configuration's
    #[arg(long, value_name = "REGEX")]
    pub ci_host: Option<String>,
    /// The pattern of parents that are development environments, over the configuration's
    #[arg(long, value_name = "REGEX")]
    pub ide_parent: Option<String>,
    /// What `host` is: the computer's name as written, or its first label [default: computer]
    #[arg(long, value_enum)]
    pub host: Option<HostName>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The theme of the console
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
    /// Threads that read [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// The least score of an alert, 0 to 3; with 0, what was selected but suppressed is shown too [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=3))]
    pub min_score: Option<u8>,
    /// Show tokens and passwords instead of masking them
    #[arg(long)]
    pub reveal_secrets: bool,
    /// Count an event every time it is met; without this, the same host, record number, time and content count once
    #[arg(long)]
    pub keep_duplicates: bool,
    /// Take all inputs for this, instead of telling each by its content
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub input_format: Option<InputFormatName>,
    /// Keep only the last N events, as many as fit into a size (500MB), or those of an age (24h); alerts and their
    /// ancestors stay
    #[arg(long, value_name = "N|SIZE|AGE", value_parser = parse_keep)]
    pub keep: Option<Keep>,
    /// Draw with letters only, for terminals without line characters
    #[arg(long)]
    pub ascii: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ProfileName {
    /// The Splunk search to the letter, its surprises included
    Spl,
    /// What the search set out to do: parents and DNS names joined
    Correlated,
    /// The same, and what the search misses: pushes without a URL, encoded scripts, other hosts
    Hunt,
}

impl From<ProfileName> for Profile {
    fn from(name: ProfileName) -> Self {
        match name {
            ProfileName::Spl => Self::Spl,
            ProfileName::Correlated => Self::Correlated,
            ProfileName::Hunt => Self::Hunt,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum HostName {
    /// The computer's name as written
    Computer,
    /// Its first label, as a forwarder names it
    Short,
}

impl From<HostName> for HostNaming {
    fn from(name: HostName) -> Self {
        match name {
            HostName::Computer => Self::Computer,
            HostName::Short => Self::Short,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum InputFormatName {
    /// Windows event logs
    Evtx,
    /// Windows' XML of events, as wevtutil, Event Viewer and Splunk write it
    Xml,
    /// JSON, one value a line or over several lines
    Json,
    /// A table with a line of names
    Csv,
}

impl From<InputFormatName> for InputFormat {
    fn from(name: InputFormatName) -> Self {
        match name {
            InputFormatName::Evtx => Self::Evtx,
            InputFormatName::Xml => Self::Xml,
            InputFormatName::Json => Self::Json,
            InputFormatName::Csv => Self::Csv,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FormatName {
    /// Aligned columns for a terminal
    Table,
    /// A JSON object a line
    Ndjson,
    /// One JSON array
    Json,
    /// Comma-separated values, safe for spreadsheets
    Csv,
    /// A table and a list for a ticket
    Markdown,
    /// SARIF 2.1.0
    Sarif,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Table => Self::Table,
            FormatName::Ndjson => Self::Ndjson,
            FormatName::Json => Self::Json,
            FormatName::Csv => Self::Csv,
            FormatName::Markdown => Self::Markdown,
            FormatName::Sarif => Self::Sarif,
        }
    }
}
