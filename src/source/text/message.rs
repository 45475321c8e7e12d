//! The fields of an event in its rendered message: `Name: value` lines.
//!
//! An attacker writes into a message: a command line may hold a line break followed by a line that looks like a field.
//! Where the event's values are there as well, they decide. Where only the message is there, the order of Sysmon's own
//! fields decides, and ambiguous values are not read.

use super::event_builder::EventBuilder;
use super::schema::{self, Entry, Kind};
use crate::model::guid::Guid;

/// A message of more lines with names than this is not read: none of Sysmon's has thirty.
const MAX_LINES: usize = 4096;

/// Splits `Name: value`; the name is one word.
fn named(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(':')?;
    let is_name =
        !name.is_empty() && name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| (name, value.strip_prefix(' ').unwrap_or(value)))
}

/// The text after a value and the end of its line.
fn behind(rest: &str) -> Option<&str> {
    let rest = rest.trim_start_matches([' ', '\r']);
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('\n') }
}

/// Compares a value with its form in the message: GUIDs with braces, numbers in another base.
fn same(shown: &str, value: &str) -> bool {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    shown.eq_ignore_ascii_case(value)
        || Guid::parse(shown).is_some_and(|guid| Some(guid) == Guid::parse(value))
        || number(shown).is_some_and(|shown| Some(shown) == number(value))
}

/// Names the values, which are in the message's order, by the names in the message. A value is skipped as a whole, so
/// that a line end in a command line can't make up a field. Nothing is taken unless the message shows all of the values
/// and no others.
pub(super) fn name_values(message: &str, values: &[&str], builder: &mut EventBuilder) -> bool {
    let mut rest = message.split_once('\n').map_or("", |(_, rest)| rest);
    let mut names = Vec::with_capacity(values.len());
    for value in values {
        let Some((name, after)) = named(rest) else { return false };
        let whole = after.strip_prefix(value).and_then(behind);
        let (line, next) = after.split_once('\n').unwrap_or((after, ""));
        rest = match whole {
            Some(next) => next,
            None if same(line.trim(), value.trim()) => next,
            // The two do not belong together.
            None => return false,
        };
        names.push(name);
    }
    if !rest.trim().is_empty() {
        return false;
    }
    for (name, value) in names.into_iter().zip(values) {
        builder.add_named(name, value);
    }
    true
}

/// The result of reading a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// There is nothing in it.
    Empty,
    /// To its last field.
    Whole,
    /// Up to a field that can't be the last one.
    Cut,
    /// Read up to this field: it and the fields after it can be read in more than one way.
    Ambiguous(&'static str),
    /// Not at all: its values do not fit its names.
    Misfit,
}

impl Reading {
    /// Why fields are missing, as a clause.
    pub(super) fn reason(self) -> Option<String> {
        Some(match self {
            Self::Empty | Self::Whole => return None,
            Self::Cut => "its message is cut off, and what stands last in it was not taken".to_owned(),
            Self::Ambiguous(name) => format!(
                "a value in its message holds a line end and what looks like fields, so that {name} and what follows \
                 it can be read in more than one way and was not taken: look at the event itself"
            ),
            Self::Misfit => "its message does not fit Sysmon's fields: it was rendered with the names of another \
                             version, or a value holds what looks like fields; export the values or the XML too"
                .to_owned(),
        })
    }
}

/// Takes the fields from the message's lines alone.
pub(super) fn read_lines(event_code: u16, message: &str, builder: &mut EventBuilder) -> Reading {
    let layout = schema::layout(event_code);
    if layout.is_empty() {
        read_any_lines(message, builder);
        return Reading::Whole;
    }
    let Some(lines) = lines_of(message, layout) else { return Reading::Misfit };
    if lines.is_empty() {
        return Reading::Empty;
    }
    let is_any_order = layout.iter().all(|entry| entry.kind != Kind::Free);
    if is_any_order {
        in_any_order(message, layout, &lines, builder)
    } else {
        in_order(message, layout, &lines, builder)
    }
}

/// Events of which nothing is known: each line with a name is a field, and one without goes on the one before.
fn read_any_lines(message: &str, builder: &mut EventBuilder) {
    let mut current: Option<(&str, String)> = None;
    for line in message.split('\n').skip(1) {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some((name, value)) = named(line) {
            if let Some((name, value)) = current.take() {
                builder.add_named(name, &value);
            }
            current = Some((name, value.to_owned()));
        } else if let Some((_, value)) = &mut current {
            value.push('\n');
            value.push_str(line);
        }
    }
    if let Some((name, value)) = current {
        builder.add_named(name, value.trim_end_matches('\n'));
    }
}

