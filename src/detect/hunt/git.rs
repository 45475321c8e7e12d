//! The command line of git: a push, a fetch, or one of the helpers that both run.

use super::command_line::{Word, words};
use crate::model::repository::{Address, OwnHosts};

/// The effect of a git command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitCommand {
    /// `push` (also `subtree push`, `lfs push`): it asks a server to take commits.
    Push,
    /// `send-pack`: the part of a push that sends. git runs it over HTTP for nothing else.
    SendPack,
    /// `fetch`, `pull`, `clone` and their kind: nothing leaves.
    Fetch,
    /// `remote-https NAME URL`: the helper of pushes and fetches alike.
    Helper,
    /// `remote add`, `remote set-url`.
    RemoteAdded,
    /// Anything else.
    Other,
}

/// A git command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitLine<'a> {
    /// Its effect.
    pub act: GitCommand,
    /// The word that says so.
    pub verb: Option<Word<'a>>,
    /// The URL or scp-like address on it.
    pub url: Option<Word<'a>>,
    /// The remote that a `push` names, where that is no URL: mostly a name such as `origin`.
    pub remote: Option<Word<'a>>,
}

/// Options before the command that take the next word.
const TAKE_A_WORD: [&str; 8] = [
    "-C",
    "-c",
    "--git-dir",
    "--work-tree",
    "--namespace",
    "--super-prefix",
    "--config-env",
    "--attr-source",
];
/// Commands that only bring something in, or only ask.
const FETCHES: [&str; 8] =
    ["fetch", "pull", "clone", "ls-remote", "fetch-pack", "submodule", "http-fetch", "archive"];

/// Options of `push` that take the next word.
const PUSH_TAKES_A_WORD: [&str; 4] = ["-o", "--push-option", "--receive-pack", "--exec"];

/// Reads the command line of git.exe.
#[must_use]
pub fn git_line(line: &str) -> GitLine<'_> {
    let mut rest = words(line).skip(1);
    let mut verb = None;
    while let Some(word) = rest.next() {
        if !word.text.starts_with('-') {
            verb = Some(word);
            break;
        }
        if TAKE_A_WORD.contains(&&*word.text) {
            rest.next();
        }
    }
    let Some(verb) = verb else {
        return GitLine { act: GitCommand::Other, verb: None, url: None, remote: None };
    };
    let arguments = rest;
    let has = |text: &str| arguments.clone().any(|word| word.text == text);
    let first = arguments.clone().next();
    let first = first.as_ref().map_or("", |word| &*word.text);
    let harmless = has("--dry-run") || has("-n") || has("--help") || has("-h");
    let act = match &*verb.text {
        "push" | "http-push" if harmless => GitCommand::Other,
        "send-pack" if has("--dry-run") => GitCommand::Other,
        "push" | "http-push" => GitCommand::Push,
        "subtree" | "lfs" if first == "push" => GitCommand::Push,
        "send-pack" => GitCommand::SendPack,
        "remote-https" | "remote-http" => GitCommand::Helper,
        "remote" if matches!(first, "add" | "set-url") => GitCommand::RemoteAdded,
        "remote" if matches!(first, "update" | "show" | "prune") => GitCommand::Fetch,
        "subtree" | "lfs" if matches!(first, "pull" | "fetch" | "add") => GitCommand::Fetch,
        other if FETCHES.contains(&other) => GitCommand::Fetch,
        _ => GitCommand::Other,
    };
    let url = match act {
        GitCommand::Push if verb.is("push") => {
            let (url, remote) = match push_remote(arguments) {
                Some(word) if is_remote(&word) => (Some(word), None),
                word => (None, word),
            };
            return GitLine { act, verb: Some(verb), url, remote };
        }
        // A helper's URL is its last word.
        GitCommand::Helper | GitCommand::RemoteAdded => arguments.filter(is_remote).last(),
        _ => arguments.into_iter().find(is_remote),
    };
    GitLine { act, verb: Some(verb), url, remote: None }
}

