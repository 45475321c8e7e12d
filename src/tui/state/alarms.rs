//! Alarms of the sources: each a line of its own at the top of the list, whatever the list shows.

use crate::model::alarm::{Alarm, AlarmKind};
use crate::model::batch::SourceId;
use crate::model::time::Timestamp;

/// Alarms that have a line. There are a few kinds for each source, and a host has three.
const MAX_ALARMS: usize = 64;

/// Identifies an alarm's line.
pub type AlarmKey = (SourceId, AlarmKind);

/// An alarm, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmLine {
    /// The first one.
    pub alarm: Alarm,
    /// The count of all.
    pub times: u64,
    /// When the last one was noticed.
    pub latest: Timestamp,
}

impl AlarmLine {
    /// Returns its key.
    #[must_use]
    pub const fn key(&self) -> AlarmKey {
        (self.alarm.source, self.alarm.kind)
    }
}

/// The alarms so far, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Alarms {
    lines: Vec<AlarmLine>,
}

impl Alarms {
    /// Adds an alarm to the line of its kind.
    pub fn add(&mut self, alarm: Alarm) {
        let key = (alarm.source, alarm.kind);
        if let Some(line) = self.lines.iter_mut().find(|line| line.key() == key) {
            line.times += 1;
            line.latest = alarm.noticed;
        } else if self.lines.len() < MAX_ALARMS {
            self.lines.push(AlarmLine { latest: alarm.noticed, times: 1, alarm });
        }
    }

    /// Returns the lines.
    #[must_use]
    pub fn lines(&self) -> &[AlarmLine] {
        &self.lines
    }

    /// Returns the number of a line.
    #[must_use]
    pub fn find(&self, key: AlarmKey) -> Option<usize> {
        self.lines.iter().position(|line| line.key() == key)
    }
}
