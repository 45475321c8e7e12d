//! Events of other channels than Sysmon's: the detection does not read them, the walk-through of tests does.

use super::event::code;

/// A channel other than Sysmon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Channel {
    /// PowerShell's log of its script blocks.
    PowerShell,
    /// Windows' own audit log.
    Security,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::PowerShell, Self::Security];
    /// The count of channels.
    pub const COUNT: usize = Self::ALL.len();

    /// The channel's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PowerShell => "Microsoft-Windows-PowerShell/Operational",
            Self::Security => "Security",
        }
    }

    /// The Event ID that is read from it; its other events are only counted.
    #[must_use]
    pub const fn event_code(self) -> u16 {
        match self {
            Self::PowerShell => code::SCRIPT_BLOCK,
            Self::Security => code::NEW_PROCESS,
        }
    }

    /// The providers whose events these are; PowerShell 7 has one of its own.
    #[must_use]
    pub const fn providers(self) -> &'static [&'static str] {
        match self {
            Self::PowerShell => &["Microsoft-Windows-PowerShell", "PowerShellCore"],
            Self::Security => &["Microsoft-Windows-Security-Auditing"],
        }
    }

    /// The channel of a provider, by a test of its name.
    #[must_use]
    pub fn of_provider(is: impl Fn(&'static str) -> bool) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.providers().iter().any(|provider| is(provider)))
    }

    /// The channel's number, for tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_known_by_its_provider() {
        for (provider, expected) in [
            ("microsoft-windows-POWERSHELL", Some(Channel::PowerShell)),
            ("PowerShellCore", Some(Channel::PowerShell)),
            ("Microsoft-Windows-Security-Auditing", Some(Channel::Security)),
            ("Microsoft-Windows-Sysmon", None),
            ("PowerShell", None),
            ("", None),
        ] {
            assert_eq!(
                Channel::of_provider(|name| name.eq_ignore_ascii_case(provider)),
                expected,
                "{provider}"
            );
        }
    }
}
