//! The walk from record to record through a chunk, across damage.
//!
//! A record is `2a 2a 00 00`, its size, its number, its time, the content, and the size again. A chunk whose header can
//! be believed says where its records end; after that, and in a chunk that says nothing, only records whose numbers go
//! on upwards are taken, since other bytes are left from the log's last round.

use memchr::memmem;

use super::bytes::{array_at, is_zero, size_at, u32_at, u64_at};
use super::header::{CHUNK_MAGIC, CHUNK_SIZE, ChunkHeader, HEADER_SIZE, MIN_RECORD};

/// Signature of a record.
pub(super) const RECORD_MAGIC: &[u8; 4] = b"\x2a\x2a\0\0";
/// Bytes before a record's content.
pub(super) const RECORD_HEADER: usize = 24;
/// Maximum of offsets that are tried for the end of a record whose size is wrong.
const MAX_ENDS: usize = 8;

/// A record in its chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Its offset in the chunk.
    pub(super) start: usize,
    /// Its end in the chunk, the copy of its size included.
    pub(super) end: usize,
    /// The latest possible end of its content.
    pub(super) content_end: usize,
    /// Its number in the log; of a record whose header is gone, the number that it must have had.
    pub(super) id: u64,
    /// When it was written, in 100 ns since 1601.
    pub(super) filetime: u64,
    /// True if its header is valid.
    pub(super) is_whole: bool,
}

impl Record {
    /// Returns the offset of its content.
    pub(super) fn content_start(&self) -> usize {
        self.start + RECORD_HEADER
    }
}

/// Records that are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loss {
    /// The number of the first of them, where it is known.
    pub(super) id: Option<u64>,
    /// Their count, as far as it is known.
    pub(super) records: u64,
    /// True if they are after the end of the file.
    pub(super) is_cut: bool,
    /// The reason, as a clause.
    pub(super) reason: &'static str,
}

/// A step of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record.
    Record(Record),
    /// Records that are lost.
    Loss(Loss),
}

/// The walk through a chunk.
#[derive(Debug)]
pub(super) struct Walk<'c> {
    chunk: &'c [u8],
    header: ChunkHeader,
    at: usize,
    last_id: Option<u64>,
    next_chunk: Option<usize>,
    is_done: bool,
}

impl<'c> Walk<'c> {
    /// Begins at the first record. A chunk of less than 64 KiB is one that is cut short.
    pub(super) fn new(chunk: &'c [u8], header: ChunkHeader) -> Self {
        Self { chunk, header, at: HEADER_SIZE, last_id: None, next_chunk: None, is_done: false }
    }

    /// Offset of the walk; the end of the last record once it has ended.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The number of the last record that was found.
    pub(super) fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    /// Returns the next record, or the loss before it; `None` at the end.
    pub(super) fn step(&mut self) -> Option<Step> {
        if self.is_done {
            return None;
        }
        let live_end = self.header.live_end();
        let is_live = live_end.is_some_and(|end| self.at < end)
            && (self.last_id != Some(self.header.last_id) || self.header.ids().is_none());
        let record = match self.whole_record(self.at) {
            Some(record) => Some(record).filter(|record| is_live || self.goes_on(record.id)),
            // After the last record come bytes that the service had begun to write, or an older round has left.
            None if !is_live && live_end.is_some() => None,
            None => self.mended_record(self.at),
        };
        if let Some(record) = record {
            return Some(self.missing_before(record.id).unwrap_or_else(|| self.take(record)));
        }
        if !is_live && live_end.is_some() {
            self.is_done = true;
            return self.missing_before(self.header.last_id.saturating_add(1));
        }
        self.skip_damage()
    }

    /// The loss before a record of this number, by the numbers that the header states.
    fn missing_before(&mut self, id: u64) -> Option<Step> {
        let (first, last) = self.header.ids().filter(|_| self.header.trusted)?;
        let next = self.last_id.map_or(Some(first), |last| last.checked_add(1))?;
        if id <= next || next < first || id > last.saturating_add(1) {
            return None;
        }
        self.last_id = Some(id - 1);
        Some(Step::Loss(Loss {
            id: Some(next),
            records: id - next,
            is_cut: false,
            reason: "records are missing here by their numbers, without a trace of them",
        }))
    }

    /// Undoes an inflated record size: if another record starts right after this one's values, rewinds to it and
    /// returns this record with its real size.
    pub(super) fn split(&mut self, record: &Record, values_end: usize) -> Option<Record> {
        let tail = self.chunk.get(values_end..record.end)?;
        let found = memmem::find(tail.get(..16).unwrap_or(tail), RECORD_MAGIC)?;
        let end = values_end + found;
        self.at = end;
        Some(Record { end, content_end: self.content_end(record.start, end), is_whole: false, ..*record })
    }

    fn take(&mut self, record: Record) -> Step {
        self.at = record.end;
        self.last_id = Some(record.id);
        Step::Record(record)
    }

    fn is_cut(&self) -> bool {
        self.chunk.len() < CHUNK_SIZE
    }

