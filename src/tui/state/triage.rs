//! The verdicts as the screen needs them: by finding, ready to be drawn, filtered and counted.

use hashbrown::HashSet;

use crate::case::identity::{host_key, record_key};
use crate::case::{CaseBook, Decision, Identity};
use crate::detect::profile::Profile;
use crate::filter::{FilterField, Subject};
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;
use crate::store::Store;
use crate::store::findings::change_log::Cursor;
use crate::store::ids::{Epoch, FindingId};
use crate::store::list::listing::{Listing, Shown};
use crate::store::resumable::Pause;
use crate::store::tuning_matches::TuningMatches;
use crate::store::view::{FilteredFinding, FindingView};
use crate::tui::theme::Token;

/// Findings that are marked between two questions of whether it is time to stop.
const MARKS_PER_POLL: usize = 64;

/// A decision as the list shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether there is a note.
    pub has_note: bool,
}

impl Mark {
    /// A letter for it, and how it looks; a blank where there is nothing to say.
    #[must_use]
    pub const fn letter(self) -> (&'static str, Token) {
        match (self.verdict, self.has_note) {
            (Verdict::Malicious, _) => ("M", Token::Error),
            (Verdict::Benign, _) => ("b", Token::Ok),
            (Verdict::Unclear, _) => ("u", Token::Warning),
            (Verdict::Undecided, true) => ("n", Token::Muted),
            (Verdict::Undecided, false) => (" ", Token::Text),
        }
    }
}

/// The verdicts, by finding.
#[derive(Debug, Default)]
pub struct Triage {
    /// The decisions.
    pub book: CaseBook,
    /// The case file, for messages; `None` where there is no place for one.
    pub place: Option<String>,
    /// Findings of the list's side and profile by verdict, in the order of [`Verdict::ALL`], before filter and range.
    pub counts: [usize; 4],
    /// How many are undecided in each group of the list.
    pub left: Vec<usize>,
    /// By number of finding: its key in the case book.
    keys: Vec<Option<u64>>,
    marks: Vec<Mark>,
    /// Findings whose marks are to be made.
    due: Vec<FindingId>,
    /// By number of host: its part of the key.
    hosts: Vec<u64>,
    /// That of the findings' and hosts' numbers.
    epoch: Epoch,
    looked: Cursor,
    marked_generation: u64,
    /// The decisions before each verdict, the last one on top.
    pub(in crate::tui) undone: Vec<Vec<Decision>>,
}

/// Identity of an alert; `None` where no field distinguishes it from another one.
#[must_use]
pub fn identity_of(view: &FindingView<'_>) -> Option<Identity> {
    let event = view.event();
    let guid = view.process_guid();
    Identity::new(view.host(), event.event_code, event.record_id(), event.time, guid.as_deref())
}

impl Triage {
    /// Nothing decided yet; `place` is the case file's name.
    #[must_use]
    pub fn new(place: Option<String>) -> Self {
        Self { place, ..Self::default() }
    }

