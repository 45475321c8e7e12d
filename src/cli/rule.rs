//! `rule`: the detection out to other engines, patterns in from a Splunk search.

use std::io::{self, Write};
use std::path::Path;

use super::args::{RuleCommand, RuleExport, RuleImport};
use super::border::{complain, refuse_control, refuse_secrets, shown};
use super::settings::{Resolved, today};
use super::signals;
use crate::config::{Config, DiffLine, Keeper, WriteError};
use crate::detect::pattern::Patterns;
use crate::export::is_closed_pipe;
use crate::files::open;
use crate::files::policy::OutputPolicy;
use crate::model::text::keeps_to_ascii;
use crate::rule::{Rule, export, import, patterns_toml};

/// Bytes of a search that are read.
const SEARCH_LIMIT: u64 = 1 << 20;

/// Runs the command, and returns its exit status.
pub(super) fn run(command: &RuleCommand) -> Result<u8, String> {
    match command {
        RuleCommand::Export(options) => print(&exported(options)?)?,
        RuleCommand::Import(options) if options.write => write(options)?,
        RuleCommand::Import(options) => print(&as_configuration(options)?)?,
    }
    Ok(0)
}

fn print(text: &str) -> Result<(), String> {
    let mut out = io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if !is_closed_pipe(&error) => {
            Err(format!("standard output could not be written: {error}"))
        }
        _ => Ok(()),
    }
}

fn exported(options: &RuleExport) -> Result<String, String> {
    let resolved = Resolved::new(&options.common())?;
    for expired in &resolved.expired {
        complain(&format!("note: {expired}"));
    }
    let exceptions = resolved.exceptions.all().iter().flat_map(|exception| {
        let terms = exception.terms.iter().map(|(field, pattern)| {
            (format!("the exception {}, {},", exception.name, field.key()), pattern.text())
        });
        let name = "an exception's name".to_owned();
        let reason = format!("the reason of the exception {}", exception.name);
        terms.chain([(name, exception.name.as_str()), (reason, exception.reason.as_str())])
    });
    let patterns = pattern_texts(&resolved.patterns);
    refuse_secrets(
        patterns.into_iter().chain(exceptions).chain([("--table".to_owned(), options.table.as_str())]),
    )?;
    let rule = Rule {
        patterns: &resolved.patterns,
        exceptions: &resolved.exceptions,
        profile: resolved.profile,
        table: &options.table,
    };
    let text = export(options.to, &rule)?;
    refuse_control(&text).map_err(|reason| format!("the rule can't be exported: {reason}"))?;
    Ok(text)
}

fn pattern_texts(patterns: &Patterns) -> [(String, &str); 2] {
    [
        ("the ci-host pattern".to_owned(), patterns.ci_host.text()),
        ("the ide-parent pattern".to_owned(), patterns.ide_parent.text()),
    ]
}

/// Reads the two patterns of a search.
fn imported(file: &Path) -> Result<Patterns, String> {
    let read = if file == Path::new("-") {
        open::read_from(io::stdin().lock(), SEARCH_LIMIT)
    } else {
        open::read(file, SEARCH_LIMIT)
    };
    let failed = |reason: &str| format!("{}: the search can't be read: {reason}", file.display());
    let bytes = read.map_err(|error| failed(&open::reason(&error)))?;
    let search = String::from_utf8(bytes).map_err(|_| failed("it is not written in UTF-8"))?;
    let (ci_host, ide_parent) = import(&search).map_err(|error| format!("{}: {error}", file.display()))?;
    Patterns::new(Some(&ci_host), Some(&ide_parent))
        .map_err(|(name, error)| format!("{}: the {name} pattern: {error}", file.display()))
}

/// Returns the two patterns in the form of the configuration.
fn as_configuration(options: &RuleImport) -> Result<String, String> {
    let patterns = imported(&options.file)?;
    refuse_secrets(pattern_texts(&patterns))?;
    Ok(patterns_toml(patterns.ci_host.text(), patterns.ide_parent.text()))
}

/// Writes the two patterns into the configuration, and shows the changes.
fn write(options: &RuleImport) -> Result<(), String> {
    let patterns = imported(&options.file)?;
    let config = Config::load(options.config.as_deref()).map_err(|error| error.to_string())?;
    let keeper = Keeper::new(&config, today);
    let plan = keeper.plan(&patterns, &config.exceptions.in_force(today()))?;
    let mut policy = OutputPolicy::new("");
    policy.protect(&options.file, "the search");
    if let Some(reason) = policy.refusal(&plan.path) {
        return Err(format!("cannot write {}: {reason}", plan.path.display()));
    }
    let path = plan.path.display().to_string();
    if plan.diff.iter().all(|line| matches!(line, DiffLine::Same(_) | DiffLine::Gap)) {
        complain(&format!("note: {path} has both patterns already; nothing was written"));
        return Ok(());
    }
    let gap = if keeps_to_ascii() { "..." } else { "…" };
    let line = |line: &DiffLine| match line {
        DiffLine::Same(text) => format!("  {}\n", shown(text)),
        DiffLine::Out(text) => format!("- {}\n", shown(text)),
        DiffLine::In(text) => format!("+ {}\n", shown(text)),
        DiffLine::Gap => format!("  {gap}\n"),
    };
    print(&plan.diff.iter().map(line).collect::<String>())?;
    signals::remove_unfinished_files();
    keeper.write(&plan).map_err(|error| match error {
        WriteError::Changed => {
            format!("{path} was changed just now by another program; nothing was written: try again")
        }
        WriteError::Failed(message) => message,
    })?;
    complain(&format!("note: both patterns are in {path}"));
    Ok(())
}
