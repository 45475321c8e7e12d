//! The hosts of code repositories: those of the search, those that it lacks, and the ones that the configuration names.

use std::ops::Range;

use super::steps;
use crate::detect::clauses::{find_ignoring_case, is_listed_host};
use crate::detect::technique::{API_HOSTS, TECHNIQUE};
use crate::model::repository::{OwnHosts, azure_organisation};

/// Hosts of the large repositories that the search's list lacks.
const MORE_HOSTS: [&str; 6] = [
    "uploads.github.com",
    "ssh.github.com",
    "altssh.gitlab.com",
    "altssh.bitbucket.org",
    "ssh.dev.azure.com",
    "vs-ssh.visualstudio.com",
];
/// Hosts that are an API whatever path follows, besides those of the search's `api` clause.
const MORE_API_HOSTS: [&str; 2] = ["uploads.github.com", "api.bitbucket.org"];
/// Endings of the names that reverse lookup gives for the repositories' own addresses.
const REVERSE_SUFFIXES: [&str; 4] = [".github.com", ".gitlab.com", ".bitbucket.org", ".codeberg.org"];

/// Which hosts are repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryHosts {
    own: OwnHosts,
}

/// A host in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The range of its name, in bytes.
    pub range: Range<usize>,
    /// Its name in lower case.
    pub host: String,
}

impl RepositoryHosts {
    /// The built-in hosts, and an organisation's own.
    #[must_use]
    pub fn new(own: &[String]) -> Self {
        Self { own: OwnHosts::new(own) }
    }

    /// The organisation's own hosts.
    #[must_use]
    pub const fn own(&self) -> &OwnHosts {
        &self.own
    }

    /// Whether a name is a repository's.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        is_listed_host(name) || self.is_extra_host(name)
    }

    /// Whether a name is a repository's that the search's own list lacks.
    #[must_use]
    pub fn is_extra_host(&self, name: &str) -> bool {
        is_one_of(name, &MORE_HOSTS) || azure_organisation(name).is_some() || self.own.contains(name)
    }

    /// The first repository's API that a text names: an API host, or a host with the path of its API after it.
    #[must_use]
    pub fn api_in(&self, text: &str) -> Option<Named> {
        let mut paths = Paths::new(text);
        names(text)
            .find(|(range, name)| {
                if is_one_of(name, &API_HOSTS) || is_one_of(name, &MORE_API_HOSTS) || self.own.contains(name)
                {
                    return true;
                }
                if is_one_of(name, &["gitlab.com", "codeberg.org"]) {
                    const API: &str = "/api/";
                    let path = text.get(range.end..).and_then(|rest| rest.get(..API.len()));
                    return path.is_some_and(|path| path.eq_ignore_ascii_case(API));
                }
                if is_one_of(name, &["dev.azure.com"]) || azure_organisation(name).is_some() {
                    return paths.hold("/_apis/", range.end);
                }
                is_listed_host(name) && paths.hold("/git-receive-pack", range.end)
            })
            .map(named)
    }
}

/// Looks for a word in the path that follows a place, up to the next blank or quote. However many places of one path are
/// asked about, its bytes are read once for each word.
struct Paths<'a> {
    text: &'a str,
    /// A word, and the end of a stretch of text that holds it no more from the last place on that was asked about.
    without: [(&'static str, usize); 2],
}

impl<'a> Paths<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, without: [("/_apis/", 0), ("/git-receive-pack", 0)] }
    }

    /// Whether the path that begins at `start` holds one of the two words. Places must come in their order.
    fn hold(&mut self, word: &str, start: usize) -> bool {
        let Some((_, without)) = self.without.iter_mut().find(|(known, _)| *known == word) else {
            return false;
        };
        if start < *without {
            return false;
        }
        let rest = self.text.get(start..).unwrap_or("");
        let end = rest.find(|c: char| c.is_whitespace() || "\"'`".contains(c)).unwrap_or(rest.len());
        *without = start + end;
        steps::count(end);
        rest.get(..end).is_some_and(|path| find_ignoring_case(path, word).is_some())
    }
}

/// Whether a name looks like what a reverse lookup of a repository's address gives. The owner of an address writes that
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
            steps::count(end - start);
            let run = text.get(start..end)?;
            let name = run.trim_matches('.');
            if name.contains('.') {
                let at = start + (run.len() - run.trim_start_matches('.').len());
                return Some((at..at + name.len(), name));
            }
        }
    })
}

/// All hosts of the built-in lists, for tests that each is known.
#[must_use]
pub fn built_in() -> Vec<&'static str> {
    TECHNIQUE.prefilter().hosts.unwrap_or_default().into_iter().chain(MORE_HOSTS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::repository::forge;

    #[test]
    fn host_is_known_as_a_whole() {
        let hosts = RepositoryHosts::new(&["Git.Corp.Example".to_owned()]);
        for (name, expected) in [
            ("GitHub.com", true),
            ("ssh.dev.azure.com", true),
            ("acme.visualstudio.com", true),
            ("git.corp.example", true),
            ("github.com.evil.example", false),
            ("github.company.com", false),
            ("my_github.com", false),
            ("marketplace.visualstudio.com", false),
            ("dc.services.visualstudio.com", false),
            ("evilgithub.com", false),
        ] {
            assert_eq!(hosts.knows(name), expected, "{name}");
        }
        for host in built_in() {
            assert!(hosts.knows(host), "{host}");
            assert!(forge(host, &OwnHosts::default()).is_some(), "the address parser knows {host}");
        }
    }

    #[test]
    fn api_is_a_host_or_path() {
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
    fn reverse_names_are_recognised() {
        assert!(is_reverse_name("lb-140-82-121-4-fra.GitHub.com"));
        assert!(!is_reverse_name("cdn-185-199-108-153.github.com"));
        assert!(!is_reverse_name("github.com"));
        assert!(!is_reverse_name("github.com.evil.example"));
    }
}
