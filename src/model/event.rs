//! Sysmon events as every source hands them over.

/// The Sysmon Event IDs that the console keeps: for the detection, the drill-down and the coverage of the logs.
pub mod code {
    /// Process creation.
    pub const PROCESS_CREATE: u16 = 1;
    /// Network connection.
    pub const NETWORK_CONNECT: u16 = 3;
    /// Sysmon's service was started or stopped.
    pub const SERVICE_STATE: u16 = 4;
    /// Sysmon's configuration was changed.
    pub const CONFIG_CHANGE: u16 = 16;
    /// Sysmon had an error of its own.
    pub const ERROR: u16 = 255;
    /// Process terminated.
    pub const PROCESS_TERMINATE: u16 = 5;
    /// File created.
    pub const FILE_CREATE: u16 = 11;
    /// DNS query.
    pub const DNS_QUERY: u16 = 22;
    /// PowerShell's own: a script block, or a part of one. Not a Sysmon event.
    pub const SCRIPT_BLOCK: u16 = 4104;
    /// Security's own: a process was created. Not a Sysmon event.
    pub const NEW_PROCESS: u16 = 4688;

    /// Returns whether Sysmon's events of this ID are kept; all others are only counted.
    #[must_use]
    pub const fn is_kept(event_code: u16) -> bool {
        matches!(
            event_code,
            PROCESS_CREATE
                | NETWORK_CONNECT
                | SERVICE_STATE
                | PROCESS_TERMINATE
                | FILE_CREATE
                | CONFIG_CHANGE
                | DNS_QUERY
                | ERROR
        )
    }
}

/// The names of Sysmon's providers.
pub const PROVIDERS: [&str; 2] = ["Microsoft-Windows-Sysmon", "Linux-Sysmon"];

/// Returns whether a provider's name is Sysmon's; case does not matter.
#[must_use]
pub fn is_sysmon(provider: &str) -> bool {
    PROVIDERS.iter().any(|name| name.eq_ignore_ascii_case(provider))
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// The fields that are read off an event, under the names that Sysmon, PowerShell and Security give them.
        ///
        /// `ProcessGuid` and `ParentProcessGuid` are texts only where the value is not a GUID. Otherwise they are typed
        /// values of the event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field {
            $($(#[$doc])* $name),+
        }

        impl Field {
            /// All fields, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// The count of fields.
            pub const COUNT: usize = Self::ALL.len();

            /// The field's own name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            /// The field of that exact name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)+ _ => None }
            }

            /// Returns whether a batch carries the field. Nothing requests the others, which are the longest
            /// texts of all: sources need not decode them. To use one, take it off this list.
            #[must_use]
            pub const fn is_carried(self) -> bool {
                !matches!(
                    self,
                    Self::ParentUser
                        | Self::Hashes
                        | Self::SourceIp
                        | Self::SourcePort
                        | Self::UtcTime
                )
            }

            /// The field's number, for tables.
            #[must_use]
            pub const fn index(self) -> usize {
                self as usize
            }
        }
    };
}

fields! {
    /// `System/Computer`, as written.
    Computer,
    /// The account, `DOMAIN\user`.
    User,
    /// Full path of the process's executable.
    Image,
    /// Event 1: the command line.
    CommandLine,
    /// Event 1: the working directory.
    CurrentDirectory,
    /// Event 1: full path of the parent's executable.
    ParentImage,
    /// Event 1: the parent's command line.
    ParentCommandLine,
    /// Event 1: the parent's account (schemas since 2021).
    ParentUser,
    /// Event 1: `Low`, `Medium`, `High`, `System`.
    IntegrityLevel,
    /// Event 1: name of the executable as its maker compiled it.
    OriginalFileName,
    /// Event 1: hashes, `SHA1=…,MD5=…`, in any subset and order.
    Hashes,
    /// The process's GUID where the text is not a GUID.
    ProcessGuid,
    /// Event 1: the parent's GUID where the text is not a GUID.
    ParentProcessGuid,
    /// Decimal process number.
    ProcessId,
    /// Event 1: decimal process number of the parent.
    ParentProcessId,
    /// Event 3: `tcp` or `udp`.
    Protocol,
    /// Event 3: `true` where this host opened the connection.
    Initiated,
    /// Event 3: own address.
    SourceIp,
    /// Event 3: own port.
    SourcePort,
    /// Event 3: the other side's address.
    DestinationIp,
    /// Event 3: the other side's name by reverse lookup; often empty, `-`, or misleading.
    DestinationHostname,
    /// Event 3: the other side's port.
    DestinationPort,
    /// Event 22: the queried name.
    QueryName,
    /// Event 22: 0 or an error number.
    QueryStatus,
    /// Event 22: `type:  5 NAME;::ffff:1.2.3.4;…`, or `-`.
    QueryResults,
    /// Event 11: full path of the file.
    TargetFilename,
    /// Sysmon's own time of the act; never the event's time.
    UtcTime,
    /// PowerShell 4104: the text, or a part of it.
    ScriptBlockText,
    /// PowerShell 4104: the ID that all parts of a block share.
    ScriptBlockId,
    /// PowerShell 4104: the part's number, from 1.
    MessageNumber,
    /// PowerShell 4104: the count of the block's parts.
    MessageTotal,
    /// Security 4688: full path of the new process's executable.
    NewProcessName,
    /// Security 4688: number of the new process, in hexadecimal digits.
    NewProcessId,
    /// Security 4688: full path of its parent's executable.
    ParentProcessName,
    /// Security 4688: the account that started it, without its domain.
    SubjectUserName,
}

