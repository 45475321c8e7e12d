//! Tools besides git, gh, curl and wget that send to a repository: other clients, git-lfs, git within Linux, and the
//! registration of a runner.

use super::command_line::{Word, words};
use super::git::{GitCommand, git_line};
use super::indicator::{Indicator, IndicatorKind};
use crate::model::repository::{Address, OwnHosts};
use crate::model::text::image_name;

/// Maximum of command words that tell a client's command.
const MAX_COMMANDS: usize = 8;

/// The name of the program on a command line, in lower case and without its ending.
#[must_use]
pub fn program_name(line: &str) -> String {
    let first =
        words(line).next().map(|word| image_name(&word.text).to_ascii_lowercase()).unwrap_or_default();
    first.strip_suffix(".exe").map_or_else(|| first.clone(), str::to_owned)
}

/// Returns the indicator of a client's command that uploads: glab 1.7x, hub 2.14, tea 0.1x, hf 1.x, and of gh 2.8x
/// `codespace cp` and the commands that take a file for their text.
#[must_use]
pub fn client_upload(client: &str, line: &str) -> Option<Indicator> {
    let plain: Vec<Word<'_>> =
        words(line).skip(1).filter(|word| !word.text.starts_with('-')).take(MAX_COMMANDS).collect();
    let said = |at: usize| plain.get(at).map_or("", |word| &*word.text);
    let has = |names: &[&str]| {
        words(line).skip(1).any(|word| {
            let name = word.text.split('=').next().unwrap_or("");
            names.contains(&name)
        })
    };
    let sends_by_api = || {
        let method = words(line).zip(words(line).skip(1)).any(|(option, value)| {
            matches!(&*option.text, "-X" | "--method")
                && matches!(&*value.text.to_ascii_uppercase(), "POST" | "PUT" | "PATCH")
        });
        method || has(&["-F", "-f", "--field", "--raw-field", "--input"])
    };
    let uploads = match (client, said(0), said(1)) {
        ("glab", "release", "create" | "upload") => plain.len() > 3,
        ("glab", "api", _) => sends_by_api(),
        ("hub", "release", "create" | "edit") => has(&["-a", "--attach"]),
        ("tea", "release" | "releases" | "r", "create" | "c") => has(&["--asset", "-a"]),
        ("glab", "snippet", "create" | "new")
        | ("hub", "gist", "create")
        | ("hf" | "huggingface-cli", "upload" | "upload-large-folder", _) => true,
        ("gh", "codespace" | "cs", "cp") => {
            words(line).last().is_some_and(|word| word.text.starts_with("remote:"))
        }
        _ => false,
    };
    let is_text = matches!(
        (client, said(0), said(1)),
        ("gh", "issue" | "pr", "create" | "new" | "comment" | "edit" | "review")
    ) && has(&["--body-file", "-F"]);
    let kind = match (uploads, is_text) {
        (true, _) => IndicatorKind::ClientUpload,
        (false, true) => IndicatorKind::ClientText,
        (false, false) => return None,
    };
    let range = plain.first()?.range.start..plain.get(1).or(plain.first())?.range.end;
    Some(Indicator::new(kind, vec![range], None))
}

/// Returns the indicator of `git-lfs push`.
#[must_use]
pub fn lfs_push(line: &str) -> Option<Indicator> {
    let verb = words(line).nth(1).filter(|word| word.text == "push")?;
    let is_dry = words(line).any(|word| word.text == "--dry-run");
    (!is_dry).then(|| Indicator::new(IndicatorKind::LfsPush, vec![verb.range], None))
}

/// Options of wsl.exe that take the next word.
const WSL_TAKE_A_WORD: [&str; 6] = ["-d", "--distribution", "-u", "--user", "--cd", "--shell-type"];

/// Returns the indicator of a git push that wsl.exe or its older bash.exe runs within Linux.
#[must_use]
pub fn wsl_push(line: &str, own: &OwnHosts) -> Option<Indicator> {
    let mut rest = words(line).skip(1);
    let first = loop {
        let word = rest.next()?;
        if WSL_TAKE_A_WORD.contains(&&*word.text) {
            rest.next();
        } else if word.text == "-c" {
            break rest.next()?;
        } else if !word.text.starts_with(['-', '~']) {
            break word;
        }
    };
    let shells = ["bash", "sh", "zsh", "dash"];
    let is_shell = shells.contains(&first.text.rsplit('/').next().unwrap_or(""));
    let script = if is_shell {
        rest.find(|word| !word.text.starts_with('-'))?
    } else if first.text.contains(' ') {
        first
    } else {
        let text = line.get(first.range.start..)?.into();
        Word { range: first.range.start..line.len(), text }
    };
    script.text.split([';', '&', '|', '\n']).map(str::trim).find_map(|command| {
        let program = words(command).next()?;
        if program.text.rsplit('/').next() != Some("git") {
            return None;
        }
        let found = git_line(command);
        if found.act != GitCommand::Push {
            return None;
        }
        let address = found.url.and_then(|url| Address::of_remote(&url.text, own));
        let kind = if address.is_some() { IndicatorKind::WslPushToUrl } else { IndicatorKind::WslPush };
        Some(Indicator::new(kind, vec![script.range.clone()], address))
    })
}

