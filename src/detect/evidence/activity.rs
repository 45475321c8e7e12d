//! Which process belongs to its parent's activity: a tool's own helper, or the command that a wrapper was started for.

use crate::detect::evidence::signs::stem;

/// The shells whose command line can hold the command that they run.
const WRAPPERS: [&str; 8] = ["cmd", "powershell", "pwsh", "sh", "bash", "zsh", "wsl", "nu"];
/// The longest line that is compared, in bytes: Windows permits no longer ones.
const MAX_LINE: usize = 64 << 10;

/// Returns true where a process is a helper that its parent, a tool of repositories, runs for its own work: git's chain of
/// processes, the ssh of a git, the git of a gh.
#[must_use]
pub fn is_helper(image: &str, parent_image: &str) -> bool {
    let (name, parent) = (stem(image), stem(parent_image));
    let is_git = |name: &str| name == "git" || name.starts_with("git-") || name == "scalar";
    let name = &*name;
    match &*parent {
        "gh" | "glab" | "hub" | "tea" => is_git(name) || name == "ssh",
        parent if is_git(parent) => is_git(name) || matches!(name, "ssh" | "plink" | "tortoisegitplink"),
        _ => false,
    }
}

/// Returns true where the parent is a shell that was started for this command: its line holds the command's own words.
#[must_use]
pub fn is_wrapped(line: &str, parent_image: &str, parent_line: &str) -> bool {
    if !WRAPPERS.contains(&&*stem(parent_image)) || line.len() > MAX_LINE || parent_line.len() > MAX_LINE {
        return false;
    }
    let (program, arguments) = split_program(line);
    let arguments = plain(arguments);
    // A shell that people type in has no words of a command.
    if arguments.len() < 3 {
        return false;
    }
    let outer = plain(split_program(parent_line).1);
    let name = stem(program);
    let Some(at) = memchr::memmem::find(outer.as_bytes(), arguments.as_bytes()) else { return false };
    let before = outer.get(..at).unwrap_or("").trim_end();
    let before = before.strip_suffix(".exe").unwrap_or(before);
    before.ends_with(&*name)
}

/// Splits a line into its program and the rest.
fn split_program(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix('"') {
        return rest.split_once('"').unwrap_or((rest, ""));
    }
    line.split_once(char::is_whitespace).unwrap_or((line, ""))
}

/// Returns a text without quotes, carets and runs of blanks, in lower case.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '^' | '`' => {}
            c if c.is_whitespace() => {
                if !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            c => plain.push(c.to_ascii_lowercase()),
        }
    }
    let trimmed = plain.trim();
    if trimmed.len() == plain.len() { plain } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_run_their_own_helpers() {
        for (image, parent, expected) in [
            (r"C:\Git\mingw64\bin\git.exe", r"C:\Git\cmd\git.exe", true),
            (r"C:\Git\mingw64\libexec\git-core\git-remote-https.exe", r"C:\Git\mingw64\bin\git.exe", true),
            (r"C:\Windows\System32\OpenSSH\ssh.exe", r"C:\Git\cmd\GIT.EXE", true),
            (r"C:\Git\cmd\git.exe", r"C:\Program Files\GitHub CLI\gh.exe", true),
            (r"C:\Git\cmd\git.exe", r"C:\Windows\System32\cmd.exe", false),
            (r"C:\Windows\System32\curl.exe", r"C:\Git\cmd\git.exe", false),
            (r"C:\Git\cmd\git.exe", r"C:\GitHubDesktop.exe", false),
            (r"C:\a\gitleaks.exe", r"C:\Git\cmd\git.exe", false),
        ] {
            assert_eq!(is_helper(image, parent), expected, "{image} under {parent}");
        }
    }

    #[test]
    fn wrapper_holds_its_command() {
        let cmd = r"C:\Windows\System32\cmd.exe";
        let powershell = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
        for (line, parent, parent_line, expected) in [
            ("git  push https://h/o/r", cmd, r#"cmd.exe /c "git push https://h/o/r""#, true),
            (r#""C:\Git\cmd\git.exe" push https://h/o/r"#, cmd, "cmd /c git push https://h/o/r", true),
            ("git push https://github.com/o/r", cmd, r#"cmd /c "git push https://git^hub.com/o/r""#, true),
            (
                r#""C:\Windows\System32\curl.exe" -H "A: b" -d @x https://h"#,
                powershell,
                "powershell -c \"curl.exe -H 'A: b' -d @x https://h\"",
                true,
            ),
            ("git push origin", cmd, r"cmd.exe /c C:\sync.bat", false),
            ("git push origin", cmd, r#""C:\Windows\System32\cmd.exe""#, false),
            ("curl push origin", cmd, "cmd /c git push origin", false),
            ("git push origin", r"C:\Windows\explorer.exe", "explorer git push origin", false),
            ("git", cmd, "cmd /c git", false),
        ] {
            assert_eq!(is_wrapped(line, parent, parent_line), expected, "{line} in {parent_line}");
        }
    }
}
