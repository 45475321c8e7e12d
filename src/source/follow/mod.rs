//! Files that grow: logs that a service is writing, and events as text that a program adds to. They may be rotated, cut
//! off, replaced, or appear later.
//!
//! Every file has a follower, a thread of its own that mostly waits. The [`Board`] knows which files have one, by what
//! they are and not by how they are called: a file that was renamed is read to its end under its old follower, and the
//! new one that has its name gets another.

mod growing;
mod identity;
mod later;
mod log;
mod status;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

pub use status::FollowStatus;

use self::growing::{DRAIN, End, Growing, is_deleted, is_replaced, pause};
use self::identity::Identity;
use self::later::LaterFaults;
use self::log::{LogTail, Look};
use super::discover::{Candidate, ReadAs, discover};
use super::evtx::is_log_head;
use super::fault_log::{describe, failed};
use super::format::{Format, detect_format};
use super::input::Origin;
use super::load::load_files;
use super::options::{InputFormat, Inputs, LoadOptions};
use super::read_at::read_at;
use super::sink::Sink;
use super::text;
use crate::files::open::open_file;
use crate::model::batch::SourceId;
use crate::model::event::Wanted;
use crate::model::fault::{Fault, FaultKind, Severity};
use crate::model::feed::{FeedMessage, Progress, SOURCE_THREAD, SourceInfo};
use crate::model::guard::guarded;

/// Between two looks for named files that appear or are replaced.
const LOOK: Duration = Duration::from_millis(50);
/// Between two looks into folders.
const LOOK_INTO_FOLDERS: Duration = Duration::from_secs(1);
/// More files than this are not followed at a time: each has a thread.
const MAX_FILES: u64 = 512;
/// Unreadable parts of a log that did not grow for this long are lost.
const SETTLED: Duration = Duration::from_secs(4);
/// A file of fewer bytes is looked at again later: it may become anything.
const LEAST_HEAD: u64 = 8;

/// Reads all that the paths hold, as [`super::load()`] does, and goes on as the files grow, until a stop is requested
/// or the receiver is gone. Packed files and archives are read once. A path that does not exist is waited for.
pub fn follow(
    paths: &[PathBuf],
    format: Option<InputFormat>,
    progress: &Progress,
    status: &FollowStatus,
    sink: &(dyn Fn(FeedMessage) -> bool + Sync),
) {
    let sink = Sink::new(progress, sink, Wanted::default());
    let (there, awaited): (Vec<_>, Vec<_>) =
        paths.iter().cloned().partition(|path| path.as_os_str() == "-" || path.exists());
    let empty = there.iter().filter(|path| is_empty_file(path)).count();
    status.awaited.store((awaited.len() + empty) as u64, Ordering::Relaxed);
    for path in &awaited {
        sink.send(FeedMessage::Fault(fault(path, Severity::Notice, FaultKind::NotThereYet)));
    }
    let mut later = LaterFaults::default();
    let found = discover(&there, format, progress, &mut |fault| {
        // An empty file may still become a log.
        if !is_empty_file(Path::new(&fault.name)) {
            later.add_reported(&fault.name);
            sink.send(FeedMessage::Fault(fault));
        }
    });
    let (growing, packed): (Vec<_>, Vec<_>) = found.into_iter().partition(grows);
    for file in &packed {
        later.add_reported(&file.path.display().to_string());
    }
    let board = Board {
        format,
        sink: &sink,
        progress,
        status,
        next_id: AtomicU32::new(u32::try_from(packed.len()).unwrap_or(u32::MAX)),
        running: AtomicU64::new(0),
        is_full_told: AtomicBool::new(false),
        known: Mutex::default(),
    };
    thread::scope(|scope| {
        if !packed.is_empty() {
            let reader = thread::Builder::new().name(SOURCE_THREAD.to_owned());
            let (first, more) = (packed.first().map(|file| file.path.clone()), packed.len() - 1);
            let started = reader.spawn_scoped(scope, || {
                load_files(packed, inputs(format), LoadOptions::default(), &sink);
            });
            if let (Err(error), Some(first)) = (started, first) {
                let reason = format!(
                    "it and {more} more packed files are not read: no thread can be started: {error}"
                );
                sink.send(FeedMessage::Fault(fault(
                    &first,
                    Severity::Unreadable,
                    FaultKind::NoThread(reason),
                )));
            }
        }
        for candidate in growing {
            board.meet(scope, &candidate.path, candidate.size);
        }
        board.watch(scope, paths, later);
    });
    sink.send(FeedMessage::Finished);
}

