//! The way of an event into the store: selected, known or new, kept, joined.

use crate::detect::clauses::is_listed_host;
use crate::detect::hunt::program::Program;
use crate::detect::profile::Profile;
use crate::detect::technique::ClauseId;
use crate::detect::{DetectionInput, TECHNIQUE};
use crate::model::batch::{Batch, EventRecord};
use crate::model::event::{Field, code};
use crate::model::fault::{Fault, FaultKind, SkipReason};
use crate::store::Store;
use crate::store::events::collect::{Collect, is_for_rows, is_joined};
use crate::store::events::dedup::KeyedEvents;
use crate::store::events::event::{MAX_SLOTS, StoredEvent, slot_fields};
use crate::store::events::host_names::HostName;
use crate::store::events::interner::Symbol;
use crate::store::findings::finding::NamedBy;
use crate::store::ids::{DistinctId, EventId, ProcessId};

/// Connections that are held against answers for each event that comes in: more than one, so that they catch up.
const LEADS_PER_EVENT: usize = 8;

impl Store {
    /// Takes a batch in.
    pub fn ingest(&mut self, batch: Batch) {
        self.tally.add(&batch.tally);
        if batch.counted.is_some_and(|counted| !self.keeps_duplicates && !self.counted_chunks.insert(counted))
        {
            // All records of a chunk that are only counted, as they were met before.
            for (event_code, events) in batch.tally.event_codes.iter().filter(|(id, _)| !code::is_kept(**id))
            {
                self.tally.uncount(*event_code, *events, SkipReason::Duplicate);
            }
        }
        if batch.claims.is_empty() {
            self.known.begin(&batch);
            self.census.add_records(&batch, &self.collect.wanted());
            for record in &batch.events {
                self.ingest_event(&batch, record);
            }
            self.known.end();
        } else {
            self.join_at_once();
        }
        for (record, scan_row) in batch.events.iter().zip(&batch.claims) {
            self.ingest_row(&batch, record, scan_row);
        }
        self.ingest_channels(&batch);
        if self.activities.is_on {
            // Before the patterns and the exceptions are held against what came in; an answer that concerns very many
            // connections is held against them bit by bit.
            let mut steps = LEADS_PER_EVENT * (batch.events.len() + 16);
            self.advance_leads(&mut || {
                steps = steps.saturating_sub(1);
                steps > 0
            });
        }
        self.faults.extend(batch.faults);
        self.generation += 1;
    }

    pub(super) fn ingest_event(&mut self, batch: &Batch, record: &EventRecord) {
        let facts = own_facts(batch, record);
        let clause = TECHNIQUE.select(&facts);
        let name = batch.text(record, Field::Computer).and_then(|computer| self.name(computer));
        if !self.wants(&facts, clause, batch.text(record, Field::QueryName)) {
            let event_key = Self::event_key(record, name).filter(|_| !self.keeps_duplicates);
            if event_key.is_some_and(|event_key| self.known.count(event_key, record.head.event_code)) {
                self.tally.uncount(record.head.event_code, 1, SkipReason::Duplicate);
            } else {
                self.count_for_coverage(batch, record, name);
            }
            return;
        }
        if !self.keeps_duplicates && self.is_known(batch, record, name, clause.is_some()) {
            self.tally.uncount(record.head.event_code, 1, SkipReason::Duplicate);
            return;
        }
        self.count_for_coverage(batch, record, name);
        self.take_event(batch, record, name, &facts, clause);
    }

    /// Puts an event in, and all that follows from it.
    pub(super) fn take_event(
        &mut self,
        batch: &Batch,
        record: &EventRecord,
        name: Option<HostName>,
        facts: &DetectionInput<'_>,
        clause: Option<ClauseId>,
    ) {
        let text = |field| batch.text(record, field);
        let Some(id) = self.keep(batch, record, name, clause.is_some()) else {
            self.overflow(record.head.event_code);
            return;
        };
        match record.head.event_code {
            code::PROCESS_CREATE => {
                self.process_started(id);
                if self.activities.is_on {
                    self.hunt_start(id, batch, record, clause.is_some());
                }
            }
            code::NETWORK_CONNECT if clause.is_none() && TECHNIQUE.select_if_named(facts).is_some() => {
                self.connection_to_resolve(id);
            }
            code::DNS_QUERY => self.query_answered(id),
            _ => {}
        }
        if let Some(clause) = clause {
            self.add_finding(id, clause, Some(Profile::Spl), NamedBy::Nothing);
        }
        if self.activities.is_on {
            match record.head.event_code {
                code::NETWORK_CONNECT if clause.is_none() => self.hunt_connection(id),
                code::DNS_QUERY
                    if text(Field::QueryName).is_some_and(|name| self.activities.hosts.knows(name)) =>
                {
                    self.hunt_query(id);
                }
                _ => {}
            }
        }
    }

