//! Blocks of whole records: cut out of a stream, and parsed record by record.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use super::dialects::DialectReader;
use super::event_builder::{EventBuilder, RecordKind};
use super::framing::{Frame, Framer, resolve};
use super::json;
use crate::model::batch::{Batch, CountedRecords, Place};
use crate::model::event::{Field, Wanted, code};
use crate::model::fault::{FaultKind, SkipReason};
use crate::source::fault_log::Remark;
use crate::source::format::{Format, detect_format, names_columns};
use crate::source::stream::Stream;

/// Lines that a table may have before its names.
const MAX_PREAMBLE: usize = 16;

/// Some whole records, and the bytes between them.
pub(super) struct Block {
    pub(super) data: Vec<u8>,
    pub(super) frames: Vec<Frame>,
    /// Offset of the data in the stream.
    pub(super) place: Place,
    /// The number of their first line, from 1.
    pub(super) line: u64,
    /// The line on which the first record began, if its beginning is dropped.
    pub(super) lost_line: Option<u64>,
    pub(super) names: Option<Arc<Vec<String>>>,
}

const CHUNK: usize = 256 << 10;
/// Maximum number of frames in a block. A hostile window holds millions of lines of two bytes.
const MAX_FRAMES: usize = 1 << 16;

/// The part of a stream that is held. It grows at its end, and blocks are cut off its beginning.
pub(super) struct Window {
    pub(super) framer: Framer,
    /// The buffer of one read.
    chunk: Vec<u8>,
    data: Vec<u8>,
    /// Bytes before this offset are cut off.
    from: usize,
    place: Place,
    line: u64,
    lost_line: Option<u64>,
    /// An error that came after bytes of the last chunk.
    error: Option<io::Error>,
    /// Bytes that were copied when records were cut off.
    #[cfg(test)]
    pub(super) copied: usize,
}

impl Window {
    pub(super) fn new(framer: Framer) -> Self {
        Self {
            framer,
            chunk: vec![0; CHUNK],
            data: Vec::new(),
            from: 0,
            place: 0,
            line: 1,
            lost_line: None,
            error: None,
            #[cfg(test)]
            copied: 0,
        }
    }

    /// Reads more; returns the number of bytes. With `whole` it waits for a full chunk, so that the blocks of a source do
    /// not depend on the sizes in which its bytes come.
    pub(super) fn fill(&mut self, stream: &mut Stream<'_>, whole: bool) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.data.drain(..std::mem::take(&mut self.from));
        let mut filled = 0;
        while let Some(rest) = self.chunk.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match stream.read(rest) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if filled == 0 => return Err(error),
                Err(error) => {
                    // The bytes before it are read first.
                    self.error = Some(error);
                    break;
                }
                Ok(read) => {
                    filled += read;
                    if read == 0 || !whole {
                        break;
                    }
                }
            }
        }
        self.data.extend_from_slice(self.chunk.get(..filled).unwrap_or_default());
        Ok(filled)
    }

    pub(super) fn last_line(&self) -> u64 {
        self.line + lines(self.held())
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.held().len()
    }

    fn held(&self) -> &[u8] {
        self.data.get(self.from..).unwrap_or_default()
    }

    /// Cuts off the whole records, or the first of many. Returns `None` when there are none; only then may more be
    /// read.
    pub(super) fn cut(&mut self, is_end: bool) -> Option<Block> {
        let was_skipping = self.framer.is_skipping();
        let mut frames = Vec::new();
        let held = self.data.get(self.from..).unwrap_or_default();
        while frames.len() < MAX_FRAMES {
            match self.framer.next(held, is_end) {
                Frame::NeedMore => break,
                frame => frames.push(frame),
            }
        }
        let is_full = frames.len() == MAX_FRAMES;
        let is_all = is_end && !is_full;
        let done = if is_all { held.len() } else { self.framer.done().min(held.len()) };
        if !was_skipping && self.framer.is_skipping() {
            // Remembers the line of the skipped record, whose first bytes are dropped now.
            self.lost_line = Some(self.line);
        }
        let lost_line = if frames.is_empty() { None } else { self.lost_line.take() };
        let data = if is_full || self.from > 0 {
            let data = held.get(..done).unwrap_or_default().to_vec();
            self.from += done;
            data
        } else if done == 0 {
            // `split_off` copies all bytes after its offset, even at offset 0.
            Vec::new()
        } else {
            let rest = self.data.split_off(done);
            #[cfg(test)]
            {
                self.copied += rest.len();
            }
            std::mem::replace(&mut self.data, rest)
        };
        self.framer.cut(&data);
        let block = Block { place: self.place, line: self.line, lost_line, frames, data, names: None };
        self.place += done as u64;
        self.line += lines(&block.data);
        (!block.frames.is_empty()).then_some(block)
    }
}

/// Line ends in bytes.
pub(super) fn lines(data: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', data).count() as u64
}

