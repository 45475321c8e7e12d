//! A Windows event log that a service is writing: the chunk that is being filled is read again whenever it has
//! changed, and its new records are handed on.
//!
//! Nothing is believed of the file's header, which is written late. The chunk that holds the highest record numbers is
//! the one that grows; the next is the one after it, or, in a log that goes round, the one that begins with higher
//! numbers than it did. Unreadable bytes of the growing chunk may be half-written: they are a loss only once the log
//! has gone on to the next.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime};

use super::growing::is_deleted;
use crate::model::batch::{Batch, EventRecord, Place};
use crate::model::event::Wanted;
use crate::model::fault::{Fault, FaultKind, SkipReason, Tally};
use crate::model::feed::SourceInfo;
use crate::model::telemetry::Channel;
use crate::source::evtx::{
    self, CHUNK_SIZE, ChunkReader, Ending, FILE_HEADER_READ, FileHeader, Findings, LogSummary,
    read_chunk_guarded,
};
use crate::source::fault_log::{FaultLog, Remark};
use crate::source::read_at::read_at;

const CHUNK: u64 = CHUNK_SIZE as u64;

/// Coarser than any file system's times.
const TICK: Duration = Duration::from_millis(50);

/// The result of a look at the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Something new.
    News,
    /// Nothing.
    Quiet,
    /// The log was truncated or cleared: the follower has to restart.
    Anew,
}

/// The chunk that is being filled.
struct Growing {
    slot: u64,
    ids: (u64, u64),
    copy: Vec<u8>,
    /// The places of the records that were handed on.
    seen: HashSet<Place>,
    told: Tally,
    /// Records of other channels that were counted.
    counted: [u64; Channel::COUNT],
}

/// A log that is followed.
pub(super) struct LogTail {
    info: SourceInfo,
    file: File,
    base: u64,
    /// The first slot that was never read.
    next: u64,
    /// By slot: the number of its first record, 0 where it has none.
    first_ids: Vec<u64>,
    growing: Option<Growing>,
    reader: ChunkReader,
    buffer: Vec<u8>,
    ledger: FaultLog,
    /// The number in the file of the record that the first chunk began with when it was read.
    first_number: Option<u64>,
    /// True once the log's missing end was reported.
    is_ending_told: bool,
    /// As the file was last touched when a look brought nothing.
    quiet_since: Option<(u64, SystemTime)>,
}

impl LogTail {
    /// Begins at the log's first chunk.
    ///
    /// # Errors
    /// The file can't be read.
    pub(super) fn new(info: SourceInfo, file: File) -> io::Result<Self> {
        let mut head = [0; 8];
        let read = read_at(&file, &mut head, 0)?;
        let base = evtx::base_of(head.get(..read).unwrap_or_default());
        Ok(Self {
            info,
            file,
            base,
            next: 0,
            first_ids: Vec::new(),
            growing: None,
            reader: ChunkReader::new(Wanted::default(), true),
            buffer: vec![0; CHUNK_SIZE],
            ledger: FaultLog::default(),
            first_number: None,
            is_ending_told: false,
            quiet_since: None,
        })
    }

    /// Returns whether the file was deleted. Its name stays taken as long as it is open here.
    pub(super) fn is_deleted(&self) -> bool {
        is_deleted(&self.file)
    }

    fn start(&self, slot: u64) -> Place {
        self.base + slot * CHUNK
    }

    /// Reads new records, up to one chunk, and hands them on.
    ///
    /// # Errors
    /// The file can't be read.
    pub(super) fn look(&mut self, hand_on: &mut dyn FnMut(Batch)) -> io::Result<Look> {
        let touched = self.last_touched()?;
        if touched.is_some() && touched == self.quiet_since {
            return Ok(Look::Quiet);
        }
        let mut look = Look::Quiet;
        if let Some(growing) = &self.growing {
            let (slot, first) = (growing.slot, growing.ids.0);
            if self.file.metadata()?.len() <= self.start(slot) {
                return Ok(Look::Anew);
            }
            self.fill(slot)?;
            if self.growing.as_ref().is_some_and(|growing| growing.copy != self.buffer) {
                if evtx::first_record_id(&self.buffer).is_some_and(|now| now != first) {
                    // Cleared, or rewritten.
                    return Ok(Look::Anew);
                }
                self.take(false, hand_on);
                look = Look::News;
            }
        }
        if let Some(slot) = self.next_slot()? {
            self.enter(slot, hand_on)?;
            look = Look::News;
        }
        self.quiet_since = touched.filter(|_| look == Look::Quiet);
        Ok(look)
    }

    /// The file's size and the time of its last writing, where that is long enough ago to be distinct from the next: a
    /// time is only as fine as the system's clock ticks.
    fn last_touched(&self) -> io::Result<Option<(u64, SystemTime)>> {
        // Windows reports the writes of its event log service late.
        if cfg!(windows) {
            return Ok(None);
        }
        let metadata = self.file.metadata()?;
        let written = metadata.modified()?;
        let is_over = SystemTime::now().duration_since(written).is_ok_and(|age| age >= TICK);
        Ok(is_over.then_some((metadata.len(), written)))
    }