/// The texts requested of events, by Event ID. Sources may hand over more. By default they hand over everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Bits by the fields' numbers: of Event 1, 3, 22, 11, and of all others.
    masks: [u64; 5],
    gates: &'static [Gate],
}

/// A filter on the events of one ID, which requests only a few fields of those that do not pass. An event does not pass
/// if it has the field's text and that text has none of the endings, without case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    event_code: u16,
    field: Field,
    endings: &'static [&'static str],
    /// Bits by the fields' numbers.
    others: u64,
}

impl Gate {
    /// A gate on a field's endings, which are ASCII in lower case. Of the events without them these fields are
    /// requested, and their host.
    #[must_use]
    pub const fn new(
        event_code: u16,
        field: Field,
        endings: &'static [&'static str],
        others: &[Field],
    ) -> Self {
        Self { event_code, field, endings, others: mask(others) | mask(&[Field::Computer]) }
    }

    /// The tested field.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// The endings with which an event passes.
    #[must_use]
    pub const fn endings(&self) -> &'static [&'static str] {
        self.endings
    }

    /// Returns whether a text has one of the endings.
    #[must_use]
    pub fn passes(&self, text: &str) -> bool {
        self.endings.iter().any(|ending| {
            let start = text.len().checked_sub(ending.len());
            start
                .and_then(|start| text.as_bytes().get(start..))
                .is_some_and(|end| end.eq_ignore_ascii_case(ending.as_bytes()))
        })
    }

    /// The fields that are requested of events without them, as [`Wanted::mask`] gives them.
    #[must_use]
    pub const fn others(&self) -> u64 {
        self.others
    }
}

impl Default for Wanted {
    fn default() -> Self {
        Self { masks: [u64::MAX; 5], gates: &[] }
    }
}

impl Wanted {
    /// The named fields and the processes of Event 1, 3, 22 and 11, and the host of every event. An Event ID without names
    /// gets no more than the host.
    #[must_use]
    pub const fn only(
        process_create: &[Field],
        network_connect: &[Field],
        dns_query: &[Field],
        file_create: &[Field],
    ) -> Self {
        let masks =
            [only(process_create), only(network_connect), only(dns_query), only(file_create), only(&[])];
        Self { masks, gates: &[] }
    }

    /// The same, but with fewer fields of the events that do not pass the gates. An Event ID has one gate at most.
    #[must_use]
    pub const fn behind(self, gates: &'static [Gate]) -> Self {
        Self { gates, ..self }
    }

    /// The gate of an Event ID.
    #[must_use]
    pub fn gate(&self, event_code: u16) -> Option<&'static Gate> {
        self.gates.iter().find(|gate| gate.event_code == event_code)
    }

    /// Returns whether any of an event's own data is requested, apart from the fields that every event has.
    #[must_use]
    pub const fn has_data(mask_of_event: u64) -> bool {
        mask_of_event & !mask(&[Field::Computer]) != 0
    }

    /// Returns whether a field of events of that ID is requested.
    #[must_use]
    pub const fn has(&self, event_code: u16, field: Field) -> bool {
        self.mask(event_code) & 1 << field.index() != 0
    }

    /// The requested fields of events of that ID: bits by the fields' numbers.
    #[must_use]
    pub const fn mask(&self, event_code: u16) -> u64 {
        let [process_create, network_connect, dns_query, file_create, other] = self.masks;
        match event_code {
            code::PROCESS_CREATE => process_create,
            code::NETWORK_CONNECT => network_connect,
            code::DNS_QUERY => dns_query,
            code::FILE_CREATE => file_create,
            _ => other,
        }
    }
}

/// These fields, the ones that identify and join the event, and its host.
const fn only(fields: &[Field]) -> u64 {
    let host = mask(&[Field::Computer]);
    if fields.is_empty() {
        return host;
    }
    mask(fields) | host | mask(&[Field::ProcessGuid, Field::ParentProcessGuid])
}

const fn mask(mut fields: &[Field]) -> u64 {
    let mut mask = 0;
    while let [field, rest @ ..] = fields {
        mask |= 1 << field.index();
        fields = rest;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name() {
        for (index, field) in Field::ALL.iter().enumerate() {
            assert_eq!(Field::from_name(field.name()), Some(*field));
            assert_eq!(field.index(), index);
        }
        assert_eq!(Field::from_name("image"), None, "names are compared with case");
    }

    #[test]
    fn what_is_wanted_is_so_by_event() {
        let wanted = Wanted::only(&[Field::CommandLine], &[Field::DestinationIp], &[], &[]);
        for (event_code, field, expected) in [
            (code::PROCESS_CREATE, Field::CommandLine, true),
            (code::PROCESS_CREATE, Field::DestinationIp, false),
            (code::NETWORK_CONNECT, Field::DestinationIp, true),
            (code::DNS_QUERY, Field::QueryName, false),
            (code::FILE_CREATE, Field::TargetFilename, false),
            (code::FILE_CREATE, Field::Computer, true),
            (code::NETWORK_CONNECT, Field::ProcessGuid, true),
            (code::DNS_QUERY, Field::ProcessGuid, false),
        ] {
            assert_eq!(wanted.has(event_code, field), expected, "{event_code} {field:?}");
            assert!(Wanted::default().has(event_code, field));
            assert!(Wanted::has_data(Wanted::default().mask(event_code)));
            assert!(Wanted::has_data(wanted.mask(event_code)) || field == Field::Computer || !expected);
        }
    }
}
