//! The two patterns out of the text of a Splunk search.

use std::fmt::{self, Write as _};

use crate::model::text::is_forbidden;

/// The pattern that a text lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportError {
    /// No `match(host, "…")`.
    NoCiHost,
    /// No `match(ParentImage, "…")`.
    NoIdeParent,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCiHost => {
                f.write_str("the search has no match(host, \"…\"), which holds the CI-host pattern")
            }
            Self::NoIdeParent => {
                f.write_str("the search has no match(ParentImage, \"…\"), which holds the IDE-parent pattern")
            }
        }
    }
}

impl std::error::Error for ImportError {}

/// Writes the configuration's table `[patterns]`. Invisible characters are escaped.
#[must_use]
pub fn patterns_toml(ci_host: &str, ide_parent: &str) -> String {
    format!("[patterns]\nci-host = {}\nide-parent = {}\n", toml(ci_host), toml(ide_parent))
}

/// A string of TOML: between single quotes, where nothing is escaped, as long as the text can be seen as it is.
fn toml(text: &str) -> String {
    if !text.contains(is_forbidden) && !text.contains('\'') {
        return format!("'{text}'");
    }
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_forbidden(c) => {
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The CI-host and the IDE-parent pattern of a search.
///
/// # Errors
/// Where one of them is not there.
pub fn import(search: &str) -> Result<(String, String), ImportError> {
    let ci_host = matched(search, "host").ok_or(ImportError::NoCiHost)?;
    let ide_parent = matched(search, "ParentImage").ok_or(ImportError::NoIdeParent)?;
    Ok((ci_host, ide_parent))
}

/// The pattern of the first `match(FIELD, "…")` outside of remarks. A string that is not closed ends the search: all that
/// follows is in it, so that no byte is read twice.
fn matched(search: &str, field: &str) -> Option<String> {
    // Between three backticks there is a remark.
    for part in search.split("```").step_by(2) {
        for (at, word) in part.match_indices("match") {
            let is_within = |c: char| c.is_alphanumeric() || c == '_';
            if part.get(..at).is_some_and(|before| before.ends_with(is_within)) {
                continue;
            }
            let Some(string) = part.get(at + word.len()..).and_then(|rest| argument(rest, field)) else {
                continue;
            };
            return unquoted(string);
        }
    }
    None
}

/// Returns the text after the quote of `(FIELD, "`.
fn argument<'a>(text: &'a str, field: &str) -> Option<&'a str> {
    let rest = text.trim_start().strip_prefix('(')?.trim_start();
    let rest = match rest.strip_prefix('\'') {
        Some(quoted) => quoted.strip_prefix(field)?.strip_prefix('\'')?,
        None => rest.strip_prefix(field)?,
    };
    rest.trim_start().strip_prefix(',')?.trim_start().strip_prefix('"')
}

/// A string up to its closing quote. Splunk takes `\\` and `\"` for one character and leaves every other backslash.
fn unquoted(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    loop {
        match characters.next()? {
            '"' => return Some(out),
            '\\' => out.push(characters.next_if(|c| matches!(c, '\\' | '"')).unwrap_or('\\')),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_in_any_spelling() {
        let search = r#"| eval IsCISystem=if(match( host , "(?i)(ci[-_]|build\.)"),1,0)
            | eval IsKnownIDE = if (match('ParentImage',"code\.exe|a\\\\b"),1,0)"#;
        assert_eq!(import(search), Ok((r"(?i)(ci[-_]|build\.)".to_owned(), r"code\.exe|a\\b".to_owned())));
        assert_eq!(import("index=x"), Err(ImportError::NoCiHost));
        assert_eq!(import(r#"match(host,"a")"#), Err(ImportError::NoIdeParent));
        assert_eq!(import(r#"match(host,"a"#), Err(ImportError::NoCiHost));
    }
    #[test]
    fn remarks_and_other_functions_are_skipped() {
        let search = r#"```match(host, "no")``` | eval a=rematch(host, "no"), b=match(hostname, "no"), c=match(host, "yes"),
            d=match(ParentImage, "ide")"#;
        assert_eq!(import(search), Ok(("yes".to_owned(), "ide".to_owned())));
    }

    #[test]
    fn hostile_search_is_read_once() {
        for unit in
            ["match(", "match(host", "match(host,", "match(host,\"\\\"", "```", "match (  ", "match('host"]
        {
            let search = unit.repeat(100_000);
            assert!(import(&search).is_err(), "{unit}");
        }
    }

    #[test]
    fn patterns_come_back_from_toml() {
        for text in ["a\\.b", "it's", "a\nb\t\u{202e}\u{85}\u{e0041}\"\\", "", "\u{1b}[31m", "ü"] {
            let toml = patterns_toml(text, "x");
            assert!(!toml.contains(|c| c != '\n' && is_forbidden(c)), "{toml:?}");
            let table: toml_edit::DocumentMut = toml.parse().unwrap();
            assert_eq!(table["patterns"]["ci-host"].as_str(), Some(text));
        }
    }
}
