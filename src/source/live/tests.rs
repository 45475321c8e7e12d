//! The loop against the scripted double: no event twice, none left out, and every trouble reported or counted.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::query::Part;
use super::scripted_log::{ScriptedLog, Step};
use super::*;
use crate::model::alarm::{Alarm, AlarmKind};
use crate::model::batch::{Batch, EventRecord};
use crate::model::event::Field;
use crate::model::fault::{Fault, Severity, SkipReason, Tally};
use crate::model::feed::{FeedMessage, Progress};
use crate::model::time::Timestamp;

/// The result of a run.
#[derive(Default)]
struct Outcome {
    serials: Vec<u64>,
    /// By source: the serial numbers of another channel's events, with their places, and the count of its records.
    others: std::collections::BTreeMap<u32, (Vec<(u64, u64)>, u64)>,
    faults: Vec<Fault>,
    alarms: Vec<Alarm>,
    tally: Tally,
    status: Arc<LiveStatus>,
    seen_until: u64,
}

impl Outcome {
    fn figure(counter: &std::sync::atomic::AtomicU64) -> u64 {
        counter.load(Ordering::Relaxed)
    }
}

fn options(memory: Option<&Path>) -> LiveOptions {
    LiveOptions { memory: memory.map(Path::to_path_buf), host: "WS-1".to_owned(), ..LiveOptions::default() }
}

/// The query of Sysmon's channel.
fn query(part: Part) -> String {
    super::query::query(part, &EVENT_CODES)
}

fn run(log: &ScriptedLog) -> Outcome {
    run_with(log, options(None), &mut |_| true)
}

fn run_with(
    log: &ScriptedLog,
    options: LiveOptions,
    listen: &mut (dyn FnMut(&Batch) -> bool + Send),
) -> Outcome {
    run_all(vec![options], &mut |_| Ok(Box::new(log.clone())), listen)
}

fn run_all(
    channels: Vec<LiveOptions>,
    log_of: OpenLog<'_>,
    listen: &mut (dyn FnMut(&Batch) -> bool + Send),
) -> Outcome {
    let live = Live::open(channels, log_of).unwrap();
    let status = Arc::clone(&live.statuses()[0].1);
    let progress = Progress::default();
    let heard = Mutex::new((Outcome::default(), listen, 0, false));
    live.run(&progress, &|message| {
        let (outcome, listen, sources, is_end) = &mut *heard.lock().unwrap();
        assert!(!*is_end, "nothing comes behind the end");
        match message {
            FeedMessage::Source(source) => {
                assert_eq!((source.id.0, source.size), (*sources, None));
                *sources += 1;
            }
            FeedMessage::Batch(batch) => {
                assert!(batch.source.0 < *sources, "the source comes first");
                let serial = |event: &EventRecord, field| {
                    batch.text(event, field).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
                };
                outcome.serials.extend(batch.events.iter().map(|event| serial(event, Field::CommandLine)));
                let (others, count) = outcome.others.entry(batch.source.0).or_default();
                others.extend(batch.telemetry.iter().map(|event| {
                    let text = serial(event, Field::ScriptBlockText) + serial(event, Field::CommandLine);
                    (text, event.head.place)
                }));
                *count += batch.beside.iter().sum::<u64>();
                outcome.faults.extend(batch.faults.iter().cloned());
                outcome.alarms.extend(batch.alarms.iter().cloned());
                outcome.tally.add(&batch.tally);
                return listen(&batch);
            }
            FeedMessage::Fault(fault) => outcome.faults.push(fault),
            FeedMessage::Finished => *is_end = true,
        }
        true
    });
    let (outcome, ..) = heard.into_inner().unwrap();
    Outcome { status, seen_until: progress.seen_until(SourceId(0)).unwrap_or(0), ..outcome }
}

fn numbers(first: u64, last: u64) -> Vec<u64> {
    (first..=last).collect()
}

