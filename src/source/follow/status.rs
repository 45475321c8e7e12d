//! Status of the followers, for the header.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters written by the followers and read by the screens. All orders are relaxed, since no figure depends on
/// another.
#[derive(Debug, Default)]
pub struct FollowStatus {
    /// Files that are followed at this moment.
    pub files: AtomicU64,
    /// Named paths that are not there yet, or empty.
    pub awaited: AtomicU64,
    /// How often a file was truncated, rewritten in place, or replaced by another.
    pub turns: AtomicU64,
}

impl FollowStatus {
    /// A few words: `following 2 files, waiting for 1`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let files = self.files.load(Ordering::Relaxed);
        let awaited = self.awaited.load(Ordering::Relaxed);
        let turns = self.turns.load(Ordering::Relaxed);
        let noun = if files == 1 { "file" } else { "files" };
        let mut text = match (files, awaited) {
            (0, 0) => "following nothing".to_owned(),
            (0, awaited) => format!("waiting for {awaited} to be written"),
            (files, 0) => format!("following {files} {noun}"),
            (files, awaited) => format!("following {files} {noun}, waiting for {awaited}"),
        };
        if turns > 0 {
            let times = if turns == 1 { "once".to_owned() } else { format!("{turns} times") };
            text = format!("{text}, rotated {times}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_followed_and_what_is_awaited() {
        let status = FollowStatus::default();
        assert_eq!(status.sentence(), "following nothing");
        status.awaited.store(1, Ordering::Relaxed);
        assert_eq!(status.sentence(), "waiting for 1 to be written");
        status.files.store(1, Ordering::Relaxed);
        status.turns.store(3, Ordering::Relaxed);
        assert_eq!(status.sentence(), "following 1 file, waiting for 1, rotated 3 times");
    }
}
