//! What a list looks at of every finding: its score and its signal.
//!
//! Findings that no pattern can tell apart are of one kind: the same host, parents and signals. There are far fewer
//! kinds than findings, so that a pattern is held against the kinds alone, and a finding costs a look into a table.

use hashbrown::HashMap;

use super::Store;
use super::distinct::DistinctId;
use super::finding::{Finding, FindingId};
use super::flags::Flags;
use super::touched::LookedAt;
use crate::detect::hunt::lead::Lead;
use crate::detect::profile::Profile;
use crate::detect::signal::score;
use crate::model::event::Field;
use crate::model::row::{Clause, Signal};

/// A finding's score and signal under a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// The score, 0 to 3.
    pub points: u8,
    /// The signal; `None` where the profile does not select the event.
    pub signal: Option<Signal>,
}

/// All of a finding that its score depends on, but for exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    is_lead: bool,
    spl: Option<Signal>,
    correlated: Signal,
    lead: Option<Lead>,
    host: Option<DistinctId>,
    own_parent: Option<DistinctId>,
    joined_parent: Option<DistinctId>,
}

impl Kind {
    const fn signal(&self, profile: Profile) -> Option<Signal> {
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

    fn parent(&self, profile: Profile) -> Option<DistinctId> {
        match profile {
            Profile::Spl => self.own_parent,
            Profile::Correlated | Profile::Hunt => self.own_parent.or(self.joined_parent),
        }
    }

    fn glance(&self, profile: Profile, flags: &Flags) -> Glance {
        let Some(signal) = self.signal(profile) else { return Glance::default() };
        let (is_ci_system, is_known_ide) =
            (flags.is_ci_system(self.host), flags.is_known_ide(self.parent(profile)));
        let points = match &self.lead {
            Some(lead) => lead.points(is_ci_system, is_known_ide),
            None => score(signal, is_ci_system, is_known_ide),
        };
        Glance { points, signal: Some(signal) }
    }
}

/// The number of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindId(u32);

impl Store {
    /// The kind of a finding.
    #[must_use]
    pub(super) fn kind(&self, finding: &Finding) -> Kind {
        Kind {
            is_lead: finding.clause == Clause::Lead,
            spl: finding.spl,
            correlated: finding.correlated,
            lead: finding.hunt.map(|hunt| hunt.lead),
            host: finding.host,
            own_parent: finding.own_parent,
            joined_parent: self.joined_parent(finding),
        }
    }

    /// The `ParentImage` of the Event 1 that a finding is joined to.
    fn joined_parent(&self, finding: &Finding) -> Option<DistinctId> {
        let start = self.event(self.start_of(finding)?)?;
        self.parents.find(start.symbol(Field::ParentImage)?)
    }

    /// The parent that the IDE pattern is evaluated on.
    #[must_use]
    pub fn parent_of(&self, finding: &Finding, profile: Profile) -> Option<DistinctId> {
        self.kind(finding).parent(profile)
    }

    /// The score under a profile and the patterns' verdicts; `None` where the profile does not select the event.
    #[must_use]
    pub fn score_of(&self, finding: &Finding, profile: Profile, flags: &Flags) -> Option<u8> {
        let Glance { points, signal } = self.kind(finding).glance(profile, flags);
        signal?;
        Some(if flags.exception(finding.event, profile).is_some() { 0 } else { points })
    }
}

/// The kinds of all findings.
#[derive(Default)]
pub(super) struct Kinds {
    /// By number of finding: the number of its kind.
    of: Vec<KindId>,
    all: Vec<Kind>,
    numbers: HashMap<Kind, KindId>,
    looked: LookedAt,
}

impl Kinds {
    /// By number of finding: its kind.
    pub(super) fn of_findings(&self) -> &[KindId] {
        &self.of
    }

    pub(super) const fn looked(&mut self) -> &mut LookedAt {
        &mut self.looked
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        let slot = size_of::<(Kind, KindId)>() + 1;
        self.of.capacity() * size_of::<KindId>()
            + self.all.capacity() * size_of::<Kind>()
            + self.numbers.capacity() * slot * 8 / 7
    }

