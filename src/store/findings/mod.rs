//! The findings of the detection: a table, a log of their changes, their score classes, and their order in time.
//!
//! The owner of everything that lists walk over. A finding refers to its event by number; see [`Events`](crate::store::events::Events) for that.

pub mod change_log;
pub mod finding;
pub(in crate::store) mod refresh;
pub(in crate::store) mod score_class;
pub mod time_order;

use crate::store::findings::change_log::{ChangeLog, Changes, Cursor};
use crate::store::findings::finding::Finding;
use crate::store::findings::refresh::Refresh;
use crate::store::findings::score_class::ScoreClasses;
use crate::store::findings::time_order::TimeOrder;
use crate::store::ids::{Epoch, FindingId};

/// The findings of a store.
#[derive(Default)]
pub struct Findings {
    entries: Vec<Finding>,
    change_log: ChangeLog,
    classes: ScoreClasses,
    order: TimeOrder,
    refreshing: Option<Refresh>,
}

impl Findings {
    /// Adds a finding and returns its number; `None` once there are no numbers left.
    pub(in crate::store) fn add(&mut self, finding: Finding) -> Option<FindingId> {
        let id = FindingId(u32::try_from(self.entries.len()).ok()?);
        self.entries.push(finding);
        self.order.add(id);
        Some(id)
    }

    /// Returns a finding to be changed, and logs the change.
    pub(in crate::store) fn get_mut(&mut self, id: FindingId) -> Option<&mut Finding> {
        self.log_change(id);
        self.entries.get_mut(id.index())
    }

    /// Logs that a finding, or a field that is joined to it, changed.
    pub(in crate::store) fn log_change(&mut self, id: FindingId) {
        self.change_log.add(id, self.entries.len());
    }

    /// Puts a finding elsewhere in the order, since it has another event than before.
    pub(in crate::store) fn reposition(&mut self, id: FindingId) {
        self.order.reposition(id);
    }

    /// Returns a finding.
    #[must_use]
    pub fn get(&self, id: FindingId) -> Option<&Finding> {
        self.entries.get(id.index())
    }

    /// Returns all findings, by their numbers.
    #[must_use]
    pub fn all(&self) -> &[Finding] {
        &self.entries
    }

    /// Returns the order as the last refresh left it.
    pub(in crate::store) const fn order(&self) -> &TimeOrder {
        &self.order
    }

    pub(in crate::store) const fn classes(&self) -> &ScoreClasses {
        &self.classes
    }

    /// Returns the findings that came or changed since a reader's last look.
    pub(in crate::store) fn since(&self, cursor: &mut Cursor, epoch: Epoch) -> Changes<'_> {
        self.change_log.since(cursor, self.entries.len(), epoch)
    }

    /// Returns the number of changes that were ever logged.
    #[cfg(test)]
    pub(in crate::store) const fn logged(&self) -> u64 {
        self.change_log.logged()
    }

    /// Returns the bytes of all tables, and those that lists, verdicts and filters keep of each finding.
    pub(in crate::store) fn bytes(&self) -> usize {
        /// Bytes of a finding outside the store.
        const LISTED: usize = 48;
        self.entries.capacity() * (size_of::<Finding>() + LISTED)
            + self.change_log.bytes()
            + self.classes.bytes()
            + self.order.bytes()
    }
}
