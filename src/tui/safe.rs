//! The one border between an event's text and the screen: secrets masked, then every character made visible.

use std::ops::Range;

use crate::model::secrets;

/// A text for the screen.
#[must_use]
pub fn shown(text: &str, reveal_secrets: bool) -> String {
    secrets::shown(text, &[], reveal_secrets).0.into_owned()
}

/// A text for the screen, with byte ranges of the original carried over to it.
#[must_use]
pub fn shown_with_ranges(
    original: &str,
    ranges: &[Range<usize>],
    reveal_secrets: bool,
) -> (String, Vec<Range<usize>>) {
    let (text, ranges) = secrets::shown(original, ranges, reveal_secrets);
    (text.into_owned(), ranges)
}
