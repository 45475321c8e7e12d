//! Shows a record raw: reads it again from its place, in whatever state its chunk is.

use std::fs::File;
use std::io;

use super::bytes::{size_at, u64_at};
use super::header::{CHUNK_MAGIC, CHUNK_SIZE, ChunkHeader, HEADER_SIZE};
use super::records::{RECORD_HEADER, Record, Step, Walk};
use super::slow::SlowReader;
use crate::files::open::open_file;
use crate::model::batch::Place;
use crate::model::feed::{RawEvents, SourceInfo};
use crate::source::read_at::read_at;

/// Events of Windows event logs, read again.
#[derive(Clone, Copy, Debug, Default)]
pub struct EvtxEvents;

impl RawEvents for EvtxEvents {
    fn xml(&self, source: &SourceInfo, place: Place) -> Result<String, String> {
        let name = source.path.display();
        let file =
            open_file(&source.path).map_err(|error| format!("{name} can't be opened again: {error}"))?;
        let (chunk, start) =
            chunk_around(&file, place).map_err(|error| format!("{name} can't be read again: {error}"))?;
        let record = record_at(&chunk, start)
            .ok_or_else(|| format!("{name} has changed: no record is at byte {place} any more"))?;
        SlowReader::indented()
            .xml(&chunk, &record)
            .map_err(|reason| format!("{name}, record {}: {reason}", record.id))
    }
}

/// The chunk around a place, and where in it the place is. Chunks lie on the file's grid, or (where that holds none)
/// wherever the next header before the place is.
fn chunk_around(file: &File, place: Place) -> io::Result<(Vec<u8>, usize)> {
    let mut head = [0; 8];
    let read = read_at(file, &mut head, 0)?;
    let base = super::layout::base_of(head.get(..read).unwrap_or_default());
    let on_grid = place.checked_sub(base).map(|offset| base + offset / CHUNK_SIZE as u64 * CHUNK_SIZE as u64);
    let mut starts = Vec::new();
    let begin = place.saturating_sub(CHUNK_SIZE as u64 - 1);
    let mut before = vec![0; CHUNK_SIZE - 1 + CHUNK_MAGIC.len()];
    let read = read_at(file, &mut before, begin)?;
    let before = before.get(..read).unwrap_or_default();
    for found in memchr::memmem::rfind_iter(before, CHUNK_MAGIC) {
        let head = before.get(found..).unwrap_or_default();
        let start = begin + found as u64;
        if start < place && (ChunkHeader::read(head).is_plausible(head) || head.len() < HEADER_SIZE) {
            starts.push(start);
        }
    }
    let start = match on_grid {
        Some(on_grid) if starts.contains(&on_grid) => on_grid,
        Some(on_grid) => starts.first().copied().unwrap_or(on_grid),
        None => starts.first().copied().unwrap_or(0),
    };
    let mut chunk = vec![0; CHUNK_SIZE];
    let read = read_at(file, &mut chunk, start)?;
    chunk.truncate(read);
    Ok((chunk, usize::try_from(place - start).unwrap_or(usize::MAX)))
}

fn record_at(chunk: &[u8], start: usize) -> Option<Record> {
    let mut walk = Walk::new(chunk, ChunkHeader::read(chunk));
    while let Some(step) = walk.step() {
        match step {
            Step::Record(record) if record.start == start => return Some(record),
            Step::Record(record) if record.start > start => break,
            _ => {}
        }
    }
    // Not where the walk comes by: whatever its own header says.
    let size = size_at(chunk, start.checked_add(4)?)?;
    let end = start.checked_add(size).filter(|end| *end <= chunk.len() && size >= RECORD_HEADER + 4)?;
    Some(Record {
        start,
        end,
        content_end: end - 4,
        id: u64_at(chunk, start + 8)?,
        filetime: u64_at(chunk, start + 16)?,
        is_whole: false,
    })
}
