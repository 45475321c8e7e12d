//! From a file, an archive or a pipe to a stream of UTF-8: unpacked, decoded, and never trusted for its size.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::sniff::{Encoding, MOST_HEAD, Nature, encoding, sniff};
use crate::source::file::read_at;

/// Unpacked to less than this, the ratio says nothing: of all inputs together.
const FREE: u64 = 64 << 20;
/// Events shrink to a tenth or a fiftieth when they are packed, the most monotonous to a few hundredths of that.
const MOST_RATIO: u64 = 1000;
const MOST_WINDOW: u64 = 128 << 20;
const CHUNK: usize = 64 << 10;

/// A stream of bytes.
pub(super) type Stream<'a> = Box<dyn Read + Send + 'a>;

/// Counts what is read.
pub(super) struct Metered<'a> {
    inner: Stream<'a>,
    count: Arc<AtomicU64>,
}

impl<'a> Metered<'a> {
    /// A stream and the number of bytes that were read of it.
    pub(super) fn new(inner: Stream<'a>) -> (Self, Arc<AtomicU64>) {
        let count = Arc::new(AtomicU64::new(0));
        (Self { inner, count: Arc::clone(&count) }, count)
    }
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Bytes that all streams of a load may unpack to beyond [`MOST_RATIO`] times their size, together: many small bombs are one.
/// A stream within that ratio takes nothing of it, so that a bomb beside it costs it nothing.
#[derive(Clone, Debug, Default)]
pub(in crate::source) struct Allowance {
    taken: Arc<AtomicU64>,
}

impl Allowance {
    /// Takes so many bytes; false where there are not as many left.
    fn take(&self, bytes: u64) -> bool {
        let left = |taken: u64| taken.checked_add(bytes).filter(|taken| *taken <= FREE);
        bytes == 0 || self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
    }
}

/// The bytes that were read of a packed stream, and what it may unpack to.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// The bytes that were read.
    pub(super) packed: Arc<AtomicU64>,
    /// The bytes that it may unpack to beyond the ratio.
    pub(super) allowance: Allowance,
}

/// Ends a stream that grows beyond all measure when it is unpacked.
struct Guarded<R> {
    inner: R,
    budget: Budget,
    unpacked: u64,
    /// The bytes taken from the allowance.
    taken: u64,
}

impl<R> Guarded<R> {
    const fn new(inner: R, budget: Budget) -> Self {
        Self { inner, budget, unpacked: 0, taken: 0 }
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked += read as u64;
        let packed = self.budget.packed.load(Ordering::Relaxed);
        let excess = self.unpacked.saturating_sub(packed.saturating_mul(MOST_RATIO));
        let more = excess.saturating_sub(self.taken);
        self.taken += more;
        let is_alone_too_much = self.unpacked > FREE && self.unpacked / packed.max(1) > MOST_RATIO;
        if is_alone_too_much || !self.budget.allowance.take(more) {
            return Err(io::Error::other(format!(
                "it unpacks to more than {MOST_RATIO} times its size, as a bomb does; unpack it yourself if you trust it"
            )));
        }
        Ok(read)
    }
}

/// Zstandard frames one behind the other.
struct ZstdFrames<R: Read> {
    inner: R,
    decoder: FrameDecoder,
    is_open: bool,
}

impl<R: Read> ZstdFrames<R> {
    fn new(inner: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MOST_WINDOW);
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
            // A frame that is to be passed over.
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

/// UTF-16 as UTF-8. What is no UTF-16 becomes U+FFFD.
struct Utf16<'a> {
    inner: Stream<'a>,
    is_big: bool,
    raw: Vec<u8>,
    text: String,
    at: usize,
}

