//! A JSON value as a tape: a flat list of nodes over the text that it was read from. Only strings with escapes are
//! copied, on demand. Numbers stay as they were written.

use std::borrow::Cow;
use std::cell::OnceCell;

/// Maximum depth of nesting.
const MAX_DEPTH: usize = 96;
/// Bytes of a string that are scanned at a time.
const WORD: usize = 8;

/// The range of a string or a number.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug)]
enum Node {
    Null,
    Bool(bool),
    Number(Span),
    Text(Span),
    /// A string with escapes, and which of the strings it is that are put together when they are asked for.
    Escaped(Span, u32),
    /// A string in the tape's own buffer.
    Own(Span),
    /// Its elements are the nodes up to `end`.
    Array {
        end: u32,
    },
    /// Its members are pairs of a text and a value up to `end`.
    Object {
        end: u32,
    },
}

/// The nodes of one value. Used again for the next, so that its buffers are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Tape {
    nodes: Vec<Node>,
    unescaped: Vec<OnceCell<Box<str>>>,
    own: String,
}

/// A value on a tape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    tape: &'a Tape,
    text: &'a str,
    at: usize,
}

impl Tape {
    /// Reads the text, which is one value and nothing else. More is forgiven than JSON allows where no meaning is in
    /// doubt: control characters in strings, half surrogate pairs (they become U+FFFD).
    ///
    /// # Errors
    /// The fault of the JSON, as a clause.
    pub(super) fn read<'a>(&'a mut self, text: &'a str) -> Result<Value<'a>, String> {
        self.nodes.clear();
        self.unescaped.clear();
        let mut parser = Parser { bytes: text.as_bytes(), at: 0, depth: 0, tape: self };
        parser.value()?;
        parser.blanks();
        if parser.at < text.len() {
            return Err(parser.wrong("more text behind its end"));
        }
        Ok(Value { tape: self, text, at: 0 })
    }

    /// Makes an object of pairs.
    pub(super) fn of_pairs<'p>(&mut self, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> Value<'_> {
        self.nodes.clear();
        self.unescaped.clear();
        self.own.clear();
        self.nodes.push(Node::Object { end: 0 });
        for (key, value) in pairs {
            for text in [key, value] {
                let start = self.own.len();
                self.own.push_str(text);
                let span = Span { start: short(start), end: short(self.own.len()) };
                self.nodes.push(Node::Own(span));
            }
        }
        let end = short(self.nodes.len());
        if let Some(node) = self.nodes.first_mut() {
            *node = Node::Object { end };
        }
        Value { tape: self, text: "", at: 0 }
    }
}

