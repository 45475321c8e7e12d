//! Preview of a pattern's changes before it is kept, and the advice from this log.

mod advice;
mod agents;
mod allow;
mod branches;
mod history;

use std::ops::Range;

use crate::detect::clauses::find_ignoring_case;
use crate::detect::pattern::{Pattern, PatternError, Patterns};
use crate::detect::profile::Profile;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::compaction::Relocation;
use crate::store::events::distinct::{Distinct, DistinctTable};
use crate::store::held::Relocate;
use crate::store::ids::{DistinctId, FindingId};
use crate::store::tuning_matches::TuningMatches;

pub use advice::{Advice, Adviser, Kind};
pub use allow::{Proposal, also_taken_in, exception_of, proposals};
pub use history::{History, Tuned};

/// One of the two patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    /// The CI-host pattern, on `host`.
    CiHost,
    /// The IDE-parent pattern, on `ParentImage`.
    IdeParent,
}

impl Which {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::CiHost => Self::IdeParent,
            Self::IdeParent => Self::CiHost,
        }
    }

    /// Its name in the configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CiHost => "ci-host",
            Self::IdeParent => "ide-parent",
        }
    }

    /// Returns the name of its subjects, in the plural.
    #[must_use]
    pub const fn subjects(self) -> &'static str {
        match self {
            Self::CiHost => "hosts",
            Self::IdeParent => "parents",
        }
    }

    /// Returns a number with its unit: `1 host`, `29 hosts`.
    #[must_use]
    pub fn counted(self, number: usize) -> String {
        let one = match self {
            Self::CiHost => "host",
            Self::IdeParent => "parent",
        };
        if number == 1 { format!("1 {one}") } else { format!("{number} {}", self.subjects()) }
    }

    /// Returns this one of both patterns.
    #[must_use]
    pub const fn of(self, patterns: &Patterns) -> &Pattern {
        match self {
            Self::CiHost => &patterns.ci_host,
            Self::IdeParent => &patterns.ide_parent,
        }
    }

    /// Returns both patterns with this one replaced.
    #[must_use]
    pub fn with(self, patterns: &Patterns, pattern: Pattern) -> Patterns {
        match self {
            Self::CiHost => Patterns { ci_host: pattern, ide_parent: patterns.ide_parent.clone() },
            Self::IdeParent => Patterns { ci_host: patterns.ci_host.clone(), ide_parent: pattern },
        }
    }

    /// Returns the count of distinct hosts or parents.
    #[must_use]
    pub fn count(self, store: &Store) -> usize {
        self.table(store).entries().len()
    }

    /// Returns whether it matches a host or a parent, by its number.
    fn is_matched(self, id: DistinctId, flags: &TuningMatches) -> bool {
        match self {
            Self::CiHost => flags.is_ci_system(Some(id)),
            Self::IdeParent => flags.is_known_ide(Some(id)),
        }
    }

    const fn table(self, store: &Store) -> &DistinctTable {
        match self {
            Self::CiHost => store.hosts(),
            Self::IdeParent => store.parents(),
        }
    }
}

/// A pattern that is being edited. The list answers to [`Self::flags`], which stay those of the last valid text.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Which of the two.
    pub which: Which,
    /// The verdicts of the last valid text, with the other pattern as it is.
    pub flags: TuningMatches,
    /// The reason why the current text is no pattern.
    pub error: Option<PatternError>,
}

impl Trial {
    /// Starts from the state in force.
    #[must_use]
    pub fn new(which: Which, in_force: &TuningMatches) -> Self {
        Self { which, flags: in_force.clone(), error: None }
    }

    /// Takes the current text. An invalid one leaves the verdicts as they are.
    pub fn edit(&mut self, text: &str, store: &Store) {
        match Pattern::new(text) {
            Ok(pattern) => {
                self.error = None;
                let patterns = self.which.with(self.flags.patterns(), pattern);
                self.flags.set_patterns(patterns, store);
            }
            Err(error) => self.error = Some(error),
        }
    }
}