/// Decodes as many whole characters as there are; gives the number of bytes that were used.
pub(super) fn decode_utf16(bytes: &[u8], is_big: bool, text: &mut String) -> usize {
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [low, high] if !is_big => u16::from_le_bytes([*low, *high]),
        [high, low] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    });
    let mut used = bytes.len() / 2 * 2;
    let is_half = units.clone().next_back().is_some_and(|unit| (0xd800..0xdc00).contains(&unit));
    if is_half {
        used -= 2;
    }
    let letters = char::decode_utf16(units.take(used / 2));
    text.extend(letters.map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)));
    used
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
            let held = self.raw.len();
            self.raw.resize(held + CHUNK, 0);
            let read = self.inner.read(self.raw.get_mut(held..).unwrap_or_default());
            self.raw.truncate(held + read.as_ref().map_or(0, |read| *read));
            if read? == 0 {
                if self.raw.is_empty() {
                    return Ok(0);
                }
                // Half a character at the very end.
                self.raw.clear();
                self.text.push(char::REPLACEMENT_CHARACTER);
                break;
            }
            let used = decode_utf16(&self.raw, self.is_big, &mut self.text);
            self.raw.drain(..used);
        }
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.at += length;
        Ok(length)
    }
}

/// A part of a file.
pub(super) struct Section {
    /// The file.
    pub(super) file: File,
    /// Where the next byte is.
    pub(super) at: u64,
    /// Behind the last.
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
pub(super) struct Piped<'a> {
    receiver: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
    is_over: &'a (dyn Fn() -> bool + Sync),
}

/// How often a waiting reader looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);

impl<'a> Piped<'a> {
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
                // Nobody listens any more, or it is the end.
                if read == 0 || sender.send(Ok(chunk)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { receiver, chunk: Vec::new(), at: 0, is_over })
    }
}

impl Read for Piped<'_> {
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

/// A stream that is unpacked, and what it is.
pub(super) struct Opened<'a> {
    /// What it is, as far as can be told by its beginning.
    pub(super) nature: Nature,
    /// From its first byte; text is UTF-8.
    pub(super) stream: Stream<'a>,
}

/// Unpacks Zstandard frames.
pub(super) fn zstd(stream: Stream<'_>, budget: Budget) -> Stream<'_> {
    let frames = ZstdFrames::new(BufReader::with_capacity(CHUNK, stream));
    Box::new(Guarded::new(frames, budget))
}

/// Unpacks what a deflate stream holds.
pub(super) fn inflate(stream: Stream<'_>, budget: Budget) -> Stream<'_> {
    let inner = flate2::bufread::DeflateDecoder::new(BufReader::with_capacity(CHUNK, stream));
    Box::new(Guarded::new(inner, budget))
}

/// A text as UTF-8.
pub(super) fn decoded(inner: Stream<'_>, encoding: Encoding) -> Stream<'_> {
    if encoding == Encoding::Utf8 {
        return inner;
    }
    let is_big = encoding == Encoding::Utf16Be;
    Box::new(Utf16 { inner, is_big, raw: Vec::new(), text: String::new(), at: 0 })
}

/// Looks at a stream, and unpacks and decodes it.
///
/// # Errors
/// It can't be read or unpacked at all.
pub(super) fn open<'a>(mut stream: Stream<'a>, budget: &Budget) -> io::Result<Opened<'a>> {
    let mut layers = 0;
    loop {
        let (head, is_end, nature) = look(&mut stream)?;
        let whole: Stream<'a> = if is_end {
            Box::new(io::Cursor::new(head.clone()))
        } else {
            Box::new(io::Cursor::new(head.clone()).chain(stream))
        };
        stream = match nature {
            Nature::Gzip if layers < 2 => {
                let inner = MultiGzDecoder::new(BufReader::with_capacity(CHUNK, whole));
                Box::new(Guarded::new(inner, budget.clone()))
            }
            Nature::Zstd if layers < 2 => zstd(whole, budget.clone()),
            Nature::Evtx => return Ok(Opened { nature, stream: whole }),
            nature => return Ok(Opened { nature, stream: decoded(whole, encoding(&head)) }),
        };
        layers += 1;
    }
}

