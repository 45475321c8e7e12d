//! Who may import whom, read off the `use` lines and paths of the sources.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what fails by failing"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// What each module may name of the crate beside itself.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("files", &[]),
    ("case", &["model", "files"]),
    ("filter", &["model"]),
    ("detect", &["model"]),
    ("rule", &["model", "detect"]),
    ("source", &["model", "files"]),
    ("store", &["model", "filter", "detect"]),
    ("tune", &["model", "detect", "store"]),
    ("config", &["model", "files", "detect"]),
    ("walk", &["model", "files", "detect", "store", "config"]),
    ("export", &["model", "detect"]),
    ("tui", &["model", "files", "case", "filter", "detect", "store", "tune", "config", "walk", "export"]),
    (
        "cli",
        &[
            "model", "files", "case", "filter", "detect", "rule", "source", "store", "tune", "config",
            "walk", "export", "tui",
        ],
    ),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Every source below a folder of `src`, as its path from there and its code lines.
fn code(folder: &str) -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root.join(folder), &mut paths);
    let mut files: Vec<_> = paths
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(&path).unwrap();
            let lines =
                text.lines().filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect();
            (name, lines)
        })
        .collect();
    files.sort();
    files
}

/// The modules of the crate that a line names.
fn named(line: &str) -> impl Iterator<Item = String> {
    line.match_indices("crate::").map(|(at, found)| {
        line[at + found.len()..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    })
}

#[test]
fn no_module_names_one_that_it_may_not() {
    let mut breaches = Vec::new();
    let mut checked = 0;
    for (module, allowed) in ALLOWED {
        for (file, lines) in code(module) {
            for line in &lines {
                for other in named(line) {
                    checked += 1;
                    if other != *module && !allowed.contains(&other.as_str()) {
                        breaches.push(format!("{file}: {}", line.trim()));
                    }
                }
            }
        }
    }
    assert!(checked > 100, "the test sees no imports: {checked}");
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn every_module_has_its_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            assert!(ALLOWED.iter().any(|(module, _)| *module == name), "{name} has no rule here");
        }
    }
}

#[test]
fn the_terminal_is_named_where_it_belongs() {
    let may_name_crossterm = ["tui/terminal.rs", "tui/terminal/drawing.rs", "tui/input.rs"];
    let may_name_tokio = ["tui/run.rs", "tui/effects/jobs.rs", "cli/console.rs", "cli/signals.rs"];
    for (module, _) in ALLOWED {
        for (file, lines) in code(module) {
            let names = |what: &str| lines.iter().any(|line| line.contains(what));
            if names("crossterm::") {
                assert!(may_name_crossterm.contains(&file.as_str()), "{file} names crossterm");
            }
            if names("tokio::") {
                assert!(may_name_tokio.contains(&file.as_str()), "{file} names tokio");
            }
            if file.starts_with("tui/views/") || file.starts_with("tui/widgets/") {
                assert!(!names("Effect"), "{file} names an effect");
                assert!(!names("&mut App"), "{file} changes the state");
            }
            if *module != "tui" && *module != "cli" && file != "export/screenshot.rs" {
                assert!(!names("ratatui"), "{file} names ratatui");
            }
        }
    }
}
