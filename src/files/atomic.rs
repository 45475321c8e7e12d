//! A file that is written whole or not at all, over nothing that is read, and over another file only with a yes.
//!
//! The text goes to a temporary file in the folder of the target and takes its name at the end, when every byte is on
//! the disk. Whatever stops the program before then leaves the old file as it was. A target that is no file (a pipe
//! with a name, a device, `/dev/stdout`) can't be replaced: it is written as it comes.

use std::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::identity::FileId;
use super::part::Part;
use super::patience;
use super::place::{Astray, folder_of, follow_links, is_own, is_planted};
use super::policy::{Existing, OutputPolicy};

/// The maximum count of names that are tried for a new file.
const MAX_NAMES: usize = 1000;

/// An output file that takes its name only by [`AtomicFile::commit`]; dropped before, it leaves no trace.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    /// Written in the folder of its final path, links followed.
    Replaced(Box<Replacing>),
    /// Written as it comes.
    Direct(BufWriter<File>),
}

#[derive(Debug)]
struct Replacing {
    writer: BufWriter<Part>,
    place: PathBuf,
    /// The file under that name at the start.
    before: Option<FileId>,
    keeps: Option<Permissions>,
    /// True if another name is taken where this one is gone by the end.
    takes_free_name: bool,
}

/// An examined path.
enum Place {
    Direct(PathBuf),
    File { place: PathBuf, before: Option<FileId>, keeps: Option<Permissions> },
}

impl AtomicFile {
    /// Opens the file for writing; the file under its name stays until the commit.
    ///
    /// # Errors
    /// A sentence that names the file and the remedy.
    pub fn create(path: &Path, policy: &OutputPolicy, existing: Existing) -> Result<Self, OutputError> {
        Self::create_for(path, policy, existing, false)
    }

    /// The same, and a new file is the user's alone.
    ///
    /// # Errors
    /// A sentence that names the file and the remedy.
    pub fn create_private(
        path: &Path,
        policy: &OutputPolicy,
        existing: Existing,
    ) -> Result<Self, OutputError> {
        Self::create_for(path, policy, existing, true)
    }

    fn create_for(
        path: &Path,
        policy: &OutputPolicy,
        existing: Existing,
        is_private: bool,
    ) -> Result<Self, OutputError> {
        let explain = |error| OutputError::new(path, error);
        let target = match look(path, policy, existing)? {
            Place::Direct(place) => {
                open_direct(&place, policy).map_err(|astray| explain_astray(path, astray))?
            }
            Place::File { place, before, keeps } => {
                // While it grows in the folder of a file whose permissions it will take, it is the user's alone.
                let part = Part::create(folder_of(&place), is_private || keeps.is_some()).map_err(explain)?;
                let writer = BufWriter::new(part);
                let takes_free_name = false;
                Target::Replaced(Box::new(Replacing { writer, place, before, keeps, takes_free_name }))
            }
        };
        Ok(Self { path: path.to_owned(), target })
    }

    /// Opens a new file of this name, or of the next that is free: `report.md`, `report-2.md`, …
    ///
    /// # Errors
    /// A sentence that names the file and the remedy.
    pub fn create_new(name: &Path, policy: &OutputPolicy) -> Result<Self, OutputError> {
        for path in numbered(name) {
            if fs::symlink_metadata(&path).is_ok() {
                continue;
            }
            let mut file = Self::create(&path, policy, Existing::Refuse)?;
            if let Target::Replaced(replacing) = &mut file.target {
                replacing.takes_free_name = true;
            }
            return Ok(file);
        }
        Err(OutputError::new(name, ErrorKind::AlreadyExists.into()))
    }