/// Reads only as much as is needed to tell what it is.
fn look(stream: &mut Stream<'_>) -> io::Result<(Vec<u8>, bool, Nature)> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        head.resize(before + 4096, 0);
        let read = match stream.read(head.get_mut(before..).unwrap_or_default()) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                head.truncate(before);
                continue;
            }
            // What came before it is still worth reading; the error comes again.
            Err(error) if before == 0 => return Err(error),
            Err(_) => {
                head.truncate(before);
                let nature = sniff(&head, true).unwrap_or(Nature::Unknown);
                return Ok((head, false, nature));
            }
        };
        head.truncate(before + read);
        let is_end = read == 0;
        if let Some(nature) = sniff(&head, is_end || head.len() >= MOST_HEAD) {
            return Ok((head, is_end, nature));
        }
        if is_end {
            return Ok((head, true, Nature::Unknown));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf16_is_decoded_over_any_cut() {
        let text = "<Event>größe 😀 東京</Event>";
        for is_big in [false, true] {
            let bytes: Vec<u8> = text
                .encode_utf16()
                .flat_map(|unit| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            for cut in 0..bytes.len() {
                let (one, two) = bytes.split_at(cut);
                let inner: Stream<'_> = Box::new(one.chain(two));
                let mut decoded = String::new();
                Utf16 { inner, is_big, raw: Vec::new(), text: String::new(), at: 0 }
                    .read_to_string(&mut decoded)
                    .unwrap();
                assert_eq!(decoded, text);
            }
        }
    }

    #[test]
    fn a_bomb_is_ended() {
        let packed = ruzstd::encoding::compress_to_vec(
            io::repeat(b'{').take(FREE + (8 << 20)),
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        let (metered, count) = Metered::new(Box::new(io::Cursor::new(packed)));
        let budget = Budget { packed: count, allowance: Allowance::default() };
        let mut opened = open(Box::new(metered), &budget).unwrap();
        assert_eq!(opened.nature, Nature::Json);
        let error = io::copy(&mut opened.stream, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("bomb"), "{error}");
    }

    /// Bytes that a packed stream gives before it ends or is ended.
    fn unpacked(packed: &[u8], allowance: &Allowance) -> (u64, Option<io::Error>) {
        let (metered, count) = Metered::new(Box::new(io::Cursor::new(packed.to_vec())));
        let budget = Budget { packed: count, allowance: allowance.clone() };
        let mut stream = open(Box::new(metered), &budget).unwrap().stream;
        let mut bytes = 0;
        let mut buffer = vec![0; 1 << 20];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return (bytes, None),
                Ok(read) => bytes += read as u64,
                Err(error) => return (bytes, Some(error)),
            }
        }
    }

    #[test]
    fn many_small_bombs_share_one_allowance() {
        let gzip = |bytes: &[u8]| {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            std::io::Write::write_all(&mut packer, bytes).unwrap();
            packer.finish().unwrap()
        };
        let bomb = gzip(&gzip(&[b"{".as_slice(), &vec![b'\n'; 16 << 20]].concat()));
        let honest = gzip(b"{\"EventID\":1}\n".repeat(1000).as_slice());
        let allowance = Allowance::default();
        let given: u64 = (0..8).map(|_| unpacked(&bomb, &allowance).0).sum();
        assert!(given <= FREE + (8 << 20), "{given} bytes for {} packed ones", bomb.len() * 8);
        assert!(unpacked(&bomb, &allowance).1.is_some());
        // What is within measure is read all the same.
        let (bytes, error) = unpacked(&honest, &allowance);
        assert!(bytes == 14_000 && error.is_none(), "{error:?}");
    }

    #[test]
    fn a_pipe_hands_on_what_is_there_and_stops_when_asked() {
        struct Never;
        impl Read for Never {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                thread::sleep(Duration::from_secs(3600));
                Ok(0)
            }
        }
        let is_over = || true;
        let mut pipe = Piped::new(b"{\"a\":1}\n".chain(Never), &is_over).unwrap();
        let mut buffer = [0; 64];
        assert_eq!(pipe.read(&mut buffer).unwrap(), 8);
        assert_eq!(pipe.read(&mut buffer).unwrap(), 0);
    }
}
