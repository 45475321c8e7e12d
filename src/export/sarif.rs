//! Rows as a SARIF 2.1.0 log: a run of this program, with a result for each row.
//!
//! The signals are the rules, each related to the technique in MITRE ATT&CK. `error`, `warning` and `note` are the
//! scores 3, 2 and 1; selected but suppressed rows are informational. The row itself, column by column, is in the
//! result's property bag. The location is the log file that holds the record.

use std::borrow::Borrow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use super::json::{JsonRow, to_json};
use super::{ExportOptions, safe};
use crate::detect::TECHNIQUE;
use crate::model::row::{AlertRow, Signal};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const TAXONOMY: &str = "MITRE ATT&CK";
/// The highest score, for SARIF's rank of 0 to 100.
const HIGHEST_SCORE: u8 = 3;

pub(super) fn write(
    out: &mut dyn Write,
    rows: impl Iterator<Item = impl Borrow<AlertRow>>,
    options: &ExportOptions,
) -> io::Result<()> {
    let rows: Vec<_> = rows.collect();
    let rows: Vec<&AlertRow> = rows.iter().map(Borrow::borrow).collect();
    let mut signals: Vec<Signal> = Signal::ALL
        .iter()
        .copied()
        .filter(|signal| *signal != Signal::Unknown && !signal.is_lead())
        .collect();
    // Leads and rows without a signal are rules only where such a row exists.
    let is_met = |signal: &Signal| rows.iter().any(|row| row.signal == *signal);
    let others: Vec<Signal> =
        Signal::ALL.iter().copied().filter(|signal| !signals.contains(signal)).filter(is_met).collect();
    signals.extend(others);

    let mut text = Vec::new();
    text.extend_from_slice(br#"{"$schema":"#);
    to_json(&mut text, &SCHEMA)?;
    text.extend_from_slice(br#","version":"2.1.0","runs":[{"tool":"#);
    to_json(&mut text, &tool(&signals))?;
    text.extend_from_slice(br#","taxonomies":"#);
    to_json(&mut text, &json!([taxonomy()]))?;
    text.extend_from_slice(br#","results":["#);
    out.write_all(&text)?;
    let mut before = "\n";
    for row in rows {
        text.clear();
        text.extend_from_slice(before.as_bytes());
        let rule_index = signals.iter().position(|signal| *signal == row.signal);
        to_json(&mut text, &result(row, rule_index, options))?;
        out.write_all(&text)?;
        before = ",\n";
    }
    out.write_all(b"\n]}]}\n")
}

fn tool(signals: &[Signal]) -> Value {
    json!({"driver": {
        "name": "exfilscope",
        "version": env!("CARGO_PKG_VERSION"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "shortDescription": {"text": env!("CARGO_PKG_DESCRIPTION")},
        "rules": signals.iter().map(|signal| rule(*signal)).collect::<Vec<_>>(),
        "supportedTaxonomies": [{"name": TAXONOMY, "index": 0}],
    }})
}

fn rule(signal: Signal) -> Value {
    json!({
        "id": signal.name(),
        "name": signal.name(),
        "shortDescription": {"text": signal.meaning()},
        "fullDescription": {"text": full_description(signal)},
        "helpUri": TECHNIQUE.page,
        "defaultConfiguration": {"level": match (signal, TECHNIQUE.max_score(signal)) {
            (Signal::Unknown, _) => "none",
            (_, Some(HIGHEST_SCORE..)) => "error",
            // Each of a lead's rows has its own score.
            _ => "warning",
        }},
        "relationships": [{
            "target": {"id": TECHNIQUE.id, "index": 0, "toolComponent": {"name": TAXONOMY, "index": 0}},
            "kinds": ["relevant"],
        }],
    })
}

const fn full_description(signal: Signal) -> &'static str {
    match signal {
        Signal::GitPushExternal => {
            "git ran with a push on its command line and a public code repository as its target (Sysmon Event 1)."
        }
        Signal::CodeRepoAPIUpload => {
            "A script host or a download tool ran with the API of a public code repository and a word of sending on its command line (Sysmon Event 1)."
        }
        Signal::NetworkConnectionToCodeRepo => {
            "git, a script host or a download tool opened a connection to a public code repository (Sysmon Event 3)."
        }
        Signal::Unknown => "A clause of the search selected the event, but no branch of its signal knows it.",
        lead => lead.meaning(),
    }
}

/// A name as SARIF's identifiers are written: `ExfiltrationToCodeRepository`.
fn title_case(name: &str) -> String {
    let words = name.split(' ').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

fn taxonomy() -> Value {
    let own_name = TECHNIQUE.name.rsplit(": ").next().unwrap_or(TECHNIQUE.name);
    json!({
        "name": TAXONOMY,
        "organization": "The MITRE Corporation",
        "shortDescription": {"text": "Adversary tactics and techniques."},
        "informationUri": "https://attack.mitre.org/",
        "isComprehensive": false,
        "taxa": [{
            "id": TECHNIQUE.id,
            "name": title_case(own_name),
            "shortDescription": {"text": format!("{}.", TECHNIQUE.name)},
            "helpUri": TECHNIQUE.page,
        }],
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    kind: &'static str,
    level: &'static str,
    rank: f64,
    message: Value,
    locations: Value,
    partial_fingerprints: Value,
    taxa: Value,
    properties: JsonRow<'a>,
}

fn result<'a>(row: &'a AlertRow, rule_index: Option<usize>, options: &ExportOptions) -> SarifResult<'a> {
    let (kind, level) = match row.suspicion_score {
        0 => ("informational", "none"),
        1 => ("fail", "note"),
        2 => ("fail", "warning"),
        _ => ("fail", "error"),
    };
    let sentence = match row.explanation.sentence.as_str() {
        "" => row.signal.meaning(),
        sentence => sentence,
    };
    SarifResult {
        rule_id: row.signal.name(),
        rule_index,
        kind,
        level,
        rank: f64::from(row.suspicion_score.min(HIGHEST_SCORE)) / f64::from(HIGHEST_SCORE) * 100.0,
        message: json!({"text": message_text(&safe::shown(sentence, options.reveal_secrets))}),
        locations: json!([location(row, options)]),
        partial_fingerprints: json!({"hostRecordTime/v1": fingerprint(row, options)}),
        taxa: json!([{"id": TECHNIQUE.id, "index": 0, "toolComponent": {"name": TAXONOMY, "index": 0}}]),
        properties: JsonRow { row, reveal_secrets: options.reveal_secrets },
    }
}

/// In a SARIF message braces are placeholders unless doubled, and `[text](target)` is a link.
fn message_text(sentence: &str) -> String {
    sentence.replace('{', "{{").replace('}', "}}").replace("](", "] (")
}

fn location(row: &AlertRow, options: &ExportOptions) -> Value {
    let uri = if row.source.is_empty() {
        "unknown".to_owned()
    } else {
        percent_encoded(&safe::masked(&row.source, options.reveal_secrets))
    };
    let mut location = json!({"physicalLocation": {"artifactLocation": {"uri": uri}}});
    let host = row.host.as_deref().filter(|host| !host.is_empty());
    if let (Some(host), Some(object)) = (host, location.as_object_mut()) {
        let host = safe::masked(host, options.reveal_secrets);
        object.insert("logicalLocations".to_owned(), json!([{"name": host, "kind": "resource"}]));
    }
    location
}

/// Returns a record's fingerprint, which is the same in another scan.
fn fingerprint(row: &AlertRow, options: &ExportOptions) -> String {
    let host = safe::masked(row.host.as_deref().unwrap_or_default(), options.reveal_secrets);
    let record_id = row.record_id.map(|record_id| record_id.to_string()).unwrap_or_default();
    // The digits that a format shows of a time differ from source to source; the time does not.
    let time = row.time.map(|time| format!("{}.{:09}", time.unix_seconds(), time.subsec_nanoseconds()));
    format!("{host}|{record_id}|{}", time.unwrap_or_default())
}

/// A file name as a relative URI: everything but RFC 3986's unreserved characters as `%XX`, so that a colon is no scheme
/// and a slash no folder.
fn percent_encoded(name: &str) -> String {
    use std::fmt::Write as _;

    let mut uri = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_uris() {
        for (name, uri) in [
            ("day1.evtx", "day1.evtx"),
            ("day 1 (copy).evtx", "day%201%20%28copy%29.evtx"),
            ("Microsoft-Windows-Sysmon%4Operational.evtx", "Microsoft-Windows-Sysmon%254Operational.evtx"),
            ("http://x", "http%3A%2F%2Fx"),
            ("größe", "gr%C3%B6%C3%9Fe"),
        ] {
            assert_eq!(percent_encoded(name), uri);
        }
    }

    #[test]
    fn a_message_makes_no_placeholder_and_no_link() {
        assert_eq!(message_text(r#"{"a":[0]}"#), r#"{{"a":[0]}}"#);
        assert_eq!(message_text(r"[x](1) [y\](2)"), r"[x] (1) [y\] (2)");
    }
}
