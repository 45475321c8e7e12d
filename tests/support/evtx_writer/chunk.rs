//! A chunk: 64 KiB with a header, a table of names, a table of templates, and records that point into them.
//!
//! ```text
//! 0    magic, record numbers and ids, offsets, checksum of the records, flags
//! 124  checksum of bytes 0..120 and 128..512
//! 128  64 chains of names, by hash
//! 384  32 chains of templates, by hash
//! 512  records
//! ```
//! Names and templates are in the record that needs them first; later ones point there. A newcomer becomes the
//! head of its chain and points to the head before it.

use std::collections::HashMap;

use super::record::{ComputerName, Record};
use super::templates;
use super::value::{Guid, put_utf16};

/// Size of a chunk.
pub const CHUNK_SIZE: usize = 65_536;
/// Where the records begin.
pub const RECORDS_START: usize = 512;
const NAME_TABLE: usize = 128;
const TEMPLATE_TABLE: usize = 384;
const NO_RECORD: u64 = u64::MAX;

/// Identity of a template within a chunk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TemplateKey {
    /// Event/System, for the computer that it names; empty where records name it.
    System(String),
    /// EventData, by the address of its shape.
    Data(usize),
}

/// A chunk that is being filled.
pub struct Chunk {
    /// Bytes so far, the header included.
    pub bytes: Vec<u8>,
    /// How the records' templates name the computer.
    pub computer_name: ComputerName,
    names: HashMap<&'static str, u32>,
    templates: HashMap<TemplateKey, u32>,
    first: Option<(u64, u64)>,
    last: (u64, u64),
    last_record_offset: usize,
}

impl Chunk {
    pub fn new(computer_name: ComputerName) -> Self {
        let mut chunk = Self {
            bytes: Vec::with_capacity(2 * CHUNK_SIZE),
            computer_name,
            names: HashMap::new(),
            templates: HashMap::new(),
            first: None,
            last: (0, 0),
            last_record_offset: 0,
        };
        chunk.clear();
        chunk
    }

    /// Makes it an empty chunk again.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.resize(RECORDS_START, 0);
        self.names.clear();
        self.templates.clear();
        self.first = None;
        self.last_record_offset = 0;
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Adds a record with its number in the file. `false` where it has no room; the chunk can then only be sealed.
    pub fn add(&mut self, record: &Record<'_>, number: u64) -> bool {
        let start = self.bytes.len();
        let tables = self.bytes[NAME_TABLE..RECORDS_START].to_vec();
        self.bytes.extend(*b"**\0\0");
        self.put_u32(0);
        self.put_u64(record.record_id);
        self.put_u64(record.time);
        templates::put_record(self, record);
        // The size is at both ends of a record, which ends at a multiple of 8.
        let end = (self.bytes.len() + 4).next_multiple_of(8);
        self.bytes.resize(end - 4, 0);
        let size = offset_u32(end - start);
        self.put_u32(size);
        self.patch_u32(start + 4, size);
        // No chunk that Windows wrote is known to be filled to its last byte, and libevtx loses the last record of one.
        if end >= CHUNK_SIZE {
            self.bytes.truncate(start);
            self.bytes[NAME_TABLE..RECORDS_START].copy_from_slice(&tables);
            return false;
        }
        self.first.get_or_insert((number, record.record_id));
        self.last = (number, record.record_id);
        self.last_record_offset = start;
        true
    }

    /// Completes the header and fills the chunk up.
    pub fn seal(&mut self) -> &[u8] {
        let free = self.bytes.len();
        let checksum = crc32fast::hash(&self.bytes[RECORDS_START..]);
        let (first, last) = self.first.map_or(((1, NO_RECORD), (0, NO_RECORD)), |first| (first, self.last));
        let mut header = b"ElfChnk\0".to_vec();
        for number in [first.0, last.0, first.1, last.1] {
            header.extend(number.to_le_bytes());
        }
        for number in [128, offset_u32(self.last_record_offset), offset_u32(free), checksum] {
            header.extend(number.to_le_bytes());
        }
        header.resize(120, 0);
        self.bytes[..120].copy_from_slice(&header);
        seal_header(&mut self.bytes);
        self.bytes.resize(CHUNK_SIZE, 0);
        &self.bytes
    }

    /// Offset of a template of this chunk.
    pub fn template(&self, key: &TemplateKey) -> Option<u32> {
        self.templates.get(key).copied()
    }

    /// Notes a template that begins at the end of what is written, and writes the link to the next of its chain and
    /// its GUID.
    pub fn begin_template(&mut self, key: TemplateKey, guid: Guid) {
        let guid = guid.windows_bytes();
        let bucket = hash(guid.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))) % 32;
        let offset = offset_u32(self.bytes.len());
        let next = self.replace_head(TEMPLATE_TABLE, bucket, offset);
        self.put_u32(next);
        self.bytes.extend(guid);
        self.templates.insert(key, offset);
    }

    /// Writes a name's offset. At its first use the name itself follows.
    pub fn put_name(&mut self, name: &'static str) {
        if let Some(offset) = self.names.get(name).copied() {
            self.put_u32(offset);
            return;
        }
        let hash = hash(name.encode_utf16());
        let offset = offset_u32(self.bytes.len() + 4);
        let next = self.replace_head(NAME_TABLE, hash % 64, offset);
        self.put_u32(offset);
        self.put_u32(next);
        self.put_u16(u16::try_from(hash & 0xffff).unwrap_or(0));
        self.put_u16(u16::try_from(name.encode_utf16().count()).expect("names are short"));
        put_utf16(name, &mut self.bytes);
        self.put_u16(0);
        self.names.insert(name, offset);
    }

    pub fn put_u16(&mut self, number: u16) {
        self.bytes.extend(number.to_le_bytes());
    }

    pub fn put_u32(&mut self, number: u32) {
        self.bytes.extend(number.to_le_bytes());
    }

    pub fn put_u64(&mut self, number: u64) {
        self.bytes.extend(number.to_le_bytes());
    }

    /// Overwrites the number at `at`.
    pub fn patch_u32(&mut self, at: usize, number: u32) {
        self.bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }

    /// Makes `offset` the head of a chain, and returns the head before it (0 for none).
    fn replace_head(&mut self, table: usize, bucket: u32, offset: u32) -> u32 {
        let at = table + 4 * usize::try_from(bucket).unwrap_or(0);
        let before = [self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3]];
        self.patch_u32(at, offset);
        u32::from_le_bytes(before)
    }
}

/// Sets the flags that Windows sets and computes the checksum of a chunk's header.
pub fn seal_header(chunk: &mut [u8]) {
    chunk[120..124].copy_from_slice(&1_u32.to_le_bytes());
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&chunk[..120]);
    hasher.update(&chunk[128..RECORDS_START]);
    chunk[124..128].copy_from_slice(&hasher.finalize().to_le_bytes());
}

/// An offset in a chunk, as its pointers hold it.
pub fn offset_u32(offset: usize) -> u32 {
    u32::try_from(offset).expect("an offset in a chunk")
}

/// The hash by which Windows chains names and templates.
fn hash(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(0_u32, |hash, unit| hash.wrapping_mul(65_599).wrapping_add(u32::from(unit)))
}
