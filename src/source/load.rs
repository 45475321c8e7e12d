//! Reads files with several threads, each of which takes some chunks of a file at a time.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::discover::{Candidate, ReadAs, discover};
use super::evtx::{
    self, CHUNK_SIZE, ChunkExtent, ChunkReader, OpenFile, Pass, WorkItem, WorkResult, read_chunk_guarded,
};
use super::fault_log::{Remark, describe};
use super::input::Origin;
use super::options::{Inputs, LoadOptions};
use super::read_at::read_at;
use super::sink::Sink;
use super::text::{self, Done};
use crate::files::open::open_file;
use crate::model::batch::{Batch, SourceId};
use crate::model::fault::{Fault, FaultKind, Severity};
use crate::model::feed::{FeedMessage, Progress, SOURCE_THREAD, SourceInfo};

/// Maximum number of threads; more do not help.
const MAX_THREADS: usize = 64;

/// Reads all logs that the paths name, folders with all that is in them, and hands over what is in them; returns when
/// all is read, on a stop, or when `sink` returns `false` since its receiver is gone.
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

/// Loads with all options of the inputs.
pub fn load_inputs(
    paths: &[PathBuf],
    inputs: Inputs,
    options: &LoadOptions,
    progress: &Progress,
    sink: &(dyn Fn(FeedMessage) -> bool + Sync),
) {
    let sink = Sink::new(progress, sink, inputs.wanted);
    let files = discover(paths, inputs.format, progress, &mut |fault| sink.send(FeedMessage::Fault(fault)));
    load_files(files, inputs, *options, &sink);
    sink.send(FeedMessage::Finished);
}

/// Reads files that were found; they are numbered from 0 in their order.
pub(super) fn load_files(files: Vec<Candidate>, inputs: Inputs, options: LoadOptions, sink: &Sink<'_>) {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let wanted = if options.threads == 0 { cores() } else { options.threads };
    let chunks = files.iter().map(|file| file.size / CHUNK_SIZE as u64 + 1).sum::<u64>();
    let useful = usize::try_from(chunks).unwrap_or(usize::MAX).max(1);
    // A pipe may never end, and nothing shall wait for it.
    let pipes = files.iter().filter(|file| file.read_as == ReadAs::Stream(Origin::StandardInput)).count();
    let threads = wanted.min(MAX_THREADS).min(useful) + pipes;
    let queue = WorkQueue {
        files,
        inputs,
        threads: threads as u64,
        state: Mutex::default(),
        changed: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            // Fewer threads do as well.
            let _ = thread::Builder::new()
                .name(SOURCE_THREAD.to_owned())
                .spawn_scoped(scope, || Worker::new(&queue, sink).work());
        }
        Worker::new(&queue, sink).work();
    });
    for file in queue.lock().open.drain(..) {
        sink.send_last_batch(&file.info, file.abandon());
    }
}

/// Minimum size of a text with which idle workers help.
const WORTH_HELP: u64 = 2 << 20;

/// The work that all threads take from.
struct WorkQueue {
    files: Vec<Candidate>,
    inputs: Inputs,
    threads: u64,
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    next_file: usize,
    opening: usize,
    open: Vec<Arc<OpenFile>>,
}

enum Job {
    Open(usize),
    Read(Arc<OpenFile>, WorkItem),
}

impl WorkQueue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for work; `None` when there will be none.
    fn take(&self, sink: &Sink<'_>) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if sink.is_over() {
                return None;
            }
            for file in &state.open {
                if let Some(item) = file.take_work(self.threads) {
                    return Some(Job::Read(Arc::clone(file), item));
                }
            }
            if state.next_file < self.files.len() {
                state.next_file += 1;
                state.opening += 1;
                return Some(Job::Open(state.next_file - 1));
            }
            if state.open.is_empty() && state.opening == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Threads that will find no file of their own.
    fn idle_threads(&self) -> usize {
        let state = self.lock();
        let files = self.files.len().saturating_sub(state.next_file) + state.opening;
        usize::try_from(self.threads).unwrap_or(1).saturating_sub(files.max(1))
    }

    /// Wakes all waiting workers. The lock is taken so that none is between its check and its wait.
    fn wake_all(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    fn opened(&self, file: Option<Arc<OpenFile>>) {
        let mut state = self.lock();
        state.opening -= 1;
        state.open.extend(file);
        drop(state);
        self.changed.notify_all();
    }

    fn closed(&self, file: &Arc<OpenFile>) {
        self.lock().open.retain(|other| !Arc::ptr_eq(other, file));
        self.changed.notify_all();
    }
}

