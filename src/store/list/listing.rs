//! The findings that a list shows: those that pass, in their order, grouped where asked for.

use crate::detect::ALERT_SCORE;
use crate::detect::profile::Profile;
use crate::model::row::Signal;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::compaction::Relocation;
use crate::store::held::Relocate;
use crate::store::ids::{Epoch, FindingId};

/// Which column a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Score, then evidence, then time; under `spl` the search's own order.
    #[default]
    Rank,
    /// Evidence, whatever the score.
    Evidence,
    /// Time.
    Time,
    /// Host.
    Host,
    /// User.
    User,
    /// Signal.
    Signal,
    /// The executable's name.
    Image,
    /// Destination or repository.
    Destination,
    /// Command line.
    CommandLine,
}

impl SortKey {
    /// All, in the order of the columns.
    pub const ALL: [Self; 9] = [
        Self::Rank,
        Self::Evidence,
        Self::Time,
        Self::Host,
        Self::User,
        Self::Signal,
        Self::Image,
        Self::Destination,
        Self::CommandLine,
    ];
}

/// The key of a list's groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKey {
    /// Host.
    Host,
    /// User.
    User,
    /// Parent's executable.
    Parent,
    /// Destination or repository.
    Repository,
    /// Signal.
    Signal,
}

impl GroupKey {
    /// All, in the order in which a key steps through them.
    pub const ALL: [Self; 5] = [Self::Host, Self::User, Self::Parent, Self::Repository, Self::Signal];

    /// Its name on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Parent => "parent",
            Self::Repository => "repository",
            Self::Signal => "signal",
        }
    }
}

/// Which side of the alert score a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// At or over the least score.
    #[default]
    Alerts,
    /// Under it: selected, but suppressed.
    Suppressed,
}

/// The query of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// The profile.
    pub profile: Profile,
    /// The side of `min_score`.
    pub shown: Shown,
    /// The least score of an alert, 0 to 3.
    pub min_score: u8,
    /// The order.
    pub sort: SortKey,
    /// Against the order's own direction.
    pub reversed: bool,
    /// The grouping.
    pub group: Option<GroupKey>,
    /// From (inclusive) and to (exclusive), in seconds since 1970.
    pub range: Option<(i64, i64)>,
    /// Ranked by evidence within a score; otherwise by time alone.
    pub by_evidence: bool,
    /// Limits the list to findings of this count of first events, in order of arrival; `None` for all.
    pub up_to_event: Option<usize>,
}

impl Default for Query {
    fn default() -> Self {
        Self::alerts(Profile::default())
    }
}

impl Query {
    /// All alerts of a profile, ranked.
    #[must_use]
    pub const fn alerts(profile: Profile) -> Self {
        Self {
            profile,
            shown: Shown::Alerts,
            min_score: ALERT_SCORE,
            sort: SortKey::Rank,
            reversed: false,
            group: None,
            range: None,
            by_evidence: true,
            up_to_event: None,
        }
    }
}

/// A line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// An alarm of a source, by its number.
    Alarm(usize),
    /// The head of a group, by its number.
    Group(usize),
    /// A finding.
    Finding(FindingId),
}

/// A group of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The text that all of it share.
    pub key: String,
    /// Its count of findings.
    pub count: usize,
    /// By score, 0 to 3.
    pub by_score: [usize; 4],
    /// The latest time.
    pub last_seen: Option<Timestamp>,
    /// The index of its first finding among those of all groups.
    pub(in crate::store) first: usize,
}

/// When what happened: the newest first.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    seconds: Vec<i64>,
    signals: Vec<Signal>,
}

impl Timeline {
    /// Adds one that is no newer than those before it.
    pub(in crate::store) fn push(&mut self, seconds: i64, signal: Signal) {
        self.seconds.push(seconds);
        self.signals.push(signal);
    }

    pub(in crate::store) fn clear(&mut self) {
        self.seconds.clear();
        self.signals.clear();
    }

    /// The seconds since 1970, the newest first.
    #[must_use]
    pub fn seconds(&self) -> &[i64] {
        &self.seconds
    }

    /// Each with its signal.
    pub fn iter(&self) -> impl Iterator<Item = (i64, Signal)> {
        self.seconds.iter().copied().zip(self.signals.iter().copied())
    }

    /// Returns true for an empty timeline.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }
}

#[cfg(test)]
impl FromIterator<(i64, Signal)> for Timeline {
    fn from_iter<T: IntoIterator<Item = (i64, Signal)>>(timeline: T) -> Self {
        let mut timeline: Vec<_> = timeline.into_iter().collect();
        timeline.sort_by_key(|(seconds, _)| std::cmp::Reverse(*seconds));
        let (seconds, signals) = timeline.into_iter().unzip();
        Self { seconds, signals }
    }
}

/// The findings that pass a query.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The findings in order, without group heads.
    pub findings: Vec<FindingId>,
    /// The groups, most severe and then largest first; empty without a grouping.
    pub groups: Vec<Group>,
    /// The findings by group, in order.
    pub(in crate::store) members: Vec<FindingId>,
    /// The query that it answers; a console may have another one by now.
    pub query: Query,
    /// Findings of the profile by score, before filter and range.
    pub by_score: [usize; 4],
    /// Of the query's side, how many the filter hides.
    pub hidden_by_filter: usize,
    /// Of the query's side, how many the range hides.
    pub hidden_by_range: usize,
    /// Of the query's side, before filter and range: `(first, last)` time.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The times and signals of the findings that pass the filter, whatever the range: for the histogram.
    pub timeline: Timeline,
    /// The epoch of its findings.
    pub(in crate::store) epoch: Epoch,
}

impl Listing {
    /// Forgets what it has; its memory stays.
    pub(in crate::store) fn begin_again(&mut self) {
        self.findings.clear();
        self.members.clear();
        self.timeline.clear();
        *self = Self {
            findings: std::mem::take(&mut self.findings),
            members: std::mem::take(&mut self.members),
            timeline: std::mem::take(&mut self.timeline),
            query: self.query,
            epoch: self.epoch,
            ..Self::default()
        };
    }

    /// The epoch of its findings: a store of another one has other findings under their numbers.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The findings of a group, in order.
    #[must_use]
    pub fn members(&self, group: usize) -> &[FindingId] {
        let Some(group) = self.groups.get(group) else { return &[] };
        self.members.get(group.first..group.first + group.count).unwrap_or_default()
    }

    /// How many findings of the profile are alerts, before filter and range.
    #[must_use]
    pub fn total(&self, shown: Shown, min_score: u8) -> usize {
        let (under, over) = self.by_score.split_at(usize::from(min_score).min(self.by_score.len()));
        match shown {
            Shown::Alerts => over.iter().sum(),
            Shown::Suppressed => under.iter().sum(),
        }
    }
}

/// The list after a compaction: without the evicted findings. The counts stay as they were, until the next
/// list is made.
impl Relocate for Listing {
    fn relocate(mut self, moved: &Relocation, store: &Store) -> Option<Self> {
        let mut members = Vec::with_capacity(self.members.len());
        for group in &mut self.groups {
            let first = members.len();
            let of_group = self.members.get(group.first..group.first + group.count).unwrap_or_default();
            members.extend(of_group.iter().filter_map(|id| moved.finding(*id, store)));
            (group.first, group.count) = (first, members.len() - first);
        }
        self.members = members;
        self.findings = self.findings.relocate(moved, store)?;
        self.epoch = store.epoch();
        Some(self)
    }
}
