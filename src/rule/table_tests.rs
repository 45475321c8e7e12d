//! A made-up clause and a made-up technique: the table alone must make them known to every engine, to the explanation and
//! to the readers' prefilter.

use clap::ValueEnum as _;

use super::{Engine, Rule, export_of};
use crate::detect::DetectionInput;
use crate::detect::exception::Exceptions;
use crate::detect::explain::ExplainInput;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::detect::technique::{Branch, CasedTest, Clause, Operator, Score, T1567_001, Technique, Test};
use crate::model::event::{Field, code};
use crate::model::row::Signal;

const fn image(terms: &'static [&'static str]) -> Test {
    Test { field: Field::Image, operator: Operator::EndsWith, label: "program", terms }
}

const fn line(label: &'static str, terms: &'static [&'static str]) -> Test {
    Test { field: Field::CommandLine, operator: Operator::Contains, label, terms }
}

const COPY: Clause = Clause {
    name: "copy",
    event: code::PROCESS_CREATE,
    signal: Signal::ScriptUpload,
    tests: &[
        image(&[r"\rclone.exe", r"\azcopy.exe"]),
        line("word", &["copy"]),
        line("store", &["mega:", "b2:"]),
    ],
};

const CLOUD: Technique = Technique {
    id: "T1567.002",
    name: "Exfiltration Over Web Service: Exfiltration to Cloud Storage",
    clauses: &[
        COPY,
        Clause {
            name: "store",
            event: code::NETWORK_CONNECT,
            signal: Signal::CurlOrWgetUpload,
            tests: &[
                Test {
                    field: Field::DestinationHostname,
                    operator: Operator::Equals,
                    label: "host",
                    terms: &["g.api.mega.co.nz"],
                },
                image(&[r"\rclone.exe"]),
            ],
        },
    ],
    branches: &[Branch {
        event: code::PROCESS_CREATE,
        tests: &[
            CasedTest { field: Field::CommandLine, label: "word", terms: &["copy"] },
            CasedTest { field: Field::CommandLine, label: "store", terms: &["mega:"] },
        ],
        signal: Signal::ScriptUpload,
    }],
    scores: &[
        Score { signals: &[Signal::ScriptUpload], is_ci_system: Some(false), is_known_ide: None, score: 3 },
        Score {
            signals: &[Signal::CurlOrWgetUpload],
            is_ci_system: None,
            is_known_ide: Some(false),
            score: 2,
        },
    ],
    ..T1567_001
};

fn with_clause() -> Technique {
    let clauses: Vec<Clause> = T1567_001.clauses.iter().copied().chain([COPY]).collect();
    Technique { clauses: clauses.leak(), ..T1567_001 }
}

fn exported(technique: &Technique, engine: Engine, profile: Profile) -> String {
    let (patterns, exceptions) = (Patterns::new(None, None).unwrap(), Exceptions::default());
    export_of(technique, engine, &Rule { patterns: &patterns, exceptions: &exceptions, profile, table: "t" })
        .unwrap()
}

fn rclone(line: &str) -> DetectionInput<'_> {
    DetectionInput {
        event_code: code::PROCESS_CREATE,
        host: Some("WS-1"),
        image: Some(r"C:\Tools\RCLONE.exe"),
        command_line: Some(line),
        ..DetectionInput::default()
    }
}

fn explained(technique: &Technique, profile: Profile, line: &str) -> Option<(String, String, String)> {
    let patterns = Patterns::new(None, None).unwrap();
    let explanation = technique.explain(&ExplainInput {
        profile,
        own: rclone(line),
        with_joins: rclone(line),
        joined: &[],
        patterns: &patterns,
        exception_of: [None; Profile::ALL.len()],
    })?;
    let tests: Vec<String> = explanation.conditions.iter().map(|met| met.test.clone()).collect();
    Some((explanation.sentence, explanation.branch.into_owned(), tests.join("; ")))
}

#[test]
fn made_up_clause_is_in_every_engine() {
    for engine in Engine::value_variants().iter().copied() {
        for profile in Profile::ALL {
            let text = exported(&with_clause(), engine, profile);
            for term in ["rclone.exe", "azcopy.exe", "mega:", "b2:", "codeberg.org"] {
                assert!(text.contains(term), "{engine:?} {profile:?} lacks {term}:\n{text}");
            }
        }
        let signal = exported(&with_clause(), engine, Profile::Correlated);
        assert!(engine == Engine::Sigma || signal.contains("ScriptUpload"), "{engine:?}:\n{signal}");
    }
}

