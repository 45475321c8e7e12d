//! Reads one source of events as text: opened, framed, parsed by workers, handed to the sink in the stream's order.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::block::{BlockReader, Window};
use super::framing::{self, CsvFramer, Framer, Names};
use super::workers::{Reading, WorkerPool};
use crate::model::batch::Batch;
use crate::model::fault::FaultKind;
use crate::model::feed::SourceInfo;
use crate::source::fault_log::{FaultLog, Remark, stream_error};
use crate::source::format::Format;
use crate::source::input::{self, Opened, Origin, open_origin, to_temp_file};
use crate::source::options::{InputFormat, Inputs};
use crate::source::sink::Sink;
use crate::source::stream::{Budget, CountingReader, Stream};

/// The result of reading a source.
pub(in crate::source) enum Done {
    /// To its end, or until it was stopped.
    Finished,
    /// A Windows event log, unpacked to a temporary file.
    Log(File),
}

/// Between two reports of faults of an endless stream.
const FAULTS_WAIT: Duration = Duration::from_secs(1);

/// Reads a source of events as text, and sends its batches. `workers` threads help with a source that has an end.
pub(in crate::source) fn read(
    info: &SourceInfo,
    origin: &Origin,
    inputs: Inputs,
    workers: usize,
    sink: &Sink<'_>,
) -> Done {
    let is_over = || sink.is_over();
    let workers = (*origin != Origin::StandardInput).then_some(workers);
    let opened = open_origin(info, origin, sink.allowance(), &is_over);
    read_opened(info, opened, workers, inputs, sink)
}

/// Reads a stream of text that grows until it ends.
pub(in crate::source) fn read_growing(
    info: &SourceInfo,
    stream: Box<dyn Read + Send + '_>,
    inputs: Inputs,
    sink: &Sink<'_>,
) {
    let (counting, packed) = CountingReader::new(stream);
    let budget = Budget { packed, allowance: sink.allowance().clone() };
    read_opened(info, Ok((Box::new(counting), budget)), None, inputs, sink);
}

/// Without a number of workers the stream may have no end, and each event is sent as it comes.
fn read_opened(
    info: &SourceInfo,
    opened: Result<(Stream<'_>, Budget), FaultKind>,
    workers: Option<usize>,
    inputs: Inputs,
    sink: &Sink<'_>,
) -> Done {
    let is_over = || sink.is_over();
    let mut run = Run::new(info, sink);
    run.inputs = inputs;
    run.is_endless = workers.is_none();
    run.workers = workers.unwrap_or(0);
    let opened = opened.and_then(|(stream, budget)| {
        run.packed = Arc::clone(&budget.packed);
        input::open(stream, &budget).map_err(|error| FaultKind::CantRead(stream_error(&error)))
    });
    match opened {
        Err(kind) => run.add_fault(kind),
        Ok(Opened { format, stream }) => match framer(format, inputs.format) {
            Ok(Some(framer)) => run.all(stream, framer),
            Ok(None) => match to_temp_file(stream, &is_over) {
                Ok(file) => return Done::Log(file),
                Err(error) => run.add_fault(FaultKind::CantUnpack(stream_error(&error))),
            },
            Err(kind) => run.add_fault(kind),
        },
    }
    run.finish();
    Done::Finished
}

/// `None` means a Windows event log.
fn framer(format: Format, forced: Option<InputFormat>) -> Result<Option<Framer>, FaultKind> {
    let framer = match (forced, format) {
        (_, Format::Zip) => {
            return Err(FaultKind::ArchiveInStream);
        }
        (_, Format::Gzip | Format::Zstd) => return Err(FaultKind::PackedTooOften),
        (Some(InputFormat::Evtx), _) | (None, Format::Evtx) => return Ok(None),
        (Some(InputFormat::Json), _) | (None, Format::Json) => Framer::Json(framing::JsonFramer::by_lines()),
        (Some(InputFormat::Xml), _) | (None, Format::Xml) => Framer::Xml(framing::XmlFramer::default()),
        (Some(InputFormat::Csv) | None, Format::Csv(delimiter)) => {
            Framer::Csv(CsvFramer::new(delimiter).with_known_names())
        }
        (Some(InputFormat::Csv), _) => Framer::Csv(CsvFramer::new(b',')),
        (None, Format::Unknown) => {
            return Err(FaultKind::UnknownContent);
        }
    };
    Ok(Some(framer))
}

/// A source while it is read.
struct Run<'a> {
    info: &'a SourceInfo,
    sink: &'a Sink<'a>,
    packed: Arc<AtomicU64>,
    packed_counted: u64,
    bytes_sent: u64,
    records: u64,
    inputs: Inputs,
    /// Threads that help with the blocks.
    workers: usize,
    faults: FaultLog,
    /// The source may have no end: faults are sent as they are found.
    is_endless: bool,
    faults_sent: Option<Instant>,
}

