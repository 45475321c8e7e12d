//! The walk through the tests as the screen has it: looked at in slices, told anew when something has changed.

use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::model::walkthrough::{RunReport, StepReport, TestReport};
use crate::store::Store;
use crate::store::held::Held;
use crate::store::ids::{Epoch, EventId, FindingId};
use crate::store::list::listing::Shown;
use crate::tui::state::effect::Effect;
use crate::tui::state::{App, Page};
use crate::walk::definition::{Test, is_expected};
use crate::walk::{Scope, View, Walk, file};

/// Events that are looked at for one frame: a few milliseconds.
const SLICE_EVENTS: usize = 20_000;
/// A store of more events is told of one test a frame, and not while it is read.
const LARGE_STORE_EVENTS: usize = 200_000;

/// What the reports were made of.
#[derive(Clone, Debug, PartialEq)]
struct Basis {
    generation: u64,
    profile: Profile,
    min_score: u8,
    patterns: Patterns,
    exceptions: Exceptions,
}

/// The state of the screen.
pub struct TestRuns {
    walk: Walk,
    /// What was found of the tests, in their order; fewer than all while they are looked at.
    pub reports: Vec<TestReport>,
    /// The epoch of the numbers in them.
    epoch: Epoch,
    /// Reports that are being made, and what of.
    building: Vec<TestReport>,
    building_for: Option<Basis>,
    reported_for: Option<Basis>,
    /// The selected entry.
    pub cursor: usize,
    /// The first entry that is shown.
    pub top: usize,
    /// Of the events of the selected step the one that Enter shows next.
    next_event: usize,
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
}

impl Default for TestRuns {
    /// The built-in tests.
    fn default() -> Self {
        // They are read by the tests of this crate; without them the screen would be empty.
        Self::new(file::load(&[]).unwrap_or_default())
    }
}

impl TestRuns {
    fn new(tests: Vec<Test>) -> Self {
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
    /// Takes these tests, before anything is read. `with_telemetry` says that other channels are read too.
    pub fn set_tests(&mut self, tests: Vec<Test>, with_telemetry: bool) {
        if with_telemetry {
            let wanted = tests.clone();
            self.store
                .collect_channels(Box::new(move |event_code, texts| is_expected(&wanted, event_code, texts)));
        }
        self.test_runs = TestRuns::new(tests);
    }

    fn basis(&self) -> Basis {
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

    /// Looks at some more events, and tells what was found once all were looked at.
    pub(in crate::tui) fn advance_test_runs(&mut self) {
        if !self.test_runs_are_behind() || !self.test_runs.walk.extend(&self.store, SLICE_EVENTS) {
            return;
        }
        if self.store.kept_events() > LARGE_STORE_EVENTS && self.load.is_going_on() {
            return;
        }
        let basis = self.basis();
        if self.test_runs.building_for.as_ref() != Some(&basis) {
            self.test_runs.building.clear();
            self.test_runs.building_for = Some(basis.clone());
        }
        self.flags.extend(&self.store);
        let scope = Scope::default();
        let view = View {
            store: &self.store,
            flags: &self.flags,
            profile: self.list.profile,
            min_score: self.list.min_score,
            scope: &scope,
        };
        let is_large = self.store.kept_events() > LARGE_STORE_EVENTS;
        while let Some(report) = self.test_runs.walk.report_one(self.test_runs.building.len(), &view) {
            self.test_runs.building.push(report);
            if is_large {
                break;
            }
        }
        if self.test_runs.building.len() >= self.test_runs.walk.tests().len() {
            self.test_runs.reports = std::mem::take(&mut self.test_runs.building);
            self.test_runs.reported_for = self.test_runs.building_for.take();
            self.test_runs.epoch = self.store.epoch();
        }
    }

    /// Moves the selection up (negative) or down.
    pub(in crate::tui) fn move_in_test_runs(&mut self, by: isize) {
        self.test_runs.cursor = self.test_runs.cursor.saturating_add_signed(by);
        self.test_runs.next_event = 0;
        self.follow_in_test_runs();
    }

    /// Keeps the selected line on the screen.
    pub(in crate::tui) fn follow_in_test_runs(&mut self) {
        let entries = self.test_runs.entries().len();
        let rows = usize::from(crate::tui::views::test_runs::list_rows(self.panes.body)).max(1);
        let walk = &mut self.test_runs;
        walk.cursor = walk.cursor.min(entries.saturating_sub(1));
        walk.top = walk.top.min(walk.cursor).max((walk.cursor + 1).saturating_sub(rows));
    }

    /// Where Enter goes from the selected line; nowhere while the reports are of before a compaction.
    fn test_run_target(&self) -> Option<Target> {
        if self.test_runs.epoch != self.store.epoch() {
            return None;
        }
        match self.test_runs.selected()? {
            Entry::Test(_) => None,
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

    /// Goes to the alert of a run, or to the raw event of a step; the next time to the step's next event.
    pub(in crate::tui) fn open_test_run(&mut self) -> Vec<Effect> {
        match self.test_run_target() {
            Some(Target::Finding(id)) => self.show_finding(id),
            Some(Target::Event(event)) => {
                self.test_runs.next_event += 1;
                self.previous_page = self.page.take();
                return vec![self.read_raw(event)];
            }
            None => {}
        }
        Vec::new()
    }

    /// Opens the page of a raw event, to be read again from its source.
    pub(in crate::tui) fn read_raw(&mut self, event: EventId) -> Effect {
        self.raw_requests += 1;
        let request = self.raw_requests;
        self.page = Some(Page::Raw { request, text: None });
        self.page_top = 0;
        Effect::ReadRaw { event, request }
    }

    /// Selects a finding in the list, whatever the list was narrowed to.
    fn show_finding(&mut self, id: FindingId) {
        let Some(view) = self.store.view(id, self.list.profile, &self.flags) else { return };
        self.list.side = if view.score() >= self.list.min_score { Shown::Alerts } else { Shown::Suppressed };
        self.list.filter = None;
        self.list.range = None;
        self.list.group = None;
        self.frozen = None;
        self.zoomed = false;
        self.page = None;
        self.pane = crate::tui::state::Pane::Alerts;
        self.walk_to(Vec::new());
        self.detail_top = 0;
        self.selected = Some(crate::tui::state::Selected::Finding(Held::new(id, &self.store)));
        self.invalidate();
    }
}

enum Target {
    Finding(FindingId),
    Event(EventId),
}
