//! Lists are made in pieces and while events come in; what comes out is what is made at once of all of them.

use std::cell::Cell;

use crate::detect::exception::{Exception, ExceptionField, Exceptions};
use crate::detect::hunt::hosts::RepositoryHosts;
use crate::detect::pattern::{Pattern, Patterns};
use crate::detect::profile::Profile;
use crate::model::batch::{Batch, EventHead, SourceId};
use crate::model::event::Field;
use crate::model::guid::Guid;
use crate::model::row::Signal;
use crate::model::time::Timestamp;
use crate::store::finding::FindingId;
use crate::store::flags::Flags;
use crate::store::listing::{Group, GroupKey, Listing, Query, Side, SortKey};
use crate::store::making::{Filtering, Making};
use crate::store::view::FindingView;
use crate::store::{HostNaming, Retention, Sieve, Store};
use proptest::prelude::*;

const HOSTS: [&str; 4] = ["WS-1", "ws-2", "BUILD-3", "LAPTOP-4"];
const PARENTS: [&str; 3] = [r"C:\VS Code\Code.exe", r"C:\Windows\explorer.exe", r"C:\IDEA\idea64.exe"];
const LINES: [&str; 6] = [
    "git push https://github.com/acme/tool main",
    "git PUSH https://gitlab.com/Acme/other",
    "git push origin",
    "git send-pack --stateless-rpc https://github.com/acme/hidden/",
    "git fetch https://github.com/acme/tool",
    "curl -d @x https://api.github.com/gists",
];

/// What an event is made of: the kind, the host, the process, the second and a text.
type Made = (u8, usize, u8, i64, usize);

fn events() -> impl Strategy<Value = Vec<Made>> {
    proptest::collection::vec((0_u8..3, 0..HOSTS.len(), 0_u8..6, -1_i64..8, 0..LINES.len()), 0..60)
}

fn store() -> Store {
    let mut store = Store::new(HostNaming::Computer, Retention::Everything);
    store.hunt(RepositoryHosts::default());
    store
}

fn ingest(store: &mut Store, events: &[Made], first: usize) {
    let mut batch = Batch::new(SourceId(0));
    for (number, (kind, host, process, second, line)) in events.iter().copied().enumerate() {
        let record = u64::try_from(first + number).unwrap();
        let head = EventHead {
            event_code: [1, 3, 22][usize::from(kind)],
            time: (second >= 0).then(|| Timestamp::from_unix(1_700_000_000 + second, 0, 7)),
            record_id: Some(record),
            place: record,
            process_guid: Some(Guid::from_written_order([process; 16])),
            parent_process_guid: None,
        };
        let image = if line == 5 { r"C:\Windows\curl.exe" } else { r"C:\Git\git.exe" };
        let mut fields = vec![(Field::Computer, HOSTS[host]), (Field::Image, image)];
        match kind {
            0 => fields.extend([
                (Field::CommandLine, LINES[line]),
                (Field::User, ["CORP\\a", "corp\\A", "CORP\\b"][line % 3]),
                (Field::ParentImage, PARENTS[line % 3]),
            ]),
            1 => fields.extend([
                (Field::DestinationIp, "140.82.121.4"),
                (Field::DestinationHostname, ["github.com", "-", "lb.example"][line % 3]),
            ]),
            _ => fields.extend([
                (Field::QueryName, ["github.com", "gist.github.com"][line % 2]),
                (Field::QueryResults, "::ffff:140.82.121.4;"),
            ]),
        }
        batch.push(head, fields);
    }
    store.ingest(batch);
}

fn flags(number: usize) -> Flags {
    let ci = [None, Some("(?i)ws"), Some("build|laptop")][number % 3];
    let ide = [None, Some("explorer"), Some("never")][number / 3 % 3];
    let exception = Exception {
        name: "second".to_owned(),
        reason: "known".to_owned(),
        terms: vec![(ExceptionField::Host, Pattern::new("^ws-2").unwrap())],
        expires: None,
    };
    let exceptions = if number.is_multiple_of(2) { Vec::new() } else { vec![exception] };
    Flags::with_exceptions(Patterns::new(ci, ide).unwrap(), Exceptions::new(exceptions))
}

