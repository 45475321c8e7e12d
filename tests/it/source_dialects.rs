//! Reading events in every other dialect than Windows' own logs, through the sources' public door.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which the lints' own exception for tests does not cover"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use exfilscope::model::batch::{Batch, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::fault::{Fault, FaultKind, Severity, StreamError, Tally};
use exfilscope::model::feed::{FeedMessage, Progress, RawEvents, SourceInfo};
use exfilscope::model::guid::Guid;
use exfilscope::source::{Events, InputFormat, Inputs, LoadOptions, load_inputs};

/// All that a load hands over.
#[derive(Default)]
struct Loaded {
    sources: Vec<SourceInfo>,
    batches: Vec<Batch>,
    faults: Vec<Fault>,
    tallies: BTreeMap<SourceId, Tally>,
}

/// One event in comparable form.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    code: u16,
    time: Option<String>,
    record_id: Option<u64>,
    process: Option<Guid>,
    parent: Option<Guid>,
    fields: BTreeMap<&'static str, String>,
}

impl Loaded {
    fn of(paths: &[PathBuf], format: Option<InputFormat>, threads: usize) -> Self {
        let loaded = Mutex::new(Self::default());
        let progress = Progress::default();
        load_inputs(
            paths,
            Inputs { format, ..Inputs::default() },
            &LoadOptions { threads },
            &progress,
            &|message| {
                let mut loaded = loaded.lock().unwrap();
                match message {
                    FeedMessage::Source(source) => loaded.sources.push(source),
                    FeedMessage::Batch(batch) => {
                        loaded.tallies.entry(batch.source).or_default().add(&batch.tally);
                        loaded.faults.extend(batch.faults.iter().cloned());
                        loaded.batches.push(batch);
                    }
                    FeedMessage::Fault(fault) => loaded.faults.push(fault),
                    FeedMessage::Finished => {}
                }
                true
            },
        );
        let mut loaded = loaded.into_inner().unwrap();
        loaded.sources.sort_by_key(|source| source.id);
        let total = loaded.total();
        assert_eq!(progress.records_done.load(Ordering::Relaxed), total.records());
        assert_eq!(progress.bytes_done.load(Ordering::Relaxed), total.bytes);
        assert_eq!(progress.bytes_found.load(Ordering::Relaxed), total.bytes);
        assert_eq!(progress.files_done.load(Ordering::Relaxed), progress.files_found.load(Ordering::Relaxed));
        let lost: u64 = total
            .skipped
            .iter()
            .filter(|(reason, _)| reason.key() != "other_provider")
            .map(|(_, count)| count)
            .sum();
        let named: u64 = loaded.faults.iter().map(|fault| fault.lost_records).sum();
        assert_eq!(lost, named, "every loss is named: {:?}", loaded.faults);
        loaded
    }

    fn one(path: &Path) -> Self {
        Self::of(&[path.to_owned()], None, 1)
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.tallies.values() {
            total.add(tally);
        }
        total
    }

    fn events(&self) -> Vec<Seen> {
        let mut events: Vec<(u64, Seen)> = Vec::new();
        for batch in &self.batches {
            for event in &batch.events {
                let fields = Field::ALL
                    .iter()
                    .filter(|field| field.is_carried())
                    .filter_map(|field| Some((field.name(), batch.text(event, *field)?.to_owned())))
                    .collect();
                let head = &event.head;
                let seen = Seen {
                    code: head.event_code,
                    time: head.time.map(|time| time.to_string()),
                    record_id: head.record_id,
                    process: head.process_guid,
                    parent: head.parent_process_guid,
                    fields,
                };
                events.push((head.place, seen));
            }
        }
        events.sort_by_key(|(place, _)| *place);
        events.into_iter().map(|(_, event)| event).collect()
    }
}

fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(path);
    if path.exists() {
        return Some(path);
    }
    println!("not tested: {} is not here", path.display());
    None
}

