//! Random keys against the whole program while it reads a large log and follows a growing one: it never dies, never
//! hangs, and gives the terminal back.
//!
//! The number of keys is fixed, and the sequence is; `EXFILSCOPE_KEYS` asks for more keys, `EXFILSCOPE_SEED` for others,
//! `EXFILSCOPE_SECONDS` for keys during that time in one start that follows a growing file.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what fails by failing"
)]

use crate::pty;
use crate::support;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use exfilscope::model::text::is_forbidden;
use pty::{Console, Key, PATIENCE};
use support::big_log;

/// About a minute's worth.
const KEYS: usize = 6_000;
/// Keys until the program is restarted.
const KEYS_A_START: usize = 1_500;
/// Keys between two looks at whether it still answers.
const KEYS_A_LOOK: usize = 100;
const EVENTS: u64 = 30_000;

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).unwrap()
    }
}

const SPECIAL: [Key; 14] = [
    Key::Enter,
    Key::Esc,
    Key::Tab,
    Key::BackTab,
    Key::Backspace,
    Key::Delete,
    Key::Up,
    Key::Down,
    Key::Left,
    Key::Right,
    Key::Home,
    Key::End,
    Key::PageUp,
    Key::PageDown,
];
/// Whole words get further than letters: into filters, commands and patterns.
const WORDS: [&str; 26] = [
    "/git !host:ws\r",
    "/cmd~\"(a|b\"",
    ":theme dark\r",
    ":screenshot s.svg\r",
    ":export csv out.csv\r",
    ":profile spl\r",
    "c|laptop\r",
    "i.*\x1b",
    "a\r",
    "bbb",
    "sSsS",
    "xpxp",
    "ö漢\u{202e}\u{301}",
    "GgGg",
    // Questions, and output other than the screen.
    ":stop\ry",
    ":stop\r\x1b",
    ":resume\r",
    ":export! ndjson out.ndjson\r",
    ":export! markdown out.md\rjjj\x18",
    ":report! list report.md\r",
    ":snapshot one\r",
    "c|\r\r",
    "c|a\t|b\t\r",
    "jdm",
    "Nours\r",
    "a\x0e\x0e\r",
];

/// One key or a few. No `q`, `^C` and `^Z`: those are meant to end it or to put it to sleep.
fn press(console: &mut Console, dice: &mut Dice) {
    match dice.below(20) {
        0..=9 => {
            let letters =
                "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789/:?!()|.*~<>= \"\\[]{}+-";
            let at = dice.below(letters.len());
            console.keys(&letters[at..=at]);
        }
        10..=15 => console.key(SPECIAL[dice.below(SPECIAL.len())]),
        16 => {
            // Half of them from the list, where a command is one; the others wherever the keys have led.
            if dice.below(2) == 0 {
                console.keys("\x1b\x1b\x1b");
            }
            console.keys(WORDS[dice.below(WORDS.len())]);
        }
        17 => {
            let control =
                b"\x01\x02\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x12\x14\x15\x16\x17\x18\x19\x1d\x1e\x1f";
            let at = dice.below(control.len());
            console.keys(std::str::from_utf8(&control[at..=at]).unwrap());
        }
        // After a sequence that is cut off it would be keys, `q` and ^C among them.
        18 => {
            console.keys("mM\x1b[201~");
            console.paste("git push\n\x1b[31m\u{202e}q\u{3}");
        }
        // Sequences that no terminal sends, and truncated ones.
        _ => console.keys(
            ["\x1b[", "\x1b[999;999H", "\x1b[<0;5;5M", "\x1bO", "\x1b[200~", "\x1b[M   "][dice.below(6)],
        ),
    }
}

/// Returns whether it redraws the screen on request.
fn answers(console: &mut Console) -> bool {
    // Out of whatever is half typed, half pasted or half a mouse report.
    console.keys("mM\x1b[201~");
    let before = console.bytes_written();
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        console.keys("\x0c");
        thread::sleep(Duration::from_millis(10));
        if console.bytes_written() > before || !console.is_running() {
            return true;
        }
    }
    false
}

/// Appends events to a file until it is stopped.
struct Writer {
    is_over: Arc<AtomicBool>,
    thread: thread::JoinHandle<u64>,
}

