//! The real Win32 code of the live source, end to end, against the event log of `tests/support/windows/wevtapi_fake.c`.
//! `.ci/windows` puts that beside this program and runs it under Wine.
#![cfg(windows)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests"
)]

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use exfilscope::model::batch::SourceId;
use exfilscope::model::event::Field;
use exfilscope::model::fault::Fault;
use exfilscope::model::feed::{EventKey, FeedMessage, Progress, RawEvents, SourceInfo};
use exfilscope::model::telemetry::Channel;
use exfilscope::model::time::Timestamp;
use exfilscope::source::live::{self, LiveEvents, LiveOptions, LiveStatus};

/// When a log of the fake was made, as its place is kept.
const CREATED: &str = "134000000000000000";

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
    /// Serial numbers of another channel's events.
    others: Vec<u64>,
    status: Arc<LiveStatus>,
    seen_until: u64,
}

/// Reads until an event comes that is the last one, and stops by the stopper; the events are told by their serial numbers.
fn read(channel: &str, last: u64, memory: Option<PathBuf>) -> Outcome {
    let look_every = Duration::from_millis(100);
    let options = LiveOptions {
        channel: channel.to_owned(),
        memory,
        look_every,
        host: "WS".to_owned(),
        ..LiveOptions::default()
    };
    read_all(vec![options], last)
}

