//! The command line of git: a push, a fetch, or one of the helpers that both run.

use super::command_line::{Word, words};
use crate::model::repository::{Address, OwnHosts};

/// The effect of a git command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitCommand {
    /// `push` (also `subtree push`): it asks a server to take commits.
    Push,
    /// `lfs push`: it sends large files.
    LfsPush,
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
    let is_push = verb.text == "push" || alias(line, &verb.text).is_some_and(|value| is_push_alias(&value));
    let is_harmless = || push_arguments(arguments.clone()).sends_nothing;
    let act = match &*verb.text {
        _ if is_push && is_harmless() => GitCommand::Other,
        _ if is_push => GitCommand::Push,
        "http-push" if is_harmless() => GitCommand::Other,
        "send-pack" if has("--dry-run") => GitCommand::Other,
        "http-push" => GitCommand::Push,
        "lfs" if first == "push" && has("--dry-run") => GitCommand::Other,
        "lfs" if first == "push" => GitCommand::LfsPush,
        "subtree" if first == "push" => GitCommand::Push,
        "send-pack" => GitCommand::SendPack,
        "remote-https" | "remote-http" => GitCommand::Helper,
        "remote" if matches!(first, "add" | "set-url") => GitCommand::RemoteAdded,
        "remote" if matches!(first, "update" | "show" | "prune") => GitCommand::Fetch,
        "subtree" | "lfs" if matches!(first, "pull" | "fetch" | "add") => GitCommand::Fetch,
        other if FETCHES.contains(&other) => GitCommand::Fetch,
        _ => GitCommand::Other,
    };
    let url = match act {
        GitCommand::Push if is_push => {
            let (url, remote) = match push_arguments(arguments).remote {
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

/// The arguments of `git push`.
struct PushArguments<'a> {
    /// The first word that is no option, or the value of `--repo`. Values of options and refspecs such as
    /// `v1.2:refs/tags/v1.2` are no remotes.
    remote: Option<Word<'a>>,
    /// Whether it was only to show what it would do, or its help. The last of `--dry-run` and `--no-dry-run` counts.
    sends_nothing: bool,
}

/// Reads the arguments of `git push` as git's `builtin/push.c` (2.51) does: short options in one word, long ones in
/// any unambiguous prefix.
fn push_arguments<'a>(mut arguments: impl Iterator<Item = Word<'a>>) -> PushArguments<'a> {
    let (mut remote, mut repo) = (None, None);
    let (mut is_dry_run, mut is_help, mut has_ended) = (false, false, false);
    while let Some(word) = arguments.next() {
        let text = &*word.text;
        if has_ended || !text.starts_with('-') || text == "-" {
            remote = remote.or(Some(word));
        } else if text == "--" {
            has_ended = true;
        } else if let Some(value) = text.strip_prefix("--repo=") {
            let text = value.to_owned().into();
            repo = Some(Word { range: word.range, text });
        } else if text == "--repo" {
            repo = arguments.next();
        } else if PUSH_TAKES_A_WORD.contains(&text) {
            arguments.next();
        } else if text.len() > 4 && "--dry-run".starts_with(text) {
            is_dry_run = true;
        } else if text.len() > 6 && "--no-dry-run".starts_with(text) {
            is_dry_run = false;
        } else if text == "--help" || text == "-h" {
            is_help = true;
        } else if let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.starts_with('-')) {
            let own = letters.split('o').next().unwrap_or("");
            is_dry_run |= own.contains('n');
            if own.len() + 1 == letters.len() {
                arguments.next();
            }
        }
    }
    PushArguments { remote: remote.or(repo), sends_nothing: is_dry_run || is_help }
}

/// The value of an alias that the command line itself sets: `-c alias.NAME=VALUE`. git takes none for its own commands.
fn alias(line: &str, name: &str) -> Option<String> {
    let mut before_verb = words(line).skip(1);
    let mut value = None;
    while let Some(word) = before_verb.next().filter(|word| word.text.starts_with('-')) {
        if !TAKE_A_WORD.contains(&&*word.text) {
            continue;
        }
        let setting = before_verb.next()?;
        let found = (word.text == "-c").then(|| setting.text.split_once('=')).flatten();
        if let Some((key, text)) = found
            && key.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("alias."))
            && key.get(6..).is_some_and(|of| of.eq_ignore_ascii_case(name))
        {
            value = Some(text.to_owned());
        }
    }
    value
}

fn is_push_alias(value: &str) -> bool {
    value.split_whitespace().next() == Some("push")
}

/// git's own commands that send nothing, as `git help -a` (2.51) lists them, as far as people type them.
const SILENT: [&str; 48] = [
    "add",
    "am",
    "apply",
    "archive",
    "blame",
    "branch",
    "bundle",
    "cat-file",
    "checkout",
    "cherry-pick",
    "clean",
    "clone",
    "commit",
    "config",
    "describe",
    "diff",
    "difftool",
    "fetch",
    "fetch-pack",
    "format-patch",
    "gc",
    "grep",
    "help",
    "init",
    "log",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "maintenance",
    "merge",
    "mv",
    "notes",
    "pull",
    "push",
    "reflog",
    "remote",
    "reset",
    "restore",
    "rev-list",
    "rev-parse",
    "revert",
    "rm",
    "show",
    "shortlog",
    "stash",
    "status",
    "switch",
    "tag",
];
/// Others that send nothing where they run nothing: `rebase --exec`, `submodule foreach`, `bisect run` do.
const SILENT_UNLESS_THEY_RUN: [&str; 4] = ["bisect", "rebase", "submodule", "worktree"];

/// Returns whether a command of git that is no push sends nothing.
#[must_use]
pub fn is_silent(line: &str, verb: &Word<'_>) -> bool {
    if SILENT.contains(&&*verb.text) {
        return true;
    }
    let runs = |word: &Word<'_>| {
        matches!(&*word.text, "foreach" | "run" | "-x" | "--exec") || word.text.starts_with("--exec=")
    };
    SILENT_UNLESS_THEY_RUN.contains(&&*verb.text)
        && !line.get(verb.range.end..).is_some_and(|rest| words(rest).any(|word| runs(&word)))
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
