//! The report of a walk through tests: of each test its runs, of each run its steps and the verdict. Texts hold parts
//! of events, neither masked nor made safe for a terminal: the view that shows them does that.

use super::row::Signal;
use super::time::Timestamp;

/// The visibility of a step's telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepState {
    /// It is there.
    Seen,
    /// It is not there, though it could be.
    NotSeen,
    /// It could not be there.
    CannotBeSeen,
}

impl StepState {
    /// The name in every format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::NotSeen => "not_seen",
            Self::CannotBeSeen => "cannot_be_seen",
        }
    }
}

/// The detection's result for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// An alert is there.
    Detected,
    /// It was selected, but a pattern or the minimum score suppressed the alert.
    Suppressed,
    /// Its telemetry is there, but the detection did not select it.
    Missed,
    /// Nothing of it is there.
    NoTrace,
}

impl Outcome {
    /// The name in every format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Suppressed => "suppressed",
            Self::Missed => "missed",
            Self::NoTrace => "no_trace",
        }
    }
}

/// One piece of telemetry that a test must leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepReport {
    /// The step, in a word or two.
    pub step: String,
    /// The expected telemetry, as a clause.
    pub expected: String,
    /// The visibility of the telemetry.
    pub state: StepState,
    /// The count of its events.
    pub count: usize,
    /// Their record numbers, where they have one, in the order of time.
    pub records: Vec<u64>,
    /// Their numbers in the store, in the same order: for a reader that has the store.
    pub events: Vec<u32>,
    /// Their location, or the reason for their absence, as a sentence.
    pub why: String,
}

/// The detection's result for a run, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The verdict.
    pub outcome: Outcome,
    /// The detection's signal, where it selected anything of the run.
    pub signal: Option<Signal>,
    /// Its score, 0 to 3.
    pub score: Option<u8>,
    /// The finding's number in the store: the alert, or the suppressed finding.
    pub finding: Option<u32>,
    /// The reason, in a sentence or a few.
    pub why: String,
}

/// One run of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunReport {
    /// Its number among the test's runs, from 1; `None` where the test left no trace.
    pub number: Option<u32>,
    /// The host on which it ran.
    pub host: Option<String>,
    /// Its start time.
    pub start: Option<Timestamp>,
    /// The telemetry.
    pub steps: Vec<StepReport>,
    /// The verdict.
    pub verdict: Verdict,
}

/// A test and its runs: at least one, which may be without a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestReport {
    /// Its name.
    pub name: String,
    /// The test's action, in a sentence.
    pub sentence: String,
    /// The ATT&CK technique.
    pub technique: Option<String>,
    /// The instructions for it, step by step.
    pub steps: Vec<String>,
    /// Its runs, by time.
    pub runs: Vec<RunReport>,
    /// The count of further runs, which were too many to be distinguished.
    pub more_runs: usize,
}

/// Returns whether every run of every test that left a trace was detected.
#[must_use]
pub fn all_detected(tests: &[TestReport]) -> bool {
    let mut runs = tests.iter().flat_map(|test| &test.runs);
    runs.all(|run| matches!(run.verdict.outcome, Outcome::Detected | Outcome::NoTrace))
}
