//! Very many of one kind: alerts, children and acts of one process, runs of a test. What is shown is a part, what is counted
//! is all, and no key waits for the end.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};

use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::verdict::Verdict;
use exfilscope::source::{LoadOptions, load};
use exfilscope::store::ids::FindingId;
use exfilscope::store::tuning_matches::TuningMatches;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::state::effect::Effect;
use exfilscope::tui::state::{App, Settings};
use exfilscope::walk::{Scope, View, Walk, file};
use ratatui::layout::Rect;

use crate::settings;
#[allow(dead_code, reason = "the bench has use for all of them")]
#[path = "../../benches/doubling/shapes.rs"]
mod shapes;
use settings::settings;

const AREA: Rect = Rect::new(0, 0, 160, 45);

fn messages(log: &[u8]) -> Vec<FeedMessage> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.json");
    fs::write(&path, log).unwrap();
    let messages: Mutex<Vec<FeedMessage>> = Mutex::default();
    load(&[path], &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        messages.lock().unwrap().push(message);
        true
    });
    messages.into_inner().unwrap()
}

fn app(log: &[u8]) -> App {
    let settings = Settings { case: Some("case.ndjson".to_owned()), ..settings("log.json") };
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let mut app = App::new(store, settings, Arc::new(Progress::default()));
    for message in messages(log) {
        app.feed(message);
    }
    app.prepare(AREA, true);
    app
}

fn press(app: &mut App, key: char) -> Vec<Effect> {
    app.handle(Input::Key(Chord::plain(Key::Char(key))))
}

fn decided(effects: &[Effect]) -> usize {
    let of = |effect: &Effect| if let Effect::Decide(decisions) = effect { decisions.len() } else { 0 };
    effects.iter().map(of).sum()
}

fn text(app: &App) -> String {
    let lines = app.detail.left.iter().chain(&app.detail.right);
    lines.map(|line| line.to_string() + "\n").collect()
}

#[test]
fn verdict_on_many_goes_in_steps() {
    let connections = 900;
    let mut app = app(&shapes::connections(connections));
    press(&mut app, 'b');
    app.prepare(AREA, false);
    press(&mut app, 'd');
    let first = decided(&press(&mut app, 'm'));
    assert!(first > 0 && first < 300, "{first}");
    assert!(app.message.as_ref().unwrap().1.starts_with("Marking: "), "{:?}", app.message);
    // Another verdict waits for this one.
    press(&mut app, 'd');
    assert!(!app.verdict_menu);
    let mut rounds = 0;
    let mut all = first;
    while app.is_making_list() {
        let left = Cell::new(100);
        app.prepare_until(AREA, false, &|| {
            left.set(left.get() - 1);
            left.get() <= 0
        });
        all += decided(&app.take_effects());
        rounds += 1;
    }
    assert!(rounds > 5, "{rounds}");
    let expected = connections as usize + 1;
    assert_eq!(all, expected);
    assert!(app.message.as_ref().unwrap().1.contains("Marked malicious: 901 alerts"), "{:?}", app.message);
    app.prepare(AREA, false);
    assert_eq!(app.triage.counts[0], expected);
    let mark = |number: u32| app.triage.mark(FindingId(number)).verdict;
    assert!((0..901).all(|number| mark(number) == Verdict::Malicious));
    let taken_back = decided(&press(&mut app, 'U'));
    app.prepare(AREA, false);
    assert_eq!(taken_back + decided(&app.take_effects()), expected);
    app.prepare(AREA, false);
    assert_eq!(app.triage.counts[0], 0);
}

#[test]
fn detail_shows_part_and_counts_all() {
    let detail = text(&app(&shapes::kids(12_000)));
    assert!(detail.contains("11800 more children"), "{}", &detail[..2000]);
    let detail = text(&app(&shapes::acts(1_500)));
    assert!(detail.contains("Activity (1500)") && detail.contains("1300 more events"), "{detail}");
    let detail = text(&app(&shapes::deep(1_500)));
    assert!(detail.contains("more ancestors"), "{detail}");
    assert!(detail.lines().count() < 1_000);
}

#[test]
fn runs_share_what_is_near_them() {
    for runs in [80_u32, 160] {
        let mut store = Store::new(HostNaming::Computer, Collect::Everything);
        for message in messages(&shapes::walk(runs)) {
            match message {
                FeedMessage::Source(source) => store.add_source(source),
                FeedMessage::Batch(batch) => store.ingest(batch),
                FeedMessage::Fault(fault) => panic!("{fault}"),
                FeedMessage::Finished => {}
            }
        }
        store.refresh();
        let mut flags = TuningMatches::new(Patterns::new(None, None).unwrap());
        flags.extend(&store);
        let mut walk = Walk::new(file::load(&[]).unwrap());
        assert!(walk.extend(&store, usize::MAX));
        let scope = Scope::default();
        let view =
            View { store: &store, flags: &flags, profile: Profile::Correlated, min_score: 2, scope: &scope };
        let report = walk.report(&view);
        let test = report.iter().find(|test| test.runs.len() == runs as usize).unwrap();
        let mut pushes = BTreeSet::new();
        for run in &test.runs {
            let near = run.steps.iter().find(|step| step.step == "shell").unwrap();
            assert_eq!((near.count, near.records.len(), near.events.len()), (runs as usize, 50, 50));
            let more = format!("{} more are not", runs - 50);
            assert!(near.why.contains(&more), "{}", near.why);
            // The first ones by time.
            let first: Vec<u64> = (u64::from(runs) + 1..).take(50).collect();
            assert_eq!(near.records, first);
            pushes.extend(run.steps.iter().find(|step| step.step == "push").unwrap().records.clone());
        }
        assert_eq!(pushes.len(), runs as usize, "each push is one run's own");
    }
}
