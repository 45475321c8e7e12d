//! The one border between an event's text and the screen: secrets masked, then every character made visible.

use std::ops::Range;

use crate::model::{secrets, text};

/// Returns a text of an event for the screen: its secrets masked unless they are revealed, each character visible.
#[must_use]
pub fn masked(text: &str, reveal_secrets: bool) -> String {
    secrets::shown(text, &[], reveal_secrets).0.into_owned()
}

/// Returns a text for the screen that is not masked: typed by the analyst, made by the console, or masked before.
#[must_use]
pub fn visible(text: &str) -> String {
    text::visible(text).into_owned()
}

/// Returns a masked text for the screen, with byte ranges of the original carried over to it.
#[must_use]
pub fn masked_with_ranges(
    original: &str,
    ranges: &[Range<usize>],
    reveal_secrets: bool,
) -> (String, Vec<Range<usize>>) {
    let (text, ranges) = secrets::shown(original, ranges, reveal_secrets);
    (text.into_owned(), ranges)
}
