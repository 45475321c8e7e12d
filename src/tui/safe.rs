//! The one border between an event's text and the screen: secrets masked, then every character made visible.

use std::borrow::Cow;
use std::ops::Range;

use crate::model::{secrets, text};

/// A text for the screen.
#[must_use]
pub fn shown(text: &str, reveal_secrets: bool) -> String {
    let masked = if reveal_secrets { Cow::Borrowed(text) } else { secrets::mask(text) };
    text::visible(&masked).into_owned()
}

/// A text for the screen, with byte ranges of the original carried over to it.
#[must_use]
pub fn shown_with_ranges(
    original: &str,
    ranges: &[Range<usize>],
    reveal_secrets: bool,
) -> (String, Vec<Range<usize>>) {
    let (masked, ranges) = if reveal_secrets {
        (Cow::Borrowed(original), ranges.to_vec())
    } else {
        secrets::mask_with_ranges(original, ranges)
    };
    let (visible, ranges) = text::visible_with_ranges(&masked, &ranges);
    (visible.into_owned(), ranges)
}
