//! The language of the `/` line.
//!
//! ```text
//! git push              both words, anywhere in the row's texts, without case
//! "git push"            the two with the blank between them; \" and \\ inside
//! image:git             the field holds the text; `image=…` is it; `image~…` matches the regular expression
//! score>=2  event!=3    numbers; also `<`, `>`, `<=`, `=`
//! time>=2026-03-10T12   times in UTC, to whatever digit is known
//! !term                 not
//! ( a OR b ) c          OR binds less than the blank between terms
//! ```
//!
//! A field that a row lacks never matches, so that `!user:x` finds the rows without a user.

mod needle;
mod parse;

use std::fmt;
use std::ops::Range;

use crate::model::row::{AlertRow, Signal};
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

use needle::{Needle, Period};

/// The longest filter, in characters.
pub const MAX_LENGTH: usize = 4096;
/// The maximum nesting of parentheses and `!`.
pub const MAX_DEPTH: usize = 32;
/// The maximum count of a filter's terms.
pub const MAX_TERMS: usize = 64;

/// The type of a field's value, which decides how it can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
    Time,
}

macro_rules! filter_fields {
    ($($(#[$doc:meta])* $name:ident = $short:literal, $kind:ident, [$($alias:literal),*]);+ $(;)?) => {
        /// A field that a filter can ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum FilterField {
            $($(#[$doc])* $name),+
        }

        impl FilterField {
            /// All fields, in the order in which they are offered.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The short name, which filters are written back with.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $short),+ }
            }

            /// The other names of the field: the row's column, and the names that people type.
            #[must_use]
            pub const fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($alias),*]),+ }
            }

            const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),+ }
            }
        }
    };
}

filter_fields! {
    /// The event's time.
    Time = "time", Time, ["_time"];
    /// The host.
    Host = "host", Text, ["computer"];
    /// The account.
    User = "user", Text, [];
    /// The process's executable.
    Image = "image", Text, ["img"];
    /// Its command line.
    CommandLine = "cmd", Text, ["CommandLine", "command"];
    /// The parent's executable.
    ParentImage = "parent", Text, ["ParentImage", "pimage"];
    /// The parent's command line.
    ParentCommandLine = "pcmd", Text, ["ParentCommandLine"];
    /// The other side's name.
    DestinationHostname = "dest", Text, ["DestinationHostname", "destination"];
    /// The owner of the repository it goes to: `github.com/owner`, in lower case.
    Owner = "owner", Text, ["repository", "organisation"];
    /// The detection's name for it.
    Signal = "signal", Text, ["sig"];
    /// 0 to 3.
    Score = "score", Number, ["SuspicionScore"];
    /// True if the CI-host pattern matches.
    IsCiSystem = "ci", Flag, ["IsCISystem"];
    /// True if the IDE-parent pattern matches.
    IsKnownIde = "ide", Flag, ["IsKnownIDE"];
    /// Sysmon's Event ID.
    EventCode = "event", Number, ["EventCode", "EventID"];
    /// The process's GUID.
    ProcessGuid = "guid", Text, ["ProcessGuid"];
    /// The record's number in its log.
    RecordId = "record", Number, ["RecordId"];
    /// The source's file name.
    Source = "source", Text, ["src"];
    /// The analyst's verdict; `none` where there is no verdict.
    Verdict = "verdict", Text, [];
    /// The analyst's note.
    Note = "note", Text, [];
}

/// The fields that are searched for a plain word.
pub const WORD_FIELDS: [FilterField; 9] = [
    FilterField::CommandLine,
    FilterField::Image,
    FilterField::ParentCommandLine,
    FilterField::ParentImage,
    FilterField::Host,
    FilterField::User,
    FilterField::DestinationHostname,
    FilterField::Signal,
    FilterField::Source,
];

impl FilterField {
    /// The field of any of its names, without case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.names().any(|own| own.eq_ignore_ascii_case(name)))
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name()).chain(self.aliases().iter().copied())
    }

    /// The operators that the field takes, the usual one first.
    const fn operators(self) -> &'static [&'static str] {
        match self.kind() {
            Kind::Text => &[":", "=", "~", "!="],
            Kind::Number | Kind::Time => &[">=", "<=", "=", "!=", ">", "<"],
            Kind::Flag => &["=", "!="],
        }
    }
}

