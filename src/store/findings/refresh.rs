//! Brings the classes and the order of the findings up to date, in steps: a screen must answer while forty thousand of
//! them come in.

use crate::store::events::Events;
use crate::store::findings::Findings;
use crate::store::findings::score_class::ScoreClass;
use crate::store::ids::{Epoch, FindingId};
use crate::store::resumable::{Pause, YIELD_COSTLY};

/// A round of refreshing: all findings that had come or changed when it began.
pub(in crate::store) struct Refresh {
    changed: Vec<FindingId>,
    /// How many of the changed ones have their class.
    renewed: usize,
    /// The number of findings when it began.
    findings: usize,
    /// Set where it must run to the end: the current order is invalid.
    is_hurried: bool,
}

impl Findings {
    /// Returns true while a round is interrupted.
    pub(in crate::store) const fn is_refreshing(&self) -> bool {
        self.refreshing.is_some()
    }

    /// Returns true where a new round, or one that begins again, follows; changes of joins must be logged before it.
    pub(in crate::store) const fn begins_refresh(&self) -> bool {
        self.refreshing.is_none() || self.order.has_moved()
    }

    /// Continues the round until the classes and the order are those of all that had come when it began, and returns true
    /// then; or until the pause asks to stop. Until the end, all is as the last round left it.
    pub(in crate::store) fn refresh_until(
        &mut self,
        events: &Events,
        epoch: Epoch,
        pause: Pause<'_>,
    ) -> bool {
        let refreshing = match self.refreshing.take() {
            Some(interrupted) if self.order.has_moved() => {
                self.order.give_up();
                self.begin_refresh(events, epoch, interrupted.changed)
            }
            Some(interrupted) => interrupted,
            None => self.begin_refresh(events, epoch, Vec::new()),
        };
        let never = || false;
        let pause = if refreshing.is_hurried { &never } else { pause };
        self.advance_refresh(events, refreshing, pause)
    }

    /// Begins a round. The classes of findings that an earlier round gave up are renewed again.
    fn begin_refresh(&mut self, events: &Events, epoch: Epoch, given_up: Vec<FindingId>) -> Refresh {
        let numbered = u32::try_from(self.classes.of_findings().len()).unwrap_or(u32::MAX);
        let since = self.change_log.since(self.classes.cursor(), self.entries.len(), epoch);
        let mut is_hurried = self.order.has_moved();
        let mut changed = given_up;
        if since.is_reset && self.classes.has_many_old_ones() {
            self.classes.restart();
            changed.extend(since.new.map(FindingId));
            is_hurried = true;
        } else if since.is_reset {
            // Any of them may have changed.
            changed.extend((0..numbered).map(FindingId));
        } else {
            changed.extend_from_slice(since.changed);
        }
        self.order.begin(&self.entries, events, &changed);
        Refresh { changed, renewed: 0, findings: self.entries.len(), is_hurried }
    }

    fn advance_refresh(&mut self, events: &Events, mut refreshing: Refresh, pause: Pause<'_>) -> bool {
        while let Some(id) = refreshing.changed.get(refreshing.renewed) {
            if let Some(finding) = self.entries.get(id.index()) {
                let kind = ScoreClass::of(finding, events);
                self.classes.renew(*id, kind);
            }
            refreshing.renewed += 1;
            if refreshing.renewed.is_multiple_of(YIELD_COSTLY) && pause() {
                self.refreshing = Some(refreshing);
                return false;
            }
        }
        let numbered = self.classes.of_findings().len();
        for (number, at) in (1..).zip(numbered..refreshing.findings) {
            let Some(finding) = self.entries.get(at) else { break };
            let kind = ScoreClass::of(finding, events);
            self.classes.add(kind);
            if usize::is_multiple_of(number, YIELD_COSTLY) && pause() {
                self.refreshing = Some(refreshing);
                return false;
            }
        }
        if self.order.advance(&self.entries, events, self.classes.of_findings(), pause) {
            return true;
        }
        self.refreshing = Some(refreshing);
        false
    }
}
