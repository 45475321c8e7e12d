//! The configuration file while the console is open. A write is previewed, a change by another program is detected, and
//! patterns are kept under names in a folder next to it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use super::save::{ExceptionEdits, edit, replace};
use super::{CI_HOST, Config, ConfigError, IDE_PARENT, TEMPLATE, read_file, reason, shown_path};
use crate::detect::exception::{BUILTINS, Day, Exception, Exceptions};
use crate::detect::pattern::Patterns;
use crate::files::policy::OutputPolicy;

/// Lines around a change that are shown with it.
const CONTEXT: usize = 2;
/// Lines that are compared one by one; of more the whole is shown as changed.
const MAX_COMPARED: usize = 2_000;
/// The folder of the snapshots, next to the configuration.
const SNAPSHOTS: &str = "snapshots";
/// Maximum length of a snapshot's name.
const NAME_LIMIT: usize = 64;
/// Snapshots that are listed.
const MAX_SNAPSHOTS: usize = 1_000;

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiffLine {
    /// An unchanged line.
    Same(String),
    /// A removed line.
    Out(String),
    /// An added line.
    In(String),
    /// Omitted unchanged lines.
    Gap,
}

/// A planned write: the new content, and the content that it replaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The file.
    pub path: PathBuf,
    before: Option<Vec<u8>>,
    after: Vec<u8>,
    /// The difference from the file as it is now.
    pub diff: Vec<DiffLine>,
    /// True if another program has changed the file since it was read.
    pub changed_meanwhile: bool,
    patterns: Patterns,
    exceptions: Exceptions,
}

impl Plan {
    /// The patterns and exceptions that the file has once it is written.
    #[must_use]
    pub const fn tuned(&self) -> (&Patterns, &Exceptions) {
        (&self.patterns, &self.exceptions)
    }
}

/// Why a plan was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The file is not the one that the plan was made over: it must be planned again.
    Changed,
    /// Something else, as a sentence.
    Failed(String),
}

/// Content of a changed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The file.
    pub path: PathBuf,
    /// Its patterns.
    pub patterns: Patterns,
    /// Its exceptions that suppress today.
    pub exceptions: Exceptions,
    /// A sentence on each that has expired.
    pub expired: Vec<String>,
}

/// Patterns under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The name.
    pub name: String,
    /// The patterns.
    pub patterns: Patterns,
    /// Time at which it was taken, in seconds since 1970, if the system reports it.
    pub taken: Option<i64>,
}

/// Keeps the configuration file.
#[derive(Clone)]
pub struct Keeper {
    path: Option<PathBuf>,
    /// The bytes that were last read of it or written to it.
    known: Arc<Mutex<Option<Vec<u8>>>>,
    today: fn() -> Day,
    outputs: Arc<OutputPolicy>,
}

impl Keeper {
    /// Keeps the file of a configuration. `today` asks the clock, for the exceptions' last days.
    #[must_use]
    pub fn new(config: &Config, today: fn() -> Day) -> Self {
        let known = Arc::new(Mutex::new(config.snapshot.clone()));
        Self { path: config.path.clone(), known, today, outputs: Arc::new(OutputPolicy::new("")) }
    }

    /// Protects the files that are read: none of them is overwritten.
    #[must_use]
    pub fn with_outputs(self, outputs: OutputPolicy) -> Self {
        Self { outputs: Arc::new(outputs), ..self }
    }

    fn path(&self) -> Result<&Path, String> {
        let lacks = "there is no folder for a configuration here: name a file with --config";
        self.path.as_deref().ok_or_else(|| lacks.to_owned())
    }

