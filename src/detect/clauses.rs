//! The walk over a clause: which of its tests an event meets, on which text, and which fail.
//!
//! Terms compare without case (ASCII), `*` is any run of characters, and a missing field never matches.

use std::ops::Range;

use memchr::memchr2_iter;

use super::DetectionInput;
use super::technique::{Clause, ClauseId, Operator, TECHNIQUE, Technique, Test};
use crate::model::event::{Field, code};
use crate::model::row::Condition;

/// A test that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// The field.
    pub field: Field,
    /// The failure, worded to follow the field's text: `contains none of github.com, …`.
    pub failure: String,
}

impl Technique {
    /// Returns the clause that selects an event: the first whose tests it all meets.
    #[must_use]
    pub fn select(&self, input: &DetectionInput<'_>) -> Option<ClauseId> {
        for (id, clause) in self.numbered() {
            if clause.event == input.event_code && clause.walk(input).all(|(_, met)| met.is_some()) {
                return Some(id);
            }
        }
        None
    }

    /// Returns the clause that would select an event if its `DestinationHostname` were a listed one.
    #[must_use]
    pub fn select_if_named(&self, input: &DetectionInput<'_>) -> Option<ClauseId> {
        let is_name = |test: &&Test| test.field == Field::DestinationHostname;
        let holds = |test: &Test| input.text(test.field).is_some_and(|text| test.find(text).is_some());
        let mut clauses = self.clauses_of(input.event_code);
        clauses
            .find(|(_, clause)| {
                clause.tests.iter().any(|test| is_name(&test))
                    && clause.tests.iter().filter(|test| !is_name(test)).all(holds)
            })
            .map(|(id, _)| id)
    }

    /// Whether a clause of connections lists a host's name.
    #[must_use]
    pub fn is_listed_host(&self, name: &str) -> bool {
        self.has_connection(Field::DestinationHostname, name)
    }

    /// Whether a clause of connections lists an executable.
    #[must_use]
    pub fn is_net_image(&self, image: &str) -> bool {
        self.has_connection(Field::Image, image)
    }

    /// Whether a text meets the tests of a field in a clause of connections.
    fn has_connection(&self, field: Field, text: &str) -> bool {
        self.clauses_of(code::NETWORK_CONNECT).any(|(_, clause)| {
            clause.tests.iter().filter(|test| test.field == field).all(|test| test.find(text).is_some())
        })
    }

    /// Returns the tests of a clause that an event meets, each with the text that met it: the first of its terms that is
    /// found, at its first place.
    #[must_use]
    pub fn conditions(&self, input: &DetectionInput<'_>, id: ClauseId) -> Vec<Condition> {
        let Some(clause) = self.clause(id) else { return Vec::new() };
        let condition = |(test, met): (&Test, Option<(&str, Range<usize>)>)| {
            let (term, matched) = met?;
            Some(Condition {
                field: test.field,
                test: format!("{} {term}", test.operator.third_person()),
                matched,
            })
        };
        clause.walk(input).filter_map(condition).collect()
    }