fn manifest() -> Vec<Vec<String>> {
    let Some(path) = shared("MANIFEST.tsv") else { return Vec::new() };
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

#[test]
fn twins_give_events_of_their_log() {
    let mut twins = 0;
    for row in manifest().iter().filter(|row| row[0].starts_with("derived/")) {
        let Some(path) = shared(&row[0]) else { continue };
        let name = row[0].strip_prefix("derived/").unwrap();
        let stem = name.split('.').next().unwrap();
        let Some(log) = shared(&format!("evtx/{stem}.evtx")) else { continue };
        let (twin, original) = (Loaded::one(&path), Loaded::one(&log));
        assert_eq!(twin.total().event_codes, original.total().event_codes, "{name}");
        assert_eq!(twin.total().skipped, original.total().skipped, "{name}");
        let (twin_events, events) = (twin.events(), original.events());
        assert_eq!(twin_events.len(), events.len(), "{name}");
        for (one, other) in twin_events.iter().zip(&events) {
            assert_eq!(one, other, "{name}");
        }
        assert!(
            twin.faults.iter().all(|fault| fault.severity == Severity::Notice),
            "{name}: {:?}",
            twin.faults
        );
        for batch in &twin.batches {
            for event in batch.events.iter().take(2) {
                let raw = Events.xml(&twin.sources[0], event.head.place).unwrap();
                assert!(raw.contains(&event.head.record_id.unwrap().to_string()), "{raw}");
            }
        }
        twins += 1;
    }
    println!("{twins} twins are the same");
}

/// The manifest counts these by a pattern, which finds two events where an envelope names its type.
fn records_of(row: &[String]) -> u64 {
    let stated: u64 = row[3].parse().unwrap();
    match row[0].as_str() {
        // Two pretty-printed events one after the other, which the manifest's parser took for damaged.
        "json/sigma_7124aebe-4cd7-4ccb-8df0-6d6b93c96795.json" => 2,
        "json/openxp_Sysmon_session_modified_raw_events_4.json" => 1,
        name if name.starts_with("json/openxp_") => stated / 2,
        _ => stated,
    }
}

#[test]
fn captures_give_what_their_manifest_says() {
    for row in manifest().iter().filter(|row| row[0].starts_with("json/") || row[0].starts_with("xml/")) {
        let Some(path) = shared(&row[0]) else { continue };
        let loaded = Loaded::one(&path);
        let total = loaded.total();
        let name = &row[0];
        assert_eq!(total.records(), records_of(row), "{name}: {total:?} {:?}", loaded.faults);
        let count = |code| total.event_codes.get(&code).copied().unwrap_or(0);
        // Of the second the manifest counts no Event 3; it has one, in Sysmon's channel.
        if !name.contains("sigma_7124aebe") && !name.contains("zircolite_sample_events") {
            assert_eq!(count(1), row[4].parse::<u64>().unwrap(), "{name}");
            assert_eq!(count(3), row[5].parse::<u64>().unwrap(), "{name}");
        }
        assert_eq!(total.bytes, row[1].parse::<u64>().unwrap(), "{name}");
        assert!(
            loaded.faults.iter().all(|fault| fault.severity == Severity::Notice),
            "{name}: {:?}",
            loaded.faults
        );
        for event in loaded.events() {
            assert!(event.time.is_some(), "{name}: {event:?}");
            assert!(event.fields.contains_key("Computer"), "{name}: {event:?}");
        }
    }
}

#[test]
fn large_capture_in_archive_is_read() {
    let Some(path) = shared("json-large/nxlog-flat-42k.json.zip") else { return };
    let loaded = Loaded::one(&path);
    let total = loaded.total();
    assert_eq!(total.records(), 42_482, "{:?}", loaded.faults);
    assert_eq!(total.event_codes.get(&3), Some(&135));
    let names: Vec<_> = loaded
        .events()
        .into_iter()
        .filter(|event| event.code == 3)
        .filter_map(|event| event.fields.get("DestinationHostname").cloned())
        .collect();
    assert_eq!(names.len(), 135);
    assert!(names.iter().all(|name| name == "-"));
    assert_eq!(loaded.sources[0].name, "nxlog-flat-42k.json.zip/metasploit_procdump_lsass_memory_dump.json");
}

#[test]
fn a_folder_of_everything_is_read() {
    let Some(path) = shared("") else { return };
    for threads in [1, 3] {
        let loaded = Loaded::of(std::slice::from_ref(&path), None, threads);
        println!("{:?}", loaded.total());
        assert!(loaded.total().sysmon > 100_000 / 4);
    }
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    path
}

/// Writes a file of an invented name, which gives no hint of its format, and reads it.
fn read(bytes: &[u8]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    Loaded::one(&written(folder.path(), "export.txt", bytes))
}

const GUID: &str = "{a1b2c3d4-0001-0002-1020-304050607080}";

/// Checks the event of a shape's sample. `record_id` is `None` where the shape has no such number.
fn check(sample: &str, time: &str, record_id: Option<u64>, wanted: &[(&str, &str)]) {
    let loaded = read(sample.as_bytes());
    let events = loaded.events();
    let [event] = events.as_slice() else { panic!("{sample}: {events:?} {:?}", loaded.faults) };
    assert_eq!(event.time.as_deref(), (!time.is_empty()).then_some(time), "{sample}");
    assert_eq!(event.record_id, record_id, "{sample}");
    assert_eq!(event.process, Guid::parse(GUID), "{sample}");
    assert_eq!(event.fields.get("Computer").map(String::as_str), Some("ws01.example"), "{sample}");
    for (name, value) in wanted {
        assert_eq!(event.fields.get(name).map(String::as_str), Some(*value), "{name} of {sample}");
    }
    assert!(loaded.faults.is_empty(), "{:?}", loaded.faults);
}

const XML: &str = "<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID><TimeCreated SystemTime='2026-03-01T13:37:00.1234567Z'/><EventRecordID>77</EventRecordID><Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>ws01.example</Computer></System><EventData><Data Name='ProcessGuid'>{a1b2c3d4-0001-0002-1020-304050607080}</Data><Data Name='CommandLine'>git push &quot;a&amp;b&quot; &#x3c;</Data></EventData></Event>";
const TIME: &str = "2026-03-01T13:37:00.1234567Z";
const COMMAND: (&str, &str) = ("CommandLine", "git push \"a&b\" <");

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[test]
fn xml_in_any_carrier_is_read() {
    let raw = json(XML);
    for sample in [
        XML.to_owned(),
        format!("<13>Oct 24 17:05:38 ws01 sysmon: {XML}\n"),
        format!("<?xml version='1.0'?>\n<!DOCTYPE x>\n<Events>\n{XML}\n</Events>"),
        XML.replace(
            "</System>",
            "</System><RenderingInfo Culture='en-US'><Message>x</Message></RenderingInfo>",
        ),
        format!("{{\"preview\":false,\"result\":{{\"_raw\":{raw},\"host\":\"collector\",\"_time\":\"1\"}}}}"),
        format!("{{\"@timestamp\":\"2026-03-01T13:37:09Z\",\"message\":{raw}}}"),
        format!("{{\"event\":{{\"original\":{raw}}}}}"),
        format!("\"_time\",\"_raw\",host\n1,\"{}\",collector\n", XML.replace('"', "\"\"")),
    ] {
        check(&sample, TIME, Some(77), &[COMMAND]);
    }
}

#[test]
fn the_shapes_of_json_are_read() {
    let data = format!("\"ProcessGuid\":\"{GUID}\",\"CommandLine\":\"git push \\\"a&b\\\" <\"");
    let pairs = format!(
        "[{{\"Name\":\"RuleName\"}},{{\"Name\":\"ProcessGuid\",\"text\":\"{GUID}\"}},{{\"Name\":\"CommandLine\",\"text\":\"git push \\\"a&b\\\" <\"}}]"
    );
    let siem = format!(
        "{{\"Event\":{{\"System\":{{\"Provider\":{{\"Name\":\"Microsoft-Windows-Sysmon\"}},\"EventID\":\"1\",\"TimeCreated\":{{\"SystemTime\":\"{TIME}\"}},\"EventRecordID\":\"77\",\"Computer\":\"ws01.example\"}},\"EventData\":{{\"Data\":{pairs}}}}}}}"
    );
    let dump = format!(
        "{{\"Event\":{{\"System\":{{\"Provider\":{{\"#attributes\":{{\"Name\":\"Microsoft-Windows-Sysmon\"}}}},\"EventID\":{{\"#attributes\":{{\"Qualifiers\":\"\"}},\"#text\":1}},\"TimeCreated\":{{\"#attributes\":{{\"SystemTime\":\"{TIME}\"}}}},\"EventRecordID\":77,\"Computer\":\"ws01.example\"}},\"EventData\":{{{data},\"ProcessId\":4711}}}}}}"
    );
    for sample in [
        siem.clone(),
        format!("{{\"body\":{},\"recv_time\":\"2026-03-02T00:00:00Z\"}}", json(&siem)),
        dump.clone(),
        format!("Record 1\n{dump}"),
        format!("[\n{dump}\n]"),
        format!("Oct 24 17:05:38 ws01 ship[1]: {dump}\n"),
        // HTTP Event Collector
        format!("{{\"time\":1,\"host\":\"collector\",\"event\":{dump}}}"),
        // Velociraptor
        format!(
            "{{\"System\":{{\"Provider\":{{\"Name\":\"Microsoft-Windows-Sysmon\"}},\"EventID\":{{\"Value\":1}},\"TimeCreated\":{{\"SystemTime\":1772372220.1234567}},\"EventRecordID\":77,\"Computer\":\"ws01.example\"}},\"EventData\":{{{data}}},\"Message\":\"\"}}"
        ),
        // EvtxECmd
        format!(
            "{{\"RecordNumber\":9,\"EventRecordId\":\"77\",\"TimeCreated\":\"2026-03-01T13:37:00.1234567+00:00\",\"EventId\":1,\"Provider\":\"Microsoft-Windows-Sysmon\",\"ProcessId\":9,\"Computer\":\"ws01.example\",\"Payload\":{}}}",
            json(&format!(
                "{{\"EventData\":{{\"Data\":{}}}}}",
                pairs.replace("Name", "@Name").replace("\"text\"", "\"#text\"")
            ))
        ),
        // winlogbeat 7, with the pipeline's time
        format!(
            "{{\"@timestamp\":\"2026-03-01T13:36:00Z\",\"host\":{{\"name\":\"collector\"}},\"winlog\":{{\"provider_name\":\"Microsoft-Windows-Sysmon\",\"event_id\":1,\"record_id\":\"77\",\"time_created\":\"{TIME}\",\"computer_name\":\"ws01.example\",\"event_data\":{{{data}}}}}}}"
        ),
        // winlogbeat 6
        format!(
            "{{\"@timestamp\":\"{TIME}\",\"source_name\":\"Microsoft-Windows-Sysmon\",\"event_id\":1,\"record_number\":\"77\",\"computer_name\":\"ws01.example\",\"host\":{{\"name\":\"collector\"}},\"event_data\":{{{data}}}}}"
        ),
        // Sentinel
        format!(
            "{{\"TimeGenerated\":\"{TIME}\",\"Provider\":\"Microsoft-Windows-Sysmon\",\"EventRecordId\":77,\"Computer\":\"ws01.example\",\"EventID\":1,\"EventData\":{}}}",
            json(&format!("{{{data}}}"))
        ),
        // NXLog
        format!(
            "{{\"EventTime\":\"2026-03-01 08:37:00\",\"@timestamp\":\"{TIME}\",\"Hostname\":\"ws01.example\",\"host\":\"collector\",\"SourceName\":\"Microsoft-Windows-Sysmon\",\"EventID\":1,\"RecordNumber\":77,\"ProcessID\":9,{data}}}"
        ),
        // Splunk's fields
        format!(
            "{{\"preview\":false,\"result\":{{\"_time\":\"2026-03-01 13:37:00.1234567 UTC\",\"host\":\"short\",\"Computer\":\"ws01.example\",\"source\":\"XmlWinEventLog:Microsoft-Windows-Sysmon/Operational\",\"EventCode\":\"1\",\"RecordNumber\":\"77\",{data}}}}}"
        ),
    ] {
        check(&sample, TIME, Some(77), &[COMMAND]);
    }
    for (open, close) in [
        ("{\"events\":[", "],\"total\":{\"x\":[{}]}}"),
        ("{\"took\":3,\"hits\":{\"total\":1,\"hits\":[{\"_index\":\"x\",\"_source\":", "}]}}"),
        ("[", "]"),
        ("{\"_index\":\"x\",\"_source\":", "}"),
    ] {
        check(&format!("{open}{dump}{close}"), TIME, Some(77), &[COMMAND, ("ProcessId", "4711")]);
    }
}

#[test]
fn otrf_captures_take_time_from_utctime() {
    let sample = format!(
        "{{\"@timestamp\":\"2026-03-01T08:37:01.000Z\",\"TimeCreated\":\"2026-03-01T08:37:01.000Z\",\"Hostname\":\"ws01.example\",\"SourceName\":\"Microsoft-Windows-Sysmon\",\"EventID\":3,\"UtcTime\":\"2026-03-01 13:37:00.123\",\"Image\":\"C:\\\\a.exe\",\"ProcessGuid\":\"{GUID}\",\"DestinationHostname\":\"-\"}}"
    );
    check(&sample, "2026-03-01T13:37:00.123Z", None, &[("DestinationHostname", "-")]);
}

#[test]
fn elastic_moved_fields_are_found() {
    let sample = format!(
        "{{\"@timestamp\":\"2026-03-01T13:37:00.123Z\",\"event\":{{\"code\":\"22\",\"provider\":\"Microsoft-Windows-Sysmon\",\"module\":\"sysmon\"}},\"winlog\":{{\"channel\":\"Microsoft-Windows-Sysmon/Operational\",\"event_id\":\"22\",\"computer_name\":\"ws01.example\"}},\"process\":{{\"entity_id\":\"{GUID}\",\"pid\":7,\"executable\":\"C:\\\\git.exe\"}},\"dns\":{{\"question\":{{\"name\":\"github.com\"}}}},\"message\":\"Dns query:\\nImage: other.exe\\nQueryResults: ::ffff:1.2.3.4;\\nUser: LAB\\\\ann\"}}"
    );
    check(
        &sample,
        "2026-03-01T13:37:00.123Z",
        None,
        &[
            ("Image", r"C:\git.exe"),
            ("QueryName", "github.com"),
            ("QueryResults", "::ffff:1.2.3.4;"),
            ("User", r"LAB\ann"),
            ("ProcessId", "7"),
        ],
    );
}

#[test]
fn powershell_values_come_from_message() {
    for (created, expected) in [
        ("\"\\/Date(1772372220123)\\/\"", "2026-03-01T13:37:00.123Z"),
        ("\"2026-03-01T14:37:00.1234567+01:00\"", TIME),
        ("{\"value\":\"/Date(1772372220123)/\",\"DisplayHint\":2}", "2026-03-01T13:37:00.123Z"),
    ] {
        let sample = format!(
            "[\n  {{\n    \"Id\": 1,\n    \"ProviderName\": \"Microsoft-Windows-Sysmon\",\n    \"RecordId\": 77,\n    \"MachineName\": \"ws01.example\",\n    \"TimeCreated\": {created},\n    \"Properties\": [{{\"Value\": \"-\"}}, {{\"Value\": \"a1b2c3d4-0001-0002-1020-304050607080\"}}, {{\"Value\": 7}}, {{\"Value\": \"a\\nUser: SYSTEM\"}}, {{\"Value\": \"LAB\\\\ann\"}}],\n    \"Message\": \"Process Create:\\r\\nRuleName: -\\r\\nProcessGuid: {GUID}\\r\\nProcessId: 7\\r\\nCommandLine: a\\nUser: SYSTEM\\r\\nUser: LAB\\\\ann\"\n  }}\n]\n"
        );
        let wanted = [("User", r"LAB\ann"), ("CommandLine", "a\nUser: SYSTEM"), ("ProcessId", "7")];
        check(&sample, expected, Some(77), &wanted);
    }
}

#[test]
fn tables_with_multiline_cells_are_read() {
    let payload = format!(
        "{{\"\"EventData\"\":{{\"\"Data\"\":[{{\"\"@Name\"\":\"\"ProcessGuid\"\",\"\"#text\"\":\"\"{GUID}\"\"}},{{\"\"@Name\"\":\"\"CommandLine\"\",\"\"#text\"\":\"\"x, y\"\"}}]}}}}"
    );
    let sample = format!(
        "\u{feff}RecordNumber,EventRecordId,TimeCreated,EventId,Provider,Computer,ProcessId,Payload\r\n1,77,2026-03-01 13:37:00.1234567,1,Microsoft-Windows-Sysmon,ws01.example,9,\"{payload}\"\r\n"
    );
    check(&sample, TIME, Some(77), &[("CommandLine", "x, y")]);
    let sample = format!(
        "\"_time\",host,source,EventCode,RecordNumber,ProcessGuid,CommandLine,Image\n\"2026-03-01T13:37:00.123+0000\",ws01.example,\"XmlWinEventLog:Microsoft-Windows-Sysmon/Operational\",1,,{GUID},\"a\n\"\"b\"\"\",\n"
    );
    check(&sample, "2026-03-01T13:37:00.123Z", None, &[("CommandLine", "a\n\"b\"")]);
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "x", sample.as_bytes());
    let loaded = Loaded::one(&path);
    let place = loaded.batches.iter().find_map(|batch| batch.events.first()).unwrap().head.place;
    let raw = Events.xml(&loaded.sources[0], place).unwrap();
    assert!(raw.contains("\"EventCode\": \"1\""), "{raw}");
    assert!(read(b"").faults.iter().any(|fault| fault.kind == FaultKind::Empty));
}

