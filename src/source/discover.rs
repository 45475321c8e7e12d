//! Discovery: from paths to the files that are read.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::evtx;
use super::fault_log::{describe, failed};
use super::format::{Format, MAX_HEAD, detect_format, looks_like_events};
use super::input::{Origin, member_head, packed_looks_like_events};
use super::options::InputFormat;
use super::read_at::read_at;
use super::zip::{Member, members};
use crate::files::open::{kind_name, open_file, target_within};
use crate::model::fault::{Fault, FaultKind, Severity};
use crate::model::feed::Progress;
use crate::model::guard::guarded;

/// Maximum of files of a kind that is never opened that are named for one folder.
const MAX_NAMED: u64 = 20;
/// Bytes that are looked at: up to the first chunk's signature.
const HEAD: usize = 4096 + 8;

/// A file that will be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its size in bytes when it was found; packed, in an archive.
    pub(super) size: u64,
    /// The way it is read.
    pub(super) read_as: ReadAs,
}

/// The way a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ReadAs {
    /// As a Windows event log.
    Log,
    /// As a stream: events as text, or something packed.
    Stream(Origin),
}

impl Candidate {
    /// Its name for people: the file's, in an archive that of the archive before it.
    pub(super) fn name(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy();
        match &self.read_as {
            ReadAs::Stream(Origin::Member(member)) => format!("{name}/{}", member.name),
            _ => name.into_owned(),
        }
    }
}

/// Finds the files, in the order of the paths and of names in folders. Unreadable paths are handed to `report`.
pub(super) fn discover(
    paths: &[PathBuf],
    format: Option<InputFormat>,
    progress: &Progress,
    report: &mut dyn FnMut(Fault),
) -> Vec<Candidate> {
    let mut search = Search { progress, format, report, found: Vec::new() };
    for path in paths {
        if progress.is_stopped() {
            break;
        }
        search.named(path);
    }
    search.found
}

/// Returns whether a load of a folder with this file would read it, or would report that it can't.
#[must_use]
pub fn is_read_in_folder(path: &Path, format: Option<InputFormat>) -> bool {
    let Ok(metadata) = fs::metadata(path) else { return false };
    let (progress, mut is_named) = (Progress::default(), false);
    let mut report = |_| is_named = true;
    let mut search = Search { progress: &progress, format, report: &mut report, found: Vec::new() };
    search.file(path, &metadata, &mut Passed::default());
    let is_found = !search.found.is_empty();
    is_found || is_named
}

struct Search<'a> {
    progress: &'a Progress,
    format: Option<InputFormat>,
    report: &'a mut dyn FnMut(Fault),
    found: Vec<Candidate>,
}

/// Counts of skipped entries of one folder.
#[derive(Default)]
struct Passed {
    no_logs: u64,
    apple: u64,
    special: u64,
    /// Links out of the folder.
    outside: u64,
    candidates: u64,
}

/// The type of a named file by its first bytes.
enum FileType {
    Log,
    /// Events as text, or something packed.
    Stream,
    /// An archive.
    Zip,
    /// Nothing that is read.
    Refused(FaultKind),
}

