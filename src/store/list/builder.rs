//! Builds a list in steps that can be interrupted: a screen must answer while a million findings are sorted.

use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::findings::time_order::NO_TIME;
use crate::store::ids::FindingId;
use crate::store::list::column_sort::ColumnSort;
use crate::store::list::filter_cache::FilterCache;
use crate::store::list::groups::Grouping;
use crate::store::list::listing::{Listing, Query, Shown, SortKey};
use crate::store::resumable::{Pause, YIELD_CHEAP, YIELD_COSTLY};
use crate::store::tuning_matches::TuningMatches;
use crate::store::view::FindingView;

/// A filter, and its cached results.
pub struct FilterPass<'a> {
    /// Its results so far.
    pub cache: &'a mut FilterCache,
    /// The filter.
    pub passes: &'a dyn Fn(&FindingView<'_>) -> bool,
}

/// A list that is being made.
pub struct ListBuilder {
    listing: Listing,
    stage: Stage,
}

enum Stage {
    /// Asking the filter; the next finding by number.
    Filter(u32),
    /// Every finding was asked about; now all are looked at in their order.
    Walk(Box<Collecting>),
    /// All that pass are there, in the detection's own order.
    Walked,
    Sort(ColumnSort),
    Group(Box<Grouping>),
    Done,
}

/// The findings collected so far.
struct Collecting {
    /// The version of the order. With another one it begins again.
    version: u64,
    /// How many of it were.
    looked_at: usize,
    /// The findings that pass, by their rank's number.
    by_rank: Vec<Vec<FindingId>>,
    first: Option<FindingId>,
    last: Option<FindingId>,
}

impl Collecting {
    fn new(version: u64) -> Self {
        Self { version, looked_at: 0, by_rank: vec![Vec::new(); RANKS], first: None, last: None }
    }
}

impl ListBuilder {
    /// Begins, with what was settled when [`Store::refresh`] or [`Store::refresh_until`] was done last. What memory an
    /// old list has is used again.
    #[must_use]
    pub fn new(query: Query, mut old: Listing) -> Self {
        drop_in_background(std::mem::take(&mut old.groups));
        let mut listing = Listing { query, ..old };
        listing.begin_again();
        Self { listing, stage: Stage::Filter(0) }
    }

