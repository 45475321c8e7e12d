//! Signal and score, after an event was selected.

use super::DetectionInput;
use super::profile::Profile;
use crate::model::event::code;
use crate::model::row::{Clause, Signal};

/// The hosts that the search's Signal knows of a push; unlike the selection's, without dev.azure.com.
pub const SIGNAL_PUSH_HOSTS: [&str; 3] = ["github.com", "gitlab.com", "bitbucket.org"];
/// The hosts that the search's Signal knows of an upload.
pub const SIGNAL_API_HOSTS: [&str; 3] = ["api.github.com", "api.gitlab.com", "gist.github.com"];

/// The signal of a selected event.
#[must_use]
pub fn signal(profile: Profile, facts: &DetectionInput<'_>, clause: Clause) -> Signal {
    match profile {
        Profile::Spl => spl_signal(facts),
        Profile::Correlated | Profile::Hunt => match clause {
            Clause::Lead => Signal::Unknown,
            Clause::Net => Signal::NetworkConnectionToCodeRepo,
            Clause::Push => Signal::GitPushExternal,
            Clause::Api => Signal::CodeRepoAPIUpload,
        },
    }
}

/// The search's own `case()`: in its order, and with case, unlike the selection.
fn spl_signal(facts: &DetectionInput<'_>) -> Signal {
    let says = |term: &str| facts.command_line.is_some_and(|line| line.contains(term));
    match facts.event_code {
        code::NETWORK_CONNECT => Signal::NetworkConnectionToCodeRepo,
        code::PROCESS_CREATE if says("push") && SIGNAL_PUSH_HOSTS.iter().any(|host| says(host)) => {
            Signal::GitPushExternal
        }
        code::PROCESS_CREATE if SIGNAL_API_HOSTS.iter().any(|host| says(host)) => Signal::CodeRepoAPIUpload,
        _ => Signal::Unknown,
    }
}

/// The search's score, 0 to 3.
#[must_use]
pub const fn score(signal: Signal, is_ci_system: bool, is_known_ide: bool) -> u8 {
    match (signal, is_ci_system, is_known_ide) {
        (Signal::GitPushExternal | Signal::CodeRepoAPIUpload, false, _) => 3,
        (Signal::NetworkConnectionToCodeRepo, false, false) => 2,
        (Signal::NetworkConnectionToCodeRepo, false, true) => 1,
        _ => 0,
    }
}

/// The branch of the score that was taken, in words.
#[must_use]
pub const fn score_branch(signal: Signal, is_ci_system: bool, is_known_ide: bool) -> &'static str {
    match (signal, is_ci_system, is_known_ide) {
        (Signal::GitPushExternal | Signal::CodeRepoAPIUpload, false, _) => {
            "3: GitPushExternal or CodeRepoAPIUpload, not CI"
        }
        (Signal::NetworkConnectionToCodeRepo, false, false) => {
            "2: NetworkConnectionToCodeRepo, not CI, not IDE"
        }
        (Signal::NetworkConnectionToCodeRepo, false, true) => "1: NetworkConnectionToCodeRepo, not CI, IDE",
        (_, true, _) => "0: CI",
        (_, false, _) => "0: Unknown signal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_follows_its_table() {
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
            assert!(score_branch(signal, ci, ide).starts_with(&expected.to_string()));
        }
    }

    #[test]
    fn the_profiles_differ_where_the_search_surprises() {
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
            (
                push("git push https://dev.azure.com/o/p"),
                Clause::Push,
                Signal::Unknown,
                Signal::GitPushExternal,
            ),
            (push("git push https://GitHub.com/o/p"), Clause::Push, Signal::Unknown, Signal::GitPushExternal),
            (push("git PUSH https://github.com/o/p"), Clause::Push, Signal::Unknown, Signal::GitPushExternal),
            (
                api("curl -X PUT https://api.github.com/o/push"),
                Clause::Api,
                Signal::GitPushExternal,
                Signal::CodeRepoAPIUpload,
            ),
            (
                api("curl -X PUT https://API.GITHUB.COM/o"),
                Clause::Api,
                Signal::Unknown,
                Signal::CodeRepoAPIUpload,
            ),
        ] {
            assert_eq!(signal(Profile::Spl, &facts, clause), spl, "{facts:?}");
            assert_eq!(signal(Profile::Correlated, &facts, clause), correlated, "{facts:?}");
        }
    }
}