#[test]
fn the_past_comes_first_and_then_what_is_written_in_bursts() {
    let log = ScriptedLog::new(
        150,
        &[
            Step::Give(64),
            Step::Give(64),
            Step::Give(64),
            Step::NothingThenWrite(1),
            Step::Write(500),
            Step::Give(7),
        ],
    );
    let outcome = run(&log);
    assert_eq!(outcome.serials, numbers(1, 651));
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    assert_eq!(Outcome::figure(&outcome.status.events), 651);
    assert!(outcome.status.is_caught_up.load(Ordering::Relaxed));
    assert!(log.state().asked.iter().all(|asked| *asked == BATCH));
    let subscribed = log.state().subscribed.clone();
    assert_eq!(subscribed, [(query(Part::Oldest), Start::Oldest)]);
}

#[test]
fn what_is_written_between_the_last_pull_and_the_wait_is_not_slept_over() {
    // The double's signal is a manual one: a loop that resets it after the drain would wait for ever, which is a stop
    // here.
    for past in [0, 1, 64] {
        let log = ScriptedLog::new(past, &[Step::Give(64), Step::NothingThenWrite(3)]);
        let expected = if past == 0 { 3 } else { past + 3 };
        assert_eq!(run(&log).serials, numbers(1, expected), "{past} events before");
    }
}

#[test]
fn events_out_of_order_are_all_handed_over_as_they_come() {
    let log = ScriptedLog::new(8, &[Step::Shuffled(&[2, 0, 1, 3]), Step::Shuffled(&[1, 0])]);
    assert_eq!(run(&log).serials, [3, 1, 2, 4, 6, 5, 7, 8]);
}

#[test]
fn a_stale_subscription_goes_on_behind_the_bookmark_at_once() {
    for error in [LogError::Stale, LogError::InvalidPosition, LogError::InvalidHandle] {
        let log = ScriptedLog::new(100, &[Step::Give(10), Step::Dead(error), Step::Give(5), Step::Write(2)]);
        let outcome = run(&log);
        assert_eq!(outcome.serials, numbers(1, 102), "{error:?}");
        assert_eq!(Outcome::figure(&outcome.status.reconnects), 1);
        assert!(outcome.faults.is_empty() && log.state().pauses.is_empty(), "it is mended at once");
        assert_eq!(log.state().subscribed[1], (query(Part::Oldest), Start::AfterBookmark));
    }
}

#[test]
fn one_4317_is_nothing_to_read_and_many_are_a_dead_handle() {
    let odd = LogError::InvalidOperation;
    let log = ScriptedLog::new(3, &[Step::Give(9), Step::Fail(odd), Step::Fail(odd), Step::Write(1)]);
    let outcome = run(&log);
    assert_eq!((outcome.serials, Outcome::figure(&outcome.status.reconnects)), (numbers(1, 4), 0));

    let log = ScriptedLog::new(3, &[Step::Give(9), Step::Dead(odd), Step::Write(5)]);
    let outcome = run(&log);
    assert_eq!((outcome.serials, Outcome::figure(&outcome.status.reconnects)), (numbers(1, 8), 1));
}

#[test]
fn an_idle_channel_that_says_4317_is_not_subscribed_to_on_and_on() {
    let log = ScriptedLog::new(1, &[Step::Give(1)]);
    log.state().add_failures(LogError::InvalidOperation, 1000);
    let outcome = run(&log);
    assert_eq!(outcome.serials, [1]);
    let reconnects = Outcome::figure(&outcome.status.reconnects);
    assert!((1..20).contains(&reconnects), "{reconnects}");
}

#[test]
fn a_batch_that_is_too_large_is_halved_and_its_events_come_all_the_same() {
    let large = Step::DeadWithEvents(LogError::OutOfBounds);
    let log = ScriptedLog::new(100, &[Step::Give(10), large, large]);
    let outcome = run(&log);
    assert_eq!(outcome.serials, numbers(1, 100));
    assert_eq!(log.state().asked[..5], [64, 64, 32, 16, 16]);
    assert!(outcome.faults.is_empty() && log.state().pauses.is_empty());
}