/// A line that begins with the name of one of the event's fields.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// The field's place in the layout.
    index: usize,
    start: usize,
    value: usize,
    end: usize,
    /// True if no text that could belong to a value lies between this line and the next one with a name.
    is_single: bool,
}

/// The lines with names, in one walk; `None` where there are too many.
fn lines_of(message: &str, layout: &[Entry]) -> Option<Vec<Line>> {
    let mut lines: Vec<Line> = Vec::with_capacity(layout.len() + 1);
    let mut start = 0;
    for whole in message.split_inclusive('\n') {
        let text = whole.strip_suffix('\n').unwrap_or(whole);
        let text = text.strip_suffix('\r').unwrap_or(text);
        let field = named(text);
        let known = field.and_then(|(name, _)| layout.iter().position(|entry| entry.name == name));
        match (known, field) {
            (Some(index), Some((_, value))) => {
                if lines.len() == MAX_LINES {
                    return None;
                }
                let end = start + text.len();
                lines.push(Line { index, start, value: end - value.len(), end, is_single: true });
            }
            // A field of a newer schema, or nothing.
            (None, Some(_)) => {}
            _ if text.trim().is_empty() => {}
            _ => {
                if let Some(last) = lines.last_mut() {
                    last.is_single = false;
                }
            }
        }
        start += whole.len();
    }
    Some(lines)
}

/// Fields none of which holds a line end, in any order.
fn in_any_order(message: &str, layout: &[Entry], lines: &[Line], builder: &mut EventBuilder) -> Reading {
    let mut seen = 0_u32;
    for line in lines {
        let Some(entry) = layout.get(line.index) else { continue };
        let bit = 1_u32 << line.index;
        if seen & bit != 0 {
            return Reading::Ambiguous(entry.name);
        }
        seen |= bit;
        let value = message.get(line.value..line.end).unwrap_or_default();
        if !line.is_single || !schema::fits(entry.kind, value) {
            return Reading::Misfit;
        }
    }
    let is_cut = lines.last().is_some_and(|last| !schema::is_last(layout, last.index));
    for line in lines.get(..lines.len() - usize::from(is_cut)).unwrap_or_default() {
        if let Some(entry) = layout.get(line.index) {
            builder.add_named(entry.name, message.get(line.value..line.end).unwrap_or_default());
        }
    }
    if is_cut { Reading::Cut } else { Reading::Whole }
}

/// The number of fields that can be read from a line on, and the number of ways to read them; two means several.
#[derive(Clone, Copy, Debug, Default)]
struct Ways {
    fields: u8,
    ways: u8,
}

impl Ways {
    /// The better of two, or both together.
    fn or(self, other: Self) -> Self {
        match self.fields.cmp(&other.fields) {
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Equal => Self { ways: self.ways.saturating_add(other.ways).min(2), ..self },
        }
    }

    const fn one_more(self) -> Self {
        Self { fields: self.fields.saturating_add(1), ..self }
    }
}

/// Room for the fields of any event.
const MAX_FIELDS: usize = 32;

/// For each line, how the fields can be read from it on. One walk from the end: for each field the best that begins
/// with it further down is remembered, so that the work is the number of lines times that of the fields.
fn ways(message: &str, layout: &[Entry], lines: &[Line]) -> Vec<Ways> {
    let mut found = vec![Ways::default(); lines.len()];
    let mut best = [Ways::default(); MAX_FIELDS];
    for (number, line) in lines.iter().enumerate().rev() {
        let Some(entry) = layout.get(line.index) else { continue };
        let after = best.get(line.index + 1..).unwrap_or_default();
        let own = if entry.kind == Kind::Free {
            let next = after.iter().fold(Ways::default(), |best, next| best.or(*next));
            if next.fields > 0 { next.one_more() } else { Ways { fields: 1, ways: 1 } }
        } else if !line.is_single
            || !schema::fits(entry.kind, message.get(line.value..line.end).unwrap_or_default())
        {
            Ways::default()
        } else if let Some((next, ways)) = lines.get(number + 1).zip(found.get(number + 1)) {
            if next.index > line.index && ways.fields > 0 { ways.one_more() } else { Ways::default() }
        } else {
            Ways { fields: 1, ways: 1 }
        };
        if let (Some(slot), Some(best)) = (found.get_mut(number), best.get_mut(line.index)) {
            *slot = own;
            if own.fields > 0 {
                *best = best.or(own);
            }
        }
    }
    found
}

