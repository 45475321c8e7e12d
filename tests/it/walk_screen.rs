//! The screen of the tests: its content at three sizes, its colours, and where its keys go.
//! `INSTA_UPDATE=always cargo test --test it walk_screen::` takes new pictures: look at them before they are committed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use exfilscope::detect::profile::Profile;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::text::is_forbidden;
use exfilscope::source::{Inputs, LoadOptions, load_inputs};
use exfilscope::store::list::listing::Shown;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::run::picture;
use exfilscope::tui::state::effect::Effect;
use exfilscope::tui::state::{App, Page, Selected, Settings};
use exfilscope::tui::theme::{ColorSupport, Theme, Token};
use exfilscope::walk::file;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use crate::settings;
use settings::settings;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const FOUR: [&str; 3] = ["four-tests.evtx", "four-tests-powershell.evtx", "four-tests-security.evtx"];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn messages(names: &[&str]) -> Vec<FeedMessage> {
    let paths: Vec<_> = names.iter().map(|name| fixture(name)).collect();
    let found = Mutex::new(Vec::new());
    let inputs = Inputs { telemetry: true, ..Inputs::default() };
    load_inputs(&paths, inputs, &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        found.lock().unwrap().push(message);
        true
    });
    found.into_inner().unwrap()
}

fn console(names: &[&str], colors: ColorSupport, with_telemetry: bool) -> App {
    let theme = Theme::load("ansi", None, colors).unwrap();
    let settings = Settings { theme, ..settings("3 paths") };
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let mut app = App::new(store, settings, Arc::new(Progress::default()));
    app.set_tests(file::load(&[]).unwrap(), with_telemetry);
    for message in messages(names) {
        app.feed(message);
    }
    app
}

fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for c in keys.chars() {
        let key = match c {
            '\n' => Key::Enter,
            '\x1b' => Key::Esc,
            c => Key::Char(c),
        };
        effects.extend(app.handle(Input::Key(Chord::plain(key))));
        app.prepare(app.area, true);
    }
    effects
}

