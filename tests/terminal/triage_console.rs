//! Triage on a pseudo-terminal: how many keys it takes from a cold start, what the case file keeps, and that no secret
//! gets out by any way.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use crate::pty;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use pty::{Console, Key, PATIENCE};
use vt100::Screen;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// A console started in its home, with its load at its end.
fn start(arguments: &[&Path], environment: &[(&str, &str)]) -> Console {
    let mut all: Vec<OsString> = vec![
        "-c".into(),
        "cd \"$HOME\" && exec \"$0\" \"$@\"".into(),
        env!("CARGO_BIN_EXE_exfilscope").into(),
    ];
    all.extend(arguments.iter().map(|argument| argument.as_os_str().to_owned()));
    let console = Console::spawn("sh", all, 40, 120, environment);
    console.wait_for(
        |screen: &Screen| {
            let text = screen.contents();
            text.contains("Alerts") && !text.contains("reading") && text.contains("quit")
        },
        PATIENCE,
    );
    console
}

fn says(part: &str) -> impl Fn(&Screen) -> bool {
    let part = part.to_owned();
    move |screen: &Screen| screen.contents().contains(&part)
}

fn case_file(console: &Console) -> PathBuf {
    console.in_home(".config/exfilscope/case.ndjson")
}

/// A console that counts the keys that it is given.
struct Counted {
    console: Console,
    keys: usize,
}

impl Counted {
    fn cold() -> Self {
        Self { console: start(&[&fixture("four-tests.evtx")], &[]), keys: 0 }
    }

    fn character(&mut self, key: char) {
        self.console.keys(key.encode_utf8(&mut [0; 4]));
        self.keys += 1;
    }

    fn enter(&mut self) {
        self.console.key(Key::Enter);
        self.keys += 1;
    }
}

#[test]
fn few_keys_triage_the_top_alert() {
    // The command line of the top alert's parent: it is there without a key.
    let cold = Counted::cold();
    cold.console.wait_for(says("          git  push --force https://ghp_****@github.com/"), PATIENCE);
    let screen = cold.console.screen();
    assert!(screen.contains("Parent    C:\\Program Files\\Git\\cmd\\git.exe"), "{screen}");
    assert!(cold.keys <= 1);

    // Its host, allowed: no alert of it is left.
    let mut cold = Counted::cold();
    cold.character('a');
    cold.enter();
    cold.console.wait_for(says("Alerts 0"), PATIENCE);
    assert!(cold.keys <= 3, "{} keys", cold.keys);

    // A report of it.
    let mut cold = Counted::cold();
    cold.character('R');
    cold.enter();
    cold.console.wait_for(says("1 alert is in"), PATIENCE);
    assert!(cold.keys <= 3, "{} keys", cold.keys);
    let report = cold.console.in_home("report-WS-4711.corp.example-20260311-091412.md");
    let text = fs::read_to_string(&report).unwrap();
    for part in ["Process tree", "`cmd.exe`", "**this alert**", "Patterns in force", "1 of 10 alerts", "push"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    cold.console.keys(":export csv selected one.csv");
    cold.enter();
    let one = cold.console.in_home("one.csv");
    cold.console.wait_for(|_: &Screen| one.exists(), PATIENCE);
    assert_eq!(fs::read_to_string(&one).unwrap().lines().count(), 2);
    // Another one does not take its place.
    fs::write(&report, "mine").unwrap();
    cold.character('R');
    cold.enter();
    cold.console.wait_for(says("-2.md"), PATIENCE);
    assert_eq!(fs::read_to_string(&report).unwrap(), "mine");
    assert_eq!(
        fs::read_to_string(report.with_file_name("report-WS-4711.corp.example-20260311-091412-2.md"))
            .unwrap()
            .lines()
            .count(),
        text.lines().count()
    );

    // A verdict on it.
    let mut cold = Counted::cold();
    assert!(!case_file(&cold.console).exists(), "nothing is written before something is decided");
    cold.character('d');
    cold.character('m');
    cold.console.wait_for(says("M:1"), PATIENCE);
    assert!(cold.keys <= 2);
    assert!(cold.console.quit().success());
    assert_eq!(
        fs::read_to_string(case_file(&cold.console)).unwrap().lines().count(),
        1,
        "also right before the end"
    );
}

#[test]
fn verdicts_persist_across_two_consoles() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("incident-7.ndjson");
    let arguments: [&Path; 3] = [Path::new("--case"), &case, &fixture("four-tests.evtx")];
    let user = [("USER", "alice")];
    let mut one = start(&arguments, &user);
    let mut other = start(&arguments, &[("USER", "bob")]);
    one.keys("dmN");
    one.keys("loot.csv is ours");
    one.key(Key::Enter);
    one.wait_for(says("Noted: WS-4711.corp.example record 48237 (incident-7.ndjson)"), PATIENCE);
    other.wait_for(says("M:1 b:0 u:0 9 left"), PATIENCE);
    other.wait_for(says("loot.csv is ours"), PATIENCE);
    other.keys("jdb");
    one.wait_for(says("M:1 b:1 u:0 8 left"), PATIENCE);
    // A writer's last line was cut off. The next verdict does not suffer from it.
    let mut bytes = fs::read(&case).unwrap();
    bytes.extend_from_slice(b"{\"verdict\":\"benign\",\"EventC");
    fs::write(&case, &bytes).unwrap();
    one.keys("U");
    one.wait_for(says("Undone"), PATIENCE);
    other.wait_for(says("1 read error"), PATIENCE);
    other.keys("e");
    other.wait_for(says("incident-7.ndjson: line 4"), PATIENCE);
    assert!(one.quit().success());
    other.keys("q");
    assert!(other.quit().success());
    let text = fs::read_to_string(&case).unwrap();
    let by = |name: &str| text.lines().filter(|line| line.contains(&format!("\"by\":\"{name}\""))).count();
    assert_eq!((by("alice"), by("bob"), text.lines().count()), (3, 1, 5), "{text}");

    let mut again = start(&arguments, &user);
    again.wait_for(says("M:1 b:1 u:0 8 left"), PATIENCE);
    again.wait_for(says("malicious  by alice"), PATIENCE);
    again.keys("/verdict:none");
    again.key(Key::Enter);
    again.wait_for(says("Alerts 8 of 10"), PATIENCE);
    assert!(again.quit().success());
}

