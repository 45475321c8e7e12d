//! The exceptions as conditions: each engine says how it writes a term and a last day.

use crate::detect::exception::{Day, Exception, ExceptionField};
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
