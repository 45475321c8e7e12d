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
use crate::store::compaction::Retention;

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
    /// All of this host's logs as files, where the Event Log service is down or denies access (Windows)
    #[arg(long, conflicts_with_all = ["paths", "live", "follow"])]
    pub local: bool,
    /// --live: how far back to begin, as 30m, 24h or 7d, instead of at the oldest record
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

impl Arguments {
    /// Returns whether secrets are shown.
    pub(super) fn reveals_secrets(&self) -> bool {
        let secrets = match &self.command {
            None => &self.common.secrets,
            Some(Command::Scan(scan)) => &scan.common.secrets,
            Some(Command::Tests(tests)) => &tests.secrets,
            Some(Command::Merge(merge)) => &merge.secrets,
            Some(Command::Baseline(_)) => return false,
            Some(Command::Rule(RuleCommand::Export(export))) => &export.secrets,
            Some(Command::Rule(RuleCommand::Import(import))) => &import.secrets,
        };
        secrets.reveal_secrets
    }

    /// Says which option the console would ignore as it is called, and what to use instead.
    pub(super) fn misplaced(&self, is_live: bool) -> Option<String> {
        let reading = &self.common.reading;
        let no_live = |option: &str, instead: &str| format!("{option} is for --live; {instead}");
        if !is_live && self.since.is_some() {
            return Some(no_live(
                "--since",
                "of files, show what is newer than a time with the filter /time>=2026-03-01",
            ));
        }
        if !is_live && self.channel.is_some() {
            return Some(no_live("--channel", "name the channel's file as a path"));
        }
        if is_live && reading.input_format.is_some() {
            return Some("--input-format is for files: a channel has one format; leave it out".to_owned());
        }
        let mode = if is_live { "--live" } else { "--follow" };
        if (is_live || self.follow) && reading.threads.is_some() {
            return Some(format!("--threads is for files that are read once, not for {mode}; leave it out"));
        }
        None
    }
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
fn parse_keep(text: &str) -> Result<Retention, String> {
    const SHAPES: &str = "a number of events (200000), a size (64MB, 2GB) or an age (30m, 24h, 7d)";
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.get(number.len()..).unwrap_or("").to_ascii_lowercase();
    let count = || number.parse::<usize>().map_err(|_| format!("what to keep is {SHAPES}"));
    let bytes = |factor: usize| count()?.checked_mul(factor).ok_or_else(|| "that is too much".to_owned());
    let keep = match unit.as_str() {
        "" => Retention::Events(count()?),
        "kb" => Retention::Bytes(bytes(1_000)?),
        "mb" => Retention::Bytes(bytes(1_000_000)?),
        "gb" => Retention::Bytes(bytes(1_000_000_000)?),
        "s" | "m" | "h" | "d" => Retention::Age(parse_age(text)?),
        _ => return Err(format!("what to keep is {SHAPES}")),
    };
    match keep {
        Retention::Events(0..1_000) => {
            Err("fewer than 1000 events are too few to see anything by".to_owned())
        }
        Retention::Bytes(0..8_000_000) => Err("less than 8MB is too little to see anything by".to_owned()),
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
    /// Who pushed where until now, as rows for --baseline, to standard output
    ///
    /// Files of several runs are merged by `cat`. Exit status: 0, 2 usage or nothing could be read at all, 3 read in part.
    Baseline(Box<BaselineCommand>),
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
    pub detection: DetectionOptions,
    #[command(flatten)]
    pub naming: NamingOptions,
    #[command(flatten)]
    pub shown: ShownOptions,
    #[command(flatten)]
    pub secrets: SecretOptions,
    #[command(flatten)]
    pub theme: ThemeOption,
}

impl Merge {
    /// The options that it shares with the other commands.
    pub(super) fn common(&self) -> Common {
        Common {
            detection: self.detection.clone(),
            naming: self.naming.clone(),
            shown: self.shown.clone(),
            secrets: self.secrets.clone(),
            theme: self.theme.clone(),
            ..Common::default()
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum RuleCommand {
    /// The detection with the patterns in force, to standard output
    Export(RuleExport),
    /// The two patterns of a Splunk search, as they stand in the configuration, to standard output, or into it
    Import(RuleImport),
}

#[derive(Debug, Args)]
pub(super) struct RuleImport {
    /// The file with the search; `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write the patterns into the configuration, whose comments and other keys stay, and show what that changes
    #[arg(long)]
    pub write: bool,
    /// --write: the configuration file
    #[arg(long, value_name = "FILE", requires = "write")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub secrets: SecretOptions,
}

#[derive(Debug, Args)]
pub(super) struct RuleExport {
    /// The engine
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub to: Engine,
    /// clickhouse: the table, with the columns of the rows
    #[arg(long, value_name = "NAME", default_value = "sysmon")]
    pub table: String,
    #[command(flatten)]
    pub detection: DetectionOptions,
    #[command(flatten)]
    pub secrets: SecretOptions,
}

impl RuleExport {
    /// The options that it shares with the other commands.
    pub(super) fn common(&self) -> Common {
        Common { detection: self.detection.clone(), secrets: self.secrets.clone(), ..Common::default() }
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
    /// The order of rows: score, evidence and time; evidence whatever the score; or score and time alone [default: score,
    /// evidence and time, and under spl score and time]
    #[arg(long, value_enum, value_name = "ORDER")]
    pub rank: Option<RankName>,
    /// One row an activity: its strongest, with the record numbers of all as Rows
    #[arg(long)]
    pub activities: bool,
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

/// The order of a scan's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RankName {
    /// Evidence, whatever the score.
    Evidence,
    /// Score and time alone.
    Time,
}

/// Writes who pushed where until now.
#[derive(Debug, Args)]
pub(super) struct BaselineCommand {
    /// Files and folders (read recursively) of earlier logs; `-` for standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Which pushes count [default: hunt, which sees the most]
    #[arg(long, value_enum)]
    pub profile: Option<ProfileName>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub naming: NamingOptions,
    #[command(flatten)]
    pub reading: ReadingOptions,
}

impl BaselineCommand {
    /// The options that it shares with the other commands.
    pub(super) fn common(&self) -> Common {
        let (profile, config) = (self.profile, self.config.clone());
        Common {
            detection: DetectionOptions { profile, config, ..DetectionOptions::default() },
            naming: self.naming.clone(),
            reading: self.reading.clone(),
            ..Common::default()
        }
    }
}

/// The options that the console and `scan` share. Each group is one that some other command takes alone: a command has the
/// options that it heeds, and no other.
#[derive(Debug, Default, Args)]
pub(super) struct Common {
    #[command(flatten)]
    pub detection: DetectionOptions,
    #[command(flatten)]
    pub naming: NamingOptions,
    #[command(flatten)]
    pub reading: ReadingOptions,
    #[command(flatten)]
    pub shown: ShownOptions,
    #[command(flatten)]
    pub secrets: SecretOptions,
    #[command(flatten)]
    pub theme: ThemeOption,
    /// Who pushed where before these logs: rows that `exfilscope baseline` wrote
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Keep only the last N events, as many as fit into a size (500MB), or those of an age (24h); alerts and their
    /// ancestors stay
    #[arg(long, value_name = "N|SIZE|AGE", value_parser = parse_keep)]
    pub keep: Option<Retention>,
}

/// What decides about an event.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct DetectionOptions {
    /// How the search is read [default: correlated]
    #[arg(long, value_enum)]
    pub profile: Option<ProfileName>,
    /// The pattern of hosts that are CI systems, over the configuration's
    #[arg(long, value_name = "REGEX")]
    pub ci_host: Option<String>,
    /// The pattern of parents that are development environments, over the configuration's
    #[arg(long, value_name = "REGEX")]
    pub ide_parent: Option<String>,
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What hosts are called, and when two events are one.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct NamingOptions {
    /// What `host` is: the computer's name as written, or its first label [default: computer]
    #[arg(long, value_enum)]
    pub host: Option<HostName>,
    /// Count an event every time it is met; without this, the same host, record number, time and content count once
    #[arg(long)]
    pub keep_duplicates: bool,
}

/// How logs are read.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ReadingOptions {
    /// Threads that read [default: one for each core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Take all inputs for this, instead of telling each by its content
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub input_format: Option<InputFormatName>,
}

/// What is shown, and with which letters.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ShownOptions {
    /// The least score of an alert, 0 to 3; with 0, what was selected but suppressed is shown too [default: 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=3))]
    pub min_score: Option<u8>,
    /// Draw with letters only, for terminals without line characters
    #[arg(long)]
    pub ascii: bool,
}

/// Whether secrets are shown.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct SecretOptions {
    /// Show tokens and passwords instead of masking them
    #[arg(long)]
    pub reveal_secrets: bool,
}

/// The theme.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ThemeOption {
    /// The theme of the console
    #[arg(long, value_name = "NAME")]
    pub theme: Option<String>,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Options that each command heeds. A new option is listed here on purpose, and nowhere else by accident: an option
    /// that a command does not heed is not one of its own.
    const HEEDED: [(&str, &str); 7] = [
        (
            "",
            "ascii baseline case channel ci-host config follow host ide-parent input-format keep keep-duplicates live local min-score \
             profile reveal-secrets since theme threads",
        ),
        (
            "scan",
            "activities ascii baseline ci-host config force format host ide-parent input-format keep keep-duplicates \
             min-score output profile rank reveal-secrets stats theme threads",
        ),
        (
            "tests",
            "ascii ci-host config format from host ide-parent input-format min-score profile reveal-secrets test threads \
             to",
        ),
        (
            "merge",
            "ascii case ci-host config host ide-parent keep-duplicates min-score profile reveal-secrets theme",
        ),
        ("baseline", "config host input-format keep-duplicates profile threads"),
        ("rule export", "ci-host config ide-parent profile reveal-secrets table to"),
        ("rule import", "config reveal-secrets write"),
    ];

    fn heeded(name: &str, command: &clap::Command, found: &mut Vec<(String, String)>) {
        let mut options: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        options.sort_unstable();
        if command.get_subcommands().next().is_none() || name.is_empty() {
            found.push((name.to_owned(), options.join(" ")));
        }
        for below in command.get_subcommands() {
            heeded(format!("{name} {}", below.get_name()).trim(), below, found);
        }
    }

    #[test]
    fn every_command_has_the_options_it_heeds() {
        let mut found = Vec::new();
        heeded("", &Arguments::command(), &mut found);
        let expected = HEEDED.map(|(name, options)| (name.to_owned(), options.to_owned()));
        assert_eq!(found, expected);
    }

    #[test]
    fn every_mode_refuses_what_it_ignores() {
        for (line, is_live, refused) in [
            (&["--since", "3d", "x"][..], false, Some("--since")),
            (&["--live", "--since", "3d"], true, None),
            (&["--since", "3d"], true, None),
            (&["--channel", "y", "x"], false, Some("--channel")),
            (&["--live", "--threads", "2"], true, Some("--threads")),
            (&["--follow", "x", "--threads", "2"], false, Some("--threads")),
            (&["x", "--threads", "2", "--input-format", "csv"], false, None),
            (&["--live", "--input-format", "csv"], true, Some("--input-format")),
            (&["--follow", "x", "--input-format", "csv"], false, None),
        ] {
            let arguments = Arguments::try_parse_from(["exfilscope"].iter().chain(line)).unwrap();
            let said = arguments.misplaced(is_live);
            assert_eq!(
                said.as_deref().map(|said| said.split(' ').next().unwrap()),
                refused,
                "{line:?}: {said:?}"
            );
        }
    }
}
