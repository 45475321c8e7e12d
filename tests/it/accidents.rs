//! One key or one batch at the wrong moment: a question stays about the alert it was asked of, nothing silences
//! everything unasked, and leaving or stopping asks where something would be lost.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::sync::Arc;

use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::time::Timestamp;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::keys::{Action, Context};
use exfilscope::tui::run::picture;
use exfilscope::tui::state::effect::Effect;
use exfilscope::tui::state::effect::Scope;
use exfilscope::tui::state::question::Question;
use exfilscope::tui::state::{App, Settings, Tone};
use exfilscope::tui::theme::Token;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::settings;

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
const AREA: Rect = Rect::new(0, 0, 120, 40);

/// Pushes of hosts, each a second after the one before; the newest ranks first.
fn pushes(records: std::ops::Range<u32>, host: &str) -> FeedMessage {
    let mut batch = Batch::new(SourceId(0));
    for number in records {
        let head = EventHead {
            event_code: 1,
            time: Some(Timestamp::from_unix(1_770_000_000 + i64::from(number), 0, 7)),
            record_id: Some(u64::from(number)),
            place: u64::from(number),
            process_guid: None,
            parent_process_guid: None,
        };
        let line = format!("git push --force https://github.com/acme/r{number:04}.git main");
        batch.push(
            head,
            [
                (Field::Computer, host),
                (Field::Image, r"C:\Git\git.exe"),
                (Field::ParentImage, r"C:\Windows\cmd.exe"),
                (Field::CommandLine, line.as_str()),
            ],
        );
    }
    FeedMessage::Batch(batch)
}

fn empty() -> App {
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let settings = Settings { case: Some("case.ndjson".to_owned()), ..settings::settings("day.evtx") };
    App::new(store, settings, Arc::new(Progress::default()))
}

/// Three alerts on each of two hosts, on the screen.
fn console() -> App {
    let mut app = empty();
    app.feed(pushes(1..4, "WS-1"));
    app.feed(pushes(4..7, "WS-2"));
    app.prepare(AREA, true);
    app
}

fn key(app: &mut App, key: Key) -> Vec<Effect> {
    let effects = app.handle(Input::Key(Chord::plain(key)));
    app.prepare(app.area, true);
    effects
}

fn control(app: &mut App, letter: char) -> Vec<Effect> {
    let effects = app.handle(Input::Key(Chord::ctrl(letter)));
    app.prepare(app.area, true);
    effects
}

fn keys(app: &mut App, text: &str) -> Vec<Effect> {
    let of = |c| match c {
        '\n' => Key::Enter,
        '\t' => Key::Tab,
        '\x1b' => Key::Esc,
        '\x08' => Key::Backspace,
        c => Key::Char(c),
    };
    text.chars().flat_map(|c| key(app, of(c))).collect()
}

/// More alerts, that rank above all there are.
fn more(app: &mut App, from: u32) {
    app.feed(pushes(from..from + 5, "WS-9"));
    app.prepare(AREA, true);
}

fn at(app: &mut App, (columns, rows): (u16, u16)) -> Buffer {
    picture(app, Rect::new(0, 0, columns, rows))
}

fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let line = |y| (area.left()..area.right()).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (area.top()..area.bottom()).map(|y| line(y).trim_end().to_owned() + "\n").collect()
}

fn shown(app: &mut App) -> String {
    text(&at(app, (120, 40)))
}

/// Returns whether the first cell of a text has a token's style.
fn looks(app: &App, buffer: &Buffer, wanted: &str, token: Token) -> bool {
    let lines = text(buffer);
    let found = lines.lines().enumerate().find(|(_, line)| line.contains(wanted));
    let (row, line) = found.unwrap_or_else(|| panic!("{wanted}:\n{lines}"));
    let column = line[..line.find(wanted).unwrap()].chars().count();
    let style = buffer[(u16::try_from(column).unwrap(), u16::try_from(row).unwrap())].style();
    app.theme.style(token).fg == style.fg
}

