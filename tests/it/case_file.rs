//! The case file against what happens to it: programs that are killed while they write, and several that write at once;
//! and the verdicts in it against the same logs in other dialects.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what fails by failing"
)]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use exfilscope::case::{CaseBook, CaseFile, Decision, Identity};
use exfilscope::model::event::Field;
use exfilscope::model::feed::{FeedMessage, Progress, RawEvents as _};
use exfilscope::model::time::Timestamp;
use exfilscope::model::verdict::Verdict;
use exfilscope::source::{Events, LoadOptions, load};

/// Environment variables of the writer below.
const FILE: &str = "CASE_FILE_OF_THE_WRITER";
const WRITER: &str = "WRITER_OF_THE_CASE_FILE";
/// Decisions that it makes at a time.
const AT_ONCE: u64 = 40;
const ROUNDS_OF_A_POLITE_ONE: u64 = 25;

fn decision(writer: u64, record_id: u64) -> Decision {
    let host = format!("WS-{writer}");
    let time = Timestamp::parse("2026-03-10T13:37:00Z");
    Decision {
        identity: Identity::new(Some(&host), 1, Some(record_id), time, None).unwrap(),
        verdict: Verdict::Benign,
        note: "x".repeat(usize::try_from(record_id % 1500).unwrap()),
        at: None,
        by: Some("tester".to_owned()),
        host: Some(host),
        signal: "GitPushExternal".to_owned(),
    }
}

/// No test of its own: the other tests start it as a program.
#[test]
#[ignore = "the other tests start it"]
fn the_writer() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let writer: u64 = std::env::var(WRITER).unwrap().parse().unwrap();
    let file = CaseFile::named(PathBuf::from(path));
    // Number 0 writes until it is killed.
    let rounds = if writer == 0 { u64::MAX } else { ROUNDS_OF_A_POLITE_ONE };
    for round in 0..rounds {
        let decisions: Vec<_> =
            (0..AT_ONCE).map(|number| decision(writer, round * AT_ONCE + number)).collect();
        file.append(&decisions).unwrap();
    }
}

fn start_writer(path: &Path, writer: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "case_file::the_writer", "--ignored"])
        .env(FILE, path)
        .env(WRITER, writer.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_writer_leaves_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.ndjson");
    let mut expected_growth = 0;
    let mut torn = 0;
    for round in 0..100_u64 {
        let before = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let mut child = start_writer(&path, 0);
        // It is killed at another moment each time, but not before it writes.
        while fs::metadata(&path).map_or(0, |metadata| metadata.len()) == before {
            std::thread::sleep(Duration::from_micros(200));
        }
        std::thread::sleep(Duration::from_micros(round * 137 % 5000));
        child.kill().unwrap();
        child.wait().unwrap();
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() as u64 > before);
        let mut file = CaseFile::named(path.clone());
        let mut news = file.news().unwrap();
        while news.has_more {
            let more = file.news().unwrap();
            news.decisions.extend(more.decisions);
            news.faults.extend(more.faults);
            news.has_more = more.has_more;
        }
        let whole_lines = bytes.split(|byte| *byte == b'\n').count() - 1;
        let is_torn = bytes.last() != Some(&b'\n');
        // The fragment from before is a line of its own now, and named; everything else is a decision.
        assert_eq!(news.decisions.len() + news.faults.len(), whole_lines + usize::from(is_torn));
        torn += usize::from(is_torn);
        assert!(news.faults.len() <= torn, "round {round}: {:?}", news.faults);
        assert!(news.decisions.len() > expected_growth, "round {round}: nothing that was whole is lost");
        expected_growth = news.decisions.len();
    }
    eprintln!("{torn} of 100 ended inside a line");
}

#[test]
fn concurrent_consoles_lose_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.ndjson");
    // An unfinished line precedes all others.
    fs::write(&path, b"{\"verdict\":\"mal").unwrap();
    let children: Vec<_> = (1..=4).map(|writer| start_writer(&path, writer)).collect();
    let mut reader = CaseFile::named(path.clone());
    let mut live = 0;
    for mut child in children {
        while child.try_wait().unwrap().is_none() {
            live += reader.news().unwrap().decisions.len();
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(child.wait().unwrap().success());
    }
    live += reader.news().unwrap().decisions.len();
    let news = CaseFile::named(path).news().unwrap();
    let each = ROUNDS_OF_A_POLITE_ONE * AT_ONCE;
    assert_eq!(news.faults.len(), 1, "{:?}", news.faults);
    assert_eq!(news.decisions.len() as u64, 4 * each);
    assert_eq!(live as u64, 4 * each, "what was read while it grew");
    let mut by_writer: HashMap<String, Vec<u64>> = HashMap::new();
    for decision in &news.decisions {
        let records = by_writer.entry(decision.host.clone().unwrap()).or_default();
        records.push(decision.identity.record_id().unwrap());
    }
    for (writer, records) in by_writer {
        assert!(records.iter().copied().eq(0..each), "{writer} is out of order");
    }
    let mut book = CaseBook::default();
    for decision in news.decisions {
        book.apply(decision);
    }
    assert!(book.find(&decision(3, each - 1).identity).is_some());
}

/// The events of a log that an alert can be, with the texts that a dialect of our own needs.
struct Event {
    identity: Identity,
    code: u16,
    record_id: Option<u64>,
    time: String,
    computer: String,
    fields: Vec<(String, String)>,
    xml: String,
}

