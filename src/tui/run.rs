//! The console's loop: keys first, then signals, then events; one place that applies effects; a frame when something
//! has changed, at once for a key, ten times a second at most for data.

use std::io;
use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tokio::sync::mpsc;

use crate::model::feed::FeedMessage;
use crate::store::ids::FindingId;
use crate::tui::effects::jobs::{self, Turn};
use crate::tui::effects::{Effects, Services};
use crate::tui::input::{self, Input};
use crate::tui::signals::{Signal, Signals};
use crate::tui::state::App;
use crate::tui::terminal::Screen;
use crate::tui::views;

/// Between two frames for data.
const FRAME_INTERVAL: Duration = Duration::from_millis(100);
/// The first alerts come sooner than that: so often there are frames for data at first, and for so long.
const FIRST_FRAME_INTERVAL: Duration = Duration::from_millis(15);
const STARTUP: Duration = Duration::from_millis(150);
/// An alert that has been on the screen for less than this was not read yet, and another one may take its place.
const MIN_READING_TIME: Duration = Duration::from_secs(1);
/// Between two looks at how an endless source does, where nothing else happens.
const STATE_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long events are taken in before keys are looked at again.
const INGEST_SLICE: Duration = Duration::from_millis(4);
/// How long a list is made before keys are looked at again, or before a key that asked for it has its frame.
const LIST_SLICE: Duration = Duration::from_millis(4);

/// Runs the console until it is left.
///
/// # Errors
/// A sentence, where the terminal can't be taken or is gone.
pub fn run(mut app: App, feed: mpsc::Receiver<FeedMessage>, services: Services) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the console could not start: {error}"))?;
    let explain = |error: io::Error| format!("the terminal could not be used: {error}");
    let mut screen = Screen::take().map_err(explain)?;
    if app.mouse {
        screen.set_mouse(true).map_err(explain)?;
    }
    let mut at_work = Loop { effects: Effects::new(services)?, started: Instant::now() };
    let result = runtime.block_on(at_work.run(&mut app, &mut screen, feed));
    // A thread still waits for a key that will not come.
    runtime.shutdown_background();
    drop(screen);
    let closed = at_work.effects.close();
    result.map_err(explain)?;
    closed
}

struct Loop {
    effects: Effects,
    started: Instant,
}

impl Loop {
    async fn run(
        &mut self,
        app: &mut App,
        screen: &mut Screen,
        mut feed: mpsc::Receiver<FeedMessage>,
    ) -> io::Result<()> {
        let (sender, mut inputs) = mpsc::unbounded_channel();
        std::thread::spawn(move || input::read_terminal(|input| sender.send(input).is_ok()));
        self.effects.watch_configuration();
        app.snapshot_names = self.effects.snapshot_names();
        let mut signals = Signals::new()?;
        let (mut feed_is_open, mut last_frame) = (true, None::<Instant>);
        let (mut for_key, mut for_data) = (true, false);
        let mut scheduler = ListScheduler::default();
        let mut shown = Shown { alert: None, since: Instant::now() };
        let mut shown_state = None;
        while !self.effects.quit {
            for effect in app.take_effects() {
                self.effects.apply(app, screen, effect)?;
            }
            let between =
                if self.started.elapsed() < STARTUP { FIRST_FRAME_INTERVAL } else { FRAME_INTERVAL };
            let due = last_frame.is_none_or(|at| at.elapsed() >= between);
            if for_key || (for_data && due) {
                if !app.load.finished && !app.load.is_held {
                    app.load.elapsed = self.started.elapsed();
                }
                // Of many findings a list takes its time, and a key wants its answer: what came in has the next frame.
                let is_keys_alone = for_key && app.has_long_list();
                // The key's own change of the list was built when the key was handled.
                let slice = if is_keys_alone { Duration::ZERO } else { LIST_SLICE };
                scheduler.prepare(app, screen.area()?, due && !is_keys_alone, slice);
                screen.draw(|area, buffer| frame(app, area, buffer))?;
                for_data = app.has_news() || app.is_making_list();
                for_key = false;
                shown.note(app);
                if due && !is_keys_alone {
                    last_frame = Some(Instant::now());
                }
            }
            if app.is_making_list() {
                scheduler.prepare(app, app.area, false, LIST_SLICE);
                for_key = !app.is_making_list();
            }
            if let Some(start) = self.effects.jobs.begin(app) {
                self.effects.start(app, start);
                for_key = true;
            }
            let turn = self.effects.jobs.turn();
            let has_turn = !matches!(turn, Turn::Never);
            let next_frame = last_frame.map_or(Duration::ZERO, |at| between.saturating_sub(at.elapsed()));
            tokio::select! {
                biased;
                Some(input) = inputs.recv() => {
                    let mut next = Some(input);
                    while let Some(input) = next {
                        if matches!(input, Input::Resize(..)) {
                            screen.forget()?;
                        }
                        for effect in app.handle(input) {
                            self.effects.apply(app, screen, effect)?;
                        }
                        // The state that the next key meets is the one that this key made.
                        if app.needs_rebuild {
                            scheduler.prepare(app, screen.area()?, false, LIST_SLICE);
                        }
                        next = if self.effects.quit { None } else { inputs.try_recv().ok() };
                    }
                    for_key = true;
                }
                signal = signals.wait() => match signal {
                    Signal::End => self.effects.quit = true,
                    // The terminal has moved or cut the screen, even where the size is the old one again
                    // by now.
                    Signal::Resize => {
                        screen.forget()?;
                        for_key = true;
                    }
                },
                Some(answer) = self.effects.answer() => {
                    self.effects.take_answer(app, answer);
                    for_key = true;
                }
                message = feed.recv(), if feed_is_open && !app.load.is_held && !self.effects.jobs.are_at_work() => {
                    let slice = Instant::now();
                    let mut next = message;
                    shown.follow_top(app);
                    feed_is_open = next.is_some();
                    while let Some(message) = next {
                        app.feed(message);
                        next = if slice.elapsed() < INGEST_SLICE { feed.try_recv().ok() } else { None };
                    }
                    for_data = true;
                }
                go = jobs::turn(turn), if has_turn => {
                    if let Some(start) = self.effects.jobs.advance(app, go) {
                        self.effects.start(app, start);
                    }
                    for_data = true;
                }
                () = std::future::ready(()), if app.is_making_list() || for_key => {}
                () = tokio::time::sleep(next_frame), if for_data => {}
                () = tokio::time::sleep(STATE_POLL_INTERVAL), if app.endless.is_some() && !app.load.finished => {
                    let state = app.endless.as_ref().map(|state| state());
                    for_data |= std::mem::replace(&mut shown_state, state.clone()) != state;
                }
            }
        }
        self.finish(app, screen)
    }

