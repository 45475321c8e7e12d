//! Identity of a file, independent of its name: a rotated file is recognised, and a new one of the same name is new.

#[cfg(not(unix))]
use std::fs::File;
use std::io;
use std::path::Path;
#[cfg(unix)]
use std::time::SystemTime;

/// A file, whatever its name is by now.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    /// The device, or the volume, and the file's number on it.
    number: (u64, u64),
    /// When it was made, since a number is given again once its file is gone. Windows' numbers count that themselves.
    #[cfg(unix)]
    created: Option<SystemTime>,
}

impl Identity {
    /// The file that has a name now.
    ///
    /// # Errors
    /// The file does not exist, or it can't be opened.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let metadata = std::fs::metadata(path)?;
            Ok(Self { number: (metadata.dev(), metadata.ino()), created: metadata.created().ok() })
        }
        #[cfg(not(unix))]
        {
            let information = winapi_util::file::information(File::open(path)?)?;
            Ok(Self { number: (information.volume_serial_number(), information.file_index()) })
        }
    }
}
