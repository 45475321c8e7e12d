//! The owner and the repository that a path names, by the forge that the host belongs to.

use std::borrow::Cow;

use super::OwnHosts;

/// The maximum count of a path's levels that are read: GitLab allows twenty below a group.
const MAX_LEVELS: usize = 24;
/// Pages of GitHub that are not accounts.
const GITHUB_PAGES: [&str; 22] = [
    "about",
    "account",
    "api",
    "collections",
    "explore",
    "features",
    "graphql",
    "join",
    "login",
    "logout",
    "marketplace",
    "new",
    "notifications",
    "organizations",
    "pricing",
    "search",
    "security",
    "session",
    "sessions",
    "settings",
    "topics",
    "trending",
];
/// Path segments after a repository that are not part of its name.
const AFTER_NAME: [&str; 18] = [
    "-",
    "actions",
    "archive",
    "blob",
    "commit",
    "commits",
    "git-receive-pack",
    "git-upload-pack",
    "info",
    "issues",
    "merge_requests",
    "pull",
    "pulls",
    "raw",
    "releases",
    "settings",
    "src",
    "tree",
];

/// The software and the paths of a repository host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forge {
    /// github.com.
    GitHub,
    /// GitHub's API.
    GitHubApi,
    /// gist.github.com.
    Gist,
    /// gitlab.com.
    GitLab,
    /// bitbucket.org.
    Bitbucket,
    /// Bitbucket's API.
    BitbucketApi,
    /// Azure DevOps, whose path begins with the organisation.
    Azure,
    /// Azure DevOps over SSH, whose path begins with `v3`.
    AzureSsh,
    /// Azure DevOps under a name of the organisation's own.
    AzureOrganisation(String),
    /// codeberg.org.
    Codeberg,
    /// A host that the configuration names, or any other remote of git.
    Own,
}

/// Hosts with their forge and its site.
const HOSTS: [(&str, Forge, &str); 16] = [
    ("github.com", Forge::GitHub, "github.com"),
    ("ssh.github.com", Forge::GitHub, "github.com"),
    ("api.github.com", Forge::GitHubApi, "github.com"),
    ("uploads.github.com", Forge::GitHubApi, "github.com"),
    ("gist.github.com", Forge::Gist, "gist.github.com"),
    ("gitlab.com", Forge::GitLab, "gitlab.com"),
    ("api.gitlab.com", Forge::GitLab, "gitlab.com"),
    ("altssh.gitlab.com", Forge::GitLab, "gitlab.com"),
    ("bitbucket.org", Forge::Bitbucket, "bitbucket.org"),
    ("altssh.bitbucket.org", Forge::Bitbucket, "bitbucket.org"),
    ("api.bitbucket.org", Forge::BitbucketApi, "bitbucket.org"),
    ("dev.azure.com", Forge::Azure, "dev.azure.com"),
    ("ssh.dev.azure.com", Forge::AzureSsh, "dev.azure.com"),
    ("vs-ssh.visualstudio.com", Forge::AzureSsh, "dev.azure.com"),
    ("codeberg.org", Forge::Codeberg, "codeberg.org"),
    ("ssh.codeberg.org", Forge::Codeberg, "codeberg.org"),
];
/// `ORGANISATION.visualstudio.com` is Azure DevOps; these are services that Microsoft's programs call all day.
const NO_ORGANISATIONS: [&str; 13] = [
    "app",
    "code",
    "docs",
    "download",
    "login",
    "marketplace",
    "my",
    "services",
    "static",
    "update",
    "visualstudio",
    "vs-ssh",
    "www",
];

/// The organisation of a host `ORGANISATION.visualstudio.com`.
#[must_use]
pub fn azure_organisation(host: &str) -> Option<&str> {
    let suffix = ".visualstudio.com";
    let at = host.len().checked_sub(suffix.len())?;
    let label = host.get(at..).filter(|end| end.eq_ignore_ascii_case(suffix)).and_then(|_| host.get(..at))?;
    let is_service = NO_ORGANISATIONS.iter().any(|service| service.eq_ignore_ascii_case(label));
    (!label.is_empty() && !label.contains('.') && !is_service).then_some(label)
}

