//! Sysmon events as text, in all the dialects in which exports, shippers and converters write them.
//!
//! A stream is unpacked and decoded ([`input`]), told by its content ([`sniff`](mod@sniff)), cut into records ([`framing`]), and
//! each record read for itself ([`shapes`], [`xml`]): what is wrong with one costs no other.

mod block;
mod crew;
mod draft;
mod framing;
mod input;
mod message;
mod places;
mod raw;
mod rows;
mod schema;
mod shapes;
mod sniff;
mod tape;
mod window;
mod xml;
mod zip;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(super) use raw::text_xml;
pub use rows::{is_row_file, load_rows};
pub(super) use sniff::{MOST_HEAD, Nature, is_promising, sniff};
pub(super) use zip::{Member, members};

use self::block::{Block, BlockReader};
use self::crew::{Crew, Reading};
use self::framing::{CsvFramer, Framer, Names};
pub(super) use self::input::Allowance;
use self::input::{Budget, Metered, Opened, Piped, Section, Stream};
use self::window::Window;
use super::ledger::Ledger;
use super::load::Inputs;
use crate::files::open::open_file;
use crate::model::batch::Batch;
use crate::model::fault::{Fault, Severity};
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
    /// Takes a batch of a source that may have no end.
    fn open_batch(&self, info: &SourceInfo, batch: Batch);
    /// Takes the last batch of a source.
    fn last_batch(&self, info: &SourceInfo, batch: Batch);
    /// Takes the number of bytes that were read.
    fn bytes(&self, bytes: u64);
    /// The shared allowance of all inputs for unpacking beyond the ratio.
    fn allowance(&self) -> &Allowance;
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
/// Between two reports of what is wrong with a stream that may have no end.
const FAULTS_WAIT: Duration = Duration::from_secs(1);

/// Reads a source of events as text, and hands over what is in it; so many threads help with a source that has an end.
pub(super) fn read(
    info: &SourceInfo,
    origin: &Origin,
    inputs: Inputs,
    hands: usize,
    outlet: &(dyn Outlet + Sync),
) -> Done {
    let is_over = || outlet.is_over();
    let hands = (*origin != Origin::StandardInput).then_some(hands);
    let opened = open_origin(info, origin, outlet.allowance(), &is_over);
    read_opened(info, opened, hands, inputs, outlet)
}

/// Reads a stream that grows until it ends, one that is text beyond doubt.
pub(super) fn read_growing(
    info: &SourceInfo,
    stream: Box<dyn Read + Send + '_>,
    inputs: Inputs,
    outlet: &(dyn Outlet + Sync),
) {
    let (metered, packed) = Metered::new(stream);
    let budget = Budget { packed, allowance: outlet.allowance().clone() };
    read_opened(info, Ok((Box::new(metered), budget)), None, inputs, outlet);
}

