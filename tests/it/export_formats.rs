//! Rows in every format: the plain ones, and the ones that an attacker wrote.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use exfilscope::export::html::write_report;
use exfilscope::export::{COLUMNS, ExportOptions, Format, is_closed_pipe, write_rows};
use exfilscope::model::event::Field;
use exfilscope::model::row::{AlertRow, EvidenceRow, Explanation, FlagMatch, JoinedField, Signal};
use exfilscope::model::text::{is_forbidden, visible, width};
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
            clause: "push",
            conditions: Vec::new(),
            ci: FlagMatch::default(),
            ide: FlagMatch::default(),
            branch: "a push or an upload, not CI".into(),
            exception: None,
            sentence: "git.exe pushes to github.com, and ws01 is no CI system.".to_owned(),
            difference: None,
            evidence: Vec::new(),
        },
        repository: Some("github.com/a/b".to_owned()),
        owner: Some("github.com/a".to_owned()),
        activity: Some("ws01.corp.example {A1B2C3D4-0001-0002-1020-304050607080}".to_owned()),
        incident: Some(r"CORP\alice to github.com/a since 2026-03-01T13:37:00Z".to_owned()),
        evidence: vec![EvidenceRow {
            item: "new-owner",
            words: "NEW owner",
            points: 3,
            why: "no host pushed to github.com/a before".to_owned(),
            record: Some(1234),
            source: Some("day 1.evtx".to_owned()),
        }],
        evidence_points: 3,
        rows: None,
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
fn ndjson_matches_the_contract_exactly() {
    let expected = concat!(
        r#"{"_time":"2026-03-01T13:37:00.1234567Z","host":"ws01.corp.example","User":"CORP\\alice","#,
        r#""Image":"C:\\Program Files\\Git\\cmd\\git.exe","CommandLine":"git push https://github.com/a/b main","#,
        r#""ParentImage":"C:\\Windows\\System32\\cmd.exe","ParentCommandLine":"cmd.exe /c go.bat","#,
        r#""DestinationHostname":null,"Signal":"GitPushExternal","IsCISystem":0,"IsKnownIDE":0,"#,
        r#""SuspicionScore":3,"EventCode":1,"ProcessGuid":"{A1B2C3D4-0001-0002-1020-304050607080}","#,
        r#""RecordId":1234,"Source":"day 1.evtx","Joined":{},"#,
        r#""Why":"git.exe pushes to github.com, and ws01 is no CI system.","#,
        r#""Repository":"github.com/a/b","Owner":"github.com/a","#,
        r#""Activity":"ws01.corp.example {A1B2C3D4-0001-0002-1020-304050607080}","#,
        r#""Incident":"CORP\\alice to github.com/a since 2026-03-01T13:37:00Z","#,
        r#""Evidence":[{"item":"new-owner","points":3,"why":"no host pushed to github.com/a before","record":1234}],"#,
        r#""EvidencePoints":3}"#,
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
fn empty_text_is_null_unlike_dash() {
    let mut empty = row();
    empty.user = Some(String::new());
    empty.command_line = Some("-".to_owned());
    let value: Value = serde_json::from_str(&plain(Format::Ndjson, &[empty])).unwrap();
    assert_eq!(value["User"], Value::Null);
    assert_eq!(value["CommandLine"], "-");
}

#[test]
fn json_is_one_array_of_rows() {
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
fn hostile_texts_survive_json_without_controls() {
    for text in HOSTILE {
        assert_json_gives_back(text);
    }
}

/// A strict reader of RFC 4180: records end in CR LF, quotes enclose whole cells.
fn csv_records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut record = Vec::new();
        loop {
            let cell;
            if let Some(mut quoted) = rest.strip_prefix('"') {
                let mut inner = String::new();
                loop {
                    let (before, after) = quoted.split_once('"').expect("a closing quote");
                    inner.push_str(before);
                    quoted = after;
                    let Some(after_pair) = quoted.strip_prefix('"') else { break };
                    inner.push('"');
                    quoted = after_pair;
                }
                cell = inner;
                rest = quoted;
            } else {
                let end = rest.find([',', '\r', '\n']).expect("an end of the record");
                let (plain, after) = rest.split_at(end);
                assert!(!plain.contains('"'), "a quote in a plain cell: {plain:?}");
                cell = plain.to_owned();
                rest = after;
            }
            record.push(cell);
            match rest.strip_prefix(',') {
                Some(after) => rest = after,
                None => break,
            }
        }
        rest = rest.strip_prefix("\r\n").unwrap_or_else(|| panic!("a record ends in CR LF: {rest:?}"));
        records.push(record);
    }
    records
}

/// Returns whether a cell is a formula once its blanks and quotes are removed. An apostrophe prevents it.
fn is_formula(cell: &str) -> bool {
    let bare = cell.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
    bare.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r'])
}

/// The text of a cell without the apostrophes that keep it from being a formula, as the format describes it.
fn unguarded(cell: &str) -> String {
    let mut text = String::new();
    let mut begins = true;
    let mut rest = cell;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        let bare = after.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
        let is_guard = begins && character == '\'' && is_formula(bare);
        if !is_guard {
            text.push(character);
        }
        begins = matches!(character, ';' | '|');
        rest = after;
    }
    text
}

