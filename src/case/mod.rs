//! Verdicts and notes of the analyst, and the case file that holds them.
//!
//! A case file is text, a JSON object a line, one line a decision. It is only ever appended to: the last line about an
//! alert counts, and the lines before it are its history. An alert is recognised by its event's identity
//! ([`identity`]), not by where it was read, so that the same logs in another dialect show the same verdicts.
//!
//! | part | purpose |
//! |---|---|
//! | [`identity`] | the identity of an alert across loads |
//! | [`line`](mod@line) | a decision as a line, and back |
//! | [`book`] | the decisions in force |
//! | [`file`](mod@file) | appending, and reading the lines that others appended |
//! | [`desk`] | a thread that does both, so that no caller waits for a disk |

pub mod book;
pub mod desk;
pub mod file;
pub mod identity;
pub mod line;

pub use book::CaseBook;
pub use file::CaseFile;
pub use identity::Identity;

use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

/// The name of the case file where none is named.
pub const FILE_NAME: &str = "case.ndjson";
/// Characters of a note that are kept.
pub const MAX_NOTE: usize = 2000;

/// A verdict and a note on an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The alert.
    pub identity: Identity,
    /// The verdict; [`Verdict::Undecided`] takes an earlier one back.
    pub verdict: Verdict,
    /// The note, secrets masked; empty if it has no text.
    pub note: String,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// The user who made it.
    pub by: Option<String>,
    /// The host as the alert names it, for readers of the file.
    pub host: Option<String>,
    /// The alert's signal, for readers of the file.
    pub signal: String,
}
