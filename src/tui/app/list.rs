//! What the list, the selection and the detail are made of, whenever something has changed.

use super::{App, Selected};
use crate::store::event::EventId;
use crate::store::finding::FindingId;
use crate::store::listing::{Line, Listing, Query};
use crate::store::process::ProcessId;
use crate::store::view::{FilteredFinding, FindingView};
use crate::tui::detail::{Detail, DetailKey};
use crate::tui::prompt::Prompt;
use crate::tui::triage::TriagedFinding;
use crate::tui::views::histogram::Bars;
use crate::tune::changes_between;

impl App {
    pub(super) fn make_list(&mut self) {
        self.store.by_time();
        self.flags.extend(&self.store);
        let mut seen = None;
        if let Some(tuning) = &mut self.tuning {
            tuning.trial.flags.extend(&self.store);
            let before = self.store.glances(self.list.profile, &self.flags);
            let after = self.store.glances(self.list.profile, &tuning.trial.flags);
            tuning.changes = changes_between(&self.store, self.list.min_score, &before, &after);
            seen = Some(after);
        }
        let looked_at = self.workbench.as_mut().filter(|workbench| !workbench.is_shown());
        let flags = match (&self.tuning, looked_at) {
            (Some(tuning), _) => &tuning.trial.flags,
            (None, Some(workbench)) => {
                workbench.trial.extend(&self.store);
                &workbench.trial
            }
            (None, None) => &self.flags,
        };
        let typed = self.prompt.as_ref().and_then(Prompt::filter);
        let filter = match typed {
            Some(typed) => typed,
            None => self.list.filter.as_ref().map(|(_, filter)| filter),
        };
        self.triage.extend(&self.store, &self.flags);
        let triage = &self.triage;
        let passes = |view: &FindingView<'_>| {
            filter.is_none_or(|filter| {
                let mark = triage.mark(view.id());
                let note = if mark.has_note { triage.decision(view) } else { None };
                let note = note.map(|decision| decision.note.as_str());
                filter.matches(&TriagedFinding { finding: FilteredFinding::new(view), mark, note })
            })
        };
        let query = Query {
            profile: self.list.profile,
            side: self.list.side,
            min_score: self.list.min_score,
            sort: self.list.sort,
            reversed: self.list.reversed,
            group: self.list.group,
            range: self.list.range,
            of_first_events: self.frozen.map(|frozen| frozen.events),
            filter: filter.is_some().then_some(&passes as &dyn Fn(&FindingView<'_>) -> bool),
        };
        let glances = seen.unwrap_or_else(|| self.store.glances(query.profile, flags));
        self.listing = Listing::of_glances(&self.store, flags, &query, &glances);
        self.bars = None;
        let counted = Query { filter: None, ..query };
        self.triage.count(&self.store, flags, &counted, &self.listing);
        if self.listed_generation != self.store.generation() {
            self.notes = self.all_notes();
        }
        self.listed_generation = self.store.generation();
        self.stale = false;
        self.make_lines();
    }

    /// Makes the histogram anew where the list or the width has changed.
    pub(super) fn make_bars(&mut self) {
        let Some(pane) = self.panes.histogram else { return };
        if self.bars.as_ref().is_none_or(|(width, _)| *width != pane.width) {
            self.bars = Some((pane.width, Bars::of(&self.listing.moments, usize::from(pane.width))));
        }
    }

    /// The histogram's bars as they are on a screen of so many columns.
    #[must_use]
    pub(in crate::tui) fn bars(&self, width: u16) -> Bars {
        match &self.bars {
            Some((of, bars)) if *of == width => bars.clone(),
            _ => Bars::of(&self.listing.moments, usize::from(width)),
        }
    }

    /// Lays the groups and the findings of open ones out.
    pub fn make_lines(&mut self) {
        self.lines.clear();
        if self.list.group.is_none() {
            self.lines.extend(self.listing.findings.iter().copied().map(Line::Finding));
        }
        for (number, (group, members)) in self.listing.groups.iter().zip(&self.listing.members).enumerate() {
            self.lines.push(Line::Group(number));
            if self.list.open.contains(&group.key) {
                self.lines.extend(members.iter().copied().map(Line::Finding));
            }
        }
        self.cursor =
            self.line_of_selection().unwrap_or_else(|| self.cursor.min(self.lines.len().saturating_sub(1)));
        if self.selected.is_none() {
            self.cursor = 0;
        }
        self.detail_key = None;
    }

    fn line_of_selection(&self) -> Option<usize> {
        let wanted = match self.selected.as_ref()? {
            Selected::Finding(id) => Line::Finding(*id),
            Selected::Group(key) => {
                Line::Group(self.listing.groups.iter().position(|group| group.key == *key)?)
            }
        };
        // Where it was is where it most often still is.
        if self.lines.get(self.cursor) == Some(&wanted) {
            return Some(self.cursor);
        }
        self.lines.iter().position(|line| *line == wanted)
    }

    /// Selects a line by its number.
    pub fn select_line(&mut self, line: usize) {
        self.cursor = line.min(self.lines.len().saturating_sub(1));
        let selected = match self.lines.get(self.cursor) {
            Some(Line::Finding(id)) => Some(Selected::Finding(*id)),
            Some(Line::Group(number)) => {
                self.listing.groups.get(*number).map(|group| Selected::Group(group.key.clone()))
            }
            None => None,
        };
        if self.selected != selected {
            self.selected = selected;
            self.walked.clear();
            self.detail_top = 0;
        }
    }

    /// Keeps the selection on the screen.
    pub(super) fn follow_selection(&mut self) {
        let rows = usize::from(self.panes.list_rows()).max(1);
        let last_top = self.lines.len().saturating_sub(rows);
        self.top = self.top.min(last_top);
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + rows {
            self.top = self.cursor + 1 - rows;
        }
    }

    /// The finding under the cursor; of a group, its first.
    #[must_use]
    pub fn selected_finding(&self) -> Option<FindingId> {
        match self.lines.get(self.cursor)? {
            Line::Finding(id) => Some(*id),
            Line::Group(number) => self.listing.members.get(*number)?.first().copied(),
        }
    }

    /// The group under the cursor.
    #[must_use]
    pub fn selected_group(&self) -> Option<usize> {
        match self.lines.get(self.cursor)? {
            Line::Group(number) => Some(*number),
            Line::Finding(_) => None,
        }
    }

    /// The process that the detail shows: the selected finding's, or the one walked to.
    #[must_use]
    pub fn shown_process(&self) -> Option<ProcessId> {
        if let Some(walked) = self.walked.last() {
            return Some(*walked);
        }
        self.store.event(self.store.finding(self.selected_finding()?)?.event)?.process
    }

    /// The event that the detail is about: the selected finding's, or the Event 1 of the process walked to.
    #[must_use]
    pub fn shown_event(&self) -> Option<EventId> {
        match self.walked.last() {
            Some(walked) => self.store.process(*walked)?.start,
            None => Some(self.store.finding(self.selected_finding()?)?.event),
        }
    }

    pub(super) fn make_detail(&mut self) {
        let key = DetailKey {
            finding: self.selected_finding(),
            walked: self.walked.clone(),
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
