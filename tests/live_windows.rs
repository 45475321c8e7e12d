//! The real Win32 code of the live source, end to end, against the event log of `tests/support/windows/wevtapi_fake.c`.
//! `.ci/windows` puts that beside this program and runs it under Wine.
#![cfg(windows)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use exfilscope::model::batch::SourceId;
use exfilscope::model::event::Field;
use exfilscope::model::fault::Fault;
use exfilscope::model::feed::{FeedMessage, Progress, RawEvents, SourceInfo};
use exfilscope::source::live::{self, LiveEvents, LiveOptions, LiveStatus, parse_rendered};

fn is_fake() -> bool {
    let is_there = std::env::var_os("EXFILSCOPE_FAKE_WEVTAPI").is_some();
    if !is_there {
        println!("not tested: the fake event log is not here; .ci/windows builds it");
    }
    is_there
}

struct Outcome {
    records: Vec<u64>,
    commands: Vec<String>,
    faults: Vec<Fault>,
    status: LiveStatus,
}

/// Reads until a record comes that is the last one, and stops by the stopper; every record must come once and in order.
fn read(channel: &str, last: u64, bookmark: Option<PathBuf>) -> Outcome {
    let options = LiveOptions { channel: channel.to_owned(), bookmark, ..LiveOptions::default() };
    let (session, stopper) = live::open(options).unwrap();
    let mut outcome = Outcome {
        records: Vec::new(),
        commands: Vec::new(),
        faults: Vec::new(),
        status: LiveStatus::default(),
    };
    let status = LiveStatus::default();
    let started = Instant::now();
    session.run(&mut parse_rendered, &Progress::default(), &status, &mut |message| {
        match message {
            FeedMessage::Batch(batch) => {
                outcome.records.extend(batch.events.iter().filter_map(|event| event.head.record_id));
                let text = |event| batch.text(event, Field::CommandLine).unwrap_or_default().to_owned();
                outcome.commands.extend(batch.events.iter().map(text));
                outcome.faults.extend(batch.faults);
                if outcome.records.last() == Some(&last) {
                    stopper();
                }
            }
            FeedMessage::Fault(fault) => outcome.faults.push(fault),
            FeedMessage::Source(_) | FeedMessage::Finished => {}
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{channel}: {:?}", outcome.records.last());
        true
    });
    outcome.status = status;
    outcome
}

#[test]
fn events_of_the_past_and_of_the_future_come_once_each() {
    if !is_fake() {
        return;
    }
    let outcome = read("fake/300+700", 1000, None);
    assert_eq!(outcome.records, (1..=1000).collect::<Vec<_>>());
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    assert_eq!(outcome.status.reconnects.load(Ordering::Relaxed), 0);
    for (record, command) in (1..).zip(&outcome.commands) {
        // Text beyond ASCII, entities, an unpaired surrogate, and events that are larger than the buffer.
        let first = if record % 50 == 9 { '\u{fffd}' } else { '東' };
        assert!(command.starts_with(&format!("git push <{first}京> {record} ")), "{command}");
        assert_eq!(command.len() > 20_000, record % 50 == 7, "{record}");
    }
}

#[test]
fn denied_stale_dead_and_too_large_are_all_recovered_from() {
    if !is_fake() {
        return;
    }
    let cases = [
        ("fake/100+300/5@50", 1),
        ("fake/100+300/15011@64/15012@200", 2),
        ("fake/100+300/4317@10/259@20/6@30", 1),
        ("fake/400/l16@128", 2),
        ("fake/100+100/1722@70/s1722@1/s1722@2", 3),
        ("fake/10+10/15011@5/s1168@1", 1),
        ("fake/10+10/15011@5/s1168@1/s1168@2", 1),
    ];
    for (channel, reconnects) in cases {
        let total: u64 =
            channel.split('/').nth(1).unwrap().split('+').map(|n| n.parse::<u64>().unwrap()).sum();
        let outcome = read(channel, total, None);
        assert_eq!(outcome.records, (1..=total).collect::<Vec<_>>(), "{channel}");
        assert_eq!(outcome.status.reconnects.load(Ordering::Relaxed), reconnects, "{channel}");
    }
}

#[test]
fn what_was_overwritten_is_named_as_lost() {
    if !is_fake() {
        return;
    }
    let outcome = read("fake/300/o150@64", 300, None);
    assert_eq!(outcome.records, (1..=64).chain(151..=300).collect::<Vec<_>>());
    assert!(
        outcome.faults.iter().any(|fault| fault.reason.contains("up to 86 of its records")),
        "{:?}",
        outcome.faults
    );
}

#[test]
fn a_saved_bookmark_is_where_the_next_run_begins() {
    if !is_fake() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bookmark.xml");
    let first = read("fake/100+1", 101, Some(path.clone()));
    assert_eq!(first.records.len(), 101);
    let saved = std::fs::read_to_string(&path).unwrap();
    assert!(saved.contains("RecordId='101'"), "{saved}");
    std::fs::write(&path, saved.replace("101", "40")).unwrap();
    let second = read("fake/100+1", 101, Some(path));
    assert_eq!(second.records, (41..=101).collect::<Vec<_>>());
}

#[test]
fn what_is_wrong_at_the_start_is_said() {
    if !is_fake() {
        return;
    }
    let cases = [
        ("denied", "Event Log Readers"),
        ("No-Such/Channel", "Sysmon is not installed"),
        ("silent", "names no error"),
        ("off", "/e:true"),
    ];
    for (channel, expected) in cases {
        let options = LiveOptions { channel: channel.to_owned(), ..LiveOptions::default() };
        let sentence = live::open(options).map(|_| ()).unwrap_err();
        assert!(sentence.contains(expected), "{channel}: {sentence}");
    }
}

#[test]
fn an_event_is_read_again_by_its_number() {
    if !is_fake() {
        return;
    }
    let name = "fake/5";
    let source = SourceInfo { id: SourceId::default(), path: name.into(), name: name.to_owned(), size: None };
    assert!(LiveEvents.xml(&source, 3).unwrap().contains("<EventRecordID>3</EventRecordID>"));
    assert!(LiveEvents.xml(&source, 6).unwrap_err().contains("not in"));
}

#[test]
fn a_stop_ends_a_wait_at_once() {
    if !is_fake() {
        return;
    }
    let options = LiveOptions { channel: "fake/1".to_owned(), ..LiveOptions::default() };
    let (session, stopper) = live::open(options).unwrap();
    let thread = std::thread::spawn(move || {
        session.run(&mut parse_rendered, &Progress::default(), &LiveStatus::default(), &mut |_| true);
    });
    std::thread::sleep(Duration::from_millis(100));
    stopper();
    let asked = Instant::now();
    thread.join().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5));
}
