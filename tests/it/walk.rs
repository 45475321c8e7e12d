//! The walk through the tests on their fixtures: what is seen, what can't be, what the detection makes of it and why.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use exfilscope::detect::hunt::hosts::RepositoryHosts;
use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::time::Timestamp;
use exfilscope::model::walkthrough::{Outcome, RunReport, StepReport, StepState, TestReport, all_detected};
use exfilscope::source::{Inputs, LoadOptions, load_inputs};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::walk::definition::is_expected;
use exfilscope::walk::{Scope, View, Walk, file};
use support::clock::Ticks;
use support::evtx_writer::record::ComputerName;
use support::scenarios::event::Event;
use support::scenarios::host::Host;
use support::scenarios::{Log, four_tests, git};
use support::schemas::SYSMON;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

struct Walked {
    store: Store,
    walk: Walk,
}

impl Walked {
    fn on(paths: &[PathBuf]) -> Self {
        let mut store = Store::new(HostNaming::Computer, Collect::Everything);
        store.hunt(RepositoryHosts::default());
        let store = Mutex::new(store);
        let tests = file::load(&[]).unwrap();
        let wanted = tests.clone();
        let interest =
            move |code, texts: &exfilscope::store::channels::Texts<'_>| is_expected(&wanted, code, texts);
        store.lock().unwrap().collect_channels(Box::new(interest));
        let inputs = Inputs { telemetry: true, ..Inputs::default() };
        load_inputs(paths, inputs, &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
            let mut store = store.lock().unwrap();
            match message {
                FeedMessage::Source(source) => store.add_source(source),
                FeedMessage::Batch(batch) => store.ingest(batch),
                FeedMessage::Fault(fault) => panic!("{fault}"),
                FeedMessage::Finished => store.finish_script_blocks(),
            }
            true
        });
        let store = store.into_inner().unwrap();
        let mut walk = Walk::new(tests);
        // In slices, as the console does it.
        while !walk.extend(&store, 7) {}
        Self { store, walk }
    }

    fn fixtures(names: &[&str]) -> Self {
        Self::on(&names.iter().map(|name| fixture(name)).collect::<Vec<_>>())
    }

    /// On events that a scenario makes.
    fn events(events: impl Iterator<Item = Event>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.evtx");
        let log = Log::sorted(1, events.collect());
        fs::write(&path, log.to_bytes(ComputerName::InTemplate).unwrap()).unwrap();
        Self::on(&[path])
    }

    fn report(&self, profile: Profile, scope: &Scope) -> Vec<TestReport> {
        let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
        flags.extend(&self.store);
        let view = View { store: &self.store, flags: &flags, profile, min_score: 2, scope };
        self.walk.report(&view)
    }

    fn all(&self) -> Vec<TestReport> {
        self.report(Profile::Correlated, &Scope::default())
    }
}

const FOUR: [&str; 3] = ["four-tests.evtx", "four-tests-powershell.evtx", "four-tests-security.evtx"];

fn is(event: &Event, event_id: u16) -> bool {
    std::ptr::eq(event.shape.provider, &raw const SYSMON) && event.shape.event_id == event_id
}

fn step<'a>(run: &'a RunReport, name: &str) -> &'a StepReport {
    run.steps.iter().find(|step| step.step == name).unwrap_or_else(|| panic!("{name}: {run:?}"))
}

fn outcomes(tests: &[TestReport]) -> Vec<Vec<Outcome>> {
    tests.iter().map(|test| test.runs.iter().map(|run| run.verdict.outcome).collect()).collect()
}

