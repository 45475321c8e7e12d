//! What a stream is, by its first bytes; names and extensions are never asked.

use super::super::evtx;

/// As much as is looked at.
pub(in crate::source) const MOST_HEAD: usize = 64 << 10;

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Nature {
    /// A Windows event log.
    Evtx,
    /// Packed with gzip.
    Gzip,
    /// Packed with Zstandard.
    Zstd,
    /// A ZIP archive.
    Zip,
    /// JSON values.
    Json,
    /// Windows' XML.
    Xml,
    /// A table with this delimiter.
    Csv(u8),
    /// Nothing that is read.
    Unknown,
}

impl Nature {
    /// Whether it is events as text.
    pub(in crate::source) const fn is_text(self) -> bool {
        matches!(self, Self::Json | Self::Xml | Self::Csv(_))
    }
}

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Encoding {
    /// UTF-8, or what is taken for it.
    Utf8,
    /// UTF-16 with the low byte first.
    Utf16Le,
    /// UTF-16 with the high byte first.
    Utf16Be,
}

/// The encoding, by a byte order mark or by the zeros of the first letter.
pub(in crate::source) fn encoding(head: &[u8]) -> Encoding {
    match head {
        // A mark, the first letter of XML or JSON, or three letters of a table's first name.
        [0xff, 0xfe, ..]
        | [b'<' | b'{' | b'[', 0, ..]
        | [b' '..=b'~', 0, b' '..=b'~', 0, b' '..=b'~', 0, ..] => Encoding::Utf16Le,
        [0xfe, 0xff, ..]
        | [0, b'<' | b'{' | b'[', ..]
        | [0, b' '..=b'~', 0, b' '..=b'~', 0, b' '..=b'~', ..] => Encoding::Utf16Be,
        _ => Encoding::Utf8,
    }
}

/// Tells what a stream is; `None` asks for more of it.
pub(in crate::source) fn sniff(head: &[u8], is_end: bool) -> Option<Nature> {
    let is_end = is_end || head.len() >= MOST_HEAD;
    let magics: [(&[u8], Nature); 6] = [
        (b"ElfFile\0", Nature::Evtx),
        (b"ElfChnk\0", Nature::Evtx),
        (b"\x1f\x8b", Nature::Gzip),
        (b"\x28\xb5\x2f\xfd", Nature::Zstd),
        (b"PK\x03\x04", Nature::Zip),
        (b"PK\x05\x06", Nature::Zip),
    ];
    for (magic, nature) in magics {
        if head.starts_with(magic) {
            return Some(nature);
        }
        if magic.starts_with(head) && !is_end {
            return None;
        }
    }
    if evtx::is_log_head(head) {
        return Some(Nature::Evtx);
    }
    match encoding(head) {
        Encoding::Utf8 => sniff_text(head, is_end),
        encoding => {
            let mut text = String::new();
            super::input::decode_utf16(head, encoding == Encoding::Utf16Be, &mut text);
            sniff_text(text.as_bytes(), is_end)
        }
    }
}

fn sniff_text(head: &[u8], is_end: bool) -> Option<Nature> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    let is_xml = memchr::memmem::find(head, b"<Event").is_some();
    while let Some(line) = lines.next() {
        let is_whole = line.ends_with(b"\n") || is_end;
        let text = line.trim_ascii();
        match text {
            [] => continue,
            [b'{', ..] => return Some(Nature::Json),
            [b'[', rest @ ..] => match rest.trim_ascii_start() {
                [b'{' | b'[' | b']', ..] => return Some(Nature::Json),
                [] => match lines.find(|line| !line.trim_ascii().is_empty()).map(<[u8]>::trim_ascii) {
                    Some([b'{' | b'[' | b']', ..]) => return Some(Nature::Json),
                    None if !is_end => return None,
                    _ => {}
                },
                _ => {}
            },
            [b'<', b'?' | b'E' | b'!', ..] if is_xml => return Some(Nature::Xml),
            [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => {
                // A document, and no event of Windows so far.
                return if is_end { Some(Nature::Unknown) } else { None };
            }
            _ => {}
        }
        if has_event(text) {
            return Some(Nature::Xml);
        }
        if let Some(delimiter) = table_delimiter(text).filter(|_| is_whole) {
            return Some(Nature::Csv(delimiter));
        }
        if memchr::memmem::find(text, b"{\"").is_some() {
            return Some(Nature::Json);
        }
        if text.iter().any(|byte| *byte < b' ' && *byte != b'\t') {
            return Some(Nature::Unknown);
        }
    }
    is_end.then_some(Nature::Unknown)
}

