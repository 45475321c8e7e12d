//! What the console's keys cost, with figures a reader can hold against a frame of 16 ms.
//!
//! `cargo bench --bench console [-- ALERTS]` (100,000 unless told). Each line is a median and a 99th percentile over many
//! keys: the key is handled, the list made anew where it must be, and the frame drawn into a buffer.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints its figures"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use exfilscope::detect::exception::Exceptions;
use exfilscope::detect::pattern::Patterns;
use exfilscope::detect::profile::Profile;
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::{FeedMessage, Progress, SourceInfo};
use exfilscope::model::guid::Guid;
use exfilscope::model::time::Timestamp;
use exfilscope::store::{HostNaming, Retention, Store};
use exfilscope::tui::app::{App, Settings};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::report::Scope;
use exfilscope::tui::theme::{ColorSupport, Theme};
use exfilscope::tui::views;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const HOSTS: u32 = 10_000;
const BATCH: u32 = 500;

fn app(alerts: u32) -> App {
    let patterns = Patterns::new(None, None).expect("the built-in patterns compile");
    let settings = Settings {
        profile: Profile::Correlated,
        min_score: 2,
        patterns: patterns.clone(),
        saved: patterns,
        exceptions: Exceptions::default(),
        expired: Vec::new(),
        theme: Theme::load("ansi", None, ColorSupport::Ansi16).expect("the theme is built in"),
        theme_name: "ansi".to_owned(),
        theme_names: vec!["ansi".to_owned()],
        ascii: false,
        reveal_secrets: false,
        title: "bench".to_owned(),
        mouse: false,
        endless: None,
        case: Some("case.ndjson".to_owned()),
        keeper: None,
    };
    let store = Store::new(HostNaming::Computer, Retention::Everything);
    let mut app = App::new(store, settings, Arc::new(Progress::default()));
    let id = SourceId(0);
    app.feed(FeedMessage::Source(SourceInfo {
        id,
        path: "bench.evtx".into(),
        name: "bench.evtx".to_owned(),
        size: None,
    }));
    for first in (0..alerts).step_by(BATCH as usize) {
        let mut batch = Batch::new(id);
        for number in first..(first + BATCH).min(alerts) {
            let kinds = ["WS", "BUILD", "LAPTOP", "RUNNER"];
            let kind = kinds[(number % 4) as usize];
            let host = format!("{kind}-{:05}.corp.example", number.wrapping_mul(2_654_435_761) % HOSTS);
            let line = format!("git.exe push https://github.com/owner{}/repo{number} HEAD:main", number % 97);
            let mut guid = [7_u8; 16];
            guid[..4].copy_from_slice(&number.to_be_bytes());
            let head = EventHead {
                event_code: 1,
                time: Some(Timestamp::from_unix(1_770_000_000 + i64::from(number % 86_400), 0, 7)),
                record_id: Some(u64::from(number)),
                place: u64::from(number),
                process_guid: Some(Guid::from_written_order(guid)),
                parent_process_guid: None,
            };
            batch.push(
                head,
                [
                    (Field::Computer, host.as_str()),
                    (Field::User, r"CORP\someone"),
                    (Field::Image, r"C:\Program Files\Git\cmd\git.exe"),
                    (Field::CommandLine, line.as_str()),
                    (Field::ParentImage, r"C:\Windows\System32\cmd.exe"),
                    (Field::ParentCommandLine, "cmd.exe"),
                ],
            );
        }
        app.feed(FeedMessage::Batch(batch));
    }
    app.feed(FeedMessage::Finished);
    app
}

fn press(key: Key) -> Input {
    Input::Key(Chord::plain(key))
}

/// Handles each key and draws the frame after it; prints how long that took.
fn measure(name: &str, app: &mut App, area: Rect, keys: impl Iterator<Item = Key>) {
    let mut times: Vec<Duration> = keys
        .map(|key| {
            let started = Instant::now();
            app.handle(press(key));
            app.prepare(area, false);
            let mut buffer = Buffer::empty(area);
            views::draw(app, area, &mut buffer);
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    let at =
        |share: usize| times.get(times.len() * share / 100).or(times.last()).copied().unwrap_or_default();
    println!("{name:<44} median {:>9.3?}   99% {:>9.3?}   ({} keys)", at(50), at(99), times.len());
}

fn main() {
    let alerts = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let area = Rect::new(0, 0, 200, 60);
    let started = Instant::now();
    let mut app = app(alerts);
    println!(
        "{alerts} alerts on {} hosts taken in: {:.3?}",
        app.store.hosts().entries().len(),
        started.elapsed()
    );
    let started = Instant::now();
    app.prepare(area, true);
    println!("first list: {:.3?}", started.elapsed());

    measure("selection, a row down", &mut app, area, (0..500).map(|_| Key::Down));
    measure("selection, a page down", &mut app, area, (0..500).map(|_| Key::PageDown));
    app.handle(press(Key::Char('c')));
    let typed = "|laptop-0|ws-01|runner".chars().map(Key::Char);
    measure("CI-host pattern, a keystroke", &mut app, area, typed.chain((0..22).map(|_| Key::Backspace)));
    app.handle(press(Key::Esc));
    app.handle(press(Key::Char('2')));
    app.prepare(area, false);
    let typed = "|laptop-0|ws-01|runner".chars().map(Key::Char);
    measure("workbench, a keystroke", &mut app, area, typed.chain((0..22).map(|_| Key::Backspace)));
    app.handle(press(Key::Esc));
    app.prepare(area, false);
    app.handle(press(Key::Char('/')));
    let typed = "owner42 host:laptop !runner".chars().map(Key::Char);
    measure("filter, a keystroke", &mut app, area, typed.chain((0..27).map(|_| Key::Backspace)));
    app.handle(press(Key::Esc));
    measure("sort by the next column", &mut app, area, (0..16).map(|_| Key::Char('s')));
    measure("group by the next key", &mut app, area, (0..12).map(|_| Key::Char('b')));
    measure("suppressed, and back", &mut app, area, (0..20).map(|_| Key::Char('x')));
    measure("the other profile", &mut app, area, (0..20).map(|_| Key::Char('p')));
    let verdicts = [Key::Char('d'), Key::Char('m'), Key::Char('n')];
    measure("a verdict and on to the next", &mut app, area, verdicts.into_iter().cycle().take(300));
    measure("take a verdict back", &mut app, area, (0..50).map(|_| Key::Char('U')));
    app.handle(press(Key::Char('/')));
    measure("filter by verdict, a keystroke", &mut app, area, "!verdict:none".chars().map(Key::Char));
    app.handle(press(Key::Esc));
    app.handle(press(Key::Char('b')));
    app.prepare(area, false);
    let group = [Key::Char('d'), Key::Char('b'), Key::Down];
    measure("a verdict on all of a host", &mut app, area, group.into_iter().cycle().take(150));
    app.handle(press(Key::Esc));
    app.prepare(area, false);
    let started = Instant::now();
    let order = app.report(Scope::List, None, Timestamp::from_unix(0, 0, 0), None);
    println!("{:<44} {:>16.3?}", "a report of the list, gathered", started.elapsed());
    drop(order);
}
