//! UTF-16 to characters, for every reader of Windows' texts.

/// Decodes UTF-16. A lone surrogate becomes U+FFFD.
pub fn decode_lossy(units: impl IntoIterator<Item = u16>) -> impl Iterator<Item = char> {
    char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogate_becomes_replacement_character() {
        let units = [0x41, 0xd83d, 0xde00, 0xd83d, 0x42, 0xde00];
        assert_eq!(decode_lossy(units).collect::<String>(), "A\u{1f600}\u{fffd}B\u{fffd}");
    }
}
