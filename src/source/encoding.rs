//! Text encodings of a stream: UTF-8, and UTF-16 in either byte order.

use std::io::{self, Read};

use super::stream::Stream;
use crate::model::utf16::decode_lossy;

const CHUNK: usize = 64 << 10;

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, or taken for it.
    Utf8,
    /// UTF-16 with the low byte first.
    Utf16Le,
    /// UTF-16 with the high byte first.
    Utf16Be,
}

/// The encoding, by a byte order mark or by the zeros of the first letter.
pub(super) fn encoding(head: &[u8]) -> Encoding {
    match head {
        // A mark, the first letter of XML or JSON, or three letters of a table's first name.
        [0xff, 0xfe, ..]
        | [b'<' | b'{' | b'[', 0, ..]
        | [b' '..=b'~', 0, b' '..=b'~', 0, b' '..=b'~', 0, ..] => Encoding::Utf16Le,
        [0xfe, 0xff, ..]
        | [0, b'<' | b'{' | b'[', ..]
        | [0, b' '..=b'~', 0, b' '..=b'~', 0, b' '..=b'~', ..] => Encoding::Utf16Be,
        _ => Encoding::Utf8,
    }
}

/// UTF-16 as UTF-8. Invalid UTF-16 becomes U+FFFD.
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
    text.extend(decode_lossy(units.take(used / 2)));
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

/// A text as UTF-8.
pub(super) fn decoded(inner: Stream<'_>, encoding: Encoding) -> Stream<'_> {
    if encoding == Encoding::Utf8 {
        return inner;
    }
    let is_big = encoding == Encoding::Utf16Be;
    Box::new(Utf16 { inner, is_big, raw: Vec::new(), text: String::new(), at: 0 })
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
}