impl Writer {
    fn start(path: PathBuf) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&is_over);
        let mut file = fs::File::create(path).unwrap();
        let thread = thread::spawn(move || {
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                let second = written / 40 % 60;
                let mut lines = String::new();
                for number in written..written + 40 {
                    let host = number % 7;
                    writeln!(
                        lines,
                        "{{\"EventID\":1,\"SourceName\":\"Microsoft-Windows-Sysmon\",\"Hostname\":\"ws-{host}\",\
                         \"RecordNumber\":{number},\"UtcTime\":\"2026-03-10 13:37:{second:02}.000\",\
                         \"Image\":\"C:\\\\git.exe\",\
                         \"CommandLine\":\"git push https://github.com/a/{number}\"}}"
                    )
                    .unwrap();
                }
                file.write_all(lines.as_bytes()).unwrap();
                written += 40;
                thread::sleep(Duration::from_millis(20));
            }
            written
        });
        Self { is_over, thread }
    }

    fn stop(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

#[test]
fn stray_mouse_report_clicks_nothing() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/four-tests.evtx");
    let mut console = Console::start([fixture], 40, 120);
    console.wait_for(|screen: &vt100::Screen| screen.contents().contains("quit"), PATIENCE);
    console.keys("\x1b[M   \x1b[<0;0;0M\x1b[<0;65535;65535M?");
    console.wait_for(|screen: &vt100::Screen| screen.contents().contains("Help"), PATIENCE);
    console.keys("?");
    assert!(console.quit().success());
}

#[test]
fn any_keys_under_load_are_survived() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let end = number("EXFILSCOPE_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let (keys, keys_a_start) = match end {
        Some(_) => (usize::MAX, usize::MAX),
        None => (number("EXFILSCOPE_KEYS").map_or(KEYS, |keys| usize::try_from(keys).unwrap()), KEYS_A_START),
    };
    let is_over = || end.is_some_and(|end| Instant::now() > end);
    let mut dice = Dice(number("EXFILSCOPE_SEED").unwrap_or(0x5eed_0f0f_1234_5678));
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("big.evtx");
    big_log::write(&log, EVENTS, 3, 60_000).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let paths: Vec<PathBuf> = vec![log, fixtures.join("four-tests.evtx"), fixtures.join("hostile.evtx")];
    let (mut pressed, mut starts) = (0, 0);
    let growing = folder.path().join("growing.jsonl");
    let writer = Writer::start(growing.clone());
    while pressed < keys && !is_over() {
        let mut arguments: Vec<_> = paths.iter().map(|path| path.as_os_str().to_owned()).collect();
        // Every other time it follows a growing file, and keeps a limited part of it.
        if starts % 2 == 0 {
            arguments.extend(["--follow", "--keep", "5000"].map(Into::into));
            arguments.push(growing.clone().into());
        }
        let mut console = Console::start_in(folder.path(), &arguments, 40, 120);
        starts += 1;
        console.wait_for(|screen: &vt100::Screen| screen.contents().contains("Alerts"), PATIENCE);
        let until = pressed.saturating_add(keys_a_start).min(keys);
        while pressed < until && !is_over() && console.is_running() {
            for _ in 0..KEYS_A_LOOK {
                press(&mut console, &mut dice);
                pressed += 1;
                if dice.below(40) == 0 {
                    let (rows, columns) = (dice.below(70) + 1, dice.below(220) + 1);
                    console.resize(u16::try_from(rows).unwrap(), u16::try_from(columns).unwrap());
                }
            }
            assert!(answers(&mut console), "after {pressed} keys it hangs\n{}", console.screen());
            // After its end the terminal itself shows what is typed.
            let shown = console.with_screen(|screen| screen.alternate_screen().then(|| screen.contents()));
            let odd = shown.iter().flat_map(|text| text.chars()).find(|c| is_forbidden(*c) && *c != '\n');
            assert_eq!(odd, None, "after {pressed} keys\n{shown:?}");
        }
        if console.is_running() {
            // The end of a mouse report that may have begun, which would take the key for a part of it.
            console.keys("mM\x03");
        }
        // It asks where something is not written; a small screen does not show that.
        let deadline = Instant::now() + PATIENCE;
        while console.is_running() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(200));
            if console.is_running() {
                console.keys("\x03");
            }
        }
        // Some keys lead to its end by a command; a panic leads to another status.
        let status = console.wait_for_end(PATIENCE);
        let said = String::from_utf8_lossy(&console.transcript()).into_owned();
        let last_words = said.rsplit_once("\u{1b}[?1049l").map_or("", |(_, last)| last);
        let is_well = status.signal().is_none() && status.exit_code() < 4 && !said.contains("panicked at");
        assert!(is_well, "{status:?} after {pressed} keys: {last_words}");
        // A ^C after the end is the terminal's own affair: it discards data not read yet.
        let is_given_back = said.contains("\u{1b}[?1049l") || said.contains("^C");
        assert!(is_given_back, "after {pressed} keys: {:?}", said.get(said.len().saturating_sub(300)..));
    }
    let written = writer.stop();
    assert!(written > 0, "nothing grew");
    let exported = fs::read_dir(folder.path()).unwrap().count() - 2;
    assert!(exported > 0, "no export was written");
    eprintln!(
        "{pressed} keys, {starts} starts, {written} events written meanwhile, {exported} files exported"
    );
}
