//! Output files: whole or not at all, and sentences that name them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use exfilscope::files::atomic::{AtomicFile, OutputError};
use exfilscope::files::policy::{Existing, OutputPolicy};

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Nothing is read here, and what is there may go.
fn create(path: &Path) -> Result<AtomicFile, OutputError> {
    AtomicFile::create(path, &OutputPolicy::new(""), Existing::Replace)
}

fn write(path: &Path, text: &str) -> Result<(), OutputError> {
    let mut file = create(path)?;
    file.write_all(text.as_bytes()).map_err(|error| file.explain(error))?;
    file.commit().map(drop)
}

#[test]
fn file_gets_name_only_when_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.csv");
    fs::write(&path, "old").unwrap();

    let mut file = create(&path).unwrap();
    file.write_all(b"half of the new").unwrap();
    file.flush().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    drop(file);
    assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(names_in(folder.path()), ["report.csv"], "an abandoned file leaves no trace");

    write(&path, "new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(names_in(folder.path()), ["report.csv"]);
}

#[test]
fn error_sentences_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    for (path, expected) in [
        (folder.path().to_owned(), "that is a folder; name a file in it"),
        (folder.path().join("missing/report.csv"), "missing; make it first, or name another file"),
    ] {
        let sentence = create(&path).unwrap_err().to_string();
        assert!(sentence.starts_with(&format!("cannot write {}: ", path.display())), "{sentence}");
        assert!(sentence.ends_with(expected), "{sentence}");
    }
    for (kind, expected) in [
        (ErrorKind::PermissionDenied, "change the permissions"),
        (ErrorKind::StorageFull, "is full; make room"),
        (ErrorKind::ReadOnlyFilesystem, "read-only"),
        (ErrorKind::InvalidFilename, "no such name"),
    ] {
        let sentence = OutputError::new(Path::new("day\u{1b}[2J1.csv"), kind.into()).to_string();
        assert!(sentence.contains(expected), "{sentence}");
        // Raw: the code that shows the sentence escapes it, once.
        assert!(sentence.starts_with("cannot write day\u{1b}[2J1.csv: "), "{sentence:?}");
    }
}

#[test]
fn closed_pipe_is_recognised() {
    let error = OutputError::new(Path::new("x"), ErrorKind::BrokenPipe.into());
    assert!(error.is_closed_pipe());
    assert!(!OutputError::new(Path::new("x"), ErrorKind::StorageFull.into()).is_closed_pipe());
}

#[test]
fn bare_name_writes_into_working_folder() {
    let file = create(Path::new("exfilscope-test-output.csv")).unwrap();
    drop(file);
    assert!(!PathBuf::from("exfilscope-test-output.csv").exists());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::Command;
    use std::thread;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn permissions_are_kept_or_follow_umask() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        fs::write(&path, "old").unwrap();
        for bits in [0o600, 0o640, 0o666, 0o755] {
            fs::set_permissions(&path, fs::Permissions::from_mode(bits)).unwrap();
            write(&path, "new").unwrap();
            assert_eq!(mode(&path), bits);
        }
        let ordinary = folder.path().join("ordinary");
        fs::write(&ordinary, "").unwrap();
        let ours = folder.path().join("ours");
        write(&ours, "").unwrap();
        assert_eq!(mode(&ours), mode(&ordinary));
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        fs::create_dir(folder.path().join("links")).unwrap();
        let link = folder.path().join("links/link");
        symlink("../real", &link).unwrap();
        write(&link, "first, the link dangling").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "first, the link dangling");
        write(&link, "second").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "second");

        let circle = folder.path().join("circle");
        symlink("circle", &circle).unwrap();
        let sentence = write(&circle, "").unwrap_err().to_string();
        assert!(sentence.contains("circle"), "{sentence}");
    }

    #[test]
    fn named_pipe_is_written_directly() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let reader = thread::spawn({
            let fifo = fifo.clone();
            move || fs::read_to_string(fifo).unwrap()
        });
        write(&fifo, "through the pipe").unwrap();
        assert_eq!(reader.join().unwrap(), "through the pipe");
        assert_eq!(names_in(folder.path()), ["fifo"]);
    }

    #[test]
    fn a_file_is_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let sentence = create(&file.join("report.csv")).unwrap_err().to_string();
        assert!(sentence.ends_with("is a file, no folder; name another file"), "{sentence}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said() {
        let sentence = write(Path::new("/dev/full"), "text").unwrap_err().to_string();
        assert_eq!(
            sentence,
            "cannot write /dev/full: the disk of /dev is full; make room, or name a file on another disk"
        );
        write(Path::new("/dev/null"), "text").unwrap();
    }
}
