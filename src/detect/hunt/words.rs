//! A Windows command line as words: what a program gets as its arguments, near enough to look for options in it.

use std::borrow::Cow;
use std::ops::Range;

/// Bytes of a command line that are looked at. Windows allows 32,767 characters.
pub(super) const LINE_LIMIT: usize = 128 << 10;
/// Words of a command line that are looked at.
const MOST_WORDS: usize = 4096;

/// A word, without the quotes around it or within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Where it stands in the command line, quotes included, in bytes.
    pub range: Range<usize>,
    /// What the program gets.
    pub text: Cow<'a, str>,
}

impl Word<'_> {
    /// Whether it is that text, without case.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }
}

/// The words of a command line. A quote opens or closes a quoted part, in which blanks do not end the word; `\"` is a
/// quote of the text.
#[must_use]
pub fn words(line: &str) -> Vec<Word<'_>> {
    let line = head(line, LINE_LIMIT);
    let mut words = Vec::new();
    let mut chars = line.char_indices().peekable();
    while words.len() < MOST_WORDS {
        let Some((start, _)) = chars.find(|(_, c)| !c.is_whitespace()) else { break };
        let end = end_of_word(line, start);
        let raw = line.get(start..end).unwrap_or("");
        let text = if raw.contains('"') { Cow::Owned(unquoted(raw)) } else { Cow::Borrowed(raw) };
        words.push(Word { range: start..end, text });
        while chars.next_if(|(at, _)| *at < end).is_some() {}
    }
    words
}

fn end_of_word(line: &str, start: usize) -> usize {
    let mut quoted = false;
    let mut before = ' ';
    for (at, c) in line.get(start..).unwrap_or("").char_indices() {
        if c == '"' && before != '\\' {
            quoted = !quoted;
        } else if c.is_whitespace() && !quoted {
            return start + at;
        }
        before = c;
    }
    line.len()
}

fn unquoted(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    for c in raw.chars() {
        if c != '"' {
            text.push(c);
        } else if text.ends_with('\\') {
            text.pop();
            text.push('"');
        }
    }
    text
}

/// The first bytes of a text, up to a character's border.
#[must_use]
pub fn head(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_hold_a_word_together() {
        let line = r#""C:\Program Files\curl.exe"  -H "A: b" -d"x y" a\"b "" end"#;
        let texts: Vec<_> = words(line).into_iter().map(|word| word.text.into_owned()).collect();
        assert_eq!(texts, [r"C:\Program Files\curl.exe", "-H", "A: b", "-dx y", "a\"b", "", "end"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_words_that_stand_in_it(line in "\\PC*|[ \"\\\\a\u{a0}\u{2028}é]*") {
            let mut last = 0;
            for word in words(&line) {
                prop_assert!(word.range.start >= last && word.range.start < word.range.end);
                prop_assert!(line.get(word.range.clone()).is_some());
                last = word.range.end;
            }
        }
    }
}
