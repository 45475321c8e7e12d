//! The configuration file, `exfilscope.toml`: read strictly, and written back with all else unchanged.
//!
//! A misspelt key would otherwise be silently ignored. Every unknown key, wrong type and invalid pattern is therefore
//! an error that names its file, line and column.

mod document;
mod evidence;
mod exceptions;
mod hunt;
mod keeper;
mod save;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{Item, TableLike};

use crate::detect::evidence::Weights;
use crate::detect::evidence::owners::TrustedOwners;
use crate::detect::exception::Exceptions;
use crate::detect::pattern::{Pattern, PatternError};
use crate::files::open;
pub(crate) use crate::files::open::reason;
use crate::model::text::{nearest, visible};

pub(crate) use document::Source;
pub use keeper::{DiffLine, Keeper, Plan, Reloaded, Snapshot, WriteError};
pub use save::{TEMPLATE, text_value};

/// The name of the configuration file.
pub const FILE_NAME: &str = "exfilscope.toml";
/// The values of `profile`.
pub const PROFILES: [&str; 3] = ["spl", "correlated", "hunt"];
/// The values of `host`.
pub const HOST_FORMS: [&str; 2] = ["computer", "short"];
/// The highest value of `min-score`.
pub const MAX_SCORE: u8 = 3;
/// The largest file that is read, in bytes.
pub const SIZE_LIMIT: u64 = 1 << 20;

const PATTERNS: &str = "patterns";
const CI_HOST: &str = "ci-host";
const IDE_PARENT: &str = "ide-parent";
const EXCEPTIONS: &str = "exceptions";
const BUILTIN_EXCEPTIONS: &str = "builtin-exceptions";
const ROOT_KEYS: [&str; 14] = [
    "profile",
    "host",
    "theme",
    "ascii",
    "mouse",
    "min-score",
    "case",
    "tests",
    BUILTIN_EXCEPTIONS,
    PATTERNS,
    EXCEPTIONS,
    hunt::TABLE,
    evidence::TABLE,
    evidence::TRUSTED_OWNERS,
];
const PATTERN_KEYS: [&str; 2] = [CI_HOST, IDE_PARENT];

/// Settings of the configuration file; `None` for a key that it lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The file that was read, or the one that would be written.
    pub path: Option<PathBuf>,
    /// The file's bytes as they were read; `None` where there is no file. [`Keeper`] writes over no others.
    pub snapshot: Option<Vec<u8>>,
    /// One of [`PROFILES`].
    pub profile: Option<String>,
    /// One of [`HOST_FORMS`].
    pub host: Option<String>,
    /// A theme's name.
    pub theme: Option<String>,
    /// True if only ASCII is drawn.
    pub ascii: Option<bool>,
    /// True if the mouse is on from the start.
    pub mouse: Option<bool>,
    /// 0 to [`MAX_SCORE`].
    pub min_score: Option<u8>,
    /// The case file; a relative path begins at the configuration's own folder.
    pub case: Option<PathBuf>,
    /// The CI-host pattern; it compiles.
    pub ci_host: Option<String>,
    /// The IDE-parent pattern; it compiles.
    pub ide_parent: Option<String>,
    /// Files of tests, from the configuration's folder where they are not absolute.
    pub tests: Vec<PathBuf>,
    /// Repository hosts of one's own, in lower case.
    pub repository_hosts: Vec<String>,
    /// The points of evidence.
    pub weights: Weights,
    /// The owners that are one's own.
    pub trusted_owners: TrustedOwners,
    /// The exceptions that are enabled, those that have expired included; the ready-made ones come first.
    pub exceptions: Exceptions,
}

/// Why a configuration or a theme could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why, as a clause.
        reason: String,
    },
    /// The content of the file is invalid.
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
        /// The fault.
        message: String,
    },
    /// The file cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// Why, as a clause.
        reason: String,
    },
    /// The file has changed since it was read.
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// There is no theme of that name.
    UnknownTheme {
        /// The fault, with the names that exist.
        message: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, reason } => write!(f, "{} cannot be read: {reason}.", shown_path(path)),
            Self::Invalid { path, line, column, message } => {
                write!(f, "{}:{line}:{column}: {message}", shown_path(path))
            }
            Self::Write { path, reason } => write!(f, "{} cannot be written: {reason}.", shown_path(path)),
            Self::ChangedMeanwhile { path } => {
                write!(
                    f,
                    "{} was changed by somebody else since it was read; nothing was written.",
                    shown_path(path)
                )
            }
            Self::UnknownTheme { message } => f.write_str(message),
        }
    }
}

