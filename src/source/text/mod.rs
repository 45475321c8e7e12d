//! Sysmon events as text, in all the dialects in which exports, shippers and converters write them.
//!
//! A stream is unpacked and decoded ([`input`]), told by its content ([`sniff`](mod@sniff)), cut into records ([`framing`]), and
//! each record read for itself ([`shapes`], [`xml`]): what is wrong with one costs no other.

mod draft;
mod framing;
mod input;
mod message;
mod raw;
mod rows;
mod shapes;
mod sniff;
mod tape;
mod xml;
mod zip;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) use raw::text_xml;
pub use rows::load_rows;
pub(super) use sniff::{MOST_HEAD, Nature, is_promising, sniff};
pub(super) use zip::{Member, members};

use self::draft::{Draft, Outcome};
use self::framing::{CsvFramer, Framer, Step};
use self::input::{Metered, Opened, Piped, Section, Stream};
use self::shapes::ShapeReader;
use super::ledger::Ledger;
use crate::model::batch::{Batch, Place};
use crate::model::fault::{Fault, Severity, SkipReason};
use crate::model::feed::SourceInfo;

/// What an input holds, where somebody says so instead of having it told by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputFormat {
    /// Windows event logs.
    Evtx,
    /// Windows' XML of events.
    Xml,
    /// JSON, one value a line or over several lines.
    Json,
    /// A table with a line of names.
    Csv,
}

impl InputFormat {
    /// All formats, in the order in which help lists them.
    pub const ALL: [Self; 4] = [Self::Evtx, Self::Xml, Self::Json, Self::Csv];

    /// The format's name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evtx => "evtx",
            Self::Xml => "xml",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A file of its own.
    File,
    /// A file in a ZIP archive.
    Member(Arc<Member>),
    /// Standard input.
    StandardInput,
}

/// Where what was read goes.
pub(super) trait Outlet {
    /// Takes a batch.
    fn batch(&self, batch: Batch);
    /// Takes the number of bytes that were read.
    fn bytes(&self, bytes: u64);
    /// Whether nobody wants any more.
    fn is_over(&self) -> bool;
}

/// How a source was read.
pub(super) enum Done {
    /// To its end, or until it was stopped.
    Finished,
    /// It is a Windows event log, unpacked to a file without a name.
    Log(File),
}

/// More than this is not unpacked to disk.
const MOST_SPOOLED: u64 = 16 << 30;
const CHUNK: usize = 256 << 10;
/// Between two reports of what is wrong with a stream that may have no end.
const FAULTS_WAIT: Duration = Duration::from_secs(1);

/// Reads a source of events as text, and hands over what is in it.
pub(super) fn read(
    info: &SourceInfo,
    origin: &Origin,
    forced: Option<InputFormat>,
    outlet: &(dyn Outlet + Sync),
) -> Done {
    let is_over = || outlet.is_over();
    let is_endless = *origin == Origin::StandardInput;
    read_opened(info, open_origin(info, origin, &is_over), is_endless, forced, outlet)
}

/// Reads a stream that grows until it ends, one that is text beyond doubt.
pub(super) fn read_growing(
    info: &SourceInfo,
    stream: Box<dyn Read + Send + '_>,
    forced: Option<InputFormat>,
    outlet: &(dyn Outlet + Sync),
) {
    let (metered, read) = Metered::new(stream);
    read_opened(info, Ok((Box::new(metered), read)), true, forced, outlet);
}

