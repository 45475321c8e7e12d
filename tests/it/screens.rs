//! The screens, as text and in colours, at three sizes. No key, size or batch is too much for them.
//! `INSTA_UPDATE=always cargo test --test it screens::` takes new pictures: look at them before they are committed.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use exfilscope::detect::hunt::hosts::RepositoryHosts;
use exfilscope::files::policy::{Existing, OutputPolicy};
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::text::is_forbidden;
use exfilscope::model::time::Timestamp;
use exfilscope::model::verdict::Verdict;
use exfilscope::source::{LoadOptions, load};
use exfilscope::store::compaction::{Compactor, Retention};
use exfilscope::store::held::Held;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::run::{frame, picture};
use exfilscope::tui::state::effect::Scope;
use exfilscope::tui::state::{App, Narrowing, Pane, Selected, Settings};
use exfilscope::tui::theme::{ColorSupport, Theme, Token};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use crate::settings;
use settings::settings;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// Messages from reading a fixture, in the order of one thread.
fn messages(name: &str) -> Vec<FeedMessage> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let messages = Mutex::new(Vec::new());
    load(&[path], &LoadOptions { threads: 1 }, &Progress::default(), &|message| {
        messages.lock().unwrap().push(message);
        true
    });
    messages.into_inner().unwrap()
}

fn empty(colors: ColorSupport, ascii: bool) -> App {
    let theme = Theme::load("ansi", None, colors).unwrap();
    let case = Some("case.ndjson".to_owned());
    let settings = Settings { theme, ascii, case, ..settings("four-tests.evtx") };
    let mut store = Store::new(HostNaming::Computer, Collect::Everything);
    store.hunt(RepositoryHosts::default());
    App::new(store, settings, Arc::new(Progress::default()))
}

fn feed(app: &mut App, messages: impl IntoIterator<Item = FeedMessage>) {
    for message in messages {
        app.feed(message);
    }
}

fn four_tests() -> App {
    let mut app = empty(ColorSupport::Ansi16, false);
    feed(&mut app, messages("four-tests.evtx"));
    app
}

fn press(app: &mut App, keys: &str) {
    for c in keys.chars() {
        let key = match c {
            '\n' => Key::Enter,
            '\t' => Key::Tab,
            '\x1b' => Key::Esc,
            '\x08' => Key::Backspace,
            c => Key::Char(c),
        };
        app.handle(Input::Key(Chord::plain(key)));
        app.prepare(app.area, true);
    }
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
    let (row, line) = lines
        .lines()
        .enumerate()
        .find(|(_, line)| line.contains(wanted))
        .unwrap_or_else(|| panic!("{wanted}:\n{lines}"));
    let column = line[..line.find(wanted).unwrap()].chars().count();
    (u16::try_from(column).unwrap(), u16::try_from(row).unwrap())
}

fn style_at(buffer: &Buffer, at: (u16, u16)) -> Style {
    buffer[at].style()
}

/// Returns whether a cell has a token's style.
fn looks(app: &App, style: Style, token: Token) -> bool {
    let wanted = app.theme.style(token);
    wanted.fg.is_none_or(|fg| style.fg == Some(fg))
        && wanted.bg.is_none_or(|bg| style.bg == Some(bg))
        && style.add_modifier.contains(wanted.add_modifier)
}

#[test]
fn workbench_visits_each_changed_alert() {
    let mut app = four_tests();
    at(&mut app, (120, 40));
    press(&mut app, "/curl\n2|ws-4711\t\tjj");
    let shown = text(&at(&mut app, (120, 40)));
    assert!(shown.contains("0 new ── 10 gone"), "{shown}");
    press(&mut app, "\n");
    let shown = text(&at(&mut app, (120, 40)));
    assert!(shown.contains("patterns being tried") && shown.contains("Suppressed 10"), "{shown}");
    assert!(shown.contains("CI pattern matched \"WS-4711\""), "{shown}");
    let wanted = app.workbench.as_ref().unwrap().changes(&app.store).get(2).unwrap().1;
    assert_eq!(app.selected, Some(Selected::Finding(Held::new(wanted, &app.store))));
    press(&mut app, "c");
    assert!(app.pattern_editor.is_none(), "the other editor is for what is in force");
    press(&mut app, "\x1b");
    assert!(app.shows_workbench());
    press(&mut app, "\x1b");
    let shown = text(&at(&mut app, (120, 40)));
    assert!(shown.contains("filter curl") && !shown.contains("not saved"), "all as before:\n{shown}");
}

