//! The fast reader compared with the evtx crate, which stays the reference.

use super::binxml::Instance;
use super::chunk::is_chunk;
use super::event_buffer::{EventBuffer, RecordKind};
use super::fast::FastReader;
use super::header::{CHUNK_SIZE, ChunkHeader};
use super::records::{Step, Walk};
use super::slow::SlowReader;
use crate::model::event::Field;

/// The results of a log's records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Agreement {
    /// Records that were found.
    pub records: usize,
    /// Of those, the ones that both readers kept.
    pub kept: usize,
    /// Their texts, each the same from both.
    pub texts: usize,
    /// Records that the fast reader left to the crate.
    pub doubts: usize,
    /// Records that the crate refuses, since it decodes values too that are not asked for.
    pub beyond: usize,
    /// Of those, the ones that the fast reader kept.
    pub kept_beyond: usize,
    /// Records on which they differ, and that hold a list or a value of another size than its type has:
    /// the crate goes by the type and reads all later values at wrong offsets, so that it can't be compared there.
    pub drifting: usize,
}

/// Bytes of a value by its type; 0 for a type whose values have any size.
const fn size_of_kind(kind: u8) -> usize {
    match kind {
        0x03 | 0x04 => 1,
        0x05 | 0x06 => 2,
        0x07 | 0x08 | 0x0b | 0x0d | 0x14 => 4,
        0x09 | 0x0a | 0x0c | 0x11 | 0x15 => 8,
        0x0f | 0x12 => 16,
        _ => 0,
    }
}

fn is_drifting(chunk: &[u8], start: usize, end: usize) -> bool {
    let Some(instance) = Instance::read(chunk, start, end) else { return false };
    let table = chunk.get(instance.descriptors..instance.values).unwrap_or_default();
    let mut at = instance.values;
    table.as_chunks::<4>().0.iter().any(|[low, high, kind, _]| {
        let size = usize::from(u16::from_le_bytes([*low, *high]));
        let (from, to) = (at, at + size);
        at = to;
        match *kind {
            0x00 => size > 0,
            // A SID says itself how long it is, a size of addresses is of four bytes or of eight.
            0x13 => chunk.get(from + 1).is_none_or(|count| 8 + 4 * usize::from(*count) != size),
            0x10 => !matches!(size, 4 | 8),
            0x21 => is_drifting(chunk, from, to),
            array if array & 0x80 != 0 => true,
            kind => size_of_kind(kind) > 0 && size_of_kind(kind) != size,
        }
    })
}

pub(super) fn sorted(event: &EventBuffer) -> Vec<(Field, String)> {
    let mut fields: Vec<_> = event.fields().map(|(field, text)| (field, text.to_owned())).collect();
    fields.sort();
    fields
}

impl Agreement {
    /// Reads the chunks after a log's header, or chunks alone, with both readers.
    ///
    /// # Errors
    /// The first record on which they differ, and the difference.
    pub fn of(log: &[u8]) -> Result<Self, String> {
        let mut agreement = Self::default();
        let mut reader = FastReader::default();
        let mut reference = SlowReader::default();
        let (mut fast, mut slow) = (EventBuffer::default(), EventBuffer::default());
        let chunks = if is_chunk(log) { log } else { log.get(4096..).unwrap_or_default() };
        for chunk in chunks.chunks(CHUNK_SIZE) {
            let header = ChunkHeader::read(chunk);
            if !header.has_magic {
                continue;
            }
            reader.begin_chunk();
            let mut walk = Walk::new(chunk, header);
            while let Some(step) = walk.step() {
                let Step::Record(record) = step else { continue };
                agreement.records += 1;
                let Ok(kind) = reader.read(chunk, &record, None, &mut fast) else {
                    agreement.doubts += 1;
                    continue;
                };
                let Ok(expected) = reference.read(chunk, &record, false, &mut slow) else {
                    agreement.beyond += 1;
                    agreement.kept_beyond += usize::from(kind == RecordKind::Event);
                    continue;
                };
                // Of years after 9999 the crate writes the last four digits, as Windows does.
                if fast.time.is_some_and(|time| time.date().0 > 9999) {
                    slow.time = fast.time;
                }
                let mine = format!("{kind:?} {:?} {:?}", fast.head(0), sorted(&fast));
                let other = format!("{expected:?} {:?} {:?}", slow.head(0), sorted(&slow));
                let is_kept = kind == RecordKind::Event;
                if kind != expected || (is_kept && mine != other) {
                    if !is_drifting(chunk, record.content_start(), record.content_end) {
                        return Err(format!("record {}:\n{mine}\nand the crate\n{other}", record.id));
                    }
                    agreement.drifting += 1;
                } else if is_kept {
                    agreement.kept += 1;
                    agreement.texts += fast.fields().count();
                }
            }
        }
        Ok(agreement)
    }
}
