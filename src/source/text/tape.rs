//! A JSON value as a flat list of nodes over the text that it was read from: nothing is copied but escaped strings,
//! and numbers stay as they were written.

use std::borrow::Cow;

/// Deeper nesting than this is refused.
const MOST_DEPTH: usize = 96;

/// Where a string or a number stands.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
    /// In the tape's own buffer, not in the text.
    is_own: bool,
}

#[derive(Clone, Copy, Debug)]
enum Node {
    Null,
    Bool(bool),
    Number(Span),
    Text(Span),
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
    /// What is wrong with it, as a clause.
    pub(super) fn read<'a>(&'a mut self, text: &'a str) -> Result<Value<'a>, String> {
        self.nodes.clear();
        self.own.clear();
        let mut parser = Parser { bytes: text.as_bytes(), text, at: 0, depth: 0, tape: self };
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
        self.own.clear();
        self.nodes.push(Node::Object { end: 0 });
        for (key, value) in pairs {
            for text in [key, value] {
                let start = self.own.len();
                self.own.push_str(text);
                let span = Span { start: short(start), end: short(self.own.len()), is_own: true };
                self.nodes.push(Node::Text(span));
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
        let whole = if span.is_own { self.tape.own.as_str() } else { self.text };
        whole.get(span.start as usize..span.end as usize).unwrap_or_default()
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
            Node::Text(span) | Node::Number(span) => Some(self.slice(span)),
            Node::Bool(true) => Some("true"),
            Node::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// Whether it is an object.
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
        self.members().find_map(|(key, value)| (key == name).then_some(value))
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
    text: &'a str,
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

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<(), String> {
        self.blanks();
        match self.peek() {
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
        let span = Span { start: short(start), end: short(self.at), is_own: false };
        self.tape.nodes.push(Node::Number(span));
        Ok(())
    }

    fn container(&mut self, closer: u8) -> Result<(), String> {
        if self.depth == MOST_DEPTH {
            return Err(self.wrong("it is nested too deeply"));
        }
        self.depth += 1;
        let place = self.tape.nodes.len();
        let is_object = closer == b'}';
        self.tape.nodes.push(Node::Null);
        self.at += 1;
        self.blanks();
        if self.peek() == Some(closer) {
            self.at += 1;
        } else {
            loop {
                if is_object {
                    self.blanks();
                    if self.peek() != Some(b'"') {
                        return Err(self.wrong("a name is expected"));
                    }
                    self.string()?;
                    self.blanks();
                    if self.peek() != Some(b':') {
                        return Err(self.wrong("a colon is expected"));
                    }
                    self.at += 1;
                }
                self.value()?;
                self.blanks();
                match self.peek() {
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
        let rest = self.bytes.get(start..).unwrap_or_default();
        let Some(stop) = memchr::memchr2(b'"', b'\\', rest) else {
            return Err(self.wrong("a string has no end"));
        };
        self.at = start + stop;
        let span = if self.peek() == Some(b'"') {
            Span { start: short(start), end: short(self.at), is_own: false }
        } else {
            self.escaped(start)?
        };
        self.at += 1;
        self.tape.nodes.push(Node::Text(span));
        Ok(())
    }

    /// The rest of a string, from its first backslash; ends at the closing quote.
    fn escaped(&mut self, start: usize) -> Result<Span, String> {
        let own_start = self.tape.own.len();
        let mut from = start;
        loop {
            let rest = self.bytes.get(from..).unwrap_or_default();
            let Some(stop) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(self.wrong("a string has no end"));
            };
            self.tape.own.push_str(self.text.get(from..from + stop).unwrap_or_default());
            self.at = from + stop;
            if self.peek() == Some(b'"') {
                return Ok(Span { start: short(own_start), end: short(self.tape.own.len()), is_own: true });
            }
            self.at += 1;
            let letter = match self.peek() {
                Some(b'n') => '\n',
                Some(b't') => '\t',
                Some(b'r') => '\r',
                Some(b'b') => '\u{8}',
                Some(b'f') => '\u{c}',
                Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
                Some(b'u') => self.unit()?,
                _ => return Err(self.wrong("an escape that does not exist")),
            };
            self.tape.own.push(letter);
            self.at += 1;
            from = self.at;
        }
    }

    /// The character behind a `\u`; ends at its last digit.
    fn unit(&mut self) -> Result<char, String> {
        let Some(first) = hex(self.bytes, self.at + 1) else {
            return Err(self.wrong("an escape that does not exist"));
        };
        self.at += 4;
        if (0xd800..0xdc00).contains(&first)
            && self.bytes.get(self.at + 1..self.at + 3) == Some(b"\\u")
            && let Some(second) = hex(self.bytes, self.at + 3)
            && (0xdc00..0xe000).contains(&second)
        {
            self.at += 6;
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

fn hex(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.iter().try_fold(0, |sum, byte| Some(sum * 16 + char::from(*byte).to_digit(16)?))
}

/// The bytes as text; what is no UTF-8 becomes U+FFFD.
pub(super) fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
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
    fn what_json_forbids_is_refused_and_what_logs_hold_is_forgiven() {
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
    fn members_are_found_nested_or_under_a_name_with_dots() {
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
        fn valid_json_reads_as_the_reference_reads_it(text in r#"[\[\]{}",:\\0-9a-fnrtu ]{0,40}"#, key in ".{0,9}", inner in ".{0,20}") {
            let document = serde_json::json!({ key.clone(): [inner, 1, -2.5, null, {"k": true}] }).to_string();
            let mut tape = Tape::default();
            prop_assert_eq!(write(tape.read(&document).unwrap()), serde_json::from_str::<serde_json::Value>(&document).unwrap());
            if let Ok(expected) = serde_json::from_str::<serde_json::Value>(&text) {
                prop_assert!(tape.read(&text).is_ok(), "{}", expected);
            }
        }
    }
}
