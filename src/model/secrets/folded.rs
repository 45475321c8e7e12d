//! A text as a shell, a browser or a parser would read it: escapes decoded, invisible characters gone, words in one
//! piece that quotes and carets cut. A token that was cut in two is one again here, and is masked at its original
//! offsets.

use std::fmt::Write as _;

use super::super::text::{Edits, is_forbidden};
use super::text_at;

/// The maximum bytes of an escape.
const MAX_ESCAPE: usize = 10;

/// The folded form of the text at `at`: the length it takes, and the character that it means, if any.
fn folded_at(text: &str, at: usize, byte: u8) -> Option<(usize, Option<char>)> {
    let next = text.as_bytes().get(at + 1).copied();
    let may_be = match byte {
        // Most backslashes are those of paths.
        b'\\' => matches!(next, Some(b'u' | b'x' | b'"' | b'\'' | b'`' | b'^' | b'\\')),
        b'%' | b'&' | b'"' | b'\'' | b'`' | b'^' => next.is_some(),
        byte => byte >= 0x80,
    };
    if !may_be {
        return None;
    }
    let rest = text_at(text, at);
    match byte {
        b'%' => hex(rest, 1, 2).map(|meant| (3, Some(meant))),
        b'\\' => match rest.as_bytes().get(1)? {
            b'u' => hex(rest, 2, 4).map(|meant| (6, Some(meant))),
            b'x' => hex(rest, 2, 2).map(|meant| (4, Some(meant))),
            _ => cut_at(text, at),
        },
        b'&' => entity(rest),
        b'"' | b'\'' => joined_at(rest).map(|length| (length, None)).or_else(|| cut_at(text, at)),
        b'`' | b'^' => cut_at(text, at),
        byte if byte >= 0x80 => {
            let character = rest.chars().next()?;
            let narrow = match u32::from(character) {
                code @ 0xFF01..=0xFF5E => char::from_u32(code - 0xFF01 + 0x21),
                // Blanks of any width part words.
                _ => character.is_whitespace().then_some(' '),
            };
            (narrow.is_some() || is_forbidden(character)).then_some((character.len_utf8(), narrow))
        }
        _ => None,
    }
}

/// The printable ASCII character that the given count of hexadecimal digits means.
pub(super) fn hex(text: &str, from: usize, digits: usize) -> Option<char> {
    let digits =
        text.get(from..from + digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    char::from_u32(u32::from_str_radix(digits, 16).ok()?).filter(|meant| matches!(meant, ' '..='~'))
}

/// `&quot;`, `&#34;`, `&#x22;` and their like.
pub(super) fn entity(text: &str) -> Option<(usize, Option<char>)> {
    let near = text.as_bytes().iter().take(MAX_ESCAPE);
    let end = near.into_iter().position(|byte| *byte == b';')?;
    let name = text.get(1..end)?;
    let meant = match name {
        "quot" => '"',
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|meant| matches!(meant, ' '..='~' | '\n'))?
        }
    };
    Some((end + 1, Some(meant)))
}

/// Two strings that are added, `'a' + 'b'`: from the quote that closes the one to the quote that opens the other.
fn joined_at(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let blanks = |from: usize| bytes.iter().skip(from).take(4).take_while(|byte| **byte == b' ').count();
    let plus = 1 + blanks(1);
    if bytes.get(plus) != Some(&b'+') {
        return None;
    }
    let opening = plus + 1 + blanks(plus + 1);
    matches!(bytes.get(opening), Some(b'"' | b'\'')).then_some(opening + 1)
}

/// Quotes, carets and backticks within a word, which shells take out of it.
fn cut_at(text: &str, at: usize) -> Option<(usize, Option<char>)> {
    let bytes = text.as_bytes();
    let is_word = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    if !is_word(at.checked_sub(1).and_then(|before| bytes.get(before))) {
        return None;
    }
    let run = text_at(text, at)
        .bytes()
        .take(4)
        .take_while(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'^' | b'\\'))
        .count();
    let has_quote = bytes.get(at..at + run).is_some_and(|run| run.iter().any(|byte| *byte != b'\\'));
    (has_quote && is_word(bytes.get(at + run))).then_some((run, None))
}

/// The text as it is read, and the edits that led there; `None` if it is read as it is written.
pub(super) fn fold(text: &str) -> Option<(String, Edits)> {
    let mut edits = Edits::default();
    let mut output = String::new();
    let (mut copied, mut at) = (0, 0);
    while let Some(byte) = text.as_bytes().get(at).copied() {
        let Some((length, meant)) = folded_at(text, at, byte) else {
            at += 1;
            while !text.is_char_boundary(at) {
                at += 1;
            }
            continue;
        };
        output.push_str(text.get(copied..at).unwrap_or_default());
        let start = output.len();
        if let Some(meant) = meant {
            // Writing to a String cannot fail.
            let _ = write!(output, "{meant}");
        }
        edits.push(at..at + length, start..output.len());
        at += length;
        copied = at;
    }
    if edits.is_empty() {
        return None;
    }
    output.push_str(text.get(copied..).unwrap_or_default());
    Some((output, edits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_as_their_reader_does() {
        for (text, expected) in [
            ("gh^p_abc", Some("ghp_abc")),
            ("ghp_\"abc\"", Some("ghp_abc\"")),
            ("ab\"\"cd", Some("abcd")),
            ("ab`cd", Some("abcd")),
            ("ghp%5Fabc", Some("ghp_abc")),
            ("a&quot;b&amp;c&#x3d;d&#61;", Some("a\"b&c=d=")),
            ("\\u0022a\\x3d", Some("\"a=")),
            ("gh\u{200b}p_", Some("ghp_")),
            ("\u{ff47}hp_", Some("ghp_")),
            ("'token ' + 'abc'", Some("'token abc'")),
            ("\"a\"+\"b\"", Some("\"ab\"")),
            ("%APPDATA% \"a b\" C:\\x \\\\srv a & b a&b", None),
            ("größe", None),
            ("", None),
        ] {
            assert_eq!(fold(text).map(|folded| folded.0).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn places_are_carried_back() {
        let text = "x gh^p_ab\"\"cd y";
        let (folded, edits) = fold(text).unwrap();
        let at = folded.find("ghp_").unwrap();
        assert_eq!(&text[edits.inverted().map(&(at..at + 8))], "gh^p_ab\"\"cd");
        assert_eq!(&text[edits.inverted().map(&(at + 4..at + 6))], "ab");
    }
}
