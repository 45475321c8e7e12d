//! The border of the command line: every place of an argument, every command, with what a terminal would obey and with a
//! secret; commands and options that are mistyped or misplaced; searches that come in.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use exfilscope::model::text::is_forbidden;

const TOKEN: &str = "ghp_aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5";
const COMMANDS: [&[&str]; 6] =
    [&[], &["scan"], &["tests"], &["merge"], &["rule", "export"], &["rule", "import"]];

fn hostile() -> String {
    format!("x\u{1b}]0;title\u{7}\u{202e}\u{9b}2J\nexfilscope: all is well {TOKEN}")
}

fn fixture() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/four-tests.evtx");
    path.to_str().unwrap().to_owned()
}

struct Told {
    status: Option<i32>,
    out: String,
    said: String,
}

fn run_in(folder: &Path, arguments: &[String]) -> Told {
    let output = Command::new(env!("CARGO_BIN_EXE_exfilscope"))
        .args(arguments)
        .current_dir(folder)
        .env("EXFILSCOPE_CONFIG", folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Told {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        said: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(arguments: &[&str]) -> Told {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>())
}

fn strings(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|argument| (*argument).to_owned()).collect()
}

/// The options of a command that take a value, and its places for arguments, as its help lists them.
fn places(command: &[&str]) -> Vec<String> {
    let help = run(&[command, &["--help"]].concat()).out;
    let options = help.lines().filter_map(|line| {
        let (_, after) =
            line.split_once("--").filter(|(before, _)| before.trim_matches([' ', '-', ',']).len() <= 1)?;
        after.contains(" <").then(|| format!("--{}", after.split(' ').next().unwrap()))
    });
    options.collect()
}

#[test]
fn no_argument_reaches_the_terminal_raw() {
    let (hostile, mut driven, mut made_visible) = (hostile(), 0, 0);
    for command in COMMANDS {
        let needed: &[&str] = match command {
            ["rule", "export"] => &["--to", "spl"],
            _ => &[],
        };
        let mut lines: Vec<Vec<String>> = Vec::new();
        for option in places(command) {
            let needed = if needed.contains(&option.as_str()) { &[] } else { needed };
            let file = if command == ["rule", "export"] { vec![] } else { vec![fixture()] };
            let base = [strings(command), strings(needed), file].concat();
            lines.push([base.clone(), vec![option.clone(), hostile.clone()]].concat());
            lines.push([base, vec![format!("{option}={hostile}")]].concat());
        }
        // A path, an unknown command, an unknown option, a superfluous value.
        lines.push([strings(command), strings(needed), vec![hostile.clone()]].concat());
        lines.push([strings(command), vec![format!("--{hostile}")]].concat());
        lines.push(
            [strings(command), strings(needed), vec!["--ascii".to_owned(), format!("--ascii={hostile}")]]
                .concat(),
        );
        for line in lines {
            let folder = tempfile::tempdir().unwrap();
            let told = run_in(folder.path(), &line);
            driven += 1;
            for text in [&told.out, &told.said] {
                assert!(
                    !text.chars().any(|letter| is_forbidden(letter) && letter != '\n'),
                    "{line:?}: {text:?}"
                );
                assert!(!text.contains(TOKEN), "{line:?}: {text}");
                assert!(!text.contains("\nexfilscope: all is well"), "{line:?}: {text}");
                made_visible += usize::from(text.contains("<U+001B>"));
            }
        }
    }
    assert!(driven > 80 && made_visible > 30, "{made_visible} of {driven}");
}

#[test]
fn exported_rules_hold_nothing_raw() {
    for engine in ["spl", "sigma", "kql", "esql", "clickhouse"] {
        for place in ["--ci-host", "--ide-parent", "--table"] {
            let told = run(&["rule", "export", "--to", engine, place, &hostile(), "--reveal-secrets"]);
            let text = [told.out, told.said].concat();
            let raw = |letter: char| is_forbidden(letter) && !matches!(letter, '\n' | '\t');
            assert!(!text.chars().any(raw), "{engine} {place}: {text:?}");
        }
        let told = run(&["rule", "export", "--to", engine, "--ci-host", TOKEN]);
        assert_eq!((told.status, told.out.as_str()), (Some(2), ""), "{engine}: {}", told.said);
        assert!(told.said.contains("the ci-host pattern holds what looks like a secret"), "{}", told.said);
        let told = run(&["rule", "export", "--to", engine, "--ci-host", TOKEN, "--reveal-secrets"]);
        assert_eq!(told.status, Some(0), "{engine}: {}", told.said);
        assert!(told.out.contains(TOKEN), "{engine}: a rule means what the pattern says: {}", told.out);
    }
}

#[test]
fn mistyped_command_is_reported_as_command() {
    let folder = tempfile::tempdir().unwrap();
    for (typed, meant) in
        [("scna", "scan"), ("Scan", "scan"), ("test", "tests"), ("merg", "merge"), ("rules", "rule")]
    {
        for rest in [&[][..], &["logs"], &["logs", "--format", "csv"]] {
            let told = run_in(folder.path(), &[strings(&[typed]), strings(rest)].concat());
            assert_eq!(told.status, Some(2), "{typed}");
            assert!(told.said.contains(&format!("did you mean `exfilscope {meant}`?")), "{}", told.said);
        }
    }
    // An existing file is no command; a word that resembles no command is a path.
    fs::write(folder.path().join("scna"), "").unwrap();
    for typed in ["scna", "./scan", "somewhere"] {
        let told = run_in(folder.path(), &strings(&[typed]));
        assert!(!told.said.contains("did you mean"), "{typed}: {}", told.said);
    }
}

#[test]
fn ineffective_option_is_refused() {
    let log = fixture();
    for (arguments, reason) in [
        (&[log.as_str(), "--since", "3d"][..], "/time>="),
        (&[&log, "--channel", "x"], "--channel is for --live"),
        (&["--follow", &log, "--threads", "2"], "not for --follow"),
        (&["--follow", &log, "--since", "3d"], "--since is for --live"),
        (&["--live", "--threads", "2"], "not for --live"),
        (&["--live", "--input-format", "json"], "a channel has one format"),
        (&["scan", &log, "--theme", "nope"], "Unknown theme `nope`"),
        (&["scan", &log, "--force"], "--output"),
        (&["rule", "import", "--config", "x", "y"], "--write"),
    ] {
        let told = run(arguments);
        assert_eq!(told.status, Some(2), "{arguments:?}: {}", told.said);
        assert!(told.said.contains(reason), "{arguments:?}: {}", told.said);
    }
    let value = |option: &str| match option {
        "--min-score" | "--threads" => Some("2"),
        "--host" => Some("short"),
        "--theme" => Some("dark"),
        "--input-format" => Some("json"),
        "--keep" => Some("200000"),
        _ => None,
    };
    let (export, rows) = (&["rule", "export", "--to", "spl"][..], &["merge", log.as_str()][..]);
    for (command, options) in [
        (
            export,
            &[
                "--min-score",
                "--threads",
                "--host",
                "--theme",
                "--input-format",
                "--keep",
                "--ascii",
                "--keep-duplicates",
            ][..],
        ),
        (rows, &["--threads", "--input-format", "--keep"]),
    ] {
        for option in options {
            let arguments: Vec<&str> =
                command.iter().copied().chain([*option]).chain(value(option)).collect();
            let told = run(&arguments);
            assert_eq!(told.status, Some(2), "{arguments:?}: {}", told.said);
            assert!(told.said.contains("unexpected argument"), "{arguments:?}: {}", told.said);
        }
    }
    assert_eq!(run(&["scan", &log, "--theme", "dark"]).status, Some(1));
}

fn search(folder: &Path, ci_host: &str) -> PathBuf {
    let spl = run(&["rule", "export", "--to", "spl", "--ci-host", ci_host, "--reveal-secrets"]);
    assert_eq!(spl.status, Some(0), "{}", spl.said);
    let path = folder.join("search.spl");
    fs::write(&path, spl.out).unwrap();
    path
}

#[test]
fn imported_search_merges_into_configuration() {
    let folder = tempfile::tempdir().unwrap();
    search(folder.path(), "(?i)bamboo-");
    let path = folder.path().join("ours.toml");
    let before = "# ours\nmin-score = 3 # high\n\n[patterns]\nci-host = 'old' # team\n\n[[exceptions]]\nname = 'x'\nhost = 'h'\nreason = 'r'\n";
    fs::write(&path, before).unwrap();
    let printed = run_in(folder.path(), &strings(&["rule", "import", "search.spl"]));
    assert_eq!(printed.status, Some(0), "{}", printed.said);
    assert!(printed.out.starts_with("[patterns]\nci-host = '(?i)bamboo-'\n"), "{}", printed.out);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);

    let write = strings(&["rule", "import", "--write", "--config", "ours.toml", "search.spl"]);
    let told = run_in(folder.path(), &write);
    assert_eq!(told.status, Some(0), "{}", told.said);
    assert!(
        told.out.contains("- ci-host = 'old' # team\n+ ci-host = \"(?i)bamboo-\" # team\n"),
        "{}",
        told.out
    );
    assert!(told.said.contains("both patterns are in ours.toml"), "{}", told.said);
    let after = fs::read_to_string(&path).unwrap();
    let rest = "\n\n[[exceptions]]\nname = 'x'\nhost = 'h'\nreason = 'r'\n";
    assert!(
        after.starts_with("# ours\nmin-score = 3 # high\n\n[patterns]\nci-host = \"(?i)bamboo-\" # team\n"),
        "{after}"
    );
    assert!(after.ends_with(rest) && after.matches("[patterns]").count() == 1, "{after}");

    let told = run_in(folder.path(), &write);
    assert_eq!((told.status, told.out.as_str()), (Some(0), ""), "{}", told.said);
    assert!(told.said.contains("nothing was written"), "{}", told.said);
    assert_eq!(fs::read_to_string(&path).unwrap(), after);

    // Without a configuration, the import creates one that lists every setting.
    let told = run_in(folder.path(), &strings(&["rule", "import", "--write", "search.spl"]));
    assert_eq!(told.status, Some(0), "{}", told.said);
    let new = fs::read_to_string(folder.path().join("exfilscope.toml")).unwrap();
    assert!(new.contains("# min-score") && new.contains("bamboo-"), "{new}");
}

