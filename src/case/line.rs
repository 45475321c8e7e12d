//! A decision as a line of the case file. The columns have the names of the rows.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Decision, Identity, MAX_NOTE};
use crate::model::secrets;
use crate::model::text::is_forbidden;
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

/// Bytes of a line that are read; a decision has far fewer.
pub const MAX_LINE_BYTES: usize = 64 << 10;

#[derive(Serialize, Deserialize)]
struct Line {
    verdict: String,
    #[serde(default)]
    note: String,
    at: Option<String>,
    by: Option<String>,
    #[serde(rename = "_time")]
    time: Option<String>,
    host: Option<String>,
    #[serde(rename = "Signal", default)]
    signal: String,
    #[serde(rename = "EventCode")]
    event_code: u16,
    #[serde(rename = "RecordId")]
    record_id: Option<u64>,
    #[serde(rename = "ProcessGuid")]
    process_guid: Option<String>,
}

/// The note as it is kept: one line, secrets masked, no longer than [`MAX_NOTE`].
#[must_use]
pub fn clean_note(note: &str) -> String {
    let line: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    secrets::mask(line.trim()).chars().take(MAX_NOTE).collect()
}

/// Returns the line of a decision, its line break included; secrets are masked, and no character is one that a terminal
/// would obey.
#[must_use]
pub fn write(decision: &Decision) -> String {
    let masked = |text: &str| secrets::mask(text).into_owned();
    let identity = &decision.identity;
    let line = Line {
        verdict: decision.verdict.name().to_owned(),
        note: clean_note(&decision.note),
        at: decision.at.map(|at| at.to_string()),
        by: decision.by.as_deref().map(masked),
        time: identity.time().map(|time| time.to_string()),
        host: decision.host.as_deref().map(masked),
        signal: decision.signal.clone(),
        event_code: identity.event_code(),
        record_id: identity.record_id(),
        process_guid: identity.process_guid().map(masked),
    };
    // Strings and numbers alone: serialising them cannot fail.
    let json = serde_json::to_string(&line).unwrap_or_default();
    let mut text = String::with_capacity(json.len() + 1);
    for character in json.chars() {
        if is_forbidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text.push('\n');
    text
}

/// Reads a line, without its line break.
///
/// # Errors
/// The fault, as a clause.
pub fn read(line: &[u8]) -> Result<Decision, String> {
    let line: Line = serde_json::from_slice(line).map_err(|error| {
        if error.is_data() {
            format!("it is no decision: {error}")
        } else {
            format!("it is no JSON: {error}")
        }
    })?;
    let verdict = Verdict::from_name(&line.verdict)
        .ok_or_else(|| format!("{} is no verdict; malicious, benign, unclear and none are", line.verdict))?;
    let moment = |text: Option<&str>, name: &str| {
        text.map(|text| Timestamp::parse(text).ok_or_else(|| format!("{name} is no time"))).transpose()
    };
    let (at, time) = (moment(line.at.as_deref(), "at")?, moment(line.time.as_deref(), "_time")?);
    let (host, guid) = (line.host.as_deref(), line.process_guid.as_deref());
    let identity = Identity::new(host, line.event_code, line.record_id, time, guid)
        .ok_or("it has neither RecordId nor _time, so that no alert can be meant")?;
    Ok(Decision {
        identity,
        verdict,
        note: clean_note(&line.note),
        at,
        by: line.by,
        host: line.host,
        signal: line.signal,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn decision(record_id: u64, note: &str) -> Decision {
        let time = Timestamp::parse("2026-03-10T13:37:00.1234567Z");
        Decision {
            identity: Identity::new(Some("WS-1.corp"), 1, Some(record_id), time, Some("{AB}")).unwrap(),
            verdict: Verdict::Malicious,
            note: note.to_owned(),
            at: Timestamp::parse("2026-03-11T03:00:00Z"),
            by: Some("alice".to_owned()),
            host: Some("WS-1.corp".to_owned()),
            signal: "GitPushExternal".to_owned(),
        }
    }

    #[test]
    fn a_line_reads_well() {
        assert_eq!(
            write(&decision(7, "called bob")),
            concat!(
                r#"{"verdict":"malicious","note":"called bob","at":"2026-03-11T03:00:00Z","by":"alice","#,
                r#""_time":"2026-03-10T13:37:00.1234567Z","host":"WS-1.corp","Signal":"GitPushExternal","#,
                r#""EventCode":1,"RecordId":7,"ProcessGuid":"{AB}"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn secrets_and_what_a_terminal_obeys_stay_out_of_the_file() {
        let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        let line = write(&decision(7, &format!("token {token}\nsecond\u{202e} \u{1b}[2J")));
        assert!(!line.contains(&token) && line.contains("ghp_****"), "{line}");
        assert_eq!(line.matches('\n').count(), 1);
        assert!(!line.trim_end().chars().any(is_forbidden), "{line:?}");
    }

    #[test]
    fn what_is_no_decision_is_named() {
        for (line, reason) in [
            ("", "no JSON"),
            ("{\"verdict\":\"malic", "no JSON"),
            ("[]", "no decision"),
            (r#"{"verdict":"guilty","EventCode":1,"RecordId":1}"#, "guilty is no verdict"),
            (r#"{"verdict":"benign","EventCode":1}"#, "neither RecordId nor _time"),
            (r#"{"verdict":"benign","EventCode":70000,"RecordId":1}"#, "no decision"),
            (r#"{"verdict":"benign","EventCode":1,"_time":"noon"}"#, "_time is no time"),
        ] {
            let error = read(line.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(record in any::<u64>(), note in "\\PC{0,80}") {
            let decision = decision(record, &note);
            let line = write(&decision);
            let read = read(line.trim_end().as_bytes()).unwrap();
            prop_assert_eq!(&read.identity, &decision.identity);
            prop_assert_eq!(&read.note, &clean_note(&note));
            prop_assert_eq!(write(&read), line);
        }

        #[test]
        fn no_line_is_too_much(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&line);
        }
    }
}
