//! Events of other channels: read where they are asked for, the same from every dialect, and never at the cost of
//! the account.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use evtx::EvtxParser;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::{Field, code};
use exfilscope::model::fault::Tally;
use exfilscope::model::feed::{FeedMessage, Progress, SourceInfo};
use exfilscope::model::telemetry::Channel;
use exfilscope::model::time::Timestamp;
use exfilscope::source::{Inputs, LoadOptions, load_inputs};
use exfilscope::store::ids::EventId;
use exfilscope::store::{Collect, HostNaming, Store};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn batches(paths: &[PathBuf], telemetry: bool) -> Vec<Batch> {
    let found = Mutex::new(Vec::new());
    let inputs = Inputs { telemetry, ..Inputs::default() };
    load_inputs(paths, inputs, &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        if let FeedMessage::Batch(batch) = message {
            found.lock().unwrap().push(batch);
        }
        true
    });
    found.into_inner().unwrap()
}

fn tally(batches: &[Batch]) -> Tally {
    let mut sum = Tally::default();
    for batch in batches {
        sum.add(&batch.tally);
    }
    sum
}

/// Event ID, record number, time and texts.
type Told = (u16, Option<u64>, String, Vec<(Field, String)>);

/// All events of other channels.
fn events(batches: &[Batch]) -> Vec<Told> {
    let mut all = Vec::new();
    for batch in batches {
        for record in &batch.telemetry {
            let texts = Field::ALL
                .iter()
                .filter(|field| field.is_carried())
                .filter_map(|field| Some((*field, batch.text(record, *field)?.to_owned())));
            let time = record.head.time.map(|time| time.to_string()).unwrap_or_default();
            all.push((record.head.event_code, record.head.record_id, time, texts.collect()));
        }
    }
    all.sort();
    all
}

#[test]
fn requested_channels_leave_account_unchanged() {
    let logs = [("four-tests-powershell.evtx", 5, 4104), ("four-tests-security.evtx", 36, 4688)];
    for (name, count, event_code) in logs {
        let (without, with) = (batches(&[fixture(name)], false), batches(&[fixture(name)], true));
        assert_eq!(tally(&without), tally(&with), "{name}");
        assert_eq!(tally(&with).records(), count, "{name}");
        assert!(events(&without).is_empty() && without.iter().all(|batch| batch.beside == [0, 0]), "{name}");
        let found = events(&with);
        assert_eq!(found.len() as u64, count, "{name}");
        assert!(found.iter().all(|event| event.0 == event_code), "{name}");
    }
}

#[test]
fn xml_and_json_agree_with_log() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["four-tests-powershell.evtx", "four-tests-security.evtx"] {
        let expected = events(&batches(&[fixture(name)], true));
        let mut parser = EvtxParser::from_path(fixture(name)).unwrap();
        let xml: String = parser.records().map(|record| record.unwrap().data).collect();
        let json: String =
            parser.records_json().map(|record| record.unwrap().data.replace('\n', " ") + "\n").collect();
        for (file, text) in [("log.xml", format!("<Events>{xml}</Events>")), ("log.json", json)] {
            let path = folder.path().join(file);
            fs::write(&path, text).unwrap();
            let found = batches(std::slice::from_ref(&path), true);
            let without: Vec<_> = expected.iter().map(|event| (event.0, event.1)).collect();
            assert_eq!(
                events(&found).iter().map(|event| (event.0, event.1)).collect::<Vec<_>>(),
                without,
                "{file}"
            );
            for (event, expected) in events(&found).iter().zip(&expected) {
                let flat = |texts: &[(Field, String)]| {
                    texts.iter().map(|(field, text)| (*field, text.replace("\r\n", "\n"))).collect::<Vec<_>>()
                };
                assert_eq!(flat(&event.3), flat(&expected.3), "{file}");
            }
        }
    }
}

