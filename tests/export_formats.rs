//! Rows in every format: the plain ones, and the ones that an attacker wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use exfilscope::export::{COLUMNS, ExportOptions, Format, write_rows};
use exfilscope::model::event::Field;
use exfilscope::model::row::{AlertRow, Clause, Explanation, FlagMatch, JoinedField, Signal};
use exfilscope::model::time::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

fn row() -> AlertRow {
    AlertRow {
        time: Timestamp::parse("2026-03-01T13:37:00.1234567Z"),
        host: Some("ws01.corp.example".to_owned()),
        user: Some(r"CORP\alice".to_owned()),
        image: Some(r"C:\Program Files\Git\cmd\git.exe".to_owned()),
        command_line: Some("git push https://github.com/a/b main".to_owned()),
        parent_image: Some(r"C:\Windows\System32\cmd.exe".to_owned()),
        parent_command_line: Some("cmd.exe /c go.bat".to_owned()),
        destination_hostname: None,
        signal: Signal::GitPushExternal,
        is_ci_system: false,
        is_known_ide: false,
        suspicion_score: 3,
        event_code: 1,
        process_guid: Some("{A1B2C3D4-0001-0002-1020-304050607080}".to_owned()),
        record_id: Some(1234),
        source: "day 1.evtx".to_owned(),
        joined: Vec::new(),
        explanation: Explanation {
            clause: Clause::Push,
            conditions: Vec::new(),
            ci: FlagMatch::default(),
            ide: FlagMatch::default(),
            branch: "a push or an upload, not CI",
            sentence: "git.exe pushes to github.com, and ws01 is no CI system.".to_owned(),
            difference: None,
        },
    }
}

fn joined_row() -> AlertRow {
    AlertRow {
        command_line: Some("git-remote-https origin".to_owned()),
        destination_hostname: Some("github.com".to_owned()),
        signal: Signal::NetworkConnectionToCodeRepo,
        suspicion_score: 2,
        event_code: 3,
        record_id: None,
        time: None,
        joined: vec![
            JoinedField {
                field: Field::CommandLine,
                event_code: 1,
                record_id: Some(7),
                source: "day 1.evtx".to_owned(),
                own_value: None,
            },
            JoinedField {
                field: Field::DestinationHostname,
                event_code: 22,
                record_id: None,
                source: "dns.evtx".to_owned(),
                own_value: Some("-".to_owned()),
            },
        ],
        ..row()
    }
}

/// A row whose every text is `text`.
fn row_of(text: &str) -> AlertRow {
    let text = text.to_owned();
    let mut row = joined_row();
    row.host = Some(text.clone());
    row.user = Some(text.clone());
    row.image = Some(text.clone());
    row.command_line = Some(text.clone());
    row.parent_image = Some(text.clone());
    row.parent_command_line = Some(text.clone());
    row.destination_hostname = Some(text.clone());
    row.process_guid = Some(text.clone());
    row.source.clone_from(&text);
    for joined in &mut row.joined {
        joined.source.clone_from(&text);
        joined.own_value = Some(text.clone());
    }
    row.explanation.sentence = text;
    row
}

fn written(format: Format, rows: &[AlertRow], options: &ExportOptions) -> String {
    let mut out = Vec::new();
    write_rows(&mut out, format, &mut rows.iter(), options).unwrap();
    String::from_utf8(out).unwrap()
}

fn plain(format: Format, rows: &[AlertRow]) -> String {
    written(format, rows, &ExportOptions { reveal_secrets: true, ..ExportOptions::default() })
}

/// What no terminal, spreadsheet or ticket may be handed from an event.
fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

const HOSTILE: [&str; 22] = [
    "\u{1b}]0;owned\u{7}\u{1b}[2J",
    "\u{9b}31mred",
    "\u{202e}exe.tig",
    "a\u{200b}b\u{feff}c\u{2066}d\u{2069}",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd",
    "-",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\u{ff1d}1+1",
    "a|b|c `code` ``` fence",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"quoted\", 'single' and \"\"",
    "line one\nline two\r\n# heading\n| cell |",
    "[link](javascript:alert(1)) ![i](http://evil.example/x) {0} {{1}}",
    "漢字 e\u{301} 👩\u{200d}💻 \u{fffd}\u{fffe}\u{10ffff}",
    "\0nul\u{7f}del",
    r"C:\tmp\",
    " leading and trailing ",
];

