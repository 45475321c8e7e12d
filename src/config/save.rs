//! Writing patterns back: the rest of the file stays byte for byte, and the file is never half written.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value};

use super::document::Source;
use super::{ConfigError, EXCEPTIONS, PATTERNS, read_file, reason};
use crate::detect::exception::Exception;
use crate::files::atomic::{AtomicFile, OutputError};
use crate::files::part::PREFIX;
use crate::files::policy::{Existing, OutputPolicy};
use crate::model::text::is_forbidden;

/// A configuration file with nothing but comments: every key, what it means and an example.
pub const TEMPLATE: &str = r#"# The configuration of exfilscope. Every line that begins with `# key =` is an example; options on the command line win.

# How events are judged: "spl", "correlated" or "hunt".
# profile = "correlated"

# What the host column holds: "computer", or "short" for its first label.
# host = "computer"

# Alerts below this score are not shown: 0 to 3.
# min-score = 2

# "ansi", "dark", "light", "high-contrast", "colour-blind-safe", "mono", or a file of yours in the folder themes.
# theme = "ansi"

# Draw with ASCII alone.
# ascii = false

# Whether the mouse is on from the start.
# mouse = false

# The case file of verdicts and notes; without a folder it is beside this file.
# case = "case.ndjson"

# Files of tests of your own; a path that is not absolute begins at this folder.
# tests = ["ours.toml"]

# Ready-made exceptions, off until they are named here: "dependabot", "renovate", "security-scanners".
# builtin-exceptions = ["dependabot"]

# Regular expressions, searched anywhere in the text and with case unless they begin with (?i).
# [patterns]
# ci-host = '(?i)(jenkins|gitlab-runner|ci[-_]|build[-_])'
# ide-parent = '(?i)(code\.exe|idea64\.exe|devenv\.exe)'

# Your own GitLab, Gitea, GitHub Enterprise: whole host names that count as repositories for hunt.
# [hunt]
# repository-hosts = ["git.corp.example"]

# What is suppressed by name: all regular expressions that are given must match, of host, user, image, parent,
# destination (DestinationHostname) and command-line. After the day of `expires` it suppresses no more.
# [[exceptions]]
# name = "nightly mirror"
# host = '(?i)^mirror-\d+\.'
# user = '(?i)\\svc-mirror$'
# reason = "mirrors our public repositories"
# expires = 2026-12-31
# enabled = true
"#;

/// Age after which a file that is being written counts as abandoned.
const ABANDONED: Duration = Duration::from_secs(600);
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A link, as dotfile managers set them, stays one: its target is replaced.
pub(super) fn target_of(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Replaces a file's bytes, if it still has the old ones; `None` if there was no file. Whenever this is interrupted,
/// the file is the old or the new one.
pub(super) fn replace(
    path: &Path,
    before: Option<&[u8]>,
    after: &[u8],
    outputs: &OutputPolicy,
) -> Result<(), ConfigError> {
    let target = target_of(path);
    refuse_if_changed(path, &target, before)?;
    let failed = |error: &io::Error| ConfigError::Write { path: path.to_owned(), reason: reason(error) };
    if fs::metadata(&target).is_ok_and(|metadata| metadata.permissions().readonly()) {
        return Err(ConfigError::Write { path: path.to_owned(), reason: "it is read-only".to_owned() });
    }
    let folder = folder_of(&target);
    fs::create_dir_all(&folder).map_err(|error| match error.kind() {
        // A file exists where a folder should be; Windows reports it this way.
        std::io::ErrorKind::AlreadyExists => failed(&std::io::ErrorKind::NotADirectory.into()),
        _ => failed(&error),
    })?;
    sweep(&folder);
    let not_written = |error: OutputError| match error.into_cause() {
        Ok(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            ConfigError::ChangedMeanwhile { path: path.to_owned() }
        }
        Ok(error) => failed(&error),
        Err(reason) => ConfigError::Write { path: path.to_owned(), reason },
    };
    let existing = if before.is_some() { Existing::Replace } else { Existing::Refuse };
    let mut file = AtomicFile::create_private(path, outputs, existing).map_err(not_written)?;
    file.write_all(after).map_err(|error| failed(&error))?;
    refuse_if_changed(path, &target, before)?;
    file.commit().map(drop).map_err(not_written)
}

/// Removes the leftovers of interrupted writes once they are surely abandoned.
fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|at| at.elapsed());
        if matches!(age, Ok(Ok(age)) if age > ABANDONED) {
            // A user without the right to delete it leaves it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn refuse_if_changed(path: &Path, target: &Path, snapshot: Option<&[u8]>) -> Result<(), ConfigError> {
    let now = match read_file(target) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(ConfigError::Write { path: path.to_owned(), reason: reason(&error) }),
    };
    if now.as_deref() == snapshot {
        Ok(())
    } else {
        Err(ConfigError::ChangedMeanwhile { path: path.to_owned() })
    }
}