#[test]
fn workbench_keeps_undoes_and_redoes() {
    let mut app = four_tests();
    at(&mut app, (120, 40));
    press(&mut app, "2|ws-4711\n\x1b");
    assert_eq!(app.lines.len(), 0, "kept, and in force");
    press(&mut app, "u");
    assert_eq!(app.lines.len(), 10);
    app.handle(Input::Key(Chord::ctrl('r')));
    app.prepare(app.area, true);
    assert_eq!(app.lines.len(), 0);
    press(&mut app, "2|(\n");
    let shown = text(&at(&mut app, (120, 40)));
    assert!(shown.contains("Not kept: ci-host: this group is not closed"), "{shown}");
}

#[test]
fn page_end_key_reaches_last_line() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut app = four_tests();
        at(&mut app, size);
        press(&mut app, "?");
        let first = text(&at(&mut app, size));
        assert!(first.contains("line 1 of "), "{first}");
        press(&mut app, "G");
        let last = text(&at(&mut app, size));
        assert!(last.contains(", 0 below"), "{last}");
        press(&mut app, "k");
        assert!(text(&at(&mut app, size)).contains(", 1 below"), "no key is lost behind the end");
    }
}

#[test]
fn alert_is_allowed_by_own_exception() {
    let mut app = four_tests();
    at(&mut app, (120, 40));
    let is_of_python = |app: &mut App| {
        let shown = text(&at(app, (120, 40)));
        shown.split_once("Detail").is_some_and(|(_, detail)| detail.contains("python  -c"))
    };
    for _ in 0..10 {
        if !is_of_python(&mut app) {
            press(&mut app, "j");
        }
    }
    assert!(is_of_python(&mut app));
    press(&mut app, "a");
    let mut next = || {
        app.handle(Input::Key(Chord::ctrl('n')));
        text(&at(&mut app, (120, 40)))
    };
    assert!(next().contains("hosts that differ from WS-4711.corp.example in numbers alone"));
    assert!(next().contains(r"also matches parent C:\Windows\System32\cmd.exe"));
    let shown = next();
    for part in [r"host         (?i)^WS\-4711\.corp\.example$", "Suppresses 3 alerts", "python  -c"] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
    assert!(next().contains("also matches host WS-4711.corp.example"), "it goes round");
    next();
    next();
    next();
    press(&mut app, "\nx");
    let shown = text(&at(&mut app, (120, 40)));
    assert!(
        shown.contains("Suppressed 3") && shown.contains("exception WS-4711 python.exe: allowed"),
        "{shown}"
    );
    press(&mut app, "u");
    assert!(text(&at(&mut app, (120, 40))).contains("Suppressed 0"));
}

#[test]
fn exception_applies_to_the_chosen_alert() {
    for fixture in ["four-tests.evtx", "developers-day"] {
        let mut app = empty(ColorSupport::Ansi16, false);
        feed(&mut app, messages(fixture));
        at(&mut app, (120, 40));
        // Splunk's search knows no parent of a connection: the last proposal before the exception hides the host.
        press(&mut app, "ppG");
        let chosen = app.selected_finding().unwrap();
        let event = app.store.event(app.store.finding(chosen).unwrap().event).unwrap();
        let (host, image) = (app.store.host_of(event).unwrap().to_owned(), event.image.unwrap());
        let program = app.store.text(image).rsplit('\\').next().unwrap().to_owned();
        let label = host.split('.').next().unwrap().to_owned();
        press(&mut app, "a");
        for _ in 0..2 {
            app.handle(Input::Key(Chord::ctrl('n')));
            at(&mut app, (120, 40));
        }
        let shown = text(&at(&mut app, (120, 40)));
        assert!(shown.contains("New exception"), "{fixture}:\n{shown}");
        assert!(shown.contains(&format!("{label} {program}")), "{fixture}, {label} {program}:\n{shown}");
    }
}