impl std::error::Error for ConfigError {}

fn shown_path(path: &Path) -> String {
    visible(&path.to_string_lossy()).into_owned()
}

/// Returns the folder of the configuration from the environment: `EXFILSCOPE_CONFIG`; on Windows
/// `%APPDATA%\exfilscope`; elsewhere `$XDG_CONFIG_HOME/exfilscope` or `~/.config/exfilscope`. Empty variables, and an
/// `XDG_CONFIG_HOME` that is not absolute, count as unset.
#[must_use]
pub fn folder_from(variable: impl Fn(&str) -> Option<OsString>, is_windows: bool) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("EXFILSCOPE_CONFIG").or_else(|| {
        if is_windows {
            return set("APPDATA").map(|folder| folder.join("exfilscope"));
        }
        set("XDG_CONFIG_HOME")
            .filter(|folder| folder.is_absolute())
            .or_else(|| set("HOME").map(|home| home.join(".config")))
            .map(|folder| folder.join("exfilscope"))
    })
}

/// The folder of the configuration on this system.
#[must_use]
pub fn folder() -> Option<PathBuf> {
    folder_from(|name| std::env::var_os(name), cfg!(windows))
}

/// Returns the folder of the program's own state on this system: the configuration's, but on Windows the one that does
/// not move from host to host with its user.
#[must_use]
pub fn state_folder() -> Option<PathBuf> {
    state_folder_from(|name| std::env::var_os(name), cfg!(windows))
}

fn state_folder_from(variable: impl Fn(&str) -> Option<OsString>, is_windows: bool) -> Option<PathBuf> {
    let local = variable("LOCALAPPDATA").filter(|value| !value.is_empty() && is_windows);
    match local.filter(|_| variable("EXFILSCOPE_CONFIG").is_none_or(|value| value.is_empty())) {
        Some(folder) => Some(PathBuf::from(folder).join("exfilscope")),
        None => folder_from(variable, is_windows),
    }
}

/// Reads a file's bytes, up to `SIZE_LIMIT`.
pub(crate) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    open::read(path, SIZE_LIMIT)
}

impl Config {
    /// Reads `file`, or the file in the configuration's folder; if the latter does not exist, all is unset.
    ///
    /// # Errors
    /// A named file that does not exist, and invalid content.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let (path, is_named) = match file {
            Some(path) => (path.to_owned(), true),
            None => match folder() {
                Some(folder) => (folder.join(FILE_NAME), false),
                None => return Ok(Self::default()),
            },
        };
        Self::load_from(path, is_named)
    }

    fn load_from(path: PathBuf, must_exist: bool) -> Result<Self, ConfigError> {
        match read_file(&path) {
            Ok(bytes) => {
                let config = Self::parse(&bytes, &path)?;
                Ok(Self { path: Some(path), snapshot: Some(bytes), ..config })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => {
                Ok(Self { path: Some(path), ..Self::default() })
            }
            Err(error) => Err(ConfigError::Read { path, reason: reason(&error) }),
        }
    }

    /// Reads a configuration's bytes; the path is only named in errors.
    ///
    /// # Errors
    /// Invalid content.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, ConfigError> {
        let source = Source::new(bytes, path)?;
        let document = source.document()?;
        let mut config = Self::default();
        let mut exceptions = exceptions::Collected::default();
        for (key, item) in document.iter() {
            match key {
                "profile" => config.profile = Some(choice(&source, key, item, &PROFILES)?),
                "host" => config.host = Some(choice(&source, key, item, &HOST_FORMS)?),
                "theme" => config.theme = Some(source.string(key, item)?.to_owned()),
                "ascii" => config.ascii = Some(boolean(&source, key, item)?),
                "mouse" => config.mouse = Some(boolean(&source, key, item)?),
                "min-score" => config.min_score = Some(score(&source, key, item)?),
                "tests" => config.tests = test_files(&source, key, item, path)?,
                "case" => config.case = Some(beside(path, source.string(key, item)?)),
                BUILTIN_EXCEPTIONS => exceptions.builtin(&source, item)?,
                PATTERNS => patterns(&source, item, &mut config)?,
                evidence::TABLE => config.weights = evidence::weights(&source, item)?,
                evidence::TRUSTED_OWNERS => {
                    config.trusted_owners = evidence::trusted_owners(&source, item)?;
                }
                hunt::TABLE => config.repository_hosts = hunt::repository_hosts(&source, item)?,
                EXCEPTIONS => exceptions.own(&source, item)?,
                _ if PATTERN_KEYS.contains(&key) => {
                    return Err(source.fault(
                        document.key(key).and_then(toml_edit::Key::span),
                        format!("unknown key `{key}`; it belongs under [{PATTERNS}]"),
                    ));
                }
                _ => return Err(source.unknown_key(document.as_table(), key, None, &ROOT_KEYS)),
            }
        }
        config.exceptions = exceptions.finish();
        Ok(config)
    }
}

