//! Files while they are written, under a name of their own: they go away when their writing ends early, also by a
//! signal.

use std::fs::Permissions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use super::identity::FileId;
use super::patience;

/// The prefix of a file's name while it is written.
pub const PREFIX: &str = ".exfilscope-";
/// The suffix of that name.
const SUFFIX: &str = ".part";

/// The files that are being written now.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all files that are being written, and then ends the program by `end`. No file begins or gets its name
/// between the two.
pub fn remove_unfinished_and(end: impl FnOnce()) {
    let unfinished = unfinished();
    for path in unfinished.iter() {
        // One that has its name by now is whole.
        let _ = std::fs::remove_file(path);
    }
    end();
}

/// A file while it is written; dropped before it has its name, it leaves no trace.
#[derive(Debug)]
pub(super) struct Part {
    // Goes first: as long as it exists, the note does.
    file: NamedTempFile,
    note: Note,
}

/// An entry of [`UNFINISHED`].
#[derive(Debug)]
struct Note(PathBuf);

impl Drop for Note {
    fn drop(&mut self) {
        unfinished().retain(|path| *path != self.0);
    }
}

impl Part {
    /// Makes a new file in a folder, for the user alone or for all whom his umask lets read.
    pub(super) fn create(folder: &Path, is_private: bool) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        #[cfg(unix)]
        if !is_private {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(Permissions::from_mode(0o666));
        }
        #[cfg(not(unix))]
        let _ = is_private;
        // Made and noted in one step, as a signal's answer sees it.
        let mut unfinished = unfinished();
        let file = builder.tempfile_in(folder)?;
        let note = Note(file.path().to_owned());
        unfinished.push(note.0.clone());
        drop(unfinished);
        Ok(Self { file, note })
    }

    /// Brings all to the disk, with these permissions where there are some.
    pub(super) fn sync(&self, permissions: Option<Permissions>) -> io::Result<()> {
        if let Some(permissions) = permissions {
            self.file.as_file().set_permissions(permissions)?;
        }
        self.file.as_file().sync_all()
    }

    /// Gives the file its name, over another file only if `replaces`; or returns it with the reason.
    pub(super) fn give_name(self, place: &Path, replaces: bool) -> Result<(), (Self, io::Error)> {
        if let Err(error) = self.is_still_ours() {
            return Err((self, error));
        }
        let Self { file, note } = self;
        // A signal's answer waits, so that it finds the file under one name or the other.
        let unfinished = unfinished();
        let named = if replaces {
            patience::persist(file, place)
        } else {
            file.persist_noclobber(place).or_else(|failed| {
                // Not every disk can do that in one step.
                let is_free = std::fs::symlink_metadata(place)
                    .is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
                if failed.error.kind() != io::ErrorKind::AlreadyExists && is_free {
                    patience::persist(failed.file, place)
                } else {
                    Err(failed)
                }
            })
        };
        drop(unfinished);
        named.map(drop).map_err(|failed| (Self { file: failed.file, note }, failed.error))
    }

    /// Checks that the name still leads to the file that was written: in a folder that others may change, it need not.
    fn is_still_ours(&self) -> io::Result<()> {
        let is_link = std::fs::symlink_metadata(self.file.path())?.is_symlink();
        if is_link || FileId::at(self.file.path())? != FileId::of(self.file.as_file())? {
            return Err(io::Error::other("another program has replaced the file while it was written"));
        }
        Ok(())
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