    /// Reports the damage of the growing chunk where it has not grown for long: its missing parts will not come any
    /// more.
    ///
    /// # Errors
    /// The file can't be read.
    pub(super) fn settle(&mut self, hand_on: &mut dyn FnMut(Batch)) -> io::Result<()> {
        if let Some(slot) = self.growing.as_ref().map(|growing| growing.slot) {
            self.fill(slot)?;
            self.take(true, hand_on);
            self.look_at_ending(hand_on)?;
        }
        Ok(())
    }

    /// Reports once that the file's header knows of records that are not there. They are not counted: what a service
    /// writes comes before its header, but a log that is copied here bit by bit may still grow.
    fn look_at_ending(&mut self, hand_on: &mut dyn FnMut(Batch)) -> io::Result<()> {
        let mut head = [0; FILE_HEADER_READ];
        let read = read_at(&self.file, &mut head, 0)?;
        let header = FileHeader::read(head.get(..read).unwrap_or_default());
        let slots = self.file.metadata()?.len().saturating_sub(self.base).div_ceil(CHUNK);
        let seen = LogSummary {
            chunks: self.first_ids.iter().filter(|first| **first > 0).count() as u64,
            slots,
            last: self.growing.as_ref().map(|growing| growing.ids.1),
            first_number: self.first_number,
            room: CHUNK,
        };
        let ending = evtx::judge(&header, seen);
        let is_loss =
            matches!(ending, Ending::Missing(..) | Ending::MissingUpTo(_) | Ending::MissingChunks(_));
        if let Some(reason) = ending.reason(&header, slots < header.chunks).filter(|_| is_loss)
            && !self.is_ending_told
        {
            self.is_ending_told = true;
            let mut batch = Batch::new(self.info.id);
            let kind = FaultKind::MissingRecords(format!("so far, {reason}"));
            batch.faults.push(Fault::new(self.info.name.clone(), kind).of_source(self.info.id));
            hand_on(batch);
        }
        Ok(())
    }

    /// Reads a slot into the whole buffer, with zeros after the file's end.
    fn fill(&mut self, slot: u64) -> io::Result<()> {
        let start = self.start(slot);
        let read = read_at(&self.file, &mut self.buffer, start)?;
        self.buffer.get_mut(read..).unwrap_or_default().fill(0);
        Ok(())
    }

    /// The slot where the log goes on, if it does.
    fn next_slot(&mut self) -> io::Result<Option<u64>> {
        let mut head = [0; evtx::TO_FIRST_RECORD];
        let behind = self.next;
        let read = read_at(&self.file, &mut head, self.start(behind))?;
        let begun = head.get(..read).unwrap_or_default();
        if !evtx::is_unused(begun) {
            if evtx::first_record_id(begun).is_some() || self.has_more_behind(behind)? {
                return Ok(Some(behind));
            }
            // A chunk whose first record is destroyed, or one that has none yet.
            self.fill(behind)?;
            if self.first_of_buffer(behind).is_some() {
                return Ok(Some(behind));
            }
        }
        let Some(growing) = &self.growing else { return Ok(None) };
        // A log that goes round.
        let round = (growing.slot + 1) % self.next.max(1);
        let known = self.first_ids.get(usize::try_from(round).unwrap_or(usize::MAX)).copied();
        let last = growing.ids.1;
        let read = read_at(&self.file, &mut head, self.start(round))?;
        let first = evtx::first_record_id(head.get(..read).unwrap_or_default());
        Ok(first
            .filter(|first| round != growing.slot && Some(*first) != known && *first > last)
            .map(|_| round))
    }

    /// The number of the first record that can be read in the buffer.
    fn first_of_buffer(&mut self, slot: u64) -> Option<u64> {
        let (place, mut ignored) = (self.start(slot), Batch::new(self.info.id));
        read_chunk(&mut self.reader, &self.buffer, place, &mut ignored).ids.map(|(first, _)| first)
    }

    /// Returns whether a chunk follows a slot that holds something else.
    fn has_more_behind(&self, slot: u64) -> io::Result<bool> {
        let mut head = [0; evtx::TO_FIRST_RECORD];
        let read = read_at(&self.file, &mut head, self.start(slot + 1))?;
        Ok(evtx::first_record_id(head.get(..read).unwrap_or_default()).is_some())
    }

