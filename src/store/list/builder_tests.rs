//! Lists are made in pieces and while events come in; the result equals the one made at once of all of them.

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
use crate::store::events::collect::Collect;
use crate::store::ids::FindingId;
use crate::store::list::builder::{FilterPass, ListBuilder};
use crate::store::list::filter_cache::FilterCache;
use crate::store::list::listing::{Group, GroupKey, Listing, Query, Shown, SortKey};
use crate::store::tuning_matches::TuningMatches;
use crate::store::view::FindingView;
use crate::store::{HostNaming, Store};
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

/// The parts of an event: the kind, the host, the process, the second and a text.
type Made = (u8, usize, u8, i64, usize);

fn events() -> impl Strategy<Value = Vec<Made>> {
    proptest::collection::vec((0_u8..3, 0..HOSTS.len(), 0_u8..6, -1_i64..8, 0..LINES.len()), 0..60)
}

fn store() -> Store {
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
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

fn tuning(number: usize) -> TuningMatches {
    let ci = [None, Some("(?i)ws"), Some("build|laptop")][number % 3];
    let ide = [None, Some("explorer"), Some("never")][number / 3 % 3];
    let exception = Exception {
        name: "second".to_owned(),
        reason: "known".to_owned(),
        terms: vec![(ExceptionField::Host, Pattern::new("^ws-2").unwrap())],
        expires: None,
    };
    let exceptions = if number.is_multiple_of(2) { Vec::new() } else { vec![exception] };
    TuningMatches::with_exceptions(Patterns::new(ci, ide).unwrap(), Exceptions::new(exceptions))
}

fn queries() -> impl Strategy<Value = Query> {
    (
        proptest::sample::select(Profile::ALL.to_vec()),
        proptest::sample::select(vec![Shown::Alerts, Shown::Suppressed]),
        0_u8..4,
        proptest::sample::select(SortKey::ALL.to_vec()),
        any::<bool>(),
        proptest::option::of(proptest::sample::select(GroupKey::ALL.to_vec())),
        proptest::option::of((1_700_000_000_i64..1_700_000_004, 1_700_000_002_i64..1_700_000_009)),
    )
        .prop_map(|(profile, shown, min_score, sort, reversed, group, range)| Query {
            profile,
            shown,
            min_score,
            sort,
            reversed,
            group,
            range,
            by_evidence: true,
            up_to_event: None,
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
    let timeline: Vec<(i64, Signal)> = listing.timeline.iter().collect();
    (
        listing.findings.iter().map(name).collect::<Vec<_>>(),
        listing.groups.iter().enumerate().map(group).collect::<Vec<_>>(),
        listing.by_score,
        (listing.hidden_by_filter, listing.hidden_by_range, listing.span),
        timeline,
    )
}

/// Makes a list, with a stop at every nth poll.
fn make(
    store: &Store,
    tuning: &TuningMatches,
    query: Query,
    cache: &mut FilterCache,
    old: Listing,
    every: u32,
) -> Listing {
    let passes =
        |view: &FindingView<'_>| view.text(Field::CommandLine).is_none_or(|line| !line.contains("other"));
    let asked = Cell::new(0_u32);
    let pause = || {
        asked.set(asked.get() + 1);
        every > 0 && asked.get().is_multiple_of(every)
    };
    let mut making = ListBuilder::new(query, old);
    for _ in 0..1000 {
        let filter_pass = FilterPass { cache: &mut *cache, passes: &passes };
        if making.advance(store, tuning, Some(filter_pass), &pause) {
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
        let (mut live, mut live_flags) = (store(), tuning(number));
        let mut caches: Vec<FilterCache> = queries.iter().map(|_| FilterCache::default()).collect();
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
            live.refresh_until(&|| stops.replace(stops.get().saturating_sub(1)) == 0);
            ingest(&mut live, &events[middle..to], middle);
            from = to;
            if is_in_one_go {
                live.refresh();
            } else {
                for _ in 0..2 {
                    let steps = (0..10_000).take_while(|_| !live.refresh_until(&|| true)).count();
                    prop_assert!(steps < 10_000, "it gets on");
                }
            }
            live_flags.extend(&live);
            for (query, cache) in queries.iter().zip(&mut caches) {
                old = make(&live, &live_flags, *query, cache, old, every);
            }
        }
        let (mut whole, mut whole_flags) = (store(), tuning(number));
        ingest(&mut whole, &events, 0);
        whole.refresh();
        whole_flags.extend(&whole);
        let of = |store: &Store| -> Vec<Option<u64>> {
            let selected = |id: &&FindingId| store.finding(**id).unwrap().signal(Profile::Hunt).is_some();
            let event = |id: &FindingId| store.event(store.finding(*id).unwrap().event).unwrap().record_id();
            store.by_time().iter().filter(selected).map(event).collect()
        };
        prop_assert_eq!(of(&live), of(&whole));
        for (query, cache) in queries.iter().zip(&mut caches) {
            let in_pieces = make(&live, &live_flags, *query, cache, std::mem::take(&mut old), every);
            let at_once = make(&whole, &whole_flags, *query, &mut FilterCache::default(), Listing::default(), 0);
            let (in_pieces, at_once) =
                (told(&in_pieces, &live, query.profile), told(&at_once, &whole, query.profile));
            prop_assert_eq!(in_pieces, at_once);
        }
    }

    #[test]
    fn what_a_list_counts_is_what_each_finding_scores(events in events(), number in 0_usize..9, other in 0_usize..9) {
        let (mut store, mut tuning, mut others) = (store(), tuning(number), tuning(other));
        for (first, event) in events.iter().enumerate() {
            ingest(&mut store, std::slice::from_ref(event), first);
            if first % 7 == 0 {
                store.refresh();
            }
        }
        store.refresh();
        tuning.extend(&store);
        others.extend(&store);
        for profile in Profile::ALL {
            let listing = Listing::new(&mut store, &tuning, &Query { min_score: 0, ..Query::alerts(profile) });
            let mut by_score = [0; 4];
            for finding in store.findings() {
                if let Some(score) = store.score_of(finding, profile, &tuning) {
                    by_score[usize::from(score)] += 1;
                }
            }
            prop_assert_eq!(listing.by_score, by_score);
            let (here, there) = (store.scores(profile, &tuning), store.scores(profile, &others));
            let found = here.differences(&there, &store).count();
            let differs = |id: &FindingId| {
                let finding = store.finding(*id).unwrap();
                store.score_of(finding, profile, &tuning) != store.score_of(finding, profile, &others)
            };
            prop_assert_eq!(found, store.by_time().iter().filter(|id| differs(id)).count());
        }
    }
}

#[test]
fn a_list_whose_order_changes_while_it_is_made_is_made_of_the_new_one() {
    let made: Vec<Made> =
        (0..40_usize).zip((0..8).cycle()).map(|(number, second)| (0, number % 4, 0, second, 0)).collect();
    let (mut store, mut tuning) = (store(), tuning(0));
    ingest(&mut store, &made[..20], 0);
    store.refresh();
    tuning.extend(&store);
    let query = Query { min_score: 0, ..Query::alerts(Profile::Correlated) };
    let mut making = ListBuilder::new(query, Listing::default());
    while making.progress(&store).is_some() {
        assert!(!making.advance(&store, &tuning, None, &|| true));
    }
    assert!(!making.advance(&store, &tuning, None, &|| true), "it has looked at some");
    ingest(&mut store, &made[20..], 20);
    store.refresh();
    tuning.extend(&store);
    assert!(making.advance(&store, &tuning, None, &|| false));
    let expected = Listing::new(&mut store, &tuning, &query);
    let (in_pieces, at_once) =
        (told(&making.finish(), &store, query.profile), told(&expected, &store, query.profile));
    assert_eq!(in_pieces, at_once);
}
