//! A Windows command line as words: a program's arguments, near enough to look for options in them.

use std::borrow::Cow;
use std::ops::Range;

use super::steps;

/// A word, without the quotes around it or within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Its range in the command line, quotes included, in bytes.
    pub range: Range<usize>,
    /// The argument that the program gets.
    pub text: Cow<'a, str>,
}

impl Word<'_> {
    /// Whether it is that text, without case.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }
}

/// The words of a command line, one after the other: however many there are, none is left out, and none takes memory
/// after the next. A quote opens or closes a quoted part, in which blanks do not end the word; `\"` is a quote of the
/// text.
#[must_use]
pub const fn words(line: &str) -> Words<'_> {
    Words { line, from: 0 }
}

/// The words of a command line.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    line: &'a str,
    /// Where the next word is looked for, in bytes.
    from: usize,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let rest = self.line.get(self.from..)?;
        let start = self.from + rest.find(|c: char| !c.is_whitespace())?;
        let end = end_of_word(self.line, start);
        self.from = end;
        steps::count(end - start);
        let raw = self.line.get(start..end)?;
        let text = if raw.contains('"') { Cow::Owned(unquoted(raw)) } else { Cow::Borrowed(raw) };
        Some(Word { range: start..end, text })
    }
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
        let texts: Vec<_> = words(line).map(|word| word.text.into_owned()).collect();
        assert_eq!(texts, [r"C:\Program Files\curl.exe", "-H", "A: b", "-dx y", "a\"b", "", "end"]);
    }

    #[test]
    fn last_of_many_words_is_found() {
        let line = format!("curl {}-T loot", "-s ".repeat(100_000));
        assert_eq!(words(&line).count(), 100_003);
        assert_eq!(words(&line).last().unwrap().text, "loot");
    }

    proptest! {
        #[test]
        fn words_are_ranges_of_the_line(line in "\\PC*|[ \"\\\\a\u{a0}\u{2028}é]*") {
            let mut last = 0;
            for word in words(&line) {
                prop_assert!(word.range.start >= last && word.range.start < word.range.end);
                prop_assert!(line.get(word.range.clone()).is_some());
                last = word.range.end;
            }
        }
    }
}
