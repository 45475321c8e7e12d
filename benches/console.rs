//! Costs of the console's keys, in figures to compare with a frame of 16 ms.
//!
//! `cargo bench --bench console [-- ALERTS]` (100,000 by default). Each line is over many keys: how long a key's frame
//! takes until it is drawn into a buffer, how long the longest step is in which the list is made after it, and how long
//! it takes until the list is made; median, 99th percentile and worst.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs,
    reason = "a bench prints its figures"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::{FeedMessage, Progress, SourceInfo};
use exfilscope::model::guid::Guid;
use exfilscope::model::time::Timestamp;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::state::effect::Scope;
use exfilscope::tui::state::{App, Settings};
use exfilscope::tui::views;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

#[path = "../tests/support/settings.rs"]
mod settings;
use settings::settings;

const HOSTS: u32 = 10_000;
const BATCH: u32 = 500;

fn empty() -> App {
    let settings = Settings { case: Some("case.ndjson".to_owned()), ..settings("bench") };
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let mut app = App::new(store, settings, Arc::new(Progress::default()));
    app.feed(FeedMessage::Source(SourceInfo {
        id: SourceId(0),
        path: "bench.evtx".into(),
        name: "bench.evtx".to_owned(),
        size: None,
    }));
    app
}

fn app(alerts: u32) -> App {
    let mut app = empty();
    for batch in batches(alerts) {
        app.feed(FeedMessage::Batch(batch));
    }
    app.feed(FeedMessage::Finished);
    app
}

fn batches(alerts: u32) -> impl Iterator<Item = Batch> {
    (0..alerts).step_by(BATCH as usize).map(move |first| batch(first, alerts))
}

/// Pushes of many hosts and a day.
fn batch(first: u32, alerts: u32) -> Batch {
    let mut batch = Batch::new(SourceId(0));
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
    batch
}

fn press(key: Key) -> Input {
    Input::Key(Chord::plain(key))
}

/// How long a list is made at a time, as in the console's loop.
const LIST_SLICE: Duration = Duration::from_millis(4);

/// Median, 99th percentile and worst.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at =
        |share: usize| times.get(times.len() * share / 100).or(times.last()).copied().unwrap_or_default();
    format!("{:>9.3?} {:>9.3?} {:>9.3?}", at(50), at(99), at(100))
}

/// Handles a key and draws its frame, then goes on with the list until that is made. Says how long the frame took, the
/// longest step after it (what another key would have waited for), and all of it.
fn answer(app: &mut App, area: Rect, key: Key) -> [Duration; 3] {
    let started = Instant::now();
    app.handle(press(key));
    let step = |app: &mut App| {
        let begun = Instant::now();
        app.prepare_until(area, false, &|| begun.elapsed() >= LIST_SLICE);
        begun.elapsed()
    };
    step(app);
    let mut buffer = Buffer::empty(area);
    views::draw(app, area, &mut buffer);
    let frame = started.elapsed();
    let mut longest = Duration::ZERO;
    while app.is_making_list() {
        longest = longest.max(step(app));
    }
    [frame, longest, started.elapsed()]
}

/// Presses keys one after the other; prints how long their frames took, and their lists.
fn measure(name: &str, app: &mut App, area: Rect, keys: impl Iterator<Item = Key>) {
    let mut times = [const { Vec::new() }; 3];
    for key in keys {
        for (times, time) in times.iter_mut().zip(answer(app, area, key)) {
            times.push(time);
        }
    }
    let [frames, steps, whole] = times;
    println!(
        "{name:<34} {}   {:>9.3?}   {}",
        spread(frames),
        steps.iter().max().expect("a key"),
        spread(whole)
    );
}

/// Wait of a key that comes at any moment, at a share of all keys: the rest of the current step.
fn wait_at(steps: &[f64], share: f64) -> Duration {
    let all: f64 = steps.iter().sum();
    let longer = |wait: f64| steps.iter().map(|step| (step - wait).max(0.0)).sum::<f64>() / all;
    let (mut from, mut to) = (0.0, steps.iter().copied().fold(0.0, f64::max));
    for _ in 0..40 {
        let middle = f64::midpoint(from, to);
        if longer(middle) > 1.0 - share { from = middle } else { to = middle }
    }
    Duration::from_secs_f64(to)
}

/// Presses a key every few batches while a million alerts come in at full speed, as the loop does: events for 6 ms,
/// a list for 4 ms, keys between them. Prints how long a key's frame takes, and how long a
/// key waits for it that comes at any moment.
fn while_loading(alerts: u32, area: Rect) {
    let mut app = empty();
    let mut frames = Vec::new();
    let mut last_news = Instant::now();
    let mut batches = batches(alerts);
    let (mut feeding, mut listing) = (Vec::new(), Vec::new());
    let mut is_loading = true;
    while is_loading {
        let slice = Instant::now();
        while slice.elapsed() < Duration::from_millis(6) {
            match batches.next() {
                Some(batch) => app.feed(FeedMessage::Batch(batch)),
                None => is_loading = false,
            }
            if !is_loading {
                break;
            }
        }
        feeding.push(slice.elapsed());
        let begun = Instant::now();
        let is_due = last_news.elapsed() >= Duration::from_millis(100);
        app.prepare_until(area, is_due, &|| begun.elapsed() >= LIST_SLICE);
        if is_due {
            last_news = Instant::now();
        }
        listing.push(begun.elapsed());
        if app.store.findings().len() > alerts as usize / 2 {
            let key = if frames.len() % 20 == 19 { Key::PageDown } else { Key::Down };
            let started = Instant::now();
            app.handle(press(key));
            app.prepare_until(area, false, &|| true);
            let mut buffer = Buffer::empty(area);
            views::draw(&app, area, &mut buffer);
            frames.push(started.elapsed());
        }
    }
    println!("{:<34} {}   ({} keys)", "a key while loading, its frame", spread(frames.clone()), frames.len());
    println!("{:<34} {}", "events taken in, for 6 ms", spread(feeding.clone()));
    println!("{:<34} {}", "a list made, for 4 ms", spread(listing.clone()));
    let steps: Vec<f64> = feeding.into_iter().chain(listing).map(|step| step.as_secs_f64()).collect();
    let [median, late] = [0.5, 0.99].map(|share| wait_at(&steps, share));
    println!("{:<34} {median:>9.3?} {late:>9.3?}", "what a key waits for its frame");
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

    println!("{:<34} {:^29}   {:^9}   {:^29}", "", "a key's frame", "a step", "the list is made");
    println!(
        "{:<34} {:>9} {:>9} {:>9}   {:>9}   {:>9} {:>9} {:>9}",
        "", "median", "99%", "worst", "worst", "median", "99%", "worst"
    );
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
    let order = app.report(&Scope::List, None, Timestamp::from_unix(0, 0, 0), None);
    println!("{:<44} {:>16.3?}", "a report of the list, gathered", started.elapsed());
    drop(order);
    drop(app);
    while_loading(alerts, area);
}
