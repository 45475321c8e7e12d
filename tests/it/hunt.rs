//! The leads of `hunt`: what they are made of, that they are one for each act in whatever order its events come in, and
//! that the other profiles don't know of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use exfilscope::detect::hunt::hosts::RepositoryHosts;
use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::SourceInfo;
use exfilscope::model::guid::Guid;
use exfilscope::model::row::{AlertRow, Signal};
use exfilscope::model::time::Timestamp;
use exfilscope::store::compaction::{Compactor, Retention};
use exfilscope::store::list::listing::{Listing, Query};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use proptest::prelude::*;

const GIT: &str = r"C:\Program Files\Git\mingw64\bin\git.exe";
const WRAPPER: &str = r"C:\Program Files\Git\cmd\git.exe";
const HELPER: &str = r"C:\Program Files\Git\mingw64\libexec\git-core\git-remote-https.exe";
const SSH: &str = r"C:\Windows\System32\OpenSSH\ssh.exe";
const CURL: &str = r"C:\Windows\System32\curl.exe";
const PYTHON: &str = r"C:\Python312\python.exe";
const CMD: &str = r"C:\Windows\System32\cmd.exe";
const CODE: &str = r"C:\VS\Code.exe";
const GH: &str = r"C:\Program Files\GitHub CLI\gh.exe";
const DESKTOP: &str = r"C:\Users\a\AppData\Local\GitHubDesktop\app-3.4\GitHubDesktop.exe";
const ADDRESS: &str = "140.82.121.4";
const ANSWER: &str = "::ffff:140.82.121.4;";

#[derive(Clone, Debug)]
struct Event {
    code: u16,
    record: u64,
    milliseconds: i64,
    /// 0: no process.
    process: u32,
    parent: u32,
    host: &'static str,
    fields: Vec<(Field, String)>,
}

/// A log in the making: each event a tenth of a second after the one before.
#[derive(Default)]
struct Log {
    events: Vec<Event>,
    now: i64,
    host: Option<&'static str>,
}

impl Log {
    fn add(&mut self, code: u16, process: u32, parent: u32, fields: &[(Field, &str)]) -> &mut Self {
        self.now += 100;
        let record = u64::try_from(self.events.len()).unwrap() + 1;
        let fields = fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
        let host = self.host.unwrap_or("WS-1");
        self.events.push(Event { code, record, milliseconds: self.now, process, parent, host, fields });
        self
    }

    fn start(&mut self, process: u32, image: &str, line: &str, parent: (u32, &str, &str)) -> &mut Self {
        let fields = [
            (Field::Image, image),
            (Field::CommandLine, line),
            (Field::ParentImage, parent.1),
            (Field::ParentCommandLine, parent.2),
            (Field::CurrentDirectory, r"C:\loot\"),
            (Field::User, r"CORP\a"),
        ];
        self.add(1, process, parent.0, &fields)
    }

    fn connect(&mut self, process: u32, image: &str, name: &str) -> &mut Self {
        let fields =
            [(Field::Image, image), (Field::DestinationHostname, name), (Field::DestinationIp, ADDRESS)];
        self.add(3, process, 0, &fields)
    }

    fn ask(&mut self, process: u32, image: &str, name: &str) -> &mut Self {
        let fields = [(Field::Image, image), (Field::QueryName, name), (Field::QueryResults, ANSWER)];
        self.add(22, process, 0, &fields)
    }

    fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now += seconds * 1000;
        self
    }
}

/// git for Windows' whole chain of a push to a remote by name, and the remote's making before it.
fn push_to_origin(shell: &str) -> Log {
    let url = "https://github.com/o/r.git";
    let mut log = Log::default();
    log.start(1, WRAPPER, &format!("git  remote add origin {url}"), (9, shell, "shell"))
        .start(2, WRAPPER, "git  push origin main", (9, shell, "shell"))
        .start(3, GIT, "git.exe push origin main", (2, WRAPPER, "git  push origin main"))
        .start(4, GIT, &format!("git remote-https origin {url}"), (3, GIT, "git.exe push origin main"))
        .start(5, HELPER, &format!("git-remote-https origin {url}"), (4, GIT, "git remote-https"))
        .ask(5, HELPER, "github.com")
        .connect(5, HELPER, "-")
        .start(6, GIT, &format!("git send-pack --stateless-rpc --thin {url}/ --stdin"), (5, HELPER, "x"));
    log
}

