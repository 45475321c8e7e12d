//! Bounded memory for sources without an end: old events leave, alerts and their ancestors stay.
//!
//! The events that stay are copied, a few with each batch, into a store of their own. It replaces the old one when it
//! has caught up. No batch waits for it, and the texts of the evicted events are freed with the old store.

use std::cell::OnceCell;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};

use crate::store::Store;
use crate::store::events::Events;
use crate::store::events::event::{StoredEvent, slot_fields};
use crate::store::ids::{EventId, FindingId, ProcessId};
use crate::store::ingest::own_facts;
use crate::store::tuning_matches::TuningMatches;

use crate::detect::profile::Profile;
use crate::detect::technique::ClauseId;
use crate::detect::{ALERT_SCORE, TECHNIQUE};
use crate::model::batch::{Batch, EventHead};
use crate::model::event::{Field, code};
use crate::model::time::Timestamp;

/// How many events are copied for each that comes in: the copy catches up before the store has grown by a sixth.
const COPIES_PER_EVENT: usize = 8;
/// Events that are copied with each batch, however few it brings.
const MIN_COPIED: usize = 64;
/// Minimum of surplus events before a compaction: copying costs.
const MIN_SURPLUS: usize = 4_096;
/// Times further in the future than this are ignored: they must not age everything else.
const MAX_AHEAD: Duration = Duration::from_secs(86_400);

/// The bound of a store whose source has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// The count of the last events.
    Events(usize),
    /// The bytes that the last events may take, with unfinished copies.
    Bytes(usize),
    /// Events whose time is no longer ago than this before the latest.
    Age(Duration),
}

/// The ids of a store in the compacted one that took its place.
pub struct Relocation {
    /// The old store.
    pub old: Store,
    stayed: Vec<EventId>,
    first_kept: u32,
    /// By number of event in the new store: its finding and its lead.
    findings: OnceCell<Vec<[u32; 2]>>,
}

/// Marks an event without a finding.
const NONE: u32 = u32::MAX;

impl Relocation {
    /// The number that an event of the old store has now; `None` where it left.
    #[must_use]
    pub fn event(&self, old: EventId) -> Option<EventId> {
        let stayed = u32::try_from(self.stayed.len()).ok()?;
        if let Some(offset) = old.0.checked_sub(self.first_kept) {
            return Some(EventId(stayed + offset));
        }
        let at = self.stayed.binary_search(&old).ok()?;
        Some(EventId(u32::try_from(at).ok()?))
    }

    /// How many of the first `events` events of the old store are here.
    #[must_use]
    pub fn count_of_first(&self, events: usize) -> usize {
        let kept = events.saturating_sub(self.first_kept as usize);
        self.stayed.partition_point(|event| (event.index()) < events) + kept
    }

    /// The number that a finding of the old store has in the new one.
    #[must_use]
    pub fn finding(&self, old: FindingId, new: &Store) -> Option<FindingId> {
        let old = self.old.finding(old)?;
        let event = self.event(old.event)?;
        // Made once for all that ask: a list has a million of them.
        let findings = self.findings.get_or_init(|| findings_by_event(new));
        let number = findings.get(event.index())?.get(usize::from(old.clause == ClauseId::LEAD))?;
        (*number != NONE).then_some(FindingId(*number))
    }

    /// The number that a process of the old store has in the new one.
    #[must_use]
    pub fn process(&self, old: ProcessId, new: &Store) -> Option<ProcessId> {
        let event = self.event(self.old.process(old)?.start?)?;
        new.event(event)?.process
    }
}

/// By number of event: its finding and its lead. Of several leads the one that still is one.
fn findings_by_event(store: &Store) -> Vec<[u32; 2]> {
    let mut by_event = vec![[NONE; 2]; store.kept_events()];
    for (number, finding) in (0..).zip(store.findings()) {
        let is_lead = finding.clause == ClauseId::LEAD;
        let slots = by_event.get_mut(finding.event.index());
        if let Some(slot) = slots.and_then(|slots| slots.get_mut(usize::from(is_lead)))
            && (*slot == NONE || is_lead && finding.hunt.is_some())
        {
            *slot = number;
        }
    }
    by_event
}

