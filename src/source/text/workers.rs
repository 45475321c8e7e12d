//! Threads that read the blocks of one stream beside the one that cuts them out of it. What they read comes back in the
//! stream's order.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
use std::thread::{self, Scope};

use super::block::{Block, BlockReader};
use crate::model::batch::{Batch, SourceId};
use crate::model::fault::{BugIn, FaultKind, SkipReason};
use crate::model::feed::SOURCE_THREAD;
use crate::model::guard::guarded;
use crate::source::fault_log::Remark;

/// What was read of a block.
pub(super) struct Reading {
    pub(super) batch: Batch,
    pub(super) remarks: Vec<Remark>,
}

/// Reads a block. Should the reader fail on it, the block is lost and the rest is read.
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

/// Who reads a block.
enum Pending {
    /// It was read at once.
    Done(Box<Reading>),
    /// The worker of that number does.
    Worker(usize),
}

/// Reads blocks with as many workers as there are, and by itself where all of them are busy.
pub(super) struct WorkerPool<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    max_workers: usize,
    source: SourceId,
    workers: Vec<BlockWorker>,
    pending: VecDeque<Pending>,
}

impl<'scope, 'env> WorkerPool<'scope, 'env> {
    /// A pool of so many beside whoever calls; they begin with the first block.
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
            // Fewer workers do as well.
            self.max_workers = self.workers.len();
        }
    }

    /// Has a block read, by a worker that is free or with this reader.
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

    /// The next block's reading. Where it is not there yet, it is waited for if too many are under way, or if all of
    /// them are asked for.
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
