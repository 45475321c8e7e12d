//! Formats, detected by the first bytes of a stream and never by a name.

use super::encoding::{Encoding, decode_utf16, encoding};
use super::evtx;

/// Bytes that are looked at.
pub(super) const MAX_HEAD: usize = 64 << 10;

/// The format of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
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
    /// None that is read.
    Unknown,
}

impl Format {
    /// Returns true for the text formats.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Json | Self::Xml | Self::Csv(_))
    }
}

/// Detects the format of a stream; `None` asks for more bytes.
pub(super) fn detect_format(head: &[u8], is_end: bool) -> Option<Format> {
    let is_end = is_end || head.len() >= MAX_HEAD;
    let magics: [(&[u8], Format); 6] = [
        (b"ElfFile\0", Format::Evtx),
        (b"ElfChnk\0", Format::Evtx),
        (b"\x1f\x8b", Format::Gzip),
        (b"\x28\xb5\x2f\xfd", Format::Zstd),
        (b"PK\x03\x04", Format::Zip),
        (b"PK\x05\x06", Format::Zip),
    ];
    for (magic, format) in magics {
        if head.starts_with(magic) {
            return Some(format);
        }
        if magic.starts_with(head) && !is_end {
            return None;
        }
    }
    if evtx::is_log_head(head) {
        return Some(Format::Evtx);
    }
    match encoding(head) {
        Encoding::Utf8 => sniff_text(head, is_end),
        encoding => {
            let mut text = String::new();
            decode_utf16(head, encoding == Encoding::Utf16Be, &mut text);
            sniff_text(text.as_bytes(), is_end)
        }
    }
}

fn sniff_text(head: &[u8], is_end: bool) -> Option<Format> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut lines = head.split_inclusive(|byte| *byte == b'\n');
    let is_xml = memchr::memmem::find(head, b"<Event").is_some();
    while let Some(line) = lines.next() {
        let is_whole = line.ends_with(b"\n") || is_end;
        let text = line.trim_ascii();
        match text {
            [] => continue,
            [b'{', ..] => return Some(Format::Json),
            [b'[', rest @ ..] => match rest.trim_ascii_start() {
                [b'{' | b'[' | b']', ..] => return Some(Format::Json),
                [] => match lines.find(|line| !line.trim_ascii().is_empty()).map(<[u8]>::trim_ascii) {
                    Some([b'{' | b'[' | b']', ..]) => return Some(Format::Json),
                    None if !is_end => return None,
                    _ => {}
                },
                _ => {}
            },
            [b'<', b'?' | b'E' | b'!', ..] if is_xml => return Some(Format::Xml),
            [b'<', b'?' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => {
                // A document without an event of Windows so far.
                return if is_end { Some(Format::Unknown) } else { None };
            }
            _ => {}
        }
        if has_event(text) {
            return Some(Format::Xml);
        }
        if let Some(delimiter) = table_delimiter(text).filter(|_| is_whole) {
            return Some(Format::Csv(delimiter));
        }
        if memchr::memmem::find(text, b"{\"").is_some() {
            return Some(Format::Json);
        }
        if text.iter().any(|byte| *byte < b' ' && *byte != b'\t') {
            return Some(Format::Unknown);
        }
    }
    is_end.then_some(Format::Unknown)
}

fn has_event(text: &[u8]) -> bool {
    [b"<Event>".as_slice(), b"<Event "].iter().any(|start| memchr::memmem::find(text, start).is_some())
}

/// Names of columns, of which a table of events has at least one.
const COLUMNS: [&str; 8] =
    ["EventID", "EventId", "EventCode", "_raw", "event_id", "winlog.event_id", "EventData", "ProviderName"];

/// Returns whether a table's line names a column that events have.
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

/// Returns whether the beginning of a text names fields of events. It decides for files in folders.
pub(super) fn looks_like_events(head: &[u8]) -> bool {
    let mut text = String::new();
    let head = match encoding(head) {
        Encoding::Utf8 => head,
        encoding => {
            decode_utf16(head, encoding == Encoding::Utf16Be, &mut text);
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
    fn format_is_detected_by_content() {
        for (head, expected) in [
            (&b"ElfFile\0"[..], Some(Format::Evtx)),
            (b"Elf", None),
            (b"\x1f", None),
            (b"\x1f\x8b\x08", Some(Format::Gzip)),
            (b"\x28\xb5\x2f\xfd", Some(Format::Zstd)),
            (b"PK\x03\x04", Some(Format::Zip)),
            (b"", None),
            (b"  \r\n {", Some(Format::Json)),
            (b"[\n", None),
            (b"[\n{", Some(Format::Json)),
            (b"Record 1\n", None),
            (b"Record 1\n<?xml version=\"1.0\"?>\n<Event ", Some(Format::Xml)),
            (b"\xef\xbb\xbf<Events><Event>", Some(Format::Xml)),
            (b"<\0E\0v\0e\0n\0t\0>\0", Some(Format::Xml)),
            (b"\xfe\xff\0{", Some(Format::Json)),
            (b"Oct 24 17:05:38 h sysmon: <Event>", Some(Format::Xml)),
            (b"<13>Oct 24 17:05:38 h app: {\"Event\"", Some(Format::Json)),
            (b"\"_time\",host,EventCode\n", Some(Format::Csv(b','))),
            (b"RecordNumber;EventId;Payload\n", Some(Format::Csv(b';'))),
            (b"_raw\n", Some(Format::Csv(b','))),
            (b"a\0b\0\n", Some(Format::Unknown)),
            (b"just words\n", None),
        ] {
            assert_eq!(detect_format(head, false), expected, "{}", String::from_utf8_lossy(head));
        }
        assert_eq!(detect_format(b"just words", true), Some(Format::Unknown));
        assert_eq!(detect_format(b"<html><body>", true), Some(Format::Unknown));
        assert_eq!(detect_format(b"", true), Some(Format::Unknown));
    }
}
