//! A counter of the bytes that the readers of command lines look at, for tests: the work must be linear in the line.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// Counts bytes that were looked at.
#[cfg(test)]
pub(super) fn count(bytes: usize) {
    STEPS.set(STEPS.get() + bytes);
}

/// Counts nothing outside of tests.
#[cfg(not(test))]
#[inline]
pub(super) const fn count(_bytes: usize) {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::hunt::hosts::RepositoryHosts;
    use crate::detect::hunt::indicator::indicators;
    use crate::detect::hunt::program::Program;

    fn steps(program: Program, line: &str, hosts: &RepositoryHosts) -> usize {
        STEPS.set(0);
        let _ = indicators(program, line, Some((Program::Git, line)), false, hosts);
        STEPS.get()
    }

    #[test]
    fn work_on_hostile_lines_is_linear() {
        let encoded = |unit: &str, times: usize| {
            use base64::Engine as _;
            let script: Vec<u8> = unit.repeat(times).encode_utf16().flat_map(u16::to_le_bytes).collect();
            format!("powershell -enc {}", base64::engine::general_purpose::STANDARD.encode(script))
        };
        let units = [
            "a.b/",
            "gitlab.com/",
            "gitlab.com/api/",
            "dev.azure.com/",
            "acme.visualstudio.com/",
            "github.com/",
            "method",
            "method ",
            "method=",
            "-me put ",
            "-s ",
            "-c a=b ",
            "\"",
            "\" \"",
            "'+'",
            "' + ",
            "\\\"",
            "irm.",
            "-X ",
            "push ",
            "https://github.com/a ",
            "https://",
            "a@",
            "--repo=",
            "-o ",
            "%2e",
            "../",
            "powershell -c \"",
            "-enc ",
        ];
        let heads = [
            "x ",
            "git push ",
            "irm https://api.github.com/x ",
            "curl -d @x https://api.github.com/",
            "x \"git-receive-pack ",
            "cmd /c ^",
            "wsl bash -c \"git push; ",
            "hf upload ",
        ];
        let programs = [
            Program::Git,
            Program::GitHelper,
            Program::Ssh,
            Program::GitHubCli,
            Program::Curl,
            Program::Wget,
            Program::PowerShell,
            Program::Python,
            Program::Shell,
            Program::GitLfs,
            Program::Wsl,
            Program::OtherClient,
            Program::Runner,
        ];
        let hosts = RepositoryHosts::new(&["git.corp.example".to_owned()]);
        for program in programs {
            for unit in units {
                let mut lines: Vec<Box<dyn Fn(usize) -> String>> =
                    vec![Box::new(move |times| encoded(unit, times))];
                for head in heads {
                    lines.push(Box::new(move |times| format!("{head}{}", unit.repeat(times))));
                }
                for line in lines {
                    let (small, large) = (line(60), line(120));
                    let (one, two) = (steps(program, &small, &hosts), steps(program, &large, &hosts));
                    assert!(
                        two <= one * 2 + 1000,
                        "{program:?}: {one} steps, then {two}, of {}…",
                        &small[..40]
                    );
                    assert!(two <= 40 * large.len() + 1000, "{program:?}: {two} steps for {}", large.len());
                }
            }
        }
    }
}
