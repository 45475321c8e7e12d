//! The tests page: events are searched in slices, and the reports are rebuilt when something has changed.

use ratatui::layout::Rect;

use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::model::walkthrough::{Folded, RunReport, StepReport, TestReport};
use crate::store::Store;
use crate::store::ids::{Epoch, EventId, FindingId};
use crate::tui::state::{App, Page};
use crate::walk::definition::Test;
use crate::walk::{Walk, file};

/// Events that are looked at for one frame: a few milliseconds.
pub(in crate::tui) const SLICE_EVENTS: usize = 20_000;
/// Events above which one test is reported a frame, and none while the logs are read.
pub(in crate::tui) const LARGE_STORE_EVENTS: usize = 200_000;

/// Inputs of the reports.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::tui) struct Basis {
    generation: u64,
    profile: Profile,
    min_score: u8,
    patterns: Patterns,
    exceptions: Exceptions,
}

/// The state of the screen.
pub struct TestRuns {
    pub(in crate::tui) walk: Walk,
    /// Reports of the tests, in their order; fewer than all while the events are searched.
    pub reports: Vec<TestReport>,
    /// The epoch of the numbers in them.
    pub(in crate::tui) epoch: Epoch,
    /// Reports that are being made, and what of.
    pub(in crate::tui) building: Vec<TestReport>,
    pub(in crate::tui) building_for: Option<Basis>,
    pub(in crate::tui) reported_for: Option<Basis>,
    /// The selected entry.
    pub cursor: usize,
    /// The first entry that is shown.
    pub top: usize,
    /// Of the events of the selected step the one that Enter shows next.
    pub(in crate::tui) next_event: usize,
}

/// A line of the screen.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// A test.
    Test(&'a TestReport),
    /// A run of it, with its verdict.
    Run(&'a RunReport),
    /// A piece of telemetry of a run.
    Step(&'a StepReport),
    /// The acts of a test that are no runs.
    Folded(&'a Folded),
}

impl Default for TestRuns {
    /// The built-in tests.
    fn default() -> Self {
        // They are read by the tests of this crate; without them the screen would be empty.
        Self::new(file::load(&[]).unwrap_or_default())
    }
}

impl TestRuns {
    pub(in crate::tui) fn new(tests: Vec<Test>) -> Self {
        Self {
            walk: Walk::new(tests),
            reports: Vec::new(),
            epoch: Epoch::default(),
            building: Vec::new(),
            building_for: None,
            reported_for: None,
            cursor: 0,
            top: 0,
            next_event: 0,
        }
    }

    /// All lines, in their order.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries = Vec::new();
        for test in &self.reports {
            entries.push(Entry::Test(test));
            for run in &test.runs {
                entries.push(Entry::Run(run));
                entries.extend(run.steps.iter().map(Entry::Step));
            }
            entries.extend((test.folded.count > 0).then_some(Entry::Folded(&test.folded)));
        }
        entries
    }

    /// The selected line.
    #[must_use]
    pub fn selected(&self) -> Option<Entry<'_>> {
        self.entries().get(self.cursor).copied()
    }

    /// How many events were looked at.
    #[must_use]
    pub fn seen(&self, store: &Store) -> usize {
        self.walk.seen(store)
    }
}

impl App {
    pub(in crate::tui) fn basis(&self) -> Basis {
        Basis {
            generation: self.store.generation(),
            profile: self.list.profile,
            min_score: self.list.min_score,
            patterns: self.flags.patterns().clone(),
            exceptions: self.flags.exceptions().clone(),
        }
    }

    /// Whether the screen of the tests is open and does not say all yet.
    #[must_use]
    pub fn test_runs_are_behind(&self) -> bool {
        if self.page != Some(Page::Tests)
            || (self.store.kept_events() > LARGE_STORE_EVENTS && self.load.is_going_on())
        {
            return self.page == Some(Page::Tests)
                && self.test_runs.seen(&self.store) < self.store.kept_events();
        }
        self.test_runs.seen(&self.store) < self.store.kept_events()
            || self.test_runs.reported_for.as_ref() != Some(&self.basis())
    }

    /// Where Enter goes from the selected line; nowhere while the reports are of before a compaction.
    pub(in crate::tui) fn test_run_target(&self) -> Option<Target> {
        if self.test_runs.epoch != self.store.epoch() {
            return None;
        }
        match self.test_runs.selected()? {
            Entry::Test(_) | Entry::Folded(_) => None,
            Entry::Run(run) => run.verdict.finding.map(|id| Target::Finding(FindingId(id))),
            Entry::Step(step) => {
                let at = self.test_runs.next_event.checked_rem(step.events.len())?;
                step.events.get(at).map(|id| Target::Event(EventId(*id)))
            }
        }
    }

    /// Whether Enter goes anywhere from the selected line.
    #[must_use]
    pub fn test_run_has_target(&self) -> bool {
        self.test_run_target().is_some()
    }
}

pub(in crate::tui) enum Target {
    Finding(FindingId),
    Event(EventId),
}

/// Rows of the list, its rule aside.
#[must_use]
pub fn list_rows(body: Rect) -> u16 {
    body.height.saturating_sub(2 + why_rows(body))
}

/// Rows of the explanation of the selected line, without its rule.
fn why_rows(body: Rect) -> u16 {
    (body.height / 3).clamp(4, 14).min(body.height.saturating_sub(2))
}