fn read_opened(
    info: &SourceInfo,
    opened: Result<(Stream<'_>, Arc<AtomicU64>), String>,
    is_endless: bool,
    forced: Option<InputFormat>,
    outlet: &(dyn Outlet + Sync),
) -> Done {
    let is_over = || outlet.is_over();
    let mut run = Run::new(info, outlet);
    run.is_endless = is_endless;
    let opened = opened.and_then(|(stream, packed)| {
        run.packed = Arc::clone(&packed);
        input::open(stream, &packed).map_err(|error| format!("it can't be read: {error}"))
    });
    match opened {
        Err(reason) => run.say(Severity::Unreadable, None, 0, reason),
        Ok(Opened { nature, stream }) => match framer(nature, forced) {
            Ok(Some(framer)) => run.all(stream, framer),
            Ok(None) => match spool(stream, &is_over) {
                Ok(file) => return Done::Log(file),
                Err(error) => {
                    run.say(Severity::Unreadable, None, 0, format!("it can't be unpacked: {error}"));
                }
            },
            Err(reason) => run.say(Severity::Unreadable, None, 0, reason.to_owned()),
        },
    }
    run.finish();
    Done::Finished
}

fn open_origin<'a>(
    info: &SourceInfo,
    origin: &Origin,
    is_over: &'a (dyn Fn() -> bool + Sync),
) -> Result<(Stream<'a>, Arc<AtomicU64>), String> {
    let file = || File::open(&info.path).map_err(|error| super::discover::describe(&error));
    let stream: Stream<'a> = match origin {
        Origin::Member(member) => return zip::open(file()?, member),
        Origin::File => Box::new(Section { file: file()?, at: 0, end: u64::MAX }),
        Origin::StandardInput => {
            Box::new(Piped::standard_input(is_over).map_err(|error| format!("it can't be read: {error}"))?)
        }
    };
    let (metered, packed) = Metered::new(stream);
    Ok((Box::new(metered), packed))
}

/// The unpacked beginning of a file in an archive, and what it is.
///
/// # Errors
/// Why it can't be unpacked, as a clause.
pub(super) fn member_head(path: &Path, member: &Member) -> Result<(Vec<u8>, Nature), String> {
    let file = File::open(path).map_err(|error| super::discover::describe(&error))?;
    let (stream, packed) = zip::open(file, member)?;
    head_of(stream, &packed).map_err(|error| format!("it can't be unpacked: {error}"))
}

/// Whether a packed file holds what may be events.
pub(super) fn packed_is_promising(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let (metered, packed) = Metered::new(Box::new(file));
    match head_of(Box::new(metered), &packed) {
        Ok((_, Nature::Evtx | Nature::Csv(_))) => true,
        Ok((head, Nature::Json | Nature::Xml)) => is_promising(&head),
        _ => false,
    }
}

fn head_of(stream: Stream<'_>, packed: &Arc<AtomicU64>) -> io::Result<(Vec<u8>, Nature)> {
    let opened = input::open(stream, packed)?;
    let mut head = Vec::new();
    // What is damaged further on is told when it is read.
    let _ = opened.stream.take(MOST_HEAD as u64).read_to_end(&mut head);
    Ok((head, opened.nature))
}

/// `None` stands for a Windows event log.
fn framer(nature: Nature, forced: Option<InputFormat>) -> Result<Option<Framer>, &'static str> {
    let framer = match (forced, nature) {
        (_, Nature::Zip) => {
            return Err(
                "it is a ZIP archive that can't be read where it stands: unpack it, and name the folder",
            );
        }
        (_, Nature::Gzip | Nature::Zstd) => return Err("it is packed more than twice: unpack it first"),
        (Some(InputFormat::Evtx), _) | (None, Nature::Evtx) => return Ok(None),
        (Some(InputFormat::Json), _) | (None, Nature::Json) => Framer::Json(framing::JsonFramer::default()),
        (Some(InputFormat::Xml), _) | (None, Nature::Xml) => Framer::Xml(framing::XmlFramer::default()),
        (Some(InputFormat::Csv) | None, Nature::Csv(delimiter)) => Framer::Csv(CsvFramer::new(delimiter)),
        (Some(InputFormat::Csv), _) => Framer::Csv(CsvFramer::new(b',')),
        (None, Nature::Unknown) => {
            return Err(
                "it holds no events that can be told by its content: name the log itself, or say what it is",
            );
        }
    };
    Ok(Some(framer))
}

