//! ClickHouse: one SELECT over a flat table, with the search's columns and scores.

use super::Rule;
use super::pattern::{Dialect, Refusal, written};
use super::search::{Parts, Syntax, list, one_of};
use crate::detect::exception::Day;
use crate::detect::pattern::Pattern;
use crate::model::row::SEARCH_COLUMNS;
use crate::model::text::is_forbidden;

/// ClickHouse's SQL.
pub(super) struct ClickHouse;

fn quoted(text: &str) -> String {
    format!("'{}'", escaped(text, '\''))
}

/// Escapes a text for quotes or backticks. Invisible characters are written byte by byte.
fn escaped(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\\' || c == quote {
            out.extend(['\\', c]);
        } else if is_forbidden(c) {
            let mut bytes = [0; 4];
            out.extend(c.encode_utf8(&mut bytes).bytes().map(|byte| format!("\\x{byte:02X}")));
        } else {
            out.push(c);
        }
    }
    out
}

/// A name between backticks; a dot between a database's and a table's stays one.
fn name(text: &str) -> String {
    text.split('.').map(|part| format!("`{}`", escaped(part, '`'))).collect::<Vec<_>>().join(".")
}

/// A regular expression as a string. `(?-s)`: here alone a dot would match line breaks.
fn pattern(text: &str) -> String {
    quoted(&format!("(?-s){text}"))
}

impl Syntax for ClickHouse {
    const AND: &'static str = " AND ";
    const OR: &'static str = " OR ";
    const IS: &'static str = " = ";
    const AND_IN_CLAUSE: &'static str = "\n         AND ";
    const OR_CLAUSE: &'static str = "\n     OR ";
    const CASE: &'static str = "multiIf(";
    const NEXT_BRANCH: &'static str = ",\n         ";
    const ONE_LINE: bool = false;
    const LEAVES_OUT_EVENTS: bool = true;
    const LEAVES_OUT_FLAGS: bool = false;
    const NO_EXCEPTION: &'static str = "''";
    const HAS_EXCEPTION: &'static str = "Exception != ''";
    const REMARK: &'static str = "--";

    fn quoted(text: &str) -> String {
        quoted(text)
    }

    fn event(code: u16) -> String {
        format!("EventCode = {code}")
    }

    fn equals(column: &str, terms: &[&str]) -> String {
        format!("lower({column}) IN ({})", list(terms, ", ", |term| quoted(&term.to_lowercase())))
    }

    fn ends_with(column: &str, term: &str) -> String {
        format!("endsWith(lower({column}), {})", quoted(&term.to_lowercase()))
    }

    fn contains(column: &str, term: &str) -> String {
        format!("positionCaseInsensitive({column}, {}) > 0", quoted(term))
    }

    fn contains_with_case(column: &str, terms: &[&str]) -> String {
        match terms {
            [term] => format!("position({column}, {}) > 0", quoted(term)),
            terms => format!("match({column}, {})", pattern(&one_of(terms))),
        }
    }

    fn is_one_of(column: &str, words: &[String]) -> String {
        match words {
            [word] => format!("{column} = {word}"),
            words => format!("{column} IN ({})", words.join(", ")),
        }
    }

    // An empty column is a missing field there.
    fn matches(column: &str, regex: &Pattern) -> Result<String, Refusal> {
        Ok(format!("match(nullIf({column}, ''), {})", pattern(&written(Dialect::ClickHouse, regex)?)))
    }

    fn flag(column: &str, regex: &Pattern) -> Result<String, Refusal> {
        Ok(format!("if({}, 1, 0)", Self::matches(column, regex)?))
    }

    fn until(last: Day) -> String {
        format!("toUnixTimestamp(now()) < {}", last.end())
    }

    fn query(parts: &Parts, rule: &Rule<'_>) -> String {
        let Parts { join_remark, clauses, signal, ci, ide, exception, score, alert, .. } = parts;
        let exception = match &**exception {
            "" => String::new(),
            case => format!("{case} AS Exception,\n    "),
        };
        format!(
            "{join_remark}SELECT {columns}, RecordId\n\
             FROM (\n  \
             SELECT *,\n    \
             {signal} AS Signal,\n    \
             {ci} AS IsCISystem,\n    \
             {ide} AS IsKnownIDE,\n    \
             {exception}{score} AS SuspicionScore\n  \
             FROM {table}\n  \
             WHERE {clauses}\n\
             )\n\
             WHERE SuspicionScore >= {alert}\n\
             ORDER BY SuspicionScore DESC, _time DESC, RecordId DESC\n",
            columns = SEARCH_COLUMNS.join(", "),
            table = name(rule.table),
        )
    }
}