/// Keeps a store within its bounds.
pub struct Compactor {
    retention: Retention,
    now: fn() -> Timestamp,
    copy: Option<PendingCopy>,
    /// Events that stayed for their alerts' sake when the last copy was made.
    stayed: usize,
    /// The number of events at which the store is looked at again.
    look_at: usize,
    /// The same for bytes, if bytes are bounded.
    look_at_bytes: usize,
}

struct PendingCopy {
    store: Store,
    stayed: Vec<EventId>,
    first_kept: u32,
    /// How many of those that stay are copied.
    copied: usize,
    /// The next event of the others.
    next: u32,
}

impl Compactor {
    /// A compactor for a new store. `now` is the clock that ages are measured by.
    #[must_use]
    pub const fn new(retention: Retention, now: fn() -> Timestamp) -> Self {
        let look_at_bytes = match retention {
            Retention::Bytes(most) => most / 2,
            Retention::Events(_) | Retention::Age(_) => usize::MAX,
        };
        Self { retention, now, copy: None, stayed: 0, look_at: MIN_SURPLUS, look_at_bytes }
    }

    /// Returns the bound.
    #[must_use]
    pub const fn retention(&self) -> Retention {
        self.retention
    }

    /// Takes a batch into the store. Returns the relocation, once the copy has replaced the store.
    pub fn ingest(&mut self, store: &mut Store, batch: Batch, tuning: &TuningMatches) -> Option<Relocation> {
        let events = batch.events.len();
        store.ingest(batch);
        if self.copy.is_none() && self.is_to_look(store) {
            // Leads must be known before their events could be evicted.
            store.finish_leads();
            self.begin(store, tuning);
        }
        let copying = self.copy.as_mut()?;
        // The copy is as large as the half that stays and all that comes meanwhile: before both together come to the
        // bound, it is made at once.
        let is_urgent = matches!(self.retention, Retention::Bytes(most) if store.bytes() > most / 10 * 6);
        let copied = if is_urgent { usize::MAX } else { events * COPIES_PER_EVENT + MIN_COPIED };
        if !copying.advance(store, copied) {
            return None;
        }
        let PendingCopy { store: mut new, stayed, first_kept, .. } = self.copy.take()?;
        self.stayed = stayed.len();
        new.take_over(store);
        let old = std::mem::replace(store, new);
        self.look_again(store);
        Some(Relocation { old, stayed, first_kept, findings: OnceCell::new() })
    }

    /// Bytes of the copy that is being made.
    #[cfg(test)]
    pub(super) fn copied_bytes(&self) -> usize {
        self.copy.as_ref().map_or(0, |copying| copying.store.bytes())
    }

    /// Returns whether enough has come that events may have to be evicted.
    fn is_to_look(&self, store: &Store) -> bool {
        match self.retention {
            Retention::Bytes(_) => store.bytes() >= self.look_at_bytes,
            Retention::Events(_) | Retention::Age(_) => store.events.len() >= self.look_at,
        }
    }

    /// Looks again when more has come: an eighth more at least, since each look costs a walk over the findings.
    fn look_again(&mut self, store: &Store) {
        self.look_at = store.events.len() + MIN_SURPLUS.max(store.events.len() / 8);
        if let Retention::Bytes(most) = self.retention {
            let bytes = store.bytes();
            self.look_at_bytes = (most / 2).max(bytes + bytes / 8);
        }
    }

