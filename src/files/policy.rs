//! The permitted outputs: over nothing that is read, and over another file only with the user's consent.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::identity::{self, FileId, absolute, find, real, resolved};

/// The policy for an output whose file exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays; the output is refused.
    Refuse,
    /// The user has agreed to the replacement.
    Replace,
}

/// A test of whether a file in a folder that is read is itself read.
pub type IsRead = Arc<dyn Fn(&Path) -> bool + Send + Sync>;

/// The files that are read, and so are never overwritten. Made once, and asked by all code that writes a file.
#[derive(Clone)]
pub struct OutputPolicy {
    protected: Vec<Protected>,
    /// The user's way to agree here to replace another file, as a clause.
    pub(super) yes: &'static str,
    /// True if pipes and devices are refused.
    pub(super) only_files: bool,
}

#[derive(Clone)]
struct Protected {
    path: PathBuf,
    role: &'static str,
    /// A test for the files of a folder that count; without it, all do.
    is_read: Option<IsRead>,
    /// True if new files of a folder will be read, too.
    is_followed: bool,
}

/// An output's path, as far as it is known.
struct Target {
    place: Option<PathBuf>,
    id: Option<FileId>,
    has_other_names: bool,
}

impl OutputPolicy {
    /// Protects nothing yet. `yes` is how a user agrees here that another file may go, as a clause.
    #[must_use]
    pub const fn new(yes: &'static str) -> Self {
        Self { protected: Vec::new(), yes, only_files: false }
    }

    /// Refuses pipes and devices too, which could hold the one who writes for ever.
    #[must_use]
    pub fn only_files(self) -> Self {
        Self { only_files: true, ..self }
    }

    /// Protects a file, or a folder with all its contents. `role` names it: `the configuration`.
    pub fn protect(&mut self, path: &Path, role: &'static str) {
        self.protected.push(Protected { path: path.to_owned(), role, is_read: None, is_followed: false });
    }

    /// Protects inputs: files that need not exist yet, folders with the files that are read of them, `-`.
    pub fn protect_inputs(&mut self, paths: &[PathBuf], is_read: &IsRead) {
        self.protected.extend(paths.iter().map(|path| Protected {
            path: path.clone(),
            role: "one of the inputs",
            is_read: Some(Arc::clone(is_read)),
            is_followed: false,
        }));
    }

    /// Refuses new files in the folders that are protected until now: they would be read as soon as they are there.
    pub fn follow(&mut self) {
        for protected in &mut self.protected {
            protected.is_followed = true;
        }
    }

    /// Returns why nothing may be written at a path, links followed; `None` if it may. A folder is walked through only
    /// where the file there has another name, which may be one in that folder.
    #[must_use]
    pub fn refusal(&self, place: &Path) -> Option<String> {
        self.refusal_by(place, real)
    }

    /// The same, with a given resolver of paths. Where it fails, the path's spelling proves nothing: it is one name of
    /// several.
    fn refusal_by(&self, place: &Path, real: impl Fn(&Path) -> Option<PathBuf>) -> Option<String> {
        let (found, real) = (find(place).ok(), real(place));
        let has_other_names = real.is_none() || found.is_some_and(|found| found.has_other_names);
        let place = real.unwrap_or_else(|| absolute(place));
        self.refuse(&Target { place: Some(place), id: found.map(|found| found.id), has_other_names })
    }

    /// Returns why standard output, which the shell may have opened at a file's end, must not be written.
    #[must_use]
    pub fn refusal_of_standard_output(&self) -> Option<String> {
        let (id, size) = identity::standard_output()?;
        // A file that the shell has just made holds nothing that could have been read.
        (size > 0).then(|| self.refuse(&Target { place: None, id: Some(id), has_other_names: true }))?
    }

    fn refuse(&self, target: &Target) -> Option<String> {
        if let Some(followed) = self.protected.iter().find(|protected| protected.would_read(target)) {
            let folder = followed.path.display();
            return Some(format!(
                "that folder is followed ({folder}): it would be read at once; name a file elsewhere"
            ));
        }
        self.protected.iter().find(|protected| protected.holds(target)).map(|protected| {
            let role = protected.role;
            if protected.path.as_os_str() == "-" {
                format!("it is {role}, standard input; name another file")
            } else {
                let place = if protected.path.is_dir() { ", in" } else { ":" };
                format!("it is {role}{place} {}; name another file", protected.path.display())
            }
        })
    }
}

impl Protected {
    fn would_read(&self, target: &Target) -> bool {
        let new = target.place.as_deref().filter(|_| self.is_followed && target.id.is_none());
        new.is_some_and(|place| {
            let folder = resolved(&self.path);
            place != folder && place.starts_with(folder)
        })
    }

    fn holds(&self, target: &Target) -> bool {
        if self.path.as_os_str() == "-" {
            return target.id.is_some() && target.id == identity::standard_input();
        }
        let real = resolved(&self.path);
        if target.place.as_deref().is_some_and(|place| is_same(place, &real)) {
            return true;
        }
        let Some(id) = target.id else { return false };
        if !fs::metadata(&real).is_ok_and(|metadata| metadata.is_dir()) {
            return FileId::at(&self.path).is_ok_and(|own| own == id);
        }
        let counts = |path: &Path| self.is_read.as_ref().is_none_or(|is_read| is_read(path));
        match &target.place {
            Some(place) if place.starts_with(&real) => counts(place),
            _ => target.has_other_names && name_in(&real, id).is_some_and(|path| counts(&path)),
        }
    }
}

/// Returns whether two resolved paths are the same, as the system's disks mostly see it.
fn is_same(one: &Path, other: &Path) -> bool {
    let ignores_case = cfg!(any(windows, target_os = "macos"));
    one == other || (ignores_case && one.as_os_str().eq_ignore_ascii_case(other.as_os_str()))
}

/// Returns a file's name in a folder or below it; links are not followed.
fn name_in(folder: &Path, id: FileId) -> Option<PathBuf> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let path = entry.path();
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file() && FileId::at(&path).is_ok_and(|own| own == id) {
                return Some(path);
            }
        }
    }
    None
}

impl std::fmt::Debug for OutputPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.protected.iter().map(|one| (&one.path, one.role))).finish()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn unresolved_place_is_known_by_identity() {
        let folder = tempfile::tempdir().unwrap();
        let case = folder.path().join("case");
        fs::create_dir(&case).unwrap();
        fs::write(case.join("log.evtx"), "evidence").unwrap();
        fs::write(folder.path().join("report.csv"), "no evidence").unwrap();
        // Another spelling of the folder, as `CASE` or `CASEFI~1` are on Windows.
        let spelling = folder.path().join("spelling");
        std::os::unix::fs::symlink(&case, &spelling).unwrap();
        let mut policy = OutputPolicy::new("--force");
        let is_log: IsRead = Arc::new(|path| path.extension().is_some_and(|extension| extension == "evtx"));
        policy.protect_inputs(&[case], &is_log);
        let refusal = |name: &str| policy.refusal_by(&folder.path().join(name), |_| None);
        assert!(refusal("case/log.evtx").is_some() && refusal("spelling/log.evtx").is_some());
        assert_eq!((refusal("report.csv"), refusal("spelling/new.csv")), (None, None));
    }
}