    /// Reads a slot for the first time, or for the first time in this round.
    fn enter(&mut self, slot: u64, hand_on: &mut dyn FnMut(Batch)) -> io::Result<()> {
        let highest = self.growing.as_ref().map_or(0, |growing| growing.ids.1);
        self.fill(slot)?;
        let first = evtx::first_record_id(&self.buffer).or_else(|| self.first_of_buffer(slot)).unwrap_or(0);
        if slot == 0 {
            self.first_number = evtx::first_number(&self.buffer);
        }
        if slot == self.next {
            self.next += 1;
            self.first_ids.push(first);
        } else if let Some(known) = self.first_ids.get_mut(usize::try_from(slot).unwrap_or(usize::MAX)) {
            *known = first;
        }
        if first > highest {
            // The one that grew until now is complete: its missing records are lost.
            if let Some(growing) = self.growing.as_ref().map(|growing| growing.slot) {
                self.fill(growing)?;
                self.take(true, hand_on);
                self.fill(slot)?;
            }
            self.growing = Some(Growing {
                slot,
                ids: (first, first),
                copy: Vec::new(),
                seen: HashSet::new(),
                told: Tally::default(),
                counted: [0; Channel::COUNT],
            });
            self.take(false, hand_on);
            return Ok(());
        }
        // A chunk of an older round, or none at all.
        let mut batch = Batch::new(self.info.id);
        let findings = read_chunk(&mut self.reader, &self.buffer, self.base + slot * CHUNK, &mut batch);
        lose_orphans(&findings, &mut batch);
        self.say(slot, findings, &mut batch);
        hand_on(batch);
        Ok(())
    }

    /// Reads the growing chunk from the buffer, and hands on what is new in it; all that is wrong with it too, once it
    /// is complete.
    fn take(&mut self, is_complete: bool, hand_on: &mut dyn FnMut(Batch)) {
        let Some(mut growing) = self.growing.take() else { return };
        let mut batch = Batch::new(self.info.id);
        let place = self.start(growing.slot);
        let findings = read_chunk(&mut self.reader, &self.buffer, place, &mut batch);
        // A record may be half there, its end still zeros: it is read again, and believed only when all of it is there.
        let buffer = &self.buffer;
        let mut is_new = |event: &EventRecord| {
            (is_complete || evtx::ends_with_its_size(buffer, event.head.place - place))
                && growing.seen.insert(event.head.place)
        };
        batch.events.retain(&mut is_new);
        batch.telemetry.retain(&mut is_new);
        if is_complete {
            lose_orphans(&findings, &mut batch);
        } else {
            batch.tally.skipped.clear();
        }
        // It is read again and again, each time with more.
        batch.counted = None;
        batch.tally = batch.tally.since(&growing.told);
        growing.told.add(&batch.tally);
        for (count, counted) in batch.beside.iter_mut().zip(&mut growing.counted) {
            let all = (*count).max(*counted);
            (*count, *counted) = (all - *counted, all);
        }
        if let Some((_, last)) = findings.ids {
            growing.ids.1 = last;
        }
        growing.copy.clone_from(&self.buffer);
        if is_complete {
            self.say(growing.slot, findings, &mut batch);
        }
        self.growing = Some(growing);
        hand_on(batch);
    }

    fn say(&mut self, slot: u64, findings: Findings, batch: &mut Batch) {
        let without_template = findings.without_template.len() as u64;
        let of_templates = (without_template > 0)
            .then(|| Remark::new(FaultKind::TemplatesLost(without_template)).losing(without_template));
        let no_chunk = (!findings.is_chunk).then(|| Remark::new(FaultKind::NoChunk));
        for remark in findings.remarks.into_iter().chain(of_templates).chain(no_chunk) {
            self.ledger.add(remark.of_source(&self.info, self.info.name.clone(), Some(slot)));
        }
        batch.tally.bytes += CHUNK;
        batch.faults = self.ledger.take(self.info.id, &self.info.name);
    }
}

/// Records whose templates are destroyed are lost: another chunk's are not looked for while the log grows.
fn lose_orphans(findings: &Findings, batch: &mut Batch) {
    batch.tally.skip(SkipReason::Damaged, findings.without_template.len() as u64);
}

fn read_chunk(reader: &mut ChunkReader, chunk: &[u8], place: Place, batch: &mut Batch) -> Findings {
    read_chunk_guarded(reader, evtx::stated_records(chunk), batch, |reader, batch| {
        reader.read(chunk, place, batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::SourceId;
    use crate::model::fault::Severity;

    /// Returns the fault of a log that has not grown for long.
    fn said(bytes: &[u8]) -> Vec<Fault> {
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), bytes).unwrap();
        let info = SourceInfo {
            id: SourceId(0),
            path: path.path().to_owned(),
            name: "log.evtx".to_owned(),
            size: None,
        };
        let mut tail = LogTail::new(info, File::open(path.path()).unwrap()).unwrap();
        let mut faults = Vec::new();
        while tail.look(&mut |batch| faults.extend(batch.faults)).unwrap() == Look::News {}
        for _ in 0..2 {
            tail.settle(&mut |batch| faults.extend(batch.faults)).unwrap();
        }
        faults
    }

    #[test]
    fn a_missing_end_is_told_once() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/developers-day/WS-2101.evtx");
        let whole = std::fs::read(path).unwrap();
        assert_eq!(said(&whole), []);
        let [fault] = said(&whole[..4096 + CHUNK_SIZE]).try_into().unwrap();
        assert_eq!((fault.severity, fault.lost_records), (Severity::Loss, 0));
        assert!(
            fault.reason().starts_with("so far, records ") && fault.reason().contains("missing at the end"),
            "{fault}"
        );
    }
}
