//! The order of the findings that no score changes: time descending, record number descending, then source order.

use std::cmp::Ordering;

use super::event::StoredEvent;
use super::finding::{Finding, FindingId};
use crate::model::time::Timestamp;

/// A finding in the order of time, with its event's time at hand.
#[derive(Clone, Copy, Debug)]
pub struct Ranked {
    /// The finding.
    pub id: FindingId,
    /// Its event's time.
    pub time: Option<Timestamp>,
}

/// Keeps the findings in order while more come in.
#[derive(Default)]
pub(super) struct Ranking {
    sorted: Vec<Ranked>,
    fresh: Vec<Ranked>,
    merged: Vec<Ranked>,
    is_disturbed: bool,
}

impl Ranking {
    pub(super) fn add(&mut self, finding: FindingId) {
        self.fresh.push(Ranked { id: finding, time: None });
    }

    /// A finding stands for another event than before.
    pub(super) fn disturb(&mut self) {
        self.is_disturbed = true;
    }

    pub(super) fn sorted(&self) -> &[Ranked] {
        &self.sorted
    }

    /// Sorts the fresh ones and merges them in: linear in all, so call it once a frame and not once an event.
    pub(super) fn settle(&mut self, findings: &[Finding], events: &[StoredEvent]) -> &[Ranked] {
        let event = |of: &Ranked| event_of(of.id, findings, events);
        let look = |all: &mut [Ranked]| {
            for one in all {
                one.time = event(one).and_then(|event| event.time);
            }
        };
        // Most are told apart by their times, without a look at their events.
        let order = |a: &Ranked, b: &Ranked| b.time.cmp(&a.time).then_with(|| compare(event(a), event(b)));
        if std::mem::take(&mut self.is_disturbed) {
            look(&mut self.sorted);
            // Nearly in order already, which this sort makes use of.
            self.sorted.sort_by(order);
        }
        if self.fresh.is_empty() {
            return &self.sorted;
        }
        look(&mut self.fresh);
        self.fresh.sort_unstable_by(order);
        self.merged.clear();
        self.merged.reserve(self.sorted.len() + self.fresh.len());
        let mut fresh = self.fresh.drain(..).peekable();
        for old in self.sorted.drain(..) {
            while let Some(new) = fresh.next_if(|new| order(new, &old) == Ordering::Less) {
                self.merged.push(new);
            }
            self.merged.push(old);
        }
        self.merged.extend(fresh);
        std::mem::swap(&mut self.sorted, &mut self.merged);
        &self.sorted
    }
}

fn event_of<'a>(id: FindingId, findings: &[Finding], events: &'a [StoredEvent]) -> Option<&'a StoredEvent> {
    events.get(findings.get(id.0 as usize)?.event.0 as usize)
}

/// A missing time or record number comes last.
fn compare(a: Option<&StoredEvent>, b: Option<&StoredEvent>) -> Ordering {
    let (Some(a), Some(b)) = (a, b) else { return Ordering::Equal };
    b.time
        .cmp(&a.time)
        .then_with(|| b.record_id().cmp(&a.record_id()))
        .then_with(|| (a.source, a.place).cmp(&(b.source, b.place)))
}
