//! The console's loop: keys first, then signals, then events; one place that applies effects; a frame when something
//! has changed, at once for a key, ten times a second at most for data.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use tokio::sync::mpsc;

use crate::case::desk::{Desk, Report};
use crate::case::{CaseFile, Decision};
use crate::config::{Keeper, Plan, Reloaded, WriteError};
use crate::export::screenshot::{self, Palette};
use crate::files::atomic::AtomicFile;
use crate::files::policy::{Existing, OutputPolicy};
use crate::model::event::Field;
use crate::model::feed::{EventKey, FeedMessage, RawEvents};
use crate::model::guard::{IS_A_BUG, guarded};
use crate::model::time::Timestamp;
use crate::store::ids::{EventId, FindingId};
use crate::tui::effects::jobs::{self, Jobs, Start, Target, Turn};
use crate::tui::input::{self, Input};
use crate::tui::state::effect::Effect;
use crate::tui::state::question::Question;
use crate::tui::state::{App, Page, Tone};
use crate::tui::terminal::Screen;
use crate::tui::theme::Theme;
use crate::tui::views;

/// Between two frames for data.
const FRAME_INTERVAL: Duration = Duration::from_millis(100);
/// The first alerts come sooner than that: so often there are frames for data at first, and for so long.
const FIRST_FRAME_INTERVAL: Duration = Duration::from_millis(15);
const STARTUP: Duration = Duration::from_millis(150);
/// An alert that has been on the screen for less than this was not read yet, and another one may take its place.
const MIN_READING_TIME: Duration = Duration::from_secs(1);
/// Between two looks at the configuration file.
const CONFIG_POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Between two looks at how an endless source does, where nothing else happens.
const STATE_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How long events are taken in before keys are looked at again.
const INGEST_SLICE: Duration = Duration::from_millis(4);
/// How long a list is made before keys are looked at again, or before a key that asked for it has its frame.
const LIST_SLICE: Duration = Duration::from_millis(4);

/// Loads a theme by name, or says why not.
pub type LoadTheme = Box<dyn Fn(&str) -> Result<Theme, String>>;

/// What the console needs of the world outside.
pub struct Services {
    /// Reads a raw event.
    pub raw_events: Arc<dyn RawEvents>,
    /// Loads a theme by name.
    pub theme: LoadTheme,
    /// Keeps the configuration file.
    pub keeper: Keeper,
    /// Where decisions are kept; `None` where there is no place for it.
    pub case: Option<CaseFile>,
    /// Where files may be written.
    pub outputs: Arc<OutputPolicy>,
    /// Who decides.
    pub analyst: Option<String>,
    /// Puts a text into a clipboard of this host, where there is one; the text of the terminal's own otherwise.
    pub copy: Box<dyn Fn(&str) -> Copied>,
}

/// Where a copied text went, or has to go.
pub enum Copied {
    /// It is there; the sentence says where.
    Done(String),
    /// The terminal shall take it: this is its base64 form.
    ByTerminal(String),
    /// It went nowhere; the sentence says why.
    Failed(String),
}

/// Answers of threads that were asked to do something.
enum Answer {
    Raw(u64, Result<String, String>),
    Reloaded(Result<Reloaded, String>),
    Case(Report),
    Written(u64, Written),
}

/// The outcome of writing a file.
enum Written {
    Said(Result<String, String>),
    Saved(Box<Plan>, Result<(), WriteError>),
    Snapshot(String, Result<PathBuf, String>),
}

/// Runs the console until it is left.
///
/// # Errors
/// A sentence, where the terminal can't be taken or is gone.
pub fn run(mut app: App, feed: mpsc::Receiver<FeedMessage>, world: Services) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the console could not start: {error}"))?;
    let explain = |error: io::Error| format!("the terminal could not be used: {error}");
    let mut screen = Screen::take().map_err(explain)?;
    if app.mouse {
        screen.set_mouse(true).map_err(explain)?;
    }
    let mut at_work = Loop::new(world)?;
    let result = runtime.block_on(at_work.run(&mut app, &mut screen, feed));
    // A thread still waits for a key that will not come.
    runtime.shutdown_background();
    drop(screen);
    // What is not whole by now leaves no file.
    at_work.jobs = Jobs::default();
    for writer in std::mem::take(&mut at_work.writers) {
        // What it had to say has nobody to be said to.
        let _ = writer.join();
    }
    let kept = at_work.desk.take().map_or(Ok(()), Desk::close);
    result.map_err(explain)?;
    kept
}

