//! What is missing between chunks, by the numbers of the records on both sides.

use std::collections::BTreeMap;

use super::evtx::{CHUNK_SIZE, Slot};
use crate::model::fault::Severity;

/// Bytes of a chunk.
const CHUNK: u64 = CHUNK_SIZE as u64;
/// No record is of fewer bytes.
const MIN_RECORD: u64 = 28;

/// What is kept of a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// Where it is.
    pub(super) slot: Slot,
    /// The numbers of its first and last record that were found.
    pub(super) ids: Option<(u64, u64)>,
    /// Whether it is one beyond doubt.
    pub(super) is_chunk: bool,
    /// Whether its header says which records it held.
    pub(super) is_stated: bool,
    /// Records that are lost before the first one and behind the last one, as far as they are counted already.
    pub(super) lost_around: (u64, u64),
    /// Bytes from its beginning to the end of its last record.
    pub(super) used: u64,
}

/// What bytes cost that hold no records: what is missing between the numbers of the records around them.
pub(super) fn judge_waste(chunks: &BTreeMap<u64, Found>, start: u64, end: u64) -> (Severity, u64) {
    let before = chunks.range(..start).rev().find_map(|(_, found)| found.ids);
    let behind = chunks.range(end..).find_map(|(_, found)| found.ids);
    let last = before.map_or(0, |(_, last)| last);
    let missing = behind.and_then(|(first, _)| first.checked_sub(last)).map(|gap| gap.saturating_sub(1));
    match missing {
        // The numbers go on as if nothing had stood there.
        Some(0) => (Severity::Notice, 0),
        // More cannot have stood there.
        Some(missing) if before.is_some() && missing <= (end - start) / MIN_RECORD + 1 => {
            (Severity::Loss, missing)
        }
        // A whole chunk stood there, in all likelihood.
        _ if end - start >= CHUNK && behind.is_some() => (Severity::Loss, 0),
        _ => (Severity::Notice, 0),
    }
}

/// Records that are missing between chunks of which one can't say what it held: by where the second begins.
pub(super) fn missing_between(chunks: &BTreeMap<u64, Found>) -> Vec<(u64, u64)> {
    let pairs = chunks.values().zip(chunks.values().skip(1));
    let missing = pairs.filter_map(|(one, other)| {
        let ((_, last), (first, _)) = (one.ids?, other.ids?);
        // What stands between them is judged by itself.
        if (one.is_stated && other.is_stated) || other.slot.start > one.slot.start + CHUNK {
            return None;
        }
        let gap = first.checked_sub(last)?.checked_sub(1)?;
        let room = (CHUNK.saturating_sub(one.used) + CHUNK) / MIN_RECORD;
        let missing = gap.checked_sub(one.lost_around.1 + other.lost_around.0)?;
        (missing > 0 && gap <= room).then_some((other.slot.start, missing))
    });
    missing.collect()
}
