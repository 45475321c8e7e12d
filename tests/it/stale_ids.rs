//! Ids after a compaction: it gives the numbers of events and findings to others, and no part of the console may take
//! one for the other, neither on the screen nor under a key.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::sync::Arc;

use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::{FeedMessage, Progress, SourceInfo};
use exfilscope::model::guid::Guid;
use exfilscope::model::time::Timestamp;
use exfilscope::store::compaction::{Compactor, Retention};
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::state::effect::Effect;
use exfilscope::tui::state::{App, Page, Settings};
use exfilscope::tui::views;
use exfilscope::walk::file;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::settings;

const AREA: Rect = Rect::new(0, 0, 120, 40);
/// Suppressed events before the alerts; they leave, and the alerts get other numbers.
const BEFORE: u32 = 2_000;

/// Pushes: alerts on WS-1, or events of a CI host that are suppressed and may leave.
fn pushes(numbers: std::ops::Range<u32>, is_alert: bool) -> FeedMessage {
    let mut batch = Batch::new(SourceId(0));
    for number in numbers {
        let guid = Guid::parse(&format!("{{00000000-0000-0000-0000-{number:012x}}}"));
        let parent = Guid::parse(&format!("{{00000000-0000-0000-0001-{number:012x}}}"));
        let head = EventHead {
            event_code: 1,
            time: Some(Timestamp::from_unix(1_770_000_000 + i64::from(number), 0, 7)),
            record_id: Some(u64::from(number)),
            place: u64::from(number),
            process_guid: guid,
            parent_process_guid: parent,
        };
        let host = if is_alert { "WS-1" } else { "jenkins-1" };
        let line = format!("git push https://github.com/acme/r{number:06}");
        batch.push(
            head,
            [
                (Field::Computer, host),
                (Field::Image, r"C:\Git\git.exe"),
                (Field::ParentImage, r"C:\Windows\cmd.exe"),
                (Field::CommandLine, line.as_str()),
                // A push of the test, and not one among thousands of others.
                (Field::CurrentDirectory, r"C:\Users\a\AppData\Local\Temp\df00tech-exfil\"),
            ],
        );
    }
    FeedMessage::Batch(batch)
}

fn app(keep: usize) -> App {
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let settings = Settings { case: Some("case.ndjson".to_owned()), ..settings::settings("many") };
    let mut app = App::new(store, settings, Arc::new(Progress::default()));
    app.keeper = Some(Compactor::new(Retention::Events(keep), || Timestamp::from_unix(1_780_000_000, 0, 0)));
    app.set_tests(file::load(&[]).unwrap(), false);
    let source = SourceInfo { id: SourceId(0), path: "many".into(), name: "many".into(), size: None };
    app.feed(FeedMessage::Source(source));
    app
}

/// A console on 50 alerts after many suppressed events, on the screen.
fn few_alerts() -> App {
    let mut app = app(1_000);
    app.feed(pushes(0..BEFORE, false));
    app.feed(pushes(BEFORE..BEFORE + 50, true));
    app.prepare(AREA, true);
    app.select_line(0);
    app.prepare(AREA, true);
    app
}

/// Feeds suppressed events until old ones leave. No frame is drawn.
fn compact(app: &mut App, first: u32, step: u32) {
    let epoch = app.store.epoch();
    let mut at = first;
    while app.store.epoch() == epoch {
        app.feed(pushes(at..at + step, false));
        at += step;
        assert!(at < 400_000, "nothing leaves");
    }
}

fn press(app: &mut App, key: Key) -> Vec<Effect> {
    app.handle(Input::Key(Chord::plain(key)))
}

fn keys(app: &mut App, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|c| press(app, if c == '\n' { Key::Enter } else { Key::Char(c) })).collect()
}

fn screen(app: &App) -> String {
    let mut buffer = Buffer::empty(AREA);
    views::draw(app, AREA, &mut buffer);
    let line = |y| (0..AREA.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..AREA.height).map(|y| line(y).trim_end().to_owned() + "\n").collect()
}

fn record(app: &App, line: usize) -> Option<u64> {
    let id = app.listing.findings.get(line)?;
    app.store.event(app.store.finding(*id)?.event)?.record_id()
}

fn records(app: &App) -> Vec<Option<u64>> {
    (0..5).map(|line| record(app, line)).collect()
}