/// The text with the patterns set, and its exceptions edited.
pub(super) fn edit(
    path: &Path,
    bytes: &[u8],
    patterns: &[(&str, Option<&str>)],
    exceptions: &ExceptionEdits<'_>,
) -> Result<String, ConfigError> {
    let source = Source::new(bytes, path)?;
    let mut document: DocumentMut = source.document()?.into_mut();
    if !document.contains_key(PATTERNS) {
        // Trailing text after the last key would otherwise end up after the new table.
        let mut before = document.trailing().as_str().unwrap_or_default().to_owned();
        if !before.is_empty() && !before.ends_with('\n') {
            before.push('\n');
        }
        if !before.is_empty() || !document.is_empty() {
            before.push('\n');
        }
        document.set_trailing("");
        let mut table = Table::new();
        table.decor_mut().set_prefix(before);
        document.insert(PATTERNS, Item::Table(table));
    }
    let item = document.as_table_mut().entry(PATTERNS).or_insert_with(|| Item::Table(Table::new()));
    let Some(table) = item.as_table_like_mut() else {
        return Err(source.fault(None, format!("`{PATTERNS}` must be a table")));
    };
    for (key, pattern) in patterns {
        let Some(pattern) = pattern else { continue };
        if table.get(key).and_then(Item::as_str) == Some(*pattern) {
            continue;
        }
        let mut value = text_value(pattern);
        match table.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) => {
                // The blanks and the comment around it belong to its line, not to the value.
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => {
                table.insert(key, Item::Value(value));
            }
        }
    }
    edit_exceptions(&source, &mut document, exceptions)?;
    let mut edited = document.to_string();
    // The document knows neither the line ends of Windows nor the mark that its editors write.
    if bytes.windows(2).any(|pair| pair == b"\r\n") {
        edited = edited.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    if bytes.starts_with(BYTE_ORDER_MARK) && !edited.as_bytes().starts_with(BYTE_ORDER_MARK) {
        edited.insert(0, '\u{feff}');
    }
    Ok(edited)
}

/// Returns a text as a value without any character that a terminal would obey or hide.
#[must_use]
pub fn text_value(text: &str) -> Value {
    if !text.chars().any(is_forbidden) {
        return Value::from(text);
    }
    let mut escaped = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            escaped.push('\\');
        }
        if is_forbidden(letter) {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\U{:08X}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    escaped.push('"');
    escaped.parse().unwrap_or_else(|_| Value::from(text))
}

/// Changes to the exceptions in a file.
#[derive(Default)]
pub(super) struct ExceptionEdits<'a> {
    /// Enabled where the file has them under their name, otherwise added after the others.
    pub(super) enabled: Vec<&'a Exception>,
    /// The names of those that are switched off; nothing is deleted.
    pub(super) disabled: Vec<&'a str>,
}

fn edit_exceptions(
    source: &Source<'_>,
    document: &mut DocumentMut,
    edits: &ExceptionEdits<'_>,
) -> Result<(), ConfigError> {
    if edits.enabled.is_empty() && edits.disabled.is_empty() {
        return Ok(());
    }
    let item = document.entry(EXCEPTIONS).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(tables) = item.as_array_of_tables_mut() else {
        let message =
            "the exceptions stand in a list here: write each under [[exceptions]], so that one can be added";
        return Err(source.fault(None, message));
    };
    let has_name = |table: &Table, name: &str| table.get("name").and_then(Item::as_str) == Some(name);
    for name in &edits.disabled {
        if let Some(table) = tables.iter_mut().find(|table| has_name(table, name)) {
            table.insert("enabled", toml_edit::value(false));
        }
    }
    for exception in &edits.enabled {
        if let Some(table) = tables.iter_mut().find(|table| has_name(table, &exception.name)) {
            table.insert("enabled", toml_edit::value(true));
            continue;
        }
        let mut table = Table::new();
        table.insert("name", toml_edit::value(exception.name.as_str()));
        for (field, pattern) in &exception.terms {
            table.insert(field.key(), Item::Value(text_value(pattern.text())));
        }
        table.insert("reason", toml_edit::value(exception.reason.as_str()));
        tables.push(table);
    }
    Ok(())
}
