//! The file: lines are appended whole, under a lock, and those of other consoles are picked up.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::line::{self, MAX_LINE_BYTES};
use super::{Decision, FILE_NAME};
use crate::files::open;
use crate::model::text::visible;

/// Maximum number of lines read at a time: the thread that takes them has keys to answer, too.
const MAX_LINES: u64 = 5_000;
/// Maximum number of bytes written at a time, whole lines each.
const MAX_WRITE_BYTES: usize = 64 << 10;
/// Windows' number for a part of a file that another program has locked.
const LOCK_VIOLATION: i32 = 33;
/// How often and how long the lock is waited for.
const TRIES: u32 = 5_000;
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Maximum size of a case file that is read: a million decisions.
const MAX_FILE_BYTES: u64 = 256 << 20;
/// Maximum length of a file's beginning by which it is recognised.
const MAX_HEAD_BYTES: usize = 1024;

/// Content appended to the file since the last check.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct News {
    /// The file is another one or was cut: all content that was read before is void.
    pub is_another: bool,
    /// The decisions, in order.
    pub decisions: Vec<Decision>,
    /// The lines that are no decisions: number and reason.
    pub faults: Vec<(u64, String)>,
    /// True if more can be read at once.
    pub has_more: bool,
}

impl News {
    /// Returns whether nothing is new.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.is_another && self.decisions.is_empty() && self.faults.is_empty()
    }
}

/// A case file. It need not exist: the first decision makes it.
#[derive(Debug)]
pub struct CaseFile {
    path: PathBuf,
    makes_folder: bool,
    /// Bytes and lines that were read.
    offset: u64,
    lines: u64,
    /// True if the file was checked before: a last line without an end is reported once.
    was_read: bool,
    /// Identifies the file, to detect another one under its name.
    stamp: Option<u64>,
    /// The first bytes that were read of it, which identify it too.
    head: Vec<u8>,
}

impl CaseFile {
    /// The file of that name. Its folder must exist.
    #[must_use]
    pub const fn named(path: PathBuf) -> Self {
        Self {
            path,
            makes_folder: false,
            offset: 0,
            lines: 0,
            was_read: false,
            stamp: None,
            head: Vec::new(),
        }
    }

    /// Returns the default file of a user who named no file, in a folder of his that is made if it is missing.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self { makes_folder: true, ..Self::named(folder.join(FILE_NAME)) }
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends decisions, and returns when they are on the disk.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn append(&self, decisions: &[Decision]) -> Result<(), String> {
        self.try_append(decisions).map_err(|error| {
            format!("the case file {} can't be written: {}", self.shown_path(), reason(&error))
        })
    }

    fn try_append(&self, decisions: &[Decision]) -> io::Result<()> {
        if decisions.is_empty() {
            return Ok(());
        }
        if let Some(folder) = self.path.parent().filter(|_| self.makes_folder) {
            std::fs::create_dir_all(folder)?;
        }
        // Its data on users and hosts is the analyst's alone, unless he gives it to others.
        let mut file = open::open_to_append(&self.path)?;
        lock(&file)?;
        let mut bytes = Vec::new();
        if ends_inside_a_line(&mut file)? {
            // The writer of that line was stopped before its end; ours begins on its own.
            bytes.push(b'\n');
        }
        for decision in decisions {
            bytes.extend_from_slice(line::write(decision).as_bytes());
            if bytes.len() >= MAX_WRITE_BYTES {
                file.write_all(&bytes)?;
                bytes.clear();
            }
        }
        file.write_all(&bytes)?;
        // The others need not wait for the disk. A lock that was never taken needs no release.
        let _ = file.unlock();
        file.sync_data()
    }

    /// Reads the content appended since the last time. Without any, that costs one look at the file's size.
    ///
    /// # Errors
    /// A sentence that names the file. A file that does not exist is an empty one.
    pub fn news(&mut self) -> Result<News, String> {
        let news = match self.try_news() {
            // On Windows a part that another program writes can't be read meanwhile: it is read the next time.
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(LOCK_VIOLATION) => {
                Ok(News::default())
            }
            news => news,
        };
        news.map_err(|error| format!("the case file {} can't be read: {}", self.shown_path(), reason(&error)))
    }