/// The records that verdicts went to.
fn decided(effects: &[Effect]) -> Vec<Option<u64>> {
    let of = |effect: &Effect| match effect {
        Effect::Decide(decisions) => {
            decisions.iter().map(|decision| decision.identity.record_id()).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    effects.iter().flat_map(of).collect()
}

#[test]
fn long_list_keeps_rows_after_compaction() {
    let mut app = app(30_000);
    app.feed(pushes(0..8_000, false));
    // More than are listed within a frame.
    for at in (8_000..32_000).step_by(4_000) {
        app.feed(pushes(at..at + 4_000, true));
    }
    app.prepare(AREA, true);
    app.select_line(3);
    app.prepare(AREA, true);
    let before = (records(&app), app.selected_finding().map(|_| record(&app, app.cursor)));
    compact(&mut app, 32_000, 1_000);
    assert_eq!(records(&app), before.0, "before any frame");
    // A frame whose time is over at once.
    app.prepare_until(AREA, true, &|| true);
    assert!(app.is_making_list(), "the next list takes longer than this");
    assert_eq!(records(&app), before.0, "the rows on the screen are other events than before");
    assert_eq!(record(&app, app.cursor), before.1.unwrap(), "the cursor is on another alert");
    let shown = screen(&app);
    assert!(shown.contains("r031996") && shown.contains("Alerts 24,000"), "{shown}");
    keys(&mut app, "d");
    assert_eq!(decided(&keys(&mut app, "m")), [before.1.unwrap()]);
    while app.is_making_list() {
        app.prepare_until(AREA, false, &|| true);
    }
    assert_eq!(records(&app), before.0);
}

#[test]
fn verdict_before_frame_hits_its_alert() {
    let mut app = few_alerts();
    let wanted = record(&app, 0);
    keys(&mut app, "d");
    app.prepare(AREA, true);
    compact(&mut app, 3_000, 500);
    assert_eq!(decided(&keys(&mut app, "m")), [wanted]);
}

#[test]
fn verdict_on_group_hits_its_members() {
    let mut app = few_alerts();
    keys(&mut app, "b");
    app.prepare(AREA, true);
    keys(&mut app, "d");
    compact(&mut app, 3_000, 500);
    // The group has grown since: the verdict is on what it had when it was asked for.
    app.feed(pushes(390_000..390_010, true));
    app.prepare(AREA, true);
    let mut hit = decided(&keys(&mut app, "m"));
    hit.sort_unstable();
    assert_eq!(hit, (BEFORE..BEFORE + 50).map(|number| Some(u64::from(number))).collect::<Vec<_>>());
}

#[test]
fn detail_follows_alert_through_compaction() {
    let mut app = few_alerts();
    let detail = |app: &App| screen(app).lines().skip(20).collect::<Vec<_>>().join("\n");
    assert!(detail(&app).contains("r002049"), "{}", detail(&app));
    compact(&mut app, 3_000, 500);
    app.prepare(AREA, true);
    assert!(detail(&app).contains("r002049"), "{}", detail(&app));
    // The suppressed event that was selected leaves: the detail is of the one that is selected then.
    let mut app = app_on_suppressed();
    let gone = record(&app, app.cursor).unwrap();
    compact(&mut app, 3_000, 500);
    app.prepare(AREA, true);
    let now = record(&app, app.cursor).unwrap();
    assert_ne!(now, gone);
    assert!(detail(&app).contains(&format!("r{now:06}")), "{now}:\n{}", detail(&app));
}

fn app_on_suppressed() -> App {
    let mut app = few_alerts();
    keys(&mut app, "x");
    app.prepare(AREA, true);
    press(&mut app, Key::End);
    app.prepare(AREA, true);
    app
}

#[test]
fn pattern_editors_keep_their_changes() {
    let of_changes = |app: &App, ids: &[exfilscope::store::ids::FindingId]| -> Vec<Option<u64>> {
        ids.iter().map(|id| app.store.event(app.store.finding(*id)?.event)?.record_id()).collect()
    };
    let mut app = few_alerts();
    keys(&mut app, "c|ws-");
    app.prepare(AREA, true);
    let go = |app: &App| {
        let changes = app.pattern_editor.as_ref().unwrap().changes.get(&app.store).unwrap();
        of_changes(app, &changes.go)
    };
    let before = go(&app);
    assert_eq!(before.len(), 50);
    compact(&mut app, 3_000, 500);
    assert_eq!(go(&app), before, "in the quick editor");

    let mut app = few_alerts();
    keys(&mut app, "2|ws-");
    app.prepare(AREA, true);
    let go = |app: &App| of_changes(app, &app.workbench.as_ref().unwrap().changes(&app.store).go);
    let before = go(&app);
    assert_eq!(before.len(), 50);
    compact(&mut app, 3_000, 500);
    assert_eq!(go(&app), before, "in the workbench");
    // Tab, Tab, Enter: to the alert of the first change.
    press(&mut app, Key::Tab);
    press(&mut app, Key::Tab);
    press(&mut app, Key::Enter);
    app.prepare(AREA, true);
    assert_eq!(record(&app, app.cursor), before[0]);
}

#[test]
fn proposal_stays_with_its_alert() {
    let mut app = few_alerts();
    keys(&mut app, "a");
    app.prepare(AREA, true);
    compact(&mut app, 3_000, 500);
    // On to the last proposal, an exception of the alert.
    for _ in 0..9 {
        if !matches!(app.page, Some(Page::NewException { .. })) {
            app.handle(Input::Key(Chord::ctrl('n')));
        }
    }
    app.prepare(AREA, true);
    let Some(Page::NewException { taken, .. }) = &app.page else { panic!("no exception is proposed") };
    let before: Vec<_> = taken.get(&app.store).unwrap().clone();
    assert!(!before.is_empty());
    let hosts = |app: &App| {
        let Some(Page::NewException { taken, .. }) = &app.page else { panic!() };
        let ids = taken.get(&app.store).unwrap();
        let of = |id: &exfilscope::store::ids::FindingId| {
            let event = app.store.event(app.store.finding(*id).unwrap().event).unwrap();
            app.store.host_of(event).unwrap().to_owned()
        };
        ids.iter().map(of).collect::<Vec<_>>()
    };
    let listed = hosts(&app);
    compact(&mut app, 100_000, 500);
    assert_eq!(hosts(&app), listed);
    assert!(listed.iter().all(|host| host == "WS-1"), "{listed:?}");
}

#[test]
fn raw_event_takes_its_own_answer() {
    let mut app = few_alerts();
    let [Effect::ReadRaw { request: first, .. }] = keys(&mut app, "r")[..] else { panic!() };
    press(&mut app, Key::Esc);
    press(&mut app, Key::Down);
    let [Effect::ReadRaw { request: second, .. }] = keys(&mut app, "r")[..] else { panic!() };
    compact(&mut app, 3_000, 500);
    assert_ne!(first, second);
    assert!(matches!(app.page, Some(Page::Raw { request, .. }) if request == second), "its page stays");
}

#[test]
fn ancestors_are_not_other_processes() {
    let mut app = few_alerts();
    press(&mut app, Key::Enter);
    app.prepare(AREA, true);
    let walked = app.walked().to_vec();
    assert_eq!(walked.len(), 1);
    compact(&mut app, 3_000, 500);
    // The parent has no Event 1 of its own: it can't be found again, and the alert's own process is shown.
    assert_eq!(app.walked(), []);
    assert_eq!(record(&app, app.cursor), Some(u64::from(BEFORE) + 49));
}

#[test]
fn test_runs_lead_to_their_alert() {
    let mut app = few_alerts();
    app.feed(FeedMessage::Finished);
    keys(&mut app, "4");
    let finish = |app: &mut App| {
        for _ in 0..100 {
            app.prepare(AREA, true);
        }
    };
    finish(&mut app);
    assert!(app.test_runs.reports.iter().any(|test| !test.runs.is_empty()), "{}", screen(&app));
    for _ in 0..1_000 {
        if !app.test_run_has_target() {
            press(&mut app, Key::Down);
        }
    }
    assert!(app.test_run_has_target(), "{}", screen(&app));
    compact(&mut app, 3_000, 500);
    assert!(!app.test_run_has_target(), "the reports speak of the store before");
    press(&mut app, Key::Enter);
    assert_eq!(app.page, Some(Page::Tests), "{:?}", app.message);
    finish(&mut app);
    assert!(app.test_run_has_target(), "{}", screen(&app));
}