#[test]
fn a_bookmark_whose_event_was_overwritten_is_a_loss_that_is_named() {
    let log = ScriptedLog::new(
        10,
        &[Step::Give(4), Step::Write(10), Step::Overwrite(12), Step::Dead(LogError::Stale)],
    );
    let outcome = run(&log);
    assert_eq!(outcome.serials, [numbers(1, 4), numbers(13, 20)].concat());
    let starts: Vec<Start> = log.state().subscribed.iter().map(|(_, start)| *start).collect();
    assert_eq!(starts, [Start::Oldest, Start::AfterBookmark, Start::Oldest]);
    let [fault] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
    assert_eq!((fault.severity, fault.record, fault.lost_records), (Severity::Loss, Some(13), 8));
    assert!(fault.reason().contains("8 records of the log"), "{}", fault.reason());
    assert_eq!(Outcome::figure(&outcome.status.losses), 1);
}

#[test]
fn a_log_that_is_made_anew_is_read_from_its_first_event() {
    let log = ScriptedLog::new(
        10,
        &[Step::Give(64), Step::MadeAnew, Step::Write(6), Step::Dead(LogError::InvalidPosition)],
    );
    let outcome = run(&log);
    assert_eq!(outcome.serials, numbers(1, 16));
    assert!(
        outcome.faults.iter().any(|fault| fault.reason().contains("replaced by a new one")),
        "{:?}",
        outcome.faults
    );
}

#[test]
fn where_no_bookmark_helps_the_oldest_is_next_and_nothing_comes_twice() {
    let log = ScriptedLog::new(50, &[Step::Give(20), Step::Dead(LogError::Stale)]);
    log.state().subscriptions.extend([None, Some(LogError::NotFound), Some(LogError::NotFound)]);
    let outcome = run(&log);
    assert_eq!(outcome.serials, numbers(1, 50));
    assert_eq!(Outcome::figure(&outcome.status.duplicates), 20);
    assert_eq!(log.state().subscribed[2], (query(Part::Behind(20)), Start::Oldest));
    assert_eq!(log.state().subscribed[3], (query(Part::Oldest), Start::Oldest));
}

#[test]
fn a_bookmark_that_can_not_be_set_is_done_without() {
    for has_no_info in [false, true] {
        let log = ScriptedLog::new(50, &[Step::Give(20), Step::Dead(LogError::Stale)]);
        log.state().cannot_mark = true;
        log.state().has_no_info = has_no_info;
        let outcome = run(&log);
        assert_eq!(outcome.serials, numbers(1, 50));
        assert_eq!(log.state().subscribed[1], (query(Part::Behind(20)), Start::Oldest));
    }
}

#[test]
fn an_outage_is_named_once_and_tried_again_with_longer_pauses() {
    for error in [LogError::AccessDenied, LogError::ServerUnavailable, LogError::ChannelNotFound] {
        let log = ScriptedLog::new(10, &[Step::Give(5), Step::Dead(error), Step::Write(1)]);
        let mut down = vec![None];
        down.extend([Some(error); 8]);
        log.state().subscriptions.extend(down);
        let outcome = run(&log);
        assert_eq!(outcome.serials, numbers(1, 11));
        let seconds: Vec<u64> = log.state().pauses.iter().map(Duration::as_secs).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30, 30, 30]);
        let [down, up] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
        assert!(down.reason().contains(&error.code().to_string()), "{}", down.reason());
        assert_eq!(up.reason(), "the subscription stands again");
        assert!(!outcome.status.is_broken.load(Ordering::Relaxed));
    }
}

#[test]
fn a_subscription_that_is_stale_each_time_is_not_tried_without_a_pause() {
    let log = ScriptedLog::new(10, &[Step::Give(5)]);
    log.state().add_failures(LogError::Stale, 6);
    let outcome = run(&log);
    assert_eq!(outcome.serials, numbers(1, 10));
    let seconds: Vec<u64> = log.state().pauses.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [1, 2, 4, 8, 16]);
    assert_eq!(
        log.state().subscribed.last().unwrap().1,
        Start::Oldest,
        "the bookmark is not believed any more"
    );
}

