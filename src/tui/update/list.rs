//! What the list, the selection and the detail are made of, whenever something has changed.

use std::sync::LazyLock;

use crate::case::CaseBook;
use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::filter::{Filter, FilterField};
use crate::store::compaction::Relocation;
use crate::store::events::event::StoredEvent;
use crate::store::held::{Held, Relocate as _};
use crate::store::ids::{EventId, FindingId, ProcessId};
use crate::store::list::builder::{FilterPass, ListBuilder};
use crate::store::list::filter_cache::FilterCache;
use crate::store::list::listing::{Line, Listing, Query, Shown};
use crate::store::resumable::Pause;
use crate::store::tuning_matches::TuningMatches;
use crate::store::view::{FilteredFinding, FindingView};
use crate::tui::state::alarms::AlarmLine;
use crate::tui::state::lines::Lines;
use crate::tui::state::prompt::Prompt;
use crate::tui::state::triage::TriagedFinding;
use crate::tui::state::{App, Page, Selected};
use crate::tui::views::detail::reasons::{Detail, DetailKey};
use crate::tui::views::histogram::Bars;
use crate::tune::changes;

/// A list of so many findings is made at once: it takes less than a frame.
const MAX_IMMEDIATE_FINDINGS: usize = 20_000;

/// The list that is being made, and what the next one can use again.
#[derive(Default)]
pub(in crate::tui) struct ListJob {
    /// Whether what has come is being put in its place, before a list is made of it.
    is_settling: bool,
    making: Option<ListBuilder>,
    /// The memory of the list before.
    spare: Listing,
    sieve: FilterCache,
    /// What the sieve's answers are for.
    filter_inputs: Option<FilterInputs>,
}

/// What the answers of a filter depend on, beside the findings.
#[derive(PartialEq)]
struct FilterInputs {
    filter: Filter,
    profile: Profile,
    /// Where it asks for what they decide.
    tuned: Option<(Patterns, Exceptions)>,
    /// Where it asks for verdicts or notes: the generation of the case book.
    decided: Option<u64>,
}

impl FilterInputs {
    fn new(filter: &Filter, profile: Profile, flags: &TuningMatches, book: &CaseBook) -> Self {
        let asks_for = |fields: &[FilterField]| fields.iter().any(|field| filter.asks_for(*field));
        let is_tuned = asks_for(&[FilterField::Score, FilterField::IsCiSystem, FilterField::IsKnownIde]);
        Self {
            filter: filter.clone(),
            profile,
            tuned: is_tuned.then(|| (flags.patterns().clone(), flags.exceptions().clone())),
            decided: asks_for(&[FilterField::Verdict, FilterField::Note]).then(|| book.generation()),
        }
    }
}

impl App {
    /// Begins to make the list anew, with all that is known by now.
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
        self.start_build();
        if !pause() {
            self.advance_build(pause);
        }
        true
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

    /// Whether a list, or the table of pushes, is being made.
    #[must_use]
    pub const fn is_making_list(&self) -> bool {
        self.list_job.is_settling || self.list_job.making.is_some() || self.has_work_beside()
    }

    /// Whether something beside the list goes on in steps: the table of pushes, or a verdict on many alerts.
    const fn has_work_beside(&self) -> bool {
        self.pushes.making.is_some() || self.bulk.is_some()
    }

    /// Whether there are so many findings that a list takes its time.
    #[must_use]
    pub fn has_long_list(&self) -> bool {
        self.store.findings().len() > MAX_IMMEDIATE_FINDINGS
    }

    /// What is being done for the next list, and how much of that is done in percent, where it takes its time.
    #[must_use]
    pub fn list_progress(&self) -> Option<(&'static str, usize)> {
        let making = self.list_job.making.as_ref().filter(|_| !self.list_job.is_settling)?;
        making.progress(&self.store)
    }

