//! Kusto, over Microsoft Sentinel's `Event` table, whose EventData is XML.

use super::pattern::{Dialect, Refusal, written};
use super::search::{Parts, Syntax, list, one_of};
use super::{EVENT_COLUMNS, Rule, VERDICT_COLUMNS};
use crate::detect::exception::Day;
use crate::detect::pattern::Pattern;

/// The Kusto query language.
pub(super) struct Kql;

/// A verbatim string: backslashes are literal, a quote is doubled.
fn quoted(text: &str) -> String {
    format!("@\"{}\"", text.replace('"', "\"\""))
}

impl Syntax for Kql {
    const AND: &'static str = " and ";
    const OR: &'static str = " or ";
    const IS: &'static str = " == ";
    const OR_CLAUSE: &'static str = "\n    or ";
    const CASE: &'static str = "case(";
    const NEXT_BRANCH: &'static str = ",\n    ";
    const ONE_LINE: bool = true;
    const LEAVES_OUT_EVENTS: bool = true;
    const LEAVES_OUT_FLAGS: bool = true;
    const NO_EXCEPTION: &'static str = "\"\"";
    const HAS_EXCEPTION: &'static str = "isnotempty(Exception)";
    const REMARK: &'static str = "//";

    fn quoted(text: &str) -> String {
        quoted(text)
    }

    fn word(text: &str) -> String {
        format!("\"{text}\"")
    }

    fn event(code: u16) -> String {
        format!("EventID == {code}")
    }

    fn equals(column: &str, terms: &[&str]) -> String {
        format!("{column} in~ ({})", list(terms, ", ", quoted))
    }

    fn ends_with(column: &str, term: &str) -> String {
        format!("{column} endswith {}", quoted(term))
    }

    fn contains(column: &str, term: &str) -> String {
        format!("{column} contains {}", quoted(term))
    }

    fn contains_with_case(column: &str, terms: &[&str]) -> String {
        match terms {
            [term] => format!("{column} contains_cs {}", Self::word(term)),
            terms => format!("{column} matches regex {}", quoted(&one_of(terms))),
        }
    }

    fn is_one_of(column: &str, words: &[String]) -> String {
        match words {
            [word] => format!("{column} == {word}"),
            words => format!("{column} in ({})", words.join(", ")),
        }
    }

    // An empty column is a missing field there.
    fn matches(column: &str, pattern: &Pattern) -> Result<String, Refusal> {
        let regex = quoted(&written(Dialect::Kusto, pattern)?);
        Ok(format!("isnotempty({column}) and {column} matches regex {regex}"))
    }

    fn flag(column: &str, pattern: &Pattern) -> Result<String, Refusal> {
        Ok(format!("toint({column} matches regex {})", quoted(&written(Dialect::Kusto, pattern)?)))
    }

    fn until(last: Day) -> String {
        format!("now() < datetime({})", last.next())
    }

    fn query(parts: &Parts, _: &Rule<'_>) -> String {
        let Parts { join_remark, events, clauses, signal, ci, ide, exception, score, alert, .. } = parts;
        let events: Vec<String> = events.iter().map(u16::to_string).collect();
        let exception = match &**exception {
            "" => String::new(),
            case => format!("| extend Exception = {case}\n"),
        };
        format!(
            "{join_remark}Event\n\
             | where Source == \"Microsoft-Windows-Sysmon\" and EventID in ({events})\n\
             | extend Data = parse_xml(EventData).DataItem.EventData.Data\n\
             | mv-apply Data on (summarize Fields = make_bag(bag_pack(tostring(Data[\"@Name\"]), tostring(Data[\"#text\"]))))\n\
             | extend {fields}, host = Computer\n\
             | where {clauses}\n\
             | extend Signal = {signal}\n\
             | extend IsCISystem = {ci}, IsKnownIDE = {ide}\n\
             {exception}| extend SuspicionScore = {score}\n\
             | where SuspicionScore >= {alert}\n\
             | sort by SuspicionScore desc, TimeGenerated desc\n\
             | project TimeGenerated, host, {names}, {verdict}\n",
            events = events.join(", "),
            fields = list(EVENT_COLUMNS, ", ", |field| format!("{field} = tostring(Fields.{field})")),
            names = EVENT_COLUMNS.join(", "),
            verdict = VERDICT_COLUMNS.join(", "),
        )
    }
}
