//! The layout of a file: the offsets of its chunks.
//!
//! Normally there is one every 64 KiB after a header of 4096 bytes. The header is never believed: that grid is tried,
//! and whatever part of the file does not fit it is surveyed for chunks at any offset.

use std::fs::File;
use std::io;

use memchr::memmem;

use super::bytes::is_zero;
use super::header::{CHUNK_MAGIC, CHUNK_SIZE, ChunkHeader, HEADER_SIZE};
use super::records::{RECORD_MAGIC, holds_record};
use crate::source::read_at::read_at;

/// Bytes before the first chunk.
const FILE_HEADER: u64 = 4096;
/// Signature of a file.
const FILE_MAGIC: &[u8; 8] = b"ElfFile\0";
const CHUNK: u64 = CHUNK_SIZE as u64;

/// A part of a file that is read as one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct ChunkExtent {
    /// Its offset in the file.
    pub(in crate::source) start: u64,
    /// Its bytes; fewer than 64 KiB where it is cut short.
    pub(in crate::source) length: usize,
}

/// The content of a part of a file that does not fit the grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::source) struct Layout {
    /// The chunks in it.
    pub(in crate::source) chunks: Vec<ChunkExtent>,
    /// The parts that hold no records and are not zeros: beginning and end.
    pub(in crate::source) unusable: Vec<(u64, u64)>,
}

/// Returns whether a file that begins with these bytes is a log.
pub(in crate::source) fn is_log_head(head: &[u8]) -> bool {
    head.starts_with(FILE_MAGIC) || head.starts_with(CHUNK_MAGIC)
}

/// Returns whether a file that begins with these bytes has a file's header, not one of a chunk.
pub(super) fn is_file_head(head: &[u8]) -> bool {
    head.starts_with(FILE_MAGIC)
}

/// Returns the offset of the grid of chunks in a file that begins with these bytes.
pub(in crate::source) fn base_of(head: &[u8]) -> u64 {
    if head.starts_with(CHUNK_MAGIC) { 0 } else { FILE_HEADER }
}

/// Scans the part of a file from `start` to `end`, which lies on the grid but holds no chunk there, for chunks at any
/// offset. The chunk before it is known to end at `search_from`, which may lie before `start`.
///
/// # Errors
/// The file can't be read.
pub(in crate::source) fn scan_for_chunks(
    file: &File,
    search_from: u64,
    start: u64,
    end: u64,
    is_stopped: &dyn Fn() -> bool,
) -> io::Result<Layout> {
    let mut read = |buffer: &mut [u8], at| read_at(file, buffer, at);
    let mut layout =
        Layout { chunks: find_headers(&mut read, search_from, start, end, is_stopped)?, ..Layout::default() };
    fit(&mut layout.chunks, end);
    let mut from = start;
    for slot in layout.chunks.clone() {
        if slot.start > from {
            settle(file, from, slot.start, &mut layout)?;
        }
        from = from.max(slot.start + slot.length as u64);
    }
    if from < end && !is_stopped() {
        settle(file, from, end, &mut layout)?;
    }
    layout.chunks.sort_by_key(|slot| slot.start);
    Ok(layout)
}

/// Finds the chunk headers from `search_from` to `end`; each chunk has its full size. Each byte is read once, and the
/// bytes of a header twice where it lies across two windows.
fn find_headers(
    read: &mut dyn FnMut(&mut [u8], u64) -> io::Result<usize>,
    search_from: u64,
    start: u64,
    end: u64,
    is_stopped: &dyn Fn() -> bool,
) -> io::Result<Vec<ChunkExtent>> {
    let mut chunks: Vec<ChunkExtent> = Vec::new();
    let mut buffer = vec![0; CHUNK_SIZE + HEADER_SIZE];
    let mut base = search_from;
    while base < end && !is_stopped() {
        let length = read(&mut buffer, base)?;
        let window = buffer.get(..length).unwrap_or_default();
        let is_last = length < CHUNK_SIZE + HEADER_SIZE;
        let mut next = 0;
        for found in memmem::find_iter(window, CHUNK_MAGIC) {
            let at = base + found as u64;
            // A header that this window may cut is judged in the next one.
            if at >= end || (found >= CHUNK_SIZE && !is_last) {
                break;
            }
            if found < next {
                continue;
            }
            let head = window.get(found..).unwrap_or_default();
            let header = ChunkHeader::read(head);
            // Inside of a chunk only a header without doubt ends it.
            let is_inside = at < start || chunks.last().is_some_and(|last| at < last.start + CHUNK);
            let is_cut = head.len() < HEADER_SIZE;
            if if is_inside { header.trusted } else { header.is_plausible(head) || is_cut } {
                chunks.push(ChunkExtent { start: at, length: CHUNK_SIZE });
                next = found + HEADER_SIZE;
            }
        }
        if is_last {
            break;
        }
        base += next.max(CHUNK_SIZE) as u64;
    }
    Ok(chunks)
}

/// No chunk reaches into the next, or over the end.
fn fit(chunks: &mut [ChunkExtent], end: u64) {
    let mut limit = end;
    for slot in chunks.iter_mut().rev() {
        let room = usize::try_from(limit.saturating_sub(slot.start)).unwrap_or(usize::MAX);
        slot.length = slot.length.min(room);
        limit = slot.start;
    }
}

