//! Why a clause did not select an event: each of its conditions that failed, and on which text.

use super::DetectionInput;
use super::selection::{
    API_HOSTS, API_IMAGES, API_WORDS, NET_HOSTS, NET_IMAGES, PUSH_HOSTS, PUSH_IMAGES, PUSH_WORDS, conditions,
};
use crate::model::event::{Field, code};
use crate::model::row::Clause;

/// A condition that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmet {
    /// The field.
    pub field: Field,
    /// What its text is not, after the text: `contains none of github.com, …`.
    pub failure: String,
}

/// A condition of a clause: its field, what a text that fails does, and the terms.
type Part = (Field, &'static str, &'static [&'static str]);

/// The conditions of a clause that an event does not meet, in the clause's order; none where the clause selects it, or
/// is of another Event ID.
#[must_use]
pub fn unmet(facts: &DetectionInput<'_>, clause: Clause) -> Vec<Unmet> {
    let (event_code, parts): (u16, &[Part]) = match clause {
        Clause::Net => (
            code::NETWORK_CONNECT,
            &[
                (Field::DestinationHostname, "is none of", &NET_HOSTS),
                (Field::Image, "ends with none of", &NET_IMAGES),
            ],
        ),
        Clause::Push => (
            code::PROCESS_CREATE,
            &[
                (Field::Image, "ends with none of", &PUSH_IMAGES),
                (Field::CommandLine, "contains none of", &PUSH_WORDS),
                (Field::CommandLine, "contains none of", &PUSH_HOSTS),
            ],
        ),
        Clause::Api => (
            code::PROCESS_CREATE,
            &[
                (Field::Image, "ends with none of", &API_IMAGES),
                (Field::CommandLine, "contains none of", &API_HOSTS),
                (Field::CommandLine, "contains none of", &API_WORDS),
            ],
        ),
        // It has rules of its own.
        Clause::Lead => return Vec::new(),
    };
    if facts.event_code != event_code {
        return Vec::new();
    }
    let met = conditions(facts, clause);
    parts
        .iter()
        .filter(|(field, _, terms)| {
            !met.iter().any(|condition| {
                condition.field == *field && terms.iter().any(|term| condition.test.ends_with(term))
            })
        })
        .map(|(field, failure, terms)| {
            let failure = match terms {
                [term] if failure.starts_with("contains") => format!("does not contain {term}"),
                [term] => format!("does not end with {term}"),
                _ => format!("{failure} {}", terms.join(", ")),
            };
            Unmet { field: *field, failure }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_that_failed_is_named() {
        let git = |line| DetectionInput {
            event_code: 1,
            image: Some(r"C:\git.exe"),
            command_line: Some(line),
            ..DetectionInput::default()
        };
        let failures = |facts: &DetectionInput<'_>, clause| {
            unmet(facts, clause).into_iter().map(|unmet| unmet.failure).collect::<Vec<_>>()
        };
        let hosts = "contains none of github.com, gitlab.com, bitbucket.org, dev.azure.com";
        for (facts, clause, expected) in [
            (git("git push origin"), Clause::Push, vec![hosts]),
            (git("git fetch"), Clause::Push, vec!["does not contain push", hosts]),
            (git("git push https://github.com/a/b"), Clause::Push, vec![]),
            (git("git push origin"), Clause::Net, vec![]),
        ] {
            assert_eq!(failures(&facts, clause), expected, "{facts:?}");
        }
        let connection = DetectionInput {
            event_code: 3,
            image: Some(r"C:\python.exe"),
            destination_hostname: Some("-"),
            ..DetectionInput::default()
        };
        let [unmet] = unmet(&connection, Clause::Net).try_into().unwrap();
        assert_eq!(unmet.field, Field::DestinationHostname);
        assert!(unmet.failure.starts_with("is none of github.com, api.github.com"));
        // `contents` is a word of sending, `api.github.com` holds `github.com`: neither is taken for the other.
        let api = DetectionInput {
            event_code: 1,
            image: Some(r"C:\curl.exe"),
            command_line: Some("curl https://api.github.com/x"),
            ..DetectionInput::default()
        };
        assert_eq!(
            failures(&api, Clause::Api),
            [
                "contains none of PUT, POST, contents, gists, upload, Invoke-RestMethod, requests.put, requests.post"
            ]
        );
    }
}
