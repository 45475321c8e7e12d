//! The technique as one table: what it selects, what a selected event is called, and how that scores.
//!
//! All else is computed from it: the selection and its reasons ([`clauses`](super::clauses)), signal and score
//! ([`signal`](super::signal)), the readers' prefilter, and the queries for other engines (`rule`). To change what is
//! detected, change a row here. A new clause is a row of `clauses`; a second technique is a second constant.

use super::profile::Profile;
use crate::model::event::{Field, code};
use crate::model::row::Signal;

/// A technique of MITRE ATT&CK, as a search finds it in Sysmon's events.
#[derive(Clone, Copy, Debug)]
pub struct Technique {
    /// Its number in ATT&CK.
    pub id: &'static str,
    /// Its name in ATT&CK, the name of its parent technique first.
    pub name: &'static str,
    /// Its tactic, as Sigma tags it.
    pub tactic: &'static str,
    /// Its page.
    pub page: &'static str,
    /// The default of the CI-host pattern.
    pub ci_host: &'static str,
    /// The default of the IDE-parent pattern.
    pub ide_parent: &'static str,
    /// The clauses. An event is selected by the first whose tests it all meets.
    pub clauses: &'static [Clause],
    /// The branches of the search's `case()`, which names an event under `spl`. The first that holds counts.
    pub branches: &'static [Branch],
    /// The scores. The first row that holds counts; without one the score is 0.
    pub scores: &'static [Score],
    /// The subject of a report on it, as within a sentence.
    pub subject: &'static str,
    /// The head of the Sigma rule.
    pub sigma: SigmaHead,
}

/// A clause of the selection: an Event ID, and tests that must all hold.
#[derive(Clone, Copy, Debug)]
pub struct Clause {
    /// Its name, in lower case.
    pub name: &'static str,
    /// The Event ID: 1 or 3, the events whose texts the detection reads.
    pub event: u16,
    /// The signal of what it selects, where the profile follows the clause.
    pub signal: Signal,
    /// The tests. Those that fail for most events come first: each event of its ID is held against them.
    pub tests: &'static [Test],
}

/// A test of a field, without case. A missing field fails it.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    /// The field; one that [`DetectionInput::text`](super::DetectionInput::text) knows.
    pub field: Field,
    /// How it is compared.
    pub operator: Operator,
    /// A noun for what the terms are: `host`. Unique within a clause.
    pub label: &'static str,
    /// The terms, of which one must hold. Those that the prefilter takes (of Image and DestinationHostname) are ASCII in
    /// lower case.
    pub terms: &'static [&'static str],
}

/// How a text is compared with a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// It is the term.
    Equals,
    /// It ends with the term.
    EndsWith,
    /// It contains the term.
    Contains,
}

/// A branch of the search's `case()`: unlike the selection it compares with case.
#[derive(Clone, Copy, Debug)]
pub struct Branch {
    /// The Event ID.
    pub event: u16,
    /// The texts that the event must contain.
    pub tests: &'static [CasedTest],
    /// The signal.
    pub signal: Signal,
}

/// A search in a field for one of some texts, with case.
#[derive(Clone, Copy, Debug)]
pub struct CasedTest {
    /// The field.
    pub field: Field,
    /// The label of the clause's test that asks for the same.
    pub label: &'static str,
    /// The texts, of which one must be found.
    pub terms: &'static [&'static str],
}

/// A row of the scores.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    /// The signals that it is for.
    pub signals: &'static [Signal],
    /// The value of `IsCISystem`; `None` for either.
    pub is_ci_system: Option<bool>,
    /// The value of `IsKnownIDE`; `None` for either.
    pub is_known_ide: Option<bool>,
    /// The score.
    pub score: u8,
}

/// The head of a Sigma rule.
#[derive(Clone, Copy, Debug)]
pub struct SigmaHead {
    /// Its UUID. Rule sets know a rule by it, so that it stays whatever changes.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// Its description.
    pub description: &'static str,
    /// The day of its first version.
    pub date: &'static str,
    /// The known false positives.
    pub false_positives: &'static [&'static str],
}

/// The number of a clause within its technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClauseId(u8);

impl ClauseId {
    /// No clause of the search: a lead of `hunt`.
    pub const LEAD: Self = Self(u8::MAX);

    /// Whether it is [`Self::LEAD`].
    #[must_use]
    pub const fn is_lead(self) -> bool {
        self.0 == Self::LEAD.0
    }
}

