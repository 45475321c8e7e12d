//! The query, written once for all engines: clauses, signal, flags, exceptions, score.
//!
//! An engine is a [`Syntax`]: the small functions in which engines differ, and the frame around the parts. What is asked
//! for comes from the technique's table alone.

use super::pattern::Refusal;
use super::{Rule, exceptions, pattern};
use crate::detect::ALERT_SCORE;
use crate::detect::exception::{Day, ExceptionField};
use crate::detect::pattern::{Pattern, Patterns};
use crate::detect::profile::Profile;
use crate::detect::technique::{CasedTest, Clause, Operator, Score, Technique, Test};
use crate::model::row::Signal;

/// The syntax of an engine's query language.
pub(super) trait Syntax {
    /// Between conditions.
    const AND: &'static str;
    /// Between alternatives.
    const OR: &'static str;
    /// Between a column and the value that it is compared with.
    const IS: &'static str;
    /// Between the Event ID of a clause and its first test.
    const AND_AFTER_EVENT: &'static str = Self::AND;
    /// Between the tests of a clause.
    const AND_IN_CLAUSE: &'static str = Self::AND;
    /// Between two clauses, the line break included.
    const OR_CLAUSE: &'static str;
    /// The head of a case distinction, its bracket included.
    const CASE: &'static str;
    /// Before the last value of a case distinction.
    const ELSE: &'static str = "";
    /// Between the branches of a case distinction that takes several lines.
    const NEXT_BRANCH: &'static str;
    /// Whether a case distinction of plain conditions stays on one line.
    const ONE_LINE: bool;
    /// Whether a branch leaves out the Event ID where only one is left.
    const LEAVES_OUT_EVENTS: bool;
    /// Whether a branch leaves out a flag where the branch before it took the other value.
    const LEAVES_OUT_FLAGS: bool;
    /// The value of `Exception` where none holds.
    const NO_EXCEPTION: &'static str;
    /// The condition that an exception holds.
    const HAS_EXCEPTION: &'static str;
    /// The mark that begins the line of a remark.
    const REMARK: &'static str;

    /// A string.
    fn quoted(text: &str) -> String;

    /// A string of letters and digits alone.
    fn word(text: &str) -> String {
        Self::quoted(text)
    }

    /// An event of that ID.
    fn event(code: u16) -> String;

    /// A column equals one of some texts, without case.
    fn equals(column: &str, terms: &[&str]) -> String;

    /// A column ends with a text, without case.
    fn ends_with(column: &str, term: &str) -> String;

    /// A column contains a text, without case.
    fn contains(column: &str, term: &str) -> String;

    /// A column contains one of some texts, with case.
    fn contains_with_case(column: &str, terms: &[&str]) -> String;

    /// A test within a case distinction, where that is another language than the selection's.
    fn test_in_case(test: &Test, column: &str) -> String {
        selected::<Self>(test, column)
    }

    /// A column equals one of some words.
    fn is_one_of(column: &str, words: &[String]) -> String;

    /// A pattern matches a column.
    fn matches(column: &str, pattern: &Pattern) -> Result<String, Refusal>;

    /// A column of 1 and 0 that says whether a pattern matches another column.
    fn flag(column: &str, pattern: &Pattern) -> Result<String, Refusal>;

    /// The time is before the end of a day.
    fn until(last: Day) -> String;

