//! The findings that a list shows: those that pass, in their order, grouped where asked for.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::Store;
use super::finding::FindingId;
use super::flags::Flags;
use super::glance::Glance;
use super::interner::Symbol;
use super::ranking::Ranked;
use super::sorting;
use super::view::FindingView;
use crate::detect::ALERT_SCORE;
use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::model::row::Signal;
use crate::model::time::Timestamp;

/// Which column a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortKey {
    /// Score, then time: the search's own order.
    #[default]
    Rank,
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
    pub const ALL: [Self; 8] = [
        Self::Rank,
        Self::Time,
        Self::Host,
        Self::User,
        Self::Signal,
        Self::Image,
        Self::Destination,
        Self::CommandLine,
    ];
}

/// What a list is grouped by.
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

    /// The field whose text it is.
    const fn field(self) -> Option<Field> {
        match self {
            Self::User => Some(Field::User),
            Self::Parent => Some(Field::ParentImage),
            Self::Host | Self::Repository | Self::Signal => None,
        }
    }

    fn of(self, view: &FindingView<'_>) -> String {
        let text = match self {
            Self::Host => view.host().map(str::to_owned),
            Self::User => view.text(Field::User).map(str::to_owned),
            Self::Parent => view.text(Field::ParentImage).map(str::to_owned),
            Self::Repository => view.destination(),
            Self::Signal => Some(view.signal().name().to_owned()),
        };
        text.unwrap_or_else(|| "(missing)".to_owned())
    }
}

/// Which side of the alert score a list shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// At or over the least score.
    #[default]
    Alerts,
    /// Under it: selected, but suppressed.
    Suppressed,
}

/// What a list shall show.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The profile.
    pub profile: Profile,
    /// The side of `min_score`.
    pub side: Side,
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
    /// Findings of the first so many events, in order of arrival; `None` for all.
    pub of_first_events: Option<usize>,
    /// A condition on each finding.
    pub filter: Option<&'a dyn Fn(&FindingView<'_>) -> bool>,
}

impl Query<'_> {
    /// All alerts of a profile, ranked.
    #[must_use]
    pub const fn alerts(profile: Profile) -> Self {
        Self {
            profile,
            side: Side::Alerts,
            min_score: ALERT_SCORE,
            sort: SortKey::Rank,
            reversed: false,
            group: None,
            range: None,
            of_first_events: None,
            filter: None,
        }
    }
}

/// A line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
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
    /// How many findings it has.
    pub count: usize,
    /// By score, 0 to 3.
    pub by_score: [usize; 4],
    /// The latest time.
    pub last_seen: Option<Timestamp>,
}

/// The findings that pass a query.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The findings in order, without group heads.
    pub findings: Vec<FindingId>,
    /// The groups, most severe and then largest first; empty without a grouping.
    pub groups: Vec<Group>,
    /// The findings of each group, in order; as long as `groups`.
    pub members: Vec<Vec<FindingId>>,
    /// Findings of the profile by score, before filter and range.
    pub by_score: [usize; 4],
    /// Of the query's side, how many the filter hides.
    pub hidden_by_filter: usize,
    /// Of the query's side, how many the range hides.
    pub hidden_by_range: usize,
    /// Of the query's side, before filter and range: `(first, last)` time.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The times and signals of what passes the filter, whatever the range: for the histogram.
    pub moments: Vec<(i64, Signal)>,
}

impl Listing {
    /// Makes the list anew.
    #[must_use]
    pub fn new(store: &mut Store, flags: &Flags, query: &Query<'_>) -> Self {
        store.by_time();
        let glances = store.glances(query.profile, flags);
        Self::of_glances(store, flags, query, &glances)
    }

