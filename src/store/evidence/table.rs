//! The result of weighing: activities, incidents, their evidence, and the points of each finding.

use crate::detect::evidence::EvidenceItem;
use crate::detect::profile::Profile;
use crate::model::guid::Guid;
use crate::model::time::Timestamp;
use crate::store::events::interner::Symbol;
use crate::store::ids::{Epoch, EventId, FindingId};

/// An item of evidence of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceHit {
    /// The item.
    pub item: EvidenceItem,
    /// Its points.
    pub points: i8,
    /// The event that shows it; `None` where the absence of others does.
    pub event: Option<EventId>,
    /// The variable part of its sentence.
    pub(in crate::store) detail: Detail,
}

/// The variable part of an item's sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) enum Detail {
    /// Nothing varies.
    None,
    /// The sentence and the record of a scan elsewhere.
    Claimed(String, Option<u64>),
    /// One of the words of the detection.
    Words(&'static str),
    /// A text of the log, or an owner.
    Text(String),
    /// A program or file, and the seconds before the activity.
    Before(Option<Symbol>, i64),
}

/// The root of an activity, by which it is the same in any dialect and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::store) enum RootKey {
    /// A process, by its host and its GUID.
    Process(Option<Symbol>, Guid),
    /// An event of no process.
    Event(EventId),
}

/// An activity: the findings of one deed on one host.
#[derive(Clone, Debug)]
pub struct WeighedActivity {
    pub(in crate::store) root: RootKey,
    /// A row of a scan elsewhere, which weighed it.
    pub(in crate::store) claimed: Option<EventId>,
    /// Its findings, in the order of their events' times.
    pub findings: Vec<FindingId>,
    /// The time of its first and its last finding.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The account of its first finding that has one.
    pub user: Option<Symbol>,
    /// `github.com/Owner/name`, as far as it is known.
    pub repository: Option<String>,
    /// `github.com/owner`, in lower case; `None` where only a host is known.
    pub owner: Option<String>,
    /// Its evidence, in the order of the table of items.
    pub evidence: Vec<EvidenceHit>,
    /// Whether a command of it pushes or uploads.
    pub is_sent: bool,
    /// The sum of the points.
    pub points: i32,
    /// The first activity of its incident, by number.
    pub incident: u32,
}

/// All activities of a profile.
#[derive(Debug, Default)]
pub struct ActivityTable {
    pub(in crate::store) profile: Option<Profile>,
    pub(in crate::store) epoch: Epoch,
    pub(in crate::store) activities: Vec<WeighedActivity>,
    /// By number of finding: the number of its activity, or `u32::MAX`.
    pub(in crate::store) of_findings: Vec<u32>,
}

impl ActivityTable {
    pub(in crate::store) const fn profile(&self) -> Option<Profile> {
        self.profile
    }

    pub(in crate::store) const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Returns all activities, in the order of their first times.
    #[must_use]
    pub fn all(&self) -> &[WeighedActivity] {
        &self.activities
    }

    /// Returns the number of a finding's activity; `None` where it came after the pass began.
    #[must_use]
    pub fn number_of(&self, finding: FindingId) -> Option<u32> {
        self.of_findings.get(finding.index()).copied().filter(|number| *number != u32::MAX)
    }

    /// Returns a finding's activity.
    #[must_use]
    pub fn of(&self, finding: FindingId) -> Option<&WeighedActivity> {
        self.activities.get(self.number_of(finding)? as usize)
    }

    /// Returns a finding's points; 0 where it was not weighed yet.
    #[must_use]
    pub fn points(&self, finding: FindingId) -> i32 {
        self.of(finding).map_or(0, |activity| activity.points)
    }

    /// Bytes that it takes, near enough: evidence is a few items.
    pub(in crate::store) fn bytes(&self) -> usize {
        /// An activity with four items, its texts and two findings.
        const OF_ACTIVITY: usize = size_of::<WeighedActivity>() + 4 * size_of::<EvidenceHit>() + 96;
        self.activities.capacity() * OF_ACTIVITY
            + self.of_findings.capacity() * (size_of::<u32>() + size_of::<FindingId>())
    }
}
