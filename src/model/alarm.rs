//! Alarms: incidents of a channel while it was read, by which its events do not come, or are gone.
//!
//! An alarm is an observation of this program about a log, not an event of a log. No field of an event is made up for
//! it.

use super::batch::SourceId;
use super::time::Timestamp;

/// The kinds of alarms. To mute Sysmon is itself an attack (MITRE ATT&CK T1562.002, T1070.001).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AlarmKind {
    /// The channel is turned off.
    TurnedOff,
    /// The channel was removed: no program writes to it any more.
    Removed,
    /// The log was cleared.
    Cleared,
    /// The log was replaced by a new one.
    Replaced,
}

impl AlarmKind {
    /// Returns the alarm in a few words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TurnedOff => "channel turned off",
            Self::Removed => "channel removed",
            Self::Cleared => "log cleared",
            Self::Replaced => "log replaced",
        }
    }

    /// Returns the techniques of MITRE ATT&CK that do this.
    #[must_use]
    pub const fn technique(self) -> &'static str {
        match self {
            Self::TurnedOff | Self::Removed => "T1562.002 (Impair Defenses: Disable Windows Event Logging)",
            Self::Cleared | Self::Replaced => "T1070.001 (Indicator Removal: Clear Windows Event Logs)",
        }
    }
}

/// One alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The kind of alarm.
    pub kind: AlarmKind,
    /// The channel as a source.
    pub source: SourceId,
    /// The channel's name.
    pub channel: String,
    /// This host's name.
    pub host: String,
    /// The time at which it was noticed, by this host's clock.
    pub noticed: Timestamp,
    /// The time at which the channel was last checked and as it should be; `None` if it never was.
    pub fine_at: Option<Timestamp>,
    /// The last record that was read before.
    pub last_record: Option<u64>,
    /// The time of the last event that was read before.
    pub last_time: Option<Timestamp>,
    /// The sentence that names it as a loss.
    pub reason: String,
}
