//! The tuned detection for other engines, and the two patterns out of a Splunk search.
//!
//! The query is written once, from the technique's table (`search`); an engine is a file of small functions in which it
//! differs. A new engine is a file here, and its name in [`Engine`].

mod clickhouse;
mod esql;
mod exceptions;
mod import;
mod kql;
mod pattern;
mod search;
mod sigma;
mod spl;

pub use import::{ImportError, import, patterns_toml};

use clap::ValueEnum;

use crate::detect::TECHNIQUE;
use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::detect::technique::Technique;
use crate::model::row::SEARCH_COLUMNS;

/// An engine that a detection can be written for. The comments are the command line's help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Engine {
    /// Splunk
    Spl,
    /// A Sigma rule
    Sigma,
    /// Microsoft Sentinel
    Kql,
    /// Elasticsearch
    Esql,
    /// ClickHouse, over a flat table
    Clickhouse,
}

/// The detection to export, as it is tuned.
#[derive(Clone, Copy, Debug)]
pub struct Rule<'a> {
    /// The two patterns.
    pub patterns: &'a Patterns,
    /// The exceptions that suppress.
    pub exceptions: &'a Exceptions,
    /// How the search is read.
    pub profile: Profile,
    /// ClickHouse: the table.
    pub table: &'a str,
}

/// Writes the detection for an engine.
///
/// # Errors
/// A sentence, where the engine can't say what a pattern says.
pub fn export(engine: Engine, rule: &Rule<'_>) -> Result<String, String> {
    export_of(&TECHNIQUE, engine, rule)
}

fn export_of(technique: &Technique, engine: Engine, rule: &Rule<'_>) -> Result<String, String> {
    match engine {
        Engine::Spl => search::write::<spl::Spl>(technique, rule),
        Engine::Sigma => sigma::write(technique, rule),
        Engine::Kql => search::write::<kql::Kql>(technique, rule),
        Engine::Esql => search::write::<esql::Esql>(technique, rule),
        Engine::Clickhouse => search::write::<clickhouse::ClickHouse>(technique, rule),
    }
}

/// The search's columns that are fields of events, and that an engine has to name.
const EVENT_COLUMNS: &[&str] = BEFORE_VERDICT.split_at(2).1;
const BEFORE_VERDICT: &[&str] = SEARCH_COLUMNS.split_at(SEARCH_COLUMNS.len() - 4).0;
/// The search's columns that it computes: `Signal`, the two flags and the score.
const VERDICT_COLUMNS: &[&str] = SEARCH_COLUMNS.split_at(SEARCH_COLUMNS.len() - 4).1;

/// Writes a remark on patterns that mean less there outside of ASCII; empty without such a pattern.
fn script_remark(rule: &Rule<'_>, mark: &str) -> String {
    if search::depends_on_scripts(rule) {
        format!(
            "{mark} \\d, \\w, \\s and \\b in the patterns know the letters, digits and blanks of ASCII alone here.\n"
        )
    } else {
        String::new()
    }
}

