//! A stream of a file that grows: at its end it waits for more, until the file is truncated, rewritten, or replaced.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::identity::Identity;
use crate::model::feed::Progress;
use crate::source::read_at::read_at;

/// A file that was renamed is read until nothing came for so long: its writer may hold it open for a while.
pub(super) const DRAIN: Duration = Duration::from_secs(5);
/// Bytes before the offset that are compared with their earlier contents, to detect that a file was rewritten.
const MEMORY: usize = 256;

/// The reason why a growing file has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// It has not ended, or its reader stopped.
    #[default]
    None,
    /// It was truncated, or the bytes that were read have changed: reading restarts at its beginning.
    Anew,
    /// Its name leads to another file or to no file, and nothing was added to it any more.
    Replaced,
}

/// The wait for more, by the time since the last growth. The longest wait is well under what a reader would notice.
pub(super) fn pause(quiet: Duration) -> Duration {
    match quiet.as_millis() {
        0..=2_000 => Duration::from_millis(15),
        2_001..=20_000 => Duration::from_millis(40),
        _ => Duration::from_millis(80),
    }
}

/// The stream.
pub(super) struct Growing<'a> {
    pub(super) path: PathBuf,
    pub(super) file: File,
    pub(super) identity: Identity,
    pub(super) is_over: &'a (dyn Fn() -> bool + Sync),
    /// Bytes that were added are counted here as found.
    pub(super) progress: &'a Progress,
    /// The size that is counted already.
    pub(super) counted: u64,
    /// The reason why it ended, for the follower that gave the stream away.
    pub(super) end: Arc<Mutex<End>>,
    at: u64,
    memory: Vec<u8>,
    last_growth: Instant,
}

impl<'a> Growing<'a> {
    pub(super) fn new(
        path: PathBuf,
        file: File,
        identity: Identity,
        counted: u64,
        progress: &'a Progress,
        is_over: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        Self {
            path,
            file,
            identity,
            is_over,
            progress,
            counted,
            end: Arc::default(),
            at: 0,
            memory: Vec::new(),
            last_growth: Instant::now(),
        }
    }

    fn ends(&self, end: End) -> usize {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = end;
        0
    }

    /// Returns whether the bytes that were read last are unchanged.
    fn is_as_remembered(&self) -> io::Result<bool> {
        let mut again = vec![0; self.memory.len()];
        let read = read_at(&self.file, &mut again, self.at - self.memory.len() as u64)?;
        Ok(read == again.len() && again == self.memory)
    }

    fn remember(&mut self, bytes: &[u8]) {
        let tail = bytes.get(bytes.len().saturating_sub(MEMORY)..).unwrap_or_default();
        let kept = MEMORY.saturating_sub(tail.len()).min(self.memory.len());
        self.memory.drain(..self.memory.len() - kept);
        self.memory.extend_from_slice(tail);
    }
}

impl Read for Growing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if (self.is_over)() {
                return Ok(self.ends(End::None));
            }
            let size = self.file.metadata()?.len();
            if size < self.at {
                return Ok(self.ends(End::Anew));
            }
            if size > self.at {
                // The bytes before the offset are compared after the bytes at it were read: a file that is
                // rewritten in between shows it.
                let read = read_at(&self.file, buffer, self.at)?;
                if !self.is_as_remembered()? {
                    return Ok(self.ends(End::Anew));
                }
                if read > 0 {
                    self.remember(buffer.get(..read).unwrap_or_default());
                    self.at += read as u64;
                    self.last_growth = Instant::now();
                    if self.at > self.counted {
                        self.progress.bytes_found.fetch_add(self.at - self.counted, Ordering::Relaxed);
                        self.counted = self.at;
                    }
                    return Ok(read);
                }
            }
            let quiet = self.last_growth.elapsed();
            if is_deleted(&self.file) || quiet > DRAIN && is_replaced(&self.path, &self.identity) {
                return Ok(self.ends(End::Replaced));
            }
            thread::sleep(pause(quiet));
        }
    }
}

/// Returns whether a name now leads to another file, or to no file.
pub(super) fn is_replaced(path: &Path, identity: &Identity) -> bool {
    Identity::at(path).map_or(true, |now| now != *identity)
}

/// Returns whether an open file was deleted. On Windows its name stays taken until the last handle is closed, so that a
/// writer that deletes a log and makes it again fails: the follower that has read it to its end closes it at once.
#[cfg(windows)]
pub(super) fn is_deleted(file: &File) -> bool {
    winapi_util::file::information(file).is_ok_and(|information| information.number_of_links() == 0)
}

/// Elsewhere an open file takes no name, and its writer may still add to it.
#[cfg(not(windows))]
pub(super) const fn is_deleted(_: &File) -> bool {
    false
}
