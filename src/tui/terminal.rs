//! The terminal: taken for the console, and given back after an end, an error, a panic or a signal.

mod drawing;
#[cfg(any(windows, test))]
mod surroundings;
#[cfg(windows)]
mod windows_console;

use std::io::{self, BufWriter, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crossterm::cursor::{Hide, MoveTo, Show};
#[cfg(not(windows))]
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use self::drawing::{Drawing, Picture};
use crate::model::feed::SOURCE_THREAD;
use crate::model::guard::is_guarded;

/// Whether the terminal is ours right now; a panic on any thread looks here.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether the mouse is ours too.
static MOUSE: AtomicBool = AtomicBool::new(false);
/// Lock for changing the terminal's modes, and for drawing.
static MODES: Mutex<()> = Mutex::new(());
/// How long a drawing that the terminal does not take is waited for at the end.
const MAX_FINAL_WAIT: Duration = Duration::from_secs(1);
/// Maximum wait at the end for a drawing that the terminal takes, on a machine that is too busy to draw it.
#[cfg(unix)]
const MAX_BUSY_WAIT: Duration = Duration::from_secs(5);

/// A terminal that the console draws on.
pub struct Screen {
    drawing: Drawing,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal, and sees to it that a panic gives it back before it prints.
    ///
    /// # Errors
    /// Where the standard output is no terminal, or refuses.
    pub fn take() -> io::Result<Self> {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A panic that is caught, counted and named where it happens: the screen goes on.
            let of_a_reader = std::thread::current().name() == Some(SOURCE_THREAD);
            if !of_a_reader && !is_guarded() {
                give_back();
                previous(info);
            }
        }));
        let drawing = Drawing::start(BufWriter::with_capacity(64 << 10, stdout()), while_taken)?;
        enter()?;
        Ok(Self { drawing, mouse: false })
    }

    /// The size, in cells.
    ///
    /// # Errors
    /// Where the terminal does not say.
    pub fn area(&self) -> io::Result<Rect> {
        let (columns, rows) = crossterm::terminal::size()?;
        Ok(Rect::new(0, 0, columns, rows))
    }

    /// Draws a frame, as soon as the terminal takes it; one that it has not taken yet is dropped for it.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(Rect, &mut Buffer) -> Option<Position>) -> io::Result<()> {
        let area = self.area()?;
        let mut cells = self.drawing.buffer(area);
        let cursor = view(area, &mut cells);
        self.drawing.leave(Picture { cells, cursor })
    }

    /// Forgets what is on the screen, so that the next frame is drawn whole. Does not ask the terminal anything.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn forget(&mut self) -> io::Result<()> {
        self.drawing.forget()
    }

    /// Takes the mouse, or leaves it to the terminal.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        let modes = lock_modes();
        let done = set_mouse(on, modes.is_some());
        drop(modes);
        done
    }

    /// Hands a text to the clipboard of the terminal that is looked at, by OSC 52. `encoded` is base64.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn copy(&mut self, encoded: &str) -> io::Result<()> {
        self.drawing.write(format!("\x1b]52;c;{encoded}\x07").into_bytes())
    }

    /// Gives the terminal back for a while, runs `meanwhile`, and takes it again.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn lend(&mut self, meanwhile: impl FnOnce()) -> io::Result<()> {
        give_back();
        meanwhile();
        enter()?;
        if self.mouse {
            self.set_mouse(true)?;
        }
        self.forget()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Runs what draws, if the terminal is ours now; it stays so meanwhile.
fn while_taken(draw: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
    let _modes = MODES.lock().unwrap_or_else(PoisonError::into_inner);
    if TAKEN.load(Ordering::SeqCst) { draw() } else { Ok(()) }
}

