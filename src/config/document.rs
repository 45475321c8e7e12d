//! TOML text whose faults know their line and column, shared by the configuration and the themes.

use std::ops::Range;
use std::path::Path;

use toml_edit::{Document, Item, TableLike};

use crate::model::text::visible;

use super::{ConfigError, meant};

/// A TOML text and where it comes from.
pub(crate) struct Source<'a> {
    text: &'a str,
    path: &'a Path,
}

impl<'a> Source<'a> {
    /// A file's bytes as text.
    ///
    /// # Errors
    /// Bytes that are no UTF-8, with their line.
    pub(crate) fn new(bytes: &'a [u8], path: &'a Path) -> Result<Self, ConfigError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, path }),
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let text = std::str::from_utf8(valid).unwrap_or_default();
                let place = text.len();
                Err(Self { text, path }.fault(Some(place..place), "the file is not written in UTF-8"))
            }
        }
    }

    /// The text as a document that knows its spans.
    ///
    /// # Errors
    /// Text that is no TOML.
    pub(crate) fn document(&self) -> Result<Document<&'a str>, ConfigError> {
        Document::parse(self.text).map_err(|error| {
            let message = error.message().lines().next().unwrap_or("it cannot be read");
            let hint = if message.contains("escape") {
                "; in single quotes a backslash is nothing but itself"
            } else {
                ""
            };
            self.fault(error.span(), format!("this is no TOML: {}{hint}", visible(message)))
        })
    }

    /// An error at a span; without a span, at the beginning.
    pub(crate) fn fault(&self, span: Option<Range<usize>>, message: impl Into<String>) -> ConfigError {
        let at = span.map_or(0, |span| span.start.min(self.text.len()));
        let mut before = self.text.get(..at).unwrap_or_default();
        before = before.strip_prefix('\u{feff}').unwrap_or(before);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ConfigError::Invalid {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: message.into(),
        }
    }

    /// An error at an unknown key.
    pub(crate) fn unknown_key(
        &self,
        table: &dyn TableLike,
        key: &str,
        table_name: Option<&str>,
        known: &[&str],
    ) -> ConfigError {
        let place = table_name.map_or_else(String::new, |name| format!(" in [{name}]"));
        let span = table.key(key).and_then(toml_edit::Key::span);
        self.fault(
            span,
            format!("unknown key `{}`{place}{}", visible(key), meant(key, known.iter().copied())),
        )
    }

    /// An error at a value of the wrong type.
    pub(crate) fn wrong_type(&self, key: &str, item: &Item, expected: &str) -> ConfigError {
        let found = match item.type_name() {
            kind @ ("integer" | "array" | "array of tables" | "inline table") => format!("an {kind}"),
            kind => format!("a {kind}"),
        };
        self.fault(item.span(), format!("`{key}` must be {expected}, not {found}"))
    }

    /// The item as a string.
    pub(crate) fn string<'i>(&self, key: &str, item: &'i Item) -> Result<&'i str, ConfigError> {
        item.as_str().ok_or_else(|| self.wrong_type(key, item, "a string"))
    }

    /// The item as a table of any notation.
    pub(crate) fn table<'i>(&self, key: &str, item: &'i Item) -> Result<&'i dyn TableLike, ConfigError> {
        item.as_table_like().ok_or_else(|| self.wrong_type(key, item, "a table"))
    }
}