#[test]
fn advice_is_taken_into_its_pattern() {
    let mut app = empty(ColorSupport::Ansi16, false);
    feed(&mut app, messages("developers-day"));
    at(&mut app, (120, 40));
    press(&mut app, "2\t\t\t");
    let shown = text(&at(&mut app, (120, 40)));
    for part in [
        "`ci[-_]` matches inside a word: pci-db01.corp.example",
        "`devops` matches in the domain, not in the name: ws01.devops.corp.example",
        "pushes like an agent: 5 times",
    ] {
        assert!(shown.contains(part), "{part}:\n{shown}");
    }
    press(&mut app, "\n");
    let shown = text(&at(&mut app, (120, 40)));
    assert!(shown.contains(r"\bci[-_]|build[-_]"), "{shown}");
    let appear = app.workbench.as_ref().unwrap().changes(&app.store).appear.len();
    assert!(appear > 1, "what it silenced appears:\n{shown}");
}

#[test]
fn screens_match_their_snapshots() {
    for (name, keys) in [
        ("start", ""),
        ("parent", "jj\n"),
        ("grouped", "b\n"),
        ("suppressed", "x"),
        ("filter_with_a_fault", "/curl imaage:x"),
        ("pattern_that_takes_all", "c|ws-4711"),
        ("pattern_with_a_fault", "c|("),
        ("allowed", "a"),
        ("workbench", "2"),
        ("workbench_typed", "2|ws-4711\t\t"),
        ("workbench_with_a_fault", "2(?!a)"),
        ("range", "\tv"),
        ("hunt", "p/signal:GitPushSendPack\n"),
        ("spl", "pp"),
        ("coverage", "3"),
        ("verdict", "d"),
        ("decided", "dmjdujNcalled him\njjdbn"),
        ("group_decided", "jdmbd"),
        ("help", "?"),
    ] {
        for size in SIZES {
            let mut app = four_tests();
            at(&mut app, size);
            press(&mut app, keys);
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text(&at(&mut app, size)));
        }
    }
    let mut app = empty(ColorSupport::None, true);
    feed(&mut app, messages("four-tests.evtx"));
    insta::assert_snapshot!("ascii_80x24", text(&at(&mut app, (80, 24))));
    insta::assert_snapshot!("too_small", text(&at(&mut app, (59, 15))));
    insta::assert_snapshot!("nothing_yet", text(&at(&mut empty(ColorSupport::Ansi16, false), (80, 24))));
}

#[test]
fn frozen_view_counts_new_events() {
    let (first, rest): (Vec<_>, Vec<_>) = {
        let mut messages = messages("forwarded.evtx");
        messages.retain(|message| !matches!(message, FeedMessage::Finished));
        let batches = messages.len();
        let rest = messages.split_off(batches / 2);
        (messages, rest)
    };
    let mut app = empty(ColorSupport::Ansi16, false);
    feed(&mut app, first);
    let before = text(&at(&mut app, (120, 40)));
    press(&mut app, " ");
    feed(&mut app, rest);
    let frozen = at(&mut app, (120, 40));
    let alerts = |text: &str| text.lines().skip(1).take_while(|line| !line.contains("Detail")).count();
    let (before_list, frozen_text) = (before.lines().skip(2).take(8).collect::<Vec<_>>(), text(&frozen));
    assert_eq!(frozen_text.lines().skip(2).take(8).collect::<Vec<_>>(), before_list, "{}", alerts(&before));
    let said = find(&frozen, "frozen, ");
    assert!(looks(&app, style_at(&frozen, said), Token::Warning));
    assert!(frozen_text.contains("new alert"), "{frozen_text}");
    assert!(!app.has_news(), "nothing is left to draw for");
    press(&mut app, " ");
    let thawed = text(&at(&mut app, (120, 40)));
    assert!(!thawed.contains("frozen"), "{thawed}");
    assert_ne!(thawed.lines().skip(2).take(8).collect::<Vec<_>>(), before_list);
    // Once all is read there is nothing to hold back.
    app.feed(FeedMessage::Finished);
    press(&mut app, " ");
    assert!(text(&at(&mut app, (120, 40))).contains("Nothing to freeze"));
}

