//! What a filter said of each finding, so that it is asked once and not for every list.

use super::Store;
use super::finding::FindingId;
use super::touched::LookedAt;

/// What a filter said of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Said {
    #[default]
    Nothing,
    Passes,
    Hides,
}

/// The answers of one filter. Whoever owns it clears it when the filter, or what that looks at beside the findings, is
/// another one.
#[derive(Debug, Default)]
pub struct Sieve {
    said: Vec<Said>,
    looked: LookedAt,
}

impl Sieve {
    /// Forgets all answers.
    pub fn clear(&mut self) {
        self.said.clear();
        self.looked = LookedAt::default();
    }

    /// Forgets the answers on what has changed since, and makes room for what has come.
    pub(super) fn follow(&mut self, store: &Store) {
        let since = store.since(&mut self.looked);
        if since.is_anew {
            self.said.clear();
        }
        for id in since.changed {
            if let Some(slot) = self.said.get_mut(id.0 as usize) {
                *slot = Said::Nothing;
            }
        }
        self.said.resize(since.new.end as usize, Said::Nothing);
    }

    /// Whether a finding passes: what was answered before, or what the filter answers now.
    pub(super) fn passes(&mut self, id: FindingId, filter: impl FnOnce() -> bool) -> bool {
        match self.said.get_mut(id.0 as usize) {
            Some(Said::Passes) => true,
            Some(Said::Hides) => false,
            Some(slot) => {
                let passes = filter();
                *slot = if passes { Said::Passes } else { Said::Hides };
                passes
            }
            None => filter(),
        }
    }

    /// Whether the filter was asked already.
    pub(super) fn knows(&self, id: FindingId) -> bool {
        self.said.get(id.0 as usize).is_some_and(|said| *said != Said::Nothing)
    }
}
