//! The header of a chunk, and how far it can be believed. Layout: libyal's libevtx, section "Chunk header"; the service
//! writes it after the records.

use super::bytes::{size_at, u32_at, u64_at};

/// Bytes of a chunk.
pub(in crate::source) const CHUNK_SIZE: usize = 65_536;
/// Bytes before its first record.
pub(super) const HEADER_SIZE: usize = 512;
/// Signature of a chunk.
pub(super) const CHUNK_MAGIC: &[u8; 8] = b"ElfChnk\0";
/// Minimum bytes of a record: its header of 24 bytes and the copy of its size.
pub(in crate::source) const MIN_RECORD: usize = 28;
/// Records that a chunk has room for.
pub(in crate::source) const MAX_RECORDS: u64 = ((CHUNK_SIZE - HEADER_SIZE) / MIN_RECORD) as u64;
/// The flag of a chunk without checksums.
const NO_CHECKSUMS: u32 = 4;

/// The fields of a chunk's header, as they are written; [`ChunkHeader::trusted`] is true if its checksum is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ChunkHeader {
    pub(super) has_magic: bool,
    /// True if the magic is there and the header's checksum is right.
    pub(super) trusted: bool,
    /// The first record's number in the file.
    pub(super) first_number: u64,
    /// The first record's number in the log.
    pub(super) first_id: u64,
    /// The last record's number in the log.
    pub(super) last_id: u64,
    /// The end offset of the records in the chunk.
    pub(super) free: usize,
    records_checksum: u32,
    flags: u32,
}

impl ChunkHeader {
    /// Reads the header of a chunk that may be cut short or overwritten.
    pub(super) fn read(chunk: &[u8]) -> Self {
        let has_magic = chunk.starts_with(CHUNK_MAGIC);
        let flags = u32_at(chunk, 120).unwrap_or(0);
        let trusted = has_magic
            && header_checksum(chunk)
                .is_some_and(|sum| flags & NO_CHECKSUMS != 0 || u32_at(chunk, 124) == Some(sum));
        Self {
            has_magic,
            trusted,
            first_number: u64_at(chunk, 8).unwrap_or(0),
            first_id: u64_at(chunk, 24).unwrap_or(0),
            last_id: u64_at(chunk, 32).unwrap_or(0),
            free: size_at(chunk, 48).unwrap_or(0),
            records_checksum: u32_at(chunk, 52).unwrap_or(0),
            flags,
        }
    }

    /// Returns the end offset of the records, if it can be trusted.
    pub(super) fn live_end(&self) -> Option<usize> {
        (self.trusted && (HEADER_SIZE..=CHUNK_SIZE).contains(&self.free)).then_some(self.free)
    }

    /// The numbers of the first and the last record, where they can be the numbers of one chunk's records.
    pub(super) fn ids(&self) -> Option<(u64, u64)> {
        let most = (CHUNK_SIZE - HEADER_SIZE) / MIN_RECORD;
        let count = self.last_id.checked_sub(self.first_id)?;
        (self.has_magic && usize::try_from(count).is_ok_and(|count| count < most))
            .then_some((self.first_id, self.last_id))
    }

    /// Returns whether the checksum of the records is right; `None` where the header has none to trust.
    pub(super) fn records_match(&self, chunk: &[u8]) -> Option<bool> {
        if !self.trusted || self.flags & NO_CHECKSUMS != 0 {
            return None;
        }
        Some(
            chunk
                .get(HEADER_SIZE..self.free)
                .is_some_and(|records| crc32fast::hash(records) == self.records_checksum),
        )
    }

    /// Returns whether this can be a chunk's header at all, found where none was expected.
    pub(super) fn is_plausible(&self, chunk: &[u8]) -> bool {
        self.has_magic
            && (self.trusted || (size_at(chunk, 40) == Some(128) && (512..=CHUNK_SIZE).contains(&self.free)))
    }
}

fn header_checksum(chunk: &[u8]) -> Option<u32> {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(chunk.get(..120)?);
    hasher.update(chunk.get(128..HEADER_SIZE)?);
    Some(hasher.finalize())
}