fn selected_record(app: &App) -> u64 {
    let finding = app.store.finding(app.selected_finding().unwrap()).unwrap();
    app.store.event(finding.event).unwrap().record_id().unwrap()
}

fn decided(effects: &[Effect]) -> Vec<u64> {
    let of = |effect: &Effect| match effect {
        Effect::Decide(decisions) => {
            decisions.iter().filter_map(|decision| decision.identity.record_id()).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    effects.iter().flat_map(of).collect()
}

#[test]
fn first_alert_shown_stays_selected() {
    let mut app = console();
    assert_eq!(selected_record(&app), 6);
    for round in 1..4 {
        more(&mut app, round * 10);
        assert_eq!(selected_record(&app), 6, "no key was pressed");
    }
    assert!(app.cursor >= 15, "{}", app.cursor);
    assert!(shown(&mut app).contains("r0006.git main"), "its detail");
}

#[test]
fn untouched_selection_follows_top_until_held() {
    let mut app = console();
    app.release_selection();
    more(&mut app, 10);
    assert_eq!(selected_record(&app), 14, "the top");
    app.hold_selection();
    app.release_selection();
    more(&mut app, 20);
    assert_eq!(selected_record(&app), 14, "the alert may be read");
    let mut app = console();
    keys(&mut app, "t");
    app.release_selection();
    more(&mut app, 20);
    assert_eq!(selected_record(&app), 6, "a key was pressed");
    let mut app = console();
    app.release_selection();
    keys(&mut app, "t");
    more(&mut app, 20);
    assert_eq!(selected_record(&app), 6, "a key was pressed before the next list");
}

#[test]
fn hidden_selection_keeps_a_steady_substitute() {
    let mut app = console();
    keys(&mut app, "j/ws-1\n");
    let stand_in = selected_record(&app);
    assert!(stand_in < 4, "record 5 is hidden by the filter");
    app.feed(pushes(30..35, "WS-1"));
    app.prepare(AREA, true);
    assert_eq!(selected_record(&app), stand_in);
    keys(&mut app, "\x1b");
    assert_eq!(selected_record(&app), 5, "the selection is back with the list");
}

#[test]
fn group_shows_the_same_member() {
    let mut app = console();
    keys(&mut app, "b");
    let member = selected_record(&app);
    app.feed(pushes(30..35, "WS-1"));
    app.feed(pushes(40..45, "WS-2"));
    app.prepare(AREA, true);
    assert_eq!(selected_record(&app), member);
}

#[test]
fn another_alert_shows_its_beginning() {
    let mut app = console();
    at(&mut app, (80, 24));
    keys(&mut app, "\t\tjj");
    assert!(app.detail_top > 0);
    keys(&mut app, "\t/ws-1\n");
    assert_eq!(app.detail_top, 0);
}

#[test]
fn verdict_is_on_the_pinned_alert() {
    let mut app = console();
    keys(&mut app, "jd");
    more(&mut app, 10);
    assert!(shown(&mut app).contains("Verdict on WS-2 record 5: git push --force"), "{}", shown(&mut app));
    // Actions that change the row under the cursor.
    app.handle(Input::Click(5, 8));
    app.freeze();
    app.prepare(AREA, true);
    assert_eq!(decided(&keys(&mut app, "m")), [5]);
    let message = app.message.clone().unwrap().1;
    assert!(message.starts_with("Marked malicious: WS-2 record 5"), "{message}");
}

#[test]
fn verdict_on_group_leaves_newcomers_out() {
    let mut app = console();
    keys(&mut app, "bd");
    app.feed(pushes(30..35, "WS-1"));
    app.feed(pushes(40..45, "WS-2"));
    app.prepare(AREA, true);
    assert!(shown(&mut app).contains("Verdict on 3 alerts of host WS-"), "{}", shown(&mut app));
    assert_eq!(decided(&keys(&mut app, "b")).len(), 3);
}

#[test]
fn note_is_on_the_pinned_alert() {
    let mut app = console();
    keys(&mut app, "Nours");
    more(&mut app, 10);
    assert!(shown(&mut app).contains("on WS-2 record 6: git push"), "{}", shown(&mut app));
    app.select_line(0);
    assert_eq!(decided(&keys(&mut app, "\n")), [6]);
}

#[test]
fn report_is_of_the_pinned_alert() {
    let mut app = console();
    keys(&mut app, "R");
    more(&mut app, 10);
    app.select_line(0);
    assert!(shown(&mut app).contains("on WS-2 record 6: git push"), "{}", shown(&mut app));
    let effects = keys(&mut app, "\n");
    let [Effect::Report { scope: Scope::Selected(pin), .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(pin.name(), "WS-2 record 6: git push --force https://github.com/acme/r0006.git main");
    assert!(app.pin.is_none());
}

#[test]
fn proposal_names_its_alert() {
    let mut app = console();
    keys(&mut app, "a");
    more(&mut app, 10);
    assert!(shown(&mut app).contains("for WS-2 record 6: git push"), "{}", shown(&mut app));
    keys(&mut app, "\n");
    assert!(
        app.flags.patterns().ci_host.text().contains("WS\\-2"),
        "{}",
        app.flags.patterns().ci_host.text()
    );
}

#[test]
fn pin_ends_with_its_question() {
    let mut app = console();
    for question in ["d", "N", ":", "R"] {
        keys(&mut app, question);
        assert!(app.pin.is_some(), "{question}");
        keys(&mut app, "\x1b");
        assert!(app.pin.is_none() && app.prompt.is_none() && !app.verdict_menu, "{question}");
    }
}

/// Texts that make the built-in CI pattern match everything, typed after `^U` or at its end.
const SILENCING: [(&str, bool); 6] =
    [("|", false), ("", true), ("(ws)?", true), (".", true), (r"\w", true), ("ws|x*", true)];

fn type_pattern(app: &mut App, text: &str, from_empty: bool) {
    if from_empty {
        for _ in 0..200 {
            app.handle(Input::Key(Chord::plain(Key::Backspace)));
        }
    }
    keys(app, text);
    app.prepare(AREA, true);
}

#[test]
fn silencing_pattern_needs_a_second_enter() {
    for editor in ["c", "2"] {
        for (typed, from_empty) in SILENCING {
            let mut app = console();
            keys(&mut app, editor);
            type_pattern(&mut app, typed, from_empty);
            let before = app.flags.patterns().clone();
            keys(&mut app, "\n");
            assert_eq!(*app.flags.patterns(), before, "{editor} {typed:?}");
            let (tone, message) = app.message.clone().unwrap();
            assert_eq!(tone, Tone::Danger, "{message}");
            assert!(message.contains("would silence everything"), "{message}");
            let screen = at(&mut app, (120, 40));
            assert!(looks(&app, &screen, "would silence everything", Token::Error));
            // Any other text is another pattern, and asks again.
            keys(&mut app, "z\x08\n");
            assert_eq!(*app.flags.patterns(), before, "{editor} {typed:?}: typed over");
            keys(&mut app, "\n");
            assert_ne!(*app.flags.patterns(), before, "{editor} {typed:?}: a second Enter keeps it");
        }
    }
}

#[test]
fn warnings_of_both_editors_are_one() {
    for (typed, from_empty) in SILENCING {
        let mut quick = console();
        keys(&mut quick, "c");
        type_pattern(&mut quick, typed, from_empty);
        let mut page = console();
        keys(&mut page, "2");
        type_pattern(&mut page, typed, from_empty);
        let warning = quick.pattern_editor.as_ref().unwrap().warnings[0].evidence.clone();
        let advice: Vec<_> =
            page.workbench.as_ref().unwrap().advice.iter().map(|advice| advice.evidence.clone()).collect();
        assert!(advice.contains(&warning), "{typed:?}: {warning}: {advice:#?}");
    }
}

#[test]
fn harmless_pattern_is_kept_at_once() {
    for typed in ["|ws-1", "|^WS-2$"] {
        let mut app = console();
        keys(&mut app, "c");
        keys(&mut app, typed);
        assert!(app.pattern_editor.as_ref().unwrap().warnings.is_empty(), "{typed}");
        keys(&mut app, "\n");
        assert!(app.flags.patterns().ci_host.text().ends_with(typed), "{typed}");
    }
}

#[test]
fn single_name_pattern_gives_no_warning() {
    let mut app = console();
    keys(&mut app, "i|x");
    // The only parent here is cmd.exe: one name is no evidence for all.
    assert!(app.pattern_editor.as_ref().unwrap().warnings.is_empty());
}

#[test]
fn nothing_that_goes_is_green() {
    for size in SIZES {
        let mut app = console();
        at(&mut app, size);
        keys(&mut app, "c|ws-1");
        let screen = at(&mut app, size);
        assert!(looks(&app, &screen, "3 go", Token::Warning), "{}", text(&screen));
        assert!(looks(&app, &screen, "- WS-1", Token::Warning), "{}", text(&screen));
        // All of it is red.
        keys(&mut app, "|");
        let screen = at(&mut app, size);
        assert!(looks(&app, &screen, "6 go", Token::Error), "{}", text(&screen));
        assert!(looks(&app, &screen, "an empty branch matches every text", Token::Error));
        insta::assert_snapshot!(format!("match_all_{}x{}", size.0, size.1), text(&screen));
        keys(&mut app, "\x1b2|ws-1");
        let screen = at(&mut app, size);
        assert!(looks(&app, &screen, "3 go", Token::Warning), "{}", text(&screen));
        keys(&mut app, "|");
        let screen = at(&mut app, size);
        assert!(looks(&app, &screen, "6 go", Token::Error), "{}", text(&screen));
    }
}

#[test]
fn both_patterns_are_drafts_until_enter() {
    let mut app = console();
    let before = app.flags.patterns().clone();
    keys(&mut app, "c|ws-1\t|cmd");
    assert_eq!(*app.flags.patterns(), before, "Tab keeps nothing");
    assert!(shown(&mut app).contains("ci-host is edited too"), "{}", shown(&mut app));
    keys(&mut app, "\t");
    assert!(shown(&mut app).contains("|ws-1"), "its text is still there");
    keys(&mut app, "\x1b");
    assert_eq!(*app.flags.patterns(), before, "Esc restores both");
    assert_eq!(app.tuned().patterns, before);
    assert!(app.pattern_editor.is_none() && shown(&mut app).contains("Alerts 6"));
    keys(&mut app, "c|ws-1\t|git.exe\n");
    let kept = app.flags.patterns();
    assert!(kept.ci_host.text().ends_with("|ws-1") && kept.ide_parent.text().ends_with("|git.exe"));
    // A fault in the one that is not on the screen is named, and nothing is kept.
    let before = app.flags.patterns().clone();
    keys(&mut app, "c(\t|x\n");
    assert_eq!(*app.flags.patterns(), before);
    let message = app.message.clone().unwrap().1;
    assert!(message.contains("ci-host: this group is not closed"), "{message}");
}

#[test]
fn quit_with_unsaved_patterns_asks_once() {
    for again in ["q", "y", "\x03"] {
        for first in ["q", "\x03", ":quit\n"] {
            let mut app = console();
            let press = |app: &mut App, text: &str| match text {
                "\x03" => control(app, 'c'),
                text => keys(app, text),
            };
            assert_eq!(press(&mut app, first), [Effect::Quit], "nothing is lost: {first:?}");
            keys(&mut app, "c|ws-1\n");
            assert_eq!(press(&mut app, first), [], "{first:?}");
            assert_eq!(app.question, Some(Question::Quit));
            keys(&mut app, "\x1b");
            assert_eq!((app.question, app.context()), (None, Context::Alerts));
            press(&mut app, first);
            assert_eq!(press(&mut app, again), [Effect::Quit], "{first:?} {again:?}");
        }
    }
    // A gone terminal can't be asked.
    let mut app = console();
    keys(&mut app, "c|ws-1\n");
    assert_eq!(app.handle(Input::Closed), [Effect::Quit]);
}

#[test]
fn quit_from_an_editor_asks() {
    for editor in ["c", "2"] {
        let mut app = console();
        keys(&mut app, editor);
        assert_eq!(control(&mut app, 'c'), [Effect::Quit], "nothing was typed");
        keys(&mut app, "|ws-1");
        assert_eq!(control(&mut app, 'c'), []);
        assert!(shown(&mut app).contains("A pattern is typed and not kept. Quit anyway?"));
        keys(&mut app, "n");
        assert_ne!(app.context(), Context::Question);
        assert!(shown(&mut app).contains("|ws-1"), "the editor is as it was");
    }
}

#[test]
fn unsaved_patterns_any_width_are_marked() {
    for columns in [60, 80, 120] {
        let mut app = console();
        app.feed(pushes(100..400, "jenkins-1"));
        keys(&mut app, "c|ws-1\n/git\n");
        keys(&mut app, "dm");
        app.message = None;
        let screen = at(&mut app, (columns, 24));
        assert!(looks(&app, &screen, "not saved", Token::Warning), "{}", text(&screen));
        assert!(text(&screen).lines().next().unwrap().contains("not saved"), "{}", text(&screen));
    }
}

#[test]
fn escape_never_ends_a_feed() {
    for endless in [false, true] {
        let mut app = console();
        if endless {
            app.endless = Some(Box::new(|| "following 1 file".to_owned()));
        }
        for _ in 0..20 {
            assert_eq!(key(&mut app, Key::Esc), []);
        }
        assert!(app.load.is_going_on());
        assert!(app.can(Context::Alerts, Action::Escape).is_err());
        assert!(!shown(&mut app).contains("Esc stops"));
    }
}

#[test]
fn stopped_endless_source_shows_no_percent() {
    for (endless, expected) in [(false, "reading stopped 40%"), (true, "reading stopped  ")] {
        let mut app = console();
        app.endless =
            endless.then(|| -> exfilscope::tui::state::SourceState { Box::new(|| "live".to_owned()) });
        app.progress.bytes_found.store(10, std::sync::atomic::Ordering::Relaxed);
        app.progress.bytes_done.store(4, std::sync::atomic::Ordering::Relaxed);
        keys(&mut app, ":stop\ny");
        assert!(shown(&mut app).contains(expected), "{}", shown(&mut app));
    }
}

#[test]
fn stop_asks_and_resume_goes_on() {
    let mut app = console();
    assert_eq!(keys(&mut app, ":stop\n"), []);
    assert_eq!(app.question, Some(Question::Stop));
    for no in ["\x1b", "n", "q"] {
        keys(&mut app, no);
        assert!(app.question.is_none() && app.load.is_going_on(), "{no:?}");
        keys(&mut app, ":stop\n");
    }
    keys(&mut app, "y");
    assert!(!app.load.is_going_on() && app.load.is_held);
    assert!(shown(&mut app).contains("reading stopped"), "{}", shown(&mut app));
    keys(&mut app, ":stop\n");
    assert!(app.message.clone().unwrap().1.contains("stopped already"));
    keys(&mut app, ":resume\n");
    assert!(app.load.is_going_on());
    keys(&mut app, ":resume\n");
    assert!(app.message.clone().unwrap().1.contains("was not stopped"));
    app.feed(FeedMessage::Finished);
    for command in [":stop\n", ":resume\n"] {
        keys(&mut app, command);
        assert!(app.message.clone().unwrap().1.contains("everything is read"), "{command}");
    }
}

#[test]
fn question_screens_match_their_snapshots() {
    for size in SIZES {
        for (name, typed) in [
            ("verdict", "d"),
            ("verdict_on_group", "bd"),
            ("note", "N"),
            ("report", "R"),
            ("stop", ":stop\n"),
            ("quit", "c|ws-1\nq"),
            ("allow", "a"),
            ("two_drafts", "c|ws-1\t|cmd"),
        ] {
            let mut app = console();
            at(&mut app, size);
            keys(&mut app, typed);
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text(&at(&mut app, size)));
        }
    }
}