/// The name of [`ClauseId::LEAD`].
pub const LEAD: &str = "lead";
/// The lowest score that is an alert.
pub const ALERT_SCORE: u8 = 2;

/// Programs with an upload API's client in them: `api`, and the first of `net`.
pub const API_IMAGES: [&str; 6] =
    [r"\curl.exe", r"\wget.exe", r"\python.exe", r"\python3.exe", r"\powershell.exe", r"\pwsh.exe"];
/// `api`: hosts of which `CommandLine` contains one.
pub const API_HOSTS: [&str; 3] = ["api.github.com", "api.gitlab.com", "gist.github.com"];
/// `api`: words of uploading of which `CommandLine` contains one. They are bare substrings: `--output` holds `put`.
pub const API_WORDS: [&str; 8] =
    ["PUT", "POST", "contents", "gists", "upload", "Invoke-RestMethod", "requests.put", "requests.post"];
/// `push`: hosts of which `CommandLine` contains one.
pub const PUSH_HOSTS: [&str; 4] = ["github.com", "gitlab.com", "bitbucket.org", "dev.azure.com"];
/// `push`: the word that `CommandLine` contains.
pub const PUSH_WORD: &str = "push";

/// Exfiltration to Code Repository: the Splunk search that the `spl` profile repeats to the letter.
pub const T1567_001: Technique = Technique {
    id: "T1567.001",
    name: "Exfiltration Over Web Service: Exfiltration to Code Repository",
    tactic: "exfiltration",
    page: "https://attack.mitre.org/techniques/T1567/001/",
    ci_host: r"(?i)(jenkins|gitlab-runner|ci[-_]|build[-_]|deploy|devops|runner|bamboo|teamcity)",
    ide_parent: r"(?i)(code\.exe|idea64\.exe|pycharm|devenv\.exe|sourcetree|gitkraken|fork\.exe|tower\.exe)",
    clauses: &[
        Clause {
            name: "net",
            event: code::NETWORK_CONNECT,
            signal: Signal::NetworkConnectionToCodeRepo,
            tests: &[
                Test {
                    field: Field::DestinationHostname,
                    operator: Operator::Equals,
                    label: "host",
                    terms: &[
                        "github.com",
                        "api.github.com",
                        "gitlab.com",
                        "api.gitlab.com",
                        "bitbucket.org",
                        "api.bitbucket.org",
                        "dev.azure.com",
                        "gist.github.com",
                        "codeberg.org",
                    ],
                },
                Test {
                    field: Field::Image,
                    operator: Operator::EndsWith,
                    label: "program",
                    terms: &[
                        r"\git.exe",
                        r"\curl.exe",
                        r"\wget.exe",
                        r"\python.exe",
                        r"\python3.exe",
                        r"\powershell.exe",
                        r"\pwsh.exe",
                        r"\node.exe",
                        r"\ruby.exe",
                    ],
                },
            ],
        },
        Clause {
            name: "push",
            event: code::PROCESS_CREATE,
            signal: Signal::GitPushExternal,
            tests: &[
                Test {
                    field: Field::Image,
                    operator: Operator::EndsWith,
                    label: "program",
                    terms: &[r"\git.exe"],
                },
                Test {
                    field: Field::CommandLine,
                    operator: Operator::Contains,
                    label: "word",
                    terms: &[PUSH_WORD],
                },
                Test {
                    field: Field::CommandLine,
                    operator: Operator::Contains,
                    label: "host",
                    terms: &PUSH_HOSTS,
                },
            ],
        },
        Clause {
            name: "api",
            event: code::PROCESS_CREATE,
            signal: Signal::CodeRepoAPIUpload,
            tests: &[
                Test {
                    field: Field::Image,
                    operator: Operator::EndsWith,
                    label: "program",
                    terms: &API_IMAGES,
                },
                Test {
                    field: Field::CommandLine,
                    operator: Operator::Contains,
                    label: "host",
                    terms: &API_HOSTS,
                },
                Test {
                    field: Field::CommandLine,
                    operator: Operator::Contains,
                    label: "word",
                    terms: &API_WORDS,
                },
            ],
        },
    ],
    branches: &[
        Branch { event: code::NETWORK_CONNECT, tests: &[], signal: Signal::NetworkConnectionToCodeRepo },
        Branch {
            event: code::PROCESS_CREATE,
            tests: &[
                CasedTest { field: Field::CommandLine, label: "word", terms: &[PUSH_WORD] },
                // The search forgot dev.azure.com here: such a push is selected and has no signal.
                CasedTest {
                    field: Field::CommandLine,
                    label: "host",
                    terms: &["github.com", "gitlab.com", "bitbucket.org"],
                },
            ],
            signal: Signal::GitPushExternal,
        },
        Branch {
            event: code::PROCESS_CREATE,
            tests: &[CasedTest { field: Field::CommandLine, label: "host", terms: &API_HOSTS }],
            signal: Signal::CodeRepoAPIUpload,
        },
    ],
    scores: &[
        Score {
            signals: &[Signal::GitPushExternal, Signal::CodeRepoAPIUpload],
            is_ci_system: Some(false),
            is_known_ide: None,
            score: 3,
        },
        Score {
            signals: &[Signal::NetworkConnectionToCodeRepo],
            is_ci_system: Some(false),
            is_known_ide: Some(false),
            score: 2,
        },
        Score {
            signals: &[Signal::NetworkConnectionToCodeRepo],
            is_ci_system: Some(false),
            is_known_ide: Some(true),
            score: 1,
        },
    ],
    subject: "exfiltration to code repositories",
    sigma: SigmaHead {
        id: "6d0c2b7e-5a39-4f0e-9d8a-2f4b8c1e7a53",
        title: "Exfiltration to Code Repository",
        description: "A push to, an upload by the API of, or a connection to an external code repository",
        date: "2026-11-24",
        false_positives: &[
            "Developers who push legitimately, with an IDE as parent",
            "CI agents whose host name the pattern does not know",
            "Dependency updaters and security scanners that push results",
        ],
    },
};

