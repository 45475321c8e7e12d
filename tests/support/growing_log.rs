//! A log as the event log service writes it: record by record into a chunk that is in the file already, headers
//! late, and now and then half of a record before the other half.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

const HEADER: usize = 4096;
const CHUNK: usize = 65_536;

/// One piece of writing: where, and which bytes of the finished log.
#[derive(Clone, Debug)]
pub struct Piece {
    pub from: usize,
    pub to: usize,
    /// The record of which this is the last piece, by its number.
    pub completes: Option<u64>,
}

/// Plays the writing of a finished log.
pub struct GrowingLog<'a> {
    bytes: &'a [u8],
    file: File,
    pieces: std::vec::IntoIter<Piece>,
}

impl<'a> GrowingLog<'a> {
    /// Begins the file at `path`, with an empty header and the first chunk's room.
    pub fn begin(path: &Path, bytes: &'a [u8]) -> io::Result<Self> {
        let mut file = OpenOptions::new().create(true).write(true).truncate(true).open(path)?;
        file.write_all(b"ElfFile\0")?;
        file.set_len((HEADER + CHUNK) as u64)?;
        Ok(Self { bytes, file, pieces: pieces(bytes).into_iter() })
    }

    /// Writes the next piece; `None` at the end.
    pub fn step(&mut self) -> io::Result<Option<Piece>> {
        let Some(piece) = self.pieces.next() else { return Ok(None) };
        let chunk_end = HEADER + (piece.from - HEADER) / CHUNK * CHUNK + CHUNK;
        if self.file.metadata()?.len() < chunk_end as u64 {
            self.file.set_len(chunk_end as u64)?;
        }
        self.file.seek(SeekFrom::Start(piece.from as u64))?;
        self.file.write_all(&self.bytes[piece.from..piece.to])?;
        Ok(Some(piece))
    }

    /// Writes all headers, as a service does when it closes the log.
    pub fn close(mut self) -> io::Result<()> {
        self.file.set_len(self.bytes.len() as u64)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(self.bytes)?;
        self.file.flush()
    }
}

/// Chunk by chunk: a header that is wrong from the second record on, then the records, every third in two halves.
fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for start in (HEADER..bytes.len()).step_by(CHUNK) {
        pieces.push(Piece { from: start, to: start + 512, completes: None });
        let mut at = start + 512;
        while bytes.get(at..at + 4) == Some(b"\x2a\x2a\0\0") {
            let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().expect("four bytes")) as usize;
            let id = u64::from_le_bytes(bytes[at + 8..at + 16].try_into().expect("eight bytes"));
            if id % 3 == 0 {
                let half = at + size / 2;
                pieces.push(Piece { from: at, to: half, completes: None });
                pieces.push(Piece { from: half, to: at + size, completes: Some(id) });
            } else {
                pieces.push(Piece { from: at, to: at + size, completes: Some(id) });
            }
            at += size;
        }
    }
    pieces
}
