//! The order of the findings that no score changes: time descending, record number descending, then source order.

use std::cmp::Ordering;

use crate::store::events::Events;
use crate::store::events::event::StoredEvent;
use crate::store::findings::finding::Finding;
use crate::store::findings::score_class::ScoreClassId;
use crate::store::ids::{EventId, FindingId};
use crate::store::resumable::{MergeSort, Pause};

/// Marks a missing time: earlier than any clock can show.
pub const NO_TIME: i64 = i64::MIN;

/// Findings that are copied between two polls of the pause: about 50 us. A fresh one that is put in counts as
/// `PENDING_COST` of them. Tests stop far more often.
const COPIED_PER_POLL: usize = if cfg!(test) { 3 } else { 16_384 };
const PENDING_COST: usize = if cfg!(test) { 1 } else { 32 };

/// Keeps the findings in order while more come in. New findings since the last round are sorted and merged in by the
/// next one, in steps; until that is over, all is as the last one left it.
#[derive(Default)]
pub(in crate::store) struct TimeOrder {
    columns: Columns,
    /// The result of the current merge, and between two merges memory for the next one.
    next: Columns,
    fresh: Vec<FindingId>,
    moved: Vec<FindingId>,
    round: Option<Merge>,
    version: u64,
}

/// In columns, since lists walk over all of it.
#[derive(Default)]
struct Columns {
    ids: Vec<FindingId>,
    seconds: Vec<i64>,
    kinds: Vec<ScoreClassId>,
}

/// A fresh finding, with its sort key.
#[derive(Clone, Copy)]
struct Pending {
    seconds: i64,
    event: Option<EventId>,
    finding: FindingId,
}

struct Merge {
    fresh: MergeSort<Pending>,
    /// By number of finding, whether its kind may be another one than before; empty where no such is known.
    is_changed: Vec<bool>,
    /// How many of the old ones, and of the fresh ones, are in their places.
    old: usize,
    new: usize,
    /// The index among the old ones at which the next fresh one belongs, once that is known.
    place: Option<usize>,
}

impl TimeOrder {
    pub(in crate::store) fn add(&mut self, finding: FindingId) {
        self.fresh.push(finding);
    }

    /// Notes that a finding has another event than before.
    pub(in crate::store) fn reposition(&mut self, finding: FindingId) {
        self.moved.push(finding);
    }

    pub(in crate::store) fn ids(&self) -> &[FindingId] {
        &self.columns.ids
    }

    pub(in crate::store) fn seconds(&self) -> &[i64] {
        &self.columns.seconds
    }

    pub(in crate::store) fn kinds(&self) -> &[ScoreClassId] {
        &self.columns.kinds
    }

    /// Bytes that it takes.
    pub(in crate::store) const fn bytes(&self) -> usize {
        self.columns.bytes()
            + self.next.bytes()
            + (self.fresh.capacity() + self.moved.capacity()) * size_of::<FindingId>()
    }

    /// A number that changes with the order.
    pub(in crate::store) const fn version(&self) -> u64 {
        self.version
    }

    /// Returns true where findings moved after the current merge began.
    pub(in crate::store) const fn has_moved(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Begins a round with all that has come by now; `changed` names those that may have another kind than before.
    pub(in crate::store) fn begin(&mut self, findings: &[Finding], events: &Events, changed: &[FindingId]) {
        self.take_out_the_moved(findings.len());
        let fresh = self.fresh.drain(..).map(|finding| {
            let event = event_id_of(finding, findings);
            let time = event_of(event, events).and_then(|event| event.time);
            Pending { seconds: time.map_or(NO_TIME, |time| time.unix_seconds()), event, finding }
        });
        let fresh = MergeSort::new(fresh.collect());
        let is_changed = if changed.is_empty() { Vec::new() } else { marked(changed, findings.len()) };
        self.round = Some(Merge { fresh, is_changed, old: 0, new: 0, place: None });
    }

    /// Continues until the fresh ones are merged in, or the pause asks to stop. Returns true when done. `kinds` has the
    /// kind of each finding by its number. No finding may have moved since the round began.
    pub(in crate::store) fn advance(
        &mut self,
        findings: &[Finding],
        events: &Events,
        kinds: &[ScoreClassId],
        pause: Pause<'_>,
    ) -> bool {
        let Some(mut round) = self.round.take() else { return true };
        if round.fresh.items().is_empty() {
            if !round.is_changed.is_empty() {
                round.change_kinds(&mut self.columns, kinds);
                self.version += 1;
            }
            return true;
        }
        let place =
            |id: FindingId, seconds| Pending { seconds, event: event_id_of(id, findings), finding: id };
        let order = |a: &Pending, b: &Pending| compare(a, b, events);
        let in_order = |a: &Pending, b: &Pending| order(a, b).then_with(|| a.finding.cmp(&b.finding));
        let comes_before =
            |id: FindingId, seconds, fresh: &Pending| order(&place(id, seconds), fresh) != Ordering::Greater;
        if !round.fresh.advance(in_order, pause)
            || !round.merge(&self.columns, &mut self.next, kinds, comes_before, pause)
        {
            self.round = Some(round);
            return false;
        }
        std::mem::swap(&mut self.columns, &mut self.next);
        self.next.clear();
        self.version += 1;
        true
    }

    /// Aborts the current merge; its unmerged items become pending again.
    pub(in crate::store) fn give_up(&mut self) {
        let Some(round) = self.round.take() else { return };
        self.fresh.extend(round.fresh.items().iter().map(|fresh| fresh.finding));
        self.next.clear();
    }

    /// Makes those fresh that have moved.
    fn take_out_the_moved(&mut self, findings: usize) {
        if self.moved.is_empty() {
            return;
        }
        let is_moved = marked(&self.moved, findings);
        self.moved.clear();
        let stays = |id: &FindingId| is_moved.get(id.0 as usize) == Some(&false);
        let Columns { ids, seconds, kinds } = &mut self.columns;
        let mut all = ids.iter();
        seconds.retain(|_| all.next().is_some_and(stays));
        let mut all = ids.iter();
        kinds.retain(|_| all.next().is_some_and(stays));
        let fresh = &mut self.fresh;
        ids.retain(|id| {
            if !stays(id) {
                fresh.push(*id);
            }
            stays(id)
        });
    }
}

impl Columns {
    const fn bytes(&self) -> usize {
        self.ids.capacity() * size_of::<FindingId>()
            + self.seconds.capacity() * size_of::<i64>()
            + self.kinds.capacity() * size_of::<ScoreClassId>()
    }

