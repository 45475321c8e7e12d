//! One lab machine over nine years and four versions of Sysmon: the events keep their numbers, their fields come and
//! go. A reader finds a field by its name alone.

use super::git;
use super::host::{CURRENT, Host, Process, Schema};
use super::names::{GITHUB, GITHUB_API, GITLAB, Shown, TOKEN};
use super::{Fixture, Log, intact};
use crate::support::clock::Ticks;
use crate::support::evtx_writer::value::Value;
use crate::support::schemas::{self, old};

const POWERSHELL: &str = super::four_tests::POWERSHELL;
const CMD: &str = r"C:\Windows\System32\cmd.exe";

const SYSMON_6: Schema = Schema {
    process_create: &old::PROCESS_CREATE_2017,
    network_connect: &old::NETWORK_CONNECT_2017,
    process_terminate: &old::PROCESS_TERMINATE_2017,
    file_create: &old::FILE_CREATE_2017,
    dns_query: &old::DNS_QUERY_2020, // never written: it came with Sysmon 10
    absent: "",
};
const SYSMON_9: Schema = Schema {
    process_create: &old::PROCESS_CREATE_2019,
    network_connect: &schemas::NETWORK_CONNECT,
    process_terminate: &old::PROCESS_TERMINATE_2019,
    file_create: &old::FILE_CREATE_2019,
    ..SYSMON_6
};
const SYSMON_12: Schema = Schema { process_create: &old::PROCESS_CREATE_2020, ..SYSMON_9 };

pub fn fixture() -> Fixture {
    let mut host = Host::new("LAB-W10", Ticks::at((2017, 11, 14), "13:02:11.4420000"));
    host.act_as(r"LAB-W10\tester");
    host.go_to(r"C:\Users\tester\");

    begin_era(&mut host, SYSMON_6, "6.10", "3.40");
    let shell = shell(&mut host);
    in_2017(&mut host, &shell);

    host.now = Ticks::at((2019, 4, 18), "16:55:37.0140000");
    begin_era(&mut host, SYSMON_9, "9.01", "4.20");
    let shell = self::shell(&mut host);
    in_2019(&mut host, &shell);

    host.now = Ticks::at((2020, 9, 2), "08:40:00.9030000");
    begin_era(&mut host, SYSMON_12, "12.0", "4.40");
    let shell = self::shell(&mut host);
    in_2020(&mut host, &shell);

    host.now = Ticks::at((2026, 3, 9), "17:21:45.1000000");
    begin_era(&mut host, CURRENT, "15.15", "4.90");
    let shell = self::shell(&mut host);
    let node = host.start(&shell, r"C:\Program Files\nodejs\node.exe", "node  publish.js");
    host.connect(&node, &GITLAB, Shown::Asked);
    host.wait(3_000);
    host.exit(&node);

    intact("old-schema.evtx", Log::sorted(1, host.sysmon))
}

/// Event 4: the service starts, in a new version.
fn begin_era(host: &mut Host, schema: Schema, version: &'static str, schema_version: &'static str) {
    host.schema = schema;
    let service = host.running(r"C:\Windows\Sysmon64.exe", r"C:\WINDOWS\Sysmon64.exe");
    let given = [
        ("State", Value::from("Started")),
        ("Version", version.into()),
        ("SchemaVersion", schema_version.into()),
    ];
    host.log(&schemas::SERVICE_STATE, &service, 1, &given);
    host.wait(2_000);
}

fn shell(host: &mut Host) -> Process {
    let explorer = host.running(r"C:\Windows\explorer.exe", r"C:\Windows\Explorer.EXE");
    host.start(&explorer, CMD, r#""C:\Windows\system32\cmd.exe" "#)
}

/// A push with its URL, and an upload whose connection shows the name that was asked for.
fn in_2017(host: &mut Host, shell: &Process) {
    let url = "https://github.com/corp-example-lab/notes.git";
    let push = git::begin(host, shell, &format!("push {url} master"));
    let helper = host.start(&push.program, git::HTTPS_HELPER, &format!("git-remote-https {url} {url}"));
    host.connect_to(&helper, "192.30.253.112", "lb-192-30-253-112-iad.github.com", 443);
    host.wait(700);
    host.exit(&helper);
    git::end(host, &push);
    host.wait(40_000);
    let command_line = format!(
        "powershell  -Command \"Invoke-RestMethod -Method Put -Headers @{{Authorization='token {TOKEN}'}} -Uri \
         https://api.github.com/repos/corp-example-lab/notes/contents/a.txt -Body (gc b.json -Raw)\""
    );
    let upload = host.start(shell, POWERSHELL, &command_line);
    host.connect(&upload, &GITHUB_API, Shown::Asked);
    host.create_file(&upload, r"C:\Users\tester\AppData\Local\Temp\answer.json");
    host.wait(2_800);
    host.exit(&upload);
}

/// A gist. Its connection shows a reverse name, and this Sysmon logs no queries: it cannot be joined.
fn in_2019(host: &mut Host, shell: &Process) {
    let command_line =
        format!("curl  -X POST -H \"Authorization: token {TOKEN}\" -d @g.json https://api.github.com/gists");
    let curl = host.start(shell, r"C:\Windows\System32\curl.exe", &command_line);
    host.connect(&curl, &GITHUB_API, Shown::Reverse);
    host.wait(2_500);
    host.exit(&curl);
}

/// requests.put; the connection has no name, the query gives it one.
fn in_2020(host: &mut Host, shell: &Process) {
    let command_line = "python  -c \"import requests; requests.put('https://api.github.com/repos/corp-example-lab/notes/\
                        contents/c.txt', json=__import__('json').load(open('c.json')))\"";
    let python = host.start(shell, r"C:\Python38\python.exe", command_line);
    host.ask(&python, &GITHUB_API);
    host.connect(&python, &GITHUB_API, Shown::Empty);
    host.wait(1_700);
    // A browser at the same address: not one of the programs.
    let browser = host.running(r"C:\Program Files\Mozilla Firefox\firefox.exe", "firefox.exe");
    host.ask(&browser, &GITHUB);
    host.connect(&browser, &GITHUB, Shown::Empty);
    host.exit(&python);
}
