//! Following files that grow: every event arrives, once, through half-written records, rotation and truncation.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, which the lints' own exception for tests does not cover"
)]

use crate::support;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use exfilscope::model::batch::{Batch, EventRecord, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::fault::{Fault, FaultKind, Severity, Tally};
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::source::{FollowStatus, InputFormat, follow};
use support::growing_log::GrowingLog;

/// How long something may take that normally takes a few hundredths of a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// Output of a follower.
#[derive(Default)]
struct Heard {
    /// By record number: how often it came.
    records: BTreeMap<u64, u32>,
    /// Text by record number.
    texts: BTreeMap<u64, Vec<String>>,
    sources: usize,
    /// Event IDs and record numbers of other channels' events, and the counts of those channels' records.
    telemetry: Vec<(u16, Option<u64>)>,
    beside: u64,
    faults: Vec<Fault>,
    tallies: BTreeMap<SourceId, Tally>,
    has_finished: bool,
}

/// A follower on a thread of its own.
struct Following {
    heard: Arc<Mutex<Heard>>,
    progress: Arc<Progress>,
    status: Arc<FollowStatus>,
    thread: Option<JoinHandle<()>>,
}

impl Following {
    fn start(paths: &[PathBuf], format: Option<InputFormat>) -> Self {
        let (heard, progress, status) =
            (Arc::<Mutex<Heard>>::default(), Arc::<Progress>::default(), Arc::<FollowStatus>::default());
        let (paths, for_thread) = (paths.to_vec(), (heard.clone(), progress.clone(), status.clone()));
        let thread = thread::spawn(move || {
            let (heard, progress, status) = for_thread;
            follow(&paths, format, &progress, &status, &|message| {
                let mut heard = heard.lock().unwrap();
                match message {
                    FeedMessage::Source(_) => heard.sources += 1,
                    FeedMessage::Fault(fault) => heard.faults.push(fault),
                    FeedMessage::Finished => heard.has_finished = true,
                    FeedMessage::Batch(batch) => {
                        heard.tallies.entry(batch.source).or_default().add(&batch.tally);
                        for event in &batch.events {
                            let record = event.head.record_id.unwrap();
                            *heard.records.entry(record).or_default() += 1;
                            heard.texts.insert(record, texts(&batch, event));
                        }
                        let heads = batch.telemetry.iter().map(|event| event.head);
                        heard.telemetry.extend(heads.map(|head| (head.event_code, head.record_id)));
                        heard.beside += batch.beside.iter().sum::<u64>();
                        heard.faults.extend(batch.faults);
                    }
                }
                true
            });
        });
        Self { heard, progress, status, thread: Some(thread) }
    }

    #[track_caller]
    fn wait_until(&self, what: &str, holds: impl Fn(&Heard) -> bool) {
        let begun = Instant::now();
        loop {
            let heard = self.heard.lock().unwrap();
            if holds(&heard) {
                return;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{what} did not come; {} records, {} sources, {:?}",
                heard.records.len(),
                heard.sources,
                heard.faults
            );
            drop(heard);
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn wait_for_records(&self, records: impl IntoIterator<Item = u64>) {
        let wanted: Vec<u64> = records.into_iter().collect();
        self.wait_until("a record", |heard| wanted.iter().all(|record| heard.records.contains_key(record)));
    }

    /// Stops it and returns its output.
    fn stop(mut self) -> Heard {
        self.progress.stop();
        self.thread.take().unwrap().join().unwrap();
        let heard = std::mem::take(&mut *self.heard.lock().unwrap());
        assert!(heard.has_finished);
        for tally in heard.tallies.values() {
            assert_eq!(tally.records(), tally.sysmon + tally.skipped.values().sum::<u64>());
        }
        heard
    }
}

impl Heard {
    fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.tallies.values().for_each(|tally| total.add(tally));
        total
    }

    /// Every record came, none of them twice.
    #[track_caller]
    fn assert_each_once(&self, records: impl IntoIterator<Item = u64>) {
        let wanted: BTreeMap<u64, u32> = records.into_iter().map(|record| (record, 1)).collect();
        assert_eq!(self.records, wanted);
    }
}

fn texts(batch: &Batch, event: &EventRecord) -> Vec<String> {
    let fields = Field::ALL.iter().filter(|field| field.is_carried());
    fields.map(|field| batch.text(event, *field).unwrap_or("(missing)").to_owned()).collect()
}

fn line(record: u64) -> String {
    format!(
        r##"{{"Event":{{"System":{{"Provider":{{"#attributes":{{"Name":"Microsoft-Windows-Sysmon"}}}},"EventID":1,"TimeCreated":{{"#attributes":{{"SystemTime":"2026-03-11T09:00:00.0000000Z"}}}},"EventRecordID":{record},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"WS-1"}},"EventData":{{"Image":"C:\\git.exe","CommandLine":"git push https://github.com/a/b"}}}}}}"##
    )
}

fn xml(record: u64) -> String {
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID><TimeCreated SystemTime='2026-03-11T09:00:00.0000000Z'/><EventRecordID>{record}</EventRecordID><Channel>Microsoft-Windows-Sysmon/Operational</Channel><Computer>WS-1</Computer></System><EventData><Data Name='Image'>C:\\git.exe</Data><Data Name='CommandLine'>git push https://github.com/a/b</Data></EventData></Event>"
    )
}

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// A log of the fixtures, and the record numbers of its kept events.
fn log() -> (Vec<u8>, Vec<u64>) {
    let bytes = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/forwarded.evtx")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.evtx");
    fs::write(&path, &bytes).unwrap();
    let kept = Mutex::new(Vec::new());
    exfilscope::source::load(
        &[path],
        &exfilscope::source::LoadOptions { threads: 1 },
        &Progress::default(),
        &|message| {
            if let FeedMessage::Batch(batch) = message {
                kept.lock().unwrap().extend(batch.events.iter().map(|event| event.head.record_id.unwrap()));
            }
            true
        },
    );
    (bytes, kept.into_inner().unwrap())
}