/// A good record, as evtx_dump writes it.
fn good(id: u32) -> String {
    format!(
        "{{\"Event\":{{\"System\":{{\"Provider\":\"Microsoft-Windows-Sysmon\",\"EventID\":1,\"EventRecordID\":{id},\"Computer\":\"h\"}},\"EventData\":{{\"Image\":\"x\"}}}}}}\n"
    )
}

fn ids(loaded: &Loaded) -> Vec<u64> {
    loaded.events().iter().filter_map(|event| event.record_id).collect()
}

#[test]
fn what_is_broken_costs_only_itself() {
    let (one, two) = (good(1), good(2));
    let deep = format!("{}\n", "{\"a\":".repeat(5000));
    let brackets = format!("{{\"a\":{}\n", "[".repeat(200_000));
    let cut = &one[..one.len() - 9];
    let open_string = &one[..one.len() - 7];
    for broken in [
        deep.as_str(),
        &brackets,
        &format!("{cut}\n"),
        &format!("{open_string}\n"),
        "not an event\n",
        "{\"a\":1}\n",
        "{\"a\":nul}\n",
        "{\"a\":1]\n",
        "\0\0\0\0\n",
        "{\n  \"Event\": {\n    \"a\": \"b\n  }\n}\n",
    ] {
        let loaded = read(format!("{one}{broken}{two}").as_bytes());
        assert_eq!(ids(&loaded), [1, 2], "{}", &broken[..broken.len().min(200)]);
        assert_eq!(loaded.total().records(), 3, "{}", &broken[..broken.len().min(200)]);
        let [fault] = loaded.faults.as_slice() else { panic!("{:?}", loaded.faults) };
        assert!(matches!(fault.kind, FaultKind::Line { line: 2, .. }), "{fault}");
    }
    let loaded = read(format!("{one}{cut}").as_bytes());
    assert_eq!(loaded.total().skipped.keys().map(|reason| reason.key()).collect::<Vec<_>>(), ["truncated"]);
    let xml = |id: u32| XML.replace("77", &id.to_string()) + "\n";
    for broken in [
        "<Event><System><Provider Name='Microsoft-Windows-Sysmon'/>\n".to_owned(),
        "<Event><System></Event>\n".to_owned(),
        format!("<Event>{}</Event>\n", "<a>".repeat(100_000)),
        "<Event><System><EventID>&lol9;</EventID></System></Event>\n".to_owned(),
        "no event, but a line\n".to_owned(),
        "<Event a=</Event>\n".to_owned(),
    ] {
        let bomb = "<?xml version=\"1.0\"?><!DOCTYPE l [<!ENTITY lol9 \"&lol8;&lol8;\">]>\n";
        let loaded = read(format!("{bomb}{}{broken}{}", xml(1), xml(2)).as_bytes());
        assert_eq!(ids(&loaded), [1, 2], "{}", &broken[..broken.len().min(200)]);
        assert_eq!(loaded.total().records(), 3, "{} {:?}", &broken[..broken.len().min(200)], loaded.faults);
    }
    let table = "EventRecordID,EventID,SourceName,Hostname\n1,1,Microsoft-Windows-Sysmon,h\n5,5\n2,1,Microsoft-Windows-Sysmon,h\n3,1,\"Microsoft\n4,1,Microsoft-Windows-Sysmon,h\n";
    let loaded = read(table.as_bytes());
    assert_eq!(ids(&loaded), [1, 2, 4], "{:?}", loaded.faults);
    assert_eq!(loaded.total().records(), 5);
}