/// Without a number of hands the stream may have no end, and each event is told of as it comes.
fn read_opened(
    info: &SourceInfo,
    opened: Result<(Stream<'_>, Budget), String>,
    hands: Option<usize>,
    inputs: Inputs,
    outlet: &(dyn Outlet + Sync),
) -> Done {
    let is_over = || outlet.is_over();
    let mut run = Run::new(info, outlet);
    run.inputs = inputs;
    run.is_endless = hands.is_none();
    run.hands = hands.unwrap_or(0);
    let opened = opened.and_then(|(stream, budget)| {
        run.packed = Arc::clone(&budget.packed);
        input::open(stream, &budget).map_err(|error| format!("it can't be read: {error}"))
    });
    match opened {
        Err(reason) => run.say(Severity::Unreadable, None, 0, reason),
        Ok(Opened { nature, stream }) => match framer(nature, inputs.format) {
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
    allowance: &Allowance,
    is_over: &'a (dyn Fn() -> bool + Sync),
) -> Result<(Stream<'a>, Budget), String> {
    let file = || open_file(&info.path).map_err(|error| super::discover::describe(&error));
    let stream: Stream<'a> = match origin {
        Origin::Member(member) => return zip::open(file()?, member, allowance),
        Origin::File => Box::new(Section { file: file()?, at: 0, end: u64::MAX }),
        Origin::StandardInput => {
            Box::new(Piped::standard_input(is_over).map_err(|error| format!("it can't be read: {error}"))?)
        }
    };
    let (metered, packed) = Metered::new(stream);
    Ok((Box::new(metered), Budget { packed, allowance: allowance.clone() }))
}

/// The unpacked beginning of a file in an archive, and what it is.
///
/// # Errors
/// Why it can't be unpacked, as a clause.
pub(super) fn member_head(path: &Path, member: &Member) -> Result<(Vec<u8>, Nature), String> {
    let file = open_file(path).map_err(|error| super::discover::describe(&error))?;
    let (stream, budget) = zip::open(file, member, &Allowance::default())?;
    head_of(stream, &budget).map_err(|error| format!("it can't be unpacked: {error}"))
}

/// Whether a packed file holds what may be events.
pub(super) fn packed_is_promising(path: &Path) -> bool {
    let Ok(file) = open_file(path) else { return false };
    let (metered, packed) = Metered::new(Box::new(file));
    let budget = Budget { packed, allowance: Allowance::default() };
    match head_of(Box::new(metered), &budget) {
        Ok((_, Nature::Evtx | Nature::Csv(_))) => true,
        Ok((head, Nature::Json | Nature::Xml)) => is_promising(&head),
        _ => false,
    }
}

fn head_of(stream: Stream<'_>, budget: &Budget) -> io::Result<(Vec<u8>, Nature)> {
    let opened = input::open(stream, budget)?;
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
        (Some(InputFormat::Json), _) | (None, Nature::Json) => Framer::Json(framing::JsonFramer::by_lines()),
        (Some(InputFormat::Xml), _) | (None, Nature::Xml) => Framer::Xml(framing::XmlFramer::default()),
        (Some(InputFormat::Csv) | None, Nature::Csv(delimiter)) => {
            Framer::Csv(CsvFramer::new(delimiter).with_known_names())
        }
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

/// A source while it is read.
struct Run<'a> {
    info: &'a SourceInfo,
    outlet: &'a (dyn Outlet + Sync),
    packed: Arc<AtomicU64>,
    packed_told: u64,
    bytes_sent: u64,
    records: u64,
    inputs: Inputs,
    /// Threads that help with the blocks.
    hands: usize,
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
            inputs: Inputs::default(),
            hands: 0,
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
        #[cfg(test)]
        crate::model::guard::fail_on_purpose("fails-in-stream", self.info.name.as_bytes());
        let has_known_names = matches!(&framer, Framer::Csv(table) if table.names == Names::Known);
        let mut window = Window::new(framer);
        let mut reader = BlockReader::new(self.inputs.wanted, self.inputs.telemetry);
        if has_known_names {
            reader = reader.skipping_preamble();
        }
        let mut names: Option<Arc<Vec<String>>> = None;
        let mut is_end = false;
        thread::scope(|scope| {
            let mut crew = Crew::new(scope, self.hands, self.info.id);
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
                while let Some(mut block) = window.cut(is_end) {
                    if matches!(window.framer, Framer::Csv(_)) && names.is_none() {
                        names = reader.take_names(&mut block);
                    }
                    block.names.clone_from(&names);
                    crew.give(block, &mut reader);
                    while let Some(reading) = crew.next(false) {
                        self.hand_over(reading);
                    }
                }
                while let Some(reading) = crew.next(is_end) {
                    self.hand_over(reading);
                }
            }
        });
        if has_known_names && names.is_none() && !self.outlet.is_over() {
            self.say(Severity::Loss, None, 0, "no row of it names its columns".to_owned());
        }
    }

    fn hand_over(&mut self, reading: Reading) {
        let Reading { mut batch, remarks } = reading;
        for remark in remarks {
            self.say(remark.severity, remark.record, remark.lost_records, remark.reason);
        }
        batch.tally.bytes = self.packed_told - self.bytes_sent;
        self.bytes_sent = self.packed_told;
        self.records += batch.tally.records();
        if !self.is_endless {
            return self.outlet.batch(batch);
        }
        if self.faults_told.is_none_or(|told| told.elapsed() >= FAULTS_WAIT) {
            self.faults_told = Some(Instant::now());
            batch.faults = self.ledger.take(self.info.id, &self.info.name);
        }
        self.outlet.open_batch(self.info, batch);
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
        self.outlet.last_batch(self.info, batch);
    }
}