/// Texts of a finished log's events, by record number.
fn texts_of(bytes: &[u8]) -> BTreeMap<u64, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole.evtx");
    fs::write(&path, bytes).unwrap();
    let all = Mutex::new(BTreeMap::new());
    let options = exfilscope::source::LoadOptions { threads: 1 };
    exfilscope::source::load(&[path], &options, &Progress::default(), &|message| {
        if let FeedMessage::Batch(batch) = message {
            let events = batch.events.iter();
            let of_batch = events.map(|event| (event.head.record_id.unwrap(), texts(&batch, event)));
            all.lock().unwrap().extend(of_batch);
        }
        true
    });
    all.into_inner().unwrap()
}

#[test]
fn growing_log_is_read_exactly_once() {
    let (bytes, kept) = log();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.evtx");
    let mut writer = GrowingLog::begin(&path, &bytes).unwrap();
    let following = Following::start(std::slice::from_ref(&path), None);
    let mut written = Vec::new();
    while let Some(piece) = writer.step().unwrap() {
        written.extend(piece.completes);
        // Every look may fall on any state.
        let is_half = piece.completes.is_none() && written.len() % 4 == 0;
        if is_half || piece.from % 5 == 0 {
            thread::sleep(Duration::from_millis(if is_half { 20 } else { 3 }));
        }
    }
    following.wait_for_records(kept.iter().copied());
    writer.close().unwrap();
    let records = written.len() as u64;
    following.wait_until("the account of the others", |heard| heard.total().records() == records);
    let heard = following.stop();
    assert_eq!(heard.texts, texts_of(&bytes), "no event was taken before all of it was there");
    heard.assert_each_once(kept);
    let total = heard.total();
    assert_eq!(total.records(), records, "each record is counted, once");
    let losses: Vec<_> = heard.faults.iter().filter(|fault| fault.severity != Severity::Notice).collect();
    assert!(losses.is_empty(), "{losses:?}");
}

