//! Classes of findings that no pattern can tell apart: the same host, parents and signals.
//!
//! There are far fewer classes than findings, so that a pattern is evaluated on the classes alone.

use hashbrown::HashMap;

use crate::detect::hunt::lead::Lead;
use crate::detect::profile::Profile;
use crate::detect::technique::ClauseId;
use crate::model::row::Signal;
use crate::store::events::Events;
use crate::store::findings::change_log::Cursor;
use crate::store::findings::finding::Finding;
use crate::store::ids::{DistinctId, FindingId};

/// All of a finding that its score depends on, but for exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::store) struct ScoreClass {
    is_lead: bool,
    spl: Option<Signal>,
    correlated: Signal,
    pub(in crate::store) lead: Option<Lead>,
    pub(in crate::store) host: Option<DistinctId>,
    own_parent: Option<DistinctId>,
    joined_parent: Option<DistinctId>,
}

impl ScoreClass {
    /// Returns the class of a finding.
    pub(in crate::store) fn of(finding: &Finding, events: &Events) -> Self {
        let start = finding.start(events).and_then(|start| events.event(start));
        Self {
            is_lead: finding.clause == ClauseId::LEAD,
            spl: finding.spl,
            correlated: finding.correlated,
            lead: finding.hunt.map(|hunt| hunt.lead),
            host: finding.host,
            own_parent: finding.own_parent,
            joined_parent: start.and_then(|start| events.own_parent(start)),
        }
    }

    pub(in crate::store) const fn signal(&self, profile: Profile) -> Option<Signal> {
        match (profile, self.is_lead) {
            (Profile::Hunt, true) => match &self.lead {
                Some(lead) => Some(lead.signal),
                None => None,
            },
            (_, true) => None,
            (Profile::Spl, false) => self.spl,
            (Profile::Correlated | Profile::Hunt, false) => Some(self.correlated),
        }
    }

    pub(in crate::store) fn parent(&self, profile: Profile) -> Option<DistinctId> {
        match profile {
            Profile::Spl => self.own_parent,
            Profile::Correlated | Profile::Hunt => self.own_parent.or(self.joined_parent),
        }
    }
}

/// The number of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScoreClassId(u32);

impl ScoreClassId {
    /// Returns the number as an index into a table.
    pub(in crate::store) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The classes of all findings.
#[derive(Default)]
pub(in crate::store) struct ScoreClasses {
    /// By number of finding: the number of its kind.
    of: Vec<ScoreClassId>,
    all: Vec<ScoreClass>,
    numbers: HashMap<ScoreClass, ScoreClassId>,
    cursor: Cursor,
}

impl ScoreClasses {
    /// By number of finding: its kind.
    pub(in crate::store) fn of_findings(&self) -> &[ScoreClassId] {
        &self.of
    }

    /// Returns all classes, by their numbers.
    pub(in crate::store) fn all(&self) -> &[ScoreClass] {
        &self.all
    }

    pub(in crate::store) const fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    /// Bytes that they take.
    pub(in crate::store) fn bytes(&self) -> usize {
        let slot = size_of::<(ScoreClass, ScoreClassId)>() + 1;
        self.of.capacity() * size_of::<ScoreClassId>()
            + self.all.capacity() * size_of::<ScoreClass>()
            + self.numbers.capacity() * slot * 8 / 7
    }

    /// Returns true where most classes have no finding any more.
    pub(in crate::store) fn has_many_old_ones(&self) -> bool {
        self.all.len() > 4096 + 2 * self.of.len()
    }

    /// Forgets all of them.
    pub(in crate::store) fn restart(&mut self) {
        let cursor = std::mem::take(&mut self.cursor);
        *self = Self { cursor, ..Self::default() };
    }

    /// Finds the kind of a finding that may have another one than before.
    pub(in crate::store) fn renew(&mut self, id: FindingId, kind: ScoreClass) {
        let number = self.number(kind);
        if let Some(slot) = self.of.get_mut(id.0 as usize) {
            *slot = number;
        }
    }

    /// Finds the kind of the next finding.
    pub(in crate::store) fn add(&mut self, kind: ScoreClass) {
        let number = self.number(kind);
        self.of.push(number);
    }

    fn number(&mut self, kind: ScoreClass) -> ScoreClassId {
        let next = ScoreClassId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        *self.numbers.entry(kind).or_insert_with(|| {
            self.all.push(kind);
            next
        })
    }
}