    /// The query from its parts.
    fn query(parts: &Parts, rule: &Rule<'_>) -> String;
}

/// The parts of a query.
pub(super) struct Parts {
    /// A remark on what the engine can't do alone, of marked lines.
    pub join_remark: String,
    /// A remark on patterns that mean less there, of marked lines.
    pub script_remark: String,
    /// The Event IDs of the clauses, in ascending order.
    pub events: Vec<u16>,
    /// The clauses.
    pub clauses: String,
    /// The case distinction of the signal.
    pub signal: String,
    /// `IsCISystem`.
    pub ci: String,
    /// `IsKnownIDE`.
    pub ide: String,
    /// The case distinction of the exception's name; empty without exceptions.
    pub exception: String,
    /// The case distinction of the score.
    pub score: String,
    /// The lowest score of an alert.
    pub alert: u8,
}

/// Writes the query for an engine.
///
/// # Errors
/// A sentence, where the engine can't say what a pattern says.
pub(super) fn write<S: Syntax>(technique: &Technique, rule: &Rule<'_>) -> Result<String, String> {
    let (ci, ide) = both(rule, S::flag)?;
    let clauses: Vec<String> = technique.clauses.iter().map(clause::<S>).collect();
    let parts = Parts {
        join_remark: super::join_remark(rule, S::REMARK),
        script_remark: super::script_remark(rule, S::REMARK),
        events: events(technique),
        clauses: clauses.join(S::OR_CLAUSE),
        signal: match rule.profile {
            Profile::Spl => signal_of_branches::<S>(technique),
            Profile::Correlated | Profile::Hunt => signal_of_clauses::<S>(technique),
        },
        ci,
        ide,
        exception: exception::<S>(rule)?,
        score: score::<S>(technique, rule),
        alert: ALERT_SCORE,
    };
    Ok(S::query(&parts, rule))
}

/// Writes both patterns by an engine's function.
///
/// # Errors
/// The name of the pattern that the engine can't say, and why.
pub(super) fn both<T>(
    rule: &Rule<'_>,
    write: impl Fn(&str, &Pattern) -> Result<T, Refusal>,
) -> Result<(T, T), String> {
    let Patterns { ci_host, ide_parent } = rule.patterns;
    let refused = |name: &str, refusal| format!("the pattern {name}: {refusal}");
    Ok((
        write("host", ci_host).map_err(|refusal| refused("ci-host", refusal))?,
        write("ParentImage", ide_parent).map_err(|refusal| refused("ide-parent", refusal))?,
    ))
}

/// The Event IDs of a technique's clauses, each once, in ascending order.
fn events(technique: &Technique) -> Vec<u16> {
    let events: std::collections::BTreeSet<u16> =
        technique.clauses.iter().map(|clause| clause.event).collect();
    events.into_iter().collect()
}

/// A test of the selection.
pub(super) fn selected<S: Syntax + ?Sized>(test: &Test, column: &str) -> String {
    let any = |each: &dyn Fn(&str) -> String| format!("({})", list(test.terms, S::OR, each));
    match test.operator {
        Operator::Equals => S::equals(column, test.terms),
        Operator::EndsWith => any(&|term| S::ends_with(column, term)),
        Operator::Contains => any(&|term| S::contains(column, term)),
    }
}

fn clause<S: Syntax>(clause: &Clause) -> String {
    let tests: Vec<String> = clause.tests.iter().map(|test| selected::<S>(test, test.field.name())).collect();
    let event = S::event(clause.event);
    if tests.is_empty() {
        return format!("({event})");
    }
    format!("({event}{}{})", S::AND_AFTER_EVENT, tests.join(S::AND_IN_CLAUSE))
}

/// A branch of a case distinction before it is written: its conditions, and the value.
struct Arm {
    conditions: Vec<String>,
    value: String,
}

/// Writes a case distinction.
fn case<S: Syntax>(arms: &[Arm], default: &str, is_wide: bool) -> String {
    let is_plain = arms.iter().all(|arm| arm.conditions.len() == 1);
    let next = if S::ONE_LINE && is_plain && !is_wide { ", " } else { S::NEXT_BRANCH };
    let mut text = String::from(S::CASE);
    for arm in arms {
        text.extend([&*arm.conditions.join(S::AND), ", ", &arm.value, next]);
    }
    text.extend([S::ELSE, default, ")"]);
    text
}

/// The signal by the branches of the search's own `case()`.
fn signal_of_branches<S: Syntax>(technique: &Technique) -> String {
    let branches = technique.branches.iter().map(|branch| {
        let tests = branch
            .tests
            .iter()
            .map(|CasedTest { field, terms, .. }| S::contains_with_case(field.name(), terms));
        (branch.event, tests.collect(), branch.signal)
    });
    case::<S>(&arms::<S>(technique, branches), &S::word(Signal::Unknown.name()), false)
}

/// The signal by the clause: of all clauses but the last the tests that tell it apart.
fn signal_of_clauses<S: Syntax>(technique: &Technique) -> String {
    let Some((last, others)) = technique.clauses.split_last() else {
        return S::word(Signal::Unknown.name());
    };
    let branches = others.iter().enumerate().map(|(number, clause)| {
        let later = technique.clauses.get(number + 1..).unwrap_or_default();
        let tests = distinguishing(clause, later);
        let tests = tests.iter().map(|test| S::test_in_case(test, test.field.name())).collect();
        (clause.event, tests, clause.signal)
    });
    case::<S>(&arms::<S>(technique, branches), &S::word(last.signal.name()), false)
}

/// The tests of a clause that tell what it selects from what later clauses of its Event ID select.
fn distinguishing<'a>(clause: &'a Clause, later: &[Clause]) -> &'a [Test] {
    let later: Vec<&Clause> = later.iter().filter(|other| other.event == clause.event).collect();
    if later.is_empty() {
        return &[];
    }
    let sets_apart =
        |test: &Test| later.iter().all(|other| other.tests.iter().any(|other| excludes(test, other)));
    let alone = clause.tests.iter().position(sets_apart).and_then(|at| clause.tests.get(at..=at));
    alone.unwrap_or(clause.tests)
}

