//! A row of the result: an event that the detection selected, with its verdict and its reasons.

use std::fmt;
use std::ops::Range;

use super::event::Field;
use super::time::Timestamp;

/// The clause of the search that selected an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Clause {
    /// Event 3: one of the listed programs connected to one of the listed hosts.
    Net,
    /// Event 1: git with `push` and a repository host on its command line.
    Push,
    /// Event 1: a program with an API host and a word of sending on its command line.
    Api,
}

impl Clause {
    /// The clause's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Push => "push",
            Self::Api => "api",
        }
    }
}

/// What the detection calls an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// A connection to a code repository.
    NetworkConnectionToCodeRepo,
    /// A `git push` to an external host.
    GitPushExternal,
    /// An upload by a repository's API.
    CodeRepoAPIUpload,
    /// Selected, but no branch of the search knows it.
    Unknown,
}

impl Signal {
    /// All signals, in the order in which screens list them.
    pub const ALL: [Self; 4] =
        [Self::GitPushExternal, Self::CodeRepoAPIUpload, Self::NetworkConnectionToCodeRepo, Self::Unknown];

    /// The search's own name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NetworkConnectionToCodeRepo => "NetworkConnectionToCodeRepo",
            Self::GitPushExternal => "GitPushExternal",
            Self::CodeRepoAPIUpload => "CodeRepoAPIUpload",
            Self::Unknown => "Unknown",
        }
    }

    /// A name of at most eight columns, for narrow lists.
    #[must_use]
    pub const fn short_name(self) -> &'static str {
        match self {
            Self::NetworkConnectionToCodeRepo => "net",
            Self::GitPushExternal => "git-push",
            Self::CodeRepoAPIUpload => "api-up",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A condition of the clause that held, and the very text that met it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field that was looked at.
    pub field: Field,
    /// The test in words, after the field's name: `ends with \git.exe`.
    pub test: String,
    /// Where in the field's value the matching text stands, in bytes.
    pub matched: Range<usize>,
}

/// What one of the two patterns says of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagMatch {
    /// Where in `host` or `ParentImage` the pattern matched, in bytes; `None` where it did not.
    pub matched: Option<Range<usize>>,
    /// Whether there was a text to look at.
    pub has_text: bool,
}

/// Everything that led to a row's score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The clause that selected the event.
    pub clause: Clause,
    /// Its conditions with the texts that met them.
    pub conditions: Vec<Condition>,
    /// The CI-host pattern on `host`.
    pub ci: FlagMatch,
    /// The IDE-parent pattern on `ParentImage`.
    pub ide: FlagMatch,
    /// The branch of the score that was taken, in words.
    pub branch: &'static str,
    /// The name of the exception that made the score 0.
    pub exception: Option<String>,
    /// Why it scored as it did, in one sentence.
    pub sentence: String,
    /// What the other profile says, where it says something else, in one sentence.
    pub difference: Option<String>,
}

/// A field that came from another event of the same process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedField {
    /// The row's field that was filled.
    pub field: Field,
    /// The Event ID of the record that it came from.
    pub event_code: u16,
    /// The number of the record that it came from.
    pub record_id: Option<u64>,
    /// The file name of the source of that record.
    pub source: String,
    /// What the event itself had in the field.
    pub own_value: Option<String>,
}

/// One row of the result. Texts are the event's own, neither masked nor made safe for a terminal: whoever shows a row
/// does both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// `System/TimeCreated/@SystemTime`.
    pub time: Option<Timestamp>,
    /// `System/Computer`, or its first label.
    pub host: Option<String>,
    /// The account.
    pub user: Option<String>,
    /// The process's executable.
    pub image: Option<String>,
    /// Its command line.
    pub command_line: Option<String>,
    /// The parent's executable.
    pub parent_image: Option<String>,
    /// The parent's command line.
    pub parent_command_line: Option<String>,
    /// The other side's name.
    pub destination_hostname: Option<String>,
    /// The detection's name for it.
    pub signal: Signal,
    /// Whether the CI-host pattern matches the host.
    pub is_ci_system: bool,
    /// Whether the IDE-parent pattern matches the parent.
    pub is_known_ide: bool,
    /// 0 to 3.
    pub suspicion_score: u8,
    /// Sysmon's Event ID.
    pub event_code: u16,
    /// The process's GUID, in braces and capitals; text that is no GUID as it is.
    pub process_guid: Option<String>,
    /// The record's number in its log.
    pub record_id: Option<u64>,
    /// The source's file name.
    pub source: String,
    /// The fields that came from other events.
    pub joined: Vec<JoinedField>,
    /// Why it scored as it did.
    pub explanation: Explanation,
}
