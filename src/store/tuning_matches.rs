//! The patterns' results on the distinct hosts and parents, and the findings that the exceptions take out.

use hashbrown::HashMap;

use crate::detect::exception::{Exception, ExceptionField, Exceptions};
use crate::detect::pattern::{Pattern, Patterns};
use crate::detect::profile::Profile;
use crate::detect::technique::ClauseId;
use crate::store::Store;
use crate::store::events::distinct::DistinctTable;
use crate::store::events::interner::Symbol;
use crate::store::findings::change_log::Cursor;
use crate::store::findings::finding::Finding;
use crate::store::ids::{DistinctId, Epoch, EventId, FindingId};

/// Two patterns and their results on each distinct host and parent. Extend it after the store has grown.
#[derive(Clone, Debug)]
pub struct TuningMatches {
    patterns: Patterns,
    ci_systems: Vec<bool>,
    known_ides: Vec<bool>,
    exception_matches: ExceptionMatches,
    /// That of the hosts' and parents' numbers.
    epoch: Epoch,
}

impl TuningMatches {
    /// No verdicts yet, and no exceptions.
    #[must_use]
    pub fn new(patterns: Patterns) -> Self {
        Self::with_exceptions(patterns, Exceptions::default())
    }

    /// No verdicts yet. Of the exceptions all suppress: those that have expired are to be left out before.
    #[must_use]
    pub fn with_exceptions(patterns: Patterns, exceptions: Exceptions) -> Self {
        let exception_matches = ExceptionMatches::new(exceptions);
        let epoch = Epoch::default();
        Self { patterns, ci_systems: Vec::new(), known_ides: Vec::new(), exception_matches, epoch }
    }

    /// The exceptions that suppress.
    #[must_use]
    pub const fn exceptions(&self) -> &Exceptions {
        self.exception_matches.exceptions()
    }

    /// Takes other exceptions.
    pub fn set_exceptions(&mut self, exceptions: Exceptions, store: &Store) {
        if exceptions != *self.exceptions() {
            self.exception_matches = ExceptionMatches::new(exceptions);
        }
        self.extend(store);
    }

    /// The exception that takes the finding of an event out of a profile's alerts.
    #[must_use]
    pub fn exception(&self, event: EventId, profile: Profile) -> Option<&Exception> {
        self.exception_matches.of(event, profile)
    }

    /// The patterns whose verdicts these are.
    #[must_use]
    pub const fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// Replaces the patterns. The results of a kept pattern stay.
    pub fn set_patterns(&mut self, patterns: Patterns, store: &Store) {
        if patterns.ci_host != self.patterns.ci_host {
            self.ci_systems.clear();
        }
        if patterns.ide_parent != self.patterns.ide_parent {
            self.known_ides.clear();
        }
        self.patterns = patterns;
        self.extend(store);
    }

    /// Evaluates the new entries of the store; after a compaction all of them, since the numbers mean others then.
    pub fn extend(&mut self, store: &Store) {
        if self.epoch != store.epoch() {
            self.epoch = store.epoch();
            self.ci_systems.clear();
            self.known_ides.clear();
            self.exception_matches = ExceptionMatches::new(self.exceptions().clone());
        }
        extend(&mut self.ci_systems, &self.patterns.ci_host, store.hosts(), store);
        extend(&mut self.known_ides, &self.patterns.ide_parent, store.parents(), store);
        self.exception_matches.extend(store);
    }

    /// The epoch of the ids that these verdicts are about.
    #[must_use]
    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns true where the CI-host pattern matches a host; never for a missing one.
    #[must_use]
    pub fn is_ci_system(&self, host: Option<DistinctId>) -> bool {
        host.is_some_and(|host| self.ci_systems.get(host.0 as usize).copied().unwrap_or(false))
    }

    /// Returns true where the IDE-parent pattern matches a parent; never for a missing one.
    #[must_use]
    pub fn is_known_ide(&self, parent: Option<DistinctId>) -> bool {
        parent.is_some_and(|parent| self.known_ides.get(parent.0 as usize).copied().unwrap_or(false))
    }
}

