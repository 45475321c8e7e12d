//! A pseudo-terminal that runs the console as a person sees it: keys go in, a screen comes out.
//!
//! The terminal answers as a real one does (cursor position, its own identity), since a console that asks and hears
//! nothing stalls. Each console has a home of its own, and nothing of the developer's environment.
//!
//! ```ignore
//! let mut console = pty::Console::start(["day1.evtx"], 30, 120);
//! console.wait_for("GitPushExternal", pty::PATIENCE);
//! console.key(pty::Key::Down);
//! console.keys("/push");
//! console.wait_for(|screen: &vt100::Screen| screen.hide_cursor(), pty::PATIENCE);
//! assert!(console.quit().success());
//! ```
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::needless_pass_by_value
)]

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use vt100::{Callbacks, Color, Parser, Screen};

/// Time enough for a screen on a busy machine; what is there earlier is seen earlier.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Keys that are no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    /// F1 to F12.
    F(u8),
    Ctrl(char),
    Alt(char),
}

impl Key {
    /// As xterm sends it.
    fn bytes(self, has_application_cursor: bool) -> String {
        let arrow =
            |letter: char| format!("\u{1b}{}{letter}", if has_application_cursor { 'O' } else { '[' });
        match self {
            Self::Enter => "\r".to_owned(),
            Self::Esc => "\u{1b}".to_owned(),
            Self::Tab => "\t".to_owned(),
            Self::BackTab => "\u{1b}[Z".to_owned(),
            Self::Backspace => "\u{7f}".to_owned(),
            Self::Delete => "\u{1b}[3~".to_owned(),
            Self::Insert => "\u{1b}[2~".to_owned(),
            Self::PageUp => "\u{1b}[5~".to_owned(),
            Self::PageDown => "\u{1b}[6~".to_owned(),
            Self::Up => arrow('A'),
            Self::Down => arrow('B'),
            Self::Right => arrow('C'),
            Self::Left => arrow('D'),
            Self::Home => arrow('H'),
            Self::End => arrow('F'),
            Self::F(number @ 1..=4) => format!("\u{1b}O{}", char::from(b'O' + number)),
            Self::F(number) => {
                let code = match number {
                    5 => 15,
                    6..=10 => number + 11,
                    11 | 12 => number + 12,
                    _ => panic!("there is no F{number}"),
                };
                format!("\u{1b}[{code}~")
            }
            Self::Ctrl(letter) => {
                let code = u8::try_from(letter.to_ascii_uppercase()).expect("an ASCII key") & 0x1f;
                char::from(code).to_string()
            }
            Self::Alt(letter) => format!("\u{1b}{letter}"),
        }
    }
}

/// Effects of a terminal other than drawing.
#[derive(Debug, Default)]
pub struct Asides {
    answers: Vec<u8>,
    /// Texts that were copied by OSC 52, still in base64.
    pub clipboard: Vec<String>,
    /// The last window title.
    pub title: Option<String>,
    /// Bells that rang.
    pub bells: usize,
}

impl Callbacks for Asides {
    fn audible_bell(&mut self, _: &mut Screen) {
        self.bells += 1;
    }

    fn set_window_title(&mut self, _: &mut Screen, title: &[u8]) {
        self.title = Some(String::from_utf8_lossy(title).into_owned());
    }

    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.clipboard.push(String::from_utf8_lossy(data).into_owned());
    }

    fn unhandled_csi(
        &mut self,
        screen: &mut Screen,
        first: Option<u8>,
        second: Option<u8>,
        params: &[&[u16]],
        last: char,
    ) {
        let param = params.first().and_then(|param| param.first()).copied().unwrap_or(0);
        let answer = match (first, second, param, last) {
            // Where is the cursor?
            (None, None, 6, 'n') => {
                let (row, column) = screen.cursor_position();
                format!("\u{1b}[{};{}R", row + 1, column + 1)
            }
            // Are you well?
            (None, None, 5, 'n') => "\u{1b}[0n".to_owned(),
            // What are you? A VT220 with colours; and once more, as xterm.
            (None, None, 0, 'c') => "\u{1b}[?62;22c".to_owned(),
            (Some(b'>'), None, 0, 'c') => "\u{1b}[>41;380;0c".to_owned(),
            // Do you know synchronised output? Yes, and it is off.
            (Some(b'?'), Some(b'$'), 2026, 'p') => "\u{1b}[?2026;2$y".to_owned(),
            _ => return,
        };
        self.answers.extend_from_slice(answer.as_bytes());
    }

    fn unhandled_osc(&mut self, _: &mut Screen, params: &[&[u8]]) {
        // Which colours? Light grey on black.
        let answer = match params {
            [b"10", b"?"] => "\u{1b}]10;rgb:cccc/cccc/cccc\u{1b}\\",
            [b"11", b"?"] => "\u{1b}]11;rgb:0c0c/0c0c/0c0c\u{1b}\\",
            _ => return,
        };
        self.answers.extend_from_slice(answer.as_bytes());
    }
}