fn at(app: &mut App, (columns, rows): (u16, u16)) -> Buffer {
    picture(app, Rect::new(0, 0, columns, rows))
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    (area.top()..area.bottom())
        .map(|y| {
            let line: String = (area.left()..area.right()).map(|x| buffer[(x, y)].symbol()).collect();
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}

/// Position of a text, as column and row.
fn find(buffer: &Buffer, wanted: &str) -> (u16, u16) {
    let lines = text(buffer);
    let found = lines.lines().enumerate().find(|(_, line)| line.contains(wanted));
    let (row, line) = found.unwrap_or_else(|| panic!("{wanted}:\n{lines}"));
    let column = line[..line.find(wanted).unwrap()].chars().count();
    (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
}

#[test]
fn walk_screens_match_their_snapshots() {
    for (name, names, keys) in [
        ("tests", FOUR.as_slice(), "4"),
        ("missed", FOUR.as_slice(), "4jjjjjjjjjjjjjjjjjjjjjj"),
        ("joined", FOUR.as_slice(), "4jjjjjjjjjjjjjjjjjj"),
        ("suppressed", ["walk/build-7.evtx"].as_slice(), "4j"),
        ("without_event_3", ["walk/no-event-3.evtx"].as_slice(), "4jjjjj"),
        ("no_trace", ["walk/twins.evtx"].as_slice(), "4j"),
    ] {
        for size in SIZES {
            let mut app = console(names, ColorSupport::Ansi16, true);
            at(&mut app, size);
            press(&mut app, keys);
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text(&at(&mut app, size)));
        }
    }
}

#[test]
fn verdicts_and_states_are_coloured() {
    let mut app = console(&FOUR, ColorSupport::Ansi16, true);
    at(&mut app, (120, 60));
    press(&mut app, "4");
    let buffer = at(&mut app, (120, 60));
    for (wanted, token) in [
        ("detected ", Token::Ok),
        ("missed ", Token::Error),
        ("seen ", Token::Ok),
        ("not seen", Token::Error),
        ("can't be seen", Token::Muted),
        ("git push of", Token::Title),
    ] {
        // The first line is the selected one, and the rule above it counts the verdicts.
        let lines = text(&buffer);
        let (row, line) = lines
            .lines()
            .enumerate()
            .skip(3)
            .find(|(_, line)| line.trim_start().starts_with(wanted))
            .unwrap_or_else(|| panic!("{wanted}:\n{lines}"));
        let cell = (u16::try_from(line.find(wanted).unwrap()).unwrap(), u16::try_from(row).unwrap());
        let (style, token_style) = (buffer[cell].style(), app.theme.style(token));
        assert!(token_style.fg.is_none_or(|fg| style.fg == Some(fg)), "{wanted}: {style:?}");
        assert!(style.add_modifier.contains(token_style.add_modifier), "{wanted}: {style:?}");
    }
    let mut app = console(&["walk/build-7.evtx"], ColorSupport::Ansi16, true);
    at(&mut app, (80, 24));
    press(&mut app, "4");
    let buffer = at(&mut app, (80, 24));
    let (column, row) = find(&buffer, "  suppressed");
    let style = buffer[(column + 2, row)].style();
    assert_eq!(style.fg, app.theme.style(Token::Warning).fg);
}

#[test]
fn selected_line_shows_without_colours() {
    let mut app = console(&FOUR, ColorSupport::None, true);
    at(&mut app, (80, 24));
    press(&mut app, "4jj");
    let buffer = at(&mut app, (80, 24));
    assert!(buffer[(5, 4)].style().add_modifier.contains(Modifier::REVERSED));
    assert!(!buffer[(5, 5)].style().add_modifier.contains(Modifier::REVERSED));
}

#[test]
fn enter_on_run_opens_hidden_alert() {
    let mut app = console(&FOUR, ColorSupport::Ansi16, true);
    at(&mut app, (120, 40));
    press(&mut app, "/image:nothing\n");
    assert!(app.lines.is_empty());
    press(&mut app, "4j\n");
    assert!(app.page.is_none());
    let finding = app.selected_finding().unwrap();
    let view = app.store.view(finding, Profile::Correlated, &app.flags).unwrap();
    assert_eq!(view.event().record_id(), Some(48_211));
    assert!(matches!(app.selected, Some(Selected::Finding(_))));
    // Suppressed findings are on the other side of the list.
    let mut app = console(&["walk/build-7.evtx"], ColorSupport::Ansi16, true);
    at(&mut app, (120, 40));
    press(&mut app, "4j\n");
    assert_eq!(app.list.shown, Shown::Suppressed);
    assert!(app.selected_finding().is_some());
}

#[test]
fn enter_on_step_visits_its_events() {
    let mut app = console(&FOUR, ColorSupport::Ansi16, true);
    at(&mut app, (80, 24));
    // The script block, of which there are two.
    press(&mut app, "4jjjjjj");
    let mut records = Vec::new();
    for _ in 0..3 {
        let effects = press(&mut app, "\n");
        let [Effect::ReadRaw { event, .. }] = effects.as_slice() else { panic!("{effects:?}") };
        records.push(app.store.event(*event).unwrap().record_id().unwrap());
        assert!(matches!(app.page, Some(Page::Raw { .. })));
        press(&mut app, "\x1b");
        assert_eq!(app.page, Some(Page::Tests));
    }
    assert_eq!(records, [3907, 3908, 3907]);
    press(&mut app, "?");
    assert_eq!(app.page, Some(Page::Help));
    press(&mut app, "\x1b");
    assert_eq!(app.page, Some(Page::Tests));
    // The proxy's row leads nowhere, and reports it.
    press(&mut app, "j\n");
    assert_eq!(app.page, Some(Page::Tests));
    assert!(app.message.as_ref().unwrap().1.contains("Nothing to open"));
    press(&mut app, "4");
    assert_eq!(app.page, None);
}

#[test]
fn screen_follows_load_and_edits() {
    let mut app = console(&["four-tests.evtx"], ColorSupport::Ansi16, true);
    at(&mut app, (120, 40));
    press(&mut app, "4");
    assert!(text(&at(&mut app, (120, 40))).contains("5 detected"));
    for message in messages(&["walk/build-7.evtx"]) {
        // It is another source than the one that is there.
        if let FeedMessage::Batch(batch) = message {
            app.feed(FeedMessage::Batch(batch));
        }
    }
    assert!(app.test_runs_are_behind());
    assert!(text(&at(&mut app, (120, 40))).contains("4 suppressed"));
    assert!(!app.test_runs_are_behind());
    press(&mut app, "4pp4");
    let now = text(&at(&mut app, (120, 40)));
    assert!(now.contains("4 detected ── 4 suppressed ── 2 missed ── spl"), "{now}");
}

#[test]
fn folded_pushes_are_one_line() {
    let mut app = console(&["developers-day"], ColorSupport::Ansi16, true);
    at(&mut app, (120, 40));
    press(&mut app, "4jjjjjjjjjjjjjjjjjjjjjj");
    let buffer = at(&mut app, (120, 40));
    let lines = text(&buffer);
    assert_eq!(lines.matches("pushes like the test's, without its other steps").count(), 2, "{lines}");
    let (column, row) = find(&buffer, "pushes like the test's");
    assert_eq!(buffer[(column, row)].style().fg, app.theme.style(Token::Muted).fg);
    assert!(!lines.contains("missed"), "{lines}");
}

#[test]
fn missing_other_channels_are_explained() {
    let mut app = console(&["walk/build-7.evtx"], ColorSupport::Ansi16, false);
    at(&mut app, (200, 60));
    press(&mut app, "4jjjjjj");
    let now = text(&at(&mut app, (200, 60)));
    assert!(now.contains("is not read from a source without an end"), "{now}");
}

#[test]
fn nothing_hostile_reaches_the_screen() {
    let mut app = console(&["hostile.evtx"], ColorSupport::Ansi16, true);
    for size in SIZES {
        at(&mut app, size);
        press(&mut app, "4");
        for _ in 0..120 {
            press(&mut app, "j");
            for cell in at(&mut app, size).content() {
                assert!(!cell.symbol().chars().any(is_forbidden), "{:?}", cell.symbol());
            }
        }
        press(&mut app, "4");
    }
}
