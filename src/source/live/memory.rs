//! The last console's stop, kept in a file.
//!
//! It is a hint of this user's, which any of this user's processes can write: it marks events as seen before and finds
//! losses between two consoles, and never hides an event.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::files::atomic::{AtomicFile, OutputError};
use crate::files::open;
use crate::files::policy::{Existing, OutputPolicy};

/// The largest size of such a file.
const MAX_BYTES: u64 = 1 << 20;

/// The position of a console in a log.
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

/// Returns the name of the file of a channel of a host: profiles that roam bring the files of several hosts together.
pub(super) fn file_name(host: &str, channel: &str) -> String {
    let name = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
    };
    format!("live-{}-{}.json", name(host), name(channel))
}

/// Reads a saved position; `None` where the file does not exist.
///
/// # Errors
/// The reason why it can't be used, as a clause.
pub(super) fn read(path: &Path) -> Result<Option<Stop>, String> {
    match open::read(path, MAX_BYTES) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|_| "it is no place in a log".to_owned())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(open::reason(&error)),
    }
}

/// Writes a position atomically; makes the folder for it.
///
/// # Errors
/// The reason why it can't be saved, as a clause.
pub(super) fn write(path: &Path, stop: &Stop) -> Result<(), String> {
    let clause =
        |error: OutputError| error.into_cause().map_or_else(|reason| reason, |error| error.to_string());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    let policy = OutputPolicy::new("remove it").only_files();
    let mut file = AtomicFile::create_private(path, &policy, Existing::Replace).map_err(clause)?;
    serde_json::to_writer(&mut file, stop)
        .map_err(io::Error::from)
        .and_then(|()| file.write_all(b"\n"))
        .map_err(|error| error.to_string())?;
    file.commit().map(drop).map_err(clause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_has_its_file() {
        assert_eq!(file_name("WS-1", "A/B c"), "live-WS-1-A-B-c.json");
        assert_ne!(file_name("WS-1", "Security"), file_name("WS-2", "Security"));
    }

    #[test]
    fn place_comes_back_as_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").join("place.json");
        assert_eq!(read(&path), Ok(None));
        let stop = Stop { host: "WS".to_owned(), record: 7, ..Stop::default() };
        for record in [7, 8] {
            write(&path, &Stop { record, ..stop.clone() }).unwrap();
            assert_eq!(read(&path).unwrap().unwrap().record, record);
        }
    }

    #[test]
    fn foreign_content_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place.json");
        fs::write(&path, vec![b' '; 2 << 20]).unwrap();
        assert_eq!(read(&path), Err("it is larger than 1 MiB".to_owned()));
        assert!(read(folder.path()).unwrap_err().contains("folder"));
        #[cfg(unix)]
        {
            let pipe = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
            assert!(read(&pipe).unwrap_err().contains("a pipe"), "a pipe is never waited for");
            assert!(write(&pipe, &Stop::default()).is_err());
        }
    }
}
