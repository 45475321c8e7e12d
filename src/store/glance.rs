//! What a list looks at of every finding: its score and its signal.

use super::Store;
use super::flags::Flags;
use crate::detect::profile::Profile;
use crate::model::row::Signal;

/// A finding's score and signal under a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The score, 0 to 3.
    pub points: u8,
    /// The signal; `None` where the profile does not select the event.
    pub signal: Option<Signal>,
}

impl Store {
    /// Of all findings, by their numbers. Lists walk through them by time, which is all over the store where logs were
    /// written at once; this walks through the store from its beginning to its end, and what it says of a finding fits
    /// into two bytes.
    #[must_use]
    pub fn glances(&self, profile: Profile, flags: &Flags) -> Vec<Glance> {
        let glance = |finding: &super::finding::Finding| match finding.score(profile, flags) {
            Some(points) => Glance { points, signal: finding.signal(profile) },
            None => Glance { points: 0, signal: None },
        };
        self.findings().iter().map(glance).collect()
    }
}