/// Parses blocks; keeps its buffers between them.
#[derive(Default)]
pub(super) struct BlockReader {
    dialects: DialectReader,
    builder: EventBuilder,
    pub(super) rows: RowSplitter,
    with_telemetry: bool,
    counted: Counted,
    /// Rows before the row of names so far, in a table that may have some.
    preamble: Option<usize>,
}

impl BlockReader {
    /// A reader that decodes the projection, and the events of other channels if `with_telemetry`.
    pub(super) fn new(wanted: Wanted, with_telemetry: bool) -> Self {
        Self { with_telemetry, builder: EventBuilder::with_projection(wanted), ..Self::default() }
    }

    /// A reader of a table in which one line is known to name columns of events. Lines before it are skipped.
    pub(super) fn skipping_preamble(self) -> Self {
        Self { preamble: Some(0), ..self }
    }

    /// A reader of the same stream for another thread.
    pub(super) fn fork(&self) -> Self {
        let rows = RowSplitter { reader: self.rows.reader.clone(), ..RowSplitter::default() };
        Self { rows, ..Self::new(self.builder.wanted(), self.with_telemetry) }
    }

    /// Takes a table's names off its first block.
    pub(super) fn take_names(&mut self, block: &mut Block) -> Option<Arc<Vec<String>>> {
        let mut rest = std::mem::take(&mut block.frames).into_iter();
        let range = loop {
            match rest.next()? {
                Frame::Record(range) => {
                    let names = block.data.get(range.clone()).is_some_and(names_columns);
                    if names || self.preamble.is_none_or(|rows| rows == MAX_PREAMBLE) {
                        break range;
                    }
                    // Lines before the names: a title, `sep=;`, a `#TYPE`.
                    self.preamble = self.preamble.map(|rows| rows + 1);
                }
                frame => block.frames.push(frame),
            }
        };
        block.frames.extend(rest);
        let (line, delimiter) = (block.data.get(range).unwrap_or_default(), delimiter_of(&block.data));
        self.rows.reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let text = json::as_text(line);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        self.rows.read(text);
        Some(Arc::new(self.rows.cells().map(|name| name.trim().to_owned()).collect()))
    }

    pub(super) fn read(&mut self, block: &Block, batch: &mut Batch, remarks: &mut Vec<Remark>) {
        self.counted = Counted::default();
        let mut lines = Lines { data: &block.data, at: 0, line: block.line };
        for frame in &block.frames {
            match frame {
                Frame::Record(range) => self.sure_record(block, range.clone(), &mut lines, batch, remarks),
                Frame::Line { range, is_last } => {
                    if self.record(block, range.clone(), &mut lines, batch, remarks).is_err() {
                        self.broken_line(block, range.clone(), *is_last, &mut lines, batch, remarks);
                    }
                }
                Frame::Lost(range, reason, why) => {
                    batch.tally.skip(*reason, 1);
                    let line = block.lost_line.unwrap_or_else(|| lines.number(range.start));
                    remarks.push(loss(None, line, *why));
                }
                Frame::OtherProgram => batch.tally.skip(SkipReason::OtherProvider, 1),
                Frame::NeedMore => {}
            }
        }
        batch.counted = self.counted.records();
    }

    /// Reads a record. Invalid JSON is a loss.
    fn sure_record(
        &mut self,
        block: &Block,
        range: Range<usize>,
        lines: &mut Lines<'_>,
        batch: &mut Batch,
        remarks: &mut Vec<Remark>,
    ) {
        let start = range.start;
        if let Err(why) = self.record(block, range, lines, batch, remarks) {
            batch.tally.skip(SkipReason::Damaged, 1);
            remarks.push(loss(None, lines.number(start), why));
        }
    }

    /// Reads a record.
    ///
    /// # Errors
    /// The fault of the JSON, as a clause; no event was added then.
    fn record(
        &mut self,
        block: &Block,
        range: Range<usize>,
        lines: &mut Lines<'_>,
        batch: &mut Batch,
        remarks: &mut Vec<Remark>,
    ) -> Result<(), String> {
        let start = range.start;
        let bytes = block.data.get(range).unwrap_or_default();
        let text = json::as_text(bytes);
        self.builder.clear();
        let outcome = match &block.names {
            Some(names) => self.row(&text, names),
            None if bytes.starts_with(b"<") => self.dialects.read_xml(&text, &mut self.builder),
            None => self.dialects.read(&text, &mut self.builder)?,
        };
        match outcome {
            RecordKind::OtherProvider => {
                batch.tally.skip(SkipReason::OtherProvider, 1);
                if self.with_telemetry {
                    self.builder.push_other_channel(block.place + start as u64, batch);
                }
            }
            RecordKind::Sysmon(event_code) => {
                self.builder.push(event_code, block.place + start as u64, batch);
                if !code::is_kept(event_code) {
                    self.counted.add(event_code, &self.builder);
                }
                if let Some(trouble) = self.builder.trouble.take() {
                    let kind = FaultKind::line(lines.number(start), trouble);
                    remarks.push(Remark::new(kind).at_record(self.builder.record_id));
                }
                if matches!(text, Cow::Owned(_)) {
                    let kind = FaultKind::NotUtf8 { line: lines.number(start) };
                    remarks.push(Remark::new(kind).at_record(self.builder.record_id));
                }
            }
            RecordKind::Unreadable(reason, why) => {
                batch.tally.skip(reason, 1);
                remarks.push(loss(self.builder.record_id, lines.number(start), why));
            }
        }
        Ok(())
    }

