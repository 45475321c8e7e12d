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

/// The acts of a test that have none of its other steps: everyday work, which is counted and has no verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Their count.
    pub count: usize,
    /// The count of the hosts that they ran on.
    pub hosts: usize,
    /// The start of the first one and of the last one.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The act's name: `push`.
    pub act: String,
}

impl Folded {
    /// Describes them: `231 pushes like the test's, without its other steps, on 12 hosts, from … to …`.
    #[must_use]
    pub fn words(&self) -> String {
        let hosts = if self.hosts == 1 { "1 host".to_owned() } else { format!("{} hosts", self.hosts) };
        let span = self.span.map_or_else(String::new, |(first, last)| {
            let text = |time: Timestamp| format!("{} {}", time.date_text(), time.clock_text());
            if self.count == 1 {
                format!(", {}", text(first))
            } else {
                format!(", from {} to {}", text(first), text(last))
            }
        });
        format!("{} {} like the test's, without its other steps, on {hosts}{span}", self.count, self.acts())
    }

    fn acts(&self) -> String {
        let ending = match self.act.as_str() {
            _ if self.count == 1 => "",
            act if ["s", "x", "sh", "ch"].iter().any(|end| act.ends_with(end)) => "es",
            _ => "s",
        };
        format!("{}{ending}", self.act)
    }
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
    /// Its runs: those with the most steps seen first, then by time.
    pub runs: Vec<RunReport>,
    /// The acts that are no runs.
    pub folded: Folded,
    /// The count of further runs, which were too many to be distinguished.
    pub more_runs: usize,
}

impl RunReport {
    /// Returns the count of steps that were seen.
    #[must_use]
    pub fn steps_seen(&self) -> usize {
        self.steps.iter().filter(|step| step.state == StepState::Seen).count()
    }
}

/// Returns whether every run of every test that left a trace was detected.
#[must_use]
pub fn all_detected(tests: &[TestReport]) -> bool {
    let mut runs = tests.iter().flat_map(|test| &test.runs);
    runs.all(|run| matches!(run.verdict.outcome, Outcome::Detected | Outcome::NoTrace))
}
