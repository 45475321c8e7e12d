//! The names of an event's data in its rendered message: `Name: value` lines.

use super::draft::Draft;
use crate::model::guid::Guid;

/// Splits `Name: value`; the name is one word.
fn named(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let is_name =
        !name.is_empty() && name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| (name, value.strip_prefix(' ').unwrap_or(value)))
}

/// Behind a value, the end of its line.
fn behind(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches([' ', '\r']);
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('\n') }
}

fn same(shown: &str, value: &str) -> bool {
    shown.eq_ignore_ascii_case(value)
        || Guid::parse(shown).is_some_and(|guid| Some(guid) == Guid::parse(value))
}

/// Gives the values, which stand in the message's order, the names that the message has for them. A value is passed
/// over as a whole, so that a line end in a command line can't make up a field.
pub(super) fn name_values(message: &str, values: &[&str], draft: &mut Draft) {
    let mut rest = message.split_once('\n').map_or("", |(_, rest)| rest);
    for value in values {
        let Some((name, after)) = named(rest) else { return };
        let whole = after.strip_prefix(value).and_then(behind);
        let (line, next) = after.split_once('\n').unwrap_or((after, ""));
        if let Some(next) = whole {
            draft.add_named(name, value);
            rest = next;
        } else if same(line.trim(), value.trim()) {
            draft.add_named(name, value);
            rest = next;
        } else {
            // The two do not belong together.
            return;
        }
    }
}

/// Takes the fields from the message's lines alone. A line that begins with no name goes on the one before.
pub(super) fn read_lines(message: &str, draft: &mut Draft) {
    let mut current: Option<(&str, String)> = None;
    for line in message.split('\n').skip(1) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some((name, value)) = named(line) {
            if let Some((name, value)) = current.take() {
                draft.add_named(name, &value);
            }
            current = Some((name, value.to_owned()));
        } else if let Some((_, value)) = &mut current {
            value.push('\n');
            value.push_str(line);
        }
    }
    if let Some((name, value)) = current {
        draft.add_named(name, value.trim_end_matches('\n'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Field;

    #[test]
    fn a_line_end_in_a_value_makes_up_no_field() {
        let message = "Process Create:\r\nImage: C:\\a.exe\r\nCommandLine: a\nUser: SYSTEM\r\nUser: LAB\\ann\r\nProcessId: 7";
        let mut draft = Draft::default();
        name_values(message, &[r"C:\a.exe", "a\nUser: SYSTEM", r"LAB\ann", "7"], &mut draft);
        assert_eq!(draft.text(Field::User), Some(r"LAB\ann"));
        assert_eq!(draft.text(Field::CommandLine), Some("a\nUser: SYSTEM"));
        assert_eq!(draft.text(Field::ProcessId), Some("7"));
    }

    #[test]
    fn lines_alone_give_the_fields_too() {
        let mut draft = Draft::default();
        read_lines("Dns query:\nImage: x.exe\nQueryName: github.com\nQueryResults: \n", &mut draft);
        assert_eq!(draft.text(Field::QueryName), Some("github.com"));
        assert!(!draft.has(Field::QueryResults));
    }
}
