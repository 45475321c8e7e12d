//! A host: it starts processes, they do things, and Sysmon writes them down.

use std::rc::Rc;

use super::event::{Event, pick};
use super::names::{Server, Shown};
use super::programs;
use crate::support::clock::{Millis, Ticks};
use crate::support::evtx_writer::record::Shape;
use crate::support::evtx_writer::value::{Guid, Sid, Value};
use crate::support::random::Random;
use crate::support::schemas;

/// A process, with what its later events repeat of it.
#[derive(Clone, Debug)]
pub struct Process {
    pub guid: Guid,
    pub pid: u32,
    pub image: String,
    pub command_line: String,
    pub user: String,
}

/// Which events this host's Sysmon writes: later versions have more fields.
#[derive(Clone, Copy)]
pub struct Schema {
    pub process_create: &'static Shape,
    pub network_connect: &'static Shape,
    pub process_terminate: &'static Shape,
    pub file_create: &'static Shape,
    pub dns_query: &'static Shape,
    /// Content of a text field that has no value.
    pub absent: &'static str,
}

/// Sysmon 15.
pub const CURRENT: Schema = Schema {
    process_create: &schemas::PROCESS_CREATE,
    network_connect: &schemas::NETWORK_CONNECT,
    process_terminate: &schemas::PROCESS_TERMINATE,
    file_create: &schemas::FILE_CREATE,
    dns_query: &schemas::DNS_QUERY,
    absent: "-",
};

/// A host and its log.
pub struct Host {
    name: Rc<str>,
    pub now: Ticks,
    pub user: String,
    pub directory: String,
    pub integrity: &'static str,
    pub schema: Schema,
    /// Sysmon's events.
    pub sysmon: Vec<Event>,
    /// Security 4688 of the same processes; kept only where a scenario asks for them.
    pub security: Vec<Event>,
    pub random: Random,
    address: String,
    machine: u64,
    sysmon_pid: u32,
    next_pid: u32,
    sequence: u32,
}

impl Host {
    /// A host at a moment. Its address, its numbers and all its chance follow from its name.
    pub fn new(name: &str, now: Ticks) -> Self {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mut random = Random::new(seed);
        let address = format!("10.20.{}.{}", random.between(1..250), random.between(2..250));
        Self {
            name: name.into(),
            now,
            user: r"NT AUTHORITY\SYSTEM".to_owned(),
            directory: r"C:\Windows\system32\".to_owned(),
            integrity: "Medium",
            schema: CURRENT,
            sysmon: Vec::new(),
            security: Vec::new(),
            address,
            machine: random.next() & 0xffff_ffff,
            sysmon_pid: 4 * number(&mut random, 500..1200),
            next_pid: 4 * number(&mut random, 1200..2300),
            sequence: 0x100,
            random,
        }
    }

    pub fn name(&self) -> &Rc<str> {
        &self.name
    }

    /// From now on processes belong to `user`.
    pub fn act_as(&mut self, user: &str) {
        user.clone_into(&mut self.user);
    }

    /// From now on processes start in `directory`.
    pub fn go_to(&mut self, directory: &str) {
        directory.clone_into(&mut self.directory);
    }

    /// Lets time pass.
    pub fn wait(&mut self, milliseconds: u64) {
        self.now = self.now + Millis(milliseconds);
    }

    /// A process that was there before the log began: no Event 1.
    pub fn running(&mut self, image: &str, command_line: &str) -> Process {
        let pid = self.next_pid;
        self.next_pid += 4 * number(&mut self.random, 1..40);
        self.sequence += 1;
        Process {
            guid: self.guid(self.sequence),
            pid,
            image: image.to_owned(),
            command_line: command_line.to_owned(),
            user: self.user.clone(),
        }
    }