    /// Returns whether a record of this number can be the next one where the header does not vouch for it.
    fn goes_on(&self, id: u64) -> bool {
        match (self.header.live_end(), self.last_id) {
            (Some(_), Some(last)) => last.checked_add(1) == Some(id),
            (Some(_), None) => id == self.header.first_id,
            (None, Some(last)) => id > last,
            (None, None) => true,
        }
    }

    /// Returns whether a record of this number can follow after `bytes` bytes of damage.
    fn can_follow(&self, id: u64, bytes: usize) -> bool {
        let most = (bytes / MIN_RECORD + 1) as u64;
        match self.last_id {
            Some(last) => id > last && id - last <= most,
            None => match self.header.ids() {
                Some((first, last)) => id >= first && (id <= last || id - first <= most),
                None => true,
            },
        }
    }

    /// The record at an offset, if its header is as it should be.
    fn whole_record(&self, at: usize) -> Option<Record> {
        let head: [u8; RECORD_HEADER] = array_at(self.chunk, at)?;
        if !head.starts_with(RECORD_MAGIC) {
            return None;
        }
        let size = size_at(&head, 4)?;
        let end = at.checked_add(size).filter(|end| size >= MIN_RECORD && *end <= self.chunk.len())?;
        (size_at(self.chunk, end - 4)? == size).then_some(Record {
            start: at,
            end,
            content_end: end - 4,
            id: u64_at(&head, 8)?,
            filetime: u64_at(&head, 16)?,
            is_whole: true,
        })
    }

    /// The record at an offset whose header is damaged, if enough of it is there to tell that it is one and the next.
    fn mended_record(&self, at: usize) -> Option<Record> {
        let head: [u8; RECORD_HEADER] = array_at(self.chunk, at)?;
        let has_magic = head.starts_with(RECORD_MAGIC);
        let has_content = matches!(self.chunk.get(at + RECORD_HEADER..), Some([0x0f, 1, 1, 0, 0x0c, 1, ..]));
        let next_id = match self.last_id {
            Some(last) => last.checked_add(1)?,
            None => self.header.ids().map_or(u64::MAX, |(first, _)| first),
        };
        let stated_id = u64_at(&head, 8)?;
        let id_fits = if next_id == u64::MAX { has_magic } else { stated_id == next_id };
        if !has_magic && !has_content && !id_fits {
            return None;
        }
        let is_live = self.header.live_end().is_some_and(|end| at < end);
        let end = self.end_of_record(at)?;
        let content_end = self.content_end(at, end);
        // Two of the four must speak for it.
        let votes = [has_magic, has_content, id_fits, content_end < end];
        if votes.iter().filter(|vote| **vote).count() < 2 {
            return None;
        }
        if !id_fits && (next_id == u64::MAX || !(is_live || content_end < end)) {
            return None;
        }
        Some(Record {
            start: at,
            end,
            content_end,
            id: if id_fits { stated_id } else { next_id },
            filetime: u64_at(&head, 16)?,
            is_whole: false,
        })
    }

    /// Returns the end of a record of wrong size: where the copy of its size fits, else before whatever comes next.
    fn end_of_record(&self, at: usize) -> Option<usize> {
        let least = at.checked_add(MIN_RECORD).filter(|least| *least <= self.chunk.len())?;
        let limit = self.header.live_end().filter(|end| *end > least).unwrap_or(CHUNK_SIZE);
        let area = self.chunk.get(..limit).unwrap_or(self.chunk);
        let fits = |end: usize| size_at(self.chunk, end - 4) == Some(end - at);
        let stated = size_at(self.chunk, at + 4).and_then(|size| at.checked_add(size));
        if let Some(end) = stated.filter(|end| *end >= least && *end <= area.len())
            && (end == area.len() || self.begins_record(end))
        {
            return Some(end);
        }
        let behind = area.get(least..)?;
        let mut first = None;
        for found in memmem::find_iter(behind, RECORD_MAGIC).take(MAX_ENDS) {
            let end = least + found;
            if fits(end) {
                return Some(end);
            }
            first = first.or(Some(end));
        }
        if let Some(end) = first {
            return Some(end);
        }
        // The last record: only the copy of its size marks its end.
        Some((least..=area.len()).step_by(4).find(|end| fits(*end)).unwrap_or(area.len()))
    }

    /// Without the copy of the size, where there is one.
    fn content_end(&self, at: usize, end: usize) -> usize {
        if size_at(self.chunk, end - 4) == Some(end - at) { end - 4 } else { end }
    }

    fn begins_record(&self, at: usize) -> bool {
        self.chunk.get(at..).is_some_and(|rest| rest.starts_with(RECORD_MAGIC))
    }