/// Judges bytes between chunks: chunks without a header, zeros, or unusable.
fn settle(file: &File, from: u64, to: u64, layout: &mut Layout) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK_SIZE];
    let base = headless_base(file, from, to, &mut buffer)?;
    let mut at = from;
    let mut next = base.unwrap_or(from);
    while at < to {
        if at == next {
            next += CHUNK;
        }
        let end = next.min(to);
        let length = usize::try_from(end - at).unwrap_or(CHUNK_SIZE).min(CHUNK_SIZE);
        let end = at + length as u64;
        let read = buffer.get_mut(..length).map_or(Ok(0), |buffer| read_at(file, buffer, at))?;
        let part = buffer.get(..read).unwrap_or_default();
        if base.is_some_and(|base| at >= base) && holds_record(part).is_some() {
            layout.chunks.push(ChunkExtent { start: at, length });
        } else if !is_zero(part) {
            match layout.unusable.last_mut() {
                Some(last) if last.1 == at => last.1 = end,
                _ => layout.unusable.push((at, end)),
            }
        }
        at = end;
    }
    Ok(())
}

/// Offset of a chunk without header, whose records begin 512 bytes after it. The chunks around it say where that may
/// be; else the first record does.
fn headless_base(file: &File, from: u64, to: u64, buffer: &mut [u8]) -> io::Result<Option<u64>> {
    let mut magic = [0; RECORD_MAGIC.len()];
    let behind = to - (to - from) / CHUNK * CHUNK;
    for base in [from, behind] {
        if base < to
            && read_at(file, &mut magic, base + HEADER_SIZE as u64)? == magic.len()
            && magic == *RECORD_MAGIC
        {
            return Ok(Some(base));
        }
    }
    let mut at = from;
    while at < to {
        let length = usize::try_from(to - at).unwrap_or(CHUNK_SIZE).min(CHUNK_SIZE);
        let read = buffer.get_mut(..length).map_or(Ok(0), |buffer| read_at(file, buffer, at))?;
        if read == 0 {
            break;
        }
        if let Some(found) = holds_record(buffer.get(..read).unwrap_or_default()) {
            let record = at + found as u64;
            // A record deep inside of a part that lies on the grid belongs to a chunk there.
            let aligned = from + (record - from) / CHUNK * CHUNK;
            let close = (record - aligned) < HEADER_SIZE as u64 + 64;
            return Ok(Some(match record.checked_sub(HEADER_SIZE as u64) {
                Some(base) if close && base >= from => base,
                _ => aligned,
            }));
        }
        at += CHUNK - 64;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A plausible header of a chunk, with a wrong checksum.
    fn header() -> Vec<u8> {
        let mut header = vec![0xee; HEADER_SIZE];
        header[..8].copy_from_slice(CHUNK_MAGIC);
        header[40..44].copy_from_slice(&128_u32.to_le_bytes());
        header[48..52].copy_from_slice(&512_u32.to_le_bytes());
        header[120..124].fill(0);
        header
    }

    /// Offsets of the headers in some bytes, and the bytes that were read to find them.
    fn headers(bytes: &[u8]) -> (Vec<u64>, usize) {
        let mut work = 0;
        let mut read = |buffer: &mut [u8], at: u64| {
            let rest = &bytes[bytes.len().min(usize::try_from(at).unwrap())..];
            let length = rest.len().min(buffer.len());
            buffer[..length].copy_from_slice(&rest[..length]);
            work += length;
            Ok(length)
        };
        let chunks = find_headers(&mut read, 0, 0, bytes.len() as u64, &|| false).unwrap();
        (chunks.iter().map(|chunk| chunk.start).collect(), work)
    }

    /// The same header with a right checksum.
    fn trusted() -> Vec<u8> {
        let mut header = header();
        let mut sum = crc32fast::Hasher::new();
        sum.update(&header[..120]);
        sum.update(&header[128..]);
        header[124..128].copy_from_slice(&sum.finalize().to_le_bytes());
        header
    }

    #[test]
    fn headers_are_found_at_any_offset() {
        for gap in [0, 1, 511, 513, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 100, 3 * CHUNK_SIZE + 7] {
            let bytes = [vec![1; gap], header(), vec![1; 2 * CHUNK_SIZE]].concat();
            assert_eq!(headers(&bytes).0, [gap as u64], "{gap}");
            let bytes = [vec![1; gap], header()[..40].to_vec()].concat();
            assert_eq!(headers(&bytes).0, [gap as u64], "cut at the end, {gap}");
            let bytes = [vec![1; gap], b"ElfChnk\0".to_vec(), vec![1; 2 * CHUNK_SIZE]].concat();
            assert!(headers(&bytes).0.is_empty(), "no header, {gap}");
        }
    }

    #[test]
    fn only_trusted_header_ends_chunk() {
        let bytes = [header(), header(), trusted(), vec![1; CHUNK_SIZE]].concat();
        assert_eq!(headers(&bytes).0, [0, 1024]);
    }

    #[test]
    fn many_headers_are_read_once() {
        let bytes = trusted().repeat(2048);
        let (found, work) = headers(&bytes);
        assert_eq!(found.len(), 2048);
        assert!(work <= bytes.len() + bytes.len() / 64, "{work} of {}", bytes.len());
    }
}
