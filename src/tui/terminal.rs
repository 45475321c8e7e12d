//! The terminal: taken for the console, and given back after an end, an error, a panic or a signal.

use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate, EnterAlternateScreen,
    LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::model::feed::SOURCE_THREAD;
use crate::model::guard::is_guarded;

/// Whether the terminal is ours right now; a panic on any thread looks here.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// Held by whoever changes the terminal's modes.
static MODES: Mutex<()> = Mutex::new(());

/// A terminal that the console draws on.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
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
        enter()?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 << 10, stdout()));
        Ok(Self { terminal: Terminal::new(backend)?, mouse: false })
    }

    /// The size, in cells.
    ///
    /// # Errors
    /// Where the terminal does not say.
    pub fn area(&self) -> io::Result<Rect> {
        let size = self.terminal.size()?;
        Ok(Rect::new(0, 0, size.width, size.height))
    }

    /// Draws a frame in one synchronised update; only cells that changed are sent.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(Rect, &mut Buffer) -> Option<Position>) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|frame| {
            let area = frame.area();
            if let Some(cursor) = view(area, frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        })?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// Forgets what is on the screen, so that the next frame is drawn whole. Does not ask the terminal anything.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn forget(&mut self) -> io::Result<()> {
        // Unlike `Terminal::clear`, which asks for the cursor and may wait two seconds for the answer.
        let area = self.area()?;
        self.terminal.resize(area)?;
        Ok(())
    }

    /// Takes the mouse, or leaves it to the terminal.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn set_mouse(&mut self, on: bool) -> io::Result<()> {
        self.mouse = on;
        if on { execute!(stdout(), EnableMouseCapture) } else { execute!(stdout(), DisableMouseCapture) }
    }

    /// Hands a text to the clipboard of the terminal that is looked at, by OSC 52. `encoded` is base64.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn copy(&mut self, encoded: &str) -> io::Result<()> {
        let mut out = stdout().lock();
        write!(out, "\x1b]52;c;{encoded}\x07")?;
        out.flush()
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
            execute!(stdout(), EnableMouseCapture)?;
        }
        self.forget()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    let _modes = MODES.lock().unwrap_or_else(PoisonError::into_inner);
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(
        stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        SetTitle("exfilscope"),
        Hide,
        MoveTo(0, 0),
        Clear(ClearType::All)
    )
}

/// Gives the terminal back, once; it may be called from any thread and at any time.
pub fn give_back() {
    let _modes = MODES.lock().unwrap_or_else(PoisonError::into_inner);
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Whatever fails here: there is nothing better to do than the rest.
        let _ = execute!(stdout(), DisableMouseCapture, DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
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

/// Columns of the terminal; `None` where there is none.
#[must_use]
pub fn width() -> Option<usize> {
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns))
}