#[test]
fn all_four_tests_are_fully_detected() {
    let tests = Walked::fixtures(&FOUR).all();
    for (test, signal) in
        tests.iter().zip(["CodeRepoAPIUpload", "GitPushExternal", "CodeRepoAPIUpload", "CodeRepoAPIUpload"])
    {
        let run = &test.runs[0];
        let verdict = &run.verdict;
        assert_eq!(
            (verdict.outcome, verdict.score),
            (Outcome::Detected, Some(3)),
            "{}: {verdict:?}",
            test.name
        );
        assert_eq!(verdict.signal.unwrap().name(), signal, "{}", test.name);
        assert!(verdict.why.contains("0.0 s after it"), "{}", verdict.why);
        for step in &run.steps {
            let expected = if step.expected.starts_with("the proxy") || step.expected == "no 4104 of it" {
                StepState::CannotBeSeen
            } else {
                StepState::Seen
            };
            assert_eq!(step.state, expected, "{}: {step:?}", test.name);
            assert_eq!(step.records.len(), step.count);
        }
    }
    // The block in three parts is one event.
    let block = step(&tests[0].runs[0], "script block");
    assert_eq!((block.count, block.records.as_slice()), (2, [3907, 3908].as_slice()));
}

#[test]
fn twins_are_separate_runs() {
    let tests = Walked::fixtures(&FOUR).all();
    assert_eq!(
        outcomes(&tests),
        [
            vec![Outcome::Detected],
            vec![Outcome::Detected, Outcome::Missed],
            vec![Outcome::Detected],
            vec![Outcome::Detected, Outcome::Detected],
        ]
    );
    assert!(!all_detected(&tests));
    // By its query alone, which the search itself does not join.
    let script = &tests[3].runs[1].verdict;
    assert_eq!(script.signal.unwrap().name(), "NetworkConnectionToCodeRepo");
    assert!(script.why.contains("not detected as CodeRepoAPIUpload"), "{}", script.why);
    let spl = Walked::fixtures(&FOUR).report(Profile::Spl, &Scope::default());
    assert_eq!(spl[3].runs[1].verdict.outcome, Outcome::Missed);
}

#[test]
fn ci_host_suppression_names_its_pattern() {
    for test in Walked::fixtures(&["walk/build-7.evtx"]).all() {
        let [run] = test.runs.as_slice() else { panic!("{test:?}") };
        assert_eq!((run.verdict.outcome, run.verdict.score), (Outcome::Suppressed, Some(0)));
        assert!(
            run.verdict.why.contains("the CI-host pattern matched \"build-\" in build-7"),
            "{}",
            run.verdict.why
        );
        assert!(run.steps.iter().any(|step| step.state == StepState::Seen));
        assert!(run.steps.iter().all(|step| step.state != StepState::NotSeen), "{run:?}");
    }
}

#[test]
fn nameless_connection_takes_the_queried_name() {
    let tests = Walked::fixtures(&["walk/no-dns-lookup.evtx"]).all();
    assert!(all_detected(&tests));
    for test in &tests {
        let connection = step(&test.runs[0], "connection");
        assert_eq!((connection.state, connection.count), (StepState::Seen, 1), "{connection:?}");
        assert!(connection.why.contains("the event itself says \"-\""), "{}", connection.why);
    }
}

#[test]
fn missing_names_and_queries_are_explained() {
    let events = four_tests::collected("WS-1").into_iter().filter(|event| !is(event, 22));
    let nameless =
        events.map(|event| if is(&event, 3) { event.with("DestinationHostname", "-") } else { event });
    for test in Walked::events(nameless).all() {
        let connection = step(&test.runs[0], "connection");
        assert_eq!(connection.state, StepState::CannotBeSeen, "{connection:?}");
        assert!(connection.why.starts_with("DnsLookup is off: no Event 3 from WS-1"), "{}", connection.why);
        let name = step(&test.runs[0], "name");
        assert!(name.why.starts_with("No Event 22 from WS-1"), "{}", name.why);
        assert_eq!(test.runs[0].verdict.outcome, Outcome::Detected);
    }
}

#[test]
fn missing_event_3_hides_connection_only() {
    let tests = Walked::fixtures(&["walk/no-event-3.evtx"]).all();
    assert!(all_detected(&tests));
    for test in &tests {
        let connection = step(&test.runs[0], "connection");
        assert_eq!(connection.state, StepState::CannotBeSeen);
        assert!(connection.why.starts_with("No Event 3 from WS-4713.corp.example"), "{}", connection.why);
    }
}