/// Records are at most 16 MiB, so this never cuts.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl<'a> Value<'a> {
    fn node(self) -> Node {
        self.tape.nodes.get(self.at).copied().unwrap_or(Node::Null)
    }

    fn slice(self, span: Span) -> &'a str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn unescaped(self, span: Span, number: u32) -> &'a str {
        let cell = self.tape.unescaped.get(number as usize);
        cell.map(|cell| &**cell.get_or_init(|| unescape(self.slice(span)))).unwrap_or_default()
    }

    fn sibling(self) -> usize {
        match self.node() {
            Node::Array { end } | Node::Object { end } => end as usize,
            _ => self.at + 1,
        }
    }

    /// The string, if it is one.
    pub(super) fn as_str(self) -> Option<&'a str> {
        match self.node() {
            Node::Text(span) => Some(self.slice(span)),
            Node::Escaped(span, number) => Some(self.unescaped(span, number)),
            Node::Own(span) => self.tape.own.get(span.start as usize..span.end as usize),
            _ => None,
        }
    }

    /// The number as it is written, if it is one.
    #[cfg(test)]
    pub(super) fn as_number(self) -> Option<&'a str> {
        match self.node() {
            Node::Number(span) => Some(self.slice(span)),
            _ => None,
        }
    }

    /// The text of a string, a number, or a truth value.
    pub(super) fn scalar(self) -> Option<&'a str> {
        match self.node() {
            Node::Number(span) => Some(self.slice(span)),
            Node::Bool(true) => Some("true"),
            Node::Bool(false) => Some("false"),
            _ => self.as_str(),
        }
    }

    /// Returns true for an object.
    pub(super) fn is_object(self) -> bool {
        matches!(self.node(), Node::Object { .. })
    }

    /// The members of an object; of anything else none.
    pub(super) fn members(self) -> Members<'a> {
        match self.node() {
            Node::Object { end } => Members { value: Self { at: self.at + 1, ..self }, end: end as usize },
            _ => Members { value: self, end: 0 },
        }
    }

    /// The elements of an array; of anything else none.
    pub(super) fn elements(self) -> Elements<'a> {
        match self.node() {
            Node::Array { end } => Elements { value: Self { at: self.at + 1, ..self }, end: end as usize },
            _ => Elements { value: self, end: 0 },
        }
    }

    /// The first member of that exact name.
    pub(super) fn get(self, name: &str) -> Option<Self> {
        let Node::Object { end } = self.node() else { return None };
        let mut key = Self { at: self.at + 1, ..self };
        while key.at + 1 < end as usize {
            let value = Self { at: key.at + 1, ..self };
            if key.is(name) {
                return Some(value);
            }
            key.at = value.sibling();
        }
        None
    }

    /// The first members of these names, in one walk.
    pub(super) fn get_all<const N: usize>(self, names: [&str; N]) -> [Option<Self>; N] {
        let mut found = [None; N];
        let Node::Object { end } = self.node() else { return found };
        let mut key = Self { at: self.at + 1, ..self };
        while key.at + 1 < end as usize {
            let value = Self { at: key.at + 1, ..self };
            if let Some(place) =
                names.iter().zip(&mut found).find_map(|(name, place)| key.is(name).then_some(place))
                && place.is_none()
            {
                *place = Some(value);
            }
            key.at = value.sibling();
        }
        found
    }

    /// Returns whether it is that string. The length decides most comparisons.
    fn is(self, text: &str) -> bool {
        match self.node() {
            Node::Text(span) => (span.end - span.start) as usize == text.len() && self.slice(span) == text,
            _ => self.as_str() == Some(text),
        }
    }

    /// A member of a member: nested, or under a name with dots.
    pub(super) fn path(self, names: &[&str]) -> Option<Self> {
        let nested = names.iter().try_fold(self, |value, name| value.get(name));
        nested.or_else(|| self.members().find_map(|(key, value)| is_joined(key, names).then_some(value)))
    }
}

fn is_joined(key: &str, names: &[&str]) -> bool {
    let mut rest = key;
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            let Some(behind) = rest.strip_prefix('.') else { return false };
            rest = behind;
        }
        let Some(behind) = rest.strip_prefix(name) else { return false };
        rest = behind;
    }
    rest.is_empty()
}

/// The text of a value, of an element with attributes, or of the first value of a list.
pub(super) fn text_of(value: Value<'_>) -> Option<&str> {
    if value.is_object() {
        return ["#text", "text", "Value", "value"].iter().find_map(|name| value.get(name)?.scalar());
    }
    value.scalar().or_else(|| value.elements().next()?.scalar())
}

/// Iterates over an object.
pub(super) struct Members<'a> {
    value: Value<'a>,
    end: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.value.at + 1 >= self.end {
            return None;
        }
        let key = self.value.as_str().unwrap_or_default();
        let value = Value { at: self.value.at + 1, ..self.value };
        self.value.at = value.sibling();
        Some((key, value))
    }
}

/// Iterates over an array.
pub(super) struct Elements<'a> {
    value: Value<'a>,
    end: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.value.at >= self.end {
            return None;
        }
        let value = self.value;
        self.value.at = value.sibling();
        Some(value)
    }
}

struct Parser<'a, 't> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    tape: &'t mut Tape,
}