fn store_of(events: &[Event], hunts: bool, retention: Collect) -> Store {
    let mut store = Store::new(HostNaming::Computer, retention);
    if hunts {
        store.hunt(RepositoryHosts::new(&["git.corp.example".to_owned()]));
    }
    store.add_source(SourceInfo {
        id: SourceId(0),
        path: "a.evtx".into(),
        name: "a.evtx".to_owned(),
        size: None,
    });
    for event in events {
        ingest(&mut store, event);
    }
    store
}

fn ingest(store: &mut Store, event: &Event) {
    store.ingest(batch_of(event));
}

fn batch_of(event: &Event) -> Batch {
    let mut batch = Batch::new(SourceId(0));
    let guid = |number: u32| {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        Some(Guid::from_written_order(bytes))
    };
    let nanoseconds = u32::try_from(event.milliseconds % 1000).unwrap() * 1_000_000;
    let head = EventHead {
        event_code: event.code,
        time: Some(Timestamp::from_unix(event.milliseconds / 1000, nanoseconds, 7)),
        record_id: Some(event.record),
        place: event.record,
        process_guid: guid(event.process),
        parent_process_guid: guid(event.parent),
    };
    let fields = event.fields.iter().map(|(field, text)| (*field, text.as_str()));
    batch.push(head, fields.chain([(Field::Computer, event.host)]));
    batch
}

fn rows(store: &mut Store, profile: Profile) -> Vec<AlertRow> {
    let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
    flags.extend(store);
    let listing = Listing::new(store, &flags, &Query { min_score: 0, ..Query::alerts(profile) });
    listing.findings.iter().filter_map(|id| store.row(*id, profile, &flags)).collect()
}

fn leads(log: &Log) -> Vec<AlertRow> {
    let hunted = rows(&mut store_of(&log.events, true, Collect::Leads), Profile::Hunt);
    let in_console = rows(&mut store_of(&log.events, true, Collect::Everything), Profile::Hunt);
    assert_eq!(hunted, in_console, "what is kept makes no difference");
    hunted.into_iter().filter(|row| row.signal.is_lead()).collect()
}

fn summary(log: &Log) -> Vec<(Signal, u8, u64)> {
    leads(log).iter().map(|row| (row.signal, row.suspicion_score, row.record_id.unwrap())).collect()
}

#[test]
fn push_without_url_is_one_lead() {
    let log = push_to_origin(CMD);
    let found = leads(&log);
    let [row] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((row.signal, row.suspicion_score, row.record_id), (Signal::GitPushSendPack, 3, Some(2)));
    assert_eq!(row.parent_image.as_deref(), Some(CMD), "the row is the outermost git's");
    assert_eq!(row.destination_hostname.as_deref(), Some("github.com"));
    assert_eq!((row.joined[0].event_code, row.joined[0].record_id), (1, Some(8)), "from the send-pack");
    let mut records: Vec<_> = row.explanation.evidence.iter().filter_map(|event| event.record_id).collect();
    records.sort_unstable();
    records.dedup();
    assert_eq!(records, [1, 2, 3, 4, 5, 6, 7, 8], "all eight events are its evidence");
    assert_eq!(
        row.explanation.sentence,
        "git was told to push without naming a URL, its send-pack sent to github.com/o/r (Event 1 record 8), git's helper \
         was given github.com/o/r (Event 1 record 4), git-remote-https.exe connected to 140.82.121.4 (Event 3 record 7), \
         git-remote-https.exe asked DNS for github.com (Event 22 record 6), the remote was set to github.com/o/r in the \
         same folder before (Event 1 record 1), 2 more events are of it; send-pack proves a push to a repository, and \
         host WS-1 is no CI system: GitPushSendPack, score 3."
    );
}

#[test]
fn push_from_ide_counts_unlike_ci() {
    assert_eq!(
        summary(&push_to_origin(CODE)),
        [(Signal::GitPushSendPack, 3, 2)],
        "a push is one from an IDE too"
    );
    let mut log = push_to_origin(CMD);
    for event in &mut log.events {
        event.host = "build-7";
    }
    let found = leads(&log);
    assert_eq!((found.len(), found[0].suspicion_score, found[0].is_ci_system), (1, 0, true));
    assert!(found[0].explanation.sentence.contains("the CI-host pattern matched \"build-\" in build-7"));
}

