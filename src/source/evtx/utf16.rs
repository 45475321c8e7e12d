//! UTF-16LE to text: a fast path for ASCII before the decoder that all readers share.

use crate::model::utf16::decode_lossy;

/// Appends UTF-16LE as UTF-8 up to its first NUL; a lone surrogate becomes U+FFFD, an odd last byte is left out.
pub(super) fn push_utf16(bytes: &[u8], out: &mut Vec<u8>) {
    let (mut rest, _) = bytes.as_chunks::<2>();
    out.reserve(rest.len());
    // Nearly all text is ASCII: long runs are narrowed many units at a time.
    while let Some((block, behind)) = rest.split_first_chunk::<32>()
        && push_ascii(block, out)
    {
        rest = behind;
    }
    while let Some((block, behind)) = rest.split_first_chunk::<8>()
        && push_ascii(block, out)
    {
        rest = behind;
    }
    push_any(rest, out);
}

/// Appends a block that is ASCII without NUL; false (and nothing appended) where it is not.
fn push_ascii<const N: usize>(block: &[[u8; 2]; N], out: &mut Vec<u8>) -> bool {
    let units = block.map(u16::from_le_bytes);
    // Bits above the lowest seven are set by units that are not ASCII, and (after the subtraction) by NUL.
    let odd = units.iter().fold(0, |sum, unit| sum | unit | unit.wrapping_sub(1));
    if odd & 0xff80 != 0 {
        return false;
    }
    out.extend_from_slice(&units.map(|unit| unit.to_le_bytes()[0]));
    true
}

fn push_any(mut units: &[[u8; 2]], out: &mut Vec<u8>) {
    while let [[low @ 1..=0x7f, 0], behind @ ..] = units {
        out.push(*low);
        units = behind;
    }
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0);
    for letter in decode_lossy(units) {
        out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Compares UTF-16LE up to its first NUL with an ASCII text, with case or without.
pub(super) fn is_ascii(bytes: &[u8], text: &[u8], ignore_case: bool) -> bool {
    let (units, _) = bytes.as_chunks::<2>();
    let Some((head, tail)) = units.split_at_checked(text.len()) else { return false };
    tail.first().is_none_or(|unit| *unit == [0, 0])
        && head.iter().zip(text).all(|([low, high], byte)| {
            *high == 0 && (low == byte || (ignore_case && low.eq_ignore_ascii_case(byte)))
        })
}

/// Returns whether UTF-16LE may end with one of these ASCII texts in lower case, compared without case. False only
/// where it surely does not. A text with a NUL in it may, since it ends there.
pub(super) fn may_end_with(bytes: &[u8], endings: &[&str]) -> bool {
    let (units, odd) = bytes.as_chunks::<2>();
    // The least of all is found without a branch for each.
    let least = units.iter().map(|unit| u16::from_le_bytes(*unit)).fold(u16::MAX, u16::min);
    if least == 0 || !odd.is_empty() {
        return true;
    }
    endings.iter().any(|ending| {
        let tail = units.len().checked_sub(ending.len()).and_then(|start| units.get(start..));
        // Names of one kind end alike (`.exe`, `.com`): the bytes before that tell them apart.
        let differs = |back: usize| {
            let (unit, byte) = (units.iter().nth_back(back), ending.as_bytes().iter().nth_back(back));
            unit.zip(byte).is_some_and(|([low, _], byte)| low | 0x20 != byte | 0x20)
        };
        !differs(4)
            && tail.is_some_and(|tail| {
                tail.iter()
                    .zip(ending.as_bytes())
                    .all(|([low, high], byte)| *high == 0 && low.eq_ignore_ascii_case(byte))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    fn decode(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        push_utf16(bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_ends_at_first_nul() {
        assert_eq!(decode(&encode("C:\\git.exe\0rest")), "C:\\git.exe");
        let long = "x".repeat(31) + "ü\u{1F600}" + &"y".repeat(70);
        assert_eq!(decode(&encode(&long)), long);
        assert_eq!(decode(&[0x41, 0, 0x00, 0xd8, 0x42, 0, 0x43]), "A\u{FFFD}B");
    }

    #[test]
    fn ascii_is_compared_to_its_end() {
        assert!(is_ascii(&encode("Sysmon"), b"Sysmon", false));
        assert!(is_ascii(&encode("sYSMON\0x"), b"Sysmon", true));
        assert!(!is_ascii(&encode("sYSMON"), b"Sysmon", false));
        assert!(!is_ascii(&encode("Sysmon2"), b"Sysmon", true));
        assert!(!is_ascii(&encode("Sys"), b"Sysmon", true));
        assert!(!is_ascii(&encode("Sysmonﬁ"), b"Sysmon", true));
    }

    #[test]
    fn endings_match_in_any_case() {
        let endings = [r"\git.exe", "github.com", "x"];
        for text in [r"C:\Git\GIT.exe", r"\git.EXE", "GitHub.com", "a.github.com", "X", "a\0b"] {
            assert!(may_end_with(&encode(text), &endings), "{text}");
        }
        assert!(may_end_with(b"a\0b", &endings), "an odd byte");
        for text in
            ["git.exe", r"C:\notgit.exe", r"\git.exe ", "github.co", "", "ĸ", "github.cΩm", r"\giṫ.exe"]
        {
            assert!(!may_end_with(&encode(text), &endings), "{text}");
        }
    }

    proptest! {
        #[test]
        fn ending_is_never_missed(text in "[^\0]{0,20}", ending in "[\\\\-z]{0,12}") {
            let ending = ending.to_ascii_lowercase();
            let ends = text.len().checked_sub(ending.len()).and_then(|at| text.as_bytes().get(at..))
                .is_some_and(|tail| tail.eq_ignore_ascii_case(ending.as_bytes()));
            prop_assert_eq!(may_end_with(&encode(&text), &[&ending]), ends);
            prop_assert!(may_end_with(&encode(&(text + &ending.to_ascii_uppercase())), &[&ending]));
        }

        #[test]
        fn any_text_without_nul_reads_back(text in "[^\0]{0,90}") {
            prop_assert_eq!(decode(&encode(&text)), text);
        }
    }
}
