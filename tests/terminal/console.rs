//! The whole program on a pseudo-terminal: what an analyst does with it, key by key.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use crate::pty;

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pty::{Console, Key, PATIENCE};
use vt100::Screen;

const QUIET: Duration = Duration::from_millis(300);

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The console on the four tests, read to their end.
fn four_tests(rows: u16, columns: u16) -> Console {
    let console = Console::start([fixture("four-tests.evtx")], rows, columns);
    console.wait_for(|screen: &Screen| is_loaded(screen), PATIENCE);
    console
}

fn is_loaded(screen: &Screen) -> bool {
    let text = screen.contents();
    text.contains("Alerts") && !text.contains("reading") && text.contains("quit")
}

fn says(part: &'static str) -> impl Fn(&Screen) -> bool {
    move |screen| screen.contents().contains(part)
}

fn lacks(part: &'static str) -> impl Fn(&Screen) -> bool {
    move |screen| !screen.contents().contains(part)
}

#[test]
fn top_alert_shows_parent_command_line() {
    for (rows, columns) in [(24, 80), (40, 120), (60, 200)] {
        let mut console = four_tests(rows, columns);
        console.wait_for(says("Why"), PATIENCE);
        let screen = console.screen();
        assert!(screen.contains("python"), "the top alert at {columns}x{rows}:\n{screen}");
        console.key(Key::Enter);
        console.wait_for(says("Parent process"), PATIENCE);
        console.wait_for(says("cmd.exe"), PATIENCE);
        console.key(Key::Backspace);
        console.wait_for(lacks("Parent process"), PATIENCE);
        assert!(console.quit().success());
    }
}

