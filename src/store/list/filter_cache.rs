//! Memoised filter results: a filter is evaluated once on a finding, and not for every list.

use crate::store::Store;
use crate::store::findings::change_log::Cursor;
use crate::store::ids::FindingId;

/// A memoised filter result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cached {
    #[default]
    Nothing,
    Passes,
    Hides,
}

/// The results of one filter. The owner clears it when the filter, or an input of it other than the findings, changes.
#[derive(Debug, Default)]
pub struct FilterCache {
    said: Vec<Cached>,
    cursor: Cursor,
}

impl FilterCache {
    /// Forgets all answers.
    pub fn clear(&mut self) {
        self.said.clear();
        self.cursor = Cursor::default();
    }

    /// Forgets the results of changed findings, and makes room for the new ones.
    pub(in crate::store) fn follow(&mut self, store: &Store) {
        let since = store.since(&mut self.cursor);
        if since.is_reset {
            self.said.clear();
        }
        for id in since.changed {
            if let Some(slot) = self.said.get_mut(id.0 as usize) {
                *slot = Cached::Nothing;
            }
        }
        self.said.resize(since.new.end as usize, Cached::Nothing);
    }

    /// Returns true where a finding passes; evaluates the filter where that is not known.
    pub(in crate::store) fn passes(&mut self, id: FindingId, filter: impl FnOnce() -> bool) -> bool {
        match self.said.get_mut(id.0 as usize) {
            Some(Cached::Passes) => true,
            Some(Cached::Hides) => false,
            Some(slot) => {
                let passes = filter();
                *slot = if passes { Cached::Passes } else { Cached::Hides };
                passes
            }
            None => filter(),
        }
    }

    /// Returns true where the result is known.
    pub(in crate::store) fn knows(&self, id: FindingId) -> bool {
        self.said.get(id.0 as usize).is_some_and(|said| *said != Cached::Nothing)
    }
}