struct Loop {
    world: Services,
    answers: (mpsc::UnboundedSender<Answer>, mpsc::UnboundedReceiver<Answer>),
    /// Who keeps the decisions.
    desk: Option<Desk>,
    /// Threads whose files shall be whole before the console ends.
    writers: Vec<JoinHandle<bool>>,
    /// The exports and reports that are gathered between keys.
    jobs: Jobs,
    /// How many files were begun.
    files: u64,
    started: Instant,
    quit: bool,
}

impl Loop {
    fn new(mut world: Services) -> Result<Self, String> {
        let answers = mpsc::unbounded_channel();
        let sender = answers.0.clone();
        let tell = move |report| {
            // A console that is gone need not be told.
            let _ = sender.send(Answer::Case(report));
        };
        let desk = world.case.take().map(|file| Desk::open(file, tell)).transpose()?;
        Ok(Self {
            world,
            answers,
            desk,
            writers: Vec::new(),
            jobs: Jobs::default(),
            files: 0,
            started: Instant::now(),
            quit: false,
        })
    }

    async fn run(
        &mut self,
        app: &mut App,
        screen: &mut Screen,
        mut feed: mpsc::Receiver<FeedMessage>,
    ) -> io::Result<()> {
        let (sender, mut inputs) = mpsc::unbounded_channel();
        std::thread::spawn(move || input::read_terminal(|input| sender.send(input).is_ok()));
        self.watch_configuration();
        app.snapshot_names = self.world.keeper.snapshot_names();
        let mut signals = Signals::new()?;
        let mut feed_is_open = true;
        let mut last_frame = None::<Instant>;
        let (mut for_key, mut for_data) = (true, false);
        let mut scheduler = ListScheduler::default();
        let mut shown = Shown { alert: None, since: Instant::now() };
        let mut shown_state = None;
        while !self.quit {
            for effect in app.take_effects() {
                self.apply(app, screen, effect)?;
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
                // What the key asked of the list had its time when the key was handled.
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
            if let Some(start) = self.jobs.begin(app) {
                self.start(app, start);
                for_key = true;
            }
            let turn = self.jobs.turn();
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
                            self.apply(app, screen, effect)?;
                        }
                        // The state that the next key meets is the one that this key made.
                        if app.needs_rebuild {
                            scheduler.prepare(app, screen.area()?, false, LIST_SLICE);
                        }
                        next = if self.quit { None } else { inputs.try_recv().ok() };
                    }
                    for_key = true;
                }
                signal = signals.wait() => match signal {
                    Signal::End => self.quit = true,
                    // Whatever stood there, the terminal has moved or cut it, even where the size is the old one again
                    // by now.
                    Signal::Resize => {
                        screen.forget()?;
                        for_key = true;
                    }
                },
                Some(answer) = self.answers.1.recv() => {
                    self.take_answer(app, answer);
                    for_key = true;
                }
                message = feed.recv(), if feed_is_open && !app.load.is_held && !self.jobs.are_at_work() => {
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
                    if let Some(start) = self.jobs.advance(app, go) {
                        self.start(app, start);
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
            self.apply(app, screen, effect)?;
        }
        Ok(())
    }

    fn apply(&mut self, app: &mut App, screen: &mut Screen, effect: Effect) -> io::Result<()> {
        match effect {
            Effect::Quit => self.quit = true,
            Effect::Suspend => suspend(app, screen)?,
            Effect::Redraw => screen.forget()?,
            Effect::Mouse(on) => screen.set_mouse(on)?,
            Effect::Theme(name) => match (self.world.theme)(&name) {
                Ok(theme) => {
                    app.theme = theme;
                    app.say(Tone::Info, format!("Theme {name}."));
                    app.theme_name = name;
                    app.invalidate();
                }
                Err(message) => app.say(Tone::Warning, message),
            },
            Effect::PlanSave(tuned) => app.plan_save(&self.world.keeper, &tuned),
            Effect::Save(plan) => {
                let keeper = self.world.keeper.clone();
                self.write(app, "the configuration", move || {
                    let result = keeper.write(&plan);
                    Written::Saved(plan, result)
                });
            }
            Effect::TakeSnapshot(name, patterns) => {
                let keeper = self.world.keeper.clone();
                self.write(app, "the snapshot", move || {
                    let result = keeper.take_snapshot(&name, &patterns);
                    Written::Snapshot(name, result)
                });
            }
            Effect::ListSnapshots => app.list_snapshots(&self.world.keeper),
            Effect::RestoreSnapshot(name) => app.restore_snapshot(&self.world.keeper, &name),
            Effect::Report { scope, path, existing } => {
                self.files += 1;
                self.jobs.add_report(app, self.files, scope, path, existing);
            }
            Effect::Decide(decisions) => self.decide(app, decisions),
            Effect::Copy { text, what } => match (self.world.copy)(&text) {
                Copied::Done(place) => app.say(Tone::Info, format!("The {what} is {place}.")),
                Copied::ByTerminal(encoded) => {
                    screen.copy(&encoded)?;
                    app.say(
                        Tone::Info,
                        format!("The {what} was handed to your terminal's clipboard (OSC 52)."),
                    );
                }
                Copied::Failed(reason) => app.say(Tone::Warning, reason),
            },
            Effect::ReadRaw { event, request } => self.read_raw(app, event, request),
            Effect::Screenshot { path, existing } => {
                let picture = picture_of(app, screen.area()?);
                let outputs = Arc::clone(&self.world.outputs);
                self.write(app, "the screenshot", move || {
                    Written::Said(write_screenshot(&picture, &path, &outputs, existing))
                });
            }
            Effect::Export { format, path, existing, scope } => {
                self.files += 1;
                self.jobs.add_export(app, self.files, scope, Target { format, path, existing });
            }
            Effect::StopWriting => self.jobs.stop(app),
        }
        Ok(())
    }

