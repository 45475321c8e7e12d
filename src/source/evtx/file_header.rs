//! The header of a log's file: how many chunks there are, and which record comes next.
//!
//! The service writes it late: a log that is in use, or was copied while it was, has a header that says less than the
//! chunks do. A header never says more than was written, so that what it says and the chunks lack is lost.

use super::bytes::{u16_at, u32_at, u64_at};
use super::layout::is_file_head;

/// Bytes that are read of it.
pub(in crate::source) const FILE_HEADER_READ: usize = 128;

/// The fields of a file's header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::source) struct FileHeader {
    /// True if the file begins with one.
    pub(in crate::source) is_there: bool,
    /// True if its checksum is right.
    pub(in crate::source) is_sound: bool,
    /// The slot of the chunk with the oldest records.
    pub(in crate::source) first_chunk: u64,
    /// The count of chunks.
    pub(in crate::source) chunks: u64,
    /// The number of the last record that was written; 0 where none was.
    pub(in crate::source) last_record: u64,
}

impl FileHeader {
    /// Reads the header that a file begins with.
    pub(in crate::source) fn read(head: &[u8]) -> Self {
        if !is_file_head(head) {
            return Self::default();
        }
        let sum = head.get(..120).map(crc32fast::hash);
        Self {
            is_there: true,
            is_sound: sum.is_some() && u32_at(head, 124) == sum,
            first_chunk: u64_at(head, 8).unwrap_or(0),
            chunks: u64::from(u16_at(head, 42).unwrap_or(0)),
            last_record: u64_at(head, 24).unwrap_or(0).saturating_sub(1),
        }
    }
}