#[test]
fn missing_push_events_lower_the_lead() {
    let without = |gone: &[u64]| {
        let mut log = push_to_origin(CMD);
        log.events.retain(|event| !gone.contains(&event.record));
        summary(&log)
    };
    // No Event 3 and no Event 22: Sysmon was set up so.
    assert_eq!(without(&[6, 7]), [(Signal::GitPushSendPack, 3, 2)]);
    // No send-pack: the push failed, or its event is lost.
    assert_eq!(without(&[8]), [(Signal::GitPushWithoutUrl, 2, 2)]);
    // Only the push and the remote.
    assert_eq!(without(&[3, 4, 5, 6, 7, 8]), [(Signal::GitPushWithoutUrl, 2, 2)]);
    // Only the push: its destination is unknown.
    assert_eq!(without(&[1, 3, 4, 5, 6, 7, 8]), [(Signal::GitPushWithoutUrl, 1, 2)]);
    // No Event 1 of any git.exe: the helper's own still knows its URL, but not which way.
    assert_eq!(without(&[1, 2, 3, 4, 8]), [(Signal::GitHelperConnection, 2, 5)]);
    // Only the send-pack.
    assert_eq!(without(&[1, 2, 3, 4, 5, 6, 7]), [(Signal::GitPushSendPack, 3, 8)]);
    // The push's own events are lost; a child names it as its parent.
    assert_eq!(without(&[1, 2, 3, 6, 7, 8]), [(Signal::GitPushWithoutUrl, 2, 4)]);
}

#[test]
fn fetch_is_never_a_push() {
    for (shell, verb) in
        [(CODE, "fetch --all"), (CMD, "pull"), (CMD, "clone https://github.com/prom/pushgateway")]
    {
        let mut log = Log::default();
        let url = "https://github.com/o/r.git";
        log.start(2, GIT, &format!("git {verb}"), (9, shell, "x"))
            .start(4, GIT, &format!("git remote-https origin {url}"), (2, GIT, &format!("git {verb}")))
            .start(5, HELPER, &format!("git-remote-https origin {url}"), (4, GIT, "x"))
            .ask(5, HELPER, "github.com")
            .connect(5, HELPER, "lb-140-82-121-4-fra.github.com")
            .start(6, GIT, &format!("git fetch-pack --stateless-rpc {url}/"), (5, HELPER, "x"));
        let found = summary(&log);
        let expected = if verb.contains("pushgateway") {
            // The search takes it for a push; a lead does not.
            vec![]
        } else {
            vec![(Signal::GitHelperConnection, 0, 1)]
        };
        assert_eq!(found, expected, "{verb}");
    }
    let mut log = Log::default();
    log.start(1, GIT, "git stash push -m wip", (9, CMD, "x"))
        .start(2, GIT, "git upload-pack C:/src", (9, CMD, "x"))
        .start(3, CURL, "curl -o push.zip https://api.github.com/repos/o/r/tarball", (9, CMD, "x"))
        .start(4, GIT, "git commit -m \"push to github.com\"", (9, CMD, "x"));
    assert_eq!(summary(&log), [], "words that look like a push");
}

#[test]
fn ssh_receiving_side_decides_direction() {
    let mut log = Log::default();
    log.start(1, GIT, "git push", (9, CMD, "x"))
        .start(2, SSH, "ssh.exe git@github.com \"git-receive-pack 'o/r.git'\"", (1, GIT, "git push"))
        .connect(2, SSH, "-");
    let found = leads(&log);
    assert_eq!((found[0].signal, found[0].suspicion_score), (Signal::GitReceivePackOverSsh, 3));
    assert_eq!((found.len(), found[0].destination_hostname.as_deref()), (1, Some("github.com")));
    let connection = found[0].explanation.evidence.iter().any(|event| event.event_code == 3);
    assert!(connection, "its connection is evidence");

    let mut log = Log::default();
    log.start(1, GIT, "git fetch", (9, CODE, "x"))
        .start(2, SSH, "ssh.exe git@github.com \"git-upload-pack 'o/r.git'\"", (1, GIT, "git fetch"))
        .connect(2, SSH, "-");
    assert_eq!(summary(&log), [(Signal::GitHelperConnection, 0, 1)]);
    let mut log = Log::default();
    log.start(1, SSH, "ssh.exe admin@github.com.evil.example", (9, CMD, "x")).connect(1, SSH, "github.com");
    assert_eq!(summary(&log), [], "ssh without git is none of ours");
}

