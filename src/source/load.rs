//! Reads files with several threads, each of which takes some chunks of a file at a time.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::discover::{Candidate, Kind, describe, discover};
use super::evtx::{self, CHUNK_SIZE, ChunkReader, Findings, Remark, Slot};
use super::file::read_at;
use super::open::{Claim, OpenFile, Report, Task};
use super::outlet::Outlet;
use super::text::{self, Done, InputFormat, Origin};
use crate::files::open::open_file;
use crate::model::batch::{Batch, SourceId};
use crate::model::event::Wanted;
use crate::model::fault::{Fault, Severity, SkipReason};
use crate::model::feed::{FeedMessage, Progress, SOURCE_THREAD, SourceInfo};
use crate::model::guard::{self, IS_A_BUG};

/// More threads than this do not help.
const MOST_THREADS: usize = 64;

/// How a load is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// How many threads read, 1 to 64; 0 stands for as many as the machine has cores.
    pub threads: usize,
}

/// Reads all logs that the paths name, folders with all that is in them, and hands over what is in them; returns when
/// all is read, when somebody asked for a stop, or when `sink` says by `false` that nobody listens any more.
///
/// `sink` is called from several threads at once, and may wait. Each source is announced before its first batch, the
/// batches of one source come in no order, its faults come with its last, and [`FeedMessage::Finished`] is the last of
/// all.
pub fn load(
    paths: &[PathBuf],
    options: &LoadOptions,
    progress: &Progress,
    sink: &(dyn Fn(FeedMessage) -> bool + Sync),
) {
    load_inputs(paths, Inputs::default(), options, progress, sink);
}

/// What is read of the inputs, and as what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The format of all of them; `None` has each told by its content.
    pub format: Option<InputFormat>,
    /// Whether the events of other channels that a walk-through of tests looks at are handed on too. Without it they are
    /// passed over as early as can be.
    pub telemetry: bool,
    /// The texts that somebody asks for.
    pub wanted: Wanted,
}

/// The same, with all that can be said of the inputs.
pub fn load_inputs(
    paths: &[PathBuf],
    inputs: Inputs,
    options: &LoadOptions,
    progress: &Progress,
    sink: &(dyn Fn(FeedMessage) -> bool + Sync),
) {
    let outlet = Outlet::new(progress, sink, inputs.wanted);
    let files = discover(paths, inputs.format, progress, &mut |fault| outlet.send(FeedMessage::Fault(fault)));
    load_files(files, inputs, *options, &outlet);
    outlet.send(FeedMessage::Finished);
}

/// Reads files that were found; they are numbered from 0 in their order.
pub(super) fn load_files(files: Vec<Candidate>, inputs: Inputs, options: LoadOptions, outlet: &Outlet<'_>) {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let wanted = if options.threads == 0 { cores() } else { options.threads };
    let chunks = files.iter().map(|file| file.size / CHUNK_SIZE as u64 + 1).sum::<u64>();
    let useful = usize::try_from(chunks).unwrap_or(usize::MAX).max(1);
    // A pipe may never end, and nothing shall wait for it.
    let pipes = files.iter().filter(|file| file.kind == Kind::Text(Origin::StandardInput)).count();
    let threads = wanted.min(MOST_THREADS).min(useful) + pipes;
    let board =
        Board { files, inputs, threads: threads as u64, desk: Mutex::default(), news: Condvar::new() };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Fewer threads do as well.
            let _ = thread::Builder::new()
                .name(SOURCE_THREAD.to_owned())
                .spawn_scoped(scope, || Worker::new(&board, outlet).work());
        }
        Worker::new(&board, outlet).work();
    });
    for file in board.lock().open.drain(..) {
        outlet.send_last_batch(&file.info, file.abandon());
    }
}

/// A smaller text is read before others could help with it.
const WORTH_HELP: u64 = 2 << 20;

/// The work that all threads take from.
struct Board {
    files: Vec<Candidate>,
    inputs: Inputs,
    threads: u64,
    desk: Mutex<Desk>,
    news: Condvar,
}

#[derive(Default)]
struct Desk {
    next_file: usize,
    opening: usize,
    open: Vec<Arc<OpenFile>>,
}

