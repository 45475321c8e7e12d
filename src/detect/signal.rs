//! Signal and score of a selected event.

use super::DetectionInput;
use super::profile::Profile;
use super::technique::{Branch, CasedTest, ClauseId, Score, TECHNIQUE, Technique};
use crate::model::row::Signal;

impl Technique {
    /// Returns the signal of a selected event. Under `spl` that is the first branch of the search's `case()`, which
    /// compares with case; the other profiles follow the clause.
    #[must_use]
    pub fn signal(&self, profile: Profile, input: &DetectionInput<'_>, clause: ClauseId) -> Signal {
        let signal = match profile {
            Profile::Spl => {
                self.branches.iter().find(|branch| branch.holds(input)).map(|branch| branch.signal)
            }
            Profile::Correlated | Profile::Hunt => self.clause(clause).map(|clause| clause.signal),
        };
        signal.unwrap_or(Signal::Unknown)
    }

    /// Returns the score, 0 to 3.
    #[must_use]
    pub fn score(&self, signal: Signal, is_ci_system: bool, is_known_ide: bool) -> u8 {
        self.score_row(signal, is_ci_system, is_known_ide).map_or(0, |row| row.score)
    }

    /// Words the row of the scores that was taken: `2: NetworkConnectionToCodeRepo, not CI, not IDE`.
    #[must_use]
    pub fn score_branch(&self, signal: Signal, is_ci_system: bool, is_known_ide: bool) -> String {
        match self.score_row(signal, is_ci_system, is_known_ide) {
            Some(row) => row.in_words(),
            None if is_ci_system => "0: CI".to_owned(),
            None => "0: Unknown signal".to_owned(),
        }
    }
}

impl Branch {
    fn holds(&self, input: &DetectionInput<'_>) -> bool {
        self.event == input.event_code && self.tests.iter().all(|test| test.holds(input))
    }
}

impl CasedTest {
    /// Whether a term is found, with case. A missing field fails it.
    #[must_use]
    pub fn holds(&self, input: &DetectionInput<'_>) -> bool {
        input.text(self.field).is_some_and(|text| self.terms.iter().any(|term| text.contains(term)))
    }
}

impl Score {
    fn in_words(&self) -> String {
        let names: Vec<&str> = self.signals.iter().map(|signal| signal.name()).collect();
        let mut text = format!("{}: {}", self.score, names.join(" or "));
        for (flag, name) in [(self.is_ci_system, "CI"), (self.is_known_ide, "IDE")] {
            match flag {
                Some(true) => text.extend([", ", name]),
                Some(false) => text.extend([", not ", name]),
                None => {}
            }
        }
        text
    }
}

/// Returns the score of a signal, 0 to 3.
#[must_use]
pub fn score(signal: Signal, is_ci_system: bool, is_known_ide: bool) -> u8 {
    TECHNIQUE.score(signal, is_ci_system, is_known_ide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_follows_its_table() {
        for (signal, ci, ide, expected) in [
            (Signal::GitPushExternal, false, false, 3),
            (Signal::GitPushExternal, false, true, 3),
            (Signal::GitPushExternal, true, false, 0),
            (Signal::CodeRepoAPIUpload, false, true, 3),
            (Signal::CodeRepoAPIUpload, true, true, 0),
            (Signal::NetworkConnectionToCodeRepo, false, false, 2),
            (Signal::NetworkConnectionToCodeRepo, false, true, 1),
            (Signal::NetworkConnectionToCodeRepo, true, false, 0),
            (Signal::NetworkConnectionToCodeRepo, true, true, 0),
            (Signal::Unknown, false, false, 0),
            (Signal::Unknown, true, true, 0),
        ] {
            assert_eq!(score(signal, ci, ide), expected, "{signal} ci={ci} ide={ide}");
            assert!(TECHNIQUE.score_branch(signal, ci, ide).starts_with(&expected.to_string()));
        }
    }

    #[test]
    fn profiles_differ_as_documented() {
        let push = |line| DetectionInput {
            event_code: 1,
            image: Some(r"C:\git.exe"),
            command_line: Some(line),
            ..DetectionInput::default()
        };
        let api = |line| DetectionInput {
            event_code: 1,
            image: Some(r"C:\curl.exe"),
            command_line: Some(line),
            ..DetectionInput::default()
        };
        for (facts, clause, spl, correlated) in [
            (push("git push https://dev.azure.com/o/p"), "push", Signal::Unknown, Signal::GitPushExternal),
            (push("git push https://GitHub.com/o/p"), "push", Signal::Unknown, Signal::GitPushExternal),
            (push("git PUSH https://github.com/o/p"), "push", Signal::Unknown, Signal::GitPushExternal),
            (
                api("curl -X PUT https://api.github.com/o/push"),
                "api",
                Signal::GitPushExternal,
                Signal::CodeRepoAPIUpload,
            ),
            (api("curl -X PUT https://API.GITHUB.COM/o"), "api", Signal::Unknown, Signal::CodeRepoAPIUpload),
        ] {
            let clause = TECHNIQUE.numbered().find(|(_, known)| known.name == clause).unwrap().0;
            assert_eq!(TECHNIQUE.signal(Profile::Spl, &facts, clause), spl, "{facts:?}");
            assert_eq!(TECHNIQUE.signal(Profile::Correlated, &facts, clause), correlated, "{facts:?}");
        }
    }
}
