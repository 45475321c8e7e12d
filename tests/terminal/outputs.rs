//! No output goes over what is read, and over another file only with a yes: on the command line and in the console.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test says what fails by failing"
)]

use crate::pty;

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pty::{Console, Key, PATIENCE};
use vt100::Screen;

const EVENT: &str = r#"{"EventID":1,"SourceName":"Microsoft-Windows-Sysmon","Hostname":"ws","UtcTime":"2026-03-01 13:37:00.123","Image":"C:\\git.exe","CommandLine":"git push https://github.com/a/b"}"#;

/// A folder with logs, and other names of them.
struct Evidence {
    folder: tempfile::TempDir,
}

impl Evidence {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("logs/deep")).unwrap();
        fs::create_dir(root.join("config")).unwrap();
        fs::write(root.join("logs/a.json"), format!("{EVENT}\n")).unwrap();
        fs::write(root.join("logs/deep/b.json"), format!("{EVENT}\n")).unwrap();
        fs::write(root.join("logs/notes.txt"), "no log\n").unwrap();
        fs::hard_link(root.join("logs/a.json"), root.join("hard")).unwrap();
        fs::hard_link(root.join("logs/deep/b.json"), root.join("deep-hard")).unwrap();
        symlink("logs/a.json", root.join("soft")).unwrap();
        symlink("logs", root.join("all")).unwrap();
        fs::write(root.join("config/exfilscope.toml"), "min-score = 2\ntests = [\"ours.toml\"]\n").unwrap();
        let test = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/walk/tests/2-git-push.toml");
        let test = fs::read_to_string(test).unwrap().replacen("name = \"", "name = \"Our ", 1);
        fs::write(root.join("config/ours.toml"), test).unwrap();
        fs::create_dir(root.join("config/themes")).unwrap();
        fs::write(root.join("config/themes/mine.toml"), "base = \"ansi\"\n").unwrap();
        fs::write(root.join("config/case.ndjson"), "").unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All files with their bytes.
    fn all(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut waiting = vec![self.folder.path().to_owned()];
        while let Some(folder) = waiting.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    waiting.push(entry.path());
                } else if entry.file_type().unwrap().is_file() {
                    found.push((entry.path(), fs::read(entry.path()).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exfilscope"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("EXFILSCOPE_CONFIG", self.path("config"))
            .env("TMPDIR", self.path("config"));
        command
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        told(&self.command(arguments).output().unwrap())
    }
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}

#[test]
fn scan_never_overwrites_its_inputs() {
    let evidence = Evidence::new();
    let before = evidence.all();
    for (input, output, role) in [
        ("logs/a.json", "logs/a.json", "one of the inputs: logs/a.json"),
        ("logs/a.json", "./logs/../logs/a.json", "one of the inputs"),
        ("logs/a.json", "hard", "one of the inputs"),
        ("logs/a.json", "soft", "one of the inputs"),
        ("soft", "logs/a.json", "one of the inputs"),
        ("hard", "soft", "one of the inputs"),
        ("logs", "logs/deep/b.json", "one of the inputs, in: logs"),
        ("logs", "all/deep/b.json", "one of the inputs"),
        ("all", "logs/a.json", "one of the inputs"),
        ("logs", "deep-hard", "one of the inputs"),
        ("logs", "soft", "one of the inputs"),
        ("logs", "config/exfilscope.toml", "the configuration"),
        ("logs", "config/ours.toml", "a file of tests"),
        ("logs", "config/themes/mine.toml", "one of the themes"),
        ("logs", "config/case.ndjson", "the case file"),
    ] {
        for force in [false, true] {
            let mut arguments = vec!["scan", input, "--output", output];
            arguments.extend(force.then_some("--force"));
            let (status, said) = evidence.run(&arguments);
            assert_eq!(status, Some(2), "{arguments:?}: {said}");
            let role = role.replace(", in:", ", in");
            assert!(said.contains(&format!("cannot write {output}: it is {role}")), "{arguments:?}: {said}");
            assert!(said.contains("name another file"), "{said}");
        }
    }
    assert!(before == evidence.all(), "something was written");
}

#[test]
fn standard_streams_are_files_too() {
    let evidence = Evidence::new();
    let before = evidence.all();
    let log = evidence.path("logs/a.json");
    let run = |input: &str, arguments: &[&str]| {
        let mut command = evidence.command(&[&["scan", input], arguments].concat());
        command.stdin(File::open(&log).unwrap());
        command.stdout(OpenOptions::new().append(true).open(&log).unwrap());
        told(&command.output().unwrap())
    };
    for (input, arguments) in [
        ("-", &["--output", "logs/a.json", "--force"][..]),
        ("-", &[]),
        ("logs/a.json", &[]),
        ("logs", &[]),
        ("logs", &["--output", "/dev/stdout"]),
    ] {
        let (status, said) = run(input, arguments);
        assert_eq!(status, Some(2), "{input} {arguments:?}: {said}");
        assert!(said.contains("it is one of the inputs"), "{input} {arguments:?}: {said}");
    }
    assert!(before == evidence.all(), "something was written");
}

#[test]
fn scan_replaces_files_only_by_force() {
    let evidence = Evidence::new();
    for output in ["logs/notes.txt", "logs/new.ndjson", "rows.ndjson"] {
        let is_there = evidence.path(output).exists();
        let arguments = ["scan", "logs", "--output", output];
        let (status, said) = evidence.run(&arguments);
        assert_eq!(status, Some(if is_there { 2 } else { 1 }), "{output}: {said}");
        let (status, said) = evidence.run(&arguments);
        assert_eq!(status, Some(2), "{output}: {said}");
        if output == "logs/new.ndjson" {
            // By now it is read with the rest of the folder.
            assert!(said.contains("it is one of the inputs, in logs"), "{said}");
            fs::remove_file(evidence.path(output)).unwrap();
            continue;
        }
        assert!(said.contains("there is such a file already; name another one, or say --force"), "{said}");
        let (status, said) = evidence.run(&[&arguments[..], &["--force"]].concat());
        assert_eq!(status, Some(1), "{output}: {said}");
        assert!(fs::read_to_string(evidence.path(output)).unwrap().starts_with("{\"_time\""));
        fs::remove_file(evidence.path(output)).unwrap();
    }
    let (status, said) = evidence.run(&["scan", "logs", "--force"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("--output"), "{said}");
}

/// Returns whether this account may give files away. Reports it where not.
fn may_chown(folder: &Path) -> bool {
    let probe = folder.join("probe");
    fs::write(&probe, "").unwrap();
    let may = lchown(&probe, Some(65_534), Some(65_534)).is_ok();
    fs::remove_file(&probe).unwrap();
    if !may {
        println!("not tested: this account can't make another account's files");
    }
    may
}

#[test]
fn planted_links_and_foreign_files_refused() {
    let evidence = Evidence::new();
    let shared = evidence.path("shared");
    fs::create_dir(&shared).unwrap();
    fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
    if !may_chown(&shared) {
        return;
    }
    let victim = evidence.path("victim");
    fs::write(&victim, "mine").unwrap();
    symlink("../victim", shared.join("link")).unwrap();
    symlink("..", shared.join("folder")).unwrap();
    symlink("../nothing-yet", shared.join("dangling")).unwrap();
    fs::write(shared.join("file"), "theirs").unwrap();
    fs::set_permissions(shared.join("file"), Permissions::from_mode(0o666)).unwrap();
    assert!(Command::new("mkfifo").arg(shared.join("pipe")).status().unwrap().success());
    for name in ["link", "folder", "dangling", "file", "pipe"] {
        lchown(shared.join(name), Some(65_534), Some(65_534)).unwrap();
    }
    for output in ["shared/link", "shared/folder/new", "shared/dangling", "shared/file", "shared/pipe"] {
        let (status, said) = evidence.run(&["scan", "logs", "--output", output, "--force"]);
        assert_eq!(status, Some(2), "{output}: {said}");
        assert!(said.contains("another account"), "{output}: {said}");
    }
    // Nor is a verdict added to what they lead to.
    for name in ["link", "dangling", "file", "pipe"] {
        let error = exfilscope::files::open::open_to_append(&shared.join(name)).unwrap_err().to_string();
        assert!(error.contains("another account") || error.contains("it is a pipe"), "{name}: {error}");
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    assert_eq!(fs::read_to_string(shared.join("file")).unwrap(), "theirs");
    assert!(!evidence.path("nothing-yet").exists() && !evidence.path("new").exists());
    // One's own are one's own there, too.
    symlink("../victim", shared.join("own-link")).unwrap();
    let (status, said) = evidence.run(&["scan", "logs", "--output", "shared/own-link", "--force"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(fs::read_to_string(&victim).unwrap().starts_with('{'));
}

#[test]
fn foreign_permissions_are_not_adopted() {
    let evidence = Evidence::new();
    if !may_chown(evidence.folder.path()) {
        return;
    }
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let fresh = evidence.path("fresh");
    fs::write(&fresh, "").unwrap();
    for (owner, bits, expected) in
        [(65_534, 0o666, mode(&fresh)), (65_534, 0o4755, mode(&fresh)), (0, 0o640, 0o640), (0, 0o4750, 0o750)]
    {
        let path = evidence.path("rows.ndjson");
        fs::write(&path, "").unwrap();
        lchown(&path, Some(owner), None).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
        let (status, said) = evidence.run(&["scan", "logs", "--output", "rows.ndjson", "--force"]);
        assert_eq!(status, Some(1), "{said}");
        assert_eq!(mode(&path), expected, "{bits:o} of {owner}");
    }
}

fn is_loaded(screen: &Screen) -> bool {
    let text = screen.contents();
    text.contains("Alerts") && !text.contains("reading") && text.contains("quit")
}

/// Runs a command line of the console, and waits for its answer.
fn say(console: &mut Console, line: &str, answer: &'static str) {
    console.keys(":nonsense\r");
    console.wait_for(|screen: &Screen| screen.contents().contains("Unknown command \"nonsense\""), PATIENCE);
    console.keys(line);
    console.key(Key::Enter);
    console.wait_for(|screen: &Screen| screen.contents().contains(answer), PATIENCE);
}

fn start(evidence: &Evidence, arguments: &[&str]) -> Console {
    let paths: Vec<PathBuf> = arguments
        .iter()
        .map(
            |argument| {
                if argument.starts_with('-') { PathBuf::from(argument) } else { evidence.path(argument) }
            },
        )
        .collect();
    let folder = evidence.path("config");
    let console = Console::start_with(paths, 30, 200, &[("EXFILSCOPE_CONFIG", folder.to_str().unwrap())]);
    console.wait_for(is_loaded, PATIENCE);
    console
}

#[test]
fn console_never_overwrites_its_inputs() {
    let evidence = Evidence::new();
    let before = evidence.all();
    for (arguments, names) in [
        (&["logs"][..], &["logs/a.json", "hard", "soft", "all/deep/b.json", "deep-hard"][..]),
        (&["soft"], &["logs/a.json", "hard"]),
        (&["--follow", "logs", "not-yet.json"], &["logs/a.json", "not-yet.json", "all/../not-yet.json"]),
    ] {
        let mut console = start(&evidence, arguments);
        for name in names {
            let path = evidence.path(name);
            let path = path.display();
            for line in [
                format!(":export! csv {path}"),
                format!(":report! list {path}"),
                format!(":screenshot! {path}"),
                format!(":screenshot {path}"),
            ] {
                say(&mut console, &line, "it is one of the inputs");
            }
        }
        for (name, role) in [
            ("config/exfilscope.toml", "it is the configuration"),
            ("config/case.ndjson", "it is the case file"),
            ("config/themes/mine.toml", "it is one of the themes"),
            ("config/ours.toml", "it is a file of tests"),
        ] {
            say(&mut console, &format!(":export! csv {}", evidence.path(name).display()), role);
        }
        assert!(console.quit().success());
    }
    let mut console = start(&evidence, &["--follow", "logs"]);
    let new = evidence.path("logs/deep/new.csv");
    say(&mut console, &format!(":export csv {}", new.display()), "that folder is followed");
    assert!(console.quit().success());
    assert!(before == evidence.all(), "something was written");
}

#[test]
fn console_replaces_files_only_by_mark() {
    let evidence = Evidence::new();
    let mut console = start(&evidence, &["logs"]);
    for (command, said) in
        [("export csv", "rows are in"), ("report list", "are in"), ("screenshot", "The screen is in")]
    {
        let name = format!("{}.txt", &command[..3]);
        let path = evidence.path(&name);
        let (name, rest) = command.split_once(' ').map_or((command, ""), |(name, rest)| (name, rest));
        fs::write(&path, "another's").unwrap();
        say(&mut console, &format!(":{name} {rest} {}", path.display()), "there is such a file already");
        assert_eq!(fs::read_to_string(&path).unwrap(), "another's");
        say(&mut console, &format!(":{name}! {rest} {}", path.display()), said);
        assert_ne!(fs::read_to_string(&path).unwrap(), "another's");
    }
    say(&mut console, ":sort! score", "sort takes no !");
    for device in ["/dev/stdout", "/dev/tty", "/dev/null"] {
        say(&mut console, &format!(":export! csv {device}"), "that is no file");
    }
    assert!(console.quit().success());
}

#[test]
fn a_snapshot_takes_no_inputs_place() {
    let evidence = Evidence::new();
    fs::create_dir(evidence.path("config/snapshots")).unwrap();
    let before = evidence.all();
    let mut console = start(&evidence, &["--follow", "logs", "config/snapshots/awaited.toml"]);
    say(&mut console, ":snapshot awaited", "it is one of the inputs");
    assert!(console.quit().success());
    assert!(before == evidence.all(), "something was written");
    let mut console = start(&evidence, &["logs"]);
    say(&mut console, ":snapshot mine", "are saved as mine");
    say(&mut console, ":snapshot mine", "There is a snapshot mine already");
    let snapshot = evidence.path("config/snapshots/mine.toml");
    say(&mut console, &format!(":export! csv {}", snapshot.display()), "it is one of the snapshots");
    assert!(console.quit().success());
    assert!(fs::read_to_string(&snapshot).unwrap().starts_with("[patterns]"));
}

#[test]
fn the_case_file_is_no_input() {
    let evidence = Evidence::new();
    let before = evidence.all();
    for arguments in [
        ["--case", "logs/a.json", "logs"],
        ["--case", "hard", "logs/a.json"],
        ["--config", "logs/notes.txt", "logs/notes.txt"],
    ] {
        fs::write(evidence.path("logs/notes.txt"), "").unwrap();
        let arguments: Vec<_> =
            arguments
                .map(|argument| {
                    if argument.starts_with('-') { PathBuf::from(argument) } else { evidence.path(argument) }
                })
                .into();
        let folder = evidence.path("config");
        let mut console =
            Console::start_with(arguments, 30, 200, &[("EXFILSCOPE_CONFIG", folder.to_str().unwrap())]);
        console.wait_for_end(PATIENCE);
        let said = console.screen();
        assert!(said.contains("it is one of the inputs"), "{said}");
    }
    fs::write(evidence.path("logs/notes.txt"), "no log\n").unwrap();
    assert!(before == evidence.all(), "something was written");
}

#[test]
fn signal_during_write_leaves_nothing() {
    let evidence = Evidence::new();
    let many: String = (0..30_000)
        .map(|number| EVENT.replacen('{', &format!("{{\"RecordNumber\":{number},"), 1) + "\n")
        .collect();
    fs::write(evidence.path("logs/many.json"), many).unwrap();
    fs::write(evidence.path("rows.html"), "before").unwrap();
    let names = || {
        let entries = fs::read_dir(evidence.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        let output =
            ["scan", "logs", "--keep-duplicates", "--format", "markdown", "--output", "rows.html", "--force"];
        let mut child = evidence.command(&output).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while names() == before {
            assert!(child.try_wait().unwrap().is_none(), "it has ended before it was met writing");
            assert!(begun.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(1));
        }
        assert!(Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(number), "{name}: {status}");
        assert_eq!(names(), before, "{name} has left something");
        assert_eq!(fs::read_to_string(evidence.path("rows.html")).unwrap(), "before");
    }
}
