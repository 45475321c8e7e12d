//! One event log while it is read: the work that is left, and the findings so far.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chunk::Findings;
use super::ending::{self, Ending, LogSummary};
use super::file_header::{FILE_HEADER_READ, FileHeader};
use super::gaps::{ChunkSummary, Gap, missing_between};
use super::header::{CHUNK_SIZE, MIN_RECORD};
use super::layout::{self, ChunkExtent, Layout};
use super::recovered_templates::{RecoveredTemplates, TemplateKey};
use crate::model::batch::Batch;
use crate::model::fault::{Fault, FaultKind, Severity, SkipReason};
use crate::model::feed::SourceInfo;
use crate::source::fault_log::{FaultLog, Remark};
use crate::source::read_at::read_at;

/// Maximum number of chunks in one work item.
const MAX_TAKEN: u64 = 8;
/// Maximum number of templates that are searched for in other chunks; real logs have a few dozen.
const MAX_WANTED: usize = 1024;
const CHUNK: u64 = CHUNK_SIZE as u64;

/// A file that is being read, by any number of threads.
#[derive(Debug)]
pub(in crate::source) struct OpenFile {
    /// The source that it is.
    pub(in crate::source) info: SourceInfo,
    /// The file.
    pub(in crate::source) file: File,
    size: u64,
    base: u64,
    header: FileHeader,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    next: u64,
    running: usize,
    off_grid: Vec<u64>,
    unusable: Vec<(u64, u64)>,
    chunks: BTreeMap<u64, ChunkSummary>,
    faults: FaultLog,
    without_template: RecordsWithoutTemplate,
    wanted: BTreeSet<TemplateKey>,
    bytes_seen: u64,
    bytes_sent: u64,
    shrunk_at: Option<u64>,
    is_finished: bool,
}

/// Offsets of records whose template is destroyed, by the offset of their chunk.
pub(in crate::source) type RecordsWithoutTemplate = BTreeMap<u64, Vec<u16>>;

/// A step of reading a file, the chunks of which all threads share.
#[derive(Debug, Default)]
struct Stage {
    pass: Pass,
    /// The chunks; those of the grid are counted instead.
    slots: Vec<ChunkExtent>,
}

/// A pass over the chunks of a file.
#[derive(Clone, Debug, Default)]
pub(in crate::source) enum Pass {
    /// Reads the chunks on the grid of 64 KiB.
    #[default]
    Grid,
    /// Reads the chunks that are off the grid.
    Elsewhere,
    /// Reads the records without a template, by the templates of other chunks.
    RecordsWithoutTemplate(Arc<RecordsWithoutTemplate>, Arc<RecoveredTemplates>),
}

/// Chunks that one thread reads.
#[derive(Clone, Debug)]
pub(in crate::source) struct WorkItem {
    /// The chunks.
    pub(in crate::source) slots: Vec<ChunkExtent>,
    /// The pass.
    pub(in crate::source) pass: Pass,
}

/// The result of a work item.
#[derive(Debug, Default)]
pub(in crate::source) struct WorkResult {
    /// Slots of the grid that hold no chunk.
    pub(in crate::source) off_grid: Vec<u64>,
    /// The chunks that were read.
    pub(in crate::source) chunks: Vec<(ChunkExtent, Findings)>,
    /// Bytes that were read for the first time.
    pub(in crate::source) bytes_seen: u64,
    /// Bytes that the batches have accounted for.
    pub(in crate::source) bytes_sent: u64,
    /// The end of a file that became shorter.
    pub(in crate::source) shrunk_at: Option<u64>,
    /// Further faults, by chunk offset.
    pub(in crate::source) remarks: Vec<(u64, Remark)>,
}

impl OpenFile {
    /// Checks a file's header.
    ///
    /// # Errors
    /// The file can't be read.
    pub(in crate::source) fn new(info: SourceInfo, file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let mut head = [0; FILE_HEADER_READ];
        let read = read_at(&file, &mut head, 0)?;
        let head = head.get(..read).unwrap_or_default();
        let base = layout::base_of(head).min(size);
        let header = FileHeader::read(head);
        let state = State { bytes_seen: base, ..State::default() };
        Ok(Self { info, file, size, base, header, state: Mutex::new(state) })
    }

