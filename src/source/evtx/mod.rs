//! Windows event logs: chunks of 64 KiB, read one at a time and each for itself.

mod binxml;
mod bytes;
mod event;
mod fast;
mod header;
mod layout;
mod raw;
mod records;
mod reference;
mod template;
mod utf16;

#[cfg(test)]
mod oracle_tests;

pub(super) use header::CHUNK_SIZE;
pub(super) use layout::{Ground, Slot, base_of, is_log_head, survey};
pub use raw::EvtxEvents;

use self::bytes::is_zero;
use self::event::{Event, Verdict};
use self::fast::FastReader;
use self::header::{CHUNK_MAGIC, ChunkHeader};
use self::records::{Loss, Record, Step, Walk};
use self::reference::Reference;
use crate::model::batch::{Batch, Place};
use crate::model::fault::{Severity, SkipReason};

/// Something to say about a chunk; who collects it adds the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    /// How much it costs.
    pub(super) severity: Severity,
    /// The record's number, where it is known.
    pub(super) record: Option<u64>,
    /// Records that are lost by it.
    pub(super) lost_records: u64,
    /// What is wrong, as a clause.
    pub(super) reason: String,
}

/// What was found in a chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    /// What there is to say.
    pub(super) remarks: Vec<Remark>,
    /// The numbers of its first and last record.
    pub(super) ids: Option<(u64, u64)>,
    /// Bytes from its beginning to the end of its last record.
    pub(super) used: usize,
}

/// Reads chunks; what it learns of one it forgets at the next, but for its buffers.
#[derive(Default)]
pub(super) struct ChunkReader {
    fast: FastReader,
    reference: Reference,
    event: Event,
}

/// Whether bytes begin as a chunk does.
pub(super) fn is_chunk(data: &[u8]) -> bool {
    data.starts_with(CHUNK_MAGIC)
}

/// How many records a chunk says that it has; 0 where it says nothing that can be.
pub(super) fn stated_records(chunk: &[u8]) -> u64 {
    ChunkHeader::read(chunk).ids().map_or(0, |(first, last)| last - first + 1)
}

/// Whether there is nothing at all.
pub(super) fn is_unused(data: &[u8]) -> bool {
    is_zero(data)
}

impl ChunkReader {
    /// Reads a chunk that stands at `place` of its file into a batch. Of less than 64 KiB, it is one that is cut short.
    pub(super) fn read(&mut self, chunk: &[u8], place: Place, batch: &mut Batch) -> Findings {
        let header = ChunkHeader::read(chunk);
        let mut findings = Findings::default();
        let mut walk = Walk::new(chunk, header);
        let mut is_damaged = false;
        let mut first_id = None;
        self.fast.begin_chunk();
        while let Some(step) = walk.step() {
            match step {
                Step::Record(record) => {
                    first_id = first_id.or(Some(record.id));
                    is_damaged |= !self.read_record(chunk, &record, place, batch, &mut findings);
                }
                Step::Loss(loss) => {
                    is_damaged = true;
                    lose(loss, batch, &mut findings);
                }
            }
        }
        findings.used = walk.position().min(chunk.len());
        findings.ids = first_id.zip(walk.last_id());
        if !is_damaged {
            findings.remarks.extend(oddity(chunk, &header, findings.used));
        }
        findings
    }

    /// Reads a record; false where it is lost or was damaged.
    fn read_record(
        &mut self,
        chunk: &[u8],
        record: &Record,
        place: Place,
        batch: &mut Batch,
        findings: &mut Findings,
    ) -> bool {
        let verdict = match self.fast.read(chunk, record, &mut self.event) {
            Ok(verdict) => Ok(verdict),
            Err(_) => self.reference.read(chunk, record, &mut self.event),
        };
        match verdict {
            Ok(Verdict::OtherProvider) => batch.tally.skip(SkipReason::OtherProvider, 1),
            Ok(Verdict::Counted(code)) => batch.tally.count_sysmon(code),
            Ok(Verdict::Kept) => {
                batch.tally.count_sysmon(self.event.code);
                let mut head = self.event.head(place + record.start as u64);
                head.record_id = head.record_id.or(Some(record.id));
                head.time =
                    head.time.or_else(|| Some(crate::model::time::Timestamp::from_filetime(record.filetime)));
                batch.push(head, self.event.fields());
            }
            Err(reason) => {
                let is_cut = chunk.len() < CHUNK_SIZE && record.end == chunk.len() && !record.is_whole;
                lose(
                    Loss {
                        id: Some(record.id),
                        records: 1,
                        is_cut,
                        reason: if is_cut { "the file ends inside this record" } else { "" },
                    },
                    batch,
                    findings,
                );
                if let Some(last) = findings.remarks.last_mut().filter(|_| !is_cut) {
                    last.reason = reason;
                }
                return false;
            }
        }
        if !record.is_whole {
            findings.remarks.push(Remark {
                severity: Severity::Notice,
                record: Some(record.id),
                lost_records: 0,
                reason: "its header is damaged, but it could be read".to_owned(),
            });
        }
        record.is_whole
    }
}

fn lose(loss: Loss, batch: &mut Batch, findings: &mut Findings) {
    let reason = if loss.is_cut { SkipReason::Truncated } else { SkipReason::Damaged };
    batch.tally.skip(reason, loss.records);
    findings.remarks.push(Remark {
        severity: Severity::Loss,
        record: loss.id,
        lost_records: loss.records,
        reason: loss.reason.to_owned(),
    });
}

/// What is odd about a chunk of which nothing is lost.
fn oddity(chunk: &[u8], header: &ChunkHeader, used: usize) -> Option<Remark> {
    let reason = if !header.has_magic {
        "the chunk's header is overwritten; its records could be read"
    } else if !header.trusted {
        "the checksum of the chunk's header is wrong; its records could be read"
    } else if chunk.len() < CHUNK_SIZE {
        "the file ends inside this chunk, behind its last record"
    } else if header.live_end().is_some_and(|end| used > end) {
        "the chunk's header is older than its last records; they could be read"
    } else if header.records_match(chunk) == Some(false) {
        "the checksum of the chunk's records is wrong; they could be read"
    } else {
        return None;
    };
    Some(Remark { severity: Severity::Notice, record: None, lost_records: 0, reason: reason.to_owned() })
}