#[test]
fn colours_mean_what_the_theme_says() {
    for size in SIZES {
        let mut app = four_tests();
        at(&mut app, size);
        press(&mut app, "j");
        let buffer = at(&mut app, size);
        let first_row = find(&buffer, "Alerts 10").1 + 2;
        assert!(looks(&app, style_at(&buffer, (0, first_row)), Token::Score3), "the score at {size:?}");
        assert!(
            looks(&app, style_at(&buffer, (5, first_row + 1)), Token::Selection),
            "the selected row at {size:?}"
        );
        assert!(!looks(&app, style_at(&buffer, (5, first_row)), Token::Selection), "another row at {size:?}");
        let why = find(&buffer, "Why").1;
        let (column, row) = (why..size.1)
            .flat_map(|row| (0..size.0).map(move |column| (column, row)))
            .find(|cell| looks(&app, style_at(&buffer, *cell), Token::Match))
            .unwrap_or_else(|| panic!("nothing is highlighted at {size:?}:\n{}", text(&buffer)));
        let marked: String = (column..size.0)
            .take_while(|column| looks(&app, style_at(&buffer, (*column, row)), Token::Match))
            .map(|column| buffer[(column, row)].symbol())
            .collect();
        assert!(["POST", "api.github.com", "push"].contains(&marked.as_str()), "{marked}");
    }
}

#[test]
fn joined_fields_and_faults_are_coloured() {
    let mut app = four_tests();
    at(&mut app, (120, 40));
    press(&mut app, "/score=2");
    press(&mut app, "\n");
    let buffer = at(&mut app, (120, 40));
    let (column, row) = find(&buffer, "Parent    ");
    assert!(looks(&app, style_at(&buffer, (column + 10, row)), Token::Joined), "{}", text(&buffer));
    press(&mut app, "\x1bc|(");
    let buffer = at(&mut app, (120, 40));
    let (column, row) = find(&buffer, "add `)`");
    assert!(looks(&app, style_at(&buffer, (column, row)), Token::Error));
}

#[test]
fn lead_is_listed_explained_and_coloured() {
    for size in SIZES {
        let mut app = four_tests();
        at(&mut app, size);
        press(&mut app, "p/signal:GitPush\nj");
        let buffer = at(&mut app, size);
        let name = if size.0 >= 160 { "GitPushSendPack" } else { "snd-pack" };
        assert!(looks(&app, style_at(&buffer, find(&buffer, name)), Token::SignalLead), "{size:?}");
    }
    let mut app = four_tests();
    at(&mut app, (120, 40));
    press(&mut app, "p/signal:GitPushSendPack\n\t\tz");
    let buffer = at(&mut app, (120, 40));
    let (column, row) = find(&buffer, "Events    git was told to push without naming a URL");
    assert!(looks(&app, style_at(&buffer, (column + 10, row)), Token::Joined), "{}", text(&buffer));
    for part in ["[Event 1 record 48284 of four-tests.evtx]", "[Event 22 record", "[Event 3 record"] {
        find(&buffer, part);
    }
    press(&mut app, "\x1b\x1b\x1bp");
    assert!(!text(&at(&mut app, (120, 40))).contains("snd-pack"), "spl knows of no lead");
}

