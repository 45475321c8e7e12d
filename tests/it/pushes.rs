//! Who pushes where: the table's figures, what is new in it, and that a cell leads to just the findings that it counts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use exfilscope::detect::hunt::hosts::RepositoryHosts;
use exfilscope::detect::profile::Profile;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::source::{LoadOptions, load};
use exfilscope::store::list::listing::Shown;
use exfilscope::store::push_matrix::{Axis, AxisEntry};
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::run::picture;
use exfilscope::tui::state::{App, Page, Settings};
use exfilscope::tui::theme::Token;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::settings;
use settings::settings;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

fn app(names: &[&str], profile: Profile) -> App {
    let settings = Settings { profile, ..settings("logs") };
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    store.hunt(RepositoryHosts::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let paths: Vec<_> = names.iter().map(|name| folder.join(name)).collect();
    loaded(App::new(store, settings, Arc::new(Progress::default())), &paths)
}

fn loaded(mut app: App, paths: &[PathBuf]) -> App {
    let messages: Mutex<Vec<FeedMessage>> = Mutex::default();
    load(paths, &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        messages.lock().unwrap().push(message);
        true
    });
    for message in messages.into_inner().unwrap() {
        app.feed(message);
    }
    app
}

fn at(app: &mut App, (columns, rows): (u16, u16)) -> Buffer {
    picture(app, Rect::new(0, 0, columns, rows))
}

