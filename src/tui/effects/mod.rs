//! Effects: each is applied here, on a thread of its own where it writes or reads a file.

mod config;
pub(super) mod jobs;
pub mod report;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;

use self::jobs::{Jobs, Start, Target};
use crate::case::desk::{Desk, Report};
use crate::case::{CaseFile, Decision};
use crate::config::{Keeper, Plan, Reloaded, WriteError};
use crate::export::screenshot::{self, Palette};
use crate::files::atomic::AtomicFile;
use crate::files::policy::{Existing, OutputPolicy};
use crate::model::event::Field;
use crate::model::feed::{EventKey, RawEvents};
use crate::model::guard::{IS_A_BUG, guarded};
use crate::model::time::Timestamp;
use crate::store::ids::EventId;
use crate::tui::state::effect::Effect;
use crate::tui::state::question::Question;
use crate::tui::state::{App, Page, Tone};
use crate::tui::terminal::Screen;
use crate::tui::theme::Theme;
use crate::tui::views;
/// Between two looks at the configuration file.
const CONFIG_POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Loads a theme by name, or says why not.
pub type LoadTheme = Box<dyn Fn(&str) -> Result<Theme, String>>;

/// Services that the console needs from outside.
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
pub(in crate::tui) enum Answer {
    Raw(u64, Result<String, String>),
    Reloaded(Result<Reloaded, String>),
    Case(Report),
    Written(u64, Written),
}

/// The outcome of writing a file.
pub(in crate::tui) enum Written {
    Said(Result<String, String>),
    Saved(Box<Plan>, Result<(), WriteError>),
    Snapshot(String, Result<PathBuf, String>),
}

/// The applier of effects: the one place that reads and writes outside the console's state.
pub(in crate::tui) struct Effects {
    services: Services,
    answers: (mpsc::UnboundedSender<Answer>, mpsc::UnboundedReceiver<Answer>),
    /// Writes the verdicts into the case file.
    desk: Option<Desk>,
    /// Threads whose files shall be whole before the console ends.
    writers: Vec<JoinHandle<bool>>,
    /// The exports and reports that are gathered between keys.
    pub(in crate::tui) jobs: Jobs,
    /// Number of files that were begun.
    files: u64,
    /// Whether the console is to be left.
    pub(in crate::tui) quit: bool,
}

impl Effects {
    pub(in crate::tui) fn new(mut services: Services) -> Result<Self, String> {
        let answers = mpsc::unbounded_channel();
        let sender = answers.0.clone();
        let tell = move |report| {
            // The console may be gone.
            let _ = sender.send(Answer::Case(report));
        };
        let desk = services.case.take().map(|file| Desk::open(file, tell)).transpose()?;
        Ok(Self {
            services,
            answers,
            desk,
            writers: Vec::new(),
            jobs: Jobs::default(),
            files: 0,
            quit: false,
        })
    }

    /// Polls the configuration file on its own thread, until the console is gone.
    pub(in crate::tui) fn watch_configuration(&self) {
        let (mut watch, sender) = (self.services.keeper.watcher(), self.answers.0.clone());
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

    pub(in crate::tui) fn apply(
        &mut self,
        app: &mut App,
        screen: &mut Screen,
        effect: Effect,
    ) -> io::Result<()> {
        match effect {
            Effect::Quit => self.quit = true,
            Effect::Suspend => suspend(app, screen)?,
            Effect::Redraw => screen.forget()?,
            Effect::Mouse(on) => screen.set_mouse(on)?,
            Effect::Theme(name) => match (self.services.theme)(&name) {
                Ok(theme) => {
                    app.theme = theme;
                    app.say(Tone::Info, format!("Theme {name}."));
                    app.theme_name = name;
                    app.invalidate();
                }
                Err(message) => app.say(Tone::Warning, message),
            },
            Effect::PlanSave(tuned) => app.plan_save(&self.services.keeper, &tuned),
            Effect::Save(plan) => {
                let keeper = self.services.keeper.clone();
                self.write(app, "the configuration", move || {
                    let result = keeper.write(&plan);
                    Written::Saved(plan, result)
                });
            }
            Effect::TakeSnapshot(name, patterns) => {
                let keeper = self.services.keeper.clone();
                self.write(app, "the snapshot", move || {
                    let result = keeper.take_snapshot(&name, &patterns);
                    Written::Snapshot(name, result)
                });
            }
            Effect::ListSnapshots => app.list_snapshots(&self.services.keeper),
            Effect::RestoreSnapshot(name) => app.restore_snapshot(&self.services.keeper, &name),
            Effect::Report { scope, path, existing } => {
                self.files += 1;
                self.jobs.add_report(app, self.files, scope, path, existing);
            }
            Effect::Decide(decisions) => self.decide(app, decisions),
            Effect::Copy { text, what } => match (self.services.copy)(&text) {
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
                let outputs = Arc::clone(&self.services.outputs);
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
    pub(in crate::tui) fn start(&mut self, app: &mut App, start: Start) {
        let outputs = Arc::clone(&self.services.outputs);
        match start {
            Start::Export { number, target, options, rows } => self.spawn(app, number, move || {
                Written::Said(jobs::write_export(&target, &outputs, &options, rows))
            }),
            Start::Report { number, scope, path, existing, gathering } => {
                let by = self.services.analyst.as_deref();
                let order = app.finish_report(*gathering, &scope, path, now(), by);
                self.spawn(app, number, move || Written::Said(order.write(&outputs, existing)));
            }
        }
    }

    pub(in crate::tui) fn take_answer(&mut self, app: &mut App, answer: Answer) {
        match answer {
            Answer::Raw(id, result) => {
                if let Some(Page::Raw { request, text }) = &mut app.page
                    && *request == id
                {
                    *text = Some(result);
                    app.page_lines = None;
                }
            }
            Answer::Reloaded(reloaded) => app.take_reloaded(reloaded),
            Answer::Case(report) => app.take_case(report),
            Answer::Written(number, written) => {
                app.end_writing(number);
                let keeper = &self.services.keeper;
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
            (decision.at, decision.by) = (Some(at), self.services.analyst.clone());
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
        let (reader, sender) = (Arc::clone(&self.services.raw_events), self.answers.0.clone());
        std::thread::spawn(move || {
            sender.send(Answer::Raw(request, reader.xml_of_event(&source, place, &key))).is_ok()
        });
    }

    /// Waits for the next answer of a thread.
    pub(in crate::tui) async fn answer(&mut self) -> Option<Answer> {
        self.answers.1.recv().await
    }

    /// The names of the snapshots next to the configuration.
    pub(in crate::tui) fn snapshot_names(&self) -> Vec<String> {
        self.services.keeper.snapshot_names()
    }

    /// Ends all work: unfinished exports leave no file, files that are being written become whole, and verdicts are
    /// written.
    ///
    /// # Errors
    /// A sentence, where verdicts could not be written.
    pub(in crate::tui) fn close(mut self) -> Result<(), String> {
        self.jobs = Jobs::default();
        for writer in std::mem::take(&mut self.writers) {
            // Its message has no screen any more.
            let _ = writer.join();
        }
        self.desk.take().map_or(Ok(()), Desk::close)
    }
}

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix(i64::try_from(now.as_secs()).unwrap_or(0), 0, 0)
}

/// The current screen.
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
