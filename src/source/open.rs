//! One file while it is read: what of it is still to be done, and what was found in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::evtx::{self, CHUNK_SIZE, Findings, Ground, Remark, Slot};
use super::file::read_at;
use super::ledger::Ledger;
use crate::model::batch::Batch;
use crate::model::fault::{Fault, Severity, SkipReason};
use crate::model::feed::SourceInfo;

/// How many chunks are claimed at a time, at most.
const MOST_CLAIMED: u64 = 8;
const CHUNK: u64 = CHUNK_SIZE as u64;

/// A file that is being read, by any number of threads.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// The source that it is.
    pub(super) info: SourceInfo,
    /// The file.
    pub(super) file: File,
    size: u64,
    base: u64,
    header: FileHeader,
    state: Mutex<State>,
}

/// What the file's header says. It is never believed, only compared.
#[derive(Clone, Copy, Debug, Default)]
struct FileHeader {
    is_there: bool,
    chunks: u64,
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    next: u64,
    running: usize,
    odd: Vec<u64>,
    waste: Vec<(u64, u64)>,
    chunks: BTreeMap<u64, Found>,
    ledger: Ledger,
    bytes_seen: u64,
    bytes_sent: u64,
    shrunk_at: Option<u64>,
    is_finished: bool,
}

/// What is kept of a chunk.
#[derive(Clone, Copy, Debug)]
struct Found {
    ids: Option<(u64, u64)>,
    used: u64,
}

#[derive(Debug, Default)]
enum Stage {
    /// The chunks on the grid.
    #[default]
    Grid,
    /// The chunks that stand elsewhere.
    Elsewhere(Vec<Slot>),
}

/// Chunks that one thread reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The chunks.
    pub(super) slots: Vec<Slot>,
    /// Whether they lie on the grid, where there need not be any.
    pub(super) is_grid: bool,
}

/// What became of a claim.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// Parts of the grid that hold something else than a chunk.
    pub(super) odd: Vec<u64>,
    /// The chunks that were read, by where they begin.
    pub(super) chunks: Vec<(u64, Findings)>,
    /// Bytes that were read for the first time.
    pub(super) bytes_seen: u64,
    /// Bytes that the batches have accounted for.
    pub(super) bytes_sent: u64,
    /// Where the file ended before its time.
    pub(super) shrunk_at: Option<u64>,
    /// What else is wrong, and where.
    pub(super) remarks: Vec<(u64, Remark)>,
}

impl OpenFile {
    /// Looks at a file's header.
    ///
    /// # Errors
    /// The file can't be read.
    pub(super) fn new(info: SourceInfo, file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        let mut head = [0; 128];
        let read = read_at(&file, &mut head, 0)?;
        let head = head.get(..read).unwrap_or_default();
        let base = evtx::base_of(head).min(size);
        let is_there = evtx::is_log_head(head) && base > 0;
        let chunks =
            head.get(42..44).and_then(|bytes| bytes.first_chunk().copied()).map_or(0, u16::from_le_bytes);
        let header = FileHeader { is_there, chunks: u64::from(chunks) };
        let state = State { bytes_seen: base, ..State::default() };
        Ok(Self { info, file, size, base, header, state: Mutex::new(state) })
    }

