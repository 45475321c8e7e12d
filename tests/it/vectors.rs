//! Holds the `spl` profile against the reference vectors, where they are present next to the project.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what fails by failing"
)]

use std::path::Path;

use exfilscope::detect::explain::judge;
use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::detect::{ALERT_SCORE, DetectionInput};
use serde_json::Value;

fn text<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    event.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn event_code(event: &Value) -> u16 {
    match &event["EventCode"] {
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()).unwrap_or(0),
        Value::String(digits) => digits.parse().unwrap_or(0),
        _ => 0,
    }
}

#[test]
fn spl_profile_agrees_with_reference_vectors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/vectors");
    let patterns = Patterns::new(None, None).unwrap();
    let mut compared = 0;
    for name in ["cases.jsonl", "spl.jsonl"] {
        let Ok(lines) = std::fs::read_to_string(folder.join(name)) else {
            eprintln!("{name} is not here: nothing to compare with");
            continue;
        };
        for line in lines.lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            let (event, expected) = (&case["event"], &case["expect"]);
            let facts = DetectionInput {
                event_code: event_code(event),
                host: text(event, "host"),
                image: text(event, "Image"),
                command_line: text(event, "CommandLine"),
                parent_image: text(event, "ParentImage"),
                destination_hostname: text(event, "DestinationHostname"),
            };
            let verdict = judge(Profile::Spl, &facts, &patterns);
            assert_eq!(Some(verdict.is_some()), expected["selected"].as_bool(), "selected: {line}");
            if let Some(verdict) = verdict {
                assert_eq!(Some(verdict.signal.name()), expected["Signal"].as_str(), "Signal: {line}");
                assert_eq!(
                    Some(u64::from(verdict.is_ci_system)),
                    expected["IsCISystem"].as_u64(),
                    "IsCISystem: {line}"
                );
                assert_eq!(
                    Some(u64::from(verdict.is_known_ide)),
                    expected["IsKnownIDE"].as_u64(),
                    "IsKnownIDE: {line}"
                );
                assert_eq!(
                    Some(u64::from(verdict.score)),
                    expected["SuspicionScore"].as_u64(),
                    "score: {line}"
                );
                assert_eq!(Some(verdict.score >= ALERT_SCORE), expected["alert"].as_bool(), "alert: {line}");
            }
            compared += 1;
        }
    }
    eprintln!("{compared} vectors agree");
}