#[test]
fn base64_script_is_decoded_and_masked() {
    let script = "irm https://api.github.com/gists -Method Post -Headers @{Authorization='token ghp_0123456789abcdefABCDEF0123456789abcd'} # \u{202e}\x1b[31m";
    let units: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let line = format!("powershell.exe -NoP -e {}", STANDARD.encode(units));
    let fields = [
        (Field::Computer, "WS-1"),
        (Field::Image, r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe"),
        (Field::CommandLine, line.as_str()),
    ];
    let mut batch = Batch::new(SourceId(0));
    let head = EventHead {
        event_code: 1,
        time: None,
        record_id: Some(1),
        place: 1,
        process_guid: None,
        parent_process_guid: None,
    };
    batch.push(head, fields);
    let mut app = empty(ColorSupport::Ansi16, false);
    feed(&mut app, [FeedMessage::Batch(batch)]);
    at(&mut app, (120, 40));
    press(&mut app, "p");
    let picture = text(&at(&mut app, (120, 40)));
    assert!(picture.contains("enc-up"), "{picture}");
    let decoded = picture.split("Decoded").nth(1).unwrap_or_else(|| panic!("{picture}"));
    for part in ["irm https://api.github.com/gists", "ghp_****", "<U+202E>"] {
        assert!(decoded.contains(part), "{part}: {decoded}");
    }
    assert!(!picture.contains("0123456789abcdefABCDEF") && !picture.contains('\u{202e}'), "{picture}");
}

#[test]
fn verdicts_are_shown_counted_and_filtered() {
    for size in SIZES {
        let mut app = four_tests();
        at(&mut app, size);
        press(&mut app, "jdmjdbjdujNits own job runs\n");
        let buffer = at(&mut app, size);
        let first_row = find(&buffer, "Alerts 10").1 + 2;
        for (row, letter, token) in [(1, "M", Token::Error), (2, "b", Token::Ok), (3, "u", Token::Warning)] {
            assert_eq!(buffer[(2, first_row + row)].symbol(), letter, "row {row} at {size:?}");
            assert!(looks(&app, style_at(&buffer, (2, first_row + row)), token), "row {row} at {size:?}");
        }
        assert_eq!(buffer[(2, first_row)].symbol(), " ");
        // The alert with a note alone is the selected one.
        assert_eq!(buffer[(2, first_row + 4)].symbol(), "n");
        let (column, row) = find(&buffer, "M:1 b:1 u:1 7 left");
        assert!(looks(&app, style_at(&buffer, (column, row)), Token::Error));
        let (column, row) = find(&buffer, "its own job runs");
        assert!(looks(&app, style_at(&buffer, (column, row)), Token::Text), "the note at {size:?}");
        for (filter, listed) in [
            ("verdict:none", 7),
            ("verdict:malicious", 1),
            ("!verdict:none", 3),
            ("verdict:benign OR verdict=unclear", 2),
            ("note~^its", 1),
            ("note:job verdict:none", 1),
            ("note:nothing", 0),
        ] {
            press(&mut app, &format!("/{filter}\n"));
            let buffer = at(&mut app, size);
            find(&buffer, &format!("Alerts {listed} of 10"));
            press(&mut app, "\x1b");
        }
        find(&at(&mut app, size), "Alerts 10");
    }
}

#[test]
fn a_lead_takes_a_verdict_too() {
    let mut app = empty(ColorSupport::Ansi16, false);
    feed(&mut app, messages("developers-day"));
    at(&mut app, (120, 40));
    press(&mut app, "p/signal:GitPushSendPack\ndm");
    let lead = app.listing.findings[0];
    assert_eq!(app.triage.mark(lead).verdict, Verdict::Malicious);
    let buffer = at(&mut app, (120, 40));
    let first_row = find(&buffer, "Alerts 1 of").1 + 2;
    assert_eq!(buffer[(2, first_row)].symbol(), "M");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.md");
    let outputs = OutputPolicy::new("");
    let scope = Scope::Selected(app.pin_selection().unwrap());
    let order = app.report(&scope, Some(file.clone()), Timestamp::from_unix(0, 0, 0), None);
    order.write(&outputs, Existing::Refuse).unwrap();
    let report = std::fs::read_to_string(file).unwrap();
    assert!(report.contains("GitPushSendPack"), "a report has it, too: {report}");
    press(&mut app, "U");
    assert_eq!(app.triage.mark(lead).verdict, Verdict::Undecided);
}

#[test]
fn verdicts_survive_compaction() {
    let mut app = empty(ColorSupport::Ansi16, false);
    app.keeper = Some(Compactor::new(Retention::Events(1_000), || Timestamp::from_unix(1_780_000_000, 0, 0)));
    // Events without an alert precede all, so that the alerts get other numbers when they are evicted.
    let fill = |app: &mut App, first: u64| {
        let mut batch = Batch::new(SourceId(7));
        for number in first..first + 8_000 {
            let head = EventHead {
                // Of a CI system, and so no alert.
                event_code: 1,
                time: Some(Timestamp::from_unix(1_700_000_000, 0, 7)),
                record_id: Some(number),
                place: number,
                process_guid: None,
                parent_process_guid: None,
            };
            let command_line = "git push https://github.com/a/b";
            batch.push(
                head,
                [
                    (Field::Computer, "jenkins-1"),
                    (Field::Image, r"C:\git\git.exe"),
                    (Field::CommandLine, command_line),
                ],
            );
        }
        app.feed(FeedMessage::Batch(batch));
    };
    fill(&mut app, 0);
    feed(&mut app, messages("four-tests.evtx"));
    at(&mut app, (120, 40));
    press(&mut app, "jdmjdb");
    let marks = |app: &mut App| -> Vec<_> {
        at(app, (120, 40));
        app.listing.findings.iter().map(|id| app.triage.mark(*id)).collect()
    };
    let before = marks(&mut app);
    for round in 1..5 {
        fill(&mut app, round * 8_000);
    }
    assert!(app.store.evicted() > 0, "nothing left");
    assert_eq!(marks(&mut app), before);
    assert_eq!(app.triage.counts, [1, 1, 0, 8]);
}

#[test]
fn verdict_is_undone_and_next_found() {
    let mut app = four_tests();
    at(&mut app, (120, 40));
    let counts = |app: &mut App| {
        at(app, (120, 40));
        app.triage.counts
    };
    press(&mut app, "dm");
    assert_eq!(counts(&mut app), [1, 0, 0, 9]);
    press(&mut app, "n");
    assert_eq!(app.cursor, 1);
    press(&mut app, "dbn");
    assert_eq!(app.cursor, 2);
    press(&mut app, "db");
    press(&mut app, "db");
    assert_eq!(app.message.as_ref().unwrap().1, "No change: it already has this verdict.");
    press(&mut app, "U");
    assert_eq!(counts(&mut app), [1, 1, 0, 8]);
    press(&mut app, "UU");
    assert_eq!(counts(&mut app), [0, 0, 0, 10]);
    press(&mut app, "U");
    assert_eq!(app.message.as_ref().unwrap().1, "Nothing to undo: no verdict yet.");
    // Nothing is decided by a key that leaves.
    press(&mut app, "d\x1b");
    assert_eq!(counts(&mut app), [0, 0, 0, 10]);
    // All of a group that is listed, and no more.
    press(&mut app, "/curl\n");
    let listed = app.listing.findings.len();
    assert!((1..10).contains(&listed));
    press(&mut app, "bdb");
    assert_eq!(counts(&mut app), [0, listed, 0, 10 - listed]);
    find(&at(&mut app, (120, 40)), "done");
    press(&mut app, "n");
    assert_eq!(app.message.as_ref().unwrap().1, "Every alert of this list has a verdict.");
    press(&mut app, "\x1b\x1b");
    press(&mut app, "U");
    assert_eq!(counts(&mut app), [0, 0, 0, 10]);
    // Under a filter for what is undecided, a verdict brings the next one under the cursor.
    press(&mut app, "/verdict:none\n");
    let first = app.selected_finding();
    press(&mut app, "dm");
    at(&mut app, (120, 40));
    assert_eq!((app.listing.findings.len(), app.cursor), (9, 0));
    assert_ne!(app.selected_finding(), first);
}

#[test]
fn selection_and_severity_show_without_colours() {
    let mut app = empty(ColorSupport::None, false);
    feed(&mut app, messages("four-tests.evtx"));
    let buffer = at(&mut app, (120, 40));
    for cell in buffer.content() {
        assert!(matches!(cell.fg, Color::Reset) && matches!(cell.bg, Color::Reset), "{cell:?}");
    }
    let row = find(&buffer, "Alerts 10").1 + 2;
    assert!(style_at(&buffer, (5, row)).add_modifier.contains(Modifier::REVERSED));
    assert!(style_at(&buffer, (0, row + 1)).add_modifier.contains(Modifier::BOLD));
}

#[test]
fn selection_stays_during_load() {
    let mut app = empty(ColorSupport::Ansi16, false);
    feed(&mut app, messages("old-schema.evtx"));
    at(&mut app, (120, 40));
    press(&mut app, "jj");
    let selected = app.selected.clone();
    let finding = app.selected_finding();
    let Some(Selected::Finding(_)) = selected else { panic!("{selected:?}") };
    for message in messages("four-tests.evtx") {
        app.feed(message);
        at(&mut app, (120, 40));
        assert_eq!(app.selected_finding(), finding);
    }
    assert!(app.cursor > 2, "higher ranked alerts stand before it now: {}", app.cursor);
}

#[test]
fn escape_removes_one_narrowing_each() {
    use Narrowing::{Filter, Group, Suppressed, Zoom};
    let mut app = four_tests();
    at(&mut app, (120, 40));
    press(&mut app, "xb/a\n");
    press(&mut app, "z");
    for expected in [Some(Zoom), Some(Filter), Some(Group), Some(Suppressed), None] {
        assert_eq!(app.narrowing(), expected);
        press(&mut app, "\x1b");
    }
    assert_eq!(app.pane, Pane::Alerts);
}

#[test]
fn invalid_pattern_never_changes_list() {
    let mut app = four_tests();
    at(&mut app, (120, 40));
    press(&mut app, "c|ws-47");
    let listed = app.listing.findings.clone();
    assert!(listed.is_empty(), "{listed:?}");
    press(&mut app, "|(x");
    assert_eq!(app.listing.findings, listed);
    press(&mut app, "\n");
    assert!(app.pattern_editor.is_some(), "an invalid pattern is not kept");
    press(&mut app, ")\n");
    assert!(app.pattern_editor.is_none());
    press(&mut app, "u");
    assert_eq!(app.lines.len(), 10);
}

#[test]
fn control_characters_never_reach_the_screen() {
    let mut app = empty(ColorSupport::Ansi16, false);
    feed(&mut app, messages("hostile.evtx"));
    for size in SIZES {
        at(&mut app, size);
        press(&mut app, "g");
        for _ in 0..60 {
            press(&mut app, "j");
            let buffer = at(&mut app, size);
            for cell in buffer.content() {
                assert!(!cell.symbol().chars().any(is_forbidden), "{:?}", cell.symbol());
            }
        }
        press(&mut app, "b\n");
        at(&mut app, size);
        press(&mut app, "\x1b");
    }
}

#[test]
fn resized_terminal_gets_fitting_frame() {
    let sizes = [(120, 66), (120, 62), (200, 60), (59, 15), (80, 24), (1, 1), (300, 100)];
    for page in ["", "3", "?", "e", "\t", "c"] {
        let mut app = four_tests();
        at(&mut app, (120, 70));
        press(&mut app, page);
        for (columns, rows) in sizes {
            let area = Rect::new(0, 0, columns, rows);
            let mut buffer = Buffer::empty(area);
            frame(&mut app, area, &mut buffer);
            assert!(text(&buffer).trim().len() > usize::from(columns > 1), "{columns}x{rows}");
            app.prepare(Rect::new(0, 0, 120, 70), true);
        }
    }
}

fn any_key() -> impl Strategy<Value = Input> {
    let chord = |key| Input::Key(Chord::plain(key));
    prop_oneof![
        12 => "[a-zA-Z0-9/:?!()|.*~<>= ]".prop_map(move |text| chord(Key::Char(text.chars().next().unwrap()))),
        2 => proptest::sample::select(vec![
            Key::Enter, Key::Esc, Key::Backspace, Key::Delete, Key::Tab, Key::BackTab, Key::Up, Key::Down, Key::Left,
            Key::Right, Key::Home, Key::End, Key::PageUp, Key::PageDown, Key::Function(1),
        ]).prop_map(chord),
        1 => "[a-z]".prop_map(|text| Input::Key(Chord::ctrl(text.chars().next().unwrap()))),
        1 => ".{0,12}".prop_map(Input::Paste),
        1 => (0_u16..300, 0_u16..100).prop_map(|(column, row)| Input::Click(column, row)),
        1 => (any::<u16>(), any::<u16>()).prop_map(|(column, row)| Input::Click(column, row)),
        1 => (-5_i16..5).prop_map(Input::Wheel),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_key_size_batch_is_survived(
        steps in proptest::collection::vec((any_key(), proptest::option::weighted(0.2, (0_u16..300, 0_u16..100))), 1..80),
    ) {
        let mut app = empty(ColorSupport::Ansi16, false);
        let mut waiting = messages("hostile.evtx").into_iter().chain(messages("four-tests.evtx"));
        let mut size = (80, 24);
        for (input, resized) in steps {
            size = resized.unwrap_or(size);
            feed(&mut app, waiting.next());
            let _ = app.handle(input);
            at(&mut app, size);
        }
    }
}
