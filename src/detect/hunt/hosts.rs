//! The hosts of code repositories: those of the search, those that it lacks, and the ones that the configuration names.

use std::ops::Range;

use crate::detect::selection::{NET_HOSTS, is_listed_host};

/// Hosts of the great repositories that the search's list lacks.
const MORE_HOSTS: [&str; 6] = [
    "uploads.github.com",
    "ssh.github.com",
    "altssh.gitlab.com",
    "altssh.bitbucket.org",
    "ssh.dev.azure.com",
    "vs-ssh.visualstudio.com",
];
/// Hosts that are an API, whatever path follows.
const API_HOSTS: [&str; 5] =
    ["api.github.com", "uploads.github.com", "gist.github.com", "api.gitlab.com", "api.bitbucket.org"];
/// `ORGANISATION.visualstudio.com` is Azure DevOps; these are services that Microsoft's programs call all day.
const NO_ORGANISATIONS: [&str; 12] = [
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
    "www",
];
/// What the names that reverse lookup gives of the repositories' own addresses end with.
const REVERSE_SUFFIXES: [&str; 4] = [".github.com", ".gitlab.com", ".bitbucket.org", ".codeberg.org"];

/// Which hosts are repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryHosts {
    own: Vec<String>,
}

/// A host in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Where its name stands, in bytes.
    pub range: Range<usize>,
    /// Its name in lower case.
    pub host: String,
}

impl RepositoryHosts {
    /// The built-in hosts, and an organisation's own.
    #[must_use]
    pub fn new(own: &[String]) -> Self {
        Self { own: own.iter().map(|host| host.to_ascii_lowercase()).collect() }
    }

    /// Whether a name is a repository's.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        is_listed_host(name) || self.is_beyond_the_search(name)
    }

    /// Whether a name is a repository's that the search's own list lacks.
    #[must_use]
    pub fn is_beyond_the_search(&self, name: &str) -> bool {
        is_one_of(name, &MORE_HOSTS) || is_azure_organisation(name) || self.is_own(name)
    }

    /// The first repository host that a text names as a whole: `github.com.evil.example` names none.
    #[must_use]
    pub fn first_in(&self, text: &str) -> Option<Named> {
        names(text).find(|(_, name)| self.knows(name)).map(named)
    }

    /// The first repository's API that a text names: an API host, or a host with the path of its API after it.
    #[must_use]
    pub fn api_in(&self, text: &str) -> Option<Named> {
        names(text)
            .find(|(range, name)| {
                if is_one_of(name, &API_HOSTS) || self.is_own(name) {
                    return true;
                }
                let rest = text.get(range.end..).unwrap_or("");
                let end = rest.find(|c: char| c.is_whitespace() || "\"'`".contains(c)).unwrap_or(rest.len());
                let path = rest.get(..end).unwrap_or("").to_ascii_lowercase();
                match *name {
                    name if is_one_of(name, &["gitlab.com", "codeberg.org"]) => path.starts_with("/api/"),
                    name if is_one_of(name, &["dev.azure.com"]) || is_azure_organisation(name) => {
                        path.contains("/_apis/")
                    }
                    name => is_listed_host(name) && path.contains("/git-receive-pack"),
                }
            })
            .map(named)
    }

    fn is_own(&self, name: &str) -> bool {
        self.own.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// Whether a name looks like what a reverse lookup of a repository's address gives. Whoever owns an address writes that
/// name, so that this is weak. GitHub's `cdn-…` serve downloads alone.
#[must_use]
pub fn is_reverse_name(name: &str) -> bool {
    let lowered = name.to_ascii_lowercase();
    REVERSE_SUFFIXES.iter().any(|suffix| lowered.ends_with(suffix)) && !lowered.starts_with("cdn-")
}

/// The repository's own domain of a reverse name.
#[must_use]
pub fn domain_of_reverse_name(name: &str) -> &'static str {
    let lowered = name.to_ascii_lowercase();
    REVERSE_SUFFIXES
        .iter()
        .find(|suffix| lowered.ends_with(*suffix))
        .map_or("", |suffix| suffix.strip_prefix('.').unwrap_or(suffix))
}

fn named((range, name): (Range<usize>, &str)) -> Named {
    Named { range, host: name.to_ascii_lowercase() }
}

fn is_one_of(name: &str, hosts: &[&str]) -> bool {
    hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}

fn is_azure_organisation(name: &str) -> bool {
    let suffix = ".visualstudio.com";
    let Some(label) = name.len().checked_sub(suffix.len()).and_then(|at| {
        name.get(at..).filter(|end| end.eq_ignore_ascii_case(suffix)).and_then(|_| name.get(..at))
    }) else {
        return false;
    };
    !label.is_empty() && !label.contains('.') && !is_one_of(label, &NO_ORGANISATIONS)
}

/// The runs of a text that can be host names, each with its place.
fn names(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut from = 0;
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(from..)?;
            let start = from + rest.find(is_part)?;
            let rest = text.get(start..)?;
            let end = start + rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            from = end;
            let run = text.get(start..end)?;
            let name = run.trim_matches('.');
            if name.contains('.') {
                let at = start + (run.len() - run.trim_start_matches('.').len());
                return Some((at..at + name.len(), name));
            }
        }
    })
}

/// All hosts of the built-in lists: for a test that none is forgotten.
#[must_use]
pub fn built_in() -> Vec<&'static str> {
    NET_HOSTS.iter().chain(&MORE_HOSTS).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_named_as_a_whole_or_not_at_all() {
        let hosts = RepositoryHosts::new(&["Git.Corp.Example".to_owned()]);
        for (text, expected) in [
            ("https://x:y@GitHub.com/a/b", Some("github.com")),
            ("git@ssh.dev.azure.com:v3/o/p/r", Some("ssh.dev.azure.com")),
            ("https://acme.visualstudio.com/p/_git/r", Some("acme.visualstudio.com")),
            ("https://git.corp.example:8443/a", Some("git.corp.example")),
            ("visit github.com.", Some("github.com")),
            ("https://github.com.evil.example/", None),
            ("https://github.company.com/", None),
            ("https://my_github.com/", None),
            ("https://marketplace.visualstudio.com/", None),
            ("https://dc.services.visualstudio.com/v2/track", None),
            ("https://evilgithub.com/", None),
        ] {
            assert_eq!(hosts.first_in(text).map(|named| named.host).as_deref(), expected, "{text}");
        }
        for host in built_in() {
            assert!(hosts.knows(host), "{host}");
        }
    }

    #[test]
    fn an_api_is_a_host_or_a_path() {
        let hosts = RepositoryHosts::new(&["git.corp.example".to_owned()]);
        for (text, expected) in [
            ("https://uploads.github.com/repos/a/b", true),
            ("https://gitlab.com/api/v4/projects", true),
            ("https://gitlab.com/group/project", false),
            ("https://dev.azure.com/o/p/_apis/git/pushes", true),
            ("https://dev.azure.com/o/p/_git/r", false),
            ("https://github.com/a/b.git/git-receive-pack", true),
            ("https://github.com/login", false),
            ("https://git.corp.example/anything", true),
            ("https://raw.githubusercontent.com/a", false),
        ] {
            assert_eq!(hosts.api_in(text).is_some(), expected, "{text}");
        }
    }

    #[test]
    fn reverse_names_are_told_from_hosts() {
        assert!(is_reverse_name("lb-140-82-121-4-fra.GitHub.com"));
        assert!(!is_reverse_name("cdn-185-199-108-153.github.com"));
        assert!(!is_reverse_name("github.com"));
        assert!(!is_reverse_name("github.com.evil.example"));
    }
}
