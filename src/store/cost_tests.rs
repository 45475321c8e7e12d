//! Costs of shapes of input as they double, in steps: changes, sweeps and indicators; and that memory stays within its
//! bounds.

use crate::detect::hunt::hosts::RepositoryHosts;
use crate::detect::pattern::Patterns;
use crate::model::batch::{Batch, EventHead, SourceId};
use crate::model::event::Field;
use crate::model::guid::Guid;
use crate::model::time::Timestamp;
use crate::store::compaction::{Compactor, Retention};
use crate::store::events::collect::Collect;
use crate::store::tuning_matches::TuningMatches;
use crate::store::{HostNaming, Store};

const PYTHON: &str = r"C:\Python312\python.exe";
const SSH: &str = r"C:\Windows\System32\OpenSSH\ssh.exe";
const HELPER: &str = r"C:\Program Files\Git\mingw64\libexec\git-core\git-remote-https.exe";
/// Events of a batch, and batches between two looks at a list.
const BATCH: usize = 16;

#[derive(Clone)]
struct Event {
    code: u16,
    second: i64,
    process: u32,
    fields: Vec<(Field, String)>,
}

fn event(code: u16, second: usize, process: u32, fields: &[(Field, &str)]) -> Event {
    let fields = fields.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
    Event { code, second: i64::try_from(second).unwrap(), process, fields }
}

fn connect(second: usize, process: u32, image: &str, name: &str) -> Event {
    let fields =
        [(Field::Image, image), (Field::DestinationHostname, name), (Field::DestinationIp, "140.82.121.4")];
    event(3, second, process, &fields)
}

fn ask(second: usize, process: u32, name: &str) -> Event {
    let fields =
        [(Field::Image, PYTHON), (Field::QueryName, name), (Field::QueryResults, "::ffff:140.82.121.4;")];
    event(22, second, process, &fields)
}

fn start(second: usize, image: &str, line: &str, parent: &str) -> Event {
    let fields = [(Field::Image, image), (Field::CommandLine, line), (Field::ParentImage, parent)];
    event(1, second, 7, &fields)
}

