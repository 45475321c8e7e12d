//! The findings that the detection selected under any profile, and the leads.

use crate::detect::hunt::lead::Lead;
use crate::detect::profile::Profile;
use crate::detect::technique::ClauseId;
use crate::model::event::code;
use crate::model::row::Signal;
use crate::store::events::Events;
use crate::store::events::interner::Symbol;
use crate::store::ids::{ActivityId, AddressJoinId, DistinctId, EventId};

/// An event that a profile selects. It holds all that the score needs, except the patterns.
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
    /// The placeholder for its process's Event 1, in a scan's row; see
    /// [`Store::start_of`](crate::store::Store::start_of).
    pub(in crate::store) own_start: Option<EventId>,
    /// Event 3: where its other side's name comes from; see [`Store::resolved_by`](crate::store::Store::resolved_by).
    pub(in crate::store) named_by: NamedBy,
    /// Set for leads. [`ClauseId::LEAD`] with `None` is a retired lead.
    pub hunt: Option<HuntLead>,
}

/// The source of the name of a connection's other side, if not the connection itself.
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
    /// The activity of its clues; `None` for the row of a scan elsewhere.
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
    /// Returns the Event 1 that its fields are joined from.
    pub(in crate::store) fn start(&self, events: &Events) -> Option<EventId> {
        self.own_start.or_else(|| {
            let event = events.event(self.event).filter(|event| event.event_code == code::NETWORK_CONNECT)?;
            events.process(event.process?)?.start
        })
    }

    /// Returns true where another event named its other side.
    pub(in crate::store) fn is_named(&self) -> bool {
        self.named_by != NamedBy::Nothing
    }
}
