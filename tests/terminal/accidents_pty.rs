//! The console in a pseudo-terminal, one accident a test: a batch, a key or a signal at the wrong moment.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use vt100::Screen;

use crate::pty;
use pty::{Console, Key, PATIENCE};

/// A push as a line of JSON, a second after the one before.
fn push(record: u32, repository: &str) -> String {
    event(record, &format!("09:00:{record:02}"), repository)
}

fn event(record: u32, clock: &str, repository: &str) -> String {
    format!(
        r##"{{"Event":{{"System":{{"Provider":{{"#attributes":{{"Name":"Microsoft-Windows-Sysmon"}}}},"EventID":1,"TimeCreated":{{"#attributes":{{"SystemTime":"2026-03-11T{clock}Z"}}}},"EventRecordID":{record},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"WS-1"}},"EventData":{{"Image":"C:\\git\\git.exe","CommandLine":"git push https://github.com/a/{repository}"}}}}}}"##
    )
}

struct Log {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("day.json");
        fs::write(&path, "").unwrap();
        Self { path, _folder: folder }
    }

    fn put(&self, record: u32, repository: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(&self.path).unwrap();
        writeln!(file, "{}", push(record, repository)).unwrap();
    }
}

fn says(part: &str) -> impl Fn(&Screen) -> bool {
    let part = part.to_owned();
    move |screen: &Screen| screen.contents().contains(&part)
}

fn lacks(part: &str) -> impl Fn(&Screen) -> bool {
    let part = part.to_owned();
    move |screen: &Screen| !screen.contents().contains(&part)
}

/// A console that follows a log with one alert, `a/first`, on the screen.
fn following(log: &Log) -> Console {
    let console = Console::start([OsStr::new("--follow"), log.path.as_os_str()], 24, 80);
    log.put(1, "first");
    console.wait_for(says("a/first"), PATIENCE);
    console.wait_for(says("following 1 file"), PATIENCE);
    console
}

fn four_tests() -> Console {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/four-tests.evtx");
    let console = Console::start([log], 24, 80);
    console.wait_for(says("Alerts 10"), PATIENCE);
    console
}

#[test]
fn verdict_stays_on_its_alert() {
    let log = Log::new();
    let mut console = following(&log);
    console.keys("d");
    console.wait_for(says("Verdict on WS-1 record 1: git push https://github.com/a/first?"), PATIENCE);
    log.put(2, "second");
    console.wait_for(says("Alerts 2"), PATIENCE);
    assert!(console.screen().contains("Verdict on WS-1 record 1:"), "{}", console.screen());
    console.keys("m");
    console.wait_for(says("Marked malicious: WS-1 record 1 ("), PATIENCE);
    let case = console.in_home(".config/exfilscope/case.ndjson");
    console.wait_for(move |_: &Screen| case.exists(), PATIENCE);
    let case = fs::read_to_string(console.in_home(".config/exfilscope/case.ndjson")).unwrap();
    assert!(case.contains("\"RecordId\":1,") && !case.contains("\"RecordId\":2,"), "{case}");
    assert!(console.quit().success());
}

#[test]
fn note_and_report_keep_their_alert() {
    let log = Log::new();
    let mut console = following(&log);
    console.keys("N");
    log.put(2, "second");
    console.wait_for(says("Alerts 2"), PATIENCE);
    console.keys("ours");
    console.key(Key::Enter);
    console.wait_for(says("Noted: WS-1 record 1 ("), PATIENCE);
    console.keys("R");
    log.put(3, "third");
    console.wait_for(says("Alerts 3"), PATIENCE);
    let file = console.in_home("report.md");
    console.keys(&file.to_string_lossy());
    console.key(Key::Enter);
    console.wait_for(says("1 alert is in"), PATIENCE);
    let report = fs::read_to_string(&file).unwrap();
    assert!(report.contains("a/first") && !report.contains("a/third"), "{report}");
    assert!(console.quit().success());
}

#[test]
fn newer_alert_never_swaps_the_detail() {
    let log = Log::new();
    let mut console = following(&log);
    // Longer than the first moments, in which nothing was read yet.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    for (record, name) in [(2, "second"), (3, "third")] {
        log.put(record, name);
        console.wait_for(says(&format!("Alerts {record}")), PATIENCE);
        let screen = console.screen();
        let (_, detail) = screen.split_once("Detail").unwrap();
        assert!(detail.contains("record 1 ") || detail.contains("a/first"), "{screen}");
    }
    assert!(console.quit().success());
}