#[test]
fn circular_log_is_read_on() {
    let (bytes, kept) = log();
    let chunk = |number: usize| &bytes[4096 + number * 65_536..4096 + (number + 1) * 65_536];
    assert!(bytes.len() >= 4096 + 3 * 65_536, "a log of three chunks at least");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("round.evtx");
    // Two slots; the third chunk is written over the first.
    fs::write(&path, &bytes[..4096 + 2 * 65_536]).unwrap();
    let following = Following::start(std::slice::from_ref(&path), None);
    let first_of_third = first_record(chunk(2));
    following.wait_for_records(kept.iter().copied().filter(|record| *record < first_of_third));
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(4096)).unwrap();
    file.write_all(chunk(2)).unwrap();
    let until_third: Vec<u64> =
        kept.into_iter().filter(|record| *record < first_of_third + records(chunk(2))).collect();
    following.wait_for_records(until_third.iter().copied());
    following.stop().assert_each_once(until_third);
}

fn first_record(chunk: &[u8]) -> u64 {
    u64::from_le_bytes(chunk[520..528].try_into().unwrap())
}

fn records(chunk: &[u8]) -> u64 {
    u64::from_le_bytes(chunk[16..24].try_into().unwrap())
        - u64::from_le_bytes(chunk[8..16].try_into().unwrap())
        + 1
}

#[test]
fn growing_log_damage_is_reported_once() {
    let (mut bytes, kept) = log();
    let victim = kept[kept.len() / 3];
    let at = (4096..bytes.len() - 16)
        .find(|at| {
            bytes[*at..].starts_with(b"\x2a\x2a\0\0") && bytes[at + 8..at + 16] == victim.to_le_bytes()
        })
        .unwrap();
    let size = usize::from(u16::from_le_bytes(bytes[at + 4..at + 6].try_into().unwrap()));
    bytes[at..at + size].fill(0xff);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.evtx");
    fs::write(&path, &bytes).unwrap();
    let following = Following::start(std::slice::from_ref(&path), None);
    let others: Vec<u64> = kept.into_iter().filter(|record| *record != victim).collect();
    following.wait_for_records(others.iter().copied());
    following.wait_until("the loss", |heard| {
        heard.faults.iter().any(|fault| fault.severity == Severity::Loss && fault.lost_records == 1)
    });
    let heard = following.stop();
    heard.assert_each_once(others);
    assert_eq!(heard.total().skipped.values().sum::<u64>() - other_providers(&heard), 1);
}

fn other_providers(heard: &Heard) -> u64 {
    heard
        .total()
        .skipped
        .iter()
        .filter(|(reason, _)| reason.key() == "other_provider")
        .map(|(_, count)| count)
        .sum()
}

#[test]
fn half_written_lines_await_completion() {
    for write in [line as fn(u64) -> String, xml] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.log");
        append(&path, &(write(1) + "\n"));
        let following = Following::start(std::slice::from_ref(&path), None);
        following.wait_for_records([1]);
        for record in 2..40 {
            let text = write(record) + "\n";
            let (head, tail) = text.split_at(usize::try_from(record).unwrap() * text.len() / 40);
            append(&path, head);
            thread::sleep(Duration::from_millis(20));
            append(&path, tail);
        }
        following.wait_for_records(1..40);
        let heard = following.stop();
        heard.assert_each_once(1..40);
        assert_eq!(heard.total().records(), 39);
        assert!(heard.faults.is_empty(), "{:?}", heard.faults);
    }
}

