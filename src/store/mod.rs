//! What was read: events, processes, the joins between them, and the findings of the detection.
//!
//! One thread owns a [`Store`] and [ingests](Store::ingest) batches; whatever order they come in, the findings are the
//! same. The patterns are not the store's: their verdicts on the distinct hosts and parents are a [`flags::Flags`],
//! of which there can be several (one in force, one being tried).

pub mod acts;
pub mod coverage;
pub mod distinct;
pub mod event;
mod excepted;
pub mod finding;
pub mod flags;
pub mod interner;
mod joins;
pub mod keep;
mod known;
mod lead_rows;
mod leads;
pub mod listing;
mod merged;
pub mod process;
pub mod pushes;
mod ranking;
pub mod rows;
pub mod telemetry;
mod tree;
pub mod view;

use self::acts::Acts;
use self::coverage::Census;
use self::distinct::{DistinctId, DistinctTable};
use self::event::{EventId, SLOTS, StoredEvent, slot_fields};
use self::finding::{Finding, FindingId};
use self::interner::{Interner, Symbol};
use self::joins::Resolutions;
use self::known::Known;
use self::merged::Rows;
use self::process::{Process, ProcessId, Processes};
use self::ranking::Ranking;
use self::telemetry::Telemetry;
use crate::detect::hunt::program::Program;
use crate::detect::profile::Profile;
use crate::detect::{Facts, selection};
use crate::model::batch::{Batch, EventRecord};
use crate::model::event::{Field, Wanted, code};
use crate::model::fault::{Fault, Tally};
use crate::model::feed::SourceInfo;
use crate::model::row::Clause;

/// What `host` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostNaming {
    /// `System/Computer` as written.
    #[default]
    Computer,
    /// Its first label, as a forwarder names it.
    Short,
}

impl HostNaming {
    fn shown(self, computer: &str) -> &str {
        match self {
            Self::Computer => computer,
            Self::Short => computer.split('.').next().filter(|label| !label.is_empty()).unwrap_or(computer),
        }
    }
}

/// Which events are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// All that sources hand over: for the drill-down.
    #[default]
    Everything,
    /// What `hunt` needs to find its leads.
    Leads,
    /// What `correlated` needs to find its alerts.
    Joins,
    /// What `spl` selects.
    Selected,
}

/// A host as an event names it, and as it is shown.
#[derive(Clone, Copy)]
struct HostName {
    written: Symbol,
    shown: Symbol,
}

/// Whether a row shows the field, or a join goes by it.
const fn is_for_rows(field: Field) -> bool {
    matches!(field, Field::User | Field::Image | Field::ProcessGuid | Field::DestinationIp)
        || matches!(field, Field::DestinationHostname | Field::QueryName | Field::QueryResults)
        || is_joined(field)
}

/// Whether an Event 3 takes the field from its process's Event 1.
const fn is_joined(field: Field) -> bool {
    matches!(field, Field::CommandLine | Field::ParentImage | Field::ParentCommandLine)
}

impl Retention {
    /// The texts of events that a store asks for which keeps so much.
    #[must_use]
    pub fn wanted(self) -> Wanted {
        const START: &[Field] =
            &[Field::User, Field::Image, Field::CommandLine, Field::ParentImage, Field::ParentCommandLine];
        const CONNECTION: &[Field] = &[
            Field::User,
            Field::Image,
            Field::CommandLine,
            Field::ParentImage,
            Field::ParentCommandLine,
            Field::DestinationHostname,
            Field::DestinationIp,
        ];
        match self {
            Self::Everything | Self::Leads => Wanted::default(),
            Self::Joins => Wanted::only(
                START,
                CONNECTION,
                &[Field::User, Field::Image, Field::QueryName, Field::QueryResults],
            ),
            Self::Selected => Wanted::only(START, CONNECTION, &[]),
        }
    }
}

