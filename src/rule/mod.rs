//! The tuned detection for other engines, and the two patterns out of a Splunk search.
//!
//! Each engine has its own file; all of them are written from the detection's own lists, so that none can fall behind.

mod clickhouse;
mod esql;
mod import;
mod kql;
mod sigma;
mod spl;

pub use import::{ImportError, import};

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

/// The columns of the search, in their order.
const COLUMNS: [&str; 12] = [
    "_time",
    "host",
    "User",
    "Image",
    "CommandLine",
    "ParentImage",
    "ParentCommandLine",
    "DestinationHostname",
    "Signal",
    "IsCISystem",
    "IsKnownIDE",
    "SuspicionScore",
];

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

    #[test]
    fn every_engine_gets_both_patterns_and_all_lists() {
        let patterns = Patterns::new(Some(r#"(?i)build-\d+|it's "ours""#), Some(r"\\code\.exe$")).unwrap();
        for profile in Profile::ALL {
            let rule = Rule { patterns: &patterns, profile, table: "sysmon" };
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
        let rule = Rule { patterns: &patterns, profile: Profile::Spl, table: "" };
        let text = export(Engine::Spl, &rule).unwrap();
        let (ci_host, ide_parent) = import(&text).unwrap();
        assert_eq!(ci_host, patterns.ci_host.text());
        assert_eq!(ide_parent, patterns.ide_parent.text());
    }
}
