//! Files that are written while the screen goes on: a key never waits for a disk, nor for a million rows.
//!
//! The rows of an export, and the alerts of a report, are gathered by the console's loop in pieces of a few
//! milliseconds, between keys; a thread of its own formats and writes them. Meanwhile nothing more is taken into the
//! store: so all rows are of the moment of the command, no compaction comes in between, and the sources wait as they do
//! for a busy screen. A stopped job leaves no file.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender, channel};

use crate::detect::profile::Profile;
use crate::export::{ExportOptions, Format, write_rows};
use crate::files::atomic::AtomicFile;
use crate::files::policy::{Existing, OutputPolicy};
use crate::model::row::AlertRow;
use crate::store::held::Held;
use crate::store::ids::FindingId;
use crate::store::list::listing::Shown;
use crate::store::tuning_matches::TuningMatches;
use crate::tui::effects::report::Gathering;
use crate::tui::format::{count, grouped};
use crate::tui::safe;
use crate::tui::state::effect::Scope;
use crate::tui::state::{App, Tone};

/// How long rows are made before keys are looked at again.
const ROWS_SLICE: Duration = Duration::from_millis(4);
/// Rows of a piece.
const MAX_PIECE_ROWS: usize = 512;
/// Pieces that wait for the writer.
const MAX_QUEUED_PIECES: usize = 8;
/// Rows between two looks at the clock.
const ROWS_PER_CLOCK_CHECK: usize = 16;

/// Some rows, or the word that these were all.
pub(in crate::tui) enum Piece {
    Rows(Vec<AlertRow>),
    End,
}

/// Where an export goes.
#[derive(Debug)]
pub(in crate::tui) struct Target {
    pub(in crate::tui) format: Format,
    pub(in crate::tui) path: PathBuf,
    pub(in crate::tui) existing: Existing,
}

/// An export or report that the loop gathers.
enum Job {
    Export(Box<Export>),
    Report(Box<QueuedReport>),
}

struct Export {
    number: u64,
    scope: Scope,
    target: Target,
    /// Once the list that was asked for is made.
    begun: Option<Begun>,
}

struct Begun {
    findings: Held<Vec<FindingId>>,
    next: usize,
    flags: TuningMatches,
    profile: Profile,
    rows: Sender<Piece>,
}

struct QueuedReport {
    number: u64,
    scope: Scope,
    path: Option<PathBuf>,
    existing: Existing,
    gathering: Option<Gathering>,
}

/// Work that the loop starts a thread for.
pub(in crate::tui) enum Start {
    Export { number: u64, target: Target, options: ExportOptions, rows: Receiver<Piece> },
    Report { number: u64, scope: Scope, path: Option<PathBuf>, existing: Existing, gathering: Box<Gathering> },
}

/// The files whose rows or alerts are being gathered, the first one first.
#[derive(Default)]
pub(in crate::tui) struct Jobs {
    waiting: VecDeque<Job>,
}

/// When the first job can go on.
pub(in crate::tui) enum Turn {
    /// No job, or one that waits for its list.
    Never,
    Now,
    /// When the writer has room.
    WithRoom(Sender<Piece>),
}

/// The next step of a job.
pub(in crate::tui) enum Go {
    Now,
    Room(OwnedPermit<Piece>),
    /// The writer has given up, and says why itself.
    NoWriter,
}

/// Waits until the first job can go on.
pub(in crate::tui) async fn turn(turn: Turn) -> Go {
    match turn {
        Turn::Never => std::future::pending().await,
        Turn::Now => Go::Now,
        Turn::WithRoom(sender) => match sender.reserve_owned().await {
            Ok(permit) => Go::Room(permit),
            Err(_) => Go::NoWriter,
        },
    }
}

