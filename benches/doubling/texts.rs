//! Texts and archives that cost a reader more than their size.

use std::io::Write;

/// n lines each of which leads, from inside and from outside of quotes, into quotes.
pub(crate) fn csv_quotes(n: u32) -> Vec<u8> {
    let lines = "a\",\"\n".repeat(n as usize);
    format!("EventID,Computer,CommandLine\n{lines}").into_bytes()
}

/// An envelope's bracket and n megabytes of blanks.
pub(crate) fn json_blanks(n: u32) -> Vec<u8> {
    let blanks = " \t \n \r  ".repeat(n as usize * (1 << 20) / 8);
    format!("{{\"EventID\":1,\"hits\":[{blanks}").into_bytes()
}

/// n events, each with a rendered message of a thousand lines that look like fields.
pub(crate) fn messages(n: u32) -> Vec<u8> {
    let lines = "CommandLine: x\\nCurrentDirectory: y\\n".repeat(500);
    let event = |number: u32| {
        format!(
            "{{\"event_id\":1,\"source_name\":\"Microsoft-Windows-Sysmon\",\"computer_name\":\"ws\",\
             \"record_number\":{number},\"message\":\"Process Create:\\nRuleName: -\\n{lines}\"}}\n"
        )
    };
    (0..n).map(event).collect::<String>().into_bytes()
}

/// An archive of n members, each one tiny event.
pub(crate) fn zip_many(n: u32) -> Vec<u8> {
    archive(n, b"{\"EventID\":1}")
}

/// An archive of n members, each packed twice over.
pub(crate) fn zip_bombs(n: u32) -> Vec<u8> {
    let text = [b"{\"EventID\":1}".as_slice(), &vec![b'\n'; 32 << 20]].concat();
    archive(n, &gzip(&gzip(&text)))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(bytes).expect("memory takes all");
    packer.finish().expect("memory takes all")
}

/// A ZIP archive of stored members with the same content.
fn archive(n: u32, content: &[u8]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let size = u32::try_from(content.len()).expect("members are small").to_le_bytes();
    let crc = crc32fast::hash(content).to_le_bytes();
    for number in 0..n {
        let name = format!("{number:x}.json");
        let offset = u32::try_from(out.len()).expect("archives are small").to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend([crc, size, size].concat());
        common.extend(u16::try_from(name.len()).expect("names are short").to_le_bytes());
        common.extend([0, 0]);
        out.extend([b"PK\x03\x04", common.as_slice(), name.as_bytes(), content].concat());
        directory
            .extend([b"PK\x01\x02\x14\0", common.as_slice(), &[0; 10], &offset, name.as_bytes()].concat());
    }
    let start = u32::try_from(out.len()).expect("archives are small").to_le_bytes();
    let length = u32::try_from(directory.len()).expect("archives are small").to_le_bytes();
    // The reader goes by the directory and not by the count, which holds no more than 65,535.
    let count = u16::try_from(n.min(65_534)).expect("it is that small").to_le_bytes();
    out.extend(directory);
    out.extend([b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &length, &start, &[0, 0]].concat());
    out
}
