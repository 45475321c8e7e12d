//! A terminal that takes no bytes for a while: events are read and keys are done meanwhile.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use crate::pty;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pty::{Console, PATIENCE};

fn event(number: u32) -> String {
    format!(
        r#"{{"EventID":1,"SourceName":"Microsoft-Windows-Sysmon","Hostname":"ws","UtcTime":"2026-03-01 13:37:00.123","EventRecordID":{number},"Image":"C:\\git.exe","CommandLine":"git push https://github.com/a/b{number}"}}"#
    ) + "\n"
}

#[test]
fn stalled_terminal_stops_no_reading() {
    let folder = tempfile::tempdir().unwrap();
    let (log, rows) = (folder.path().join("a.json"), folder.path().join("rows.csv"));
    fs::write(&log, event(1)).unwrap();
    let mut console = Console::start(["--follow".as_ref(), log.as_os_str()], 40, 120);
    console.wait_for("b1", PATIENCE);
    console.while_stalled(|keys| {
        // Each is a whole frame: together far more than a terminal's buffer holds.
        for _ in 0..50 {
            keys("\u{c}");
            sleep(Duration::from_millis(5));
        }
        let mut file = OpenOptions::new().append(true).open(&log).unwrap();
        for number in 2..=500 {
            file.write_all(event(number).as_bytes()).unwrap();
        }
        let started = Instant::now();
        // The rows of all events can be exported while no frame gets through.
        let mut written = 0;
        while written != 501 {
            assert!(started.elapsed() < PATIENCE, "{written} lines were written");
            let _ = fs::remove_file(&rows);
            keys(&format!(":export csv {}\r", rows.display()));
            sleep(Duration::from_millis(300));
            written = fs::read_to_string(&rows).map_or(0, |text| text.lines().count());
        }
    });
    // The selection stayed on its alert, below those that came.
    console.keys("g");
    console.wait_for("b500", PATIENCE);
    assert!(console.quit().success());
}

#[test]
#[cfg(target_os = "linux")]
fn stalled_terminal_delays_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("a.json");
    fs::write(&log, event(1)).unwrap();
    let mut console = Console::start(["--follow".as_ref(), log.as_os_str()], 40, 120);
    console.wait_for("b1", PATIENCE);
    let state = format!("/proc/{}/stat", console.process_id());
    console.while_stalled(|keys| {
        for _ in 0..50 {
            keys("\u{c}");
            sleep(Duration::from_millis(5));
        }
        keys("q");
        // The test is its parent, which has not asked for its end yet.
        let started = Instant::now();
        while !fs::read_to_string(&state).unwrap().contains(") Z ") {
            assert!(started.elapsed() < PATIENCE, "it does not end");
            sleep(Duration::from_millis(20));
        }
    });
    assert!(console.wait_for_end(PATIENCE).success());
}