/// Returns the inputs of all files: other channels are read for the walk-through, as in a load.
fn inputs(format: Option<InputFormat>) -> Inputs {
    Inputs { format, telemetry: true, ..Inputs::default() }
}

fn is_empty_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

fn fault(path: &Path, severity: Severity, kind: FaultKind) -> Fault {
    Fault::new(path.display().to_string(), kind).with_severity(severity)
}

/// Returns whether a file can grow: a log, or uncompressed text.
fn grows(candidate: &Candidate) -> bool {
    match candidate.read_as {
        ReadAs::Log => true,
        ReadAs::Stream(Origin::File) => head_of(&candidate.path).is_ok_and(|head| {
            !matches!(detect_format(&head, true), Some(Format::Gzip | Format::Zstd | Format::Zip))
        }),
        ReadAs::Stream(_) => false,
    }
}

fn head_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = vec![0; 4096 + 8];
    let read = read_at(&open_file(path)?, &mut head, 0)?;
    head.truncate(read);
    Ok(head)
}

/// The followers of files.
struct Board<'a> {
    format: Option<InputFormat>,
    sink: &'a Sink<'a>,
    progress: &'a Progress,
    status: &'a FollowStatus,
    next_id: AtomicU32,
    running: AtomicU64,
    is_full_told: AtomicBool,
    known: Mutex<HashSet<Identity>>,
}

impl Board<'_> {
    fn lock(&self) -> MutexGuard<'_, HashSet<Identity>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks for files that are new, until it is over.
    fn watch<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        paths: &[PathBuf],
        mut later: LaterFaults,
    ) {
        let mut looked = Instant::now();
        while !self.sink.is_over() {
            thread::sleep(LOOK);
            let mut awaited = 0;
            let into_folders = looked.elapsed() >= LOOK_INTO_FOLDERS;
            for path in paths.iter().filter(|path| path.as_os_str() != "-") {
                match fs::metadata(path) {
                    Ok(metadata) if metadata.is_file() => {
                        // The format is unknown yet.
                        awaited += u64::from(metadata.len() == 0 && !self.follows(path));
                        self.meet(scope, path, 0);
                    }
                    Ok(metadata) if metadata.is_dir() && into_folders => {
                        self.look_into(scope, path, &mut later);
                    }
                    Ok(_) => {}
                    Err(_) => awaited += 1,
                }
            }
            if into_folders {
                for fault in later.end_look() {
                    self.sink.send(FeedMessage::Fault(fault));
                }
                looked = Instant::now();
            }
            self.status.awaited.store(awaited, Ordering::Relaxed);
        }
    }

    fn look_into<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        folder: &Path,
        later: &mut LaterFaults,
    ) {
        // The amount is counted by the reader.
        let found = discover(&[folder.to_owned()], self.format, &Progress::default(), &mut |fault| {
            // The follower of a file reports its faults.
            let path = Path::new(&fault.name);
            if !is_empty_file(path) && !self.follows(path) {
                later.add(fault);
            }
        });
        let (growing, packed): (Vec<_>, Vec<_>) = found.into_iter().partition(grows);
        for candidate in growing {
            self.meet(scope, &candidate.path, 0);
        }
        for file in packed {
            later.add(fault(&file.path, Severity::Unreadable, FaultKind::PackedLater));
        }
    }

    fn follows(&self, path: &Path) -> bool {
        Identity::at(path).is_ok_and(|identity| self.lock().contains(&identity))
    }

    /// Gives a file a follower, unless it has one. `counted` is the count of its bytes that are counted as found
    /// already.
    fn meet<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, path: &Path, counted: u64) {
        let Ok(metadata) = fs::metadata(path) else { return };
        if metadata.len() == 0 {
            return;
        }
        let Ok(identity) = Identity::at(path) else { return };
        {
            let mut known = self.lock();
            if known.contains(&identity) {
                return;
            }
            if self.running.load(Ordering::Relaxed) >= MAX_FILES {
                drop(known);
                if !self.is_full_told.swap(true, Ordering::Relaxed) {
                    let kind = FaultKind::TooManyFollowed(MAX_FILES);
                    self.sink.send(FeedMessage::Fault(fault(path, Severity::Loss, kind)));
                }
                return;
            }
            known.insert(identity.clone());
        }
        let retry = identity.clone();
        self.running.fetch_add(1, Ordering::Relaxed);
        let follower = Follower { board: self, path: path.to_owned(), identity, counted };
        // Fewer threads than files: the rest is not followed, and the next look tries again.
        let started = thread::Builder::new().name(SOURCE_THREAD.to_owned()).spawn_scoped(scope, move || {
            self.status.files.fetch_add(1, Ordering::Relaxed);
            follower.run();
            self.status.files.fetch_sub(1, Ordering::Relaxed);
            self.running.fetch_sub(1, Ordering::Relaxed);
        });
        if let Err(error) = started {
            self.running.fetch_sub(1, Ordering::Relaxed);
            if self.lock().remove(&retry) && !self.is_full_told.swap(true, Ordering::Relaxed) {
                let reason = format!("no thread can be started to follow it, it is tried again: {error}");
                self.sink.send(FeedMessage::Fault(fault(path, Severity::Loss, FaultKind::NoThread(reason))));
            }
        }
    }

    /// Announces a source.
    fn announce(&self, path: &Path) -> SourceInfo {
        let id = SourceId(self.next_id.fetch_add(1, Ordering::Relaxed));
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let info = SourceInfo { id, path: path.to_owned(), name, size: None };
        self.sink.send(FeedMessage::Source(info.clone()));
        info
    }
}

