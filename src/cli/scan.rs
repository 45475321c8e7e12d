//! `scan`: no screen, alerts to standard output.

use std::collections::{HashSet, VecDeque};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::args::{RankName, Scan};
use super::outputs::{self, Reads};
use super::settings::Resolved;
use super::{EXIT_USAGE, complain, signals};
use crate::config::folder;
use crate::detect::ALERT_SCORE;
use crate::detect::profile::Profile;
use crate::export::stats::Stats;
use crate::export::{ExportOptions, Format, is_closed_pipe, write_rows};
use crate::files::atomic::AtomicFile;
use crate::files::policy::{Existing, OutputPolicy};
use crate::model::event::Wanted;
use crate::model::fault::Severity;
use crate::model::feed::{FeedMessage, Progress};
use crate::model::row::AlertRow;
use crate::source::{Inputs, LoadOptions, load_inputs};
use crate::store::compaction::Compactor;
use crate::store::ids::FindingId;
use crate::store::list::listing::{Listing, Query, Shown, SortKey};
use crate::store::tuning_matches::TuningMatches;
use crate::store::{Collect, Store};
use crate::tui::terminal;
use crate::tui::theme::{ColorSupport, Theme};

/// No alert.
const EXIT_QUIET: u8 = 0;
/// Alerts.
const EXIT_ALERTS: u8 = 1;
/// Read in part.
pub(super) const EXIT_PARTIAL: u8 = 3;
/// Messages that may wait for the store before a reader waits too.
const MAX_WAITING: usize = 64;
/// Between two lines of progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Runs a scan, and returns its exit status.
pub(super) fn run(scan: &Scan) -> Result<u8, String> {
    let started = Instant::now();
    let resolved = Resolved::new(&scan.common)?;
    check_theme(scan)?;
    check_evidence(scan, resolved.profile)?;
    let policy = outputs::of_command(Reads::Logs(&scan.paths), &resolved, &[]);
    check_output(scan, &policy)?;
    let retention = match resolved.profile {
        Profile::Spl => Collect::Selected,
        Profile::Correlated => Collect::Joins,
        Profile::Hunt => Collect::Leads,
    };
    let reading = Reading { store: resolved.store(retention), keeper: resolved.keeper(), telemetry: false };
    let mut store = read(&scan.paths, &resolved, reading);
    let mut flags = TuningMatches::with_exceptions(resolved.patterns.clone(), resolved.exceptions.clone());
    flags.extend(&store);
    print_faults(&store);
    for expired in &resolved.expired {
        complain(&format!("note: {expired}"));
    }
    let query = Query {
        min_score: resolved.min_score,
        sort: if scan.rank == Some(RankName::Evidence) { SortKey::Evidence } else { SortKey::Rank },
        by_evidence: scan.rank != Some(RankName::Time),
        ..Query::alerts(resolved.profile)
    };
    let listing = Listing::new(&mut store, &flags, &query);
    let alerts = listing.total(Shown::Alerts, resolved.min_score.max(ALERT_SCORE));
    write(scan, &resolved, &policy, &store, &flags, &listing)?;
    let errors = store.faults().iter().filter(|fault| fault.severity != Severity::Notice).count();
    if scan.stats {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let notes = store.coverage_notes().into_iter().map(|note| note.text);
        let coverage = notes.chain(resolved.expired.iter().cloned()).collect();
        let selected = number(listing.by_score.iter().sum());
        let stats =
            Stats::new(store.tally(), selected, number(alerts), number(errors), started.elapsed(), coverage);
        // A closed standard error has no reader.
        let _ = stats.write(&mut io::stderr());
    }
    Ok(match (errors, store.tally().records(), alerts) {
        (1.., 0, _) => EXIT_USAGE,
        (1.., ..) => EXIT_PARTIAL,
        (0, _, 0) => EXIT_QUIET,
        (0, _, _) => EXIT_ALERTS,
    })
}

/// Target of a read, and its options.
pub(super) struct Reading {
    /// An empty store for the events that are needed.
    pub store: Store,
    /// The compactor that keeps it within its bounds, where it has some.
    pub keeper: Option<Compactor>,
    /// True if other channels are read too.
    pub telemetry: bool,
}

