//! Base64 that decodes to a text with a secret in it, such as PowerShell's `-EncodedCommand`. Only the digits that
//! encode the secret are masked, so that the rest still shows the data that was carried out.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::ops::Range;

use super::value::{credentials, is_variable};
use super::{Finding, text_at};
use crate::model::utf16::decode_lossy;

/// Digits of the shortest run that is decoded: nine bytes.
const MIN_DIGITS: usize = 12;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const PLAIN: GeneralPurpose = GeneralPurpose::new(&STANDARD, LENIENT);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, LENIENT);

/// The text that a run of digits encodes.
struct Script {
    text: String,
    /// True if each byte of the text is two encoded bytes: UTF-16 of characters of ASCII.
    is_wide: bool,
    /// For each character of a text with others than ASCII: where it ends in the text and in the bytes.
    ends: Vec<(usize, usize)>,
}

impl Script {
    fn of(digits: &str) -> Option<Self> {
        // One digit alone encodes no byte.
        let whole = digits.len() - usize::from(digits.len() % 4 == 1);
        let digits = digits.get(..whole)?;
        let engine = if digits.contains(['-', '_']) { FOR_URLS } else { PLAIN };
        // The first digits decide most words.
        let mut glance = [0; 6];
        engine.decode_slice(digits.get(..8)?, &mut glance).ok()?;
        if glance.iter().any(|byte| matches!(byte, 1..=8 | 14..=31 | 127)) {
            return None;
        }
        let bytes = engine.decode(digits).ok()?;
        let is_wide = glance.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count() >= 2;
        if !is_wide {
            let text = String::from_utf8(bytes).ok()?;
            let is_text = text.chars().all(|c| !c.is_control() || matches!(c, '\t' | '\r' | '\n'));
            return is_text.then_some(Self { text, is_wide, ends: Vec::new() });
        }
        let units = bytes
            .chunks_exact(2)
            .map(|pair| pair.iter().rev().fold(0, |unit, byte| unit << 8 | u16::from(*byte)));
        let mut text = String::new();
        let mut ends = Vec::new();
        let mut read = 0;
        for character in decode_lossy(units) {
            text.push(character);
            read += character.len_utf16() * 2;
            ends.push((text.len(), read));
        }
        if text.len() == ends.len() {
            ends = Vec::new();
        }
        Some(Self { text, is_wide, ends })
    }

    /// The offset of a byte of the text among the bytes that were decoded.
    fn byte(&self, at: usize) -> usize {
        if !self.is_wide {
            return at;
        }
        if self.ends.is_empty() {
            return at * 2;
        }
        let before = self.ends.partition_point(|(end, _)| *end <= at);
        before.checked_sub(1).and_then(|last| self.ends.get(last)).map_or(0, |(_, read)| *read)
    }

    /// The digits that encode a range of the text, in whole groups of four.
    fn digits(&self, range: &Range<usize>) -> Range<usize> {
        self.byte(range.start) / 3 * 4..self.byte(range.end).div_ceil(3) * 4
    }
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Finds secrets in the texts that the text's base64 encodes, by `find`. `knows_users` means that the text is about
/// users and passwords, so that `user:password` alone is one.
pub(super) fn find_encoded(
    text: &str,
    knows_users: &dyn Fn() -> bool,
    find: &dyn Fn(&str, &mut Vec<Finding>),
    findings: &mut Vec<Finding>,
) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !is_digit(*byte)).unwrap_or(rest.len());
        let run = at..at + length;
        // Characters that are not digits are skipped; bytes beyond ASCII are never digits.
        at = run.end + 1;
        if length < MIN_DIGITS {
            continue;
        }
        let Some(digits) = text.get(run.clone()) else { continue };
        // Names and paths come before digits: the run after the last of their signs may be base64 all the same.
        let Some(script) = Script::of(digits) else { continue };
        let mut inner = Vec::new();
        find(&script.text, &mut inner);
        if inner.is_empty()
            && let Some(password) = password_of(&script.text)
            && knows_users()
        {
            inner.push(password);
        }
        let end = run.end + text_at(text, run.end).bytes().take(2).take_while(|byte| *byte == b'=').count();
        for finding in inner {
            let secret = finding.range.start + finding.kept..finding.range.end;
            let digits = script.digits(&secret);
            let to = run.start + digits.end;
            findings.push(Finding {
                range: run.start + digits.start..if to >= run.end { end } else { to },
                kept: 0,
            });
        }
    }
}

/// The password of a text that is `user:password` and nothing else.
fn password_of(text: &str) -> Option<Finding> {
    let (user, password) = credentials(text.trim_end());
    let password = password?;
    let is_name = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-' | b'\\' | b'+' | b'$')
    };
    let is_one = user.bytes().all(is_name)
        && password.len() >= super::value::MIN_SECRET
        && !password.starts_with(['/', '\\'])
        && !password.contains(char::is_whitespace)
        && !is_variable(password);
    let start = text.trim_end().len() - password.len();
    is_one.then(|| Finding { range: start..start + password.len(), kept: 0 })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD as BASE64;

    use super::super::{MASK, mask};
    use super::*;

    fn wide(script: &str) -> String {
        BASE64.encode(script.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
    }

    /// The part of a masked text's base64 that still decodes.
    fn read(masked: &str) -> String {
        let runs = masked
            .split(|character: char| !character.is_ascii() || !is_digit(character as u8) && character != '=');
        runs.filter_map(|run| Script::of(run.trim_end_matches('='))).map(|script| script.text).collect()
    }

    #[test]
    fn a_script_keeps_all_but_its_secret() {
        let token = "ghp_aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5";
        let script =
            format!("irm https://api.github.com/gists -Headers @{{Authorization='token {token}'}} # ü end");
        for base64 in [
            wide(&script),
            BASE64.encode(&script),
            BASE64.encode(BASE64.encode(&script)),
            wide(&wide(&script)),
        ] {
            let text = format!("powershell.exe -enc {base64} -NoProfile");
            let masked = mask(&text);
            assert!(masked.contains(MASK) && masked.ends_with(" -NoProfile"), "{masked}");
            assert!(!read(&masked).contains("aB3dE5"), "{masked}");
            assert_eq!(mask(&masked), masked);
        }
        let masked = mask(&wide(&script)).into_owned();
        assert!(
            read(&masked).contains("irm https://api.github.com/gists") && read(&masked).contains("end"),
            "{masked}"
        );
    }

    #[test]
    fn users_and_passwords_are_masked_where_they_are_spoken_of() {
        let base64 = BASE64.encode("alice:Hunter2!Summer");
        for text in [
            format!("Authorization: Basic {base64}"),
            format!("$auth = \"{base64}\""),
            format!("basic {base64}"),
        ] {
            let masked = mask(&text);
            assert!(!read(&masked).contains("Hunter2"), "{masked}");
        }
        let plain = format!("powershell -enc {}", wide("Get-ChildItem C:\\Users | Select-Object Name"));
        assert_eq!(mask(&plain), plain);
    }

    #[test]
    fn words_are_no_base64() {
        for text in [
            "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
            "ProcessorArchitecture",
            "a/b/c/d/e/f/g/h/i/j/k",
        ] {
            assert_eq!(mask(text), text);
        }
    }
}
