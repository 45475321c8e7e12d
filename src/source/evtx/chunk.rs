//! Reads one chunk: its records through the fast reader, the few of unusual shape through the slow one.

use std::collections::BTreeSet;

use super::bytes::is_zero;
use super::event_buffer::{EventBuffer, RecordKind};
use super::fast::FastReader;
use super::header::{CHUNK_MAGIC, CHUNK_SIZE, ChunkHeader};
use super::records::{Loss, Record, Step, Walk};
use super::recovered_templates::{self, RecoveredTemplates, TemplateKey};
use super::slow::{MAX_WORK, SlowReader};
use super::substitutions::Fallback;
use crate::model::batch::{Batch, CountedRecords, EventHead, Place};
use crate::model::event::Wanted;
use crate::model::fault::{BugIn, FaultKind, SkipReason};
use crate::model::guard::guarded;
use crate::model::time::Timestamp;
use crate::source::fault_log::Remark;

/// The findings in a chunk.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct Findings {
    /// Faults.
    pub(in crate::source) remarks: Vec<Remark>,
    /// The numbers of its first and last record that were found.
    pub(in crate::source) ids: Option<(u64, u64)>,
    /// True if it is a chunk beyond doubt: by its magic, or by a record in it.
    pub(in crate::source) is_chunk: bool,
    /// True if its header states which records it held.
    pub(in crate::source) is_stated: bool,
    /// The numbers of the first and the last record that it held, as far as that is known: those that are read, and
    /// those that are counted as lost.
    pub(in crate::source) span: Option<(u64, u64)>,
    /// The first record's number in the file, by a header that can be believed. A log that was cleared or exported
    /// counts from 1 on, whatever its records are called.
    pub(in crate::source) first_number: Option<u64>,
    /// Bytes from its beginning to the end of its last record.
    pub(in crate::source) used: usize,
    /// Offsets of records that are not read yet, since their template is destroyed.
    pub(in crate::source) without_template: Vec<u16>,
    /// The templates of those records.
    pub(in crate::source) wanted: BTreeSet<TemplateKey>,
}

/// Maximum number of records of one chunk that are read through the slow reader. A chunk has no room for more with
/// content.
const MAX_SLOW: usize = 512;
/// Maximum bytes of text of one chunk's events. Records can share a text of a definition, so that two thousand of them
/// would make 60 MB of it. Those of a real chunk have fewer than 64 KiB.
pub(super) const MAX_TEXT: usize = 1 << 20;
/// Maximum number of events for which room is reserved.
const MAX_EXPECTED: u64 = 128;

/// Bytes of text an event for which room is reserved.
const USUAL_TEXT: usize = 256;

/// Reads chunks one at a time. Only buffers and the template cache outlive a chunk.
#[derive(Default)]
pub(in crate::source) struct ChunkReader {
    fast: FastReader,
    pub(super) slow: SlowReader,
    event: EventBuffer,
    slow_records: usize,
    /// The chunk's events by Event ID, as far as there is a place for it.
    counts: [u32; 32],
}

/// Returns whether bytes begin with a chunk's magic.
pub(in crate::source) fn is_chunk(data: &[u8]) -> bool {
    data.starts_with(CHUNK_MAGIC)
}

/// Returns how many records a chunk states; 0 where it states nothing plausible.
pub(in crate::source) fn stated_records(chunk: &[u8]) -> u64 {
    ChunkHeader::read(chunk).ids().map_or(0, |(first, last)| last - first + 1)
}

/// The number in the file of the record that a chunk says it begins with; `None` where it says nothing that can be
/// believed.
pub(in crate::source) fn first_number(chunk: &[u8]) -> Option<u64> {
    let header = ChunkHeader::read(chunk);
    (header.trusted && header.ids().is_some_and(|(first, _)| first < u64::MAX)).then_some(header.first_number)
}

/// Returns whether all bytes are zero.
pub(in crate::source) fn is_unused(data: &[u8]) -> bool {
    is_zero(data)
}