#[test]
fn unwritable_case_file_is_reported_twice() {
    let arguments: [&Path; 3] =
        [Path::new("--case"), Path::new("/no/such/folder/case.ndjson"), &fixture("four-tests.evtx")];
    let mut console = start(&arguments, &[]);
    console.keys("dm");
    console.wait_for(says("no such folder"), PATIENCE);
    console.keys("q");
    assert_eq!(console.wait_for_end(PATIENCE).exit_code(), 2);
    assert!(console.screen().contains("can't be written"), "{}", console.screen());
}

#[test]
fn the_configuration_names_a_case_file() {
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("exfilscope.toml");
    fs::write(&configuration, "case = \"ours.ndjson\"\n").unwrap();
    let arguments: [&Path; 3] = [Path::new("--config"), &configuration, &fixture("four-tests.evtx")];
    let mut console = start(&arguments, &[]);
    console.keys("du");
    console.wait_for(says("u:1"), PATIENCE);
    assert!(console.quit().success());
    assert!(folder.path().join("ours.ndjson").exists());
}

/// Secrets as on command lines, each with a part that must be seen nowhere.
const SECRETS: [(&str, &str); 6] = [
    ("git push https://bob:hunter2hunter2@github.com/a/b", "hunter2hunter2"),
    ("git push https://ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8@github.com/a/b", "a1B2c3D4e5F6g7H8i9J0"),
    ("git push https://oauth2:glpat-x9Yz8Wv7Ut6Sr5Qp4Nm3@gitlab.com/a/b", "x9Yz8Wv7Ut6Sr5Qp4Nm3"),
    (
        "git -c http.extraheader=\"AUTHORIZATION: bearer eyJhbGciOi.eyJzdWIiOjF9.c2lnbmF0dXJl\" push https://github.com/a/b",
        "eyJzdWIiOjF9",
    ),
    (
        "git push https://:bq3kz7mw2xnp5vr4ht6jd2yc3gs7fa5le4uo2iw6qk3bm5xn7zpv@dev.azure.com/a/_git/b",
        "bq3kz7mw2xnp5vr4ht6jd2yc3gs7fa5le4uo2iw6qk3bm5xn7zpv",
    ),
    ("git push https://github.com/a/b --token=Zx9Yw8Vu7Ts6Rq5Po4Nm3", "Zx9Yw8Vu7Ts6Rq5Po4Nm3"),
];