    fn begin(&mut self, store: &Store, tuning: &TuningMatches) {
        let events = store.events.len();
        self.look_again(store);
        let mut young = Vec::new();
        let first_kept = match self.retention {
            Retention::Events(most) => {
                let surplus = events.saturating_sub(self.stayed).saturating_sub(most);
                if surplus < most / 8 { 0 } else { surplus + self.stayed }
            }
            // The copy is of half the size, and both are there for a while.
            Retention::Bytes(_) => store.first_of_last_half(),
            Retention::Age(age) => {
                young = store.younger_than(age, (self.now)());
                events
            }
        };
        let mut stayed = store.needed_by_alerts(first_kept, tuning);
        stayed.append(&mut young);
        stayed.sort_unstable();
        stayed.dedup();
        let Ok(first_kept) = u32::try_from(first_kept) else { return };
        let leave = (first_kept as usize).saturating_sub(stayed.len());
        let least =
            if matches!(self.retention, Retention::Bytes(_)) { 1 + events / 16 } else { MIN_SURPLUS / 2 };
        if leave < least {
            // Nearly all of it stays anyway.
            return;
        }
        let mut new = Store { events: Events::new_like(&store.events), ..Store::default() };
        new.epoch = store.epoch.next();
        new.hunt_like(store);
        new.evidence.options = store.evidence.options.clone();
        new.sources.clone_from(&store.sources);
        let kept = stayed.len() + events.saturating_sub(first_kept as usize);
        new.events.reserve(kept + kept / COPIES_PER_EVENT * 2);
        self.copy = Some(PendingCopy { store: new, stayed, first_kept, copied: 0, next: first_kept });
    }
}

impl PendingCopy {
    /// Copies up to `events` events. Returns whether the copy has caught up.
    fn advance(&mut self, old: &Store, events: usize) -> bool {
        let mut is_done = false;
        for _ in 0..events {
            let id = if let Some(stayed) = self.stayed.get(self.copied) {
                self.copied += 1;
                *stayed
            } else if (self.next as usize) < old.events.len() {
                self.next += 1;
                EventId(self.next - 1)
            } else {
                is_done = true;
                break;
            };
            self.store.adopt(old, id);
        }
        self.store.finish_leads();
        is_done
    }
}