    /// Event 1, and Security 4688.
    pub fn start(&mut self, parent: &Process, image: &str, command_line: &str) -> Process {
        self.pause();
        let process = self.running(image, command_line);
        let program = programs::program(image);
        let given = [
            ("Image", Value::from(process.image.clone())),
            ("FileVersion", program.file_version.into()),
            ("Description", program.description.into()),
            ("Product", program.product.into()),
            ("Company", program.company.into()),
            ("OriginalFileName", program.original_file_name.into()),
            ("CommandLine", process.command_line.clone().into()),
            ("CurrentDirectory", self.directory.clone().into()),
            ("LogonGuid", self.logon_guid().into()),
            ("LogonId", Value::HexInt64(self.logon_id())),
            ("TerminalSessionId", Value::UInt32(u32::from(!self.is_system()))),
            ("IntegrityLevel", if self.is_system() { "System" } else { self.integrity }.into()),
            ("Hashes", programs::hashes(image).into()),
            ("ParentProcessGuid", parent.guid.into()),
            ("ParentProcessId", Value::UInt32(parent.pid)),
            ("ParentImage", parent.image.clone().into()),
            ("ParentCommandLine", parent.command_line.clone().into()),
            ("ParentUser", parent.user.clone().into()),
        ];
        let delay = self.random.between(2..5);
        self.log(self.schema.process_create, &process, delay, &given);
        self.audit(parent, &process);
        process
    }

    /// Event 3, TCP, opened by this host.
    pub fn connect(&mut self, process: &Process, server: &Server, shown: Shown) {
        self.connect_to(process, server.address, shown.hostname(server), 443);
    }

    /// Event 3 to any address under any name.
    pub fn connect_to(&mut self, process: &Process, address: &str, hostname: &str, port: u16) {
        self.pause();
        let source_port = u16::try_from(self.random.between(49_700..65_000)).unwrap_or(50_000);
        let service = match port {
            443 => "https",
            80 => "http",
            53 => "domain",
            22 => "ssh",
            _ => "-",
        };
        let given = [
            ("Image", Value::from(process.image.clone())),
            ("Protocol", "tcp".into()),
            ("Initiated", Value::Boolean(true)),
            ("SourceIsIpv6", Value::Boolean(false)),
            ("SourceIp", self.address.clone().into()),
            ("SourceHostname", if hostname == "-" { "-".to_owned() } else { self.name.to_string() }.into()),
            ("SourcePort", Value::UInt16(source_port)),
            ("DestinationIsIpv6", Value::Boolean(address.contains(':'))),
            ("DestinationIp", address.to_owned().into()),
            ("DestinationHostname", hostname.to_owned().into()),
            ("DestinationPort", Value::UInt16(port)),
            ("DestinationPortName", service.into()),
        ];
        let delay = self.random.between(900..2800);
        self.log(self.schema.network_connect, process, delay, &given);
    }

    /// Event 22, as the resolver answers for a server.
    pub fn ask(&mut self, process: &Process, server: &Server) {
        self.dns(process, server.name, &format!("::ffff:{};", server.address));
    }

    /// Event 22 with any answer.
    pub fn dns(&mut self, process: &Process, name: &str, results: &str) {
        self.pause();
        let status = if results == "-" { "9003" } else { "0" };
        let given = [
            ("QueryName", Value::from(name.to_owned())),
            ("QueryStatus", status.into()),
            ("QueryResults", results.to_owned().into()),
            ("Image", process.image.clone().into()),
        ];
        let delay = self.random.between(200..850);
        self.log(self.schema.dns_query, process, delay, &given);
    }

    /// Event 11.
    pub fn create_file(&mut self, process: &Process, path: &str) {
        self.pause();
        let given = [
            ("Image", Value::from(process.image.clone())),
            ("TargetFilename", path.to_owned().into()),
            ("CreationUtcTime", self.now.utc_time().into()),
        ];
        self.log(self.schema.file_create, process, 3, &given);
    }

    /// Event 5.
    pub fn exit(&mut self, process: &Process) {
        self.pause();
        let given = [("Image", Value::from(process.image.clone()))];
        self.log(self.schema.process_terminate, process, 2, &given);
    }