/// The technique that the program looks for.
pub static TECHNIQUE: Technique = T1567_001;

impl Technique {
    /// Its clauses with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (ClauseId, &'static Clause)> + use<> {
        (0..ClauseId::LEAD.0).map(ClauseId).zip(self.clauses)
    }

    /// A clause by its number; `None` for a lead.
    #[must_use]
    pub fn clause(&self, id: ClauseId) -> Option<&'static Clause> {
        self.clauses.get(usize::from(id.0))
    }

    /// The name of a clause, or that of a lead.
    #[must_use]
    pub fn clause_name(&self, id: ClauseId) -> &'static str {
        self.clause(id).map_or(LEAD, |clause| clause.name)
    }

    /// The clauses of an Event ID.
    pub fn clauses_of(&self, event: u16) -> impl Iterator<Item = (ClauseId, &'static Clause)> + use<> {
        self.numbered().filter(move |(_, clause)| clause.event == event)
    }

    /// Whether a clause selects connections.
    #[must_use]
    pub fn is_of_connections(&self, id: ClauseId) -> bool {
        self.clause(id).is_some_and(|clause| clause.event == code::NETWORK_CONNECT)
    }

    /// The clause that selects an event with that signal, for a row of another scan: its texts may be masked, so that no
    /// clause selects them again.
    #[must_use]
    pub fn clause_for(&self, signal: Signal, event: u16) -> ClauseId {
        let of_signal = |(_, clause): &(ClauseId, &Clause)| clause.signal == signal;
        let mut of_event = self.clauses_of(event).chain(self.clauses_of(code::PROCESS_CREATE));
        let found = self.numbered().find(of_signal).filter(|(_, clause)| clause.event == event);
        found.or_else(|| of_event.next()).map_or(ClauseId(0), |(id, _)| id)
    }

    /// The branch of the search's `case()` that gives a signal.
    #[must_use]
    pub fn branch_of(&self, signal: Signal) -> Option<&'static Branch> {
        self.branches.iter().find(|branch| branch.signal == signal)
    }

    /// The row of the scores that holds, if one does.
    #[must_use]
    pub fn score_row(
        &self,
        signal: Signal,
        is_ci_system: bool,
        is_known_ide: bool,
    ) -> Option<&'static Score> {
        self.scores.iter().find(|row| {
            row.signals.contains(&signal)
                && row.is_ci_system.is_none_or(|wanted| wanted == is_ci_system)
                && row.is_known_ide.is_none_or(|wanted| wanted == is_known_ide)
        })
    }

    /// The title of a report on it.
    #[must_use]
    pub fn report_title(&self) -> String {
        let (first, rest) = self.subject.split_at_checked(1).unwrap_or((self.subject, ""));
        format!("{}{rest} (MITRE ATT&CK {})", first.to_ascii_uppercase(), self.id)
    }

    /// Whether the IDE-parent pattern changes a signal's score.
    #[must_use]
    pub fn heeds_ide(&self, signal: Signal) -> bool {
        self.scores.iter().any(|row| row.signals.contains(&signal) && row.is_known_ide.is_some())
    }

    /// The highest score that a signal can have; `None` for a signal that the table does not score.
    #[must_use]
    pub fn max_score(&self, signal: Signal) -> Option<u8> {
        self.scores.iter().filter(|row| row.signals.contains(&signal)).map(|row| row.score).max()
    }
}