    /// Looks at the configuration file on a thread of its own, until nobody listens any more.
    fn watch_configuration(&self) {
        let (mut watch, sender) = (self.world.keeper.watcher(), self.answers.0.clone());
        std::thread::spawn(move || {
            while !sender.is_closed() {
                std::thread::sleep(CONFIG_POLL_INTERVAL);
                if let Some(Some(reloaded)) = guarded(&mut watch)
                    && sender.send(Answer::Reloaded(reloaded)).is_err()
                {
                    break;
                }
            }
        });
    }

    /// Writes a file on a thread of its own, in one piece.
    fn write(&mut self, app: &mut App, what: &str, work: impl FnOnce() -> Written + Send + 'static) {
        self.files += 1;
        app.begin_writing(self.files, what.to_owned(), false);
        self.spawn(app, self.files, work);
    }

    fn spawn(&mut self, app: &mut App, number: u64, work: impl FnOnce() -> Written + Send + 'static) {
        let sender = self.answers.0.clone();
        self.writers.retain(|writer| !writer.is_finished());
        let work = move || {
            let written = guarded(work);
            let failed = || Written::Said(Err(format!("Writing the file failed, {IS_A_BUG}.")));
            sender.send(Answer::Written(number, written.unwrap_or_else(failed))).is_ok()
        };
        match std::thread::Builder::new().spawn(work) {
            Ok(writer) => self.writers.push(writer),
            Err(error) => {
                app.end_writing(number);
                app.say(Tone::Warning, format!("No thread could be started to write: {error}."));
            }
        }
    }

    /// Starts the thread that writes what is gathered.
    fn start(&mut self, app: &mut App, start: Start) {
        let outputs = Arc::clone(&self.world.outputs);
        match start {
            Start::Export { number, target, options, rows } => self.spawn(app, number, move || {
                Written::Said(jobs::write_export(&target, &outputs, &options, rows))
            }),
            Start::Report { number, scope, path, existing, gathering } => {
                let by = self.world.analyst.as_deref();
                let order = app.finish_report(*gathering, &scope, path, now(), by);
                self.spawn(app, number, move || Written::Said(order.write(&outputs, existing)));
            }
        }
    }

    fn take_answer(&mut self, app: &mut App, answer: Answer) {
        match answer {
            Answer::Raw(id, result) => {
                if let Some(Page::Raw { request, text }) = &mut app.page
                    && *request == id
                {
                    *text = Some(result);
                }
            }
            Answer::Reloaded(reloaded) => app.take_reloaded(reloaded),
            Answer::Case(report) => app.take_case(report),
            Answer::Written(number, written) => {
                app.end_writing(number);
                let keeper = &self.world.keeper;
                match written {
                    Written::Said(Ok(message)) => app.say(Tone::Info, message),
                    Written::Said(Err(message)) => app.say(Tone::Warning, message),
                    Written::Saved(plan, result) => app.saved(keeper, &plan, result),
                    Written::Snapshot(name, result) => app.snapshot_taken(keeper, &name, result),
                }
                // Asked to leave while this was written: nothing is lost by it now.
                if app.question == Some(Question::Quit) && app.unwritten().is_empty() {
                    self.quit = true;
                }
            }
        }
    }

    /// Says when and by whom, and has it written.
    fn decide(&self, app: &mut App, mut decisions: Vec<Decision>) {
        let at = now();
        for decision in &mut decisions {
            (decision.at, decision.by) = (Some(at), self.world.analyst.clone());
            app.triage.book.apply(decision.clone());
        }
        if let Some(desk) = &self.desk {
            desk.write(decisions);
        }
    }

