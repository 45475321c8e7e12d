//! UTF-16LE to text.

/// Units that are narrowed at a time.
const BLOCK: usize = 32;

/// Appends UTF-16LE up to its first NUL; a lone surrogate becomes U+FFFD, an odd last byte is left out.
pub(super) fn push_utf16(bytes: &[u8], out: &mut String) {
    let (units, _) = bytes.as_chunks::<2>();
    out.reserve(units.len());
    let mut rest = units;
    while !rest.is_empty() {
        let block = rest.get(..BLOCK).unwrap_or(rest);
        if !push_ascii(block, out) {
            push_any(rest, out);
            return;
        }
        rest = rest.get(block.len()..).unwrap_or_default();
    }
}

/// Appends a block that is ASCII without NUL; false (and nothing appended) where it is not.
fn push_ascii(units: &[[u8; 2]], out: &mut String) -> bool {
    let mut narrow = [0_u8; BLOCK];
    let mut bad = false;
    for ([low, high], slot) in units.iter().zip(narrow.iter_mut()) {
        bad |= *high != 0 || *low >= 0x80 || *low == 0;
        *slot = *low;
    }
    if bad {
        return false;
    }
    let Some(text) = narrow.get(..units.len()).and_then(|bytes| str::from_utf8(bytes).ok()) else {
        return false;
    };
    out.push_str(text);
    true
}

fn push_any(units: &[[u8; 2]], out: &mut String) {
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit)).take_while(|unit| *unit != 0);
    out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// Whether UTF-16LE up to its first NUL is this ASCII text, with case or without.
pub(super) fn is_ascii(bytes: &[u8], text: &[u8], ignore_case: bool) -> bool {
    let (units, _) = bytes.as_chunks::<2>();
    let Some((head, tail)) = units.split_at_checked(text.len()) else { return false };
    tail.first().is_none_or(|unit| *unit == [0, 0])
        && head.iter().zip(text).all(|([low, high], byte)| {
            *high == 0 && (low == byte || (ignore_case && low.eq_ignore_ascii_case(byte)))
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
        let mut out = String::new();
        push_utf16(bytes, &mut out);
        out
    }

    #[test]
    fn text_ends_at_its_first_nul_and_lone_surrogates_are_replaced() {
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

    proptest! {
        #[test]
        fn any_text_without_nul_reads_back(text in "[^\0]{0,90}") {
            prop_assert_eq!(decode(&encode(&text)), text);
        }
    }
}