    /// Returns the error of [`AtomicFile::create`] at once, for a caller that has much to do before it writes.
    ///
    /// # Errors
    /// A sentence that names the file and the remedy.
    pub fn check(path: &Path, policy: &OutputPolicy, existing: Existing) -> Result<(), OutputError> {
        look(path, policy, existing).map(drop)
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

    /// Brings everything to the disk and gives the file its name; returns that name.
    ///
    /// # Errors
    /// A sentence that names the file and the remedy; the earlier file is still in place.
    pub fn commit(self) -> Result<PathBuf, OutputError> {
        let Self { path, target } = self;
        match target {
            Target::Direct(mut writer) => match writer.flush() {
                Ok(()) => Ok(path),
                Err(error) => Err(OutputError::new(&path, error)),
            },
            Target::Replaced(replacing) => replacing.commit(&path),
        }
    }
}

impl Replacing {
    fn commit(self, path: &Path) -> Result<PathBuf, OutputError> {
        let Self { writer, place, before, keeps, takes_free_name } = self;
        let explain = |error| OutputError::new(path, error);
        let mut part = writer.into_inner().map_err(|error| explain(error.into_error()))?;
        part.sync(keeps).map_err(explain)?;
        if let Some(before) = before.filter(|_| fs::symlink_metadata(&place).is_ok()) {
            let is_same = match patience::opening(|| FileId::at(&place)) {
                Err(error) if patience::is_open_elsewhere(&error) => return Err(explain(error)),
                now => now.is_ok_and(|now| now == before),
            };
            if !is_same {
                return Err(OutputError::refused(
                    path,
                    "another program has put another file there meanwhile; look at that one, and name another file",
                ));
            }
        }
        let names = numbered(&place).zip(numbered(path));
        for (place, path) in names {
            match part.give_name(&place, before.is_some()) {
                Ok(()) => {
                    // The name is on the disk when its folder is. Not every file system can do that, and the file is
                    // whole without it.
                    #[cfg(unix)]
                    if let Ok(folder) = File::open(folder_of(&place)) {
                        let _ = folder.sync_all();
                    }
                    return Ok(path);
                }
                Err((same, error)) if error.kind() == ErrorKind::AlreadyExists && takes_free_name => {
                    part = same;
                }
                Err((_, error)) => return Err(explain(error)),
            }
        }
        Err(explain(ErrorKind::AlreadyExists.into()))
    }
}

/// Returns a name, and the names that follow it: `report.md`, `report-2.md`, …
fn numbered(name: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let name = name.to_owned();
    (1..MAX_NAMES).map(move |number| {
        if number == 1 {
            return name.clone();
        }
        let mut own = name.file_stem().unwrap_or_default().to_owned();
        own.push(format!("-{number}"));
        if let Some(extension) = name.extension() {
            own.push(".");
            own.push(extension);
        }
        name.with_file_name(own)
    })
}

const NO_FILE: &str = "that is no file; name a file";

/// Examines a path before anything is written.
fn look(path: &Path, policy: &OutputPolicy, existing: Existing) -> Result<Place, OutputError> {
    let explain = |error| OutputError::new(path, error);
    let refuse = |reason: String| Err(OutputError::refused(path, reason));
    if is_device_name(path) {
        return if policy.only_files {
            refuse(NO_FILE.to_owned())
        } else {
            Ok(Place::Direct(path.to_owned()))
        };
    }
    let place = follow_links(path).map_err(|astray| explain_astray(path, astray))?;
    if let Some(reason) = policy.refusal(&place) {
        return refuse(reason);
    }
    let metadata = match fs::metadata(&place) {
        Ok(metadata) if metadata.is_dir() => return Err(explain(ErrorKind::IsADirectory.into())),
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Place::File { place, before: None, keeps: None });
        }
        Err(error) => return Err(explain(error)),
    };
    if is_planted(folder_of(&place), &metadata) {
        return refuse(
            "it belongs to another account, in a folder that all may write to; name another file".to_owned(),
        );
    }
    if !metadata.is_file() {
        return if policy.only_files { refuse(NO_FILE.to_owned()) } else { Ok(Place::Direct(place)) };
    }
    if existing == Existing::Refuse {
        return refuse(format!("there is such a file already; name another one, or {}", policy.yes));
    }
    // A file that its owner protected is not replaced, although its folder would allow it.
    patience::opening(|| OpenOptions::new().write(true).open(&place)).map_err(explain)?;
    let before = patience::opening(|| FileId::at(&place)).map_err(explain)?;
    let keeps = kept_permissions(&metadata);
    Ok(Place::File { place, before: Some(before), keeps })
}

