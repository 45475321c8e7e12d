//! Process GUIDs, compared without braces and case.

use std::fmt;

/// A GUID in the order in which it is written: `{01234567-89ab-cdef-0123-456789abcdef}` is the bytes
/// `01 23 45 … ef`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid([u8; 16]);

impl Guid {
    /// From the bytes in written order.
    #[must_use]
    pub const fn from_written_order(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// From the binary form that Windows stores: the first three groups are little-endian.
    #[must_use]
    pub fn from_windows_bytes(mut bytes: [u8; 16]) -> Self {
        let (groups, _) = bytes.split_at_mut(8);
        let (first, others) = groups.split_at_mut(4);
        let (second, third) = others.split_at_mut(2);
        first.reverse();
        second.reverse();
        third.reverse();
        Self(bytes)
    }

    /// The bytes in written order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Parses a GUID with or without braces, in any case, with surrounding blanks. `None` if the text is not a GUID.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(text);
        if text.len() != 36 {
            return None;
        }
        let mut bytes = [0_u8; 16];
        let mut digits = 0_usize;
        for (index, byte) in text.bytes().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return None;
                }
                continue;
            }
            let value = u8::try_from(char::from(byte).to_digit(16)?).ok()?;
            let slot = bytes.get_mut(digits / 2)?;
            *slot = (*slot << 4) | value;
            digits += 1;
        }
        Some(Self(bytes))
    }

    /// Returns whether the GUID is all zeros, which means "not known": it joins nothing.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == [0; 16]
    }
}

/// In capitals and in braces, as Sysmon and Splunk write it.
impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02X}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_a_guid_are_one() {
        let expected = Guid::parse("{A1B2C3D4-0001-0002-1020-304050607080}").unwrap();
        for text in ["a1b2c3d4-0001-0002-1020-304050607080", " {a1B2c3d4-0001-0002-1020-304050607080} "] {
            assert_eq!(Guid::parse(text), Some(expected), "{text}");
        }
        assert_eq!(expected.to_string(), "{A1B2C3D4-0001-0002-1020-304050607080}");
        let windows = [0xd4, 0xc3, 0xb2, 0xa1, 1, 0, 2, 0, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80];
        assert_eq!(Guid::from_windows_bytes(windows), expected);
    }

    #[test]
    fn what_is_no_guid_is_none() {
        for text in [
            "",
            "-",
            "{}",
            "a1b2c3d4-0001-0002-1020-30405060708",
            "g1b2c3d4-0001-0002-1020-304050607080",
            "a1b2c3d4x0001-0002-1020-304050607080",
            "ä1b2c3d4-0001-0002-1020-30405060708",
        ] {
            assert_eq!(Guid::parse(text), None, "{text}");
        }
        assert!(Guid::parse("00000000-0000-0000-0000-000000000000").unwrap().is_zero());
    }
}
