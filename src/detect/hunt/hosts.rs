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
/// GitHub with data residency: `NAME.ghe.com`, and its API `api.NAME.ghe.com`.
const DATA_RESIDENCY: &str = ".ghe.com";
/// Public forges that are on no other list, and what all names of a forge end with. A push there is a lead of its own.
const UNLISTED_FORGES: [&str; 14] = [
    "gitee.com",
    "huggingface.co",
    "hf.co",
    "git.sr.ht",
    "git.code.sf.net",
    "gitea.com",
    "notabug.org",
    "framagit.org",
    "salsa.debian.org",
    "pagure.io",
    "git.launchpad.net",
    "gitcode.com",
    "gitflic.ru",
    "disroot.org",
];
/// AWS CodeCommit: `git-codecommit.REGION.amazonaws.com`.
const CODE_COMMIT: (&str, &str) = ("git-codecommit.", ".amazonaws.com");
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
                if is_one_of(name, &API_HOSTS)
                    || is_one_of(name, &MORE_API_HOSTS)
                    || is_data_residency_api(name)
                    || self.own.contains(name)
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

/// Returns whether a host is a public forge that is on no other list.
#[must_use]
pub fn is_unlisted_forge(host: &str) -> bool {
    let lowered = host.to_ascii_lowercase();
    is_one_of(&lowered, &UNLISTED_FORGES)
        || lowered.ends_with(DATA_RESIDENCY)
        || (lowered.starts_with(CODE_COMMIT.0) && lowered.ends_with(CODE_COMMIT.1))
}

/// Returns whether a host is near: an address of a private network, or a name that shares its last two labels with the
/// name of the computer.
#[must_use]
pub fn is_near(host: &str, computer: Option<&str>) -> bool {
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
        return match address.to_canonical() {
            std::net::IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
            std::net::IpAddr::V6(v6) => {
                v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
            }
        };
    }
    let last_two = |name: &str| {
        let mut labels = name.rsplit('.');
        let (last, before) = (labels.next()?, labels.next()?);
        Some((before.to_ascii_lowercase(), last.to_ascii_lowercase()))
    };
    // A computer's own first label is no domain.
    let domain = computer.and_then(|name| name.split_once('.')).and_then(|(_, domain)| last_two(domain));
    domain.is_some_and(|domain| last_two(host).is_some_and(|host| host == domain))
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

fn is_data_residency_api(name: &str) -> bool {
    let end = name.len().checked_sub(DATA_RESIDENCY.len()).and_then(|at| name.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(DATA_RESIDENCY))
        && name.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("api."))
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
    fn other_hosts_are_forges_or_near() {
        for (host, forge, near) in [
            ("gitee.com", true, false),
            ("Huggingface.CO", true, false),
            ("acme.ghe.com", true, false),
            ("git-codecommit.eu-west-1.amazonaws.com", true, false),
            ("s3.amazonaws.com", false, false),
            ("gitee.com.evil.example", false, false),
            ("45.77.1.2", false, false),
            ("10.1.2.3", false, true),
            ("[fd00::1]", false, true),
            ("192.168.0.1", false, true),
            ("git.corp.example", false, true),
            ("corp.example", false, true),
            ("git.corp2.example", false, false),
            ("evilcorp.example", false, false),
        ] {
            assert_eq!(is_unlisted_forge(host), forge, "{host}");
            assert_eq!(is_near(host, Some("WS-01.Corp.Example")), near, "{host}");
        }
        assert!(!is_near("git.example", Some("git.example")), "a computer's own label is no domain");
        assert!(!is_near("git.corp.example", None));
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
            ("https://api.acme.GHE.com/repos/o/r", true),
            ("https://acme.ghe.com/o/r", false),
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
