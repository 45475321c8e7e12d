//! A Tuesday of a company that writes software: 2026-03-10, from half past seven to half past five. Nothing is
//! carried out; all that is found is the known false positives, the pattern's blind spots, and where the two profiles
//! differ.
//!
//! | module | whose day |
//! |---|---|
//! | [`workstations`] | developers with their IDEs, which fetch in the background |
//! | [`shells`] | developers who type: clones, downloads, capital letters, events in another order |
//! | [`machines`] | build agents, dependency updaters, a scanner, and hosts that are "CI" by accident |

mod machines;
mod shells;
mod workstations;

use super::background::{self, Background};
use super::event::Event;
use super::git;
use super::host::{Host, Process};
use super::names::{Server, Shown};
use super::{Fixture, Log, intact};
use crate::support::clock::Ticks;

const DAY: (u64, u64, u64) = (2026, 3, 10);
const CODE: &str = r"C:\Users\Public\Programs\Microsoft VS Code\Code.exe";
const NODE: &str = r"C:\Program Files\nodejs\node.exe";
const CURL: &str = r"C:\Windows\System32\curl.exe";
const CMD: &str = r"C:\Windows\System32\cmd.exe";
const POWERSHELL: &str = super::four_tests::POWERSHELL;

pub fn fixtures() -> Vec<Fixture> {
    let mut files = workstations::files();
    files.extend(shells::files());
    files.extend(machines::files());
    files
}

/// A host on its day, with what it does besides.
struct Day {
    host: Host,
    background: Background,
    /// Seconds between two things of the background.
    pace: u64,
}

impl Day {
    /// A host that `user` works on from half past seven.
    fn new(name: &str, user: &str, pace: u64) -> Self {
        let mut host = Host::new(name, at("07:30:00.2500000"));
        host.act_as(user);
        let folder = user.rsplit('\\').next().unwrap_or(user).trim_end_matches('$');
        host.go_to(&format!(r"C:\Users\{folder}\source\"));
        let explorer = host.running(r"C:\Windows\explorer.exe", r"C:\WINDOWS\Explorer.EXE");
        let background = Background::new(&mut host, &explorer);
        Self { host, background, pace }
    }

    /// A program that the user starts from the desktop.
    fn open(&mut self, image: &str) -> Process {
        let explorer = self.background.explorer().clone();
        self.host.start(&explorer, image, &format!("\"{image}\" "))
    }

    /// Background until a time of day.
    fn until(&mut self, time_of_day: &str) {
        background::until(&mut self.host, &self.background, at(time_of_day), self.pace);
    }

    /// The log, from the record with that number.
    fn log(mut self, path: &'static str, first_record_id: u64) -> Fixture {
        self.until("17:30:00");
        file(path, first_record_id, self.host.sysmon)
    }
}

fn at(time_of_day: &str) -> Ticks {
    Ticks::at(DAY, time_of_day)
}

fn file(path: &'static str, first_record_id: u64, events: Vec<Event>) -> Fixture {
    intact(path, Log::sorted(first_record_id, events))
}

/// An IDE's `git fetch` every few minutes, by a git that opens the connection itself.
fn background_fetch(host: &mut Host, ide: &Process, image: &str, server: &Server, shown: Shown) {
    let git = host.start(ide, image, "git.exe -c credential.helper= fetch --no-tags --prune origin");
    host.ask(&git, server);
    host.connect(&git, server, shown);
    host.wait(1_200);
    host.exit(&git);
}

/// A program of a tool: it asks for a server, connects, and ends.
fn short_call(
    host: &mut Host,
    parent: &Process,
    (image, command_line): (&str, &str),
    server: &Server,
    shown: Shown,
) {
    let process = host.start(parent, image, command_line);
    host.wait(200);
    host.ask(&process, server);
    host.connect(&process, server, shown);
    host.wait(900);
    host.exit(&process);
}

/// `git push URL …` from a shell, with its helpers.
fn push_to(host: &mut Host, shell: &Process, url: &str, refs: &str, server: &Server) {
    let push = git::begin(host, shell, &format!("push {url} {refs}"));
    let remote = git::Remote { name: url, url, server, shown: Shown::Dash };
    git::transfer(host, &push.program, git::Way::Push, &remote);
    git::end(host, &push);
}
