//! The tuned detection for other engines, and the two patterns out of a Splunk search.
//!
//! Each engine has its own file; all of them are written from the detection's own lists, so that none can fall behind.

mod clickhouse;
mod esql;
mod exceptions;
mod import;
mod kql;
mod sigma;
mod spl;

pub use import::{ImportError, import};

use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;

/// An engine that a detection can be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Splunk's search processing language.
    Spl,
    /// A Sigma rule.
    Sigma,
    /// Kusto, as Microsoft Sentinel has it.
    Kql,
    /// Elasticsearch's ES|QL.
    Esql,
    /// One SELECT for ClickHouse.
    Clickhouse,
}

/// What is written.
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
    match engine {
        Engine::Spl => Ok(spl::write(rule)),
        Engine::Sigma => Ok(sigma::write(rule)),
        Engine::Kql => Ok(kql::write(rule)),
        Engine::Esql => esql::write(rule),
        Engine::Clickhouse => Ok(clickhouse::write(rule)),
    }
}

/// A remark on what an engine can't do of `correlated`; empty for `spl`.
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

/// Each text between quotes, escaped by `escape`, with a separator between them.
fn list(texts: &[&str], separator: &str, each: impl Fn(&str) -> String) -> String {
    texts.iter().map(|text| each(text)).collect::<Vec<_>>().join(separator)
}

/// A regular expression that finds one of some plain texts.
fn one_of(texts: &[&str]) -> String {
    format!("({})", list(texts, "|", regex::escape))
}

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
    fn every_engine_gets_the_exceptions_before_the_scores() {
        let patterns = Patterns::new(None, None).unwrap();
        let (with, without) = (exceptions(), Exceptions::default());
        for engine in [Engine::Spl, Engine::Sigma, Engine::Kql, Engine::Esql, Engine::Clickhouse] {
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
    fn every_engine_gets_both_patterns_and_all_lists() {
        let patterns = Patterns::new(Some(r#"(?i)build-\d+|it's "ours""#), Some(r"\\code\.exe$")).unwrap();
        for profile in Profile::ALL {
            let exceptions = exceptions();
            let rule = Rule { patterns: &patterns, exceptions: &exceptions, profile, table: "sysmon" };
            for engine in [Engine::Spl, Engine::Sigma, Engine::Kql, Engine::Clickhouse] {
                let text = export(engine, &rule).unwrap();
                for part in ["build-", "code", "codeberg.org", "requests.post", "gist.github.com", "ruby.exe"]
                {
                    assert!(text.contains(part), "{engine:?} {profile:?} lacks {part}:\n{text}");
                }
            }
        }
    }

    #[test]
    fn an_export_to_splunk_comes_back_by_import() {
        let patterns = Patterns::new(Some(r#"(?i)a\\b"c|\bci[-_]"#), Some(r"\\x\.exe")).unwrap();
        let exceptions = exceptions();
        let rule = Rule { patterns: &patterns, exceptions: &exceptions, profile: Profile::Spl, table: "" };
        let text = export(Engine::Spl, &rule).unwrap();
        let (ci_host, ide_parent) = import(&text).unwrap();
        assert_eq!(ci_host, patterns.ci_host.text());
        assert_eq!(ide_parent, patterns.ide_parent.text());
    }
}
