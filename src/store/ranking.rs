//! The order of the findings that no score changes: time descending, record number descending, then source order.

use std::cmp::Ordering;

use super::event::StoredEvent;
use super::finding::{Finding, FindingId};
use super::glance::KindId;

/// What stands for a missing time among seconds since 1970: before all that a clock can show.
pub const NO_TIME: i64 = i64::MIN;

/// Keeps the findings in order while more come in. In columns, since lists walk over all of it.
#[derive(Default)]
pub(super) struct Ranking {
    ids: Vec<FindingId>,
    seconds: Vec<i64>,
    kinds: Vec<KindId>,
    fresh: Vec<FindingId>,
    moved: Vec<FindingId>,
}

impl Ranking {
    pub(super) fn add(&mut self, finding: FindingId) {
        self.fresh.push(finding);
    }

    /// A finding stands for another event than before.
    pub(super) fn move_it(&mut self, finding: FindingId) {
        self.moved.push(finding);
    }

    pub(super) fn ids(&self) -> &[FindingId] {
        &self.ids
    }

    pub(super) fn seconds(&self) -> &[i64] {
        &self.seconds
    }

    pub(super) fn kinds(&self) -> &[KindId] {
        &self.kinds
    }

    /// Sorts the fresh ones and merges them in: linear in all, so call it once a frame and not once an event. `kinds` has
    /// the kind of each finding by its number, and `changed` names those who may have another one than before.
    pub(super) fn settle(
        &mut self,
        findings: &[Finding],
        events: &[StoredEvent],
        kinds: &[KindId],
        changed: &[FindingId],
    ) {
        let kind_of = |id: FindingId| kinds.get(id.0 as usize).copied().unwrap_or_default();
        if !changed.is_empty() {
            let is_changed = marked(changed, findings.len());
            for (id, kind) in self.ids.iter().zip(&mut self.kinds) {
                if is_changed.get(id.0 as usize) == Some(&true) {
                    *kind = kind_of(*id);
                }
            }
        }
        self.take_out_the_moved(findings.len());
        let event = |id: FindingId| event_of(id, findings, events);
        let seconds = |id| event(id).and_then(|event| event.time).map_or(NO_TIME, |time| time.unix_seconds());
        // Most are told apart by their seconds, without a look at their events.
        let order = |a: &(i64, FindingId), b: &(i64, FindingId)| {
            b.0.cmp(&a.0).then_with(|| compare(event(a.1), event(b.1)))
        };
        let mut fresh: Vec<_> = self.fresh.drain(..).map(|id| (seconds(id), id)).collect();
        fresh.sort_unstable_by(|a, b| order(a, b).then_with(|| a.1.cmp(&b.1)));
        let mut end = self.ids.len();
        self.ids.resize(end + fresh.len(), FindingId(0));
        self.seconds.resize(end + fresh.len(), NO_TIME);
        self.kinds.resize(end + fresh.len(), KindId::default());
        // From the back, so that each stretch between two fresh ones is moved once and to its last place.
        for (before, new) in fresh.iter().enumerate().rev() {
            let at = self.first_after(end, |old| order(old, new) != Ordering::Greater);
            self.ids.copy_within(at..end, at + before + 1);
            self.seconds.copy_within(at..end, at + before + 1);
            self.kinds.copy_within(at..end, at + before + 1);
            let place = at + before;
            if let (Some(id), Some(seconds), Some(kind)) =
                (self.ids.get_mut(place), self.seconds.get_mut(place), self.kinds.get_mut(place))
            {
                (*seconds, *id) = *new;
                *kind = kind_of(new.1);
            }
            end = at;
        }
    }

    /// How many of the first `end` come before something. What is near the end is found soon.
    fn first_after(&self, end: usize, comes_before: impl Fn(&(i64, FindingId)) -> bool) -> usize {
        let is_before = |at: usize| {
            let old = self.seconds.get(at).zip(self.ids.get(at));
            old.is_some_and(|(seconds, id)| comes_before(&(*seconds, *id)))
        };
        let (mut from, mut to, mut step) = (0, end, 1);
        while let Some(at) = to.checked_sub(step) {
            if is_before(at) {
                from = at + 1;
                break;
            }
            to = at;
            step *= 2;
        }
        while from < to {
            let middle = usize::midpoint(from, to);
            if is_before(middle) { from = middle + 1 } else { to = middle }
        }
        from
    }

    /// Makes those fresh that have moved.
    fn take_out_the_moved(&mut self, findings: usize) {
        if self.moved.is_empty() {
            return;
        }
        let is_moved = marked(&self.moved, findings);
        self.moved.clear();
        let stays = |id: &FindingId| is_moved.get(id.0 as usize) == Some(&false);
        let mut all = self.ids.iter();
        self.seconds.retain(|_| all.next().is_some_and(stays));
        let mut all = self.ids.iter();
        self.kinds.retain(|_| all.next().is_some_and(stays));
        let fresh = &mut self.fresh;
        self.ids.retain(|id| {
            if !stays(id) {
                fresh.push(*id);
            }
            stays(id)
        });
    }
}

/// By number of finding: whether it is one of these.
fn marked(these: &[FindingId], findings: usize) -> Vec<bool> {
    let mut marked = vec![false; findings];
    for id in these {
        if let Some(slot) = marked.get_mut(id.0 as usize) {
            *slot = true;
        }
    }
    marked
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
