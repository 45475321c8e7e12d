//! A console without a terminal: reads a file, then handles keys as the loop does.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::time::Timestamp;
use exfilscope::source::{LoadOptions, load};
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::state::effect::Scope;
use exfilscope::tui::state::{App, Settings};
use exfilscope::tui::views;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::settings::settings;

/// How long a list is made at a time, as in the console's loop.
const SLICE: Duration = Duration::from_millis(4);
const AREA: Rect = Rect::new(0, 0, 160, 45);

/// Reads a file, presses keys, gathers a report of what is selected, and prints the seconds of the longest step: what a
/// key may have to wait for.
pub(crate) fn press(keys: &str, file: &Path) {
    let settings = Settings { case: Some("case.ndjson".to_owned()), ..settings("bench") };
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let progress = Arc::new(Progress::default());
    let app = Mutex::new(App::new(store, settings, Arc::clone(&progress)));
    let take = |message: FeedMessage| {
        app.lock().unwrap_or_else(PoisonError::into_inner).feed(message);
        true
    };
    load(&[file.to_owned()], &LoadOptions::default(), &progress, &take);
    let mut app = app.into_inner().unwrap_or_else(PoisonError::into_inner);
    app.prepare(AREA, true);
    let mut longest = Duration::ZERO;
    for key in keys_of(keys) {
        let mut step = |work: &mut dyn FnMut(&mut App)| {
            let begun = Instant::now();
            work(&mut app);
            longest = longest.max(begun.elapsed());
            app.is_making_list()
        };
        step(&mut |app| {
            app.handle(Input::Key(Chord::plain(key)));
        });
        while step(&mut |app| {
            let begun = Instant::now();
            app.prepare_until(AREA, false, &|| begun.elapsed() >= SLICE);
            let mut buffer = Buffer::empty(AREA);
            views::draw(app, AREA, &mut buffer);
        }) {}
    }
    let begun = Instant::now();
    let Some(pin) = app.pin_selection() else { return };
    drop(app.report(&Scope::Selected(pin), None, Timestamp::from_unix(0, 0, 0), None));
    println!("{}", longest.max(begun.elapsed()).as_secs_f64());
    // The system frees the rest faster.
    std::process::exit(0);
}

/// The keys that a text names: letters, and names in angle brackets.
fn keys_of(text: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let (key, behind) = match named {
            Some(("Enter", behind)) => (Key::Enter, behind),
            Some(("Down", behind)) => (Key::Down, behind),
            Some(("Esc", behind)) => (Key::Esc, behind),
            Some(("Back", behind)) => (Key::Backspace, behind),
            _ => (Key::Char(first), &rest[first.len_utf8()..]),
        };
        keys.push(key);
        rest = behind;
    }
    keys
}