    /// The mark of a finding.
    #[must_use]
    pub fn mark(&self, id: FindingId) -> Mark {
        self.marks.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// The decision on a finding.
    #[must_use]
    pub fn decision(&self, view: &FindingView<'_>) -> Option<&Decision> {
        self.book.find(&identity_of(view)?)
    }

    /// Finds what is to be marked: what came in, and what decisions may be on that are new.
    fn find_due(&mut self, store: &Store) {
        if self.epoch != store.epoch() {
            self.epoch = store.epoch();
            self.hosts.clear();
        }
        let (hosts, nameless) = (&mut self.hosts, host_key(None));
        let new_hosts = store.hosts().entries().get(hosts.len()..).unwrap_or_default();
        hosts.extend(new_hosts.iter().map(|host| host_key(Some(store.text(host.shown)))));
        let key = |id: FindingId| {
            let event = store.event(store.finding(id)?.event)?;
            let host = event.host.and_then(|host| hosts.get(host.0 as usize)).copied();
            Some(record_key(host.unwrap_or(nameless), event.event_code, event.record_id()?))
        };
        let since = store.since(&mut self.looked);
        if since.is_reset {
            self.keys.clear();
            self.marks.clear();
            self.due.clear();
        }
        self.keys.extend(since.new.map(|number| key(FindingId(number))));
        for id in since.changed {
            // A lead may be of another event than before.
            if let Some(known) = self.keys.get_mut(id.0 as usize) {
                *known = key(*id);
                self.due.push(*id);
            }
        }
        let all = || (0..u32::try_from(self.keys.len()).unwrap_or(u32::MAX)).map(FindingId);
        if self.book.is_empty() {
            self.marks.clear();
            self.due.clear();
        } else {
            match self.book.decided_since(self.marked_generation) {
                Some(decided) if decided.is_empty() => self.due.extend(all().skip(self.marks.len())),
                Some(decided) => {
                    let decided: HashSet<u64> = decided.into_iter().collect();
                    // One without a number is known by its process and its time.
                    let is_due = |(id, key): &(FindingId, &Option<u64>)| {
                        id.0 as usize >= self.marks.len() || key.is_none_or(|key| decided.contains(&key))
                    };
                    self.due.extend(all().zip(&self.keys).filter(is_due).map(|(id, _)| id));
                }
                None => {
                    self.due.clear();
                    self.due.extend(all());
                }
            }
        }
        self.marked_generation = self.book.generation();
        self.marks.resize(self.keys.len(), Mark::default());
    }

    /// Marks new findings, and all again where decisions or ids changed.
    pub(in crate::tui) fn extend(&mut self, store: &Store, flags: &TuningMatches) {
        self.extend_until(store, flags, &|| false);
    }

    /// The same, in steps: goes on until all is marked, which it says, or it is time to stop.
    pub(in crate::tui) fn extend_until(
        &mut self,
        store: &Store,
        flags: &TuningMatches,
        pause: Pause<'_>,
    ) -> bool {
        self.find_due(store);
        while let Some(id) = self.due.pop() {
            let key = self.keys.get(id.0 as usize).copied().flatten();
            let mark = self.mark_by_book(store, flags, id, key).unwrap_or_default();
            if let Some(slot) = self.marks.get_mut(id.0 as usize) {
                *slot = mark;
            }
            if self.due.len().is_multiple_of(MARKS_PER_POLL) && !self.due.is_empty() && pause() {
                return false;
            }
        }
        true
    }

    fn mark_by_book(
        &self,
        store: &Store,
        flags: &TuningMatches,
        id: FindingId,
        key: Option<u64>,
    ) -> Option<Mark> {
        if !self.book.may_know(key) {
            return None;
        }
        let view = store.view(id, Profile::Hunt, flags)?;
        let decision = self.decision(&view)?;
        Some(Mark { verdict: decision.verdict, has_note: !decision.note.is_empty() })
    }

    /// Counts what a list has by verdict.
    pub(in crate::tui) fn count(&mut self, store: &Store, flags: &TuningMatches, listing: &Listing) {
        let query = listing.query;
        (self.counts, self.left) = ([0; 4], Vec::new());
        if self.book.is_empty() {
            return;
        }
        let scores = store.scores(query.profile, flags);
        let place = |verdict| Verdict::ALL.iter().position(|other| *other == verdict);
        let is_shown = |id: FindingId| {
            query.up_to_event.is_none_or(|first| {
                store.finding(id).is_some_and(|finding| (finding.event.0 as usize) < first)
            })
        };
        let mut left = listing.total(query.shown, query.min_score);
        let decided = |(_, mark): &(FindingId, &Mark)| mark.verdict != Verdict::Undecided;
        for (id, mark) in (0..).map(FindingId).zip(&self.marks).filter(decided) {
            let glance = scores.of(store, id);
            let is_listed = glance.signal.is_some()
                && (glance.score >= query.min_score) == (query.shown == Shown::Alerts)
                && is_shown(id);
            let count = place(mark.verdict).and_then(|at| self.counts.get_mut(at));
            if let Some(count) = count.filter(|_| is_listed) {
                *count += 1;
                left = left.saturating_sub(1);
            }
        }
        if let Some(count) = place(Verdict::Undecided).and_then(|at| self.counts.get_mut(at)) {
            *count = left;
        }
        let undecided = |id: &&FindingId| self.mark(**id).verdict == Verdict::Undecided;
        self.left = (0..listing.groups.len())
            .map(|group| listing.members(group).iter().filter(undecided).count())
            .collect();
    }
}

/// A finding as a filter looks at it, with what was decided on it.
pub(in crate::tui) struct TriagedFinding<'a, 'b> {
    /// The finding.
    pub(in crate::tui) finding: FilteredFinding<'a, 'b>,
    /// Its mark.
    pub(in crate::tui) mark: Mark,
    /// Its note.
    pub(in crate::tui) note: Option<&'b str>,
}

impl Subject for TriagedFinding<'_, '_> {
    fn text(&self, field: FilterField) -> Option<&str> {
        match field {
            FilterField::Verdict => Some(self.mark.verdict.name()),
            FilterField::Note => self.note,
            _ => self.finding.text(field),
        }
    }

    fn number(&self, field: FilterField) -> Option<i64> {
        self.finding.number(field)
    }

    fn time(&self) -> Option<Timestamp> {
        self.finding.time()
    }
}
