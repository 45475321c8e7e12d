//! Streams of bytes: counted, unpacked, and never trusted for their size.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::read_at::read_at;
use crate::model::fault::StreamError;

/// Unpacked to less than this, the ratio is not checked: of all inputs together.
pub(super) const MAX_EXCESS: u64 = 64 << 20;

/// Events shrink to a tenth or a fiftieth when they are packed, the most monotonous to a few hundredths of that.
const MAX_RATIO: u64 = 1000;

const MAX_WINDOW: u64 = 128 << 20;

const CHUNK: usize = 64 << 10;

/// A stream of bytes.
pub(super) type Stream<'a> = Box<dyn Read + Send + 'a>;

/// Counts the bytes read.
pub(super) struct CountingReader<'a> {
    inner: Stream<'a>,
    count: Arc<AtomicU64>,
}

impl<'a> CountingReader<'a> {
    /// A stream and the number of bytes that were read of it.
    pub(super) fn new(inner: Stream<'a>) -> (Self, Arc<AtomicU64>) {
        let count = Arc::new(AtomicU64::new(0));
        (Self { inner, count: Arc::clone(&count) }, count)
    }
}

impl Read for CountingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Bytes that all streams of a load may unpack to beyond [`MAX_RATIO`] times their size, together: many small bombs are
/// one. A stream within that ratio takes nothing of it, so that a bomb in the same load costs it nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowance {
    taken: Arc<AtomicU64>,
}

impl Allowance {
    /// Takes bytes; returns false if fewer are left.
    fn take(&self, bytes: u64) -> bool {
        let left = |taken: u64| taken.checked_add(bytes).filter(|taken| *taken <= MAX_EXCESS);
        bytes == 0 || self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
    }
}

/// The bytes that were read of a packed stream, and the bytes that it may unpack to.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// The bytes that were read.
    pub(super) packed: Arc<AtomicU64>,
    /// The bytes that it may unpack to beyond the ratio.
    pub(super) allowance: Allowance,
}

/// Ends a packed stream that expands beyond the ratio and the allowance.
struct RatioLimit<R> {
    inner: R,
    budget: Budget,
    unpacked: u64,
    /// The bytes taken from the allowance.
    taken: u64,
}

impl<R> RatioLimit<R> {
    const fn new(inner: R, budget: Budget) -> Self {
        Self { inner, budget, unpacked: 0, taken: 0 }
    }
}

impl<R: Read> Read for RatioLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked += read as u64;
        let packed = self.budget.packed.load(Ordering::Relaxed);
        let excess = self.unpacked.saturating_sub(packed.saturating_mul(MAX_RATIO));
        let more = excess.saturating_sub(self.taken);
        self.taken += more;
        let is_alone_too_much = self.unpacked > MAX_EXCESS && self.unpacked / packed.max(1) > MAX_RATIO;
        if is_alone_too_much || !self.budget.allowance.take(more) {
            return Err(io::Error::other(StreamError::Bomb(MAX_RATIO)));
        }
        Ok(read)
    }
}

/// Decodes Zstandard frames in sequence.
struct ZstdFrames<R: Read> {
    inner: R,
    decoder: FrameDecoder,
    is_open: bool,
}

impl<R: Read> ZstdFrames<R> {
    fn new(inner: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self { inner, decoder, is_open: false }
    }

    /// Begins the next frame; false at the end.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            let mut magic = [0; 4];
            let mut filled = 0;
            while let Some(rest) = magic.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match self.inner.read(rest) {
                    Ok(0) if filled == 0 => return Ok(false),
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            if !matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18]) {
                let whole = io::Cursor::new(magic).chain(&mut self.inner);
                self.decoder.reset(whole).map_err(io::Error::other)?;
                self.is_open = true;
                return Ok(true);
            }
            // A frame to skip.
            let mut length = [0; 4];
            self.inner.read_exact(&mut length)?;
            let length = u64::from(u32::from_le_bytes(length));
            io::copy(&mut (&mut self.inner).take(length), &mut io::sink())?;
        }
    }
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if self.is_open {
                while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                    let some = BlockDecodingStrategy::UptoBlocks(1);
                    self.decoder.decode_blocks(&mut self.inner, some).map_err(io::Error::other)?;
                }
                let read = self.decoder.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
                self.is_open = false;
            }
            if !self.begin()? {
                return Ok(0);
            }
        }
    }
}

