//! Splunk: the source search itself, with the two patterns replaced and its ORs in parentheses.

use super::Rule;
use super::pattern::{Dialect, Refusal, written};
use super::search::{Parts, Syntax, list, one_of};
use crate::detect::exception::Day;
use crate::detect::pattern::Pattern;
use crate::detect::technique::{Operator, Test};
use crate::model::row::SEARCH_COLUMNS;

/// Splunk's search processing language.
pub(super) struct Spl;

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

fn term(column: &str, before: &str, text: &str, after: &str) -> String {
    format!("{column}={}", quoted(&format!("{before}{text}{after}")))
}

impl Syntax for Spl {
    const AND: &'static str = " AND ";
    const OR: &'static str = " OR ";
    const IS: &'static str = "=";
    // The base search binds OR before AND, so that a clause is written without AND.
    const AND_AFTER_EVENT: &'static str = " ";
    const AND_IN_CLAUSE: &'static str = " ";
    const OR_CLAUSE: &'static str = "\n  OR ";
    const CASE: &'static str = "case(";
    const ELSE: &'static str = "true(), ";
    const NEXT_BRANCH: &'static str = ",\n    ";
    const ONE_LINE: bool = false;
    const LEAVES_OUT_EVENTS: bool = false;
    const LEAVES_OUT_FLAGS: bool = false;
    const NO_EXCEPTION: &'static str = "null()";
    const HAS_EXCEPTION: &'static str = "isnotnull(Exception)";
    const REMARK: &'static str = "";

    fn quoted(text: &str) -> String {
        quoted(text)
    }

    fn event(code: u16) -> String {
        format!("EventCode={code}")
    }

    fn equals(column: &str, terms: &[&str]) -> String {
        format!("({})", list(terms, Self::OR, |text| term(column, "", text, "")))
    }

    fn ends_with(column: &str, text: &str) -> String {
        term(column, "*", text, "")
    }

    fn contains(column: &str, text: &str) -> String {
        term(column, "*", text, "*")
    }

    fn contains_with_case(column: &str, terms: &[&str]) -> String {
        format!("match({column}, {})", quoted(&one_of(terms)))
    }

    // eval has no wildcards: the same as a regular expression.
    fn test_in_case(test: &Test, column: &str) -> String {
        let (before, after) = match test.operator {
            Operator::Equals => (r"\A", r"\z"),
            Operator::EndsWith => ("", r"\z"),
            Operator::Contains => ("", ""),
        };
        format!("match({column}, {})", quoted(&format!("(?i){before}{}{after}", one_of(test.terms))))
    }

    fn is_one_of(column: &str, words: &[String]) -> String {
        let each: Vec<String> = words.iter().map(|word| format!("{column}={word}")).collect();
        if each.len() == 1 { each.concat() } else { format!("({})", each.join(Self::OR)) }
    }

    fn matches(column: &str, pattern: &Pattern) -> Result<String, Refusal> {
        Ok(format!("match({column}, {})", quoted(&written(Dialect::Pcre, pattern)?)))
    }

    fn flag(column: &str, pattern: &Pattern) -> Result<String, Refusal> {
        Ok(format!("if({}, 1, 0)", Self::matches(column, pattern)?))
    }

    fn until(last: Day) -> String {
        format!("now()<{}", last.end())
    }

    fn query(parts: &Parts, _: &Rule<'_>) -> String {
        let Parts { clauses, signal, ci, ide, exception, score, alert, .. } = parts;
        // The add-on of today puts the channel's name in `source`, older ones in `sourcetype`.
        let channel = "Microsoft-Windows-Sysmon/Operational";
        let channels: Vec<String> = ["source", "sourcetype"]
            .iter()
            .flat_map(|field| {
                ["XmlWinEventLog", "WinEventLog"].map(|kind| format!("{field}=\"{kind}:{channel}\""))
            })
            .collect();
        let remark = format!("{}{}", parts.join_remark, parts.script_remark);
        let remark = match remark.trim() {
            "" => String::new(),
            remark => format!("```{remark}```\n"),
        };
        let exception = match &**exception {
            "" => String::new(),
            case => format!("| eval Exception={case}\n"),
        };
        format!(
            "{remark}({channels})\n\
             ( {clauses} )\n\
             | eval Signal={signal}\n\
             | eval IsCISystem={ci}\n\
             | eval IsKnownIDE={ide}\n\
             {exception}| eval SuspicionScore={score}\n\
             | where SuspicionScore>={alert}\n\
             | sort 0 - SuspicionScore, - _time\n\
             | table {columns}\n",
            channels = channels.join(Self::OR),
            columns = SEARCH_COLUMNS.join(", "),
        )
    }
}