/// The forge of a host; `None` if the host is not a repository's.
#[must_use]
pub fn forge(host: &str, own: &OwnHosts) -> Option<Forge> {
    let listed = HOSTS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(host));
    listed
        .map(|(_, forge, _)| forge.clone())
        .or_else(|| azure_organisation(host).map(|label| Forge::AzureOrganisation(label.to_owned())))
        .or_else(|| own.contains(host).then_some(Forge::Own))
}

/// The site that a forge's host is shown as, in lower case.
pub(super) fn site(host: &str) -> Option<&'static str> {
    let listed = HOSTS.iter().find(|(name, ..)| *name == host).map(|(.., site)| *site);
    listed.or_else(|| azure_organisation(host).map(|_| "dev.azure.com"))
}

/// Returns whether an address has no owner, but means all gists of the token's account.
pub(super) fn is_collection(host: &str, owner: &str) -> bool {
    host == "api.github.com" && owner == "gists"
}

/// Returns whether the only part of a path is a gist, not its owner.
pub(super) fn is_gist_id(host: &str, part: &str) -> bool {
    host == "gist.github.com" && part.len() >= 20 && part.bytes().all(|byte| byte.is_ascii_hexdigit())
}

type Names = (Option<String>, Option<String>);

/// The owner and the repository that a path names, as far as it does.
pub(super) fn owner_and_name(forge: &Forge, path: &str) -> Names {
    let parts = parts(path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match forge {
        Forge::GitHub => match parts.as_slice() {
            ["orgs" | "users", owner, ..] => pair(Some(owner), &[]),
            [page, ..] if GITHUB_PAGES.contains(page) => (None, None),
            [owner, rest @ ..] => pair(Some(owner), rest.get(..1).unwrap_or(rest)),
            [] => (None, None),
        },
        Forge::GitHubApi => match parts.as_slice() {
            ["repos", owner, rest @ ..] => pair(Some(owner), rest.get(..1).unwrap_or(rest)),
            ["orgs" | "users", owner, ..] => pair(Some(owner), &[]),
            ["gists", rest @ ..] => pair(Some("gists"), rest.get(..1).unwrap_or(rest)),
            _ => (None, None),
        },
        Forge::Gist => match parts.as_slice() {
            [id] if is_gist_id("gist.github.com", without_git(id)) => pair(None, &[id]),
            [owner, rest @ ..] => pair(Some(owner), rest.get(..1).unwrap_or(rest)),
            [] => (None, None),
        },
        Forge::GitLab => match parts.as_slice() {
            ["api", "v4", rest @ ..] | rest @ ["projects", ..] => gitlab_api(rest),
            ["api" | "oauth" | "users" | "-", ..] => (None, None),
            rest => in_groups(rest),
        },
        Forge::Bitbucket => match parts.as_slice() {
            ["account" | "dashboard" | "site", ..] | [] => (None, None),
            [owner, rest @ ..] => pair(Some(owner), rest.get(..1).unwrap_or(rest)),
        },
        Forge::BitbucketApi => match parts.as_slice() {
            ["1.0" | "2.0", "repositories", owner, rest @ ..] => {
                pair(Some(owner), rest.get(..1).unwrap_or(rest))
            }
            ["1.0" | "2.0", "snippets" | "workspaces" | "users" | "teams", owner, ..] => {
                pair(Some(owner), &[])
            }
            _ => (None, None),
        },
        Forge::Azure => match parts.as_slice() {
            [owner, rest @ ..] if !owner.starts_with('_') => azure(owner, rest),
            _ => (None, None),
        },
        Forge::AzureSsh => match parts.as_slice() {
            ["v3", owner, rest @ ..] => pair(Some(owner), rest.get(..2).unwrap_or(rest)),
            _ => (None, None),
        },
        Forge::AzureOrganisation(owner) => match parts.as_slice() {
            [collection, rest @ ..] if collection.eq_ignore_ascii_case("DefaultCollection") => {
                azure(owner, rest)
            }
            rest => azure(owner, rest),
        },
        Forge::Codeberg => match parts.as_slice() {
            ["api", "v1", "repos", owner, rest @ ..] | [owner, rest @ ..] if *owner != "api" => {
                pair(Some(owner), rest.get(..1).unwrap_or(rest))
            }
            _ => (None, None),
        },
        Forge::Own => own(&parts),
    }
}

/// Hosts of GitLab, Gitea, GitHub Enterprise, Bitbucket and others, distinguished by their paths alone.
fn own(parts: &[&str]) -> Names {
    match parts {
        ["api", "v4", rest @ ..] => gitlab_api(rest),
        ["api", "v1" | "v3", "repos", owner, rest @ ..] => pair(Some(owner), rest.get(..1).unwrap_or(rest)),
        // Bitbucket's own server.
        ["rest", "api", _, "projects", owner, "repos", name, ..] | ["scm", owner, name, ..] => {
            pair(Some(owner), &[name])
        }
        ["rest" | "api", ..] => (None, None),
        rest => in_groups(rest),
    }
}

/// `projects/OWNER%2FNAME` and `groups/OWNER`; a project's number names no owner.
fn gitlab_api(parts: &[&str]) -> Names {
    match parts {
        ["projects", project, ..] if project.contains('/') => {
            in_groups(&project.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>())
        }
        ["groups", group, ..] if group.bytes().any(|byte| !byte.is_ascii_digit()) => {
            pair(group.split('/').next(), &[])
        }
        _ => (None, None),
    }
}

/// A group, and all that follows as the repository: with its subgroups, and without pages of it.
fn in_groups(parts: &[&str]) -> Names {
    let [owner, rest @ ..] = parts else { return (None, None) };
    let is_page = |part: &str| AFTER_NAME.contains(&part);
    if is_page(owner) {
        return (None, None);
    }
    let end = rest.iter().enumerate().position(|(at, part)| at > 0 && is_page(part) || *part == "-");
    let rest = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
    let end = rest.iter().position(|part| without_git(part).len() < part.len());
    pair(Some(owner), rest.get(..end.map_or(rest.len(), |end| end + 1)).unwrap_or(rest))
}

/// `PROJECT/_git/NAME`, `_git/NAME` of a project of the same name, `PROJECT/_apis/git/repositories/NAME`.
fn azure(owner: &str, rest: &[&str]) -> Names {
    match rest {
        ["_git" | "_ssh", name, ..] => pair(Some(owner), &[name]),
        [project, "_git" | "_ssh", name, ..] | [project, "_apis", "git", "repositories", name, ..] => {
            pair(Some(owner), &[project, name])
        }
        [project, ..] if !project.starts_with('_') => pair(Some(owner), &[project]),
        _ => pair(Some(owner), &[]),
    }
}

/// An owner and the parts of a repository's name. Parts that are variables end it: they name nothing.
fn pair(owner: Option<&str>, name: &[&str]) -> Names {
    if owner.is_some_and(|owner| !is_name(owner)) {
        return (None, None);
    }
    let known = name.iter().position(|part| !is_name(part)).unwrap_or(name.len());
    let name = name.get(..known).unwrap_or_default();
    let Some((last, above)) = name.split_last() else { return (owner.map(str::to_owned), None) };
    let mut text = above.join("/");
    if !text.is_empty() {
        text.push('/');
    }
    text.push_str(without_git(last));
    (owner.map(str::to_owned), Some(text))
}

fn without_git(name: &str) -> &str {
    name.strip_suffix(".git").filter(|rest| !rest.is_empty()).unwrap_or(name)
}

/// Returns whether a part of a path can be a name; `$owner`, `{0}` and `%REPO%` can't.
fn is_name(part: &str) -> bool {
    !part.is_empty()
        && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | ' '))
}

/// The parts of a path between its slashes, percent-escapes decoded and `..` resolved, as clients do before they ask.
/// It ends where a shell would end it.
fn parts(path: &str) -> Vec<String> {
    let end = path.find(['&', '^', '\\', '"', '\'', '`', '<', '>', '|', ';', ',']).unwrap_or(path.len());
    let mut parts: Vec<String> = Vec::new();
    for part in path.get(..end).unwrap_or("").split('/').filter(|part| !part.is_empty()) {
        let part =
            if part.contains('%') { decoded(part).unwrap_or(Cow::Borrowed(part)) } else { part.into() };
        match &*part {
            "." => {}
            ".." => {
                parts.pop();
            }
            // Deeper levels still count for `..`, but their names are not needed.
            _ if parts.len() >= MAX_LEVELS => parts.push(String::new()),
            _ => parts.push(part.into_owned()),
        }
    }
    parts.truncate(MAX_LEVELS);
    parts
}

/// A text with its percent-escapes decoded; `None` if an escape is invalid, or the result is not UTF-8.
pub(super) fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}