#[test]
fn get_winevent_values_get_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("get-winevent.json");
    let event = r#"{"ProviderName":"Microsoft-Windows-PowerShell","Id":4104,"LogName":"Microsoft-Windows-PowerShell/Operational",
        "RecordId":7,"MachineName":"ws-1","TimeCreated":"2026-03-11T09:12:04.5Z","Message":"Creating Scriptblock text (1 of 1):\nirm x",
        "Properties":[{"Value":1},{"Value":1},{"Value":"irm x"},{"Value":"b-1"},{"Value":""}]}"#;
    fs::write(&path, event.replace('\n', " ")).unwrap();
    let found = events(&batches(&[path], true));
    assert_eq!(found.len(), 1);
    assert!(found[0].3.contains(&(Field::ScriptBlockText, "irm x".to_owned())), "{found:?}");
}

fn store(wanted: &'static str) -> Store {
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    let (id, name) = (SourceId(0), "a.evtx".to_owned());
    store.add_source(SourceInfo { id, path: name.clone().into(), name, size: None });
    store.collect_channels(Box::new(move |_, texts| {
        texts(Field::ScriptBlockText).is_some_and(|text| text.contains(wanted))
    }));
    store
}

fn part(block: &str, number: u32, total: u32, text: &str) -> Batch {
    let mut batch = Batch::new(SourceId(0));
    let head = EventHead {
        event_code: code::SCRIPT_BLOCK,
        time: Some(Timestamp::from_unix(1_000 + i64::from(number), 0, 0)),
        record_id: Some(u64::from(number)),
        place: u64::from(number),
        process_guid: None,
        parent_process_guid: None,
    };
    let (number, total) = (number.to_string(), total.to_string());
    batch.count_beside(Channel::PowerShell);
    batch.push_telemetry(
        head,
        [
            (Field::Computer, "WS-1"),
            (Field::ScriptBlockId, block),
            (Field::MessageNumber, &number),
            (Field::MessageTotal, &total),
            (Field::ScriptBlockText, text),
        ],
    );
    batch
}

fn kept(store: &Store) -> Vec<String> {
    (0..u32::try_from(store.kept_events()).unwrap())
        .filter_map(|id| store.field(store.event(EventId(id))?, Field::ScriptBlockText).map(str::to_owned))
        .collect()
}

#[test]
fn script_parts_any_order_are_joined() {
    let parts =
        [part("b", 1, 3, "irm https://api.git"), part("b", 2, 3, "hub.com/"), part("b", 3, 3, "gists")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let mut store = store("api.github.com/gists");
        for at in order {
            store.ingest(parts[at].clone());
        }
        assert_eq!(kept(&store), ["irm https://api.github.com/gists"], "{order:?}");
        let event = store.event(EventId(0)).unwrap();
        assert_eq!((event.record_id(), store.parts_of(EventId(0))), (Some(1), Some((3, 3))), "{order:?}");
        // The same log once more, as part of another export.
        for at in order {
            store.ingest(parts[at].clone());
        }
        assert_eq!(kept(&store).len(), 1, "{order:?}");
    }
}

#[test]
fn unwanted_events_are_counted_only() {
    let mut store = store("api.github.com");
    store.ingest(part("a", 1, 1, "Get-Process"));
    assert!(kept(&store).is_empty());
    assert_eq!(store.channel_records(Channel::PowerShell), 1);
    assert_eq!(store.channel_coverage(Channel::PowerShell, Some("ws-1")).events, 1);
    assert_eq!(store.channel_coverage(Channel::PowerShell, Some("ws-2")).events, 0);
    assert!(store.hosts().entries().is_empty(), "no host of the detection's");
}

#[test]
fn incomplete_script_block_is_kept() {
    let mut store = store("api.github.com");
    store.ingest(part("a", 2, 4_000_000_000, "x api.github.com"));
    assert!(kept(&store).is_empty());
    store.finish_script_blocks();
    assert_eq!(kept(&store), ["x api.github.com"]);
    assert_eq!(store.parts_of(EventId(0)), Some((1, 4_000_000_000)));
}

#[test]
fn endless_script_parts_bound_memory() {
    let mut store = store("api.github.com");
    let filler = "x".repeat(60_000);
    for block in 0..2_000 {
        store.ingest(part(&format!("b{block}"), 1, 2, &filler));
    }
    // Of 120 MB no more than 32 wait, and none of the others is wanted.
    store.ingest(part("b0", 2, 2, "api.github.com"));
    store.finish_script_blocks();
    assert_eq!(kept(&store), ["api.github.com"], "its first part had to go long ago");
}
