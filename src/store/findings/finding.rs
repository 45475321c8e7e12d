//! What the detection selected, under any profile, and the leads.

use crate::detect::TECHNIQUE;
use crate::detect::hunt::indicator::IndicatorKind;
use crate::detect::hunt::lead::Lead;
use crate::detect::profile::Profile;
use crate::detect::technique::ClauseId;
use crate::model::event::code;
use crate::model::row::Signal;
use crate::store::Store;
use crate::store::events::interner::Symbol;
use crate::store::ids::{ActivityId, AddressJoinId, DistinctId, EventId, FindingId};

/// An event that a profile selects. All that the score needs beside the patterns is here.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The event.
    pub event: EventId,
    /// The clause that selected it.
    pub clause: ClauseId,
    /// Its signal under `spl`; `None` where only `correlated` selects it.
    pub spl: Option<Signal>,
    /// Its signal under `correlated`; a lead has none there.
    pub correlated: Signal,
    /// Its host.
    pub host: Option<DistinctId>,
    /// The `ParentImage` that the event itself has.
    pub own_parent: Option<DistinctId>,
    /// What stands in for its process's Event 1, in a row that a scan wrote; see [`Store::start_of`].
    pub(in crate::store) own_start: Option<EventId>,
    /// Event 3: where its other side's name comes from; see [`Store::resolved_by`].
    pub(in crate::store) named_by: NamedBy,
    /// What makes it a lead. A finding of [`ClauseId::LEAD`] without it is one no more.
    pub hunt: Option<HuntLead>,
}

/// Where the name of a connection's other side comes from, if not from the connection itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::store) enum NamedBy {
    /// It has its own.
    #[default]
    Nothing,
    /// This event, whatever others come.
    Event(EventId),
    /// The answers to its process that are gathered there.
    Answers(AddressJoinId),
}

/// A lead, which only `hunt` shows.
#[derive(Clone, Copy, Debug)]
pub struct HuntLead {
    /// Its name and its score.
    pub lead: Lead,
    /// What its clues were gathered in; `None` for the row of a scan elsewhere.
    pub activity: Option<ActivityId>,
    /// The other side's name, and the event that it came from, where that is another one.
    pub destination: Option<(Symbol, EventId)>,
    /// The repository.
    pub repository: Option<Symbol>,
}

impl Finding {
    /// The signal under a profile; `None` where that does not select the event.
    #[must_use]
    pub const fn signal(&self, profile: Profile) -> Option<Signal> {
        match (profile, self.clause.is_lead()) {
            (Profile::Hunt, true) => match &self.hunt {
                Some(hunt) => Some(hunt.lead.signal),
                None => None,
            },
            (_, true) => None,
            (Profile::Spl, false) => self.spl,
            (Profile::Correlated | Profile::Hunt, false) => Some(self.correlated),
        }
    }
}

impl Finding {
    /// Whether another event named its other side.
    pub(in crate::store) fn is_named(&self) -> bool {
        self.named_by != NamedBy::Nothing
    }
}

impl Store {
    /// Adds a finding. `spl` says whether that profile selects it too; `named_by` tells where the name comes from without
    /// which the other does not.
    pub(in crate::store) fn add_finding(
        &mut self,
        id: EventId,
        clause: ClauseId,
        spl: Option<Profile>,
        named_by: NamedBy,
    ) -> Option<FindingId> {
        let finding_id = FindingId(u32::try_from(self.findings.len()).ok()?);
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
        if event.event_code == code::NETWORK_CONNECT
            && let Some(process) = process
        {
            self.joins.add_finding(process, finding_id);
        }
        self.findings.push(finding);
        self.ranking.add(finding_id);
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

    /// A finding, to be changed.
    pub(in crate::store) fn finding_mut(&mut self, id: FindingId) -> Option<&mut Finding> {
        self.change_log.add(id, self.findings.len());
        self.findings.get_mut(id.0 as usize)
    }
}
