//! Attacker-controlled content of a log, a file's name or an environment, held against the whole program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::fs;
#[cfg(unix)]
use std::path::Path;
use std::path::PathBuf;
use std::process::{Command, Output};

use exfilscope::detect::pattern::Pattern;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
#[cfg(unix)]
use exfilscope::model::text::is_forbidden;
use exfilscope::store::{Collect, HostNaming, Store};

const CHUNK: usize = 65_536;
const RECORD: usize = 512;
/// Offset of the one name of the chunks here, after all records.
const NAME: u32 = 65_500;

fn scan<const N: usize>(options: [&str; N], paths: &[PathBuf]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exfilscope"));
    command.arg("scan").args(options).args(paths).env("EXFILSCOPE_CONFIG", "/nonexistent");
    command.output().unwrap()
}

/// Runs over one file; it must end of itself, and its account must add up.
fn account(name: &str, bytes: &[u8]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    let output = scan(["--stats", "--min-score", "0", "--threads", "2"], &[path]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(0..=3)), "{:?}: {said}", output.status);
    let stats: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let skipped: u64 =
        stats["skipped"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(stats["records"].as_u64(), Some(stats["sysmon"].as_u64().unwrap() + skipped), "{said}");
    assert!(!said.contains("which is a bug"), "{said}");
    stats
}

/// A chunk of one record with this content, and one name that all of it may mention.
fn chunk(content: &[u8]) -> Vec<u8> {
    let mut chunk = vec![0; CHUNK];
    let mut put = |at: usize, bytes: &[u8]| chunk[at..at + bytes.len()].copy_from_slice(bytes);
    let size = u32::try_from(24 + content.len() + 4).unwrap();
    put(0, b"ElfChnk\0");
    for at in [8, 16, 24, 32] {
        put(at, &1_u64.to_le_bytes());
    }
    put(40, &128_u32.to_le_bytes());
    put(44, &512_u32.to_le_bytes());
    put(48, &(512 + size).to_le_bytes());
    put(RECORD, b"\x2a\x2a\0\0");
    put(RECORD + 4, &size.to_le_bytes());
    put(RECORD + 8, &1_u64.to_le_bytes());
    put(RECORD + 16, &0x01d0_0000_0000_0000_u64.to_le_bytes());
    put(RECORD + 24, content);
    put(RECORD + 24 + content.len(), &size.to_le_bytes());
    assert!(RECORD + 28 + content.len() < NAME as usize);
    // The next name, checksum, length, "A", NUL.
    put(NAME as usize, &[0, 0, 0, 0, 65, 0, 1, 0, 65, 0, 0, 0]);
    chunk
}

/// `<A>` as binary XML has it; inside of a template each element names what it depends on.
fn open(is_in_template: bool) -> Vec<u8> {
    let mut bytes = vec![0x01];
    if is_in_template {
        bytes.extend([0xff, 0xff]);
    }
    bytes.extend(40_000_u32.to_le_bytes());
    bytes.extend(NAME.to_le_bytes());
    bytes.push(0x02);
    bytes
}

/// A template instance. Its definition is inline where `definition` is `Ok`, else at that offset of the chunk.
fn instance(definition: Result<(&[u8], usize), usize>, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x0f, 1, 1, 0, 0x0c, 1];
    bytes.extend(7_u32.to_le_bytes());
    match definition {
        Ok((tokens, at)) => {
            bytes.extend(u32::try_from(at + bytes.len() + 4).unwrap().to_le_bytes());
            bytes.extend([0; 4]);
            bytes.extend(7_u32.to_le_bytes());
            bytes.extend([0; 12]);
            bytes.extend(u32::try_from(tokens.len()).unwrap().to_le_bytes());
            bytes.extend(tokens);
        }
        Err(at) => bytes.extend(u32::try_from(at).unwrap().to_le_bytes()),
    }
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
    bytes.extend([0x21, 0]);
    bytes.extend(value);
    bytes
}