/// Fields of which some may hold line ends: the reading with the most fields in the layout's order is taken. Up to
/// where another one has as many, the values that both give are taken and nothing else.
fn in_order(message: &str, layout: &[Entry], lines: &[Line], builder: &mut EventBuilder) -> Reading {
    // A name without a value shows that the names are those of another version.
    let is_without_value = |line: &Line| {
        let value = message.get(line.value..line.end).unwrap_or_default();
        line.is_single && !layout.get(line.index).is_some_and(|entry| schema::fits(entry.kind, value))
    };
    if lines.iter().any(|line| {
        layout.get(line.index).is_some_and(|entry| entry.kind == Kind::Free) && is_without_value(line)
    }) {
        return Reading::Misfit;
    }
    let ways = ways(message, layout, lines);
    if ways.first().is_none_or(|ways| ways.fields == 0) {
        return Reading::Misfit;
    }
    let mut number = 0;
    while let Some((line, own)) = lines.get(number).zip(ways.get(number)) {
        let Some(entry) = layout.get(line.index) else { break };
        let follows = |next: usize| {
            let (later, ways) = (lines.get(next)?, ways.get(next)?);
            (later.index > line.index && ways.fields + 1 == own.fields).then_some(next)
        };
        let mut next = (number + 1..lines.len()).filter_map(follows);
        let (first, second) = (next.next(), next.next());
        if entry.kind == Kind::Free && second.is_some() {
            return Reading::Ambiguous(entry.name);
        }
        let Some(first) = first.filter(|_| own.fields > 1) else {
            if !schema::is_last(layout, line.index) {
                return Reading::Cut;
            }
            let end = if entry.kind == Kind::Free { message.len() } else { line.end };
            builder.add_named(entry.name, value(message, line.value, end));
            return Reading::Whole;
        };
        let end = match lines.get(first) {
            Some(next) if entry.kind == Kind::Free => next.start,
            _ => line.end,
        };
        builder.add_named(entry.name, value(message, line.value, end));
        number = first;
    }
    Reading::Whole
}

