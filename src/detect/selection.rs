//! The three clauses that select an event. Search terms compare without case (ASCII), `*` is any run of characters,
//! and a missing field never matches.

use std::ops::Range;

use memchr::memchr2_iter;

use super::DetectionInput;
use crate::model::event::{Field, code};
use crate::model::row::{Clause, Condition};

/// `net`: the host names that `DestinationHostname` may equal.
pub const NET_HOSTS: [&str; 9] = [
    "github.com",
    "api.github.com",
    "gitlab.com",
    "api.gitlab.com",
    "bitbucket.org",
    "api.bitbucket.org",
    "dev.azure.com",
    "gist.github.com",
    "codeberg.org",
];
/// `net`: what `Image` may end with.
pub const NET_IMAGES: [&str; 9] = [
    r"\git.exe",
    r"\curl.exe",
    r"\wget.exe",
    r"\python.exe",
    r"\python3.exe",
    r"\powershell.exe",
    r"\pwsh.exe",
    r"\node.exe",
    r"\ruby.exe",
];
/// `push`: what `Image` ends with.
pub const PUSH_IMAGES: [&str; 1] = [r"\git.exe"];
/// `push`: the word that `CommandLine` contains.
pub const PUSH_WORDS: [&str; 1] = ["push"];
/// `push`: the hosts of which `CommandLine` contains one.
pub const PUSH_HOSTS: [&str; 4] = ["github.com", "gitlab.com", "bitbucket.org", "dev.azure.com"];
/// `api`: what `Image` may end with.
pub const API_IMAGES: [&str; 6] =
    [r"\curl.exe", r"\wget.exe", r"\python.exe", r"\python3.exe", r"\powershell.exe", r"\pwsh.exe"];
/// `api`: the hosts of which `CommandLine` contains one.
pub const API_HOSTS: [&str; 3] = ["api.github.com", "api.gitlab.com", "gist.github.com"];
/// `api`: the words of sending of which `CommandLine` contains one. Bare substrings: `--output` holds `put`.
pub const API_WORDS: [&str; 8] =
    ["PUT", "POST", "contents", "gists", "upload", "Invoke-RestMethod", "requests.put", "requests.post"];

/// The clause that selects an event, if one does. Only one can: `net` is of Event 3, and the images of `push` and
/// `api` are different ones.
#[must_use]
pub fn select(facts: &DetectionInput<'_>) -> Option<Clause> {
    let image = facts.image?;
    match facts.event_code {
        code::NETWORK_CONNECT => {
            (is_listed_host(facts.destination_hostname?) && is_net_image(image)).then_some(Clause::Net)
        }
        code::PROCESS_CREATE => {
            let command_line = facts.command_line?;
            let has =
                |terms: &[&str]| terms.iter().any(|term| find_ignoring_case(command_line, term).is_some());
            if ends_with_one_of(image, &PUSH_IMAGES).is_some() {
                (has(&PUSH_WORDS) && has(&PUSH_HOSTS)).then_some(Clause::Push)
            } else if ends_with_one_of(image, &API_IMAGES).is_some() {
                (has(&API_HOSTS) && has(&API_WORDS)).then_some(Clause::Api)
            } else {
                None
            }
        }
        _ => None,
    }
}

/// Whether a name is on the list of the `net` clause.
#[must_use]
pub fn is_listed_host(name: &str) -> bool {
    NET_HOSTS.iter().any(|host| host.eq_ignore_ascii_case(name))
}

/// Whether an image is on the list of the `net` clause.
#[must_use]
pub fn is_net_image(image: &str) -> bool {
    ends_with_one_of(image, &NET_IMAGES).is_some()
}