/// Returns the permissions that a file keeps when it is replaced: those of the user's own file, without the bits by
/// which a program runs as another user. Another account's file has no permissions to give.
fn kept_permissions(metadata: &fs::Metadata) -> Option<Permissions> {
    let permissions = is_own(metadata).then(|| metadata.permissions())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Some(Permissions::from_mode(permissions.mode() & 0o777))
    }
    #[cfg(not(unix))]
    {
        Some(permissions)
    }
}

fn explain_astray(path: &Path, astray: Astray) -> OutputError {
    match astray {
        Astray::Io(error) => OutputError::new(path, error),
        Astray::Planted(reason) => OutputError::refused(path, reason),
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Replaced(replacing) => replacing.writer.write(bytes),
            Target::Direct(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Replaced(replacing) => replacing.writer.flush(),
            Target::Direct(writer) => writer.flush(),
        }
    }
}

fn open_direct(path: &Path, policy: &OutputPolicy) -> Result<Target, Astray> {
    // At the end, since `/dev/stdout` can be a file that holds something already.
    let file = OpenOptions::new().append(true).open(path)?;
    if file.metadata()?.is_file()
        && let Some(reason) = policy.refusal(path)
    {
        return Err(Astray::Planted(reason));
    }
    Ok(Target::Direct(BufWriter::new(file)))
}

/// Names of open streams or devices, whatever kind of file the system reports.
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

/// The reason why an output file could not be written, as a sentence.
#[derive(Debug)]
pub struct OutputError {
    path: PathBuf,
    cause: Cause,
}

#[derive(Debug)]
enum Cause {
    Io(io::Error),
    /// It may not be written, as a clause.
    Refused(String),
}

impl OutputError {
    /// Names the file of an error.
    #[must_use]
    pub fn new(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), cause: Cause::Io(error) }
    }

    /// Names the file that may not be written, and the reason as a clause.
    #[must_use]
    pub fn refused(path: &Path, reason: impl Into<String>) -> Self {
        Self { path: path.to_owned(), cause: Cause::Refused(reason.into()) }
    }

    /// Returns the system's error, or why it may not be written, as a clause.
    ///
    /// # Errors
    /// The clause.
    pub fn into_cause(self) -> Result<io::Error, String> {
        match self.cause {
            Cause::Io(error) => Ok(error),
            Cause::Refused(reason) => Err(reason),
        }
    }

    /// Returns whether the reader at the other end of a pipe has gone, which is no fault.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(&self.cause, Cause::Io(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}

/// `cannot write report.csv: there is no folder reports; make it first, or name another file`. The code that shows the
/// names in it makes them visible, as it does all texts.
impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.path.to_string_lossy();
        let folder = folder_of(&self.path).to_string_lossy();
        write!(f, "cannot write {name}: ")?;
        let error = match &self.cause {
            Cause::Refused(reason) => return f.write_str(reason),
            Cause::Io(error) => error,
        };
        match error.kind() {
            ErrorKind::AlreadyExists => {
                f.write_str("another program has made such a file meanwhile; name another one")
            }
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
            _ if patience::is_open_elsewhere(error) => {
                f.write_str("another program has it open; close it there, or name another file")
            }
            _ => {
                write!(f, "{error}; try again, or name another file")
            }
        }
    }
}

impl std::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Io(error) => Some(error),
            Cause::Refused(_) => None,
        }
    }
}