    fn read_raw(&self, app: &App, event: EventId, request: u64) {
        let Some(event) = app.store.event(event) else { return };
        let place = event.place;
        let key = EventKey {
            record: event.record_id(),
            computer: app.store.field(event, Field::Computer).map(str::to_owned),
            time: event.time,
        };
        let Some(source) = app.store.source(event).cloned() else { return };
        let (reader, sender) = (Arc::clone(&self.world.raw_events), self.answers.0.clone());
        std::thread::spawn(move || {
            sender.send(Answer::Raw(request, reader.xml_of_event(&source, place, &key))).is_ok()
        });
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

    /// Lets a newer alert take its place, as long as nobody can have read it.
    fn follow_top(&self, app: &mut App) {
        if self.since.elapsed() < MIN_READING_TIME {
            app.release_selection();
        } else {
            app.hold_selection();
        }
    }
}

/// Who says when a list is made, and for how long at a time.
#[derive(Default)]
struct ListScheduler {
    /// What the list at hand has cost.
    spent: Duration,
    /// Until when what came in makes no other one: it has to leave time for taking more in.
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

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(now.as_secs()).unwrap_or(0), 0, 0)
}

/// The screen as it stands.
fn picture_of(app: &mut App, area: Rect) -> Buffer {
    app.prepare_until(area, false, &|| true);
    let mut buffer = Buffer::empty(area);
    views::draw(app, area, &mut buffer);
    buffer
}

fn write_screenshot(
    picture: &Buffer,
    path: &Path,
    outputs: &OutputPolicy,
    existing: Existing,
) -> Result<String, String> {
    let mut file = AtomicFile::create(path, outputs, existing).map_err(|error| error.to_string())?;
    let svg = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    let written = if svg {
        screenshot::write_svg(&mut file, picture, &Palette::DARK, "exfilscope")
    } else {
        screenshot::write_text(&mut file, picture)
    };
    written.map_err(|error| file.explain(error).to_string())?;
    let path = file.commit().map_err(|error| error.to_string())?;
    Ok(format!("The screen is in {}.", path.display()))
}

/// Back to the shell, until it continues us.
#[cfg(unix)]
fn suspend(_app: &mut App, screen: &mut Screen) -> io::Result<()> {
    screen.lend(|| {
        // The whole group, as the terminal itself would have done: a pipeline stops as one.
        let _ = rustix::process::kill_current_process_group(rustix::process::Signal::TSTP);
    })
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "it stands in for the one that can fail")]
fn suspend(app: &mut App, _screen: &mut Screen) -> io::Result<()> {
    app.say(Tone::Warning, "This system has no job control.");
    Ok(())
}

/// What a signal says.
enum Signal {
    /// The console has to end: SIGTERM, SIGHUP, SIGINT, or their kin.
    End,
    /// The terminal has another size.
    #[cfg_attr(not(unix), allow(dead_code, reason = "elsewhere a resize is an input"))]
    Resize,
}

/// Signals that the console answers.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// crossterm tells of it too, but not where a key comes at the same moment: it takes the key of the two that its
    /// poll found, and forgets the signal.
    #[cfg(unix)]
    resize: tokio::signal::unix::Signal,
    #[cfg(windows)]
    ends: WindowsEnds,
}

/// The ways in which Windows ends a console program. After the last three the process has a few seconds.
#[cfg(windows)]
struct WindowsEnds {
    interrupt: tokio::signal::windows::CtrlC,
    break_key: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    log_off: tokio::signal::windows::CtrlLogoff,
    shut_down: tokio::signal::windows::CtrlShutdown,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            resize: signal(SignalKind::window_change())?,
        })
    }

    #[cfg(windows)]
    fn new() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_logoff, ctrl_shutdown};
        Ok(Self {
            ends: WindowsEnds {
                interrupt: ctrl_c()?,
                break_key: ctrl_break()?,
                close: ctrl_close()?,
                log_off: ctrl_logoff()?,
                shut_down: ctrl_shutdown()?,
            },
        })
    }

    #[cfg(unix)]
    async fn wait(&mut self) -> Signal {
        tokio::select! {
            _ = self.terminate.recv() => Signal::End,
            _ = self.hang_up.recv() => Signal::End,
            _ = self.interrupt.recv() => Signal::End,
            _ = self.resize.recv() => Signal::Resize,
        }
    }

    #[cfg(windows)]
    async fn wait(&mut self) -> Signal {
        let ends = &mut self.ends;
        tokio::select! {
            _ = ends.interrupt.recv() => Signal::End,
            _ = ends.break_key.recv() => Signal::End,
            _ = ends.close.recv() => Signal::End,
            _ = ends.log_off.recv() => Signal::End,
            _ = ends.shut_down.recv() => Signal::End,
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