/// Returns the remote that `git push` names: its first word that is no option, or the value of `--repo`. Values of options
/// and refspecs such as `v1.2:refs/tags/v1.2` are no remotes.
fn push_remote<'a>(mut arguments: impl Iterator<Item = Word<'a>>) -> Option<Word<'a>> {
    let mut repo = None;
    while let Some(word) = arguments.next() {
        if let Some(value) = word.text.strip_prefix("--repo=") {
            let text = value.to_owned().into();
            repo = Some(Word { range: word.range, text });
        } else if word.text == "--repo" {
            repo = arguments.next();
        } else if PUSH_TAKES_A_WORD.contains(&&*word.text) {
            arguments.next();
        } else if !word.text.starts_with('-') {
            return Some(word);
        }
    }
    repo
}

fn is_remote(word: &Word<'_>) -> bool {
    Address::of_remote(&word.text, &OwnHosts::default()).is_some()
}

/// The URL on the command line of git-remote-https.exe: `git-remote-https NAME URL`.
#[must_use]
pub fn helper_url(line: &str) -> Option<Word<'_>> {
    words(line).skip(1).filter(is_remote).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_recognised() {
        for (line, expected) in [
            ("git push origin main", GitCommand::Push),
            ("git.exe -C C:\\src -c http.sslVerify=false push", GitCommand::Push),
            (r#""C:\Program Files\Git\bin\git.exe" --no-pager push -f"#, GitCommand::Push),
            ("git subtree push --prefix x origin main", GitCommand::Push),
            ("git push --dry-run origin", GitCommand::Other),
            ("git push -h", GitCommand::Other),
            ("git stash push -m wip", GitCommand::Other),
            ("git fetch --all", GitCommand::Fetch),
            ("git clone https://github.com/prometheus/pushgateway", GitCommand::Fetch),
            ("git pull --rebase", GitCommand::Fetch),
            ("git commit -m push", GitCommand::Other),
            ("git config alias.push x", GitCommand::Other),
            ("git remote add origin https://github.com/a/b", GitCommand::RemoteAdded),
            ("git remote -v", GitCommand::Other),
            ("git remote-https origin https://github.com/a/b", GitCommand::Helper),
            ("git send-pack --stateless-rpc --thin https://github.com/a/b/ --stdin", GitCommand::SendPack),
            ("git fetch-pack --stateless-rpc https://github.com/a/b/", GitCommand::Fetch),
            ("git upload-pack C:/src", GitCommand::Other),
            ("git log --grep push", GitCommand::Other),
            ("git", GitCommand::Other),
            ("", GitCommand::Other),
        ] {
            assert_eq!(git_line(line).act, expected, "{line}");
        }
    }

    #[test]
    fn push_takes_its_first_word_as_remote() {
        for (line, expected) in [
            ("git push https://h.example/o/r main", Some("https://h.example/o/r")),
            ("git push -f -u --tags git@h.example:o/r", Some("git@h.example:o/r")),
            ("git push -o https://github.com/a/b https://h.example/o/r", Some("https://h.example/o/r")),
            ("git push --push-option https://github.com/a/b origin", None),
            ("git push --repo=https://h.example/o/r", Some("https://h.example/o/r")),
            ("git push --repo https://h.example/o/r --all", Some("https://h.example/o/r")),
            ("git push origin v1.2:refs/tags/v1.2", None),
            ("git push", None),
            ("git subtree push --prefix x https://h.example/o/r main", Some("https://h.example/o/r")),
        ] {
            assert_eq!(git_line(line).url.map(|word| word.text.into_owned()).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn verb_after_many_options_is_found() {
        let line = format!("git {}push {}https://h.example/o/r", "-c a=b ".repeat(9000), "-q ".repeat(9000));
        let found = git_line(&line);
        assert_eq!(
            (found.act, found.url.unwrap().text.as_ref()),
            (GitCommand::Push, "https://h.example/o/r")
        );
    }

    #[test]
    fn send_pack_names_its_repository() {
        let line = "git send-pack --stateless-rpc --helper-status --thin --progress https://github.com/o/r.git/ --stdin";
        assert_eq!(git_line(line).url.unwrap().text, "https://github.com/o/r.git/");
        let helper = "git-remote-https origin https://github.com/o/r.git";
        assert_eq!(helper_url(helper).unwrap().text, "https://github.com/o/r.git");
    }
}
