//! The thread that draws: the console leaves its newest picture here and goes on at once.
//!
//! A terminal may take no bytes for a while: text is selected in it, a connection stalls, a pane is scrolled back.
//! The thread that takes events and keys must not wait for it. So pictures that were not drawn in time are dropped;
//! the newest one is drawn as soon as the terminal takes bytes again.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::model::guard::{IS_A_BUG, guarded};

/// A picture and the place of its cursor.
pub(super) struct Picture {
    pub(super) cells: Buffer,
    pub(super) cursor: Option<Position>,
}

/// The orders that wait for the thread. Of each kind only the newest is kept, so that nothing piles up.
#[derive(Default)]
struct Orders {
    picture: Option<Picture>,
    /// The content of the screen is unknown.
    is_forgotten: bool,
    /// Bytes that are no picture: a text for the clipboard.
    aside: Option<Vec<u8>>,
    /// A buffer that is not used now.
    spare: Option<Buffer>,
    /// Why the terminal can't be drawn on.
    failed: Option<io::Error>,
    is_over: bool,
}

/// The console's side of the thread.
pub(super) struct Drawing(Arc<(Mutex<Orders>, Condvar)>);

fn lock(orders: &Mutex<Orders>) -> MutexGuard<'_, Orders> {
    orders.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drawing {
    /// Starts the thread. `while_taken` runs its argument if the terminal is the console's now, and keeps it so meanwhile.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(super) fn start<W: Write + Send + 'static>(
        out: W,
        while_taken: fn(&mut dyn FnMut() -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let shared = Arc::new((Mutex::new(Orders::default()), Condvar::new()));
        let of_thread = Arc::clone(&shared);
        std::thread::Builder::new().name("screen".to_owned()).spawn(move || {
            let mut canvas = Canvas { backend: CrosstermBackend::new(out), shown: Buffer::default() };
            while let Some((picture, is_forgotten, aside)) = next(&of_thread) {
                let mut work = || canvas.follow(picture.as_ref(), is_forgotten, aside.as_deref());
                let done = guarded(|| while_taken(&mut work))
                    .unwrap_or_else(|| Err(io::Error::other(format!("drawing failed, {IS_A_BUG}"))));
                let mut orders = lock(&of_thread.0);
                if let Some(Picture { cells, .. }) = picture {
                    orders.spare = Some(cells);
                }
                if let Err(error) = done {
                    orders.failed = Some(error);
                    return;
                }
            }
        })?;
        Ok(Self(shared))
    }

    /// An empty buffer of that size.
    pub(super) fn buffer(&self, area: Rect) -> Buffer {
        let spare = lock(&self.0.0).spare.take();
        let mut buffer = spare.unwrap_or_default();
        buffer.resize(area);
        buffer.reset();
        buffer
    }

    /// Leaves a picture; one that is not drawn yet is dropped for it.
    ///
    /// # Errors
    /// The terminal could not be drawn on before.
    pub(super) fn leave(&self, picture: Picture) -> io::Result<()> {
        self.order(|orders| {
            if let Some(dropped) = orders.picture.replace(picture) {
                orders.spare = Some(dropped.cells);
            }
        })
    }

    /// Has the next picture drawn whole.
    ///
    /// # Errors
    /// As [`Drawing::leave`].
    pub(super) fn forget(&self) -> io::Result<()> {
        self.order(|orders| orders.is_forgotten = true)
    }

    /// Has bytes written that are no picture.
    ///
    /// # Errors
    /// As [`Drawing::leave`].
    pub(super) fn write(&self, bytes: Vec<u8>) -> io::Result<()> {
        self.order(|orders| orders.aside = Some(bytes))
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) -> io::Result<()> {
        let mut orders = lock(&self.0.0);
        if let Some(error) = orders.failed.take() {
            return Err(error);
        }
        change(&mut orders);
        self.0.1.notify_one();
        Ok(())
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        lock(&self.0.0).is_over = true;
        self.0.1.notify_one();
    }
}

type Next = (Option<Picture>, bool, Option<Vec<u8>>);

/// Waits for orders; `None` at the end.
fn next((orders, changed): &(Mutex<Orders>, Condvar)) -> Option<Next> {
    let mut orders = lock(orders);
    loop {
        if orders.is_over {
            return None;
        }
        // To forget alone draws nothing: it counts for the next picture.
        if orders.picture.is_some() || orders.aside.is_some() {
            let is_forgotten = orders.picture.is_some() && std::mem::take(&mut orders.is_forgotten);
            return Some((orders.picture.take(), is_forgotten, orders.aside.take()));
        }
        orders = changed.wait(orders).unwrap_or_else(PoisonError::into_inner);
    }
}