impl Jobs {
    /// Whether there is one. Nothing is taken into the store meanwhile.
    pub(in crate::tui) fn are_at_work(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(in crate::tui) fn add_export(&mut self, app: &mut App, number: u64, scope: Scope, target: Target) {
        app.begin_writing(number, name_of(&target.path), true);
        self.waiting.push_back(Job::Export(Box::new(Export { number, scope, target, begun: None })));
    }

    pub(in crate::tui) fn add_report(
        &mut self,
        app: &mut App,
        number: u64,
        scope: Scope,
        path: Option<PathBuf>,
        existing: Existing,
    ) {
        let what = path.as_deref().map_or_else(|| "the report".to_owned(), name_of);
        app.begin_writing(number, what, true);
        let job = QueuedReport { number, scope, path, existing, gathering: None };
        self.waiting.push_back(Job::Report(Box::new(job)));
    }

    /// Fixes which alerts the first job is of, as soon as the list is the one that was asked for.
    pub(in crate::tui) fn begin(&mut self, app: &mut App) -> Option<Start> {
        let is_made = !app.needs_rebuild && !app.is_making_list();
        let is_ready = |scope: &Scope| is_made || matches!(scope, Scope::Selected(_));
        match self.waiting.front_mut()? {
            Job::Export(export) if export.begun.is_none() && is_ready(&export.scope) => {
                let findings = match &export.scope {
                    Scope::Selected(pin) => pin.alerts(&app.store).to_vec(),
                    Scope::List => app.listed_findings(),
                };
                let kind = if app.list.shown == Shown::Alerts { "alerts" } else { "suppressed events" };
                let title = safe::masked(&app.title, app.reveal_secrets);
                let options = ExportOptions {
                    reveal_secrets: app.reveal_secrets,
                    summary: Some(format!("{} {kind} of {title}", findings.len())),
                    ..ExportOptions::default()
                };
                app.gathered(export.number, 0, findings.len());
                let file = name_of(&export.target.path);
                app.say(Tone::Info, format!("Writing {} to {file}; ^X stops it.", rows(findings.len())));
                let (sender, receiver) = channel(MAX_QUEUED_PIECES);
                export.begun = Some(Begun {
                    findings: Held::new(findings, &app.store),
                    next: 0,
                    flags: app.shown_flags().clone(),
                    profile: app.list.profile,
                    rows: sender,
                });
                let Target { format, path, existing } = &export.target;
                let target = Target { format: *format, path: path.clone(), existing: *existing };
                Some(Start::Export { number: export.number, target, options, rows: receiver })
            }
            Job::Report(report) if report.gathering.is_none() && is_ready(&report.scope) => {
                report.gathering = Some(app.begin_report(&report.scope));
                None
            }
            _ => None,
        }
    }

    /// When the first job can go on.
    pub(in crate::tui) fn turn(&self) -> Turn {
        match self.waiting.front() {
            Some(Job::Export(export)) => {
                export.begun.as_ref().map_or(Turn::Never, |begun| Turn::WithRoom(begun.rows.clone()))
            }
            Some(Job::Report(report)) if report.gathering.is_some() => Turn::Now,
            _ => Turn::Never,
        }
    }

    /// Gathers some milliseconds of the first job, or sends its end.
    pub(in crate::tui) fn advance(&mut self, app: &mut App, go: Go) -> Option<Start> {
        let is_over = match (self.waiting.front_mut()?, go) {
            (Job::Export(export), Go::Room(permit)) => export.advance(app, permit),
            (Job::Report(report), _) => report.advance(app),
            (Job::Export(_), _) => true,
        };
        if !is_over {
            return None;
        }
        match self.waiting.pop_front()? {
            Job::Export(_) => None,
            Job::Report(report) => {
                let QueuedReport { number, scope, path, existing, gathering } = *report;
                Some(Start::Report { number, scope, path, existing, gathering: Box::new(gathering?) })
            }
        }
    }

    /// Gives all of them up. A writer that has begun finds no end to its rows, and leaves no file.
    pub(in crate::tui) fn stop(&mut self, app: &mut App) {
        for job in self.waiting.drain(..) {
            let (number, has_writer) = match &job {
                Job::Export(export) => (export.number, export.begun.is_some()),
                Job::Report(report) => (report.number, false),
            };
            if !has_writer {
                let what = app.writing.iter().find(|writing| writing.number == number);
                let message = what.map_or_else(String::new, |writing| stopped(&writing.what));
                app.end_writing(number);
                app.say(Tone::Warning, message);
            }
        }
    }
}

impl Export {
    /// Makes some rows. Says whether the end was sent.
    fn advance(&mut self, app: &mut App, permit: OwnedPermit<Piece>) -> bool {
        let Some(begun) = &mut self.begun else { return true };
        let Some(findings) = begun.findings.get(&app.store) else {
            // Numbers of before a compaction: without an end the writer gives up.
            return true;
        };
        if begun.next >= findings.len() {
            permit.send(Piece::End);
            return true;
        }
        let started = Instant::now();
        let mut rows = Vec::new();
        while let Some(id) = findings.get(begun.next) {
            begun.next += 1;
            rows.extend(app.store.row(*id, begun.profile, &begun.flags));
            let is_time = begun.next.is_multiple_of(ROWS_PER_CLOCK_CHECK) && started.elapsed() >= ROWS_SLICE;
            if rows.len() >= MAX_PIECE_ROWS || is_time {
                break;
            }
        }
        permit.send(Piece::Rows(rows));
        let (next, all) = (begun.next, findings.len());
        app.gathered(self.number, next, all);
        false
    }
}

impl QueuedReport {
    /// Gathers some alerts. Says whether all are there.
    fn advance(&mut self, app: &mut App) -> bool {
        let Some(gathering) = &mut self.gathering else { return true };
        let started = Instant::now();
        let is_whole = app.gather_report(gathering, &|| started.elapsed() >= ROWS_SLICE);
        let (done, all) = gathering.progress();
        app.gathered(self.number, done, all);
        is_whole
    }
}

/// Rows as a writer takes them.
struct Received {
    rows: Receiver<Piece>,
    piece: std::vec::IntoIter<AlertRow>,
    number: usize,
    is_whole: bool,
}

impl Iterator for Received {
    type Item = AlertRow;

