//! Which files a load finds, in which order, and its reports on the others.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests are no tests to the lints"
)]

use crate::source_log;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use exfilscope::model::fault::{Fault, FaultKind, Severity};
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::source::{LoadOptions, load};
use source_log::Log;

fn messages(paths: &[PathBuf], threads: usize) -> Vec<FeedMessage> {
    let messages = Mutex::new(Vec::new());
    load(paths, &LoadOptions { threads }, &Progress::default(), &|message| {
        messages.lock().unwrap().push(message);
        true
    });
    let messages = messages.into_inner().unwrap();
    assert!(matches!(messages.last(), Some(FeedMessage::Finished)));
    messages
}

/// The sources' paths in the order of their numbers, which have no gaps.
fn sources(messages: &[FeedMessage]) -> Vec<PathBuf> {
    let mut sources: Vec<_> = messages
        .iter()
        .filter_map(|message| match message {
            FeedMessage::Source(source) => Some((source.id.0, source.path.clone())),
            _ => None,
        })
        .collect();
    sources.sort();
    for (expected, (id, _)) in (0..).zip(&sources) {
        assert_eq!(*id, expected);
    }
    sources.into_iter().map(|(_, path)| path).collect()
}

fn faults(messages: &[FeedMessage]) -> Vec<Fault> {
    messages
        .iter()
        .flat_map(|message| match message {
            FeedMessage::Fault(fault) => vec![fault.clone()],
            FeedMessage::Batch(batch) => batch.faults.clone(),
            _ => vec![],
        })
        .collect()
}

#[track_caller]
fn expect(faults: &[Fault], path: &Path, severity: Severity, words: &str) {
    let name = path.display().to_string();
    assert!(
        faults
            .iter()
            .any(|fault| fault.name == name && fault.severity == severity && fault.reason().contains(words)),
        "{name}: {words}: {faults:#?}"
    );
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn folders_are_read_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let log = Log::new(1).bytes;
    for name in ["b/2.evtx", "b/1.EVTX", "a.evtx", "c/d/e/deep.evtx", "b/no-ending", "z.evtx"] {
        write(&root.join(name), &log);
    }
    write(&root.join("readme.txt"), b"no log");
    write(&root.join("b/picture.png"), b"\x89PNG");
    write(&root.join("__MACOSX/._a.evtx"), b"\0\x05\x16\x07");
    write(&root.join("._a.evtx"), b"\0\x05\x16\x07");
    let messages = messages(&[root.join("z.evtx"), root.to_owned()], 4);
    let expected = ["z.evtx", "a.evtx", "b/1.EVTX", "b/2.evtx", "b/no-ending", "c/d/e/deep.evtx", "z.evtx"];
    assert_eq!(sources(&messages), expected.map(|name| root.join(name)));
    let faults = faults(&messages);
    expect(&faults, root, Severity::Notice, "2 files that are no logs were passed over");
    expect(&faults, root, Severity::Notice, "2 entries that macOS adds");
    assert_eq!(faults.len(), 2, "{faults:#?}");
}

#[test]
fn unreadable_files_are_reported_and_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(&root.join("good.evtx"), &Log::new(1).bytes);
    write(&root.join("empty.evtx"), b"");
    write(&root.join("text.evtx"), b"these are\nnotes\n");
    write(&root.join("utf16.evtx"), b"\xff\xfeh\0i\0");
    write(&root.join("packed.evtx"), b"PK\x03\x04\x14\0\0\0");
    write(&root.join("nothing/here.txt"), b"x");
    let named =
        ["missing.evtx", "nothing", "empty.evtx", "text.evtx", "utf16.evtx", "packed.evtx", "good.evtx"];
    let paths = named.map(|name| root.join(name));
    let messages = messages(&paths, 2);
    assert_eq!(sources(&messages), [root.join("good.evtx")]);
    let faults = faults(&messages);
    for (name, words) in [
        ("missing.evtx", "no such file"),
        ("nothing", "nothing in it holds events of Windows"),
        ("empty.evtx", "empty (0 bytes)"),
        ("text.evtx", "it is text"),
        ("utf16.evtx", "it is text"),
        ("packed.evtx", "the archive's directory is damaged"),
    ] {
        expect(&faults, &root.join(name), Severity::Unreadable, words);
    }
    assert_eq!(faults.len(), 6, "{faults:#?}");
}

#[cfg(unix)]
#[test]
fn circular_links_and_devices_are_skipped() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(&root.join("a/log.evtx"), &Log::new(1).bytes);
    symlink(root, root.join("a/up")).unwrap();
    symlink("../a", root.join("a/self")).unwrap();
    symlink("nowhere", root.join("a/dangling.evtx")).unwrap();
    symlink("log.evtx", root.join("a/other-name.evtx")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.join("socket.evtx")).unwrap();
    let pipe = root.join("pipe.evtx");
    let has_pipe =
        std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success());
    let messages = messages(&[root.to_owned(), root.join("socket.evtx")], 2);
    assert_eq!(sources(&messages), ["a/log.evtx", "a/other-name.evtx"].map(|name| root.join(name)));
    let faults = faults(&messages);
    expect(&faults, &root.join("a/up"), Severity::Notice, "read already");
    expect(&faults, &root.join("a/self"), Severity::Notice, "read already");
    expect(&faults, &root.join("a/dangling.evtx"), Severity::Notice, "leads nowhere");
    expect(&faults, &root.join("socket.evtx"), Severity::Notice, "a socket");
    expect(&faults, &root.join("socket.evtx"), Severity::Unreadable, "a socket");
    if has_pipe {
        expect(&faults, &pipe, Severity::Notice, "a pipe");
    }
}

