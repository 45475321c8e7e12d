//! The texts that a whole event holds, as the raw view shows it: the strings of JSON, and the texts and attributes of
//! XML. Each is read as the field that it is, its escapes decoded, so that a secret is found in it as it is in a row.

use std::ops::Range;

use super::super::text::Edits;
use super::folded::{entity, hex};
use super::text_at;

/// The byte ranges of an event's texts, quotes and tags aside; empty for a text that is not an event.
fn places(text: &str) -> Vec<Range<usize>> {
    match text.trim_start().as_bytes().first() {
        Some(b'{' | b'[') => strings(text, b'"'),
        Some(b'<') => {
            // Between tags, and in the quotes of attributes.
            let mut places = Vec::new();
            let mut at = 0;
            while let Some(open) = memchr::memchr(b'<', text.as_bytes().get(at..).unwrap_or_default()) {
                places.push(at..at + open);
                let tag = at + open;
                let end = memchr::memchr(b'>', text_at(text, tag).as_bytes())
                    .map_or(text.len(), |end| tag + end + 1);
                let inside = text.get(tag..end).unwrap_or_default();
                for quote in [b'"', b'\''] {
                    places.extend(
                        strings(inside, quote).into_iter().map(|place| tag + place.start..tag + place.end),
                    );
                }
                at = end;
            }
            places.push(at..text.len());
            places
        }
        _ => Vec::new(),
    }
}

/// The byte ranges of quoted strings; a backslash takes the quote after it into the string.
fn strings(text: &str, quote: u8) -> Vec<Range<usize>> {
    let mut places = Vec::new();
    let mut opened = None;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match opened {
            Some(_) if std::mem::take(&mut is_escaped) => {}
            Some(_) if byte == b'\\' && quote == b'"' => is_escaped = true,
            Some(start) if byte == quote => {
                places.push(start..at);
                opened = None;
            }
            None if byte == quote => opened = Some(at + 1),
            _ => {}
        }
    }
    places
}

/// A text of an event without its escapes, and the edits that led there. In XML a backslash is itself, in JSON an `&`.
fn unescaped(inner: &str, is_xml: bool) -> (String, Edits) {
    let mut edits = Edits::default();
    let mut output = String::with_capacity(inner.len());
    let (mut copied, mut at) = (0, 0);
    let sign = if is_xml { b'&' } else { b'\\' };
    while let Some(found) = memchr::memchr(sign, inner.as_bytes().get(at..).unwrap_or_default()) {
        at += found;
        let rest = text_at(inner, at);
        let meant = match rest.as_bytes() {
            [b'&', ..] => entity(rest).and_then(|(length, meant)| Some((length, meant?))),
            [_, b'u', ..] => hex(rest, 2, 4).map(|meant| (6, meant)),
            [_, sign @ (b'"' | b'\\' | b'/'), ..] => Some((2, char::from(*sign))),
            [_, b'n' | b'r', ..] => Some((2, '\n')),
            [_, b't', ..] => Some((2, '\t')),
            _ => None,
        };
        let Some((length, meant)) = meant else {
            at += 1;
            continue;
        };
        output.push_str(inner.get(copied..at).unwrap_or_default());
        let start = output.len();
        output.push(meant);
        edits.push(at..at + length, start..output.len());
        at += length;
        copied = at;
    }
    output.push_str(inner.get(copied..).unwrap_or_default());
    (output, edits)
}

/// The texts of an event, each with where it begins and the edits that led to it.
pub(super) fn texts(text: &str) -> impl Iterator<Item = (usize, String, Edits)> {
    let is_xml = text.trim_start().starts_with('<');
    places(text).into_iter().filter(|place| place.len() > 8).map(move |place| {
        let (inner, edits) = unescaped(text.get(place.clone()).unwrap_or_default(), is_xml);
        (place.start, inner, edits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_hold_texts() {
        for (text, expected) in [
            (r#"{"Name":"a \"b\" c:\\d","k":"other text"}"#.to_owned(), vec![r#"a "b" c:\d"#, "other text"]),
            (
                "<a b=\"attribute\">text &quot;x&quot; c:\\d</a>".to_owned(),
                vec!["attribute", "text \"x\" c:\\d"],
            ),
            ("no event at all".to_owned(), vec![]),
        ] {
            let found: Vec<String> = texts(&text).map(|(_, inner, _)| inner).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