#[test]
fn missed_test_names_failed_condition() {
    for profile in [Profile::Spl, Profile::Correlated] {
        let tests = Walked::fixtures(&["walk/twins.evtx"]).report(profile, &Scope::default());
        assert_eq!(
            outcomes(&tests),
            [vec![Outcome::NoTrace], vec![Outcome::Missed], vec![Outcome::NoTrace], vec![Outcome::Missed],]
        );
        let push = &tests[1].runs[0].verdict.why;
        let part = "CommandLine \"git  push origin main\" contains none of github.com, gitlab.com, bitbucket.org, dev.azure.com";
        assert!(push.contains(part), "{push}");
        assert!(push.contains("git-remote-https.exe\" ends with none of \\git.exe"), "{push}");
        let script = &tests[3].runs[0].verdict.why;
        assert!(script.contains("sync.py\" contains none of api.github.com"), "{script}");
        assert!(
            script.contains("DestinationHostname \"lb-140-82-121-6-fra.github.com\" is none of github.com"),
            "{script}"
        );
        assert_eq!(step(&tests[1].runs[0], "send-pack").state, StepState::Seen);
        assert_eq!(step(&tests[3].runs[0], "address").state, StepState::Seen);
    }
}

#[test]
fn hunt_finds_twins_missed_by_search() {
    let walked = Walked::fixtures(&["walk/twins.evtx"]);
    for profile in [Profile::Spl, Profile::Correlated] {
        let tests = walked.report(profile, &Scope::default());
        let push = &tests[1].runs[0].verdict;
        assert_eq!(push.outcome, Outcome::Missed);
        assert!(push.why.contains("The profile hunt finds it (GitPushSendPack, score 3): "), "{}", push.why);
        let script = &tests[3].runs[0].verdict;
        assert_eq!(script.outcome, Outcome::Missed);
        assert!(script.why.contains("The profile hunt finds it ("), "{}", script.why);
    }
    let tests = walked.report(Profile::Hunt, &Scope::default());
    assert_eq!(tests[1].runs[0].verdict.outcome, Outcome::Detected, "{:?}", tests[1].runs[0].verdict);
}

#[test]
fn absent_channels_are_not_visible() {
    let tests = Walked::fixtures(&["four-tests.evtx"]).all();
    let block = step(&tests[0].runs[0], "script block");
    assert_eq!(block.state, StepState::CannotBeSeen);
    assert!(block.why.starts_with("No log of Microsoft-Windows-PowerShell/Operational"), "{}", block.why);
    assert!(step(&tests[1].runs[0], "audit").why.starts_with("No log of Security"));
    // Another host's logs are no evidence of this one.
    let tests = Walked::fixtures(&["four-tests.evtx", "walk/build-7.evtx"]).all();
    let run = tests[0].runs.iter().find(|run| run.host.as_deref() == Some("WS-4711.corp.example")).unwrap();
    let block = step(run, "script block");
    assert!(block.why.starts_with("No 4104 from WS-4711.corp.example"), "{}", block.why);
    // Auditing without command lines.
    let events = four_tests::collected("WS-1").into_iter();
    let bare =
        events.map(|event| if event.shape.event_id == 4688 { event.with("CommandLine", "") } else { event });
    let tests = Walked::events(bare).all();
    let audit = step(&tests[1].runs[0], "audit");
    assert_eq!(audit.state, StepState::CannotBeSeen);
    assert!(audit.why.starts_with("No 4688 from WS-1 has a command line"), "{}", audit.why);
}

#[test]
fn repeated_tests_are_separate_runs() {
    let later = |event: Event| Event { time: event.time + support::clock::Millis(3_600_000), ..event };
    let twice = four_tests::collected("WS-1").into_iter().chain(four_tests::collected("WS-2"));
    let tests = Walked::events(twice).all();
    for test in &tests {
        let mut hosts: Vec<_> = test.runs.iter().map(|run| run.host.as_deref().unwrap()).collect();
        hosts.sort_unstable();
        assert_eq!(hosts, ["WS-1", "WS-2"], "{}", test.name);
        assert!(test.runs.iter().all(|run| run.verdict.outcome == Outcome::Detected), "{}", test.name);
    }
    // An hour later, under GUIDs of their own.
    let again = four_tests::collected("WS-1").into_iter().map(|event| {
        let mut event = later(event);
        for value in &mut event.values {
            if let support::evtx_writer::value::Value::Guid(guid) = value {
                *value =
                    support::evtx_writer::value::Guid::from_number(guid_number(&guid.to_string()) ^ 0xffff)
                        .into();
            }
        }
        event
    });
    let tests = Walked::events(four_tests::collected("WS-1").into_iter().chain(again)).all();
    for test in &tests {
        let [one, two] = test.runs.as_slice() else { panic!("{}: {}", test.name, test.runs.len()) };
        assert_eq!((one.number, two.number), (Some(1), Some(2)));
        assert!(one.start < two.start);
        for (one, two) in one.steps.iter().zip(&two.steps) {
            assert_eq!((one.state, one.count), (two.state, two.count), "{}, {}", test.name, one.step);
        }
    }
}