/// A row as a filter reads it. Lists of rows implement it; a field that is `None` never matches.
pub trait Subject {
    /// The text of a field that holds text.
    fn text(&self, field: FilterField) -> Option<&str>;
    /// The value of a field that holds a number; flags are 0 and 1.
    fn number(&self, field: FilterField) -> Option<i64>;
    /// The time.
    fn time(&self) -> Option<Timestamp>;
}

impl Subject for AlertRow {
    fn text(&self, field: FilterField) -> Option<&str> {
        match field {
            FilterField::Host => self.host.as_deref(),
            FilterField::User => self.user.as_deref(),
            FilterField::Image => self.image.as_deref(),
            FilterField::CommandLine => self.command_line.as_deref(),
            FilterField::ParentImage => self.parent_image.as_deref(),
            FilterField::ParentCommandLine => self.parent_command_line.as_deref(),
            FilterField::DestinationHostname => self.destination_hostname.as_deref(),
            FilterField::Signal => Some(self.signal.name()),
            FilterField::ProcessGuid => self.process_guid.as_deref(),
            FilterField::Source => Some(&self.source),
            _ => None,
        }
    }

    fn number(&self, field: FilterField) -> Option<i64> {
        match field {
            FilterField::Score => Some(i64::from(self.suspicion_score)),
            FilterField::IsCiSystem => Some(i64::from(self.is_ci_system)),
            FilterField::IsKnownIde => Some(i64::from(self.is_known_ide)),
            FilterField::EventCode => Some(i64::from(self.event_code)),
            FilterField::RecordId => self.record_id.and_then(|record| i64::try_from(record).ok()),
            _ => None,
        }
    }

    fn time(&self) -> Option<Timestamp> {
        self.time
    }
}

/// The reason why a line is not a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The index of the fault's first character. At most the number of characters.
    pub column: usize,
    /// The error, in a sentence or two.
    pub message: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FilterError {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }

    /// A time against a stretch of time: `<=` and `>` look at its end, `<` and `>=` at its start.
    fn holds_in(self, time: Timestamp, period: &Period) -> bool {
        let is_inside = period.start <= time && time < period.end;
        match self {
            Self::Equal => is_inside,
            Self::NotEqual => !is_inside,
            Self::Less => time < period.start,
            Self::LessOrEqual => time < period.end,
            Self::Greater => time >= period.end,
            Self::GreaterOrEqual => time >= period.start,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Word(Needle),
    Text { field: FilterField, is_negated: bool, needle: Needle },
    Number { field: FilterField, comparison: Comparison, value: i64 },
    Time { comparison: Comparison, period: Period },
}

impl Node {
    fn matches(&self, subject: &dyn Subject) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(subject)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(subject)),
            Self::Not(node) => !node.matches(subject),
            Self::Word(needle) => {
                WORD_FIELDS.iter().any(|field| subject.text(*field).is_some_and(|text| needle.is_match(text)))
            }
            Self::Text { field, is_negated, needle } => {
                subject.text(*field).is_some_and(|text| needle.is_match(text) != *is_negated)
            }
            Self::Number { field, comparison, value } => {
                subject.number(*field).is_some_and(|number| comparison.holds(number, *value))
            }
            Self::Time { comparison, period } => {
                subject.time().is_some_and(|time| comparison.holds_in(time, period))
            }
        }
    }

    fn asks_for(&self, wanted: FilterField) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().any(|node| node.asks_for(wanted)),
            Self::Not(node) => node.asks_for(wanted),
            Self::Word(_) => WORD_FIELDS.contains(&wanted),
            Self::Text { field, .. } | Self::Number { field, .. } => *field == wanted,
            Self::Time { .. } => wanted == FilterField::Time,
        }
    }

    fn collect_highlights(&self, field: FilterField, text: &str, ranges: &mut Vec<Range<usize>>) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                for node in nodes {
                    node.collect_highlights(field, text, ranges);
                }
            }
            Self::Word(needle) if WORD_FIELDS.contains(&field) => needle.find_all(text, ranges),
            Self::Text { field: own, is_negated: false, needle } if *own == field => {
                needle.find_all(text, ranges);
            }
            _ => {}
        }
    }

    /// Writes the node; `is_inside_all` means that it is between terms that are ANDed.
    fn write(&self, f: &mut fmt::Formatter<'_>, is_inside_all: bool) -> fmt::Result {
        match self {
            Self::All(nodes) => write_list(f, nodes, " ", true),
            Self::Any(nodes) if is_inside_all => {
                f.write_str("(")?;
                write_list(f, nodes, " OR ", false)?;
                f.write_str(")")
            }
            Self::Any(nodes) => write_list(f, nodes, " OR ", false),
            Self::Not(node) if matches!(**node, Self::All(_)) => {
                f.write_str("!(")?;
                node.write(f, false)?;
                f.write_str(")")
            }
            Self::Not(node) => {
                f.write_str("!")?;
                node.write(f, true)
            }
            Self::Word(needle) => needle.write(f),
            Self::Text { field, is_negated, needle } => {
                let sign = if *is_negated { "!=" } else { needle.sign() };
                write!(f, "{}{sign}", field.name())?;
                needle.write(f)
            }
            Self::Number { field, comparison, value } => {
                write!(f, "{}{}{value}", field.name(), comparison.sign())
            }
            Self::Time { comparison, period } => {
                write!(f, "{}{}{}", FilterField::Time.name(), comparison.sign(), period.text)
            }
        }
    }
}

