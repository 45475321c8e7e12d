//! Panic isolation for work that may fail by a bug and take nothing else down with it. The caller catches the panic,
//! counts and names it. The panic hook asks here whether a panic is caught in this way.

#![cfg_attr(
    windows,
    allow(clippy::missing_const_for_thread_local, reason = "it is one, which clippy does not see there")
)]

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The end of the report of work that panicked, after the part that failed and its input.
pub const IS_A_BUG: &str = "which is a bug; please send it in";

thread_local! {
    /// The count of callers on this thread's stack that would catch a panic now.
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

/// Runs some work; `None` if it panicked. The state that it was changing then is to be thrown away.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let catchers = Catchers::set(CATCHERS.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    drop(catchers);
    done
}

/// Runs some work within guarded work whose panic is not the guarded work's fault.
pub fn unguarded<T>(work: impl FnOnce() -> T) -> T {
    let _catchers = Catchers::set(0);
    work()
}

/// Returns whether [`guarded`] would catch a panic on this thread, so that it is counted and named.
#[must_use]
pub fn is_guarded() -> bool {
    CATCHERS.get() > 0
}

/// Panics where a test wants it: the read data has these words in its name or content.
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
