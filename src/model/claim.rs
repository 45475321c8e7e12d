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
