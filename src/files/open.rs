//! Opening for reading: files alone, never a pipe, socket or device, and never waiting for one.
//!
//! A path that a person or a configuration names may be a link. A link in a folder that is read may lead only to
//! something in that folder, see [`target_within`].

use std::fmt;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use super::place::{Astray, folder_of, follow_links, is_planted};

/// Opens a file for reading, links followed.
///
/// # Errors
/// The system's error; or the path is a folder, pipe, socket or device.
pub fn open_file(path: &Path) -> io::Result<File> {
    // Checked first, since opening a device can do something to it. Checked again on the opened file, since the path
    // may mean something else by then.
    refuse_other(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    never_wait(&mut options);
    let file = options.open(path)?;
    refuse_other(&file.metadata()?)?;
    Ok(file)
}

/// Opens a file of the program's own to add to it and to read it; it is made where it is missing, for the user alone.
///
/// # Errors
/// The system's error; the path is not a file; or another account has laid it or a link in wait.
pub fn open_to_append(path: &Path) -> io::Result<File> {
    let place = follow_links(path).map_err(|astray| match astray {
        Astray::Io(error) => error,
        Astray::Planted(reason) => io::Error::other(Sentence(reason)),
    })?;
    if let Ok(metadata) = fs::metadata(&place) {
        refuse_other(&metadata)?;
        if is_planted(folder_of(&place), &metadata) {
            let reason =
                "it belongs to another account, in a folder that all may write to; name another file";
            return Err(io::Error::other(Sentence(reason.to_owned())));
        }
    }
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    never_wait(&mut options);
    let file = options.open(&place)?;
    refuse_other(&file.metadata()?)?;
    Ok(file)
}

/// Reads a whole file that has no more bytes than `limit`.
///
/// # Errors
/// Those of [`open_file`]; or it is larger.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    read_from(open_file(path)?, limit)
}

/// Reads a stream to its end, if it has no more bytes than `limit`.
///
/// # Errors
/// The system's error; or it is larger.
pub fn read_from(stream: impl io::Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(Sentence(format!("it is larger than {} MiB", limit >> 20))));
    }
    Ok(bytes)
}

/// Returns where a link in a folder that is read leads, if that is in the folder too; `real_folder` is the folder's
/// resolved path.
///
/// # Errors
/// It leads nowhere.
pub fn target_within(link: &Path, real_folder: &Path) -> io::Result<Option<PathBuf>> {
    let target = fs::canonicalize(link)?;
    Ok(target.starts_with(real_folder).then_some(target))
}

#[cfg(unix)]
fn never_wait(options: &mut OpenOptions) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    // A pipe's end would be waited for, and a terminal would become the program's own.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or(0));
}

#[cfg(not(unix))]
const fn never_wait(_options: &mut OpenOptions) {}

fn refuse_other(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    if metadata.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Err(io::Error::other(Sentence(format!("it is {}; only files are read", kind_name(metadata.file_type())))))
}

/// Names an object that is neither a file nor a folder.
#[cfg(unix)]
#[must_use]
pub fn kind_name(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Names an object that is neither a file nor a folder.
#[cfg(not(unix))]
#[must_use]
pub fn kind_name(_: FileType) -> &'static str {
    "neither a file nor a folder"
}

/// A reason of our own, as a clause, where the system has none.
#[derive(Debug)]
struct Sentence(String);

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Sentence {}

/// Returns why a file can't be read, as a clause.
#[must_use]
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file: check the spelling".to_owned(),
        ErrorKind::PermissionDenied => "permission is denied".to_owned(),
        ErrorKind::IsADirectory => "it is a folder: name a file".to_owned(),
        ErrorKind::NotADirectory => "a part of its path is no folder".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full".to_owned(),
        _ => error.to_string(),
    }
}