/// A path that the configuration names.
fn beside(configuration: &Path, name: &str) -> PathBuf {
    configuration.parent().unwrap_or(Path::new("")).join(name)
}

fn patterns(source: &Source<'_>, item: &Item, config: &mut Config) -> Result<(), ConfigError> {
    let table: &dyn TableLike = source.table(PATTERNS, item)?;
    for (key, item) in table.iter() {
        match key {
            CI_HOST => config.ci_host = Some(pattern(source, key, item)?),
            IDE_PARENT => config.ide_parent = Some(pattern(source, key, item)?),
            _ => return Err(source.unknown_key(table, key, Some(PATTERNS), &PATTERN_KEYS)),
        }
    }
    Ok(())
}

fn test_files(source: &Source<'_>, key: &str, item: &Item, path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let wrong = || source.wrong_type(key, item, "a list of files");
    let files = item.as_array().ok_or_else(wrong)?.iter().map(|file| {
        let file = file.as_str().ok_or_else(wrong)?;
        if file.is_empty() {
            return Err(source.fault(item.span(), format!("`{key}` has an empty file name")));
        }
        Ok(beside(path, file))
    });
    files.collect()
}

fn choice(source: &Source<'_>, key: &str, item: &Item, values: &[&str]) -> Result<String, ConfigError> {
    let value = source.string(key, item)?;
    if values.contains(&value) {
        return Ok(value.to_owned());
    }
    let known = values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ");
    let meant = meant(value, values.iter().copied());
    Err(source.fault(item.span(), format!("`{key}` must be one of {known}, not `{}`{meant}", visible(value))))
}

/// `; did you mean `NAME`?` where a name is near.
pub(crate) fn meant<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

fn boolean(source: &Source<'_>, key: &str, item: &Item) -> Result<bool, ConfigError> {
    item.as_bool().ok_or_else(|| source.wrong_type(key, item, "true or false"))
}

fn score(source: &Source<'_>, key: &str, item: &Item) -> Result<u8, ConfigError> {
    let expected = format!("a whole number from 0 to {MAX_SCORE}");
    let number = item.as_integer().ok_or_else(|| source.wrong_type(key, item, &expected))?;
    u8::try_from(number)
        .ok()
        .filter(|score| *score <= MAX_SCORE)
        .ok_or_else(|| source.fault(item.span(), format!("`{key}` must be {expected}, not {number}")))
}

fn pattern(source: &Source<'_>, key: &str, item: &Item) -> Result<String, ConfigError> {
    let pattern = source.string(key, item)?;
    match pattern_fault(pattern) {
        Some(fault) => Err(source.fault(item.span(), format!("`{key}` is no regular expression: {fault}"))),
        None => Ok(pattern.to_owned()),
    }
}

/// Returns the fault of a pattern, as a clause; `None` if it compiles.
#[must_use]
pub fn pattern_fault(pattern: &str) -> Option<String> {
    Pattern::new(pattern).err().map(|error| fault_text(&error))
}

/// A pattern's fault as a clause. Its column counts in the pattern, not in the file.
fn fault_text(error: &PatternError) -> String {
    match error.column {
        Some(column) => format!("at its character {}: {}", column + 1, error.message),
        None => error.message.clone(),
    }
}

#[cfg(test)]
mod tests;
