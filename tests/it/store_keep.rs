//! Sources without an end: old events leave, alerts and their ancestors stay, and every count stays true.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::time::Duration;

use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::SourceInfo;
use exfilscope::model::guid::Guid;
use exfilscope::model::row::AlertRow;
use exfilscope::model::time::Timestamp;
use exfilscope::store::compaction::{Compactor, Relocation, Retention};
use exfilscope::store::ids::EventId;
use exfilscope::store::list::listing::{Listing, Query};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};

const EVENTS: u64 = 60_000;
const PUSHES: usize = 119;
/// Events per push. The shells of the pushes started long before.
const PUSH_EVERY: u64 = 500;
const SHELLS: u64 = 10;

fn guid(number: u64) -> Guid {
    let mut bytes = [7; 16];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    Guid::from_written_order(bytes)
}

fn now() -> Timestamp {
    Timestamp::from_unix(2_000_000, 0, 0)
}

/// Event number `number` of the stream: the first are the shells, then noise and pushes.
fn batch_of(numbers: std::ops::Range<u64>) -> Batch {
    let mut batch = Batch::new(SourceId(0));
    for number in numbers {
        let is_shell = number < SHELLS;
        let is_push = !is_shell && number % PUSH_EVERY == 0;
        let command = if is_push {
            format!("git push https://github.com/acme/{number}")
        } else {
            format!("program --number {number} with a text of its own")
        };
        let image = if is_push { r"C:\Git\git.exe" } else { r"C:\Windows\System32\program.exe" };
        // Every other shell runs in an IDE's terminal.
        let parent = number % SHELLS;
        batch.tally.count_sysmon(1);
        batch.push(
            EventHead {
                event_code: 1,
                time: Some(Timestamp::from_unix(1_000_000 + i64::try_from(number).unwrap(), 0, 7)),
                record_id: Some(number + 1),
                place: number * 100,
                process_guid: Some(guid(number)),
                parent_process_guid: (!is_shell).then(|| guid(parent)),
            },
            [
                (Field::Computer, "WS-1"),
                (Field::Image, image),
                (Field::CommandLine, command.as_str()),
                (Field::ParentImage, r"C:\Windows\System32\cmd.exe"),
            ],
        );
    }
    batch
}

fn empty() -> Store {
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    store.add_source(SourceInfo { id: SourceId(0), path: "-".into(), name: "-".into(), size: None });
    store
}

fn rows(store: &mut Store) -> Vec<AlertRow> {
    let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
    flags.extend(store);
    let listing = Listing::new(store, &flags, &Query::alerts(Profile::Correlated));
    listing.findings.iter().map(|id| store.row(*id, Profile::Correlated, &flags).unwrap()).collect()
}

/// Streams all events through a keeper; `look` sees each move.
fn streamed(keep: Retention, mut look: impl FnMut(&Store, &Relocation)) -> (Store, usize) {
    let (mut store, mut keeper) = (empty(), Compactor::new(keep, now));
    let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
    let mut most = 0;
    for start in (0..EVENTS).step_by(250) {
        flags.extend(&store);
        if let Some(moved) = keeper.ingest(&mut store, batch_of(start..start + 250), &flags) {
            look(&store, &moved);
            flags.extend(&store);
        }
        most = most.max(store.kept_events());
    }
    (store, most)
}

#[test]
fn compaction_keeps_alerts_ancestors_and_counts() {
    let mut whole = empty();
    for start in (0..EVENTS).step_by(250) {
        whole.ingest(batch_of(start..start + 250));
    }
    let mut moves = 0;
    let (mut store, most) = streamed(Retention::Events(10_000), |new, moved| {
        moves += 1;
        let old = &moved.old;
        let mut found = 0;
        for number in 0..u32::try_from(old.kept_events()).unwrap() {
            let Some(now) = moved.event(EventId(number)) else { continue };
            let (before, after) = (old.event(EventId(number)).unwrap(), new.event(now).unwrap());
            assert_eq!(
                (before.place, before.time, before.record_id()),
                (after.place, after.time, after.record_id())
            );
            assert_eq!(old.field(before, Field::CommandLine), new.field(after, Field::CommandLine));
            found += 1;
            assert_eq!(moved.count_of_first(number as usize + 1), found);
        }
        assert_eq!(found, new.kept_events(), "all that is there came from there");
        for number in 0..u32::try_from(old.findings().len()).unwrap() {
            let finding = exfilscope::store::ids::FindingId(number);
            let now = moved.finding(finding, new).expect("every alert stays");
            assert_eq!(
                moved.event(old.finding(finding).unwrap().event),
                Some(new.finding(now).unwrap().event)
            );
        }
    });
    assert!(moves >= 3, "{moves}");
    assert!(most <= 2 * (10_000 + PUSHES), "{most} events at once");
    assert!(store.kept_events() >= 10_000);
    assert_eq!(store.evicted() + store.kept_events() as u64, EVENTS);
    assert_eq!(store.tally(), whole.tally());
    let (kept, all) = (rows(&mut store), rows(&mut whole));
    assert_eq!(kept.len(), PUSHES);
    assert_eq!(format!("{kept:?}"), format!("{all:?}"), "the same rows, joins and reasons");
    // The oldest alert's shell is still there to walk up to.
    let first =
        store.findings().iter().min_by_key(|finding| store.event(finding.event).unwrap().time).unwrap();
    let process = store.event(first.event).unwrap().process.unwrap();
    let parent = store.events().ancestors(process)[0];
    let start = store.event(store.process(parent).unwrap().start.unwrap()).unwrap();
    assert!(store.field(start, Field::CommandLine).unwrap().starts_with("program --number 0"));
    let coverage = |store: &Store| format!("{:?}", store.coverage_notes());
    assert_eq!(coverage(&store), coverage(&whole));
}

#[test]
fn a_size_bounds_the_bytes() {
    let most_bytes = 12_000_000;
    let mut largest = 0;
    let (mut store, _) =
        streamed(Retention::Bytes(most_bytes), |_, moved| largest = largest.max(moved.old.bytes()));
    assert!(largest > 0, "something left");
    assert!(largest <= most_bytes * 3 / 4, "{largest}: with its copy of half the size it must fit");
    assert_eq!(rows(&mut store).len(), PUSHES);
}

#[test]
fn age_counts_from_latest_plausible_time() {
    let (mut store, most) = streamed(Retention::Age(Duration::from_secs(6_000)), |_, _| {});
    assert!(most < 20_000, "{most}");
    assert_eq!(rows(&mut store).len(), PUSHES);
    // An event dated in the year 30828 makes none of the others old.
    let (mut store, mut keeper) =
        (empty(), Compactor::new(Retention::Age(Duration::from_secs(1_000_000)), now));
    let flags = TuningMatches::new(Patterns::new(None, None).unwrap());
    let mut liar = batch_of(0..20_000);
    liar.events[7].head.time = Some(Timestamp::from_unix(910_692_730_085, 0, 7));
    assert!(keeper.ingest(&mut store, liar, &flags).is_none());
    for start in (20_000..40_000).step_by(250) {
        assert!(keeper.ingest(&mut store, batch_of(start..start + 250), &flags).is_none());
    }
    assert_eq!(store.kept_events(), 40_000);
}
