//! A test's file: TOML, read strictly. A key that is misspelt would make a test that can never be met.

use std::path::{Path, PathBuf};

use toml_edit::{Item, TableLike};

use super::definition::{Condition, Origin, Role, Row, Test, TextTest};
use crate::config::{ConfigError, Source, meant, read_file, reason};
use crate::detect::pattern::Pattern;
use crate::model::event::{Field, code};
use crate::model::row::Signal;
use crate::model::telemetry::Channel;
use crate::model::text::{is_forbidden, visible};
use crate::store::events::event::is_kept_field;

/// Tests that one walk takes.
const MAX_TESTS: usize = 100;
/// Entries of each list of a file.
const MAX_LISTED: usize = 100;
/// Characters of a name or a sentence.
const MAX_LETTERS: usize = 1_000;

const ROOT_KEYS: [&str; 7] = ["name", "sentence", "technique", "signal", "act", "steps", "expect"];
const ROW_KEYS: [&str; 7] = ["step", "what", "role", "channel", "event-id", "where", "cannot-be-seen"];
const CONDITION_KEYS: [&str; 6] = ["field", "equals", "contains", "word", "ends-with", "regex"];
const ROLES: [(&str, Role); 4] =
    [("act", Role::Act), ("trace", Role::Trace), ("mark", Role::Mark), ("context", Role::Context)];
const CHANNELS: [(&str, Option<Channel>); 3] =
    [("sysmon", None), ("powershell", Some(Channel::PowerShell)), ("security", Some(Channel::Security))];

/// The four tests of the detection, as they are built in.
const BUILT_IN: [(&str, &str); 4] = [
    ("1-contents-api.toml", include_str!("tests/1-contents-api.toml")),
    ("2-git-push.toml", include_str!("tests/2-git-push.toml")),
    ("3-gist-curl.toml", include_str!("tests/3-gist-curl.toml")),
    ("4-python.toml", include_str!("tests/4-python.toml")),
];

/// Returns the built-in tests, followed by those of these files.
///
/// # Errors
/// A faulty file, with its line and its key; a name that two tests have.
pub fn load(files: &[PathBuf]) -> Result<Vec<Test>, ConfigError> {
    let mut tests: Vec<(PathBuf, Test)> = Vec::new();
    for (name, text) in BUILT_IN {
        let path = PathBuf::from(name);
        tests.push((path.clone(), parse(text.as_bytes(), &path)?));
    }
    for path in files {
        let bytes = read_file(path)
            .map_err(|error| ConfigError::Read { path: path.clone(), reason: reason(&error) })?;
        let test = parse(&bytes, path)?;
        let source = Source::new(&bytes, path)?;
        let same = |(_, other): &&(PathBuf, Test)| other.name.eq_ignore_ascii_case(&test.name);
        if let Some((other, _)) = tests.iter().find(same) {
            let document = source.document()?;
            let span = document.get("name").and_then(Item::span);
            let other = visible(&other.to_string_lossy()).into_owned();
            return Err(
                source.fault(span, format!("`name`: another test is called that already, in {other}"))
            );
        }
        if tests.len() == MAX_TESTS {
            return Err(source.fault(None, format!("{MAX_TESTS} tests are the most that one walk takes")));
        }
        tests.push((path.clone(), test));
    }
    Ok(tests.into_iter().map(|(_, test)| test).collect())
}

/// Reads a test's bytes; the path is only named in errors.
///
/// # Errors
/// Content that the file must not have.
pub fn parse(bytes: &[u8], path: &Path) -> Result<Test, ConfigError> {
    let source = Source::new(bytes, path)?;
    let document = source.document()?;
    let table: &dyn TableLike = document.as_table();
    check_keys(&source, table, None, &ROOT_KEYS)?;
    let reader = Reader { source: &source };
    let required = |key: &str| {
        table
            .get(key)
            .ok_or_else(|| source.fault(None, format!("the key `{key}` is missing: a test needs it")))
    };
    let test = Test {
        name: reader.words("name", required("name")?)?,
        sentence: reader.words("sentence", required("sentence")?)?,
        technique: table.get("technique").map(|item| reader.words("technique", item)).transpose()?,
        signal: table.get("signal").map(|item| reader.signal(item)).transpose()?,
        act: table.get("act").map_or_else(|| Ok("act".to_owned()), |item| reader.words("act", item))?,
        steps: match table.get("steps") {
            Some(item) => reader.list("steps", item)?,
            None => Vec::new(),
        },
        rows: reader.rows(required("expect")?)?,
    };
    if !test.rows.iter().any(|row| row.role().starts_a_run()) {
        let span = table.key("expect").and_then(toml_edit::Key::span);
        let message =
            "no `role` of an [[expect]] is \"act\" or \"trace\": nothing would tell that the test was run";
        return Err(source.fault(span, message));
    }
    Ok(test)
}