    /// Bytes before the first chunk, which count as read at once.
    pub(in crate::source) fn head_bytes(&self) -> u64 {
        self.base
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The count of chunks that the grid has room for.
    pub(in crate::source) fn grid_slots(&self) -> u64 {
        (self.size - self.base).div_ceil(CHUNK)
    }

    fn grid_slot(&self, number: u64) -> ChunkExtent {
        let start = self.base + number * CHUNK;
        ChunkExtent {
            start,
            length: usize::try_from(self.size.saturating_sub(start).min(CHUNK)).unwrap_or(CHUNK_SIZE),
        }
    }

    /// Takes a work item, if any is left, and counts it as running until [`OpenFile::merge`].
    pub(in crate::source) fn take_work(&self, threads: u64) -> Option<WorkItem> {
        let mut state = self.lock();
        let left = self.slots(&state.stage).saturating_sub(state.next);
        if left == 0 || state.is_finished {
            return None;
        }
        let taken = (left / threads.max(1)).clamp(1, MAX_TAKEN);
        let numbers = state.next..state.next + taken;
        let slots = if matches!(state.stage.pass, Pass::Grid) {
            numbers.map(|number| self.grid_slot(number)).collect()
        } else {
            let numbers = usize::try_from(numbers.start).ok()?..usize::try_from(numbers.end).ok()?;
            state.stage.slots.get(numbers)?.to_vec()
        };
        state.next += taken;
        state.running += 1;
        Some(WorkItem { slots, pass: state.stage.pass.clone() })
    }

    fn slots(&self, stage: &Stage) -> u64 {
        if matches!(stage.pass, Pass::Grid) { self.grid_slots() } else { stage.slots.len() as u64 }
    }

    /// Adds the result of a work item.
    pub(in crate::source) fn merge(&self, result: WorkResult) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
        state.off_grid.extend(result.off_grid);
        state.bytes_seen += result.bytes_seen;
        state.bytes_sent += result.bytes_sent;
        state.shrunk_at = match (state.shrunk_at, result.shrunk_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let is_first = !matches!(state.stage.pass, Pass::RecordsWithoutTemplate(..));
        for (slot, findings) in result.chunks {
            for remark in findings.remarks {
                let fault = self.fault(Some(slot.start), remark);
                state.faults.add(fault);
            }
            if !findings.without_template.is_empty() {
                state.without_template.insert(slot.start, findings.without_template);
                let room = MAX_WANTED.saturating_sub(state.wanted.len());
                state.wanted.extend(findings.wanted.into_iter().take(room));
            }
            if is_first {
                let found = ChunkSummary {
                    slot,
                    is_chunk: findings.is_chunk,
                    is_stated: findings.is_stated,
                    span: findings.span,
                    first_number: findings.first_number,
                    used: findings.used as u64,
                };
                state.chunks.insert(slot.start, found);
            }
        }
        for (start, remark) in result.remarks {
            let fault = self.fault(Some(start), remark);
            state.faults.add(fault);
        }
    }

    fn fault(&self, start: Option<u64>, remark: Remark) -> Fault {
        let chunk = start.map(|start| start.saturating_sub(self.base) / CHUNK);
        remark.of_source(&self.info, self.info.path.display().to_string(), chunk)
    }

    /// Starts the next pass once all work items of one are merged: the grid, then chunks off the grid, then records
    /// without a template. Returns the file's last batch at the end, to one thread.
    pub(in crate::source) fn advance(&self, is_stopped: &dyn Fn() -> bool) -> Option<Batch> {
        let mut state = self.lock();
        if state.is_finished || state.running > 0 || state.next < self.slots(&state.stage) {
            return None;
        }
        // The lock is not held while the file is searched; to the others a work item seems to run.
        if matches!(state.stage.pass, Pass::Grid) && !state.off_grid.is_empty() {
            state.running = 1;
            let runs = self.runs(&mut state);
            drop(state);
            let (layout, remarks) = self.scan_for_chunks(runs, is_stopped);
            state = self.lock();
            state.running = 0;
            state.unusable = layout.unusable;
            for (start, remark) in remarks {
                let fault = self.fault(Some(start), remark);
                state.faults.add(fault);
            }
            if !layout.chunks.is_empty() {
                state.stage = Stage { pass: Pass::Elsewhere, slots: layout.chunks };
                state.next = 0;
                return None;
            }
        }
        if !state.without_template.is_empty() {
            state.running = 1;
            let wanted = std::mem::take(&mut state.wanted);
            let chunks: Vec<ChunkExtent> = state.chunks.values().map(|found| found.slot).collect();
            drop(state);
            let recovered = self.learn(&chunks, wanted, is_stopped);
            state = self.lock();
            state.running = 0;
            let without_template = std::mem::take(&mut state.without_template);
            let slots =
                chunks.into_iter().filter(|slot| without_template.contains_key(&slot.start)).collect();
            let pass = Pass::RecordsWithoutTemplate(Arc::new(without_template), Arc::new(recovered));
            state.stage = Stage { pass, slots };
            state.next = 0;
            return None;
        }
        let lost = self.conclude(&mut state);
        Some(self.last_batch(&mut state, &lost))
    }

    /// Searches the whole file for wanted templates.
    fn learn(
        &self,
        chunks: &[ChunkExtent],
        mut wanted: BTreeSet<TemplateKey>,
        is_stopped: &dyn Fn() -> bool,
    ) -> RecoveredTemplates {
        let mut recovered = RecoveredTemplates::default();
        let mut buffer = vec![0; CHUNK_SIZE];
        for slot in chunks {
            if wanted.is_empty() || is_stopped() {
                break;
            }
            let Some(buffer) = buffer.get_mut(..slot.length) else { continue };
            // A chunk that can't be read again gives no template.
            let read = read_at(&self.file, buffer, slot.start).unwrap_or(0);
            recovered.learn(buffer.get(..read).unwrap_or_default(), &mut wanted);
        }
        recovered
    }

    /// The parts of the file that hold something else than a chunk on the grid: from where they are to be searched,
    /// where they begin, where they end.
    fn runs(&self, state: &mut State) -> Vec<(u64, Range<u64>)> {
        let mut off_grid = std::mem::take(&mut state.off_grid);
        off_grid.sort_unstable();
        let mut runs: Vec<Range<u64>> = Vec::new();
        for number in off_grid {
            match runs.last_mut() {
                Some(run) if run.end == number => run.end += 1,
                _ => runs.push(number..number + 1),
            }
        }
        let place = |run: Range<u64>| {
            let on_grid = self.base + run.start * CHUNK;
            let end = (self.base + run.end * CHUNK).min(self.size);
            // Without a header there need not be 4096 bytes before the first chunk either.
            if run.start == 0 && !self.header.is_there {
                return (0, 0..end);
            }
            // The chunk before may end early, and the next one begin inside of its 64 KiB.
            let before = state.chunks.range(..on_grid).next_back();
            let search_from = match before {
                Some((start, found)) if start + CHUNK == on_grid => start + found.used,
                _ => on_grid,
            };
            (search_from, on_grid..end)
        };
        runs.into_iter().map(place).collect()
    }

    /// Searches those parts.
    fn scan_for_chunks(
        &self,
        runs: Vec<(u64, Range<u64>)>,
        is_stopped: &dyn Fn() -> bool,
    ) -> (Layout, Vec<(u64, Remark)>) {
        let mut all = Layout::default();
        let mut remarks = Vec::new();
        for (search_from, run) in runs {
            match layout::scan_for_chunks(&self.file, search_from, run.start, run.end, is_stopped) {
                Ok(layout) => {
                    all.chunks.extend(layout.chunks);
                    all.unusable.extend(layout.unusable);
                }
                Err(error) => {
                    let (bytes, error) = (run.end - run.start, error.to_string());
                    let remark = Remark::new(FaultKind::BytesUnread { bytes, error });
                    remarks.push((run.start, remark));
                }
            }
        }
        (all, remarks)
    }

    /// Adds the faults of the file as a whole; returns the records that are lost without a trace.
    fn conclude(&self, state: &mut State) -> Vec<(SkipReason, u64)> {
        let mut remarks: Vec<(Option<u64>, SkipReason, Remark)> = Vec::new();
        let mut add = |at, remark| remarks.push((at, SkipReason::Damaged, remark));
        let chunks = state.chunks.values().filter(|found| found.is_chunk).count() as u64;
        if chunks == 0 && !self.header.is_there {
            let has_nothing = state.unusable.is_empty() && state.chunks.is_empty();
            add(None, Remark::new(if has_nothing { FaultKind::Zeros } else { FaultKind::NotALog }));
            state.unusable.clear();
        } else if !self.header.is_there {
            add(None, Remark::new(FaultKind::NoFileHeader));
        } else if self.header.chunks < chunks {
            add(None, Remark::new(FaultKind::OldFileHeader { counted: self.header.chunks, found: chunks }));
        }
        let end = (self.base + self.header.chunks * CHUNK).max(self.size);
        let gaps = missing_between(&state.chunks, &self.header, self.base, end);
        for (start, end) in std::mem::take(&mut state.unusable) {
            let severity = Self::judge_unusable(&state.chunks, &gaps, start, end);
            let remark = Remark::new(FaultKind::NoLogData { bytes: end - start, start });
            add(Some(start), Remark { severity, ..remark });
        }
        for gap in &gaps {
            let remark = Remark::new(FaultKind::MissingRecords(gap.reason()));
            add(Some(gap.before), remark.losing(gap.records));
        }
        if let Some(end) = state.shrunk_at {
            add(None, Remark::new(FaultKind::Shrunk { end }));
        }
        let (ending, is_cut) = self.ending(&state.chunks, chunks, !gaps.is_empty());
        if let Some(kind) = ending.fault(&self.header, is_cut) {
            let why = if is_cut { SkipReason::Truncated } else { SkipReason::Damaged };
            remarks.push((None, why, Remark::new(kind).losing(ending.records(&self.header))));
        }
        let mut lost = Vec::new();
        for (at, why, remark) in remarks {
            lost.push((why, remark.lost_records));
            let fault = self.fault(at, remark);
            state.faults.add(fault);
        }
        state.is_finished = true;
        lost
    }

    /// The records that are missing at the log's end, and whether that is because the file ends too early.
    fn ending(&self, chunks: &BTreeMap<u64, ChunkSummary>, readable: u64, has_gaps: bool) -> (Ending, bool) {
        let newest =
            chunks.values().filter_map(|found| Some((found.span?.1, found))).max_by_key(|(id, _)| *id);
        let first = chunks.get(&self.base);
        let slots = (self.size - self.base).div_ceil(CHUNK);
        let seen = LogSummary {
            chunks: readable,
            slots,
            last: newest.map(|(last, _)| last),
            first_number: first.and_then(|found| found.first_number),
            room: newest.map_or(0, |(_, found)| CHUNK.saturating_sub(found.used) / MIN_RECORD as u64),
        };
        let ending = match ending::judge(&self.header, seen) {
            // Their records are counted by the numbers around them.
            Ending::MissingChunks(_) if has_gaps => Ending::Whole,
            ending => ending,
        };
        (ending, slots < self.header.chunks)
    }

    /// Judges bytes without records. Records missing there are counted by the numbers around them, if there are records
    /// on both sides.
    fn judge_unusable(chunks: &BTreeMap<u64, ChunkSummary>, gaps: &[Gap], start: u64, end: u64) -> Severity {
        let is_between = chunks.range(..start).any(|(_, found)| found.span.is_some());
        let behind = chunks.range(end..).find(|(_, found)| found.span.is_some());
        let is_doubtful = behind.is_some_and(|(at, found)| {
            let begins_anew =
                found.first_number == Some(1) || found.span.is_some_and(|(first, _)| first <= 1);
            !begins_anew && !gaps.iter().any(|gap| gap.before == *at)
        });
        // They probably held a whole chunk.
        if !is_between && is_doubtful && end - start >= CHUNK { Severity::Loss } else { Severity::Notice }
    }

    fn last_batch(&self, state: &mut State, lost: &[(SkipReason, u64)]) -> Batch {
        let mut batch = Batch::new(self.info.id);
        batch.tally.bytes = state.bytes_seen.saturating_sub(state.bytes_sent);
        state.bytes_sent = state.bytes_seen;
        for (why, records) in lost {
            batch.tally.skip(*why, *records);
        }
        batch.faults = state.faults.take(self.info.id, &self.info.path.display().to_string());
        batch
    }

    /// Ends a file that was not read to its end; returns its last batch.
    pub(in crate::source) fn abandon(&self) -> Batch {
        let mut state = self.lock();
        state.is_finished = true;
        self.last_batch(&mut state, &[])
    }
}
