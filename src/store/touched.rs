//! Which findings have come or changed, for whoever keeps what it made of each.

use std::ops::Range;

use super::Store;
use super::epoch::Epoch;
use super::finding::FindingId;

/// So many changes are remembered beside twice the findings; who is further behind looks at all of them again.
const LEAST: usize = 4096;

/// The findings that changed, in order, since the last time that the list became too long.
#[derive(Default)]
pub(super) struct Touched {
    epoch: u64,
    changed: Vec<FindingId>,
    /// All changes ever: tests count these steps.
    told: u64,
}

/// How far somebody has looked. A new one has seen nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookedAt {
    /// That of the store.
    ids: Epoch,
    epoch: u64,
    changed: usize,
    findings: u32,
}

/// What somebody has not seen.
#[derive(Clone, Debug)]
pub struct Since<'a> {
    /// Whether nothing of what was seen counts any more: `new` is all of them then.
    pub is_anew: bool,
    /// What was there and has changed; one can stand here twice.
    pub changed: &'a [FindingId],
    /// The numbers of what has come.
    pub new: Range<u32>,
}

impl Touched {
    /// Bytes that it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.changed.capacity() * size_of::<FindingId>()
    }

    pub(super) fn add(&mut self, finding: FindingId, findings: usize) {
        if self.changed.len() >= LEAST + 2 * findings {
            self.epoch += 1;
            self.changed.clear();
        }
        self.changed.push(finding);
        self.told += 1;
    }

    /// How many changes there were.
    #[cfg(test)]
    pub(super) const fn told(&self) -> u64 {
        self.told
    }

    /// `ids` is the store's epoch: a reader that looked before a compaction has seen other findings.
    pub(super) fn since(&self, looked: &mut LookedAt, findings: usize, ids: Epoch) -> Since<'_> {
        let findings = u32::try_from(findings).unwrap_or(u32::MAX);
        let is_first = *looked == LookedAt::default();
        let is_anew =
            !is_first && (looked.ids != ids || looked.epoch != self.epoch || looked.findings > findings);
        let (from, first) =
            if is_anew || is_first { (self.changed.len(), 0) } else { (looked.changed, looked.findings) };
        *looked = LookedAt { ids, epoch: self.epoch, changed: self.changed.len(), findings };
        let changed = self.changed.get(from..).unwrap_or_default();
        Since { is_anew, changed, new: first..findings }
    }
}

impl Store {
    /// What has come or changed since somebody looked last.
    pub fn since(&self, looked: &mut LookedAt) -> Since<'_> {
        self.touched.since(looked, self.findings.len(), self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_sees_what_it_has_not_seen() {
        let mut touched = Touched::default();
        let (mut early, mut late) = (LookedAt::default(), LookedAt::default());
        let seen = touched.since(&mut early, 3, Epoch::default());
        assert_eq!((seen.is_anew, seen.changed.len(), seen.new), (false, 0, 0..3));
        touched.add(FindingId(1), 3);
        let seen = touched.since(&mut early, 5, Epoch::default());
        assert_eq!((seen.is_anew, seen.changed, seen.new), (false, &[FindingId(1)][..], 3..5));
        assert_eq!(touched.since(&mut late, 5, Epoch::default()).new, 0..5);
        assert_eq!(touched.since(&mut late, 5, Epoch::default()).changed, []);
    }

    #[test]
    fn who_is_too_far_behind_looks_at_all_again() {
        let mut touched = Touched::default();
        let mut reader = LookedAt::default();
        touched.since(&mut reader, 2, Epoch::default());
        for _ in 0..LEAST + 5 {
            touched.add(FindingId(0), 2);
        }
        assert!(touched.changed.len() <= LEAST + 4, "the list is bounded");
        let seen = touched.since(&mut reader, 2, Epoch::default());
        assert_eq!((seen.is_anew, seen.changed.len(), seen.new), (true, 0, 0..2));
        assert_eq!(touched.since(&mut reader, 2, Epoch::default()).new, 2..2);
    }

    #[test]
    fn ids_of_another_epoch_count_as_unseen() {
        let mut touched = Touched::default();
        let mut reader = LookedAt::default();
        let (before, after) = (Epoch::default(), Epoch::default().next());
        touched.since(&mut reader, 3, before);
        touched.add(FindingId(1), 5);
        let seen = touched.since(&mut reader, 5, after);
        assert_eq!((seen.is_anew, seen.changed.len(), seen.new), (true, 0, 0..5));
        let seen = touched.since(&mut reader, 6, after);
        assert_eq!((seen.is_anew, seen.new), (false, 5..6));
        // One that has seen nothing has nothing to forget.
        assert!(!touched.since(&mut LookedAt::default(), 5, after).is_anew);
    }
}
