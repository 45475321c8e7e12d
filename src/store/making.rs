//! How a list is made, in steps that can be interrupted: a screen must answer while a million findings are sorted.

use super::Store;
use super::finding::FindingId;
use super::flags::Flags;
use super::grouping::Grouping;
use super::listing::{Listing, Query, Side, SortKey};
use super::ranking::NO_TIME;
use super::sieve::Sieve;
use super::sorting::Sorting;
use super::view::FindingView;
use crate::model::time::Timestamp;

/// A filter, and what it said before.
pub struct Filtering<'a> {
    /// Its answers so far.
    pub sieve: &'a mut Sieve,
    /// The filter.
    pub passes: &'a dyn Fn(&FindingView<'_>) -> bool,
}

/// Says whether it is time to stop for now. It is asked often; what it says is heeded within a millisecond.
pub type Pause<'a> = &'a dyn Fn() -> bool;

/// Between two questions of whether it is time to stop, for steps that cost about 100 ns and 1 us. Tests stop far more
/// often than that.
pub(super) const MANY: usize = if cfg!(test) { 4 } else { 4096 };
pub(super) const FEW: usize = if cfg!(test) { 2 } else { 256 };

/// A list that is being made.
pub struct Making {
    listing: Listing,
    stage: Stage,
}

enum Stage {
    /// Asking the filter; the next finding by number.
    Filter(u32),
    /// Every finding was asked about; now all are looked at in their order.
    Walk(Box<Gathering>),
    /// All that pass are there, in the detection's own order.
    Walked,
    Sort(Sorting),
    Group(Box<Grouping>),
    Done,
}

/// What was gathered of a list so far.
struct Gathering {
    /// The order that was looked at. With another one it begins anew.
    version: u64,
    /// How many of it were.
    looked_at: usize,
    /// What passes, by score.
    by_score: [Vec<FindingId>; 4],
    first: Option<FindingId>,
    last: Option<FindingId>,
}

impl Gathering {
    fn new(version: u64) -> Self {
        Self { version, looked_at: 0, by_score: Default::default(), first: None, last: None }
    }
}

impl Making {
    /// Begins, with what was settled when [`Store::by_time`] or [`Store::settle_until`] was done last. What memory an
    /// old list has is used again.
    #[must_use]
    pub fn new(query: Query, mut old: Listing) -> Self {
        give_back(std::mem::take(&mut old.groups));
        let mut listing = Listing { query, ..old };
        listing.begin_again();
        Self { listing, stage: Stage::Filter(0) }
    }

    /// Goes on until it is done, which it says, or it is time to stop. The flags and the filter must be the same each
    /// time; findings may come and change meanwhile, and are in the next list.
    pub fn advance(
        &mut self,
        store: &Store,
        flags: &Flags,
        mut filtering: Option<Filtering<'_>>,
        pause: Pause<'_>,
    ) -> bool {
        if self.listing.epoch != store.epoch() {
            // What was gathered of a store before a compaction means others now.
            self.listing.epoch = store.epoch();
            self.listing.begin_again();
            self.stage = Stage::Filter(0);
        }
        loop {
            match &mut self.stage {
                Stage::Filter(at) => {
                    if let Some(filtering) = &mut filtering {
                        let next = ask(store, flags, self.listing.query, filtering, *at, pause);
                        if let Some(next) = next {
                            *at = next;
                            return false;
                        }
                    }
                    self.stage = Stage::Walk(Box::new(Gathering::new(store.ranked_version())));
                }
                Stage::Walk(gathering) => {
                    if gathering.version != store.ranked_version() {
                        **gathering = Gathering::new(store.ranked_version());
                        self.listing.begin_again();
                    }
                    if !gathering.advance(store, flags, filtering.as_mut(), &mut self.listing, pause) {
                        return false;
                    }
                    gathering.write(store, &mut self.listing);
                    self.stage = Stage::Walked;
                }
                Stage::Walked => self.stage = self.order(),
                Stage::Sort(sorting) => {
                    if !sorting.advance(store, flags, &self.listing.findings, pause) {
                        return false;
                    }
                    sorting.write(&mut self.listing.findings);
                    self.stage = self.group();
                }
                Stage::Group(grouping) => {
                    if !grouping.advance(store, flags, &self.listing.findings, pause) {
                        return false;
                    }
                    (self.listing.groups, self.listing.members) = grouping.finish();
                    self.stage = Stage::Done;
                }
                Stage::Done => return true,
            }
            if !matches!(self.stage, Stage::Done) && pause() {
                return false;
            }
        }
    }

    /// What it is at, and how far that is in percent; `None` for what takes a frame or two.
    #[must_use]
    pub fn progress(&self, store: &Store) -> Option<(&'static str, usize)> {
        match &self.stage {
            Stage::Filter(at) => Some(("filtering", *at as usize * 100 / store.findings().len().max(1))),
            Stage::Sort(sorting) => Some(("sorting", sorting.percent(self.listing.findings.len()))),
            Stage::Group(grouping) => Some(("grouping", grouping.percent(self.listing.findings.len()))),
            Stage::Walk(_) | Stage::Walked | Stage::Done => None,
        }
    }