#[test]
fn ndjson_is_the_contract_to_the_letter() {
    let expected = concat!(
        r#"{"_time":"2026-03-01T13:37:00.1234567Z","host":"ws01.corp.example","User":"CORP\\alice","#,
        r#""Image":"C:\\Program Files\\Git\\cmd\\git.exe","CommandLine":"git push https://github.com/a/b main","#,
        r#""ParentImage":"C:\\Windows\\System32\\cmd.exe","ParentCommandLine":"cmd.exe /c go.bat","#,
        r#""DestinationHostname":null,"Signal":"GitPushExternal","IsCISystem":0,"IsKnownIDE":0,"#,
        r#""SuspicionScore":3,"EventCode":1,"ProcessGuid":"{A1B2C3D4-0001-0002-1020-304050607080}","#,
        r#""RecordId":1234,"Source":"day 1.evtx","Joined":{},"#,
        r#""Why":"git.exe pushes to github.com, and ws01 is no CI system."}"#,
        "\n"
    );
    assert_eq!(plain(Format::Ndjson, &[row()]), expected);
    assert_eq!(plain(Format::Ndjson, &[]), "");
}

#[test]
fn joined_fields_name_their_records() {
    let value: Value = serde_json::from_str(&plain(Format::Ndjson, &[joined_row()])).unwrap();
    assert_eq!(
        value["Joined"].to_string(),
        concat!(
            r#"{"CommandLine":{"RecordId":7,"EventCode":1,"Source":"day 1.evtx","Own":null},"#,
            r#""DestinationHostname":{"RecordId":null,"EventCode":22,"Source":"dns.evtx","Own":"-"}}"#
        )
    );
    assert_eq!((&value["_time"], &value["RecordId"]), (&Value::Null, &Value::Null));
    assert_eq!(value["DestinationHostname"], "github.com");
}

#[test]
fn an_empty_text_is_null_and_a_dash_is_a_dash() {
    let mut empty = row();
    empty.user = Some(String::new());
    empty.command_line = Some("-".to_owned());
    let value: Value = serde_json::from_str(&plain(Format::Ndjson, &[empty])).unwrap();
    assert_eq!(value["User"], Value::Null);
    assert_eq!(value["CommandLine"], "-");
}

#[test]
fn json_is_one_array_of_the_same_rows() {
    assert_eq!(plain(Format::Json, &[]), "[]\n");
    let rows = [row(), joined_row()];
    let array: Vec<Value> = serde_json::from_str(&plain(Format::Json, &rows)).unwrap();
    let lines: Vec<Value> =
        plain(Format::Ndjson, &rows).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(array, lines);
}

fn assert_json_gives_back(text: &str) {
    let line = plain(Format::Ndjson, &[row_of(text)]);
    assert_eq!(line.lines().count(), 1, "{line:?}");
    assert!(!line.trim_end_matches('\n').contains(is_forbidden), "{line:?}");
    let value: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), COLUMNS.iter().collect::<Vec<_>>());
    let expected = if text.is_empty() { Value::Null } else { Value::from(text) };
    for column in ["host", "User", "Image", "CommandLine", "DestinationHostname", "Source", "Why"] {
        assert_eq!(value[column], expected, "{column}");
    }
    assert_eq!(value["Joined"]["CommandLine"]["Own"], expected);
}

#[test]
fn hostile_texts_come_back_exactly_from_json_and_reach_no_terminal() {
    for text in HOSTILE {
        assert_json_gives_back(text);
    }
}

proptest! {
    #[test]
    fn any_text_comes_back_exactly_from_json(text in any::<String>()) {
        assert_json_gives_back(&text);
    }
}
