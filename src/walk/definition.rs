//! Definition of a test: its sentence, its steps, and the telemetry that it must leave.

use crate::detect::clauses::find_ignoring_case;
use crate::detect::pattern::Pattern;
use crate::model::event::Field;
use crate::model::row::Signal;
use crate::model::telemetry::Channel;

/// A test.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its name, which no other test has.
    pub name: String,
    /// Its purpose, in a sentence.
    pub sentence: String,
    /// The ATT&CK technique; `None` if the file names no technique.
    pub technique: Option<String>,
    /// The instructions, step by step.
    pub steps: Vec<String>,
    /// The act's name for a count of acts: `push`.
    pub act: String,
    /// The signal that the detection should report.
    pub signal: Option<Signal>,
    /// The telemetry that it must leave.
    pub rows: Vec<Row>,
}

/// A piece of telemetry that a test must leave.
#[derive(Clone, Debug)]
pub struct Row {
    /// The step of the test that leaves it, in a word or two.
    pub step: String,
    /// The expected telemetry, as a clause.
    pub what: String,
    /// Where it is looked for.
    pub source: Origin,
}

/// Where a piece of telemetry is looked for.
#[derive(Clone, Debug)]
pub enum Origin {
    /// Nowhere: why it can't be seen, as a sentence.
    Elsewhere(String),
    /// Among events.
    Events {
        /// Its evidence for a run.
        role: Role,
        /// Channel other than Sysmon's; `None` is Sysmon's.
        channel: Option<Channel>,
        /// The Event ID.
        event_code: u16,
        /// Conditions on its fields; all of them must hold.
        conditions: Vec<Condition>,
    },
}

/// Evidence for a run that an event gives when it meets a row's conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// It is the act: a run is here, and this is its process.
    Act,
    /// It is a trace: a run is here, even if the act itself was not seen.
    Trace,
    /// Sets the test apart from everyday work: where a test has marks, an act without any is counted and is no run.
    Mark,
    /// Adds detail to a run that another event establishes.
    #[default]
    Context,
}

impl Role {
    /// Returns whether an event of this role establishes a run.
    #[must_use]
    pub const fn starts_a_run(self) -> bool {
        matches!(self, Self::Act | Self::Trace)
    }
}

impl Test {
    /// Returns whether a run needs a mark.
    #[must_use]
    pub fn has_marks(&self) -> bool {
        self.rows.iter().any(|row| row.role() == Role::Mark)
    }
}

/// A condition on one field.
#[derive(Clone, Debug)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// The test of its text.
    pub test: TextTest,
}

/// A test of a text. All but the regex compare without case.
#[derive(Clone, Debug)]
pub enum TextTest {
    /// It is one of these.
    Equals(Vec<String>),
    /// It contains one of these.
    Contains(Vec<String>),
    /// It contains one of these as a word: no letter, digit or `_` goes on at either side.
    Word(Vec<String>),
    /// It ends with one of these.
    EndsWith(Vec<String>),
    /// The regex matches in it.
    Regex(Pattern),
}

impl TextTest {
    /// Returns whether a text passes.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        match self {
            Self::Equals(values) => values.iter().any(|value| value.eq_ignore_ascii_case(text)),
            Self::Contains(values) => values.iter().any(|value| find_ignoring_case(text, value).is_some()),
            Self::Word(values) => values.iter().any(|value| has_word(text, value)),
            Self::EndsWith(values) => values.iter().any(|value| {
                let start = text.len().checked_sub(value.len());
                start
                    .and_then(|start| text.as_bytes().get(start..))
                    .is_some_and(|end| end.eq_ignore_ascii_case(value.as_bytes()))
            }),
            Self::Regex(pattern) => pattern.matches(Some(text)),
        }
    }

    /// Describes the failure of a text: `does not contain "push"`.
    #[must_use]
    pub fn failure(&self) -> String {
        let listed = |one: &str, several: &str, values: &[String]| match values {
            [value] => format!("{one} \"{value}\""),
            values => {
                let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
                format!("{several} {}", values.join(", "))
            }
        };
        match self {
            Self::Equals(values) => listed("is not", "is none of", values),
            Self::Contains(values) => listed("does not contain", "contains none of", values),
            Self::Word(values) => listed("does not have the word", "has none of the words", values),
            Self::EndsWith(values) => listed("does not end with", "ends with none of", values),
            Self::Regex(pattern) => format!("is not matched by {}", pattern.text()),
        }
    }
}