impl ChunkReader {
    /// A reader that decodes the projection, and the events of other channels if `with_telemetry`.
    pub(in crate::source) fn new(wanted: Wanted, with_telemetry: bool) -> Self {
        let mut fast = FastReader::with_projection(wanted);
        fast.with_telemetry = with_telemetry;
        Self { fast, ..Self::default() }
    }

    /// An empty reader of the same kind.
    pub(in crate::source) fn fresh(&self) -> Self {
        Self::new(self.fast.wanted(), self.fast.with_telemetry)
    }

    /// Reads the chunk at offset `place` of its file into a batch. A chunk of less than 64 KiB is cut short. Records
    /// whose templates are destroyed are left for later.
    pub(in crate::source) fn read(&mut self, chunk: &[u8], place: Place, batch: &mut Batch) -> Findings {
        let header = ChunkHeader::read(chunk);
        let mut findings = Findings::default();
        let mut walk = Walk::new(chunk, header);
        let mut is_damaged = false;
        let mut first_id = None;
        // Records that are lost before the first and after the last one.
        let mut lost_around = (0, 0);
        let expected = header.ids().map_or(0, |(first, last)| last - first + 1).min(MAX_EXPECTED);
        batch.reserve(usize::try_from(expected).unwrap_or(0));
        self.begin_chunk(batch);
        while let Some(step) = walk.step() {
            match step {
                Step::Record(record) => {
                    first_id = first_id.or(Some(record.id));
                    lost_around.1 = 0;
                    is_damaged |= !record.is_whole;
                    let mut record = record;
                    let mut result = self.fast.read(chunk, &record, None, &mut self.event);
                    if let Err(Fallback::Slack(values_end)) = result
                        && let Some(shorter) = walk.split(&record, values_end)
                    {
                        record = shorter;
                        findings
                            .remarks
                            .push(Remark::new(FaultKind::RecordNotice(HIDDEN)).at_record(Some(record.id)));
                        result = self.fast.read(chunk, &record, None, &mut self.event);
                    }
                    match result {
                        Ok(kind) => self.accept(kind, &record, place, batch, &mut findings),
                        Err(Fallback::Template) => {
                            findings.without_template.extend(u16::try_from(record.start));
                            findings.wanted.extend(recovered_templates::keys(chunk, &record));
                        }
                        Err(Fallback::Unfit) => {
                            give_up(chunk, &record, UNFIT.to_owned(), batch, &mut findings);
                        }
                        Err(Fallback::Shape | Fallback::Slack(_)) => {
                            self.read_slowly(chunk, &record, place, batch, &mut findings);
                        }
                    }
                }
                Step::Loss(loss) => {
                    if first_id.is_none() {
                        lost_around.0 += loss.records;
                    } else {
                        lost_around.1 += loss.records;
                    }
                    lose(loss, batch, &mut findings);
                }
            }
        }
        self.end_chunk(batch);
        findings.is_chunk = header.has_magic || first_id.is_some();
        let stated = header.ids().filter(|(first, _)| header.trusted && *first < u64::MAX);
        findings.is_stated = stated.is_some();
        findings.used = walk.position().min(chunk.len());
        findings.ids = first_id.zip(walk.last_id());
        findings.span = match findings.ids {
            Some((first, last)) => {
                Some((first.saturating_sub(lost_around.0), last.saturating_add(lost_around.1)))
            }
            None => stated,
        };
        findings.first_number = stated.map(|_| header.first_number);
        let is_damaged = is_damaged
            || !findings.without_template.is_empty()
            || findings.remarks.iter().any(|it| it.lost_records > 0);
        if !is_damaged && findings.is_chunk {
            findings.remarks.extend(oddity(chunk, &header, findings.used));
        }
        findings
    }