    fn next(&mut self) -> Option<AlertRow> {
        loop {
            if let Some(row) = self.piece.next() {
                self.number += 1;
                return Some(row);
            }
            match self.rows.blocking_recv()? {
                Piece::Rows(rows) => self.piece = rows.into_iter(),
                Piece::End => {
                    self.is_whole = true;
                    return None;
                }
            }
        }
    }
}

/// Writes the rows as they come; the file has its name once all are there.
///
/// # Errors
/// A sentence that names the file, or says that it was stopped.
pub(in crate::tui) fn write_export(
    target: &Target,
    outputs: &OutputPolicy,
    options: &ExportOptions,
    rows_to_come: Receiver<Piece>,
) -> Result<String, String> {
    let file = AtomicFile::create(&target.path, outputs, target.existing);
    let mut file = file.map_err(|error| error.to_string())?;
    let mut received =
        Received { rows: rows_to_come, piece: Vec::new().into_iter(), number: 0, is_whole: false };
    let written = write_rows(&mut file, target.format, &mut received, options);
    written.map_err(|error: io::Error| file.explain(error).to_string())?;
    if !received.is_whole {
        return Err(stopped(&name_of(&target.path)));
    }
    let path = file.commit().map_err(|error| error.to_string())?;
    let verb = if received.number == 1 { "is" } else { "are" };
    Ok(format!("{} {verb} in {}.", rows(received.number), path.display()))
}

fn stopped(what: &str) -> String {
    format!("Writing {what} was stopped; nothing was written.")
}

fn rows(number: usize) -> String {
    if number == 1 { "1 row".to_owned() } else { format!("{} rows", grouped(count(number))) }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
