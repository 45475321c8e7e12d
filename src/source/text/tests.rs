//! Hostile bytes in pieces of any size.

use std::io::{self, Cursor, Read};

use proptest::prelude::*;

use super::block::{BlockReader, Window};
use super::framing::{self, CsvFramer, Framer};
use crate::model::batch::Batch;
use crate::model::batch::SourceId;
use crate::source::format::detect_format;
use crate::source::stream::Stream;

/// Hands on a few bytes at a time.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    length: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.length.min(buffer.len());
        self.bytes.read(&mut buffer[..length])
    }
}

/// The events and losses of the bytes, as text that can be compared.
fn read_in_pieces(bytes: &[u8], framer: Framer, length: usize) -> Vec<String> {
    let mut window = Window::new(framer);
    let mut stream: Stream<'_> = Box::new(Pieces { bytes: Cursor::new(bytes.to_vec()), length });
    let mut reader = BlockReader::default();
    let mut names = None;
    let mut seen = Vec::new();
    let mut is_end = false;
    while !is_end {
        is_end = window.fill(&mut stream, false).unwrap() == 0;
        while let Some(mut block) = window.cut(is_end) {
            if matches!(window.framer, Framer::Csv(_)) && names.is_none() {
                names = reader.take_names(&mut block);
            }
            block.names.clone_from(&names);
            let (mut batch, mut remarks) = (Batch::new(SourceId(0)), Vec::new());
            reader.read(&block, &mut batch, &mut remarks);
            for event in &batch.events {
                seen.push(format!("{:?}", event.head));
            }
            for (reason, count) in &batch.tally.skipped {
                seen.extend((0..*count).map(|_| format!("{reason:?}")));
            }
            seen.extend(remarks.into_iter().map(|remark| remark.kind.to_string()));
        }
    }
    seen.sort_unstable();
    seen
}

fn framers() -> [Framer; 4] {
    [
        Framer::Json(framing::JsonFramer::default()),
        Framer::Json(framing::JsonFramer::by_lines()),
        Framer::Xml(framing::XmlFramer::default()),
        Framer::Csv(CsvFramer::new(b',')),
    ]
}

/// Pieces of all dialects in any order, with anything between.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        "{\"EventID\":1,\"SourceName\":\"Linux-Sysmon\",\"Hostname\":\"h\"}",
        "<Event><System><Provider Name='Linux-Sysmon'/><EventID>1</EventID></System></Event>",
        "EventID,SourceName\n1,Linux-Sysmon\n",
        "{\"events\":[",
        "{\"hits\":{\"hits\":[{\"_source\":",
        "Record 7\n",
        "<Event",
        "<Event>",
        "</Event>",
        "<Event ",
        "<Events>",
        "</Events>",
        "<?xml version='1.0'?>",
        "<!DOCTYPE a [",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&lol;",
        "&#x0;",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        "\\u",
        "\\ud800",
        ":",
        ",",
        "\n",
        "\r\n",
        " ",
        "  {",
        "\"a\":",
        "\"Event\":{\"System\":",
        "1",
        "null",
        "\0",
        "\u{feff}",
        "Oct 24 17:05:38 h s: ",
        "<13>",
        "\"\"",
    ])
    .prop_map(|text| text.as_bytes().to_vec());
    let piece = prop_oneof![12 => known, 1 => proptest::collection::vec(any::<u8>(), 0..8)];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// JSON Lines, some of them broken in the ways in which lines break.
fn lines_of_objects() -> impl Strategy<Value = Vec<u8>> {
    let line = proptest::sample::select(vec![
        "{\"EventID\":1,\"SourceName\":\"Linux-Sysmon\",\"Hostname\":\"h\"}",
        "{\"EventID\":3,\"SourceName\":\"Linux-Sysmon\"} ",
        "{\"EventID\":1}{\"EventID\":3,\"SourceName\":\"Linux-Sysmon\"}",
        "{\"events\":[{\"EventID\":1,\"SourceName\":\"Linux-Sysmon\"},{\"EventID\":3}]}",
        "{\"events\": [ {\"EventID\":1}]}",
        "{\"a\":{}",
        "{\"a\":[{}",
        "{\"a\":\"x}",
        "{\"a\":]}",
        "{\"a\":\"\\q\"}",
        "{\"a\":\"[{\"}",
        "{\"a\" {}}",
        "{}",
        "{",
        "}",
        " {\"EventID\":1}",
        "{\"EventID\":1},",
        "{\"a\":\"\\",
        "<13>x {\"EventID\":1}",
        "",
        "[",
        "]",
        "Record 7",
    ]);
    let end = prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\n\n"), 1 => Just("")];
    let lines = proptest::collection::vec((line, end), 0..12);
    lines
        .prop_map(|lines| lines.iter().flat_map(|(line, end)| [*line, *end]).collect::<String>().into_bytes())
}