    /// Plans a write over the file as it is now.
    ///
    /// # Errors
    /// A sentence: no folder for a file, a file that can't be read, or one that is faulty as it is.
    pub fn plan(&self, patterns: &Patterns, exceptions: &Exceptions) -> Result<Plan, String> {
        let path = self.path()?;
        let before = match read_file(path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(ConfigError::Read { path: path.to_owned(), reason: reason(&error) }.to_string());
            }
        };
        let text = |error: ConfigError| error.to_string();
        let bytes = before.as_deref().unwrap_or(TEMPLATE.as_bytes());
        let has = Config::parse(bytes, path).map_err(text)?.exceptions;
        let has = has.in_force((self.today)());
        let is_in = |all: &Exceptions, name: &str| all.all().iter().any(|exception| exception.name == name);
        // Built-in exceptions have a list of their own, and are only there.
        let is_own = |name: &str| !BUILTINS.iter().any(|builtin| builtin.name == name);
        let lacks = |others: &Exceptions, one: &Exception| is_own(&one.name) && !is_in(others, &one.name);
        let edits = ExceptionEdits {
            enabled: exceptions.all().iter().filter(|one| lacks(&has, one)).collect(),
            disabled: has
                .all()
                .iter()
                .filter(|one| lacks(exceptions, one))
                .map(|one| one.name.as_str())
                .collect(),
        };
        let (ci_host, ide_parent) = (patterns.ci_host.text(), patterns.ide_parent.text());
        let set = [(CI_HOST, Some(ci_host)), (IDE_PARENT, Some(ide_parent))];
        let after = edit(path, bytes, &set, &edits).map_err(text)?;
        let config = Config::parse(after.as_bytes(), path).map_err(text)?;
        let old = String::from_utf8_lossy(before.as_deref().unwrap_or_default()).into_owned();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Plan {
            path: path.to_owned(),
            diff: difference(&old, &after),
            changed_meanwhile: *known != before,
            before,
            after: after.into_bytes(),
            patterns: patterns.clone(),
            exceptions: config.exceptions.in_force((self.today)()),
        })
    }

    /// Writes a plan, if the file is unchanged since it was made.
    ///
    /// # Errors
    /// A file that was changed since, or one that can't be written; it is as it was.
    pub fn write(&self, plan: &Plan) -> Result<(), WriteError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match replace(&plan.path, plan.before.as_deref(), &plan.after, &self.outputs) {
            Ok(()) => {
                *known = Some(plan.after.clone());
                Ok(())
            }
            Err(ConfigError::ChangedMeanwhile { .. }) => Err(WriteError::Changed),
            Err(error) => Err(WriteError::Failed(error.to_string())),
        }
    }

    /// Returns a check of the file for repeated calls. It returns the file's content if another program has changed it.
    pub fn watcher(&self) -> impl FnMut() -> Option<Result<Reloaded, String>> + Send + use<> {
        let keeper = self.clone();
        let mut seen = keeper.path.as_deref().and_then(stamp);
        move || {
            let path = keeper.path.as_deref()?;
            let now = stamp(path);
            if now == seen {
                return None;
            }
            seen = now;
            now?;
            let bytes = read_file(path).ok()?;
            if keeper.known.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(&bytes) {
                return None;
            }
            Some(keeper.reloaded(path, bytes))
        }
    }

    fn reloaded(&self, path: &Path, bytes: Vec<u8>) -> Result<Reloaded, String> {
        let unchanged = |error: String| format!("{error} Nothing changes until that is mended.");
        let config = Config::parse(&bytes, path).map_err(|error| unchanged(format!("{error}.")))?;
        let patterns = Patterns::new(config.ci_host.as_deref(), config.ide_parent.as_deref())
            .map_err(|(name, error)| unchanged(format!("{}: {name}: {error}.", shown_path(path))))?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes);
        let today = (self.today)();
        Ok(Reloaded {
            path: path.to_owned(),
            patterns,
            exceptions: config.exceptions.in_force(today),
            expired: config.exceptions.expired(today).collect(),
        })
    }

    fn snapshot_file(&self, name: &str) -> Result<PathBuf, String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_name = !name.is_empty() && name.len() <= NAME_LIMIT && name.chars().all(is_plain);
        if !is_name || name.starts_with('.') || name.ends_with('.') || is_device(name) {
            return Err(format!(
                "a snapshot's name is 1 to {NAME_LIMIT} letters, digits, dots, `-` and `_`, and is no device's"
            ));
        }
        let folder = self.path()?.parent().unwrap_or(Path::new("")).join(SNAPSHOTS);
        Ok(folder.join(format!("{name}.toml")))
    }

    /// Saves patterns under a name, and returns the path of the file.
    ///
    /// # Errors
    /// A sentence: an invalid or taken name, a file that can't be written.
    pub fn take_snapshot(&self, name: &str, patterns: &Patterns) -> Result<PathBuf, String> {
        let file = self.snapshot_file(name)?;
        let (ci_host, ide_parent) = (patterns.ci_host.text(), patterns.ide_parent.text());
        let set = [(CI_HOST, Some(ci_host)), (IDE_PARENT, Some(ide_parent))];
        let text = edit(&file, b"", &set, &ExceptionEdits::default()).map_err(|error| error.to_string())?;
        replace(&file, None, text.as_bytes(), &self.outputs).map_err(|error| match error {
            ConfigError::ChangedMeanwhile { .. } => {
                format!("there is a snapshot {name} already: take another name")
            }
            error => error.to_string(),
        })?;
        Ok(file)
    }

    /// The patterns of a name.
    ///
    /// # Errors
    /// A sentence: no snapshot of that name, or one without valid patterns.
    pub fn snapshot(&self, name: &str) -> Result<Snapshot, String> {
        let file = self.snapshot_file(name)?;
        let bytes = read_file(&file).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no snapshot {name}; :snapshots lists them"),
            _ => ConfigError::Read { path: file.clone(), reason: reason(&error) }.to_string(),
        })?;
        let config = Config::parse(&bytes, &file).map_err(|error| error.to_string())?;
        let patterns = Patterns::new(config.ci_host.as_deref(), config.ide_parent.as_deref())
            .map_err(|(key, error)| format!("{}: {key}: {error}", shown_path(&file)))?;
        let taken = fs::metadata(&file).and_then(|metadata| metadata.modified()).ok().and_then(unix_seconds);
        Ok(Snapshot { name: name.to_owned(), patterns, taken })
    }

    /// The names of all snapshots, in order.
    #[must_use]
    pub fn snapshot_names(&self) -> Vec<String> {
        let folder = self.path().ok().and_then(|path| Some(path.parent()?.join(SNAPSHOTS)));
        let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
        let mut names: Vec<String> = entries
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| self.snapshot_file(name).is_ok())
            .take(MAX_SNAPSHOTS)
            .collect();
        names.sort();
        names
    }
}