/// Writes a log to a file without a name, since its chunks are read by several threads.
fn spool(mut stream: Stream<'_>, is_over: &dyn Fn() -> bool) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    let mut written = 0;
    loop {
        let copied = io::copy(&mut (&mut stream).take(1 << 20), &mut file)?;
        written += copied;
        if copied == 0 || is_over() {
            break;
        }
        if written > MOST_SPOOLED {
            return Err(io::Error::other("it unpacks to more than 16 GiB: unpack it yourself"));
        }
    }
    file.rewind()?;
    Ok(file)
}

/// Some whole records, and what stands between them.
struct Block {
    data: Vec<u8>,
    steps: Vec<Step>,
    /// Where in the stream the data begin.
    place: Place,
    /// The number of their first line, from 1.
    line: u64,
    /// The line on which the first record of all began, where it is not held any more.
    lost_line: Option<u64>,
    names: Option<Arc<Vec<String>>>,
}

/// A source while it is read.
struct Run<'a> {
    info: &'a SourceInfo,
    outlet: &'a (dyn Outlet + Sync),
    packed: Arc<AtomicU64>,
    packed_told: u64,
    bytes_sent: u64,
    records: u64,
    ledger: Ledger,
    /// What is wrong is told as it is found, since there may be no end.
    is_endless: bool,
    faults_told: Option<Instant>,
}

impl<'a> Run<'a> {
    fn new(info: &'a SourceInfo, outlet: &'a (dyn Outlet + Sync)) -> Self {
        Self {
            info,
            outlet,
            packed: Arc::default(),
            packed_told: 0,
            bytes_sent: 0,
            records: 0,
            ledger: Ledger::default(),
            is_endless: false,
            faults_told: None,
        }
    }

    fn say(&mut self, severity: Severity, record: Option<u64>, lost_records: u64, reason: String) {
        self.ledger.add(Fault {
            source: Some(self.info.id),
            name: self.info.name.clone(),
            chunk: None,
            record,
            severity,
            lost_records,
            reason,
        });
    }

    /// Tells how many bytes were read since the last time.
    fn count_bytes(&mut self) {
        let packed = self.packed.load(Ordering::Relaxed);
        self.outlet.bytes(packed - self.packed_told);
        self.packed_told = packed;
    }

    fn all(&mut self, mut stream: Stream<'_>, framer: Framer) {
        let mut window = Window::new(framer);
        let mut reader = BlockReader::default();
        let mut names: Option<Arc<Vec<String>>> = None;
        let mut is_end = false;
        while !is_end && !self.outlet.is_over() {
            match window.fill(&mut stream) {
                Ok(read) => is_end = read == 0,
                Err(error) => {
                    is_end = true;
                    let reason = format!("from line {} on it can't be read: {error}", window.last_line());
                    self.say(Severity::Loss, None, 0, reason);
                }
            }
            self.count_bytes();
            let Some(mut block) = window.cut(is_end) else { continue };
            if matches!(window.framer, Framer::Csv(_)) && names.is_none() {
                names = reader.take_names(&mut block);
            }
            block.names.clone_from(&names);
            self.block(&mut reader, &block);
        }
    }

