//! Where the last console stopped, kept in a file.
//!
//! It is a hint of this user's, which any of this user's processes can write: it marks events as seen before and finds
//! losses between two consoles, and never hides an event.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::patience;

/// The size that such a file never has.
const MAX_BYTES: u64 = 16 << 10;

/// The place of a console in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stop {
    /// The host's name.
    pub(super) host: String,
    /// The channel.
    pub(super) channel: String,
    /// When the log was made, in ticks of a FILETIME.
    pub(super) log_created: Option<u64>,
    /// The number of the last record that was read.
    pub(super) record: u64,
    /// Its time, as it was written.
    pub(super) time: String,
}

/// Reads a place; `None` where there is none.
///
/// # Errors
/// A clause that says why it is of no use.
pub(super) fn read(path: &Path) -> Result<Option<Stop>, String> {
    let mut text = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => serde_json::from_str(&text).map(Some).map_err(|_| "it is no place in a log".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Writes a place whole or not at all; makes the folder for it. It is tried again with the next place
/// that is saved.
pub(super) fn write(path: &Path, stop: &Stop) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".exfilscope-").suffix(".part").tempfile_in(folder)?;
    serde_json::to_writer(&mut file, stop)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    patience::persist(file, path).map_err(|failed| failed.error)?;
    Ok(())
}