/// Waits for a drawing to end; `None` where the terminal does not take it in time.
fn lock_modes() -> Option<MutexGuard<'static, ()>> {
    let started = Instant::now();
    loop {
        match MODES.try_lock() {
            Ok(modes) => return Some(modes),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if started.elapsed() >= max_wait() => return None,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Returns how long a drawing is waited for: longer where the terminal would take bytes, so that a busy machine does not
/// leave the shell in the alternate screen.
#[cfg(unix)]
fn max_wait() -> Duration {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let out = stdout();
    let mut fds = [PollFd::new(&out, PollFlags::OUT)];
    let is_ready = matches!(poll(&mut fds, Some(&Timespec::default())), Ok(1..));
    if is_ready { MAX_BUSY_WAIT } else { MAX_FINAL_WAIT }
}

#[cfg(not(unix))]
const fn max_wait() -> Duration {
    MAX_FINAL_WAIT
}

/// Takes the mouse or leaves it. Where the terminal takes no bytes, only what needs none is done.
fn set_mouse(on: bool, takes_bytes: bool) -> io::Result<()> {
    // On Windows it is a mode of the console, elsewhere bytes. To leave what was not taken is an error there.
    if MOUSE.swap(on, Ordering::SeqCst) == on || !(takes_bytes || cfg!(windows)) {
        return Ok(());
    }
    if on { execute!(stdout(), EnableMouseCapture) } else { execute!(stdout(), DisableMouseCapture) }
}

fn enter() -> io::Result<()> {
    let _modes = MODES.lock().unwrap_or_else(PoisonError::into_inner);
    #[cfg(windows)]
    windows_console::keep_modes();
    TAKEN.store(true, Ordering::SeqCst);
    let entered = enable_raw_mode().and_then(|()| write_entry(&mut stdout()));
    #[cfg(windows)]
    windows_console::leave_selecting_off();
    if entered.is_err() {
        restore(true);
    }
    entered
}

/// Writes what makes the terminal the console's.
fn write_entry(out: &mut impl Write) -> io::Result<()> {
    execute!(out, EnterAlternateScreen)?;
    // On Windows a paste comes as keys whatever is asked for. To ask would only keep the terminal from warning of a paste
    // of several lines, and an old console takes it for an error.
    #[cfg(not(windows))]
    execute!(out, EnableBracketedPaste)?;
    execute!(out, SetTitle("exfilscope"), Hide, MoveTo(0, 0), Clear(ClearType::All))
}

/// Writes what makes the terminal the shell's again. Each command goes by itself: one that fails takes no other along.
fn write_exit(out: &mut impl Write) {
    #[cfg(not(windows))]
    let _ = execute!(out, DisableBracketedPaste);
    let _ = execute!(out, LeaveAlternateScreen);
    let _ = execute!(out, Show);
}

/// Gives the terminal back, once; it may be called from any thread and at any time. A terminal that takes no bytes is
/// waited for, but not for ever.
pub fn give_back() {
    let modes = lock_modes();
    restore(modes.is_some());
    drop(modes);
}

fn restore(takes_bytes: bool) {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Each step is tried, even after another one failed.
        let _ = set_mouse(false, takes_bytes);
        if takes_bytes {
            write_exit(&mut stdout());
        }
        let _ = disable_raw_mode();
        #[cfg(windows)]
        windows_console::restore_modes();
    }
}

/// The terminal that keys come from.
#[cfg(unix)]
pub(super) struct Keyboard(std::os::fd::OwnedFd);

#[cfg(unix)]
impl Keyboard {
    /// The terminal that crossterm reads: standard input, or the process's own where that is something else.
    pub(super) fn find() -> Option<Self> {
        use std::io::IsTerminal as _;
        use std::os::fd::AsFd as _;
        let input = io::stdin();
        if input.is_terminal() {
            return input.as_fd().try_clone_to_owned().ok().map(Self);
        }
        std::fs::File::open("/dev/tty").ok().map(|terminal| Self(terminal.into()))
    }

    /// Has keys read that are there already. crossterm reads 1,024 bytes at a time and then waits for more to come,
    /// whatever it has left; setting the modes to what they are wakes it.
    pub(super) fn wake_reader(&self) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let mut keys = [PollFd::new(&self.0, PollFlags::IN)];
        if !matches!(poll(&mut keys, Some(&Timespec::default())), Ok(1..)) {
            return;
        }
        let _modes = MODES.lock().unwrap_or_else(PoisonError::into_inner);
        if TAKEN.load(Ordering::SeqCst)
            && let Ok(modes) = tcgetattr(&self.0)
        {
            // Where that fails, the next key does it.
            let _ = tcsetattr(&self.0, OptionalActions::Now, &modes);
        }
    }
}

/// Says why the console can't be shown in this terminal, and what to do; nothing where it can.
#[must_use]
pub fn complaint() -> Option<&'static str> {
    #[cfg(windows)]
    {
        windows_console::look().complaint()
    }
    #[cfg(not(windows))]
    {
        None
    }
}

/// Waits until Enter is pressed in the console.
#[cfg(windows)]
pub fn wait_for_enter() {
    windows_console::wait_for_enter();
}

/// Columns of the terminal; `None` without a terminal.
#[must_use]
pub fn width() -> Option<usize> {
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An output that refuses one write, as a console does that knows a command not.
    struct Refusing {
        refused: usize,
        calls: usize,
        taken: Vec<u8>,
    }

    impl Write for Refusing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls == self.refused {
                return Err(io::Error::other("Initial console modes not set"));
            }
            self.taken.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn refused_command_keeps_no_other_back() {
        let mut whole = Refusing { refused: 0, calls: 0, taken: Vec::new() };
        write_exit(&mut whole);
        assert!(whole.calls >= 2, "each command is written by itself");
        for refused in 1..=whole.calls {
            let mut out = Refusing { refused, calls: 0, taken: Vec::new() };
            write_exit(&mut out);
            let text = String::from_utf8_lossy(&out.taken).into_owned();
            let missing = ["\x1b[?1049l", "\x1b[?25h"].iter().filter(|code| !text.contains(**code)).count();
            assert!(missing <= 1, "write {refused} was refused: {text:?}");
        }
    }
}
