//! A writer of EVTX files as Windows writes them: a file header, then chunks of 64 KiB with records of binary XML.
//!
//! | module | content |
//! |---|---|
//! | [`record`] | the parts of an event: provider, shape, values |
//! | [`value`] | typed values and their bytes |
//! | [`chunk`] | a chunk: its header, its tables of names and templates, its records |
//! | [`binxml`] | elements, attributes and substitutions |
//! | [`templates`] | the two templates of a record: Event/System outside, EventData inside |
//!
//! It streams: a chunk is written as soon as it is full, so that a log may be larger than memory.

pub mod binxml;
pub mod chunk;
pub mod record;
pub mod templates;
pub mod value;

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use chunk::Chunk;
use record::{ComputerName, Record};

/// Bytes before the first chunk, all but the first 128 of them zero.
const FILE_HEADER_BLOCK: usize = 4096;

/// Writes one EVTX file.
pub struct EvtxWriter<W> {
    out: W,
    chunk: Chunk,
    chunks: u16,
    records: u64,
    next_record_id: u64,
}

impl<W: Write + Seek> EvtxWriter<W> {
    /// A file in which `computer_name` decides how `Computer` is written.
    pub fn new(mut out: W, computer_name: ComputerName) -> io::Result<Self> {
        out.write_all(&[0; FILE_HEADER_BLOCK])?;
        Ok(Self { out, chunk: Chunk::new(computer_name), chunks: 0, records: 0, next_record_id: 1 })
    }

    /// Adds a record. Record numbers should rise.
    pub fn write(&mut self, record: &Record<'_>) -> io::Result<()> {
        if !self.chunk.add(record, self.records + 1) {
            self.flush_chunk()?;
            if !self.chunk.add(record, self.records + 1) {
                return Err(io::Error::other("the record is larger than a chunk"));
            }
        }
        self.records += 1;
        self.next_record_id = record.record_id.saturating_add(1);
        Ok(())
    }

    /// Writes the last chunk and the file header.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.chunk.is_empty() || self.chunks == 0 {
            self.flush_chunk()?;
        }
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&file_header(self.chunks, self.next_record_id))?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn flush_chunk(&mut self) -> io::Result<()> {
        self.out.write_all(self.chunk.seal())?;
        self.chunk.clear();
        self.chunks =
            self.chunks.checked_add(1).ok_or_else(|| io::Error::other("more than 65,535 chunks"))?;
        Ok(())
    }
}

/// A whole file in memory.
pub fn to_bytes<'a>(
    computer_name: ComputerName,
    records: impl IntoIterator<Item = Record<'a>>,
) -> io::Result<Vec<u8>> {
    let mut writer = EvtxWriter::new(Cursor::new(Vec::new()), computer_name)?;
    for record in records {
        writer.write(&record)?;
    }
    Ok(writer.finish()?.into_inner())
}

fn file_header(chunks: u16, next_record_id: u64) -> Vec<u8> {
    let mut header = b"ElfFile\0".to_vec();
    header.extend(0_u64.to_le_bytes()); // number of the first chunk
    header.extend(u64::from(chunks.saturating_sub(1)).to_le_bytes()); // and of the last
    header.extend(next_record_id.to_le_bytes());
    header.extend(128_u32.to_le_bytes()); // size of this header
    header.extend(1_u16.to_le_bytes()); // version 3.1
    header.extend(3_u16.to_le_bytes());
    header.extend(4096_u16.to_le_bytes()); // size of the block that holds it
    header.extend(chunks.to_le_bytes());
    header.resize(120, 0);
    let checksum = crc32fast::hash(&header);
    header.extend(0_u32.to_le_bytes()); // flags: neither dirty nor full
    header.extend(checksum.to_le_bytes());
    header
}