fn assert_csv_gives_back(text: &str) {
    let written = plain(Format::Csv, &[row_of(text), row()]);
    assert!(!written.replace("\r\n", "").contains(is_forbidden), "{written:?}");
    // A reader with another separator splits the lines there.
    for (line, separator) in written.lines().flat_map(|line| [(line, ';'), (line, '|'), (line, '\t')]) {
        let cells = line.split(separator).skip(1);
        assert!(!cells.clone().any(is_formula), "{separator:?}: {:?}", cells.collect::<Vec<_>>());
    }
    let records = csv_records(&written);
    assert_eq!(records.len(), 3, "{written:?}");
    assert_eq!(records[0], COLUMNS);
    for (column, cell) in COLUMNS.iter().zip(&records[1]) {
        assert!(!is_formula(cell) || cell == "-", "{column}: {cell:?}");
    }
    for (index, column) in COLUMNS.iter().enumerate() {
        if ["host", "User", "CommandLine", "ProcessGuid", "Source", "Why"].contains(column) {
            let cell = &records[1][index];
            let shown = visible(text);
            assert_eq!(unguarded(cell), *shown, "{column}: {cell:?}");
        }
    }
}

#[test]
fn csv_cells_read_back_without_formulas() {
    for text in HOSTILE {
        assert_csv_gives_back(text);
    }
    assert_eq!(plain(Format::Csv, &[]), format!("{}\r\n", COLUMNS.join(",")));
}

#[test]
fn csv_names_origin_of_joined_fields() {
    let records = csv_records(&plain(Format::Csv, &[joined_row()]));
    let joined = COLUMNS.iter().position(|column| *column == "Joined").unwrap();
    assert_eq!(
        records[1][joined],
        "CommandLine from Event 1, record 7, day 1.evtx; DestinationHostname from Event 22, dns.evtx (own value: -)"
    );
    assert_eq!(records[1][..2], ["", "ws01.corp.example"]);
}

fn table(rows: &[AlertRow], width: Option<usize>, color: bool) -> String {
    let options = ExportOptions {
        reveal_secrets: true,
        table_width: width,
        color,
        summary: Some("2 alerts in 1,234 records of 2 files".to_owned()),
        ..ExportOptions::default()
    };
    written(Format::Table, rows, &options)
}

#[test]
fn table_is_aligned_within_the_terminal() {
    assert_eq!(
        table(&[row(), joined_row()], Some(120), false),
        "\
Score  Time (UTC)           Host            User        Signal    Program  Destination  Command line
    3  2026-03-01 13:37:00  ws01.corp.exa…  CORP\\alice  git-push  git.exe               git push https://github.com/a/b…
    2                       ws01.corp.exa…  CORP\\alice  net       git.exe  *github.com  *git-remote-https origin
* joined: it comes from another event of the same process
2 alerts in 1,234 records of 2 files
"
    );
    assert_eq!(
        table(&[row()], Some(60), false),
        "\
Score  Time (UTC)           Signal    Command line
    3  2026-03-01 13:37:00  git-push  git push https://gith…
2 alerts in 1,234 records of 2 files
"
    );
    assert_eq!(
        table(&[row()], None, false).lines().nth(1).unwrap(),
        "    3  2026-03-01 13:37:00  ws01.corp.example  CORP\\alice  GitPushExternal  git.exe               \
         git push https://github.com/a/b main"
    );
    assert_eq!(table(&[], Some(80), false), "2 alerts in 1,234 records of 2 files\n");
}