    /// Continues after bytes that are no record.
    fn skip_damage(&mut self) -> Option<Step> {
        let limit = self.header.live_end().unwrap_or(CHUNK_SIZE).min(self.next_chunk()).max(self.at);
        let area = self.chunk.get(..limit).unwrap_or(self.chunk);
        let rest = area.get(self.at..).unwrap_or_default();
        let from = self.at;
        let next = memmem::find_iter(rest, RECORD_MAGIC).find_map(|found| {
            let at = from + found;
            if at == from {
                return None;
            }
            self.whole_record(at)
                .filter(|record| self.can_follow(record.id, at - from))
                .or_else(|| self.mended_record_behind(at, at - from))
        });
        let Some(next) = next else {
            self.is_done = true;
            return self.loss_at_end(rest);
        };
        self.at = next.start;
        let before = match (self.last_id, self.header.ids()) {
            (Some(last), _) => last.checked_add(1),
            (None, Some((first, _))) => Some(first),
            (None, None) => None,
        };
        let records = before.and_then(|before| next.id.checked_sub(before)).unwrap_or(1);
        // It goes on from the number before the next record.
        self.last_id = next.id.checked_sub(1).or(self.last_id);
        Some(Step::Loss(Loss {
            id: before,
            records: records.max(1),
            is_cut: false,
            reason: "no record begins where one should: its bytes are overwritten",
        }))
    }

    /// Returns the offset of another chunk inside of this one, which lacks bytes then. Searched for once, from the
    /// first damage on: whole records are believed whatever they hold.
    fn next_chunk(&mut self) -> usize {
        let (chunk, at) = (self.chunk, self.at);
        *self.next_chunk.get_or_insert_with(|| {
            let rest = chunk.get(at..).unwrap_or_default();
            memmem::find_iter(rest, CHUNK_MAGIC)
                .map(|found| at + found)
                .find(|at| chunk.get(*at..).is_some_and(|other| ChunkHeader::read(other).is_plausible(other)))
                .unwrap_or(usize::MAX)
        })
    }

    /// A record after damage whose own header is damaged too: its number must be able to follow.
    fn mended_record_behind(&self, at: usize, bytes: usize) -> Option<Record> {
        let id = u64_at(self.chunk, at + 8)?;
        let fits = self.last_id.is_some() && self.can_follow(id, bytes);
        let has_content = matches!(self.chunk.get(at + RECORD_HEADER..), Some([0x0f, 1, 1, 0, 0x0c, 1, ..]));
        if !fits || !has_content {
            return None;
        }
        let end = self.end_of_record(at)?;
        let content_end = self.content_end(at, end);
        Some(Record {
            start: at,
            end,
            content_end,
            id,
            filetime: u64_at(self.chunk, at + 16)?,
            is_whole: false,
        })
    }

    /// The loss where no further record is found.
    fn loss_at_end(&self, rest: &[u8]) -> Option<Step> {
        let stated = match (self.header.ids(), self.last_id) {
            (Some((_, last)), Some(seen)) => Some(last.saturating_sub(seen)),
            (Some((first, last)), None) => Some(last - first + 1),
            (None, _) => None,
        };
        let next_id = match self.last_id {
            Some(last) => last.checked_add(1),
            None => self.header.ids().map(|(first, _)| first),
        };
        let begun = rest.starts_with(RECORD_MAGIC)
            && u64_at(rest, 8).is_none_or(|id| next_id.is_none_or(|next| next == id));
        let records = match stated {
            // By a header that can be believed, nothing is missing.
            Some(0) if self.header.trusted => 0,
            // One that was never written again states less than there is.
            Some(0) | None => u64::from(begun),
            Some(records) => {
                let room = (CHUNK_SIZE.saturating_sub(self.at) / MIN_RECORD) as u64;
                if self.header.trusted || self.is_cut() || !is_zero(rest) { records.min(room) } else { 0 }
            }
        };
        let is_cut = self.is_cut() && (begun || rest.len() < MIN_RECORD);
        (records > 0).then_some(Step::Loss(Loss {
            id: next_id,
            records,
            is_cut,
            reason: if is_cut {
                "the file ends before the chunk does"
            } else if is_zero(rest) {
                "zeros stand where records should"
            } else {
                "no record begins where one should: its bytes are overwritten"
            },
        }))
    }
}

/// Bytes of a chunk to the end of its first record's header.
pub(in crate::source) const TO_FIRST_RECORD: usize = HEADER_SIZE + RECORD_HEADER;

/// The number of the record that a chunk begins with; `None` where none does.
pub(in crate::source) fn first_record_id(chunk: &[u8]) -> Option<u64> {
    let record = chunk.get(HEADER_SIZE..TO_FIRST_RECORD)?;
    if record.starts_with(RECORD_MAGIC) { u64_at(record, 8).filter(|id| *id > 0) } else { None }
}

/// Returns whether a chunk's record ends with the copy of its size, which is written last.
pub(in crate::source) fn ends_with_its_size(chunk: &[u8], start: u64) -> bool {
    let Ok(start) = usize::try_from(start) else { return false };
    let size = size_at(chunk, start + 4).filter(|size| *size > 0);
    let end = size.and_then(|size| start.checked_add(size)?.checked_sub(4));
    size.is_some() && size == end.and_then(|end| size_at(chunk, end))
}

/// Finds a plausible record header in bytes, for the layout where no chunk is known.
pub(super) fn holds_record(data: &[u8]) -> Option<usize> {
    memmem::find_iter(data, RECORD_MAGIC).find(|at| {
        u32_at(data, at + 4).is_some_and(|size| (MIN_RECORD..CHUNK_SIZE).contains(&(size as usize)))
    })
}
