//! That any bytes are taken, and that it does not matter in what pieces they come.

use std::io::{Cursor, Read};

use proptest::prelude::*;

use super::*;
use crate::model::batch::SourceId;

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

/// What is read of the bytes, as text that can be compared.
fn read_in_pieces(bytes: &[u8], framer: Framer, length: usize) -> Vec<String> {
    let mut window = Window::new(framer);
    let mut stream: Stream<'_> = Box::new(Pieces { bytes: Cursor::new(bytes.to_vec()), length });
    let mut reader = BlockReader::default();
    let mut names = None;
    let mut seen = Vec::new();
    let mut is_end = false;
    while !is_end {
        is_end = window.fill(&mut stream).unwrap() == 0;
        let Some(mut block) = window.cut(is_end) else { continue };
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
        seen.extend(remarks.into_iter().map(|remark| remark.reason));
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
    fn the_pieces_in_which_bytes_come_do_not_matter(bytes in hostile(), length in 1_usize..20) {
        for (one, other) in framers().into_iter().zip(framers()) {
            let name = format!("{one:?}");
            prop_assert_eq!(read_in_pieces(&bytes, one, usize::MAX), read_in_pieces(&bytes, other, length), "{}", name);
        }
    }

    #[test]
    fn lines_that_are_handed_on_unseen_are_what_they_were(
        bytes in prop_oneof![hostile(), lines_of_objects()], length in prop_oneof![1_usize..40, Just(usize::MAX)],
    ) {
        let exact = read_in_pieces(&bytes, Framer::Json(framing::JsonFramer::default()), length);
        let by_lines = read_in_pieces(&bytes, Framer::Json(framing::JsonFramer::by_lines()), length);
        prop_assert_eq!(exact, by_lines);
    }

    #[test]
    fn any_bytes_are_told(bytes in hostile()) {
        for is_end in [false, true] {
            let _ = sniff(&bytes, is_end);
        }
        prop_assert!(sniff(&bytes, true).is_some() || bytes.len() < 8);
    }
}