    /// Findings have other numbers now: the list shows the same ones, until another is made.
    pub(in crate::tui) fn relocate_list(&mut self, moved: &Relocation) {
        self.list_job = ListJob::default();
        self.listing = std::mem::take(&mut self.listing).relocate(moved, &self.store).unwrap_or_default();
        self.make_lines();
        self.needs_rebuild = true;
    }

    /// The filter that the list answers to: the one being typed, or the one in force.
    fn shown_filter(&self) -> Option<&Filter> {
        match self.prompt.as_ref().and_then(Prompt::filter) {
            Some(typed) => typed,
            None => self.list.filter.as_ref().map(|(_, filter)| filter),
        }
    }

    fn query(&self) -> Query {
        Query {
            profile: self.list.profile,
            shown: self.list.side,
            min_score: self.list.min_score,
            sort: self.list.sort,
            reversed: self.list.reversed,
            group: self.list.group,
            range: self.list.range,
            up_to_event: self.frozen.map(|frozen| frozen.events),
        }
    }

    fn count_verdicts(&mut self) {
        let mut triage = std::mem::take(&mut self.triage);
        triage.count(&self.store, self.shown_flags(), &self.listing);
        self.triage = triage;
    }

    /// Makes the histogram anew where the list or the width has changed.
    pub(in crate::tui) fn make_bars(&mut self) {
        let Some(pane) = self.panes.histogram else { return };
        if self.bars.as_ref().is_none_or(|(width, _)| *width != pane.width) {
            self.bars = Some((pane.width, Bars::of(&self.listing.timeline, usize::from(pane.width))));
        }
    }

    /// The histogram's bars as they are on a screen of so many columns.
    #[must_use]
    pub(in crate::tui) fn bars(&self, width: u16) -> Bars {
        match &self.bars {
            Some((of, bars)) if *of == width => bars.clone(),
            _ => Bars::of(&self.listing.timeline, usize::from(width)),
        }
    }

    /// Lays the groups and the findings of open ones out.
    pub fn make_lines(&mut self) {
        self.lines = Lines::of(self.listing(), &self.list.open, self.listed_alarms());
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
        self.is_untouched = false;
    }

    /// Lets the selection go back to the top with the next list, where no key was pressed and no alert was on the screen
    /// for long yet: while a load brings one after the other, nobody can read them.
    pub fn release_selection(&mut self) {
        if self.is_untouched {
            (self.selected, self.shown, self.detail_of) = (None, None, None);
        }
    }

    /// The list, where its findings are those of the store: an empty one between a compaction and its relocation.
    pub(in crate::tui) fn listing(&self) -> &Listing {
        static NONE: LazyLock<Listing> = LazyLock::new(Listing::default);
        if self.listing.epoch() == self.store.epoch() { &self.listing } else { &NONE }
    }

    /// The line of that number.
    #[must_use]
    pub fn line(&self, number: usize) -> Option<Line> {
        self.lines.get(self.listing(), number)
    }