/// The conditions of a clause that an event meets, each with the text that met it: the first of a list's terms that
/// is found, at its first place.
#[must_use]
pub fn conditions(facts: &DetectionInput<'_>, clause: Clause) -> Vec<Condition> {
    let image = |images: &[&'static str]| {
        let text = facts.image?;
        let suffix = ends_with_one_of(text, images)?;
        let matched = text.len() - suffix.len()..text.len();
        Some(Condition { field: Field::Image, test: format!("ends with {suffix}"), matched })
    };
    let contains = |terms: &[&'static str]| {
        let text = facts.command_line?;
        let (term, matched) = terms.iter().find_map(|term| Some((*term, find_ignoring_case(text, term)?)))?;
        Some(Condition { field: Field::CommandLine, test: format!("contains {term}"), matched })
    };
    let found = match clause {
        Clause::Net => {
            let host = facts.destination_hostname.and_then(|name| {
                let host = NET_HOSTS.iter().find(|host| host.eq_ignore_ascii_case(name))?;
                let matched = 0..name.len();
                Some(Condition { field: Field::DestinationHostname, test: format!("equals {host}"), matched })
            });
            vec![host, image(&NET_IMAGES)]
        }
        Clause::Push => vec![image(&PUSH_IMAGES), contains(&PUSH_WORDS), contains(&PUSH_HOSTS)],
        Clause::Api => vec![image(&API_IMAGES), contains(&API_HOSTS), contains(&API_WORDS)],
        Clause::Lead => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

fn ends_with_one_of(text: &str, suffixes: &[&'static str]) -> Option<&'static str> {
    let bytes = text.as_bytes();
    suffixes.iter().copied().find(|suffix| {
        bytes
            .len()
            .checked_sub(suffix.len())
            .and_then(|start| bytes.get(start..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes()))
    })
}

/// Where an ASCII term first stands in a text, without case.
#[must_use]
pub fn find_ignoring_case(text: &str, term: &str) -> Option<Range<usize>> {
    let (haystack, needle) = (text.as_bytes(), term.as_bytes());
    let first = *needle.first()?;
    memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), haystack)
        .map(|start| start..start + needle.len())
        .find(|range| haystack.get(range.clone()).is_some_and(|part| part.eq_ignore_ascii_case(needle)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process<'a>(image: &'a str, command_line: &'a str) -> DetectionInput<'a> {
        DetectionInput {
            event_code: 1,
            image: Some(image),
            command_line: Some(command_line),
            ..DetectionInput::default()
        }
    }

    #[test]
    fn a_condition_points_at_the_text_that_met_it() {
        let line = "curl.exe --output x https://API.github.com/repos";
        let facts = process(r"C:\Windows\System32\CURL.EXE", line);
        assert_eq!(select(&facts), Some(Clause::Api));
        let met: Vec<_> = conditions(&facts, Clause::Api)
            .into_iter()
            .map(|condition| {
                let text = if condition.field == Field::Image { facts.image } else { facts.command_line };
                (condition.test, text.unwrap()[condition.matched].to_owned())
            })
            .collect();
        let expected = [
            ("ends with \\curl.exe", "\\CURL.EXE"),
            ("contains api.github.com", "API.github.com"),
            ("contains PUT", "put"),
        ];
        assert_eq!(met, expected.map(|(test, text)| (test.to_owned(), text.to_owned())));
    }

    #[test]
    fn an_image_needs_its_backslash_and_its_end() {
        for image in ["git.exe", r"C:\notgit.exe", "C:/Git/git.exe", r"C:\git.exe.bak", r"C:\git.exe "] {
            assert_eq!(select(&process(image, "git push https://github.com/a/b")), None, "{image}");
        }
        assert_eq!(select(&process(r"\git.exe", "git push https://github.com/a/b")), Some(Clause::Push));
    }

    #[test]
    fn text_beyond_ascii_is_no_obstacle() {
        assert_eq!(find_ignoring_case("ünï PüSH pushÜ", "push"), Some(12..16));
        assert_eq!(find_ignoring_case("pus", "push"), None);
        assert_eq!(find_ignoring_case("ppush", "PUSH"), Some(1..5));
    }
}