fn press(app: &mut App, keys: &str) {
    for c in keys.chars() {
        let key = match c {
            '\n' => Key::Enter,
            '\t' => Key::Tab,
            '\x1b' => Key::Esc,
            c => Key::Char(c),
        };
        app.handle(Input::Key(Chord::plain(key)));
        app.prepare(app.area, true);
    }
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

fn find(buffer: &Buffer, wanted: &str) -> (u16, u16) {
    let lines = text(buffer);
    let (row, line) = lines
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(wanted))
        .unwrap_or_else(|| panic!("{wanted}:\n{lines}"));
    let column = line[..line.find(wanted).unwrap()].chars().count();
    (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
}

fn looks(app: &App, buffer: &Buffer, cell: (u16, u16), token: Token) -> bool {
    let (wanted, style) = (app.theme.style(token), buffer[cell].style());
    wanted.fg.is_none_or(|fg| style.fg == Some(fg))
        && wanted.bg.is_none_or(|bg| style.bg == Some(bg))
        && style.add_modifier.contains(wanted.add_modifier)
}

/// Some of the developers' day, and the four tests of the day after it.
const TWO_DAYS: [&str; 4] = [
    "developers-day/UPD-01.evtx",
    "developers-day/WS-2101.evtx",
    "developers-day/WS-2106.evtx",
    "four-tests.evtx",
];

#[test]
fn table_counts_alerts_and_marks_new() {
    let mut app = app(&TWO_DAYS, Profile::Hunt);
    at(&mut app, (120, 40));
    press(&mut app, "5");
    let table = &app.pushes.table;
    let row = |name: &str| {
        let at = table.owners.iter().position(|head| head.name.as_deref() == Some(name));
        at.unwrap_or_else(|| panic!("{name} in {:?}", table.owners))
    };
    let column =
        |name: &str| table.columns.iter().position(|head| head.name.as_deref() == Some(name)).unwrap();
    let lab = row("github.com/df00tech-lab");
    let pair = table.cell(lab, column("WS-4711.corp.example")).unwrap();
    // Tests 1 and 4 by the API, test 2's wrapper and program, and the lead of the push to `origin`.
    assert_eq!((pair.alerts, pair.suppressed, pair.is_new), (5, 0, true));
    assert_eq!(pair.first.unwrap().clock_text(), "09:12:08");
    assert_eq!(pair.last.unwrap().clock_text(), "09:21:49");
    assert!(table.owners[lab].count.is_new, "the repository is new on the last day");
    let known = &table.owners[row("github.com/corp-example")];
    assert!(!known.count.is_new && known.new_repositories.is_empty(), "known from the day before");
    assert_eq!(table.owners[lab].new_repositories, ["github.com/df00tech-lab/df00tech-exfil"]);
    // An owner of old, and a host that meets it for the first time on the last day.
    let api = row("api.github.com");
    assert!(!table.owners[api].count.is_new);
    assert!(table.cell(api, column("WS-4711.corp.example")).unwrap().is_new);
    let fetched = table.cell(row("github.com/corp-example"), column("WS-2101.corp.example")).unwrap();
    assert_eq!(fetched.alerts, 3, "the pushes of WS-2101");

    let total: usize = table.owners.iter().map(|head| head.count.all()).sum();
    assert_eq!(total, table.columns.iter().map(|head| head.count.all()).sum::<usize>());
    assert_eq!(total, table.cells.values().map(exfilscope::store::push_matrix::Count::all).sum::<usize>());
    assert_eq!(total, app.listing.by_score.iter().sum::<usize>(), "nothing is left out");
}

#[test]
fn single_day_log_has_nothing_new() {
    let mut one = app(&["developers-day"], Profile::Correlated);
    at(&mut one, (80, 24));
    press(&mut one, "5");
    assert_eq!(one.pushes.table.last_day, None);
    assert!(text(&at(&mut one, (80, 24))).contains("nothing in it can be called new"));
    // hostile.evtx has times of 1601, 9999, 10000 and 30828.
    let mut hostile = app(&["hostile.evtx", "four-tests.evtx"], Profile::Correlated);
    at(&mut hostile, (80, 24));
    press(&mut hostile, "5");
    let day = exfilscope::model::time::Timestamp::from_unix(hostile.pushes.table.last_day.unwrap(), 0, 0);
    assert_eq!(day.date_text(), "2026-03-11");
}

#[test]
fn every_cell_opens_its_findings() {
    let logs = ["developers-day", "four-tests.evtx", "hostile.evtx", "forwarded.evtx"];
    let mut app = app(&logs, Profile::Hunt);
    at(&mut app, (120, 40));
    let mut opened = 0;
    for axis in [Axis::Host, Axis::User] {
        press(&mut app, "5");
        if app.pushes.axis != axis {
            press(&mut app, "\t");
        }
        let table = app.pushes.table.clone();
        let cells: Vec<_> = (0..table.owners.len())
            .flat_map(|row| (0..=table.columns.len()).map(move |column| (row, column)))
            .collect();
        for (row, column) in cells {
            let count = match column {
                0 => Some(table.owners[row].count),
                _ => table.cell(row, column - 1).copied(),
            };
            (app.pushes.row, app.pushes.column) = (row, column);
            app.page = Some(Page::Pushes);
            press(&mut app, "\n");
            let Some(count) = count else {
                assert_eq!(app.page, Some(Page::Pushes), "an empty cell leads nowhere");
                continue;
            };
            opened += 1;
            let names = |heads: &[AxisEntry], at: usize| heads[at].name.clone();
            let filter = app.list.filter.as_ref().map(|(text, _)| text.clone());
            let (side, expected) = if count.alerts > 0 {
                (Shown::Alerts, count.alerts)
            } else {
                (Shown::Suppressed, count.suppressed)
            };
            assert_eq!(
                (app.page.clone(), app.list.shown, app.listing.findings.len()),
                (None, side, expected),
                "{filter:?} for {:?} and {:?}",
                names(&table.owners, row),
                column.checked_sub(1).map(|column| names(&table.columns, column))
            );
            press(&mut app, "\x1b\x1b");
        }
    }
    assert!(opened > 100, "{opened} cells were opened");
}

#[test]
fn pushes_page_matches_its_snapshots() {
    for size in SIZES {
        let mut app = app(&TWO_DAYS, Profile::Hunt);
        at(&mut app, size);
        press(&mut app, "5jl");
        insta::assert_snapshot!(format!("pushes_{}x{}", size.0, size.1), text(&at(&mut app, size)));
        press(&mut app, "\tll");
        insta::assert_snapshot!(format!("pushes_by_user_{}x{}", size.0, size.1), text(&at(&mut app, size)));
        press(&mut app, "\x1b");
        assert_eq!(app.page, None);
    }
    let mut empty = app(&[], Profile::Correlated);
    at(&mut empty, (80, 24));
    press(&mut empty, "5\n\tjlGg");
    assert!(text(&at(&mut empty, (80, 24))).contains("No pushes yet"));
}

#[test]
fn colours_mark_cursor_new_and_grave() {
    for size in SIZES {
        let mut app = app(&TWO_DAYS, Profile::Hunt);
        at(&mut app, size);
        press(&mut app, "5");
        let buffer = at(&mut app, size);
        let new = find(&buffer, "+github.com/df00tech-lab");
        assert!(looks(&app, &buffer, new, Token::Warning), "{size:?}");
        let (_, first_row) = find(&buffer, "Owner or organisation");
        let (column, _) = find(&buffer, " all ");
        assert!(
            looks(&app, &buffer, (column + 1, first_row + 1), Token::Selection),
            "the cursor at {size:?}"
        );
        press(&mut app, "jj");
        let buffer = at(&mut app, size);
        let cell = |row| (column + 1, first_row + row);
        assert!(looks(&app, &buffer, cell(1), Token::Score2), "connections at {size:?}");
        assert!(looks(&app, &buffer, cell(2), Token::Score3), "pushes at {size:?}");
        assert!(looks(&app, &buffer, cell(3), Token::Selection), "it moved at {size:?}");
    }
}

#[test]
fn cursor_keeps_pair_during_load() {
    let mut one = app(&["four-tests.evtx"], Profile::Hunt);
    at(&mut one, (120, 40));
    press(&mut one, "5jl");
    let before = (one.pushes.owner().unwrap().name.clone(), one.pushes.other().unwrap().name.clone());
    let more: Mutex<Vec<FeedMessage>> = Mutex::default();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/developers-day/10482.evtx");
    load(&[path], &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        more.lock().unwrap().push(message);
        true
    });
    for message in more.into_inner().unwrap() {
        one.feed(message);
    }
    at(&mut one, (120, 40));
    assert!(one.pushes.table.columns.len() > 1);
    assert_eq!((one.pushes.owner().unwrap().name.clone(), one.pushes.other().unwrap().name.clone()), before);
}