    /// Any event of a process: the fields that all events share are added to what is given, and it is written
    /// `delay` milliseconds after the act.
    pub fn log(&mut self, shape: &'static Shape, process: &Process, delay: u64, given: &[(&str, Value)]) {
        let mut all = vec![
            ("UtcTime", Value::from(self.now.utc_time())),
            ("ProcessGuid", process.guid.into()),
            ("ProcessId", Value::UInt32(process.pid)),
            ("User", process.user.clone().into()),
        ];
        all.extend_from_slice(given);
        let ticks = self.random.below(9_999);
        let event = Event {
            shape,
            computer: Rc::clone(&self.name),
            time: Ticks((self.now + Millis(delay)).0 + ticks),
            process_id: self.sysmon_pid,
            thread_id: self.sysmon_pid + 1204,
            user: Some(Sid::local_system()),
            activity: None,
            values: pick(shape, self.schema.absent, &all),
        };
        self.sysmon.push(event);
    }

    fn audit(&mut self, parent: &Process, process: &Process) {
        let (domain, name) = process.user.split_once('\\').unwrap_or(("-", &process.user));
        let subject = self.user_sid();
        let given = [
            ("SubjectUserSid", Value::Sid(subject)),
            ("SubjectUserName", name.to_owned().into()),
            ("SubjectDomainName", domain.to_owned().into()),
            ("SubjectLogonId", Value::HexInt64(self.logon_id())),
            ("NewProcessId", Value::HexInt64(process.pid.into())),
            ("NewProcessName", process.image.clone().into()),
            ("TokenElevationType", "%%1938".into()),
            ("ProcessId", Value::HexInt64(parent.pid.into())),
            ("CommandLine", process.command_line.clone().into()),
            ("TargetUserSid", Value::Sid(Sid { authority: 0, parts: vec![0] })),
            ("TargetLogonId", Value::HexInt64(0)),
            ("ParentProcessName", parent.image.clone().into()),
            ("MandatoryLabel", Value::Sid(Sid { authority: 16, parts: vec![8192] })),
        ];
        self.security.push(Event {
            shape: &schemas::NEW_PROCESS,
            computer: Rc::clone(&self.name),
            time: Ticks(self.now.0 + 1_731),
            process_id: 4,
            thread_id: 7_212,
            user: None,
            activity: None,
            values: pick(&schemas::NEW_PROCESS, "-", &given),
        });
    }

    /// The account's SID: invented, but always the same.
    pub fn user_sid(&self) -> Sid {
        if self.is_system() {
            return Sid::local_system();
        }
        let relative = 1104 + u32::try_from(self.user.len()).unwrap_or(0);
        Sid { authority: 5, parts: vec![21, 1_004_336_348, 1_177_238_915, 682_003_330, relative] }
    }

    /// A ProcessGuid as Sysmon makes it: the machine, the second, a sequence number and the boot's.
    fn guid(&self, sequence: u32) -> Guid {
        let seconds = self.now.unix_seconds() & 0xffff_ffff;
        // Its bytes are little-endian on the machine: the second's low half comes first.
        let swapped = (seconds & 0xffff) << 16 | seconds >> 16;
        let tail = u128::from(sequence.swap_bytes()) << 32 | 0x4a00;
        Guid::from_number(u128::from(self.machine << 32 | swapped) << 64 | tail)
    }

    fn logon_id(&self) -> u64 {
        if self.is_system() { 0x3e7 } else { 0x2_a000 + (self.machine & 0xffff) }
    }

    fn logon_guid(&self) -> Guid {
        Guid::from_number(
            u128::from(self.machine) << 96 | u128::from(self.logon_id().swap_bytes() >> 32) << 16,
        )
    }

    fn is_system(&self) -> bool {
        self.user.starts_with(r"NT AUTHORITY\")
    }

    fn pause(&mut self) {
        let milliseconds = self.random.between(3..40);
        self.wait(milliseconds);
    }
}

fn number(random: &mut Random, range: std::ops::Range<u64>) -> u32 {
    u32::try_from(random.between(range)).unwrap_or(0)
}
