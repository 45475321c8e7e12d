//! Work that may fail by a bug and take nothing else down with it. A panic in it is caught by whoever asked for the
//! work, who counts and names it; whoever prints panics can ask here whether this one is such.

#![cfg_attr(
    windows,
    allow(clippy::missing_const_for_thread_local, reason = "it is one, which clippy does not see there")
)]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is said of work that failed so, behind who failed on what.
pub const IS_A_BUG: &str = "which is a bug; please send it in";

thread_local! {
    /// How many callers on this thread's stack would catch a panic now.
    static CATCHERS: Cell<u32> = const { Cell::new(0) };
}

/// Sets the number of catchers, and sets it back at the end, also in a panic.
struct Catchers(u32);

impl Catchers {
    fn set(number: u32) -> Self {
        Self(CATCHERS.replace(number))
    }
}

impl Drop for Catchers {
    fn drop(&mut self) {
        CATCHERS.set(self.0);
    }
}

/// Does some work; `None` where it panicked. What it was changing then is to be thrown away.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let catchers = Catchers::set(CATCHERS.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    drop(catchers);
    done
}

/// Does some work in the midst of guarded work whose panic is not the guarded work's fault.
pub fn unguarded<T>(work: impl FnOnce() -> T) -> T {
    let _catchers = Catchers::set(0);
    work()
}

/// Whether a panic on this thread would be caught by [`guarded`], counted and named.
#[must_use]
pub fn is_guarded() -> bool {
    CATCHERS.get() > 0
}

/// Fails where a test wants it: whatever is read says so by these words in its name or content.
#[cfg(test)]
pub(crate) fn fail_on_purpose(words: &str, read: &[u8]) {
    assert!(memchr::memmem::find(read, words.as_bytes()).is_none(), "on purpose: {words}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_the_next_one_is_told_apart() {
        assert!(!is_guarded());
        assert_eq!(guarded(|| (is_guarded(), unguarded(is_guarded))), Some((true, false)));
        assert_eq!(guarded(|| guarded(|| assert!(!is_guarded(), "on purpose"))), Some(None));
        assert!(!is_guarded());
        let left = guarded(|| unguarded(|| assert!(is_guarded(), "on purpose")));
        assert_eq!((left, is_guarded()), (None, false));
    }
}
