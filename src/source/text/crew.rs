//! Threads that read the blocks of one stream beside the one that cuts them out of it. What they read comes back in the
//! stream's order.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
use std::thread::{self, Scope};

use super::block::{Block, BlockReader, Remark};
use crate::model::batch::{Batch, SourceId};
use crate::model::fault::{Severity, SkipReason};
use crate::model::feed::SOURCE_THREAD;
use crate::model::guard::{IS_A_BUG, guarded};

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
        *reader = reader.twin();
        batch = Batch::new(source);
        let lost = block.steps.len() as u64;
        batch.tally.skip(SkipReason::Damaged, lost);
        let reason = format!("the reader failed on the lines from {} on, {IS_A_BUG}", block.line);
        remarks = vec![Remark { severity: Severity::Loss, record: None, lost_records: lost, reason }];
    }
    Reading { batch, remarks }
}

struct Hand {
    blocks: SyncSender<Block>,
    readings: Receiver<Reading>,
}

/// Who reads a block.
enum Turn {
    /// It was read at once.
    Done(Box<Reading>),
    /// The hand of that number does.
    Hand(usize),
}

/// Reads blocks with as many hands as there are, and by itself where all of them are busy.
pub(super) struct Crew<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    most_hands: usize,
    source: SourceId,
    hands: Vec<Hand>,
    turns: VecDeque<Turn>,
}

impl<'scope, 'env> Crew<'scope, 'env> {
    /// A crew of so many beside whoever calls; they begin with the first block.
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, most_hands: usize, source: SourceId) -> Self {
        Self { scope, most_hands, source, hands: Vec::new(), turns: VecDeque::new() }
    }

    fn hire(&mut self, reader: &BlockReader) {
        let (blocks, work) = sync_channel::<Block>(1);
        let (done, readings) = channel();
        let (mut reader, source) = (reader.twin(), self.source);
        let hand =
            thread::Builder::new().name(SOURCE_THREAD.to_owned()).spawn_scoped(self.scope, move || {
                for block in work {
                    if done.send(read(&mut reader, &block, source)).is_err() {
                        break;
                    }
                }
            });
        if hand.is_ok() {
            self.hands.push(Hand { blocks, readings });
        } else {
            // Fewer hands do as well.
            self.most_hands = self.hands.len();
        }
    }

    /// Has a block read, by a hand that is free or with this reader.
    pub(super) fn give(&mut self, mut block: Block, reader: &mut BlockReader) {
        while self.hands.len() < self.most_hands {
            self.hire(reader);
        }
        for (number, hand) in self.hands.iter().enumerate() {
            match hand.blocks.try_send(block) {
                Ok(()) => {
                    self.turns.push_back(Turn::Hand(number));
                    return;
                }
                Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => block = back,
            }
        }
        self.turns.push_back(Turn::Done(Box::new(read(reader, &block, self.source))));
    }

    /// The next block's reading. Where it is not there yet, it is waited for if too many are under way, or if all of
    /// them are asked for.
    pub(super) fn next(&mut self, is_end: bool) -> Option<Reading> {
        match self.turns.pop_front()? {
            Turn::Done(reading) => Some(*reading),
            Turn::Hand(number) => {
                let hand = self.hands.get(number)?;
                match hand.readings.try_recv() {
                    Ok(reading) => Some(reading),
                    Err(TryRecvError::Empty) if is_end || self.turns.len() > 2 * self.most_hands => {
                        hand.readings.recv().ok()
                    }
                    Err(TryRecvError::Empty) => {
                        self.turns.push_front(Turn::Hand(number));
                        None
                    }
                    Err(TryRecvError::Disconnected) => {
                        let reason = "a part of it was lost with the thread that read it, which is a bug; please send it in";
                        let remark = Remark {
                            severity: Severity::Loss,
                            record: None,
                            lost_records: 0,
                            reason: reason.to_owned(),
                        };
                        Some(Reading { batch: Batch::new(self.source), remarks: vec![remark] })
                    }
                }
            }
        }
    }
}
