//! The selection: which line, alert, group and process the screen is about.

use std::sync::LazyLock;

use crate::store::events::event::StoredEvent;
use crate::store::held::Held;
use crate::store::ids::{EventId, FindingId, ProcessId};
use crate::store::list::listing::{Line, Listing, Shown};
use crate::tui::state::alarms::AlarmLine;
use crate::tui::state::histogram::Bars;
use crate::tui::state::{App, Selected};

impl App {
    /// The histogram's bars for a number of columns.
    #[must_use]
    pub(in crate::tui) fn bars(&self, width: u16) -> Bars {
        match &self.bars {
            Some((of, bars)) if *of == width => bars.clone(),
            _ => Bars::of(&self.listing.timeline, usize::from(width)),
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

    pub(in crate::tui) fn line_of(&self, selected: &Selected) -> Option<usize> {
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

    /// Returns the selection of a line.
    pub(in crate::tui) fn selection_at(&self, line: usize) -> Option<Selected> {
        match self.line(line)? {
            Line::Alarm(number) => self.alarms.lines().get(number).map(|line| Selected::Alarm(line.key())),
            Line::Finding(id) => Some(Selected::Finding(Held::new(id, &self.store))),
            Line::Group(number) => {
                self.listing().groups.get(number).map(|group| Selected::Group(group.key.clone()))
            }
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

    /// Returns the number of alarms in the list; a frozen view has those that it had. Suppressed events have none.
    pub(in crate::tui) fn listed_alarms(&self) -> usize {
        let all = self.alarms.lines().len();
        match self.list.shown {
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
}
