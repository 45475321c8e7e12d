//! No secret gets out by any way: each form of one, in each field of an event, in every format and on the screen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what fails by failing"
)]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use exfilscope::export::html::write_report;
use exfilscope::export::{ExportOptions, Format, write_rows};
use exfilscope::model::batch::{Batch, EventHead, SourceId};
use exfilscope::model::event::Field;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::row::AlertRow;
use exfilscope::model::secrets::mask;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::run::picture;
use exfilscope::tui::state::effect::Effect;
use exfilscope::tui::state::{App, Page};
use ratatui::layout::Rect;

use crate::secret_forms;
use crate::settings;

/// A screen on which no detail is cut.
const SCREEN: Rect = Rect::new(0, 0, 240, 100);

/// A console with one alert, whose fields all hold the text. Its host and parent do where that leaves it an alert.
fn console(text: &str) -> App {
    let app = console_of(text, text);
    if app.selected_finding().is_some() { app } else { console_of(text, "WS-1") }
}

fn console_of(text: &str, host: &str) -> App {
    let line = format!("git.exe push https://github.com/o/r & {text}");
    let parent = format!("cmd.exe /c {text}");
    let fields = [
        (Field::Computer, host),
        (Field::User, text),
        (Field::Image, r"C:\Program Files\Git\cmd\git.exe"),
        (Field::CommandLine, line.as_str()),
        (Field::CurrentDirectory, text),
        (Field::ParentImage, host),
        (Field::ParentCommandLine, parent.as_str()),
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
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let mut app = App::new(store, settings::settings(text), Arc::new(Progress::default()));
    app.feed(FeedMessage::Batch(batch));
    app.prepare(SCREEN, true);
    app
}

/// The whole text of the screen, line by line.
fn screen(app: &mut App) -> String {
    let buffer = picture(app, SCREEN);
    let rows = buffer.content.chunks(usize::from(SCREEN.width));
    rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n").collect()
}

/// The text without what a screen puts between its pieces where a line ends.
fn without_breaks(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

fn row(app: &App) -> AlertRow {
    let id = app.selected_finding().unwrap_or_else(|| panic!("there is an alert"));
    app.store.row(id, app.list.profile, app.shown_flags()).unwrap()
}

/// A text as the raw view of EVTX writes it.
fn as_xml(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    format!(
        "<Event>\n  <EventData>\n    <Data Name=\"CommandLine\">{escaped}</Data>\n  </EventData>\n</Event>"
    )
}

fn as_json(text: &str) -> String {
    serde_json::json!({"EventCode": 1, "CommandLine": text, "Host": "WS-1"}).to_string()
}

#[test]
fn forms_are_masked_once_for_all() {
    for (text, secret) in secret_forms::forms() {
        let masked = mask(&text);
        assert!(!masked.contains(&secret), "{text} became {masked}");
        assert_eq!(mask(&masked), masked, "{text}");
        for encoded in [as_xml(&text), as_json(&text)] {
            let masked = mask(&encoded);
            assert!(!masked.contains(&secret), "{encoded} became {masked}");
        }
    }
}

#[test]
fn forms_in_base64_are_masked() {
    for (text, secret) in secret_forms::forms().into_iter().step_by(3) {
        let script = format!("Write-Output x; {text} ; Write-Output y");
        let wide: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [wide, script.into_bytes()] {
            let line = format!("powershell.exe -enc {}", STANDARD.encode(bytes));
            let masked = mask(&line).into_owned();
            assert!(masked.contains("****"), "{text}: {masked}");
            for run in masked.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '=')) {
                let run = run.get(..run.len() / 4 * 4).unwrap_or_default();
                let bytes = STANDARD.decode(run).unwrap_or_default();
                let plain: String =
                    bytes.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
                assert!(!plain.contains(&secret), "{text}: {plain}");
            }
        }
    }
}

#[test]
fn formats_tell_no_secret() {
    for (text, secret) in secret_forms::forms().into_iter().step_by(2) {
        let row = row(&console(&text));
        let options = ExportOptions {
            title: Some(text.clone()),
            summary: Some(text.clone()),
            ..ExportOptions::default()
        };
        for format in Format::ALL {
            let mut bytes = Vec::new();
            write_rows(&mut bytes, format, &mut std::iter::once(&row), &options).unwrap();
            let written = String::from_utf8(bytes).unwrap();
            assert!(!written.contains(&secret), "{format} of {text}: {written}");
        }
        let mut bytes = Vec::new();
        write_report(&mut bytes, std::iter::once(&row), &options).unwrap();
        assert!(!String::from_utf8(bytes).unwrap().contains(&secret), "a page of {text}");
    }
}

#[test]
fn screens_and_copies_tell_no_secret() {
    for (text, secret) in secret_forms::forms().into_iter().step_by(4) {
        let mut app = console(&text);
        let secret = without_breaks(&secret);
        let told = |way: &str, shown: &str| {
            assert!(!without_breaks(shown).contains(&secret), "{way} of {text}:\n{shown}");
        };
        app.handle(Input::Key(Chord::plain(Key::Enter)));
        told("the detail", &screen(&mut app));
        for key in ['y', 'Y'] {
            for effect in app.handle(Input::Key(Chord::plain(Key::Char(key)))) {
                if let Effect::Copy { text, .. } = effect {
                    told("a copy", &text);
                }
            }
        }
        for raw in [as_xml(&text), as_json(&text)] {
            app.page = Some(Page::Raw { request: 1, text: Some(Ok(raw)) });
            told("the raw view", &screen(&mut app));
        }
    }
}