#[test]
fn push_to_configured_host_alerts() {
    for (url, expected) in [
        ("https://backup.example/o/r.git", (Signal::PushToUnknownHost, 2, 2)),
        ("http://10.1.2.3:3000/o/r.git", (Signal::PushToUnknownHost, 1, 2)),
        ("https://gitee.com/o/r.git", (Signal::PushToUnlistedForge, 3, 2)),
        ("https://git.corp.example/o/r.git", (Signal::GitPushSendPack, 3, 2)),
        ("https://acme.visualstudio.com/p/_git/r", (Signal::GitPushSendPack, 3, 2)),
    ] {
        let mut log = push_to_origin(CMD);
        for event in &mut log.events {
            for (_, text) in &mut event.fields {
                *text = text.replace("https://github.com/o/r.git", url);
            }
        }
        assert_eq!(summary(&log), [expected], "{url}");
    }
    let mut log = Log::default();
    log.start(1, GIT, "git push https://git.corp.example/o/r HEAD", (9, CMD, "x"));
    assert_eq!(summary(&log), [(Signal::GitPushToOtherHost, 3, 1)]);
}

#[test]
fn connections_missed_elsewhere_are_leads() {
    let one = |image: &str, name: &str| {
        let mut log = Log::default();
        log.connect(1, image, name);
        summary(&log)
    };
    assert_eq!(one(PYTHON, "lb-140-82-121-4-fra.github.com"), [(Signal::ConnectionByReverseName, 2, 1)]);
    assert_eq!(one(CURL, "uploads.github.com"), [(Signal::ConnectionToOtherRepoHost, 2, 1)]);
    assert_eq!(one(CURL, "GIT.corp.example"), [(Signal::ConnectionToOtherRepoHost, 2, 1)]);
    assert_eq!(one(GH, "api.github.com"), [(Signal::RepoClientConnection, 2, 1)]);
    assert_eq!(one(DESKTOP, "api.github.com"), [(Signal::RepoClientConnection, 1, 1)]);
    assert_eq!(one(HELPER, "github.com"), [(Signal::GitHelperConnection, 2, 1)]);
    assert_eq!(one(PYTHON, "github.com"), [], "the search has that one");
    for (image, name) in [
        (PYTHON, "cdn-185-199-108-153.github.com"),
        (CURL, "dc.services.visualstudio.com"),
        (CURL, "github.com.evil.example"),
        (HELPER, "git.elsewhere.example"),
        (r"C:\chrome.exe", "github.com"),
        (CMD, "uploads.github.com"),
    ] {
        assert_eq!(one(image, name), [], "{image} {name}");
    }
}

#[test]
fn foreign_answer_counts_for_one_minute() {
    let at = |seconds: i64, other_host: bool| {
        let mut log = Log::default();
        log.ask(7, r"C:\Windows\System32\svchost.exe", "api.github.com").wait(seconds);
        log.host = other_host.then_some("WS-2");
        log.connect(1, CURL, "-").connect(1, CURL, "-");
        leads(&log)
    };
    let found = at(59, false);
    assert_eq!(found.len(), 1, "one lead for two connections of a process");
    assert_eq!((found[0].signal, found[0].suspicion_score), (Signal::ConnectionResolvedElsewhere, 2));
    assert_eq!(found[0].destination_hostname.as_deref(), Some("api.github.com"));
    let joined = &found[0].joined[0];
    assert_eq!((joined.event_code, joined.record_id, joined.own_value.as_deref()), (22, Some(1), Some("-")));
    assert!(at(61, false).is_empty());
    assert!(at(1, true).is_empty());
    let mut own = Log::default();
    own.ask(1, CURL, "api.github.com").connect(1, CURL, "-");
    assert_eq!(summary(&own), [], "correlated has the exact join");
}

#[test]
fn unlisted_program_is_a_lead() {
    const BUN: &str = r"C:\Users\a\.bun\bin\bun.exe";
    const IMPLANT: &str = r"C:\Users\Public\x.exe";
    const TEAMS: &str = r"C:\Program Files\WindowsApps\ms-teams.exe";
    let mut log = Log::default();
    log.ask(1, BUN, "api.github.com").connect(1, BUN, "lb-140-82-121-6-fra.github.com");
    assert_eq!(summary(&log)[0].0, Signal::ConnectionOfOtherRuntime);
    let mut log = Log::default();
    log.ask(1, IMPLANT, "api.github.com");
    let found = leads(&log);
    assert_eq!((found[0].signal, found[0].suspicion_score), (Signal::UnlistedProgramToRepository, 2));
    let mut log = Log::default();
    log.ask(1, TEAMS, "api.github.com");
    assert_eq!(summary(&log), [], "a query alone says too little");
    log.connect(1, TEAMS, "github.com");
    let found = leads(&log);
    assert_eq!((found[0].signal, found[0].suspicion_score), (Signal::UnlistedProgramToRepository, 1));
}

