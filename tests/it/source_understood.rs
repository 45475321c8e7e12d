//! A log that is read but not understood never ends as "no alerts": it is a fault with its reason, and exit status 3.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which the lints' own exception for tests does not cover"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Result of a scan: its exit status, its rows, and its standard error.
struct Scanned {
    status: i32,
    rows: Vec<serde_json::Value>,
    errors: String,
}

/// Scans an input, from a file or from standard input.
fn scan(input: &[u8], from_pipe: bool) -> Scanned {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.txt");
    std::fs::write(&path, input).unwrap();
    scan_path(if from_pipe { Path::new("-") } else { &path }, input)
}

fn scan_path(path: &Path, input: &[u8]) -> Scanned {
    let mut child = Command::new(env!("CARGO_BIN_EXE_exfilscope"))
        .args(["scan", "--format", "ndjson", "--stats"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A scan of a file reads no pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    Scanned {
        status: output.status.code().unwrap(),
        rows: rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An event whose fields are under these members.
fn event(event_code: u16, record: u64, data: &str) -> String {
    format!(
        "{{\"Event\":{{\"System\":{{\"Provider\":{{\"Name\":\"Microsoft-Windows-Sysmon\"}},\"EventID\":{event_code},\
         \"TimeCreated\":{{\"SystemTime\":\"2026-03-01T13:37:00.1234567Z\"}},\"EventRecordID\":{record},\
         \"Computer\":\"ws01\"}},\"EventData\":{data}}}}}\n"
    )
}

fn good(record: u64) -> String {
    event(1, record, r#"{"Image":"C:\\notepad.exe","CommandLine":"notepad"}"#)
}

/// A push that no reader knows to be one.
fn strange(record: u64) -> String {
    event(1, record, r#"{"Exe":"C:\\git.exe","Args":"git push https://github.com/x/y"}"#)
}

#[test]
fn events_without_fields_are_a_fault() {
    let beat = |members: &str| {
        format!(
            "{{\"event_id\":1,\"source_name\":\"Microsoft-Windows-Sysmon\",\"computer_name\":\"ws01\",{members}}}\n"
        )
    };
    for (input, reason) in [
        (strange(1), "EventData had the members Exe, Args"),
        (event(1, 1, r#"["a","b"]"#), "EventData was a list of 2 values that fit no schema of Event 1"),
        (event(3, 1, r#"{"Image":"C:\\curl.exe"}"#), "1 of 1 Event 3 came without Image or address"),
        (event(22, 1, r#"{"Image":"C:\\a.exe"}"#), "1 of 1 Event 22 came without QueryName"),
        (event(1, 1, "\"\""), "EventData was empty"),
        (event(1, 1, "\"git push\""), "EventData was text that is neither JSON nor XML"),
        (beat("\"path\":\"C:\\\\git.exe\""), "it had the members event_id, source_name, computer_name, path"),
        (beat("\"message\":\"Process Create:\\nRuleName: -\\nUtcTime: {x}\\n\""), "does not fit Sysmon's fields"),
        (
            "RecordNumber,TimeCreated,EventId,Provider,Computer,PayloadData1\n\
             1,2026-03-01 13:37:01.1234567,1,Microsoft-Windows-Sysmon,ws01,x\n"
                .to_owned(),
            "the column Payload, which holds the fields, is missing",
        ),
        (
            "<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID><Computer>ws01</Computer>\
             </System><EventData><Data>C:\\git.exe</Data></EventData></Event>\n"
                .to_owned(),
            "1 of 1 Event 1 came without Image and CommandLine",
        ),
    ] {
        for from_pipe in [false, true] {
            let scanned = scan(input.as_bytes(), from_pipe);
            assert_eq!(scanned.status, 3, "{input}: {}", scanned.errors);
            assert!(scanned.rows.is_empty(), "{input}");
            assert!(scanned.errors.contains(reason), "{input}: {}", scanned.errors);
            assert!(scanned.errors.contains("were not understood"), "{input}: {}", scanned.errors);
        }
    }
}

#[test]
fn coverage_does_not_blame_the_configuration() {
    let input = strange(1) + &event(3, 2, "{}") + &event(22, 3, "{}");
    let scanned = scan(input.as_bytes(), false);
    let coverage = scanned.errors.lines().last().unwrap();
    assert!(coverage.contains("not how Sysmon is configured"), "{coverage}");
    for blame in ["DnsLookup", "without a command line", "without a parent", "No Event"] {
        assert!(!coverage.contains(blame), "{blame}: {coverage}");
    }
}

#[test]
fn good_events_never_hide_the_others() {
    let many = |bare: u64, all: u64| -> String {
        (0..all).map(|record| if record < bare { strange(record) } else { good(record) }).collect()
    };
    for (bare, all, status) in [(10, 2000, 3), (2, 4, 3), (1, 3, 0), (9, 2000, 0), (0, 3, 0)] {
        let scanned = scan(many(bare, all).as_bytes(), false);
        assert_eq!(scanned.status, status, "{bare} of {all}: {}", scanned.errors);
        let counted = format!("{bare} of {all} Event 1 came without Image and CommandLine");
        assert_eq!(scanned.errors.contains(&counted), bare > 0, "{}", scanned.errors);
    }
}

/// A rendered Event 1, as Beats and `Get-WinEvent` hand it on.
fn rendered(command: &str) -> String {
    format!(
        "Process Create:\nRuleName: -\nUtcTime: 2026-03-01 13:37:00.123\n\
         ProcessGuid: {{01234567-89AB-CDEF-0123-456789ABCDEF}}\nProcessId: 1\nImage: C:\\git.exe\n\
         CommandLine: {command}\nCurrentDirectory: C:\\\nUser: C\\a\nParentImage: C:\\cmd.exe\nParentCommandLine: cmd"
    )
}

#[test]
fn line_ends_in_messages_hide_nothing() {
    let push = "push https://github.com/evil/loot";
    let tail = "\nCurrentDirectory: C:\\\nUser: C\\a\nParentImage: C:\\cmd.exe\nParentCommandLine: x";
    for (command, is_alert) in [
        (format!("git {push}"), true),
        (format!("git -c x=\"\nHashes: \" {push}"), true),
        (format!("git -c x=\"\nnote: \" {push}"), true),
        (format!("git -c x=\"\r\nCurrentDirectory: \" {push}"), true),
        // It can be read in two ways.
        (format!("git -c x=\"{tail}\" {push}"), false),
    ] {
        let message = serde_json::Value::from(rendered(&command)).to_string();
        let shapes = [
            format!(
                "{{\"@timestamp\":\"2026-03-01T00:00:00Z\",\"winlog\":{{\"event_id\":1,\
                 \"provider_name\":\"Microsoft-Windows-Sysmon\",\"computer_name\":\"WS-1\",\"record_id\":1}},\
                 \"message\":{message}}}"
            ),
            format!(
                "{{\"Id\":1,\"ProviderName\":\"Microsoft-Windows-Sysmon\",\"RecordId\":1,\"MachineName\":\"WS-1\",\
                 \"TimeCreated\":\"2026-03-01T00:00:00Z\",\"Message\":{message}}}"
            ),
        ];
        for shape in shapes {
            let scanned = scan(shape.as_bytes(), false);
            if is_alert {
                assert_eq!(scanned.status, 1, "{shape}: {}", scanned.errors);
                assert_eq!(scanned.rows[0]["CommandLine"], command, "{shape}");
                assert_eq!(scanned.rows[0]["User"], "C\\a", "{shape}");
            } else {
                assert_eq!(scanned.status, 3, "{shape}: {}", scanned.errors);
                assert!(scanned.errors.contains("read in more than one way"), "{}", scanned.errors);
                assert!(scanned.errors.contains("record 1"), "{}", scanned.errors);
            }
        }
    }
}

#[test]
fn other_names_of_fields_are_read() {
    let helk = "{\"@timestamp\":\"2026-03-01T13:37:01.123Z\",\"event_id\":1,\"source_name\":\"Microsoft-Windows-Sysmon\",\
        \"computer_name\":\"ws01\",\"record_number\":\"7\",\"process_path\":\"c:\\\\git.exe\",\
        \"process_guid\":\"{0A1B2C3D-1111-6600-0000-001000A00100}\",\"user_account\":\"CORP\\\\ann\",\
        \"process_command_line\":\"git push https://github.com/x/y\",\"process_parent_path\":\"c:\\\\cmd.exe\",\
        \"process_parent_command_line\":\"cmd\"}\n";
    let scanned = scan(helk.as_bytes(), false);
    assert_eq!(scanned.status, 1, "{}", scanned.errors);
    let row = &scanned.rows[0];
    for (column, value) in [
        ("Image", "c:\\git.exe"),
        ("User", "CORP\\ann"),
        ("ParentImage", "c:\\cmd.exe"),
        ("ParentCommandLine", "cmd"),
        ("ProcessGuid", "{0A1B2C3D-1111-6600-0000-001000A00100}"),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
}

/// A push by git in Windows' XML.
const PUSH_XML: &str = "<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID><TimeCreated \
    SystemTime='2026-03-01T13:37:01.1234567Z'/><EventRecordID>7</EventRecordID><Computer>ws01</Computer></System>\
    <EventData><Data Name='Image'>C:\\git.exe</Data><Data Name='CommandLine'>git push https://github.com/x/y</Data>\
    <Data Name='User'>CORP\\ann</Data></EventData></Event>";

#[test]
fn other_envelopes_and_tables_are_read() {
    let xml = serde_json::Value::from(PUSH_XML).to_string();
    let table = "EventID,RecordNumber,SourceName,Hostname,@timestamp,User,Image,CommandLine\n\
        1,7,Microsoft-Windows-Sysmon,ws01,2026-03-01T13:37:01.1234567Z,CORP\\ann,C:\\git.exe,git push https://github.com/x/y\n";
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let object = event(
        1,
        7,
        r#"{"Image":"C:\\git.exe","CommandLine":"git push https://github.com/x/y","User":"CORP\\ann"}"#,
    )
    .replace("37:00", "37:01");
    let object = object.trim_end();
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let parsed: serde_json::Value = serde_json::from_str(object).unwrap();
    let ecs = "{\"@timestamp\":\"2026-03-01T13:37:01.1234567Z\",\"event\":{\"provider\":\"Microsoft-Windows-Sysmon\"},\
        \"winlog\":{\"event_id\":1,\"record_id\":7,\"computer_name\":\"ws01\"},\"process\":{\"executable\":\"C:\\\\git.exe\",\
        \"command_line\":\"git push https://github.com/x/y\"},\"user\":{\"domain\":\"CORP\",\"name\":\"ann\"}}";
    let splunk = |user: &str| {
        format!(
            "{{\"result\":{{\"_time\":\"2026-03-01T13:37:01.1234567Z\",\"EventCode\":\"1\",\"RecordNumber\":\"7\",\
             \"SourceName\":\"Microsoft-Windows-Sysmon\",\"ComputerName\":\"ws01\",\"User\":{user},\
             \"Image\":\"C:\\\\git.exe\",\"CommandLine\":\"git push https://github.com/x/y\"}}}}"
        )
    };
    let samples: Vec<Vec<u8>> = [
        format!("{{\"Message\":\"x\",\"Event\":{xml}}}"),
        format!("{{\"System\":{xml}}}"),
        format!("{{\"_HOSTNAME\":\"x\",\"MESSAGE\":{xml}}}"),
        format!("{{\"properties\":{{\"RawXml\":{xml},\"EventId\":1}}}}"),
        format!("{{\"event_identifier\":1,\"xml_string\":{xml}}}"),
        format!("{{\"topic\":\"x\",\"value\":{}}}", serde_json::Value::from(object)),
        format!("[{{\"group\":\"Sigma\",\"document\":{{\"data\":{object}}}}}]"),
        format!("sep=;\n{}", table.replace(',', ";")),
        format!("#TYPE System.Object\n{table}"),
        format!("Query: EventID=1\nby ann\n\n{table}"),
        table.replace("1,7,", "1.0,7.0,"),
        format!(
            "System,EventData,EventID\n{},{},1\n",
            cell(&parsed["Event"]["System"].to_string()),
            cell(&parsed["Event"]["EventData"].to_string())
        ),
        ecs.to_owned(),
        splunk("[\"NOT_TRANSLATED\",\"CORP\\\\ann\"]"),
        splunk("\"NOT_TRANSLATED\\nCORP\\\\ann\""),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([utf16(table)])
    .collect();
    for sample in samples {
        let scanned = scan(&sample, false);
        let name = String::from_utf8_lossy(&sample);
        assert_eq!(scanned.status, 1, "{name}: {}", scanned.errors);
        for (column, value) in [
            ("_time", "2026-03-01T13:37:01.1234567Z".into()),
            ("host", "ws01".into()),
            ("User", "CORP\\ann".into()),
            ("Image", "C:\\git.exe".into()),
            ("CommandLine", "git push https://github.com/x/y".into()),
            ("RecordId", serde_json::Value::from(7)),
        ] {
            assert_eq!(scanned.rows[0][column], value, "{column} of {name}");
        }
    }
}

/// The exports of the reference data: what each must give, as far as it is a number of alerts.
#[test]
fn no_reported_export_is_silent() {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/reports");
    let Ok(files) = std::fs::read_dir(&reports) else {
        println!("not tested: {} is not here", reports.display());
        return;
    };
    let paths: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    // Without an alert, and that is right.
    let quiet = ["85-slack-record.evtx.gz"];
    let mut read = 0;
    for path in paths.iter().filter(|path| !path.ends_with("EXPECT.tsv")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let scanned = scan_path(path, b"");
        let is_silent = scanned.status == 0 && !quiet.contains(&name);
        assert!(!is_silent, "{name}: {}", scanned.errors);
        let is_whole = [
            "01", "02", "04", "05", "06", "07", "08", "10", "11", "13", "14", "16", "17", "18", "19", "20",
            "21", "22", "24", "27", "28", "29", "30", "36", "37", "55", "57", "62", "63", "76",
        ]
        .contains(&&name[..2]);
        if is_whole {
            let scores: Vec<_> =
                scanned.rows.iter().map(|row| row["SuspicionScore"].as_u64().unwrap()).collect();
            assert_eq!(scores, [3, 3, 2], "{name}: {}", scanned.errors);
            assert!(scanned.rows.iter().all(|row| row["User"] == "CORP\\ann"), "{name}");
            read += 1;
        }
    }
    assert_eq!(read, 30);
}
