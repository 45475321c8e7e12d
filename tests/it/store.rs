//! The joins, the ranking and the rows of the store, whatever order events come in.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unnecessary_wraps,
    reason = "a test says what fails by failing"
)]

use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::SourceInfo;
use exfilscope::model::guid::Guid;
use exfilscope::model::row::{AlertRow, Signal};
use exfilscope::model::time::Timestamp;
use exfilscope::store::list::listing::{Listing, Query};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use proptest::prelude::*;

const GIT: &str = r"C:\Program Files\Git\mingw64\bin\git.exe";
const PYTHON: &str = r"C:\Python311\python.exe";

#[derive(Clone)]
struct Event {
    code: u16,
    source: u32,
    record: u64,
    second: i64,
    process: u8,
    fields: Vec<(Field, &'static str)>,
}

fn event(code: u16, record: u64, second: i64, process: u8, fields: &[(Field, &'static str)]) -> Event {
    let mut fields = fields.to_vec();
    if !fields.iter().any(|(field, _)| *field == Field::Computer) {
        fields.push((Field::Computer, "WS-1"));
    }
    Event { code, source: 0, record, second, process, fields }
}

fn connection(record: u64, second: i64, process: u8, name: &'static str, address: &'static str) -> Event {
    let fields =
        [(Field::Image, PYTHON), (Field::DestinationHostname, name), (Field::DestinationIp, address)];
    event(3, record, second, process, &fields)
}

fn query(record: u64, second: i64, process: u8, name: &'static str, results: &'static str) -> Event {
    event(22, record, second, process, &[(Field::QueryName, name), (Field::QueryResults, results)])
}

fn start(record: u64, second: i64, process: u8, parent: &'static str) -> Event {
    let fields = [(Field::Image, PYTHON), (Field::CommandLine, "python up.py"), (Field::ParentImage, parent)];
    event(1, record, second, process, &fields)
}

fn guid(number: u8) -> Option<Guid> {
    Some(Guid::from_written_order([number; 16]))
}

fn store_of(events: &[Event], retention: Collect) -> Store {
    let mut store = Store::new(HostNaming::Computer, retention);
    for id in [0, 1] {
        store.add_source(SourceInfo {
            id: SourceId(id),
            path: format!("{id}.evtx").into(),
            name: format!("{id}.evtx"),
            size: None,
        });
    }
    for event in events {
        let mut batch = Batch::new(SourceId(event.source));
        let head = EventHead {
            event_code: event.code,
            time: Some(Timestamp::from_unix(event.second, 0, 7)),
            record_id: Some(event.record),
            place: event.record,
            process_guid: guid(event.process),
            parent_process_guid: None,
        };
        batch.push(head, event.fields.iter().copied());
        store.ingest(batch);
    }
    store
}

fn rows(events: &[Event], profile: Profile, retention: Collect) -> Vec<AlertRow> {
    let mut store = store_of(events, retention);
    let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
    flags.extend(&store);
    let query = Query { min_score: 0, ..Query::alerts(profile) };
    let listing = Listing::new(&mut store, &flags, &query);
    listing.findings.iter().filter_map(|id| store.row(*id, profile, &flags)).collect()
}

fn verdicts(events: &[Event], profile: Profile) -> Vec<(u64, u8, Option<String>, Option<String>)> {
    rows(events, profile, Collect::Everything)
        .into_iter()
        .map(|row| (row.record_id.unwrap(), row.suspicion_score, row.destination_hostname, row.parent_image))
        .collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn connection_gains_queried_name_and_parent() {
    let events = [
        connection(10, 100, 1, "-", "140.82.113.3"),
        query(9, 99, 1, "GitHub.com", "type:  5 x.example;::ffff:140.82.113.3;"),
        start(1, 1, 1, r"C:\Windows\System32\cmd.exe"),
    ];
    let rows = rows(&events, Profile::Correlated, Collect::Joins);
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.suspicion_score, row.signal), (2, Signal::NetworkConnectionToCodeRepo));
    assert_eq!(row.destination_hostname.as_deref(), Some("GitHub.com"));
    assert_eq!(row.command_line.as_deref(), Some("python up.py"));
    let joined: Vec<_> = row
        .joined
        .iter()
        .map(|joined| (joined.field.name(), joined.event_code, joined.record_id, joined.own_value.as_deref()))
        .collect();
    let expected = [
        ("CommandLine", 1, Some(1), None),
        ("ParentImage", 1, Some(1), None),
        ("DestinationHostname", 22, Some(9), Some("-")),
    ];
    assert_eq!(joined, expected);
    assert!(verdicts(&events, Profile::Spl).is_empty(), "spl joins nothing");
}

#[test]
fn joined_ide_parent_lowers_correlated_only() {
    let code = r"C:\VS\Code.exe";
    let events = [connection(10, 100, 1, "github.com", "140.82.113.3"), start(11, 101, 1, code)];
    assert_eq!(verdicts(&events, Profile::Correlated), [(10, 1, some("github.com"), some(code))]);
    assert_eq!(verdicts(&events, Profile::Spl), [(10, 2, some("github.com"), None)]);
    let difference =
        rows(&events, Profile::Correlated, Collect::Everything)[0].explanation.difference.clone();
    assert_eq!(
        difference.as_deref(),
        Some(
            "Splunk's search (spl) says NetworkConnectionToCodeRepo, score 2, an alert: a raw Event 3 has no ParentImage, \
             so that it can't see the parent."
        )
    );
}

#[test]
fn join_requires_host_guid_and_address() {
    let elsewhere = |mut event: Event| {
        event.fields.retain(|(field, _)| *field != Field::Computer);
        event.fields.push((Field::Computer, "WS-2"));
        event
    };
    let answer = "::ffff:140.82.113.3;";
    for events in [
        vec![connection(10, 100, 1, "-", "140.82.113.3"), elsewhere(query(9, 99, 1, "github.com", answer))],
        vec![connection(10, 100, 0, "-", "140.82.113.3"), query(9, 99, 0, "github.com", answer)],
        vec![connection(10, 100, 1, "-", "140.82.113.4"), query(9, 99, 1, "github.com", answer)],
        vec![connection(10, 100, 1, "-", "140.82.113.3"), query(9, 99, 2, "github.com", answer)],
        vec![connection(10, 100, 1, "-", "140.82.113.3"), query(9, 99, 1, "www.github.com", answer)],
    ] {
        assert!(verdicts(&events, Profile::Correlated).is_empty());
    }
    let mut same_host_in_capitals = query(9, 99, 1, "github.com", answer);
    same_host_in_capitals.fields =
        vec![(Field::Computer, "ws-1"), (Field::QueryName, "github.com"), (Field::QueryResults, answer)];
    let events = [connection(10, 100, 1, "-", "140.82.113.3"), same_host_in_capitals];
    assert_eq!(verdicts(&events, Profile::Correlated).len(), 1);
}

#[test]
fn join_prefers_last_earlier_answer() {
    let answer = "140.82.121.4;";
    let queries = [
        query(1, 100, 1, "github.com", answer),
        query(2, 200, 1, "gist.github.com", answer),
        query(3, 300, 1, "api.github.com", answer),
    ];
    for (second, expected) in [
        (50, "github.com"),
        (100, "github.com"),
        (199, "github.com"),
        (200, "gist.github.com"),
        (999, "api.github.com"),
    ] {
        for connection_first in [true, false] {
            let mut events = queries.to_vec();
            let at = if connection_first { 0 } else { events.len() };
            events.insert(at, connection(10, second, 1, "", "140.82.121.4"));
            assert_eq!(
                verdicts(&events, Profile::Correlated),
                [(10, 2, some(expected), None)],
                "at {second}"
            );
        }
    }
}

#[test]
fn rows_rank_by_score_then_time() {
    let push = |record, second, source| {
        let fields = [(Field::Image, GIT), (Field::CommandLine, "git push https://github.com/a/b")];
        Event { source, ..event(1, record, second, 5, &fields) }
    };
    let events = [
        connection(1, 900, 1, "github.com", "1.1.1.1"),
        push(2, 100, 0),
        push(3, 100, 0),
        Event {
            fields: push(3, 100, 1)
                .fields
                .into_iter()
                .filter(|(field, _)| *field != Field::Computer)
                .collect(),
            ..push(3, 100, 1)
        },
        push(4, 50, 1),
        connection(9, 950, 1, "gitlab.com", "1.1.1.1"),
    ];
    let order: Vec<_> = rows(&events, Profile::Spl, Collect::Selected)
        .into_iter()
        .map(|row| (row.suspicion_score, row.record_id.unwrap(), row.source))
        .collect();
    let expected = [
        (3, 3, "0.evtx"),
        (3, 3, "1.evtx"),
        (3, 2, "0.evtx"),
        (3, 4, "1.evtx"),
        (2, 9, "0.evtx"),
        (2, 1, "0.evtx"),
    ];
    assert_eq!(order, expected.map(|(score, record, source)| (score, record, source.to_owned())));
}

#[test]
fn duplicate_event_counts_under_first_source() {
    let first = connection(7, 100, 1, "github.com", "1.1.1.1");
    let second = Event { source: 1, ..first.clone() };
    let later = Event { second: 101, ..second.clone() };
    for order in [[&first, &second, &later], [&later, &second, &first], [&second, &first, &later]] {
        let events = order.map(Clone::clone);
        let mut sources: Vec<_> =
            rows(&events, Profile::Spl, Collect::Everything).into_iter().map(|row| row.source).collect();
        sources.sort();
        assert_eq!(sources, ["0.evtx", "1.evtx"], "the later one is another event");
    }
}

#[test]
fn tree_survives_circular_ancestry() {
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    let mut batch = Batch::new(SourceId(0));
    for (process, parent) in [(1, 1), (2, 3), (3, 2)] {
        let head = EventHead {
            event_code: 1,
            time: None,
            record_id: None,
            place: 0,
            process_guid: guid(process),
            parent_process_guid: guid(parent),
        };
        batch.push(head, [(Field::Computer, "H"), (Field::Image, GIT)]);
    }
    store.ingest(batch);
    for event in 0..3 {
        let process =
            store.event(exfilscope::store::ids::EventId(event)).and_then(|event| event.process).unwrap();
        assert!(store.events().ancestors(process).len() <= 2);
        assert!(store.events().children(process).len() <= 2);
    }
}

proptest! {
    #[test]
    fn rows_are_independent_of_arrival_order(
        kinds in proptest::collection::vec((0_u8..5, 0_i64..6, 1_u8..3), 1..14),
        seed in any::<u64>(),
    ) {
        let answer = "::ffff:1.1.1.1;1.1.1.2;";
        let events: Vec<Event> = kinds.iter().enumerate().map(|(index, &(kind, second, process))| {
            let record = u64::try_from(index).unwrap();
            match kind {
                0 => connection(record, second, process, "-", "1.1.1.1"),
                1 => query(record, second, process, if second % 2 == 0 { "github.com" } else { "gist.github.com" }, answer),
                2 => start(record, second, process, if second % 2 == 0 { r"C:\Code.exe" } else { r"C:\cmd.exe" }),
                3 => connection(record, second, process, "api.github.com", "1.1.1.1"),
                _ => query(record, second, process, "example.org", answer),
            }
        }).collect();
        let mut shuffled = events.clone();
        let mut state = seed | 1;
        for index in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(index, usize::try_from(state >> 33).unwrap() % (index + 1));
        }
        for profile in Profile::ALL {
            let all = rows(&events, profile, Collect::Everything);
            prop_assert_eq!(&all, &rows(&shuffled, profile, Collect::Everything));
            prop_assert_eq!(&all, &rows(&shuffled, profile, Collect::Joins));
        }
    }
}

/// Name and parent of each connection, found by a scan of all events for each.
fn plainly(events: &[Event]) -> Vec<(u64, Option<String>, Option<String>)> {
    let field = |event: &Event, wanted| {
        event.fields.iter().find(|(field, _)| *field == wanted).map(|(_, text)| *text)
    };
    let listed = ["github.com", "gist.github.com", "api.github.com"];
    let mut rows = Vec::new();
    for connection in events.iter().filter(|event| event.code == 3) {
        let of_process = |code| {
            let mut same: Vec<&Event> = events
                .iter()
                .filter(|event| event.code == code && event.process == connection.process)
                .collect();
            same.sort_by_key(|event| (event.second, event.record));
            same
        };
        let answers: Vec<&Event> = of_process(22)
            .into_iter()
            .filter(|query| field(query, Field::QueryName).is_some_and(|name| listed.contains(&name)))
            .filter(|query| {
                let results = field(query, Field::QueryResults).unwrap();
                let address = field(connection, Field::DestinationIp).unwrap();
                results.split(';').any(|one| one.trim_start_matches("::ffff:") == address)
            })
            .collect();
        let before = answers.iter().rev().find(|answer| answer.second <= connection.second);
        let own = field(connection, Field::DestinationHostname).filter(|name| listed.contains(name));
        let answer = before.or(answers.first()).and_then(|answer| field(answer, Field::QueryName));
        let Some(name) = own.or(answer) else { continue };
        let parent = of_process(1).first().and_then(|start| field(start, Field::ParentImage));
        rows.push((connection.record, some(name), parent.map(str::to_owned)));
    }
    rows.sort_unstable();
    rows
}

proptest! {
    #[test]
    fn joins_match_a_plain_search(
        kinds in proptest::collection::vec((0_u8..6, 0_i64..12, 1_u8..4, 0_usize..3), 1..40),
    ) {
        let addresses = ["1.1.1.1", "1.1.1.2", "1.1.1.3"];
        let answers = ["::ffff:1.1.1.1;1.1.1.2;", "1.1.1.2;1.1.1.3;", "::ffff:1.1.1.1;1.1.1.1;"];
        let names = ["github.com", "gist.github.com", "example.org"];
        let parents = [r"C:\Code.exe", r"C:\cmd.exe", r"C:\a.exe"];
        let events: Vec<Event> = kinds.iter().enumerate().map(|(index, &(kind, second, process, which))| {
            let record = u64::try_from(index).unwrap();
            match kind {
                0 | 1 => connection(record, second, process, "-", addresses[which]),
                2 => connection(record, second, process, "api.github.com", addresses[which]),
                3 | 4 => query(record, second, process, names[usize::try_from(second).unwrap() % 3], answers[which]),
                _ => start(record, second, process, parents[which]),
            }
        }).collect();
        let expected = plainly(&events);
        for retention in [Collect::Everything, Collect::Joins] {
            let mut found: Vec<_> = rows(&events, Profile::Correlated, retention)
                .into_iter()
                .filter(|row| row.event_code == 3)
                .map(|row| (row.record_id.unwrap(), row.destination_hostname, row.parent_image))
                .collect();
            found.sort_unstable();
            prop_assert_eq!(&found, &expected);
        }
    }
}