struct Worker<'a> {
    queue: &'a WorkQueue,
    sink: &'a Sink<'a>,
    reader: ChunkReader,
    buffer: Vec<u8>,
}

/// If the consumer panics on this worker, stops the other workers; they would wait forever.
struct StopOnPanic<'a> {
    queue: &'a WorkQueue,
    sink: &'a Sink<'a>,
}

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.sink.end();
            self.queue.wake_all();
        }
    }
}

impl<'a> Worker<'a> {
    fn new(queue: &'a WorkQueue, sink: &'a Sink<'a>) -> Self {
        let reader = ChunkReader::new(queue.inputs.wanted, queue.inputs.telemetry);
        Self { queue, sink, reader, buffer: vec![0; CHUNK_SIZE] }
    }

    fn work(&mut self) {
        let _stop = StopOnPanic { queue: self.queue, sink: self.sink };
        while let Some(job) = self.queue.take(self.sink) {
            match job {
                Job::Open(number) => self.open(number),
                Job::Read(file, item) => self.read_and_advance(&file, Some(&item)),
            }
        }
        // Waiting workers see that it is over.
        self.queue.wake_all();
    }

    fn open(&mut self, number: usize) {
        let Some(candidate) = self.queue.files.get(number) else {
            self.queue.opened(None);
            return;
        };
        let path = &candidate.path;
        let name = candidate.name();
        let id = SourceId(u32::try_from(number).unwrap_or(u32::MAX));
        let size = (candidate.read_as != ReadAs::Stream(Origin::StandardInput)).then_some(candidate.size);
        let info = SourceInfo { id, path: path.clone(), name, size };
        self.sink.send(FeedMessage::Source(info.clone()));
        let Some(opened) = self.sink.guarded(&info, || self.open_candidate(candidate, &info)) else {
            return self.done_with_none();
        };
        match opened {
            Ok(None) => self.done_with_none(),
            Ok(Some(file)) => {
                let file = Arc::new(file);
                self.sink.progress.bytes_done.fetch_add(file.head_bytes(), Ordering::Relaxed);
                // A small file never needs to be seen by the others.
                let item = file.take_work(self.queue.threads);
                self.queue.opened(Some(Arc::clone(&file)));
                self.read_and_advance(&file, item.as_ref());
            }
            Err(error) => {
                let fault = Fault::new(path.display().to_string(), describe(&error)).of_source(id);
                self.sink.send(FeedMessage::Fault(fault.with_severity(Severity::Unreadable)));
                self.done_with_none();
            }
        }
    }