/// Names that Windows has given away, whatever follows after a dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|c| c.is_ascii_digit()))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

fn stamp(path: &Path) -> Option<(Option<SystemTime>, u64)> {
    fs::metadata(path).ok().map(|metadata| (metadata.modified().ok(), metadata.len()))
}

fn unix_seconds(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// The lines that go and come between two texts, with a few around them.
fn difference(old: &str, new: &str) -> Vec<DiffLine> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same_at_start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) =
        (old.get(same_at_start..).unwrap_or_default(), new.get(same_at_start..).unwrap_or_default());
    let same_at_end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = |lines: &[&str]| {
        lines
            .get(..lines.len() - same_at_end)
            .unwrap_or_default()
            .iter()
            .map(|line| (*line).to_owned())
            .collect::<Vec<_>>()
    };
    let (out, comes) = (middle(old_rest), middle(new_rest));
    let mut lines: Vec<DiffLine> =
        old.iter().take(same_at_start).map(|line| DiffLine::Same((*line).to_owned())).collect();
    lines.extend(compare(&out, &comes));
    lines.extend(old.iter().skip(old.len() - same_at_end).map(|line| DiffLine::Same((*line).to_owned())));
    shorten(lines)
}

/// The longest common part, line by line.
fn compare(old: &[String], new: &[String]) -> Vec<DiffLine> {
    if old.len().saturating_mul(new.len()) > MAX_COMPARED * MAX_COMPARED {
        let out = old.iter().cloned().map(DiffLine::Out);
        return out.chain(new.iter().cloned().map(DiffLine::In)).collect();
    }
    // By line of the old and of the new text: how many lines the rests share.
    let width = new.len() + 1;
    let mut shared = vec![0_u32; (old.len() + 1) * width];
    let at = |shared: &[u32], i: usize, j: usize| shared.get(i * width + j).copied().unwrap_or(0);
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let best = if old.get(i) == new.get(j) {
                at(&shared, i + 1, j + 1) + 1
            } else {
                at(&shared, i + 1, j).max(at(&shared, i, j + 1))
            };
            if let Some(cell) = shared.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    loop {
        match (old.get(i), new.get(j)) {
            (Some(a), Some(b)) if a == b => {
                lines.push(DiffLine::Same(a.clone()));
                (i, j) = (i + 1, j + 1);
            }
            (Some(a), b) if b.is_none() || at(&shared, i + 1, j) >= at(&shared, i, j + 1) => {
                lines.push(DiffLine::Out(a.clone()));
                i += 1;
            }
            (_, Some(b)) => {
                lines.push(DiffLine::In(b.clone()));
                j += 1;
            }
            (_, None) => return lines,
        }
    }
}

