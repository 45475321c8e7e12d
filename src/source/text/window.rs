//! The part of a stream that is held: it grows at its end, and whole records are cut off at its beginning.

use std::io::{self, Read};

use super::block::Block;
use super::framing::{Framer, Step};
use super::input::Stream;
use crate::model::batch::Place;

const CHUNK: usize = 256 << 10;

/// The part of the stream that is held.
pub(super) struct Window {
    pub(super) framer: Framer,
    /// What is read at a time.
    chunk: Vec<u8>,
    data: Vec<u8>,
    place: Place,
    line: u64,
    lost_line: Option<u64>,
}

impl Window {
    pub(super) fn new(framer: Framer) -> Self {
        Self { framer, chunk: vec![0; CHUNK], data: Vec::new(), place: 0, line: 1, lost_line: None }
    }

    /// Reads more; gives the number of bytes.
    pub(super) fn fill(&mut self, stream: &mut Stream<'_>) -> io::Result<usize> {
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
        self.line + lines(&self.data)
    }

    /// Cuts off the records that are whole; `None` where there are none.
    pub(super) fn cut(&mut self, is_end: bool) -> Option<Block> {
        let was_skipping = self.framer.is_skipping();
        let mut steps = Vec::new();
        loop {
            match self.framer.next(&self.data, is_end) {
                Step::More => break,
                step => steps.push(step),
            }
        }
        let done = if is_end { self.data.len() } else { self.framer.done().min(self.data.len()) };
        if !was_skipping && self.framer.is_skipping() {
            // Where the record began that is being passed over; its beginning is let go of now.
            self.lost_line = Some(self.line);
        }
        let lost_line = if steps.is_empty() { None } else { self.lost_line.take() };
        let rest = self.data.split_off(done);
        let data = std::mem::replace(&mut self.data, rest);
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