    /// Opens a log, whose chunks are read by all workers; any other source is read here, to its end.
    fn open_candidate(&self, candidate: &Candidate, info: &SourceInfo) -> io::Result<Option<OpenFile>> {
        let file = match &candidate.read_as {
            ReadAs::Log => open_file(&candidate.path)?,
            ReadAs::Stream(origin) => {
                let hands = if candidate.size < WORTH_HELP { 0 } else { self.queue.idle_threads() };
                match text::read(info, origin, self.queue.inputs, hands, self.sink) {
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
        self.sink.progress.files_done.fetch_add(1, Ordering::Relaxed);
        self.queue.opened(None);
    }

    fn read_and_advance(&mut self, file: &Arc<OpenFile>, item: Option<&WorkItem>) {
        let sink = self.sink;
        let done = sink.guarded(&file.info, || {
            if let Some(item) = item {
                self.read(file, item);
            }
            self.advance(file);
        });
        if done.is_none() {
            self.reader = self.reader.fresh();
            sink.progress.files_done.fetch_add(1, Ordering::Relaxed);
            self.queue.closed(file);
        }
    }

    /// A log that came packed counts with the size that it has now.
    fn unpacked(&self, packed: u64, file: &File) {
        let size = file.metadata().map_or(packed, |metadata| metadata.len());
        let found = &self.sink.progress.bytes_found;
        found.fetch_add(size, Ordering::Relaxed);
        found.fetch_sub(packed, Ordering::Relaxed);
    }

    fn advance(&mut self, file: &Arc<OpenFile>) {
        if self.sink.is_over() {
            return;
        }
        match file.advance(&|| self.sink.is_over()) {
            Some(batch) => {
                self.sink.send_last_batch(&file.info, batch);
                self.sink.progress.files_done.fetch_add(1, Ordering::Relaxed);
                self.queue.closed(file);
            }
            // There may be new work in it.
            None => self.queue.wake_all(),
        }
    }

    fn read(&mut self, file: &OpenFile, item: &WorkItem) {
        let mut result = WorkResult::default();
        for slot in &item.slots {
            if self.sink.is_over() {
                break;
            }
            self.slot(file, *slot, item, &mut result);
        }
        file.merge(result);
    }

    fn slot(&mut self, file: &OpenFile, slot: ChunkExtent, item: &WorkItem, result: &mut WorkResult) {
        let Some(buffer) = self.buffer.get_mut(..slot.length) else { return };
        let read = match read_at(&file.file, buffer, slot.start) {
            Ok(read) => read,
            Err(error) => {
                let (bytes, error) = (slot.length as u64, error.to_string());
                let remark = Remark::new(FaultKind::BytesUnread { bytes, error });
                result.remarks.push((slot.start, remark));
                // Its records without a template are counted as lost.
                if !matches!(item.pass, Pass::RecordsWithoutTemplate(..)) {
                    return;
                }
                0
            }
        };
        if read < slot.length {
            result.shrunk_at = Some(result.shrunk_at.unwrap_or(u64::MAX).min(slot.start + read as u64));
        }
        let is_grid = matches!(item.pass, Pass::Grid);
        let chunk = self.buffer.get(..read).unwrap_or_default();
        if is_grid {
            result.bytes_seen += read as u64;
            self.sink.progress.bytes_done.fetch_add(read as u64, Ordering::Relaxed);
            if !evtx::is_chunk(chunk) {
                if !evtx::is_unused(chunk) {
                    result.off_grid.push((slot.start - file.head_bytes()) / CHUNK_SIZE as u64);
                }
                return;
            }
        }
        let mut batch = Batch::new(file.info.id);
        let stated = evtx::stated_records(chunk);
        let findings = match &item.pass {
            Pass::Grid | Pass::Elsewhere => {
                read_chunk_guarded(&mut self.reader, stated, &mut batch, |reader, batch| {
                    reader.read(chunk, slot.start, batch)
                })
            }
            Pass::RecordsWithoutTemplate(without_template, recovered) => {
                let Some(without_template) = without_template.get(&slot.start) else { return };
                read_chunk_guarded(
                    &mut self.reader,
                    without_template.len() as u64,
                    &mut batch,
                    |reader, batch| {
                        reader.read_without_template(chunk, slot.start, without_template, recovered, batch)
                    },
                )
            }
        };
        if is_grid {
            batch.tally.bytes = read as u64;
            result.bytes_sent += read as u64;
        }
        result.chunks.push((slot, findings));
        self.sink.send_batch(batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_consumer_ends_load() {
        let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let ended = thread::spawn(move || {
            load(&[fixtures], &LoadOptions { threads: 4 }, &Progress::default(), &|message| {
                assert!(!matches!(message, FeedMessage::Batch(_)), "on purpose");
                true
            });
        });
        assert!(ended.join().is_err());
    }
}