    fn line_of(&self, selected: &Selected) -> Option<usize> {
        let wanted = match selected {
            Selected::Finding(id) => Line::Finding(*id.get(&self.store)?),
            Selected::Alarm(key) => Line::Alarm(self.alarms.find(*key)?),
            Selected::Group(key) => {
                Line::Group(self.listing().groups.iter().position(|group| group.key == *key)?)
            }
        };
        // Where it was is where it most often still is.
        if self.line(self.cursor) == Some(wanted) {
            return Some(self.cursor);
        }
        self.lines.find(self.listing(), wanted)
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

    /// Returns the selection of a line.
    fn selection_at(&self, line: usize) -> Option<Selected> {
        match self.line(line)? {
            Line::Alarm(number) => self.alarms.lines().get(number).map(|line| Selected::Alarm(line.key())),
            Line::Finding(id) => Some(Selected::Finding(Held::new(id, &self.store))),
            Line::Group(number) => {
                self.listing().groups.get(number).map(|group| Selected::Group(group.key.clone()))
            }
        }
    }

    /// Keeps the selection on the screen.
    pub(in crate::tui) fn follow_selection(&mut self) {
        let rows = usize::from(self.panes.list_rows()).max(1);
        let last_top = self.lines.len().saturating_sub(rows);
        self.top = self.top.min(last_top);
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + rows {
            self.top = self.cursor + 1 - rows;
        }
    }

    /// The finding under the cursor; of a group, the one that was its first when it was selected.
    #[must_use]
    pub fn selected_finding(&self) -> Option<FindingId> {
        match self.line(self.cursor)? {
            Line::Alarm(_) => None,
            Line::Finding(id) => Some(id),
            Line::Group(number) => {
                let shown = self.detail_of.and_then(|id| id.get(&self.store).copied());
                shown.or_else(|| self.listing().members(number).first().copied())
            }
        }
    }

    /// Whether the last console on this source read an event already.
    #[must_use]
    pub fn is_seen_before(&self, event: &StoredEvent) -> bool {
        self.progress.seen_until(event.source).is_some_and(|until| event.place <= until)
    }

    /// The count of alarms in the list; a frozen view has those that it had. Suppressed events have none.
    fn listed_alarms(&self) -> usize {
        let all = self.alarms.lines().len();
        match self.list.side {
            Shown::Alerts => self.frozen.map_or(all, |frozen| frozen.alarms.min(all)),
            Shown::Suppressed => 0,
        }
    }

    /// The alarm under the cursor.
    #[must_use]
    pub fn selected_alarm(&self) -> Option<&AlarmLine> {
        match self.line(self.cursor)? {
            Line::Alarm(number) => self.alarms.lines().get(number),
            Line::Finding(_) | Line::Group(_) => None,
        }
    }

    /// The group under the cursor.
    #[must_use]
    pub fn selected_group(&self) -> Option<usize> {
        match self.line(self.cursor)? {
            Line::Group(number) => Some(number),
            Line::Finding(_) | Line::Alarm(_) => None,
        }
    }

    /// The processes walked up to from the selected one.
    #[must_use]
    pub fn walked(&self) -> &[ProcessId] {
        self.walked.get(&self.store).map_or(&[], Vec::as_slice)
    }

    /// Shows the last of these processes in place of the selected one.
    pub(in crate::tui) fn walk_to(&mut self, processes: Vec<ProcessId>) {
        self.walked = Held::new(processes, &self.store);
    }

    /// The process that the detail shows: the selected finding's, or the one walked to.
    #[must_use]
    pub fn shown_process(&self) -> Option<ProcessId> {
        if let Some(walked) = self.walked().last() {
            return Some(*walked);
        }
        self.store.event(self.store.finding(self.selected_finding()?)?.event)?.process
    }

    /// The event that the detail is about: the selected finding's, or the Event 1 of the process walked to.
    #[must_use]
    pub fn shown_event(&self) -> Option<EventId> {
        match self.walked().last() {
            Some(walked) => self.store.process(*walked)?.start,
            None => Some(self.store.finding(self.selected_finding()?)?.event),
        }
    }

    pub(in crate::tui) fn make_detail(&mut self) {
        let key = DetailKey {
            finding: self.selected_finding(),
            alarm: self.selected_alarm().map(|line| (line.key(), line.times)),
            walked: self.walked().to_vec(),
            epoch: self.store.epoch(),
            width: self.panes.detail.map_or(0, |pane| pane.width),
            generation: self.listed_generation,
        };
        if self.detail_key.as_ref() != Some(&key) {
            self.detail = Detail::of(self, &key);
            self.detail_key = Some(key);
        }
        let rows = usize::from(self.panes.detail.map_or(0, |pane| pane.height.saturating_sub(1)));
        self.detail_top = self.detail_top.min(self.detail.longest().saturating_sub(rows));
    }
}