/// A distinct host or parent, with its match by a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Its text.
    pub text: &'a str,
    /// Where the pattern matches, in bytes.
    pub matched: Option<Range<usize>>,
    /// Events that have it.
    pub events: u64,
    /// The latest of these.
    pub last_seen: Option<Timestamp>,
}

/// The first `most` distinct hosts or parents that hold a text (without case), matched ones first, each kind by its
/// number of events; and how many of them match of how many.
#[must_use]
pub fn subjects<'a>(
    store: &'a Store,
    which: Which,
    flags: &TuningMatches,
    holding: &str,
    most: usize,
) -> (Vec<Subject<'a>>, usize, usize) {
    let table = which.table(store);
    let mut entries: Vec<(bool, &Distinct)> = (0..)
        .map(DistinctId)
        .zip(table.entries())
        .filter(|(_, entry)| {
            holding.is_empty() || find_ignoring_case(store.text(entry.shown), holding).is_some()
        })
        .map(|(id, entry)| (which.is_matched(id, flags), entry))
        .collect();
    let (matching, all) = (entries.iter().filter(|(matches, _)| *matches).count(), entries.len());
    let order = |(matches, entry): &(bool, &Distinct)| (!matches, u64::MAX - entry.events, entry.written);
    if entries.len() > most && most > 0 {
        entries.select_nth_unstable_by_key(most - 1, order);
        entries.truncate(most);
    }
    entries.sort_unstable_by_key(order);
    let pattern = which.of(flags.patterns());
    let shown = entries
        .into_iter()
        .map(|(_, entry)| {
            let text = store.text(entry.shown);
            Subject { text, matched: pattern.find(text), events: entry.events, last_seen: entry.last_seen }
        })
        .collect();
    (shown, matching, all)
}

/// How a finding changes between two states of the patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It becomes an alert.
    Appears,
    /// It is no alert any more.
    Goes,
    /// Its score changes on the same side.
    Rescored,
}

/// Changes between two states of the patterns, each list as the findings were last ranked by time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Findings that become alerts.
    pub appear: Vec<FindingId>,
    /// Findings that cease to be alerts.
    pub go: Vec<FindingId>,
    /// Findings whose score changes on the same side.
    pub rescored: Vec<FindingId>,
}

impl Changes {
    /// No change.
    pub const NONE: &'static Self = &Self { appear: Vec::new(), go: Vec::new(), rescored: Vec::new() };

    /// Returns the number of findings that change.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.appear.len() + self.go.len() + self.rescored.len()
    }

    /// Returns whether nothing changes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The change of that number: those that appear come first, then those that go.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<(Change, FindingId)> {
        let lists =
            [(Change::Appears, &self.appear), (Change::Goes, &self.go), (Change::Rescored, &self.rescored)];
        let mut number = number;
        for (change, list) in lists {
            if let Some(id) = list.get(number) {
                return Some((change, *id));
            }
            number -= list.len();
        }
        None
    }
}

impl Relocate for Changes {
    fn relocate(self, moved: &Relocation, store: &Store) -> Option<Self> {
        Some(Self {
            appear: self.appear.relocate(moved, store)?,
            go: self.go.relocate(moved, store)?,
            rescored: self.rescored.relocate(moved, store)?,
        })
    }
}

/// Compares all findings of a profile under two states of the patterns, as they were when [`Store::refresh`] was last
/// called.
#[must_use]
pub fn changes(
    store: &Store,
    profile: Profile,
    min_score: u8,
    before: &TuningMatches,
    after: &TuningMatches,
) -> Changes {
    let (before, after) = (store.scores(profile, before), store.scores(profile, after));
    let mut changes = Changes::default();
    for (id, old, new) in before.differences(&after, store) {
        let list = match (old.score >= min_score, new.score >= min_score) {
            (false, true) => &mut changes.appear,
            (true, false) => &mut changes.go,
            _ => &mut changes.rescored,
        };
        list.push(id);
    }
    changes
}