/// Reads all sources into a store.
pub(super) fn read(paths: &[PathBuf], resolved: &Resolved, reading: Reading) -> Store {
    let Reading { mut store, keeper, telemetry } = reading;
    if keeper.is_none() {
        store.defer_joins();
    }
    let wanted = if telemetry { Wanted::default() } else { store.wanted() };
    let kept = Kept { store, keeper, flags: TuningMatches::new(resolved.patterns.clone()) };
    let desk = Desk { kept: Mutex::new(kept), waiting: Mutex::default() };
    let inputs = Inputs { format: resolved.input_format, telemetry, wanted };
    let progress = Progress::default();
    let options = LoadOptions { threads: resolved.threads };
    let take = |message| {
        desk.take(message);
        true
    };
    if io::stderr().is_terminal() {
        std::thread::scope(|scope| {
            let (done, waiting) = mpsc::channel::<()>();
            let progress = &progress;
            scope.spawn(move || show_progress(progress, &waiting));
            load_inputs(paths, inputs, &options, progress, &take);
            drop(done);
        });
    } else {
        load_inputs(paths, inputs, &options, &progress, &take);
    }
    let mut store = desk.finish();
    store.finish_joins();
    store
}

/// The store, and the compactor that keeps it within its bounds.
struct Kept {
    store: Store,
    keeper: Option<Compactor>,
    flags: TuningMatches,
}

impl Kept {
    fn take(&mut self, message: FeedMessage) {
        match message {
            FeedMessage::Source(source) => self.store.add_source(source),
            FeedMessage::Batch(batch) => match &mut self.keeper {
                None => self.store.ingest(batch),
                Some(keeper) => {
                    self.flags.extend(&self.store);
                    if keeper.ingest(&mut self.store, batch, &self.flags).is_some() {
                        self.flags.extend(&self.store);
                    }
                }
            },
            FeedMessage::Fault(fault) => self.store.add_fault(fault),
            FeedMessage::Finished => {}
        }
    }
}

/// Queue of the readers' messages. The reader that finds the store free puts in all that has gathered; the others read
/// on, so that no thread waits for another and none exists only to take messages.
struct Desk {
    kept: Mutex<Kept>,
    waiting: Mutex<VecDeque<FeedMessage>>,
}

impl Desk {
    fn take(&self, message: FeedMessage) {
        let waiting = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push_back(message);
            waiting.len()
        };
        if waiting > MAX_WAITING {
            self.put_in(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        } else if let Ok(mut kept) = self.kept.try_lock() {
            self.put_in(&mut kept);
        }
    }

    fn put_in(&self, kept: &mut Kept) {
        let next = || self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        while let Some(message) = next() {
            kept.take(message);
        }
    }

