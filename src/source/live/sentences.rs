//! Messages for a log that can't be read: the cause, and the remedy.

use super::api::LogError;

/// The reason why the channel can't be read, as a clause without a full stop.
#[must_use]
pub fn why(error: LogError, channel: &str) -> String {
    match error {
        LogError::AccessDenied => format!(
            "access to the channel {channel} was denied (5): start the console as an administrator, or put the account \
             into the local group Event Log Readers (S-1-5-32-573) and log on again"
        ),
        LogError::ChannelNotFound => format!(
            "there is no channel {channel} on this host (15007): Sysmon is not installed. Either install it from \
             Sysinternals (`sysmon64 -accepteula -i config.xml`), or, where Windows brings it as an optional feature, \
             turn that on (`Dism /Online /Enable-Feature /FeatureName:Sysmon`, then `sysmon -i config.xml`)"
        ),
        LogError::InvalidChannel => {
            format!("{channel} is no name of a channel (15000); `wevtutil el` lists those of this host")
        }
        LogError::DirectChannel => format!(
            "{channel} is an analytic or debug channel (15009), which can't be subscribed to; name an operational one"
        ),
        LogError::InvalidQuery => {
            "the Event Log service does not take the query (15001), which is a bug; please send it in"
                .to_owned()
        }
        LogError::ServiceNotActive
        | LogError::ShuttingDown
        | LogError::ServerUnavailable
        | LogError::CallFailed
        | LogError::CallNotMade
        | LogError::CallCancelled => format!(
            "the Windows Event Log service is stopped or stopping ({}): start it with `net start eventlog`",
            error.code()
        ),
        LogError::NotFound => {
            "the last event that was read is not in the log any more (1168): it was overwritten or cleared"
                .to_owned()
        }
        LogError::Stale => format!("the log {channel} was overwritten or cleared while it was read (15011)"),
        LogError::InvalidPosition => format!("the place in the log {channel} is not valid any more (15012)"),
        LogError::InvalidHandle | LogError::InvalidOperation => {
            format!("the subscription to {channel} is dead ({})", error.code())
        }
        LogError::OutOfBounds => {
            "the Event Log service could not hand over its events at once (1734)".to_owned()
        }
        LogError::NoMoreItems => format!("there is nothing more in {channel} (259)"),
        LogError::Timeout => "the Event Log service did not answer in time (1460)".to_owned(),
        LogError::NoReason => format!(
            "the system gives no access to {channel} and names no error: this is no full Windows (Wine has no event \
             log); name .evtx files instead"
        ),
        LogError::Other(code) => {
            format!(
                "the Event Log service failed with error {code} on {channel}; `net helpmsg {code}` says more"
            )
        }
    }
}

/// The message for a channel that is turned off.
#[must_use]
pub(super) fn turned_off(channel: &str) -> String {
    format!(
        "the channel {channel} is turned off: what it holds is read, but nothing new comes; `wevtutil sl \"{channel}\" \
         /e:true` turns it on. If that was not you, somebody muted this host"
    )
}

/// The sentence for a channel that was removed while it was read.
#[must_use]
pub(super) fn removed(channel: &str) -> String {
    format!(
        "the channel {channel} was removed while it was read: no Sysmon writes here any more. If that was not you, somebody \
         muted this host"
    )
}

/// The sentence for a log that was cleared while it was read.
#[must_use]
pub(super) fn cleared(channel: &str) -> String {
    format!(
        "the log {channel} was cleared while it was read; what was read before stays here. If that was not you, somebody \
         removed traces"
    )
}

/// The sentence for a log that counts from 1 again.
#[must_use]
pub(super) fn made_anew(read_to: Option<u64>, channel: &str) -> String {
    let behind =
        read_to.map_or(String::new(), |record| format!("; what was written behind record {record} is lost"));
    format!("the log {channel} was replaced by a new one, which is read from its first record on{behind}")
}

/// The sentence for records that were overwritten before they were read.
#[must_use]
pub(super) fn lost(first: u64, last: u64, channel: &str) -> String {
    format!(
        "{} records of the log {channel} were overwritten or cleared before they were read ({first} to {last}); make the \
         log larger with `wevtutil sl \"{channel}\" /ms:1073741824`",
        last - first + 1
    )
}

/// The sentence for records that the service does not give.
#[must_use]
pub(super) fn passed(last: u64, count: u64, channel: &str) -> String {
    format!(
        "the Event Log service can't give {count} of the records behind record {last} of {channel}, which may be damaged: \
         they were passed"
    )
}

/// The sentence for a channel that holds no Sysmon event.
#[must_use]
pub(super) fn without_sysmon(provider: &str, channel: &str) -> String {
    format!("there is no Sysmon event in {channel}: its newest record is of the provider {provider}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::live::SYSMON_CHANNEL;

    #[test]
    fn every_error_has_a_sentence_with_its_code() {
        for code in [
            5, 6, 259, 1062, 1115, 1168, 1460, 1722, 1726, 1727, 1734, 4317, 15000, 15001, 15007, 15009,
            15011, 15012, 31337,
        ] {
            let sentence = why(LogError::from_code(code), SYSMON_CHANNEL);
            assert!(sentence.contains(&code.to_string()), "{code}: {sentence}");
            assert!(!sentence.ends_with('.'), "{sentence}");
        }
        assert!(why(LogError::NoReason, SYSMON_CHANNEL).contains("Wine"));
        assert!(why(LogError::ChannelNotFound, SYSMON_CHANNEL).contains("optional feature"));
        assert!(why(LogError::AccessDenied, SYSMON_CHANNEL).contains("S-1-5-32-573"));
    }
}
