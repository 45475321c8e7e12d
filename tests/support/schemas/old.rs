//! Sysmon's events before RuleName, OriginalFileName and ParentUser came: the same numbers and versions, fewer fields.

use super::sysmon;
use crate::support::evtx_writer::record::Shape;
use crate::support::evtx_writer::value::Kind::{self, Boolean, HexInt64, Text, UInt16, UInt32};

/// Sysmon 6, 2017.
pub static PROCESS_CREATE_2017: Shape = sysmon(
    1,
    5,
    &[
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
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
    ],
);

/// Sysmon 8 and 9, 2019: RuleName, FileVersion and its neighbours came.
pub static PROCESS_CREATE_2019: Shape = sysmon(
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
    ],
);

/// Sysmon 10 to 12, 2020: OriginalFileName came.
pub static PROCESS_CREATE_2020: Shape = sysmon(
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
    ],
);

/// Sysmon 10 to 12, 2020: the first queries.
pub static DNS_QUERY_2020: Shape = sysmon(
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
    ],
);

/// Sysmon 6, 2017.
pub static NETWORK_CONNECT_2017: Shape = sysmon(
    3,
    5,
    &[
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

/// Sysmon 6, 2017.
pub static PROCESS_TERMINATE_2017: Shape =
    sysmon(5, 3, &[("UtcTime", Text), ("ProcessGuid", Kind::Guid), ("ProcessId", UInt32), ("Image", Text)]);

/// Sysmon 6, 2017.
pub static FILE_CREATE_2017: Shape = sysmon(
    11,
    2,
    &[
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
        ("TargetFilename", Text),
        ("CreationUtcTime", Text),
    ],
);

/// Sysmon 8 to 12, 2019.
pub static PROCESS_TERMINATE_2019: Shape = sysmon(
    5,
    3,
    &[
        ("RuleName", Text),
        ("UtcTime", Text),
        ("ProcessGuid", Kind::Guid),
        ("ProcessId", UInt32),
        ("Image", Text),
    ],
);

/// Sysmon 8 to 12, 2019.
pub static FILE_CREATE_2019: Shape = sysmon(
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
    ],
);