    /// The same for who has looked at all findings already, as they are since [`Store::by_time`] was last called.
    #[must_use]
    pub fn of_glances(store: &Store, flags: &Flags, query: &Query<'_>, glances: &[Glance]) -> Self {
        let mut listing = Self::default();
        let mut by_score: [Vec<FindingId>; 4] = Default::default();
        let is_shown = |id: FindingId| {
            query.of_first_events.is_none_or(|first| {
                store.finding(id).is_some_and(|finding| (finding.event.0 as usize) < first)
            })
        };
        listing.moments.reserve(store.ranked().len());
        for Ranked { id, time } in store.ranked().iter().filter(|ranked| is_shown(ranked.id)) {
            let Some(Glance { points, signal: Some(signal) }) = glances.get(id.0 as usize).copied() else {
                continue;
            };
            if let Some(count) = listing.by_score.get_mut(usize::from(points)) {
                *count += 1;
            }
            if (points >= query.min_score) == (query.side == Side::Suppressed) {
                continue;
            }
            if let Some(time) = *time {
                // They come by their times, the newest first.
                listing.span = Some(listing.span.map_or((time, time), |(_, last)| (time, last)));
            }
            let is_hidden = query.filter.is_some_and(|filter| {
                store.view(*id, query.profile, flags).is_none_or(|view| !filter(&view))
            });
            if is_hidden {
                listing.hidden_by_filter += 1;
                continue;
            }
            let seconds = time.map(|time| time.unix_seconds());
            if let Some(seconds) = seconds {
                listing.moments.push((seconds, signal));
            }
            if query.range.is_some_and(|(from, to)| seconds.is_none_or(|at| at < from || at >= to)) {
                listing.hidden_by_range += 1;
                continue;
            }
            let bucket = if query.sort == SortKey::Time { 0 } else { usize::from(points) };
            if let Some(bucket) = by_score.get_mut(bucket) {
                bucket.push(*id);
            }
        }
        for bucket in by_score.iter().rev() {
            listing.findings.extend_from_slice(bucket);
        }
        sort(&mut listing.findings, store, flags, query);
        if let Some(key) = query.group {
            listing.group(store, flags, query.profile, key);
        }
        listing
    }

    /// How many findings of the profile are alerts, before filter and range.
    #[must_use]
    pub fn total(&self, side: Side, min_score: u8) -> usize {
        let (under, over) = self.by_score.split_at(usize::from(min_score).min(self.by_score.len()));
        match side {
            Side::Alerts => over.iter().sum(),
            Side::Suppressed => under.iter().sum(),
        }
    }

    fn group(&mut self, store: &Store, flags: &Flags, profile: Profile, key: GroupKey) {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut known: HashMap<Option<Symbol>, usize> = HashMap::new();
        let mut groups: Vec<(Group, Vec<FindingId>)> = Vec::new();
        for id in &self.findings {
            let Some(view) = store.view(*id, profile, flags) else { continue };
            let mut add = |text: String| {
                *numbers.entry(text).or_insert_with_key(|text| {
                    let group = Group { key: text.clone(), count: 0, by_score: [0; 4], last_seen: None };
                    groups.push((group, Vec::new()));
                    groups.len() - 1
                })
            };
            // Where a text stands for it, it is made once and not for every finding.
            let number = match key.field() {
                Some(field) => *known
                    .entry(store.symbol_of(view.finding(), profile, field))
                    .or_insert_with(|| add(key.of(&view))),
                None => add(key.of(&view)),
            };
            let Some((group, members)) = groups.get_mut(number) else { continue };
            group.count += 1;
            group.last_seen = group.last_seen.max(view.time());
            if let Some(count) = group.by_score.get_mut(usize::from(view.score())) {
                *count += 1;
            }
            members.push(*id);
        }
        groups.sort_by_key(|(group, _)| {
            let top = group.by_score.iter().rposition(|count| *count > 0);
            (Reverse(top), Reverse(group.count), Reverse(group.last_seen))
        });
        (self.groups, self.members) = groups.into_iter().unzip();
    }
}

impl Store {
    /// The findings as [`Self::by_time`] last put them.
    #[must_use]
    pub fn ranked(&self) -> &[Ranked] {
        self.ranking.sorted()
    }
}

fn sort(findings: &mut [FindingId], store: &Store, flags: &Flags, query: &Query<'_>) {
    match query.sort {
        // They come in this order.
        SortKey::Rank | SortKey::Time => {}
        SortKey::Host | SortKey::User | SortKey::Image | SortKey::CommandLine => {
            sorting::sort(findings, store, query.profile, query.sort);
        }
        SortKey::Signal => {
            let name = |id: FindingId| Some(store.finding(id)?.signal(query.profile)?.name());
            findings.sort_by_cached_key(|id| name(*id));
        }
        SortKey::Destination => {
            let destination = |id| store.view(id, query.profile, flags).and_then(|view| view.destination());
            sorting::sort_by_text(findings, destination);
        }
    }
    if query.reversed {
        findings.reverse();
    }
}
