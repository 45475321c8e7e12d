//! The files under `fixtures/` are exactly what their scenarios write, and an independent reader finds in them exactly
//! what the scenarios say. `EXFILSCOPE_BLESS=1 cargo test --test it fixtures::` rewrites them.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a file that is not as expected is a failed test"
)]

use crate::support;

use std::fs;
use std::path::PathBuf;

use evtx::{EvtxParser, ParserSettings};
use serde_json::Value as Json;
use support::big_log;
use support::evtx_writer::value::Value;
use support::scenarios::{self, Log, event::Event};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

#[test]
fn committed_files_match_their_scenarios() {
    let bless = std::env::var_os("EXFILSCOPE_BLESS").is_some();
    for fixture in scenarios::all() {
        let path = folder().join(fixture.path);
        if bless {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
            fs::write(&path, &fixture.bytes).expect("a writable file");
        }
        let committed = fs::read(&path).unwrap_or_default();
        assert!(committed == fixture.bytes, "{} differs: EXFILSCOPE_BLESS=1 writes it anew", fixture.path);
    }
}

#[test]
fn independent_reader_agrees_with_scenarios() {
    for fixture in scenarios::all() {
        let Some(log) = fixture.log else { continue };
        let settings = ParserSettings::new().validate_checksums(true);
        let mut parser = EvtxParser::from_buffer(fixture.bytes).expect("a file header");
        parser = parser.with_configuration(settings);
        let records: Vec<_> = parser.records_json_value().flatten().collect();
        let unread = log.events.len() - records.len();
        assert_eq!(unread, log.beyond_the_crate.len(), "{}", fixture.path);
        check_values(fixture.path, &log, records.iter().map(|record| (record.event_record_id, &record.data)));
    }
}

#[test]
fn large_log_is_reproducible() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, seed| {
        let path = folder.path().join(name);
        let written = big_log::write(&path, 3_000, seed, 20_000).expect("a log");
        assert_eq!(written.events, 3_000);
        assert!((60..80).contains(&written.alerts), "{written:?}");
        fs::read(path).expect("a log")
    };
    let (first, again, other) = (write("1", 7), write("2", 7), write("3", 8));
    assert!(first == again && first != other);
    let mut parser = EvtxParser::from_buffer(first).expect("a file header");
    let records: Vec<_> = parser.records_json_value().collect::<Result<_, _>>().expect("intact records");
    assert_eq!(records.len(), 3_000);
    assert!(records.is_sorted_by_key(|record| record.timestamp), "in the order of their times");
}

fn check_values<'a>(path: &str, log: &Log, records: impl Iterator<Item = (u64, &'a Json)>) {
    let numbered = (log.first_record_id..).zip(&log.events);
    let readable = numbered.filter(|(id, _)| !log.beyond_the_crate.contains(id));
    for ((expected_id, event), (id, json)) in readable.zip(records) {
        let name = format!("{path}, record {id}");
        assert_eq!(id, expected_id, "{name}");
        let system = &json["Event"]["System"];
        assert_eq!(system["EventRecordID"], Json::from(id), "{name}");
        assert_eq!(system["EventID"], Json::from(event.shape.event_id), "{name}");
        assert_eq!(system["Computer"], Json::from(&*event.computer), "{name}");
        assert_eq!(system["Channel"], Json::from(event.shape.provider.channel), "{name}");
        let time = &system["TimeCreated"]["#attributes"]["SystemTime"];
        assert_eq!(time, &Json::from(event.time.system_time()), "{name}");
        check_data(&name, event, &json["Event"]["EventData"]);
    }
}

fn check_data(name: &str, event: &Event, data: &Json) {
    let names: Vec<&str> = data.as_object().expect("EventData").keys().map(String::as_str).collect();
    let expected: Vec<&str> = event.shape.fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, expected, "{name}");
    for ((field, _), value) in event.shape.fields.iter().zip(&event.values) {
        assert_eq!(data[*field], as_json(value), "{name}, {field}");
    }
}

/// A value as the reader writes it.
fn as_json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::from(&**text),
        Value::Utf16(units) => Json::from(String::from_utf16_lossy(units)),
        Value::UInt8(number) => Json::from(*number),
        Value::UInt16(number) => Json::from(*number),
        Value::Int32(number) => Json::from(*number),
        Value::UInt32(number) => Json::from(*number),
        Value::UInt64(number) | Value::FileTime(number) => Json::from(*number),
        Value::Boolean(truth) => Json::from(*truth),
        Value::Guid(guid) => Json::from(guid.to_string()),
        Value::Sid(sid) => Json::from(sid.to_string()),
        Value::HexInt32(number) => Json::from(format!("{number:#x}")),
        Value::HexInt64(number) => Json::from(format!("{number:#x}")),
    }
}
