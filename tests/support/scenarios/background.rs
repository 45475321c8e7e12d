//! Background of every Windows host, none of it of interest: services, browsers, updates. Most of it are events
//! that the console only counts.

use super::host::{Host, Process};
use crate::support::evtx_writer::value::Value;
use crate::support::random::Random;
use crate::support::schemas;

const SVCHOST: &str = r"C:\Windows\System32\svchost.exe";
const TASKHOST: &str = r"C:\Windows\System32\taskhostw.exe";
const BACKGROUND_TASK: &str = r"C:\Windows\System32\backgroundTaskHost.exe";
const EDGE: &str = r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe";
const CHROME: &str = r"C:\Program Files\Google\Chrome\Application\chrome.exe";
const TEAMS: &str =
    r"C:\Program Files\WindowsApps\MSTeams_25031.805.3440.8623_x64__8wekyb3d8bbwe\ms-teams.exe";
const DEFENDER: &str = r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.25010.11-0\MsMpEng.exe";
const EDGE_UPDATE: &str = r"C:\Program Files (x86)\Microsoft\EdgeUpdate\MicrosoftEdgeUpdate.exe";

/// Names, the results of their queries, an address among them, and its reverse name. Browsers go to github.com too:
/// no rule can tell an upload by a browser.
const SITES: &[(&str, &str, &str, &str)] = &[
    (
        "www.bing.com",
        "type:  5 www-www.bing.com.trafficmanager.net;::ffff:2.16.106.200;",
        "2.16.106.200",
        "a2-16-106-200.deploy.static.akamaitechnologies.com",
    ),
    (
        "outlook.office365.com",
        "type:  5 ooc-g2.tm-4.office.com;::ffff:52.98.207.210;::ffff:40.99.214.82;",
        "52.98.207.210",
        "-",
    ),
    ("github.com", "::ffff:140.82.121.4;", "140.82.121.4", "lb-140-82-121-4-fra.github.com"),
    ("teams.microsoft.com", "type:  5 s-0005.dual-s-msedge.net;::ffff:52.123.129.14;", "52.123.129.14", "-"),
    ("intranet.corp.example", "::ffff:10.20.0.40;", "10.20.0.40", "intranet.corp.example"),
    ("wpad.corp.example", "-", "10.20.0.2", ""),
    ("ctldl.windowsupdate.com", "::ffff:199.232.210.172;::ffff:199.232.214.172;", "199.232.210.172", "-"),
];

const LIBRARIES: &[&str] = &[
    r"C:\Windows\System32\bcryptprimitives.dll",
    r"C:\Windows\System32\taskschd.dll",
    r"C:\Windows\System32\vaultcli.dll",
    r"C:\Windows\System32\wbem\wmiutils.dll",
    r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\clr.dll",
    r"C:\Program Files\Common Files\microsoft shared\OFFICE16\MSO.DLL",
];

const VALUES: &[(&str, &str)] = &[
    (
        r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\AcceleratedInstallRequired",
        "DWORD (0x00000000)",
    ),
    (
        r"HKU\.DEFAULT\Software\Classes\Local Settings\MuiCache\2e\52C64B7E\@%SystemRoot%\system32\dnsapi.dll,-103",
        "Domain Name System (DNS) Server Trust",
    ),
    (
        r"HKLM\System\CurrentControlSet\Services\bam\State\UserSettings\S-1-5-18\SequenceNumber",
        "DWORD (0x00000007)",
    ),
    (r"HKLM\SOFTWARE\Microsoft\Windows Defender\Signature Updates\SignaturesLastUpdated", "Binary Data"),
];

/// The processes that a host's background comes from.
pub struct Background {
    services: Process,
    defender: Process,
    browser: Process,
    explorer: Process,
    account: String,
}

impl Background {
    /// Services and programs that ran before the log began.
    pub fn new(host: &mut Host, explorer: &Process) -> Self {
        let account = host.user.clone();
        host.act_as(r"NT AUTHORITY\SYSTEM");
        let services = host.running(SVCHOST, r"C:\WINDOWS\system32\svchost.exe -k netsvcs -p -s Schedule");
        let defender = host.running(DEFENDER, &format!("\"{DEFENDER}\""));
        host.act_as(&account);
        let image = *host.random.choose(&[EDGE, CHROME, TEAMS]);
        let browser = host.running(image, &format!("\"{image}\" --no-startup-window"));
        Self { services, defender, browser, explorer: explorer.clone(), account }
    }

    /// The process that starts a user's programs.
    pub fn explorer(&self) -> &Process {
        &self.explorer
    }