fn check_keys(
    source: &Source<'_>,
    table: &dyn TableLike,
    name: Option<&str>,
    known: &[&str],
) -> Result<(), ConfigError> {
    match table.iter().find(|(key, _)| !known.contains(key)) {
        Some((key, _)) => Err(source.unknown_key(table, key, name, known)),
        None => Ok(()),
    }
}

struct Reader<'a> {
    source: &'a Source<'a>,
}

impl Reader<'_> {
    /// Reads a text for people: not empty, not too long, and without characters that a screen would obey.
    fn words(&self, key: &str, item: &Item) -> Result<String, ConfigError> {
        let text = self.source.string(key, item)?;
        if text.trim().is_empty() {
            return Err(self.source.fault(item.span(), format!("`{key}` is empty")));
        }
        self.check_words(key, item, text)
    }

    fn check_words(&self, key: &str, item: &Item, text: &str) -> Result<String, ConfigError> {
        if text.chars().count() > MAX_LETTERS {
            let message = format!("`{key}` is longer than {MAX_LETTERS} characters");
            return Err(self.source.fault(item.span(), message));
        }
        if let Some(letter) = text.chars().find(|letter| is_forbidden(*letter)) {
            let letter = visible(&letter.to_string()).into_owned();
            let message = format!("`{key}` holds {letter}, which can't be shown");
            return Err(self.source.fault(item.span(), message));
        }
        Ok(text.to_owned())
    }

    /// Reads a string, or a list of strings, each of them not empty.
    fn list(&self, key: &str, item: &Item) -> Result<Vec<String>, ConfigError> {
        let wrong = || self.source.wrong_type(key, item, "a string or a list of strings");
        let texts: Vec<&str> = match (item.as_str(), item.as_array()) {
            (Some(text), _) => vec![text],
            (None, Some(array)) => {
                array.iter().map(toml_edit::Value::as_str).collect::<Option<_>>().ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        };
        if texts.is_empty() || texts.iter().any(|text| text.is_empty()) {
            return Err(self.source.fault(item.span(), format!("`{key}` is empty: it would say nothing")));
        }
        if texts.len() > MAX_LISTED {
            let message = format!("`{key}` lists {} entries; {MAX_LISTED} are the most", texts.len());
            return Err(self.source.fault(item.span(), message));
        }
        texts.into_iter().map(|text| self.check_words(key, item, text)).collect()
    }

    fn choice<T: Copy>(&self, key: &str, item: &Item, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let value = self.source.string(key, item)?;
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == value) {
            return Ok(*choice);
        }
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
        let near = meant(value, choices.iter().map(|(name, _)| *name));
        let message = format!("`{key}` must be one of {}, not `{}`{near}", names.join(", "), visible(value));
        Err(self.source.fault(item.span(), message))
    }

    fn signal(&self, item: &Item) -> Result<Signal, ConfigError> {
        let choices: Vec<(&str, Signal)> = Signal::ALL
            .iter()
            .copied()
            .filter(|signal| *signal != Signal::Unknown)
            .map(|signal| (signal.name(), signal))
            .collect();
        self.choice("signal", item, &choices)
    }

    /// The tables of a list, in either of TOML's two notations.
    fn tables<'i>(&self, key: &str, item: &'i Item) -> Result<Vec<&'i dyn TableLike>, ConfigError> {
        let tables: Vec<&dyn TableLike> = match (item.as_array_of_tables(), item.as_array()) {
            (Some(tables), _) => tables.iter().map(|table| table as &dyn TableLike).collect(),
            (None, Some(array)) => {
                let tables =
                    array.iter().map(|value| value.as_inline_table().map(|table| table as &dyn TableLike));
                tables
                    .collect::<Option<_>>()
                    .ok_or_else(|| self.source.wrong_type(key, item, "a list of tables"))?
            }
            _ => return Err(self.source.wrong_type(key, item, "a list of tables")),
        };
        if tables.is_empty() {
            return Err(self.source.fault(item.span(), format!("`{key}` is empty: it would say nothing")));
        }
        if tables.len() > MAX_LISTED {
            let message = format!("`{key}` has {} entries; {MAX_LISTED} are the most", tables.len());
            return Err(self.source.fault(item.span(), message));
        }
        Ok(tables)
    }

    fn rows(&self, item: &Item) -> Result<Vec<Row>, ConfigError> {
        self.tables("expect", item)?.into_iter().map(|table| self.row(table)).collect()
    }

    /// Returns the error for a missing key. It points at the table's first key.
    fn missing(&self, table: &dyn TableLike, key: &str, place: &str) -> ConfigError {
        let span = table.iter().next().and_then(|(first, _)| table.key(first)).and_then(toml_edit::Key::span);
        self.source.fault(span, format!("the key `{key}` is missing in this {place}"))
    }

    fn row(&self, table: &dyn TableLike) -> Result<Row, ConfigError> {
        const PLACE: &str = "[[expect]]";
        check_keys(self.source, table, Some("[expect]"), &ROW_KEYS)?;
        let get = |key: &str| table.get(key).ok_or_else(|| self.missing(table, key, PLACE));
        let step = self.words("step", get("step")?)?;
        let what = self.words("what", get("what")?)?;
        if let Some(item) = table.get("cannot-be-seen") {
            if let Some((key, _)) =
                table.iter().find(|(key, _)| !["step", "what", "cannot-be-seen"].contains(key))
            {
                let span = table.key(key).and_then(toml_edit::Key::span);
                let message =
                    format!("`{key}` says where to look for what `cannot-be-seen`: leave one of them out");
                return Err(self.source.fault(span, message));
            }
            let reason = self.words("cannot-be-seen", item)?;
            return Ok(Row { step, what, source: Origin::Elsewhere(reason) });
        }
        let channel = self.choice("channel", get("channel")?, &CHANNELS)?;
        let event_code = self.event_code(channel, table)?;
        let role = match table.get("role") {
            Some(item) => self.choice("role", item, &ROLES)?,
            None => Role::default(),
        };
        let conditions = self
            .tables("where", get("where")?)?
            .into_iter()
            .map(|table| self.condition(event_code, table))
            .collect::<Result<_, _>>()?;
        Ok(Row { step, what, source: Origin::Events { role, channel, event_code, conditions } })
    }

    fn event_code(&self, channel: Option<Channel>, table: &dyn TableLike) -> Result<u16, ConfigError> {
        let item = table.get("event-id");
        let (known, names): (Vec<u16>, &str) = match channel {
            None => ((0..=255).filter(|event_code| code::is_kept(*event_code)).collect(), "sysmon"),
            Some(channel @ Channel::PowerShell) => (vec![channel.event_code()], "powershell"),
            Some(channel @ Channel::Security) => (vec![channel.event_code()], "security"),
        };
        let Some(item) = item else {
            return match known.as_slice() {
                [only] => Ok(*only),
                _ => Err(self.missing(table, "event-id", "[[expect]]")),
            };
        };
        let number =
            item.as_integer().ok_or_else(|| self.source.wrong_type("event-id", item, "a whole number"))?;
        u16::try_from(number).ok().filter(|number| known.contains(number)).ok_or_else(|| {
            let known: Vec<String> = known.iter().map(u16::to_string).collect();
            let message = format!("`event-id` {number} is not read of {names}; {} can be", known.join(", "));
            self.source.fault(item.span(), message)
        })
    }

    fn condition(&self, event_code: u16, table: &dyn TableLike) -> Result<Condition, ConfigError> {
        check_keys(self.source, table, Some("where"), &CONDITION_KEYS)?;
        let item = table.get("field").ok_or_else(|| self.missing(table, "field", "`where`"))?;
        let name = self.source.string("field", item)?;
        let of_event = || Field::ALL.iter().filter(|field| is_kept_field(event_code, **field));
        let field = of_event().find(|field| field.name() == name).copied().ok_or_else(|| {
            let near = meant(name, of_event().map(|field| field.name()));
            let message =
                format!("`field`: Event {event_code} has no `{}` that is read{near}", visible(name));
            self.source.fault(item.span(), message)
        })?;
        let tests: Vec<(&str, &Item)> = table.iter().filter(|(key, _)| *key != "field").collect();
        let [(key, item)] = tests.as_slice() else {
            let message = "a condition says one of `equals`, `contains`, `word`, `ends-with` and `regex`";
            return Err(match tests.get(1) {
                None => self.missing(table, "contains", "`where`"),
                Some((key, _)) => self.source.fault(table.key(key).and_then(toml_edit::Key::span), message),
            });
        };
        let test = match *key {
            "equals" => TextTest::Equals(self.list(key, item)?),
            "contains" => TextTest::Contains(self.list(key, item)?),
            "word" => TextTest::Word(self.list(key, item)?),
            "ends-with" => TextTest::EndsWith(self.list(key, item)?),
            _ => {
                let text = self.source.string(key, item)?;
                TextTest::Regex(Pattern::new(text).map_err(|error| {
                    let message =
                        format!("`regex` is no regular expression: {}", visible(&error.to_string()));
                    self.source.fault(item.span(), message)
                })?)
            }
        };
        Ok(Condition { field, test })
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod file_tests;
