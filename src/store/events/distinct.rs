//! The distinct hosts and the distinct parents: the patterns are evaluated on these, never on all events.

use crate::model::time::Timestamp;
use crate::store::events::dense_map::DenseMap;
use crate::store::events::interner::Symbol;
use crate::store::ids::DistinctId;

/// One distinct text, and how often it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Distinct {
    /// The text as events write it.
    pub written: Symbol,
    /// The text that the pattern is evaluated on (a host's first label, where so configured).
    pub shown: Symbol,
    /// The first spelling of that text where case does not matter, as in a host's name: what is counted by host goes by
    /// it.
    pub first: Symbol,
    /// Events that have it.
    pub events: u64,
    /// The latest time of these.
    pub last_seen: Option<Timestamp>,
}

/// A table of distinct texts in order of appearance.
#[derive(Default)]
pub struct DistinctTable {
    entries: Vec<Distinct>,
    by_text: DenseMap,
}

impl DistinctTable {
    /// The number of a text, which is made where it is new.
    pub(in crate::store) fn number(&mut self, written: Symbol, shown: Symbol, first: Symbol) -> DistinctId {
        if let Some(known) = self.by_text.get(written.number()) {
            return DistinctId(known);
        }
        let next = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(Distinct { written, shown, first, events: 0, last_seen: None });
        self.by_text.set(written.number(), next);
        DistinctId(next)
    }

    /// Counts an event with that text. Returns its number.
    pub(in crate::store) fn count(
        &mut self,
        written: Symbol,
        shown: Symbol,
        first: Symbol,
        time: Option<Timestamp>,
    ) -> DistinctId {
        let id = self.number(written, shown, first);
        if let Some(entry) = self.entries.get_mut(id.0 as usize) {
            entry.events += 1;
            entry.last_seen = entry.last_seen.max(time);
        }
        id
    }

    /// Bytes that it takes, without the texts.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Distinct>() + self.by_text.bytes()
    }

    /// The number of a text that was seen.
    #[must_use]
    pub fn find(&self, written: Symbol) -> Option<DistinctId> {
        self.by_text.get(written.number()).map(DistinctId)
    }

    /// The entry of that number.
    #[must_use]
    pub fn get(&self, id: DistinctId) -> Option<&Distinct> {
        self.entries.get(id.0 as usize)
    }

    /// All entries, in order of their numbers.
    #[must_use]
    pub fn entries(&self) -> &[Distinct] {
        &self.entries
    }
}
