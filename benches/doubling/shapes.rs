//! Sysmon events as JSON Lines, in the shapes that are measured.

use std::fmt::Write as _;

use exfilscope::model::time::Timestamp;
use serde_json::{Map, Value, json};

const GIT: &str = r"C:\Program Files\Git\cmd\git.exe";
const PYTHON: &str = r"C:\Python312\python.exe";
const SSH: &str = r"C:\Windows\System32\OpenSSH\ssh.exe";
const CMD: &str = r"C:\Windows\System32\cmd.exe";
const PUSH: &str = "git push https://github.com/o/r";
const CURL: &str = r"C:\Windows\System32\curl.exe";
const POWERSHELL: &str = r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe";
const ADDRESS: &str = "140.82.121.4";
/// 2026-03-01, in seconds since 1970.
const BEGIN: i64 = 1_772_323_200;

/// A log in the making.
#[derive(Default)]
struct Log {
    text: String,
    records: u64,
}

impl Log {
    /// Adds an event `milliseconds` after the log's beginning.
    fn add(&mut self, code: u16, milliseconds: i64, host: &str, fields: &[(&str, &str)]) {
        self.records += 1;
        let nanoseconds = u32::try_from(milliseconds.rem_euclid(1000)).unwrap_or(0) * 1_000_000;
        let time = Timestamp::from_unix(BEGIN + milliseconds.div_euclid(1000), nanoseconds, 6).to_string();
        let data: Map<String, Value> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        let event = json!({"Event": {
            "System": {
                "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon"}},
                "EventID": code,
                "TimeCreated": {"#attributes": {"SystemTime": time}},
                "EventRecordID": self.records,
                "Channel": "Microsoft-Windows-Sysmon/Operational",
                "Computer": host,
            },
            "EventData": data,
        }});
        let _ = writeln!(self.text, "{event}");
    }

    /// Adds an Event 1 of WS-1.
    fn start(&mut self, milliseconds: i64, process: u32, parent: u32, image: &str, line: &str) {
        let (own, above) = (guid(process), guid(parent));
        let fields = [
            ("ProcessGuid", own.as_str()),
            ("Image", image),
            ("CommandLine", line),
            ("ParentProcessGuid", &above),
            ("ParentImage", CMD),
            ("ParentCommandLine", "cmd"),
            ("CurrentDirectory", r"C:\df00tech-exfil\"),
            ("User", r"CORP\a"),
        ];
        self.add(1, milliseconds, "WS-1", &fields);
    }

    /// Adds an Event 3 of WS-1.
    fn connect(&mut self, milliseconds: i64, process: u32, image: &str, name: &str) {
        let own = guid(process);
        let fields = [
            ("ProcessGuid", own.as_str()),
            ("Image", image),
            ("DestinationIp", ADDRESS),
            ("DestinationHostname", name),
            ("User", r"CORP\a"),
        ];
        self.add(3, milliseconds, "WS-1", &fields);
    }

    /// Adds an Event 22 of WS-1 for github.com.
    fn ask(&mut self, milliseconds: i64, process: u32, results: &str) {
        let own = guid(process);
        let fields = [
            ("ProcessGuid", own.as_str()),
            ("Image", PYTHON),
            ("QueryName", "github.com"),
            ("QueryResults", results),
            ("User", r"CORP\a"),
        ];
        self.add(22, milliseconds, "WS-1", &fields);
    }

    fn bytes(self) -> Vec<u8> {
        self.text.into_bytes()
    }
}

fn guid(number: u32) -> String {
    format!("{{00000001-0000-0000-0000-{number:012X}}}")
}

/// One process asks DNS and connects, n times, as a log has it; the connections have no name of their own.
pub(crate) fn joins(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    for at in (0..i64::from(n)).map(|number| number * 4_000) {
        log.ask(at, 7, "::ffff:140.82.121.4;");
        log.connect(at + 2_000, 7, PYTHON, "-");
    }
    log.bytes()
}

/// n connections of one process, then n Event 1 of it, each earlier than the one before.
pub(crate) fn rejoin(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    for at in 0..i64::from(n) {
        log.connect(1_000_000_000 + at * 1_000, 7, PYTHON, "github.com");
    }
    for at in 0..i64::from(n) {
        log.start(1_000_000_000 - at * 1_000, 7, 1, PYTHON, "python x.py");
    }
    log.bytes()
}

/// n Event 1 of one ssh.exe that is asked to receive.
pub(crate) fn ssh(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    for at in 0..i64::from(n) {
        log.start(at * 1_000, 7, 8, SSH, "ssh git@github.com git-receive-pack 'o/r'");
    }
    log.bytes()
}

/// A connection, then n answers for github.com of 5,000 addresses each, all different.
pub(crate) fn answers(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    log.connect(0, 7, PYTHON, "-");
    let mut address = 0x1_0000_u32;
    for at in 0..i64::from(n) {
        let mut results = String::new();
        for _ in 0..5_000 {
            let _ = write!(results, "{:x}:{:x}::;", address >> 16, address & 0xffff);
            address += 1;
        }
        log.ask((at + 1) * 1_000, 7, &results);
    }
    log.bytes()
}