#[test]
fn the_score_carries_the_colour() {
    let colored = table(&[row()], Some(80), true);
    assert!(colored.starts_with("\u{1b}[1mScore  "), "{colored:?}");
    assert!(colored.contains("\n\u{1b}[1;31m    3\u{1b}[0m  2026"), "{colored:?}");
    let mut bare = colored;
    for escape in ["\u{1b}[1m", "\u{1b}[1;31m", "\u{1b}[0m"] {
        bare = bare.replace(escape, "");
    }
    assert_eq!(bare, table(&[row()], Some(80), false));
}

fn assert_table_is_harmless(text: &str, columns: usize) {
    let rows = [row(), row_of(text), joined_row()];
    let shown = table(&rows, Some(columns), false);
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 6, "{shown:?}");
    for line in lines {
        assert!(width(line) <= columns, "{line:?} is wider than {columns}");
        assert!(!line.contains(is_forbidden), "{line:?}");
    }
    let whole = table(&rows, None, false);
    assert!(!whole.replace('\n', "").contains(is_forbidden), "{whole:?}");
}

#[test]
fn table_any_content_fits_the_terminal() {
    for text in HOSTILE {
        for columns in [0, 1, 4, 5, 10, 20, 40, 60, 80, 120, 200] {
            assert_table_is_harmless(text, columns);
        }
    }
}

#[test]
fn wide_characters_keep_the_columns() {
    let mut wide = row();
    wide.host = Some("東京".to_owned());
    let shown = table(&[wide, row()], Some(120), false);
    let ends: Vec<_> =
        shown.lines().skip(1).take(2).map(|line| width(line.split_once("CORP").unwrap().0)).collect();
    assert_eq!(ends[0], ends[1], "{shown}");
}

