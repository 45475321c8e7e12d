//! Worker threads that parse the blocks of one stream. Results come back in stream order.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
use std::thread::{self, Scope};

use super::block::{Block, BlockReader};
use crate::model::batch::{Batch, SourceId};
use crate::model::fault::{BugIn, FaultKind, SkipReason};
use crate::model::feed::SOURCE_THREAD;
use crate::model::guard::guarded;
use crate::source::fault_log::Remark;

/// The result of a block.
pub(super) struct Reading {
    pub(super) batch: Batch,
    pub(super) remarks: Vec<Remark>,
}

/// Parses a block. If the parser panics, the block is lost and the rest is read.
pub(super) fn read(reader: &mut BlockReader, block: &Block, source: SourceId) -> Reading {
    let mut batch = Batch::new(source);
    let mut remarks = Vec::new();
    let done = guarded(|| {
        #[cfg(test)]
        crate::model::guard::fail_on_purpose("fails-in-block", &block.data);
        reader.read(block, &mut batch, &mut remarks);
    });
    if done.is_none() {
        *reader = reader.fork();
        batch = Batch::new(source);
        let lost = block.frames.len() as u64;
        batch.tally.skip(SkipReason::Damaged, lost);
        remarks = vec![Remark::new(FaultKind::Bug(BugIn::Lines(block.line))).losing(lost)];
    }
    Reading { batch, remarks }
}

struct BlockWorker {
    blocks: SyncSender<Block>,
    readings: Receiver<Reading>,
}

/// The state of one block.
enum Pending {
    /// Parsed by the caller.
    Done(Box<Reading>),
    /// Pending on the worker of that number.
    Worker(usize),
}

/// A pool of workers. The caller parses a block itself when all of them are busy.
pub(super) struct WorkerPool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    max_workers: usize,
    source: SourceId,
    workers: Vec<BlockWorker>,
    pending: VecDeque<Pending>,
}

impl<'scope, 'env> WorkerPool<'scope, 'env> {
    /// A pool of at most `max_workers` threads, which start with the first block.
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, max_workers: usize, source: SourceId) -> Self {
        Self { scope, max_workers, source, workers: Vec::new(), pending: VecDeque::new() }
    }

    fn spawn(&mut self, reader: &BlockReader) {
        let (blocks, work) = sync_channel::<Block>(1);
        let (done, readings) = channel();
        let (mut reader, source) = (reader.fork(), self.source);
        let worker =
            thread::Builder::new().name(SOURCE_THREAD.to_owned()).spawn_scoped(self.scope, move || {
                for block in work {
                    if done.send(read(&mut reader, &block, source)).is_err() {
                        break;
                    }
                }
            });
        if worker.is_ok() {
            self.workers.push(BlockWorker { blocks, readings });
        } else {
            // Fewer workers are enough.
            self.max_workers = self.workers.len();
        }
    }

    /// Submits a block to a free worker, or parses it with `reader`.
    pub(super) fn submit(&mut self, mut block: Block, reader: &mut BlockReader) {
        while self.workers.len() < self.max_workers {
            self.spawn(reader);
        }
        for (number, worker) in self.workers.iter().enumerate() {
            match worker.blocks.try_send(block) {
                Ok(()) => {
                    self.pending.push_back(Pending::Worker(number));
                    return;
                }
                Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => block = back,
            }
        }
        self.pending.push_back(Pending::Done(Box::new(read(reader, &block, self.source))));
    }

    /// Returns the result of the next block. Waits for it when too many are pending, or at the end.
    pub(super) fn next(&mut self, is_end: bool) -> Option<Reading> {
        match self.pending.pop_front()? {
            Pending::Done(reading) => Some(*reading),
            Pending::Worker(number) => {
                let worker = self.workers.get(number)?;
                match worker.readings.try_recv() {
                    Ok(reading) => Some(reading),
                    Err(TryRecvError::Empty) if is_end || self.pending.len() > 2 * self.max_workers => {
                        worker.readings.recv().ok()
                    }
                    Err(TryRecvError::Empty) => {
                        self.pending.push_front(Pending::Worker(number));
                        None
                    }
                    Err(TryRecvError::Disconnected) => {
                        let remark = Remark::new(FaultKind::Bug(BugIn::Thread));
                        Some(Reading { batch: Batch::new(self.source), remarks: vec![remark] })
                    }
                }
            }
        }
    }
}