/// A GUID as written, as a number.
fn guid_number(text: &str) -> u128 {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    u128::from_str_radix(&digits, 16).unwrap()
}

#[test]
fn host_and_time_narrow_the_events() {
    let walked = Walked::fixtures(&FOUR);
    let time = |text| Timestamp::parse(text);
    for (host, from, to, expected) in [
        (Some("ws-4711"), None, None, 2),
        (Some("WS-4711.CORP.example"), None, None, 2),
        (Some("corp"), None, None, 0),
        (None, time("2026-03-11T09:20:00Z"), None, 1),
        (None, None, time("2026-03-11T09:20:00Z"), 1),
        (None, time("2026-03-12T00:00:00Z"), None, 0),
    ] {
        let scope = Scope { host: host.map(str::to_owned), from, to };
        let tests = walked.report(Profile::Correlated, &scope);
        let runs = tests[1].runs.iter().filter(|run| run.number.is_some()).count();
        assert_eq!(runs, expected, "{scope:?}");
        if expected == 0 {
            assert!(tests.iter().all(|test| test.runs[0].verdict.outcome == Outcome::NoTrace));
        }
    }
}

/// Pushes from shells of a host, each in a folder of its own, with nothing around them.
fn lone_pushes(name: &str, count: usize) -> Vec<Event> {
    let mut host = Host::new(name, Ticks::at((2026, 3, 9), "08:00:00.0000000"));
    let explorer = host.running(r"C:\Windows\explorer.exe", "explorer.exe");
    for number in 0..count {
        host.go_to(&format!(r"C:\src\project{number}\"));
        let shell = host.start(&explorer, r"C:\Windows\System32\cmd.exe", "cmd.exe");
        host.wait(4_000);
        git::local(&mut host, &shell, "push origin main");
        host.exit(&shell);
        host.wait(3_600_000);
    }
    host.sysmon
}

#[test]
fn lone_pushes_are_counted_not_judged() {
    let pushes = lone_pushes("DEV-1", 3).into_iter().chain(lone_pushes("DEV-2", 2));
    let tests = Walked::events(pushes.chain(four_tests::collected("WS-1"))).all();
    assert_eq!(outcomes(&tests)[1], [Outcome::Detected]);
    let folded = &tests[1].folded;
    assert_eq!((folded.count, folded.hosts), (5, 2));
    let words = folded.words();
    let expected = "5 pushes like the test's, without its other steps, on 2 hosts, from 2026-03-09 08:00:";
    assert!(words.starts_with(expected), "{words}");
    assert!(all_detected(&tests));

    let tests = Walked::events(lone_pushes("DEV-1", 1).into_iter()).all();
    let [run] = tests[1].runs.as_slice() else { panic!("{:?}", tests[1]) };
    assert_eq!((run.number, run.verdict.outcome), (None, Outcome::NoTrace));
    let why = &run.verdict.why;
    assert!(why.contains("1 push like the test's, without its other steps, on 1 host, 2026-03-09"), "{why}");
    assert!(all_detected(&tests));
}

#[test]
fn each_other_step_makes_a_run() {
    for step in ["init", "add .", "commit -m x", "folder", "file"] {
        let mut host = Host::new("DEV-1", Ticks::at((2026, 3, 9), "08:00:00.0000000"));
        let explorer = host.running(r"C:\Windows\explorer.exe", "explorer.exe");
        let shell = host.start(&explorer, r"C:\Windows\System32\cmd.exe", "cmd.exe");
        match step {
            "folder" => host.go_to(r"C:\Users\a\AppData\Local\Temp\df00tech-exfil\"),
            "file" => host.create_file(&shell, r"C:\Temp\df00tech-exfil\stolen_creds.txt"),
            arguments => git::local(&mut host, &shell, arguments),
        }
        host.wait(5_000);
        git::local(&mut host, &shell, "push origin main");
        let tests = Walked::events(host.sysmon.into_iter()).all();
        assert_eq!((tests[1].folded.count, &outcomes(&tests)[1]), (0, &vec![Outcome::Missed]), "{step}");
    }
}

#[test]
fn fullest_run_stands_first() {
    let early = four_tests::collected_twins("WS-0")
        .into_iter()
        .map(|event| Event { time: support::clock::Ticks(event.time.0 - 864_000_000_000), ..event });
    let tests = Walked::events(early.chain(four_tests::collected("WS-1"))).all();
    let runs = &tests[1].runs;
    assert_eq!(outcomes(&tests)[1], [Outcome::Detected, Outcome::Missed]);
    assert_eq!((runs[0].number, runs[1].number), (Some(1), Some(2)));
    assert!(runs[0].start > runs[1].start && runs[0].steps_seen() > runs[1].steps_seen());
}

#[test]
fn order_of_arrival_changes_no_report() {
    let folder = tempfile::tempdir().unwrap();
    // The same times and record numbers on two hosts.
    let paths = ["one.evtx", "two.evtx"].map(|name| folder.path().join(name));
    for (path, host) in paths.iter().zip(["WS-1", "WS-2"]) {
        let log = Log::sorted(1, four_tests::collected_twins(host));
        fs::write(path, log.to_bytes(ComputerName::InTemplate).unwrap()).unwrap();
    }
    let reports = |paths: &[PathBuf]| {
        let mut tests = Walked::on(paths).all();
        for run in tests.iter_mut().flat_map(|test| &mut test.runs) {
            run.verdict.finding = None;
            run.steps.iter_mut().for_each(|step| step.events.clear());
        }
        tests
    };
    let [one, two] = paths;
    let first = reports(&[one.clone(), two.clone()]);
    assert_eq!(outcomes(&first)[1].len(), 2);
    assert_eq!(first, reports(&[two, one]));
}

/// A log of one process of PowerShell's, curl's or Python's.
fn one_process(image: &str, command_line: &str) -> Vec<Event> {
    let mut host = Host::new("WS-1", Ticks::at((2026, 3, 9), "08:00:00.0000000"));
    let parent = host.running(r"C:\Windows\explorer.exe", "explorer.exe");
    let process = host.start(&parent, image, command_line);
    host.wait(100);
    host.exit(&process);
    host.sysmon
}

#[test]
fn requests_that_only_read_are_no_runs() {
    let powershell =
        |verb: &str| format!("powershell -c \"irm https://api.github.com/repos/a/b/contents/c {verb}\"");
    let gist = |arguments: &str| format!("curl.exe {arguments} https://api.github.com/gists");
    let python = |call: &str| format!("python -c \"import requests; {call}('https://api.github.com/x'\"");
    for (number, image, command_line, is_run) in [
        (0, four_tests::POWERSHELL, powershell("-Method PUT"), true),
        (0, four_tests::POWERSHELL, powershell("-Method:Put"), true),
        (0, four_tests::POWERSHELL, powershell("| Write-Output"), false),
        (0, four_tests::POWERSHELL, powershell("-Confirm -Out input"), false),
        (0, four_tests::POWERSHELL, "gci api.github.com -Confirm PUT".to_owned(), false),
        (2, r"C:\Windows\System32\curl.exe", gist("-s"), false),
        (2, r"C:\Windows\System32\curl.exe", gist("-sS -D headers.txt -f -o data.json"), false),
        (2, r"C:\Windows\System32\curl.exe", gist("-odata.json -H \"Accept: x\""), false),
        (2, r"C:\Windows\System32\curl.exe", gist("-s -X GET"), false),
        (2, r"C:\Windows\System32\curl.exe", gist("-X POST"), true),
        (2, r"C:\Windows\System32\curl.exe", gist("-sXPATCH"), true),
        (2, r"C:\Windows\System32\curl.exe", gist("--request=POST"), true),
        (2, r"C:\Windows\System32\curl.exe", gist("-sd@gist.json"), true),
        (2, r"C:\Windows\System32\curl.exe", gist("--data-binary @gist.json"), true),
        (2, r"C:\Windows\System32\curl.exe", gist("-F a=@b"), true),
        (2, r"C:\Windows\System32\curl.exe", gist("-T gist.json"), true),
        (3, r"C:\Python\python.exe", python("requests.get"), false),
        (3, r"C:\Python\python.exe", python("input_metadata"), false),
        (3, r"C:\Python\python.exe", python("requests.put"), true),
        (3, r"C:\Python\python.exe", python("send(data=b,"), true),
    ] {
        let tests = Walked::events(one_process(image, &command_line).into_iter()).all();
        assert_eq!(tests[number].runs[0].number.is_some(), is_run, "{command_line}");
    }
}

#[test]
fn test_seen_elsewhere_is_missed_run() {
    let names = ["four-tests-powershell.evtx", "four-tests-security.evtx"];
    let tests = Walked::fixtures(&names).all();
    assert_eq!(outcomes(&tests)[0], [Outcome::Missed]);
    let run = &tests[0].runs[0];
    assert_eq!(step(run, "script block").count, 2);
    let request = step(run, "request");
    assert_eq!(request.state, StepState::CannotBeSeen);
    assert!(request.why.starts_with("No event of Sysmon from WS-4711.corp.example"), "{}", request.why);
    assert!(run.verdict.why.contains("Sysmon's Event 1 and 3 alone"), "{}", run.verdict.why);
}

fn program(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_exfilscope"))
        .arg("tests")
        .args(arguments)
        .env("EXFILSCOPE_CONFIG", folder.path())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn exit_status_reports_full_detection() {
    let path = |name: &str| fixture(name).display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.toml");
    fs::write(&wrong, "nmae = 1").unwrap();
    let wrong = wrong.display().to_string();
    for (arguments, status, part) in [
        (vec![path("walk/no-event-3.evtx")], 0, ""),
        (vec![path("walk/twins.evtx")], 1, ""),
        (vec![path("walk/build-7.evtx")], 1, ""),
        (vec![path("old-schema.evtx"), "--from".to_owned(), "2027-01-01".to_owned()], 0, ""),
        (vec![path("walk/no-event-3.evtx"), path("damaged/bad-record.evtx")], 3, "bad-record.evtx"),
        (vec![path("none.evtx")], 2, "there is no such file"),
        (
            vec![path("walk/twins.evtx"), "--test".to_owned(), wrong],
            2,
            "wrong.toml:1:1: unknown key `nmae`; did you mean `name`?",
        ),
        (
            vec![path("walk/twins.evtx"), "--from".to_owned(), "noon".to_owned()],
            2,
            "a time is 2026-03-11T09:00",
        ),
        (vec![], 2, "PATH"),
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, _, errors) = program(&arguments);
        assert_eq!(code, status, "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
}

#[test]
fn json_rows_have_agreed_names() {
    let (_, out, _) = program(&["--format", "ndjson", &fixture("walk/twins.evtx").display().to_string()]);
    let rows: Vec<serde_json::Map<String, serde_json::Value>> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (verdicts, steps): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.contains_key("Verdict"));
    assert_eq!((verdicts.len(), steps.len()), (4, 6 + 12 + 7 + 7));
    let names = |row: &serde_json::Map<_, _>| row.keys().map(String::to_owned).collect::<Vec<_>>();
    for row in steps {
        assert_eq!(
            names(row),
            ["Test", "Run", "host", "Start", "Step", "Expected", "State", "Count", "Records", "Why"]
        );
        assert!(["seen", "not_seen", "cannot_be_seen"].contains(&row["State"].as_str().unwrap()));
    }
    for row in &verdicts {
        assert_eq!(
            names(row),
            ["Test", "Run", "host", "Start", "Verdict", "Signal", "SuspicionScore", "Why"]
        );
    }
    assert_eq!(
        (&verdicts[0]["Verdict"], &verdicts[0]["Run"]),
        (&"no_trace".into(), &serde_json::Value::Null)
    );
    assert_eq!((&verdicts[1]["Verdict"], &verdicts[1]["Run"]), (&"missed".into(), &1.into()));
}

#[test]
fn folded_pushes_are_one_row() {
    let path = fixture("developers-day").display().to_string();
    let (_, out, _) = program(&["--format", "ndjson", &path]);
    let rows: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let folded: Vec<_> = rows.iter().filter(|row| row.get("Folded").is_some()).collect();
    let [row] = folded.as_slice() else { panic!("{folded:?}") };
    let names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["Test", "Folded", "Hosts", "First", "Last", "Why"]);
    assert!(row["Folded"].as_u64().unwrap() > 1, "{row}");
    for format in ["table", "markdown"] {
        let (_, out, _) = program(&["--format", format, &path]);
        let words = format!("{} pushes like the test", row["Folded"]);
        assert_eq!(out.matches(&words).count(), 2, "{out}");
    }
}

#[test]
fn output_is_masked_and_harmless() {
    for format in ["table", "markdown", "ndjson"] {
        let paths = ["four-tests.evtx", "hostile.evtx", "walk/build-7.evtx"]
            .map(|name| fixture(name).display().to_string());
        let arguments: Vec<&str> =
            ["--format", format].into_iter().chain(paths.iter().map(String::as_str)).collect();
        let (_, out, _) = program(&arguments);
        assert!(!out.contains("ghp_FAKE"), "{format}");
        let hostile =
            out.chars().find(|letter| *letter != '\n' && exfilscope::model::text::is_forbidden(*letter));
        assert_eq!(hostile, None, "{format}");
    }
}

#[test]
fn own_test_by_option_or_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let own = r#"
name = "A commit"
sentence = "Somebody commits."
[[expect]]
step = "commit"
what = "git commit starts"
role = "act"
channel = "sysmon"
event-id = 1
[[expect.where]]
field = "CommandLine"
contains = " commit "
"#;
    fs::write(folder.path().join("own.toml"), own).unwrap();
    fs::write(folder.path().join("exfilscope.toml"), "tests = [\"own.toml\"]\n").unwrap();
    let log = fixture("four-tests.evtx").display().to_string();
    let (option, config) = (folder.path().join("own.toml"), folder.path().join("exfilscope.toml"));
    for (name, value) in
        [("--test", option.display().to_string()), ("--config", config.display().to_string())]
    {
        let (status, out, errors) = program(&[name, &value, "--format", "ndjson", &log]);
        assert_eq!(status, 1, "{errors}");
        let verdict =
            out.lines().find(|line| line.contains("\"A commit\"") && line.contains("Verdict")).unwrap();
        assert!(verdict.contains("\"missed\""), "{verdict}");
    }
}

#[test]
fn an_exception_that_suppresses_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("exfilscope.toml");
    let exception =
        "[[exceptions]]\nname = \"purple team\"\nreason = \"the exercise of March\"\nhost = '(?i)^ws-4713'\n";
    fs::write(&config, exception).unwrap();
    let log = fixture("walk/no-event-3.evtx").display().to_string();
    let (status, out, errors) =
        program(&["--config", &config.display().to_string(), "--format", "ndjson", &log]);
    assert_eq!(status, 1, "{errors}");
    let verdicts: Vec<&str> = out.lines().filter(|line| line.contains("Verdict")).collect();
    assert_eq!(verdicts.len(), 4);
    for verdict in verdicts {
        assert!(
            verdict.contains("\"suppressed\"")
                && verdict.contains("exception purple team: the exercise of March"),
            "{verdict}"
        );
    }
}

#[test]
fn absent_host_is_named() {
    let path = fixture("four-tests.evtx").display().to_string();
    let (status, out, said) = program(&["--host", "NOBODY", &path]);
    assert_eq!((status, out.as_str()), (2, ""), "{said}");
    assert!(said.contains("NOBODY: no event is of that host; there are "), "{said}");
}