/// The text with its code spans and character references taken out: what Markdown could read as markup.
fn markup_of(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

fn assert_markdown_is_harmless(text: &str) {
    let options = ExportOptions {
        reveal_secrets: true,
        title: Some(text.to_owned()),
        summary: Some(text.to_owned()),
        ..ExportOptions::default()
    };
    let tame = written(
        Format::Markdown,
        &[row_of("tame")],
        &ExportOptions { summary: Some("tame".to_owned()), ..options.clone() },
    );
    let shown = written(Format::Markdown, &[row_of(text)], &options);
    assert!(!shown.replace('\n', "").contains(is_forbidden), "{shown:?}");
    assert!(!shown.contains(['<', '>']), "{shown:?}");
    if !text.is_empty() {
        assert_eq!(shown.lines().count(), tame.lines().count(), "{shown}");
    }
    for line in shown.lines() {
        assert_eq!(line.matches('`').count() % 2, 0, "a span is open: {line}");
        assert!(!line.contains("``"), "an empty span or a longer fence: {line}");
        let pipes = line.matches('|').count();
        assert!(pipes == 0 || pipes == 9, "{line}");
        let markup = markup_of(line);
        assert!(!markup.contains(['[', ']', '*', '_', '~', '@', '\\', '$', '{']), "{line}");
    }
}

#[test]
fn nothing_breaks_out_of_markdown() {
    for text in HOSTILE {
        assert_markdown_is_harmless(text);
    }
}

#[test]
fn markdown_holds_table_and_details() {
    let options = ExportOptions { reveal_secrets: true, ..ExportOptions::default() };
    assert_eq!(
        written(Format::Markdown, &[joined_row()], &options),
        "\
# Exfiltration to code repositories (MITRE ATT&CK T1567.001)

| # | Score | Time (UTC) | Host | User | Signal | Program | Destination |
|---|---|---|---|---|---|---|---|
| 1 | 2 |  | `ws01.corp.example` | `CORP\\alice` | NetworkConnectionToCodeRepo | `git.exe` | `github.com` |

## 1. NetworkConnectionToCodeRepo, score 2

- Why: `git.exe` pushes to `github.com`, and ws01 is no CI system.
- Host: `ws01.corp.example`
- User: `CORP\\alice`
- Program: `C:\\Program Files\\Git\\cmd\\git.exe`
- Command line: `git-remote-https origin`
- Parent: `C:\\Windows\\System32\\cmd.exe`
- Parent's command line: `cmd.exe /c go.bat`
- Destination: `github.com`
- Process: `{A1B2C3D4-0001-0002-1020-304050607080}`
- From: Event 3, `day 1.evtx`
- Joined: CommandLine from Event 1, record 7, `day 1.evtx`
- Joined: DestinationHostname from Event 22, `dns.evtx`, own value `-`
"
    );
    assert!(plain(Format::Markdown, &[]).ends_with("\n\nNo alerts.\n"));
}

#[test]
fn sarif_has_what_its_readers_need() {
    let mut suppressed = row();
    suppressed.suspicion_score = 0;
    let log: Value = serde_json::from_str(&plain(Format::Sarif, &[row(), joined_row(), suppressed])).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "exfilscope");
    let rules: Vec<_> = driver["rules"].as_array().unwrap().iter().map(|rule| rule["id"].clone()).collect();
    assert_eq!(rules, ["GitPushExternal", "CodeRepoAPIUpload", "NetworkConnectionToCodeRepo"]);
    assert_eq!(run["taxonomies"][0]["taxa"][0]["id"], "T1567.001");

    let results = run["results"].as_array().unwrap();
    let levels: Vec<_> = results.iter().map(|result| (&result["kind"], &result["level"])).collect();
    assert_eq!(
        levels.iter().map(|(kind, level)| format!("{kind} {level}")).collect::<Vec<_>>(),
        [r#""fail" "error""#, r#""fail" "warning""#, r#""informational" "none""#]
    );
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(driver["rules"][index]["id"], result["ruleId"]);
    }
    let first = &results[0];
    assert_eq!(first["message"]["text"], "git.exe pushes to github.com, and ws01 is no CI system.");
    assert_eq!(first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "day%201.evtx");
    assert_eq!(
        first["partialFingerprints"]["hostRecordTime/v1"],
        "ws01.corp.example|1234|1772372220.123456700"
    );
    assert_eq!(
        first["properties"],
        serde_json::from_str::<Value>(&plain(Format::Ndjson, &[row()])).unwrap(),
        "the property bag is the row"
    );
}

#[test]
fn sarif_names_non_signal_where_present() {
    let mut unknown = row();
    unknown.signal = Signal::Unknown;
    unknown.suspicion_score = 0;
    let log: Value = serde_json::from_str(&plain(Format::Sarif, &[unknown])).unwrap();
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][3]["id"], "Unknown");
    let empty: Value = serde_json::from_str(&plain(Format::Sarif, &[])).unwrap();
    assert_eq!(empty["runs"][0]["results"], Value::Array(Vec::new()));
}

fn assert_sarif_is_harmless(text: &str) {
    let written = plain(Format::Sarif, &[row_of(text)]);
    assert!(!written.replace('\n', "").contains(is_forbidden), "{written:?}");
    let log: Value = serde_json::from_str(&written).unwrap();
    let result = &log["runs"][0]["results"][0];
    let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
    assert!(
        !uri.is_empty() && uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte)),
        "{uri}"
    );
    let expected = if text.is_empty() { Value::Null } else { Value::from(text) };
    assert_eq!(result["properties"]["CommandLine"], expected);
    assert!(!result["message"]["text"].as_str().unwrap().contains("]("));
}

#[test]
fn hostile_texts_stay_texts_in_sarif() {
    for text in HOSTILE {
        assert_sarif_is_harmless(text);
    }
}

fn report(rows: &[AlertRow], options: &ExportOptions) -> String {
    let mut out = Vec::new();
    write_report(&mut out, &mut rows.iter(), options).unwrap();
    String::from_utf8(out).unwrap()
}