fn write_list(
    f: &mut fmt::Formatter<'_>,
    nodes: &[Node],
    separator: &str,
    is_inside_all: bool,
) -> fmt::Result {
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        node.write(f, is_inside_all)?;
    }
    Ok(())
}

/// A filter that was understood. The empty one matches every row.
///
/// It is shown as it would be typed: its shown form parses to the same filter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    root: Option<Node>,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// The first fault of the line, with its column.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// Returns whether it matches every row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Returns whether its answer depends on a field.
    #[must_use]
    pub fn asks_for(&self, field: FilterField) -> bool {
        self.root.as_ref().is_some_and(|root| root.asks_for(field))
    }

    /// Returns whether a row matches.
    #[must_use]
    pub fn matches(&self, subject: &dyn Subject) -> bool {
        self.root.as_ref().is_none_or(|root| root.matches(subject))
    }

    /// The byte ranges in a field's text that the filter's terms match, negated ones excepted, in order and apart from
    /// each other. A list highlights them.
    #[must_use]
    pub fn highlights(&self, field: FilterField, text: &str) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        if let Some(root) = &self.root {
            root.collect_highlights(field, text, &mut ranges);
        }
        ranges.sort_by_key(|range| range.start);
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match apart.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => apart.push(range),
            }
        }
        apart
    }

    /// The start of the word that [`Self::completions`] would replace up to the cursor, as a character index.
    #[must_use]
    pub fn completion_start(text: &str, cursor: usize) -> usize {
        let mut start = 0;
        for (index, character) in text.chars().enumerate().take(cursor) {
            if character.is_whitespace() || index == start && matches!(character, '!' | '(') {
                start = index + 1;
            }
        }
        start
    }

    /// Completions of the word that ends at the cursor (a character index), most likely first. None inside quotes.
    #[must_use]
    pub fn completions(text: &str, cursor: usize) -> Vec<String> {
        let start = Self::completion_start(text, cursor);
        let word: String = text.chars().take(cursor).skip(start).collect();
        let before: String = text.chars().take(start).collect();
        if parse::is_inside_quotes(&before) || word.starts_with('"') {
            return Vec::new();
        }
        if let Some((field, operator, value)) = parse::split_term(&word) {
            return completed_values(field)
                .into_iter()
                .filter(|known| !known.eq_ignore_ascii_case(value) && starts_without_case(known, value))
                .map(|known| format!("{}{operator}{known}", field.name()))
                .collect();
        }
        let exact = FilterField::from_name(&word);
        let operators = exact.into_iter().flat_map(|field| {
            field.operators().iter().map(move |operator| format!("{}{operator}", field.name()))
        });
        let fields = FilterField::ALL
            .iter()
            .filter(|field| Some(**field) != exact)
            .filter(|field| field.names().any(|name| starts_without_case(name, &word)))
            .map(|field| format!("{}{}", field.name(), field.operators().first().unwrap_or(&":")));
        operators.chain(fields).collect()
    }
}

fn starts_without_case(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start))
}

/// The values that a field is known to have.
fn completed_values(field: FilterField) -> Vec<&'static str> {
    match field {
        FilterField::Signal => Signal::ALL.iter().map(|signal| signal.name()).collect(),
        FilterField::Score => vec!["3", "2", "1", "0"],
        FilterField::IsCiSystem | FilterField::IsKnownIde => vec!["1", "0"],
        FilterField::EventCode => vec!["1", "3"],
        FilterField::Verdict => Verdict::ALL.iter().map(|verdict| verdict.name()).collect(),
        _ => Vec::new(),
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.as_ref().map_or(Ok(()), |root| root.write(f, false))
    }
}

#[cfg(test)]
mod tests;
