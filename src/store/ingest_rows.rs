//! Rows of scans elsewhere, as events and findings of this store. The patterns apply as far as the rows hold their
//! fields, and the scans' own results stay.
//!
//! Of the events that a scan joined, only the joined fields are known. They become placeholder events, which are no
//! findings, so that a joined field is shown as joined from its record.

use std::hash::{DefaultHasher, Hash, Hasher};

use hashbrown::{HashMap, HashSet};

use crate::detect::hunt::lead::Lead;
use crate::detect::profile::Profile;
use crate::detect::{DetectionInput, TECHNIQUE};
use crate::model::batch::{Batch, EventRecord};
use crate::model::claim::{JoinedValue, RowClaim};
use crate::model::event::{Field, code};
use crate::model::fault::SkipReason;
use crate::model::row::{Explanation, FlagMatch};
use crate::store::Store;
use crate::store::coverage::{Impact, Note};
use crate::store::events::event::{MAX_SLOTS, StoredEvent, slot_fields};
use crate::store::findings::finding::{HuntLead, NamedBy};
use crate::store::ids::{EventId, FindingId};
use crate::store::view::FindingView;

/// The rows that scans elsewhere wrote.
#[derive(Default)]
pub(super) struct ImportedRows {
    scan_rows: HashMap<EventId, RowClaim>,
    /// Events of which only the joined fields are known.
    placeholders: HashSet<EventId>,
    /// Hashes of rows without a record number: duplicates are found by them.
    unnumbered: HashSet<u64>,
}

impl Store {
    /// Returns a scan's verdict on an event; `None` where the event was read from a log.
    #[must_use]
    pub fn scan_row(&self, event: EventId) -> Option<&RowClaim> {
        self.rows.scan_rows.get(&event)
    }

    pub(super) fn ingest_row(&mut self, batch: &Batch, record: &EventRecord, scan_row: &RowClaim) {
        let event_code = record.head.event_code;
        let name = batch.text(record, Field::Computer).and_then(|computer| self.events.name(computer));
        let is_known =
            |store: &mut Self| store.is_known(batch, record, name, true) || store.is_known_row(batch, record);
        if !self.events.keeps_duplicates() && is_known(self) {
            self.tally.uncount(event_code, 1, SkipReason::Duplicate);
            return;
        }
        let Some(id) = self.events.insert(batch, record, name, true) else {
            self.overflow(event_code);
            return;
        };
        if event_code == code::PROCESS_CREATE {
            self.forget_placeholder(id);
            self.process_started(id);
        }
        let resolved_by = scan_row
            .joined
            .iter()
            .find(|joined| joined.field == Field::DestinationHostname)
            .and_then(|joined| self.placeholder(id, &[joined]));
        let own = self.events.facts(id);
        let name = resolved_by
            .and_then(|event| self.event(event))
            .and_then(|event| self.field(event, Field::QueryName))
            .or(own.destination_hostname);
        if scan_row.signal.is_lead() {
            self.imported_lead(id, scan_row, resolved_by);
            self.rows.scan_rows.insert(id, scan_row.clone());
            return;
        }
        let (own_clause, joined_clause) =
            (TECHNIQUE.select(&own), TECHNIQUE.select(&DetectionInput { destination_hostname: name, ..own }));
        let clause = own_clause.or(joined_clause);
        let spl = own_clause.map(|_| Profile::Spl);
        let by_claim = clause.is_none().then_some(scan_row.signal);
        let clause = clause.unwrap_or_else(|| TECHNIQUE.clause_for(scan_row.signal, event_code));
        let named_by = resolved_by.map_or(NamedBy::Nothing, NamedBy::Event);
        let finding = self.add_finding(id, clause, spl, named_by);
        let joined: Vec<&JoinedValue> =
            scan_row.joined.iter().filter(|joined| joined.field != Field::DestinationHostname).collect();
        let has_start = finding.and_then(|id| self.finding(id)).and_then(|finding| self.start_of(finding));
        let start =
            if joined.is_empty() || has_start.is_some() { None } else { self.placeholder(id, &joined) };
        if let Some(start) = start {
            match self.event(id).and_then(|event| event.process) {
                Some(process) if event_code == code::NETWORK_CONNECT => {
                    self.set_process_start(process, start);
                }
                _ => self.set_own_start(finding, start),
            }
        }
        // A scan's selection stays, whatever masking has left of its texts.
        if let (Some(signal), Some(finding)) = (by_claim, finding.and_then(|id| self.findings.get_mut(id))) {
            (finding.spl, finding.correlated) = (Some(signal), signal);
        }
        self.rows.scan_rows.insert(id, scan_row.clone());
    }

    /// A lead that a scan found: it stays one, of the profile that has leads alone.
    fn imported_lead(&mut self, id: EventId, scan_row: &RowClaim, named_by: Option<EventId>) {
        let joined: Vec<&JoinedValue> =
            scan_row.joined.iter().filter(|joined| joined.field != Field::DestinationHostname).collect();
        let start = if joined.is_empty() { None } else { self.placeholder(id, &joined) };
        let name = named_by.and_then(|event| self.event(event)?.symbol(Field::QueryName));
        let hunt = HuntLead {
            lead: Lead::claimed(
                scan_row.signal,
                scan_row.suspicion_score,
                scan_row.is_ci_system,
                scan_row.is_known_ide,
            ),
            activity: None,
            destination: name.zip(named_by),
            repository: None,
        };
        let lead = self.put_lead(None, id, hunt);
        if let Some(start) = start {
            self.set_own_start(lead, start);
        }
    }