#[test]
fn rotated_truncated_replaced_file_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.json");
    let put = |records: std::ops::Range<u64>| {
        for record in records {
            append(&path, &(line(record) + "\n"));
        }
    };
    put(1..4);
    let following = Following::start(std::slice::from_ref(&path), None);
    following.wait_for_records(1..4);
    // Renamed, while its writer still has it open for a moment; another one has its name at once.
    let mut held = OpenOptions::new().append(true).open(&path).unwrap();
    fs::rename(&path, folder.path().join("events.json.1")).unwrap();
    put(10..12);
    following.wait_for_records(10..12);
    writeln!(held, "{}", line(4)).unwrap();
    following.wait_for_records([4]);
    // Cut off, and filled again.
    File::create(&path).unwrap();
    thread::sleep(Duration::from_millis(300));
    put(20..22);
    following.wait_for_records(20..22);
    // Cut off and filled to more than it was before anybody looks.
    let more: String = (30..60).map(|record| line(record) + "\n").collect();
    fs::write(&path, more).unwrap();
    following.wait_for_records(30..60);
    // Replaced by another file.
    let new = folder.path().join("new");
    append(&new, &(line(70) + "\n"));
    // In one step where the system can do that to a file that is open.
    if cfg!(windows) {
        fs::rename(&path, folder.path().join("events.json.2")).unwrap();
    }
    fs::rename(&new, &path).unwrap();
    following.wait_for_records([70]);
    put(71..73);
    following.wait_for_records(71..73);
    let heard = following.stop();
    heard.assert_each_once((1..5).chain(10..12).chain(20..22).chain(30..60).chain(70..73));
    assert!(heard.sources >= 4, "each of them is a source of its own");
}

#[test]
fn cleared_and_replaced_log_is_followed() {
    let (bytes, kept) = log();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Sysmon.evtx");
    let one_chunk = |number: usize| {
        let chunk = &bytes[4096 + number * 65_536..4096 + (number + 1) * 65_536];
        [&bytes[..4096], chunk].concat()
    };
    fs::write(&path, one_chunk(1)).unwrap();
    let following = Following::start(std::slice::from_ref(&path), None);
    let (second, third) = (first_record(&one_chunk(1)[4096..]), first_record(&bytes[4096 + 2 * 65_536..]));
    let of_second: Vec<u64> =
        kept.iter().copied().filter(|record| (second..third).contains(record)).collect();
    following.wait_for_records(of_second.iter().copied());
    // Cleared in place: its numbers restart.
    fs::write(&path, one_chunk(0)).unwrap();
    following.wait_for_records(kept.iter().copied().filter(|record| *record < second));
    following.stop().assert_each_once(kept.into_iter().filter(|record| *record < third));
}

#[test]
fn later_appearing_files_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (named, logs) = (folder.path().join("later.json"), folder.path().join("logs"));
    fs::create_dir(&logs).unwrap();
    append(&logs.join("first.xml"), &xml(1));
    let following = Following::start(&[named.clone(), logs.clone()], None);
    following.wait_for_records([1]);
    following.wait_until("the notice", |heard| {
        heard
            .faults
            .iter()
            .any(|fault| fault.severity == Severity::Notice && fault.kind == FaultKind::NotThereYet)
    });
    assert!(following.status.sentence().contains("waiting for 1"), "{}", following.status.sentence());
    append(&logs.join("second.json"), &line(2));
    following.wait_for_records([2]);
    append(&named, &line(3)[..4]);
    append(&named, &line(3)[4..]);
    following.wait_for_records([3]);
    // A log that was rotated inside the folder is the same file under another name.
    fs::rename(logs.join("second.json"), logs.join("second.json.1")).unwrap();
    append(&logs.join("second.json"), &line(4));
    following.wait_for_records([4]);
    thread::sleep(Duration::from_millis(1_300));
    following.stop().assert_each_once(1..5);
}

