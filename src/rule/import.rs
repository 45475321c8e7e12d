//! The two patterns out of the text of a Splunk search.

use std::fmt;

/// Why a text has no patterns to take.
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

/// The CI-host and the IDE-parent pattern of a search.
///
/// # Errors
/// Where one of them is not there.
pub fn import(search: &str) -> Result<(String, String), ImportError> {
    let ci_host = matched(search, "host").ok_or(ImportError::NoCiHost)?;
    let ide_parent = matched(search, "ParentImage").ok_or(ImportError::NoIdeParent)?;
    Ok((ci_host, ide_parent))
}

/// The pattern of the first `match(FIELD, "…")`.
fn matched(search: &str, field: &str) -> Option<String> {
    search.match_indices("match").find_map(|(at, word)| {
        let rest = search.get(at + word.len()..)?.trim_start().strip_prefix('(')?.trim_start();
        let rest = rest.strip_prefix(field).or_else(|| rest.strip_prefix(&format!("'{field}'")))?;
        let rest = rest.trim_start().strip_prefix(',')?.trim_start().strip_prefix('"')?;
        unquoted(rest)
    })
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
    fn patterns_are_found_as_people_write_them() {
        let search = r#"| eval IsCISystem=if(match( host , "(?i)(ci[-_]|build\.)"),1,0)
            | eval IsKnownIDE = if (match('ParentImage',"code\.exe|a\\\\b"),1,0)"#;
        assert_eq!(import(search), Ok((r"(?i)(ci[-_]|build\.)".to_owned(), r"code\.exe|a\\b".to_owned())));
        assert_eq!(import("index=x"), Err(ImportError::NoCiHost));
        assert_eq!(import(r#"match(host,"a")"#), Err(ImportError::NoIdeParent));
        assert_eq!(import(r#"match(host,"a"#), Err(ImportError::NoCiHost));
    }
}
