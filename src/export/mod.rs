//! Rows to standard output and to files, in the formats of `--format`.
//!
//! | format | for | texts |
//! |---|---|---|
//! | `table` | a terminal | masked, made visible, cut to the width |
//! | `ndjson`, `json` | programs | masked, otherwise exactly the event's |
//! | `csv` | spreadsheets | masked, made visible, no cell is a formula |
//! | `markdown` | tickets | masked, made visible, nothing breaks out of its place |
//! | `sarif` | code-scanning platforms | masked, otherwise exactly the event's |

mod csv;
pub mod html;
mod json;
mod markdown;
pub mod report;
mod row;
mod safe;
mod sarif;
pub mod screenshot;
pub mod stats;
mod table;
pub mod walk;

use std::borrow::Borrow;
use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::str::FromStr;

pub use crate::model::row::COLUMNS;

use crate::model::row::AlertRow;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Aligned columns for a terminal.
    Table,
    /// A JSON object a line.
    Ndjson,
    /// One JSON array.
    Json,
    /// Comma-separated values with a header line.
    Csv,
    /// A table and a list for a ticket.
    Markdown,
    /// SARIF 2.1.0.
    Sarif,
}

impl Format {
    /// All formats, in the order in which help texts list them.
    pub const ALL: [Self; 6] =
        [Self::Table, Self::Ndjson, Self::Json, Self::Csv, Self::Markdown, Self::Sarif];

    /// The format's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Sarif => "sarif",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFormat;

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the formats are {}", Format::ALL.map(Format::name).join(", "))
    }
}

impl std::error::Error for UnknownFormat {}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.name() == name).ok_or(UnknownFormat)
    }
}

/// Options of the formats, in addition to the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "they are options, each on its own")]
pub struct ExportOptions {
    /// Shows tokens instead of masking them.
    pub reveal_secrets: bool,
    /// `table`: the columns of the terminal; `None` cuts nothing.
    pub table_width: Option<usize>,
    /// `table`: colours by SGR escapes.
    pub color: bool,
    /// `csv`: a column of the records of each activity.
    pub activities: bool,
    /// `table`: three dots for a cut instead of one character.
    pub ascii: bool,
    /// `markdown` and the HTML report: the heading; `None` for the detection's own name.
    pub title: Option<String>,
    /// `table`, `markdown` and the HTML report: a line that sums up the scan.
    pub summary: Option<String>,
}

/// Writes rows in the order in which they come. No format holds more than one row as text.
///
/// # Errors
/// Those of `out`; see [`is_closed_pipe`].
pub fn write_rows(
    out: &mut dyn Write,
    format: Format,
    rows: impl Iterator<Item = impl Borrow<AlertRow>>,
    options: &ExportOptions,
) -> io::Result<()> {
    match format {
        Format::Table => table::write(out, rows, options),
        Format::Ndjson => json::write_ndjson(out, rows, options),
        Format::Json => json::write_json(out, rows, options),
        Format::Csv => csv::write(out, rows, options),
        Format::Markdown => markdown::write(out, rows, options),
        Format::Sarif => sarif::write(out, rows, options),
    }
}

/// Returns whether the reader closed the pipe (`| head`), which ends an export quietly.
#[must_use]
pub fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        for name in ["", "CSV", "xml"] {
            assert_eq!(name.parse::<Format>(), Err(UnknownFormat), "{name}");
        }
        assert_eq!(
            UnknownFormat.to_string(),
            "the formats are table, ndjson, json, csv, markdown, sarif",
            "the message lists them"
        );
    }
}
