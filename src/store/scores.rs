//! What a list looks at of every finding: its score and its signal.
//!
//! Findings that no pattern can tell apart are of one kind: the same host, parents and signals. There are far fewer
//! kinds than findings, so that a pattern is held against the kinds alone, and a finding costs a look into a table.

use hashbrown::HashMap;

use crate::detect::hunt::lead::Lead;
use crate::detect::profile::Profile;
use crate::detect::signal::score;
use crate::detect::technique::ClauseId;
use crate::model::row::Signal;
use crate::store::Store;
use crate::store::findings::change_log::Cursor;
use crate::store::findings::finding::Finding;
use crate::store::ids::{DistinctId, FindingId};
use crate::store::tuning_matches::TuningMatches;

/// A finding's score and signal under a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scored {
    /// The score, 0 to 3.
    pub score: u8,
    /// The signal; `None` where the profile does not select the event.
    pub signal: Option<Signal>,
}

/// All of a finding that its score depends on, but for exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ScoreClass {
    is_lead: bool,
    spl: Option<Signal>,
    correlated: Signal,
    lead: Option<Lead>,
    host: Option<DistinctId>,
    own_parent: Option<DistinctId>,
    joined_parent: Option<DistinctId>,
}

impl ScoreClass {
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

    fn scored(&self, profile: Profile, tuning: &TuningMatches) -> Scored {
        let Some(signal) = self.signal(profile) else { return Scored::default() };
        let (is_ci_system, is_known_ide) =
            (tuning.is_ci_system(self.host), tuning.is_known_ide(self.parent(profile)));
        let score = match &self.lead {
            Some(lead) => lead.points(is_ci_system, is_known_ide),
            None => score(signal, is_ci_system, is_known_ide),
        };
        Scored { score, signal: Some(signal) }
    }
}

/// The number of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScoreClassId(u32);

impl Store {
    /// The kind of a finding.
    #[must_use]
    pub(super) fn kind(&self, finding: &Finding) -> ScoreClass {
        ScoreClass {
            is_lead: finding.clause == ClauseId::LEAD,
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
        self.events.own_parent(start)
    }

    /// The parent that the IDE pattern is evaluated on.
    #[must_use]
    pub fn parent_of(&self, finding: &Finding, profile: Profile) -> Option<DistinctId> {
        self.kind(finding).parent(profile)
    }

    /// The score under a profile and the patterns' verdicts; `None` where the profile does not select the event.
    #[must_use]
    pub fn score_of(&self, finding: &Finding, profile: Profile, tuning: &TuningMatches) -> Option<u8> {
        let Scored { score, signal } = self.kind(finding).scored(profile, tuning);
        signal?;
        Some(if tuning.exception(finding.event, profile).is_some() { 0 } else { score })
    }
}

/// The kinds of all findings.
#[derive(Default)]
pub(super) struct ScoreClasses {
    /// By number of finding: the number of its kind.
    of: Vec<ScoreClassId>,
    all: Vec<ScoreClass>,
    numbers: HashMap<ScoreClass, ScoreClassId>,
    cursor: Cursor,
}

impl ScoreClasses {
    /// By number of finding: its kind.
    pub(super) fn of_findings(&self) -> &[ScoreClassId] {
        &self.of
    }

    pub(super) const fn cursor(&mut self) -> &mut Cursor {
        &mut self.cursor
    }

    /// Bytes that they take.
    pub(super) fn bytes(&self) -> usize {
        let slot = size_of::<(ScoreClass, ScoreClassId)>() + 1;
        self.of.capacity() * size_of::<ScoreClassId>()
            + self.all.capacity() * size_of::<ScoreClass>()
            + self.numbers.capacity() * slot * 8 / 7
    }

    /// Whether most kinds are of no finding any more.
    pub(super) fn has_many_old_ones(&self) -> bool {
        self.all.len() > 4096 + 2 * self.of.len()
    }

    /// Forgets all of them.
    pub(super) fn restart(&mut self) {
        let cursor = std::mem::take(&mut self.cursor);
        *self = Self { cursor, ..Self::default() };
    }

    /// Finds the kind of a finding that may have another one than before.
    pub(super) fn renew(&mut self, id: FindingId, kind: ScoreClass) {
        let number = self.number(kind);
        if let Some(slot) = self.of.get_mut(id.0 as usize) {
            *slot = number;
        }
    }

    /// Finds the kind of the next finding.
    pub(super) fn add(&mut self, kind: ScoreClass) {
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

impl Store {
    /// The scores and signals of all kinds. Of findings that came since [`Store::refresh`] was last called it knows
    /// nothing.
    #[must_use]
    pub fn scores<'a>(&self, profile: Profile, tuning: &'a TuningMatches) -> Scores<'a> {
        let of_kinds = self.kinds.all.iter().map(|kind| kind.scored(profile, tuning)).collect();
        let has_exceptions = !tuning.exceptions().all().is_empty();
        Scores { of_kinds, profile, exceptions: has_exceptions.then_some(tuning) }
    }
}

/// What findings look like under a profile and the patterns' verdicts.
pub struct Scores<'a> {
    of_kinds: Vec<Scored>,
    profile: Profile,
    /// Where there are exceptions.
    exceptions: Option<&'a TuningMatches>,
}

impl Scores<'_> {
    /// One of them; the signal is `None` where the profile does not select it.
    #[must_use]
    pub fn of(&self, store: &Store, finding: FindingId) -> Scored {
        let kind = store.kinds.of.get(finding.0 as usize).copied();
        kind.map_or_else(Scored::default, |kind| self.of_class(store, finding, kind))
    }

    /// The same for who knows its kind.
    #[must_use]
    pub fn of_class(&self, store: &Store, finding: FindingId, kind: ScoreClassId) -> Scored {
        let scored = self.of_kinds.get(kind.0 as usize).copied().unwrap_or_default();
        if scored.score == 0 || self.exceptions.is_none() {
            return scored;
        }
        let is_excepted = || {
            let event = store.finding(finding).map(|finding| finding.event);
            self.exceptions.is_some_and(|tuning| {
                event.is_some_and(|event| tuning.exception(event, self.profile).is_some())
            })
        };
        if is_excepted() { Scored { score: 0, ..scored } } else { scored }
    }

    /// The findings that look another way by `other`, as they are ranked: how they look here, and there.
    pub fn differences<'b>(
        &'b self,
        other: &'b Self,
        store: &'b Store,
    ) -> impl Iterator<Item = (FindingId, Scored, Scored)> {
        let has_exceptions = self.exceptions.is_some() || other.exceptions.is_some();
        let of_kinds = self.of_kinds.iter().zip(&other.of_kinds);
        let can_differ: Vec<bool> = of_kinds.map(|(old, new)| has_exceptions || old != new).collect();
        // Most keystrokes of a pattern change nothing at all.
        let ranked = if can_differ.contains(&true) { store.by_time() } else { &[] };
        ranked.iter().copied().zip(store.by_time_classes().iter().copied()).filter_map(move |(id, kind)| {
            if can_differ.get(kind.0 as usize) != Some(&true) {
                return None;
            }
            let (old, new) = (self.of_class(store, id, kind), other.of_class(store, id, kind));
            (old != new).then_some((id, old, new))
        })
    }
}
