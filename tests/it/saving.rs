//! Saving patterns, whatever happens meanwhile: a kill at any moment, an edit outside.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use exfilscope::config::{Config, Keeper};
use exfilscope::detect::exception::{Day, Exceptions};
use exfilscope::detect::pattern::Patterns;

/// Names the file that the child saves into, over and over.
const SAVES_INTO: &str = "EXFILSCOPE_TEST_SAVES_INTO";
const KILLS: u64 = 100;

/// Two patterns of some length, so that half a file differs visibly from a whole one.
fn patterns(number: usize) -> Patterns {
    let branches: Vec<_> = (0..40).map(|at| format!("host-{number}-{at}")).collect();
    Patterns::new(Some(&branches.join("|")), Some(&format!("parent-{number}"))).unwrap()
}

fn save(file: &Path, number: usize) {
    let config = Config::load(Some(file)).unwrap();
    let keeper = Keeper::new(&config, || Day::new(2026, 1, 1).unwrap());
    let plan = keeper.plan(&patterns(number), &Exceptions::default()).unwrap();
    keeper.write(&plan).unwrap();
}

/// The child of the test below: it is one of its own tests, and does nothing where it was not asked to.
#[test]
fn saves_until_it_is_killed() {
    let Some(file) = std::env::var_os(SAVES_INTO) else { return };
    println!("saving");
    std::io::stdout().flush().unwrap();
    for number in 0.. {
        save(Path::new(&file), number % 2);
    }
}

/// Starts a child. Wine now and then starts none ("internal error") while it clears away one that was killed; elsewhere
/// the first failure is one.
fn start(command: &mut Command) -> Child {
    for _ in 0..20 {
        match command.spawn() {
            Ok(child) => return child,
            Err(_) if cfg!(windows) => std::thread::sleep(Duration::from_millis(100)),
            Err(error) => panic!("no child: {error}"),
        }
    }
    panic!("no child after 20 attempts")
}

#[test]
fn killed_save_leaves_a_whole_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exfilscope.toml");
    let mut whole = HashSet::new();
    for number in [0, 1] {
        if !file.exists() {
            fs::write(&file, "# ours, since the audit\n[patterns]\nci-host = 'a' # team\n# the end\n")
                .unwrap();
        }
        save(&file, number);
        whole.insert(fs::read(&file).unwrap());
    }
    assert_eq!(whole.len(), 2);
    // How long a save takes here and now: the kills are spread over several.
    let started = Instant::now();
    save(&file, 1);
    let span = u64::try_from(started.elapsed().as_micros()).unwrap() * 3;
    let (mut seen, mut cut_short) = (HashSet::new(), 0);
    for kill in 0..KILLS {
        let mut child = start(
            Command::new(std::env::current_exe().unwrap())
                .args(["saving::saves_until_it_is_killed", "--exact", "--nocapture"])
                .env(SAVES_INTO, &file)
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("saving")), "the child never began");
        // Another moment each time, over several saves.
        std::thread::sleep(Duration::from_micros(span * (kill * 37 % KILLS) / KILLS));
        child.kill().unwrap();
        child.wait().unwrap();
        let bytes = fs::read(&file).unwrap();
        assert!(
            whole.contains(&bytes),
            "kill {kill} left {} bytes:\n{}",
            bytes.len(),
            String::from_utf8_lossy(&bytes)
        );
        seen.insert(bytes);
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path != file {
                cut_short += 1;
                fs::remove_file(path).unwrap();
            }
        }
    }
    assert_eq!(seen.len(), 2, "the child saved nothing");
    assert!(cut_short > 0, "no kill fell into a save: the test has shown nothing");
}
