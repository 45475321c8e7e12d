use std::fs;

use super::*;
use crate::case::Identity;
use crate::case::desk::{Desk, Report};
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;

fn decision(record_id: u64) -> Decision {
    let time = Timestamp::parse("2026-03-10T13:37:00Z");
    Decision {
        identity: Identity::new(Some("WS-1"), 1, Some(record_id), time, None).unwrap(),
        verdict: Verdict::Benign,
        note: String::new(),
        at: None,
        by: None,
        host: Some("WS-1".to_owned()),
        signal: String::new(),
    }
}

fn records(news: &News) -> Vec<u64> {
    news.decisions.iter().filter_map(|decision| decision.identity.record_id()).collect()
}

#[test]
fn nothing_is_written_before_something_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = CaseFile::in_folder(&folder.path().join("deep/inside"));
    assert!(file.news().unwrap().is_empty());
    file.append(&[]).unwrap();
    assert!(!folder.path().join("deep").exists());
    file.append(&[decision(1)]).unwrap();
    assert_eq!(records(&file.news().unwrap()), [1]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o077, 0, "others may read it");
    }
}

#[test]
fn what_another_console_appends_is_picked_up_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.ndjson");
    let (mut one, mut other) = (CaseFile::named(path.clone()), CaseFile::named(path.clone()));
    one.append(&[decision(1), decision(2)]).unwrap();
    assert_eq!(records(&other.news().unwrap()), [1, 2]);
    other.append(&[decision(3)]).unwrap();
    assert_eq!(records(&one.news().unwrap()), [1, 2, 3]);
    assert_eq!(records(&other.news().unwrap()), [3]);
    assert!(one.news().unwrap().is_empty() && other.news().unwrap().is_empty());
    // A shorter one replaced it.
    fs::write(&path, line::write(&decision(9))).unwrap();
    let news = one.news().unwrap();
    assert!(news.is_another);
    assert_eq!(records(&news), [9]);
}

#[test]
fn a_long_file_comes_in_parts_and_another_one_under_its_name_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.ndjson");
    let decisions: Vec<_> = (0..2 * MAX_LINES + 7).map(decision).collect();
    let mut file = CaseFile::named(path.clone());
    file.append(&decisions).unwrap();
    let mut read = Vec::new();
    for part in 0..3 {
        let news = file.news().unwrap();
        assert_eq!(news.has_more, part < 2, "part {part}");
        read.extend(records(&news));
    }
    assert!(read.iter().copied().eq(0..2 * MAX_LINES + 7));
    assert!(file.news().unwrap().is_empty());
    // An editor writes a new file and gives it the name: it is longer, but not this one with more in it.
    let other = folder.path().join("other");
    let again = CaseFile::named(other.clone());
    again.append(&[decision(1_000_000)]).unwrap();
    again.append(&decisions).unwrap();
    fs::rename(&other, &path).unwrap();
    let news = file.news().unwrap();
    assert!(news.is_another && news.has_more && news.faults.is_empty());
}

#[test]
fn a_torn_last_line_is_told_and_costs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.ndjson");
    let whole = line::write(&decision(1));
    for cut in 1..whole.len() {
        fs::write(&path, format!("{whole}{}", &whole[..cut])).unwrap();
        let mut file = CaseFile::named(path.clone());
        let news = file.news().unwrap();
        assert_eq!(records(&news), [1], "cut at {cut}");
        assert!(matches!(news.faults.as_slice(), [(2, reason)] if reason.contains("end is missing")));
        assert!(file.news().unwrap().is_empty(), "told once");
        file.append(&[decision(2)]).unwrap();
        let mut again = CaseFile::named(path.clone());
        let news = again.news().unwrap();
        let complete = cut == whole.len() - 1;
        assert_eq!(records(&news), if complete { vec![1, 1, 2] } else { vec![1, 2] }, "cut at {cut}");
        assert_eq!(news.faults.len(), usize::from(!complete), "cut at {cut}");
    }
}

#[test]
fn lines_that_are_no_decisions_are_named_by_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.ndjson");
    let long = "x".repeat(3 * MAX_LINE_BYTES);
    let whole = line::write(&decision(1));
    fs::write(&path, format!("{whole}\nnonsense\n{long}\n{{}}\n{}\r\n", whole.trim_end())).unwrap();
    let news = CaseFile::named(path).news().unwrap();
    assert_eq!(records(&news), [1, 1]);
    let numbers: Vec<_> = news.faults.iter().map(|(line, _)| *line).collect();
    assert_eq!(numbers, [3, 4, 5]);
    assert!(news.faults[1].1.contains("too many"), "{:?}", news.faults[1]);
}

#[test]
fn what_can_not_be_written_says_so_and_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/case.ndjson");
    let error = CaseFile::named(missing.clone()).append(&[decision(1)]).unwrap_err();
    assert!(error.contains("no such folder") && error.contains("--case"), "{error}");
    let error = CaseFile::named(folder.path().to_owned()).news().unwrap_err();
    assert!(error.contains("it is a folder"), "{error}");

    let (sender, reports) = std::sync::mpsc::channel();
    let desk = Desk::open(CaseFile::named(missing.clone()), move |report| {
        let _ = sender.send(report);
    })
    .unwrap();
    desk.write(vec![decision(1)]);
    assert!(matches!(reports.recv(), Ok(Report::NotWritten(_))));
    fs::create_dir(folder.path().join("missing")).unwrap();
    assert!(matches!(reports.recv(), Ok(Report::Written)), "tried again by itself");
    desk.write(vec![decision(2)]);
    desk.close().unwrap();
    assert_eq!(records(&CaseFile::named(missing).news().unwrap()), [1, 2]);
}
