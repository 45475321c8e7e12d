//! Positions of the records of an intact file.

use crate::support::evtx_writer::chunk::{CHUNK_SIZE, RECORDS_START};
use crate::support::scenarios::Log;

/// Bytes before the first chunk.
pub const FILE_HEADER_BLOCK: usize = 4096;

/// A record's position in its file.
#[derive(Clone, Debug)]
pub struct Placed {
    pub chunk: usize,
    pub offset: usize,
    pub size: usize,
    /// True for one of the uploads.
    pub is_hit: bool,
}

impl Placed {
    pub fn end(&self) -> usize {
        self.offset + self.size
    }
}

/// The positions of a log's records.
pub fn places(file: &[u8], log: &Log) -> Vec<Placed> {
    let mut found: Vec<Placed> = Vec::new();
    let mut events = log.events.iter();
    for (chunk, start) in (FILE_HEADER_BLOCK..file.len()).step_by(CHUNK_SIZE).enumerate() {
        let mut offset = start + RECORDS_START;
        while file.get(offset..offset + 4) == Some(b"**\0\0") {
            let size = usize::try_from(number(file, offset + 4)).expect("a record's size");
            let event = events.next().expect("as many records as events");
            found.push(Placed {
                chunk,
                offset,
                size,
                is_hit: event.text("CommandLine").contains("api.github.com"),
            });
            offset += size;
        }
    }
    assert!(events.next().is_none(), "as many events as records");
    found
}

fn number(file: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([file[at], file[at + 1], file[at + 2], file[at + 3]])
}