#[test]
fn invalid_utf8_is_kept_and_reported() {
    let mut bytes = good(1).replace("\"x\"", "\"gr@n.exe\"").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'@').unwrap();
    bytes[at] = 0xfc;
    let loaded = read(&bytes);
    assert_eq!(loaded.events()[0].fields["Image"], "gr\u{fffd}n.exe");
    assert_eq!(loaded.faults[0].severity, Severity::Notice);
}

#[test]
fn record_of_any_length_is_skipped() {
    let (one, two) = (good(1), good(2));
    let long = "x".repeat(18 << 20);
    for broken in [
        format!("{{\"a\":\"{long}\"}}\n"),
        format!("{{\"a\":\"{long}\n"),
        format!("{long}\n"),
        format!("{{\"a\":[{}0]}}\n", "1,".repeat(9 << 20)),
    ] {
        let loaded = read(format!("{one}{broken}{two}").as_bytes());
        assert_eq!(ids(&loaded), [1, 2]);
        assert_eq!(loaded.total().records(), 3);
        assert!(loaded.faults[0].reason().starts_with("line 2: "), "{:?}", loaded.faults);
    }
    let xml = |id: u32| XML.replace("77", &id.to_string()) + "\n";
    for broken in [format!("<Event>{long}</Event>\n"), format!("<Event>{long}\n"), format!("{long}\n")] {
        let loaded = read(format!("{}{broken}{}", xml(1), xml(2)).as_bytes());
        assert_eq!(ids(&loaded), [1, 2], "{:?}", loaded.faults);
        assert_eq!(loaded.total().records(), 3, "{:?}", loaded.faults);
    }
    let table = format!("EventRecordID,EventID,SourceName\n1,1,Linux-Sysmon\n\"{long}\n2,1,Linux-Sysmon\n");
    let loaded = read(table.as_bytes());
    assert!(ids(&loaded).starts_with(&[1]), "{:?}", loaded.faults);
}