impl Store {
    /// Bytes that the store takes: all tables that have something for each event, process, address, host, finding or
    /// text. It is asked after each batch, and looks at no single one of them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.events.bytes()
            + self.findings.bytes()
            + self.addresses.bytes()
            + self.joins.bytes()
            + self.activities.bytes()
            + self.evidence.bytes()
            + self.census.bytes()
    }

    /// The first of the last events that make about half of the bytes.
    fn first_of_last_half(&self) -> usize {
        /// Bytes of an event without its texts.
        const OWN: usize = size_of::<StoredEvent>() + 64;
        /// Bytes that an address of an answer takes for each letter of it.
        const ADDRESSES: usize = 5;
        let weight = |event: &StoredEvent| {
            let texts = slot_fields(event.event_code).iter().filter_map(|field| {
                let length = self.field(event, *field)?.len();
                Some(if *field == Field::QueryResults { length * ADDRESSES } else { length })
            });
            OWN + texts.sum::<usize>()
        };
        let half = self.events.all().iter().map(weight).sum::<usize>() / 2;
        let mut sum = 0;
        let over = self.events.all().iter().rposition(|event| {
            sum += weight(event);
            sum > half
        });
        over.map_or(0, |at| at + 1)
    }

    /// Returns how many events were evicted to keep the store within bounds.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The events that are no older than `age` before the latest; those without a time are old.
    fn younger_than(&self, age: Duration, now: Timestamp) -> Vec<EventId> {
        let bound = now.unix_seconds().saturating_add(seconds(MAX_AHEAD));
        let times = || self.events.all().iter().map(|event| event.time.map(|time| time.unix_seconds()));
        let latest = times().flatten().filter(|time| *time <= bound).max().unwrap_or(bound);
        let oldest = latest.saturating_sub(seconds(age));
        let is_young = |time: Option<i64>| time.is_some_and(|time| (oldest..=bound).contains(&time));
        (0..).map(EventId).zip(times()).filter(|(_, time)| is_young(*time)).map(|(id, _)| id).collect()
    }

    /// Of the events before `first_kept`: those of alerts, their joined events, and the starts of their ancestors.
    fn needed_by_alerts(&self, first_kept: usize, tuning: &TuningMatches) -> Vec<EventId> {
        let mut needed = Vec::new();
        let mut is_walked: HashMap<ProcessId, ()> = HashMap::new();
        for finding in self.findings() {
            let is_alert = Profile::ALL.into_iter().any(|profile| {
                self.score_of(finding, profile, tuning).is_some_and(|score| score >= ALERT_SCORE)
            });
            if !is_alert {
                continue;
            }
            let joined = [self.start_of(finding), self.resolved_by(finding)];
            needed.extend([Some(finding.event)].into_iter().chain(joined).flatten());
            let mut at = self.event(finding.event).and_then(|event| event.process);
            while let Some(process) = at.filter(|process| is_walked.insert(*process, ()).is_none()) {
                let Some(process) = self.process(process) else { break };
                needed.extend(process.start);
                at = process.parent;
            }
        }
        needed.extend(self.needed_by_activities(first_kept, |finding| {
            let score =
                self.finding(finding).and_then(|finding| self.score_of(finding, Profile::Hunt, tuning));
            score.is_some_and(|score| score >= ALERT_SCORE)
        }));
        needed.retain(|event| (event.index()) < first_kept);
        needed
    }

    /// Takes over an event of another store, and all that follows from it.
    fn adopt(&mut self, other: &Self, id: EventId) {
        let Some(event) = other.event(id) else { return };
        let process = event.process.and_then(|process| other.process(process));
        let parent = process.filter(|_| event.event_code == code::PROCESS_CREATE).and_then(|it| it.parent);
        let head = EventHead {
            event_code: event.event_code,
            time: event.time,
            record_id: event.record_id(),
            place: event.place,
            process_guid: process.map(|process| process.guid),
            parent_process_guid: parent.and_then(|parent| other.process(parent)).map(|parent| parent.guid),
        };
        let computer =
            event.host.and_then(|host| other.hosts().get(host)).map(|host| other.text(host.written));
        let common = [Field::User, Field::Image, Field::ProcessId, Field::ProcessGuid];
        let fields = common.iter().chain(slot_fields(event.event_code));
        let texts = fields.filter_map(|field| Some((*field, other.field(event, *field)?)));
        let mut batch = Batch::new(event.source);
        batch.push(head, texts.chain(computer.map(|computer| (Field::Computer, computer))));
        for record in &batch.events {
            let facts = own_facts(&batch, record);
            let name = computer.and_then(|computer| self.events.name(computer));
            self.take_event(&batch, record, name, &facts, TECHNIQUE.select(&facts));
        }
    }

    /// Takes over the accounts of a store whose events were adopted.
    fn take_over(&mut self, old: &mut Self) {
        self.sources = std::mem::take(&mut old.sources);
        self.tally = std::mem::take(&mut old.tally);
        self.faults = std::mem::take(&mut old.faults);
        self.overflowed = old.overflowed;
        self.overflow_fault = old.overflow_fault;
        self.contradictions = std::mem::take(&mut old.contradictions);
        self.counted_chunks = std::mem::take(&mut old.counted_chunks);
        self.generation = old.generation + 1;
        self.evicted = old.evicted + old.events.len().saturating_sub(self.events.len()) as u64;
        let telemetry = std::mem::take(&mut old.telemetry);
        self.telemetry = telemetry.renamed(|symbol| self.events.intern(old.text(symbol)));
        let here_before: HashSet<crate::store::events::interner::Symbol> = {
            let here: HashSet<&str> =
                self.hosts().entries().iter().map(|host| self.events.text(host.shown)).collect();
            let before = old.hosts().entries().iter().map(|host| host.shown);
            before.filter(|host| here.contains(old.text(*host))).collect()
        };
        let census = std::mem::take(&mut old.census);
        self.census =
            census.renamed(|host| here_before.contains(&host), |symbol| self.events.intern(old.text(symbol)));
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
