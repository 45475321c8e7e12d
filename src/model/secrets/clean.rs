//! A cache of texts without a secret: users, images and hosts recur in row after row, and on the screen in frame after
//! frame. The whole text is compared, so that no text is mistaken for another one.

use std::cell::RefCell;

use hashbrown::HashSet;

/// Longer texts seldom come twice.
const MAX_BYTES: usize = 256;
/// The maximum count of cached texts. A full cache is cleared: 256 KiB a thread at most, enough for a screen or a page
/// of rows.
const MAX_TEXTS: usize = 1024;

thread_local! {
    static CLEAN: RefCell<HashSet<Box<str>>> = RefCell::default();
}

/// Returns whether the text was found to hold no secret.
pub(super) fn is_known(text: &str) -> bool {
    text.len() <= MAX_BYTES && CLEAN.with_borrow(|clean| clean.contains(text))
}

/// Keeps a text that holds no secret.
pub(super) fn remember(text: &str) {
    if text.len() > MAX_BYTES {
        return;
    }
    CLEAN.with_borrow_mut(|clean| {
        if clean.len() >= MAX_TEXTS {
            clean.clear();
        }
        clean.insert(text.into());
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_exact() {
        for number in 0..10 * MAX_TEXTS {
            remember(&format!("text {number}"));
        }
        remember(&"x".repeat(MAX_BYTES + 1));
        assert!(CLEAN.with_borrow(HashSet::len) <= MAX_TEXTS);
        assert!(is_known(&format!("text {}", 10 * MAX_TEXTS - 1)));
        assert!(!is_known("text") && !is_known(&"x".repeat(MAX_BYTES + 1)));
    }
}