enum Job {
    Open(usize),
    Read(Arc<OpenFile>, Claim),
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work; `None` when there will be none.
    fn take(&self, outlet: &Outlet<'_>) -> Option<Job> {
        let mut desk = self.lock();
        loop {
            if outlet.is_over() {
                return None;
            }
            for file in &desk.open {
                if let Some(claim) = file.claim(self.threads) {
                    return Some(Job::Read(Arc::clone(file), claim));
                }
            }
            if desk.next_file < self.files.len() {
                desk.next_file += 1;
                desk.opening += 1;
                return Some(Job::Open(desk.next_file - 1));
            }
            if desk.open.is_empty() && desk.opening == 0 {
                return None;
            }
            desk = self.news.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Threads that will find no file of their own.
    fn idle_threads(&self) -> usize {
        let desk = self.lock();
        let files = self.files.len().saturating_sub(desk.next_file) + desk.opening;
        usize::try_from(self.threads).unwrap_or(1).saturating_sub(files.max(1))
    }

    /// Wakes whoever waits. The lock is taken so that nobody is between looking and waiting.
    fn tell(&self) {
        drop(self.lock());
        self.news.notify_all();
    }

    fn opened(&self, file: Option<Arc<OpenFile>>) {
        let mut desk = self.lock();
        desk.opening -= 1;
        desk.open.extend(file);
        drop(desk);
        self.news.notify_all();
    }

    fn closed(&self, file: &Arc<OpenFile>) {
        self.lock().open.retain(|other| !Arc::ptr_eq(other, file));
        self.news.notify_all();
    }
}

struct Worker<'a> {
    board: &'a Board,
    outlet: &'a Outlet<'a>,
    reader: ChunkReader,
    buffer: Vec<u8>,
}

/// Should whoever takes the events fail on one of these threads, the others end too instead of waiting for it.
struct Alarm<'a> {
    board: &'a Board,
    outlet: &'a Outlet<'a>,
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.outlet.end();
            self.board.tell();
        }
    }
}

impl<'a> Worker<'a> {
    fn new(board: &'a Board, outlet: &'a Outlet<'a>) -> Self {
        let reader = ChunkReader::new(board.inputs.wanted, board.inputs.telemetry);
        Self { board, outlet, reader, buffer: vec![0; CHUNK_SIZE] }
    }

    fn work(&mut self) {
        let _alarm = Alarm { board: self.board, outlet: self.outlet };
        while let Some(job) = self.board.take(self.outlet) {
            match job {
                Job::Open(number) => self.open(number),
                Job::Read(file, claim) => self.read_and_advance(&file, Some(&claim)),
            }
        }
        // Whoever still waits shall see that it is over.
        self.board.tell();
    }

    fn open(&mut self, number: usize) {
        let Some(candidate) = self.board.files.get(number) else {
            self.board.opened(None);
            return;
        };
        let path = &candidate.path;
        let name = candidate.name();
        let id = SourceId(u32::try_from(number).unwrap_or(u32::MAX));
        let size = (candidate.kind != Kind::Text(Origin::StandardInput)).then_some(candidate.size);
        let info = SourceInfo { id, path: path.clone(), name, size };
        self.outlet.send(FeedMessage::Source(info.clone()));
        let Some(opened) = self.outlet.guarded(&info, || self.open_candidate(candidate, &info)) else {
            return self.done_with_none();
        };
        match opened {
            Ok(None) => self.done_with_none(),
            Ok(Some(file)) => {
                let file = Arc::new(file);
                self.outlet.progress.bytes_done.fetch_add(file.head_bytes(), Ordering::Relaxed);
                // A small file never needs to be seen by the others.
                let claim = file.claim(self.board.threads);
                self.board.opened(Some(Arc::clone(&file)));
                self.read_and_advance(&file, claim.as_ref());
            }
            Err(error) => {
                self.outlet.send(FeedMessage::Fault(Fault {
                    source: Some(id),
                    name: path.display().to_string(),
                    chunk: None,
                    record: None,
                    severity: Severity::Unreadable,
                    lost_records: 0,
                    reason: describe(&error),
                }));
                self.done_with_none();
            }
        }
    }

    /// Opens a log, whose chunks are read by all; what is none is read here, to its end.
    fn open_candidate(&self, candidate: &Candidate, info: &SourceInfo) -> io::Result<Option<OpenFile>> {
        let file = match &candidate.kind {
            Kind::Log => open_file(&candidate.path)?,
            Kind::Text(origin) => {
                let hands = if candidate.size < WORTH_HELP { 0 } else { self.board.idle_threads() };
                match text::read(info, origin, self.board.inputs, hands, self.outlet) {
                    Done::Finished => return Ok(None),
                    Done::Log(file) => {
                        self.unpacked(candidate.size, &file);
                        file
                    }
                }
            }
        };
        OpenFile::new(info.clone(), file).map(Some)
    }

    /// A file is done with of which no chunk is left to be read.
    fn done_with_none(&self) {
        self.outlet.progress.files_done.fetch_add(1, Ordering::Relaxed);
        self.board.opened(None);
    }

    fn read_and_advance(&mut self, file: &Arc<OpenFile>, claim: Option<&Claim>) {
        let outlet = self.outlet;
        let done = outlet.guarded(&file.info, || {
            if let Some(claim) = claim {
                self.read(file, claim);
            }
            self.advance(file);
        });
        if done.is_none() {
            self.reader = self.reader.anew();
            outlet.progress.files_done.fetch_add(1, Ordering::Relaxed);
            self.board.closed(file);
        }
    }