/// A cell of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)]
pub struct CellLook {
    pub text: String,
    pub foreground: Color,
    pub background: Color,
    pub bold: bool,
    pub dim: bool,
    pub underline: bool,
    pub inverse: bool,
}

struct State {
    parser: Parser<Asides>,
    transcript: Vec<u8>,
    changed: Instant,
    has_ended: bool,
}

struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type SharedWriter = Arc<Mutex<Box<dyn Write + Send>>>;

/// Condition of [`Console::wait_for`]: a text anywhere on the screen, or a predicate.
pub trait Awaited {
    fn holds(&self, screen: &Screen) -> bool;
    fn name(&self) -> String;
}

impl Awaited for &str {
    fn holds(&self, screen: &Screen) -> bool {
        lines_of(screen).iter().any(|line| line.contains(self))
    }

    fn name(&self) -> String {
        format!("{self:?}")
    }
}

impl<F: Fn(&Screen) -> bool> Awaited for F {
    fn holds(&self, screen: &Screen) -> bool {
        self(screen)
    }

    fn name(&self) -> String {
        "the condition".to_owned()
    }
}

fn lines_of(screen: &Screen) -> Vec<String> {
    let (_, columns) = screen.size();
    screen.rows(0, columns.get()).map(|line| line.trim_end().to_owned()).collect()
}

fn cells(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a terminal has at least one row and one column")
}

