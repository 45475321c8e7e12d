//! Values of one type each.

use std::io::Write as _;

use super::utf16::push_utf16;
use crate::model::time::Timestamp;

/// The types' numbers, as far as they are known here.
pub(super) struct Kind;

impl Kind {
    /// Nothing.
    pub(super) const NULL: u8 = 0x00;
    /// UTF-16LE.
    pub(super) const UTF16: u8 = 0x01;
    /// Text in the code page of the host that wrote it.
    pub(super) const ANSI: u8 = 0x02;
    /// A GUID.
    pub(super) const GUID: u8 = 0x0f;
    /// Binary XML.
    pub(super) const BINXML: u8 = 0x21;
}

/// A whole number that is not negative, typed or as text. `None` for anything else.
pub(super) fn number(kind: u8, bytes: &[u8]) -> Option<u64> {
    match (kind, bytes) {
        (0x04, [byte]) => Some(u64::from(*byte)),
        (0x06, [low, high]) => Some(u64::from(u16::from_le_bytes([*low, *high]))),
        (0x08, _) => exact(bytes).map(u32::from_le_bytes).map(u64::from),
        (0x0a, _) => exact(bytes).map(u64::from_le_bytes),
        (Kind::UTF16, _) => {
            let mut text = Vec::new();
            push_utf16(bytes, &mut text);
            str::from_utf8(&text).ok()?.trim().parse().ok()
        }
        _ => None,
    }
}

/// Ticks of 100 ns since 1601. `None` for anything else, and for ticks of which Windows makes no time.
pub(super) fn filetime(kind: u8, bytes: &[u8]) -> Option<u64> {
    if kind != 0x11 {
        return None;
    }
    exact(bytes).map(u64::from_le_bytes).filter(|ticks| *ticks <= Timestamp::LAST_FILETIME)
}

/// Appends a number or a truth value as text. `None` for other types and for sizes that do not fit the type; nothing
/// is appended then.
pub(super) fn push(kind: u8, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    match kind {
        0x03 => signed(i64::from(i8::from_le_bytes(exact(bytes)?)), out),
        0x04 => unsigned(u64::from(u8::from_le_bytes(exact(bytes)?)), out),
        0x05 => signed(i64::from(i16::from_le_bytes(exact(bytes)?)), out),
        0x06 => unsigned(u64::from(u16::from_le_bytes(exact(bytes)?)), out),
        0x07 => signed(i64::from(i32::from_le_bytes(exact(bytes)?)), out),
        0x08 => unsigned(u64::from(u32::from_le_bytes(exact(bytes)?)), out),
        0x09 => signed(i64::from_le_bytes(exact(bytes)?), out),
        0x0a => unsigned(u64::from_le_bytes(exact(bytes)?), out),
        0x0d => match i32::from_le_bytes(exact(bytes)?) {
            0 => {
                out.extend_from_slice(b"false");
                Some(())
            }
            1 => {
                out.extend_from_slice(b"true");
                Some(())
            }
            // Some providers write flags as truth values.
            other => signed(i64::from(other), out),
        },
        // Sizes are of four or of eight bytes, and shown as hexadecimal numbers.
        0x14 => hexadecimal(u64::from(u32::from_le_bytes(exact(bytes)?)), out),
        0x10 if bytes.len() == 4 => hexadecimal(u64::from(u32::from_le_bytes(exact(bytes)?)), out),
        0x10 | 0x15 => hexadecimal(u64::from_le_bytes(exact(bytes)?), out),
        _ => None,
    }
}

fn exact<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok()
}

fn unsigned(mut value: u64, out: &mut Vec<u8>) -> Option<()> {
    // Most numbers are ports and process numbers: one digit after the other is faster than the formatter.
    let mut digits = [0_u8; 20];
    let mut used = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(value % 10).ok()?;
        used += 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..)?);
    Some(())
}

fn signed(value: i64, out: &mut Vec<u8>) -> Option<()> {
    write!(out, "{value}").ok()
}

fn hexadecimal(value: u64, out: &mut Vec<u8>) -> Option<()> {
    write!(out, "{value:#x}").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: u8, bytes: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        push(kind, bytes, &mut out).and_then(|()| String::from_utf8(out).ok())
    }

    #[test]
    fn numbers_equal_those_of_windows() {
        for (kind, bytes, expected) in [
            (0x03, &[0xff_u8][..], "-1"),
            (0x04, &[200], "200"),
            (0x06, &443_u16.to_le_bytes(), "443"),
            (0x07, &(-5_i32).to_le_bytes(), "-5"),
            (0x08, &0_u32.to_le_bytes(), "0"),
            (0x0a, &u64::MAX.to_le_bytes(), "18446744073709551615"),
            (0x0d, &1_u32.to_le_bytes(), "true"),
            (0x0d, &0_u32.to_le_bytes(), "false"),
            (0x0d, &(-2_i32).to_le_bytes(), "-2"),
            (0x14, &0x1fff_u32.to_le_bytes(), "0x1fff"),
            (0x10, &0xab_u64.to_le_bytes(), "0xab"),
        ] {
            assert_eq!(text(kind, bytes).as_deref(), Some(expected), "{kind:#x}");
        }
        assert_eq!(text(0x08, &[1, 2, 3]), None, "a size that does not fit the type");
        assert_eq!(text(0x81, b"a\0\0\0"), None);
        assert_eq!(number(0x01, b"2\x002\0\0\0"), Some(22));
        assert_eq!(filetime(0x11, &5_u64.to_le_bytes()), Some(5));
        assert_eq!(filetime(0x11, &(u64::MAX / 2).to_le_bytes()), Some(u64::MAX / 2));
        assert_eq!(filetime(0x11, &(u64::MAX / 2 + 1).to_le_bytes()), None, "Windows makes no time of it");
    }
}