impl Search<'_> {
    fn fault(&mut self, path: &Path, kind: FaultKind) {
        (self.report)(Fault::new(path.display().to_string(), kind));
    }

    /// Reports a fault that is graver or less grave here than its kind is.
    fn fault_of(&mut self, path: &Path, severity: Severity, kind: FaultKind) {
        (self.report)(Fault::new(path.display().to_string(), kind).with_severity(severity));
    }

    /// Looks into a file, and catches a panic in it: then it reports a fault of the file and returns `None`.
    fn look<T>(&mut self, path: &Path, look: impl FnOnce(&Self) -> T) -> Option<T> {
        let seen = guarded(|| {
            #[cfg(test)]
            crate::model::guard::fail_on_purpose("fails-in-look", path.as_os_str().as_encoded_bytes());
            look(self)
        });
        if seen.is_none() {
            (self.report)(failed(None, path));
        }
        seen
    }

    fn named(&mut self, path: &Path) {
        if path.as_os_str() == "-" {
            let is_new = !self.found.iter().any(|file| file.read_as == ReadAs::Stream(Origin::StandardInput));
            if is_new {
                self.keep(path, 0, ReadAs::Stream(Origin::StandardInput));
            }
            return;
        }
        match fs::metadata(path) {
            Err(error) => self.fault(path, describe(&error)),
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(metadata) if metadata.is_file() => self.candidate(path, &metadata),
            Ok(metadata) => {
                self.fault(path, FaultKind::NotAFile(kind_name(metadata.file_type())));
            }
        }
    }

    /// Adds a file that is meant to be a log, by its ending or since the user named it.
    fn candidate(&mut self, path: &Path, metadata: &Metadata) {
        if metadata.len() == 0 {
            self.fault(path, FaultKind::Empty);
            return;
        }
        let Some(nature) = self.look(path, |search| nature(path, search.format)) else { return };
        match nature {
            Ok(FileType::Log) => self.keep(path, metadata.len(), ReadAs::Log),
            Ok(FileType::Stream) => self.keep(path, metadata.len(), ReadAs::Stream(Origin::File)),
            Ok(FileType::Zip) => self.archive(path, true),
            Ok(FileType::Refused(kind)) => self.fault(path, kind),
            Err(error) => self.fault(path, describe(&error)),
        }
    }

    fn keep(&mut self, path: &Path, size: u64, read_as: ReadAs) {
        self.progress.files_found.fetch_add(1, Ordering::Relaxed);
        self.progress.bytes_found.fetch_add(size, Ordering::Relaxed);
        self.found.push(Candidate { path: path.to_owned(), size, read_as });
    }

    /// Adds the logs of an archive. An archive without any is an error only if the user named it.
    fn archive(&mut self, path: &Path, is_named: bool) {
        let opened = open_file(path).map_err(|error| describe(&error));
        let Some(members) = self.look(path, |_| opened.and_then(|file| members(&file))) else { return };
        let members = match members {
            Ok(members) => members,
            Err(kind) => {
                let severity = if is_named { Severity::Unreadable } else { Severity::Loss };
                self.fault_of(path, severity, kind);
                return;
            }
        };
        let mut passed = Passed::default();
        for member in members {
            if self.progress.is_stopped() {
                return;
            }
            if member.is_apple() {
                passed.apple += 1;
                continue;
            }
            let Some(holds_events) = self.look(path, |search| search.member(path, &member)) else { continue };
            match holds_events {
                Ok(true) => {
                    passed.candidates += 1;
                    let size = member.packed;
                    self.keep(path, size, ReadAs::Stream(Origin::Member(Arc::new(member))));
                }
                Ok(false) => passed.no_logs += 1,
                Err(kind) => {
                    passed.candidates += 1;
                    self.fault_of(&path.join(&member.name), Severity::Unreadable, kind);
                }
            }
        }
        if is_named || passed.candidates > 0 {
            self.account(path, &passed);
        }
    }

    fn member(&self, path: &Path, member: &Member) -> Result<bool, FaultKind> {
        let (head, content) = member_head(path, member)?;
        Ok(match content {
            Format::Zip => return Err(FaultKind::NestedArchive),
            Format::Unknown => self.format.is_some(),
            Format::Json | Format::Xml => self.format.is_some() || looks_like_events(&head),
            _ => true,
        })
    }

    fn folder(&mut self, root: &Path) {
        let mut passed = Passed::default();
        // Links are compared with it. Where the system can't resolve it, none is followed.
        let real_root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        // A stack: the next entry is the last.
        let mut waiting = vec![root.to_owned()];
        while let Some(path) = waiting.pop() {
            if self.progress.is_stopped() {
                return;
            }
            if path == root {
                self.subfolder(&path, &mut waiting);
            } else {
                self.entry(&path, &real_root, &mut passed, &mut waiting);
            }
        }
        self.account(root, &passed);
    }

    fn entry(&mut self, path: &Path, real_root: &Path, passed: &mut Passed, waiting: &mut Vec<PathBuf>) {
        let name = path.file_name().map(OsString::from).unwrap_or_default();
        if name.as_encoded_bytes().starts_with(b"._") || name == "__MACOSX" {
            passed.apple += 1;
            return;
        }
        let metadata = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => match self.link(path, real_root, passed) {
                Some(metadata) => metadata,
                None => return,
            },
            Ok(metadata) => metadata,
            Err(error) => {
                self.fault(path, describe(&error));
                return;
            }
        };
        if metadata.is_dir() {
            self.subfolder(path, waiting);
        } else if metadata.is_file() {
            self.file(path, &metadata, passed);
        } else {
            passed.special += 1;
            if passed.special <= MAX_NAMED {
                self.fault(path, FaultKind::NotOpened(kind_name(metadata.file_type())));
            }
        }
    }

    /// Follows a link to a file in the folder, or to a file that is never opened; reports that any other was not
    /// followed.
    fn link(&mut self, path: &Path, real_root: &Path, passed: &mut Passed) -> Option<Metadata> {
        let Ok(metadata) = fs::metadata(path) else {
            self.fault(path, FaultKind::DeadLink);
            return None;
        };
        if !metadata.is_dir() && !metadata.is_file() {
            return Some(metadata);
        }
        let is_within = target_within(path, real_root).is_ok_and(|target| target.is_some());
        if is_within && metadata.is_file() {
            return Some(metadata);
        }
        if is_within {
            self.fault(path, FaultKind::LinkToReadFolder);
            return None;
        }
        passed.outside += 1;
        if passed.outside <= MAX_NAMED {
            self.fault(path, FaultKind::LinkOut);
        }
        None
    }

    fn subfolder(&mut self, path: &Path, waiting: &mut Vec<PathBuf>) {
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut paths = Vec::new();
                for entry in entries {
                    match entry {
                        Ok(entry) => paths.push(entry.path()),
                        Err(error) => self.fault_of(path, Severity::Loss, describe(&error)),
                    }
                }
                paths.sort_unstable_by(|one, other| other.file_name().cmp(&one.file_name()));
                waiting.append(&mut paths);
            }
            Err(error) => self.fault(path, describe(&error)),
        }
    }

    fn file(&mut self, path: &Path, metadata: &Metadata, passed: &mut Passed) {
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("evtx")) {
            passed.candidates += 1;
            self.candidate(path, metadata);
            return;
        }
        let mut head = vec![0; MAX_HEAD];
        let read = open_file(path).and_then(|file| read_at(&file, &mut head, 0));
        head.truncate(*read.as_ref().unwrap_or(&0));
        let content = match read {
            Err(error) => {
                self.fault(path, describe(&error));
                return;
            }
            Ok(_) if evtx::is_log_head(&head) => Format::Evtx,
            Ok(_) => detect_format(&head, true).unwrap_or(Format::Unknown),
        };
        let looks_like_events = self.look(path, |_| match content {
            Format::Json | Format::Xml => looks_like_events(&head),
            Format::Gzip | Format::Zstd => packed_looks_like_events(path),
            _ => true,
        });
        match if looks_like_events == Some(true) { content } else { Format::Unknown } {
            Format::Evtx => self.keep(path, metadata.len(), ReadAs::Log),
            Format::Csv(_) | Format::Json | Format::Xml | Format::Gzip | Format::Zstd => {
                self.keep(path, metadata.len(), ReadAs::Stream(Origin::File));
            }
            Format::Zip => {
                let before = self.found.len();
                self.archive(path, false);
                if self.found.len() == before {
                    passed.no_logs += 1;
                    return;
                }
            }
            Format::Unknown => {
                passed.no_logs += 1;
                return;
            }
        }
        passed.candidates += 1;
    }

    fn account(&mut self, root: &Path, passed: &Passed) {
        if passed.candidates == 0 {
            self.fault(root, FaultKind::NoEventsInFolder(passed.no_logs));
        } else if passed.no_logs > 0 {
            self.fault(root, FaultKind::SkippedFiles(passed.no_logs));
        }
        if passed.apple > 0 {
            self.fault(root, FaultKind::SkippedAppleEntries(passed.apple));
        }
        if passed.special > MAX_NAMED {
            self.fault(root, FaultKind::MoreNotOpened(passed.special - MAX_NAMED));
        }
        if passed.outside > MAX_NAMED {
            self.fault(root, FaultKind::MoreLinksOut(passed.outside - MAX_NAMED));
        }
    }
}

