//! The fast reader held against the evtx crate, which stays the reference.

use super::event::{Event, Verdict};
use super::fast::FastReader;
use super::header::{CHUNK_SIZE, ChunkHeader};
use super::is_chunk;
use super::records::{Step, Walk};
use super::reference::Reference;
use crate::model::event::Field;

/// How a log's records came out.
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
    /// Records that the crate refuses, since it looks at values too that nobody wants.
    pub beyond: usize,
    /// Of those, the ones that the fast reader kept.
    pub kept_beyond: usize,
}

pub(super) fn sorted(event: &Event) -> Vec<(Field, String)> {
    let mut fields: Vec<_> = event.fields().map(|(field, text)| (field, text.to_owned())).collect();
    fields.sort();
    fields
}

impl Agreement {
    /// Reads the chunks behind a log's header, or those that stand alone, in both ways.
    ///
    /// # Errors
    /// The first record of which they say different things, and what.
    pub fn of(log: &[u8]) -> Result<Self, String> {
        let mut agreement = Self::default();
        let mut reader = FastReader::default();
        let mut reference = Reference::default();
        let (mut fast, mut slow) = (Event::default(), Event::default());
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
                let Ok(verdict) = reader.read(chunk, &record, None, &mut fast) else {
                    agreement.doubts += 1;
                    continue;
                };
                let Ok(expected) = reference.read(chunk, &record, false, &mut slow) else {
                    agreement.beyond += 1;
                    agreement.kept_beyond += usize::from(verdict == Verdict::Kept);
                    continue;
                };
                let place = format!("record {} at {:#x} of its chunk", record.id, record.start);
                if verdict != expected {
                    return Err(format!("{place}: {verdict:?}, and the crate {expected:?}"));
                }
                if verdict == Verdict::Kept {
                    let mine = format!("{:?} {:?}", fast.head(0), sorted(&fast));
                    let other = format!("{:?} {:?}", slow.head(0), sorted(&slow));
                    if mine != other {
                        return Err(format!("{place}:\n{mine}\nand the crate\n{other}"));
                    }
                    agreement.kept += 1;
                    agreement.texts += fast.fields().count();
                }
            }
        }
        Ok(agreement)
    }
}