/// A log with an alert for each secret, in its own command line and in its parent's.
fn log_with_secrets(folder: &Path) -> PathBuf {
    let lines: Vec<String> = SECRETS
        .iter()
        .enumerate()
        .map(|(number, (command_line, _))| {
            let time = format!("2026-03-10T13:0{number}:00.0000000Z");
            let event = serde_json::json!({"Event": {
                "System": {
                    "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
                    "EventID": 1, "EventRecordID": number + 1, "Computer": "WS-1",
                    "TimeCreated": {"#attributes": {"SystemTime": time}},
                },
                "EventData": {
                    "ProcessGuid": format!("00000000-0000-0000-0000-00000000000{}", number + 1),
                    "Image": "C:\\Program Files\\Git\\cmd\\git.exe",
                    "CommandLine": command_line,
                    "User": "CORP\\bob",
                    "ParentImage": "C:\\Windows\\System32\\cmd.exe",
                    "ParentCommandLine": format!("cmd.exe /c {command_line}"),
                },
            }});
            event.to_string()
        })
        .collect();
    let path = folder.join("secrets.jsonl");
    fs::write(&path, lines.join("\n")).unwrap();
    path
}

/// Checks that a text shows no secret, and that it had some.
fn assert_masked(way: &str, text: &str) {
    for (_, secret) in SECRETS {
        assert!(!text.contains(secret), "{way} tells {secret}");
    }
    assert!(text.contains("****"), "{way} has nothing to hide: {text}");
}

#[test]
fn secrets_never_leave_unless_revealed() {
    let folder = tempfile::tempdir().unwrap();
    let log = log_with_secrets(folder.path());
    let mut console = start(&[&log], &[("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")]);
    console.wait_for(says("Alerts 6"), PATIENCE);
    // The list, each detail and each raw event; all that was ever sent to the terminal is looked at below.
    for at in 0..SECRETS.len() {
        console.keys("r");
        console.wait_for(says("Raw event"), PATIENCE);
        console.wait_for(says("ParentCommandLine"), PATIENCE);
        console.key(Key::Esc);
        console.wait_for(says("Process tree"), PATIENCE);
        // Of two copies between two pictures the terminal gets the later one, as its clipboard would keep it.
        for (key, copies) in [("y", 2 * at + 1), ("Y", 2 * at + 2)] {
            console.keys(key);
            let deadline = Instant::now() + PATIENCE;
            while console.with_asides(|asides| asides.clipboard.len()) < copies {
                assert!(Instant::now() < deadline, "copy {copies} did not come");
                sleep(Duration::from_millis(5));
            }
        }
        console.key(Key::Enter);
        console.key(Key::Down);
    }
    console.key(Key::Home);
    // A group by what a command line names.
    console.keys(":group repository");
    console.key(Key::Enter);
    console.wait_for(says("groups by repository"), PATIENCE);
    console.keys(":group none");
    console.key(Key::Enter);
    let mut files = Vec::new();
    for format in ["ndjson", "json", "csv", "markdown", "sarif", "table"] {
        files.push((format!("export {format} {format}.out"), format!("{format}.out")));
    }
    for command in [
        "report list list.md",
        "report list list.html",
        "report selected one.md",
        "screenshot screen.svg",
        "screenshot screen.txt",
    ] {
        files.push((command.to_owned(), command.rsplit(' ').next().unwrap().to_owned()));
    }
    for (command, file) in &files {
        console.keys(&format!(":{command}"));
        console.key(Key::Enter);
        let path = console.in_home(file);
        console.wait_for(
            |_: &Screen| fs::read_to_string(&path).is_ok_and(|text| text.contains("****")),
            PATIENCE,
        );
        assert_masked(command, &fs::read_to_string(&path).unwrap());
    }
    // All that was shown and copied so far.
    let transcript = String::from_utf8_lossy(&console.transcript()).into_owned();
    assert_masked("the screen", &transcript);
    let copies = console.with_asides(|asides| asides.clipboard.clone());
    assert!(copies.len() >= 2 * SECRETS.len(), "{}", copies.len());
    for copy in copies {
        let bytes = base64::engine::general_purpose::STANDARD.decode(copy).unwrap();
        assert_masked("a copy", &String::from_utf8(bytes).unwrap());
    }
    // A note, as it is kept and shown; while it is typed it is the analyst's own.
    console.keys("dm");
    console.keys("N");
    console.keys(SECRETS[1].0);
    console.key(Key::Enter);
    console.wait_for(says("Noted"), PATIENCE);
    console.wait_for(
        |_: &Screen| fs::read_to_string(case_file(&console)).is_ok_and(|text| text.lines().count() == 2),
        PATIENCE,
    );
    assert_masked("the case file", &fs::read_to_string(case_file(&console)).unwrap());
    assert!(!console.screen().contains(SECRETS[1].1), "{}", console.screen());
    console.keys(":report selected noted.html");
    console.key(Key::Enter);
    let noted = console.in_home("noted.html");
    console.wait_for(
        |_: &Screen| fs::read_to_string(&noted).is_ok_and(|text| text.contains("</html>")),
        PATIENCE,
    );
    assert_masked("a report with a note", &fs::read_to_string(&noted).unwrap());
    assert!(console.quit().success());

    let mut revealed = start(&[Path::new("--reveal-secrets"), &log], &[]);
    revealed.keys(":export csv all.csv");
    revealed.key(Key::Enter);
    let path = revealed.in_home("all.csv");
    revealed.wait_for(|_: &Screen| path.exists(), PATIENCE);
    let text = fs::read_to_string(&path).unwrap();
    for (_, secret) in SECRETS {
        assert!(text.contains(secret), "{secret} is not revealed");
    }
    // Saved data stays masked all the same: a file outlives the wish to see.
    revealed.keys("N");
    revealed.keys(SECRETS[2].0);
    revealed.key(Key::Enter);
    revealed.wait_for(|_: &Screen| case_file(&revealed).exists(), PATIENCE);
    assert!(revealed.quit().success());
    assert_masked("the case file", &fs::read_to_string(case_file(&revealed)).unwrap());
}

