//! Which findings the exceptions take out. Each term is evaluated once on each distinct text.

use hashbrown::HashMap;

use super::Store;
use super::event::EventId;
use super::finding::Finding;
use super::interner::Symbol;
use crate::detect::exception::{Exception, ExceptionField, Exceptions};
use crate::detect::profile::Profile;

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
    generation: Option<u64>,
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

    /// Evaluates all findings anew, since a join may have given an old one another field; texts that were seen before
    /// cost a look-up.
    pub(super) fn extend(&mut self, store: &Store) {
        if self.exceptions.all().is_empty() || self.generation == Some(store.generation()) {
            return;
        }
        self.generation = Some(store.generation());
        self.events.clear();
        for finding in store.findings() {
            let numbers = Profile::ALL.map(|profile| {
                let is_selected = finding.signal(profile).is_some();
                is_selected.then(|| self.first(store, finding, profile)).flatten().unwrap_or(NONE)
            });
            if numbers.iter().any(|number| *number != NONE) {
                self.events.insert(finding.event, numbers);
            }
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
