//! The repository that a URL, an scp-like address or a command line names: its host, its owner and its name.
//!
//! A host is always read as a whole, as the program that connects reads it: `github.com.evil.example`,
//! `https://github.com@evil.example/` and `https://evil.example/github.com` are all of evil.example. How a path names
//! an owner and a repository differs from one host to the next, and is in `path`.

mod path;

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

pub use path::{Forge, azure_organisation, forge};

/// Schemes by which git contacts another host.
const REMOTE_SCHEMES: [&str; 6] = ["http", "https", "ssh", "git", "git+ssh", "ssh+git"];
/// The names that the detection's terms hold, before and after their last dot: a text that holds one of them names a
/// repository's host, or one that looks like it.
const SITE_NAMES: [(&str, &str); 6] = [
    ("github", "com"),
    ("gitlab", "com"),
    ("bitbucket", "org"),
    ("dev.azure", "com"),
    ("codeberg", "org"),
    ("visualstudio", "com"),
];

/// The repository hosts of one's own organisation, as the configuration names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnHosts {
    names: HashSet<String>,
}

impl OwnHosts {
    /// These hosts, without case.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self { names: names.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    /// Returns whether there are no own hosts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns whether a whole name is one of them, without case.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        !self.names.is_empty() && self.names.contains(&*name.to_ascii_lowercase())
    }
}

/// A repository, as far as it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The contacted host, in lower case and without a port or a final dot.
    pub host: String,
    /// The account, group or organisation.
    pub owner: Option<String>,
    /// The repository below its owner: of GitLab with its subgroups, of Azure DevOps with its project.
    pub name: Option<String>,
}

impl Address {
    /// Reads a remote of git: `https://user@host:port/owner/name.git`, `ssh://…` and the scp-like
    /// `user@host:owner/name`. A path of this machine and the name of a remote give `None`. `own` are the
    /// organisation's own repository hosts.
    #[must_use]
    pub fn of_remote(text: &str, own: &OwnHosts) -> Option<Self> {
        if let Some((scheme, rest)) = text.split_once("://") {
            let is_known = REMOTE_SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
            return if is_known { Url::parse(rest).address(own, true) } else { None };
        }
        let (authority, path) = match text.strip_prefix('[') {
            Some(rest) => {
                let (inside, after) = rest.split_once(']')?;
                (inside, after.strip_prefix(':')?)
            }
            None => text.split_once(':')?,
        };
        let is_scp_like = (authority.contains('@') || authority.contains('.'))
            && !authority.contains(['/', '\\', '=', ' ', '+'])
            && !path.is_empty();
        if !is_scp_like {
            return None;
        }
        Url { authority, path: without_query(path) }.address(own, true)
    }

    /// The repository host that a command line names first, a URL before a bare name; a host that only holds the name
    /// of one, such as `github.com.evil.example`, counts too, and is returned as it is.
    #[must_use]
    pub fn in_text(text: &str, own: &OwnHosts) -> Option<Self> {
        let mut bare = None;
        for chunk in chunks(text) {
            let holds_name = holds_site_name(chunk);
            if !holds_name && own.is_empty() {
                continue;
            }
            let Some((found, is_url)) = in_chunk(chunk, own) else { continue };
            if !holds_name && forge(&found.host, own).is_none() {
                continue;
            }
            if is_url {
                return Some(found);
            }
            bare.get_or_insert(found);
        }
        bare
    }

    /// The address that contains an offset of a text.
    #[must_use]
    pub fn around(text: &str, place: usize, own: &OwnHosts) -> Option<Self> {
        let before = text.get(..place)?;
        let start = before.rfind(is_separator).map_or(0, |at| {
            at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
        });
        let rest = text.get(start..)?;
        let chunk = rest.get(..rest.find(is_separator).unwrap_or(rest.len()))?;
        in_chunk(chunk, own).map(|(found, _)| found)
    }
}

impl fmt::Display for Address {
    /// `github.com/owner/name`, or as much of it as is known. Several hosts of one forge, such as its API's, are shown
    /// as its site where the owner is known, so that one owner is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = match (&self.owner, path::site(&self.host)) {
            (Some(owner), Some(site)) if !path::is_collection(&self.host, owner) => site,
            _ => &self.host,
        };
        f.write_str(site)?;
        for part in [&self.owner, &self.name].into_iter().flatten() {
            write!(f, "/{part}")?;
        }
        Ok(())
    }
}

/// The owner of a repository as it is shown: `github.com/owner` of `github.com/Owner/name`, the host alone where no
/// owner is known. It is in lower case, since the great hosts ignore case.
#[must_use]
pub fn owner(repository: &str) -> String {
    let (host, rest) = repository.split_once('/').unwrap_or((repository, ""));
    let first = rest.split('/').next().unwrap_or("");
    if first.is_empty() || (first == rest && path::is_gist_id(host, first)) {
        return host.to_lowercase();
    }
    format!("{host}/{first}").to_lowercase()
}