#[test]
fn match_all_needs_a_second_enter() {
    let mut console = four_tests();
    console.keys("c|");
    console.wait_for(says("an empty branch matches every text"), PATIENCE);
    console.key(Key::Enter);
    console.wait_for(says("would silence everything"), PATIENCE);
    console.key(Key::Esc);
    console.wait_for(says("Alerts 10"), PATIENCE);
    // Tab keeps nothing by itself, and Esc restores both.
    console.keys("c|ws-4711");
    console.wait_for(says("Alerts 0"), PATIENCE);
    console.key(Key::Tab);
    console.wait_for(says("ci-host is edited too"), PATIENCE);
    console.key(Key::Esc);
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.keys("c|");
    console.key(Key::Enter);
    console.wait_for(says("would silence everything"), PATIENCE);
    console.key(Key::Enter);
    console.wait_for(says("not saved"), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn leaving_with_unsaved_patterns_asks() {
    for (first, again) in [("q", "q"), ("\x03", "\x03"), ("q", "y"), ("\x03", "q")] {
        let mut console = four_tests();
        console.keys("c|ws-4711");
        console.key(Key::Enter);
        console.wait_for(says("not saved"), PATIENCE);
        console.keys(first);
        console.wait_for(says("Quit anyway?"), PATIENCE);
        console.key(Key::Esc);
        console.wait_for(lacks("Quit anyway?"), PATIENCE);
        assert!(console.is_running());
        console.keys(first);
        console.wait_for(says("Quit anyway?"), PATIENCE);
        console.keys(again);
        assert!(console.wait_for_end(PATIENCE).success(), "{first:?} {again:?}");
    }
}

#[test]
fn signals_end_without_a_question() {
    use rustix::process::{Pid, Signal, kill_process};
    for signal in [Signal::TERM, Signal::HUP] {
        let mut console = four_tests();
        console.keys("c|ws-4711");
        console.key(Key::Enter);
        console.wait_for(says("not saved"), PATIENCE);
        let id = Pid::from_raw(i32::try_from(console.process_id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
        console.wait_for_end(PATIENCE);
    }
}

#[test]
fn escape_leaves_the_feed_alone() {
    let log = Log::new();
    let mut console = following(&log);
    for _ in 0..5 {
        console.key(Key::Esc);
    }
    console.wait_for(says("Nothing to go back from"), PATIENCE);
    log.put(2, "second");
    console.wait_for(says("Alerts 2"), PATIENCE);
    console.keys(":stop");
    console.key(Key::Enter);
    console.wait_for(says("Stop reading?"), PATIENCE);
    console.key(Key::Esc);
    log.put(3, "third");
    console.wait_for(says("Alerts 3"), PATIENCE);
    console.keys(":stop");
    console.key(Key::Enter);
    console.wait_for(says("Stop reading?"), PATIENCE);
    console.keys("y");
    console.wait_for(says("reading stopped"), PATIENCE);
    log.put(4, "fourth");
    // It is there, and is not taken in.
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(console.screen().contains("Alerts 3"), "{}", console.screen());
    console.keys(":resume");
    console.key(Key::Enter);
    console.wait_for(says("Alerts 4"), PATIENCE);
    assert!(console.quit().success());
}

/// Alerts enough that an export of them is many pieces.
const MANY: u32 = 6_000;

/// A console on many alerts, all of them on the list.
fn many_alerts(log: &Log) -> Console {
    // All of one second: the record number orders them.
    let lines: String =
        (0..MANY).map(|record| event(record, "09:30:00", &format!("r{record:05}")) + "\n").collect();
    fs::write(&log.path, lines).unwrap();
    let mut console = Console::start([log.path.as_os_str()], 50, 120);
    console.wait_for(says("Alerts 6,000"), PATIENCE);
    console.wait_for(lacks("reading"), PATIENCE);
    console.keys("g");
    console.wait_for(says("a/r05999"), PATIENCE);
    console
}

/// Text of the screen after each frame.
fn frames(console: &Console) -> Vec<String> {
    let transcript = console.transcript();
    let mut parser = vt100::Parser::new(NonZeroU16::new(50).unwrap(), NonZeroU16::new(120).unwrap(), 0);
    let mut frames = Vec::new();
    for part in transcript.split_inclusive(|byte| *byte == b'\x1b') {
        parser.process(part);
        frames.push(parser.screen().contents());
    }
    frames
}

#[test]
fn keys_answer_during_export() {
    let log = Log::new();
    let mut console = many_alerts(&log);
    let file = console.in_home("rows.md");
    console.keys(&format!(":export markdown {}\rjjjjj", file.display()));
    console.wait_for(says("6,000 rows are in"), PATIENCE);
    let frames = frames(&console);
    let end = frames.iter().position(|frame| frame.contains("6,000 rows are in")).unwrap();
    let before = &frames[..end];
    assert!(before.iter().any(|frame| frame.contains("Writing 6,000 rows to rows.md; ^X stops it.")));
    let header = |frame: &String| frame.lines().next().is_some_and(|line| line.contains("writing rows.md"));
    assert!(before.iter().any(header), "the header says so");
    // The five keys had their frame before the file was whole.
    let moved = |frame: &String| {
        header(frame) && frame.split("Detail").nth(1).is_some_and(|detail| detail.contains("a/r05994"))
    };
    assert!(before.iter().any(moved), "{}", before.last().unwrap());
    let rows = fs::read_to_string(&file).unwrap();
    assert_eq!(rows.matches("git push https").count(), MANY as usize);
    assert!(console.quit().success());
}

#[test]
fn stopped_export_leaves_no_file() {
    let log = Log::new();
    let mut console = many_alerts(&log);
    let file = console.in_home("rows.ndjson");
    console.keys(&format!(":export ndjson {}\r\x18", file.display()));
    console.wait_for(says("was stopped; nothing was written"), PATIENCE);
    console.wait_for(lacks("writing"), PATIENCE);
    assert!(!file.exists());
    let left = fs::read_dir(console.home()).unwrap().flatten();
    let parts: Vec<_> = left.filter(|entry| entry.file_name().to_string_lossy().contains(".part")).collect();
    assert!(parts.is_empty(), "{parts:?}");
    console.key(Key::Ctrl('x'));
    console.wait_for(says("Nothing is being written."), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn leaving_during_an_export_asks() {
    let log = Log::new();
    for answer in ["", "y"] {
        let mut console = many_alerts(&log);
        let file = console.in_home("rows.ndjson");
        console.keys(&format!(":export ndjson {}\rq", file.display()));
        if !answer.is_empty() {
            console.keys(answer);
        }
        // Without an answer it ends when the file is whole.
        assert!(console.wait_for_end(PATIENCE).success());
        if answer.is_empty() {
            let asks = |frame: &String| frame.contains("Writing rows.ndjson is not done");
            assert!(frames(&console).iter().any(asks));
            assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), MANY as usize);
        }
        let left = fs::read_dir(console.home()).unwrap().flatten();
        assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().contains(".part")));
    }
}
