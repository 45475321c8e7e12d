//! What the detection selected, under any profile, and the leads.

use super::acts::ActId;
use super::distinct::DistinctId;
use super::event::EventId;
use super::process::ProcessId;
use super::{Store, interner::Symbol};
use crate::detect::Facts;
use crate::detect::hunt::clue::ClueKind;
use crate::detect::hunt::lead::Lead;
use crate::detect::profile::Profile;
use crate::detect::signal::signal;
use crate::model::event::{Field, code};
use crate::model::row::{Clause, Signal};

/// The number of a finding; it stays the same while others come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FindingId(pub u32);

/// An event that a profile selects. All that the score needs beside the patterns is here.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The event.
    pub event: EventId,
    /// The clause that selected it.
    pub clause: Clause,
    /// Its signal under `spl`; `None` where only `correlated` selects it.
    pub spl: Option<Signal>,
    /// Its signal under `correlated`; a lead has none there.
    pub correlated: Signal,
    /// Its host.
    pub host: Option<DistinctId>,
    /// The `ParentImage` that the event itself has.
    pub own_parent: Option<DistinctId>,
    /// Event 3: the Event 1 of the same process.
    pub start: Option<EventId>,
    /// The `ParentImage` of that Event 1, where the event itself has none.
    pub joined_parent: Option<DistinctId>,
    /// Event 3: the Event 22 that named the other side.
    pub resolved_by: Option<EventId>,
    /// What makes it a lead. A finding of [`Clause::Lead`] without it is one no more.
    pub hunt: Option<HuntLead>,
}

/// A lead, which only `hunt` shows.
#[derive(Clone, Copy, Debug)]
pub struct HuntLead {
    /// Its name and its score.
    pub lead: Lead,
    /// What its clues were gathered in; `None` for the row of a scan elsewhere.
    pub act: Option<ActId>,
    /// The other side's name, and the event that it came from, where that is another one.
    pub destination: Option<(Symbol, EventId)>,
    /// The repository.
    pub repository: Option<Symbol>,
}

impl Finding {
    /// The signal under a profile; `None` where that does not select the event.
    #[must_use]
    pub fn signal(&self, profile: Profile) -> Option<Signal> {
        self.kind().signal(profile)
    }

    /// The parent that the IDE pattern is evaluated on.
    #[must_use]
    pub fn parent(&self, profile: Profile) -> Option<DistinctId> {
        self.kind().parent(profile)
    }
}

impl Store {
    /// The fields of an event as the detection sees them, without joins.
    pub(super) fn facts(&self, id: EventId) -> Facts<'_> {
        let Some(event) = self.event(id) else { return Facts::default() };
        Facts {
            event_code: event.event_code,
            host: self.host_of(event),
            image: self.field(event, Field::Image),
            command_line: self.field(event, Field::CommandLine),
            parent_image: self.field(event, Field::ParentImage),
            destination_hostname: self.field(event, Field::DestinationHostname),
        }
    }

    /// Adds a finding. `spl` says whether that profile selects it too; `resolved_by` names the Event 22 without which
    /// the other does not.
    pub(super) fn add_finding(
        &mut self,
        id: EventId,
        clause: Clause,
        spl: Option<Profile>,
        resolved_by: Option<EventId>,
    ) -> Option<FindingId> {
        let finding_id = FindingId(u32::try_from(self.findings.len()).ok()?);
        let facts = self.facts(id);
        let (spl, correlated) =
            (spl.map(|profile| signal(profile, &facts, clause)), signal(Profile::Correlated, &facts, clause));
        let event = self.events.get(id.0 as usize)?;
        let (host, process) = (event.host, event.process);
        let own_parent = event.symbol(Field::ParentImage).and_then(|parent| self.parents.find(parent));
        let mut finding = Finding {
            event: id,
            clause,
            spl,
            correlated,
            host,
            own_parent,
            start: None,
            joined_parent: None,
            resolved_by,
            hunt: None,
        };
        if event.event_code == code::NETWORK_CONNECT
            && let Some(process) = process
        {
            let start = self.process(process).and_then(|process| process.start);
            self.join_start(&mut finding, start);
            self.resolutions.add_finding(process, finding_id);
        }
        self.findings.push(finding);
        self.ranking.add(finding_id);
        if self.acts.is_on {
            let kind =
                if clause == Clause::Net { ClueKind::SearchedConnection } else { ClueKind::SearchedStart };
            self.add_mark(Self::bare_mark(kind, id));
        }
        Some(finding_id)
    }

    /// A finding, to be changed.
    pub(super) fn finding_mut(&mut self, id: FindingId) -> Option<&mut Finding> {
        self.touched.add(id, self.findings.len());
        self.findings.get_mut(id.0 as usize)
    }

    /// Whether a finding is joined to an Event 1 already.
    pub(super) fn finding_start(&self, id: Option<FindingId>) -> bool {
        id.and_then(|id| self.finding(id)).is_some_and(|finding| finding.start.is_some())
    }

    /// Joins a finding to an Event 1.
    pub(super) fn set_start(&mut self, id: Option<FindingId>, start: EventId) {
        let Some(mut finding) = id.and_then(|id| self.finding(id)).cloned() else { return };
        self.join_start(&mut finding, Some(start));
        if let Some(slot) = id.and_then(|id| self.finding_mut(id)) {
            *slot = finding;
        }
    }

    pub(super) fn join_start(&self, finding: &mut Finding, start: Option<EventId>) {
        finding.start = start;
        finding.joined_parent = start
            .and_then(|start| self.event(start)?.symbol(Field::ParentImage))
            .and_then(|parent: Symbol| self.parents.find(parent));
    }

    /// An Event 1 came in: if it is the process's first, its connections gain a parent.
    pub(super) fn process_started(&mut self, id: EventId) {
        let Some(process_id) = self.event(id).and_then(|event| event.process) else { return };
        let known = self.process(process_id).and_then(|process| process.start);
        if known.is_some_and(|known| self.start_key(known) <= self.start_key(id)) {
            return;
        }
        if let Some(process) = self.processes.get_mut(process_id) {
            process.start = Some(id);
        }
        self.rejoin(process_id, id);
    }

    fn rejoin(&mut self, process: ProcessId, start: EventId) {
        for finding_id in self.resolutions.findings_of(process) {
            let Some(mut finding) = self.finding(finding_id).cloned() else { continue };
            self.join_start(&mut finding, Some(start));
            if let Some(slot) = self.finding_mut(finding_id) {
                *slot = finding;
            }
        }
    }

    /// Of several Event 1 with one GUID the earliest counts, whatever order they come in.
    pub(super) fn start_key(&self, id: EventId) -> impl Ord + use<> {
        self.event(id).map(|event| (event.time, event.record_id_or_max, event.source, event.place))
    }
}