#[test]
fn piped_rows_keep_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_exfilscope");
    for (name, log) in [("a.ndjson", "four-tests.evtx"), ("b.ndjson", "developers-day")] {
        let output = std::process::Command::new(program)
            .args(["scan", "--min-score", "0"])
            .arg(fixture(log))
            .env("EXFILSCOPE_CONFIG", folder.path())
            .output()
            .unwrap();
        fs::write(folder.path().join(name), output.stdout).unwrap();
    }
    let case = folder.path().join("case.ndjson");
    let arguments: [&Path; 3] = [Path::new("--case"), &case, &fixture("four-tests.evtx")];
    let mut log = start(&arguments, &[]);
    log.keys("dm");
    log.wait_for(says("M:1"), PATIENCE);
    assert!(log.quit().success());

    let script = format!(
        "(echo nonsense; cat '{0}/a.ndjson' '{0}/b.ndjson' '{0}/a.ndjson') | '{program}' merge --case '{1}' -",
        folder.path().display(),
        case.display()
    );
    let mut merged = Console::spawn("sh", ["-c", &script], 40, 120, &[]);
    merged.wait_for(says("M:1 b:0 u:0 77 left"), PATIENCE);
    merged.wait_for(says("Alerts 78"), PATIENCE);
    let rows = fs::read_to_string(folder.path().join("a.ndjson")).unwrap().lines().count();
    merged.wait_for(says("1 read error"), PATIENCE);
    merged.keys("e");
    merged.wait_for(says("line 1: it is no JSON"), PATIENCE);
    merged.wait_for(says(&format!("duplicate {rows}")), PATIENCE);
    merged.keys("q");
    // A pattern answers to all hosts at once.
    merged.keys("c|ws-4711");
    merged.wait_for(says("10 go"), PATIENCE);
    merged.key(Key::Enter);
    merged.wait_for(says("Alerts 68"), PATIENCE);
    merged.keys("x/host:ws-4711");
    merged.key(Key::Enter);
    merged.wait_for(says("The scan that wrote the row said"), PATIENCE);
    assert!(merged.quit().success());
}
