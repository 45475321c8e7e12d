//! Status of the subscription, for the screens that show it.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Counters written by the loop and read by the screens. All orders are relaxed, since no figure depends on another.
#[derive(Debug, Default)]
pub struct LiveStatus {
    /// Events that were handed over.
    pub events: AtomicU64,
    /// Duplicates that came after a reconnect, and were skipped.
    pub duplicates: AtomicU64,
    /// How many times the subscription was opened again.
    pub reconnects: AtomicU64,
    /// How many times the receiver of the events kept the loop waiting.
    pub stalls: AtomicU64,
    /// How long that was in all, in milliseconds. Meanwhile the events wait in the log; it may overwrite them.
    pub stalled_millis: AtomicU64,
    /// How many times events may have been lost, since the log was overwritten or cleared before they were read.
    pub losses: AtomicU64,
    /// The time of the latest event, in seconds since 1970; 0 where there was none.
    pub latest: AtomicI64,
    /// The last console's stop, as a clause.
    pub last_stop: OnceLock<String>,
    /// The reason why no events come: the channel is off, removed or was cleared. In two words.
    pub(super) alarm: Mutex<Option<&'static str>>,
    /// True once all is read that the log held at the start.
    pub is_caught_up: AtomicBool,
    /// True while the subscription is broken and tried again.
    pub is_broken: AtomicBool,
}

impl LiveStatus {
    /// Returns the reason why no events come, or why events of the log were lost, in two words.
    #[must_use]
    pub fn alarm(&self) -> Option<&'static str> {
        *self.alarm.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_alarm(&self, alarm: Option<&'static str>) {
        *self.alarm.lock().unwrap_or_else(PoisonError::into_inner) = alarm;
    }

    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