impl Parser<'_, '_> {
    fn wrong(&self, what: &str) -> String {
        format!("it is no JSON: {what} (at its byte {})", self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no blank.
    #[inline]
    fn next_byte(&mut self) -> Option<u8> {
        let byte = self.peek();
        // Blanks are rare in the output of programs.
        if !matches!(byte, Some(0..=b' ')) {
            return byte;
        }
        self.blanks();
        self.peek()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<(), String> {
        match self.next_byte() {
            Some(b'"') => self.string(),
            Some(b'{') => self.container(b'}'),
            Some(b'[') => self.container(b']'),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Node::Bool(true)),
            Some(b'f') => self.word("false", Node::Bool(false)),
            Some(b'n') => self.word("null", Node::Null),
            Some(_) => Err(self.wrong("a value is expected")),
            None => Err(self.wrong("it ends early")),
        }
    }

    fn word(&mut self, word: &str, node: Node) -> Result<(), String> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            return Err(self.wrong("a value is expected"));
        }
        self.at += word.len();
        self.tape.nodes.push(node);
        Ok(())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<(), String> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let mut is_number = self.digits() > 0;
        if self.peek() == Some(b'.') {
            self.at += 1;
            is_number &= self.digits() > 0;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            is_number &= self.digits() > 0;
        }
        if !is_number {
            return Err(self.wrong("a number is expected"));
        }
        let span = Span { start: short(start), end: short(self.at) };
        self.tape.nodes.push(Node::Number(span));
        Ok(())
    }

    fn container(&mut self, closer: u8) -> Result<(), String> {
        if self.depth == MAX_DEPTH {
            return Err(self.wrong("it is nested too deeply"));
        }
        self.depth += 1;
        let place = self.tape.nodes.len();
        let is_object = closer == b'}';
        self.tape.nodes.push(Node::Null);
        self.at += 1;
        if self.next_byte() == Some(closer) {
            self.at += 1;
        } else {
            loop {
                if is_object {
                    if self.next_byte() != Some(b'"') {
                        return Err(self.wrong("a name is expected"));
                    }
                    self.string()?;
                    if self.next_byte() != Some(b':') {
                        return Err(self.wrong("a colon is expected"));
                    }
                    self.at += 1;
                }
                self.value()?;
                match self.next_byte() {
                    Some(b',') => self.at += 1,
                    Some(byte) if byte == closer => {
                        self.at += 1;
                        break;
                    }
                    Some(_) => return Err(self.wrong("a comma is expected")),
                    None => return Err(self.wrong("it ends early")),
                }
            }
        }
        self.depth -= 1;
        let end = short(self.tape.nodes.len());
        if let Some(node) = self.tape.nodes.get_mut(place) {
            *node = if is_object { Node::Object { end } } else { Node::Array { end } };
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), String> {
        self.at += 1;
        let start = self.at;
        let mut has_escapes = false;
        loop {
            self.at = special(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => break,
                Some(_) => {
                    has_escapes = true;
                    self.at += 1;
                    match self.peek() {
                        Some(b'\\' | b'"' | b'/' | b'n' | b't' | b'r' | b'b' | b'f') => self.at += 1,
                        Some(b'u') if hex(self.bytes, self.at + 1).is_some() => self.at += 5,
                        _ => return Err(self.wrong("an escape that does not exist")),
                    }
                }
                None => return Err(self.wrong("a string has no end")),
            }
        }
        let span = Span { start: short(start), end: short(self.at) };
        self.at += 1;
        let node = if has_escapes {
            self.tape.unescaped.push(OnceCell::new());
            Node::Escaped(span, short(self.tape.unescaped.len() - 1))
        } else {
            Node::Text(span)
        };
        self.tape.nodes.push(node);
        Ok(())
    }
}

/// Offset of the next quote or backslash, or the end.
fn special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at) {
        let marks = specials(word);
        if marks != 0 {
            return at + marks.trailing_zeros() as usize / 8;
        }
        at += WORD;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len())
}

/// The next word, if it is whole.
fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + WORD)?.try_into().ok()?))
}

/// The first byte of the word that is a quote or a backslash has its highest bit set, and none before it.
const fn specials(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & (ONES << 7)
    }
    zeros(word ^ (ONES * b'"' as u64)) | zeros(word ^ (ONES * b'\\' as u64))
}

/// The meaning of a string between its quotes, whose escapes are valid.
fn unescape(written: &str) -> Box<str> {
    let bytes = written.as_bytes();
    let mut text = String::with_capacity(written.len());
    let mut from = 0;
    loop {
        let at = special(bytes, from);
        text.push_str(written.get(from..at).unwrap_or_default());
        let Some(letter) = bytes.get(at + 1) else { return text.into_boxed_str() };
        from = at + 2;
        text.push(match letter {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => unit(bytes, &mut from),
            other => char::from(*other),
        });
    }
}

