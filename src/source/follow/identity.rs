//! Which file stands behind a name, so that a rotated one is known again and a new one of the same name is not.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file, whatever its name is by now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    /// Device and number, where the system has such; else the path stands for them.
    number: Result<(u64, u64), PathBuf>,
    /// When it was made: numbers are given again once a file is gone.
    created: Option<SystemTime>,
}

impl Identity {
    pub(super) fn of(path: &Path, metadata: &Metadata) -> Self {
        Self { number: number(path, metadata), created: metadata.created().ok() }
    }
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "the same on every system")]
fn number(_: &Path, metadata: &Metadata) -> Result<(u64, u64), PathBuf> {
    use std::os::unix::fs::MetadataExt;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn number(path: &Path, _: &Metadata) -> Result<(u64, u64), PathBuf> {
    Err(path.to_owned())
}
