//! Records that are missing between chunks, by the record numbers on both sides.

use std::collections::BTreeMap;

use super::file_header::FileHeader;
use super::header::{CHUNK_SIZE, MIN_RECORD};
use super::layout::ChunkExtent;

/// Bytes of a chunk.
const CHUNK: u64 = CHUNK_SIZE as u64;

/// The facts of a chunk that gaps are judged by.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct ChunkSummary {
    /// Its extent in the file.
    pub(in crate::source) slot: ChunkExtent,
    /// True if it is a chunk beyond doubt.
    pub(in crate::source) is_chunk: bool,
    /// True if its header states which records it held.
    pub(in crate::source) is_stated: bool,
    /// The numbers of its first and last record, the ones included that are counted as lost.
    pub(in crate::source) span: Option<(u64, u64)>,
    /// The first record's number in the file, by a header that can be believed.
    pub(in crate::source) first_number: Option<u64>,
    /// Bytes from its beginning to the end of its last record.
    pub(in crate::source) used: u64,
}

/// Records that are missing before a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) struct Gap {
    /// The offset of the chunk.
    pub(in crate::source) before: u64,
    /// The first missing number, and the last one.
    pub(in crate::source) ids: (u64, u64),
    /// The number of missing records; 0 if there is no room for all of them, so that it is unknown.
    pub(in crate::source) records: u64,
}

impl Gap {
    /// Returns the reason of its fault.
    pub(in crate::source) fn reason(&self) -> String {
        let (first, last) = self.ids;
        match self.records {
            0 => format!(
                "records are missing between record {first} and {last}, before this chunk; how many there were can't be \
                 told"
            ),
            1 => format!("record {first} is missing before this chunk, by the numbers around it"),
            _ => {
                format!("records {first} to {last} are missing before this chunk, by the numbers around them")
            }
        }
    }

    /// The gap before a chunk from one number to another, with room for `room` bytes of records.
    fn new(before: u64, ids: (u64, u64), room: u64) -> Self {
        let records = ids.1 - ids.0 + 1;
        let fits = records <= room / MIN_RECORD as u64 + 1;
        Self { before, ids, records: if fits { records } else { 0 } }
    }
}

/// Records that are missing between chunks, and before the first one.
///
/// Between adjacent chunks with usable headers nothing is judged: left-out numbers there come from older chunks at
/// these offsets.
pub(in crate::source) fn missing_between(
    chunks: &BTreeMap<u64, ChunkSummary>,
    header: &FileHeader,
    base: u64,
    end: u64,
) -> Vec<Gap> {
    let known: Vec<(&ChunkSummary, (u64, u64))> =
        chunks.values().filter_map(|found| Some((found, found.span?))).collect();
    let mut gaps: Vec<Gap> = known
        .windows(2)
        .filter_map(|pair| match pair {
            [(one, before), (other, behind)] => {
                let between = other.slot.start.saturating_sub(one.slot.start + CHUNK);
                if between == 0 && one.is_stated && other.is_stated {
                    return None;
                }
                // A chunk that states nothing may have held more records, and so may have one that is gone.
                let slack = CHUNK.saturating_sub(one.used) + if between < CHUNK { CHUNK } else { 0 };
                let gap = gap(*before, *behind, other.slot.start, between + slack)?;
                // Next to each other, they may just as well be of different rounds.
                (between > 0 || gap.records > 0).then_some(gap)
            }
            _ => None,
        })
        .collect();
    if let (Some((first, first_span)), Some((last, last_span))) = (known.first(), known.last()) {
        gaps.extend(missing_before(first, *first_span, last, *last_span, header, base, end));
    }
    gaps
}

/// The records that are missing before the first chunk of a file.
fn missing_before(
    first: &ChunkSummary,
    first_span: (u64, u64),
    last: &ChunkSummary,
    last_span: (u64, u64),
    header: &FileHeader,
    base: u64,
    end: u64,
) -> Option<Gap> {
    let before = first.slot.start.saturating_sub(base);
    if first_span.0 > last_span.1 {
        // A log that goes round: the last chunk's records come before the first one's.
        let behind = end.saturating_sub(last.slot.start + CHUNK);
        let room = before + behind;
        return if room < CHUNK { None } else { gap(last_span, first_span, first.slot.start, room) };
    }
    // One that did not counts its records from 1 on.
    let missing = first.first_number?.checked_sub(1).filter(|missing| *missing > 0)?;
    let first_missing = first_span.0.checked_sub(missing)?;
    let is_from_one = header.is_sound && header.first_chunk == 0;
    (is_from_one && before >= CHUNK && first_missing > 0)
        .then(|| Gap::new(first.slot.start, (first_missing, first_span.0 - 1), before))
        .filter(|gap| gap.records > 0)
}

fn gap(before: (u64, u64), behind: (u64, u64), start: u64, room: u64) -> Option<Gap> {
    let ids = (before.1.checked_add(1)?, behind.0.checked_sub(1)?);
    (ids.0 <= ids.1).then(|| Gap::new(start, ids, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 4096;

    /// Chunks by their places and the numbers of their records.
    fn chunks(all: &[(u64, u64, u64)]) -> BTreeMap<u64, ChunkSummary> {
        let found = |(place, first, last): &(u64, u64, u64)| {
            let start = BASE + place * CHUNK;
            let found = ChunkSummary {
                slot: ChunkExtent { start, length: CHUNK_SIZE },
                is_chunk: true,
                is_stated: true,
                span: Some((*first, *last)),
                first_number: Some(*first),
                used: CHUNK,
            };
            (start, found)
        };
        all.iter().map(found).collect()
    }

    #[test]
    fn missing_chunks_are_counted_by_numbers() {
        let one_way = FileHeader { is_there: true, is_sound: true, chunks: 5, ..FileHeader::default() };
        let round = FileHeader { first_chunk: 3, ..one_way };
        for (case, header, all, expected) in [
            ("whole", one_way, vec![(0, 1, 20), (1, 21, 40), (2, 41, 60)], vec![]),
            ("one between", one_way, vec![(0, 1, 20), (2, 41, 60)], vec![(21, 40, 20)]),
            (
                "two of them",
                one_way,
                vec![(0, 1, 20), (2, 41, 60), (4, 81, 99)],
                vec![(21, 40, 20), (61, 80, 20)],
            ),
            ("the first", one_way, vec![(1, 21, 40), (2, 41, 60)], vec![(1, 20, 20)]),
            ("numbers go on", one_way, vec![(0, 1, 20), (2, 21, 40)], vec![]),
            ("no room", one_way, vec![(0, 1, 20), (2, 9_000, 9_020)], vec![(21, 8_999, 0)]),
            ("side by side", one_way, vec![(0, 1, 20), (1, 41, 60)], vec![]),
            ("going round", round, vec![(0, 81, 99), (1, 100, 119), (3, 41, 60), (4, 61, 80)], vec![]),
            ("where it goes round", round, vec![(0, 81, 99), (3, 41, 60)], vec![(61, 80, 20)]),
        ] {
            let gaps = missing_between(&chunks(&all), &header, BASE, BASE + 5 * CHUNK);
            let gaps: Vec<_> = gaps.iter().map(|gap| (gap.ids.0, gap.ids.1, gap.records)).collect();
            assert_eq!(gaps, expected, "{case}");
        }
    }
}
