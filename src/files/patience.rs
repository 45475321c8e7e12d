//! Patience with a name that another program holds for a moment: on Windows a scanner, an indexer or a second console
//! that has the file open keeps it from being replaced.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use tempfile::{NamedTempFile, PersistError};

/// The count of tries, and the pause after each: a second in all.
const TRIES: u32 = 10;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Gives a temporary file its name, over the file that has it; waits where that is held.
///
/// # Errors
/// The file and why it has no name yet.
pub fn persist(file: NamedTempFile, place: &Path) -> Result<File, PersistError> {
    patiently(file, |file| file.persist(place), |failed| is_held(&failed.error), |failed| failed.file)
}

/// Runs work that needs to open the file; waits where another program has it open unshared.
///
/// # Errors
/// Those of the work; at the last, that it is still held.
pub(super) fn opening<T>(work: impl Fn() -> io::Result<T>) -> io::Result<T> {
    patiently((), |()| work(), is_open_elsewhere, |_| ())
}

/// Returns whether an error means that a name can't be taken from a file that another program has open: access denied,
/// too.
fn is_held(error: &io::Error) -> bool {
    is_open_elsewhere(error) || cfg!(windows) && error.raw_os_error() == Some(5)
}

/// Returns whether an error means that another program has the file open: a sharing or lock violation.
pub(super) fn is_open_elsewhere(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33))
}

/// Tries again, as long as it fails in a way that may pass.
fn patiently<S, T, E>(
    start: S,
    work: impl Fn(S) -> Result<T, E>,
    may_pass: impl Fn(&E) -> bool,
    again: impl Fn(E) -> S,
) -> Result<T, E> {
    let mut state = start;
    for _ in 1..TRIES {
        match work(state) {
            Err(error) if may_pass(&error) => state = again(error),
            done => return done,
        }
        std::thread::sleep(TRY_AGAIN_AFTER);
    }
    work(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_file_is_tried_again() {
        let holds = |until: u32| move |tries: u32| if tries < until { Err(tries + 1) } else { Ok(tries) };
        assert_eq!(patiently(0, holds(2), |_| true, |tries| tries), Ok(2));
        assert_eq!(
            patiently(0, holds(2), |_| false, |tries| tries),
            Err(1),
            "what does not pass is told at once"
        );
        assert_eq!(patiently(0, holds(u32::MAX), |_| true, |tries| tries), Err(TRIES), "not for ever");
    }
}