    fn try_news(&mut self) -> io::Result<News> {
        let mut news = News::default();
        let (size, stamp) = match std::fs::metadata(&self.path) {
            Ok(metadata) if metadata.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(metadata) if metadata.len() > MAX_FILE_BYTES => {
                return Err(io::Error::other(format!(
                    "it is larger than {} MiB, which is no case file of one analyst; name another file with --case",
                    MAX_FILE_BYTES >> 20
                )));
            }
            // Opening it reports that it is no file.
            Ok(metadata) if !metadata.is_file() => {
                return open::open_file(&self.path).map(|_| News::default());
            }
            Ok(metadata) => (metadata.len(), stamp(&metadata)),
            Err(error) if error.kind() == ErrorKind::NotFound => (0, None),
            Err(error) => return Err(error),
        };
        let was = std::mem::replace(&mut self.stamp, stamp);
        let is_another = size < self.offset || (self.offset > 0 && was != stamp);
        if is_another || (size > self.offset && !self.begins_as_before()?) {
            news.is_another = true;
            (self.offset, self.lines) = (0, 0);
            self.head.clear();
        }
        if size > self.offset {
            let mut file = open::open_file(&self.path)?;
            file.seek(SeekFrom::Start(self.offset))?;
            match self.read_lines(&mut BufReader::with_capacity(MAX_LINE_BYTES, file), &mut news) {
                // On Windows a part that another program writes can't be read meanwhile: the rest is read the next
                // time.
                Err(error) if cfg!(windows) && error.raw_os_error() == Some(LOCK_VIOLATION) => {}
                read => read?,
            }
            if self.head.len() < MAX_HEAD_BYTES
                && let Ok(head) = self.beginning(self.offset.min(MAX_HEAD_BYTES as u64))
            {
                self.head = head;
            }
        }
        self.was_read = !news.has_more;
        Ok(news)
    }

    /// Returns whether the file begins with the bytes that were read before.
    fn begins_as_before(&self) -> io::Result<bool> {
        Ok(self.beginning(self.head.len() as u64)? == self.head)
    }

    fn beginning(&self, length: u64) -> io::Result<Vec<u8>> {
        let mut head = Vec::new();
        open::open_file(&self.path)?.take(length).read_to_end(&mut head)?;
        Ok(head)
    }

    fn read_lines(&mut self, reader: &mut impl BufRead, news: &mut News) -> io::Result<()> {
        let mut bytes = Vec::new();
        let first = self.lines;
        loop {
            bytes.clear();
            if self.lines - first == MAX_LINES {
                news.has_more = true;
                return Ok(());
            }
            let (length, is_whole) = read_line(reader, &mut bytes)?;
            if !is_whole {
                // Perhaps it is being written just now: it is looked at again.
                if length > 0 && !self.was_read {
                    let reason =
                        "its end is missing: whoever wrote it was stopped; it is left out".to_owned();
                    news.faults.push((self.lines + 1, reason));
                }
                return Ok(());
            }
            self.offset += length;
            self.lines += 1;
            if length > MAX_LINE_BYTES as u64 {
                news.faults.push((self.lines, format!("it has {length} bytes, too many for a decision")));
            } else if !bytes.trim_ascii().is_empty() {
                match line::read(bytes.trim_ascii()) {
                    Ok(decision) => news.decisions.push(decision),
                    Err(reason) => news.faults.push((self.lines, reason)),
                }
            }
        }
    }

    fn shown_path(&self) -> String {
        visible(&self.path.to_string_lossy()).into_owned()
    }
}

/// Reads a line's bytes, of an overlong one the first. Returns its length with its break, and whether the break is
/// there.
fn read_line(reader: &mut impl BufRead, bytes: &mut Vec<u8>) -> io::Result<(u64, bool)> {
    let mut length = 0;
    loop {
        let read = reader.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', bytes)?;
        length += read as u64;
        if bytes.last() == Some(&b'\n') {
            return Ok((length, true));
        }
        if read == 0 {
            return Ok((length, false));
        }
        bytes.truncate(MAX_LINE_BYTES);
    }
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "not every system has one")]
fn stamp(metadata: &Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::ino(metadata))
}

/// Elsewhere a file is identified by its first bytes.
#[cfg(not(unix))]
fn stamp(_: &Metadata) -> Option<u64> {
    None
}

fn ends_inside_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Waits for other consoles to have written, but not for ever.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            // A file system without locks still appends a line as a whole.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(ErrorKind::ResourceBusy, "another program holds it locked"))
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            "there is no such folder; make it, or name another file with --case".to_owned()
        }
        ErrorKind::PermissionDenied => "permission is denied; name another file with --case".to_owned(),
        ErrorKind::IsADirectory => "it is a folder; name a file with --case".to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full; make room".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "its disk is read-only; name another file with --case".to_owned(),
        _ => visible(&error.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests;