/// A value without the end of its last line.
fn value(message: &str, start: usize, end: usize) -> &str {
    message.get(start..end).unwrap_or_default().trim_end_matches(['\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::event::Field;

    #[test]
    fn line_break_forges_no_field() {
        let message = "Process Create:\r\nImage: C:\\a.exe\r\nCommandLine: a\nUser: SYSTEM\r\nUser: LAB\\ann\r\nProcessId: 7";
        let mut builder = EventBuilder::default();
        let values = [r"C:\a.exe", "a\nUser: SYSTEM", r"LAB\ann", "7"];
        assert!(name_values(message, &values, &mut builder));
        assert_eq!(builder.text(Field::User), Some(r"LAB\ann"));
        assert_eq!(builder.text(Field::CommandLine), Some("a\nUser: SYSTEM"));
        assert_eq!(builder.text(Field::ProcessId), Some("7"));
        for values in [&values[..3], &[values[0], "a", values[2], values[3]], &[&values[..], &["8"]].concat()]
        {
            let mut builder = EventBuilder::default();
            assert!(!name_values(message, values, &mut builder) && !builder.has(Field::Image), "{values:?}");
        }
    }

    #[test]
    fn lines_alone_give_the_fields_too() {
        let mut builder = EventBuilder::default();
        read_lines(22, "Dns query:\nImage: x.exe\nQueryName: github.com\nQueryResults: \n", &mut builder);
        assert_eq!(builder.text(Field::QueryName), Some("github.com"));
        assert!(!builder.has(Field::QueryResults));
    }

    /// An Event 1 of 2020 as Windows renders it.
    fn rendered(company: &str, command: &str, parent_command: &str) -> String {
        format!(
            "Process Create:\r\nRuleName: -\r\nUtcTime: 2026-03-01 13:37:01.123\r\n\
             ProcessGuid: {{0A1B2C3D-1111-6600-0000-001000A00100}}\r\nProcessId: 100\r\nImage: C:\\git.exe\r\n\
             FileVersion: 1\r\nDescription: d\r\nProduct: p\r\nCompany: {company}\r\nOriginalFileName: git.exe\r\n\
             CommandLine: {command}\r\nCurrentDirectory: C:\\\r\nUser: CORP\\ann\r\n\
             LogonGuid: {{0A1B2C3D-0001-6600-0000-002000A00100}}\r\nLogonId: 0x1a000\r\nTerminalSessionId: 1\r\n\
             IntegrityLevel: Medium\r\nHashes: MD5=0\r\nParentProcessGuid: {{0A1B2C3D-9999-6600-0000-001000A00900}}\r\n\
             ParentProcessId: 4242\r\nParentImage: C:\\cmd.exe\r\nParentCommandLine: {parent_command}"
        )
    }

    const TAIL: &str = "\r\nCurrentDirectory: D:\\\r\nUser: CORP\\bob\r\n\
        LogonGuid: {0A1B2C3D-0001-6600-0000-002000A00100}\r\nLogonId: 0x1a000\r\nTerminalSessionId: 1\r\n\
        IntegrityLevel: High\r\nHashes: MD5=1\r\nParentProcessGuid: {0A1B2C3D-9999-6600-0000-001000A00900}\r\n\
        ParentProcessId: 1\r\nParentImage: D:\\Code.exe\r\nParentCommandLine: x";

    #[test]
    fn value_forges_no_field() {
        let long = format!("git push {TAIL}");
        let name = "CommandLine";
        for (company, command, parent, expected) in [
            ("Git", "git push", "cmd", Reading::Whole),
            ("Git", "git \nfoo: x\nbar\n push", "cmd", Reading::Whole),
            ("Git", "git -c x=\"\r\nHashes: \" push", "cmd", Reading::Whole),
            ("Git", "git \"\r\nUser: CORP\\bob\r\nCurrentDirectory: D:\\\" push", "cmd", Reading::Whole),
            ("Git", "git push \r\nCurrentDirectory: D:\\", "cmd", Reading::Whole),
            ("Git", "git push", "cmd\r\nUser: CORP\\bob\r\nImage: D:\\x.exe", Reading::Whole),
            ("a\r\nImage: D:\\x.exe", "git push", "cmd", Reading::Whole),
            // Both readings are of a whole event.
            ("Git", &long, "cmd", Reading::Ambiguous(name)),
            ("Git", "git \r\nCommandLine: x", "cmd", Reading::Ambiguous("OriginalFileName")),
            (
                "a\r\nOriginalFileName: b\r\nCommandLine: dir",
                "git push",
                "cmd",
                Reading::Ambiguous("Company"),
            ),
            ("Git", "git push", "cmd\r\nParentCommandLine: x", Reading::Whole),
        ] {
            let message = rendered(company, command, parent);
            let mut builder = EventBuilder::default();
            let reading = read_lines(1, &message, &mut builder);
            assert_eq!(reading, expected, "{message}");
            assert_eq!(builder.text(Field::Image), Some(r"C:\git.exe"), "{message}");
            if expected == Reading::Whole {
                assert_eq!(builder.text(Field::CommandLine), Some(command), "{message}");
                assert_eq!(builder.text(Field::User), Some(r"CORP\ann"), "{message}");
                assert_eq!(builder.text(Field::ParentCommandLine), Some(parent), "{message}");
            } else {
                assert_eq!(builder.text(Field::CommandLine), None, "{message}");
                assert!(reading.reason().is_some());
            }
        }
    }

    /// The same message with each name before the value that follows its own.
    fn shifted(message: &str) -> String {
        let (title, rest) = message.split_once("\r\n").unwrap();
        let pairs: Vec<_> = rest.split("\r\n").map(|line| line.split_once(": ").unwrap()).collect();
        let values = pairs.iter().skip(1).map(|(_, value)| *value).chain(["%22"]);
        let lines = pairs.iter().zip(values).map(|((name, _), value)| format!("\r\n{name}: {value}"));
        title.to_owned() + &lines.collect::<String>()
    }

    #[test]
    fn cut_message_gives_no_wrong_value() {
        let message = rendered("Git", "git push", "cmd");
        let at = |text: &str| message.find(text).unwrap();
        for (text, reading, command) in [
            (&message[..at("push")], Reading::Cut, None),
            (&message[..at("User: ")], Reading::Cut, Some("git push")),
            (&message[..at("\r\n")], Reading::Empty, None),
            ("", Reading::Empty, None),
            (&shifted(&message), Reading::Misfit, None),
            (&message.replace("cmd", "%22"), Reading::Misfit, None),
            (&message.replace("UtcTime: 2026", "UtcTime: x"), Reading::Misfit, None),
        ] {
            let mut builder = EventBuilder::default();
            assert_eq!(read_lines(1, text, &mut builder), reading, "{text}");
            assert_eq!(builder.text(Field::CommandLine), command, "{text}");
        }
    }

    #[test]
    fn message_of_fields_is_linear() {
        for text in ["CommandLine: x\n", "User: x\n", "Image: x\nCommandLine: y\n"] {
            let mut builder = EventBuilder::default();
            let reading = read_lines(1, &text.repeat(100_000), &mut builder);
            assert_eq!(reading, Reading::Misfit);
        }
    }
}