/// A log of pushes by git.exe, one for each URL.
fn log_of_pushes(path: &Path, urls: &[&str]) {
    let events: Vec<String> = urls
        .iter()
        .enumerate()
        .map(|(number, url)| {
            let id = number + 1;
            format!(
                r##"{{"Event":{{"System":{{"Provider":{{"#attributes":{{"Name":"Microsoft-Windows-Sysmon"}}}},"EventID":1,"TimeCreated":{{"#attributes":{{"SystemTime":"2026-03-01T00:00:{id:02}.000000Z"}}}},"EventRecordID":{id},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"WS-1"}},"EventData":{{"ProcessGuid":"{{000000{id:02}-0000-0000-0000-000000000001}}","Image":"C:\\Git\\cmd\\git.exe","CommandLine":"git push {url}","ParentImage":"C:\\cmd.exe","User":"C\\a"}}}}}}"##
            )
        })
        .collect();
    std::fs::write(path, events.join("\n") + "\n").unwrap();
}

#[test]
fn owners_are_those_spoken_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pushes.jsonl");
    log_of_pushes(
        &path,
        &[
            "https://github.com.evil.example/loot/box",
            "https://evilgithub.com/loot/box",
            "https://github.com@evil.example/loot/box",
            "git@ssh.dev.azure.com:v3/acme/app/code",
            "git@ssh.dev.azure.com:v3/other/app/code",
            "https://dev.azure.com/Acme/app/_git/code",
            "-o https://github.com/good/x https://gitlab.com/loot/sub/box",
        ],
    );
    for profile in Profile::ALL {
        let settings = Settings { profile, min_score: 0, ..settings("logs") };
        let mut store = Store::new(HostNaming::Computer, Collect::Everything);
        store.hunt(RepositoryHosts::default());
        let mut app =
            loaded(App::new(store, settings, Arc::new(Progress::default())), std::slice::from_ref(&path));
        at(&mut app, (120, 40));
        press(&mut app, "5");
        let mut owners: Vec<(String, usize)> = app
            .pushes
            .table
            .owners
            .iter()
            .map(|head| (head.name.clone().unwrap_or_default(), head.count.all()))
            .collect();
        owners.sort();
        let expected = [
            ("dev.azure.com/acme", 2),
            ("dev.azure.com/other", 1),
            ("evil.example/loot", 1),
            ("evilgithub.com/loot", 1),
            ("github.com.evil.example/loot", 1),
            ("gitlab.com/loot", 1),
        ];
        assert_eq!(owners, expected.map(|(name, count)| (name.to_owned(), count)), "{profile:?}");
        press(&mut app, "\x1b");
        let screen = text(&at(&mut app, (200, 60)));
        for part in ["github.com.evil.example/loot/box", "evilgithub.com/loot/box", "dev.azure.com/acme/app"]
        {
            assert!(screen.contains(part), "{part}:\n{screen}");
        }
    }
}