/// All that was read.
#[derive(Default)]
pub struct Store {
    naming: HostNaming,
    retention: Retention,
    keeps_duplicates: bool,
    known: Known,
    strings: Interner,
    sources: Vec<SourceInfo>,
    events: Vec<StoredEvent>,
    hosts: DistinctTable,
    /// By number of host: its name in lower case, which is what processes are joined by.
    host_keys: Vec<Option<Symbol>>,
    parents: DistinctTable,
    processes: Processes,
    resolutions: Resolutions,
    findings: Vec<Finding>,
    ranking: Ranking,
    acts: Acts,
    census: Census,
    telemetry: Telemetry,
    rows: Rows,
    tally: Tally,
    faults: Vec<Fault>,
    /// Events that could not be kept for want of numbers (four thousand million of them).
    overflowed: u64,
    /// Events that left to keep the store within bounds.
    let_go: u64,
    generation: u64,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(naming: HostNaming, retention: Retention) -> Self {
        Self { naming, retention, ..Self::default() }
    }

    /// Keeps an event every time it is met, in one source or in several.
    pub const fn keep_duplicates(&mut self) {
        self.keeps_duplicates = true;
    }

    /// The texts of events that it asks for.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        self.retention.wanted()
    }

    /// Makes a source known, before its first batch.
    pub fn add_source(&mut self, source: SourceInfo) {
        self.sources.push(source);
        self.sources.sort_by_key(|source| source.id);
    }

    /// Keeps a fault that belongs to no batch.
    pub fn add_fault(&mut self, fault: Fault) {
        self.faults.push(fault);
        self.generation += 1;
    }

    /// Takes a batch in.
    pub fn ingest(&mut self, batch: Batch) {
        self.tally.add(&batch.tally);
        if batch.claims.is_empty() {
            self.census.add_records(&batch);
            for record in &batch.events {
                self.ingest_event(&batch, record);
            }
        }
        for (record, claim) in batch.events.iter().zip(&batch.claims) {
            self.ingest_row(&batch, record, claim);
        }
        self.ingest_telemetry(&batch);
        if self.acts.is_on {
            // Before the patterns and the exceptions are held against what came in.
            self.settle_leads();
        }
        self.faults.extend(batch.faults);
        self.generation += 1;
    }

    fn ingest_event(&mut self, batch: &Batch, record: &EventRecord) {
        let facts = own_facts(batch, record);
        let clause = selection::select(&facts);
        let name = batch.text(record, Field::Computer).and_then(|computer| self.name(computer));
        if !self.wants(&facts, clause, batch.text(record, Field::QueryName)) {
            self.count_for_coverage(batch, record, name);
            return;
        }
        if !self.keeps_duplicates && self.is_known(batch, record, name) {
            self.tally.uncount_duplicate(record.head.event_code);
            return;
        }
        self.count_for_coverage(batch, record, name);
        self.take_event(batch, record, name, &facts, clause);
    }

    /// Puts an event in, and all that follows from it.
    fn take_event(
        &mut self,
        batch: &Batch,
        record: &EventRecord,
        name: Option<HostName>,
        facts: &Facts<'_>,
        clause: Option<Clause>,
    ) {
        let text = |field| batch.text(record, field);
        let Some(id) = self.keep(batch, record, name, clause.is_some()) else {
            self.overflowed += 1;
            return;
        };
        match record.head.event_code {
            code::PROCESS_CREATE => {
                self.process_started(id);
                if self.acts.is_on {
                    self.hunt_start(id, batch, record, clause.is_some());
                }
            }
            code::NETWORK_CONNECT if clause.is_none() && facts.image.is_some_and(selection::is_net_image) => {
                self.connection_to_resolve(id);
            }
            code::DNS_QUERY if text(Field::QueryName).is_some_and(selection::is_listed_host) => {
                self.name_resolved(id);
            }
            _ => {}
        }
        if let Some(clause) = clause {
            self.add_finding(id, clause, Some(Profile::Spl), None);
        }
        if self.acts.is_on {
            match record.head.event_code {
                code::NETWORK_CONNECT if clause.is_none() => self.hunt_connection(id),
                code::DNS_QUERY if text(Field::QueryName).is_some_and(|name| self.acts.hosts.knows(name)) => {
                    self.hunt_query(id);
                }
                _ => {}
            }
        }
    }

    fn wants(&self, facts: &Facts<'_>, clause: Option<Clause>, query_name: Option<&str>) -> bool {
        match self.retention {
            Retention::Everything => true,
            Retention::Selected => clause.is_some(),
            Retention::Leads => match facts.event_code {
                code::PROCESS_CREATE => true,
                code::NETWORK_CONNECT => {
                    clause.is_some() || facts.image.is_some_and(|image| Program::of(image).is_some())
                }
                code::DNS_QUERY => query_name.is_some_and(|name| self.acts.hosts.knows(name)),
                _ => false,
            },
            Retention::Joins => match facts.event_code {
                code::PROCESS_CREATE => true,
                code::NETWORK_CONNECT => clause.is_some() || facts.image.is_some_and(selection::is_net_image),
                code::DNS_QUERY => query_name.is_some_and(selection::is_listed_host),
                _ => false,
            },
        }
    }

    /// Whether an event was met before: the same host, record number, time and Event ID. Of two the one of the earlier
    /// source counts, whichever came first.
    fn is_known(&mut self, batch: &Batch, record: &EventRecord, name: Option<HostName>) -> bool {
        let head = &record.head;
        let host = name.and_then(|name| self.hosts.find(name.written));
        let known = host
            .zip(head.record_id)
            .and_then(|(host, record_id)| self.known.find((host, record_id, head.time), &self.events));
        let Some(event) = known.and_then(|id| self.events.get_mut(id.0 as usize)) else { return false };
        if event.event_code != head.event_code {
            return false;
        }
        if (batch.source, head.place) < (event.source, event.place) {
            (event.source, event.place) = (batch.source, head.place);
        }
        true
    }

    /// Puts an event into the tables, and says its number. Of an event that is not selected nothing but what others
    /// may be joined to is kept, where the store keeps no more than that.
    fn keep(
        &mut self,
        batch: &Batch,
        record: &EventRecord,
        name: Option<HostName>,
        is_selected: bool,
    ) -> Option<EventId> {
        let id = EventId(u32::try_from(self.events.len()).ok()?);
        let head = &record.head;
        let host = name.map(|name| self.host(name, record));
        let process =
            head.process_guid.and_then(|guid| self.processes.get_or_add(self.host_key(host)?, guid));
        let keeps_all = matches!(self.retention, Retention::Everything | Retention::Leads);
        let is_start = head.event_code == code::PROCESS_CREATE;
        let mut intern = |field| {
            let is_kept = keeps_all || (is_for_rows(field) && (is_selected || !is_start || is_joined(field)));
            if is_kept { self.strings.intern(batch.text(record, field)?) } else { None }
        };
        let mut slots = [None; SLOTS];
        for (slot, field) in slots.iter_mut().zip(slot_fields(head.event_code)) {
            *slot = intern(*field);
        }
        let event = StoredEvent {
            time: head.time,
            place: head.place,
            source: batch.source,
            host,
            process,
            previous_of_process: None,
            event_code: head.event_code,
            user: intern(Field::User),
            image: intern(Field::Image),
            process_number: intern(Field::ProcessId),
            slots,
            record_id_or_max: head.record_id.unwrap_or(u64::MAX),
            odd_guid: intern(Field::ProcessGuid),
        };
        if let Some(parent) = event.symbol(Field::ParentImage) {
            self.parents.count(parent, parent, head.time);
        }
        self.events.push(event);
        if let Some((host, record_id)) = host.zip(head.record_id).filter(|_| !self.keeps_duplicates) {
            self.known.add((host, record_id, head.time), id, &self.events);
        }
        if let Some(newest) = process
            .and_then(|process| self.processes.get_mut(process))
            .map(|process| &mut process.newest_event)
        {
            let previous = newest.replace(id);
            if let Some(event) = self.events.last_mut() {
                event.previous_of_process = previous;
            }
        }
        // Who is whose child matters to somebody who looks at the tree.
        if is_start && keeps_all {
            self.link_parent(process, host, head.parent_process_guid);
        }
        Some(id)
    }

    fn name(&mut self, computer: &str) -> Option<HostName> {
        let written = self.strings.intern(computer)?;
        let shown = match self.naming {
            HostNaming::Computer => written,
            HostNaming::Short => self.strings.intern(self.naming.shown(computer))?,
        };
        Some(HostName { written, shown })
    }

    fn host(&mut self, name: HostName, record: &EventRecord) -> DistinctId {
        let id = if code::is_kept(record.head.event_code) {
            self.hosts.count(name.written, name.shown, record.head.time)
        } else {
            // Another channel's: it tells the host's name, but is no event of the detection's.
            self.hosts.number(name.written, name.shown)
        };
        if self.host_keys.len() < self.hosts.entries().len() {
            let key = self.strings.text(name.written).to_ascii_lowercase();
            let key = self.strings.intern(&key);
            self.host_keys.push(key);
        }
        id
    }

    fn host_key(&self, host: Option<DistinctId>) -> Option<Symbol> {
        self.host_keys.get(host?.0 as usize).copied().flatten()
    }

    fn link_parent(
        &mut self,
        process: Option<ProcessId>,
        host: Option<DistinctId>,
        parent_guid: Option<crate::model::guid::Guid>,
    ) {
        let (Some(process), Some(guid), Some(key)) = (process, parent_guid, self.host_key(host)) else {
            return;
        };
        if let Some(parent) = self.processes.get_or_add(key, guid) {
            self.processes.link(process, parent);
        }
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

    /// The distinct hosts.
    #[must_use]
    pub const fn hosts(&self) -> &DistinctTable {
        &self.hosts
    }

    /// The distinct parents.
    #[must_use]
    pub const fn parents(&self) -> &DistinctTable {
        &self.parents
    }

    /// How many events are kept.
    #[must_use]
    pub fn kept_events(&self) -> usize {
        self.events.len()
    }

    /// How many processes are known.
    #[must_use]
    pub fn known_processes(&self) -> usize {
        self.processes.len()
    }

    /// Bytes that the texts take.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.strings.bytes()
    }

    /// A kept event.
    #[must_use]
    pub fn event(&self, id: EventId) -> Option<&StoredEvent> {
        self.events.get(id.0 as usize)
    }

    /// A process.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> Option<&Process> {
        self.processes.get(id)
    }

    /// The text of a symbol.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        self.strings.text(symbol)
    }

    /// The text of an event's field; `None` where the event lacks it or the store does not keep it.
    #[must_use]
    pub fn field(&self, event: &StoredEvent, field: Field) -> Option<&str> {
        event.symbol(field).map(|symbol| self.text(symbol))
    }

    /// The host of an event, as it is to be shown.
    #[must_use]
    pub fn host_of(&self, event: &StoredEvent) -> Option<&str> {
        self.hosts.get(event.host?).map(|host| self.text(host.shown))
    }

    /// The file name of an event's source.
    #[must_use]
    pub fn source_name(&self, event: &StoredEvent) -> &str {
        self.source(event).map_or("", |source| source.name.as_str())
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
        &self.findings
    }

    /// A finding.
    #[must_use]
    pub fn finding(&self, id: FindingId) -> Option<&Finding> {
        self.findings.get(id.0 as usize)
    }

    /// The findings by time, then record number, both descending, then in the sources' order. Sorts what has come in
    /// since the last call.
    pub fn by_time(&mut self) -> &[FindingId] {
        if self.acts.is_on {
            self.settle_leads();
        }
        self.ranking.settle(&self.findings, &self.events)
    }
}

/// What the selection looks at.
fn own_facts<'a>(batch: &'a Batch, record: &EventRecord) -> Facts<'a> {
    let text = |field| batch.text(record, field);
    Facts {
        event_code: record.head.event_code,
        host: None,
        image: text(Field::Image),
        command_line: text(Field::CommandLine),
        parent_image: None,
        destination_hostname: text(Field::DestinationHostname),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_keeps_it_asks_for() {
        let wanted = Retention::Joins.wanted();
        let mut asked = 0;
        for event_code in [code::PROCESS_CREATE, code::NETWORK_CONNECT, code::DNS_QUERY] {
            let common = [Field::User, Field::Image, Field::ProcessGuid, Field::Computer];
            for field in common.iter().chain(slot_fields(event_code)) {
                assert!(field.is_carried() && Retention::Everything.wanted().has(event_code, *field));
                if is_for_rows(*field) || *field == Field::Computer {
                    assert!(wanted.has(event_code, *field), "{event_code} {field:?}");
                    asked += 1;
                }
            }
        }
        assert!(asked > 15, "{asked}");
    }
}
