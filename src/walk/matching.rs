//! Which events meet the conditions of which row: found once, in slices, while the store grows.

use hashbrown::HashMap;

use super::definition::{Origin, Test};
use crate::model::event::{Field, code};
use crate::store::Store;
use crate::store::events::event::StoredEvent;
use crate::store::ids::{DistinctId, Epoch, EventId};

/// Event counts of one host's Sysmon.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HostCount {
    /// Events by ID: 1, 3, 11, 22.
    by_code: [u64; 4],
    /// Event 3 under a name.
    pub(super) named_connections: u64,
    /// All events.
    pub(super) events: u64,
}

const COUNTED: [u16; 4] = [code::PROCESS_CREATE, code::NETWORK_CONNECT, code::FILE_CREATE, code::DNS_QUERY];

impl HostCount {
    /// Returns the count of an Event ID; `None` for an ID that is not counted.
    pub(super) fn of(&self, event_code: u16) -> Option<u64> {
        let at = COUNTED.iter().position(|counted| *counted == event_code)?;
        self.by_code.get(at).copied()
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (sum, count) in self.by_code.iter_mut().zip(other.by_code) {
            *sum += count;
        }
        self.named_connections += other.named_connections;
        self.events += other.events;
    }
}

/// A walk through tests over the events of one store.
pub struct Walk {
    pub(super) tests: Vec<Test>,
    /// Store epoch of the processed events.
    epoch: Epoch,
    next: usize,
    /// By test and row: the events that meet its conditions, but for the name of a connection, which may be joined.
    hits: Vec<Vec<Vec<EventId>>>,
    by_code: HashMap<u16, Vec<(usize, usize)>>,
    hosts: HashMap<DistinctId, HostCount>,
}

impl Walk {
    /// Returns a walk that has processed no events yet.
    #[must_use]
    pub fn new(tests: Vec<Test>) -> Self {
        let mut by_code: HashMap<u16, Vec<(usize, usize)>> = HashMap::new();
        for (at, test) in tests.iter().enumerate() {
            for (row_at, row) in test.rows.iter().enumerate() {
                if let Origin::Events { event_code, .. } = &row.source {
                    by_code.entry(*event_code).or_default().push((at, row_at));
                }
            }
        }
        let hits = tests.iter().map(|test| vec![Vec::new(); test.rows.len()]).collect();
        Self { tests, epoch: Epoch::default(), next: 0, hits, by_code, hosts: HashMap::new() }
    }

    /// The tests.
    #[must_use]
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// How many of the store's events were looked at.
    #[must_use]
    pub fn seen(&self, store: &Store) -> usize {
        if self.epoch == store.epoch() { self.next } else { 0 }
    }

    /// Processes up to `most` further events; returns whether none remains. After a compaction it starts over, since
    /// event ids then refer to other events.
    pub fn extend(&mut self, store: &Store, most: usize) -> bool {
        if self.epoch != store.epoch() {
            *self = Self { epoch: store.epoch(), ..Self::new(std::mem::take(&mut self.tests)) };
        }
        let end = store.kept_events().min(self.next.saturating_add(most));
        while self.next < end {
            if let Ok(id) = u32::try_from(self.next).map(EventId)
                && let Some(event) = store.event(id)
            {
                self.look_at(store, id, event);
            }
            self.next += 1;
        }
        self.next >= store.kept_events()
    }

    fn look_at(&mut self, store: &Store, id: EventId, event: &StoredEvent) {
        if let Some(host) = event.host.filter(|_| code::is_kept(event.event_code)) {
            let count = self.hosts.entry(host).or_default();
            count.events += 1;
            if let Some(at) = COUNTED.iter().position(|counted| *counted == event.event_code)
                && let Some(slot) = count.by_code.get_mut(at)
            {
                *slot += 1;
            }
            if store.field(event, Field::DestinationHostname).is_some_and(|name| name != "-") {
                count.named_connections += 1;
            }
        }
        let Some(rows) = self.by_code.get(&event.event_code) else { return };
        for (test, row) in rows {
            let Some(Origin::Events { conditions, .. }) =
                self.tests.get(*test).and_then(|test| test.rows.get(*row)).map(|row| &row.source)
            else {
                continue;
            };
            let holds = conditions
                .iter()
                .filter(|condition| condition.field != Field::DestinationHostname)
                .all(|condition| condition.holds(|field| store.field(event, field)));
            if holds && let Some(hits) = self.hits.get_mut(*test).and_then(|rows| rows.get_mut(*row)) {
                hits.push(id);
            }
        }
    }

    pub(super) fn hits(&self, test: usize, row: usize) -> &[EventId] {
        self.hits.get(test).and_then(|rows| rows.get(row)).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn host_count(&self, host: DistinctId) -> HostCount {
        self.hosts.get(&host).copied().unwrap_or_default()
    }
}