#[test]
fn a_faulty_configuration_takes_no_search() {
    let folder = tempfile::tempdir().unwrap();
    search(folder.path(), "(?i)bamboo-");
    for (name, text, reason) in [
        ("twice.toml", "[patterns]\n[patterns]\n", "duplicate key"),
        ("typo.toml", "min-scor = 3\n", "did you mean `min-score`"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        let told =
            run_in(folder.path(), &strings(&["rule", "import", "--write", "--config", name, "search.spl"]));
        assert_eq!(told.status, Some(2), "{}", told.said);
        assert!(told.said.contains(reason), "{}", told.said);
        assert_eq!(fs::read_to_string(folder.path().join(name)).unwrap(), text);
    }
    let told = run_in(
        folder.path(),
        &strings(&["rule", "import", "--write", "--config", "none.toml", "search.spl"]),
    );
    assert_eq!(told.status, Some(2), "{}", told.said);
    assert!(told.said.contains("there is no such file"), "{}", told.said);
    assert!(!folder.path().join("none.toml").exists());
}

#[test]
fn search_with_control_characters_is_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let text = search(folder.path(), "agent");
    let spl = fs::read_to_string(&text).unwrap();
    for (put, escaped) in [("ag\u{202e}ent", "\\U0000202E"), ("ag\u{1b}ent", "\\U0000001B")] {
        fs::write(&text, spl.replace("agent", put)).unwrap();
        let told = run_in(folder.path(), &strings(&["rule", "import", "search.spl"]));
        let all = [told.out.as_str(), &told.said].concat();
        assert!(!all.chars().any(|letter| is_forbidden(letter) && letter != '\n'), "{all:?}");
        assert!(told.status == Some(0) && told.out.contains(escaped), "{}{}", told.out, told.said);
        let table: toml_edit::DocumentMut = told.out.parse().unwrap();
        assert!(table["patterns"]["ci-host"].as_str().unwrap().contains(put), "{}", told.out);
    }
    fs::write(&text, spl.replace("agent", TOKEN)).unwrap();
    let told = run_in(folder.path(), &strings(&["rule", "import", "search.spl"]));
    assert_eq!((told.status, told.out.as_str()), (Some(2), ""), "{}", told.said);
    assert!(told.said.contains("--reveal-secrets") && !told.said.contains(TOKEN), "{}", told.said);
    let told = run_in(folder.path(), &strings(&["rule", "import", "--write", "search.spl"]));
    assert_eq!(told.status, Some(0), "{}", told.said);
    assert!(!told.out.contains(TOKEN) && told.out.contains("+ ci-host"), "{}", told.out);
    assert!(fs::read_to_string(folder.path().join("exfilscope.toml")).unwrap().contains(TOKEN));
}

#[test]
fn absent_host_is_reported() {
    let log = fixture();
    let told = run(&["tests", &log, "--host", "nobody"]);
    assert_eq!((told.status, told.out.as_str()), (Some(2), ""), "{}", told.said);
    assert!(told.said.contains("no event is of that host; there are WS-4711.corp.example"), "{}", told.said);
    for host in ["ws-4711", "WS-4711.CORP.example"] {
        assert_eq!(run(&["tests", &log, "--host", host]).status, run(&["tests", &log]).status, "{host}");
    }
}