/// Returns the indicator of `Runner.Listener.exe configure --url URL`.
#[must_use]
pub fn runner_registered(line: &str) -> Option<Indicator> {
    let verb = words(line).skip(1).find(|word| !word.text.starts_with('-'))?;
    if verb.text != "configure" {
        return None;
    }
    registration(line)
}

/// Returns the indicator of `config.cmd --url URL --token …`, the runner's own script in cmd.exe.
#[must_use]
pub fn runner_configured(line: &str) -> Option<Indicator> {
    let is_script = |word: &Word<'_>| {
        word.text.split([' ', '\\', '/', '"']).any(|part| part.eq_ignore_ascii_case("config.cmd"))
    };
    let has_token = words(line).any(|word| word.text.contains("--token"));
    if !has_token || !words(line).any(|word| is_script(&word)) {
        return None;
    }
    registration(line)
}

fn registration(line: &str) -> Option<Indicator> {
    let at = line.find("--url")?;
    let rest = line.get(at + "--url".len()..)?.trim_start_matches([' ', '=']);
    let url = rest.split([' ', '"']).next().unwrap_or("");
    let address = Address::of_remote(url, &OwnHosts::default());
    let option = at..at + "--url".len();
    Some(Indicator::new(IndicatorKind::RunnerRegistered, std::iter::once(option).collect(), address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use IndicatorKind as K;

    #[test]
    fn clients_upload_by_their_commands() {
        for (line, expected) in [
            ("glab snippet create -t x secret.txt", Some(K::ClientUpload)),
            ("glab release create v1 loot.zip", Some(K::ClientUpload)),
            ("glab release create v1", None),
            ("glab release upload v1 a.zip b.zip", Some(K::ClientUpload)),
            ("glab api projects -X POST", Some(K::ClientUpload)),
            ("glab api projects", None),
            ("glab mr list", None),
            ("hub gist create x", Some(K::ClientUpload)),
            ("hub release create -a x.zip v1", Some(K::ClientUpload)),
            ("hub release create v1", None),
            (r#""C:\tools\tea.exe" releases create --title 1 --asset d.zip --tag v1"#, Some(K::ClientUpload)),
            ("tea releases create --tag v1", None),
            ("hf upload o/r C:\\x", Some(K::ClientUpload)),
            ("hf download o/r", None),
            ("gh codespace cp -r -c name C:\\x remote:/w", Some(K::ClientUpload)),
            ("gh codespace cp remote:/w C:\\x", None),
            ("gh issue create --body-file secret.txt", Some(K::ClientText)),
            ("gh pr comment 1 -F secret.txt", Some(K::ClientText)),
            ("gh issue create --body x", None),
            ("gh", None),
            ("", None),
        ] {
            let found = client_upload(&program_name(line), line).map(|indicator| indicator.kind);
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn linux_runs_a_push() {
        for (line, expected) in [
            ("wsl git push origin", Some(K::WslPush)),
            ("wsl.exe -d Ubuntu --cd /x -- git push https://github.com/o/r", Some(K::WslPushToUrl)),
            ("wsl -e bash -lc \"cd /x && git push git@github.com:o/r\"", Some(K::WslPushToUrl)),
            ("bash -c \"git push\"", Some(K::WslPush)),
            ("wsl bash -c \"git push --dry-run\"", None),
            ("wsl git clone https://github.com/o/pushgateway", None),
            ("wsl -d push", None),
            ("wsl echo git push", None),
            ("wsl", None),
        ] {
            assert_eq!(wsl_push(line, &OwnHosts::default()).map(|found| found.kind), expected, "{line}");
        }
    }

    #[test]
    fn runner_and_large_files_are_seen() {
        let url = "--url https://github.com/o/r --token T";
        assert!(runner_registered(&format!("Runner.Listener.exe configure {url}")).is_some());
        assert!(runner_registered("Runner.Listener.exe run").is_none());
        assert!(runner_registered("Runner.Listener.exe configure").is_none());
        let found = runner_configured(&format!("cmd /c \"C:\\r\\config.cmd {url}\"")).unwrap();
        assert_eq!(found.address.unwrap().to_string(), "github.com/o/r");
        assert!(runner_configured("cmd /c config.cmd --url https://github.com/o/r").is_none());
        assert!(runner_configured("cmd /c deploy.cmd --url x --token y").is_none());
        assert!(lfs_push("git-lfs push --all origin").is_some());
        assert!(lfs_push("git-lfs push --dry-run origin main").is_none());
        assert!(lfs_push("git-lfs pre-push origin").is_none());
    }
}
