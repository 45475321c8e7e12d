//! Building the list in steps, and moving the selection in it.

use crate::detect::exception::Exceptions;
use crate::detect::profile::Profile;
use crate::store::compaction::Relocation;
use crate::store::evidence::pass::EvidencePass;
use crate::store::held::{Held, Relocate as _};
use crate::store::ids::ProcessId;
use crate::store::list::builder::{FilterPass, ListBuilder};
use crate::store::list::listing::Line;
use crate::store::resumable::Pause;
use crate::store::view::{FilteredFinding, FindingView};
use crate::tui::state::lines::Lines;
use crate::tui::state::triage::TriagedFinding;
use crate::tui::state::{App, FilterInputs, ListJob, Page, WeighInputs};
use crate::tune::changes;

/// Findings up to which activities are weighed before a list is made of them: it takes less than a frame.
const WEIGHED_AT_ONCE: usize = 2_000;
/// Findings up to which they are weighed whenever some come in.
const WEIGHED_OFTEN: usize = 20_000;

impl App {
    /// Begins to rebuild the list, with all events read by now.
    pub(in crate::tui) fn begin_list(&mut self) {
        self.list_job.is_settling = true;
        self.needs_rebuild = false;
    }

    /// All that has come is in its place: begins to make a list of it.
    fn start_build(&mut self) {
        self.flags.extend(&self.store);
        let (profile, min_score) = (self.list.profile, self.list.min_score);
        if let Some(pattern_editor) = &mut self.pattern_editor {
            pattern_editor.trial.flags.extend(&self.store);
            let changes = changes(&self.store, profile, min_score, &self.flags, &pattern_editor.trial.flags);
            pattern_editor.changes = Held::new(changes, &self.store);
            pattern_editor.warn(&self.store, self.flags.patterns());
        }
        self.renew_taken();
        if let Some(workbench) = self.workbench.as_mut().filter(|workbench| !workbench.is_shown()) {
            workbench.trial.extend(&self.store);
        }
        self.triage.extend(&self.store, &self.flags);
        if self.listed_generation != self.store.generation() {
            self.notes = self.all_notes();
        }
        let filter_inputs = self.shown_filter().map(|filter| {
            FilterInputs::new(filter, self.list.profile, self.shown_flags(), &self.triage.book)
        });
        let list_job = &mut self.list_job;
        if list_job.filter_inputs != filter_inputs {
            list_job.filter_inputs = filter_inputs;
            list_job.sieve.clear();
        }
        let half_made = list_job.making.take().map(ListBuilder::finish);
        let spare = half_made.unwrap_or_else(|| std::mem::take(&mut list_job.spare));
        self.list_job.making = Some(ListBuilder::new(self.query(), spare));
        self.listed_generation = self.store.generation();
    }

    /// Brings what the exception on its page takes out up to date.
    fn renew_taken(&mut self) {
        let Some(Page::NewException { exception, taken }) = &mut self.page else { return };
        let all = self.flags.exceptions().all().iter().cloned().chain([(**exception).clone()]).collect();
        let mut with = self.flags.clone();
        with.set_exceptions(Exceptions::new(all), &self.store);
        let changes = changes(&self.store, self.list.profile, self.list.min_score, &self.flags, &with);
        *taken = Held::new(changes.go, &self.store);
    }

    /// Goes on with the list, until it is made or it is time to stop. Says whether what has come has just been put in
    /// its place.
    pub(in crate::tui) fn advance_list(&mut self, pause: Pause<'_>) -> bool {
        if !self.is_building_list() {
            self.weigh(pause);
        }
        let never = || false;
        let pause = if self.has_long_list() { pause } else { &never };
        if !self.list_job.is_settling {
            self.advance_build(pause);
            return false;
        }
        if !self.store.refresh_until(pause) {
            return false;
        }
        if !self.triage.extend_until(&self.store, &self.flags, pause) {
            return false;
        }
        self.list_job.is_settling = false;
        if self.store.findings().len() <= WEIGHED_AT_ONCE {
            self.begin_weighing();
            self.weigh(&never);
        }
        self.start_build();
        if !pause() {
            self.advance_build(pause);
        }
        true
    }

    /// Begins to weigh the activities of the list's profile, where something is new since they were last weighed. Of very
    /// many findings, while more come in, only when there are an eighth more, since each pass weighs all of it.
    fn begin_weighing(&mut self) {
        let inputs = WeighInputs {
            generation: self.store.generation(),
            profile: self.list.profile,
            ide_parent: self.shown_flags().patterns().ide_parent.text().to_owned(),
            findings: self.store.findings().len(),
        };
        let list_job = &mut self.list_job;
        if inputs.profile == Profile::Spl || list_job.weighing.is_some() {
            return;
        }
        let is_there = self.store.activities_of(inputs.profile).is_some();
        if let Some(before) = list_job.weighed.as_ref().filter(|_| is_there) {
            let is_of_tuning = before.ide_parent != inputs.ide_parent;
            let has_grown = inputs.findings >= before.findings + before.findings / 8;
            let is_due = !self.load.is_going_on() || inputs.findings <= WEIGHED_OFTEN || has_grown;
            if *before == inputs || !(is_of_tuning || is_due) {
                return;
            }
        }
        list_job.weighing = Some(EvidencePass::new(&self.store, inputs.profile));
        list_job.weighed = Some(inputs);
    }

