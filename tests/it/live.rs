//! The console on the channels of a host: two runs over one log, other channels, and a channel that is muted.

use std::path::Path;
use std::sync::{Arc, Mutex};

use exfilscope::model::alarm::{Alarm, AlarmKind};
use exfilscope::model::batch::SourceId;
use exfilscope::model::fault::Severity;
use exfilscope::model::feed::{FeedMessage, Progress};
use exfilscope::model::telemetry::Channel;
use exfilscope::model::time::Timestamp;
use exfilscope::source::live::{EventLog, Live, LiveOptions, SYSMON_CHANNEL};
use exfilscope::store::list::listing::Shown;
use exfilscope::store::{Collect, HostNaming, Store};
use exfilscope::tui::input::{Chord, Input, Key};
use exfilscope::tui::run::picture;
use exfilscope::tui::state::alarms::Alarms;
use exfilscope::tui::state::{App, Settings};
use exfilscope::walk;
use ratatui::layout::Rect;

use crate::settings;
use crate::support::event_log::Host;

const SYSMON: &str = "Microsoft-Windows-Sysmon";
const CONSOLE: &str = "{01234567-89ab-cdef-0123-000000000001}";
const AREA: Rect = Rect { x: 0, y: 0, width: 140, height: 40 };

/// Action on Sysmon's channel once all is read.
type AtEnd = Option<fn(&Host, &str)>;

/// Reads a host's channels until nothing comes any more, as `--live` does, and shows them.
fn console(host: &Host, state_folder: &Path, at_end: AtEnd) -> App {
    let channels = LiveOptions::of_host("WS-1", None, None, Some(state_folder));
    let live = Live::open(channels, &mut |options| {
        let at_end = at_end.filter(|_| options.channel == SYSMON_CHANNEL);
        let log: Box<dyn EventLog + Send> = Box::new(host.open(&options.channel, at_end)?);
        Ok(log)
    })
    .unwrap();
    let progress = Arc::new(Progress::default());
    let store = Store::new(HostNaming::Computer, Collect::Everything);
    let settings = Settings { case: Some("case.ndjson".to_owned()), ..settings::settings(SYSMON_CHANNEL) };
    let mut app = App::new(store, settings, Arc::clone(&progress));
    app.endless = Some(Box::new(|| "live".to_owned()));
    app.set_tests(walk::file::load(&[]).unwrap(), true);
    let messages = Mutex::new(Vec::new());
    live.run(&progress, &|message| {
        messages.lock().unwrap().push(message);
        true
    });
    for message in messages.into_inner().unwrap() {
        // Live reading has no end of its own.
        if !matches!(message, FeedMessage::Finished) {
            app.feed(message);
        }
    }
    app.prepare(AREA, true);
    app
}

fn screen(app: &mut App) -> String {
    let buffer = picture(app, AREA);
    let line = |y| (0..AREA.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..AREA.height).map(|y| line(y).trim_end().to_owned() + "\n").collect()
}

/// The lines of the list, from the first one on.
fn list(app: &mut App) -> Vec<String> {
    let screen = screen(app);
    let lines = screen.lines().skip_while(|line| !line.contains("Alerts ")).skip(2);
    lines.take_while(|line| line.starts_with(['2', '3', '!'])).map(str::to_owned).collect()
}

fn start(host: &Host, guid: &str, image: &str, command_line: &str, parent: &str) {
    let data = [
        ("ProcessGuid", guid),
        ("Image", image),
        ("CommandLine", command_line),
        ("User", "CORP\\alice"),
        ("ParentProcessGuid", "{01234567-89ab-cdef-0123-0000000000ff}"),
        ("ParentImage", parent),
        ("ParentCommandLine", parent),
    ];
    host.write(SYSMON_CHANNEL, SYSMON, 1, &data);
}

fn connection(host: &Host, guid: &str) {
    let data = [
        ("ProcessGuid", guid),
        ("Image", "C:\\Git\\git.exe"),
        ("User", "CORP\\alice"),
        ("DestinationHostname", "github.com"),
        ("DestinationIp", "140.82.121.4"),
    ];
    host.write(SYSMON_CHANNEL, SYSMON, 3, &data);
}

#[test]
fn second_run_marks_seen_alerts() {
    let (host, folder) = (Host::default(), tempfile::tempdir().unwrap());
    let ide = "C:\\Program Files\\Microsoft VS Code\\Code.exe";
    start(&host, CONSOLE, "C:\\Git\\git.exe", "git push https://github.com/a/first", "C:\\Windows\\cmd.exe");
    // A process of an editor, which connects only after the first run.
    let of_editor = "{01234567-89ab-cdef-0123-000000000002}";
    start(&host, of_editor, "C:\\Git\\git.exe", "git status", ide);
    let mut first = console(&host, folder.path(), None);
    let lines = list(&mut first);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].starts_with("3   ") && lines[0].contains("first"), "{}", lines[0]);

    start(
        &host,
        "{01234567-89ab-cdef-0123-000000000003}",
        "C:\\Git\\git.exe",
        "git push https://github.com/a/second",
        "C:\\Windows\\cmd.exe",
    );
    connection(&host, of_editor);
    // A process of which no start is known: the score of such a connection.
    connection(&host, "{01234567-89ab-cdef-0123-000000000009}");
    let mut second = console(&host, folder.path(), None);
    let lines = list(&mut second);
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let line = |text: &str| lines.iter().find(|line| line.contains(text)).unwrap();
    assert!(line("first").starts_with("3 s "), "{}", line("first"));
    assert!(line("second").starts_with("3   "), "{}", line("second"));
    assert!(line("github.com  ").starts_with("2   "), "{}", line("github.com  "));
    // The editor's own is suppressed: its start is from before the first run's end.
    assert_eq!(second.listing.total(Shown::Suppressed, 2), 1);
    let until = |app: &App| app.progress.seen_until(SourceId(0));
    assert_eq!((until(&first), until(&second)), (None, Some(2)));
}