    /// Whether most kinds are of no finding any more.
    pub(super) fn has_many_old_ones(&self) -> bool {
        self.all.len() > 4096 + 2 * self.of.len()
    }

    /// Forgets all of them.
    pub(super) fn restart(&mut self) {
        let looked = std::mem::take(&mut self.looked);
        *self = Self { looked, ..Self::default() };
    }

    /// Finds the kind of a finding that may have another one than before.
    pub(super) fn renew(&mut self, id: FindingId, kind: Kind) {
        let number = self.number(kind);
        if let Some(slot) = self.of.get_mut(id.0 as usize) {
            *slot = number;
        }
    }

    /// Finds the kind of the next finding.
    pub(super) fn add(&mut self, kind: Kind) {
        let number = self.number(kind);
        self.of.push(number);
    }

    fn number(&mut self, kind: Kind) -> KindId {
        let next = KindId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        *self.numbers.entry(kind).or_insert_with(|| {
            self.all.push(kind);
            next
        })
    }
}

impl Store {
    /// The scores and signals of all kinds. Of findings that came since [`Store::by_time`] was last called it knows
    /// nothing.
    #[must_use]
    pub fn glances<'a>(&self, profile: Profile, flags: &'a Flags) -> Glances<'a> {
        let of_kinds = self.kinds.all.iter().map(|kind| kind.glance(profile, flags)).collect();
        let has_exceptions = !flags.exceptions().all().is_empty();
        Glances { of_kinds, profile, exceptions: has_exceptions.then_some(flags) }
    }
}

/// What findings look like under a profile and the patterns' verdicts.
pub struct Glances<'a> {
    of_kinds: Vec<Glance>,
    profile: Profile,
    /// Where there are exceptions.
    exceptions: Option<&'a Flags>,
}

impl Glances<'_> {
    /// One of them; the signal is `None` where the profile does not select it.
    #[must_use]
    pub fn of(&self, store: &Store, finding: FindingId) -> Glance {
        let kind = store.kinds.of.get(finding.0 as usize).copied();
        kind.map_or_else(Glance::default, |kind| self.of_one(store, finding, kind))
    }

    /// The same for who knows its kind.
    #[must_use]
    pub fn of_one(&self, store: &Store, finding: FindingId, kind: KindId) -> Glance {
        let glance = self.of_kinds.get(kind.0 as usize).copied().unwrap_or_default();
        if glance.points == 0 || self.exceptions.is_none() {
            return glance;
        }
        let is_excepted = || {
            let event = store.finding(finding).map(|finding| finding.event);
            self.exceptions.is_some_and(|flags| {
                event.is_some_and(|event| flags.exception(event, self.profile).is_some())
            })
        };
        if is_excepted() { Glance { points: 0, ..glance } } else { glance }
    }

    /// The findings that look another way by `other`, as they are ranked: how they look here, and there.
    pub fn other_by<'b>(
        &'b self,
        other: &'b Self,
        store: &'b Store,
    ) -> impl Iterator<Item = (FindingId, Glance, Glance)> {
        let has_exceptions = self.exceptions.is_some() || other.exceptions.is_some();
        let of_kinds = self.of_kinds.iter().zip(&other.of_kinds);
        let can_differ: Vec<bool> = of_kinds.map(|(old, new)| has_exceptions || old != new).collect();
        // Most keystrokes of a pattern change nothing at all.
        let ranked = if can_differ.contains(&true) { store.ranked() } else { &[] };
        ranked.iter().copied().zip(store.ranked_kinds().iter().copied()).filter_map(move |(id, kind)| {
            if can_differ.get(kind.0 as usize) != Some(&true) {
                return None;
            }
            let (old, new) = (self.of_one(store, id, kind), other.of_one(store, id, kind));
            (old != new).then_some((id, old, new))
        })
    }
}