#[cfg(unix)]
#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.evtx");
    write(&path, &Log::new(1).bytes);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        println!("not tested: this account may read everything");
        return;
    }
    let messages = messages(&[folder.path().to_owned()], 1);
    expect(&faults(&messages), &path, Severity::Unreadable, "no permission");
}

#[test]
fn any_thread_count_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (number, chunks) in [1, 40, 3, 1, 0, 17].into_iter().enumerate() {
        let mut log = Log::new(chunks.max(1));
        if chunks == 0 {
            log.bytes.truncate(4096);
        }
        if chunks == 3 {
            log.fill(log.records[&25].clone(), 1);
            log.fill(log.records[&41].clone(), 1);
        }
        let path = folder.path().join(format!("{number}.evtx"));
        write(&path, &log.bytes);
        paths.push(path);
    }
    let summary = |threads: usize| {
        let messages = messages(&paths, threads);
        let mut events = Vec::new();
        let mut bytes = 0;
        for message in &messages {
            if let FeedMessage::Batch(batch) = message {
                bytes += batch.tally.bytes;
                events.extend(
                    batch.events.iter().map(|event| (batch.source, event.head.place, event.head.record_id)),
                );
            }
        }
        events.sort_unstable();
        // Each file hands over its faults in its own order, when it has been read.
        let mut faults = faults(&messages);
        faults.sort_by_key(|fault| fault.source);
        (events, bytes, faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let one = summary(1);
    assert_eq!(one.0.len(), (1 + 40 + 3 + 1 + 17) * 20 - 2);
    for threads in [2, 3, 16] {
        assert_eq!(summary(threads), one, "{threads} threads");
    }
}

#[test]
fn load_stops_on_request_or_disconnect() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.evtx");
    write(&path, &Log::new(200).bytes);
    let calls = AtomicUsize::new(0);
    load(std::slice::from_ref(&path), &LoadOptions { threads: 3 }, &Progress::default(), &|_| {
        calls.fetch_add(1, Ordering::Relaxed) < 5
    });
    assert!(calls.load(Ordering::Relaxed) < 20, "no more is handed over");

    let progress = Progress::default();
    let batches = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    load(&[path], &LoadOptions { threads: 3 }, &progress, &|message| {
        match message {
            FeedMessage::Batch(_) => {
                batches.fetch_add(1, Ordering::Relaxed);
                progress.stop();
            }
            FeedMessage::Finished => drop(finished.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        true
    });
    assert!(batches.load(Ordering::Relaxed) < 10, "a stop is a stop");
    assert_eq!(finished.load(Ordering::Relaxed), 1);
}

#[test]
fn shrinking_file_is_read_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shrinks.evtx");
    write(&path, &Log::new(60).bytes);
    let all = Mutex::new(Vec::new());
    load(std::slice::from_ref(&path), &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        let mut all = all.lock().unwrap();
        if all.len() == 1 {
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_len(4096 + 20 * 65_536 + 3000).unwrap();
        }
        all.push(message);
        true
    });
    let all = all.into_inner().unwrap();
    let read = all.iter().map(|message| match message {
        FeedMessage::Batch(batch) => batch.events.len(),
        _ => 0,
    });
    assert!(read.sum::<usize>() >= 20 * 20);
    let faults = faults(&all);
    assert!(faults.iter().any(|fault| matches!(fault.kind, FaultKind::Shrunk { .. })), "{faults:#?}");
}

/// Some programs that mount a disk image on Windows can't resolve a path in it. Linux can't either where the whole path is
/// longer than 4,096 bytes.
#[cfg(unix)]
#[test]
fn unresolvable_folder_is_read() {
    use rustix::fs::{Mode, OFlags, mkdirat, openat, symlinkat};
    use std::io::Write as _;
    use std::os::fd::{AsRawFd as _, OwnedFd};

    let folder = tempfile::tempdir().unwrap();
    let open = |at: &OwnedFd, name: &str| openat(at, name, OFlags::RDONLY, Mode::empty()).unwrap();
    let mut at: OwnedFd = fs::File::open(folder.path()).unwrap().into();
    let name = "d".repeat(200);
    for _ in 0..22 {
        mkdirat(&at, &name, Mode::RWXU).unwrap();
        at = open(&at, &name);
    }
    mkdirat(&at, "case", Mode::RWXU).unwrap();
    let case = open(&at, "case");
    let log = openat(&case, "four.evtx", OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
    let bytes = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/four-tests.evtx")).unwrap();
    fs::File::from(log).write_all(&bytes).unwrap();
    symlinkat("four.evtx", &case, "link.evtx").unwrap();

    // In the folder above it, whose name is too long to be given.
    let place = format!("/proc/{}/fd/{}", std::process::id(), at.as_raw_fd());
    let run = |program: &str, arguments: &[&str]| {
        std::process::Command::new(program).args(arguments).current_dir(&place).output().unwrap()
    };
    assert!(!run("realpath", &["case"]).status.success(), "the system can't resolve it");
    let scanned = run(env!("CARGO_BIN_EXE_exfilscope"), &["scan", "--format", "ndjson", "case"]);
    let errors = String::from_utf8_lossy(&scanned.stderr).into_owned();
    assert_eq!(scanned.stdout.split(|byte| *byte == b'\n').count() - 1, 10, "{errors}");
    assert_eq!(scanned.status.code(), Some(3), "{errors}");
    assert!(errors.contains("link.evtx: it is a link out of the folder and was not followed"), "{errors}");
}
