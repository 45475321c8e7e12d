//! The exceptions as conditions: each engine says how it writes a term and a last day.

use crate::detect::exception::{Day, Exception, ExceptionField, Exceptions};
use crate::detect::pattern::Pattern;
use crate::model::text::visible;

/// An exception's name, for a string or a remark.
pub(super) fn name(exception: &Exception) -> String {
    visible(&exception.name).into_owned()
}

/// The condition under which an exception holds: its terms and its last day, joined by `and`.
pub(super) fn condition<E>(
    exception: &Exception,
    and: &str,
    term: impl Fn(ExceptionField, &Pattern) -> Result<String, E>,
    until: impl Fn(Day) -> String,
) -> Result<String, E> {
    let mut parts = Vec::new();
    for (field, pattern) in &exception.terms {
        parts.push(term(*field, pattern)?);
    }
    parts.extend(exception.expires.map(until));
    Ok(parts.join(and))
}

/// The arms of a case distinction, for engines that have one: `CONDITION, NAME` of each exception, `separator` behind
/// every arm. Empty where there is no exception.
///
/// # Errors
/// The name of the exception that an engine can't say, and why.
pub(super) fn arms(
    exceptions: &Exceptions,
    (and, separator): (&str, &str),
    quoted: impl Fn(&str) -> String,
    term: impl Fn(ExceptionField, &Pattern) -> Result<String, String>,
    until: impl Fn(Day) -> String,
) -> Result<String, String> {
    let mut arms = String::new();
    for exception in exceptions.all() {
        let name = name(exception);
        match condition(exception, and, &term, &until) {
            Ok(condition) => arms.extend([&condition, ", ", &*quoted(&name), separator]),
            Err(error) => return Err(format!("the exception {name}, {error}")),
        }
    }
    Ok(arms)
}
