//! Windows runs programs in several kinds of terminals; this says which of them can't show the console, and what to do.

/// The console that a process on Windows runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact for itself")]
pub(super) struct Surroundings {
    /// There is a console to read keys from and to draw on.
    pub(super) has_console: bool,
    /// The standard input is a console.
    pub(super) input_is_console: bool,
    /// The standard output is one.
    pub(super) output_is_console: bool,
    /// The console takes escape sequences.
    pub(super) takes_sequences: bool,
}

/// A window of Git Bash, MSYS2 or Cygwin: it talks to programs by pipes, and no key comes through those.
const MINTTY: &str = "this terminal (Git Bash, MSYS2 or Cygwin) gives Windows programs no console, so that no key would \
    arrive: use Windows Terminal or cmd, or start it as `winpty exfilscope`";
/// A console in legacy mode, or of a Windows before 10.
const LEGACY: &str = "this console takes no escape sequences: turn off \"Use legacy console\" in the properties of its \
    window and open a new one, or use Windows Terminal; the console needs Windows 10, Server 2016 or later";

impl Surroundings {
    /// Says why the console can't be shown here; nothing where it can.
    pub(super) const fn complaint(self) -> Option<&'static str> {
        if !self.has_console || !self.input_is_console && !self.output_is_console {
            Some(MINTTY)
        } else if !self.takes_sequences {
            Some(LEGACY)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusable_terminals_are_named() {
        let good = Surroundings {
            has_console: true,
            input_is_console: true,
            output_is_console: true,
            takes_sequences: true,
        };
        let cases = [
            (good, None),
            (Surroundings { input_is_console: false, ..good }, None),
            (Surroundings { output_is_console: false, ..good }, None),
            (Surroundings { input_is_console: false, output_is_console: false, ..good }, Some(MINTTY)),
            (Surroundings { has_console: false, takes_sequences: false, ..good }, Some(MINTTY)),
            (Surroundings { takes_sequences: false, ..good }, Some(LEGACY)),
        ];
        for (surroundings, expected) in cases {
            assert_eq!(surroundings.complaint(), expected, "{surroundings:?}");
        }
    }
}
