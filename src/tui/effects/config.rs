//! The configuration file and the console: what is written, what comes from outside, what is kept under a name.

use std::path::PathBuf;

use crate::config::{Keeper, Plan, Reloaded, Snapshot, WriteError};
use crate::detect::pattern::Patterns;
use crate::tui::state::{App, Page, Tone};
use crate::tune::{Adviser, Tuned, Which};

impl App {
    /// Shows what would be written.
    pub fn plan_save(&mut self, keeper: &Keeper, tuned: &Tuned) {
        match keeper.plan(&tuned.patterns, &tuned.exceptions) {
            Ok(plan) => self.open_page(Page::SavePreview(Box::new(plan))),
            Err(message) => self.say(Tone::Warning, message),
        }
    }

    /// Takes what became of writing it; where the file was changed since it was shown, it is shown again.
    pub fn saved(&mut self, keeper: &Keeper, plan: &Plan, result: Result<(), WriteError>) {
        match result {
            Ok(()) => {
                let (patterns, exceptions) = plan.tuned();
                (self.saved, self.saved_exceptions) = (patterns.clone(), exceptions.clone());
                self.refresh_workbench();
                self.say(Tone::Info, format!("Saved to {}.", plan.path.display()));
            }
            Err(WriteError::Changed) => {
                self.plan_save(keeper, &self.tuned());
                self.say(
                    Tone::Warning,
                    "The file was changed outside just now: these changes would be written over it.",
                );
            }
            Err(WriteError::Failed(message)) => self.say(Tone::Warning, message),
        }
    }

    fn refresh_workbench(&mut self) {
        let in_force = self.flags.patterns().clone();
        self.follow_in_workbench(Some(&in_force));
    }

    /// Takes a change of the configuration that was made outside. Unsaved patterns in force stay.
    pub fn take_reloaded(&mut self, reloaded: Result<Reloaded, String>) {
        let reloaded = match reloaded {
            Ok(reloaded) => reloaded,
            Err(message) => {
                self.say(Tone::Warning, message);
                return;
            }
        };
        let before = self.tuned();
        let mut tuned = before.clone();
        let mut kept = Vec::new();
        let mut taken = Vec::new();
        for which in [Which::CiHost, Which::IdeParent] {
            let (old, new) = (which.of(&self.saved), which.of(&reloaded.patterns));
            if old == new {
                continue;
            }
            if which.of(&before.patterns) == old {
                tuned.patterns = which.with(&tuned.patterns, new.clone());
                taken.push(format!("the {} pattern", which.name()));
            } else if which.of(&before.patterns) != new {
                kept.push(format!("the {} pattern", which.name()));
            }
        }
        if self.saved_exceptions != reloaded.exceptions {
            if before.exceptions == self.saved_exceptions {
                tuned.exceptions = reloaded.exceptions.clone();
                taken.push("the exceptions".to_owned());
            } else if before.exceptions != reloaded.exceptions {
                kept.push("the exceptions".to_owned());
            }
        }
        (self.saved, self.saved_exceptions) = (reloaded.patterns, reloaded.exceptions);
        self.set_expired(reloaded.expired);
        if let Some(pattern_editor) = &mut self.pattern_editor {
            // Typed text stays, also in the editor that is not on the screen.
            let mut patterns = tuned.patterns.clone();
            for which in [Which::CiHost, Which::IdeParent] {
                let own = which.of(pattern_editor.trial.flags.patterns());
                if which == pattern_editor.trial.which || own != which.of(&before.patterns) {
                    patterns = which.with(&patterns, own.clone());
                }
            }
            pattern_editor.trial.flags.set_patterns(patterns, &self.store);
            pattern_editor.trial.flags.set_exceptions(tuned.exceptions.clone(), &self.store);
        }
        if tuned != before {
            self.history.add(before.clone());
        }
        self.put_in_force(tuned, Some(&before.patterns));
        self.invalidate();
        let file = reloaded.path.display();
        match (taken.is_empty(), kept.is_empty()) {
            (true, true) => {}
            (false, true) => {
                let what = taken.join(" and ");
                if let Some(evidence) = self.silences_all(&before.patterns) {
                    let message =
                        format!("{file} was changed outside and silences everything; u undoes: {evidence}");
                    self.say(Tone::Danger, message);
                    return;
                }
                self.say(Tone::Info, format!("{file} was changed outside: {what} in force now; u undoes."));
            }
            (_, false) => {
                let what = kept.join(" and ");
                let message =
                    format!("{file} was changed outside, but {what} of yours not saved yet: w compares.");
                self.say(Tone::Warning, message);
            }
        }
    }

    /// Takes what became of keeping the patterns under a name.
    pub fn snapshot_taken(&mut self, keeper: &Keeper, name: &str, result: Result<PathBuf, String>) {
        match result {
            Ok(file) => {
                self.say(Tone::Info, format!("Both patterns are saved as {name}, in {}.", file.display()));
                self.snapshot_names = keeper.snapshot_names();
            }
            Err(message) => self.say(Tone::Warning, sentence(&message)),
        }
    }

    /// Evidence of a pattern that is newly in force and silences everything.
    fn silences_all(&self, before: &Patterns) -> Option<String> {
        let warnings = Adviser::default().warnings(&self.store, &self.flags, before);
        warnings.into_iter().next().map(|warning| warning.evidence)
    }

    /// Shows all snapshots.
    pub fn list_snapshots(&mut self, keeper: &Keeper) {
        self.snapshot_names = keeper.snapshot_names();
        let snapshots: Vec<Result<Snapshot, String>> =
            self.snapshot_names.iter().map(|name| keeper.snapshot(name)).collect();
        self.open_page(Page::Snapshots(snapshots));
    }

    /// Puts the patterns of a name in force.
    pub fn restore_snapshot(&mut self, keeper: &Keeper, name: &str) {
        match keeper.snapshot(name) {
            Ok(snapshot) => {
                let before = self.flags.patterns().clone();
                self.keep_patterns(snapshot.patterns);
                if let Some(evidence) = self.silences_all(&before) {
                    let message = format!("{name} is in force and silences everything; u undoes: {evidence}");
                    self.say(Tone::Danger, message);
                    return;
                }
                self.say(Tone::Info, format!("The patterns of {name} are in force; u undoes, w saves."));
            }
            Err(message) => self.say(Tone::Warning, sentence(&message)),
        }
    }
}

/// A clause as a sentence of its own: with a capital letter and one full stop.
fn sentence(clause: &str) -> String {
    let mut letters = clause.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let text: String = first.chain(letters).collect();
    format!("{}.", text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn clause_becomes_one_sentence() {
        for (clause, expected) in [
            ("there is no snapshot x", "There is no snapshot x."),
            ("it is a folder: name a file..", "It is a folder: name a file."),
            ("Done.", "Done."),
            ("", "."),
        ] {
            assert_eq!(sentence(clause), expected);
        }
    }
}
