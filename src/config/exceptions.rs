//! The exceptions of a configuration: `[[exceptions]]`, and the ready-made ones that `builtin-exceptions` names.

use toml_edit::{Item, TableLike, Value};

use super::{BUILTIN_EXCEPTIONS, ConfigError, EXCEPTIONS, Source, boolean, fault_text, meant};
use crate::detect::exception::{BUILTINS, Day, Exception, ExceptionField, Exceptions, MAX_EXCEPTIONS};
use crate::detect::pattern::Pattern;
use crate::model::text::visible;

const NAME: &str = "name";
const REASON: &str = "reason";
const EXPIRES: &str = "expires";
const ENABLED: &str = "enabled";
/// How Sigma and the event's own field are often written.
const COMMAND_LINE_TWIN: &str = "command_line";
const KEYS: [&str; 10] =
    [NAME, "host", "user", "image", "parent", "destination", "command-line", REASON, EXPIRES, ENABLED];
/// The longest name, in characters.
const NAME_LIMIT: usize = 64;

/// The exceptions as the file has them, in its order.
#[derive(Default)]
pub(super) struct Collected {
    builtin: Vec<Exception>,
    own: Vec<Exception>,
}

impl Collected {
    /// Takes `builtin-exceptions = ["dependabot"]`.
    pub(super) fn builtin(&mut self, source: &Source<'_>, item: &Item) -> Result<(), ConfigError> {
        let names = BUILTINS.map(|builtin| builtin.name);
        let array =
            item.as_array().ok_or_else(|| source.wrong_type(BUILTIN_EXCEPTIONS, item, "a list of names"))?;
        for value in array {
            let Some(name) = value.as_str() else {
                let item = Item::Value(value.clone());
                return Err(source.wrong_type(BUILTIN_EXCEPTIONS, &item, "a list of names"));
            };
            let Some(builtin) = BUILTINS.iter().find(|builtin| builtin.name == name) else {
                let message = format!(
                    "no ready-made exception has the name `{}`; there are {}{}",
                    visible(name),
                    names.join(", "),
                    meant(name, names)
                );
                return Err(source.fault(value.span(), message));
            };
            let exception =
                builtin.exception().map_err(|error| source.fault(value.span(), error.to_string()))?;
            self.add(source, value.span(), exception, true)?;
        }
        Ok(())
    }

    /// Takes `[[exceptions]]`, or a list of inline tables.
    pub(super) fn own(&mut self, source: &Source<'_>, item: &Item) -> Result<(), ConfigError> {
        let wrong = || source.wrong_type(EXCEPTIONS, item, "tables, each under [[exceptions]]");
        if let Some(tables) = item.as_array_of_tables() {
            for table in tables {
                self.table(source, table, table.span().as_ref())?;
            }
        } else if let Some(array) = item.as_array() {
            for value in array {
                let table = value.as_inline_table().ok_or_else(wrong)?;
                self.table(source, table, value.span().as_ref())?;
            }
        } else {
            return Err(wrong());
        }
        Ok(())
    }

    fn table(
        &mut self,
        source: &Source<'_>,
        table: &dyn TableLike,
        span: Option<&std::ops::Range<usize>>,
    ) -> Result<(), ConfigError> {
        let (mut name, mut reason, mut expires, mut enabled) = (None, None, None, true);
        let mut terms = Vec::new();
        for (key, item) in table.iter() {
            match key {
                NAME => name = Some((named(source, item)?, item.span())),
                REASON => reason = Some(said(source, key, item)?),
                EXPIRES => expires = Some(day(source, item)?),
                ENABLED => enabled = boolean(source, key, item)?,
                _ => match field_of(key) {
                    Some(field) => terms.push((field, regex(source, key, item)?)),
                    None => return Err(source.unknown_key(table, key, Some(EXCEPTIONS), &KEYS)),
                },
            }
        }
        let lacks = |what: &str| source.fault(span.cloned(), format!("this exception has no {what}"));
        let (name, name_span) = name.ok_or_else(|| lacks("`name`"))?;
        let reason = reason.ok_or_else(|| {
            source.fault(name_span.clone(), format!("the exception `{}` has no `reason`", visible(&name)))
        })?;
        if terms.is_empty() {
            let message = format!(
                "the exception `{}` would match every event: say at least one of host, user, image, parent, \
                 destination, command-line",
                visible(&name)
            );
            return Err(source.fault(name_span, message));
        }
        terms.sort_by_key(|(field, _)| *field);
        if let Some((field, _)) = terms
            .windows(2)
            .find_map(|pair| pair.first().filter(|first| pair.last().is_some_and(|last| last.0 == first.0)))
        {
            return Err(source.fault(name_span, format!("`{}` is said twice", field.key())));
        }
        self.add(source, name_span, Exception { name, reason, expires, terms }, enabled)
    }

    fn add(
        &mut self,
        source: &Source<'_>,
        span: Option<std::ops::Range<usize>>,
        exception: Exception,
        enabled: bool,
    ) -> Result<(), ConfigError> {
        let known = || self.builtin.iter().chain(&self.own);
        if known().any(|other| other.name == exception.name) {
            let name = visible(&exception.name).into_owned();
            return Err(source.fault(span, format!("two exceptions have the name `{name}`")));
        }
        if known().count() >= MAX_EXCEPTIONS {
            return Err(source.fault(span, format!("there are more than {MAX_EXCEPTIONS} exceptions")));
        }
        let is_builtin = BUILTINS.iter().any(|builtin| builtin.name == exception.name);
        if enabled {
            if is_builtin { &mut self.builtin } else { &mut self.own }.push(exception);
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Exceptions {
        self.builtin.append(&mut self.own);
        Exceptions::new(self.builtin)
    }
}

fn field_of(key: &str) -> Option<ExceptionField> {
    let key = if key == COMMAND_LINE_TWIN { "command-line" } else { key };
    ExceptionField::ALL.into_iter().find(|field| field.key() == key)
}

fn said(source: &Source<'_>, key: &str, item: &Item) -> Result<String, ConfigError> {
    let text = source.string(key, item)?;
    if text.trim().is_empty() {
        return Err(source.fault(item.span(), format!("`{key}` must say something")));
    }
    Ok(text.to_owned())
}

fn named(source: &Source<'_>, item: &Item) -> Result<String, ConfigError> {
    let name = said(source, NAME, item)?;
    if name.chars().count() > NAME_LIMIT {
        return Err(source.fault(item.span(), format!("`{NAME}` has more than {NAME_LIMIT} characters")));
    }
    Ok(name)
}

fn regex(source: &Source<'_>, key: &str, item: &Item) -> Result<Pattern, ConfigError> {
    Pattern::new(source.string(key, item)?).map_err(|error| {
        source.fault(item.span(), format!("`{key}` is no regular expression: {}", fault_text(&error)))
    })
}

fn day(source: &Source<'_>, item: &Item) -> Result<Day, ConfigError> {
    let wrong = || source.fault(item.span(), format!("`{EXPIRES}` must be a date, such as 2026-12-31"));
    let Some(Value::Datetime(moment)) = item.as_value() else { return Err(wrong()) };
    let moment = moment.value();
    match (moment.date, moment.time) {
        (Some(date), None) => Day::new(date.year, date.month, date.day).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}
