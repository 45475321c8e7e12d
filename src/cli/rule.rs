//! `rule`: the detection out to other engines, patterns in from a Splunk search.

use std::io::{self, Write};
use std::path::Path;

use super::args::{RuleCommand, RuleExport};
use super::complain;
use super::settings::Resolved;
use crate::export::is_closed_pipe;
use crate::files::open;
use crate::rule::{Engine, Rule, export, import, patterns_toml};

/// Bytes of a search that are read.
const SEARCH_LIMIT: u64 = 1 << 20;

/// Runs the command, and says its exit status.
pub(super) fn run(command: &RuleCommand) -> Result<u8, String> {
    let text = match command {
        RuleCommand::Export(options) => exported(options)?,
        RuleCommand::Import { file } => imported(file)?,
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if !is_closed_pipe(&error) => {
            Err(format!("standard output could not be written: {error}"))
        }
        _ => Ok(0),
    }
}

fn exported(options: &RuleExport) -> Result<String, String> {
    let resolved = Resolved::new(&options.common)?;
    for expired in &resolved.expired {
        complain(&format!("note: {expired}"));
    }
    let rule = Rule {
        patterns: &resolved.patterns,
        exceptions: &resolved.exceptions,
        profile: resolved.profile,
        table: &options.table,
    };
    export(Engine::from(options.to), &rule)
}

/// The two patterns as they stand in the configuration.
fn imported(file: &Path) -> Result<String, String> {
    let read = if file == Path::new("-") {
        open::read_from(io::stdin().lock(), SEARCH_LIMIT)
    } else {
        open::read(file, SEARCH_LIMIT)
    };
    let failed = |reason: &str| format!("{}: the search can't be read: {reason}", file.display());
    let bytes = read.map_err(|error| failed(&open::reason(&error)))?;
    let search = String::from_utf8(bytes).map_err(|_| failed("it is not written in UTF-8"))?;
    let (ci_host, ide_parent) = import(&search).map_err(|error| format!("{}: {error}", file.display()))?;
    crate::detect::pattern::Patterns::new(Some(&ci_host), Some(&ide_parent))
        .map_err(|(name, error)| format!("{}: the {name} pattern: {error}", file.display()))?;
    Ok(patterns_toml(&ci_host, &ide_parent))
}
