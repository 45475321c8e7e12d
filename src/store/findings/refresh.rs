//! Brings the kinds and the order of the findings up to date, in steps that can be interrupted: a screen must answer
//! while forty thousand of them come in.

use crate::store::Store;
use crate::store::ids::FindingId;
use crate::store::resumable::{Pause, YIELD_COSTLY};

/// A round: all that had come or changed when it began.
pub(in crate::store) struct Refresh {
    changed: Vec<FindingId>,
    /// How many of the changed ones have their kind.
    renewed: usize,
    /// The findings that were there when it began.
    findings: usize,
    /// It is not to be interrupted: what is there is no order that anybody could use meanwhile.
    is_hurried: bool,
}

impl Store {
    /// Goes on until all is settled that had come when the round began, which it says, or it is time to stop. Until
    /// then, all is as the last round left it.
    pub fn refresh_until(&mut self, pause: Pause<'_>) -> bool {
        if self.refreshing.is_none() && self.activities.is_on && !self.advance_leads_of_round(pause) {
            return false;
        }
        let refreshing = match self.refreshing.take() {
            // The order so far is none.
            Some(at_work) if self.ranking.has_moved() => {
                self.ranking.give_up();
                self.begin_refresh(at_work.changed)
            }
            Some(at_work) => at_work,
            None => self.begin_refresh(Vec::new()),
        };
        let never = || false;
        let pause = if refreshing.is_hurried { &never } else { pause };
        self.advance_refresh(refreshing, pause)
    }

    /// Weighs the leads, in steps, until as many connections were cursor at as waited when this round began: more may have
    /// come meanwhile, and the list does not wait for these.
    fn advance_leads_of_round(&mut self, pause: Pause<'_>) -> bool {
        let began = self.swept;
        let goal = self.sweep_goal.unwrap_or_else(|| began + self.left_to_sweep() as u64);
        let mut asked = 0_usize;
        let mut is_paused = false;
        self.advance_leads(&mut || {
            asked += 1;
            is_paused = is_paused || asked.is_multiple_of(YIELD_COSTLY) && pause();
            !is_paused
        });
        self.sweep_goal = Some(goal).filter(|goal| is_paused && self.swept < *goal);
        self.sweep_goal.is_none()
    }

    /// Settles all that has come by now.
    pub(in crate::store) fn refresh_findings(&mut self) {
        if self.refreshing.is_some() {
            self.refresh_until(&|| false);
        }
        self.refresh_until(&|| false);
    }

    /// Begins a round. The kinds of those that an earlier one gave up are cursor at again.
    fn begin_refresh(&mut self, given_up: Vec<FindingId>) -> Refresh {
        self.log_changed_joins();
        let numbered = u32::try_from(self.kinds.of_findings().len()).unwrap_or(u32::MAX);
        let since = self.change_log.since(self.kinds.cursor(), self.findings.len(), self.epoch);
        let mut is_hurried = self.ranking.has_moved();
        let mut changed = given_up;
        if since.is_reset && self.kinds.has_many_old_ones() {
            self.kinds.restart();
            changed.extend(since.new.map(FindingId));
            is_hurried = true;
        } else if since.is_reset {
            // Any of them may have changed.
            changed.extend((0..numbered).map(FindingId));
        } else {
            changed.extend_from_slice(since.changed);
        }
        self.ranking.begin(&self.findings, &self.events, &changed);
        Refresh { changed, renewed: 0, findings: self.findings.len(), is_hurried }
    }

    fn advance_refresh(&mut self, mut refreshing: Refresh, pause: Pause<'_>) -> bool {
        while let Some(id) = refreshing.changed.get(refreshing.renewed) {
            if let Some(finding) = self.findings.get(id.0 as usize) {
                let kind = self.kind(finding);
                self.kinds.renew(*id, kind);
            }
            refreshing.renewed += 1;
            if refreshing.renewed.is_multiple_of(YIELD_COSTLY) && pause() {
                self.refreshing = Some(refreshing);
                return false;
            }
        }
        let numbered = self.kinds.of_findings().len();
        for (number, at) in (1..).zip(numbered..refreshing.findings) {
            let Some(finding) = self.findings.get(at) else { break };
            let kind = self.kind(finding);
            self.kinds.add(kind);
            if usize::is_multiple_of(number, YIELD_COSTLY) && pause() {
                self.refreshing = Some(refreshing);
                return false;
            }
        }
        if self.ranking.advance(&self.findings, &self.events, self.kinds.of_findings(), pause) {
            return true;
        }
        self.refreshing = Some(refreshing);
        false
    }
}
