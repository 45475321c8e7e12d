//! The order of the findings that no score changes: time descending, record number descending, then source order.

use std::cmp::Ordering;

use super::event::StoredEvent;
use super::finding::{Finding, FindingId};

/// Keeps the findings in order while more come in.
#[derive(Default)]
pub(super) struct Ranking {
    sorted: Vec<FindingId>,
    fresh: Vec<FindingId>,
    merged: Vec<FindingId>,
    is_disturbed: bool,
}

impl Ranking {
    pub(super) fn add(&mut self, finding: FindingId) {
        self.fresh.push(finding);
    }

    /// A finding stands for another event than before.
    pub(super) fn disturb(&mut self) {
        self.is_disturbed = true;
    }

    pub(super) fn sorted(&self) -> &[FindingId] {
        &self.sorted
    }

    /// Sorts the fresh ones and merges them in: linear in all, so call it once a frame and not once an event.
    pub(super) fn settle(&mut self, findings: &[Finding], events: &[StoredEvent]) -> &[FindingId] {
        let order = |a: &FindingId, b: &FindingId| {
            compare(event_of(*a, findings, events), event_of(*b, findings, events))
        };
        if std::mem::take(&mut self.is_disturbed) {
            // Nearly in order already, which this sort makes use of.
            self.sorted.sort_by(order);
        }
        if self.fresh.is_empty() {
            return &self.sorted;
        }
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
