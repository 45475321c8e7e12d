//! The patterns' verdicts on the distinct hosts and parents, and what the exceptions take out.

use super::Store;
use super::distinct::{DistinctId, DistinctTable};
use super::epoch::Epoch;
use super::event::EventId;
use super::excepted::Excepted;
use crate::detect::exception::{Exception, Exceptions};
use crate::detect::pattern::{Pattern, Patterns};
use crate::detect::profile::Profile;

/// Two patterns and what they say of each distinct host and parent. Extend it after the store has grown.
#[derive(Clone, Debug)]
pub struct Flags {
    patterns: Patterns,
    ci_systems: Vec<bool>,
    known_ides: Vec<bool>,
    excepted: Excepted,
    /// That of the hosts' and parents' numbers.
    epoch: Epoch,
}

impl Flags {
    /// No verdicts yet, and no exceptions.
    #[must_use]
    pub fn new(patterns: Patterns) -> Self {
        Self::with_exceptions(patterns, Exceptions::default())
    }

    /// No verdicts yet. Of the exceptions all suppress: those that have expired are to be left out before.
    #[must_use]
    pub fn with_exceptions(patterns: Patterns, exceptions: Exceptions) -> Self {
        let excepted = Excepted::new(exceptions);
        let epoch = Epoch::default();
        Self { patterns, ci_systems: Vec::new(), known_ides: Vec::new(), excepted, epoch }
    }

    /// The exceptions that suppress.
    #[must_use]
    pub const fn exceptions(&self) -> &Exceptions {
        self.excepted.exceptions()
    }

    /// Takes other exceptions.
    pub fn set_exceptions(&mut self, exceptions: Exceptions, store: &Store) {
        if exceptions != *self.exceptions() {
            self.excepted = Excepted::new(exceptions);
        }
        self.extend(store);
    }

    /// The exception that takes the finding of an event out of a profile's alerts.
    #[must_use]
    pub fn exception(&self, event: EventId, profile: Profile) -> Option<&Exception> {
        self.excepted.of(event, profile)
    }

    /// The patterns whose verdicts these are.
    #[must_use]
    pub const fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// Takes other patterns; what a kept pattern said stays.
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

    /// Evaluates what is new in the store; after a compaction all of it, since the numbers mean others then.
    pub fn extend(&mut self, store: &Store) {
        if self.epoch != store.epoch() {
            self.epoch = store.epoch();
            self.ci_systems.clear();
            self.known_ides.clear();
            self.excepted = Excepted::new(self.exceptions().clone());
        }
        extend(&mut self.ci_systems, &self.patterns.ci_host, store.hosts(), store);
        extend(&mut self.known_ides, &self.patterns.ide_parent, store.parents(), store);
        self.excepted.extend(store);
    }

    /// The epoch of the ids that these verdicts are about.
    #[must_use]
    pub(super) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether the CI-host pattern matches a host; never a missing one.
    #[must_use]
    pub fn is_ci_system(&self, host: Option<DistinctId>) -> bool {
        host.is_some_and(|host| self.ci_systems.get(host.0 as usize).copied().unwrap_or(false))
    }

    /// Whether the IDE-parent pattern matches a parent; never a missing one.
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
