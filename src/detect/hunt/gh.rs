//! GitHub's own command line, gh.exe.

use super::command_line::{Word, words};
use std::ops::Range;

/// The effect of a `gh` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GhCommand {
    /// It uploads, by the words of this range.
    Uploads(Range<usize>),
    /// It reads, or nothing says that it uploads.
    Reads,
}

/// Reads the command line of gh.exe.
#[must_use]
pub fn gh_command(line: &str) -> GhCommand {
    let has = |names: &[&str]| {
        words(line).find(|word| {
            let name = word.text.split('=').next().unwrap_or("");
            names.contains(&name)
        })
    };
    let mut commands = commands(line);
    let (Some(first), second) = (commands.next(), commands.next()) else { return GhCommand::Reads };
    let third = commands.next();
    let both = |end: &Word<'_>| GhCommand::Uploads(first.range.start..end.range.end);
    match (&*first.text, second.as_ref().map(|word| (&*word.text, word))) {
        ("gist", Some(("create" | "new" | "edit", word))) | ("release", Some(("upload", word))) => both(word),
        // `release create TAG FILE…`: with files it uploads them.
        ("release", Some(("create" | "new", word))) if third.is_some() && commands.next().is_some() => {
            both(word)
        }
        ("repo", Some(("create" | "new", _))) => {
            has(&["--push"]).map_or(GhCommand::Reads, |word| GhCommand::Uploads(word.range))
        }
        ("api", _) => api(line),
        _ => GhCommand::Reads,
    }
}

/// Second words of gh's commands that read, and first words whose commands all do.
const READING: [&str; 18] = [
    "list",
    "ls",
    "view",
    "status",
    "download",
    "clone",
    "checkout",
    "co",
    "diff",
    "checks",
    "watch",
    "verify",
    "search",
    "browse",
    "completion",
    "--version",
    "version",
    "help",
];

/// Returns whether a command of gh that does not upload is known to read: an extension or an alias is not.
#[must_use]
pub fn is_reading(line: &str) -> bool {
    let mut commands = commands(line);
    let (Some(first), second) = (commands.next(), commands.next()) else { return false };
    let second = second.as_ref().map_or("", |word| &*word.text);
    match &*first.text {
        "api" => true,
        "release" => second == "create" || READING.contains(&second),
        "gist" | "issue" | "pr" | "repo" | "run" | "workflow" | "auth" | "cache" | "codespace" | "label" => {
            READING.contains(&second)
        }
        first => READING.contains(&first),
    }
}

/// `gh api` sends where it has fields, an input or a method that sends; GraphQL's queries are sent too, and read.
fn api(line: &str) -> GhCommand {
    let mut sends: Option<Range<usize>> = None;
    let mut rest = words(line).peekable();
    let mut reads = words(line).any(|word| word.is("graphql"))
        && !words(line).any(|word| word.text.to_ascii_lowercase().contains("mutation"));
    while let Some(word) = rest.next() {
        let (name, value) = option_and_value(&word.text);
        match name {
            "-X" | "--method" => {
                let method =
                    if value.is_empty() { rest.peek().map_or("", |next| &*next.text) } else { value };
                if matches!(&*method.to_ascii_uppercase(), "POST" | "PUT" | "PATCH") {
                    sends.get_or_insert(word.range.clone());
                } else {
                    reads = true;
                }
            }
            "-f" | "-F" | "--field" | "--raw-field" | "--input" => {
                sends.get_or_insert(word.range.clone());
            }
            _ => {}
        }
    }
    match sends {
        Some(range) if !reads => GhCommand::Uploads(range),
        _ => GhCommand::Reads,
    }
}

/// `--method=PUT`, `-XPUT`, `-fkey=value`: an option, and the value in the same word.
fn option_and_value(text: &str) -> (&str, &str) {
    match text.strip_prefix('-') {
        Some(short) if !short.starts_with('-') && short.len() > 1 && text.is_char_boundary(2) => {
            let (name, value) = text.split_at(2);
            (name, value.strip_prefix('=').unwrap_or(value))
        }
        _ => text.split_once('=').unwrap_or((text, "")),
    }
}

/// Options of gh's commands that take the next word (gh 2.83: `-R`, and those of `release`, `gist`, `repo`, `issue`,
/// `pr`, `codespace`). `-d` is `--draft` in `release create` and `--desc` in `gist create`.
const TAKE_A_WORD: [&str; 26] = [
    "-R",
    "--repo",
    "--hostname",
    "-t",
    "--title",
    "-n",
    "--notes",
    "-F",
    "--notes-file",
    "--body-file",
    "-b",
    "--body",
    "--target",
    "--discussion-category",
    "--notes-start-tag",
    "--desc",
    "--description",
    "-f",
    "--filename",
    "-c",
    "--codespace",
    "-l",
    "--label",
    "-a",
    "--assignee",
    "--source",
];

/// The words that are no options, after the program's name.
fn commands(line: &str) -> impl Iterator<Item = Word<'_>> {
    let mut takes_value = false;
    words(line).skip(1).filter(move |word| {
        let is_value = std::mem::replace(&mut takes_value, false);
        let is_option = word.text.starts_with('-');
        takes_value = is_option && TAKE_A_WORD.contains(&&*word.text);
        !is_value && !is_option
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_recognised() {
        for (line, uploads) in [
            ("gh gist create secret.txt", true),
            ("gh.exe repo create x --private --source=. --push", true),
            ("gh repo create x", false),
            ("gh -R o/r release upload v1 loot.zip", true),
            ("gh release create v1 loot.zip", true),
            ("gh release create v1 --notes text", false),
            ("gh api repos/o/r/contents/x -X PUT --input x.json", true),
            ("gh api -f title=x repos/o/r/issues", true),
            ("gh api repos/o/r", false),
            ("gh api -X GET search/code -f q=x", false),
            ("gh api graphql -f query=\"query { viewer { login } }\"", false),
            ("gh api graphql -f query=\"mutation { createCommitOnBranch }\"", true),
            ("gh pr list", false),
            ("gh auth status", false),
            ("gh", false),
        ] {
            assert_eq!(matches!(gh_command(line), GhCommand::Uploads(_)), uploads, "{line}");
        }
    }
}