impl Clause {
    /// The test with a label.
    #[must_use]
    pub fn test(&self, label: &str) -> Option<&'static Test> {
        self.tests.iter().find(|test| test.label == label)
    }
}

/// Texts without which no clause selects an event, for readers that decode no more than they must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefilter {
    /// Endings of `Image` for Event 1, and for the processes whose connections are selected. `None` where a clause does not
    /// look at how it ends.
    pub start_images: Option<Vec<&'static str>>,
    /// Endings of `Image` for Event 3, likewise.
    pub connection_images: Option<Vec<&'static str>>,
    /// Names that make a connection's `DestinationHostname` pass: those that a query for them is joined by.
    pub hosts: Option<Vec<&'static str>>,
}

impl Technique {
    /// The prefilter of all clauses.
    #[must_use]
    pub fn prefilter(&self) -> Prefilter {
        let starts = [code::PROCESS_CREATE, code::NETWORK_CONNECT];
        let connections = [code::NETWORK_CONNECT];
        Prefilter {
            start_images: self.terms(&starts, Field::Image, &[Operator::EndsWith, Operator::Equals]),
            connection_images: self.terms(
                &connections,
                Field::Image,
                &[Operator::EndsWith, Operator::Equals],
            ),
            hosts: self.terms(
                &connections,
                Field::DestinationHostname,
                &[Operator::EndsWith, Operator::Equals],
            ),
        }
    }

    /// The terms of the first such test of each clause of these events, each once; `None` where a clause has none.
    fn terms(&self, events: &[u16], field: Field, operators: &[Operator]) -> Option<Vec<&'static str>> {
        let mut terms = Vec::new();
        for clause in self.clauses.iter().filter(|clause| events.contains(&clause.event)) {
            let mut tests = clause.tests.iter();
            let test = tests.find(|test| test.field == field && operators.contains(&test.operator))?;
            terms.extend(test.terms);
        }
        let mut seen = std::collections::HashSet::new();
        terms.retain(|term| seen.insert(*term));
        Some(terms)
    }

    /// The terms with which the search can give a test's clause its signal under a profile: of a label that its branch of
    /// `case()` asks for too, the branch's.
    #[must_use]
    pub fn terms_under(&self, profile: Profile, clause: &Clause, test: &Test) -> &'static [&'static str] {
        let branch = self.branch_of(clause.signal).filter(|_| profile == Profile::Spl);
        let cased = branch.and_then(|branch| branch.tests.iter().find(|cased| cased.label == test.label));
        cased.map_or(test.terms, |cased| cased.terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::DetectionInput;

    #[test]
    fn table_keeps_its_rules() {
        let all = DetectionInput {
            event_code: 0,
            host: Some(""),
            image: Some(""),
            command_line: Some(""),
            parent_image: Some(""),
            destination_hostname: Some(""),
        };
        for clause in TECHNIQUE.clauses {
            assert!([code::PROCESS_CREATE, code::NETWORK_CONNECT].contains(&clause.event), "{clause:?}");
            assert!(TECHNIQUE.max_score(clause.signal) >= Some(ALERT_SCORE), "{clause:?}");
            for test in clause.tests {
                assert!(!test.terms.is_empty() && all.text(test.field).is_some(), "{test:?}");
                assert_eq!(clause.tests.iter().filter(|other| other.label == test.label).count(), 1);
                let is_lower = test.terms.iter().all(|term| *term == term.to_ascii_lowercase());
                assert!(test.operator == Operator::Contains || is_lower, "{test:?}");
                assert!(test.terms.iter().all(|term| term.is_ascii() && !term.is_empty()), "{test:?}");
            }
        }
        for branch in TECHNIQUE.branches {
            let clause = TECHNIQUE.clauses.iter().find(|clause| clause.signal == branch.signal).unwrap();
            for cased in branch.tests {
                let test = clause.test(cased.label).unwrap();
                assert_eq!(test.field, cased.field);
                assert!(cased.terms.iter().all(|term| test.terms.contains(term)), "{cased:?}");
            }
        }
    }
}
