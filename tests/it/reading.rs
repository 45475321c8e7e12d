//! Reading opens files alone: no pipe that would be waited for, no device, nothing that a link in a folder leads out to, and
//! nothing that is absurdly large.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what fails by failing")]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::source::load_rows;

const EVENT: &str = r#"{"EventID":1,"SourceName":"Microsoft-Windows-Sysmon","Hostname":"ws","UtcTime":"2026-03-01 13:37:00.123","Image":"C:\\git.exe","CommandLine":"git push https://github.com/a/b"}"#;

/// Runs in a folder, and must end of itself.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_exfilscope"))
        .args(arguments)
        .current_dir(folder)
        .env("EXFILSCOPE_CONFIG", folder.join("config"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("{arguments:?} waits for ever");
        }
        thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().unwrap()
}

fn told(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A folder with a log, and all that is no file.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir_all(root.join("config/themes")).unwrap();
    fs::create_dir(root.join("logs")).unwrap();
    fs::write(root.join("logs/a.json"), format!("{EVENT}\n")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
    symlink("/dev/zero", root.join("device")).unwrap();
    let large = File::create(root.join("large")).unwrap();
    large.set_len(1 << 30).unwrap();
    drop(std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap());
    folder
}

const NO_FILES: [(&str, &str); 5] = [
    ("pipe", "it is a pipe"),
    ("device", "it is a device"),
    ("socket", "it is a socket"),
    ("large", "it is larger than 1 MiB"),
    ("logs", "it is a folder"),
];

#[test]
fn pipes_devices_giants_are_never_read() {
    let folder = folder();
    for (name, reason) in NO_FILES {
        let config = fs::read_to_string(folder.path().join("config/exfilscope.toml")).unwrap_or_default();
        assert_eq!(config, "");
        for arguments in [
            &["scan", "logs", "--config", name][..],
            &["tests", "logs", "--config", name],
            &["tests", "logs", "--test", name],
            &["rule", "export", "--to", "spl", "--config", name],
            &["rule", "import", name],
        ] {
            let (status, said) = told(&run(folder.path(), arguments));
            assert_eq!(status, Some(2), "{arguments:?}: {said}");
            assert!(said.contains(reason), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn a_configuration_names_files_alone() {
    let folder = folder();
    for (name, reason) in NO_FILES {
        let config = folder.path().join("config/exfilscope.toml");
        fs::write(&config, format!("tests = [\"../{name}\"]\n")).unwrap();
        let (status, said) = told(&run(folder.path(), &["tests", "logs"]));
        assert_eq!(status, Some(2), "{name}: {said}");
        assert!(said.contains(reason), "{name}: {said}");
        fs::remove_file(&config).unwrap();
        symlink(folder.path().join(name), &config).unwrap();
        let (status, said) = told(&run(folder.path(), &["scan", "logs"]));
        assert_eq!(status, Some(2), "{name}: {said}");
        assert!(said.contains(reason), "{name}: {said}");
        fs::remove_file(&config).unwrap();
    }
}

#[test]
fn missing_file_has_one_sentence() {
    let folder = folder();
    for arguments in [
        &["scan", "logs", "--config", "nothing"][..],
        &["tests", "logs", "--test", "nothing"],
        &["rule", "import", "nothing"],
        &["scan", "nothing"],
    ] {
        let (status, said) = told(&run(folder.path(), arguments));
        assert_eq!(status, Some(2), "{arguments:?}: {said}");
        assert!(said.contains("nothing") && said.contains("there is no such file"), "{arguments:?}: {said}");
        assert!(!said.contains("os error"), "{arguments:?}: {said}");
    }
}

#[test]
fn links_never_leave_their_folder() {
    let folder = folder();
    let root = folder.path();
    let outside = |name: &str, host: &str| {
        let path = root.join("outside").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, EVENT.replace("\"ws\"", &format!("\"{host}\"")) + "\n").unwrap();
        path
    };
    symlink(outside("b.json", "secret-1"), root.join("logs/b.json")).unwrap();
    outside("deep/c.json", "secret-2");
    symlink("../outside/deep", root.join("logs/deep")).unwrap();
    symlink("a.json", root.join("logs/inside.json")).unwrap();
    symlink("../pipe", root.join("logs/pipe.json")).unwrap();
    symlink("logs", root.join("all")).unwrap();
    for named in ["logs", "all", "./logs/../logs"] {
        let output = run(root, &["scan", named]);
        let (status, said) = told(&output);
        let rows = String::from_utf8(output.stdout).unwrap();
        assert!(rows.contains("\"ws\"") && !rows.contains("secret"), "{rows}");
        assert_eq!(status, Some(3), "{said}");
        for link in ["b.json", "deep"] {
            assert!(
                said.contains(&format!("{link}: it is a link out of the folder and was not followed")),
                "{said}"
            );
        }
        assert!(!said.contains("inside.json"), "{said}");
    }
    // Named, a link is what it leads to.
    let output = run(root, &["scan", "logs/b.json"]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("secret-1"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_theme_is_a_file_too() {
    let folder = folder();
    for (name, reason) in NO_FILES {
        let theme = folder.path().join("config/themes/mine.toml");
        symlink(folder.path().join(name), &theme).unwrap();
        let (status, said) = told(&run(folder.path(), &["scan", "logs", "--theme", "mine"]));
        assert_eq!(status, Some(2), "{name}: {said}");
        assert!(said.contains(reason), "{name}: {said}");
        fs::remove_file(&theme).unwrap();
    }
}

/// Reads rows, and returns the messages' faults and how many events came; must end of itself.
fn rows(paths: &[PathBuf]) -> (Vec<String>, usize) {
    let found = std::sync::Mutex::new((Vec::new(), 0));
    load_rows(paths, &Progress::default(), &|message| {
        let mut found = found.lock().unwrap();
        match message {
            FeedMessage::Fault(fault) => found.0.push(fault.to_string()),
            FeedMessage::Batch(batch) => found.1 += batch.events.len(),
            _ => {}
        }
        true
    });
    found.into_inner().unwrap()
}

#[test]
fn rows_are_read_from_files_alone() {
    let folder = folder();
    let root = folder.path();
    let scan = run(root, &["scan", "logs"]);
    fs::create_dir(root.join("rows")).unwrap();
    fs::write(root.join("rows/a.ndjson"), &scan.stdout).unwrap();
    fs::create_dir(root.join("outside")).unwrap();
    fs::write(root.join("outside/b.ndjson"), &scan.stdout).unwrap();
    symlink("../outside/b.ndjson", root.join("rows/b.ndjson")).unwrap();
    symlink("../outside", root.join("rows/deep")).unwrap();
    symlink("../pipe", root.join("rows/pipe.ndjson")).unwrap();
    let (faults, events) = rows(&[root.join("rows")]);
    assert_eq!(events, 1, "{faults:?}");
    for link in ["rows/b.ndjson", "rows/deep"] {
        let told =
            faults.iter().any(|fault| fault.contains(link) && fault.contains("a link out of the folder"));
        assert!(told, "{link}: {faults:?}");
    }
    for (name, reason) in
        [("pipe", "it is a pipe"), ("device", "it is a device"), ("socket", "it is a socket")]
    {
        let (faults, _) = rows(&[root.join(name)]);
        assert!(faults.iter().any(|fault| fault.contains(reason)), "{name}: {faults:?}");
    }
}

#[test]
fn a_case_file_is_a_file() {
    use exfilscope::case::CaseFile;
    let folder = folder();
    for (name, reason) in [("pipe", "it is a pipe"), ("device", "it is a device"), ("logs", "it is a folder")]
    {
        let mut case = CaseFile::named(folder.path().join(name));
        assert!(case.news().unwrap_err().contains(reason), "{name}");
    }
    let giant = File::create(folder.path().join("giant")).unwrap();
    giant.set_len(1 << 31).unwrap();
    let mut case = CaseFile::named(folder.path().join("giant"));
    assert!(case.news().unwrap_err().contains("it is larger than 256 MiB"));
}

#[test]
fn many_outward_links_are_counted() {
    let folder = folder();
    for number in 0..100 {
        symlink("../large", folder.path().join(format!("logs/{number}.json"))).unwrap();
    }
    let (status, said) = told(&run(folder.path(), &["scan", "logs"]));
    assert_eq!(status, Some(3), "{said}");
    assert_eq!(said.matches("it is a link out of the folder").count(), 20, "{said}");
    assert!(said.contains("80 more links out of the folder were not followed"), "{said}");
}

#[test]
fn file_turned_pipe_never_blocks() {
    use exfilscope::files::open::{open_file, open_to_append};
    let folder = folder();
    for name in ["pipe", "device", "socket", "logs"] {
        let path: PathBuf = folder.path().join(name);
        assert!(open_file(&path).is_err(), "{name}");
        assert!(open_to_append(&path).is_err(), "{name}");
    }
}