    /// The list, once it is done.
    #[must_use]
    pub fn finish(self) -> Listing {
        self.listing
    }

    fn order(&mut self) -> Stage {
        let query = self.listing.query;
        match query.sort {
            // They come in this order.
            SortKey::Rank | SortKey::Time => {
                if query.reversed {
                    self.listing.findings.reverse();
                }
                self.group()
            }
            by => Stage::Sort(Sorting::new(by, query.profile, query.reversed)),
        }
    }

    fn group(&self) -> Stage {
        match self.listing.query.group {
            Some(key) => Stage::Group(Box::new(Grouping::new(key, self.listing.query.profile))),
            None => Stage::Done,
        }
    }
}

impl Gathering {
    /// Looks at the findings in their order, until the last one, which it says, or it is time to stop.
    fn advance(
        &mut self,
        store: &Store,
        flags: &Flags,
        mut filtering: Option<&mut Filtering<'_>>,
        listing: &mut Listing,
        pause: Pause<'_>,
    ) -> bool {
        let query = listing.query;
        let glances = store.glances(query.profile, flags);
        let is_shown = |id: FindingId| {
            query.of_first_events.is_none_or(|first| {
                store.finding(id).is_some_and(|finding| (finding.event.0 as usize) < first)
            })
        };
        loop {
            let next = self.looked_at..(self.looked_at + MANY).min(store.ranked().len());
            if next.is_empty() {
                return true;
            }
            self.looked_at = next.end;
            let ids = store.ranked().get(next.clone()).unwrap_or_default();
            let kinds = store.ranked_kinds().get(next.clone()).unwrap_or_default();
            let seconds = store.ranked_seconds().get(next).unwrap_or_default();
            for ((id, kind), seconds) in ids.iter().zip(kinds).zip(seconds) {
                let (id, seconds) = (*id, *seconds);
                let glance = glances.of_one(store, id, *kind);
                let Some(signal) = glance.signal.filter(|_| is_shown(id)) else { continue };
                if let Some(count) = listing.by_score.get_mut(usize::from(glance.points)) {
                    *count += 1;
                }
                if !is_on_side(&query, glance.points) {
                    continue;
                }
                if seconds != NO_TIME {
                    // They come by their times, the newest first.
                    self.last = self.last.or(Some(id));
                    self.first = Some(id);
                }
                if let Some(filtering) = &mut filtering {
                    let Filtering { sieve, passes } = &mut **filtering;
                    let ask = || store.view(id, query.profile, flags).is_some_and(|view| passes(&view));
                    if !sieve.passes(id, ask) {
                        listing.hidden_by_filter += 1;
                        continue;
                    }
                }
                if seconds != NO_TIME {
                    listing.moments.push(seconds, signal);
                }
                let is_inside = |(from, to)| seconds != NO_TIME && seconds >= from && seconds < to;
                if query.range.is_some_and(|range| !is_inside(range)) {
                    listing.hidden_by_range += 1;
                    continue;
                }
                let bucket = if query.sort == SortKey::Time { 0 } else { usize::from(glance.points) };
                // Most of a list has the highest score that is in it, and goes to its place at once.
                if bucket == 3 {
                    listing.findings.push(id);
                } else if let Some(bucket) = self.by_score.get_mut(bucket) {
                    bucket.push(id);
                }
            }
            if pause() {
                return false;
            }
        }
    }

    /// Puts what was gathered into its place.
    fn write(&self, store: &Store, listing: &mut Listing) {
        for bucket in self.by_score.iter().rev() {
            listing.findings.extend_from_slice(bucket);
        }
        let time = |id: FindingId| -> Option<Timestamp> { store.event(store.finding(id)?.event)?.time };
        listing.span = self.first.and_then(time).zip(self.last.and_then(time));
    }
}

/// Whether a finding of that score is on the side that a query asks for.
const fn is_on_side(query: &Query, points: u8) -> bool {
    (points >= query.min_score) == matches!(query.side, Side::Alerts)
}

/// Asks the filter of all findings on the query's side that it was not asked of, from a number on. Says at which it
/// stopped; `None` at the end.
fn ask(
    store: &Store,
    flags: &Flags,
    query: Query,
    Filtering { sieve, passes }: &mut Filtering<'_>,
    from: u32,
    pause: Pause<'_>,
) -> Option<u32> {
    if from == 0 {
        sieve.follow(store);
    }
    let glances = store.glances(query.profile, flags);
    let mut asked = 0;
    for number in from..u32::try_from(store.findings().len()).unwrap_or(u32::MAX) {
        let id = FindingId(number);
        if sieve.knows(id) {
            continue;
        }
        let glance = glances.of(store, id);
        if glance.signal.is_none() || !is_on_side(&query, glance.points) {
            continue;
        }
        sieve.passes(id, || store.view(id, query.profile, flags).is_some_and(|view| passes(&view)));
        asked += 1;
        if asked % FEW == 0 && pause() {
            return Some(number + 1);
        }
    }
    None
}

/// Drops what has a million texts in it where nobody waits for that.
fn give_back<T: Send + 'static>(many: Vec<T>) {
    if many.len() > MANY {
        // Where there is no thread to be had, they are dropped here.
        let _ = std::thread::Builder::new().spawn(move || drop(many));
    }
}