/// Omits unchanged lines that are far from a change.
fn shorten(lines: Vec<DiffLine>) -> Vec<DiffLine> {
    let changed: Vec<bool> = lines.iter().map(|line| !matches!(line, DiffLine::Same(_))).collect();
    let is_near = |at: usize| {
        let around = changed.get(at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(changed.len()));
        around.is_some_and(|around| around.contains(&true))
    };
    let mut short = Vec::new();
    for (at, line) in lines.into_iter().enumerate() {
        if is_near(at) {
            short.push(line);
        } else if short.last() != Some(&DiffLine::Gap) {
            short.push(DiffLine::Gap);
        }
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(folder: &Path, text: Option<&str>) -> (Keeper, PathBuf) {
        let path = folder.join("exfilscope.toml");
        if let Some(text) = text {
            fs::write(&path, text).unwrap();
        }
        let config = Config {
            path: Some(path.clone()),
            snapshot: text.map(|text| text.as_bytes().to_vec()),
            ..Config::default()
        };
        (Keeper::new(&config, || Day::new(2026, 5, 1).unwrap()), path)
    }

    fn patterns(ci_host: &str) -> Patterns {
        Patterns::new(Some(ci_host), Some("code")).unwrap()
    }

    #[test]
    fn a_plan_shows_what_goes_and_what_comes() {
        let folder = tempfile::tempdir().unwrap();
        let text = "# ours\nmouse = true\n\n\n\n[patterns]\nci-host = 'a' # team\nide-parent = 'code'\n";
        let (keeper, path) = keeper(folder.path(), Some(text));
        let plan = keeper.plan(&patterns("b"), &Exceptions::default()).unwrap();
        let (same, out, come) = (
            |text: &str| DiffLine::Same(text.to_owned()),
            |text: &str| DiffLine::Out(text.to_owned()),
            |text: &str| DiffLine::In(text.to_owned()),
        );
        let expected = vec![
            DiffLine::Gap,
            same(""),
            same("[patterns]"),
            out("ci-host = 'a' # team"),
            come("ci-host = \"b\" # team"),
            same("ide-parent = 'code'"),
        ];
        assert_eq!(plan.diff, expected);
        assert!(!plan.changed_meanwhile);
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "a plan writes nothing");
        keeper.write(&plan).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text.replace("'a'", "\"b\""));
        assert_eq!(keeper.write(&plan), Err(WriteError::Changed), "it was made over another file");
    }

    #[test]
    fn what_somebody_else_wrote_is_told_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (keeper, path) = keeper(folder.path(), Some("[patterns]\nci-host = 'a'\n"));
        let before = keeper.plan(&patterns("b"), &Exceptions::default()).unwrap();
        fs::write(&path, "# theirs\n[patterns]\nci-host = 'c'\n").unwrap();
        assert_eq!(keeper.write(&before), Err(WriteError::Changed));
        let plan = keeper.plan(&patterns("b"), &Exceptions::default()).unwrap();
        assert!(plan.changed_meanwhile);
        assert!(plan.diff.contains(&DiffLine::Out("ci-host = 'c'".to_owned())), "{:?}", plan.diff);
        keeper.write(&plan).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with("# theirs\n"));
    }

    #[test]
    fn exceptions_that_the_file_lacks_are_added_behind() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[exceptions]]\nname = 'x'\nhost = 'h'\nreason = 'r'\n# end\n";
        let (keeper, path) = keeper(folder.path(), Some(text));
        let mut all = Config::parse(text.as_bytes(), &path).unwrap().exceptions.all().to_vec();
        let mut other = all[0].clone();
        other.name = "y".to_owned();
        all.push(other);
        let plan = keeper.plan(&patterns("b"), &Exceptions::new(all.clone())).unwrap();
        keeper.write(&plan).unwrap();
        let config = Config::load(Some(&path)).unwrap();
        assert_eq!(config.exceptions.all(), all);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("# end") && text.contains("[patterns]"), "{text}");
        assert_eq!(plan.tuned().1.all(), all);
        // Without it again: it stays in the file, switched off, and can be switched on.
        let plan = keeper.plan(&patterns("b"), &Exceptions::new(all[..1].to_vec())).unwrap();
        keeper.write(&plan).unwrap();
        assert_eq!(Config::load(Some(&path)).unwrap().exceptions.all(), &all[..1]);
        assert!(fs::read_to_string(&path).unwrap().contains("name = \"y\""));
        let plan = keeper.plan(&patterns("b"), &Exceptions::new(all.clone())).unwrap();
        keeper.write(&plan).unwrap();
        assert_eq!(Config::load(Some(&path)).unwrap().exceptions.all(), all);
    }

    #[test]
    fn an_edit_outside_is_read_once_and_a_faulty_one_says_where() {
        let folder = tempfile::tempdir().unwrap();
        let (keeper, path) = keeper(folder.path(), Some("[patterns]\nci-host = 'a'\n"));
        let mut watch = keeper.watcher();
        assert_eq!(watch(), None);
        fs::write(&path, "[patterns]\nci-host = 'longer'\n").unwrap();
        let reloaded = watch().unwrap().unwrap();
        assert_eq!(reloaded.patterns.ci_host.text(), "longer");
        assert_eq!(watch(), None);
        fs::write(&path, "[patterns]\nci-hast = 'longer still'\n").unwrap();
        let error = watch().unwrap().unwrap_err();
        assert!(error.contains(":2:1: unknown key `ci-hast`"), "{error}");
        assert!(error.ends_with("Nothing changes until that is mended."), "{error}");
        assert_eq!(watch(), None);
        fs::write(&path, "[patterns]\nci-host = 'mended once'\n").unwrap();
        assert!(watch().unwrap().is_ok());
        let plan = keeper.plan(&patterns("our own text"), &Exceptions::default()).unwrap();
        keeper.write(&plan).unwrap();
        assert_eq!(watch(), None, "what we wrote ourselves is no news");
        fs::remove_file(&path).unwrap();
        assert_eq!(watch(), None);
    }

    #[test]
    fn snapshots_have_names_and_are_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (keeper, _) = keeper(folder.path(), None);
        assert_eq!(keeper.snapshot_names(), Vec::<String>::new());
        keeper.take_snapshot("before-audit", &patterns(r"(?i)a\\'b")).unwrap();
        keeper.take_snapshot("a.1", &patterns("z")).unwrap();
        assert!(keeper.take_snapshot("a.1", &patterns("y")).unwrap_err().contains("a.1 already"));
        assert_eq!(keeper.snapshot_names(), ["a.1", "before-audit"]);
        assert_eq!(keeper.snapshot("before-audit").unwrap().patterns, patterns(r"(?i)a\\'b"));
        assert_eq!(keeper.snapshot("a.1").unwrap().patterns, patterns("z"));
        assert!(keeper.snapshot("b").unwrap_err().contains("no snapshot b"));
        for name in ["", "../x", "a/b", r"a\b", ".x", "x.", "con", "NUL.x", "com1", "ä", &"x".repeat(65)] {
            assert!(keeper.take_snapshot(name, &patterns("z")).is_err(), "{name}");
        }
    }

    #[test]
    fn a_difference_is_the_least_there_is() {
        let line = |diff: &[DiffLine]| {
            diff.iter()
                .map(|line| match line {
                    DiffLine::Same(text) => format!(" {text}"),
                    DiffLine::Out(text) => format!("-{text}"),
                    DiffLine::In(text) => format!("+{text}"),
                    DiffLine::Gap => "…".to_owned(),
                })
                .collect::<Vec<_>>()
                .join("/")
        };
        assert_eq!(
            line(&difference("a\nb\nc\nd\ne\nf\ng\n", "a\nb\nX\nd\ne\nY\nf\ng\n")),
            " a/ b/-c/+X/ d/ e/+Y/ f/ g"
        );
        assert_eq!(line(&difference("", "a\n")), "+a");
        assert_eq!(line(&difference("1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5\n6\n")), "…/ 4/ 5/+6");
        assert_eq!(difference("a\n", "a\n"), [DiffLine::Gap]);
    }
}
