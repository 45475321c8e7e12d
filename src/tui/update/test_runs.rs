//! The keys of the tests page.

use crate::store::held::Held;
use crate::store::ids::{EventId, FindingId};
use crate::store::list::listing::Shown;
use crate::tui::state::effect::Effect;
use crate::tui::state::test_runs::{LARGE_STORE_EVENTS, SLICE_EVENTS, Target, TestRuns, list_rows};
use crate::tui::state::{App, Page};
use crate::walk::definition::{Test, is_expected};
use crate::walk::{Scope, View};

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
        let rows = usize::from(list_rows(self.panes.body)).max(1);
        let walk = &mut self.test_runs;
        walk.cursor = walk.cursor.min(entries.saturating_sub(1));
        walk.top = walk.top.min(walk.cursor).max((walk.cursor + 1).saturating_sub(rows));
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
        (self.page_top, self.page_lines) = (0, None);
        Effect::ReadRaw { event, request }
    }

    /// Selects a finding in the list, whatever the list was narrowed to.
    fn show_finding(&mut self, id: FindingId) {
        let Some(view) = self.store.view(id, self.list.profile, &self.flags) else { return };
        self.list.shown = if view.score() >= self.list.min_score { Shown::Alerts } else { Shown::Suppressed };
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
