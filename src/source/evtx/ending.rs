//! The end of a log: records that were written by its file's header, and that the chunks lack.
//!
//! | the header | the chunks | the result |
//! |---|---|---|
//! | none, or its checksum is wrong | any | nothing can be compared; a wrong checksum is noted where it would matter |
//! | states less than there is | any | it is older than its chunks, as in a log that is in use: no loss |
//! | states more | some | the records after the last one are lost |
//! | states more | none | all of them are lost |
//! | counts from record 1 | begin with a later one | it belongs to a whole of which these chunks are a part |
//!
//! The dirty flag changes none of it: a header is written after the chunks, never before.

use super::file_header::FileHeader;
use super::header::MAX_RECORDS;
use crate::model::fault::FaultKind;

/// The chunks and records that were found in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::source) struct LogSummary {
    /// Readable chunks.
    pub(in crate::source) chunks: u64,
    /// Chunks that the file has room for.
    pub(in crate::source) slots: u64,
    /// The highest number of a record that was read, or is counted as lost already.
    pub(in crate::source) last: Option<u64>,
    /// The number in the file of the record that the first place's chunk begins with.
    pub(in crate::source) first_number: Option<u64>,
    /// Records for which there is room after the last one, in its own chunk.
    pub(in crate::source) room: u64,
}

/// The records that are missing at the end of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Ending {
    /// Nothing.
    Whole,
    /// These records, the first and the last.
    Missing(u64, u64),
    /// Records up to this number; their count is unknown.
    MissingUpTo(u64),
    /// This many chunks after the end of the file; their records are unknown.
    MissingChunks(u64),
    /// All records up to this number: no chunk is left.
    AllMissing(u64),
    /// Unknown: the header is that of a whole of which these chunks are a part.
    Excerpt,
    /// Unknown: the header states more than there is, and its checksum is wrong.
    Doubtful,
}

/// Compares the records found with the header's numbers.
pub(in crate::source) fn judge(header: &FileHeader, seen: LogSummary) -> Ending {
    let last = seen.last.unwrap_or(0);
    let says_more = header.last_record > last || header.chunks > seen.slots;
    if !header.is_there || !says_more {
        return Ending::Whole;
    }
    if !header.is_sound {
        return Ending::Doubtful;
    }
    if seen.chunks == 0 {
        return if header.last_record == 0 { Ending::Whole } else { Ending::AllMissing(header.last_record) };
    }
    if header.first_chunk == 0 && seen.first_number.is_some_and(|number| number > 1) {
        return Ending::Excerpt;
    }
    if header.last_record > last {
        let chunks = header.chunks.saturating_sub(seen.chunks);
        let room = chunks.saturating_mul(MAX_RECORDS).saturating_add(seen.room);
        return if seen.last.is_some() && header.last_record - last <= room {
            Ending::Missing(last + 1, header.last_record)
        } else {
            Ending::MissingUpTo(header.last_record)
        };
    }
    Ending::MissingChunks(header.chunks - seen.slots)
}

impl Ending {
    /// The number of lost records, as far as it is known.
    pub(in crate::source) fn records(self, header: &FileHeader) -> u64 {
        match self {
            Self::Missing(first, last) => last - first + 1,
            // A log that never went round begins with record 1, unless it was cleared.
            Self::AllMissing(last) if header.first_chunk == 0 && last <= header.chunks * MAX_RECORDS => last,
            _ => 0,
        }
    }

    /// Returns the kind of its fault; `None` where nothing is missing.
    pub(in crate::source) fn fault(self, header: &FileHeader, is_cut: bool) -> Option<FaultKind> {
        let reason = self.reason(header, is_cut)?;
        Some(match self {
            Self::Excerpt | Self::Doubtful => FaultKind::UncertainEnd(reason),
            Self::AllMissing(_) => FaultKind::NoChunkLeft(reason),
            _ => FaultKind::MissingRecords(reason),
        })
    }

