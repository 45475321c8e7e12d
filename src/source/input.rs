//! Inputs: a file, a member of an archive or standard input, opened as a stream of UTF-8 or of an event log.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use super::encoding::{decoded, encoding};
use super::fault_log::{describe, stream_error};
use super::format::{Format, MAX_HEAD, detect_format, looks_like_events};
use super::stream::{Allowance, Budget, CountingReader, PipeReader, Section, Stream, gzip, zstd};
use super::zip::{self, Member};
use crate::files::open::open_file;
use crate::model::fault::{FaultKind, StreamError};
use crate::model::feed::SourceInfo;

/// The origin of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A file of its own.
    File,
    /// A file in a ZIP archive.
    Member(Arc<Member>),
    /// Standard input.
    StandardInput,
}

pub(super) fn open_origin<'a>(
    info: &SourceInfo,
    origin: &Origin,
    allowance: &Allowance,
    is_over: &'a (dyn Fn() -> bool + Sync),
) -> Result<(Stream<'a>, Budget), FaultKind> {
    let file = || open_file(&info.path).map_err(|error| describe(&error));
    let stream: Stream<'a> = match origin {
        Origin::Member(member) => return zip::open(file()?, member, allowance),
        Origin::File => Box::new(Section { file: file()?, at: 0, end: u64::MAX }),
        Origin::StandardInput => Box::new(
            PipeReader::standard_input(is_over).map_err(|error| FaultKind::CantRead(stream_error(&error)))?,
        ),
    };
    let (counting, packed) = CountingReader::new(stream);
    Ok((Box::new(counting), Budget { packed, allowance: allowance.clone() }))
}

/// Returns the unpacked beginning of a file in an archive, and its format.
///
/// # Errors
/// The fault that keeps it from being unpacked.
pub(super) fn member_head(path: &Path, member: &Member) -> Result<(Vec<u8>, Format), FaultKind> {
    let file = open_file(path).map_err(|error| describe(&error))?;
    let (stream, budget) = zip::open(file, member, &Allowance::default())?;
    head_of(stream, &budget).map_err(|error| FaultKind::CantUnpack(stream_error(&error)))
}

/// Returns whether the contents of a packed file may be events.
pub(super) fn packed_looks_like_events(path: &Path) -> bool {
    let Ok(file) = open_file(path) else { return false };
    let (counting, packed) = CountingReader::new(Box::new(file));
    let budget = Budget { packed, allowance: Allowance::default() };
    match head_of(Box::new(counting), &budget) {
        Ok((_, Format::Evtx | Format::Csv(_))) => true,
        Ok((head, Format::Json | Format::Xml)) => looks_like_events(&head),
        _ => false,
    }
}

fn head_of(stream: Stream<'_>, budget: &Budget) -> io::Result<(Vec<u8>, Format)> {
    let opened = open(stream, budget)?;
    let mut head = Vec::new();
    // Damage further on is reported when it is read.
    let _ = opened.stream.take(MAX_HEAD as u64).read_to_end(&mut head);
    Ok((head, opened.format))
}

/// Writes a log to a file without a name, since its chunks are read by several threads.
pub(super) fn to_temp_file(mut stream: Stream<'_>, is_over: &dyn Fn() -> bool) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    let mut written = 0;
    loop {
        let copied = io::copy(&mut (&mut stream).take(1 << 20), &mut file)?;
        written += copied;
        if copied == 0 || is_over() {
            break;
        }
        if written > MAX_TEMP_FILE {
            return Err(io::Error::other(StreamError::TooLarge(MAX_TEMP_FILE >> 30)));
        }
    }
    file.rewind()?;
    Ok(file)
}

/// More than this is not unpacked to disk.
const MAX_TEMP_FILE: u64 = 16 << 30;

/// An unpacked stream, and its format.
pub(super) struct Opened<'a> {
    /// Its format by its first bytes.
    pub(super) format: Format,
    /// The stream from its first byte; text is UTF-8.
    pub(super) stream: Stream<'a>,
}

/// Looks at a stream, and unpacks and decodes it.
///
/// # Errors
/// It can't be read or unpacked at all.
pub(super) fn open<'a>(mut stream: Stream<'a>, budget: &Budget) -> io::Result<Opened<'a>> {
    let mut layers = 0;
    loop {
        let (head, is_end, format) = look(&mut stream)?;
        let whole: Stream<'a> = if is_end {
            Box::new(io::Cursor::new(head.clone()))
        } else {
            Box::new(io::Cursor::new(head.clone()).chain(stream))
        };
        stream = match format {
            Format::Gzip if layers < 2 => gzip(whole, budget.clone()),
            Format::Zstd if layers < 2 => zstd(whole, budget.clone()),
            Format::Evtx => return Ok(Opened { format, stream: whole }),
            format => return Ok(Opened { format, stream: decoded(whole, encoding(&head)) }),
        };
        layers += 1;
    }
}

/// Reads only as many bytes as its format needs.
fn look(stream: &mut Stream<'_>) -> io::Result<(Vec<u8>, bool, Format)> {
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
            // The bytes before the error are read first; the error comes again.
            Err(error) if before == 0 => return Err(error),
            Err(_) => {
                head.truncate(before);
                let format = detect_format(&head, true).unwrap_or(Format::Unknown);
                return Ok((head, false, format));
            }
        };
        head.truncate(before + read);
        let is_end = read == 0;
        if let Some(format) = detect_format(&head, is_end || head.len() >= MAX_HEAD) {
            return Ok((head, is_end, format));
        }
        if is_end {
            return Ok((head, true, Format::Unknown));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::stream::MAX_EXCESS;

    #[test]
    fn a_bomb_is_ended() {
        let packed = ruzstd::encoding::compress_to_vec(
            io::repeat(b'{').take(MAX_EXCESS + (8 << 20)),
            ruzstd::encoding::CompressionLevel::Fastest,
        );
        let (counting, count) = CountingReader::new(Box::new(io::Cursor::new(packed)));
        let budget = Budget { packed: count, allowance: Allowance::default() };
        let mut opened = open(Box::new(counting), &budget).unwrap();
        assert_eq!(opened.format, Format::Json);
        let error = io::copy(&mut opened.stream, &mut io::sink()).unwrap_err();
        assert_eq!(stream_error(&error), StreamError::Bomb(1000));
    }

    /// Bytes that a packed stream gives before it ends or is ended.
    fn unpacked(packed: &[u8], allowance: &Allowance) -> (u64, Option<io::Error>) {
        let (counting, count) = CountingReader::new(Box::new(io::Cursor::new(packed.to_vec())));
        let budget = Budget { packed: count, allowance: allowance.clone() };
        let mut stream = open(Box::new(counting), &budget).unwrap().stream;
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
        assert!(given <= MAX_EXCESS + (8 << 20), "{given} bytes for {} packed ones", bomb.len() * 8);
        assert!(unpacked(&bomb, &allowance).1.is_some());
        // A stream within the ratio is read all the same.
        let (bytes, error) = unpacked(&honest, &allowance);
        assert!(bytes == 14_000 && error.is_none(), "{error:?}");
    }
}