/// The names of a page's tags, in order.
fn tags_of(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|tag| tag.split([' ', '>']).next().unwrap()).collect()
}

fn assert_report_is_harmless(text: &str) {
    let options = |text: &str| ExportOptions {
        reveal_secrets: true,
        title: Some(text.to_owned()),
        summary: Some(text.to_owned()),
        ..ExportOptions::default()
    };
    let shown = report(&[row_of(text)], &options(text));
    assert!(!shown.replace('\n', "").contains(is_forbidden), "{shown:?}");
    if !text.is_empty() {
        let tame = report(&[row_of("tame")], &options("tame"));
        assert_eq!(tags_of(&shown), tags_of(&tame), "{shown}");
        assert_eq!(shown.matches('"').count(), tame.matches('"').count(), "{shown}");
    }
}

#[test]
fn nothing_breaks_out_of_a_report() {
    for text in HOSTILE {
        assert_report_is_harmless(text);
    }
    let whole = report(&[row(), joined_row()], &ExportOptions::default());
    assert!(whole.contains(r#"<p class="s3">Score 3: 1</p>"#), "{whole}");
    assert!(whole.contains("<title>Exfiltration to code repositories (MITRE ATT&amp;CK T1567.001)</title>"));
    assert!(report(&[], &ExportOptions::default()).contains("<p>No alerts.</p>"));
}

#[test]
fn tokens_are_masked_unless_revealed() {
    let token = format!("ghp_{}", "aB3dE6gH9".repeat(4));
    let mut secret = row_of(&format!("curl -H 'Authorization: token {token}' https://api.github.com/gists"));
    secret.source = "day1.evtx".to_owned();
    for joined in &mut secret.joined {
        joined.source = "day1.evtx".to_owned();
    }
    for format in Format::ALL {
        let options = ExportOptions { summary: Some("1 alert".to_owned()), ..ExportOptions::default() };
        let masked = written(format, std::slice::from_ref(&secret), &options);
        assert!(!masked.contains(&token), "{format}: {masked}");
        assert!(masked.contains("****"), "{format}: {masked}");
        let revealed = plain(format, std::slice::from_ref(&secret));
        assert!(revealed.contains(&token), "{format}: {revealed}");
    }
    let masked = report(&[secret], &ExportOptions::default());
    assert!(!masked.contains(&token) && masked.contains("****"), "{masked}");
}

#[test]
fn closed_pipe_error_is_passed_through() {
    struct Closed;
    impl std::io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for format in Format::ALL {
        let error =
            write_rows(&mut Closed, format, &mut [row()].iter(), &ExportOptions::default()).unwrap_err();
        assert!(is_closed_pipe(&error), "{format}");
    }
}

/// Text as an attacker would write it: everything, with what the formats live by often.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => any::<char>().prop_map(String::from),
        3 => proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        3 => proptest::sample::select(vec![
            "`", "``", "|", "\\", "\\|", "\"", "'", ",", ";", "=", "-", "@", "\r", "\n", "\r\n", " ", "  ", "<", "&", "&#124;",
            "<U+", "[", "](", "{", "}", "*", "_", "\u{3000}", "\u{301}", "東",
        ]).prop_map(str::to_owned),
        2 => "[ -~]{0,6}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn json_any_text_reads_back_exactly(text in hostile()) {
        assert_json_gives_back(&text);
    }

    #[test]
    fn any_text_reads_back_from_csv(text in hostile()) {
        assert_csv_gives_back(&text);
    }

    #[test]
    fn any_text_keeps_to_its_table(text in hostile(), columns in 0_usize..180) {
        assert_table_is_harmless(&text, columns);
    }

    #[test]
    fn markdown_any_text_stays_in_cell(text in hostile()) {
        assert_markdown_is_harmless(&text);
    }

    #[test]
    fn report_any_text_stays_in_field(text in hostile()) {
        assert_report_is_harmless(&text);
    }

    #[test]
    fn sarif_any_text_stays_a_text(text in hostile()) {
        assert_sarif_is_harmless(&text);
    }
}