fn events(path: &Path) -> Vec<Event> {
    let messages = Mutex::new(Vec::new());
    load(&[path.to_owned()], &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        messages.lock().unwrap().push(message);
        true
    });
    let (mut events, mut sources) = (Vec::new(), Vec::new());
    for message in messages.into_inner().unwrap() {
        match message {
            FeedMessage::Source(source) => sources.push(source),
            FeedMessage::Batch(batch) => {
                for event in batch.events.iter().filter(|event| matches!(event.head.event_code, 1 | 3)) {
                    let head = &event.head;
                    let computer = batch.text(event, Field::Computer);
                    let guid = head.process_guid.map(|guid| guid.to_string());
                    let identity =
                        Identity::new(computer, head.event_code, head.record_id, head.time, guid.as_deref());
                    let fields = Field::ALL
                        .iter()
                        .filter(|field| **field != Field::Computer && field.is_carried())
                        .filter_map(|field| {
                            Some((field.name().to_owned(), batch.text(event, *field)?.to_owned()))
                        })
                        .chain(guid.map(|guid| (Field::ProcessGuid.name().to_owned(), guid)));
                    let is_log = path.extension().is_some_and(|extension| extension == "evtx");
                    events.push(Event {
                        identity: identity.unwrap(),
                        code: head.event_code,
                        record_id: head.record_id,
                        time: head.time.map(|time| time.to_string()).unwrap_or_default(),
                        computer: computer.unwrap_or_default().to_owned(),
                        fields: fields.collect(),
                        xml: if is_log {
                            Events.xml(&sources[0], head.place).unwrap()
                        } else {
                            String::new()
                        },
                    });
                }
            }
            _ => {}
        }
    }
    events
}

/// Each event of one load is found among the decisions on all events of the other, and as itself.
fn assert_same_events(name: &str, one: &[Event], other: &[Event]) {
    assert!(!one.is_empty(), "{name}");
    assert_eq!(one.len(), other.len(), "{name}");
    let mut book = CaseBook::default();
    for (number, event) in one.iter().enumerate() {
        book.apply(Decision {
            identity: event.identity.clone(),
            verdict: Verdict::Benign,
            note: number.to_string(),
            at: None,
            by: None,
            host: None,
            signal: String::new(),
        });
    }
    for event in other {
        let found = book.find(&event.identity).unwrap_or_else(|| panic!("{name}: {:?}", event.identity));
        let original = &one[found.note.parse::<usize>().unwrap()];
        if let (Some(one), Some(other)) = (original.record_id, event.record_id) {
            assert_eq!(one, other, "{name}");
        }
        let text = |event: &Event, wanted: &str| {
            event.fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        };
        for field in ["Image", "ProcessGuid"] {
            assert_eq!(text(original, field), text(event, field), "{name}");
        }
    }
}

#[test]
fn log_in_other_dialect_keeps_alerts() {
    let folder = tempfile::tempdir().unwrap();
    for fixture in ["four-tests.evtx", "old-schema.evtx", "forwarded.evtx"] {
        let log = events(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture));
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let lines = |line: &dyn Fn(&Event) -> String| log.iter().map(line).collect::<String>();
        let xml = write("twin.xml", lines(&|event| event.xml.clone() + "\n"));
        // Shippers cut times to milliseconds, and forwarders names to their first label.
        let shipped = write(
            "twin.jsonl",
            lines(&|event| {
                let data: serde_json::Map<_, _> =
                    event.fields.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
                let time = event.time.get(..23).map(|time| format!("{time}Z")).unwrap();
                let host = event.computer.split('.').next().unwrap();
                let winlog = serde_json::json!({
                    "provider_name": "Microsoft-Windows-Sysmon", "event_id": event.code,
                    "record_id": event.record_id, "time_created": time, "computer_name": host,
                    "event_data": data,
                });
                format!("{}\n", serde_json::json!({"@timestamp": time, "winlog": winlog}))
            }),
        );
        // And some tables have no record numbers.
        let table = lines(&|event| {
            let data: Vec<_> = event
                .fields
                .iter()
                .map(|(name, value)| serde_json::json!({"@Name": name, "#text": value}))
                .collect();
            let payload = serde_json::json!({"EventData": {"Data": data}}).to_string().replace('"', "\"\"");
            let time = event.time.replace('T', " ").replace('Z', "");
            let (code, computer) = (event.code, &event.computer);
            format!("{time},{code},Microsoft-Windows-Sysmon,{computer},\"{payload}\"\r\n")
        });
        let table = write("twin.csv", format!("TimeCreated,EventId,Provider,Computer,Payload\r\n{table}"));
        for (name, path) in [("XML", xml), ("shipped", shipped), ("table", table)] {
            let twin = events(&path);
            if name == "table" {
                assert!(twin.iter().all(|event| event.record_id.is_none()));
            }
            assert_same_events(&format!("{fixture} as {name}"), &log, &twin);
            assert_same_events(&format!("{fixture} from {name}"), &twin, &log);
        }
    }
}

#[test]
fn real_log_twins_keep_alerts() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let Ok(twins) = fs::read_dir(shared.join("derived")) else {
        eprintln!("not tested: the logs are not here");
        return;
    };
    let mut compared = 0;
    for twin in twins {
        let path = twin.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let log = shared.join(format!("evtx/{}.evtx", name.split('.').next().unwrap()));
        if !log.exists() || fs::metadata(&log).unwrap().len() > 8 << 20 {
            continue;
        }
        let (twin, log) = (events(&path), events(&log));
        if log.is_empty() {
            continue;
        }
        assert_same_events(&name, &log, &twin);
        assert_same_events(&name, &twin, &log);
        compared += twin.len();
    }
    assert!(compared > 100, "{compared}");
}
