//! A Sigma rule. Sigma has no score: a hit is an event that scores an alert.

use std::fmt::Write as _;

use super::pattern::{Dialect, written};
use super::search::{both, list};
use super::{Rule, exceptions, join_remark, script_remark};
use crate::detect::ALERT_SCORE;
use crate::detect::exception::ExceptionField;
use crate::detect::profile::Profile;
use crate::detect::technique::{Clause, Operator, Score, Technique, Test};
use crate::model::text::is_forbidden;

/// A YAML string between single quotes, or between double ones where it holds invisible characters: only these have
/// escapes.
fn quoted(text: &str) -> String {
    if !text.contains(is_forbidden) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from('"');
    for c in text.chars() {
        let number = u32::from(c);
        // Writing into a string can't fail.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            c if !is_forbidden(c) => write!(out, "{c}"),
            _ if number <= 0xFF => write!(out, "\\x{number:02X}"),
            _ if number <= 0xFFFF => write!(out, "\\u{number:04X}"),
            _ => write!(out, "\\U{number:08X}"),
        };
    }
    out.push('"');
    out
}

/// A selection for each exception. Sigma knows no clock: a last day is a remark.
fn excepted(rule: &Rule<'_>) -> Result<String, String> {
    let mut selections = String::new();
    for (number, exception) in rule.exceptions.all().iter().enumerate() {
        let name = exceptions::name(exception);
        let until = exception.expires.map_or_else(String::new, |last| format!("; take it out after {last}"));
        let _ = writeln!(selections, "    # {name}{until}\n    exception_{}:", number + 1);
        for (field, pattern) in &exception.terms {
            let column = if *field == ExceptionField::Host { "Computer" } else { field.column() };
            let regex = written(Dialect::Sigma, pattern)
                .map_err(|refusal| format!("the exception {name}, its {}: {refusal}", field.key()))?;
            let _ = writeln!(selections, "        {column}|re: {}", quoted(&regex));
        }
    }
    Ok(selections)
}

/// A selection's name, its text, and the fields and operators that it holds.
type Selection<'a> = (String, String, Vec<(&'a str, Operator)>);

/// The selections of a clause, each with its name. A selection holds a field once for each operator, so that another test of
/// the same makes another selection.
fn selections(technique: &Technique, profile: Profile, clause: &Clause) -> Vec<(String, String)> {
    let mut all: Vec<Selection<'_>> =
        vec![(clause.name.to_owned(), format!("        EventID: {}\n", clause.event), Vec::new())];
    for test in clause.tests {
        let key = (test.field.name(), test.operator);
        let fields = fields(test, technique.terms_under(profile, clause, test));
        match all.iter_mut().find(|(.., keys)| !keys.contains(&key)) {
            Some((_, text, keys)) => {
                text.push_str(&fields);
                keys.push(key);
            }
            None => all.push((format!("{}_{}", clause.name, test.label), fields, vec![key])),
        }
    }
    all.into_iter().map(|(name, text, _)| (name, text)).collect()
}

fn fields(test: &Test, terms: &[&str]) -> String {
    let modifier = match test.operator {
        Operator::Equals => "",
        Operator::EndsWith => "|endswith",
        Operator::Contains => "|contains",
    };
    let items = list(terms, "\n", |text| format!("            - {}", quoted(text)));
    format!("        {}{modifier}:\n{items}\n", test.field.name())
}

/// A flag that a row of the scores asks for, as a condition after others.
fn flag(wanted: Option<bool>, selection: &str) -> String {
    match wanted {
        Some(true) => format!(" and {selection}"),
        Some(false) => format!(" and not {selection}"),
        None => String::new(),
    }
}

/// The condition of the events that score an alert.
fn condition(technique: &Technique, rule: &Rule<'_>, clauses: &[(&Clause, Vec<(String, String)>)]) -> String {
    let alerts: Vec<&Score> = technique.scores.iter().filter(|row| row.score >= ALERT_SCORE).collect();
    let without_ci = alerts.iter().all(|row| row.is_ci_system == Some(false));
    let mut alternatives = Vec::new();
    for (clause, selections) in clauses {
        let names: Vec<&str> = selections.iter().map(|(name, _)| name.as_str()).collect();
        for row in alerts.iter().filter(|row| row.signals.contains(&clause.signal)) {
            let ci = if without_ci { String::new() } else { flag(row.is_ci_system, "ci_system") };
            let ide = flag(row.is_known_ide, "known_ide");
            alternatives.push(format!("({}{ci}{ide})", names.join(" and ")));
        }
    }
    let mut condition = String::new();
    if without_ci {
        condition.push_str("not ci_system and ");
    }
    if !rule.exceptions.all().is_empty() {
        condition.push_str("not 1 of exception_* and ");
    }
    format!("{condition}({})", alternatives.join(" or "))
}

pub(super) fn write(technique: &Technique, rule: &Rule<'_>) -> Result<String, String> {
    let (ci, ide) = both(rule, |_, pattern| written(Dialect::Sigma, pattern))?;
    let clauses: Vec<(&Clause, Vec<(String, String)>)> = technique
        .clauses
        .iter()
        .map(|clause| (clause, selections(technique, rule.profile, clause)))
        .collect();
    let selections: Vec<String> = clauses
        .iter()
        .flat_map(|(_, selections)| selections)
        .map(|(name, fields)| format!("    {name}:\n{fields}"))
        .collect();
    let selections = selections.concat();
    let remark = join_remark(rule, "#") + &script_remark(rule, "#");
    let Technique { tactic, page, sigma, .. } = technique;
    Ok(format!(
        "{remark}title: {title}\n\
         id: {id}\n\
         status: experimental\n\
         description: {description}\n\
         references:\n    - {page}\n\
         author: exfilscope\n\
         date: {date}\n\
         tags:\n    - attack.{tactic}\n    - attack.{tag}\n\
         logsource:\n    product: windows\n    service: sysmon\n\
         detection:\n\
         {selections}    \
         ci_system:\n        Computer|re: {ci}\n    \
         known_ide:\n        ParentImage|re: {ide}\n{excepted}    \
         condition: {condition}\n\
         falsepositives:\n\
         {false_positives}\n\
         level: high\n",
        title = sigma.title,
        id = sigma.id,
        description = sigma.description,
        date = sigma.date,
        tag = technique.id.to_lowercase(),
        excepted = excepted(rule)?,
        condition = condition(technique, rule, &clauses),
        false_positives = list(sigma.false_positives, "\n", |text| format!("    - {text}")),
        ci = quoted(&ci),
        ide = quoted(&ide),
    ))
}