    /// Goes on with weighing; the list is made again of the result.
    fn weigh(&mut self, pause: Pause<'_>) {
        if self.store.findings().len() > WEIGHED_AT_ONCE {
            self.begin_weighing();
        }
        let Some(mut weighing) = self.list_job.weighing.take() else { return };
        if !weighing.advance(&self.store, self.shown_flags(), pause) {
            self.list_job.weighing = Some(weighing);
            return;
        }
        self.store.put_activities(weighing.finish());
        self.detail_key = None;
        if self.store.findings().len() > WEIGHED_AT_ONCE {
            self.start_build();
        }
    }

    fn advance_build(&mut self, pause: Pause<'_>) {
        let mut list_job = std::mem::take(&mut self.list_job);
        let Some(mut making) = list_job.making.take() else {
            self.list_job = list_job;
            return;
        };
        let triage = &self.triage;
        let filter = self.shown_filter();
        let passes = |view: &FindingView<'_>| {
            filter.is_none_or(|filter| {
                let mark = triage.mark(view.id());
                let note = if mark.has_note { triage.decision(view) } else { None };
                let note = note.map(|decision| decision.note.as_str());
                filter.matches(&TriagedFinding { finding: FilteredFinding::new(view), mark, note })
            })
        };
        let filtering =
            filter.is_some().then_some(FilterPass { cache: &mut list_job.sieve, passes: &passes });
        if making.advance(&self.store, self.shown_flags(), filtering, pause) {
            list_job.spare = std::mem::replace(&mut self.listing, making.finish());
            self.bars = None;
            self.count_verdicts();
            self.make_lines();
        } else {
            list_job.making = Some(making);
        }
        self.list_job = list_job;
    }

    /// Findings have other numbers now: the list shows the same ones, until another is made.
    pub(in crate::tui) fn relocate_list(&mut self, moved: &Relocation) {
        self.list_job = ListJob::default();
        self.listing = std::mem::take(&mut self.listing).relocate(moved, &self.store).unwrap_or_default();
        self.make_lines();
        self.needs_rebuild = true;
    }

    fn count_verdicts(&mut self) {
        let mut triage = std::mem::take(&mut self.triage);
        triage.count(&self.store, self.shown_flags(), &self.listing);
        self.triage = triage;
    }

    /// Lays the groups and the findings of open ones out.
    pub fn make_lines(&mut self) {
        self.lines = Lines::of(self.listing(), &self.list.open, self.listed_alarms());
        // A key that was pressed since then holds it.
        if std::mem::take(&mut self.is_released) && self.is_untouched {
            (self.selected, self.shown, self.detail_of) = (None, None, None);
        }
        let line = match &self.selected {
            None => Some(0),
            Some(selected) => {
                self.line_of(selected).or_else(|| self.shown.as_ref().and_then(|shown| self.line_of(shown)))
            }
        };
        self.cursor = line.unwrap_or(self.cursor).min(self.lines.len().saturating_sub(1));
        if self.selected.is_none() {
            self.detail_of = None;
        }
        self.show_cursor();
        if self.selected.is_none() {
            // From now on it stays on this alert, whatever ranks above it later.
            self.selected.clone_from(&self.shown);
        }
        self.detail_key = None;
    }

    /// Makes the detail that of the line under the cursor; from its beginning, where that is another one than before.
    fn show_cursor(&mut self) {
        self.shown = self.selection_at(self.cursor);
        let before = self.detail_of.and_then(|id| id.get(&self.store).copied());
        let now = match self.line(self.cursor) {
            None | Some(Line::Alarm(_)) => None,
            Some(Line::Finding(id)) => Some(id),
            Some(Line::Group(number)) => {
                let members = self.listing().members(number);
                before.filter(|id| members.contains(id)).or_else(|| members.first().copied())
            }
        };
        if before.is_none() || before != now {
            self.walk_to(Vec::new());
            self.detail_top = 0;
        }
        self.detail_of = now.map(|id| Held::new(id, &self.store));
    }

    /// Keeps the selection from now on, whatever ranks above it.
    pub const fn hold_selection(&mut self) {
        (self.is_untouched, self.is_released) = (false, false);
    }

    /// Lets the selection go back to the top with the next list, where no key was pressed and no alert was on the screen
    /// for long yet: while a load brings one after the other, they cannot be read.
    pub const fn release_selection(&mut self) {
        self.is_released = self.is_untouched;
    }

    /// Selects a line by its number.
    pub fn select_line(&mut self, line: usize) {
        self.cursor = line.min(self.lines.len().saturating_sub(1));
        self.show_cursor();
        if self.selected != self.shown {
            self.selected.clone_from(&self.shown);
            self.walk_to(Vec::new());
            self.detail_top = 0;
        }
    }

    /// Shows the last of these processes in place of the selected one.
    pub(in crate::tui) fn walk_to(&mut self, processes: Vec<ProcessId>) {
        self.walked = Held::new(processes, &self.store);
    }
}
