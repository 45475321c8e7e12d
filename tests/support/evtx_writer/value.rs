//! Typed values of binary XML, and their bytes.

use std::borrow::Cow;
use std::fmt;

/// The type that a template announces for a substitution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Text = 0x01,
    UInt8 = 0x04,
    UInt16 = 0x06,
    Int32 = 0x07,
    UInt32 = 0x08,
    UInt64 = 0x0a,
    Boolean = 0x0d,
    Guid = 0x0f,
    FileTime = 0x11,
    Sid = 0x13,
    HexInt32 = 0x14,
    HexInt64 = 0x15,
    BinXml = 0x21,
}

/// A GUID in the order in which it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// From the number whose hexadecimal digits are the GUID's.
    pub const fn from_number(number: u128) -> Self {
        Self(number.to_be_bytes())
    }

    /// As Windows stores it: the first three groups are little-endian.
    pub const fn windows_bytes(self) -> [u8; 16] {
        let mut bytes = self.0;
        let mut index = 0;
        while index < 8 {
            bytes[index] = self.0[[3, 2, 1, 0, 5, 4, 7, 6][index]];
            index += 1;
        }
        bytes
    }
}

/// `{01234567-89ab-cdef-0123-456789abcdef}`.
impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", u128::from_be_bytes(self.0));
        let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|group| &digits[group]);
        write!(f, "{{{}}}", groups.join("-"))
    }
}

/// A security identifier: its authority and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sid {
    pub authority: u8,
    pub parts: Vec<u32>,
}

impl Sid {
    /// `S-1-5-18`, the system itself.
    pub fn local_system() -> Self {
        Self { authority: 5, parts: vec![18] }
    }

    fn put(&self, out: &mut Vec<u8>) {
        let count = u8::try_from(self.parts.len()).expect("a SID has few parts");
        out.extend([1, count, 0, 0, 0, 0, 0, self.authority]);
        for part in &self.parts {
            out.extend(part.to_le_bytes());
        }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.parts.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

/// A value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Absent: an optional element or attribute with it is left out.
    Null,
    Text(Cow<'static, str>),
    /// Text that need not be valid Unicode.
    Utf16(Vec<u16>),
    UInt8(u8),
    UInt16(u16),
    Int32(i32),
    UInt32(u32),
    UInt64(u64),
    Boolean(bool),
    Guid(Guid),
    FileTime(u64),
    Sid(Sid),
    HexInt32(u32),
    HexInt64(u64),
}

impl Value {
    /// The type as the record's own table of values names it.
    pub const fn type_byte(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Text(_) | Self::Utf16(_) => Kind::Text as u8,
            Self::UInt8(_) => Kind::UInt8 as u8,
            Self::UInt16(_) => Kind::UInt16 as u8,
            Self::Int32(_) => Kind::Int32 as u8,
            Self::UInt32(_) => Kind::UInt32 as u8,
            Self::UInt64(_) => Kind::UInt64 as u8,
            Self::Boolean(_) => Kind::Boolean as u8,
            Self::Guid(_) => Kind::Guid as u8,
            Self::FileTime(_) => Kind::FileTime as u8,
            Self::Sid(_) => Kind::Sid as u8,
            Self::HexInt32(_) => Kind::HexInt32 as u8,
            Self::HexInt64(_) => Kind::HexInt64 as u8,
        }
    }

    /// Appends the value's bytes.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Text(text) => put_utf16(text, out),
            Self::Utf16(units) => out.extend(units.iter().flat_map(|unit| unit.to_le_bytes())),
            Self::UInt8(number) => out.push(*number),
            Self::UInt16(number) => out.extend(number.to_le_bytes()),
            Self::Int32(number) => out.extend(number.to_le_bytes()),
            Self::UInt32(number) | Self::HexInt32(number) => out.extend(number.to_le_bytes()),
            Self::UInt64(number) | Self::HexInt64(number) | Self::FileTime(number) => {
                out.extend(number.to_le_bytes());
            }
            Self::Boolean(truth) => out.extend(u32::from(*truth).to_le_bytes()),
            Self::Guid(guid) => out.extend(guid.windows_bytes()),
            Self::Sid(sid) => sid.put(out),
        }
    }
}

/// Appends text as UTF-16LE, without a length and without an end.
pub fn put_utf16(text: &str, out: &mut Vec<u8>) {
    if text.is_ascii() {
        out.extend(text.bytes().flat_map(|byte| [byte, 0]));
    } else {
        out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}
impl From<Guid> for Value {
    fn from(guid: Guid) -> Self {
        Self::Guid(guid)
    }
}