    /// Reads a block. Should the reader fail on it, the block is lost and the rest is read.
    fn block(&mut self, reader: &mut BlockReader, block: &Block) {
        let mut batch = Batch::new(self.info.id);
        let mut remarks = Vec::new();
        let result = catch_unwind(AssertUnwindSafe(|| reader.read(block, &mut batch, &mut remarks)));
        if result.is_err() {
            *reader = BlockReader::default();
            batch = Batch::new(self.info.id);
            let lost = block.steps.len() as u64;
            batch.tally.skip(SkipReason::Damaged, lost);
            let reason = format!(
                "the reader failed on the lines from {} on, which is a bug; please send it in",
                block.line
            );
            remarks = vec![Remark { severity: Severity::Loss, record: None, lost_records: lost, reason }];
        }
        for remark in remarks {
            self.say(remark.severity, remark.record, remark.lost_records, remark.reason);
        }
        batch.tally.bytes = self.packed_told - self.bytes_sent;
        self.bytes_sent = self.packed_told;
        self.records += batch.tally.records();
        if self.is_endless && self.faults_told.is_none_or(|told| told.elapsed() >= FAULTS_WAIT) {
            self.faults_told = Some(Instant::now());
            batch.faults = self.ledger.take(self.info.id, &self.info.name);
        }
        self.outlet.batch(batch);
    }

    fn finish(mut self) {
        self.count_bytes();
        let mut batch = Batch::new(self.info.id);
        batch.faults = self.ledger.take(self.info.id, &self.info.name);
        if self.records == 0 && batch.faults.is_empty() && !self.outlet.is_over() {
            self.say(Severity::Notice, None, 0, "it holds no events".to_owned());
            batch.faults = self.ledger.take(self.info.id, &self.info.name);
        }
        // What was never read of it counts as done with.
        let size = self.info.size.unwrap_or(0);
        let rest = if self.outlet.is_over() { 0 } else { size.saturating_sub(self.packed_told) };
        self.outlet.bytes(rest);
        batch.tally.bytes = self.packed_told + rest - self.bytes_sent;
        self.outlet.batch(batch);
    }
}

/// The part of the stream that is held.
struct Window {
    framer: Framer,
    /// What is read at a time.
    chunk: Vec<u8>,
    data: Vec<u8>,
    place: Place,
    line: u64,
    lost_line: Option<u64>,
}

impl Window {
    fn new(framer: Framer) -> Self {
        Self { framer, chunk: vec![0; CHUNK], data: Vec::new(), place: 0, line: 1, lost_line: None }
    }

    /// Reads more; gives the number of bytes.
    fn fill(&mut self, stream: &mut Stream<'_>) -> io::Result<usize> {
        loop {
            match stream.read(&mut self.chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(read) => {
                    self.data.extend_from_slice(self.chunk.get(..read).unwrap_or_default());
                    return Ok(read);
                }
            }
        }
    }

    fn last_line(&self) -> u64 {
        self.line + lines(&self.data)
    }

    /// Cuts off the records that are whole; `None` where there are none.
    fn cut(&mut self, is_end: bool) -> Option<Block> {
        let was_skipping = self.framer.is_skipping();
        let mut steps = Vec::new();
        loop {
            match self.framer.next(&self.data, is_end) {
                Step::More => break,
                step => steps.push(step),
            }
        }
        let done = if is_end { self.data.len() } else { self.framer.done().min(self.data.len()) };
        if !was_skipping && self.framer.is_skipping() {
            // Where the record began that is being passed over; its beginning is let go of now.
            self.lost_line = Some(self.line);
        }
        let lost_line = if steps.is_empty() { None } else { self.lost_line.take() };
        let rest = self.data.split_off(done);
        let data = std::mem::replace(&mut self.data, rest);
        self.framer.cut(&data);
        let block = Block { place: self.place, line: self.line, lost_line, steps, data, names: None };
        self.place += done as u64;
        self.line += lines(&block.data);
        (!block.steps.is_empty()).then_some(block)
    }
}

fn lines(data: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', data).count() as u64
}

/// Something to say about a record.
struct Remark {
    severity: Severity,
    record: Option<u64>,
    lost_records: u64,
    reason: String,
}

/// Reads blocks; keeps its buffers.
#[derive(Default)]
struct BlockReader {
    shapes: ShapeReader,
    draft: Draft,
    rows: Rows,
}

