//! The part of a stream that is held: it grows at its end, and whole records are cut off at its beginning.

use std::io::{self, Read};

use super::block::Block;
use super::framing::{Framer, Step};
use super::input::Stream;
use crate::model::batch::Place;

const CHUNK: usize = 256 << 10;
/// More steps than this are not held at a time: a hostile window is millions of lines of two bytes.
const MAX_STEPS: usize = 1 << 16;

/// The part of the stream that is held.
pub(super) struct Window {
    pub(super) framer: Framer,
    /// What is read at a time.
    chunk: Vec<u8>,
    data: Vec<u8>,
    /// What stands before this is cut off already.
    from: usize,
    place: Place,
    line: u64,
    lost_line: Option<u64>,
}

impl Window {
    pub(super) fn new(framer: Framer) -> Self {
        Self { framer, chunk: vec![0; CHUNK], data: Vec::new(), from: 0, place: 0, line: 1, lost_line: None }
    }

    /// Reads more; gives the number of bytes.
    pub(super) fn fill(&mut self, stream: &mut Stream<'_>) -> io::Result<usize> {
        self.data.drain(..std::mem::take(&mut self.from));
        loop {
            match stream.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(read) => {
                    self.data.extend_from_slice(self.chunk.get(..read).unwrap_or_default());
                    return Ok(read);
                }
            }
        }
    }

    pub(super) fn last_line(&self) -> u64 {
        self.line + lines(self.held())
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.held().len()
    }

    fn held(&self) -> &[u8] {
        self.data.get(self.from..).unwrap_or_default()
    }

    /// Cuts off the records that are whole, or the first of many; `None` where there are none. It is called until then
    /// before more is read.
    pub(super) fn cut(&mut self, is_end: bool) -> Option<Block> {
        let was_skipping = self.framer.is_skipping();
        let mut steps = Vec::new();
        let held = self.data.get(self.from..).unwrap_or_default();
        while steps.len() < MAX_STEPS {
            match self.framer.next(held, is_end) {
                Step::More => break,
                step => steps.push(step),
            }
        }
        let is_full = steps.len() == MAX_STEPS;
        let is_all = is_end && !is_full;
        let done = if is_all { held.len() } else { self.framer.done().min(held.len()) };
        if !was_skipping && self.framer.is_skipping() {
            // Where the record began that is being passed over; its beginning is let go of now.
            self.lost_line = Some(self.line);
        }
        let lost_line = if steps.is_empty() { None } else { self.lost_line.take() };
        let data = if is_full || self.from > 0 {
            let data = held.get(..done).unwrap_or_default().to_vec();
            self.from += done;
            data
        } else {
            let rest = self.data.split_off(done);
            std::mem::replace(&mut self.data, rest)
        };
        self.framer.cut(&data);
        let block = Block { place: self.place, line: self.line, lost_line, steps, data, names: None };
        self.place += done as u64;
        self.line += lines(&block.data);
        (!block.steps.is_empty()).then_some(block)
    }
}

/// Line ends in bytes.
pub(super) fn lines(data: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', data).count() as u64
}