/// Whether no text meets both tests.
fn excludes(one: &Test, other: &Test) -> bool {
    let meets = |term: &str, test: &Test| {
        test.terms.iter().any(|other| {
            let (term, other) = (term.to_ascii_lowercase(), other.to_ascii_lowercase());
            match (one.operator, test.operator) {
                (Operator::Equals, Operator::Equals) => term == other,
                _ => term.ends_with(&other) || other.ends_with(&term),
            }
        })
    };
    one.field == other.field
        && one.operator != Operator::Contains
        && other.operator != Operator::Contains
        && !one.terms.iter().any(|term| meets(term, other))
}

/// Puts the Event IDs before the conditions of branches. Where an engine leaves out what is implied, a branch names its
/// Event ID only while branches before it have left more than one.
fn arms<S: Syntax>(
    technique: &Technique,
    branches: impl Iterator<Item = (u16, Vec<String>, Signal)>,
) -> Vec<Arm> {
    let mut left = events(technique);
    branches
        .map(|(event, tests, signal)| {
            let is_implied = S::LEAVES_OUT_EVENTS && left.as_slice() == [event] && !tests.is_empty();
            if tests.is_empty() {
                left.retain(|other| *other != event);
            }
            let event = Some(S::event(event)).filter(|_| !is_implied);
            Arm { conditions: event.into_iter().chain(tests).collect(), value: S::word(signal.name()) }
        })
        .collect()
}

/// The name of the exception that holds; empty without exceptions.
fn exception<S: Syntax>(rule: &Rule<'_>) -> Result<String, String> {
    let mut arms = Vec::new();
    for exception in rule.exceptions.all() {
        let name = exceptions::name(exception);
        let term = |field: ExceptionField, pattern: &Pattern| {
            S::matches(field.column(), pattern).map_err(|refusal| format!("its {}: {refusal}", field.key()))
        };
        let conditions = exceptions::conditions(exception, term, S::until)
            .map_err(|error| format!("the exception {name}, {error}"))?;
        arms.push(Arm { conditions, value: S::quoted(&name) });
    }
    Ok(if arms.is_empty() { String::new() } else { case::<S>(&arms, S::NO_EXCEPTION, true) })
}

/// The score by the technique's table.
fn score<S: Syntax>(technique: &Technique, rule: &Rule<'_>) -> String {
    let mut arms = Vec::new();
    if !rule.exceptions.all().is_empty() {
        arms.push(Arm { conditions: vec![S::HAS_EXCEPTION.to_owned()], value: "0".to_owned() });
    }
    for (number, row) in technique.scores.iter().enumerate() {
        let names: Vec<String> = row.signals.iter().map(|signal| S::word(signal.name())).collect();
        let mut conditions = vec![S::is_one_of("Signal", &names)];
        let before = technique.scores.get(..number).unwrap_or_default();
        let flags = [("IsCISystem", row.is_ci_system), ("IsKnownIDE", row.is_known_ide)];
        for (at, (column, value)) in flags.into_iter().enumerate() {
            let is_implied = S::LEAVES_OUT_FLAGS && before.iter().any(|other| is_opposite(row, other, at));
            if let Some(value) = value.filter(|_| !is_implied) {
                conditions.push(format!("{column}{}{}", S::IS, u8::from(value)));
            }
        }
        arms.push(Arm { conditions, value: row.score.to_string() });
    }
    case::<S>(&arms, "0", true)
}

/// Whether two rows of the scores differ in a flag alone, which each of them asks for.
fn is_opposite(row: &Score, other: &Score, flag: usize) -> bool {
    let flags = |row: &Score| [row.is_ci_system, row.is_known_ide];
    let same = |at: usize| flags(row).get(at) == flags(other).get(at);
    row.signals == other.signals
        && (0..2).all(|at| if at == flag { !same(at) } else { same(at) })
        && [row, other].iter().all(|row| flags(row).get(flag).is_some_and(Option::is_some))
}

/// Each text, written, with a separator between them.
pub(super) fn list(texts: &[&str], separator: &str, each: impl Fn(&str) -> String) -> String {
    texts.iter().map(|text| each(text)).collect::<Vec<_>>().join(separator)
}

/// A regular expression that finds one of some plain texts.
pub(super) fn one_of(texts: &[&str]) -> String {
    match texts {
        [text] => regex::escape(text),
        texts => format!("({})", list(texts, "|", regex::escape)),
    }
}

/// Whether patterns of a rule know ASCII alone in an engine that writes `\d` and its kind as they are.
pub(super) fn depends_on_scripts(rule: &Rule<'_>) -> bool {
    let of_exceptions = rule.exceptions.all().iter().flat_map(|exception| &exception.terms);
    let mut all = [&rule.patterns.ci_host, &rule.patterns.ide_parent]
        .into_iter()
        .chain(of_exceptions.map(|(_, pattern)| pattern));
    all.any(pattern::depends_on_scripts)
}
