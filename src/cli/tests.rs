//! `tests`: the tests of the detection, step by step: seen, detected, or why not.

use std::io::{self, BufWriter, IsTerminal, Write};

use super::args::{Tests, WalkFormatName};
use super::outputs::{self, Reads};
use super::scan::{self, Reading};
use super::settings::Resolved;
use super::{EXIT_USAGE, complain};
use crate::export::walk::{WalkFormat, write_walk};
use crate::export::{ExportOptions, is_closed_pipe};
use crate::model::fault::Severity;
use crate::model::walkthrough::{Outcome, TestReport, all_detected};
use crate::store::Collect;
use crate::store::tuning_matches::TuningMatches;
use crate::tui::terminal;
use crate::walk::definition::is_expected;
use crate::walk::{Scope, View, Walk, file};

/// Every test that left a trace was detected.
const EXIT_DETECTED: u8 = 0;
/// One was not.
const EXIT_NOT_DETECTED: u8 = 1;
/// Read in part.
const EXIT_PARTIAL: u8 = 3;

/// Hosts that are named where the wanted one is not among them.
const MAX_NAMED_HOSTS: usize = 10;

/// The error for a `--host` without an event.
fn no_such_host(host: &str, (names, more): &(Vec<&str>, usize)) -> String {
    let there = match (names.as_slice(), more) {
        ([], _) => "no event names a host".to_owned(),
        (names, 0) => format!("there are {}", names.join(", ")),
        (names, more) => format!("there are {} and {more} more", names.join(", ")),
    };
    format!("--host {host}: no event is of that host; {there}")
}

/// Walks through the tests, and returns the exit status.
pub(super) fn run(options: &Tests) -> Result<u8, String> {
    let resolved = Resolved::new(&options.common())?;
    let policy = outputs::of_command(Reads::Logs(&options.paths), &resolved, &options.test);
    outputs::check_standard_output(&policy)?;
    let files: Vec<_> = resolved.config.tests.iter().chain(&options.test).cloned().collect();
    let tests = file::load(&files).map_err(|error| error.to_string())?;
    let mut store = resolved.store(Collect::Everything);
    let wanted = tests.clone();
    store.collect_channels(Box::new(move |event_code, texts| is_expected(&wanted, event_code, texts)));
    let mut store = scan::read(&options.paths, &resolved, Reading { store, keeper: None, telemetry: true });
    store.finish_script_blocks();
    scan::print_faults(&store);
    let mut flags = TuningMatches::with_exceptions(resolved.patterns.clone(), resolved.exceptions.clone());
    flags.extend(&store);
    if let Some(host) = &options.host
        && store.tally().records() > 0
        && !store.knows_host(host)
    {
        return Err(no_such_host(host, &store.host_names(MAX_NAMED_HOSTS)));
    }
    let mut walk = Walk::new(tests);
    walk.extend(&store, usize::MAX);
    let scope = Scope { host: options.host.clone(), from: options.from, to: options.to };
    let view = View {
        store: &store,
        flags: &flags,
        profile: resolved.profile,
        min_score: resolved.min_score,
        scope: &scope,
    };
    let reports = walk.report(&view);
    for test in reports.iter().filter(|test| test.more_runs > 0) {
        complain(&format!("{}: {} more runs were too many to be told apart", test.name, test.more_runs));
    }
    write(options, &resolved, &reports, &summary(&reports, &resolved))?;
    let errors = store.faults().iter().filter(|fault| fault.severity != Severity::Notice).count();
    Ok(match (errors, store.tally().records()) {
        (1.., 0) => EXIT_USAGE,
        (1.., _) => EXIT_PARTIAL,
        _ if all_detected(&reports) => EXIT_DETECTED,
        _ => EXIT_NOT_DETECTED,
    })
}

/// `5 runs of 4 tests: 3 detected, 1 suppressed, 1 missed, profile correlated.`
fn summary(tests: &[TestReport], resolved: &Resolved) -> String {
    let of = |outcome| {
        let runs = tests.iter().flat_map(|test| &test.runs);
        runs.filter(|run| run.verdict.outcome == outcome).count()
    };
    let (detected, suppressed, missed) =
        (of(Outcome::Detected), of(Outcome::Suppressed), of(Outcome::Missed));
    let folded: usize = tests.iter().map(|test| test.folded.count).sum();
    let folded = match folded {
        0 => String::new(),
        1 => " 1 act without the other steps of its test is no run.".to_owned(),
        more => format!(" {more} acts without the other steps of their test are no runs."),
    };
    format!(
        "{} runs of {} tests: {detected} detected, {suppressed} suppressed, {missed} missed; {} tests left no \
         trace.{folded} Profile {}.",
        detected + suppressed + missed,
        tests.len(),
        of(Outcome::NoTrace),
        resolved.profile.name()
    )
}

fn write(options: &Tests, resolved: &Resolved, reports: &[TestReport], summary: &str) -> Result<(), String> {
    let to_terminal = io::stdout().is_terminal();
    let format = match (options.format, to_terminal) {
        (Some(WalkFormatName::Table), _) | (None, true) => WalkFormat::Table,
        (Some(WalkFormatName::Ndjson), _) | (None, false) => WalkFormat::Ndjson,
        (Some(WalkFormatName::Markdown), _) => WalkFormat::Markdown,
    };
    let export = ExportOptions {
        reveal_secrets: resolved.reveal_secrets,
        table_width: to_terminal.then(terminal::width).flatten(),
        color: to_terminal && resolved.colors_allowed,
        ascii: resolved.ascii,
        summary: Some(summary.to_owned()),
        ..ExportOptions::default()
    };
    let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    match write_walk(&mut out, format, reports, &export).and_then(|()| out.flush()) {
        // The reader closed the pipe (`| head`): exit quietly.
        Err(error) if is_closed_pipe(&error) => Ok(()),
        Err(error) => Err(format!("standard output could not be written: {error}")),
        Ok(()) => Ok(()),
    }
}
