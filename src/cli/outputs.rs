//! Files that no output may replace: all inputs of this run, and the files that it keeps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::settings::{Resolved, case_file};
use crate::config::folder;
use crate::files::policy::{IsRead, OutputPolicy};
use crate::source::{is_read_in_folder, is_row_file};

/// Hint on how a command without a screen replaces a file.
const BY_FORCE: &str = "say --force to replace it";
/// Hint on how the console replaces a file.
const BY_MARK: &str = "put a ! after the command's name to replace it, as in :export!";

/// Where the inputs are read from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads<'a> {
    /// Logs.
    Logs(&'a [PathBuf]),
    /// Logs that grow.
    Growing(&'a [PathBuf]),
    /// Rows of scans.
    Rows(&'a [PathBuf]),
    /// A channel of this host.
    Channel,
}

/// Returns the rule for the outputs of a command without a screen. `tests` are the files of tests that it was given.
pub(super) fn of_command(reads: Reads<'_>, resolved: &Resolved, tests: &[PathBuf]) -> OutputPolicy {
    let mut policy = OutputPolicy::new(BY_FORCE);
    protect_inputs(&mut policy, reads, resolved);
    protect_own(&mut policy, None, resolved, tests);
    policy
}

/// Returns the rule for the console's outputs: files alone, since a pipe could hold it for ever.
pub(super) fn of_console(reads: Reads<'_>, case: Option<&Path>, resolved: &Resolved) -> OutputPolicy {
    let mut policy = OutputPolicy::new(BY_MARK).only_files();
    protect_inputs(&mut policy, reads, resolved);
    protect_own(&mut policy, case, resolved, &[]);
    policy
}

/// Returns the rule for the files that the program keeps for itself: over no input.
pub(super) fn of_own_files(reads: Reads<'_>, resolved: &Resolved) -> OutputPolicy {
    let mut policy = OutputPolicy::new(BY_FORCE);
    // Their content is not taken for events, so that they may be in a folder that is followed.
    let reads = if let Reads::Growing(paths) = reads { Reads::Logs(paths) } else { reads };
    protect_inputs(&mut policy, reads, resolved);
    policy
}

/// Fails if standard output, opened by the shell, is one of the inputs.
pub(super) fn check_standard_output(policy: &OutputPolicy) -> Result<(), String> {
    let refusal = policy.refusal_of_standard_output();
    refusal.map_or(Ok(()), |reason| Err(format!("standard output can't be written: {reason}")))
}

fn protect_inputs(policy: &mut OutputPolicy, reads: Reads<'_>, resolved: &Resolved) {
    let format = resolved.input_format;
    let is_log: IsRead = Arc::new(move |path| is_read_in_folder(path, format));
    match reads {
        Reads::Logs(paths) => policy.protect_inputs(paths, &is_log),
        Reads::Growing(paths) => {
            policy.protect_inputs(paths, &is_log);
            policy.follow();
        }
        Reads::Rows(paths) => policy.protect_inputs(paths, &(Arc::new(is_row_file) as IsRead)),
        Reads::Channel => {}
    }
}

fn protect_own(policy: &mut OutputPolicy, case: Option<&Path>, resolved: &Resolved, tests: &[PathBuf]) {
    let config = &resolved.config;
    if let Some(path) = &config.path {
        policy.protect(path, "the configuration");
        let snapshots = path.parent().unwrap_or(Path::new("")).join("snapshots");
        policy.protect(&snapshots, "one of the snapshots");
    }
    if let Some(case) = case_file(case, config) {
        policy.protect(case.path(), "the case file");
    }
    for test in config.tests.iter().chain(tests) {
        policy.protect(test, "a file of tests");
    }
    if let Some(folder) = folder() {
        policy.protect(&folder.join("themes"), "one of the themes");
    }
}
