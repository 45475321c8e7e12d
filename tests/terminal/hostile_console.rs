//! Attacker-controlled content of a log or of a file's name, and a terminal that is not as it should be, held against
//! the whole program on a pseudo-terminal.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use crate::pty;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use exfilscope::model::text::{is_forbidden, unescape};
use pty::{Console, Key, PATIENCE};
use serde_json::json;
use vt100::Screen;

/// A title, a clear screen, a copy into the clipboard, eight-bit controls, a line that is turned round, letters without
/// width, and more marks than a letter has room for; each part is plain where it is shown.
const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{1b}]52;c;b3duZWQ=\u{7}\u{9b}31m\u{90}q\u{202e}txt\u{2066}a\u{200b}b\u{feff}\u{ad}\
    Z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\r\u{8}\u{7f}";

fn event(number: u32, text: &str) -> serde_json::Value {
    json!({"UtcTime": format!("2026-03-01 13:37:{:02}.000", number % 60), "Hostname": format!("ws{text}"), "EventID": 1,
        "SourceName": "Microsoft-Windows-Sysmon", "RecordNumber": number, "User": format!("CORP\\u{text}"),
        "Image": format!("C:\\{text}\\git.exe"), "ParentImage": format!("C:\\p{text}.exe"),
        "CurrentDirectory": format!("C:\\{text}"), "ParentCommandLine": format!("cmd {text}"),
        "CommandLine": format!("git push https://github.com/df/{text} main")})
}

fn write_log(path: &Path, texts: &[&str]) {
    let lines: Vec<String> =
        (1..).zip(texts).map(|(number, text)| event(number, text).to_string() + "\n").collect();
    fs::write(path, lines.concat()).unwrap();
}

fn is_loaded(screen: &Screen) -> bool {
    let text = screen.contents();
    text.contains("Alerts") && !text.contains("reading") && text.contains("quit")
}

/// A console on a log, read to its end.
fn console(arguments: &[PathBuf], rows: u16, columns: u16, environment: &[(&str, &str)]) -> Console {
    let console = Console::start_with(arguments, rows, columns, environment);
    console.wait_for(|screen: &Screen| is_loaded(screen), PATIENCE);
    console
}

/// Types keys, and waits until they have been answered.
fn press(console: &mut Console, keys: &str) {
    let before = console.bytes_written();
    console.keys(keys);
    let begun = Instant::now();
    while console.bytes_written() == before && begun.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    console.wait_for_quiet(Duration::from_millis(50), PATIENCE);
}

#[track_caller]
fn assert_screen_is_harmless(console: &Console, doing: &str) {
    let screen = console.screen();
    let odd = screen.chars().find(|c| is_forbidden(*c) && *c != '\n');
    assert_eq!(odd, None, "after {doing}:\n{screen}");
    let floods =
        screen.split(|c: char| !('\u{300}'..='\u{36f}').contains(&c)).any(|run| run.chars().count() > 4);
    assert!(!floods, "after {doing}:\n{screen}");
    assert!(!screen.contains("<U+003C>"), "an escape was escaped, after {doing}:\n{screen}");
}

/// Checks the output to the terminal, its own sequences taken out: the rest came from elsewhere.
#[track_caller]
fn assert_transcript_is_harmless(transcript: &[u8]) {
    let text = String::from_utf8(transcript.to_vec()).unwrap();
    let odd = text.char_indices().find(|(_, c)| is_forbidden(*c) && !"\u{1b}\u{7}\r\n\u{8}".contains(*c));
    assert_eq!(odd, None, "{:?}", odd.and_then(|(at, _)| text.get(at.saturating_sub(40)..at)));
    for sequence in ["\u{1b}]0;owned", "\u{1b}]52;c;b3duZWQ=", "\u{1b}P"] {
        assert!(!text.contains(sequence), "{sequence:?}");
    }
}