    fn clear(&mut self) {
        self.ids.clear();
        self.seconds.clear();
        self.kinds.clear();
    }

    fn push(&mut self, finding: FindingId, seconds: i64, kind: ScoreClassId) {
        self.ids.push(finding);
        self.seconds.push(seconds);
        self.kinds.push(kind);
    }

    /// Galloping search from `from`: returns the number of items before the target.
    fn first_after(&self, from: usize, comes_before: impl Fn(FindingId, i64) -> bool) -> usize {
        let is_before = |at: usize| {
            let old = self.ids.get(at).zip(self.seconds.get(at));
            old.is_some_and(|(id, seconds)| comes_before(*id, *seconds))
        };
        let (mut from, mut to, mut step) = (from, self.ids.len(), 1);
        while let Some(at) = Some(from + step - 1).filter(|at| *at < to) {
            if !is_before(at) {
                to = at;
                break;
            }
            from = at + 1;
            step *= 2;
        }
        while from < to {
            let middle = usize::midpoint(from, to);
            if is_before(middle) { from = middle + 1 } else { to = middle }
        }
        from
    }
}

impl Merge {
    fn change_kinds(&self, columns: &mut Columns, kinds: &[ScoreClassId]) {
        for (id, kind) in columns.ids.iter().zip(&mut columns.kinds) {
            if self.is_changed.get(id.0 as usize) == Some(&true) {
                *kind = kind_of(*id, kinds);
            }
        }
    }

    /// Continues until all are in `next`, or the pause asks to stop. Returns true when done.
    fn merge(
        &mut self,
        columns: &Columns,
        next: &mut Columns,
        kinds: &[ScoreClassId],
        comes_before: impl Fn(FindingId, i64, &Pending) -> bool,
        pause: Pause<'_>,
    ) -> bool {
        let mut cost = 0;
        loop {
            let fresh = self.fresh.items().get(self.new).copied();
            let place = *self.place.get_or_insert_with(|| match &fresh {
                Some(fresh) => columns.first_after(self.old, |id, seconds| comes_before(id, seconds, fresh)),
                None => columns.ids.len(),
            });
            let to = place.min(self.old + COPIED_PER_POLL);
            cost += to - self.old + PENDING_COST;
            self.copy(columns, to, next, kinds);
            if to == place {
                let Some(fresh) = fresh else { return true };
                next.push(fresh.finding, fresh.seconds, kind_of(fresh.finding, kinds));
                self.new += 1;
                self.place = None;
            }
            if cost >= COPIED_PER_POLL {
                cost = 0;
                if pause() {
                    return false;
                }
            }
        }
    }

    /// Copies the old ones up to one of them.
    fn copy(&mut self, columns: &Columns, to: usize, next: &mut Columns, kinds: &[ScoreClassId]) {
        let range = self.old..to;
        self.old = to;
        let ids = columns.ids.get(range.clone()).unwrap_or_default();
        let seconds = columns.seconds.get(range.clone()).unwrap_or_default();
        let old_kinds = columns.kinds.get(range).unwrap_or_default();
        next.ids.extend_from_slice(ids);
        next.seconds.extend_from_slice(seconds);
        if self.is_changed.is_empty() {
            next.kinds.extend_from_slice(old_kinds);
            return;
        }
        next.kinds.extend(ids.iter().zip(old_kinds).map(|(id, kind)| {
            if self.is_changed.get(id.0 as usize) == Some(&true) { kind_of(*id, kinds) } else { *kind }
        }));
    }
}

fn kind_of(id: FindingId, kinds: &[ScoreClassId]) -> ScoreClassId {
    kinds.get(id.0 as usize).copied().unwrap_or_default()
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

fn event_id_of(id: FindingId, findings: &[Finding]) -> Option<EventId> {
    findings.get(id.0 as usize).map(|finding| finding.event)
}

fn event_of(id: Option<EventId>, events: &Events) -> Option<&StoredEvent> {
    events.event(id?)
}

/// Orders pending findings. Most differ in their seconds, so that their events are not read. A missing time or record
/// number comes last.
fn compare(a: &Pending, b: &Pending, events: &Events) -> Ordering {
    b.seconds.cmp(&a.seconds).then_with(|| {
        let (Some(a), Some(b)) = (event_of(a.event, events), event_of(b.event, events)) else {
            return Ordering::Equal;
        };
        b.time
            .cmp(&a.time)
            .then_with(|| b.record_id().cmp(&a.record_id()))
            .then_with(|| (a.source, a.place).cmp(&(b.source, b.place)))
    })
}