    /// Reads the records of a chunk that were left for later, by the templates of other chunks.
    pub(in crate::source) fn read_without_template(
        &mut self,
        chunk: &[u8],
        place: Place,
        without_template: &[u16],
        recovered: &RecoveredTemplates,
        batch: &mut Batch,
    ) -> Findings {
        let mut findings = Findings::default();
        let mut walk = Walk::new(chunk, ChunkHeader::read(chunk));
        let mut adopted = 0_u64;
        let mut left = without_template.len();
        self.begin_chunk(batch);
        while let Some(step) = walk.step() {
            let Step::Record(record) = step else { continue };
            if !u16::try_from(record.start).is_ok_and(|start| without_template.binary_search(&start).is_ok())
            {
                continue;
            }
            left = left.saturating_sub(1);
            match self.fast.read(chunk, &record, Some(recovered), &mut self.event) {
                Ok(kind) => {
                    adopted += 1;
                    self.accept(kind, &record, place, batch, &mut findings);
                }
                Err(Fallback::Unfit) => give_up(chunk, &record, UNFIT.to_owned(), batch, &mut findings),
                Err(_) => self.read_slowly(chunk, &record, place, batch, &mut findings),
            }
        }
        self.end_chunk(batch);
        if adopted > 0 {
            findings.remarks.push(Remark::new(FaultKind::TemplatesRecovered(adopted)));
        }
        if left > 0 {
            // The file is another one than a moment ago.
            let reason = "the chunk was changed while it was read";
            lose(Loss { id: None, records: left as u64, is_cut: false, reason }, batch, &mut findings);
        }
        findings
    }

    fn count(&mut self, code: u16, batch: &mut Batch) {
        match self.counts.get_mut(usize::from(code)) {
            Some(count) => *count += 1,
            None => batch.tally.count_sysmon(code),
        }
    }

    fn end_chunk(&mut self, batch: &mut Batch) {
        batch.give_text(self.event.end_text());
        for (code, count) in (0..).zip(&mut self.counts) {
            batch.tally.count_several(code, u64::from(std::mem::take(count)));
        }
    }

    fn begin_chunk(&mut self, batch: &mut Batch) {
        let mut text = batch.take_text();
        text.reserve(batch.events.capacity().saturating_sub(batch.events.len()) * USUAL_TEXT);
        self.event.begin_text(text);
        self.fast.begin_chunk();
        self.slow.begin_chunk();
        self.slow_records = 0;
    }

    /// Reads a record through the slow reader.
    fn read_slowly(
        &mut self,
        chunk: &[u8],
        record: &Record,
        place: Place,
        batch: &mut Batch,
        findings: &mut Findings,
    ) {
        self.slow_records += 1;
        if self.slow_records > MAX_SLOW || self.slow.work() > MAX_WORK {
            let reason = "too many records of its chunk are of a shape that Windows does not write";
            give_up(chunk, record, reason.to_owned(), batch, findings);
            return;
        }
        match self.slow.read(chunk, record, self.fast.with_telemetry, &mut self.event) {
            Ok(kind) => self.accept(kind, record, place, batch, findings),
            Err(reason) => give_up(chunk, record, reason, batch, findings),
        }
    }

    /// The typed parts of the event that was read last; its missing parts are in its record.
    fn head(&self, record: &Record, place: Place) -> EventHead {
        let mut head = self.event.head(place + record.start as u64);
        head.record_id = head.record_id.or(Some(record.id));
        // Ticks beyond Windows' last time are damage, and would sort after all true times.
        let written = Some(record.filetime).filter(|ticks| *ticks <= Timestamp::LAST_FILETIME);
        head.time = head.time.or_else(|| written.map(Timestamp::from_filetime));
        head
    }

