//! A list of many findings is made in steps, with the one before it on the screen, and keys that work.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::sync::Arc;

use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::{FeedMessage, Progress, SourceInfo};
use exfilscope::model::time::Timestamp;
use exfilscope::store::list::listing::{GroupKey, SortKey};
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::state::App;
use exfilscope::tui::views;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::settings;
use settings::settings;

const ALERTS: u32 = 24_000;
const AREA: Rect = Rect::new(0, 0, 120, 40);

fn batch(numbers: std::ops::Range<u32>) -> FeedMessage {
    let mut batch = Batch::new(SourceId(0));
    for number in numbers {
        let head = EventHead {
            event_code: 1,
            time: Some(Timestamp::from_unix(1_770_000_000 + i64::from(number), 0, 7)),
            record_id: Some(u64::from(number)),
            place: u64::from(number),
            process_guid: None,
            parent_process_guid: None,
        };
        // The order by text differs from every order by number.
        let repository = number.wrapping_mul(2_654_435_761) % 100_000;
        let line = format!("git push https://github.com/acme/r{repository:05}");
        batch.push(
            head,
            [
                (Field::Computer, ["WS-1", "WS-2"][(number % 2) as usize]),
                (Field::Image, r"C:\Git\git.exe"),
                (Field::CommandLine, line.as_str()),
            ],
        );
    }
    FeedMessage::Batch(batch)
}

fn app() -> App {
    let settings = settings("many");
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let mut app = App::new(store, settings, Arc::new(Progress::default()));
    app.feed(FeedMessage::Source(SourceInfo {
        id: SourceId(0),
        path: "many.evtx".into(),
        name: "many.evtx".to_owned(),
        size: None,
    }));
    app.feed(batch(0..ALERTS));
    app.prepare(AREA, true);
    app
}

/// Presses a key, and stops each list as soon as it may be stopped.
fn press(app: &mut App, key: Key) {
    app.handle(Input::Key(Chord::plain(key)));
    app.prepare_until(AREA, false, &|| true);
}

fn screen(app: &App) -> String {
    let mut buffer = Buffer::empty(AREA);
    views::draw(app, AREA, &mut buffer);
    let line = |y| (0..AREA.width).map(|x| buffer[(x, y)].symbol()).collect::<String>() + "\n";
    (0..AREA.height).map(line).collect()
}

fn go_on(app: &mut App) -> usize {
    let mut steps = 0;
    while app.is_making_list() {
        app.prepare_until(AREA, false, &|| true);
        steps += 1;
        assert!(steps < 100_000, "it gets on");
    }
    steps
}

fn command_lines(app: &App) -> Vec<String> {
    let line = |id| {
        let view = app.store.view(id, Profile::Correlated, &app.flags).unwrap();
        view.text(Field::CommandLine).unwrap().to_owned()
    };
    app.listing.findings.iter().map(|id| line(*id)).collect()
}

#[test]
fn old_list_answers_during_sort() {
    let mut app = app();
    let ranked = app.listing.findings.clone();
    assert_eq!(ranked.len(), ALERTS as usize);
    while app.list.sort != SortKey::CommandLine {
        go_on(&mut app);
        press(&mut app, Key::Char('s'));
    }
    assert!(app.is_making_list());
    press(&mut app, Key::Down);
    press(&mut app, Key::Down);
    assert!(app.is_making_list(), "keys do not wait for it");
    while !screen(&app).contains("sorting ") {
        assert!(app.is_making_list(), "it says that it sorts: {}", screen(&app));
        app.prepare_until(AREA, false, &|| true);
    }
    assert!(app.is_making_list(), "it can still be stopped");
    assert!(screen(&app).contains("sorting "), "{}", screen(&app));
    let selected = app.selected_finding().unwrap();
    assert!(go_on(&mut app) > 10, "it can be stopped often");
    let lines = command_lines(&app);
    assert!(lines.is_sorted(), "{:?}", &lines[..5]);
    assert_eq!(lines.len(), ALERTS as usize);
    assert_eq!(app.selected_finding(), Some(selected), "the selection is the same alert");
    assert!(!screen(&app).contains("sorting "));
}

#[test]
fn last_typed_filter_wins() {
    let mut app = app();
    press(&mut app, Key::Char('/'));
    for c in "r0001".chars() {
        press(&mut app, Key::Char(c));
    }
    assert!(app.is_making_list());
    assert!(screen(&app).contains("filtering "), "{}", screen(&app));
    assert_eq!(app.listing.findings.len(), ALERTS as usize, "the list before");
    go_on(&mut app);
    let lines = command_lines(&app);
    assert!(!lines.is_empty() && lines.len() < 100);
    assert!(lines.iter().all(|line| line.contains("r0001")));
    assert_eq!(app.listing.hidden_by_filter + lines.len(), ALERTS as usize);
}

#[test]
fn old_list_is_labelled_as_such() {
    let mut app = app();
    app.list.sort = SortKey::CommandLine;
    press(&mut app, Key::Char('x'));
    assert!(app.is_making_list());
    let shown = screen(&app);
    assert!(shown.contains("Alerts 24,000") && !shown.contains("no alerts"), "{shown}");
    go_on(&mut app);
    assert!(screen(&app).contains("Suppressed 0"), "{}", screen(&app));
    press(&mut app, Key::Char('x'));
    assert!(app.is_making_list());
    assert!(screen(&app).contains("Suppressed 0"), "{}", screen(&app));
    go_on(&mut app);
    assert!(screen(&app).contains("Alerts 24,000"), "{}", screen(&app));
}

#[test]
fn groups_take_in_later_events() {
    let mut app = app();
    press(&mut app, Key::Char('b'));
    assert_eq!((app.list.group, app.listing.query.group), (Some(GroupKey::Host), None));
    while !screen(&app).contains("grouping ") {
        assert!(app.is_making_list(), "it says that it groups: {}", screen(&app));
        app.prepare_until(AREA, false, &|| true);
    }
    app.feed(batch(ALERTS..ALERTS + 10));
    go_on(&mut app);
    let counts = |app: &App| app.listing.groups.iter().map(|group| group.count).sum::<usize>();
    assert_eq!((app.lines.len(), counts(&app)), (2, ALERTS as usize));
    assert!(app.has_news());
    app.prepare(AREA, true);
    assert_eq!(counts(&app), ALERTS as usize + 10);
    assert!(!app.has_news());
}
