//! The exceptions of a configuration, over whole logs: the rows they suppress, their reports, and their expiry.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn run(configuration: &str, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exfilscope.toml");
    std::fs::write(&file, configuration).unwrap();
    Command::new(env!("CARGO_BIN_EXE_exfilscope"))
        .args(arguments)
        .arg("--config")
        .arg(&file)
        .output()
        .unwrap()
}

/// The rows of a scan of the four tests, and its standard error.
fn scan(configuration: &str, options: &[&str]) -> (Vec<Value>, String) {
    let log = fixture("four-tests.evtx");
    let mut arguments = vec!["scan", "--format", "ndjson", log.to_str().unwrap()];
    arguments.extend(options);
    let output = run(configuration, &arguments);
    let rows = String::from_utf8(output.stdout).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (rows, String::from_utf8_lossy(&output.stderr).into_owned())
}

const CURL: &str = "[[exceptions]]\nname = \"gists\"\nimage = '(?i)\\\\curl\\.exe$'\nuser = 'm\\.ebert$'\n\
    reason = \"she keeps her notes there\"\n";

#[test]
fn exception_either_profile_suppresses_visibly() {
    for profile in ["spl", "correlated"] {
        let (all, _) = scan("", &["--profile", profile]);
        let is_curl = |row: &Value| row["Image"].as_str().unwrap().ends_with("curl.exe");
        assert!(all.iter().any(is_curl), "{profile}");
        let (left, said) = scan(CURL, &["--profile", profile]);
        let expected: Vec<_> = all.iter().filter(|row| !is_curl(row)).cloned().collect();
        assert_eq!(left, expected, "{profile}");
        assert_eq!(said, "");
        let (with_suppressed, _) = scan(CURL, &["--profile", profile, "--min-score", "0"]);
        let taken: Vec<_> = with_suppressed.iter().filter(|row| is_curl(row)).collect();
        assert!(!taken.is_empty());
        for row in taken {
            assert_eq!(row["SuspicionScore"], 0, "{row}");
            let why = row["Why"].as_str().unwrap();
            assert!(
                why.contains(r#"exception gists: she keeps her notes there (User, "\curl.exe" in Image): "#),
                "{why}"
            );
            assert!(why.ends_with("score 0, no alert."), "{why}");
        }
    }
}

#[test]
fn exception_requires_all_terms_to_match() {
    let (all, _) = scan("", &["--profile", "spl"]);
    for other in ["user = 'somebody else'", "destination = '.*'"] {
        let configuration = format!(
            "{}{other}\n",
            CURL.replace("user = 'm\\.ebert$'\n", "")
                .replace("image = '(?i)\\\\curl\\.exe$'", "command-line = '-X POST'",)
        );
        let (left, _) = scan(&configuration, &["--profile", "spl"]);
        assert_eq!(left.len(), all.len(), "{configuration}");
    }
}

#[test]
fn exception_under_correlated_sees_joined_fields() {
    let by_parent =
        "[[exceptions]]\nname = 'shell'\nparent = '(?i)\\\\cmd\\.exe$'\ndestination = '.'\nreason = 'r'\n";
    let of_connections = |configuration, profile| {
        let (rows, _) = scan(configuration, &["--profile", profile]);
        rows.iter().filter(|row| row["EventCode"] == 3).count()
    };
    let (before, after) = (of_connections("", "correlated"), of_connections(by_parent, "correlated"));
    assert!(after < before, "{before} connections, {after} are left");
    assert_eq!(of_connections(by_parent, "spl"), of_connections("", "spl"), "a raw Event 3 has no parent");
}

#[test]
fn expired_exception_is_reported_without_effect() {
    let (all, _) = scan("", &[]);
    let (left, said) = scan(&format!("{CURL}expires = 2020-02-29\n"), &[]);
    assert_eq!(left, all);
    assert!(
        said.contains("note: The exception gists expired on 2020-02-29: it suppresses no more."),
        "{said}"
    );
    let (left, said) = scan(&format!("{CURL}expires = 2999-12-31\n"), &[]);
    assert!(left.len() < all.len());
    assert_eq!(said, "");
    let (left, said) = scan(&format!("{CURL}enabled = false\n"), &[]);
    assert_eq!((left, said.as_str()), (all, ""));
}

#[test]
fn export_includes_exceptions_in_force() {
    for engine in ["spl", "sigma", "kql", "esql", "clickhouse"] {
        let export = |configuration: &str| {
            let output = run(configuration, &["rule", "export", "--to", engine]);
            assert!(output.status.success(), "{engine}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let plain = export("");
        assert_eq!(export(&format!("{CURL}expires = 2020-02-29\n")), plain, "{engine}");
        assert!(export(CURL).contains("gists"), "{engine}");
        let scanner = export("builtin-exceptions = ['security-scanners']\n");
        assert!(scanner.contains("trufflehog") && !plain.contains("trufflehog"), "{engine}");
    }
}