impl BlockReader {
    /// Takes a table's names off its first block.
    fn take_names(&mut self, block: &mut Block) -> Option<Arc<Vec<String>>> {
        let at = block.steps.iter().position(|step| matches!(step, Step::Record(_)))?;
        let Step::Record(range) = block.steps.remove(at) else { return None };
        let (line, delimiter) = (block.data.get(range).unwrap_or_default(), delimiter_of(&block.data));
        self.rows.reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let text = tape::as_text(line);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        self.rows.read(text);
        Some(Arc::new(self.rows.cells().map(|name| name.trim().to_owned()).collect()))
    }

    fn read(&mut self, block: &Block, batch: &mut Batch, remarks: &mut Vec<Remark>) {
        let mut lines = Lines { data: &block.data, at: 0, line: block.line };
        for step in &block.steps {
            match step {
                Step::Record(range) => self.record(block, range.clone(), &mut lines, batch, remarks),
                Step::Lost(range, reason, why) => {
                    batch.tally.skip(*reason, 1);
                    let line = block.lost_line.unwrap_or_else(|| lines.number(range.start));
                    remarks.push(loss(None, line, why));
                }
                Step::Foreign => batch.tally.skip(SkipReason::OtherProvider, 1),
                Step::More => {}
            }
        }
    }

    fn record(
        &mut self,
        block: &Block,
        range: Range<usize>,
        lines: &mut Lines<'_>,
        batch: &mut Batch,
        remarks: &mut Vec<Remark>,
    ) {
        let start = range.start;
        let bytes = block.data.get(range).unwrap_or_default();
        let text = tape::as_text(bytes);
        self.draft.clear();
        let outcome = match &block.names {
            Some(names) => self.row(&text, names),
            None if bytes.starts_with(b"<") => self.shapes.read_xml(&text, &mut self.draft),
            None => self.shapes.read(&text, &mut self.draft),
        };
        match outcome {
            Outcome::OtherProvider => batch.tally.skip(SkipReason::OtherProvider, 1),
            Outcome::Sysmon(code) => {
                self.draft.push(code, block.place + start as u64, batch);
                if matches!(text, std::borrow::Cow::Owned(_)) {
                    remarks.push(Remark {
                        severity: Severity::Notice,
                        record: self.draft.record_id,
                        lost_records: 0,
                        reason: format!(
                            "line {}: some of its text is no UTF-8 and is shown as U+FFFD",
                            lines.number(start)
                        ),
                    });
                }
            }
            Outcome::No(reason, why) => {
                batch.tally.skip(reason, 1);
                remarks.push(loss(self.draft.record_id, lines.number(start), &why));
            }
        }
    }

    fn row(&mut self, text: &str, names: &[String]) -> Outcome {
        self.rows.read(text);
        let cells = self.rows.cells().count();
        if cells != names.len() {
            return Outcome::damaged(format!(
                "the row has {cells} cells, the table has {} columns",
                names.len()
            ));
        }
        let pairs = names.iter().map(String::as_str).zip(self.rows.cells());
        self.shapes.read_pairs(pairs, &mut self.draft)
    }
}

fn loss(record: Option<u64>, line: u64, why: &str) -> Remark {
    Remark { severity: Severity::Loss, record, lost_records: 1, reason: format!("line {line}: {why}") }
}

/// Counts lines up to places that come in their order.
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
    match sniff(data, true) {
        Some(Nature::Csv(delimiter)) => delimiter,
        _ => b',',
    }
}

/// One row of a table in cells.
#[derive(Debug, Default)]
struct Rows {
    reader: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    length: usize,
}

impl Rows {
    /// Splits a row, which is whole.
    fn read(&mut self, row: &str) {
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

    fn cells(&self) -> impl Iterator<Item = &str> {
        let ends = self.ends.get(..self.length).unwrap_or_default();
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| {
            self.text.get(start..*end).and_then(|cell| str::from_utf8(cell).ok()).unwrap_or_default()
        })
    }
}