    pub(super) fn wants(
        &self,
        facts: &DetectionInput<'_>,
        clause: Option<ClauseId>,
        query_name: Option<&str>,
    ) -> bool {
        match self.collect {
            Collect::Everything => true,
            Collect::Selected => clause.is_some(),
            Collect::Leads => match facts.event_code {
                code::PROCESS_CREATE => true,
                code::NETWORK_CONNECT => {
                    clause.is_some() || facts.image.is_some_and(|image| Program::of(image).is_some())
                }
                code::DNS_QUERY => query_name.is_some_and(|name| self.activities.hosts.knows(name)),
                _ => false,
            },
            Collect::Joins => match facts.event_code {
                code::PROCESS_CREATE => true,
                code::NETWORK_CONNECT => clause.is_some() || TECHNIQUE.select_if_named(facts).is_some(),
                code::DNS_QUERY => query_name.is_some_and(is_listed_host),
                _ => false,
            },
        }
    }

    /// Puts an event into the tables, and says its number. Of an event that is not selected nothing but what others
    /// may be joined to is kept, where the store keeps no more than that.
    pub(super) fn keep(
        &mut self,
        batch: &Batch,
        record: &EventRecord,
        name: Option<HostName>,
        is_selected: bool,
    ) -> Option<EventId> {
        let id = EventId(u32::try_from(self.events.len()).ok()?);
        let head = &record.head;
        let host = name.map(|name| self.host(name, record));
        let key = head.process_guid.zip(self.host_key(host));
        let is_deferred = !is_selected && self.deferred.takes(head.event_code);
        let process = match key {
            Some((guid, host_key)) if is_deferred => {
                self.deferred.wait(guid, host_key, id);
                None
            }
            Some((guid, host_key)) => self.processes.get_or_add(host_key, guid),
            None => None,
        };
        let keeps_all = matches!(self.collect, Collect::Everything | Collect::Leads);
        let is_start = head.event_code == code::PROCESS_CREATE;
        let packed = if is_deferred && is_start {
            self.deferred.pack(|field| batch.text(record, field))
        } else {
            None
        };
        let mut intern = |field| {
            let is_asked_for = is_selected || !is_start || (is_joined(field) && packed.is_none());
            let is_kept = keeps_all || (is_for_rows(field) && is_asked_for);
            if is_kept { self.strings.intern(batch.text(record, field)?) } else { None }
        };
        let mut slots = [None; MAX_SLOTS];
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
            packed,
            record_id_or_max: head.record_id.unwrap_or(u64::MAX),
            odd_guid: intern(Field::ProcessGuid),
        };
        if let Some(parent) = event.symbol(Field::ParentImage) {
            self.parents.count(parent, parent, parent, head.time);
        }
        self.events.push(event);
        if head.record_id.is_some() && host.is_some() && !self.keeps_duplicates {
            let all = KeyedEvents { events: &self.events, host_keys: &self.host_keys };
            self.known.add(id, all);
        }
        if let Some(process) = process {
            self.chain(id, process);
        }
        // Who is whose child matters to somebody who looks at the tree.
        if is_start && keeps_all {
            self.link_parent(process, host, head.parent_process_guid);
        }
        Some(id)
    }

    /// Counts an event for which there was no number any more, and says so once.
    pub(super) fn overflow(&mut self, event_code: u16) {
        self.tally.uncount(event_code, 1, SkipReason::NoRoom);
        self.overflowed += 1;
        let kind = FaultKind::NoNumbersLeft(self.overflowed);
        if let Some(fault) = self.overflow_fault.and_then(|at| self.faults.get_mut(at)) {
            fault.kind = kind;
            return;
        }
        self.overflow_fault = Some(self.faults.len());
        self.faults.push(Fault::new("all that was read".to_owned(), kind));
    }

    /// Puts an event before the others of its process.
    pub(super) fn chain(&mut self, id: EventId, process: ProcessId) {
        let previous = self.processes.get_mut(process).and_then(|process| process.newest_event.replace(id));
        if let Some(event) = self.events.get_mut(id.0 as usize) {
            event.previous_of_process = previous;
        }
    }

    pub(super) fn name(&mut self, computer: &str) -> Option<HostName> {
        let naming = self.naming;
        let spellings = &mut self.spellings;
        self.names.get_or_add(computer, &mut self.strings, |strings| {
            spellings.name(computer, naming.shown(computer), strings)
        })
    }

    pub(super) fn host(&mut self, name: HostName, record: &EventRecord) -> DistinctId {
        let id = if code::is_kept(record.head.event_code) {
            self.hosts.count(name.written, name.shown, name.first, record.head.time)
        } else {
            // Another channel's: it tells the host's name, but is no event of the detection's.
            self.hosts.number(name.written, name.shown, name.first)
        };
        if self.host_keys.len() < self.hosts.entries().len() {
            self.host_keys.push(Some(name.key));
        }
        id
    }

    pub(super) fn host_key(&self, host: Option<DistinctId>) -> Option<Symbol> {
        self.host_keys.get(host?.0 as usize).copied().flatten()
    }

    pub(super) fn link_parent(
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
}

/// What the selection looks at.
pub(super) fn own_facts<'a>(batch: &'a Batch, record: &EventRecord) -> DetectionInput<'a> {
    let text = |field| batch.text(record, field);
    DetectionInput {
        event_code: record.head.event_code,
        host: None,
        image: text(Field::Image),
        command_line: text(Field::CommandLine),
        parent_image: None,
        destination_hostname: text(Field::DestinationHostname),
    }
}