    /// One thing that happens: one event, or a few.
    pub fn step(&self, host: &mut Host) {
        match host.random.below(100) {
            0..24 => self.registry_value(host),
            24..36 => self.registry_key(host),
            36..54 => self.library(host),
            54..66 => self.access(host),
            66..76 => self.file(host),
            76..90 => self.site(host),
            _ => self.task(host),
        }
    }

    fn registry_value(&self, host: &mut Host) {
        let (object, details) = *host.random.choose(VALUES);
        let given = [
            ("EventType", Value::from("SetValue")),
            ("Image", self.services.image.clone().into()),
            ("TargetObject", object.into()),
            ("Details", details.into()),
        ];
        host.log(&schemas::REGISTRY_VALUE, &self.services, 2, &given);
        host.wait(15);
    }

    fn registry_key(&self, host: &mut Host) {
        let given = [
            ("EventType", Value::from("CreateKey")),
            ("Image", self.services.image.clone().into()),
            (
                "TargetObject",
                r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree".into(),
            ),
        ];
        host.log(&schemas::REGISTRY_KEY, &self.services, 2, &given);
        host.wait(11);
    }

    fn library(&self, host: &mut Host) {
        let library = *host.random.choose(LIBRARIES);
        let given = [
            ("Image", Value::from(self.browser.image.clone())),
            ("ImageLoaded", library.into()),
            ("FileVersion", "10.0.26100.3037 (WinBuild.160101.0800)".into()),
            ("Company", "Microsoft Corporation".into()),
            ("Hashes", super::programs::hashes(library).into()),
            ("Signed", "true".into()),
            ("Signature", "Microsoft Windows".into()),
            ("SignatureStatus", "Valid".into()),
        ];
        host.log(&schemas::IMAGE_LOAD, &self.browser, 4, &given);
        host.wait(9);
    }

    fn access(&self, host: &mut Host) {
        let given = [
            ("SourceProcessGUID", Value::from(self.defender.guid)),
            ("SourceProcessId", Value::UInt32(self.defender.pid)),
            ("SourceThreadId", Value::UInt32(self.defender.pid + 312)),
            ("SourceImage", self.defender.image.clone().into()),
            ("TargetProcessGUID", self.browser.guid.into()),
            ("TargetProcessId", Value::UInt32(self.browser.pid)),
            ("TargetImage", self.browser.image.clone().into()),
            ("GrantedAccess", Value::HexInt32(0x1000)),
            (
                "CallTrace",
                r"C:\WINDOWS\SYSTEM32\ntdll.dll+9f8a4|C:\WINDOWS\System32\KERNELBASE.dll+2c13e|UNKNOWN(00007FF9A2C1B5E0)".into(),
            ),
            ("SourceUser", self.defender.user.clone().into()),
            ("TargetUser", self.browser.user.clone().into()),
        ];
        host.log(&schemas::PROCESS_ACCESS, &self.defender, 3, &given);
        host.wait(13);
    }

    fn file(&self, host: &mut Host) {
        let user = self.account.rsplit('\\').next().unwrap_or("Default").to_owned();
        let number = host.random.below(0xffff_ffff);
        let path = format!(r"C:\Users\{user}\AppData\Local\Temp\{number:08x}.tmp");
        host.create_file(&self.browser, &path);
    }

    fn site(&self, host: &mut Host) {
        let (name, results, address, reverse_name) = *host.random.choose(SITES);
        host.dns(&self.browser, name, results);
        if results != "-" {
            host.connect_to(&self.browser, address, reverse_name, 443);
        }
    }

    fn task(&self, host: &mut Host) {
        let tasks = [
            (TASKHOST, r"taskhostw.exe -RegisterDevice -ProtectionStateChanged -FreeNetworkOnly".to_owned()),
            (
                BACKGROUND_TASK,
                format!(
                    "\"{BACKGROUND_TASK}\" -ServerName:CortanaUI.AppXy7vb4pc2dr3kc93kfc509b1d0arkfb2x.mca"
                ),
            ),
            (EDGE_UPDATE, format!("\"{EDGE_UPDATE}\" /ua /installsource scheduler")),
        ];
        let (image, command_line) = host.random.choose(&tasks).clone();
        let task = host.start(&self.services, image, &command_line);
        host.wait(240);
        host.exit(&task);
    }
}

/// Background until `end`, a step every `every` seconds or so.
pub fn until(host: &mut Host, background: &Background, end: crate::support::clock::Ticks, every: u64) {
    while host.now < end {
        background.step(host);
        let pause = jitter(&mut host.random, every * 1000);
        host.wait(pause);
    }
}

fn jitter(random: &mut Random, mean: u64) -> u64 {
    random.between(mean / 2..mean * 3 / 2)
}