    /// Bytes before the first chunk, which count as read at once.
    pub(super) fn head_bytes(&self) -> u64 {
        self.base
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many chunks the grid has room for.
    pub(super) fn grid_slots(&self) -> u64 {
        (self.size - self.base).div_ceil(CHUNK)
    }

    fn grid_slot(&self, number: u64) -> Slot {
        let start = self.base + number * CHUNK;
        Slot {
            start,
            length: usize::try_from(self.size.saturating_sub(start).min(CHUNK)).unwrap_or(CHUNK_SIZE),
        }
    }

    /// Takes work, if any is left, and counts it as running until [`OpenFile::merge`].
    pub(super) fn claim(&self, threads: u64) -> Option<Claim> {
        let mut state = self.lock();
        let total = match &state.stage {
            Stage::Grid => self.grid_slots(),
            Stage::Elsewhere(slots) => slots.len() as u64,
        };
        let left = total.saturating_sub(state.next);
        if left == 0 || state.is_finished {
            return None;
        }
        let taken = (left / threads.max(1)).clamp(1, MOST_CLAIMED);
        let numbers = state.next..state.next + taken;
        let claim = match &state.stage {
            Stage::Grid => {
                Claim { slots: numbers.map(|number| self.grid_slot(number)).collect(), is_grid: true }
            }
            Stage::Elsewhere(slots) => {
                let numbers = usize::try_from(numbers.start).ok()?..usize::try_from(numbers.end).ok()?;
                Claim { slots: slots.get(numbers)?.to_vec(), is_grid: false }
            }
        };
        state.next += taken;
        state.running += 1;
        Some(claim)
    }

    /// Adds what became of a claim.
    pub(super) fn merge(&self, report: Report) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
        state.odd.extend(report.odd);
        state.bytes_seen += report.bytes_seen;
        state.bytes_sent += report.bytes_sent;
        state.shrunk_at = match (state.shrunk_at, report.shrunk_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        for (start, findings) in report.chunks {
            for remark in findings.remarks {
                let fault = self.fault(Some(start), remark);
                state.ledger.add(fault);
            }
            state.chunks.insert(start, Found { ids: findings.ids, used: findings.used as u64 });
        }
        for (start, remark) in report.remarks {
            let fault = self.fault(Some(start), remark);
            state.ledger.add(fault);
        }
    }

    fn fault(&self, start: Option<u64>, remark: Remark) -> Fault {
        Fault {
            source: Some(self.info.id),
            name: self.info.name.clone(),
            chunk: start.map(|start| start.saturating_sub(self.base) / CHUNK),
            record: remark.record,
            severity: remark.severity,
            lost_records: remark.lost_records,
            reason: remark.reason,
        }
    }

    /// Goes on once all claims of a stage are merged: to the parts that do not fit the grid, or to the end. Gives the
    /// file's last batch at its end; one thread gets it.
    pub(super) fn advance(&self, is_stopped: &dyn Fn() -> bool) -> Option<Batch> {
        let mut state = self.lock();
        let total = match &state.stage {
            Stage::Grid => self.grid_slots(),
            Stage::Elsewhere(slots) => slots.len() as u64,
        };
        if state.is_finished || state.running > 0 || state.next < total {
            return None;
        }
        if matches!(state.stage, Stage::Grid) && !state.odd.is_empty() {
            let ground = self.survey(&mut state, is_stopped);
            state.waste = ground.waste;
            let is_empty = ground.chunks.is_empty();
            state.stage = Stage::Elsewhere(ground.chunks);
            state.next = 0;
            if !is_empty {
                return None;
            }
        }
        self.conclude(&mut state);
        Some(self.last_batch(&mut state))
    }

    /// Looks at the parts of the grid that hold something else than a chunk.
    fn survey(&self, state: &mut State, is_stopped: &dyn Fn() -> bool) -> Ground {
        let mut odd = std::mem::take(&mut state.odd);
        odd.sort_unstable();
        let mut all = Ground::default();
        let mut runs: Vec<Range<u64>> = Vec::new();
        for number in odd {
            match runs.last_mut() {
                Some(run) if run.end == number => run.end += 1,
                _ => runs.push(number..number + 1),
            }
        }
        for run in runs {
            let on_grid = self.base + run.start * CHUNK;
            let end = (self.base + run.end * CHUNK).min(self.size);
            // The chunk before may end early, and the next one begin inside of its 64 KiB.
            let before = state.chunks.range(..on_grid).next_back();
            let search_from = match before {
                Some((start, found)) if start + CHUNK == on_grid => start + found.used,
                _ => on_grid,
            };
            // Without a header there need not be 4096 bytes before the first chunk either.
            let is_headless = run.start == 0 && !self.header.is_there;
            let (search_from, start) = if is_headless { (0, 0) } else { (search_from, on_grid) };
            match evtx::survey(&self.file, search_from, start, end, is_stopped) {
                Ok(ground) => {
                    all.chunks.extend(ground.chunks);
                    all.waste.extend(ground.waste);
                }
                Err(error) => {
                    let remark = Remark {
                        severity: Severity::Loss,
                        record: None,
                        lost_records: 0,
                        reason: format!("{} bytes can't be read: {error}", end - start),
                    };
                    let fault = self.fault(Some(start), remark);
                    state.ledger.add(fault);
                }
            }
        }
        all
    }

    /// What can be said of the file as a whole.
    fn conclude(&self, state: &mut State) {
        let mut remarks: Vec<(Option<u64>, Remark, SkipReason)> = Vec::new();
        let mut say = |at: Option<u64>, severity: Severity, lost: u64, reason: String| {
            let remark = Remark { severity, record: None, lost_records: lost, reason };
            remarks.push((at, remark, SkipReason::Damaged));
        };
        let chunks = state.chunks.len() as u64;
        if chunks == 0 && !self.header.is_there {
            let reason = if state.waste.is_empty() {
                "it holds nothing but zeros: copy it again from where it comes from"
            } else {
                "no part of it is a Windows event log: name a .evtx file"
            };
            say(None, Severity::Unreadable, 0, reason.to_owned());
        } else {
            if !self.header.is_there {
                let reason = "the file's header is missing or overwritten; its chunks were found without it";
                say(None, Severity::Notice, 0, reason.to_owned());
            } else if self.header.chunks < chunks {
                let reason = format!(
                    "the file's header is out of date: it counts {} chunks, {chunks} were found",
                    self.header.chunks
                );
                say(None, Severity::Notice, 0, reason);
            }
            for (start, end) in &state.waste {
                let (severity, lost) = judge_waste(&state.chunks, *start, *end);
                let reason = format!("{} bytes at byte {start} are no log data", end - start);
                say(Some(*start), severity, lost, reason);
            }
        }
        if let Some(at) = state.shrunk_at {
            let reason = format!("the file became shorter while it was read: it ends at byte {at} now");
            say(None, Severity::Loss, 0, reason);
        }
        for (at, remark, _) in remarks {
            let fault = self.fault(at, remark);
            state.ledger.add(fault);
        }
        state.is_finished = true;
    }

    fn last_batch(&self, state: &mut State) -> Batch {
        let mut batch = Batch::new(self.info.id);
        batch.tally.bytes = state.bytes_seen.saturating_sub(state.bytes_sent);
        state.bytes_sent = state.bytes_seen;
        for (start, end) in std::mem::take(&mut state.waste) {
            let (_, lost) = judge_waste(&state.chunks, start, end);
            batch.tally.skip(SkipReason::Damaged, lost);
        }
        batch.faults = state.ledger.take(self.info.id, &self.info.name);
        batch
    }

    /// What is known of a file that was not read to its end.
    pub(super) fn abandon(&self) -> Batch {
        let mut state = self.lock();
        state.is_finished = true;
        state.waste.clear();
        self.last_batch(&mut state)
    }
}

/// What bytes cost that hold no records: what is missing between the numbers of the records around them.
fn judge_waste(chunks: &BTreeMap<u64, Found>, start: u64, end: u64) -> (Severity, u64) {
    let before = chunks.range(..start).rev().find_map(|(_, found)| found.ids);
    let behind = chunks.range(end..).find_map(|(_, found)| found.ids);
    let missing = match (before, behind) {
        (Some((_, last)), Some((first, _))) => first.checked_sub(last).map_or(0, |gap| gap.saturating_sub(1)),
        _ => 0,
    };
    // More cannot have stood there.
    if missing > 0 && missing <= (end - start) / 28 + 1 {
        (Severity::Loss, missing)
    } else if end - start >= CHUNK && behind.is_some() {
        // A whole chunk stood there, in all likelihood.
        (Severity::Loss, 0)
    } else {
        (Severity::Notice, 0)
    }
}