/// Follows one file, through all that it becomes.
struct Follower<'b, 'a> {
    board: &'b Board<'a>,
    path: PathBuf,
    identity: Identity,
    counted: u64,
}

impl Follower<'_, '_> {
    fn run(mut self) {
        loop {
            // The file that it was reading when it failed is not followed any more.
            let end = match guarded(|| self.turn()) {
                Some(Ok(end)) => end,
                None => {
                    self.board.sink.send(FeedMessage::Fault(failed(None, &self.path)));
                    End::Replaced
                }
                Some(Err(error)) => {
                    let reason = describe(&error);
                    self.board.sink.send(FeedMessage::Fault(fault(&self.path, Severity::Loss, reason)));
                    End::Replaced
                }
            };
            if end == End::None {
                return;
            }
            self.board.status.turns.fetch_add(1, Ordering::Relaxed);
            if end == End::Replaced {
                return;
            }
            self.counted = 0;
        }
    }

    /// Reads the file from its beginning to its end.
    fn turn(&mut self) -> io::Result<End> {
        let is_over = || self.board.sink.is_over();
        #[cfg(test)]
        crate::model::guard::fail_on_purpose("fails-in-turn", self.path.as_os_str().as_encoded_bytes());
        let file = open_file(&self.path)?;
        // Too short to detect its format.
        let since = Instant::now();
        while file.metadata()?.len() < LEAST_HEAD {
            if is_over() {
                return Ok(End::None);
            }
            if is_deleted(&file) || is_replaced(&self.path, &self.identity) {
                return Ok(End::Replaced);
            }
            thread::sleep(pause(since.elapsed()));
        }
        let mut head = [0; 8];
        read_at(&file, &mut head, 0)?;
        let is_named_log =
            self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("evtx"));
        let is_log = match self.board.format {
            Some(format) => format == InputFormat::Evtx,
            // A log whose header is not written yet.
            None => is_log_head(&head) || (is_named_log && head == [0; 8]),
        };
        let info = self.board.announce(&self.path);
        if is_log {
            return self.log(&info, file);
        }
        let stream = Growing::new(
            self.path.clone(),
            file,
            self.identity.clone(),
            self.counted,
            self.board.progress,
            &is_over,
        );
        let end = std::sync::Arc::clone(&stream.end);
        text::read_growing(&info, Box::new(stream), inputs(self.board.format), self.board.sink);
        let end = *end.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(end)
    }

    fn log(&self, info: &SourceInfo, file: File) -> io::Result<End> {
        let sink = self.board.sink;
        let mut tail = LogTail::new(info.clone(), file)?;
        let mut last_news = Instant::now();
        let mut is_settled = false;
        while !sink.is_over() {
            match tail.look(&mut |batch| sink.send_open_batch(info, batch))? {
                Look::News => (last_news, is_settled) = (Instant::now(), false),
                Look::Anew => return Ok(End::Anew),
                Look::Quiet => {
                    let quiet = last_news.elapsed();
                    if quiet > SETTLED && !is_settled {
                        is_settled = true;
                        tail.settle(&mut |batch| sink.send_open_batch(info, batch))?;
                    }
                    if tail.is_deleted() || quiet > DRAIN && is_replaced(&self.path, &self.identity) {
                        return Ok(End::Replaced);
                    }
                    thread::sleep(pause(quiet));
                }
            }
        }
        Ok(End::None)
    }
}
