//! ZIP archives: the entries of their directory, and each member as a stream. No name in one is ever used for writing.

use super::fault_log::stream_error;
use super::read_at::read_at;
use super::stream::{Allowance, Budget, CountingReader, Section, Stream, inflate, zstd};
use crate::model::fault::{FaultKind, StreamError};
use std::fs::File;
use std::io::{self, Read};

const MAX_DIRECTORY: u64 = 64 << 20;
/// The record at the end, with the longest comment.
const TAIL: u64 = 22 + 65_535;

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its path in the archive.
    pub(super) name: String,
    /// Its packed size.
    pub(super) packed: u64,
    offset: u64,
    method: u16,
    flags: u16,
    crc: u32,
}

impl Member {
    /// Returns true for the entries that macOS adds.
    pub(super) fn is_apple(&self) -> bool {
        let mut parts = self.name.split(['/', '\\']);
        parts.clone().any(|part| part == "__MACOSX")
            || parts.next_back().is_some_and(|name| name.starts_with("._"))
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes: [u8; N] = bytes.get(at..)?.first_chunk().copied()?;
    Some(bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

fn small(bytes: &[u8], at: usize) -> Option<u16> {
    number::<2>(bytes, at).and_then(|number| u16::try_from(number).ok())
}

/// The files of an archive, in its directory's order.
///
/// # Errors
/// The fault of its directory.
pub(super) fn members(file: &File) -> Result<Vec<Member>, FaultKind> {
    let io = |error: io::Error| FaultKind::CantRead(stream_error(&error));
    let size = file.metadata().map_err(io)?.len();
    let tail_start = size.saturating_sub(TAIL);
    let mut tail = vec![0; usize::try_from(size - tail_start).unwrap_or(0)];
    let read = read_at(file, &mut tail, tail_start).map_err(io)?;
    tail.truncate(read);
    let damaged = || FaultKind::ArchiveDamaged;
    let end = memchr::memmem::rfind(&tail, b"PK\x05\x06").ok_or_else(damaged)?;
    let at = |offset: usize| end.checked_add(offset);
    let field = |offset| at(offset).and_then(|at| number::<4>(&tail, at));
    let (mut length, mut start) = field(12).zip(field(16)).ok_or_else(damaged)?;
    if length == u64::from(u32::MAX)
        || start == u64::from(u32::MAX)
        || small(&tail, end + 10) == Some(u16::MAX)
    {
        let locator = end.checked_sub(20).and_then(|at| tail.get(at..)).unwrap_or_default();
        if locator.starts_with(b"PK\x06\x07") {
            let mut record = [0; 56];
            let place = number::<8>(locator, 8).ok_or_else(damaged)?;
            read_at(file, &mut record, place).map_err(io)?;
            if !record.starts_with(b"PK\x06\x06") {
                return Err(damaged());
            }
            (length, start) = number::<8>(&record, 40).zip(number::<8>(&record, 48)).ok_or_else(damaged)?;
        }
    }
    if length > MAX_DIRECTORY || length > size {
        return Err(damaged());
    }
    // Bytes before the archive shift all its offsets.
    let real_start = (tail_start + end as u64).checked_sub(length).ok_or_else(damaged)?;
    let mut directory = vec![0; usize::try_from(length).unwrap_or(0)];
    let mut shift = 0;
    let mut read = read_at(file, &mut directory, start).map_err(io)?;
    if !directory.starts_with(b"PK\x01\x02") && real_start > start {
        shift = real_start - start;
        read = read_at(file, &mut directory, real_start).map_err(io)?;
    }
    directory.truncate(read);
    let mut found = Vec::new();
    let mut rest = directory.as_slice();
    let mut packed = 0_u64;
    while rest.starts_with(b"PK\x01\x02") {
        let (mut member, length) = entry(rest).ok_or_else(damaged)?;
        rest = rest.get(length..).unwrap_or_default();
        member.offset = member.offset.checked_add(shift).ok_or_else(damaged)?;
        packed = packed.saturating_add(member.packed);
        if packed > size {
            return Err(FaultKind::ArchiveOverlap);
        }
        if !member.name.ends_with('/') {
            found.push(member);
        }
    }
    Ok(found)
}

/// An entry of the directory, and its length.
fn entry(bytes: &[u8]) -> Option<(Member, usize)> {
    let name_length = usize::from(small(bytes, 28)?);
    let extra_length = usize::from(small(bytes, 30)?);
    let comment_length = usize::from(small(bytes, 32)?);
    let name = bytes.get(46..46 + name_length)?;
    let mut extra = bytes.get(46 + name_length..46 + name_length + extra_length)?;
    let mut packed = number::<4>(bytes, 20)?;
    let unpacked = number::<4>(bytes, 24)?;
    let mut offset = number::<4>(bytes, 42)?;
    while let (Some(kind), Some(length)) = (small(extra, 0), small(extra, 2)) {
        let length = usize::from(length);
        let body = extra.get(4..4 + length)?;
        if kind == 1 {
            let mut at = if unpacked == u64::from(u32::MAX) { 8 } else { 0 };
            if packed == u64::from(u32::MAX) {
                packed = number::<8>(body, at)?;
                at += 8;
            }
            if offset == u64::from(u32::MAX) {
                offset = number::<8>(body, at)?;
            }
        }
        extra = extra.get(4 + length..)?;
    }
    let member = Member {
        name: String::from_utf8_lossy(name).into_owned(),
        packed,
        offset,
        method: small(bytes, 10)?,
        flags: small(bytes, 8)?,
        crc: u32::try_from(number::<4>(bytes, 16)?).ok()?,
    };
    Some((member, 46 + name_length + extra_length + comment_length))
}

/// Opens a member's content, with the budget of its unpacking.
///
/// # Errors
/// The fault that keeps it from being unpacked.
pub(super) fn open(
    file: File,
    member: &Member,
    allowance: &Allowance,
) -> Result<(Stream<'static>, Budget), FaultKind> {
    if member.flags & 1 != 0 {
        return Err(FaultKind::Encrypted);
    }
    let mut head = [0; 30];
    let read = read_at(&file, &mut head, member.offset)
        .map_err(|error| FaultKind::CantRead(stream_error(&error)))?;
    let lengths =
        small(&head, 26).zip(small(&head, 28)).filter(|_| read == 30 && head.starts_with(b"PK\x03\x04"));
    let Some((name, extra)) = lengths else {
        return Err(FaultKind::MemberDamaged);
    };
    let at = member.offset.saturating_add(30 + u64::from(name) + u64::from(extra));
    let section = Section { file, at, end: at.saturating_add(member.packed) };
    let (counting, packed) = CountingReader::new(Box::new(section));
    let budget = Budget { packed, allowance: allowance.clone() };
    let inner: Stream<'static> = match member.method {
        0 => Box::new(counting),
        8 => inflate(Box::new(counting), budget.clone()),
        93 => zstd(Box::new(counting), budget.clone()),
        method => return Err(FaultKind::UnknownMethod(method)),
    };
    let expected = member.crc;
    Ok((Box::new(Checked { inner, hasher: crc32fast::Hasher::new(), expected }), budget))
}

/// Verifies the checksum at the end.
struct Checked {
    inner: Stream<'static>,
    hasher: crc32fast::Hasher,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if read == 0 && !buffer.is_empty() && self.hasher.clone().finalize() != self.expected {
            return Err(io::Error::other(StreamError::WrongChecksum));
        }
        self.hasher.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