    fn set_own_start(&mut self, finding: Option<FindingId>, start: EventId) {
        if let Some(finding) = finding.and_then(|id| self.findings.get_mut(id)) {
            finding.own_start = Some(start);
        }
    }

    /// Returns true where a row without a record number was ingested before.
    fn is_known_row(&mut self, batch: &Batch, record: &EventRecord) -> bool {
        let head = &record.head;
        if head.record_id.is_some() {
            return false;
        }
        let mut hasher = DefaultHasher::new();
        (head.event_code, head.time, head.process_guid.map(|guid| *guid.as_bytes())).hash(&mut hasher);
        for field in Field::ALL.iter().filter(|field| field.is_carried()) {
            batch.text(record, *field).hash(&mut hasher);
        }
        !self.rows.unnumbered.insert(hasher.finish())
    }

    /// The event that a row's joined fields came from, as far as it is known.
    fn placeholder(&mut self, of: EventId, joined: &[&JoinedValue]) -> Option<EventId> {
        let from = joined.first()?;
        let is_answer = from.field == Field::DestinationHostname;
        let event_code = if is_answer { code::DNS_QUERY } else { code::PROCESS_CREATE };
        let mut slots = [None; MAX_SLOTS];
        for (slot, field) in slots.iter_mut().zip(slot_fields(event_code)) {
            let wanted = if is_answer { Field::DestinationHostname } else { *field };
            let is_kept = !is_answer || *field == Field::QueryName;
            let value = joined.iter().find(|joined| is_kept && joined.field == wanted);
            *slot = value.and_then(|joined| self.events.intern(&joined.value));
        }
        let event = self.event(of)?;
        let event = StoredEvent {
            time: None,
            place: event.place,
            source: from.source,
            host: event.host,
            process: event.process,
            previous_of_process: None,
            event_code,
            user: None,
            // It is the same process.
            image: event.image,
            process_number: None,
            slots,
            packed: None,
            record_id_or_max: from.record_id.unwrap_or(u64::MAX),
            odd_guid: None,
        };
        let id = self.events.push(event)?;
        self.rows.placeholders.insert(id);
        Some(id)
    }

    /// The row of a process's Event 1 is more than what others joined from it.
    fn forget_placeholder(&mut self, id: EventId) {
        let process = self.event(id).and_then(|event| event.process);
        let start = process.and_then(|process| self.process(process)?.start);
        if start.is_some_and(|start| self.rows.placeholders.contains(&start))
            && let Some(process) = process
        {
            self.events.set_start(process, None);
        }
    }

    /// Why a row's finding scored as it did, in the scan's own words where it still does. `None` for an event of a log.
    pub(super) fn imported_explanation(
        &self,
        view: &FindingView<'_>,
        anew: Option<Explanation>,
    ) -> Option<Explanation> {
        let Some(scan_row) = self.scan_row(view.finding().event) else { return anew };
        let verdict = (view.signal(), view.is_ci_system(), view.is_known_ide(), view.score());
        let claimed =
            (scan_row.signal, scan_row.is_ci_system, scan_row.is_known_ide, scan_row.suspicion_score);
        let mut explanation = anew.unwrap_or_else(|| Explanation {
            clause: TECHNIQUE.clause_name(view.finding().clause),
            conditions: Vec::new(),
            ci: FlagMatch { matched: None, has_text: view.host().is_some() },
            ide: FlagMatch { matched: None, has_text: view.text(Field::ParentImage).is_some() },
            branch: TECHNIQUE.score_branch(verdict.0, verdict.1, verdict.2).into(),
            exception: None,
            sentence: format!(
                "the row holds too little to see anew why it was selected: {}, score {}.",
                verdict.0.name(),
                verdict.3
            ),
            difference: None,
            evidence: Vec::new(),
        });
        if verdict == claimed && !scan_row.why.is_empty() {
            explanation.sentence.clone_from(&scan_row.why);
        } else if verdict != claimed {
            let (signal, score) = (scan_row.signal.name(), scan_row.suspicion_score);
            let why = if scan_row.why.is_empty() { "it gives no reason" } else { scan_row.why.as_str() };
            explanation.sentence = format!(
                "{} The scan that wrote the row said {signal}, score {score}: {why}",
                explanation.sentence
            );
        }
        Some(explanation)
    }

    /// Returns notes on blind spots of rows; empty where all was read from logs.
    pub(super) fn row_notes(&self) -> Vec<Note> {
        if self.rows.scan_rows.is_empty() {
            return Vec::new();
        }
        let rows = self.rows.scan_rows.len();
        let mut notes = vec![Note {
            impact: Impact::Uncertain,
            text: format!(
                "{rows} rows that scans wrote, no logs: what a scan did not select is not among them, and what its logs could \
                 not have shown is known only there. A tuned pattern takes rows away or gives them back, but finds no \
                 new event; scans with --min-score 0 bring their suppressed ones along."
            ),
        }];
        let parentless = self.findings().iter().filter(|finding| {
            let is_connection =
                self.event(finding.event).is_some_and(|event| event.event_code == code::NETWORK_CONNECT);
            is_connection && self.parent_of(finding, Profile::Correlated).is_none()
        });
        let parentless = parentless.count();
        if parentless > 0 {
            notes.push(Note {
                impact: Impact::Uncertain,
                text: format!(
                    "{parentless} of the connections have no ParentImage in their row: the IDE-parent pattern has nothing \
                     to match on. Scans with the profile correlated join it."
                ),
            });
        }
        notes.push(Note {
            impact: Impact::Info,
            text: "The tree of processes goes no further than a row: its process and its parent's name and command line."
                .to_owned(),
        });
        notes
    }
}
