//! Pages over the screen.

use crate::config::{Plan, Snapshot};
use crate::detect::exception::Exception;
use crate::store::held::Held;
use crate::store::ids::FindingId;

/// A page over the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The keys and the languages.
    Help,
    /// Read errors.
    ReadErrors,
    /// Log coverage.
    Coverage,
    /// Changes to the configuration, to be confirmed.
    SavePreview(Box<Plan>),
    /// An exception, to be confirmed.
    NewException {
        /// The exception.
        exception: Box<Exception>,
        /// The alerts that it takes out.
        taken: Held<Vec<FindingId>>,
    },
    /// The patterns that were kept under names.
    Snapshots(Vec<Result<Snapshot, String>>),
    /// The tests, step by step.
    Tests,
    /// Who pushes where.
    Pushes,
    /// A raw event; `None` while it is being read.
    Raw {
        /// The number of the request: the answer to an earlier one is of another event.
        request: u64,
        /// Its XML, or the reason that it could not be read.
        text: Option<Result<String, String>>,
    },
}
