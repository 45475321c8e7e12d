//! Shows a record raw: reads it again from its place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::block::{Block, BlockReader};
use super::framing::{CsvFramer, Frame, Framer, JsonFramer, MAX_RECORD, XmlFramer};
use crate::files::open::open_file;
use crate::model::batch::Place;
use crate::model::feed::SourceInfo;
use crate::source::encoding::{Encoding, decode_utf16, decoded, encoding};
use crate::source::format::{Format, MAX_HEAD, detect_format};
use crate::source::read_at::read_at;
use crate::source::stream::Stream;

/// The record at a place of a file that holds events as text; `Ok(None)` where the file holds none.
///
/// # Errors
/// The file and the reason, as a sentence, where it can't be read again.
pub(in crate::source) fn text_xml(source: &SourceInfo, place: Place) -> Result<Option<String>, String> {
    let name = source.path.display();
    if source.path.as_os_str() == "-" {
        return Err(
            "standard input can't be read a second time: save it to a file to see its events raw".to_owned()
        );
    }
    let file = open_file(&source.path).map_err(|error| format!("{name} can't be opened again: {error}"))?;
    let again = |error: io::Error| format!("{name} can't be read again: {error}");
    let mut head = vec![0; MAX_HEAD];
    let read = read_at(&file, &mut head, 0).map_err(again)?;
    head.truncate(read);
    match detect_format(&head, true) {
        Some(Format::Gzip | Format::Zstd | Format::Zip) => Err(format!(
            "{name} is packed, and a packed file is not searched again: unpack it to see its events raw"
        )),
        Some(format) if format.is_text() => {
            let record = record_at(file, format, encoding(&head), place).map_err(again)?;
            let gone = || format!("{name} has changed: no record is at byte {place} any more");
            let record = record.ok_or_else(gone)?;
            Ok(Some(match format {
                Format::Csv(_) => row(&head, &record),
                Format::Json => indented_json(&record),
                _ => indented_xml(&record),
            }))
        }
        _ => Ok(None),
    }
}

fn record_at(mut file: File, format: Format, encoding: Encoding, place: Place) -> io::Result<Option<String>> {
    let mut stream: Stream<'_> = if encoding == Encoding::Utf8 {
        file.seek(SeekFrom::Start(place))?;
        Box::new(file)
    } else {
        // Places count the bytes of the decoded text. On Windows a read at a place has moved the file.
        file.seek(SeekFrom::Start(0))?;
        let mut stream = decoded(Box::new(file), encoding);
        io::copy(&mut (&mut stream).take(place), &mut io::sink())?;
        stream
    };
    let mut framer = match format {
        Format::Csv(delimiter) => Framer::Csv(CsvFramer::new(delimiter)),
        Format::Json => Framer::Json(JsonFramer::default()),
        _ => Framer::Xml(XmlFramer::default()),
    };
    let mut window = Vec::new();
    loop {
        let read = (&mut stream).take(64 << 10).read_to_end(&mut window)?;
        match framer.next(&window, read == 0) {
            Frame::Record(range) if range.start == 0 => {
                return Ok(window.get(range).map(|record| super::json::as_text(record).into_owned()));
            }
            Frame::NeedMore if read > 0 && window.len() <= MAX_RECORD => {}
            _ => return Ok(None),
        }
    }
}

fn indented_json(record: &str) -> String {
    serde_json::from_str::<serde_json::Value>(record)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| record.to_owned())
}

/// A row with its column's names, as JSON.
fn row(head: &[u8], record: &str) -> String {
    let mut text = String::new();
    let head = match encoding(head) {
        Encoding::Utf8 => head,
        encoding => {
            decode_utf16(head, encoding == Encoding::Utf16Be, &mut text);
            text.as_bytes()
        }
    };
    let Some(Format::Csv(delimiter)) = detect_format(head, true) else { return record.to_owned() };
    let mut csv = Framer::Csv(CsvFramer::new(delimiter));
    // The names may follow a title.
    let frames =
        (0..16).map(|_| csv.next(head, true)).take_while(|frame| *frame != Frame::NeedMore).collect();
    let mut block = Block { data: head.to_vec(), frames, place: 0, line: 1, lost_line: None, names: None };
    let mut reader = BlockReader::default().skipping_preamble();
    let Some(names) = reader.take_names(&mut block) else { return record.to_owned() };
    reader.rows.read(record);
    let pairs = names.iter().zip(reader.rows.cells());
    let object: serde_json::Map<_, _> = pairs.map(|(name, cell)| (name.clone(), cell.into())).collect();
    serde_json::to_string_pretty(&object).unwrap_or_else(|_| record.to_owned())
}

/// Puts each element on a line of its own, unless the record has lines already.
fn indented_xml(record: &str) -> String {
    if record.contains('\n') {
        return record.to_owned();
    }
    let mut out = String::with_capacity(record.len() * 2);
    let mut depth = 0_usize;
    let mut rest = record;
    let mut is_text = false;
    while let Some(end) = rest.find('>') {
        let (piece, behind) = rest.split_at(end + 1);
        let tag_start = piece.rfind('<').unwrap_or(0);
        let (text, tag) = piece.split_at(tag_start);
        let is_close = tag.starts_with("</");
        if is_close {
            depth = depth.saturating_sub(1);
        }
        out.push_str(text);
        // A closing tag follows its text, or its opening tag, on the same line.
        if !(out.is_empty() || is_close && is_text) {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
        out.push_str(tag);
        is_text = !is_close && !tag.ends_with("/>");
        if is_text {
            depth += 1;
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_on_one_line_is_indented() {
        assert_eq!(
            indented_xml(
                "<Event a='1'><System><EventID>1</EventID><Correlation/></System><Data></Data></Event>"
            ),
            "<Event a='1'>\n  <System>\n    <EventID>1</EventID>\n    <Correlation/>\n  </System>\n  <Data></Data>\n</Event>"
        );
    }
}