    /// Returns the clause of its fault; `None` where nothing is missing.
    pub(in crate::source) fn reason(self, header: &FileHeader, is_cut: bool) -> Option<String> {
        let how =
            if is_cut { "the file ends before them" } else { "zeros or other bytes stand in their place" };
        Some(match self {
            Self::Whole => return None,
            Self::Missing(first, last) if first == last => {
                format!("record {first} is missing at the end, by the file's header: {how}")
            }
            Self::Missing(first, last) => {
                format!("records {first} to {last} are missing at the end, by the file's header: {how}")
            }
            Self::MissingUpTo(last) => format!(
                "records are missing at the end, by the file's header, which knows of {last}: {how}; how many there \
                 were can't be told"
            ),
            Self::MissingChunks(chunks) => format!(
                "{chunks} of the {} chunks that the file's header counts are missing: the file ends before them; how \
                 many records they held can't be told",
                header.chunks
            ),
            Self::AllMissing(last) => format!(
                "none of its chunks can be read, of which the file's header counts {}, with records up to {last}: {how}",
                header.chunks
            ),
            Self::Excerpt => format!(
                "a part of a log: the file's header is that of the whole, with {} chunks and records up to {}",
                header.chunks, header.last_record
            ),
            Self::Doubtful => format!(
                "the checksum of the file's header is wrong: whether records up to {}, of which it speaks, are missing \
                 at the end can't be told",
                header.last_record
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: FileHeader =
        FileHeader { is_there: true, is_sound: true, first_chunk: 0, chunks: 4, last_record: 80 };
    const ALL: LogSummary =
        LogSummary { chunks: 4, slots: 4, last: Some(80), first_number: Some(1), room: 100 };

    #[test]
    fn each_header_and_chunks_are_judged() {
        let cut = LogSummary { chunks: 2, slots: 2, last: Some(40), ..ALL };
        let zeroed = LogSummary { slots: 4, ..cut };
        let none = LogSummary { slots: 4, ..LogSummary::default() };
        let round = FileHeader { first_chunk: 2, ..SOUND };
        for (case, header, seen, expected) in [
            ("a whole log", SOUND, ALL, Ending::Whole),
            ("no header", FileHeader::default(), cut, Ending::Whole),
            ("cut off", SOUND, cut, Ending::Missing(41, 80)),
            ("zeroed, or overwritten", SOUND, zeroed, Ending::Missing(41, 80)),
            ("one record less", SOUND, LogSummary { last: Some(79), ..ALL }, Ending::Missing(80, 80)),
            (
                "a header that is older",
                FileHeader { chunks: 1, last_record: 20, ..SOUND },
                ALL,
                Ending::Whole,
            ),
            ("an older header, cut", FileHeader { chunks: 2, last_record: 40, ..SOUND }, cut, Ending::Whole),
            ("an older number, cut", FileHeader { last_record: 30, ..SOUND }, cut, Ending::MissingChunks(2)),
            ("a wrong checksum, cut", FileHeader { is_sound: false, ..SOUND }, cut, Ending::Doubtful),
            ("a wrong checksum, whole", FileHeader { is_sound: false, ..SOUND }, ALL, Ending::Whole),
            ("no chunk", SOUND, none, Ending::AllMissing(80)),
            ("no chunk, cut", SOUND, LogSummary::default(), Ending::AllMissing(80)),
            ("a log without records", FileHeader { last_record: 0, ..SOUND }, none, Ending::Whole),
            ("a part of another log", SOUND, LogSummary { first_number: Some(41), ..cut }, Ending::Excerpt),
            (
                "a log that went round",
                round,
                LogSummary { first_number: Some(41), ..cut },
                Ending::Missing(41, 80),
            ),
            (
                "oldest chunks cut off",
                round,
                LogSummary { chunks: 3, slots: 3, ..ALL },
                Ending::MissingChunks(1),
            ),
            (
                "no room for so many",
                FileHeader { last_record: 90_000, ..SOUND },
                cut,
                Ending::MissingUpTo(90_000),
            ),
            ("chunks without records", SOUND, LogSummary { last: None, ..ALL }, Ending::MissingUpTo(80)),
            (
                "cleared, and going on",
                SOUND,
                LogSummary { first_number: Some(1), last: Some(80), ..ALL },
                Ending::Whole,
            ),
        ] {
            let ending = judge(&header, seen);
            assert_eq!(ending, expected, "{case}");
            assert_eq!(ending.reason(&header, true).is_some(), ending != Ending::Whole, "{case}");
        }
    }

    #[test]
    fn no_header_makes_a_number_overflow() {
        for last_record in [0, 1, u64::MAX - 1, u64::MAX] {
            for chunks in [0, 1, u64::from(u16::MAX)] {
                let header = FileHeader { chunks, last_record, ..SOUND };
                for last in [None, Some(0), Some(5), Some(u64::MAX)] {
                    let ending = judge(&header, LogSummary { last, ..ALL });
                    assert!(ending.records(&header) <= (chunks + 1) * MAX_RECORDS);
                    let _ = ending.reason(&header, false);
                }
            }
        }
    }
}