#[test]
fn hostile_texts_never_control_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join(format!("log{}.json", HOSTILE.replace('/', "")));
    write_log(&log, &["plain", HOSTILE, "\u{202e}", "東京\u{301}"]);
    let gone = folder.path().join(format!("gone{HOSTILE}"));
    let mut console = console(&[log, gone], 40, 160, &[("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")]);
    assert!(console.screen().contains("<U+202E>"), "escapes are seen:\n{}", console.screen());
    for keys in ["j", "z", "j", "j", "z", "b", "b", "b", "g", "r", "e", "3", "4", "5", "2", "?"] {
        press(&mut console, keys);
        assert_screen_is_harmless(&console, keys);
        if "re3452?".contains(keys) {
            press(&mut console, "\u{1b}");
        }
    }
    // Messages about a command, a filter and a file's name.
    for line in
        [format!(":nothing{HOSTILE}"), format!("/cmd~({HOSTILE}"), format!(":export csv /none{HOSTILE}/x")]
    {
        let (key, rest) = line.split_at(1);
        press(&mut console, key);
        // A terminal pastes no escapes; eight-bit controls it does.
        let pasted = rest.replace(['\u{1b}', '\u{7}', '\r', '\u{8}', '\u{7f}'], "\u{9b}");
        for keys in [&format!("\u{1b}[200~{pasted}\u{1b}[201~"), "\r", "\u{1b}", "\u{1b}"] {
            press(&mut console, keys);
            assert_screen_is_harmless(&console, &line);
        }
    }
    // No groups any more: each row's command line and the row itself, into the clipboard.
    press(&mut console, "bbbg");
    assert!(console.with_screen(is_loaded), "{}", console.screen());
    for _ in 0..6 {
        press(&mut console, "y");
        press(&mut console, "Y");
        press(&mut console, "j");
    }
    let copied = console.with_asides(|asides| asides.clipboard.clone());
    let texts: Vec<String> =
        copied.iter().map(|text| String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()).collect();
    assert!(texts.iter().any(|text| text.contains("<U+202E>txt")), "{texts:?}\n{}", console.screen());
    for text in &texts {
        assert_eq!(text.chars().find(|c| is_forbidden(*c)), None, "{text:?}");
    }
    assert_eq!(console.with_asides(|asides| asides.title.clone()).as_deref(), Some("exfilscope"));
    assert_eq!(console.with_asides(|asides| asides.bells), 0);
    assert_transcript_is_harmless(&console.transcript());
    console.key(Key::Ctrl('c'));
    assert!(console.wait_for_end(PATIENCE).success());
}

#[test]
fn table_escapes_are_harmless_and_reversible() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join(format!("log{}.json", HOSTILE.replace('/', "")));
    write_log(&log, &["plain", HOSTILE]);
    let program = env!("CARGO_BIN_EXE_exfilscope");
    let arguments: [&std::ffi::OsStr; 4] =
        ["scan".as_ref(), "--format".as_ref(), "table".as_ref(), log.as_ref()];
    let mut table = Console::spawn(program, arguments, 60, 400, &[]);
    assert_eq!(table.wait_for_end(PATIENCE).exit_code(), 1);
    assert_screen_is_harmless(&table, "scan");
    assert_transcript_is_harmless(&table.transcript());
    assert_eq!(table.with_asides(|asides| asides.title.clone()), None);
    let pieces: Vec<String> = table.lines().iter().map(|line| unescape(line)).collect();
    assert!(pieces.iter().any(|line| line.contains("\u{9b}31m\u{90}q\u{202e}txt")), "{pieces:#?}");
}