#[test]
fn upload_and_connection_are_one_lead() {
    let mut log = Log::default();
    log.start(1, CURL, "curl -T a.zip https://uploads.github.com/repos/o/r/releases/1/assets", (9, CMD, "x"))
        .connect(1, CURL, "uploads.github.com")
        .start(2, GH, "gh gist create a.txt", (9, CMD, "x"))
        .connect(2, GH, "api.github.com")
        .start(3, GH, "gh pr list", (9, CMD, "x"))
        .connect(3, GH, "api.github.com");
    let expected = [
        (Signal::GitHubCliUpload, 3, 3),
        (Signal::CurlOrWgetUpload, 3, 1),
        (Signal::RepoClientConnection, 1, 5),
    ];
    assert_eq!(summary(&log), expected);
}

#[test]
fn leads_leave_other_profiles_unchanged() {
    let mut log = push_to_origin(CMD);
    log.start(20, GIT, "git push https://github.com/o/r main", (9, CMD, "x"))
        .start(21, GIT, "git send-pack --stateless-rpc https://github.com/o/r/", (20, GIT, "x"))
        .connect(30, PYTHON, "github.com")
        .ask(31, PYTHON, "gitlab.com")
        .connect(31, PYTHON, "-")
        .wait(100)
        .connect(32, PYTHON, "lb-1.github.com")
        .start(33, CURL, "curl -X PUT https://api.github.com/repos/o/r/contents/x", (9, CMD, "x"));
    for profile in [Profile::Spl, Profile::Correlated] {
        let plain = rows(&mut store_of(&log.events, false, Collect::Everything), profile);
        assert!(!plain.is_empty());
        assert_eq!(rows(&mut store_of(&log.events, true, Collect::Everything), profile), plain);
        assert_eq!(rows(&mut store_of(&log.events, true, Collect::Leads), profile), plain);
    }
    let correlated = rows(&mut store_of(&log.events, true, Collect::Leads), Profile::Correlated);
    let hunted = rows(&mut store_of(&log.events, true, Collect::Leads), Profile::Hunt);
    let (leads, alerts): (Vec<_>, Vec<_>) = hunted.into_iter().partition(|row| row.signal.is_lead());
    // A lead can be of an alert's activity, and then its evidence too.
    let without_evidence = |rows: Vec<AlertRow>| {
        let mut rows: Vec<_> = rows
            .into_iter()
            .map(|row| AlertRow {
                evidence: Vec::new(),
                evidence_points: 0,
                repository: None,
                owner: None,
                ..row
            })
            .map(|row| AlertRow { activity: None, incident: None, ..row })
            .collect();
        rows.sort_by_key(|row| row.record_id);
        rows
    };
    assert_eq!(
        without_evidence(alerts),
        without_evidence(correlated),
        "hunt takes the alerts over as they are"
    );
    let names: Vec<_> = leads.iter().map(|row| row.signal).collect();
    assert_eq!(
        names,
        [Signal::GitPushSendPack, Signal::ConnectionByReverseName],
        "what the search has is no lead"
    );
}