/// The type of a file that is meant to be a log. An unknown one is read as a log, whose reader names the fault.
fn nature(path: &Path, format: Option<InputFormat>) -> io::Result<FileType> {
    let mut head = vec![0; MAX_HEAD.max(HEAD)];
    let read = read_at(&open_file(path)?, &mut head, 0)?;
    let head = head.get(..read).unwrap_or_default();
    let is_log = evtx::is_log_head(head) || head.get(HEAD - 8..).is_some_and(evtx::is_log_head);
    let content = detect_format(head, true).unwrap_or(Format::Unknown);
    let packed = not_unpacked(head).filter(|_| format.is_none() && !is_log && !content.is_text());
    if let Some(sentence) = packed {
        return Ok(FileType::Refused(FaultKind::OtherPacking(sentence)));
    }
    Ok(match (content, format) {
        (Format::Zip, _) => FileType::Zip,
        (Format::Gzip | Format::Zstd, _) => FileType::Stream,
        (_, Some(InputFormat::Evtx)) => FileType::Log,
        (_, Some(_)) => FileType::Stream,
        _ if is_log => FileType::Log,
        (content, None) if content.is_text() => FileType::Stream,
        _ if is_text(head) => FileType::Refused(FaultKind::NoEventsInText),
        _ => FileType::Log,
    })
}

/// The clause for a packing that is not read, by its first bytes.
fn not_unpacked(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 4] = [
        (b"7z\xbc\xaf", "it is a 7-Zip archive: unpack it, and name the folder"),
        (b"\xfd7zXZ\0", "it is packed with xz, which is not read: unpack it first"),
        (b"BZh", "it is packed with bzip2, which is not read: unpack it first"),
        (b"Rar!\x1a\x07", "it is a RAR archive: unpack it, and name the folder"),
    ];
    known.into_iter().find_map(|(magic, sentence)| head.starts_with(magic).then_some(sentence))
}

fn is_text(head: &[u8]) -> bool {
    if matches!(head, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return true;
    }
    let text = match str::from_utf8(head) {
        Ok(text) => text,
        // A letter may be cut by the end of the bytes that were read.
        Err(error) if error.error_len().is_none() => {
            head.get(..error.valid_up_to()).and_then(|head| str::from_utf8(head).ok()).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.is_empty() && !text.chars().any(|letter| letter.is_control() && !letter.is_ascii_whitespace())
}