/// The parts of a URL after its scheme.
struct Url<'a> {
    authority: &'a str,
    path: &'a str,
}

impl<'a> Url<'a> {
    fn parse(rest: &'a str) -> Self {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        Self { authority, path: without_query(path) }
    }

    /// The address; `is_remote` means that all of the path names a repository, whatever the host is.
    fn address(&self, own: &OwnHosts, is_remote: bool) -> Option<Address> {
        let host = host_of(self.authority)?;
        let (owner, name) = match forge(&host, own) {
            Some(forge) => path::owner_and_name(&forge, self.path),
            None if is_remote => path::owner_and_name(&Forge::Own, self.path),
            None => (None, None),
        };
        Some(Address { host, owner, name })
    }
}

fn without_query(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or("")
}

/// The host of a URL's authority: the part after the last `@`, without port and final dot. Percent-escapes are decoded,
/// as clients do. `None` if it can't be a name.
fn host_of(authority: &str) -> Option<String> {
    let host = authority.rsplit('@').next().unwrap_or(authority);
    // Clients of Windows take a backslash for a slash.
    let host = host.split('\\').next().unwrap_or(host);
    let host = match host.strip_prefix('[').and_then(|rest| rest.find(']')) {
        Some(end) => host.get(..end + 2)?,
        None => host.split(':').next().unwrap_or(host),
    };
    let host: Cow<'_, str> = if host.contains('%') { path::decoded(host)? } else { Cow::Borrowed(host) };
    let host = host.strip_suffix('.').unwrap_or(&host).to_ascii_lowercase();
    let is_address = host.starts_with('[');
    let is_name = !host.is_empty()
        && host.chars().all(|c| {
            c.is_alphanumeric()
                || matches!(c, '.' | '-' | '_' | '"' | '\'' | '^' | '`')
                || (is_address && matches!(c, '[' | ']' | ':'))
        });
    is_name.then_some(host)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '|' | ';' | ',' | '(' | ')')
}

/// The runs of a text that no blank, quote or bracket interrupts.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_separator).filter(|chunk| !chunk.is_empty())
}

/// Returns whether a text holds the name of a repository's site anywhere, without case.
fn holds_site_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'.', bytes).any(|dot| {
        let (before, after) =
            (bytes.get(..dot).unwrap_or_default(), bytes.get(dot + 1..).unwrap_or_default());
        SITE_NAMES.iter().any(|(name, domain)| {
            let tail = before.len().checked_sub(name.len()).and_then(|start| before.get(start..));
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(name.as_bytes()))
                && after.get(..domain.len()).is_some_and(|head| head.eq_ignore_ascii_case(domain.as_bytes()))
        })
    })
}

/// The address that a chunk of a text is, with true if it is written as one: with its scheme, or with user, host and
/// path. Where a URL holds another one in its path or its query, the client contacts the outer one.
fn in_chunk(chunk: &str, own: &OwnHosts) -> Option<(Address, bool)> {
    let chunk = chunk.trim_end_matches('\\');
    // A slash before the scheme's colon is a path's, but for that of an option: `/p:Url=https://…`.
    let is_scheme =
        |before: &str| !before.strip_prefix('/').unwrap_or(before).contains(['/', '?', '#', '\\']);
    if let Some((_, rest)) = chunk.split_once("://").filter(|(before, _)| is_scheme(before)) {
        return Some((Url::parse(rest).address(own, false)?, true));
    }
    // `--repo=github.com/o/r`: the value of an option.
    let before_value = chunk.get(..chunk.find(['/', ':', '@', '?', '#']).unwrap_or(chunk.len()))?;
    let chunk = before_value.rfind('=').and_then(|at| chunk.get(at + 1..)).unwrap_or(chunk);
    let url = Url::parse(chunk);
    let has_user = url.authority.contains('@');
    let after_user = url.authority.rsplit('@').next().unwrap_or(url.authority);
    let (host, port) = after_user.split_once(':').unwrap_or((after_user, ""));
    // `C:/src`, `src/github.com/o`, `C:\src\github.com`: paths of this machine.
    if !host.contains('.') || url.authority.contains('\\') || host.starts_with('.') {
        return None;
    }
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        // An address of mail names no repository.
        let is_mail = has_user && url.path.is_empty() && port.is_empty();
        return if is_mail { None } else { Some((url.address(own, false)?, false)) };
    }
    let path = without_query(chunk.get(url.authority.len() - port.len()..)?);
    Some((Url { authority: host, path }.address(own, false)?, has_user))
}

#[cfg(test)]
mod tests;
