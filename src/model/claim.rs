//! Another scan's verdict on an event: its row, as far as the event itself does not hold it.

use super::batch::SourceId;
use super::event::Field;
use super::row::Signal;

/// A scan's verdict on an event, and the fields that it joined to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowClaim {
    /// The signal.
    pub signal: Signal,
    /// True if the scan's CI-host pattern matched.
    pub is_ci_system: bool,
    /// True if the scan's IDE-parent pattern matched.
    pub is_known_ide: bool,
    /// 0 to 3.
    pub suspicion_score: u8,
    /// The scan's sentence; empty where it gave none.
    pub why: String,
    /// The fields that came from other events.
    pub joined: Vec<JoinedValue>,
    /// The activity of the row; `None` where the scan names none.
    pub activity: Option<ClaimedActivity>,
}

/// The activity of a row, as the scan weighed it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimedActivity {
    /// Its name.
    pub name: String,
    /// The name of its incident.
    pub incident: String,
    /// Its repository.
    pub repository: Option<String>,
    /// Its owner.
    pub owner: Option<String>,
    /// Its evidence.
    pub evidence: Vec<ClaimedItem>,
    /// The sum of its points.
    pub points: i32,
}

/// An item of evidence of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedItem {
    /// The item's name.
    pub item: String,
    /// Its points.
    pub points: i8,
    /// Its reason.
    pub why: String,
    /// The number of the record that shows it.
    pub record: Option<u64>,
}

/// A field that a scan joined to an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedValue {
    /// The field.
    pub field: Field,
    /// The joined value.
    pub value: String,
    /// The Event ID of the record that it came from.
    pub event_code: u16,
    /// That record's number.
    pub record_id: Option<u64>,
    /// That record's source, as the scan named it.
    pub source: SourceId,
}
