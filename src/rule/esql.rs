//! Elasticsearch's ES|QL, over the fields of winlogbeat and the elastic agent.

use super::pattern::{Refusal, Search, lucene};
use super::search::{Parts, Syntax, list};
use super::{EVENT_COLUMNS, Rule, VERDICT_COLUMNS};
use crate::detect::exception::Day;
use crate::detect::pattern::Pattern;

/// The Elasticsearch query language.
pub(super) struct Esql;

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text in a LIKE without case, with wildcards around it.
fn like(column: &str, before: &str, text: &str, after: &str) -> String {
    // In LIKE a backslash escapes, and so does one in the string around it.
    let literal = text.to_lowercase().replace('\\', r"\\");
    format!("TO_LOWER({column}) LIKE {}", quoted(&format!("{before}{literal}{after}")))
}

/// The field of the Elastic Common Schema that holds a column.
fn field_of(column: &str) -> &'static str {
    match column {
        "User" => "user.name",
        "Image" => "process.executable",
        "CommandLine" => "process.command_line",
        "ParentImage" => "process.parent.executable",
        "ParentCommandLine" => "process.parent.command_line",
        "DestinationHostname" => "destination.domain",
        _ => "null",
    }
}

impl Syntax for Esql {
    const AND: &'static str = " AND ";
    const OR: &'static str = " OR ";
    const IS: &'static str = " == ";
    const OR_CLAUSE: &'static str = "\n    OR ";
    const CASE: &'static str = "CASE(";
    const NEXT_BRANCH: &'static str = ",\n    ";
    const ONE_LINE: bool = true;
    const LEAVES_OUT_EVENTS: bool = true;
    const LEAVES_OUT_FLAGS: bool = true;
    const NO_EXCEPTION: &'static str = "null";
    const HAS_EXCEPTION: &'static str = "Exception IS NOT NULL";
    const REMARK: &'static str = "//";

    fn quoted(text: &str) -> String {
        quoted(text)
    }

    fn event(code: u16) -> String {
        format!("EventCode == \"{code}\"")
    }

    fn equals(column: &str, terms: &[&str]) -> String {
        format!("TO_LOWER({column}) IN ({})", list(terms, ", ", |term| quoted(&term.to_lowercase())))
    }

    fn ends_with(column: &str, term: &str) -> String {
        like(column, "*", term, "")
    }

    fn contains(column: &str, term: &str) -> String {
        like(column, "*", term, "*")
    }

    fn contains_with_case(column: &str, terms: &[&str]) -> String {
        let each = |term: &str| format!("{column} LIKE {}", quoted(&format!("*{term}*")));
        match terms {
            [term] => each(term),
            terms => format!("({})", list(terms, Self::OR, each)),
        }
    }

    fn is_one_of(column: &str, words: &[String]) -> String {
        match words {
            [word] => format!("{column} == {word}"),
            words => format!("{column} IN ({})", words.join(", ")),
        }
    }

    fn matches(column: &str, pattern: &Pattern) -> Result<String, Refusal> {
        let Search { regex, is_lowered } = lucene(pattern)?;
        let column = if is_lowered { format!("TO_LOWER({column})") } else { column.to_owned() };
        Ok(format!("{column} RLIKE {}", quoted(&regex)))
    }

    fn flag(column: &str, pattern: &Pattern) -> Result<String, Refusal> {
        Ok(format!("CASE({}, 1, 0)", Self::matches(column, pattern)?))
    }

    fn until(last: Day) -> String {
        format!("NOW() < TO_DATETIME(\"{}T00:00:00Z\")", last.next())
    }

    fn query(parts: &Parts, _: &Rule<'_>) -> String {
        let Parts { join_remark, script_remark, clauses, signal, ci, ide, score, alert, .. } = parts;
        let events: Vec<String> = parts.events.iter().map(|event| format!("\"{event}\"")).collect();
        let exception = match &*parts.exception {
            "" => String::new(),
            case => format!("| EVAL Exception = {case}\n"),
        };
        let field = |column: &&str| format!("{column} = {}", field_of(column));
        let lines: Vec<String> = EVENT_COLUMNS
            .chunks(2)
            .map(|columns| columns.iter().map(field).collect::<Vec<_>>().join(", "))
            .collect();
        let (signal_column, flags) = VERDICT_COLUMNS.split_at(1);
        format!(
            "{join_remark}{script_remark}FROM logs-*, winlogbeat-*\n\
             | WHERE winlog.channel == \"Microsoft-Windows-Sysmon/Operational\" AND event.code IN ({events})\n\
             | EVAL EventCode = event.code, host = host.name, {fields}\n\
             | WHERE {clauses}\n\
             | EVAL Signal = {signal}\n\
             | EVAL IsCISystem = {ci},\n    IsKnownIDE = {ide}\n\
             {exception}| EVAL SuspicionScore = {score}\n\
             | WHERE SuspicionScore >= {alert}\n\
             | SORT SuspicionScore DESC, @timestamp DESC\n\
             | KEEP @timestamp, host, {names}, {signal_column},\n    \
             {flags}\n",
            events = events.join(", "),
            fields = lines.join(",\n    "),
            names = EVENT_COLUMNS.join(", "),
            signal_column = signal_column.join(", "),
            flags = flags.join(", "),
        )
    }
}