impl<'a> Run<'a> {
    fn new(info: &'a SourceInfo, sink: &'a Sink<'a>) -> Self {
        Self {
            info,
            sink,
            packed: Arc::default(),
            packed_counted: 0,
            bytes_sent: 0,
            records: 0,
            inputs: Inputs::default(),
            workers: 0,
            faults: FaultLog::default(),
            is_endless: false,
            faults_sent: None,
        }
    }

    fn add_fault(&mut self, kind: FaultKind) {
        self.add(Remark::new(kind));
    }

    fn add(&mut self, remark: Remark) {
        self.faults.add(remark.of_source(self.info, self.info.name.clone(), None));
    }

    /// Counts the bytes that were read since the last call.
    fn count_bytes(&mut self) {
        let packed = self.packed.load(Ordering::Relaxed);
        self.sink.add_bytes(packed - self.packed_counted);
        self.packed_counted = packed;
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
            let mut pool = WorkerPool::new(scope, self.workers, self.info.id);
            while !is_end && !self.sink.is_over() {
                match window.fill(&mut stream, !self.is_endless) {
                    Ok(read) => is_end = read == 0,
                    Err(error) => {
                        is_end = true;
                        let (line, error) = (window.last_line(), stream_error(&error));
                        self.add_fault(FaultKind::CutOff { line, error });
                    }
                }
                self.count_bytes();
                while let Some(mut block) = window.cut(is_end) {
                    if matches!(window.framer, Framer::Csv(_)) && names.is_none() {
                        names = reader.take_names(&mut block);
                    }
                    block.names.clone_from(&names);
                    pool.submit(block, &mut reader);
                    while let Some(reading) = pool.next(false) {
                        self.hand_over(reading);
                    }
                }
                while let Some(reading) = pool.next(is_end) {
                    self.hand_over(reading);
                }
            }
        });
        if has_known_names && names.is_none() && !self.sink.is_over() {
            self.add_fault(FaultKind::NoColumns);
        }
    }

    fn hand_over(&mut self, reading: Reading) {
        let Reading { mut batch, remarks } = reading;
        for remark in remarks {
            self.add(remark);
        }
        batch.tally.bytes = self.packed_counted - self.bytes_sent;
        self.bytes_sent = self.packed_counted;
        self.records += batch.tally.records();
        if !self.is_endless {
            return self.sink.send_batch(batch);
        }
        if self.faults_sent.is_none_or(|sent| sent.elapsed() >= FAULTS_WAIT) {
            self.faults_sent = Some(Instant::now());
            batch.faults = self.faults.take(self.info.id, &self.info.name);
        }
        self.sink.send_open_batch(self.info, batch);
    }

    fn finish(mut self) {
        self.count_bytes();
        let mut batch = Batch::new(self.info.id);
        batch.faults = self.faults.take(self.info.id, &self.info.name);
        if self.records == 0 && batch.faults.is_empty() && !self.sink.is_over() {
            self.add_fault(FaultKind::NoEvents);
            batch.faults = self.faults.take(self.info.id, &self.info.name);
        }
        // Bytes that were never read count as done.
        let size = self.info.size.unwrap_or(0);
        let rest = if self.sink.is_over() { 0 } else { size.saturating_sub(self.packed_counted) };
        self.sink.add_bytes(rest);
        batch.tally.bytes = self.packed_counted + rest - self.bytes_sent;
        self.sink.send_last_batch(self.info, batch);
    }
}
