//! The way of an event into the store: selected, known or new, kept, joined.

use crate::detect::clauses::is_listed_host;
use crate::detect::evidence::signs::{is_download_host, trace_of_file};
use crate::detect::hunt::hosts::is_reverse_name;
use crate::detect::hunt::indicator::IndicatorKind;
use crate::detect::hunt::program::Program;
use crate::detect::profile::Profile;
use crate::detect::technique::ClauseId;
use crate::detect::{DetectionInput, TECHNIQUE};
use crate::model::batch::{Batch, EventRecord};
use crate::model::event::{Field, code};
use crate::model::fault::{Fault, FaultKind, SkipReason};
use crate::model::guid::Guid;
use crate::store::Store;
use crate::store::events::collect::Collect;
use crate::store::events::dedup::Earlier;
use crate::store::events::deferred::Waiting;
use crate::store::events::host_names::HostName;
use crate::store::events::interner::Symbol;
use crate::store::findings::finding::{Finding, NamedBy};
use crate::store::ids::{EventId, FindingId, ProcessId};

use hashbrown::HashMap;

/// Connections that are compared with answers for each event that comes in: more than one, so that they catch up.
const LEADS_PER_EVENT: usize = 8;

impl Store {
    /// Takes a batch in.
    pub fn ingest(&mut self, batch: Batch) {
        self.tally.add(&batch.tally);
        if batch
            .counted
            .is_some_and(|counted| !self.events.keeps_duplicates() && !self.counted_chunks.insert(counted))
        {
            // All records of a chunk that are only counted, as they were met before.
            for (event_code, events) in batch.tally.event_codes.iter().filter(|(id, _)| !code::is_kept(**id))
            {
                self.tally.uncount(*event_code, *events, SkipReason::Duplicate);
            }
        }
        if batch.claims.is_empty() {
            self.events.begin_batch(&batch);
            self.census.add_records(&batch, &self.events.wanted());
            for record in &batch.events {
                self.ingest_event(&batch, record);
            }
            self.events.end_batch();
        } else {
            self.join_at_once();
        }
        for (record, scan_row) in batch.events.iter().zip(&batch.claims) {
            self.ingest_row(&batch, record, scan_row);
        }
        self.ingest_channels(&batch);
        if self.activities.is_on {
            // Before the patterns and the exceptions are applied to the new events; an answer that concerns very many
            // connections is compared with them bit by bit.
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
        let name = batch.text(record, Field::Computer).and_then(|computer| self.events.name(computer));
        let named =
            batch.text(record, Field::QueryName).or_else(|| batch.text(record, Field::TargetFilename));
        if !self.wants(&facts, clause, named) {
            if self.events.is_counted_before(record, name) {
                self.tally.uncount(record.head.event_code, 1, SkipReason::Duplicate);
            } else {
                self.count_for_coverage(batch, record, name);
            }
            return;
        }
        if !self.events.keeps_duplicates() && self.is_known(batch, record, name, clause.is_some()) {
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
        let Some(id) = self.events.insert(batch, record, name, clause.is_some()) else {
            self.overflow(record.head.event_code);
            return;
        };
        self.evidence.traces.add(
            id,
            &mut self.events,
            text(Field::Image),
            text(Field::CommandLine),
            text(Field::TargetFilename),
        );
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

    /// Returns true where an event is kept; `named` is the name that a query asks for, or the file that was made.
    pub(super) fn wants(
        &self,
        facts: &DetectionInput<'_>,
        clause: Option<ClauseId>,
        named: Option<&str>,
    ) -> bool {
        let collect = self.events.collect();
        match (collect, facts.event_code) {
            (Collect::Everything, _) | (Collect::Leads | Collect::Joins, code::PROCESS_CREATE) => true,
            (Collect::Selected, _) => clause.is_some(),
            (Collect::Leads | Collect::Joins, code::FILE_CREATE) => {
                named.is_some_and(|file| trace_of_file(facts.image.unwrap_or(""), file).is_some())
            }
            (Collect::Leads, code::NETWORK_CONNECT) => {
                let is_named = |name: &str| self.activities.hosts.knows(name) || is_reverse_name(name);
                clause.is_some()
                    || facts.image.is_some_and(|image| Program::of(image).is_some())
                    || facts.destination_hostname.is_some_and(is_named)
            }
            (Collect::Joins, code::NETWORK_CONNECT) => {
                clause.is_some() || TECHNIQUE.select_if_named(facts).is_some()
            }
            (Collect::Leads, code::DNS_QUERY) => {
                named.is_some_and(|name| self.activities.hosts.knows(name) || is_download_host(name))
            }
            (Collect::Joins, code::DNS_QUERY) => {
                named.is_some_and(|name| is_listed_host(name) || is_download_host(name))
            }
            (Collect::Leads | Collect::Joins, _) => false,
        }
    }

    /// Returns true where an event was added earlier: the same host, record number and time, and the same contents.
    pub(super) fn is_known(
        &mut self,
        batch: &Batch,
        record: &EventRecord,
        name: Option<HostName>,
        is_selected: bool,
    ) -> bool {
        let Earlier { same, contradiction } = self.events.find_earlier(batch, record, name, is_selected);
        if same.is_some() {
            return true;
        }
        if let Some((other, name)) = contradiction.zip(name) {
            let host = self.events.text(name.key);
            let other = self.events.event(other).map(|event| event.source);
            self.contradictions.report((batch, record), host, other, &self.sources, &mut self.faults);
        }
        false
    }

    /// Has joins put off until [`Self::finish_joins`]. For batch runs, where no row is read before the end.
    pub const fn defer_joins(&mut self) {
        self.events.defer();
    }

    /// Joins deferred events to the processes that made a connection, and keeps the rest deferred: their processes may
    /// still connect.
    pub fn finish_joins(&mut self) {
        self.join_deferred(|store, it| {
            let is_query = store.event(it.event).is_some_and(|event| event.event_code == code::DNS_QUERY);
            let process = store.events.find_process(it.host_key, it.guid)?;
            (!is_query || store.answers_a_connection(it.event) || store.is_of_download(it.event))
                .then_some(process)
        });
        self.join_ancestors();
    }

    /// Joins the deferred Event 1s of the processes above those that are known, up to the roots: evidence looks at them.
    /// Each process and each deferred event is looked at once.
    fn join_ancestors(&mut self) {
        let mut waiting = self.events.take_deferred();
        if self.findings().is_empty() {
            self.events.put_back(waiting);
            return;
        }
        // By process, its first deferred Event 1; and by Event 1, the next one of the same process.
        let mut first: HashMap<(Symbol, Guid), usize> = HashMap::with_capacity(waiting.len());
        let mut next_of: Vec<Option<usize>> = vec![None; waiting.len()];
        for (at, (it, next)) in waiting.iter().zip(&mut next_of).enumerate() {
            if it.parent.is_some() {
                *next = first.insert((it.host_key, it.guid), at);
            }
        }
        let mut is_joined = vec![false; waiting.len()];
        let mut number = 0;
        // Joining one can add its parent to the end.
        while let Some((id, key)) = self.events.key_of_process(number) {
            number += 1;
            let mut next = first.get(&key).copied();
            while let Some((at, it)) = next.and_then(|at| Some((at, waiting.get(at)?))) {
                if self.events.join(it, id) == Some(code::PROCESS_CREATE) {
                    self.process_started(it.event);
                }
                if let Some(slot) = is_joined.get_mut(at) {
                    *slot = true;
                }
                next = next_of.get(at).copied().flatten();
            }
        }
        let mut is_joined = is_joined.into_iter();
        waiting.retain(|_| !is_joined.next().unwrap_or(false));
        self.events.put_back(waiting);
    }

    /// Returns true for a query of a host of downloads.
    fn is_of_download(&self, id: EventId) -> bool {
        let name = self.event(id).and_then(|event| self.field(event, Field::QueryName));
        name.is_some_and(is_download_host)
    }

    /// Joins everything that was deferred, and defers nothing from now on.
    pub(super) fn join_at_once(&mut self) {
        self.events.end_deferring();
        self.join_deferred(|store, it| store.events.process_of(it.host_key, it.guid));
    }

    fn join_deferred(&mut self, process_of: impl Fn(&mut Self, &Waiting) -> Option<ProcessId>) {
        let mut waiting = self.events.take_deferred();
        waiting.retain(|it| {
            let process = process_of(self, it);
            if let Some(process) = process {
                match self.events.join(it, process) {
                    Some(code::PROCESS_CREATE) => self.process_started(it.event),
                    Some(code::DNS_QUERY) => self.query_answered(it.event),
                    _ => {}
                }
            }
            process.is_none()
        });
        self.events.put_back(waiting);
    }

    /// Adds a finding. `spl` is true if that profile selects it too. `named_by` is the source of the name without which
    /// the other profile does not.
    pub(super) fn add_finding(
        &mut self,
        id: EventId,
        clause: ClauseId,
        spl: Option<Profile>,
        named_by: NamedBy,
    ) -> Option<FindingId> {
        let facts = self.events.facts(id);
        let spl = spl.map(|profile| TECHNIQUE.signal(profile, &facts, clause));
        let correlated = TECHNIQUE.signal(Profile::Correlated, &facts, clause);
        let event = self.events.event(id)?;
        let (host, process) = (event.host, event.process);
        let own_parent = self.events.own_parent(event);
        let finding = Finding {
            event: id,
            clause,
            spl,
            correlated,
            host,
            own_parent,
            own_start: None,
            named_by,
            hunt: None,
        };
        let process = process.filter(|_| event.event_code == code::NETWORK_CONNECT);
        let finding_id = self.findings.add(finding)?;
        if let Some(process) = process {
            self.joins.add_finding(process, finding_id);
        }
        if self.activities.is_on {
            let kind = if TECHNIQUE.is_of_connections(clause) {
                IndicatorKind::SearchedConnection
            } else {
                IndicatorKind::SearchedStart
            };
            self.add_hit(Self::bare_hit(kind, id));
        }
        Some(finding_id)
    }

    /// Counts an event for which there was no number any more, and reports it once.
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
}

/// Returns the input of the selection.
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