    /// Counts a record that was read, and adds it to the batch if it is kept.
    fn accept(
        &mut self,
        kind: RecordKind,
        record: &Record,
        place: Place,
        batch: &mut Batch,
        findings: &mut Findings,
    ) {
        if self.event.chunk_text() > MAX_TEXT {
            let reason = "the events of its chunk become more text than any of Windows";
            give_up_on(record, reason, batch, findings);
            return;
        }
        match kind {
            RecordKind::OtherProvider => batch.tally.skip(SkipReason::OtherProvider, 1),
            RecordKind::OtherChannel(channel) | RecordKind::OtherChannelEvent(channel) => {
                batch.tally.skip(SkipReason::OtherProvider, 1);
                batch.count_beside(channel);
                if kind == RecordKind::OtherChannelEvent(channel) {
                    let head = self.head(record, place);
                    self.event.keep_telemetry(head, batch);
                }
            }
            RecordKind::CountedOnly(code) => {
                self.count(code, batch);
                batch.counted = Some(CountedRecords::with(batch.counted, record.id, record.filetime, code));
            }
            RecordKind::Event => {
                self.count(self.event.code, batch);
                let head = self.head(record, place);
                self.event.keep(head, batch);
            }
        }
        if !record.is_whole {
            findings.remarks.push(
                Remark::new(FaultKind::RecordNotice("its header is damaged, but it could be read"))
                    .at_record(Some(record.id)),
            );
        }
    }
}

/// Reported when a record's size was inflated so that it swallows the next record.
const HIDDEN: &str = "it claims the bytes of the record behind it, which hides that one; both were read";

/// Reported for a record whose parts do not fit together.
const UNFIT: &str = "bytes of it are missing or overwritten";

/// Counts a record that is not taken.
fn give_up_on(record: &Record, reason: &'static str, batch: &mut Batch, findings: &mut Findings) {
    lose(Loss { id: Some(record.id), records: 1, is_cut: false, reason }, batch, findings);
}

/// Counts a record that can't be read.
fn give_up(chunk: &[u8], record: &Record, reason: String, batch: &mut Batch, findings: &mut Findings) {
    let is_cut = chunk.len() < CHUNK_SIZE && record.end == chunk.len() && !record.is_whole;
    lose(Loss { id: Some(record.id), records: 1, is_cut, reason: CUT }, batch, findings);
    if let Some(remark) = findings.remarks.last_mut().filter(|_| !is_cut) {
        remark.kind = FaultKind::Record(reason.into());
    }
}

/// Reported for a record that ends after the file does.
const CUT: &str = "the file ends inside this record";

fn lose(loss: Loss, batch: &mut Batch, findings: &mut Findings) {
    let reason = if loss.is_cut { SkipReason::Truncated } else { SkipReason::Damaged };
    batch.tally.skip(reason, loss.records);
    let remark = Remark::new(FaultKind::Record(loss.reason.into()));
    findings.remarks.push(remark.at_record(loss.id).losing(loss.records));
}

/// The damage of a chunk of which nothing is lost.
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
        "the checksum of the chunk's records is wrong: they could be read, but may have been changed"
    } else {
        return None;
    };
    Some(Remark::new(FaultKind::Chunk(reason)))
}

/// Reads a chunk of `records` records. If the reader panics, the chunk is lost and the load goes on.
pub(in crate::source) fn read_chunk_guarded(
    reader: &mut ChunkReader,
    records: u64,
    batch: &mut Batch,
    read: impl FnOnce(&mut ChunkReader, &mut Batch) -> Findings,
) -> Findings {
    if let Some(findings) = guarded(|| read(reader, batch)) {
        return findings;
    }
    *reader = reader.fresh();
    *batch = Batch::new(batch.source);
    let lost = records.max(1);
    batch.tally.skip(SkipReason::Damaged, lost);
    let remark = Remark::new(FaultKind::Bug(BugIn::Chunk)).losing(lost);
    Findings { remarks: vec![remark], used: CHUNK_SIZE, ..Findings::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::SourceId;
    use crate::model::fault::Severity;

    #[test]
    fn failing_reader_costs_one_chunk() {
        let mut batch = Batch::new(SourceId(3));
        let findings = read_chunk_guarded(&mut ChunkReader::default(), 7, &mut batch, |_, batch| {
            batch.tally.count_sysmon(1);
            panic!("on purpose");
        });
        assert_eq!(batch.source, SourceId(3));
        assert_eq!((batch.tally.sysmon, batch.tally.records()), (0, 7), "what was half done is undone");
        let [remark] = findings.remarks.as_slice() else { panic!("one remark") };
        assert_eq!((remark.severity, remark.lost_records), (Severity::Loss, 7));
    }
}