#[test]
fn deep_binary_xml_costs_one_record() {
    let elements = |depth: usize, is_in_template: bool| -> Vec<u8> {
        let mut tokens = vec![0x0f, 1, 1, 0];
        tokens.extend(open(is_in_template).repeat(depth));
        tokens.extend(vec![0x04; depth]);
        tokens.push(0);
        tokens
    };
    for depth in [10, 300, 4_000] {
        let stats = account("elements.evtx", &chunk(&elements(depth, false)));
        assert_eq!(stats["records"], 1, "{depth}");
        let content = instance(Ok((&elements(depth, true), RECORD + 24)), &[]);
        let stats = account("template.evtx", &chunk(&content));
        assert_eq!(stats["records"], 1, "{depth}");
    }
    // Each value holds an instance of the same template, whose one element holds the value.
    let mut tokens = vec![0x0f, 1, 1, 0];
    tokens.extend(open(true));
    tokens.extend([0x0e, 0, 0, 0x21, 0x04, 0]);
    for depth in [3, 200, 2_500] {
        let at = RECORD + 24 + 10;
        let mut value = Vec::new();
        for _ in 0..depth {
            value = instance(Err(at), &value);
        }
        let stats = account("values.evtx", &chunk(&instance(Ok((&tokens, RECORD + 24)), &value)));
        assert_eq!(stats["records"], 1, "{depth}");
    }
}

#[test]
fn deeply_nested_text_costs_one_record() {
    let event = r##"{"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon"}},"EventID":5}}}"##;
    for depth in [200, 200_000] {
        let json = format!("{event}\n{{\"a\":{}1{}}}\n{event}\n", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(account("deep.json", json.as_bytes())["sysmon"], 2, "{depth}");
        let open = format!("{event}\n{}", "{\"a\":".repeat(depth));
        assert_eq!(account("open.json", open.as_bytes())["sysmon"], 1, "{depth}");
        let xml = format!(
            "<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>5</EventID></System>{}{}</Event>",
            "<a>".repeat(depth),
            "</a>".repeat(depth)
        );
        let stats = account("deep.xml", (xml.clone() + &xml).as_bytes());
        assert_eq!(stats["records"], 2, "{depth}");
    }
}

#[test]
fn no_entity_is_expanded() {
    let mut declared = String::from("<!DOCTYPE a [<!ENTITY a0 'ha'>");
    for level in 1..60 {
        let entity = format!("<!ENTITY a{level} '&a{0};&a{0};'>", level - 1);
        declared.push_str(&entity);
    }
    declared += "<!ENTITY file SYSTEM 'file:///etc/hostname'>]>";
    let event = "<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID>\
        <Computer>ws</Computer></System><EventData><Data Name='Image'>C:\\git.exe</Data>\
        <Data Name='CommandLine'>git push https://github.com/&a59;/&file;</Data></EventData></Event>";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("laughs.xml");
    fs::write(&path, declared + event).unwrap();
    let output = scan(["--min-score", "0"], &[path]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("entity \"a59\""), "{said}");
    assert!(output.stdout.is_empty() && said.len() < 1_000, "{said}");
}

#[cfg(unix)]
#[test]
fn hostile_file_names_are_escaped() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/four-tests.evtx");
    let mut log = fs::read(fixture).unwrap();
    // Damage, so that there is something to report.
    log[4096 + 512 + 4] ^= 0x40;
    let names: [&[u8]; 4] = [
        b"\x1b[2J\x1b]0;owned\x07.evtx",
        b"a\xe2\x80\xaexvte.evtx",
        b"new\nline\r.evtx",
        b"\xff\xfe\x9b31m.evtx",
    ];
    let mut paths = Vec::new();
    for name in names {
        let path = folder.path().join(std::ffi::OsStr::from_bytes(name));
        fs::write(&path, &log).unwrap();
        paths.push(path);
    }
    // One that is not there at all.
    paths.push(folder.path().join("\u{1b}[31mgone\u{202e}"));
    for format in ["table", "markdown", "csv", "ndjson", "sarif"] {
        let output = scan(["--format", format, "--keep-duplicates", "--stats"], &paths);
        for (stream, bytes) in [("rows", output.stdout), ("errors", output.stderr)] {
            let said = String::from_utf8(bytes).unwrap();
            let odd = said.chars().find(|c| is_forbidden(*c) && !matches!(c, '\n' | '\r'));
            assert_eq!(odd, None, "{format}, {stream}: {said:?}");
            assert!(format == "csv" || !said.contains('\r'), "{format}, {stream}: {said:?}");
            assert!(stream == "rows" || said.contains("owned"), "the name is still told: {said}");
        }
    }
}