#[test]
fn what_is_wrong_at_the_start_is_a_sentence() {
    let cases = [
        (LogError::AccessDenied, "Event Log Readers"),
        (LogError::ChannelNotFound, "Sysmon is not installed"),
        (LogError::ServerUnavailable, "service is stopped"),
        (LogError::NoReason, "Wine"),
        (LogError::Other(87), "error 87"),
    ];
    for (error, expected) in cases {
        let log = ScriptedLog::new(1, &[]);
        log.state().subscriptions.push_back(Some(error));
        let sentence = Session::open(Box::new(log), options(None)).err().unwrap();
        assert!(sentence.contains(expected), "{sentence}");
    }
}

#[test]
fn a_channel_that_is_turned_off_is_read_and_named() {
    let log = ScriptedLog::new(2, &[]);
    log.state().is_off = true;
    let outcome = run(&log);
    assert_eq!(outcome.serials, [1, 2]);
    assert!(outcome.faults[0].reason().contains("turned off"));
    log.state().subscriptions.push_back(Some(LogError::Other(15_010)));
    let sentence = Session::open(Box::new(log), options(None)).err().unwrap();
    assert!(sentence.contains("/e:true"), "{sentence}");
}

#[test]
fn restart_shows_all_and_marks_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no folder yet").join("sysmon.json");
    let log = ScriptedLog::new(100, &[Step::Give(64), Step::Give(64)]);
    let mut taken = 0;
    let outcome = run_with(&log, options(Some(&path)), &mut |batch| {
        let saved = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            !saved.contains(&format!("\"record\":{}", taken + batch.events.len())),
            "not before it was taken"
        );
        taken += batch.events.len();
        true
    });
    assert_eq!((outcome.serials, outcome.seen_until), (numbers(1, 100), 0));
    assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
    assert!(std::fs::read_to_string(&path).unwrap().contains("\"record\":100"));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no part is left behind");

    log.state().clear();
    log.state().write(5);
    let outcome = run_with(&log, options(Some(&path)), &mut |_| true);
    assert_eq!((outcome.serials, outcome.seen_until), (numbers(1, 105), 100));
    assert_eq!(log.state().subscribed, [(query(Part::Oldest), Start::Oldest)]);
    let stop = outcome.status.last_stop.get().unwrap();
    assert_eq!(stop, "the last console stopped at record 100, 2026-11-24 10:01:40");

    // The receiver of the events goes away: events that it did not take were not seen.
    std::fs::remove_file(&path).unwrap();
    let log = ScriptedLog::new(100, &[]);
    let mut batches = 0;
    run_with(&log, options(Some(&path)), &mut |_| {
        batches += 1;
        batches < 2
    });
    let outcome = run_with(&log, options(Some(&path)), &mut |_| true);
    assert_eq!((outcome.serials, outcome.seen_until), (numbers(1, 100), 64));
}

#[test]
fn foreign_memory_hides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sysmon.json");
    let stop = |host: &str, channel: &str, created: u64, record: u64| {
        format!(
            r#"{{"host":"{host}","channel":"{channel}","log_created":{created},"record":{record},"time":"then"}}"#
        )
    };
    let cases = [
        (stop("WS-2", SYSMON_CHANNEL, 0, 7), "on the host WS-2"),
        (stop("WS-1", "Security", 0, 7), "in the channel Security"),
        (stop("WS-1", SYSMON_CHANNEL, 99, 7), "made anew since its record 7"),
        (stop("WS-1", SYSMON_CHANNEL, 0, 5000), "made anew since its record 5000"),
        ("no place".to_owned(), "is no place in a log"),
    ];
    for (text, expected) in cases {
        std::fs::write(&path, &text).unwrap();
        let outcome = run_with(&ScriptedLog::new(10, &[]), options(Some(&path)), &mut |_| true);
        assert_eq!((outcome.serials, outcome.seen_until), (numbers(1, 10), 0), "{text}");
        let [fault] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
        assert!(
            fault.severity == Severity::Notice && fault.reason().contains(expected),
            "{}",
            fault.reason()
        );
    }
    // Records overwritten between two consoles are a loss.
    std::fs::write(&path, stop("WS-1", SYSMON_CHANNEL, 0, 7)).unwrap();
    let log = ScriptedLog::of_channel("fake/30/f20");
    let outcome = run_with(&log, options(Some(&path)), &mut |_| true);
    assert_eq!(outcome.serials, numbers(21, 30));
    assert_eq!(outcome.faults.iter().map(|fault| fault.lost_records).collect::<Vec<_>>(), [13]);
}

