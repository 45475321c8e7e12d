//! Text, times and relations that an attacker, or a broken sensor, could write into a log.

mod texts;

use super::host::{Host, Process};
use super::names::{GITHUB_API, Shown};
use super::{Fixture, Log, intact};
use crate::support::clock::Ticks;
use crate::support::evtx_writer::value::{Guid, Value};
use crate::support::schemas;

const CURL: &str = r"C:\Windows\System32\curl.exe";
const NODE: &str = r"C:\Program Files\nodejs\node.exe";
const CODE: &str = r"C:\Program Files\Microsoft VS Code\Code.exe";
/// Arguments that make a command line an upload, whatever precedes them.
const UPLOAD: &str = "-X POST https://api.github.com/gists";

pub fn fixture() -> Fixture {
    let mut host = Host::new("WS-0666.corp.example", Ticks::at((2026, 3, 6), "11:00:00.0000000"));
    host.act_as(r"CORP\eve");
    host.go_to(r"C:\Users\eve\");
    let explorer = host.running(r"C:\Windows\explorer.exe", r"C:\WINDOWS\Explorer.EXE");

    command_lines(&mut host, &explorer);
    other_fields(&mut host, &explorer);
    relations(&mut host, &explorer);
    empty_values(&mut host, &explorer);
    let mut events = host.sysmon;
    events.extend(same_guid_on_two_hosts());
    // A log is in the order of its records, not of its times.
    let mut log = Log::sorted(1, events);
    log.events.extend(times());
    // Its times end with 9999-12-30.
    log.beyond_the_crate = (1..)
        .zip(&log.events)
        .filter(|(_, event)| event.time > Ticks::at((9999, 12, 30), "22:00:00"))
        .map(|(id, _)| id)
        .collect();
    intact("hostile.evtx", log)
}

/// Uploads whose command lines attack a terminal, a reader's eye, a spreadsheet, a page, or a parser.
fn command_lines(host: &mut Host, explorer: &Process) {
    for text in texts::TEXTS {
        host.start(explorer, CURL, &format!("{text} {UPLOAD}"));
        host.wait(1_000);
    }
    // As long as a record of one chunk can hold.
    host.start(explorer, CURL, &format!("curl -d {} {UPLOAD}", "A".repeat(28_000)));
    host.wait(1_000);
    for units in texts::BROKEN_UNITS {
        let process = host.start(explorer, CURL, "replaced");
        let units = [units, " ".encode_utf16().chain(UPLOAD.encode_utf16()).collect::<Vec<u16>>().as_slice()]
            .concat();
        amend(host, "CommandLine", Value::Utf16(units));
        host.exit(&process);
        host.wait(1_000);
    }
}

/// The same in fields other than the command line.
fn other_fields(host: &mut Host, explorer: &Process) {
    for (field, value) in [
        ("User", "CORP\\\u{202e}eve\u{1b}[8m"),
        ("ParentImage", "C:\\Temp\\\u{1b}]0;owned\u{7}\\Code.exe.exe"),
        ("ParentCommandLine", "\u{9b}2J\u{9b}H\r\n\tnothing to see"),
        ("Image", "C:\\Users\\eve\\=cmd|' \u{200b}/C calc'!A0\\curl.exe"),
        ("CurrentDirectory", "C:\\\u{2066}gnp.exe\u{2069}\\"),
    ] {
        host.start(explorer, CURL, &format!("curl {UPLOAD}"));
        amend(host, field, value.into());
        host.wait(1_000);
    }
    // A name on no list, whatever it looks like, and one that is.
    let node = host.start(explorer, NODE, "node  sync.js");
    for name in ["github.com\u{1b}[0m", "github.com\u{202e}", "gıthub.com", "GITHUB.COM", "github.com."] {
        host.connect_to(&node, "203.0.113.7", name, 443);
    }
    // The Kelvin sign and the long s fold to k and s in some languages' eyes, not in a search's.
    host.start(explorer, CURL, "curl -X PO\u{17f}T https://api.github.com/gi\u{17f}t\u{17f}");
    let query = host.start(explorer, NODE, "node  query.js");
    host.dns(&query, "api.github.com\u{1b}[2J", "::ffff:203.0.113.9;");
    host.connect_to(&query, "203.0.113.9", "-", 443);
    host.dns(&query, "api.github.com", ";;type:  5 ;::ffff:203.0.113.10;garbage;::ffff:999.1.1.1;");
    host.connect_to(&query, "203.0.113.10", "-", 443);
}

/// Processes that are their own parents.
fn relations(host: &mut Host, explorer: &Process) {
    let own = host.start(explorer, CURL, &format!("curl own-parent {UPLOAD}"));
    amend(host, "ParentProcessGuid", own.guid.into());
    host.connect(&own, &GITHUB_API, Shown::Asked);

    let first = host.start(explorer, NODE, "node  first.js");
    let first_event = host.sysmon.len() - 1;
    let second = host.start(&first, NODE, "node  second.js");
    let event = host.sysmon[first_event].clone();
    host.sysmon[first_event] = event
        .with("ParentProcessGuid", second.guid)
        .with("ParentImage", second.image.clone())
        .with("ParentCommandLine", second.command_line.clone());
    host.connect(&first, &GITHUB_API, Shown::Asked);
    host.connect(&second, &GITHUB_API, Shown::Asked);
}

/// Values that are empty, `-`, or zero.
fn empty_values(host: &mut Host, explorer: &Process) {
    for (field, value) in [
        ("Image", Value::from("")),
        ("Image", "-".into()),
        ("CommandLine", "".into()),
        ("CommandLine", "-".into()),
        ("User", "".into()),
        ("User", "-".into()),
        ("ParentImage", "".into()),
        ("ParentCommandLine", "-".into()),
        ("ProcessGuid", Guid::default().into()),
        ("ParentProcessGuid", Guid::default().into()),
    ] {
        host.start(explorer, CURL, &format!("curl {UPLOAD}"));
        amend(host, field, value);
        host.wait(500);
    }
    // A connection and an IDE's child, both of the GUID that means "not known": they are not one process.
    host.start(&Process { image: CODE.to_owned(), ..explorer.clone() }, NODE, "node  unknown.js");
    amend(host, "ProcessGuid", Guid::default().into());
    let node = Process {
        guid: Guid::default(),
        image: NODE.to_owned(),
        command_line: String::new(),
        ..explorer.clone()
    };
    host.connect(&node, &GITHUB_API, Shown::Asked);
    for name in ["", "-"] {
        host.connect_to(&node, "140.82.121.6", name, 443);
    }
}

/// Two hosts whose sensors were cloned: one GUID, an IDE's child on one of them, a shell's on the other.
fn same_guid_on_two_hosts() -> Vec<super::event::Event> {
    let guid = Guid::from_number(0xc10e_d000_1234_69b1_0100_0000_0000_4a00);
    let mut events = Vec::new();
    for (name, parent) in
        [("WS-0671.corp.example", CODE), ("WS-0672.corp.example", r"C:\Windows\System32\cmd.exe")]
    {
        let mut host = Host::new(name, Ticks::at((2026, 3, 6), "11:20:00.0000000"));
        host.act_as(r"CORP\mallory");
        let parent = host.running(parent, parent);
        let process = host.start(&parent, NODE, "node  cloned.js");
        amend(&mut host, "ProcessGuid", guid.into());
        let process = Process { guid, ..process };
        host.connect(&process, &GITHUB_API, Shown::Asked);
        events.append(&mut host.sysmon);
    }
    events
}

/// Connections at the ends of what Windows can count, and in no order.
fn times() -> Vec<super::event::Event> {
    let mut host = Host::new("WS-0667.corp.example", Ticks::at((2026, 3, 6), "12:00:00.0000000"));
    host.act_as(r"CORP\eve");
    let explorer = host.running(r"C:\Windows\explorer.exe", r"C:\WINDOWS\Explorer.EXE");
    let last = Ticks(u64::MAX / 2);
    for (index, time) in [last, Ticks(0), Ticks(1), Ticks::at((1969, 12, 31), "23:59:59.9999999")]
        .into_iter()
        .chain([Ticks::at((2038, 1, 19), "03:14:08"), Ticks::at((9999, 12, 31), "23:59:59.9999999")])
        .chain([Ticks::at((10000, 1, 1), "00:00:00"), Ticks::at((2026, 3, 6), "12:00:00.1234567")])
        .enumerate()
    {
        let process = host.start(&explorer, NODE, &format!("node number{index}.js"));
        host.connect(&process, &GITHUB_API, Shown::Asked);
        if let Some(event) = host.sysmon.last_mut() {
            event.time = time;
        }
    }
    host.sysmon
}

/// Changes a field of the last event.
fn amend(host: &mut Host, field: &str, value: Value) {
    let event = host.sysmon.pop().expect("an event");
    assert!(std::ptr::eq(event.shape, &raw const schemas::PROCESS_CREATE), "an Event 1");
    host.sysmon.push(event.with(field, value));
}