    /// Ends the load. Verdicts are kept, also where the screen did not wait for all of them.
    fn finish(&mut self, app: &mut App, screen: &mut Screen) -> io::Result<()> {
        app.progress.stop();
        for effect in app.finish_verdicts() {
            self.effects.apply(app, screen, effect)?;
        }
        Ok(())
    }
}

/// The alert on the screen, and since when.
struct Shown {
    alert: Option<FindingId>,
    since: Instant,
}

impl Shown {
    fn note(&mut self, app: &App) {
        if self.alert != app.selected_finding() {
            *self = Self { alert: app.selected_finding(), since: Instant::now() };
        }
    }

    /// Lets a newer alert take its place, until it was long enough on the screen to be read.
    fn follow_top(&self, app: &mut App) {
        if self.since.elapsed() < MIN_READING_TIME {
            app.release_selection();
        } else {
            app.hold_selection();
        }
    }
}

/// Schedules the builds of the list, so that ingest keeps most of the thread.
#[derive(Default)]
struct ListScheduler {
    /// Time spent on the current list.
    spent: Duration,
    /// Earliest time of the next rebuild caused by new data.
    rests_until: Option<Instant>,
}

impl ListScheduler {
    fn prepare(&mut self, app: &mut App, area: Rect, with_news: bool, slice: Duration) {
        let started = Instant::now();
        let may_begin = self.rests_until.is_none_or(|until| until <= started);
        app.prepare_until(area, with_news && may_begin, &|| started.elapsed() >= slice);
        self.spent += started.elapsed();
        if !app.is_making_list() {
            self.rests_until = self.rests_until.max(Some(Instant::now() + self.spent * 4));
            self.spent = Duration::ZERO;
        }
    }
}

/// Draws a state that was prepared, maybe for another size: the terminal's may have changed since it was asked for.
pub fn frame(app: &mut App, area: Rect, buffer: &mut Buffer) -> Option<Position> {
    if area != app.area {
        app.prepare_until(area, false, &|| true);
    }
    views::draw(app, area, buffer)
}

/// Draws a state on a buffer of that size: for screenshots without a terminal, and for tests.
#[must_use]
pub fn picture(app: &mut App, area: Rect) -> Buffer {
    app.prepare(area, true);
    let mut buffer = Buffer::empty(area);
    views::draw(app, area, &mut buffer);
    buffer
}
