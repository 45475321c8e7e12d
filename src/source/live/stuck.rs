//! A record that the service can't give: met again and again at the same place, it is passed.

use super::api::LogError;

/// Failures at one place before its next record is passed: once more by the bookmark, and once by numbers.
const TRIES: u32 = 2;
/// Records that are passed one after another before they are passed in larger steps.
const SINGLE: u32 = 4;

/// The state of repeated failures at one position.
#[derive(Debug, Default)]
pub(super) struct Stuck {
    /// The last record that came before.
    last: Option<u64>,
    tries: u32,
}

impl Stuck {
    /// Notes a failure. One that reports nothing of the events (the handle is dead, the service is down) does not
    /// count.
    pub(super) fn failed(&mut self, last: Option<u64>, error: LogError) {
        if error.is_outage() || error.is_of_handle() {
            return;
        }
        if self.last != last {
            *self = Self { last, tries: 0 };
        }
        self.tries = self.tries.saturating_add(1);
    }

    /// Notes that events come.
    pub(super) const fn clear(&mut self) {
        self.tries = 0;
    }

    /// Returns whether the next record may be one that can't be delivered. It is asked for alone.
    pub(super) const fn is_doubtful(&self) -> bool {
        self.tries > 0
    }

    /// Returns true once the bookmark can't be used any more.
    pub(super) const fn is_mark_useless(&self) -> bool {
        self.tries >= TRIES
    }

    /// Returns how many records after the last one to skip. It grows with each failure, so that there is an end.
    pub(super) fn to_pass(&self) -> u64 {
        let failures = self.tries.saturating_sub(TRIES);
        if failures <= SINGLE { u64::from(failures) } else { 4_u64 << (failures - SINGLE).min(40) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_place_is_passed_in_growing_steps() {
        let mut stuck = Stuck::default();
        let mut steps = Vec::new();
        for _ in 0..9 {
            stuck.failed(Some(149), LogError::Other(1500));
            steps.push(stuck.to_pass());
        }
        assert_eq!(steps, [0, 0, 1, 2, 3, 4, 8, 16, 32]);
        stuck.failed(Some(200), LogError::Other(13));
        assert!(stuck.is_doubtful() && stuck.to_pass() == 0, "another place");
        stuck.clear();
        for error in [LogError::Stale, LogError::InvalidOperation, LogError::ServerUnavailable] {
            stuck.failed(Some(200), error);
        }
        assert!(!stuck.is_doubtful(), "nothing was said of the record");
    }
}
