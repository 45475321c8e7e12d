//! The identity of the file that a name leads to: two names of one file, by links of any kind, have the same identity.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A file's number on its device or volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    volume: u64,
    index: u64,
}

/// A file's identity, and the other facts about a path where an output would be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its identity.
    pub id: FileId,
    /// True if the file has other names.
    pub has_other_names: bool,
}

impl FileId {
    /// Returns the identity of the file at a path, symbolic links followed.
    ///
    /// # Errors
    /// There is no such file, or it can't be asked.
    pub fn at(path: &Path) -> io::Result<Self> {
        find(path).map(|found| found.id)
    }

    /// Returns the identity of an open file.
    ///
    /// # Errors
    /// The system can't identify it.
    pub fn of(file: &File) -> io::Result<Self> {
        #[cfg(unix)]
        {
            Ok(from_metadata(&file.metadata()?).id)
        }
        #[cfg(not(unix))]
        {
            Ok(from_information(&winapi_util::file::information(file)?).id)
        }
    }
}

/// Returns the identity of the file at a path, symbolic links followed, and whether it has other names.
///
/// # Errors
/// There is no such file, or it can't be asked.
pub fn find(path: &Path) -> io::Result<Found> {
    #[cfg(unix)]
    {
        std::fs::metadata(path).map(|metadata| from_metadata(&metadata))
    }
    #[cfg(not(unix))]
    {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(from_information(&winapi_util::file::information(File::open(path)?)?))
    }
}

#[cfg(unix)]
fn from_metadata(metadata: &std::fs::Metadata) -> Found {
    use std::os::unix::fs::MetadataExt as _;
    let id = FileId { volume: metadata.dev(), index: metadata.ino() };
    Found { id, has_other_names: metadata.nlink() > 1 }
}

#[cfg(not(unix))]
fn from_information(information: &winapi_util::file::Information) -> Found {
    let id = FileId { volume: information.volume_serial_number(), index: information.file_index() };
    Found { id, has_other_names: information.number_of_links() > 1 }
}

/// Returns the identity of standard input, where that is a file.
#[must_use]
pub fn standard_input() -> Option<FileId> {
    #[cfg(unix)]
    {
        descriptor(&std::io::stdin()).map(|(id, _)| id)
    }
    #[cfg(not(unix))]
    {
        winapi_util::file::information(winapi_util::HandleRef::stdin())
            .ok()
            .map(|information| from_information(&information).id)
    }
}

/// Returns the identity of standard output and its size, where that is a file.
#[must_use]
pub fn standard_output() -> Option<(FileId, u64)> {
    #[cfg(unix)]
    {
        descriptor(&std::io::stdout())
    }
    #[cfg(not(unix))]
    {
        winapi_util::file::information(winapi_util::HandleRef::stdout())
            .ok()
            .map(|information| (from_information(&information).id, information.file_size()))
    }
}

#[cfg(unix)]
fn descriptor(stream: &impl std::os::fd::AsFd) -> Option<(FileId, u64)> {
    // A copy of the descriptor: closing it leaves the stream open.
    let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((from_metadata(&metadata).id, metadata.len()))
}

/// Returns where a path leads, links resolved; a file that does not exist yet is in its resolved folder.
#[must_use]
pub fn resolved(path: &Path) -> PathBuf {
    real(path).unwrap_or_else(|| absolute(path))
}

/// Returns the same; `None` where the system can't resolve it, as on disk images that some programs mount on Windows.
pub(super) fn real(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = std::fs::canonicalize(path) {
        return Some(real);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(std::fs::canonicalize(folder).ok()?.join(path.file_name()?))
}

/// Returns the path from the root on, spelled as it was given.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