#[test]
fn leads_and_fetches_survive_compaction() {
    let url = "https://github.com/o/r.git";
    let mut log = Log::default();
    for round in 0..12 {
        let first = 1000 * (round + 1);
        let helper = format!("git-remote-https origin {url}");
        log.start(first, GIT, "git push origin", (9, CMD, "x"))
            .start(first + 1, HELPER, &helper, (first, GIT, "git push origin"))
            .connect(first + 1, HELPER, "-")
            .start(first + 2, GIT, &format!("git send-pack {url}/"), (first + 1, HELPER, "x"));
        for number in 0..1_500 {
            // Fetches of which many lie across whatever border is drawn.
            let fetch = first + 10 + 3 * (number % 250);
            match number % 3 {
                0 => log.start(fetch, GIT, "git fetch", (9, CMD, "x")),
                1 => log.start(fetch, HELPER, &helper, (fetch - 3, GIT, "git remote-https")),
                _ => log.connect(fetch - 3, HELPER, "-"),
            };
        }
    }
    let whole = rows(&mut store_of(&log.events, true, Collect::Everything), Profile::Hunt);
    let alerts = |rows: &[AlertRow]| -> Vec<AlertRow> {
        rows.iter().filter(|row| row.suspicion_score >= 2).cloned().collect()
    };
    assert_eq!(alerts(&whole).len(), 12);

    let mut store = store_of(&[], true, Collect::Everything);
    let mut keeper = Compactor::new(Retention::Events(2_000), || Timestamp::from_unix(2_000, 0, 0));
    let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
    for event in &log.events {
        flags.extend(&store);
        if keeper.ingest(&mut store, batch_of(event), &flags).is_some() {
            flags.extend(&store);
        }
    }
    assert!(store.evicted() > 1_000, "{} left", store.evicted());
    let kept = rows(&mut store, Profile::Hunt);
    assert!(alerts(&kept) == alerts(&whole), "{:#?}", alerts(&kept));
}

/// Everything that can be found, in one log.
fn everything() -> Vec<Event> {
    let mut log = push_to_origin(CODE);
    log.start(10, GIT, "git fetch", (9, CODE, "x"))
        .start(11, HELPER, "git-remote-https origin https://github.com/o/r", (10, GIT, "git fetch"))
        .connect(11, HELPER, "-")
        .start(12, GIT, "git push", (9, CMD, "x"))
        .start(13, SSH, "ssh git@gitlab.com \"git-receive-pack 'o/r'\"", (12, GIT, "git push"))
        .connect(13, SSH, "-")
        .ask(14, r"C:\Windows\System32\svchost.exe", "github.com")
        .connect(15, CURL, "-")
        .connect(16, PYTHON, "lb-1.github.com")
        .ask(16, PYTHON, "github.com")
        .start(16, PYTHON, "python x.py", (9, CODE, "x"))
        .connect(17, PYTHON, "lb-1.github.com")
        .start(17, PYTHON, "python y.py", (9, CODE, "x"))
        .connect(0, CURL, "uploads.github.com")
        .start(18, GH, "gh release upload v1 x", (9, CMD, "x"))
        .connect(18, GH, "uploads.github.com");
    log.events
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn leads_are_independent_of_arrival_order(
        order in Just((0..everything().len()).collect::<Vec<_>>()).prop_shuffle(),
        look_every in 1_usize..8,
    ) {
        let events = everything();
        let expected = rows(&mut store_of(&events, true, Collect::Leads), Profile::Hunt);
        let names: Vec<_> = expected.iter().filter(|row| row.signal.is_lead()).map(|row| row.signal).collect();
        prop_assert_eq!(names.len(), 7, "{:?}", names);
        let mut store = store_of(&[], true, Collect::Leads);
        for (number, at) in order.iter().enumerate() {
            ingest(&mut store, &events[*at]);
            if number % look_every == 0 {
                // Rows are read during the load: leads are weighed on half of their events.
                rows(&mut store, Profile::Hunt);
            }
        }
        let found = rows(&mut store, Profile::Hunt);
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert_eq!(&found.explanation.sentence, &expected.explanation.sentence);
        }
        prop_assert!(found == expected);
    }
}

#[test]
fn leads_ignore_count_of_preceding_words() {
    for (image, before, padding, after, expected) in [
        (
            CURL,
            "curl ",
            "-s ",
            "-T loot.zip https://uploads.github.com/repos/o/r/releases/1/assets",
            Signal::CurlOrWgetUpload,
        ),
        (GIT, "git ", "-c a=b ", "push origin main", Signal::GitPushWithoutUrl),
        (GIT, "git push ", "-q ", "https://codeberg.org/o/r", Signal::GitPushToOtherHost),
        (GH, "gh ", "--x ", "gist create secret.txt", Signal::GitHubCliUpload),
        (SSH, "ssh ", "-4 ", "git@github.com \"git-receive-pack 'o/r.git'\"", Signal::GitReceivePackOverSsh),
    ] {
        for times in [0, 5000, 60_000] {
            let mut log = Log::default();
            log.start(1, image, &format!("{before}{}{after}", padding.repeat(times)), (9, CMD, "x"));
            let found: Vec<_> = leads(&log).iter().map(|row| row.signal).collect();
            assert_eq!(found, [expected], "{before}… with {times} words more");
        }
    }
}
