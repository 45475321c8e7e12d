//! What a git command line does: a push, a fetch, or one of the helpers that a push and a fetch run.

use super::words::{Word, words};

/// What a git command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitAct {
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
    /// What it does.
    pub act: GitAct,
    /// The word that says so.
    pub verb: Option<Word<'a>>,
    /// The URL or scp-like address on it.
    pub url: Option<Word<'a>>,
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

/// Reads the command line of git.exe.
#[must_use]
pub fn git_line(line: &str) -> GitLine<'_> {
    let mut rest = words(line).into_iter().skip(1).peekable();
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
    let Some(verb) = verb else { return GitLine { act: GitAct::Other, verb: None, url: None } };
    let arguments: Vec<Word<'_>> = rest.collect();
    let has = |text: &str| arguments.iter().any(|word| word.text == text);
    let first = arguments.first().map_or("", |word| &*word.text);
    let harmless = has("--dry-run") || has("-n") || has("--help") || has("-h");
    let act = match &*verb.text {
        "push" | "http-push" if harmless => GitAct::Other,
        "send-pack" if has("--dry-run") => GitAct::Other,
        "push" | "http-push" => GitAct::Push,
        "subtree" | "lfs" if first == "push" => GitAct::Push,
        "send-pack" => GitAct::SendPack,
        "remote-https" | "remote-http" => GitAct::Helper,
        "remote" if matches!(first, "add" | "set-url") => GitAct::RemoteAdded,
        "remote" if matches!(first, "update" | "show" | "prune") => GitAct::Fetch,
        "subtree" | "lfs" if matches!(first, "pull" | "fetch" | "add") => GitAct::Fetch,
        other if FETCHES.contains(&other) => GitAct::Fetch,
        _ => GitAct::Other,
    };
    // A helper's URL is its last word; elsewhere it is the first word that is an address.
    let is_address = |word: &&Word<'_>| address(&word.text).is_some();
    let url = match act {
        GitAct::Helper | GitAct::RemoteAdded => arguments.iter().rfind(is_address),
        _ => arguments.iter().find(is_address),
    };
    GitLine { act, verb: Some(verb), url: url.cloned() }
}

/// The URL on the command line of git-remote-https.exe: `git-remote-https NAME URL`.
#[must_use]
pub fn helper_url(line: &str) -> Option<Word<'_>> {
    words(line).into_iter().skip(1).rfind(|word| address(&word.text).is_some())
}

/// Where a remote is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host, in lower case.
    pub host: String,
    /// The repository: `host/owner/name`, or as much as there is.
    pub repository: String,
}

/// Reads `https://user@host:port/owner/name.git`, `ssh://…` and the scp-like `user@host:owner/name`. A path of this
/// machine is none.
#[must_use]
pub fn address(text: &str) -> Option<Address> {
    let (authority, path) = if let Some((scheme, rest)) = text.split_once("://") {
        if !matches!(&*scheme.to_ascii_lowercase(), "http" | "https" | "ssh" | "git" | "git+ssh") {
            return None;
        }
        rest.split_once('/').unwrap_or((rest, ""))
    } else {
        let (authority, path) = text.split_once(':')?;
        let is_scp_like = (authority.contains('@') || authority.contains('.'))
            && !authority.contains(['/', '\\', '=', ' ', '+'])
            && !path.is_empty();
        if !is_scp_like {
            return None;
        }
        (authority, path)
    };
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
    let is_name = !host.is_empty()
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '"' | '\'' | '^' | '`'));
    if !is_name {
        return None;
    }
    let path = path.split(['?', '#']).next().unwrap_or("");
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).take(3).collect();
    // Azure DevOps writes `v3/organisation/…` over SSH.
    if host.ends_with("azure.com") && parts.first() == Some(&"v3") {
        parts.remove(0);
    }
    let mut repository = host.clone();
    for part in parts.into_iter().take(2) {
        repository.push('/');
        repository.push_str(part.strip_suffix(".git").unwrap_or(part));
    }
    Some(Address { host, repository })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_told_from_what_looks_like_it() {
        for (line, expected) in [
            ("git push origin main", GitAct::Push),
            ("git.exe -C C:\\src -c http.sslVerify=false push", GitAct::Push),
            (r#""C:\Program Files\Git\bin\git.exe" --no-pager push -f"#, GitAct::Push),
            ("git subtree push --prefix x origin main", GitAct::Push),
            ("git push --dry-run origin", GitAct::Other),
            ("git push -h", GitAct::Other),
            ("git stash push -m wip", GitAct::Other),
            ("git fetch --all", GitAct::Fetch),
            ("git clone https://github.com/prometheus/pushgateway", GitAct::Fetch),
            ("git pull --rebase", GitAct::Fetch),
            ("git commit -m push", GitAct::Other),
            ("git config alias.push x", GitAct::Other),
            ("git remote add origin https://github.com/a/b", GitAct::RemoteAdded),
            ("git remote -v", GitAct::Other),
            ("git remote-https origin https://github.com/a/b", GitAct::Helper),
            ("git send-pack --stateless-rpc --thin https://github.com/a/b/ --stdin", GitAct::SendPack),
            ("git fetch-pack --stateless-rpc https://github.com/a/b/", GitAct::Fetch),
            ("git upload-pack C:/src", GitAct::Other),
            ("git log --grep push", GitAct::Other),
            ("git", GitAct::Other),
            ("", GitAct::Other),
        ] {
            assert_eq!(git_line(line).act, expected, "{line}");
        }
    }

    #[test]
    fn an_address_gives_host_and_repository_and_no_user() {
        for (text, host, repository) in [
            ("https://user:secret@GitHub.com/o/r.git", "github.com", "github.com/o/r"),
            ("https://github.com/o/r.git/", "github.com", "github.com/o/r"),
            ("ssh://git@gitlab.com:22/o/sub/r.git", "gitlab.com", "gitlab.com/o/sub"),
            ("git@github.com:o/r.git", "github.com", "github.com/o/r"),
            ("git@ssh.dev.azure.com:v3/org/proj/repo", "ssh.dev.azure.com", "ssh.dev.azure.com/org/proj"),
        ] {
            let found = address(text).unwrap();
            assert_eq!((found.host.as_str(), found.repository.as_str()), (host, repository), "{text}");
        }
        for text in
            ["origin", "C:\\src\\x", "c:/src/x", "../x", "file:///c:/x", "HEAD:refs/heads/x", "a.b", ""]
        {
            assert_eq!(address(text), None, "{text}");
        }
    }

    #[test]
    fn a_send_pack_names_its_repository() {
        let line = "git send-pack --stateless-rpc --helper-status --thin --progress https://github.com/o/r.git/ --stdin";
        assert_eq!(git_line(line).url.unwrap().text, "https://github.com/o/r.git/");
        let helper = "git-remote-https origin https://github.com/o/r.git";
        assert_eq!(helper_url(helper).unwrap().text, "https://github.com/o/r.git");
    }
}
