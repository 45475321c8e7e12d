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

/// Modules of the crate that each module may name, other than itself.
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

/// The floors inside a folder, from the ground up: a file may name the files of the floors below its own, and none of
/// its own floor. The folder's `mod.rs` may name all of them. Tests are not looked at.
const FLOORS: &[(&str, &[&[&str]])] = &[
    (
        "source",
        &[
            &["fault_log", "options", "read_at", "understood"],
            &["stream"],
            &["encoding", "zip"],
            &["evtx"],
            &["format"],
            &["input"],
            &["sink"],
            &["text"],
            &["discover", "raw", "scan_rows"],
            &["load"],
            &["follow", "live"],
        ],
    ),
    (
        "source/text",
        &[
            &["event_builder", "framing", "json"],
            &["schema", "xml"],
            &["message", "rendered"],
            &["places"],
            &["dialects"],
            &["block"],
            &["raw", "workers"],
            &["reader"],
        ],
    ),
    (
        "source/evtx",
        &[
            &["bytes", "utf16"],
            &["event_buffer", "header", "value"],
            &["binxml", "records"],
            &["layout", "template"],
            &["file_header", "recovered_templates", "slow", "substitutions", "template_cache"],
            &["ending", "fast", "gaps", "raw"],
            &["chunk"],
            &["differential", "file"],
        ],
    ),
    (
        "store",
        &[
            &["ids", "pages", "resumable"],
            &["events", "ordered"],
            &["addresses", "findings"],
            // The composition of the owners: none of those before knows it.
            &["Store"],
            &["channels", "coverage", "ingest", "joins", "tuning_matches"],
            &["compaction", "hunt", "scores", "view"],
            &["evidence", "explain_lead", "held", "ingest_rows"],
            &["list"],
            &["push_matrix"],
        ],
    ),
    (
        "store/findings",
        &[&["change_log", "finding"], &["score_class"], &["time_order"], &["Findings"], &["refresh"]],
    ),
    (
        "store/evidence",
        &[
            &["table", "traces"],
            &["baseline", "grouping", "sentences"],
            &["history"],
            &["weigh"],
            &["pass"],
            &["Evidence"],
        ],
    ),
    ("store/hunt", &[&["activity"], &["leads"]]),
    ("store/list", &[&["filter_cache", "listing"], &["column_sort", "groups"], &["builder"]]),
    (
        "tui",
        &[
            &["format", "safe", "signals", "terminal", "theme", "widgets"],
            &["input"],
            &["keys"],
            &["state"],
            &["update"],
            &["views"],
            &["prepare"],
            &["effects"],
            &["run"],
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
fn modules_name_only_allowed_modules() {
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

/// Returns whether a file below `src` holds tests alone.
fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs")
}

/// The code of a file without its comments and its module of tests.
fn without_tests(lines: &[String]) -> String {
    let tests =
        lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod tests {"));
    lines[..tests.unwrap_or(lines.len())].join("\n")
}

/// Names of modules and items, from the crate's root on, that a file names by `crate::`, `super::` or `self::`.
fn paths(file: &str, text: &str) -> Vec<Vec<String>> {
    let mut module: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    module.retain(|part| part != "mod");
    let mut found = Vec::new();
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in text.match_indices(start) {
            let before = text[..at].chars().next_back();
            if before.is_none_or(|letter| !letter.is_alphanumeric() && !matches!(letter, '_' | ':')) {
                add_paths(module.clone(), &text[at..], &mut found);
            }
        }
    }
    found
}

/// Adds the paths of a text that begins with one, relative to a module; a list in braces is several.
fn add_paths(mut path: Vec<String>, text: &str, found: &mut Vec<Vec<String>>) {
    let mut rest = text;
    loop {
        let length =
            rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        match &rest[..length] {
            "crate" => path.clear(),
            "super" => drop(path.pop()),
            "self" | "" => {}
            name => path.push(name.to_owned()),
        }
        let Some(behind) = rest[length..].strip_prefix("::") else { break };
        rest = behind;
        if let Some(list) = rest.strip_prefix('{') {
            let (mut depth, mut start) = (0, 0);
            for (at, letter) in list.char_indices() {
                match letter {
                    '{' => depth += 1,
                    ',' | '}' if depth == 0 => {
                        add_paths(path.clone(), list[start..at].trim(), found);
                        start = at + 1;
                        if letter == '}' {
                            return;
                        }
                    }
                    '}' => depth -= 1,
                    _ => {}
                }
            }
            return;
        }
    }
    found.push(path);
}

#[test]
fn floors_name_lower_floors_only() {
    let mut breaches = Vec::new();
    let mut checked = 0;
    for (folder, floors) in FLOORS {
        let floor = |name: &str| floors.iter().position(|floor| floor.contains(&name));
        let depth = folder.split('/').count();
        for (file, lines) in code(folder) {
            let own = file.split('/').nth(depth).unwrap().trim_end_matches(".rs").to_owned();
            if own == "mod" || is_test(&file) {
                continue;
            }
            let Some(own_floor) = floor(&own) else {
                breaches.push(format!("{file} has no floor"));
                continue;
            };
            for path in paths(&file, &without_tests(&lines)) {
                let is_inside = path.len() > depth && path[..depth].join("/") == *folder;
                let Some(other) = path.get(depth).filter(|other| is_inside && **other != own) else {
                    continue;
                };
                checked += 1;
                // An item that the folder hands on may come from any floor.
                if floor(other).is_none_or(|other| other >= own_floor) {
                    breaches.push(format!("{file} names {}", path.join("::")));
                }
            }
        }
    }
    assert!(checked > 100, "the test sees no imports: {checked}");
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn paths_of_lists_are_seen() {
    let text = "use super::{a::{B, c}, d};\nuse crate::source::evtx::{self, Chunk};\nfn f() { self::g::h() }";
    let found: Vec<_> = paths("source/text/block.rs", text).iter().map(|path| path.join("/")).collect();
    for expected in
        ["source/text/a/B", "source/text/a/c", "source/text/d", "source/evtx", "source/evtx/Chunk"]
    {
        assert!(found.iter().any(|path| path == expected), "{expected}: {found:?}");
    }
    assert!(found.iter().any(|path| path == "source/text/block/g/h"), "{found:?}");
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
fn terminal_is_named_only_where_allowed() {
    let may_name_crossterm = ["tui/terminal.rs", "tui/terminal/drawing.rs", "tui/input.rs"];
    let may_name_tokio = [
        "tui/run.rs",
        "tui/signals.rs",
        "tui/effects/mod.rs",
        "tui/effects/jobs.rs",
        "cli/console.rs",
        "cli/signals.rs",
    ];
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
