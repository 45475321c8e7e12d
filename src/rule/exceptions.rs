//! The exceptions as conditions: each engine writes a term and a last day in its own way.

use crate::detect::exception::{Day, Exception, ExceptionField};
use crate::detect::pattern::Pattern;
use crate::model::text::visible;

/// An exception's name, for a string or a remark.
pub(super) fn name(exception: &Exception) -> String {
    visible(&exception.name).into_owned()
}

/// The conditions under which an exception holds: its terms and its last day.
///
/// # Errors
/// That of the first term that an engine can't say.
pub(super) fn conditions<E>(
    exception: &Exception,
    term: impl Fn(ExceptionField, &Pattern) -> Result<String, E>,
    until: impl Fn(Day) -> String,
) -> Result<Vec<String>, E> {
    let mut conditions = Vec::new();
    for (field, pattern) in &exception.terms {
        conditions.push(term(*field, pattern)?);
    }
    conditions.extend(exception.expires.map(until));
    Ok(conditions)
}