    /// Returns the tests of a clause that an event fails, in the clause's order. Empty for an event of another ID.
    #[must_use]
    pub fn unmet(&self, input: &DetectionInput<'_>, id: ClauseId) -> Vec<Unmet> {
        match self.clause(id) {
            Some(clause) if clause.event == input.event_code => {
                let failed = clause.walk(input).filter(|(_, met)| met.is_none());
                failed.map(|(test, _)| Unmet { field: test.field, failure: test.failure() }).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a clause of connections lists a host's name.
#[must_use]
pub fn is_listed_host(name: &str) -> bool {
    TECHNIQUE.is_listed_host(name)
}

impl Clause {
    /// Walks over the tests: each with the term that holds and its range in the field's text, if one holds.
    fn walk(
        &self,
        input: &DetectionInput<'_>,
    ) -> impl Iterator<Item = (&'static Test, Option<(&'static str, Range<usize>)>)> {
        self.tests.iter().map(|test| (test, input.text(test.field).and_then(|text| test.find(text))))
    }
}

impl Test {
    /// Finds the first term that holds, and its range in the text.
    #[inline]
    #[must_use]
    pub fn find(&self, text: &str) -> Option<(&'static str, Range<usize>)> {
        // The operator is matched once, not for each term: every event is held against the terms.
        let mut terms = self.terms.iter().copied();
        match self.operator {
            Operator::Equals => {
                terms.find(|term| text.eq_ignore_ascii_case(term)).map(|term| (term, 0..text.len()))
            }
            Operator::EndsWith => terms
                .find(|term| ends_with_ignoring_case(text.as_bytes(), term.as_bytes()))
                .map(|term| (term, text.len() - term.len()..text.len())),
            Operator::Contains => terms.find_map(|term| Some((term, find_ignoring_case(text, term)?))),
        }
    }

    /// Words its failure, to follow the field's text.
    fn failure(&self) -> String {
        let operator = self.operator;
        match (operator, self.terms) {
            (Operator::Equals, [term]) => format!("is not {term}"),
            (Operator::EndsWith, [term]) => format!("does not end with {term}"),
            (Operator::Contains, [term]) => format!("does not contain {term}"),
            (Operator::Equals, terms) => format!("is none of {}", terms.join(", ")),
            (_, terms) => format!("{} none of {}", operator.third_person(), terms.join(", ")),
        }
    }
}

impl Operator {
    const fn third_person(self) -> &'static str {
        match self {
            Self::Equals => "equals",
            Self::EndsWith => "ends with",
            Self::Contains => "contains",
        }
    }
}

fn ends_with_ignoring_case(text: &[u8], end: &[u8]) -> bool {
    let start = text.len().checked_sub(end.len());
    start.and_then(|start| text.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// Finds an ASCII term in a text without case.
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

    fn id(name: &str) -> ClauseId {
        TECHNIQUE.numbered().find(|(_, clause)| clause.name == name).unwrap().0
    }

    fn process<'a>(image: &'a str, command_line: &'a str) -> DetectionInput<'a> {
        DetectionInput {
            event_code: 1,
            image: Some(image),
            command_line: Some(command_line),
            ..DetectionInput::default()
        }
    }

    #[test]
    fn condition_points_at_its_text() {
        let line = "curl.exe --output x https://API.github.com/repos";
        let facts = process(r"C:\Windows\System32\CURL.EXE", line);
        assert_eq!(TECHNIQUE.select(&facts), Some(id("api")));
        let met: Vec<_> = TECHNIQUE
            .conditions(&facts, id("api"))
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
    fn image_needs_backslash_and_end() {
        for image in ["git.exe", r"C:\notgit.exe", "C:/Git/git.exe", r"C:\git.exe.bak", r"C:\git.exe "] {
            assert_eq!(TECHNIQUE.select(&process(image, "git push https://github.com/a/b")), None, "{image}");
        }
        assert_eq!(
            TECHNIQUE.select(&process(r"\git.exe", "git push https://github.com/a/b")),
            Some(id("push"))
        );
    }

    #[test]
    fn term_is_found_in_unicode_text() {
        assert_eq!(find_ignoring_case("ünï PüSH pushÜ", "push"), Some(12..16));
        assert_eq!(find_ignoring_case("pus", "push"), None);
        assert_eq!(find_ignoring_case("ppush", "PUSH"), Some(1..5));
    }

    #[test]
    fn failed_test_is_named() {
        let git = |line| DetectionInput {
            event_code: 1,
            image: Some(r"C:\git.exe"),
            command_line: Some(line),
            ..DetectionInput::default()
        };
        let failures = |facts: &DetectionInput<'_>, clause| {
            TECHNIQUE.unmet(facts, clause).into_iter().map(|unmet| unmet.failure).collect::<Vec<_>>()
        };
        let hosts = "contains none of github.com, gitlab.com, bitbucket.org, dev.azure.com";
        for (facts, clause, expected) in [
            (git("git push origin"), id("push"), vec![hosts]),
            (git("git fetch"), id("push"), vec!["does not contain push", hosts]),
            (git("git push https://github.com/a/b"), id("push"), vec![]),
            (git("git push origin"), id("net"), vec![]),
        ] {
            assert_eq!(failures(&facts, clause), expected, "{facts:?}");
        }
        let connection = DetectionInput {
            event_code: 3,
            image: Some(r"C:\python.exe"),
            destination_hostname: Some("-"),
            ..DetectionInput::default()
        };
        let [unmet] = TECHNIQUE.unmet(&connection, id("net")).try_into().unwrap();
        assert_eq!(unmet.field, Field::DestinationHostname);
        assert!(unmet.failure.starts_with("is none of github.com, api.github.com"));
        // `contents` is an upload word, and `api.github.com` holds `github.com`: neither is taken for the other.
        let api = DetectionInput {
            event_code: 1,
            image: Some(r"C:\curl.exe"),
            command_line: Some("curl https://api.github.com/x"),
            ..DetectionInput::default()
        };
        assert_eq!(
            failures(&api, id("api")),
            [
                "contains none of PUT, POST, contents, gists, upload, Invoke-RestMethod, requests.put, requests.post"
            ]
        );
    }
}