#[test]
fn large_patterns_are_refused_or_fast() {
    for pattern in
        ["((a{1,100}){1,100}){1,100}", r"(\pL{1,500}){1,500}", &"(".repeat(5_000), &"a|".repeat(600_000)]
    {
        let error = Pattern::new(pattern).unwrap_err().to_string();
        assert!(error.len() > 10 && error.len() < 400, "{error}");
    }
    // A pattern that takes other engines for ever.
    let pattern = Pattern::new(r"(?i)^(a+)+(b|a?)*\1?$".replace(r"\1?", "").as_str()).unwrap();
    assert!(!pattern.matches(Some(&("a".repeat(50_000) + "!"))));
}

#[test]
fn repetitive_command_line_is_one_row() {
    let line = "git push github.com api.github.com PUT ghp_0123456789abcdefghijABCDEFGHIJ012345 ".repeat(410);
    let event = serde_json::json!({"EventTime": "2026-03-01 13:37:00", "Hostname": "ws", "EventID": 1,
        "SourceName": "Microsoft-Windows-Sysmon", "Image": r"C:\git.exe", "CommandLine": line});
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.json");
    fs::write(&path, format!("{event}\n").repeat(20)).unwrap();
    for format in ["ndjson", "table", "csv", "markdown", "sarif", "json"] {
        let output = scan(["--keep-duplicates", "--format", format], std::slice::from_ref(&path));
        assert_eq!(output.status.code(), Some(1), "{format}");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains("ghp_0123"), "{format}: no token is shown");
        if format == "ndjson" {
            assert_eq!(said.lines().count(), 20);
            assert!(said.lines().all(|row| row.len() > 15_000));
        }
    }
}

#[test]
fn any_number_of_hosts_are_hosts() {
    // A million take half a minute without optimisation: `EXFILSCOPE_HOSTS=1000000` asks for them.
    let hosts =
        std::env::var("EXFILSCOPE_HOSTS").ok().and_then(|text| text.parse().ok()).unwrap_or(200_000_u32);
    let mut store = Store::new(HostNaming::Computer, Collect::Joins);
    for first in (0..hosts).step_by(1_000) {
        let mut batch = Batch::new(SourceId(0));
        for number in first..first + 1_000 {
            let head = EventHead {
                event_code: 1,
                time: None,
                record_id: Some(u64::from(number)),
                place: u64::from(number),
                process_guid: None,
                parent_process_guid: None,
            };
            let host = format!("H{number}");
            batch.push(head, [(Field::Computer, host.as_str()), (Field::Image, r"C:\a.exe")]);
            batch.tally.count_sysmon(1);
        }
        store.ingest(batch);
    }
    assert_eq!(store.hosts().entries().len(), hosts as usize);
    assert_eq!(store.coverage().len(), hosts as usize);
    assert!(
        store.coverage_notes().iter().all(|note| note.text.len() < 1_000),
        "they are counted, not listed"
    );
}

#[cfg(unix)]
#[test]
fn empty_environment_still_works() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/four-tests.evtx");
    for environment in
        [&[][..], &[("HOME", "/nonexistent"), ("LC_ALL", "de_DE.ISO-8859-1"), ("TERM", "dumb")]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exfilscope"));
        command.arg("scan").arg(&fixture).env_clear().envs(environment.iter().copied());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 10);
    }
}