fn extend(verdicts: &mut Vec<bool>, pattern: &Pattern, table: &DistinctTable, store: &Store) {
    for entry in table.entries().get(verdicts.len()..).unwrap_or_default() {
        verdicts.push(pattern.matches(Some(store.text(entry.shown))));
    }
}

/// No exception.
const NONE: u8 = u8::MAX;

/// The exceptions in force, and the findings that they take out. Extend it after the store has grown.
#[derive(Clone, Debug, Default)]
struct ExceptionMatches {
    exceptions: Exceptions,
    /// By exception and term: its results on texts.
    terms: Vec<Vec<HashMap<Symbol, bool>>>,
    /// By event of a finding: the number of the first exception that matches, for each profile.
    events: HashMap<EventId, [u8; Profile::ALL.len()]>,
    cursor: Cursor,
}

impl ExceptionMatches {
    pub(super) fn new(exceptions: Exceptions) -> Self {
        let terms =
            exceptions.all().iter().map(|exception| vec![HashMap::new(); exception.terms.len()]).collect();
        Self { exceptions, terms, ..Self::default() }
    }

    pub(super) const fn exceptions(&self) -> &Exceptions {
        &self.exceptions
    }

    /// Evaluates the findings that have come, and those that a join has given another field; texts that were seen
    /// before cost a look-up.
    pub(super) fn extend(&mut self, store: &Store) {
        if self.exceptions.all().is_empty() {
            return;
        }
        let mut cursor = std::mem::take(&mut self.cursor);
        let since = store.since(&mut cursor);
        let of = |id: &FindingId| store.finding(*id);
        // A lead may have another event than before, and its earlier one is not recorded.
        let is_reset = since.is_reset
            || since.changed.iter().filter_map(of).any(|finding| finding.clause == ClauseId::LEAD);
        if is_reset {
            self.events.clear();
            store.findings().iter().for_each(|finding| self.evaluate(store, finding));
        } else {
            for finding in since.changed.iter().filter_map(of) {
                self.events.remove(&finding.event);
                self.evaluate(store, finding);
            }
            since
                .new
                .map(FindingId)
                .filter_map(|id| of(&id))
                .for_each(|finding| self.evaluate(store, finding));
        }
        self.cursor = cursor;
    }

    fn evaluate(&mut self, store: &Store, finding: &Finding) {
        let numbers = Profile::ALL.map(|profile| {
            let is_selected = finding.signal(profile).is_some();
            is_selected.then(|| self.first(store, finding, profile)).flatten().unwrap_or(NONE)
        });
        if numbers.iter().any(|number| *number != NONE) {
            self.events.insert(finding.event, numbers);
        }
    }

    /// The number of the first exception that matches.
    fn first(&mut self, store: &Store, finding: &Finding, profile: Profile) -> Option<u8> {
        let mut numbered = self.exceptions.all().iter().zip(&mut self.terms);
        let number = numbered.position(|(exception, verdicts)| {
            exception.terms.iter().zip(verdicts).all(|((field, pattern), verdicts)| {
                store.exception_symbol(finding, profile, *field).is_some_and(|symbol| {
                    *verdicts.entry(symbol).or_insert_with(|| pattern.matches(Some(store.text(symbol))))
                })
            })
        })?;
        u8::try_from(number).ok()
    }

    pub(super) fn of(&self, event: EventId, profile: Profile) -> Option<&Exception> {
        if self.events.is_empty() {
            return None;
        }
        let number = self.events.get(&event)?.get(profile.index()).filter(|number| **number != NONE)?;
        self.exceptions.all().get(usize::from(*number))
    }
}

impl Store {
    /// The text that an exception looks at, as a profile sees it.
    fn exception_symbol(&self, finding: &Finding, profile: Profile, field: ExceptionField) -> Option<Symbol> {
        match field.field() {
            None => self.hosts().get(finding.host?).map(|host| host.shown),
            Some(field) => self.symbol_of(finding, profile, field),
        }
    }
}