/// A part of a file.
pub(super) struct Section {
    /// The file.
    pub(super) file: File,
    /// The offset of the next byte.
    pub(super) at: u64,
    /// The end, exclusive.
    pub(super) end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX).min(buffer.len());
        let read = read_at(&self.file, buffer.get_mut(..left).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// A pipe that a thread of its own reads, so that a stop need not wait for it.
pub(super) struct PipeReader<'a> {
    receiver: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
    is_over: &'a (dyn Fn() -> bool + Sync),
}

/// The interval at which a waiting reader checks for a stop.
const LOOK: Duration = Duration::from_millis(50);

impl<'a> PipeReader<'a> {
    /// Reads standard input.
    ///
    /// # Errors
    /// No thread can be had.
    pub(super) fn standard_input(is_over: &'a (dyn Fn() -> bool + Sync)) -> io::Result<Self> {
        Self::new(io::stdin(), is_over)
    }

    fn new(mut pipe: impl Read + Send + 'static, is_over: &'a (dyn Fn() -> bool + Sync)) -> io::Result<Self> {
        let (sender, receiver) = sync_channel(16);
        thread::Builder::new().name("pipe".to_owned()).spawn(move || {
            loop {
                let mut chunk = vec![0; CHUNK];
                let read = match pipe.read(&mut chunk) {
                    Ok(read) => read,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => {
                        let _ = sender.send(Err(error));
                        return;
                    }
                };
                chunk.truncate(read);
                // The reader is gone, or it is the end.
                if read == 0 || sender.send(Ok(chunk)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { receiver, chunk: Vec::new(), at: 0, is_over })
    }
}

impl Read for PipeReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.chunk.len() {
            match self.receiver.recv_timeout(LOOK) {
                Ok(chunk) => {
                    self.chunk = chunk?;
                    self.at = 0;
                }
                Err(RecvTimeoutError::Timeout) if !(self.is_over)() => {}
                Err(_) => return Ok(0),
            }
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.at += length;
        Ok(length)
    }
}

/// Unpacks Zstandard frames.
pub(super) fn zstd(stream: Stream<'_>, budget: Budget) -> Stream<'_> {
    let frames = ZstdFrames::new(BufReader::with_capacity(CHUNK, stream));
    Box::new(RatioLimit::new(frames, budget))
}

/// Unpacks a deflate stream.
pub(super) fn inflate(stream: Stream<'_>, budget: Budget) -> Stream<'_> {
    let inner = flate2::bufread::DeflateDecoder::new(BufReader::with_capacity(CHUNK, stream));
    Box::new(RatioLimit::new(inner, budget))
}

/// Unpacks gzip members.
pub(super) fn gzip(stream: Stream<'_>, budget: Budget) -> Stream<'_> {
    let inner = MultiGzDecoder::new(BufReader::with_capacity(CHUNK, stream));
    Box::new(RatioLimit::new(inner, budget))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipe_stops_when_asked() {
        struct Never;
        impl Read for Never {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                thread::sleep(Duration::from_secs(3600));
                Ok(0)
            }
        }
        let is_over = || true;
        let mut pipe = PipeReader::new(b"{\"a\":1}\n".chain(Never), &is_over).unwrap();
        let mut buffer = [0; 64];
        assert_eq!(pipe.read(&mut buffer).unwrap(), 8);
        assert_eq!(pipe.read(&mut buffer).unwrap(), 0);
    }
}