#[test]
fn unsaved_place_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let outcome = run_with(&ScriptedLog::new(1, &[]), options(Some(&file.join("x"))), &mut |_| true);
    let named = outcome.faults.iter().filter(|fault| fault.reason().contains("can't be saved")).count();
    assert_eq!((named, outcome.serials), (1, vec![1]), "{:?}", outcome.faults);
}

#[test]
fn since_is_a_start_and_no_filter() {
    let since = LiveOptions { since: Timestamp::parse("2026-11-24T10:01:01Z"), ..options(None) };
    let outcome = run_with(&ScriptedLog::of_channel("fake/100+50/15011@70"), since.clone(), &mut |_| true);
    assert_eq!(outcome.serials, numbers(61, 150));
    // Forwarded events that come later are older than that.
    let outcome = run_with(&ScriptedLog::of_channel("fake/100+50/h20"), since, &mut |_| true);
    assert!(outcome.serials.ends_with(&numbers(101, 150)), "{:?}", outcome.serials);
    assert!(outcome.serials.len() < 150, "of the past only what is young enough: {:?}", outcome.serials);
}

#[test]
fn muted_channel_is_told() {
    let cases = [
        (Step::TurnOff, "turned off", "the channel is off", AlarmKind::TurnedOff),
        (Step::Remove, "was removed while it was read", "the channel is gone", AlarmKind::Removed),
        (Step::Clear, "was cleared while it was read", "the log was cleared", AlarmKind::Cleared),
    ];
    for (step, expected, alarm, kind) in cases {
        let mut steps = vec![Step::Give(64), step];
        steps.extend(vec![Step::Fail(LogError::NoMoreItems); 300]);
        let log = ScriptedLog::new(50, &steps);
        let outcome = run(&log);
        assert_eq!(outcome.serials, numbers(1, 50));
        let [fault] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
        assert!(fault.severity == Severity::Loss && fault.reason().contains(expected), "{}", fault.reason());
        assert_eq!(outcome.status.alarm(), Some(alarm));
        let [row] = outcome.alarms.as_slice() else { panic!("{:?}", outcome.alarms) };
        assert_eq!((row.kind, row.channel.as_str(), row.host.as_str()), (kind, SYSMON_CHANNEL, "WS-1"));
        assert_eq!(
            (row.last_record, row.last_time),
            (Some(50), Timestamp::parse("2026-11-24T10:00:50.0000000Z"))
        );
        assert!(row.fine_at.is_none_or(|at| at <= row.noticed) && row.reason == fault.reason());
    }
}

#[test]
fn channel_without_sysmon_says_whose_it_is() {
    let outcome = run(&ScriptedLog::of_channel("fake/3/p4688"));
    assert_eq!(outcome.tally.skipped[&SkipReason::OtherProvider], 3);
    let [fault] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
    assert!(
        fault.reason().contains("of the provider Microsoft-Windows-Security-Auditing"),
        "{}",
        fault.reason()
    );
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
fn bookmarks_lead_as_described() {
    let table = include_str!("../../../tests/support/windows/bookmarks.tsv");
    for row in table.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [channel, marked, strict, closest] = columns.as_slice() else { panic!("{row}") };
        for (is_strict, expected) in [(true, strict), (false, closest)] {
            let log = ScriptedLog::of_channel(channel);
            let first = log.state().first_behind(marked.parse().unwrap(), is_strict, &query(Part::Oldest));
            assert_eq!(first, **expected, "{row}, strict: {is_strict}");
        }
    }
}

