//! Developers who type. Most of what the search says of them is wrong, or nothing where it should say something; and
//! their events do not come in the order in which one would like them.

use super::{CODE, CURL, Day, NODE, POWERSHELL, at, file, push_to, short_call};
use crate::support::clock::Millis;
use crate::support::scenarios::Fixture;
use crate::support::scenarios::event::Event;
use crate::support::scenarios::git::{self, Remote, Way};
use crate::support::scenarios::host::Process;
use crate::support::scenarios::names::{CODEBERG, GITHUB, GITHUB_API, GITLAB, Shown, TOKEN};

const PWSH: &str = r"C:\Program Files\PowerShell\7\pwsh.exe";

pub fn files() -> Vec<Fixture> {
    let mut files = vec![typist(), out_of_order()];
    files.extend(two_files());
    files
}

/// Words that only look like an upload, and capital letters that hide one.
fn typist() -> Fixture {
    let mut day = Day::new("WS-2106.corp.example", r"CORP\r.haddad", 150);
    let shell = day.open(PWSH);
    day.until("08:20:00");
    clone_pushgateway(&mut day, &shell);
    day.until("09:05:00");
    push_to(&mut day.host, &shell, "https://GitHub.com/corp-example/tool.git", "main", &GITHUB);
    day.until("09:50:00");
    let upload = format!(
        "\"{CURL}\" -X PUT -H \"Authorization: Bearer {TOKEN}\" -d @r.json \
         https://API.GITHUB.COM/repos/corp-example/tool/contents/r.txt"
    );
    short_call(&mut day.host, &shell, (CURL, &upload), &GITHUB_API, Shown::Dash);
    day.until("11:15:00");
    let download = format!(
        "\"{CURL}\" -sL --output tool.zip https://api.github.com/repos/corp-example/tool/zipball/v1.4.0"
    );
    short_call(&mut day.host, &shell, (CURL, &download), &GITHUB_API, Shown::Reverse);
    day.until("13:30:00");
    let reading = format!(
        "\"{POWERSHELL}\" -NoProfile -Command \"(Invoke-RestMethod https://api.github.com/repos/corp-example/tool/\
         releases/latest).tag_name\""
    );
    short_call(&mut day.host, &shell, (POWERSHELL, &reading), &GITHUB_API, Shown::Asked);
    day.until("15:10:00");
    // Named by its query alone; and a server that has its own name by both ways.
    short_call(&mut day.host, &shell, (PWSH, "pwsh.exe -File .\\release-notes.ps1"), &GITHUB, Shown::Dash);
    short_call(&mut day.host, &shell, (PWSH, "pwsh.exe -File .\\mirror.ps1"), &CODEBERG, Shown::Reverse);
    // A company's own server is no repository host of the list.
    let own = day.host.start(&shell, CURL, "curl.exe -T r.zip https://github.corp.example/api/v3/uploads");
    day.host.connect_to(&own, "10.20.0.77", "github.corp.example", 443);
    day.log("developers-day/WS-2106.evtx", 41_020)
}

/// A clone, but of something whose name has `push` in it.
fn clone_pushgateway(day: &mut Day, shell: &Process) {
    let url = "https://github.com/prometheus/pushgateway.git";
    let clone = git::begin(&mut day.host, shell, &format!("clone {url}"));
    let remote = Remote { name: "origin", url, server: &GITHUB, shown: Shown::Reverse };
    git::transfer(&mut day.host, &clone.program, Way::Fetch, &remote);
    git::end(&mut day.host, &clone);
}

/// Events that come after those that need them, or never.
fn out_of_order() -> Fixture {
    let mut day = Day::new("WS-2107.corp.example", r"CORP\n.ito", 150);
    let code = day.open(CODE);
    day.until("10:00:00");
    // Two connections, then the query, then the Event 1 of their process: under an IDE, and under none.
    for parent in [code.clone(), day.background.explorer().clone()] {
        let first = day.host.sysmon.len();
        short_call(&mut day.host, &parent, (NODE, "node.exe sync.js"), &GITHUB_API, Shown::Dash);
        let late = at("10:20:00");
        for event in day.host.sysmon.iter_mut().skip(first) {
            match event.shape.event_id {
                1 => event.time = late + Millis(900),
                22 => event.time = late,
                _ => {}
            }
        }
        day.until("10:40:00");
    }
    // A process that was there before the log: a name, and no parent to join.
    let node = day.host.running(NODE, "node.exe --watch");
    day.until("12:00:00");
    day.host.connect(&node, &GITLAB, Shown::Asked);
    // A query of another process does not count.
    let other = day.host.running(CURL, "curl.exe");
    day.host.ask(&node, &GITHUB);
    day.host.connect(&other, &GITHUB, Shown::Dash);
    // The address of an earlier answer of the same process does, hours later.
    day.until("16:00:00");
    day.host.connect(&node, &GITHUB, Shown::Reverse);
    day.log("developers-day/WS-2107.evtx", 2_000)
}

/// A log that was archived at noon: the Event 1 is in the archive, the connections are in the log.
fn two_files() -> Vec<Fixture> {
    let mut day = Day::new("WS-2108.corp.example", r"CORP\b.keller", 200);
    let code = day.open(CODE);
    day.until("11:30:00");
    let node = day.host.start(&code, NODE, "node.exe --experimental-strip-types language-server.js");
    day.until("12:00:00");
    let archived: Vec<Event> = std::mem::take(&mut day.host.sysmon);
    for hour in 13..16 {
        day.until(&format!("{hour}:00:00"));
        day.host.connect(&node, &GITHUB_API, Shown::Asked);
    }
    let next = 60_000 + u64::try_from(archived.len()).unwrap_or(0);
    vec![
        file("developers-day/WS-2108-archive.evtx", 60_000, archived),
        day.log("developers-day/WS-2108.evtx", next),
    ]
}