/// The character of a `\u` from its first digit; moves after its last one.
fn unit(bytes: &[u8], at: &mut usize) -> char {
    let first = hex(bytes, *at).unwrap_or(u32::MAX);
    *at += 4;
    if (0xd800..0xdc00).contains(&first)
        && bytes.get(*at..*at + 2) == Some(b"\\u")
        && let Some(second) = hex(bytes, *at + 2)
        && (0xdc00..0xe000).contains(&second)
    {
        *at += 6;
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
    }
    char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn hex(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |sum, byte| Some(sum * 16 + char::from(*byte).to_digit(16)?))
}

/// The bytes as text; invalid UTF-8 becomes U+FFFD.
pub(super) fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all text is UTF-8; checking is faster than replacing.
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn write(value: Value<'_>) -> serde_json::Value {
        if value.is_object() {
            let mut map = serde_json::Map::new();
            for (key, member) in value.members() {
                map.insert(key.to_owned(), write(member));
            }
            return map.into();
        }
        if let Some(number) = value.as_number() {
            return serde_json::from_str(number).unwrap_or_default();
        }
        if let Some(text) = value.as_str() {
            return text.into();
        }
        match (value.scalar(), value.node()) {
            (Some(truth), _) => (truth == "true").into(),
            (None, Node::Array { .. }) => value.elements().map(write).collect(),
            _ => serde_json::Value::Null,
        }
    }

    #[test]
    fn invalid_json_is_refused() {
        let mut tape = Tape::default();
        for text in [
            "",
            "{",
            "{\"a\"",
            "{\"a\":}",
            "[1,]",
            "{,}",
            "\"a",
            "\"\\",
            "\"\\u12",
            "1 2",
            "{\"a\":1}}",
            "-",
            "1.",
        ] {
            assert!(tape.read(text).is_err(), "{text}");
        }
        assert!(tape.read(&"[".repeat(1_000_000)).unwrap_err().contains("nested"));
        let value = tape.read(r#""a\ud800b\ud83d\ude00\/""#).unwrap();
        assert_eq!(value.as_str(), Some("a\u{fffd}b😀/"));
        assert_eq!(tape.read("\"a\tb\"").unwrap().as_str(), Some("a\tb"));
    }

    #[test]
    fn nested_and_dotted_members_are_found() {
        let mut tape = Tape::default();
        let value = tape.read(r#"{"a":[{"x":[]}],"w":{"id":7,"n":"u"},"p.q":true}"#).unwrap();
        assert_eq!(value.path(&["w", "id"]).and_then(Value::as_number), Some("7"));
        assert_eq!(value.path(&["p", "q"]).and_then(Value::scalar), Some("true"));
        assert!(value.path(&["p", "qq"]).is_none());
        assert_eq!(value.get("a").unwrap().elements().count(), 1);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"[\[\]{}",:\\u0-9a-f.eE+\- tn]{0,60}"#) {
            let _ = Tape::default().read(&text).map(write);
        }

        #[test]
        fn strings_read_as_written(texts in proptest::collection::vec("(\\PC|[\"\\\\\n\u{1}a-z]){0,30}", 0..4)) {
            let document = serde_json::to_string(&texts).unwrap();
            let mut tape = Tape::default();
            let value = tape.read(&document).unwrap();
            let read: Vec<_> = value.elements().map(|text| text.as_str().unwrap().to_owned()).collect();
            prop_assert_eq!(read, texts);
        }

        #[test]
        fn valid_json_equals_serde_json(text in r#"[\[\]{}",:\\0-9a-fnrtu ]{0,40}"#, key in ".{0,9}", inner in ".{0,20}") {
            let document = serde_json::json!({ key.clone(): [inner, 1, -2.5, null, {"k": true}] }).to_string();
            let mut tape = Tape::default();
            prop_assert_eq!(write(tape.read(&document).unwrap()), serde_json::from_str::<serde_json::Value>(&document).unwrap());
            if let Ok(expected) = serde_json::from_str::<serde_json::Value>(&text) {
                prop_assert!(tape.read(&text).is_ok(), "{}", expected);
            }
        }
    }
}