fn queries() -> impl Strategy<Value = Query> {
    (
        proptest::sample::select(Profile::ALL.to_vec()),
        proptest::sample::select(vec![Side::Alerts, Side::Suppressed]),
        0_u8..4,
        proptest::sample::select(SortKey::ALL.to_vec()),
        any::<bool>(),
        proptest::option::of(proptest::sample::select(GroupKey::ALL.to_vec())),
        proptest::option::of((1_700_000_000_i64..1_700_000_004, 1_700_000_002_i64..1_700_000_009)),
    )
        .prop_map(|(profile, side, min_score, sort, reversed, group, range)| Query {
            profile,
            side,
            min_score,
            sort,
            reversed,
            group,
            range,
            of_first_events: None,
        })
}

/// A list whose findings are named by their events, which are the same in every store.
fn told(listing: &Listing, store: &Store, profile: Profile) -> impl PartialEq + std::fmt::Debug + use<> {
    let name = |id: &FindingId| {
        let finding = store.finding(*id).unwrap();
        (store.event(finding.event).unwrap().record_id(), finding.signal(profile))
    };
    let group = |(number, group): (usize, &Group)| {
        let members: Vec<_> = listing.members(number).iter().map(name).collect();
        (group.key.clone(), group.count, group.by_score, group.last_seen, members)
    };
    let moments: Vec<(i64, Signal)> = listing.moments.iter().collect();
    (
        listing.findings.iter().map(name).collect::<Vec<_>>(),
        listing.groups.iter().enumerate().map(group).collect::<Vec<_>>(),
        listing.by_score,
        (listing.hidden_by_filter, listing.hidden_by_range, listing.span),
        moments,
    )
}

/// Makes a list, with a stop wherever it asks for one of every so many.
fn make(store: &Store, flags: &Flags, query: Query, sieve: &mut Sieve, old: Listing, every: u32) -> Listing {
    let passes =
        |view: &FindingView<'_>| view.text(Field::CommandLine).is_none_or(|line| !line.contains("other"));
    let asked = Cell::new(0_u32);
    let pause = || {
        asked.set(asked.get() + 1);
        every > 0 && asked.get().is_multiple_of(every)
    };
    let mut making = Making::new(query, old);
    for _ in 0..1000 {
        let filtering = Filtering { sieve: &mut *sieve, passes: &passes };
        if making.advance(store, flags, Some(filtering), &pause) {
            return making.finish();
        }
    }
    panic!("it does not get on");
}

