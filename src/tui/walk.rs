//! The walk through the tests as the screen has it: looked at in slices, told anew when something has changed.

use super::app::{App, Page};
use super::effect::Effect;
use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::model::walkthrough::{RunReport, StepReport, TestReport};
use crate::store::Store;
use crate::store::epoch::{Epoch, Held};
use crate::store::event::EventId;
use crate::store::finding::FindingId;
use crate::store::listing::Side;
use crate::walk::definition::{Test, is_expected};
use crate::walk::{Scope, View, Walk, file};

/// Events that are looked at for one frame: a few milliseconds.
const SLICE: usize = 20_000;
/// A store of more events is told of one test a frame, and not while it is read.
const LARGE: usize = 200_000;

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
pub struct WalkScreen {
    walk: Walk,
    /// What was found of the tests, in their order; fewer than all while they are looked at.
    pub reports: Vec<TestReport>,
    /// The epoch of the numbers in them.
    epoch: Epoch,
    /// Reports that are being made, and what of.
    fresh: Vec<TestReport>,
    fresh_of: Option<Basis>,
    told: Option<Basis>,
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

impl Default for WalkScreen {
    /// The built-in tests.
    fn default() -> Self {
        // They are read by the tests of this crate; without them the screen would be empty.
        Self::new(file::load(&[]).unwrap_or_default())
    }
}

impl WalkScreen {
    fn new(tests: Vec<Test>) -> Self {
        Self {
            walk: Walk::new(tests),
            reports: Vec::new(),
            epoch: Epoch::default(),
            fresh: Vec::new(),
            fresh_of: None,
            told: None,
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
    pub fn walk_through(&mut self, tests: Vec<Test>, with_telemetry: bool) {
        if with_telemetry {
            let wanted = tests.clone();
            self.store
                .keep_telemetry(Box::new(move |event_code, texts| is_expected(&wanted, event_code, texts)));
        }
        self.walk = WalkScreen::new(tests);
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
    pub fn walk_is_behind(&self) -> bool {
        if self.page != Some(Page::Tests) || (self.store.kept_events() > LARGE && self.load.is_going_on()) {
            return self.page == Some(Page::Tests) && self.walk.seen(&self.store) < self.store.kept_events();
        }
        self.walk.seen(&self.store) < self.store.kept_events()
            || self.walk.told.as_ref() != Some(&self.basis())
    }

    /// Looks at some more events, and tells what was found once all were looked at.
    pub(super) fn walk_on(&mut self) {
        if !self.walk_is_behind() || !self.walk.walk.extend(&self.store, SLICE) {
            return;
        }
        if self.store.kept_events() > LARGE && self.load.is_going_on() {
            return;
        }
        let basis = self.basis();
        if self.walk.fresh_of.as_ref() != Some(&basis) {
            self.walk.fresh.clear();
            self.walk.fresh_of = Some(basis.clone());
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
        let is_large = self.store.kept_events() > LARGE;
        while let Some(report) = self.walk.walk.report_one(self.walk.fresh.len(), &view) {
            self.walk.fresh.push(report);
            if is_large {
                break;
            }
        }
        if self.walk.fresh.len() >= self.walk.walk.tests().len() {
            self.walk.reports = std::mem::take(&mut self.walk.fresh);
            self.walk.told = self.walk.fresh_of.take();
            self.walk.epoch = self.store.epoch();
        }
    }

    /// Moves the selection up (negative) or down.
    pub(super) fn move_in_walk(&mut self, by: isize) {
        self.walk.cursor = self.walk.cursor.saturating_add_signed(by);
        self.walk.next_event = 0;
        self.follow_in_walk();
    }

    /// Keeps the selected line on the screen.
    pub(super) fn follow_in_walk(&mut self) {
        let entries = self.walk.entries().len();
        let rows = usize::from(super::views::tests::list_rows(self.panes.body)).max(1);
        let walk = &mut self.walk;
        walk.cursor = walk.cursor.min(entries.saturating_sub(1));
        walk.top = walk.top.min(walk.cursor).max((walk.cursor + 1).saturating_sub(rows));
    }

    /// Where Enter goes from the selected line; nowhere while the reports are of before a compaction.
    fn walk_target(&self) -> Option<Target> {
        if self.walk.epoch != self.store.epoch() {
            return None;
        }
        match self.walk.selected()? {
            Entry::Test(_) => None,
            Entry::Run(run) => run.verdict.finding.map(|id| Target::Finding(FindingId(id))),
            Entry::Step(step) => {
                let at = self.walk.next_event.checked_rem(step.events.len())?;
                step.events.get(at).map(|id| Target::Event(EventId(*id)))
            }
        }
    }

    /// Whether Enter goes anywhere from the selected line.
    #[must_use]
    pub fn walk_goes_on(&self) -> bool {
        self.walk_target().is_some()
    }

    /// Goes to the alert of a run, or to the raw event of a step; the next time to the step's next event.
    pub(super) fn go_from_walk(&mut self) -> Vec<Effect> {
        match self.walk_target() {
            Some(Target::Finding(id)) => self.show_finding(id),
            Some(Target::Event(event)) => {
                self.walk.next_event += 1;
                self.under = self.page.take();
                return vec![self.read_raw(event)];
            }
            None => {}
        }
        Vec::new()
    }

    /// Opens the page of a raw event, to be read again from its source.
    pub(super) fn read_raw(&mut self, event: EventId) -> Effect {
        self.raw_requests += 1;
        let request = self.raw_requests;
        self.page = Some(Page::Raw { request, text: None });
        self.page_top = 0;
        Effect::ReadRaw { event, request }
    }

    /// Selects a finding in the list, whatever the list was narrowed to.
    fn show_finding(&mut self, id: FindingId) {
        let Some(view) = self.store.view(id, self.list.profile, &self.flags) else { return };
        self.list.side = if view.score() >= self.list.min_score { Side::Alerts } else { Side::Suppressed };
        self.list.filter = None;
        self.list.range = None;
        self.list.group = None;
        self.frozen = None;
        self.zoomed = false;
        self.page = None;
        self.pane = super::app::Pane::Alerts;
        self.walk_to(Vec::new());
        self.detail_top = 0;
        self.selected = Some(super::app::Selected::Finding(Held::new(id, &self.store)));
        self.touch();
    }
}

enum Target {
    Finding(FindingId),
    Event(EventId),
}