#[test]
fn scenarios_read_as_described() {
    let table = include_str!("../../../tests/support/windows/scenarios.tsv");
    let mut failed = Vec::new();
    for row in table.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = row.split('\t').collect();
        let [channel, serials, lost, at_least, at_most] = columns.as_slice() else { panic!("{row}") };
        let log = ScriptedLog::of_channel(channel);
        let outcome = run(&log);
        let reconnects = Outcome::figure(&outcome.status.reconnects);
        let is_in_range = (at_least.parse().unwrap()..=at_most.parse().unwrap()).contains(&reconnects);
        let all_lost: u64 = outcome.faults.iter().map(|fault| fault.lost_records).sum();
        if outcome.serials != ranges(serials) || all_lost.to_string() != **lost || !is_in_range {
            failed.push(format!(
                "{channel}: {} events, {all_lost} lost, {reconnects} reconnects, {:?}",
                outcome.serials.len(),
                outcome.faults.iter().map(Fault::reason).collect::<Vec<_>>()
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn whoever_takes_events_slowly_is_waited_for_and_that_is_counted() {
    let log = ScriptedLog::new(200, &[]);
    let clock = log.clone();
    let outcome = run_with(&log, options(None), &mut |_| {
        clock.state().clock += Duration::from_millis(300);
        true
    });
    assert_eq!(outcome.serials, numbers(1, 200));
    assert_eq!(Outcome::figure(&outcome.status.stalls), 4);
    assert_eq!(Outcome::figure(&outcome.status.stalled_millis), 1200);
}

#[test]
fn an_event_that_can_not_be_read_is_counted_and_the_others_come() {
    let log = ScriptedLog::new(5, &[]);
    log.state().unrendered = vec![2];
    log.state().failing = vec![4];
    let outcome = run(&log);
    assert_eq!(outcome.serials, [1, 3, 5]);
    assert_eq!((outcome.tally.records(), outcome.tally.sysmon), (5, 3));
    assert_eq!(outcome.faults.iter().map(|fault| fault.lost_records).sum::<u64>(), 2);
    assert!(
        outcome.faults.iter().any(|fault| fault.reason().contains("which is a bug")),
        "{:?}",
        outcome.faults
    );
}

#[test]
fn a_stop_is_heeded_in_a_drain_in_a_wait_and_in_an_outage() {
    let log =
        ScriptedLog::new(10_000, &[Step::Give(64), Step::Stop, Step::Dead(LogError::ServerUnavailable)]);
    assert_eq!(run(&log).serials, numbers(1, 64));
    let log =
        ScriptedLog::new(1, &[Step::Give(1), Step::Stop, Step::Fail(LogError::NoMoreItems), Step::Write(3)]);
    assert_eq!(run(&log).serials, [1]);

    let log = ScriptedLog::new(10_000, &[]);
    let progress = Progress::default();
    let live = Live::open(vec![options(None)], &mut |_| Ok(Box::new(log.clone()))).unwrap();
    let batches = Mutex::new(0);
    live.run(&progress, &|message| {
        *batches.lock().unwrap() += u32::from(matches!(message, FeedMessage::Batch(_)));
        progress.stop();
        true
    });
    assert!(batches.into_inner().unwrap() <= 1);
}

#[test]
fn reports_of_unreadable_events_are_bounded() {
    let log = ScriptedLog::new(5000, &[]);
    log.state().unrendered = (1..=5000).collect();
    let outcome = run(&log);
    assert_eq!((outcome.serials.len(), outcome.tally.skipped[&SkipReason::Damaged]), (0, 5000));
    assert_eq!(outcome.faults.iter().map(|fault| fault.lost_records).sum::<u64>(), 5000, "each is counted");
    assert!(outcome.faults.len() < 600, "{}", outcome.faults.len());
}

#[test]
fn events_without_fields_are_named() {
    let log = ScriptedLog::default();
    log.state().is_bare = true;
    log.state().write(3);
    let outcome = run(&log);
    assert_eq!(outcome.serials.len(), 3);
    let [fault] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
    assert!(
        fault.reason().starts_with("3 of 3 Event 1 came without Image and CommandLine so far"),
        "{fault}"
    );
}

/// Sysmon's channel and both others, each of its own log.
fn run_channels(folder: &Path, logs: &[(&str, &ScriptedLog)]) -> Outcome {
    let channels = LiveOptions::of_host("WS-1", None, None, Some(folder));
    let mut log_of = |options: &LiveOptions| -> Result<Box<dyn EventLog + Send>, LogError> {
        let found = logs.iter().find(|(channel, _)| *channel == options.channel);
        found.map_or(Err(LogError::AccessDenied), |(_, log)| Ok(Box::new((*log).clone())))
    };
    run_all(channels, &mut log_of, &mut |_| true)
}

#[test]
fn other_channels_are_sources_too() {
    let folder = tempfile::tempdir().unwrap();
    let sysmon = ScriptedLog::new(10, &[]);
    // Each fourth event is one that is asked for.
    let powershell = ScriptedLog::of_channel("fake/40/p4104/m4");
    let logs = [(SYSMON_CHANNEL, &sysmon), (Channel::PowerShell.name(), &powershell)];
    let outcome = run_channels(folder.path(), &logs);
    assert_eq!(outcome.serials, numbers(1, 10));
    let expected: Vec<_> = (1..=10).map(|number| (number * 4, number * 4)).collect();
    assert_eq!(outcome.others[&1], (expected, 40), "the events, and all records of the log");
    let [fault] = outcome.faults.as_slice() else { panic!("{:?}", outcome.faults) };
    assert_eq!((fault.severity, fault.name.as_str()), (Severity::Notice, "Security"));
    assert!(
        fault.reason().contains("Event Log Readers") && fault.reason().contains("no Event 4688"),
        "{fault}"
    );

    // Each channel has a place of its own.
    let mut places: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    places.sort();
    let name = |channel: &str| format!("live-WS-1-Microsoft-Windows-{channel}-Operational.json");
    assert_eq!(places, [name("PowerShell"), name("Sysmon")]);
    sysmon.state().write(3);
    let outcome = run_channels(folder.path(), &logs);
    assert_eq!((outcome.serials.len(), outcome.seen_until), (13, 10));
}

#[test]
fn losses_of_other_channels_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (sysmon, security) = (ScriptedLog::new(3, &[]), ScriptedLog::of_channel("fake/300/p4688/o150@64"));
    let logs = [(SYSMON_CHANNEL, &sysmon), (Channel::Security.name(), &security)];
    let outcome = run_channels(folder.path(), &logs);
    assert_eq!(outcome.others[&1].0.len(), 64 + 150);
    let lost: u64 = outcome.faults.iter().map(|fault| fault.lost_records).sum();
    assert_eq!(lost, 86, "{:?}", outcome.faults);
    let fault = outcome.faults.iter().find(|fault| fault.lost_records > 0).unwrap();
    assert_eq!((fault.name.as_str(), fault.source), ("Security", Some(SourceId(1))));
}

#[test]
fn replaced_log_marks_nothing_as_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("place.json");
    let log = ScriptedLog::new(100, &[]);
    run_with(&log, options(Some(&path)), &mut |_| true);
    assert_eq!(run_with(&log, options(Some(&path)), &mut |_| true).seen_until, 100);
    let log = ScriptedLog::of_channel("fake/100/n30@100");
    let outcome = run_with(&log, options(Some(&path)), &mut |_| true);
    assert_eq!((outcome.serials.len(), outcome.seen_until), (130, 0));
    assert_eq!(outcome.alarms.iter().map(|alarm| alarm.kind).collect::<Vec<_>>(), [AlarmKind::Replaced]);
}