    fn finish(self) -> Store {
        self.put_in(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        self.kept.into_inner().unwrap_or_else(PoisonError::into_inner).store
    }
}

/// Fails where the search to the letter is asked for what it does not know.
fn check_evidence(scan: &Scan, profile: Profile) -> Result<(), String> {
    let option = match (scan.rank, scan.activities) {
        (Some(RankName::Evidence), _) => "--rank evidence",
        (_, true) => "--activities",
        _ => return Ok(()),
    };
    if profile == Profile::Spl {
        return Err(format!(
            "{option} needs joins, which the profile spl has not: use --profile correlated or hunt"
        ));
    }
    Ok(())
}

/// Fails if the theme, which a scan has no screen for, is invalid.
fn check_theme(scan: &Scan) -> Result<(), String> {
    let Some(name) = &scan.common.theme.theme else { return Ok(()) };
    let loaded = Theme::load(name, folder().as_deref(), ColorSupport::None);
    loaded.map(drop).map_err(|error| error.to_string())
}

const fn existing(scan: &Scan) -> Existing {
    if scan.force { Existing::Replace } else { Existing::Refuse }
}

/// Names each fault on standard error, in the order of the inputs: threads finish files in any order.
pub(super) fn print_faults(store: &Store) {
    let mut faults: Vec<_> = store.faults().iter().collect();
    faults.sort_by_key(|fault| fault.source);
    for fault in faults {
        let kind = if fault.severity == Severity::Notice { "note: " } else { "" };
        complain(&format!("{kind}{fault}"));
    }
}

/// Reports an unusable output before all is read, not after it.
fn check_output(scan: &Scan, policy: &OutputPolicy) -> Result<(), String> {
    match &scan.output {
        Some(path) => AtomicFile::check(path, policy, existing(scan)).map_err(|error| error.to_string()),
        None => outputs::check_standard_output(policy),
    }
}

fn write(
    scan: &Scan,
    resolved: &Resolved,
    policy: &OutputPolicy,
    store: &Store,
    flags: &TuningMatches,
    listing: &Listing,
) -> Result<(), String> {
    let to_terminal = scan.output.is_none() && io::stdout().is_terminal();
    let format = scan.format.map_or(if to_terminal { Format::Table } else { Format::Ndjson }, Format::from);
    let options = ExportOptions {
        reveal_secrets: resolved.reveal_secrets,
        table_width: to_terminal.then(terminal::width).flatten(),
        color: to_terminal && resolved.colors_allowed,
        ascii: resolved.ascii,
        activities: scan.activities,
        summary: Some(format!(
            "{} rows, profile {}, {} Sysmon events of {} records.",
            listing.findings.len(),
            resolved.profile.name(),
            store.tally().sysmon,
            store.tally().records()
        )),
        ..ExportOptions::default()
    };
    let rows: Box<dyn Iterator<Item = AlertRow>> = if scan.activities {
        Box::new(activity_rows(store, resolved.profile, flags, listing))
    } else {
        Box::new(listing.findings.iter().filter_map(|id| store.row(*id, resolved.profile, flags)))
    };
    if let Some(path) = &scan.output {
        signals::remove_unfinished_files();
        let mut file = AtomicFile::create(path, policy, existing(scan)).map_err(|error| error.to_string())?;
        write_rows(&mut file, format, rows, &options).map_err(|error| file.explain(error).to_string())?;
        return file.commit().map(drop).map_err(|error| error.to_string());
    }
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    match write_rows(&mut out, format, rows, &options).and_then(|()| out.flush()) {
        // The reader closed the pipe (`| head`): exit quietly.
        Err(error) if is_closed_pipe(&error) => Ok(()),
        Err(error) => Err(format!("standard output could not be written: {error}")),
        Ok(()) => Ok(()),
    }
}

/// The first row of each activity in the order of the list, which is its strongest, with the record numbers of all its rows.
fn activity_rows<'a>(
    store: &'a Store,
    profile: Profile,
    tuning: &'a TuningMatches,
    listing: &'a Listing,
) -> impl Iterator<Item = AlertRow> + 'a {
    let table = store.activities_of(profile);
    let mut seen = HashSet::new();
    listing.findings.iter().filter_map(move |id| {
        let table = table?;
        if !seen.insert(table.number_of(*id)?) {
            return None;
        }
        let findings = table.of(*id).map_or(&[][..], |activity| &activity.findings);
        let record = |id: &FindingId| store.event(store.finding(*id)?.event)?.record_id();
        let records: Vec<u64> = findings.iter().filter_map(record).collect();
        Some(AlertRow { rows: Some(records), ..store.row(*id, profile, tuning)? })
    })
}

/// Keeps a line on standard error up to date until the other end of `done` is dropped.
fn show_progress(progress: &Progress, done: &mpsc::Receiver<()>) {
    let figure = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    while done.recv_timeout(PROGRESS_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
        // A closed standard error has no reader.
        let _ = write!(
            io::stderr(),
            "\r\x1b[K{} of {} files, {} of {} MB, {} records",
            figure(&progress.files_done),
            figure(&progress.files_found),
            figure(&progress.bytes_done) / 1_000_000,
            figure(&progress.bytes_found) / 1_000_000,
            figure(&progress.records_done)
        );
    }
    let _ = write!(io::stderr(), "\r\x1b[K");
}
