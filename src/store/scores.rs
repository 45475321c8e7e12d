//! Scores and signals of findings.
//!
//! Findings that no pattern can tell apart are of one kind: the same host, parents and signals. There are far fewer
//! kinds than findings, so that a pattern is matched with the kinds alone, and a finding costs a look into a table.

use crate::detect::profile::Profile;
use crate::detect::signal::score;
use crate::model::row::Signal;
use crate::store::Store;
use crate::store::findings::finding::Finding;
use crate::store::findings::score_class::{ScoreClass, ScoreClassId};
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

impl ScoreClass {
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

impl Store {
    /// The parent that the IDE pattern is evaluated on.
    #[must_use]
    pub fn parent_of(&self, finding: &Finding, profile: Profile) -> Option<DistinctId> {
        ScoreClass::of(finding, &self.events).parent(profile)
    }

    /// The score under a profile and the patterns' verdicts; `None` where the profile does not select the event.
    #[must_use]
    pub fn score_of(&self, finding: &Finding, profile: Profile, tuning: &TuningMatches) -> Option<u8> {
        let Scored { score, signal } = ScoreClass::of(finding, &self.events).scored(profile, tuning);
        signal?;
        Some(if tuning.exception(finding.event, profile).is_some() { 0 } else { score })
    }
}

impl Store {
    /// The scores and signals of all kinds. Of findings that came since [`Store::refresh`] was last called it knows
    /// nothing.
    #[must_use]
    pub fn scores<'a>(&self, profile: Profile, tuning: &'a TuningMatches) -> Scores<'a> {
        let of_kinds =
            self.findings.classes().all().iter().map(|kind| kind.scored(profile, tuning)).collect();
        let has_exceptions = !tuning.exceptions().all().is_empty();
        Scores { of_kinds, profile, exceptions: has_exceptions.then_some(tuning) }
    }
}

/// The scores of findings under a profile and the patterns' results.
pub struct Scores<'a> {
    of_kinds: Vec<Scored>,
    profile: Profile,
    /// The tuning, if it has exceptions.
    exceptions: Option<&'a TuningMatches>,
}

impl Scores<'_> {
    /// One of them; the signal is `None` where the profile does not select it.
    #[must_use]
    pub fn of(&self, store: &Store, finding: FindingId) -> Scored {
        let kind = store.findings.classes().of_findings().get(finding.index()).copied();
        kind.map_or_else(Scored::default, |kind| self.of_class(store, finding, kind))
    }

    /// The same for a known kind.
    #[must_use]
    pub fn of_class(&self, store: &Store, finding: FindingId, kind: ScoreClassId) -> Scored {
        let scored = self.of_kinds.get(kind.index()).copied().unwrap_or_default();
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
            if can_differ.get(kind.index()) != Some(&true) {
                return None;
            }
            let (old, new) = (self.of_class(store, id, kind), other.of_class(store, id, kind));
            (old != new).then_some((id, old, new))
        })
    }
}