/// n alerts, each of its own host, parent, user, repository and folder.
pub(crate) fn distinct(n: u32) -> Vec<u8> {
    each_its_own(n, |number| format!("h{number}.example"))
}

/// The same on hosts that the CI-host pattern knows, so that none of them is an alert.
pub(crate) fn suppressed(n: u32) -> Vec<u8> {
    each_its_own(n, |number| format!("ci-{number}.jenkins.example"))
}

fn each_its_own(n: u32, host: impl Fn(u32) -> String) -> Vec<u8> {
    let mut log = Log::default();
    for number in 0..n {
        let (own, line) = (guid(number + 1), format!("git push https://github.com/o{number}/r{number}"));
        let (parent, parent_line) = (format!(r"C:\p{number}\cmd.exe"), format!("c{number}"));
        let (user, folder) = (format!(r"CORP\u{number}"), format!(r"C:\f{number}"));
        let fields = [
            ("ProcessGuid", own.as_str()),
            ("Image", GIT),
            ("CommandLine", &line),
            ("ParentImage", &parent),
            ("ParentCommandLine", &parent_line),
            ("User", &user),
            ("CurrentDirectory", &folder),
        ];
        log.add(1, i64::from(number) * 1_000, &host(number), &fields);
    }
    log.bytes()
}

/// n pushes of one shell in one second, and n other programs of the same shell in the seconds after it.
pub(crate) fn walk(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    for number in 0..n {
        log.start(1_000_000, 10 + number, 1, GIT, PUSH);
    }
    for number in 0..n {
        log.start(1_001_000 + i64::from(number) * 8_000 / i64::from(n), 10 + n + number, 1, CMD, "cmd");
    }
    log.bytes()
}

/// A push with n children.
pub(crate) fn kids(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    log.start(0, 1, 2, GIT, PUSH);
    for number in 0..n {
        log.start(i64::from(number + 1) * 1_000, 10 + number, 1, CMD, "cmd");
    }
    log.bytes()
}

/// A push that writes n files.
pub(crate) fn acts(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    log.start(0, 1, 2, GIT, PUSH);
    let own = guid(1);
    for number in 0..n {
        let file = format!(r"C:\x{number}");
        let fields = [("ProcessGuid", own.as_str()), ("Image", GIT), ("TargetFilename", &file)];
        log.add(11, i64::from(number) * 1_000, "WS-1", &fields);
    }
    log.bytes()
}

/// A push below n ancestors.
pub(crate) fn deep(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    for number in 0..n {
        log.start(i64::from(n - number) * 1_000, number + 1, number + 2, CMD, "cmd");
    }
    log.start(i64::from(n + 9) * 1_000, n + 5, 1, GIT, PUSH);
    log.bytes()
}

/// n pushes, each the child of the next, so that all of them are one activity.
pub(crate) fn git_deep(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    for number in 0..n {
        let (own, above) = (guid(number + 1), guid(number + 2));
        let fields = [
            ("ProcessGuid", own.as_str()),
            ("Image", GIT),
            ("CommandLine", PUSH),
            ("ParentProcessGuid", &above),
            ("ParentImage", GIT),
            ("ParentCommandLine", "git push"),
            ("User", r"CORP\a"),
        ];
        log.add(1, i64::from(number) * 1_000, "WS-1", &fields);
    }
    log.bytes()
}

/// A push with n connections to github.com.
pub(crate) fn connections(n: u32) -> Vec<u8> {
    let mut log = Log::default();
    log.start(0, 1, 2, GIT, PUSH);
    for number in 0..n {
        log.connect(i64::from(number) * 1_000, 1, GIT, "github.com");
    }
    log.bytes()
}

/// Ten processes with the same command line.
fn ten(image: &str, line: &str) -> Vec<u8> {
    let mut log = Log::default();
    for process in 1..=10 {
        log.start(i64::from(process), process, 0, image, line);
    }
    log.text.into_bytes()
}

/// Names of hosts without a blank between them.
pub(crate) fn words(n: u32) -> Vec<u8> {
    ten(CURL, &format!("curl {}", "a.b/".repeat(n as usize)))
}

/// The same on lines that are alerts.
pub(crate) fn host_names(n: u32) -> Vec<u8> {
    ten(CURL, &format!("curl -T x https://api.github.com/gists {}", "github.com/".repeat(n as usize)))
}

/// A word before which PowerShell may say how it sends.
pub(crate) fn method(n: u32) -> Vec<u8> {
    ten(POWERSHELL, &format!("powershell irm https://api.github.com/x {}", "method".repeat(n as usize)))
}

/// Options, and after them what makes the line a lead.
pub(crate) fn options(n: u32) -> Vec<u8> {
    ten(
        CURL,
        &format!(
            "curl {}-T x https://uploads.github.com/repos/o/r/releases/1/assets",
            "-s ".repeat(n as usize)
        ),
    )
}
