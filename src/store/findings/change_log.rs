//! A log of changed findings, for readers that keep a result for each.

use std::ops::Range;

use crate::store::ids::{Epoch, FindingId};

/// Changes that are remembered on top of twice the findings. A reader that is further back looks at all of them again.
const MIN_LOG: usize = 4096;

/// The findings that changed, in order, since the last time that the list became too long.
#[derive(Default)]
pub(in crate::store) struct ChangeLog {
    epoch: u64,
    changed: Vec<FindingId>,
    /// All changes ever: tests count these steps.
    logged: u64,
}

/// The position of a reader. A new one has seen nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// That of the store.
    ids: Epoch,
    epoch: u64,
    changed: usize,
    findings: u32,
}

/// The changes after a reader's position.
#[derive(Clone, Debug)]
pub struct Changes<'a> {
    /// Set where the reader must start from scratch: `new` is all of them then.
    pub is_reset: bool,
    /// Earlier findings that changed; one can be here twice.
    pub changed: &'a [FindingId],
    /// The numbers of the new findings.
    pub new: Range<u32>,
}

impl ChangeLog {
    /// Bytes that it takes.
    pub(in crate::store) const fn bytes(&self) -> usize {
        self.changed.capacity() * size_of::<FindingId>()
    }

    pub(in crate::store) fn add(&mut self, finding: FindingId, findings: usize) {
        if self.changed.len() >= MIN_LOG + 2 * findings {
            self.epoch += 1;
            self.changed.clear();
        }
        self.changed.push(finding);
        self.logged += 1;
    }

    /// How many changes there were.
    #[cfg(test)]
    pub(in crate::store) const fn logged(&self) -> u64 {
        self.logged
    }

    /// `ids` is the store's epoch: a reader from before a compaction has seen other findings.
    pub(in crate::store) fn since(&self, cursor: &mut Cursor, findings: usize, ids: Epoch) -> Changes<'_> {
        let findings = u32::try_from(findings).unwrap_or(u32::MAX);
        let is_first = *cursor == Cursor::default();
        let is_reset =
            !is_first && (cursor.ids != ids || cursor.epoch != self.epoch || cursor.findings > findings);
        let (from, first) =
            if is_reset || is_first { (self.changed.len(), 0) } else { (cursor.changed, cursor.findings) };
        *cursor = Cursor { ids, epoch: self.epoch, changed: self.changed.len(), findings };
        let changed = self.changed.get(from..).unwrap_or_default();
        Changes { is_reset, changed, new: first..findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_sees_what_it_has_not_seen() {
        let mut change_log = ChangeLog::default();
        let (mut early, mut late) = (Cursor::default(), Cursor::default());
        let seen = change_log.since(&mut early, 3, Epoch::default());
        assert_eq!((seen.is_reset, seen.changed.len(), seen.new), (false, 0, 0..3));
        change_log.add(FindingId(1), 3);
        let seen = change_log.since(&mut early, 5, Epoch::default());
        assert_eq!((seen.is_reset, seen.changed, seen.new), (false, &[FindingId(1)][..], 3..5));
        assert_eq!(change_log.since(&mut late, 5, Epoch::default()).new, 0..5);
        assert_eq!(change_log.since(&mut late, 5, Epoch::default()).changed, []);
    }

    #[test]
    fn who_is_too_far_behind_looks_at_all_again() {
        let mut change_log = ChangeLog::default();
        let mut reader = Cursor::default();
        change_log.since(&mut reader, 2, Epoch::default());
        for _ in 0..MIN_LOG + 5 {
            change_log.add(FindingId(0), 2);
        }
        assert!(change_log.changed.len() <= MIN_LOG + 4, "the list is bounded");
        let seen = change_log.since(&mut reader, 2, Epoch::default());
        assert_eq!((seen.is_reset, seen.changed.len(), seen.new), (true, 0, 0..2));
        assert_eq!(change_log.since(&mut reader, 2, Epoch::default()).new, 2..2);
    }

    #[test]
    fn ids_of_another_epoch_count_as_unseen() {
        let mut change_log = ChangeLog::default();
        let mut reader = Cursor::default();
        let (before, after) = (Epoch::default(), Epoch::default().next());
        change_log.since(&mut reader, 3, before);
        change_log.add(FindingId(1), 5);
        let seen = change_log.since(&mut reader, 5, after);
        assert_eq!((seen.is_reset, seen.changed.len(), seen.new), (true, 0, 0..5));
        let seen = change_log.since(&mut reader, 6, after);
        assert_eq!((seen.is_reset, seen.new), (false, 5..6));
        // One that has seen nothing has nothing to forget.
        assert!(!change_log.since(&mut Cursor::default(), 5, after).is_reset);
    }
}
