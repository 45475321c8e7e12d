//! Activities and their evidence: what belongs together, and why it stands out.
//!
//! `traces` are kept as events come in. A [`pass::EvidencePass`] walks over all findings of a profile, in steps:
//! `grouping` puts those of one deed together, `history` knows who pushed where before, `weigh` finds the items.
//! Its result, an [`ActivityTable`], holds for the findings that were there when the pass began.

pub mod baseline;
mod grouping;
mod history;
pub mod pass;
mod sentences;
pub mod table;
pub(in crate::store) mod traces;
mod weigh;

use std::sync::Arc;

pub use table::ActivityTable;

use crate::detect::evidence::Weights;
use crate::detect::evidence::owners::TrustedOwners;
use crate::detect::profile::Profile;
use crate::store::Store;
use crate::store::evidence::baseline::Baseline;
use crate::store::evidence::pass::EvidencePass;
use crate::store::evidence::traces::Traces;
use crate::store::tuning_matches::TuningMatches;

/// The weights, owners and earlier pushes that evidence is weighed by.
#[derive(Clone, Debug, Default)]
pub struct EvidenceOptions {
    /// The points of each item.
    pub weights: Weights,
    /// The owners that are the organisation's own.
    pub trusted: TrustedOwners,
    /// Pushes of before the log.
    pub baseline: Arc<Baseline>,
}

/// The traces, the options, and the last result.
#[derive(Default)]
pub(in crate::store) struct Evidence {
    pub(in crate::store) traces: Traces,
    pub(in crate::store) options: EvidenceOptions,
    table: ActivityTable,
}

impl Evidence {
    /// Bytes that it takes.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.traces.bytes() + self.table.bytes()
    }
}

impl Store {
    /// Sets the weights, the trusted owners and the baseline of evidence.
    pub fn set_evidence_options(&mut self, options: EvidenceOptions) {
        self.evidence.options = options;
        self.evidence.table = ActivityTable::default();
    }

    /// Returns the weights, the trusted owners and the baseline of evidence.
    #[must_use]
    pub const fn evidence_options(&self) -> &EvidenceOptions {
        &self.evidence.options
    }

    /// Returns the activities as they were last weighed; none after a compaction or for another profile.
    #[must_use]
    pub fn activities_of(&self, profile: Profile) -> Option<&ActivityTable> {
        let table = &self.evidence.table;
        (table.profile() == Some(profile) && table.epoch() == self.epoch()).then_some(table)
    }

    /// Weighs all findings of a profile at once. `spl` is the search to the letter, which knows no evidence.
    pub fn weigh_evidence(&mut self, profile: Profile, tuning: &TuningMatches) {
        if profile == Profile::Spl {
            return;
        }
        let mut pass = EvidencePass::new(self, profile);
        pass.advance(self, tuning, &|| false);
        self.put_activities(pass.finish());
    }

    /// Puts the result of a pass in place of the one before.
    pub fn put_activities(&mut self, table: ActivityTable) {
        if table.epoch() == self.epoch() {
            self.evidence.table = table;
        }
    }
}