    /// Reads a line that is not one JSON value: scanned in full, it gives its records and losses.
    fn broken_line(
        &mut self,
        block: &Block,
        range: Range<usize>,
        is_last: bool,
        lines: &mut Lines<'_>,
        batch: &mut Batch,
        remarks: &mut Vec<Remark>,
    ) {
        let first = range.start;
        for frame in resolve(block.data.get(range).unwrap_or_default(), is_last) {
            match frame {
                Frame::Record(range) => {
                    let range = first + range.start..first + range.end;
                    self.sure_record(block, range, lines, batch, remarks);
                }
                Frame::Lost(range, reason, why) => {
                    batch.tally.skip(reason, 1);
                    remarks.push(loss(None, lines.number(first + range.start), why));
                }
                Frame::OtherProgram => batch.tally.skip(SkipReason::OtherProvider, 1),
                Frame::Line { .. } | Frame::NeedMore => {}
            }
        }
    }

    fn row(&mut self, text: &str, names: &[String]) -> RecordKind {
        self.rows.read(text);
        let cells = self.rows.cells().count();
        if cells != names.len() {
            return RecordKind::damaged(format!(
                "the row has {cells} cells, the table has {} columns",
                names.len()
            ));
        }
        let pairs = names.iter().map(String::as_str).zip(self.rows.cells());
        self.dialects.read_pairs(pairs, &mut self.builder)
    }
}

fn loss(record: Option<u64>, line: u64, why: impl Into<Cow<'static, str>>) -> Remark {
    Remark::new(FaultKind::line(line, why)).at_record(record).losing(1)
}

/// The events of a block that are only counted, by which the store knows a copy of the same block.
#[derive(Debug, Default)]
struct Counted {
    records: Option<CountedRecords>,
    /// An event without host, number or time may be another one each time.
    has_unknown: bool,
}

impl Counted {
    fn add(&mut self, event_code: u16, event: &EventBuilder) {
        let (Some(host), Some(record), Some(time)) =
            (event.text(Field::Computer), event.record_id, event.time)
        else {
            self.has_unknown = true;
            return;
        };
        let seconds = time.unix_seconds().cast_unsigned().wrapping_mul(1_000_000_007);
        let time = seconds.wrapping_add(u64::from(time.subsec_nanoseconds()));
        let host = u64::from(crc32fast::hash(host.as_bytes())) << 32;
        self.records = Some(CountedRecords::with(self.records, record, time ^ host, event_code));
    }

    fn records(&self) -> Option<CountedRecords> {
        self.records.filter(|_| !self.has_unknown)
    }
}

/// Counts lines up to ascending offsets.
struct Lines<'a> {
    data: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn number(&mut self, at: usize) -> u64 {
        self.line += lines(self.data.get(self.at..at).unwrap_or_default());
        self.at = self.at.max(at);
        self.line
    }
}

/// The delimiter of a table, by its first line.
fn delimiter_of(data: &[u8]) -> u8 {
    match detect_format(data, true) {
        Some(Format::Csv(delimiter)) => delimiter,
        _ => b',',
    }
}

/// One row of a table in cells.
#[derive(Debug, Default)]
pub(super) struct RowSplitter {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    length: usize,
}

impl RowSplitter {
    /// Splits a row, which is whole.
    pub(super) fn read(&mut self, row: &str) {
        self.reader.reset();
        self.text.resize(row.len() + 1, 0);
        self.ends.resize(self.ends.len().max(64), 0);
        self.length = 0;
        let (mut input, mut written) = (row.as_bytes(), 0);
        loop {
            let (Some(text), Some(ends)) = (self.text.get_mut(written..), self.ends.get_mut(self.length..))
            else {
                return;
            };
            let (result, used, wrote, cells) = self.reader.read_record(input, text, ends);
            input = input.get(used..).unwrap_or_default();
            written += wrote;
            self.length += cells;
            match result {
                csv_core::ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                csv_core::ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                csv_core::ReadRecordResult::InputEmpty => {}
                csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End => return,
            }
        }
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &str> {
        let ends = self.ends.get(..self.length).unwrap_or_default();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| {
            self.text.get(start..*end).and_then(|cell| str::from_utf8(cell).ok()).unwrap_or_default()
        })
    }
}