fn guid(number: u32) -> Guid {
    let mut bytes = [3; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Guid::from_written_order(bytes)
}

fn batches(events: &[Event]) -> impl Iterator<Item = Batch> {
    (0..).zip(events.chunks(BATCH)).map(|(number, events)| {
        let mut batch = Batch::new(SourceId(0));
        for (place, event) in (number * BATCH as u64..).zip(events) {
            let head = EventHead {
                event_code: event.code,
                time: Some(Timestamp::from_unix(event.second, 0, 7)),
                record_id: Some(place + 1),
                place,
                process_guid: Some(guid(event.process)),
                parent_process_guid: None,
            };
            let fields = event.fields.iter().map(|(field, text)| (*field, text.as_str()));
            batch.push(head, fields.chain([(Field::Computer, "WS-1")]));
        }
        batch
    })
}

fn empty() -> Store {
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    store.hunt(RepositoryHosts::default());
    store
}

/// The steps that events cost, with one look at the list at the end.
fn steps(events: &[Event]) -> u64 {
    let mut store = empty();
    batches(events).for_each(|batch| store.ingest(batch));
    store.refresh();
    assert!(!store.findings().is_empty());
    store.swept + store.findings.logged() + store.activities.added
}

type Shape = fn(usize) -> Vec<Event>;

const SHAPES: [(&str, Shape); 6] = [
    ("asks and connects", |n| {
        (0..n).flat_map(|at| [ask(2 * at, 7, "github.com"), connect(2 * at + 1, 7, PYTHON, "-")]).collect()
    }),
    ("connects, then is answered, name by name", |n| {
        let names = ["github.com", "gist.github.com"];
        let answers = (0..n).map(|at| ask(at, 7, names[at % 2]));
        (0..n).map(|at| connect(at, 7, PYTHON, "-")).chain(answers).collect()
    }),
    ("answers come newest first", |n| {
        let answers = (0..n).rev().map(|at| ask(at, 7, "github.com"));
        (0..n).map(|at| connect(at, 7, PYTHON, "-")).chain(answers).collect()
    }),
    ("starts come newest first", |n| {
        let starts = (0..n).rev().map(|at| {
            start(at, PYTHON, "python x.py", if at % 2 == 0 { r"C:\a.exe" } else { r"C:\Code.exe" })
        });
        (0..n).map(|at| connect(at + n, 7, PYTHON, "github.com")).chain(starts).collect()
    }),
    ("one ssh.exe starts again and again", |n| {
        let line = "ssh git@github.com git-receive-pack 'o/r'";
        let connects = (0..n).map(|at| connect(at, 7, SSH, "-"));
        connects.chain((0..n).map(|at| start(at, SSH, line, r"C:\git.exe"))).collect()
    }),
    ("others ask for what helpers connect to", |n| {
        let answers = (0..n).map(|at| ask(at, 9, "github.com"));
        (0..n).map(|at| connect(at, 7, HELPER, "-")).chain(answers).collect()
    }),
];

#[test]
fn steps_double_with_the_input() {
    for (name, shape) in SHAPES {
        let counted: Vec<u64> = [240, 480, 960, 1920].map(|n| steps(&shape(n))).into();
        for pair in counted.windows(2) {
            assert!(pair[1] * 10 <= pair[0] * 23 + 200, "{name}: {counted:?}");
        }
    }
}

/// Answers with one address for each number.
fn addresses(first: &str, numbers: std::ops::Range<u32>) -> String {
    numbers.fold(String::new(), |all, number| all + &format!("{first}:{number:x}::;"))
}

#[test]
fn answers_without_a_connection_cost_little() {
    let mut store = empty();
    let results = |from: u32| addresses("fd00", from..from + 500);
    let events: Vec<Event> = (0..40_u32)
        .map(|at| {
            let fields =
                [(Field::QueryName, "github.com"), (Field::QueryResults, results(at * 500).as_str())]
                    .map(|(field, text)| (field, text.to_owned()));
            Event { code: 22, second: i64::from(at), process: 7, fields: fields.into() }
        })
        .collect();
    batches(&events).for_each(|batch| store.ingest(batch));
    let addresses = 40 * 500;
    assert!(store.addresses.bytes() < addresses * 64, "{} bytes", store.addresses.bytes());
}

#[test]
fn bytes_stay_within_the_bound_for_any_shape() {
    let own = |number: usize| {
        let line = format!("program --number {number} with a text of its own, and some more");
        let fields = [
            (Field::Computer, format!("host-{number}.example")),
            (Field::Image, format!(r"C:\p{number}\program.exe")),
            (Field::CommandLine, line),
            (Field::ParentImage, format!(r"C:\q{number}\cmd.exe")),
        ];
        Event { code: 1, second: i64::try_from(number).unwrap(), process: 7, fields: fields.into() }
    };
    let answer = |number: usize| {
        let results = addresses(&format!("{number:x}"), 0..400);
        let fields = [(Field::QueryName, "github.com".to_owned()), (Field::QueryResults, results)];
        Event { code: 22, second: i64::try_from(number).unwrap(), process: 7, fields: fields.into() }
    };
    let shapes: [(&str, Vec<Event>); 3] = [
        ("hosts", (0..30_000).map(own).collect()),
        ("addresses", (0..1_200).map(answer).collect()),
        ("first small, then large", (0..6_000).map(own).chain((0..900).map(answer)).collect()),
    ];
    let most = 8_000_000;
    let tuning = TuningMatches::new(Patterns::new(None, None).unwrap());
    for (name, events) in shapes {
        let (mut store, mut compactor) =
            (empty(), Compactor::new(Retention::Bytes(most), || Timestamp::from_unix(0, 0, 0)));
        let mut largest = 0;
        for batch in batches(&events) {
            compactor.ingest(&mut store, batch, &tuning);
            largest = largest.max(store.bytes() + compactor.copied_bytes());
        }
        assert!(largest <= most + most / 10, "{name}: {largest}");
        assert!(store.evicted() > 0, "{name}: {largest}");
        assert_eq!(store.evicted() + store.kept_events() as u64, events.len() as u64, "{name}");
    }
}
