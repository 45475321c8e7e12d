//! A row of the result: an event that the detection selected, with its verdict and its reasons.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::event::Field;
use super::time::Timestamp;

/// The columns' names: the search's own first, then the console's.
pub const COLUMNS: [&str; 24] = [
    "_time",
    "host",
    "User",
    "Image",
    "CommandLine",
    "ParentImage",
    "ParentCommandLine",
    "DestinationHostname",
    "Signal",
    "IsCISystem",
    "IsKnownIDE",
    "SuspicionScore",
    "EventCode",
    "ProcessGuid",
    "RecordId",
    "Source",
    "Joined",
    "Why",
    "Repository",
    "Owner",
    "Activity",
    "Incident",
    "Evidence",
    "EvidencePoints",
];

/// The search's own columns, in their order.
pub const SEARCH_COLUMNS: &[&str] = COLUMNS.split_at(12).0;

/// Makes [`Signal`] from one table: a name, `search` or `lead`, a name of at most eight columns for narrow lists, and the
/// meaning in a sentence. Its order is that of the screens. A new signal is a row.
macro_rules! signals {
    ($($name:ident, $kind:ident, $short:literal, $meaning:literal;)+) => {
        /// The detection's name for an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Signal {
            $(#[doc = $meaning] $name),+
        }

        impl Signal {
            /// All signals, in the order in which screens list them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Returns whether it is a lead of `hunt`, which the search does not have.
            #[must_use]
            pub const fn is_lead(self) -> bool {
                match self { $(Self::$name => signals!(@is_lead $kind)),+ }
            }

            /// The search's own name, or the lead's.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// The signal's meaning, in a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning),+ }
            }

            /// A name of at most eight columns, for narrow lists.
            #[must_use]
            pub const fn short_name(self) -> &'static str {
                match self { $(Self::$name => $short),+ }
            }
        }
    };
    (@is_lead search) => { false };
    (@is_lead lead) => { true };
}

signals! {
    GitPushExternal, search, "git-push", "A git push to an external code repository.";
    CodeRepoAPIUpload, search, "api-up", "An upload by the API of a code repository.";
    NetworkConnectionToCodeRepo, search, "net", "A connection to a code repository.";
    GitPushSendPack, lead, "snd-pack", "A push that its send-pack proves, without a URL on the line of git push.";
    GitReceivePackOverSsh, lead, "rcv-pack", "A push over SSH: git-receive-pack on the other side.";
    GitPushToOtherHost, lead, "push-oth", "A push to a repository that the search does not know.";
    GitPushWithoutUrl, lead, "push-url", "A git push without a URL, and nothing that proves that it went through.";
    GitHelperConnection, lead, "git-net", "The connection that git really makes, by its helper or by ssh.exe.";
    RepoClientConnection, lead, "client", "A connection of gh.exe or GitHub Desktop.";
    ConnectionToOtherRepoHost, lead, "net-oth", "A connection to a repository that the search's list lacks.";
    ConnectionByReverseName, lead, "net-rev", "A connection to a name that only a reverse lookup gives.";
    ConnectionResolvedElsewhere, lead, "net-dns", "A connection to an address that another process had just resolved.";
    EncodedCommandUpload, lead, "enc-up", "A script in base64 that uploads.";
    CurlOrWgetUpload, lead, "tool-up", "Curl or wget that sends in a way that the search does not know.";
    ScriptUpload, lead, "scr-up", "PowerShell or Python that sends in a way that the search does not know.";
    ScriptRequest, lead, "scr-get", "A script that calls a repository's API and, as far as can be seen, only reads.";
    GitHubCliUpload, lead, "gh-up", "Gh.exe that uploads.";
    HiddenRepoHost, lead, "hidden", "A repository's host hidden by quotes, carets or by being put together.";
    PushToUnlistedForge, lead, "push-frg", "A push to a public forge that the search does not know.";
    PushToUnknownHost, lead, "push-unk", "A push to a host that is on no list.";
    LfsPush, lead, "lfs-push", "A push of large files by git-lfs.";
    PushInWsl, lead, "wsl-push", "A git push within the Windows Subsystem for Linux.";
    OtherClientUpload, lead, "oth-up", "Another client of a repository that uploads: glab, hub, tea, hf, or gh to a codespace.";
    RunnerRegistered, lead, "runner", "A runner that was registered with a repository, which may run that repository's jobs here.";
    ConnectionOfOtherRuntime, lead, "net-rt", "A connection of a runtime or a client that the search's list lacks.";
    UnlistedProgramToRepository, lead, "net-unl", "A connection of a program that is no tool, client, browser or IDE.";
    Unknown, search, "unknown", "Selected, but of no signal.";
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A condition of the clause that held, and the exact text that met it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The tested field.
    pub field: Field,
    /// The test in words, after the field's name: `ends with \git.exe`.
    pub test: String,
    /// The byte range of the matching text in the field's value.
    pub matched: Range<usize>,
}

