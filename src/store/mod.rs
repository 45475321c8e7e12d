//! The store of a load: events, processes, the joins between them, and the findings of the detection.
//!
//! One thread owns a [`Store`] and [ingests](Store::ingest) batches; whatever order they come in, the findings are the
//! same. The patterns are not the store's: their verdicts on the distinct hosts and parents are a
//! [`tuning_matches::TuningMatches`], of which there can be several (one in force, one being tried).

mod addresses;
pub mod channels;
pub mod compaction;
#[cfg(test)]
mod cost_tests;
pub mod coverage;
pub mod events;
pub mod evidence;
mod explain_lead;
pub mod findings;
pub mod held;
mod hunt;
pub mod ids;
mod ingest;
mod ingest_rows;
mod joins;
pub mod list;
mod ordered;
mod pages;
pub mod push_matrix;
pub mod resumable;
pub mod scores;
pub mod tuning_matches;
pub mod view;

use crate::store::addresses::Addresses;
use crate::store::channels::Channels;
use crate::store::coverage::Census;
use crate::store::events::Events;
pub use crate::store::events::HostNaming;
pub use crate::store::events::collect::Collect;
use crate::store::events::distinct::DistinctTable;
use crate::store::events::event::StoredEvent;
use crate::store::events::interner::Symbol;
use crate::store::events::process::Process;
use crate::store::events::same_event::Contradictions;
use crate::store::evidence::Evidence;
use crate::store::findings::Findings;
pub use crate::store::findings::change_log::{Changes, Cursor};
use crate::store::findings::finding::Finding;
pub use crate::store::findings::score_class::ScoreClassId;
pub use crate::store::findings::time_order::NO_TIME;
use crate::store::hunt::activity::Activities;
use crate::store::ids::{DistinctId, Epoch, EventId, FindingId, ProcessId};
use crate::store::ingest_rows::ImportedRows;
use crate::store::joins::Joins;
pub use crate::store::list::filter_cache::FilterCache;
use crate::store::resumable::Pause;
pub use crate::store::scores::{Scored, Scores};
use std::collections::BTreeMap;

use hashbrown::HashSet;

use crate::model::batch::CountedRecords;
use crate::model::event::{Field, Wanted};
use crate::model::fault::{Fault, Tally};
use crate::model::feed::SourceInfo;
use crate::model::host;

/// All that was read.
#[derive(Default)]
pub struct Store {
    events: Events,
    contradictions: Contradictions,
    /// The chunks of which the records that are only counted were met.
    counted_chunks: HashSet<CountedRecords>,
    sources: Vec<SourceInfo>,
    addresses: Addresses,
    joins: Joins,
    findings: Findings,
    activities: Activities,
    evidence: Evidence,
    census: Census,
    telemetry: Channels,
    rows: ImportedRows,
    tally: Tally,
    faults: Vec<Fault>,
    /// Events that could not be kept for want of numbers (four thousand million of them).
    overflowed: u64,
    /// Index of the fault that reports the overflow.
    overflow_fault: Option<usize>,
    /// Events that were evicted to keep the store within bounds.
    evicted: u64,
    /// Connections that were compared with the answers to their address: tests count these steps.
    swept: u64,
    /// How many there are to be before the next round of refreshing.
    sweep_goal: Option<u64>,
    generation: u64,
    epoch: Epoch,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(naming: HostNaming, collect: Collect) -> Self {
        Self { events: Events::new(naming, collect), ..Self::default() }
    }

    /// Keeps an event every time it is met, in one source or in several.
    pub const fn keep_duplicates(&mut self) {
        self.events.keep_duplicates();
    }

