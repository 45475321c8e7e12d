//! A log as large as one likes, for measurements: a collector's, of many hosts at once, a few of whose people and
//! machines write to code repositories. It is written as it is made up; memory holds some seconds of it.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use super::clock::{Millis, Ticks};
use super::evtx_writer::EvtxWriter;
use super::evtx_writer::record::ComputerName;
use super::random::Random;
use super::scenarios::background::Background;
use super::scenarios::event::Event;
use super::scenarios::git::{self, Remote, Way};
use super::scenarios::host::{Host, Process};
use super::scenarios::names::{GITHUB, GITHUB_API, GITLAB, Shown, TOKEN};

/// Alerts of the search per million events: the rate in 500,000 events of a busy company.
pub const USUAL_ALERTS_PER_MILLION: u64 = 6_000;

const HOSTS: u64 = 240;
/// Things that happen between two times at which finished events are written.
const ROUND: u64 = 500;
const CODE: &str = r"C:\Program Files\Microsoft VS Code\Code.exe";
const NODE: &str = r"C:\Program Files\nodejs\node.exe";
const CURL: &str = r"C:\Windows\System32\curl.exe";
const PYTHON: &str = r"C:\Python312\python.exe";
const POWERSHELL: &str = super::scenarios::four_tests::POWERSHELL;

/// Totals of a written log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub events: u64,
    /// Alerts of the search (the profile `spl`) that were planted, the last few of which the end may have cut.
    pub alerts: u64,
}

/// Writes `events` events to a new file at `path`. The same numbers give the same bytes.
///
/// # Errors
/// I/O errors of the file.
pub fn write(path: &Path, events: u64, seed: u64, alerts_per_million: u64) -> io::Result<Written> {
    let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut writer = EvtxWriter::new(out, ComputerName::InRecord)?;
    let mut company = Company::new(seed);
    let mut written = Written::default();
    while written.events < events {
        for event in company.round(alerts_per_million) {
            if written.events == events {
                break;
            }
            written.events += 1;
            writer.write(&event.as_record(written.events))?;
        }
    }
    writer.finish()?;
    written.alerts = company.alerts;
    Ok(written)
}

/// A host with a user on it.
struct Seat {
    host: Host,
    background: Background,
    shell: Process,
    editor: Process,
}

struct Company {
    seats: Vec<Seat>,
    random: Random,
    now: Ticks,
    /// Events that are not over yet: an earlier one may still come.
    pending: Vec<Event>,
    events: u64,
    alerts: u64,
}

impl Company {
    fn new(seed: u64) -> Self {
        let now = Ticks::at((2026, 3, 2), "05:00:00.0000000");
        let mut random = Random::new(seed);
        let mut seats: Vec<Seat> = (0..HOSTS)
            .map(|number| {
                let name = match number {
                    0..6 => format!("build-{:02}.corp.example", number + 1),
                    6..12 => format!("{}.corp.example", 10_470 + number),
                    _ => format!("WS-{}.corp.example", 2_000 + number),
                };
                let mut host = Host::new(&name, now);
                host.random = Random::new(random.next());
                host.act_as(&format!(r"CORP\user{number:03}"));
                host.go_to(&format!(r"C:\Users\user{number:03}\"));
                let explorer = host.running(r"C:\Windows\explorer.exe", r"C:\WINDOWS\Explorer.EXE");
                let background = Background::new(&mut host, &explorer);
                let shell = host.start(&explorer, POWERSHELL, &format!("\"{POWERSHELL}\" "));
                let editor = host.start(&explorer, CODE, &format!("\"{CODE}\" "));
                Seat { host, background, shell, editor }
            })
            .collect();
        let pending: Vec<Event> = seats.iter_mut().flat_map(|seat| seat.host.sysmon.drain(..)).collect();
        let events = u64::try_from(pending.len()).unwrap_or(0);
        Self { seats, random, now, pending, events, alerts: 0 }
    }

    /// The next events in the order of their times.
    fn round(&mut self, alerts_per_million: u64) -> Vec<Event> {
        for _ in 0..ROUND {
            self.now = self.now + Millis(self.random.between(20..320));
            let number = usize::try_from(self.random.below(HOSTS)).unwrap_or(0);
            let seat = &mut self.seats[number];
            seat.host.now = seat.host.now.max(self.now);
            if self.alerts * 1_000_000 < (self.events + 1) * alerts_per_million {
                self.alerts += seat.write_to_repository(&mut self.random);
            } else {
                seat.background.step(&mut seat.host);
            }
            self.events += u64::try_from(seat.host.sysmon.len()).unwrap_or(0);
            self.pending.append(&mut seat.host.sysmon);
            seat.host.security.clear();
        }
        self.pending.sort_by_key(|event| event.time);
        let over = self.pending.partition_point(|event| event.time < self.now);
        let rest = self.pending.split_off(over);
        std::mem::replace(&mut self.pending, rest)
    }
}

impl Seat {
    /// Adds activity on a repository, and returns its number of alerts of the search.
    fn write_to_repository(&mut self, random: &mut Random) -> u64 {
        let host = &mut self.host;
        let silent = host.name().starts_with("build-");
        let number = random.below(1_000_000);
        let alerts = match random.below(12) {
            0..4 => {
                let url = format!("https://github.com/corp-example/repository-{}.git", number % 400);
                let push = git::begin(host, &self.shell, &format!("push {url} HEAD:topic-{number}"));
                let remote = Remote { name: &url, url: &url, server: &GITHUB, shown: Shown::Reverse };
                git::transfer(host, &push.program, Way::Push, &remote);
                git::end(host, &push);
                2
            }
            4..6 => {
                let line = format!(
                    "\"{CURL}\" -X PUT -H \"Authorization: token {TOKEN}\" -d @{number}.json \
                     https://api.github.com/repos/corp-example/notes/contents/{number}.txt"
                );
                call(host, &self.shell, CURL, &line, Shown::Asked);
                2
            }
            6..8 => {
                let line = format!(
                    "\"{POWERSHELL}\" -Command \"Invoke-RestMethod https://api.github.com/repos/corp-example/{number}\""
                );
                call(host, &self.shell, POWERSHELL, &line, Shown::Dash);
                1
            }
            8 => {
                let line = format!("node.exe server.js --clientProcessId={number}");
                call(host, &self.editor, NODE, &line, Shown::Asked);
                1
            }
            9 => {
                call(host, &self.shell, PYTHON, &format!("python  sync{number}.py"), Shown::Dash);
                0
            }
            10 => {
                let line = "git.exe push https://GitLab.com/corp-example/mirror.git main";
                let git = host.start(&self.shell, git::PROGRAM, line);
                host.exit(&git);
                0
            }
            _ => {
                let git = host.start(&self.editor, git::PROGRAM, "git.exe fetch --all");
                host.ask(&git, &GITLAB);
                host.connect(&git, &GITLAB, Shown::Dash);
                host.exit(&git);
                0
            }
        };
        if silent { 0 } else { alerts }
    }
}

fn call(host: &mut Host, parent: &Process, image: &str, command_line: &str, shown: Shown) {
    let process = host.start(parent, image, command_line);
    host.ask(&process, &GITHUB_API);
    host.connect(&process, &GITHUB_API, shown);
    host.wait(400);
    host.exit(&process);
}