fn size(rows: u16, columns: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// A program in a terminal of its own. Dropped, it is ended.
pub struct Console {
    shared: Arc<Shared>,
    writer: SharedWriter,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    home: tempfile::TempDir,
}

impl Console {
    /// The console with these arguments, on a screen of that size.
    pub fn start<I, S>(args: I, rows: u16, columns: u16) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Self::start_with(args, rows, columns, &[])
    }

    /// The same, with variables of the environment of its own.
    pub fn start_with<I, S>(args: I, rows: u16, columns: u16, environment: &[(&str, &str)]) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Self::spawn(env!("CARGO_BIN_EXE_exfilscope"), args, rows, columns, environment)
    }

    /// The console in a working folder of its own, for tests whose keys write files by relative names.
    pub fn start_in<I, S>(folder: &Path, args: I, rows: u16, columns: u16) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Self::spawn_in(folder, env!("CARGO_BIN_EXE_exfilscope"), args, rows, columns, &[])
    }

    /// Any program.
    pub fn spawn<I, S>(
        program: impl AsRef<OsStr>,
        args: I,
        rows: u16,
        columns: u16,
        environment: &[(&str, &str)],
    ) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let folder = std::env::current_dir().expect("a working folder");
        Self::spawn_in(&folder, program, args, rows, columns, environment)
    }

    fn spawn_in<I, S>(
        folder: &Path,
        program: impl AsRef<OsStr>,
        args: I,
        rows: u16,
        columns: u16,
        environment: &[(&str, &str)],
    ) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let home = tempfile::tempdir().expect("a temporary home");
        let mut command = CommandBuilder::new(program);
        command.args(args);
        command.cwd(folder);
        if cfg!(unix) {
            command.env_clear();
            command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        }
        for name in ["NO_COLOR", "COLORTERM", "CLICOLOR", "CLICOLOR_FORCE", "SSH_CONNECTION", "SSH_TTY"] {
            command.env_remove(name);
        }
        for (name, folder) in [
            ("HOME", ""),
            ("USERPROFILE", ""),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_CACHE_HOME", ".cache"),
            ("APPDATA", "AppData/Roaming"),
            ("LOCALAPPDATA", "AppData/Local"),
        ] {
            command.env(name, home.path().join(folder));
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in environment {
            command.env(name, value);
        }

        let pair = native_pty_system().openpty(size(rows, columns)).expect("a pseudo-terminal");
        let child = pair.slave.spawn_command(command).expect("a program that starts");
        // The end of the program is the end of the output only if no other handle holds the terminal open.
        drop(pair.slave);
        let reader = pair.master.try_clone_reader().expect("the terminal's output");
        let writer: SharedWriter =
            Arc::new(Mutex::new(pair.master.take_writer().expect("the terminal's input")));
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                parser: Parser::new_with_callbacks(cells(rows), cells(columns), 0, Asides::default()),
                transcript: Vec::new(),
                changed: Instant::now(),
                has_ended: false,
            }),
            news: Condvar::new(),
        });
        thread::spawn({
            let (shared, writer) = (Arc::clone(&shared), Arc::clone(&writer));
            move || be_a_terminal(reader, &shared, &writer)
        });
        Self { shared, writer, master: pair.master, child, home }
    }

    /// The console's home; its configuration is read from `.config` in it.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// A path in the console's home.
    pub fn in_home(&self, path: impl AsRef<Path>) -> PathBuf {
        self.home.path().join(path)
    }

    /// Does something while the terminal takes no more bytes than fit into its buffer. The work is given what types text.
    pub fn while_stalled<T>(&mut self, work: impl FnOnce(&mut dyn FnMut(&str)) -> T) -> T {
        // The thread that reads the program's output needs it.
        let _stalled = self.shared.lock();
        work(&mut |text| send(&self.writer, text.as_bytes()))
    }

    /// Types text, byte for byte.
    pub fn keys(&mut self, text: &str) {
        send(&self.writer, text.as_bytes());
    }

    /// Presses a key.
    pub fn key(&mut self, key: Key) {
        let has_application_cursor = self.with_screen(Screen::application_cursor);
        send(&self.writer, key.bytes(has_application_cursor).as_bytes());
    }

    /// Pastes text, in brackets where the program asked for them.
    pub fn paste(&mut self, text: &str) {
        if self.with_screen(Screen::bracketed_paste) {
            self.keys(&format!("\u{1b}[200~{text}\u{1b}[201~"));
        } else {
            self.keys(text);
        }
    }

    /// Waits until a text is anywhere on the screen, or a condition holds. Gives up with the whole screen.
    #[track_caller]
    pub fn wait_for(&self, awaited: impl Awaited, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while !awaited.holds(state.parser.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.has_ended {
                let why = if state.has_ended { "the program has ended" } else { "in time" };
                let name = awaited.name();
                drop(state);
                panic!("{name} did not come, {why}\n{}", self.framed_screen());
            }
            state = self.shared.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the program has written nothing for that long. Gives up with the whole screen.
    #[track_caller]
    pub fn wait_for_quiet(&self, quiet: Duration, patience: Duration) {
        let deadline = Instant::now() + patience;
        loop {
            let since = {
                let state = self.shared.lock();
                if state.has_ended {
                    return;
                }
                state.changed.elapsed()
            };
            let Some(left) = quiet.checked_sub(since).filter(|left| !left.is_zero()) else { return };
            assert!(Instant::now() < deadline, "the program writes on and on\n{}", self.framed_screen());
            thread::sleep(left);
        }
    }

    /// The screen's lines, blanks at their ends cut.
    pub fn screen(&self) -> String {
        self.lines().join("\n")
    }

    /// The screen's lines, blanks at their ends cut.
    pub fn lines(&self) -> Vec<String> {
        self.with_screen(lines_of)
    }

    /// The first position of a text: row and column, from 0.
    pub fn find(&self, text: &str) -> Option<(u16, u16)> {
        self.with_screen(|screen| {
            let (rows, columns) = screen.size();
            (0..rows.get()).find_map(|row| {
                let line = screen.rows(0, columns.get()).nth(usize::from(row))?;
                let before = line.get(..line.find(text)?)?;
                // Cells, not characters: a wide one takes two.
                let column = exfilscope::model::text::width(before);
                Some((row, u16::try_from(column).ok()?))
            })
        })
    }

    /// Asks the screen something.
    pub fn with_screen<T>(&self, ask: impl FnOnce(&Screen) -> T) -> T {
        ask(self.shared.lock().parser.screen())
    }

    /// Asks for what the terminal did besides drawing: title, clipboard, bells.
    pub fn with_asides<T>(&self, ask: impl FnOnce(&Asides) -> T) -> T {
        ask(self.shared.lock().parser.callbacks())
    }

    /// A cell, row and column from 0.
    #[track_caller]
    pub fn cell(&self, row: u16, column: u16) -> CellLook {
        self.with_screen(|screen| {
            let cell = screen.cell(row, column).expect("a cell on the screen");
            CellLook {
                text: cell.contents().to_owned(),
                foreground: cell.fgcolor(),
                background: cell.bgcolor(),
                bold: cell.bold(),
                dim: cell.dim(),
                underline: cell.underline(),
                inverse: cell.inverse(),
            }
        })
    }

    /// A cell's foreground and background colours.
    #[track_caller]
    pub fn cell_colors(&self, row: u16, column: u16) -> (Color, Color) {
        let cell = self.cell(row, column);
        (cell.foreground, cell.background)
    }

    /// Resizes the terminal. The program is notified.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.shared.lock().parser.set_size(cells(rows), cells(columns));
        self.master.resize(size(rows, columns)).expect("a terminal that changes its size");
    }

    /// Holds the program while something happens, so that all of it is there at once when it looks again.
    pub fn while_stopped(&mut self, meanwhile: impl FnOnce(&mut Self)) {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = self.child.process_id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let pid = pid.expect("a program that runs");
        kill_process(pid, Signal::STOP).expect("a program that can be stopped");
        meanwhile(self);
        kill_process(pid, Signal::CONT).expect("a program that goes on");
    }

    /// The program's number.
    pub fn process_id(&self) -> u32 {
        self.child.process_id().expect("a program that runs")
    }

    /// Bytes that the program has written so far.
    pub fn bytes_written(&self) -> usize {
        self.shared.lock().transcript.len()
    }

    /// All that the program has written so far, escapes included.
    pub fn transcript(&self) -> Vec<u8> {
        self.shared.lock().transcript.clone()
    }

    /// Returns whether the program still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child to ask for").is_none()
    }

    /// Presses `q` and waits for the end. Answers yes where the console asks whether to abandon unwritten work.
    #[track_caller]
    pub fn quit(&mut self) -> ExitStatus {
        self.keys("q");
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().expect("a child to wait for").is_none() && Instant::now() < deadline {
            if self.screen().contains("Quit anyway?") {
                self.keys("y");
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.wait_for_end(PATIENCE)
    }

    /// Waits for the end of the program and of its output. Gives up with the whole screen.
    #[track_caller]
    pub fn wait_for_end(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child to wait for") {
                let mut state = self.shared.lock();
                // A pseudo-console of Windows stays open; its last words need a moment.
                let last_words = Instant::now() + Duration::from_secs(if cfg!(windows) { 1 } else { 5 });
                while !state.has_ended && Instant::now() < last_words {
                    let waited = self.shared.news.wait_timeout(state, Duration::from_millis(20));
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                return status;
            }
            assert!(Instant::now() < deadline, "the program has not ended\n{}", self.framed_screen());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn framed_screen(&self) -> String {
        let (lines, (rows, columns), cursor) = {
            let state = self.shared.lock();
            let screen = state.parser.screen();
            (lines_of(screen), screen.size(), screen.cursor_position())
        };
        let mut shown = format!("screen {rows} x {columns}, cursor at {cursor:?}\n");
        for line in lines {
            let _ = writeln!(shown, "|{line}");
        }
        shown
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn send(writer: &SharedWriter, bytes: &[u8]) {
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    // A program that has just ended reads no more; the test finds out by its screen.
    let _ = writer.write_all(bytes).and_then(|()| writer.flush());
}

fn be_a_terminal(mut reader: Box<dyn Read + Send>, shared: &Shared, writer: &SharedWriter) {
    let mut buffer = [0; 16 * 1024];
    // A terminal whose program has ended gives an error on Linux and an end elsewhere.
    while let Ok(count @ 1..) = reader.read(&mut buffer) {
        let bytes = &buffer[..count];
        let mut state = shared.lock();
        state.parser.process(bytes);
        state.transcript.extend_from_slice(bytes);
        state.changed = Instant::now();
        let answers = std::mem::take(&mut state.parser.callbacks_mut().answers);
        drop(state);
        shared.news.notify_all();
        if !answers.is_empty() {
            send(writer, &answers);
        }
    }
    shared.lock().has_ended = true;
    shared.news.notify_all();
}