/// The result of one of the two patterns on a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagMatch {
    /// The byte range in `host` or `ParentImage` that the pattern matched; `None` if it did not.
    pub matched: Option<Range<usize>>,
    /// True if there was a text to test.
    pub has_text: bool,
}

/// Everything that led to a row's score.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The name of the clause that selected the event, or `lead`.
    pub clause: &'static str,
    /// Its conditions with the texts that met them.
    pub conditions: Vec<Condition>,
    /// The CI-host pattern on `host`.
    pub ci: FlagMatch,
    /// The IDE-parent pattern on `ParentImage`.
    pub ide: FlagMatch,
    /// The branch of the score that was taken, in words.
    pub branch: Cow<'static, str>,
    /// The name of the exception that made the score 0.
    pub exception: Option<String>,
    /// The reason for the score, in one sentence.
    pub sentence: String,
    /// The other profile's result where it differs, in one sentence.
    pub difference: Option<String>,
    /// A lead: the events that it was made of, in the order of their statements.
    pub evidence: Vec<Evidence>,
}

/// An event that a lead was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The event's statement, as a clause.
    pub what: String,
    /// Its Event ID.
    pub event_code: u16,
    /// The record's number in its log.
    pub record_id: Option<u64>,
    /// The file name of its source.
    pub source: String,
}

/// An item of evidence of a row's activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// The item's name.
    pub item: &'static str,
    /// Its words in a list.
    pub words: &'static str,
    /// Its points.
    pub points: i8,
    /// Its reason, as a clause.
    pub why: String,
    /// The number of the record that shows it; `None` where the absence of others does.
    pub record: Option<u64>,
    /// The file name of that record's source.
    pub source: Option<String>,
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
    /// The event's own value in the field.
    pub own_value: Option<String>,
}

/// One row of the result. Texts are the event's own, neither masked nor made safe for a terminal: the code that shows a
/// row does both.
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
    /// True if the CI-host pattern matches the host.
    pub is_ci_system: bool,
    /// True if the IDE-parent pattern matches the parent.
    pub is_known_ide: bool,
    /// 0 to 3.
    pub suspicion_score: u8,
    /// Sysmon's Event ID.
    pub event_code: u16,
    /// The process's GUID, in braces and capitals; text that is not a GUID as it is.
    pub process_guid: Option<String>,
    /// The record's number in its log.
    pub record_id: Option<u64>,
    /// The source's file name.
    pub source: String,
    /// The fields that came from other events.
    pub joined: Vec<JoinedField>,
    /// The reasons for the score.
    pub explanation: Explanation,
    /// `github.com/Owner/name`, as far as the row's activity names it.
    pub repository: Option<String>,
    /// `github.com/owner`, in lower case.
    pub owner: Option<String>,
    /// The name of the activity.
    pub activity: Option<String>,
    /// The name of the incident.
    pub incident: Option<String>,
    /// The activity's evidence, the telling items first.
    pub evidence: Vec<EvidenceRow>,
    /// The sum of its points.
    pub evidence_points: i32,
    /// The record numbers of all rows of the activity, where this one stands for them.
    pub rows: Option<Vec<u64>>,
}