#[test]
fn other_channels_reach_the_tests() {
    let (host, folder) = (Host::default(), tempfile::tempdir().unwrap());
    start(&host, CONSOLE, "C:\\Git\\git.exe", "git push https://github.com/a/b", "C:\\Windows\\cmd.exe");
    let (powershell, provider) = (Channel::PowerShell.name(), Channel::PowerShell.providers()[0]);
    host.write(powershell, provider, 4103, &[("Payload", "nothing")]);
    host.write(powershell, provider, 4104, &[("ScriptBlockText", "Get-Process"), ("ScriptBlockId", "1")]);
    let app = console(&host, folder.path(), None);
    assert!(app.store.reads_other_channels());
    assert_eq!(app.store.channel_records(Channel::PowerShell), 2);
    assert_eq!(app.store.channel_coverage(Channel::PowerShell, Some("WS-1")).events, 1);
    assert_eq!(app.store.channel_records(Channel::Security), 0);
    let faults: Vec<String> = app.store.faults().iter().map(ToString::to_string).collect();
    assert!(faults.len() == 1 && faults[0].contains("no Event 4688"), "{faults:?}");
}

#[test]
fn muted_channel_is_a_line() {
    type Case = (fn(&Host, &str), &'static str, &'static str);
    let cases: [Case; 2] =
        [(Host::turn_off, "CHANNEL TURNED OFF", "T1562.002"), (Host::clear, "LOG CLEARED", "T1070.001")];
    for (happen, words, technique) in cases {
        let (host, folder) = (Host::default(), tempfile::tempdir().unwrap());
        start(&host, CONSOLE, "C:\\Git\\git.exe", "git push https://github.com/a/b", "C:\\Windows\\cmd.exe");
        let mut app = console(&host, folder.path(), Some(happen));
        let lines = list(&mut app);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(lines[0].starts_with("!   ") && lines[0].contains(words), "{}", lines[0]);
        assert!(lines[0].contains("WS-1") && lines[0].contains(SYSMON_CHANNEL), "{}", lines[0]);

        // It is selected first; its detail explains it, and names the last record that was read.
        assert!(app.selected_alarm().is_some() && app.selected_finding().is_none());
        let shown = screen(&mut app);
        for text in [technique, "Noticed", "record 1;", "not an event of the log", "1 alarm"] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        // Actions on events are refused with a reason.
        for (letter, reason) in ['d', 'Y', 'a'].map(|letter| (letter, "An alarm is no event")) {
            app.handle(Input::Key(Chord::plain(Key::Char(letter))));
            assert!(app.message.clone().unwrap().1.contains(reason), "{letter}: {:?}", app.message);
        }
        // No filter and no grouping hides it, and the alert after it is still reached.
        app.handle(Input::Key(Chord::plain(Key::Down)));
        app.prepare(AREA, true);
        assert!(app.selected_alarm().is_none() && app.selected_finding().is_some());
        for key in "/nothing\n".chars() {
            let key = if key == '\n' { Key::Enter } else { Key::Char(key) };
            app.handle(Input::Key(Chord::plain(key)));
            app.prepare(AREA, true);
        }
        let lines = list(&mut app);
        assert!(lines.len() == 1 && lines[0].contains(words), "{lines:#?}");
        // It is a read error too, once, and no finding.
        assert_eq!((app.store.findings().len(), app.store.tally().sysmon), (1, 1));
        let losses = app.store.faults().iter().filter(|fault| fault.severity == Severity::Loss);
        assert_eq!(losses.count(), 1, "{:?}", app.store.faults());
    }
}

#[test]
fn alarms_of_one_kind_share_line() {
    let mut alarms = Alarms::default();
    let at = |second| Timestamp::from_unix(second, 0, 0);
    for second in 0..1000 {
        alarms.add(Alarm {
            kind: if second % 2 == 0 { AlarmKind::Cleared } else { AlarmKind::TurnedOff },
            source: SourceId(0),
            channel: SYSMON_CHANNEL.to_owned(),
            host: "WS-1".to_owned(),
            noticed: at(second),
            fine_at: None,
            last_record: None,
            last_time: None,
            reason: String::new(),
        });
    }
    let lines: Vec<_> = alarms.lines().iter().map(|line| (line.times, line.latest)).collect();
    assert_eq!(lines, [(500, at(998)), (500, at(999))]);
}