proptest! {
    #[test]
    fn a_list_in_pieces_while_events_come_is_the_one_at_once(
        events in events(),
        cuts in proptest::collection::vec(0_usize..60, 0..5),
        queries in proptest::collection::vec(queries(), 1..4),
        number in 0_usize..9,
        every in 1_u32..3,
        stops_before_more in 0_u32..40,
        is_in_one_go in any::<bool>(),
    ) {
        let (mut live, mut live_flags) = (store(), flags(number));
        let mut sieves: Vec<Sieve> = queries.iter().map(|_| Sieve::default()).collect();
        let mut old = Listing::default();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(events.len())).collect();
        cuts.push(events.len());
        cuts.sort_unstable();
        let mut from = 0;
        for to in cuts {
            // Some come while those before them are put in their places.
            let middle = usize::midpoint(from, to);
            ingest(&mut live, &events[from..middle], from);
            let stops = Cell::new(stops_before_more);
            live.settle_until(&|| stops.replace(stops.get().saturating_sub(1)) == 0);
            ingest(&mut live, &events[middle..to], middle);
            from = to;
            if is_in_one_go {
                live.by_time();
            } else {
                for _ in 0..2 {
                    let steps = (0..10_000).take_while(|_| !live.settle_until(&|| true)).count();
                    prop_assert!(steps < 10_000, "it gets on");
                }
            }
            live_flags.extend(&live);
            for (query, sieve) in queries.iter().zip(&mut sieves) {
                old = make(&live, &live_flags, *query, sieve, old, every);
            }
        }
        let (mut whole, mut whole_flags) = (store(), flags(number));
        ingest(&mut whole, &events, 0);
        whole.by_time();
        whole_flags.extend(&whole);
        let of = |store: &Store| -> Vec<Option<u64>> {
            let selected = |id: &&FindingId| store.finding(**id).unwrap().signal(Profile::Hunt).is_some();
            let event = |id: &FindingId| store.event(store.finding(*id).unwrap().event).unwrap().record_id();
            store.ranked().iter().filter(selected).map(event).collect()
        };
        prop_assert_eq!(of(&live), of(&whole));
        for (query, sieve) in queries.iter().zip(&mut sieves) {
            let in_pieces = make(&live, &live_flags, *query, sieve, std::mem::take(&mut old), every);
            let at_once = make(&whole, &whole_flags, *query, &mut Sieve::default(), Listing::default(), 0);
            let (in_pieces, at_once) =
                (told(&in_pieces, &live, query.profile), told(&at_once, &whole, query.profile));
            prop_assert_eq!(in_pieces, at_once);
        }
    }

    #[test]
    fn what_a_list_counts_is_what_each_finding_scores(events in events(), number in 0_usize..9, other in 0_usize..9) {
        let (mut store, mut flags, mut others) = (store(), flags(number), flags(other));
        for (first, event) in events.iter().enumerate() {
            ingest(&mut store, std::slice::from_ref(event), first);
            if first % 7 == 0 {
                store.by_time();
            }
        }
        store.by_time();
        flags.extend(&store);
        others.extend(&store);
        for profile in Profile::ALL {
            let listing = Listing::new(&mut store, &flags, &Query { min_score: 0, ..Query::alerts(profile) });
            let mut by_score = [0; 4];
            for finding in store.findings() {
                if let Some(score) = store.score_of(finding, profile, &flags) {
                    by_score[usize::from(score)] += 1;
                }
            }
            prop_assert_eq!(listing.by_score, by_score);
            let (here, there) = (store.glances(profile, &flags), store.glances(profile, &others));
            let found = here.other_by(&there, &store).count();
            let differs = |id: &FindingId| {
                let finding = store.finding(*id).unwrap();
                store.score_of(finding, profile, &flags) != store.score_of(finding, profile, &others)
            };
            prop_assert_eq!(found, store.ranked().iter().filter(|id| differs(id)).count());
        }
    }
}

#[test]
fn a_list_whose_order_changes_while_it_is_made_is_made_of_the_new_one() {
    let made: Vec<Made> =
        (0..40_usize).zip((0..8).cycle()).map(|(number, second)| (0, number % 4, 0, second, 0)).collect();
    let (mut store, mut flags) = (store(), flags(0));
    ingest(&mut store, &made[..20], 0);
    store.by_time();
    flags.extend(&store);
    let query = Query { min_score: 0, ..Query::alerts(Profile::Correlated) };
    let mut making = Making::new(query, Listing::default());
    while making.progress(&store).is_some() {
        assert!(!making.advance(&store, &flags, None, &|| true));
    }
    assert!(!making.advance(&store, &flags, None, &|| true), "it has looked at some");
    ingest(&mut store, &made[20..], 20);
    store.by_time();
    flags.extend(&store);
    assert!(making.advance(&store, &flags, None, &|| false));
    let expected = Listing::new(&mut store, &flags, &query);
    let (in_pieces, at_once) =
        (told(&making.finish(), &store, query.profile), told(&expected, &store, query.profile));
    assert_eq!(in_pieces, at_once);
}