/// Writes a remark on the joins that an engine can't do alone; empty for `spl`.
fn join_remark(rule: &Rule<'_>, mark: &str) -> String {
    match rule.profile {
        Profile::Spl => String::new(),
        Profile::Correlated | Profile::Hunt => format!(
            "{mark} The signal follows the clause, without case. What this can't do alone: give an Event 3 the parent of\n\
             {mark} its process's Event 1 (join by host and ProcessGuid), and the name that its process asked DNS for\n\
             {mark} (an Event 22 of the same host and ProcessGuid whose QueryResults hold the DestinationIp).\n{}",
            if rule.profile == Profile::Hunt {
                format!(
                    "{mark} The leads of hunt are made of several events each; they stay where they are made.\n"
                )
            } else {
                String::new()
            }
        ),
    }
}

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod table_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::exception::{Day, Exception};
    use crate::detect::pattern::Pattern;

    /// One on three fields and for a time, one on the host alone.
    fn exceptions() -> Exceptions {
        use crate::detect::exception::ExceptionField::{CommandLine, Host, User};
        let term = |field, text| (field, Pattern::new(text).unwrap());
        Exceptions::new(vec![
            Exception {
                name: "nightly mirror".to_owned(),
                reason: "ours".to_owned(),
                expires: Day::new(2026, 12, 31),
                terms: vec![
                    term(Host, r"(?i)^mirror-\d+\."),
                    term(User, r"svc-mirror$"),
                    term(CommandLine, r#"push "it's""#),
                ],
            },
            Exception {
                name: "scan\nner".to_owned(),
                reason: "ours".to_owned(),
                expires: None,
                terms: vec![term(Host, "^scanner$")],
            },
        ])
    }

    #[test]
    fn every_engine_gets_the_exceptions() {
        let patterns = Patterns::new(None, None).unwrap();
        let (with, without) = (exceptions(), Exceptions::default());
        for engine in Engine::value_variants().iter().copied() {
            let write = |exceptions| {
                let rule = Rule { patterns: &patterns, exceptions, profile: Profile::Spl, table: "sysmon" };
                export(engine, &rule).unwrap()
            };
            let text = write(&with);
            for part in ["mirror", "svc", "it", "scan<U+000A>ner"] {
                assert!(text.contains(part), "{engine:?} lacks {part}:\n{text}");
            }
            let end = ["1798761600", "2027-01-01", "2026-12-31"];
            assert!(end.iter().any(|end| text.contains(end)), "{engine:?} has no end:\n{text}");
            assert!(!write(&without).to_lowercase().contains("exception"), "{engine:?}: nothing to except");
        }
    }

    #[test]
    fn every_engine_gets_patterns_and_lists() {
        let patterns = Patterns::new(Some(r#"(?i)build-\d+|it's "ours""#), Some(r"\\code\.exe$")).unwrap();
        for profile in Profile::ALL {
            let exceptions = exceptions();
            let rule = Rule { patterns: &patterns, exceptions: &exceptions, profile, table: "sysmon" };
            for engine in Engine::value_variants().iter().copied() {
                let text = export(engine, &rule).unwrap();
                for part in ["build", "code", "codeberg.org", "requests.post", "gist.github.com", "ruby.exe"]
                {
                    assert!(text.contains(part), "{engine:?} {profile:?} lacks {part}:\n{text}");
                }
            }
        }
    }

    #[test]
    fn every_engine_gets_builtin_exceptions() {
        let patterns = Patterns::new(None, None).unwrap();
        for builtin in &crate::detect::exception::BUILTINS {
            let exceptions = Exceptions::new(vec![builtin.exception().unwrap()]);
            for profile in Profile::ALL {
                let rule = Rule { patterns: &patterns, exceptions: &exceptions, profile, table: "sysmon" };
                for engine in Engine::value_variants().iter().copied() {
                    let text = export(engine, &rule).unwrap();
                    assert!(text.contains(builtin.name), "{engine:?}");
                }
            }
        }
    }

    #[test]
    fn exported_rule_holds_no_control_character() {
        let patterns = Patterns::new(Some("a\nb\x1b\u{202e}c"), Some("[\u{85}-\u{90}]|\t")).unwrap();
        let exceptions = exceptions();
        let table = "a\n`b\u{202e}";
        let rule = Rule { patterns: &patterns, exceptions: &exceptions, profile: Profile::Hunt, table };
        for engine in [Engine::Spl, Engine::Sigma, Engine::Kql, Engine::Clickhouse] {
            let text = export(engine, &rule).unwrap();
            let found = text.chars().find(|c| *c != '\n' && crate::model::text::is_forbidden(*c));
            assert_eq!(found, None, "{engine:?}:\n{text}");
        }
        let refusal = export(Engine::Esql, &rule).unwrap_err();
        assert!(refusal.starts_with("the pattern ci-host: ES|QL can't say `"), "{refusal}");
        assert!(!refusal.contains(crate::model::text::is_forbidden), "{refusal}");
    }

    #[test]
    fn refusal_names_the_exception_and_its_field() {
        use crate::detect::exception::ExceptionField::User;
        let patterns = Patterns::new(None, None).unwrap();
        let exceptions = Exceptions::new(vec![Exception {
            name: "mirror".to_owned(),
            reason: "ours".to_owned(),
            expires: None,
            terms: vec![(User, Pattern::new(r"\<svc").unwrap())],
        }]);
        let rule = Rule { patterns: &patterns, exceptions: &exceptions, profile: Profile::Spl, table: "x" };
        for engine in Engine::value_variants().iter().copied() {
            let refusal = export(engine, &rule).unwrap_err();
            assert!(refusal.starts_with("the exception mirror, its user: "), "{refusal}");
            assert!(refusal.ends_with(r"write `\b` for the beginning and the end of a word"), "{refusal}");
        }
    }

    #[test]
    fn splunk_export_is_imported_back() {
        let patterns = Patterns::new(Some(r#"(?i)a\\b"c|\bci[-_]"#), Some(r"\\x\.exe")).unwrap();
        let exceptions = exceptions();
        let rule = Rule { patterns: &patterns, exceptions: &exceptions, profile: Profile::Spl, table: "" };
        let text = export(Engine::Spl, &rule).unwrap();
        let (ci_host, ide_parent) = import(&text).unwrap();
        assert_eq!(ci_host, patterns.ci_host.text());
        assert_eq!(ide_parent, patterns.ide_parent.text());
    }
}
