//! Which findings the exceptions take out. Each term is evaluated once on each distinct text.

use hashbrown::HashMap;

use super::Store;
use super::event::EventId;
use super::finding::{Finding, FindingId};
use super::interner::Symbol;
use super::touched::LookedAt;
use crate::detect::exception::{Exception, ExceptionField, Exceptions};
use crate::detect::profile::Profile;
use crate::model::row::Clause;

/// No exception.
const NONE: u8 = u8::MAX;

/// The exceptions in force, and what they take out. Extend it after the store has grown.
#[derive(Clone, Debug, Default)]
pub(super) struct Excepted {
    exceptions: Exceptions,
    /// By exception and term: what it says of a text.
    terms: Vec<Vec<HashMap<Symbol, bool>>>,
    /// By event of a finding: the number of the first exception that matches, for each profile.
    events: HashMap<EventId, [u8; Profile::ALL.len()]>,
    looked: LookedAt,
}

impl Excepted {
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
        let mut looked = std::mem::take(&mut self.looked);
        let since = store.since(&mut looked);
        let of = |id: &FindingId| store.finding(*id);
        // A lead may stand for another event than before, and which that was nobody knows any more.
        let is_anew = since.is_anew
            || since.changed.iter().filter_map(of).any(|finding| finding.clause == Clause::Lead);
        if is_anew {
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
        self.looked = looked;
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