/// Returns whether a text contains a term as a word. Only a side on which the term has a character of a word is bounded.
fn has_word(text: &str, term: &str) -> bool {
    let of_word =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    let mut from = 0;
    while let Some(rest) = text.get(from..)
        && let Some(found) = find_ignoring_case(rest, term)
    {
        let (before, after) = (text.get(..from + found.start), text.get(from + found.end..));
        let ends = |one: Option<char>, other: Option<char>| !(of_word(one) && of_word(other));
        if ends(before.and_then(|text| text.chars().next_back()), term.chars().next())
            && ends(term.chars().next_back(), after.and_then(|text| text.chars().next()))
        {
            return true;
        }
        let step = rest.get(found.start..).and_then(|text| text.chars().next()).map_or(1, char::len_utf8);
        from += found.start + step;
    }
    false
}

impl Condition {
    /// Returns whether an event's texts meet it; a missing field never does.
    #[must_use]
    pub fn holds<'a>(&self, text: impl Fn(Field) -> Option<&'a str>) -> bool {
        text(self.field).is_some_and(|text| self.test.holds(text))
    }
}

impl Row {
    /// Returns the role of an event of this row; context if it is looked for nowhere.
    #[must_use]
    pub const fn role(&self) -> Role {
        match self.source {
            Origin::Events { role, .. } => role,
            Origin::Elsewhere(_) => Role::Context,
        }
    }

    /// `Event 1: git push starts`.
    #[must_use]
    pub fn expected(&self) -> String {
        match &self.source {
            Origin::Elsewhere(_) => self.what.clone(),
            Origin::Events { channel: None, event_code, .. } => format!("Event {event_code}: {}", self.what),
            Origin::Events { channel: Some(Channel::PowerShell), event_code, .. } => {
                format!("PowerShell {event_code}: {}", self.what)
            }
            Origin::Events { channel: Some(Channel::Security), event_code, .. } => {
                format!("Security {event_code}: {}", self.what)
            }
        }
    }
}

/// Returns whether some test looks for this event of another channel.
#[must_use]
pub fn is_expected<'a>(tests: &[Test], event_code: u16, text: impl Fn(Field) -> Option<&'a str>) -> bool {
    tests.iter().flat_map(|test| &test.rows).any(|row| match &row.source {
        Origin::Events { channel: Some(channel), conditions, .. } if channel.event_code() == event_code => {
            conditions.iter().all(|condition| condition.holds(&text))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_tested_without_case_but_for_the_regex() {
        let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
        let regex = |text| TextTest::Regex(Pattern::new(text).unwrap());
        for (test, text, expected) in [
            (TextTest::Equals(values(&["443"])), "443", true),
            (TextTest::Equals(values(&["API.github.com"])), "api.GitHub.com", true),
            (TextTest::Equals(values(&["a", "b"])), "ab", false),
            (TextTest::Contains(values(&["x", "PUSH"])), "git push", true),
            (TextTest::Contains(values(&["push"])), "", false),
            (TextTest::Word(values(&["PUT"])), "-Method Put -Uri x", true),
            (TextTest::Word(values(&["PUT"])), "put", true),
            (TextTest::Word(values(&["PUT"])), "requests.put(url)", true),
            (TextTest::Word(values(&["PUT"])), "Write-Output x", false),
            (TextTest::Word(values(&["PUT"])), "putty; input; a_put; put1; ä_put", false),
            (TextTest::Word(values(&["PUT"])), "Write-Output; PUT", true),
            (TextTest::Word(values(&["PUT"])), "äput", false),
            (TextTest::Word(values(&["put"])), "pututput put", true),
            (TextTest::Word(values(&["data="])), "data=b, x", true),
            (TextTest::Word(values(&["data="])), "metadata=b", false),
            (TextTest::EndsWith(values(&[r"\git.exe"])), r"C:\GIT.EXE", true),
            (TextTest::EndsWith(values(&[r"\git.exe"])), "git.exe", false),
            (TextTest::EndsWith(values(&["ü.exe"])), "ä", false),
            (regex("push$"), "git push", true),
            (regex("push$"), "git PUSH", false),
        ] {
            assert_eq!(test.holds(text), expected, "{test:?} on {text}");
        }
        assert_eq!(TextTest::Contains(values(&["a", "b"])).failure(), r#"contains none of "a", "b""#);
    }
}