/// The terminal, and what is on it.
struct Canvas<W: Write> {
    backend: CrosstermBackend<W>,
    shown: Buffer,
}

impl<W: Write> Canvas<W> {
    fn follow(
        &mut self,
        picture: Option<&Picture>,
        is_forgotten: bool,
        aside: Option<&[u8]>,
    ) -> io::Result<()> {
        if let Some(bytes) = aside {
            self.backend.write_all(bytes)?;
            io::Write::flush(&mut self.backend)?;
        }
        match picture {
            Some(picture) => self.draw(picture, is_forgotten),
            None => Ok(()),
        }
    }

    /// Draws in one synchronised update; only cells that changed are sent.
    fn draw(&mut self, Picture { cells, cursor }: &Picture, is_forgotten: bool) -> io::Result<()> {
        queue!(self.backend, BeginSynchronizedUpdate)?;
        if is_forgotten || self.shown.area != cells.area {
            queue!(self.backend, Clear(ClearType::All))?;
            self.shown.resize(cells.area);
            self.shown.reset();
        }
        self.backend.draw(self.shown.diff_iter(cells))?;
        match cursor {
            Some(at) => queue!(self.backend, Show, MoveTo(at.x, at.y))?,
            None => queue!(self.backend, Hide)?,
        }
        queue!(self.backend, EndSynchronizedUpdate)?;
        io::Write::flush(&mut self.backend)?;
        self.shown.clone_from(cells);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::{Duration, Instant};

    type IsOpen = Arc<(Mutex<bool>, Condvar)>;

    /// A terminal that takes bytes only while it is open; it hands on what it took.
    struct Gate {
        is_open: IsOpen,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (is_open, changed) = &*self.is_open;
            let mut open = is_open.lock().unwrap();
            while !*open {
                open = changed.wait(open).unwrap();
            }
            let _ = self.taken.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn start() -> (Drawing, IsOpen, Receiver<Vec<u8>>) {
        let is_open = Arc::new((Mutex::new(false), Condvar::new()));
        let (taken, bytes) = channel();
        let gate = Gate { is_open: Arc::clone(&is_open), taken };
        (Drawing::start(io::BufWriter::new(gate), |work| work()).unwrap(), is_open, bytes)
    }

    fn open((is_open, changed): &(Mutex<bool>, Condvar)) {
        *is_open.lock().unwrap() = true;
        changed.notify_all();
    }

    /// Plays what was taken on a screen until it shows the text.
    fn wait_for(text: &str, bytes: &Receiver<Vec<u8>>) -> (usize, vt100::Parser) {
        let mut parser = vt100::Parser::new(1.try_into().unwrap(), 12.try_into().unwrap(), 0);
        let mut count = 0;
        while !parser.screen().contents().contains(text) {
            let piece = bytes.recv_timeout(Duration::from_secs(20)).expect(text);
            count += piece.len();
            parser.process(&piece);
        }
        (count, parser)
    }

    fn leave(drawing: &Drawing, text: &str) {
        let mut cells = drawing.buffer(Rect::new(0, 0, 12, 1));
        cells.set_string(0, 0, text, ratatui::style::Style::default());
        drawing.leave(Picture { cells, cursor: None }).unwrap();
    }

    #[test]
    fn blocked_terminal_drops_pictures_but_newest() {
        let (drawing, gate, bytes) = start();
        let started = Instant::now();
        for number in 0..10_000 {
            leave(&drawing, &format!("frame {number}"));
        }
        drawing.write(b"\x1b]52;c;eA==\x07".to_vec()).unwrap();
        assert!(bytes.try_recv().is_err(), "nothing is taken yet");
        assert!(started.elapsed() < Duration::from_secs(10), "who draws does not wait");
        open(&gate);
        let (count, _) = wait_for("frame 9999", &bytes);
        assert!(count < 1000, "{count} bytes: dropped pictures are not sent");
    }

    #[test]
    fn forgotten_screen_is_drawn_whole() {
        let (drawing, gate, bytes) = start();
        open(&gate);
        leave(&drawing, "one");
        wait_for("one", &bytes);
        drawing.forget().unwrap();
        leave(&drawing, "one");
        let (_, parser) = wait_for("one", &bytes);
        assert_eq!(parser.screen().contents().trim_end(), "one");
    }

    #[test]
    fn failed_terminal_is_reported_at_next_picture() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let drawing = Drawing::start(Gone, |work| work()).unwrap();
        let started = Instant::now();
        loop {
            let cells = drawing.buffer(Rect::new(0, 0, 4, 1));
            if let Err(error) = drawing.leave(Picture { cells, cursor: None }) {
                assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "the error is told");
        }
    }
}