fn read_all(channels: Vec<LiveOptions>, last: u64) -> Outcome {
    let channel = channels[0].channel.clone();
    let (live, stopper) = live::open(channels).unwrap();
    let outcome = Mutex::new(Outcome {
        records: Vec::new(),
        commands: Vec::new(),
        faults: Vec::new(),
        others: Vec::new(),
        status: Arc::clone(&live.statuses()[0].1),
        seen_until: 0,
    });
    let progress = Progress::default();
    let started = Instant::now();
    live.run(&progress, &|message| {
        let mut outcome = outcome.lock().unwrap();
        match message {
            FeedMessage::Batch(batch) => {
                let text = |event| batch.text(event, Field::CommandLine).unwrap_or_default().to_owned();
                let commands: Vec<String> = batch.events.iter().map(text).collect();
                let serial = |command: &String| command.split(' ').nth(3).unwrap().parse::<u64>().unwrap();
                let script = |event| batch.text(event, Field::ScriptBlockText).unwrap_or_default().to_owned();
                outcome.others.extend(batch.telemetry.iter().map(|event| serial(&script(event))));
                outcome.records.extend(commands.iter().map(serial));
                outcome.commands.extend(commands);
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
    let outcome = outcome.into_inner().unwrap();
    Outcome { seen_until: progress.seen_until(SourceId(0)).unwrap_or(0), ..outcome }
}

#[test]
fn past_and_future_events_come_once() {
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

/// `1-64,151-300/2` as numbers.
fn ranges(text: &str) -> Vec<u64> {
    let number = |text: &str| text.parse::<u64>().unwrap();
    text.split(',')
        .flat_map(|range| {
            let (range, step) = range.split_once('/').unwrap_or((range, "1"));
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            (number(first)..=number(last)).step_by(usize::try_from(number(step)).unwrap())
        })
        .collect()
}

#[test]
fn scenarios_read_as_described() {
    if !is_fake() {
        return;
    }
    let mut failed = Vec::new();
    for row in include_str!("support/windows/scenarios.tsv").lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [channel, serials, lost, at_least, at_most] = columns.as_slice() else { panic!("{row}") };
        let expected = ranges(serials);
        let outcome = read(channel, *expected.last().unwrap(), None);
        let reconnects = outcome.status.reconnects.load(Ordering::Relaxed);
        let is_in_range = (at_least.parse().unwrap()..=at_most.parse().unwrap()).contains(&reconnects);
        let all_lost: u64 = outcome.faults.iter().map(|fault| fault.lost_records).sum();
        if outcome.records != expected || all_lost.to_string() != **lost || !is_in_range {
            failed.push(format!(
                "{channel}: {} events, {all_lost} lost, {reconnects} reconnects, {:?}",
                outcome.records.len(),
                outcome.faults.iter().map(Fault::reason).collect::<Vec<_>>()
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn second_run_marks_what_was_seen() {
    if !is_fake() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no folder yet").join("place.json");
    let first = read("fake/100+1", 101, Some(path.clone()));
    assert_eq!((first.records.len(), first.seen_until), (101, 0));
    let saved = std::fs::read_to_string(&path).unwrap();
    assert!(saved.contains("\"record\":101"), "{saved}");
    std::fs::write(&path, saved.replace("101", "40")).unwrap();
    let second = read("fake/100+1", 101, Some(path.clone()));
    assert_eq!((second.records, second.seen_until), ((1..=101).collect(), 40));
}

#[test]
fn kept_place_hides_no_event() {
    if !is_fake() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("place.json");
    read("fake/320", 320, Some(path.clone()));
    let saved = std::fs::read_to_string(&path).unwrap();
    let place = |channel: &str, host: &str, created: &str, record: u64| {
        let text = saved
            .replace("fake/320", channel)
            .replace("\"WS\"", &format!("\"{host}\""))
            .replace(CREATED, created)
            .replace("\"record\":320", &format!("\"record\":{record}"));
        assert!(text != saved || record == 320, "{saved}");
        text
    };
    // The channel, what was kept, the events that come, what counts as seen, the losses, and what is said of the place.
    let cases = [
        ("fake/320", place("fake/320", "WS", CREATED, 200), "1-320", 200, vec![], None),
        ("fake/320", place("fake/320", "OTHER", CREATED, 200), "1-320", 0, vec![], Some("on the host OTHER")),
        (
            "fake/320",
            place("fake/320", "OTHER", CREATED, 5000),
            "1-320",
            0,
            vec![],
            Some("on the host OTHER"),
        ),
        (
            "fake/320",
            place("fake/320", "WS", CREATED, 5000),
            "1-320",
            0,
            vec![],
            Some("since its record 5000"),
        ),
        ("fake/320", place("fake/320", "WS", "1", 200), "1-320", 0, vec![], Some("since its record 200")),
        ("fake/300/f150", place("fake/300/f150", "WS", CREATED, 50), "151-300", 50, vec![100], None),
        ("fake/300/f150", place("fake/300/f150", "WS", CREATED, 150), "151-300", 150, vec![], None),
        (
            "fake/302/o150@64/s15011@1",
            place("fake/302/o150@64/s15011@1", "WS", CREATED, 30),
            "1-64,151-302",
            30,
            vec![86],
            None,
        ),
        (
            "fake/600/h20/15011@64/15011@300",
            place("fake/600/h20/15011@64/15011@300", "OTHER", CREATED, 90),
            "1-600",
            0,
            vec![],
            Some("on the host OTHER"),
        ),
    ];
    for (channel, kept, serials, seen, lost, said) in cases {
        std::fs::write(&path, &kept).unwrap();
        let expected = ranges(serials);
        let outcome = read(channel, *expected.last().unwrap(), Some(path.clone()));
        let losses: Vec<u64> =
            outcome.faults.iter().map(|fault| fault.lost_records).filter(|lost| *lost > 0).collect();
        assert!(outcome.records == expected, "{channel}, {kept}: {} events", outcome.records.len());
        assert_eq!((outcome.seen_until, losses), (seen, lost), "{channel}, {kept}");
        let reasons: Vec<String> = outcome.faults.iter().map(Fault::reason).collect();
        let is_said = said.is_none_or(|said| reasons.iter().any(|reason| reason.contains(said)));
        assert!(is_said, "{channel}, {kept}: {reasons:?}");
    }
}

#[test]
fn since_is_start_not_filter() {
    if !is_fake() {
        return;
    }
    // Records 1 to 60 are older; of forwarded ones that come later some are, too.
    for (channel, first, last) in [("fake/101+50/15011@70", 61, 151), ("fake/102+50/h20", 103, 152)] {
        let since = Timestamp::parse("2026-11-24T10:01:01Z");
        let options = LiveOptions { channel: channel.to_owned(), since, ..LiveOptions::default() };
        let outcome = read_all(vec![options], last);
        assert!(outcome.records.ends_with(&(first..=last).collect::<Vec<_>>()), "{:?}", outcome.records);
        assert!(outcome.records.first() > Some(&1) && outcome.faults.is_empty(), "{:?}", outcome.faults);
    }
}

#[test]
fn other_channels_are_read_where_allowed() {
    if !is_fake() {
        return;
    }
    let options = |channel: &str, telemetry| LiveOptions {
        channel: channel.to_owned(),
        telemetry,
        look_every: Duration::from_millis(100),
        ..LiveOptions::default()
    };
    let outcome = read_all(
        vec![
            options("fake/100+200", None),
            options("fake/40/p4104/m4", Some(Channel::PowerShell)),
            options("denied", Some(Channel::Security)),
        ],
        300,
    );
    assert_eq!(outcome.records, (1..=300).collect::<Vec<_>>());
    assert_eq!(outcome.others, (1..=10).map(|number| number * 4).collect::<Vec<_>>());
    let [fault] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
    assert!(fault.name == "denied" && fault.reason().contains("no Event 4688"), "{fault}");
}

#[test]
fn failing_start_is_explained() {
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
        let sentence = live::open(vec![options]).map(|_| ()).unwrap_err();
        assert!(sentence.contains(expected), "{channel}: {sentence}");
    }
}

#[test]
fn event_is_reread_by_number() {
    if !is_fake() {
        return;
    }
    let source = |name: &str| SourceInfo {
        id: SourceId::default(),
        path: name.into(),
        name: name.to_owned(),
        size: None,
    };
    let local = source("fake/5");
    assert!(LiveEvents.xml(&local, 3).unwrap().contains("<EventRecordID>3</EventRecordID>"));
    assert!(LiveEvents.xml(&local, 6).unwrap_err().contains("not in"));
    // Of three hosts each has an event of this number.
    let forwarded = source("fake/9/h3");
    for host in ["WS-0", "WS-1", "WS-2"] {
        let key = EventKey { record: Some(2), computer: Some(host.to_owned()), time: None };
        assert!(LiveEvents.xml_of_event(&forwarded, 4, &key).unwrap().contains(host));
    }
    let other_time =
        EventKey { record: Some(3), computer: None, time: Timestamp::parse("2020-01-01T00:00:00Z") };
    assert!(LiveEvents.xml_of_event(&local, 3, &other_time).unwrap_err().contains("not in"));
}

/// Started by `tests/support/windows/console.sh`, which looks at what is left of the screen.
#[test]
#[ignore = "it fails, which is its purpose"]
fn panic_on_the_screen() {
    let _screen = exfilscope::tui::terminal::Screen::take().unwrap();
    panic!("a panic while the screen is taken");
}

#[test]
fn stop_ends_wait_at_once() {
    if !is_fake() {
        return;
    }
    let options = LiveOptions { channel: "fake/1".to_owned(), ..LiveOptions::default() };
    let (live, stopper) = live::open(vec![options]).unwrap();
    let thread = std::thread::spawn(move || {
        live.run(&Progress::default(), &|_| true);
    });
    std::thread::sleep(Duration::from_millis(100));
    stopper();
    let asked = Instant::now();
    thread.join().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(5));
}