#[test]
fn made_up_technique_is_in_every_engine() {
    for engine in Engine::value_variants().iter().copied() {
        for profile in Profile::ALL {
            let text = exported(&CLOUD, engine, profile);
            for term in ["rclone.exe", "mega:", "g.api.mega.co.nz"] {
                assert!(text.contains(term), "{engine:?} {profile:?} lacks {term}:\n{text}");
            }
            // The search's case() forgets b2:, as that of T1567.001 forgets a host.
            assert!(text.contains("b2:") || (engine, profile) == (Engine::Sigma, Profile::Spl));
            for term in ["github.com", "git.exe", "GitPushExternal", "Invoke-RestMethod"] {
                assert!(!text.contains(term), "{engine:?} {profile:?} has {term}:\n{text}");
            }
        }
        let text = exported(&CLOUD, engine, Profile::Correlated);
        if engine == Engine::Sigma {
            assert!(text.contains("attack.t1567.002"), "{text}");
            let condition =
                "condition: ((copy and copy_store and not ci_system) or (store and not known_ide))";
            assert!(text.contains(condition), "{text}");
        } else {
            assert!(text.contains("ScriptUpload") && text.contains("CurlOrWgetUpload"), "{text}");
        }
    }
    // Event 1 has one clause, so that its ID tells its signal.
    let text = exported(&CLOUD, Engine::Kql, Profile::Correlated);
    assert!(text.contains("case(EventID == 1, \"ScriptUpload\", \"CurlOrWgetUpload\")"), "{text}");
}

#[test]
fn made_up_clause_explains_itself() {
    for technique in [with_clause(), CLOUD] {
        let (sentence, _, tests) =
            explained(&technique, Profile::Correlated, "rclone COPY C:\\x b2:loot").unwrap();
        assert!(
            sentence.starts_with("RCLONE.exe ran with \"COPY\" and \"b2:\" on its command line;"),
            "{sentence}"
        );
        assert_eq!(tests, r"ends with \rclone.exe; contains copy; contains b2:");
        assert_eq!(explained(&technique, Profile::Correlated, "rclone ls b2:loot"), None);
        let (id, _) = technique.numbered().find(|(_, clause)| clause.name == "copy").unwrap();
        let failed = technique.unmet(&rclone("rclone ls s3:loot"), id);
        let failed: Vec<_> = failed.iter().map(|unmet| unmet.failure.as_str()).collect();
        assert_eq!(failed, ["does not contain copy", "contains none of mega:, b2:"]);
    }
    let (sentence, branch, _) =
        explained(&CLOUD, Profile::Correlated, "rclone copy C:\\x mega:loot").unwrap();
    assert!(sentence.ends_with("host WS-1 is no CI system: ScriptUpload, score 3."), "{sentence}");
    assert_eq!(branch, "3: ScriptUpload, not CI");
    let (sentence, ..) = explained(&CLOUD, Profile::Spl, "rclone copy C:\\x b2:loot").unwrap();
    assert!(sentence.contains("Splunk's selection knows b2:, but its Signal does not"), "{sentence}");
    let (sentence, ..) = explained(&CLOUD, Profile::Spl, "rclone Copy C:\\x mega:loot").unwrap();
    assert!(sentence.contains("finds no \"copy\" in \"Copy\""), "{sentence}");
}

#[test]
fn made_up_clause_passes_the_prefilter() {
    const OF_ANY_PROGRAM: &[Clause] = &[Clause { tests: &[line("word", &["copy"])], ..COPY }];
    let before = T1567_001.prefilter();
    let after = with_clause().prefilter();
    let images = after.start_images.unwrap();
    assert_eq!(images.len(), before.start_images.unwrap().len() + 2);
    assert!(images.contains(&r"\azcopy.exe"));
    assert_eq!(after.connection_images, before.connection_images, "it selects no connections");
    let cloud = CLOUD.prefilter();
    assert_eq!(cloud.start_images.unwrap(), [r"\rclone.exe", r"\azcopy.exe"]);
    assert_eq!(cloud.connection_images.unwrap(), [r"\rclone.exe"]);
    assert_eq!(cloud.hosts.unwrap(), ["g.api.mega.co.nz"]);
    // A clause that looks at no executable has to see every event of its ID.
    assert_eq!(Technique { clauses: OF_ANY_PROGRAM, ..CLOUD }.prefilter().start_images, None);
}