#[test]
fn growing_unknown_log_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.json");
    let event = |record: u64, data: &str| {
        format!(
            "{{\"Event\":{{\"System\":{{\"Provider\":{{\"Name\":\"Microsoft-Windows-Sysmon\"}},\"EventID\":1,\
             \"EventRecordID\":{record},\"Computer\":\"ws01\"}},\"EventData\":{data}}}}}\n"
        )
    };
    fs::write(&path, event(1, "{\"Exe\":\"git.exe\"}")).unwrap();
    let following = Following::start(std::slice::from_ref(&path), None);
    following.wait_until("the fault", |heard| {
        heard.faults.iter().any(|fault| {
            fault.severity == Severity::Loss
                && fault.reason().starts_with("1 of 1 Event 1 came without Image and CommandLine so far")
                && fault.reason().contains("EventData had the members Exe")
        })
    });
    // Reported once, and again at ten times the count.
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    for record in 2..=9 {
        file.write_all(event(record, "[]").as_bytes()).unwrap();
    }
    following.wait_until("all events", |heard| heard.records.len() == 9);
    assert_eq!(following.heard.lock().unwrap().faults.len(), 1);
    file.write_all(event(10, "{}").as_bytes()).unwrap();
    following.wait_until("the second fault", |heard| {
        heard.faults.iter().any(|fault| fault.reason().starts_with("10 of 10 Event 1"))
    });
}

#[test]
fn other_channels_are_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("powershell.evtx");
    let bytes =
        fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/four-tests-powershell.evtx")).unwrap();
    let mut writer = GrowingLog::begin(&path, &bytes).unwrap();
    append(
        &folder.path().join("security.json"),
        "{\"SourceName\":\"Microsoft-Windows-Security-Auditing\",\"EventID\":4688,\"EventRecordID\":7,\
         \"Hostname\":\"ws\",\"NewProcessName\":\"C:\\\\git.exe\",\"CommandLine\":\"git push\"}\n",
    );
    let following = Following::start(&[folder.path().to_owned()], None);
    let mut written = 0;
    while let Some(piece) = writer.step().unwrap() {
        if piece.completes.is_some() {
            written += 1;
            following.wait_until("a script block", |heard| {
                heard.telemetry.iter().filter(|(code, _)| *code == 4104).count() == written
            });
        }
    }
    writer.close().unwrap();
    following.wait_until("Security's event", |heard| heard.telemetry.contains(&(4688, Some(7))));
    thread::sleep(Duration::from_millis(200));
    let heard = following.stop();
    let records: std::collections::BTreeSet<_> = heard.telemetry.iter().collect();
    assert_eq!((records.len(), heard.telemetry.len()), (6, 6), "{:?}", heard.telemetry);
    assert_eq!(heard.beside, 6);
}

#[test]
fn later_unreadable_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    append(&folder.path().join("first.json"), &line(1));
    let following = Following::start(&[folder.path().to_owned()], None);
    following.wait_for_records([1]);
    fs::write(folder.path().join("late.evtx"), "no log at all, but a text").unwrap();
    let packed = File::create(folder.path().join("late.json.gz")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(packed, flate2::Compression::fast());
    gzip.write_all(line(2).as_bytes()).unwrap();
    gzip.finish().unwrap();
    let names =
        |heard: &Heard, name: &str| heard.faults.iter().filter(|fault| fault.name.ends_with(name)).count();
    following
        .wait_until("both faults", |heard| names(heard, "late.evtx") > 0 && names(heard, "late.json.gz") > 0);
    thread::sleep(Duration::from_millis(1500));
    let heard = following.stop();
    for name in ["late.evtx", "late.json.gz"] {
        assert_eq!(names(&heard, name), 1, "{:?}", heard.faults);
    }
}

#[cfg(windows)]
#[test]
#[ignore = "Wine 8 counts the links of a deleted file as before and opens its name; windows-smoke.ps1 checks it"]
fn deleted_file_frees_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sysmon.json");
    append(&path, &line(1));
    let following = Following::start(std::slice::from_ref(&path), None);
    following.wait_for_records([1]);
    fs::remove_file(&path).unwrap();
    let begun = Instant::now();
    while let Err(error) = OpenOptions::new().create_new(true).write(true).open(&path) {
        assert!(begun.elapsed() < Duration::from_secs(2), "the name is still taken: {error}");
        thread::sleep(Duration::from_millis(10));
    }
    append(&path, &line(2));
    following.wait_for_records([2]);
}
