//! The two patterns that decide what is normal: the CI-host and the IDE-parent regex.

use std::fmt;
use std::ops::Range;

use regex::{Regex, RegexBuilder};
use regex_syntax::ast;

use super::technique::TECHNIQUE;

/// Bytes that a compiled pattern may take, so that 100 exceptions of six patterns stay below a gigabyte.
const MAX_COMPILED_BYTES: usize = 1 << 20;
/// Bytes that a pattern's text may have.
const MAX_PATTERN_BYTES: usize = 16 << 10;

/// A pattern that compiled, with the text that it was made from. It searches unanchored and in linear time.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
}

/// The fault of a text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The character, counted from 0, at which the fault is; `None` where it is the pattern as a whole.
    pub column: Option<usize>,
    /// The fault and its remedy, as a sentence without a full stop.
    pub message: String,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "column {}: {}", column + 1, self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Where the text is no regular expression of linear time, or compiles to more than 1 MiB.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_PATTERN_BYTES {
            let message =
                format!("the pattern is {} bytes long; {MAX_PATTERN_BYTES} is the most", text.len());
            return Err(PatternError { column: None, message });
        }
        if let Some(error) = super::pcre::fault(text) {
            return Err(error);
        }
        if let Err(error) = ast::parse::Parser::new().parse(text) {
            return Err(PatternError {
                column: Some(column_of(text, error.span())),
                message: sentence(error.kind()),
            });
        }
        match RegexBuilder::new(text).size_limit(MAX_COMPILED_BYTES).build() {
            Ok(regex) => Ok(Self { regex }),
            Err(regex::Error::CompiledTooBig(limit)) => {
                let message =
                    format!("the pattern compiles to more than {limit} bytes: make its repetitions smaller");
                Err(PatternError { column: None, message })
            }
            Err(error) => Err(translation_error(text, &error)),
        }
    }

    /// The text that it was made from.
    #[must_use]
    pub fn text(&self) -> &str {
        self.regex.as_str()
    }

    /// Whether it matches anywhere in a text; never in a missing one.
    #[must_use]
    pub fn matches(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| self.regex.is_match(text))
    }

    /// Where in a text it first matches, in bytes.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Range<usize>> {
        self.regex.find(text).map(|found| found.range())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}
impl Eq for Pattern {}

/// Both patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns {
    /// Decides `IsCISystem`, on `host`.
    pub ci_host: Pattern,
    /// Decides `IsKnownIDE`, on `ParentImage`.
    pub ide_parent: Pattern,
}

impl Patterns {
    /// Compiles both; `None` takes the search's own.
    ///
    /// # Errors
    /// The fault of the first that does not compile, under its name on the command line.
    pub fn new(
        ci_host: Option<&str>,
        ide_parent: Option<&str>,
    ) -> Result<Self, (&'static str, PatternError)> {
        Ok(Self {
            ci_host: Pattern::new(ci_host.unwrap_or(TECHNIQUE.ci_host))
                .map_err(|error| ("ci-host", error))?,
            ide_parent: Pattern::new(ide_parent.unwrap_or(TECHNIQUE.ide_parent))
                .map_err(|error| ("ide-parent", error))?,
        })
    }
}

fn column_of(text: &str, span: &ast::Span) -> usize {
    text.get(..span.start.offset).map_or(0, |before| before.chars().count())
}

/// Faults that show only when the parsed text is given a meaning, such as an unknown Unicode class.
fn translation_error(text: &str, error: &regex::Error) -> PatternError {
    match regex_syntax::Parser::new().parse(text) {
        Err(regex_syntax::Error::Translate(fault)) => {
            PatternError { column: Some(column_of(text, fault.span())), message: fault.kind().to_string() }
        }
        _ => PatternError { column: None, message: error.to_string().replace('\n', " ") },
    }
}

fn sentence(kind: &ast::ErrorKind) -> String {
    use ast::ErrorKind;
    match kind {
        ErrorKind::GroupUnclosed => "this group is not closed: add `)`".to_owned(),
        ErrorKind::GroupUnopened => "this `)` closes no group: write `\\)` for the character".to_owned(),
        ErrorKind::ClassUnclosed => "this character class is not closed: add `]`".to_owned(),
        ErrorKind::RepetitionMissing => {
            "there is nothing here to repeat: write `\\*`, `\\+` or `\\?` for the character".to_owned()
        }
        ErrorKind::EscapeUnexpectedEof => {
            "the pattern ends in a lone backslash: write `\\\\` for the character".to_owned()
        }
        ErrorKind::EscapeUnrecognized => "this escape is not known: write `\\\\` for a backslash".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_patterns_compile() {
        let patterns = Patterns::new(None, None).unwrap();
        assert_eq!(patterns.ci_host.find("BUILD-SRV2"), Some(0..6));
        assert_eq!(patterns.ci_host.find("gucci-laptop"), Some(3..6));
        assert!(!patterns.ci_host.matches(Some("ci01")));
        assert!(!patterns.ci_host.matches(None));
        assert!(patterns.ide_parent.matches(Some(r"C:\evilcode.exe")));
    }

    #[test]
    fn fault_has_column_and_remedy() {
        for (text, column, part) in [
            ("ü(a", Some(1), "add `)`"),
            ("a)b", Some(1), "closes no group"),
            ("[a", Some(0), "add `]`"),
            ("a|*", Some(2), "nothing here to repeat"),
            ("(?=x)", Some(0), "look-ahead"),
            (r"(a)\1", Some(3), "back-references"),
            ("a\\", Some(1), "lone backslash"),
            (r"\p{Nonsense}", Some(0), "Unicode"),
            ("(a{1000}){1000}", None, "compiles to more than"),
        ] {
            let error = Pattern::new(text).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.message.contains(part), "{text}: {error}");
        }
        assert!(Pattern::new(&"a".repeat(MAX_PATTERN_BYTES + 1)).unwrap_err().message.contains("bytes long"));
    }
}