proptest! {
    #[test]
    fn chunking_does_not_change_events(bytes in hostile(), length in 1_usize..20) {
        for (one, other) in framers().into_iter().zip(framers()) {
            let name = format!("{one:?}");
            prop_assert_eq!(read_in_pieces(&bytes, one, usize::MAX), read_in_pieces(&bytes, other, length), "{}", name);
        }
    }

    #[test]
    fn json_fast_path_equals_full_scan(
        bytes in prop_oneof![hostile(), lines_of_objects()], length in prop_oneof![1_usize..40, Just(usize::MAX)],
    ) {
        let exact = read_in_pieces(&bytes, Framer::Json(framing::JsonFramer::default()), length);
        let by_lines = read_in_pieces(&bytes, Framer::Json(framing::JsonFramer::by_lines()), length);
        prop_assert_eq!(exact, by_lines);
    }

    #[test]
    fn any_bytes_have_a_format(bytes in hostile()) {
        for is_end in [false, true] {
            let _ = detect_format(&bytes, is_end);
        }
        prop_assert!(detect_format(&bytes, true).is_some() || bytes.len() < 8);
    }
}

/// Bytes that a framer looks at and the window copies, and bytes that the window holds at most.
fn work(input: impl Read + Send + 'static, framer: Framer) -> (usize, usize) {
    let mut window = Window::new(framer);
    let mut stream: Stream<'_> = Box::new(input);
    let (mut is_end, mut held) = (false, 0);
    framing::looked::take();
    while !is_end {
        is_end = window.fill(&mut stream, false).unwrap() == 0;
        held = held.max(window.held_bytes());
        while window.cut(is_end).is_some() {}
    }
    (framing::looked::take() + window.copied, held)
}

/// Reads the output of a function.
struct Body<F>(F);

impl<F: FnMut(&mut [u8]) -> usize> Read for Body<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.0(buffer))
    }
}

/// Bytes that begin in some way and go on in another without an end.
fn endless(head: &str, piece: &str, length: usize) -> impl Read + Send + 'static {
    let mut rest = piece.repeat(length / 64 / piece.len() + 1);
    rest.truncate(rest.len() / piece.len() * piece.len());
    let times = length / rest.len() + 1;
    let body: Vec<u8> = rest.into_bytes();
    let mut at = 0;
    let all = body.len() * times;
    let mut head = Cursor::new(head.as_bytes().to_vec());
    Body(move |buffer: &mut [u8]| {
        let read = head.read(buffer).unwrap();
        if read > 0 || at == all {
            return read;
        }
        let from = &body[at % body.len()..];
        let length = from.len().min(buffer.len());
        buffer[..length].copy_from_slice(&from[..length]);
        at += length;
        length
    })
}

#[test]
fn framers_scan_each_byte_few_times() {
    let (column, half) = (" ".repeat(40_000), " ".repeat(20_000));
    for (head, piece, framer) in [
        ("EventID,Computer,CommandLine\n", "a\",\"\n", 2),
        ("EventID\n\"", "a\n", 2),
        ("EventID\n", "\"a\"\"\n\"", 2),
        ("{\"EventID\":1,\"hits\":[", " \t \n \r", 0),
        ("{\"EventID\":1,\"a\":[", "      \n", 0),
        ("{\"EventID\":1,\"hits\":[", "[", 0),
        ("{\"a\":\"\n", "    ", 0),
        ("{\"a\":\"\n", " \n \n", 0),
        ("[", "\"x\",", 0),
        ("[\n", "x, ", 0),
        (&format!("{column}{{\"a\":1,\n{half}\"b\":"), "{},\"c\":", 0),
        ("", "{\"a\"\n", 0),
        ("", "{", 0),
        ("", "{}", 0),
        ("", "<Event", 1),
        ("", "<Event>", 1),
        ("", "</Event>\n", 1),
        ("<Event>", "Event", 1),
        ("<Event>", "x", 1),
        ("", "words\n", 1),
        ("", "<<13>\n", 1),
    ] {
        let new = || match framer {
            0 => {
                [Framer::Json(framing::JsonFramer::default()), Framer::Json(framing::JsonFramer::by_lines())]
            }
            1 => [Framer::Xml(framing::XmlFramer::default()), Framer::Xml(framing::XmlFramer::default())],
            _ => [Framer::Csv(CsvFramer::new(b',')), Framer::Csv(CsvFramer::new(b';'))],
        };
        for (one, other) in new().into_iter().zip(new()) {
            let name = format!("{head:.40} {piece} {one:?}");
            let (small, _) = work(endless(head, piece, 1 << 16), one);
            let (large, _) = work(endless(head, piece, 1 << 17), other);
            assert!(large < 5 * (1 << 17) + 4 * head.len(), "{large} bytes: {name}");
            assert!(large * 10 < small * 23 + 40 * head.len() + (1 << 16), "{small}, {large}: {name}");
        }
    }
}

#[test]
fn blanks_without_end_are_not_held() {
    let framer = Framer::Json(framing::JsonFramer::by_lines());
    let input = endless("{\"EventID\":1,\"hits\":[", "        \n", framing::MAX_RECORD + (2 << 20));
    let (_, held) = work(input, framer);
    assert!(held <= framing::MAX_RECORD + (1 << 20), "{held}");
}

#[test]
fn held_record_is_not_copied_again() {
    let input = || endless("{\"EventID\":1,\"hits\":[", "        \n", 4 << 20);
    let (bytes, held) = work(input(), Framer::Json(framing::JsonFramer::by_lines()));
    assert!(held >= 4 << 20, "the record is held: {held}");
    assert!(bytes < 5 * held, "{bytes} bytes for {held}");
}