fn has_event(text: &[u8]) -> bool {
    [b"<Event>".as_slice(), b"<Event "].iter().any(|start| memchr::memmem::find(text, start).is_some())
}

/// Names of columns, of which a table of events has at least one.
const COLUMNS: [&str; 8] =
    ["EventID", "EventId", "EventCode", "_raw", "event_id", "winlog.event_id", "EventData", "ProviderName"];

/// Whether a line of a table names a column that events have.
pub(super) fn names_columns(line: &[u8]) -> bool {
    table_delimiter(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii()).is_some()
}

fn table_delimiter(line: &[u8]) -> Option<u8> {
    [b',', b';', b'\t'].into_iter().find(|delimiter| {
        let mut cells = line.split(|byte| byte == delimiter).map(|cell| {
            let cell = cell.trim_ascii();
            cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell)
        });
        let is_table = line.contains(delimiter) || cells.clone().any(|cell| cell == b"_raw");
        is_table && cells.any(|cell| COLUMNS.iter().any(|name| name.as_bytes() == cell))
    })
}

/// Whether the beginning of a text names what an event has: for files that nobody named.
pub(in crate::source) fn is_promising(head: &[u8]) -> bool {
    let mut text = String::new();
    let head = match encoding(head) {
        Encoding::Utf8 => head,
        encoding => {
            super::input::decode_utf16(head, encoding == Encoding::Utf16Be, &mut text);
            text.as_bytes()
        }
    };
    let signs: [&[u8]; 8] =
        [b"EventID", b"EventId", b"event_id", b"EventCode", b"_raw", b"ProviderName", b"<Event>", b"<Event "];
    signs.iter().any(|sign| memchr::memmem::find(head, sign).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_known_by_its_content() {
        for (head, expected) in [
            (&b"ElfFile\0"[..], Some(Nature::Evtx)),
            (b"Elf", None),
            (b"\x1f", None),
            (b"\x1f\x8b\x08", Some(Nature::Gzip)),
            (b"\x28\xb5\x2f\xfd", Some(Nature::Zstd)),
            (b"PK\x03\x04", Some(Nature::Zip)),
            (b"", None),
            (b"  \r\n {", Some(Nature::Json)),
            (b"[\n", None),
            (b"[\n{", Some(Nature::Json)),
            (b"Record 1\n", None),
            (b"Record 1\n<?xml version=\"1.0\"?>\n<Event ", Some(Nature::Xml)),
            (b"\xef\xbb\xbf<Events><Event>", Some(Nature::Xml)),
            (b"<\0E\0v\0e\0n\0t\0>\0", Some(Nature::Xml)),
            (b"\xfe\xff\0{", Some(Nature::Json)),
            (b"Oct 24 17:05:38 h sysmon: <Event>", Some(Nature::Xml)),
            (b"<13>Oct 24 17:05:38 h app: {\"Event\"", Some(Nature::Json)),
            (b"\"_time\",host,EventCode\n", Some(Nature::Csv(b','))),
            (b"RecordNumber;EventId;Payload\n", Some(Nature::Csv(b';'))),
            (b"_raw\n", Some(Nature::Csv(b','))),
            (b"a\0b\0\n", Some(Nature::Unknown)),
            (b"just words\n", None),
        ] {
            assert_eq!(sniff(head, false), expected, "{}", String::from_utf8_lossy(head));
        }
        assert_eq!(sniff(b"just words", true), Some(Nature::Unknown));
        assert_eq!(sniff(b"<html><body>", true), Some(Nature::Unknown));
        assert_eq!(sniff(b"", true), Some(Nature::Unknown));
    }
}
