//! The events of Sysmon, PowerShell and Security: their fields in the order and the types in which Windows logs them.

pub mod old;

use super::evtx_writer::record::{Provider, Shape};
use super::evtx_writer::value::{Guid, Kind};

use Kind::{Boolean, HexInt32, HexInt64, Int32, Text, UInt16, UInt32};

pub static SYSMON: Provider = Provider {
    name: "Microsoft-Windows-Sysmon",
    guid: Guid::from_number(0x5770_385f_c22a_43e0_bf4c_06f5_698f_fbd9),
    channel: "Microsoft-Windows-Sysmon/Operational",
};

pub static POWERSHELL: Provider = Provider {
    name: "Microsoft-Windows-PowerShell",
    guid: Guid::from_number(0xa0c1_853b_5c40_4b15_8766_3cf1_c58f_985a),
    channel: "Microsoft-Windows-PowerShell/Operational",
};

pub static SECURITY: Provider = Provider {
    name: "Microsoft-Windows-Security-Auditing",
    guid: Guid::from_number(0x5484_9625_5478_4994_a5ba_3e3b_0328_c30d),
    channel: "Security",
};

/// A Sysmon event; its task has the number of the event.
pub const fn sysmon(event_id: u16, version: u8, fields: &'static [(&'static str, Kind)]) -> Shape {
    Shape {
        provider: &SYSMON,
        event_id,
        version,
        level: 4,
        task: event_id,
        opcode: 0,
        keywords: 0x8000_0000_0000_0000,
        fields,
    }
}

/// Event 1 since 2021.
pub static PROCESS_CREATE: Shape = sysmon(
    1,
    5,
    &[
        ("RuleName", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
        ("FileVersion", Text),
        ("Description", Text),
        ("Product", Text),
        ("Company", Text),
        ("OriginalFileName", Text),
        ("CommandLine", Text),
        ("CurrentDirectory", Text),
        ("User", Text),
        ("LogonGuid", Kind::Guid),
        ("LogonId", HexInt64),
        ("TerminalSessionId", UInt32),
        ("IntegrityLevel", Text),
        ("Hashes", Text),
        ("ParentProcessGuid", Kind::Guid),
        ("ParentProcessId", UInt32),
        ("ParentImage", Text),
        ("ParentCommandLine", Text),
        ("ParentUser", Text),
    ],
);

pub static NETWORK_CONNECT: Shape = sysmon(
    3,
    5,
    &[
        ("RuleName", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
        ("User", Text),
        ("Protocol", Text),
        ("Initiated", Boolean),
        ("SourceIsIpv6", Boolean),
        ("SourceIp", Text),
        ("SourceHostname", Text),
        ("SourcePort", UInt16),
        ("SourcePortName", Text),
        ("DestinationIsIpv6", Boolean),
        ("DestinationIp", Text),
        ("DestinationHostname", Text),
        ("DestinationPort", UInt16),
        ("DestinationPortName", Text),
    ],
);

pub static SERVICE_STATE: Shape =
    sysmon(4, 3, &[("UtcTime", Text), ("State", Text), ("Version", Text), ("SchemaVersion", Text)]);

pub static PROCESS_TERMINATE: Shape = sysmon(
    5,
    3,
    &[
        ("RuleName", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
        ("User", Text),
    ],
);

pub static IMAGE_LOAD: Shape = sysmon(
    7,
    3,
    &[
        ("RuleName", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
        ("ImageLoaded", Text),
        ("FileVersion", Text),
        ("Description", Text),
        ("Product", Text),
        ("Company", Text),
        ("OriginalFileName", Text),
        ("Hashes", Text),
        ("Signed", Text),
        ("Signature", Text),
        ("SignatureStatus", Text),
        ("User", Text),
    ],
);

pub static PROCESS_ACCESS: Shape = sysmon(
    10,
    3,
    &[
        ("RuleName", Text),
        ("UtcTime", Text),
        ("SourceProcessGUID", Kind::Guid),
        ("SourceProcessId", UInt32),
        ("SourceThreadId", UInt32),
        ("SourceImage", Text),
        ("TargetProcessGUID", Kind::Guid),
        ("TargetProcessId", UInt32),
        ("TargetImage", Text),
        ("GrantedAccess", HexInt32),
        ("CallTrace", Text),
        ("SourceUser", Text),
        ("TargetUser", Text),
    ],
);

pub static FILE_CREATE: Shape = sysmon(
    11,
    2,
    &[
        ("RuleName", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
        ("TargetFilename", Text),
        ("CreationUtcTime", Text),
        ("User", Text),
    ],
);

pub static REGISTRY_KEY: Shape = sysmon(
    12,
    2,
    &[
        ("RuleName", Text),
        ("EventType", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
        ("TargetObject", Text),
        ("User", Text),
    ],
);

pub static REGISTRY_VALUE: Shape = sysmon(
    13,
    2,
    &[
        ("RuleName", Text),
        ("EventType", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
        ("TargetObject", Text),
        ("Details", Text),
        ("User", Text),
    ],
);

pub static DNS_QUERY: Shape = sysmon(
    22,
    5,
    &[
        ("RuleName", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("QueryName", Text),
        ("QueryStatus", Text),
        ("QueryResults", Text),
        ("Image", Text),
        ("User", Text),
    ],
);

/// PowerShell/Operational 4104 of a block that PowerShell finds suspicious: level Warning.
pub static SCRIPT_BLOCK: Shape = Shape {
    provider: &POWERSHELL,
    event_id: 4104,
    version: 1,
    level: 3,
    task: 2,
    opcode: 15,
    keywords: 0,
    fields: &[
        ("MessageNumber", Int32),
        ("MessageTotal", Int32),
        ("ScriptBlockText", Text),
        ("ScriptBlockId", Text),
        ("Path", Text),
    ],
};

/// Security 4688, with the command line where auditing of it is on.
pub static NEW_PROCESS: Shape = Shape {
    provider: &SECURITY,
    event_id: 4688,
    version: 2,
    level: 0,
    task: 13312,
    opcode: 0,
    keywords: 0x8020_0000_0000_0000,
    fields: &[
        ("SubjectUserSid", Kind::Sid),
        ("SubjectUserName", Text),
        ("SubjectDomainName", Text),
        ("SubjectLogonId", HexInt64),
        ("NewProcessId", HexInt64),
        ("NewProcessName", Text),
        ("TokenElevationType", Text),
        ("ProcessId", HexInt64),
        ("CommandLine", Text),
        ("TargetUserSid", Kind::Sid),
        ("TargetUserName", Text),
        ("TargetDomainName", Text),
        ("TargetLogonId", HexInt64),
        ("ParentProcessName", Text),
        ("MandatoryLabel", Kind::Sid),
    ],
};