#[test]
fn ci_pattern_hides_and_restores_alerts() {
    let mut console = four_tests(40, 120);
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.keys("c");
    console.wait_for(says("CI-host pattern"), PATIENCE);
    console.keys("|ws-4711");
    console.wait_for(says("Alerts 0"), PATIENCE);
    console.wait_for(says("10 go"), PATIENCE);
    // An invalid pattern leaves the list as it is, and reports where the fault is.
    console.keys("|(");
    console.wait_for(says("add `)`"), PATIENCE);
    console.key(Key::Esc);
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.keys("c|ws-4711");
    console.key(Key::Enter);
    console.wait_for(says("patterns not saved"), PATIENCE);
    console.wait_for(says("Alerts 0"), PATIENCE);
    console.keys("u");
    console.wait_for(says("Alerts 10"), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn three_keys_allow_top_alert_host() {
    let mut console = four_tests(40, 120);
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.keys("a");
    console.wait_for(says("also matches host WS-4711.corp.example"), PATIENCE);
    console.key(Key::Enter);
    console.wait_for(says("Alerts 0"), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn kept_patterns_are_saved_with_comments() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exfilscope.toml");
    fs::write(&file, "# ours, since the audit\ntheme = \"ansi\" # near and far\n").unwrap();
    let log = fixture("four-tests.evtx");
    let mut console = Console::start([Path::new("--config"), &file, &log], 40, 120);
    console.wait_for(|screen: &Screen| is_loaded(screen), PATIENCE);
    console.keys("c|ws-4711");
    console.key(Key::Enter);
    console.keys("w");
    console.wait_for(says("Changes to the configuration"), PATIENCE);
    console.wait_for(says("+ ci-host ="), PATIENCE);
    assert!(!fs::read_to_string(&file).unwrap().contains("ws-4711"), "nothing is written unasked");
    console.key(Key::Enter);
    console.wait_for(says("Saved to"), PATIENCE);
    let saved = fs::read_to_string(&file).unwrap();
    assert!(saved.contains("# ours, since the audit") && saved.contains("# near and far"), "{saved}");
    assert!(saved.contains("|ws-4711"), "{saved}");
    assert!(console.quit().success());
    let mut again = Console::start([Path::new("--config"), &file, &log], 40, 120);
    again.wait_for(says("Alerts 0"), PATIENCE);
    assert!(again.quit().success());
}

#[test]
fn outside_edit_is_applied_or_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exfilscope.toml");
    fs::write(&file, "[patterns]\nci-host = 'zz'\n").unwrap();
    let log = fixture("four-tests.evtx");
    let mut console = Console::start([Path::new("--config"), &file, &log], 40, 120);
    console.wait_for(says("Alerts 10"), PATIENCE);
    fs::write(&file, "[patterns]\nci-host = '(?i)ws-4711'\n").unwrap();
    console.wait_for(says("was changed outside: the ci-host pattern in force now"), PATIENCE);
    console.wait_for(says("Alerts 0"), PATIENCE);
    fs::write(&file, "[patterns]\n# no\nci-host = '(?i)(ws-4711'\n").unwrap();
    console.wait_for(says(":3:11: `ci-host` is no regular expression"), PATIENCE);
    console.wait_for(says("Alerts 0"), PATIENCE);
    console.keys("u");
    console.wait_for(says("Alerts 10"), PATIENCE);
    // An edit from outside meanwhile is not overwritten unasked.
    fs::write(&file, "# theirs\n[patterns]\nci-host = 'yy'\n").unwrap();
    console.wait_for(says("was changed outside"), PATIENCE);
    console.keys("w");
    console.wait_for(says("- ci-host = 'yy'"), PATIENCE);
    console.key(Key::Esc);
    console.wait_for(lacks("Changes to the configuration"), PATIENCE);
    assert!(fs::read_to_string(&file).unwrap().contains("'yy'"));
    assert!(console.quit().success());
}

#[test]
fn named_patterns_are_kept_and_restored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exfilscope.toml");
    fs::write(&file, "").unwrap();
    let log = fixture("four-tests.evtx");
    let mut console = Console::start([Path::new("--config"), &file, &log], 40, 120);
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.keys("c|ws-4711");
    console.key(Key::Enter);
    console.wait_for(says("Alerts 0"), PATIENCE);
    console.keys(":snapshot quiet");
    console.key(Key::Enter);
    console.wait_for(says("Both patterns are saved as quiet"), PATIENCE);
    console.keys("u");
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.keys(":snapshots");
    console.key(Key::Enter);
    console.wait_for(says("Snapshots of the patterns"), PATIENCE);
    console.wait_for(says("|ws-4711"), PATIENCE);
    console.key(Key::Esc);
    console.wait_for(lacks("Snapshots of the patterns"), PATIENCE);
    console.keys(":restore q");
    console.key(Key::Tab);
    console.key(Key::Enter);
    console.wait_for(says("Alerts 0"), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn the_workbench_answers_to_every_key() {
    let mut console = four_tests(24, 80);
    console.keys("2|ws-4711");
    console.wait_for(says("10 go"), PATIENCE);
    console.key(Key::Tab);
    console.key(Key::Tab);
    console.key(Key::Enter);
    console.wait_for(says("patterns being tried"), PATIENCE);
    console.keys("2");
    console.wait_for(says("Changes vs saved"), PATIENCE);
    console.key(Key::Esc);
    console.wait_for(says("Alerts 10"), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn filter_answers_while_typed() {
    let mut console = four_tests(24, 80);
    console.keys("/imaage:x");
    console.wait_for(says("did you mean `image`"), PATIENCE);
    console.key(Key::Ctrl('u'));
    console.keys("curl");
    console.wait_for(says("of 10"), PATIENCE);
    console.key(Key::Enter);
    console.wait_for(says("filter curl"), PATIENCE);
    console.key(Key::Esc);
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.keys("x");
    console.wait_for(says("Suppressed"), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn console_command_line_writes_files() {
    let mut console = four_tests(40, 120);
    let picture = console.in_home("screen.svg");
    let text = console.in_home("screen.txt");
    let rows = console.in_home("rows.csv");
    for (command, path) in [("screenshot", &picture), ("screenshot", &text), ("export csv", &rows)] {
        console.keys(&format!(":{command} {}", path.display()));
        console.key(Key::Enter);
        console.wait_for(|_: &Screen| path.exists(), PATIENCE);
    }
    assert!(
        fs::read_to_string(&picture).unwrap().starts_with("<svg")
            || fs::read_to_string(&picture).unwrap().contains("<svg")
    );
    assert!(fs::read_to_string(&text).unwrap().contains("Alerts 10"));
    assert_eq!(fs::read_to_string(&rows).unwrap().lines().count(), 11);
    console.keys(":nonsense");
    console.key(Key::Enter);
    console.wait_for(says("Unknown command \"nonsense\""), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn ssh_copy_reaches_terminal_clipboard_masked() {
    let arguments = [fixture("four-tests.evtx")];
    let mut console =
        Console::start_with(arguments, 40, 120, &[("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")]);
    console.wait_for(|screen: &Screen| is_loaded(screen), PATIENCE);
    console.keys("y");
    console.wait_for(says("clipboard (OSC 52)"), PATIENCE);
    assert!(console.transcript().windows(7).any(|part| part == b"\x1b]52;c;"));
    assert!(console.quit().success());
}

#[test]
fn idle_console_writes_nothing() {
    let mut console = four_tests(40, 120);
    console.wait_for_quiet(QUIET, PATIENCE);
    let before = console.bytes_written();
    console.wait_for_quiet(Duration::from_secs(1), PATIENCE);
    assert_eq!(console.bytes_written(), before, "an idle console wrote");
    // Two alerts of one process chain, whose details differ little, are the first two.
    let row_is_selected =
        |row: u16| move |screen: &Screen| screen.cell(row, 10).is_some_and(vt100::Cell::inverse);
    console.wait_for(row_is_selected(3), PATIENCE);
    console.wait_for_quiet(QUIET, PATIENCE);
    let before = console.bytes_written();
    console.keys("j");
    console.wait_for(row_is_selected(4), PATIENCE);
    console.wait_for_quiet(QUIET, PATIENCE);
    let moved = console.bytes_written() - before;
    assert!(moved <= 1_500, "{moved} bytes for a row");
    assert!(console.quit().success());
}

#[test]
fn every_end_gives_the_terminal_back() {
    for end in ["q", "\x03"] {
        let mut console = four_tests(24, 80);
        console.keys(end);
        assert!(console.wait_for_end(PATIENCE).success(), "{end:?}");
        assert_restored(&console);
    }
}

fn assert_restored(console: &Console) {
    let transcript = console.transcript();
    let last = |sequence: &[u8]| transcript.windows(sequence.len()).rposition(|part| part == sequence);
    let (entered, left) = (last(b"\x1b[?1049h"), last(b"\x1b[?1049l"));
    assert!(entered.is_some() && left > entered, "the alternate screen is left");
    assert!(last(b"\x1b[?25h") > last(b"\x1b[?25l"), "the cursor is shown");
    assert!(last(b"\x1b[?2004l") > last(b"\x1b[?2004h"), "pastes are plain again");
}

#[test]
fn signal_gives_back_the_terminal() {
    let program = env!("CARGO_BIN_EXE_exfilscope");
    let log = fixture("four-tests.evtx");
    let script = format!(
        "set -m; '{program}' '{}'; echo stopped; stty -a | grep -o -E -- '-?icanon'; sleep 2; fg >/dev/null; echo over",
        log.display()
    );
    let mut console = Console::spawn("bash", ["--norc", "-c", &script], 24, 100, &[]);
    console.wait_for(|screen: &Screen| is_loaded(screen), PATIENCE);
    console.key(Key::Ctrl('z'));
    console.wait_for(says("stopped"), PATIENCE);
    console.wait_for(|screen: &Screen| screen.contents().lines().any(|line| line == "icanon"), PATIENCE);
    console.wait_for(|screen: &Screen| is_loaded(screen), PATIENCE);
    console.keys("q");
    console.wait_for(says("over"), PATIENCE);
    console.wait_for_end(PATIENCE);
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let program = env!("CARGO_BIN_EXE_exfilscope");
    let log = fixture("four-tests.evtx");
    let script = format!(
        "'{program}' '{}' & wait_for=$!; sleep 2; kill -TERM $wait_for; wait $wait_for; echo over",
        log.display()
    );
    let mut console = Console::spawn("sh", ["-c", &script], 24, 100, &[]);
    console.wait_for(says("over"), PATIENCE);
    assert_restored(&console);
    console.wait_for_end(PATIENCE);
}

#[test]
fn missing_file_and_dumb_terminal_reported() {
    let mut missing = Console::start(["/no/such/log.evtx"], 24, 100);
    missing.wait_for(says("there is no such file"), PATIENCE);
    assert!(missing.quit().success());
    let mut dumb = Console::start_with([fixture("four-tests.evtx")], 24, 100, &[("TERM", "dumb")]);
    dumb.wait_for(says("TERM is dumb"), PATIENCE);
    assert_eq!(dumb.wait_for_end(PATIENCE).exit_code(), 2);
}

/// A push as a line of JSON.
fn push(record: u32, command: &str) -> String {
    format!(
        r##"{{"Event":{{"System":{{"Provider":{{"#attributes":{{"Name":"Microsoft-Windows-Sysmon"}}}},"EventID":1,"TimeCreated":{{"#attributes":{{"SystemTime":"2026-03-11T09:00:{record:02}Z"}}}},"EventRecordID":{record},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"WS-1"}},"EventData":{{"Image":"C:\\git\\git.exe","CommandLine":"git push https://github.com/a/{command}"}}}}}}"##
    )
}

#[test]
fn growing_file_is_followed_unless_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later.json");
    let mut console = Console::start([OsStr::new("--follow"), path.as_os_str()], 24, 100);
    console.wait_for(says("waiting for 1 to be written"), PATIENCE);
    let put = |record: u32, command: &str| {
        let line = push(record, command);
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
        writeln!(file, "{line}").unwrap();
    };
    put(1, "first");
    console.wait_for(says("a/first"), PATIENCE);
    console.wait_for(says("following 1 file"), PATIENCE);
    console.keys(" ");
    console.wait_for(says("frozen"), PATIENCE);
    put(2, "second");
    console.wait_for(says("1 new alert"), PATIENCE);
    assert!(!console.screen().contains("a/second"), "{}", console.screen());
    console.keys(" ");
    console.wait_for(says("a/second"), PATIENCE);
    assert!(console.quit().success());
}

#[test]
fn resizing_at_any_moment_is_harmless() {
    let mut console = four_tests(40, 120);
    for (rows, columns) in [(24, 80), (10, 30), (1, 1), (60, 200), (16, 60), (15, 59), (40, 120)] {
        console.resize(rows, columns);
        console.keys("j");
    }
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.keys("?");
    console.wait_for(says("Help"), PATIENCE);
    console.keys("?");
    console.wait_for(lacks("Help"), PATIENCE);
    // A resize away and back leaves a screen that has to be drawn whole, also where a key is there at the same moment.
    for _ in 0..5 {
        console.while_stopped(|console| {
            console.resize(1, 1);
            console.resize(40, 120);
            console.keys("j");
        });
        console.wait_for(says("Alerts 10"), PATIENCE);
    }
    assert!(console.quit().success());
}

#[test]
fn key_burst_is_read_completely() {
    let mut console = four_tests(24, 80);
    for _ in 0..3 {
        // More than is read at a time, and nothing after it that would wake a reader waiting for more.
        console.while_stopped(|console| console.keys(&("j".repeat(3500) + "?")));
        console.wait_for(says("Help"), PATIENCE);
        console.keys("?");
        console.wait_for(lacks("Help"), PATIENCE);
    }
    assert!(console.quit().success());
}

#[test]
fn tests_page_opens_event_and_alert() {
    let logs = ["four-tests.evtx", "four-tests-powershell.evtx", "four-tests-security.evtx"];
    let mut console = Console::start(logs.map(fixture), 24, 80);
    console.wait_for(|screen: &Screen| is_loaded(screen), PATIENCE);
    console.keys("4");
    console.wait_for(says("1 missed"), PATIENCE);
    console.keys("jj");
    console.key(Key::Enter);
    console.wait_for(says("<EventID>1</EventID>"), PATIENCE);
    console.key(Key::Esc);
    console.wait_for(says("The tests"), PATIENCE);
    console.keys("k");
    console.key(Key::Enter);
    console.wait_for(says("Alerts 10"), PATIENCE);
    console.wait_for(says("powershell.exe ran with"), PATIENCE);
    assert!(console.quit().success());
}

#[cfg(target_os = "linux")]
#[test]
fn readers_run_below_screen_priority() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("growing.json");
    fs::write(&path, "").unwrap();
    let mut console = Console::start([OsStr::new("--follow"), path.as_os_str()], 24, 100);
    console.wait_for(says("waiting for 1 to be written"), PATIENCE);
    fs::write(&path, push(1, "first") + "\n").unwrap();
    console.wait_for(says("following 1 file"), PATIENCE);
    let mut threads = Vec::new();
    for thread in fs::read_dir(format!("/proc/{}/task", console.process_id())).unwrap() {
        let stat = fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
        // The name is in brackets; the niceness is the nineteenth of all.
        let (name, rest) = stat.rsplit_once(')').unwrap();
        let niceness: i32 = rest.split_whitespace().nth(16).unwrap().parse().unwrap();
        threads.push((name.split_once('(').unwrap().1.to_owned(), niceness));
    }
    let (readers, others): (Vec<_>, Vec<_>) = threads.into_iter().partition(|(name, _)| name == "source");
    let urgent = others.iter().map(|(_, niceness)| *niceness).max().unwrap();
    assert!(
        !readers.is_empty() && readers.iter().all(|(_, niceness)| *niceness == (urgent + 10).min(19)),
        "{readers:?} {others:?}"
    );
    assert!(console.quit().success());
}
