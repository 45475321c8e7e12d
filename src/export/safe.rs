//! Texts of a row as an export may show them.

use std::borrow::Cow;

use crate::model::{secrets, text};

/// A text of an event, with its tokens masked unless they are to be seen.
pub(super) fn masked(text: &str, reveal_secrets: bool) -> Cow<'_, str> {
    if reveal_secrets { Cow::Borrowed(text) } else { secrets::mask(text) }
}

/// Returns an event's text for display: tokens masked, then all invisible characters made visible.
pub(super) fn shown(text: &str, reveal_secrets: bool) -> Cow<'_, str> {
    match masked(text, reveal_secrets) {
        Cow::Borrowed(text) => text::visible(text),
        Cow::Owned(text) => Cow::Owned(text::visible(&text).into_owned()),
    }
}

/// The text as XML and HTML write it, between tags and in quoted attributes.
pub(super) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '&' => shown.push_str("&amp;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => shown.push(character),
        }
    }
    shown
}
