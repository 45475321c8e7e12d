//! The border to the terminal. Standard error, and the output of a rule or a search, hold nothing that a terminal would
//! obey, and no secret unless it was asked for.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::model::secrets::mask;
use crate::model::text::{is_forbidden, visible};

/// True if secrets are shown unmasked.
static REVEALS_SECRETS: AtomicBool = AtomicBool::new(false);

/// Shows secrets unmasked from now on.
pub(super) fn reveal_secrets() {
    REVEALS_SECRETS.store(true, Ordering::Relaxed);
}

fn masked(text: &str) -> Cow<'_, str> {
    if REVEALS_SECRETS.load(Ordering::Relaxed) { Cow::Borrowed(text) } else { mask(text) }
}

/// Returns a text as it may be shown, in one line.
pub(super) fn shown(text: &str) -> String {
    visible(&masked(text)).into_owned()
}

/// Writes a sentence to standard error, in one line whatever it holds.
pub(super) fn complain(message: &str) {
    // A closed standard error has no reader.
    let _ = writeln!(std::io::stderr(), "exfilscope: {}", shown(message));
}

/// Writes a text of several lines, such as a panic's, to standard error.
pub(super) fn complain_in_lines(text: &str) {
    for line in shown_lines(text) {
        // A closed standard error has no reader.
        let _ = writeln!(std::io::stderr(), "exfilscope: {line}");
    }
}

/// Returns the lines of a text as they may be shown. It is masked as a whole: a secret may span two of them.
fn shown_lines(text: &str) -> Vec<String> {
    masked(text).lines().map(|line| visible(line).into_owned()).collect()
}

/// Returns the message of the command line's parser, as it may be shown. Its lines stay, an argument's own do not.
pub(super) fn shown_usage(text: &str, arguments: impl IntoIterator<Item = OsString>) -> String {
    let mut text = text.to_owned();
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let value = argument.split_once('=').map_or("", |(_, value)| value);
        for part in [&*argument, value] {
            if part.contains(is_forbidden) {
                text = text.replace(part, &visible(part));
            }
        }
    }
    // Text that was made visible above is not made visible twice.
    shown_lines(&text).iter().map(|line| line.replace("<U+003C>U+", "<U+") + "\n").collect()
}

/// Refuses a text for other programs that holds a secret: it can't be masked without meaning something else.
pub(super) fn refuse_secrets<'a>(texts: impl IntoIterator<Item = (String, &'a str)>) -> Result<(), String> {
    for (name, text) in texts {
        if masked(text) != text {
            return Err(format!(
                "{name} holds what looks like a secret, and masked it would mean something else; print it as it is with \
                 --reveal-secrets"
            ));
        }
    }
    Ok(())
}

/// Refuses a text for other programs that a terminal would obey or hide in part; line breaks and tabs are allowed.
pub(super) fn refuse_control(text: &str) -> Result<(), String> {
    match text.chars().find(|letter| is_forbidden(*letter) && !matches!(letter, '\n' | '\t')) {
        Some(letter) => Err(format!(
            "it would hold {}, which can't be printed as it is: write it in the pattern as an escape, such as \\x1b or \
             \\u{{202e}}",
            visible(&letter.to_string())
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "ghp_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5";

    #[test]
    fn a_complaint_is_one_safe_line() {
        let said = shown(&format!("day\u{1b}[2J\u{202e}1\nexfilscope: fine {TOKEN}"));
        assert!(said.starts_with("day<U+001B>[2J<U+202E>1<U+000A>exfilscope: fine "), "{said}");
        assert!(!said.contains(TOKEN), "{said}");
    }

    #[test]
    fn a_panic_keeps_its_lines_only() {
        let said =
            shown_lines(&format!("thread 'main' panicked at src/x.rs:1:1:\nbad text \u{9b}2J {TOKEN}\n"));
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[1].starts_with("bad text <U+009B>2J ") && !said[1].contains(TOKEN), "{said:?}");
    }

    #[test]
    fn an_argument_adds_no_line_to_the_usage() {
        let argument = format!("a\nb\u{7}{TOKEN}");
        let text = format!("error: unexpected argument '{argument}' found\n\nUsage: exfilscope\n");
        let said = shown_usage(&text, [OsString::from(format!("--x={argument}"))]);
        assert!(said.starts_with("error: unexpected argument 'a<U+000A>b<U+0007>"), "{said}");
        assert_eq!(said.lines().count(), 3, "{said}");
        assert!(!said.contains(TOKEN), "{said}");
    }
}
