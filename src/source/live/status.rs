//! How the subscription does, for whoever shows it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Written by the loop, read by whoever shows it; all orders are relaxed, since each figure stands alone.
#[derive(Debug, Default)]
pub struct LiveStatus {
    /// Events that were handed over.
    pub events: AtomicU64,
    /// Events that came again after the subscription was made anew, and were passed over.
    pub doubles: AtomicU64,
    /// How many times the subscription was made anew.
    pub reconnects: AtomicU64,
    /// How many times whoever takes the events kept the loop waiting.
    pub stalls: AtomicU64,
    /// How long that was in all, in milliseconds. Meanwhile the events wait in the log; it may overwrite them.
    pub stalled_millis: AtomicU64,
    /// How many times events may have been lost, since the log was overwritten or cleared before they were read.
    pub losses: AtomicU64,
    /// Whether all is read that the log held at the start.
    pub is_caught_up: AtomicBool,
    /// Whether the subscription is broken and tried again.
    pub is_broken: AtomicBool,
}

impl LiveStatus {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }
}