    /// Continues until it is done, or the pause asks to stop. Returns true when done. The tuning and the filter must be
    /// the same each time; findings may come and change meanwhile, and are in the next list.
    pub fn advance(
        &mut self,
        store: &Store,
        tuning: &TuningMatches,
        mut filter_pass: Option<FilterPass<'_>>,
        pause: Pause<'_>,
    ) -> bool {
        if self.listing.epoch != store.epoch() {
            // Ids gathered before a compaction mean other findings now.
            self.listing.epoch = store.epoch();
            self.listing.begin_again();
            self.stage = Stage::Filter(0);
        }
        loop {
            match &mut self.stage {
                Stage::Filter(at) => {
                    if let Some(filter_pass) = &mut filter_pass {
                        let next = ask(store, tuning, self.listing.query, filter_pass, *at, pause);
                        if let Some(next) = next {
                            *at = next;
                            return false;
                        }
                    }
                    self.stage = Stage::Walk(Box::new(Collecting::new(store.by_time_version())));
                }
                Stage::Walk(collecting) => {
                    if collecting.version != store.by_time_version() {
                        **collecting = Collecting::new(store.by_time_version());
                        self.listing.begin_again();
                    }
                    if !collecting.advance(store, tuning, filter_pass.as_mut(), &mut self.listing, pause) {
                        return false;
                    }
                    collecting.write(store, &mut self.listing);
                    self.stage = Stage::Walked;
                }
                Stage::Walked => self.stage = self.order(),
                Stage::Sort(sorting) => {
                    if !sorting.advance(store, tuning, &self.listing.findings, pause) {
                        return false;
                    }
                    sorting.write(&mut self.listing.findings);
                    self.stage = self.group();
                }
                Stage::Group(grouping) => {
                    if !grouping.advance(store, tuning, &self.listing.findings, pause) {
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

    /// Returns the stage and its progress in percent; `None` for stages of a frame or two.
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
            SortKey::Rank | SortKey::Time | SortKey::Evidence => {
                if query.reversed {
                    self.listing.findings.reverse();
                }
                self.group()
            }
            by => Stage::Sort(ColumnSort::new(by, query.profile, query.reversed)),
        }
    }

    fn group(&self) -> Stage {
        match self.listing.query.group {
            Some(key) => Stage::Group(Box::new(Grouping::new(key, self.listing.query.profile))),
            None => Stage::Done,
        }
    }
}

impl Listing {
    /// Builds a list in one go, without a filter.
    #[must_use]
    pub fn new(store: &mut Store, tuning: &TuningMatches, query: &Query) -> Self {
        store.refresh();
        store.weigh_evidence(query.profile, tuning);
        let mut making = ListBuilder::new(*query, Self::default());
        making.advance(store, tuning, None, &|| false);
        making.finish()
    }
}

impl Collecting {
    /// Looks at the findings in their order, until the last one, which it says, or it is time to stop.
    fn advance(
        &mut self,
        store: &Store,
        tuning: &TuningMatches,
        mut filter_pass: Option<&mut FilterPass<'_>>,
        listing: &mut Listing,
        pause: Pause<'_>,
    ) -> bool {
        let query = listing.query;
        let scores = store.scores(query.profile, tuning);
        let activities = store.activities_of(query.profile).filter(|_| query.by_evidence);
        let is_shown = |id: FindingId| {
            query.up_to_event.is_none_or(|first| {
                store.finding(id).is_some_and(|finding| (finding.event.0 as usize) < first)
            })
        };
        loop {
            let next = self.looked_at..(self.looked_at + YIELD_CHEAP).min(store.by_time().len());
            if next.is_empty() {
                return true;
            }
            self.looked_at = next.end;
            let ids = store.by_time().get(next.clone()).unwrap_or_default();
            let kinds = store.by_time_classes().get(next.clone()).unwrap_or_default();
            let seconds = store.by_time_seconds().get(next).unwrap_or_default();
            for ((id, kind), seconds) in ids.iter().zip(kinds).zip(seconds) {
                let (id, seconds) = (*id, *seconds);
                let result = scores.of_class(store, id, *kind);
                let Some(signal) = result.signal.filter(|_| is_shown(id)) else { continue };
                if let Some(count) = listing.by_score.get_mut(usize::from(result.score)) {
                    *count += 1;
                }
                if !is_shown_by(&query, result.score) {
                    continue;
                }
                if seconds != NO_TIME {
                    // They come by their times, the newest first.
                    self.last = self.last.or(Some(id));
                    self.first = Some(id);
                }
                if let Some(filter_pass) = &mut filter_pass {
                    let FilterPass { cache, passes } = &mut **filter_pass;
                    let ask = || store.view(id, query.profile, tuning).is_some_and(|view| passes(&view));
                    if !cache.passes(id, ask) {
                        listing.hidden_by_filter += 1;
                        continue;
                    }
                }
                if seconds != NO_TIME {
                    listing.timeline.push(seconds, signal);
                }
                let is_inside = |(from, to)| seconds != NO_TIME && seconds >= from && seconds < to;
                if query.range.is_some_and(|range| !is_inside(range)) {
                    listing.hidden_by_range += 1;
                    continue;
                }
                let points = activities.map_or(0, |activities| activities.points(id));
                if let Some(bucket) = self.by_rank.get_mut(rank(query.sort, result.score, points)) {
                    bucket.push(id);
                }
            }
            if pause() {
                return false;
            }
        }
    }

    /// Puts the gathered findings into their place.
    fn write(&self, store: &Store, listing: &mut Listing) {
        for bucket in self.by_rank.iter().rev() {
            listing.findings.extend_from_slice(bucket);
        }
        let time = |id: FindingId| -> Option<Timestamp> { store.event(store.finding(id)?.event)?.time };
        listing.span = self.first.and_then(time).zip(self.last.and_then(time));
    }
}

/// Points under and over which evidence ranks alike.
const MIN_POINTS: i32 = -40;
const MAX_POINTS: i32 = 60;
/// The count of different points.
const POINT_RANKS: usize = MAX_POINTS.abs_diff(MIN_POINTS) as usize + 1;
/// The count of ranks: of scores and points.
const RANKS: usize = 4 * POINT_RANKS;

/// Returns the number of a rank, the first in the list last. Findings of one rank keep the order of their times.
fn rank(sort: SortKey, score: u8, points: i32) -> usize {
    let points = points.clamp(MIN_POINTS, MAX_POINTS).abs_diff(MIN_POINTS) as usize;
    let score = usize::from(score.min(3));
    match sort {
        SortKey::Time => 0,
        SortKey::Evidence => points * 4 + score,
        _ => score * POINT_RANKS + points,
    }
}

/// Returns true where a query shows findings of that score.
const fn is_shown_by(query: &Query, score: u8) -> bool {
    (score >= query.min_score) == matches!(query.shown, Shown::Alerts)
}

/// Asks the filter of all findings on the query's side that it was not asked of, from a number on. Says at which it
/// stopped; `None` at the end.
fn ask(
    store: &Store,
    tuning: &TuningMatches,
    query: Query,
    FilterPass { cache, passes }: &mut FilterPass<'_>,
    from: u32,
    pause: Pause<'_>,
) -> Option<u32> {
    if from == 0 {
        cache.follow(store);
    }
    let scores = store.scores(query.profile, tuning);
    let mut asked = 0;
    for number in from..u32::try_from(store.findings().len()).unwrap_or(u32::MAX) {
        let id = FindingId(number);
        if cache.knows(id) {
            continue;
        }
        let result = scores.of(store, id);
        if result.signal.is_none() || !is_shown_by(&query, result.score) {
            continue;
        }
        cache.passes(id, || store.view(id, query.profile, tuning).is_some_and(|view| passes(&view)));
        asked += 1;
        if asked % YIELD_COSTLY == 0 && pause() {
            return Some(number + 1);
        }
    }
    None
}

/// Drops a large value on a background thread.
fn drop_in_background<T: Send + 'static>(many: Vec<T>) {
    if many.len() > YIELD_CHEAP {
        // Where there is no thread to be had, they are dropped here.
        let _ = std::thread::Builder::new().spawn(move || drop(many));
    }
}