    /// The texts of events that it asks for.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        self.events.wanted()
    }

    /// Returns the events, with the processes that they tell of.
    #[must_use]
    pub const fn events(&self) -> &Events {
        &self.events
    }

    /// Makes a source known, before its first batch.
    pub fn add_source(&mut self, source: SourceInfo) {
        // They come nearly in their order: an archive may hold hundreds of thousands.
        let at = self.sources.partition_point(|known| known.id <= source.id);
        self.sources.insert(at, source);
    }

    /// Keeps a fault that belongs to no batch.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
        self.generation += 1;
    }

    /// The sources, in order of their numbers.
    #[must_use]
    pub fn sources(&self) -> &[SourceInfo] {
        &self.sources
    }

    /// The account of all records so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// All that could not be read so far.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// A number that changes whenever anything here does.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The epoch of the ids. It changes with each compaction, which gives them to others.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The distinct hosts.
    #[must_use]
    pub const fn hosts(&self) -> &DistinctTable {
        self.events.hosts()
    }

    /// The distinct parents.
    #[must_use]
    pub const fn parents(&self) -> &DistinctTable {
        self.events.parents()
    }

    /// How many events are kept.
    #[must_use]
    pub fn kept_events(&self) -> usize {
        self.events.len()
    }

    /// A kept event.
    #[must_use]
    pub fn event(&self, id: EventId) -> Option<&StoredEvent> {
        self.events.event(id)
    }

    /// A process.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> Option<&Process> {
        self.events.process(id)
    }

    /// The text of a symbol.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        self.events.text(symbol)
    }

    /// The text of an event's field; `None` where the event lacks it or the store does not keep it.
    #[must_use]
    pub fn field(&self, event: &StoredEvent, field: Field) -> Option<&str> {
        self.events.field(event, field)
    }

    /// The host of an event, as it is to be shown.
    #[must_use]
    pub fn host_of(&self, event: &StoredEvent) -> Option<&str> {
        self.events.host_of(event)
    }

    /// The name of a host as it was first written: names have no case.
    #[must_use]
    pub fn host_name(&self, host: DistinctId) -> Option<&str> {
        self.events.host_name(host)
    }

    /// Returns whether some event, of any channel that is read, is of a host: by its name or its first label, without
    /// case.
    #[must_use]
    pub fn knows_host(&self, wanted: &str) -> bool {
        self.all_hosts().any(|name| host::is_meant(name, wanted))
    }

    /// Returns the names of up to `most` hosts, in order, and how many more there are.
    #[must_use]
    pub fn host_names(&self, most: usize) -> (Vec<&str>, usize) {
        let mut names: BTreeMap<String, &str> = BTreeMap::new();
        for name in self.all_hosts() {
            names.entry(host::key(name)).or_insert(name);
        }
        let more = names.len().saturating_sub(most);
        (names.into_values().take(most).collect(), more)
    }

    fn all_hosts(&self) -> impl Iterator<Item = &str> {
        let own = self.hosts().entries().iter().map(|host| host.written);
        own.chain(self.telemetry.hosts()).map(|name| self.text(name))
    }

    /// The file name of an event's source.
    #[must_use]
    pub fn source_name(&self, event: &StoredEvent) -> &str {
        self.source(event).map_or("", |source| source.name.as_str())
    }

    /// Returns whether a source has this name. A channel that is read live has it before its first event.
    #[must_use]
    pub fn has_source_named(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source.name == name)
    }

    /// The source of an event.
    #[must_use]
    pub fn source(&self, event: &StoredEvent) -> Option<&SourceInfo> {
        let index = self.sources.binary_search_by_key(&event.source, |source| source.id).ok()?;
        self.sources.get(index)
    }

    /// The findings by their numbers, in no order that means anything.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.findings.all()
    }

    /// A finding.
    #[must_use]
    pub fn finding(&self, id: FindingId) -> Option<&Finding> {
        self.findings.get(id)
    }

    /// The findings by time, then record number, both descending, then in the sources' order. Sorts in those that came
    /// since the last call.
    pub fn refresh(&mut self) -> &[FindingId] {
        if self.findings.is_refreshing() {
            self.refresh_until(&|| false);
        }
        self.refresh_until(&|| false);
        self.by_time()
    }

    /// Refreshes the order until it is that of all that had come when the round began, and returns true then; or until
    /// the pause asks to stop.
    pub fn refresh_until(&mut self, pause: Pause<'_>) -> bool {
        if !self.findings.is_refreshing() && self.activities.is_on && !self.advance_leads_of_round(pause) {
            return false;
        }
        if self.findings.begins_refresh() {
            self.log_changed_joins();
        }
        self.findings.refresh_until(&self.events, self.epoch, pause)
    }

    /// Returns the findings that came or changed since a reader's last look.
    pub fn since(&self, cursor: &mut Cursor) -> Changes<'_> {
        self.findings.since(cursor, self.epoch)
    }

    /// The findings as [`Self::refresh`] last put them.
    #[must_use]
    pub fn by_time(&self) -> &[FindingId] {
        self.findings.order().ids()
    }

    /// Their kinds, in the same order.
    #[must_use]
    pub(super) fn by_time_classes(&self) -> &[ScoreClassId] {
        self.findings.order().kinds()
    }

    /// A number that changes with the order.
    #[must_use]
    pub(super) const fn by_time_version(&self) -> u64 {
        self.findings.order().version()
    }

    /// Their times in seconds since 1970, in the same order; [`NO_TIME`] where one has none.
    #[must_use]
    pub fn by_time_seconds(&self) -> &[i64] {
        self.findings.order().seconds()
    }
}