    /// A log that came packed counts with the size that it has now.
    fn unpacked(&self, packed: u64, file: &File) {
        let size = file.metadata().map_or(packed, |metadata| metadata.len());
        let found = &self.outlet.progress.bytes_found;
        found.fetch_add(size, Ordering::Relaxed);
        found.fetch_sub(packed, Ordering::Relaxed);
    }

    fn advance(&mut self, file: &Arc<OpenFile>) {
        if self.outlet.is_over() {
            return;
        }
        match file.advance(&|| self.outlet.is_over()) {
            Some(batch) => {
                self.outlet.send_last_batch(&file.info, batch);
                self.outlet.progress.files_done.fetch_add(1, Ordering::Relaxed);
                self.board.closed(file);
            }
            // There may be new work in it.
            None => self.board.tell(),
        }
    }

    fn read(&mut self, file: &OpenFile, claim: &Claim) {
        let mut report = Report::default();
        for slot in &claim.slots {
            if self.outlet.is_over() {
                break;
            }
            self.slot(file, *slot, claim, &mut report);
        }
        file.merge(report);
    }

    fn slot(&mut self, file: &OpenFile, slot: Slot, claim: &Claim, report: &mut Report) {
        let Some(buffer) = self.buffer.get_mut(..slot.length) else { return };
        let read = match read_at(&file.file, buffer, slot.start) {
            Ok(read) => read,
            Err(error) => {
                let reason = format!("{} bytes can't be read: {error}", slot.length);
                let remark = Remark { severity: Severity::Loss, record: None, lost_records: 0, reason };
                report.remarks.push((slot.start, remark));
                // What was left for later in it is counted as lost.
                if !matches!(claim.task, Task::Orphans(..)) {
                    return;
                }
                0
            }
        };
        if read < slot.length {
            report.shrunk_at = Some(report.shrunk_at.unwrap_or(u64::MAX).min(slot.start + read as u64));
        }
        let is_grid = matches!(claim.task, Task::Grid);
        let chunk = self.buffer.get(..read).unwrap_or_default();
        if is_grid {
            report.bytes_seen += read as u64;
            self.outlet.progress.bytes_done.fetch_add(read as u64, Ordering::Relaxed);
            if !evtx::is_chunk(chunk) {
                if !evtx::is_unused(chunk) {
                    report.odd.push((slot.start - file.head_bytes()) / CHUNK_SIZE as u64);
                }
                return;
            }
        }
        let mut batch = Batch::new(file.info.id);
        let stated = evtx::stated_records(chunk);
        let findings = match &claim.task {
            Task::Grid | Task::Elsewhere => guarded(&mut self.reader, stated, &mut batch, |reader, batch| {
                reader.read(chunk, slot.start, batch)
            }),
            Task::Orphans(orphans, lexicon) => {
                let Some(orphans) = orphans.get(&slot.start) else { return };
                guarded(&mut self.reader, orphans.len() as u64, &mut batch, |reader, batch| {
                    reader.read_orphans(chunk, slot.start, orphans, lexicon, batch)
                })
            }
        };
        if is_grid {
            batch.tally.bytes = read as u64;
            report.bytes_sent += read as u64;
        }
        report.chunks.push((slot, findings));
        self.outlet.send_batch(batch);
    }
}

/// Has a chunk of so many records read. Should the reader fail on it, it is lost and the load goes on.
pub(super) fn guarded(
    reader: &mut ChunkReader,
    records: u64,
    batch: &mut Batch,
    read: impl FnOnce(&mut ChunkReader, &mut Batch) -> Findings,
) -> Findings {
    if let Some(findings) = guard::guarded(|| read(reader, batch)) {
        return findings;
    }
    *reader = reader.anew();
    *batch = Batch::new(batch.source);
    let lost = records.max(1);
    batch.tally.skip(SkipReason::Damaged, lost);
    let remark = Remark {
        severity: Severity::Loss,
        record: None,
        lost_records: lost,
        reason: format!("the reader failed on this chunk, {IS_A_BUG}"),
    };
    Findings { remarks: vec![remark], used: CHUNK_SIZE, ..Findings::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_the_events_may_fail_and_nobody_waits_for_ever() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let ended = thread::spawn(move || {
            load(&[fixtures], &LoadOptions { threads: 4 }, &Progress::default(), &|message| {
                assert!(!matches!(message, FeedMessage::Batch(_)), "on purpose");
                true
            });
        });
        assert!(ended.join().is_err());
    }

    #[test]
    fn a_reader_that_fails_costs_its_chunk_and_no_more() {
        let mut batch = Batch::new(SourceId(3));
        let findings = guarded(&mut ChunkReader::default(), 7, &mut batch, |_, batch| {
            batch.tally.count_sysmon(1);
            panic!("on purpose");
        });
        assert_eq!(batch.source, SourceId(3));
        assert_eq!((batch.tally.sysmon, batch.tally.records()), (0, 7), "what was half done is undone");
        let [remark] = findings.remarks.as_slice() else { panic!("one remark") };
        assert_eq!((remark.severity, remark.lost_records), (Severity::Loss, 7));
    }
}
