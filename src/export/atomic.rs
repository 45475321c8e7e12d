//! A file that is written whole or not at all.
//!
//! The text goes to a temporary file in the folder of the target and takes its name at the end, when every byte is on
//! the disk. Whatever stops the program before then leaves the old file as it was. A target that is no file (a pipe with
//! a name, a device, `/dev/stdout`) can't be replaced: it is written as it comes.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Symbolic links that are followed before they count as a circle, as Linux does it.
const MAX_LINKS: usize = 40;

/// An output file that takes its name only by [`AtomicFile::commit`]; dropped before, it leaves no trace.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// Written beside the place where it will stand, links followed.
    Replaced { writer: BufWriter<NamedTempFile>, place: PathBuf, keeps: Option<Permissions> },
    /// Written as it comes.
    Direct(BufWriter<File>),
}

impl AtomicFile {
    /// Opens the file for writing; what stands under its name stays until the commit.
    ///
    /// # Errors
    /// A sentence that names the file and says what to do.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        let explain = |error| OutputError::new(path, error);
        let target = if is_device_name(path) {
            open_direct(path).map_err(explain)?
        } else {
            let place = follow_links(path).map_err(explain)?;
            match fs::metadata(&place) {
                Ok(metadata) if metadata.is_dir() => return Err(explain(ErrorKind::IsADirectory.into())),
                Ok(metadata) if !metadata.is_file() => open_direct(&place).map_err(explain)?,
                Ok(metadata) => {
                    // A file that its owner protected is not replaced, although its folder would allow it.
                    OpenOptions::new().write(true).open(&place).map_err(explain)?;
                    open_beside(place, Some(metadata.permissions())).map_err(explain)?
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    open_beside(place, None).map_err(explain)?
                }
                Err(error) => return Err(explain(error)),
            }
        };
        Ok(Self { path: path.to_owned(), target })
    }

    /// The file's name as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts an error of writing into a sentence that names this file.
    #[must_use]
    pub fn explain(&self, error: io::Error) -> OutputError {
        OutputError::new(&self.path, error)
    }

    /// Brings everything to the disk and gives the file its name.
    ///
    /// # Errors
    /// A sentence that names the file and says what to do; what stood there before stands there still.
    pub fn commit(self) -> Result<(), OutputError> {
        let Self { path, target } = self;
        let result = match target {
            Target::Direct(mut writer) => writer.flush(),
            Target::Replaced { writer, place, keeps } => replace(writer, &place, keeps),
        };
        result.map_err(|error| OutputError::new(&path, error))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Replaced { writer, .. } => writer.write(bytes),
            Target::Direct(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Replaced { writer, .. } => writer.flush(),
            Target::Direct(writer) => writer.flush(),
        }
    }
}

fn open_direct(path: &Path) -> io::Result<Target> {
    // At the end, since `/dev/stdout` can be a file that holds something already.
    Ok(Target::Direct(BufWriter::new(OpenOptions::new().append(true).open(path)?)))
}

fn open_beside(place: PathBuf, keeps: Option<Permissions>) -> io::Result<Target> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".exfilscope-").suffix(".part");
    // A new file gets what the user's umask leaves, as from any other program; while it grows beside a file whose
    // permissions it will take, it is the user's alone.
    #[cfg(unix)]
    if keeps.is_none() {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder_of(&place))?;
    Ok(Target::Replaced { writer: BufWriter::new(file), place, keeps })
}

fn replace(writer: BufWriter<NamedTempFile>, place: &Path, keeps: Option<Permissions>) -> io::Result<()> {
    let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    if let Some(permissions) = keeps {
        file.as_file().set_permissions(permissions)?;
    }
    file.as_file().sync_all()?;
    file.persist(place).map_err(|failed| failed.error)?;
    // The name is on the disk when its folder is. Not every file system can do that, and the file is whole without it.
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder_of(place)) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn folder_of(place: &Path) -> &Path {
    place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Where the file stands for which a chain of symbolic links speaks, whether it exists or not: replacing the link itself
/// would leave the file as it was.
fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut place = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_symlink() => {
                place = folder_of(&place).join(fs::read_link(&place)?);
            }
            _ => return Ok(place),
        }
    }
    Err(io::Error::other("its symbolic links go in a circle"))
}

/// Names that stand for something open or for a device, whatever kind of file the system says they are.
fn is_device_name(path: &Path) -> bool {
    if cfg!(windows) {
        let name = path.as_os_str().to_string_lossy();
        let is_reserved =
            ["CON", "NUL", "CONOUT$"].iter().any(|reserved| name.eq_ignore_ascii_case(reserved));
        is_reserved || name.starts_with(r"\\.\")
    } else {
        ["/dev/stdout", "/dev/stderr"].iter().any(|name| path == Path::new(name))
            || ["/dev/fd", "/proc"].iter().any(|folder| path.starts_with(folder))
    }
}

/// Why an output file could not be written, as a sentence.
#[derive(Debug)]
pub struct OutputError {
    path: PathBuf,
    error: io::Error,
}

impl OutputError {
    /// Names the file of an error.
    #[must_use]
    pub fn new(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), error }
    }

    /// The system's kind of error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// Whether the reader at the other end of a pipe has gone, which is no fault.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        super::is_closed_pipe(&self.error)
    }
}

/// `cannot write report.csv: there is no folder reports; make it first, or name another file`. The names in it
/// are made visible by whoever shows it, as all texts are.
impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.path.to_string_lossy();
        let folder = folder_of(&self.path).to_string_lossy();
        write!(f, "cannot write {name}: ")?;
        match self.error.kind() {
            ErrorKind::NotFound => {
                write!(f, "there is no folder {folder}; make it first, or name another file")
            }
            ErrorKind::NotADirectory => {
                write!(f, "a part of {folder} is a file, no folder; name another file")
            }
            ErrorKind::IsADirectory => f.write_str("that is a folder; name a file in it"),
            ErrorKind::PermissionDenied if cfg!(windows) => {
                write!(
                    f,
                    "you may not write it or its folder {folder}, or another program has it open; close it there, change the permissions, or name another file"
                )
            }
            ErrorKind::PermissionDenied => {
                write!(
                    f,
                    "you may not write it or its folder {folder}; change the permissions, or name another file"
                )
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                write!(f, "the disk of {folder} is full; make room, or name a file on another disk")
            }
            ErrorKind::FileTooLarge => {
                f.write_str("the file grows larger than its disk allows; name a file on another disk")
            }
            ErrorKind::ReadOnlyFilesystem => {
                write!(f, "the disk of {folder} is read-only; name a file on another disk")
            }
            ErrorKind::InvalidFilename | ErrorKind::InvalidInput => {
                f.write_str("the system takes no such name; choose another")
            }
            ErrorKind::BrokenPipe => f.write_str("its reader has gone"),
            _ => {
                write!(f, "{}; try again, or name another file", self.error)
            }
        }
    }
}

impl std::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
