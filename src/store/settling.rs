//! Brings the kinds and the order of the findings up to date, in steps that can be interrupted: a screen must answer
//! while forty thousand of them come in.

use super::Store;
use super::finding::FindingId;
use super::making::{FEW, Pause};

/// A round: all that had come or changed when it began.
pub(super) struct Settling {
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
    pub fn settle_until(&mut self, pause: Pause<'_>) -> bool {
        if self.settling.is_none() && self.acts.is_on {
            self.settle_leads();
        }
        let settling = match self.settling.take() {
            // The order so far is none.
            Some(at_work) if self.ranking.has_moved() => {
                self.ranking.give_up();
                self.begin_to_settle(at_work.changed)
            }
            Some(at_work) => at_work,
            None => self.begin_to_settle(Vec::new()),
        };
        let never = || false;
        let pause = if settling.is_hurried { &never } else { pause };
        self.go_on_settling(settling, pause)
    }

    /// Settles all that has come by now.
    pub(super) fn settle_findings(&mut self) {
        if self.settling.is_some() {
            self.settle_until(&|| false);
        }
        self.settle_until(&|| false);
    }

    /// Begins a round. The kinds of those that an earlier one gave up are looked at again.
    fn begin_to_settle(&mut self, given_up: Vec<FindingId>) -> Settling {
        let since = self.touched.since(self.kinds.looked(), self.findings.len(), self.epoch);
        let is_hurried = since.is_anew || self.ranking.has_moved();
        let mut changed = given_up;
        if since.is_anew {
            // Nothing of what was known counts any more.
            self.kinds.restart();
            changed.extend(since.new.map(FindingId));
        } else {
            changed.extend_from_slice(since.changed);
        }
        self.ranking.begin(&self.findings, &self.events, &changed);
        Settling { changed, renewed: 0, findings: self.findings.len(), is_hurried }
    }

    fn go_on_settling(&mut self, mut settling: Settling, pause: Pause<'_>) -> bool {
        let kinds = &mut self.kinds;
        while let Some(id) = settling.changed.get(settling.renewed) {
            if let Some(finding) = self.findings.get(id.0 as usize) {
                kinds.renew(*id, finding);
            }
            settling.renewed += 1;
            if settling.renewed.is_multiple_of(FEW) && pause() {
                self.settling = Some(settling);
                return false;
            }
        }
        let numbered = kinds.of_findings().len();
        let fresh = self.findings.get(numbered..settling.findings).unwrap_or_default();
        for (finding, number) in fresh.iter().zip(1..) {
            kinds.add(finding);
            if usize::is_multiple_of(number, FEW) && pause() {
                self.settling = Some(settling);
                return false;
            }
        }
        if self.ranking.advance(&self.findings, &self.events, kinds.of_findings(), pause) {
            return true;
        }
        self.settling = Some(settling);
        false
    }
}