#[test]
fn wide_characters_keep_the_columns() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.json");
    let texts = [
        "plain",
        "東京東京東京東京東京",
        "e\u{301}e\u{301}e\u{301}",
        "\u{202e}x",
        "ﾊﾝﾊﾝ",
        "한국어한국어",
        "👩\u{200d}👩",
    ];
    write_log(&log, &texts);
    for columns in [80, 120, 200] {
        let mut console = console(std::slice::from_ref(&log), 40, columns, &[]);
        console.wait_for_quiet(Duration::from_millis(100), PATIENCE);
        let cell = |screen: &Screen, row, column| {
            screen.cell(row, column).map_or(String::new(), |cell| cell.contents().to_owned())
        };
        // The signal comes after host and user, which hold the texts.
        let starts: Vec<u16> = console.with_screen(|screen| {
            let is_signal = |row, column| {
                let text: String = (column..column + 6).map(|column| cell(screen, row, column)).collect();
                ["git-pu", "GitPus"].contains(&text.as_str())
            };
            (3..20).filter_map(|row| (0..columns - 6).find(|column| is_signal(row, *column))).collect()
        });
        assert!(starts.len() >= texts.len(), "{}", console.screen());
        assert!(
            starts[..texts.len()].iter().all(|start| *start == starts[0]),
            "{starts:?}\n{}",
            console.screen()
        );
        assert!(console.quit().success());
    }
}

#[test]
fn thousand_quick_resizes_are_survived() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hostile.evtx");
    let mut console = Console::start([log], 1, 1);
    let begun = Instant::now();
    for number in 0..1_000_u16 {
        let (rows, columns) = match number % 4 {
            0 => (1, 1),
            1 => (1 + number % 70, 1 + number % 250),
            2 => (1, 200),
            _ => (60, 1 + number % 13),
        };
        console.resize(rows, columns);
        if number % 50 == 0 {
            console.keys(["j", "?", "?", "z", "3", "q", "2", "q"][usize::from(number / 50 % 8)]);
        }
        let due = Duration::from_millis(u64::from(number));
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    console.resize(40, 120);
    console.key(Key::Esc);
    console.wait_for("exfilscope  hostile.evtx", PATIENCE);
    console.wait_for_quiet(Duration::from_millis(300), PATIENCE);
    console.key(Key::Ctrl('c'));
    assert!(console.wait_for_end(PATIENCE).success());
}

#[test]
fn bare_environment_console_respects_locale() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.json");
    write_log(&log, &["Jürgen", "\u{26db}\u{26c0}", "東京"]);
    let program = env!("CARGO_BIN_EXE_exfilscope");
    let begin = ["-i", "TERM=xterm"];
    for (locale, is_ascii) in
        [(None, false), (Some("LC_ALL=C"), false), (Some("LANG=de_DE.ISO-8859-1"), true)]
    {
        for command in [None, Some("scan")] {
            let mut arguments: Vec<&std::ffi::OsStr> = begin.iter().map(AsRef::as_ref).collect();
            arguments.extend(locale.map(std::ffi::OsStr::new));
            arguments.push(program.as_ref());
            arguments.extend(command.map(std::ffi::OsStr::new));
            arguments.push(log.as_os_str());
            let mut console = Console::spawn("env", arguments, 40, 160, &[]);
            if command.is_none() {
                console.wait_for(|screen: &Screen| is_loaded(screen), PATIENCE);
                console.keys("z?");
                console.wait_for("Help", PATIENCE);
                console.keys("?");
                console.wait_for_quiet(Duration::from_millis(100), PATIENCE);
                console.key(Key::Ctrl('c'));
                assert!(console.wait_for_end(PATIENCE).success(), "{locale:?}");
            } else {
                assert_eq!(console.wait_for_end(PATIENCE).exit_code(), 1, "{locale:?}");
            }
            let transcript = console.transcript();
            let beyond = transcript.iter().filter(|byte| !byte.is_ascii()).count();
            assert_eq!(
                beyond == 0,
                is_ascii,
                "{locale:?}, {command:?}: {beyond} bytes\n{}",
                console.screen()
            );
            let shown = String::from_utf8(transcript).unwrap();
            assert_eq!(shown.contains("J<U+00FC>rgen"), is_ascii, "{locale:?}, {command:?}");
        }
    }
}