/// A ZIP archive of stored files, written by hand.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = u32::try_from(out.len()).unwrap();
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(crc32fast::hash(content).to_le_bytes());
        common.extend([size, size].concat());
        common.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        common.extend([0, 0]);
        out.extend([b"PK\x03\x04", common.as_slice(), name.as_bytes(), content].concat());
        directory.extend(
            [b"PK\x01\x02\x14\0", common.as_slice(), &[0; 10], &offset.to_le_bytes(), name.as_bytes()]
                .concat(),
        );
    }
    let start = u32::try_from(out.len()).unwrap().to_le_bytes();
    let length = u32::try_from(directory.len()).unwrap().to_le_bytes();
    let count = u16::try_from(files.len()).unwrap().to_le_bytes();
    out.extend(directory);
    out.extend([b"PK\x05\x06\0\0\0\0".as_slice(), &count, &count, &length, &start, &[0, 0]].concat());
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn packed_logs_are_read_without_writes() {
    let (one, two, xml) = (good(1), good(2), format!("{XML}\n"));
    assert_eq!(ids(&read(&gzip(format!("{one}{two}").as_bytes()))), [1, 2]);
    assert_eq!(ids(&read(&[gzip(one.as_bytes()), gzip(two.as_bytes())].concat())), [1, 2]);
    let zstd = ruzstd::encoding::compress_to_vec(one.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
    assert_eq!(ids(&read(&zstd)), [1]);
    assert_eq!(ids(&read(&[zstd.clone(), zstd.clone()].concat())), [1, 1]);
    let packed = gzip(two.as_bytes());
    let zip = archive(&[
        ("../../evil.json", one.as_bytes()),
        ("__MACOSX/._evil.json", b"\0\x05\x16\x07"),
        ("d/inner.gz", &packed),
        ("notes.txt", b"just words"),
        ("x.zst", &zstd),
        ("y", xml.as_bytes()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "a.zip", &zip);
    for paths in [path.clone(), folder.path().to_owned()] {
        let loaded = Loaded::one(&paths);
        assert_eq!(loaded.sources.len(), 4, "{:?}", loaded.faults);
        let mut found = ids(&loaded);
        found.sort_unstable();
        assert_eq!(found, [1, 1, 2, 77]);
        assert!(loaded.faults.iter().all(|fault| fault.severity == Severity::Notice), "{:?}", loaded.faults);
        assert!(Events.xml(&loaded.sources[0], 0).unwrap_err().contains("unpack it"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    // Cut, overlapping, and with a wrong checksum.
    let cut = read(&gzip(format!("{one}{two}").repeat(2000).as_bytes())[..300]);
    assert!(cut.faults.iter().any(|fault| fault.severity == Severity::Loss), "{:?}", cut.faults);
    let mut wrong = archive(&[("a.json", one.as_bytes())]);
    let at = wrong.windows(4).position(|part| part == b"\"h\"}").unwrap();
    wrong[at + 1] = b'i';
    let loaded = read(&wrong);
    assert_eq!(ids(&loaded), [1]);
    assert!(
        matches!(loaded.faults[0].kind, FaultKind::CutOff { error: StreamError::WrongChecksum, .. }),
        "{:?}",
        loaded.faults
    );
    assert_eq!(read(&archive(&[])).faults.len(), 1);
    assert!(read(b"PK\x03\x04broken").faults[0].kind == FaultKind::ArchiveDamaged);
}

#[test]
fn packed_windows_log_is_read() {
    let Some(log) = shared("evtx/sysmon_1_persist_bitsjob_SetNotifyCmdLine.evtx") else { return };
    let bytes = std::fs::read(&log).unwrap();
    let expected = Loaded::one(&log).events();
    assert_eq!(read(&gzip(&bytes)).events(), expected);
    assert_eq!(read(&archive(&[("a", &bytes)])).events(), expected);
}

#[test]
fn a_format_can_be_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "x", format!("words first\nand more\n{}", good(1)).as_bytes());
    for (format, records) in
        [(None, 3), (Some(InputFormat::Json), 3), (Some(InputFormat::Xml), 1), (Some(InputFormat::Evtx), 0)]
    {
        let loaded = Loaded::of(std::slice::from_ref(&path), format, 1);
        assert_eq!(loaded.total().records(), records, "{format:?} {:?}", loaded.faults);
        assert!(!loaded.faults.is_empty());
    }
}

#[test]
fn standard_input_in_pieces_is_read() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_exfilscope"))
        .args(["scan", "--profile", "spl", "--min-score", "0", "--stats", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // The first bytes give no hint of the format, and a line comes in two parts.
    let line = good(7);
    let (one, two) = line.split_at(20);
    for part in ["\n", one, two, &good(8)] {
        pipe.write_all(part.as_bytes()).unwrap();
        pipe.flush().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(30));
    }
    drop(pipe);
    let stats = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok).last().unwrap();
    assert!(stats.contains("\"records\":2,\"sysmon\":2"), "{stats}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
