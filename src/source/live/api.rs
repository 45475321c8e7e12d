//! The calls of the Windows Event Log that the loop needs. Thin enough that a scripted double can replace it.

use std::time::Duration;

/// Events that are asked for at a time, at most; the service hands over about 2 MB at once.
pub const BATCH: usize = 64;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        /// The reason why a call failed: the Win32 codes that ask for something to be done, and the others as their
        /// number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum LogError {
            $($(#[$doc])* $name,)+
            /// The call failed and the system names no reason, as Wine's empty event log does.
            NoReason,
            /// Any other code.
            Other(u32),
        }

        impl LogError {
            /// The error of a Win32 code.
            #[must_use]
            pub const fn from_code(code: u32) -> Self {
                match code {
                    0 => Self::NoReason,
                    $($code => Self::$name,)+
                    other => Self::Other(other),
                }
            }

            /// The Win32 code.
            #[must_use]
            pub const fn code(self) -> u32 {
                match self {
                    Self::NoReason => 0,
                    $(Self::$name => $code,)+
                    Self::Other(code) => code,
                }
            }
        }
    };
}

errors! {
    /// `ERROR_ACCESS_DENIED`: neither an administrator nor an Event Log Reader.
    AccessDenied = 5,
    /// `ERROR_INVALID_HANDLE`.
    InvalidHandle = 6,
    /// `ERROR_NO_MORE_ITEMS`: all is read that is there now.
    NoMoreItems = 259,
    /// `ERROR_SERVICE_NOT_ACTIVE`.
    ServiceNotActive = 1062,
    /// `ERROR_SHUTDOWN_IN_PROGRESS`.
    ShuttingDown = 1115,
    /// `ERROR_NOT_FOUND`: the bookmarked event is not in the log any more.
    NotFound = 1168,
    /// `ERROR_TIMEOUT`.
    Timeout = 1460,
    /// `RPC_S_SERVER_UNAVAILABLE`: the Event Log service is stopped.
    ServerUnavailable = 1722,
    /// `RPC_S_CALL_FAILED`.
    CallFailed = 1726,
    /// `RPC_S_CALL_FAILED_DNE`.
    CallNotMade = 1727,
    /// `RPC_S_CALL_CANCELLED`.
    CallCancelled = 1818,
    /// `RPC_S_INVALID_BOUND`: the events of one batch are too large together.
    OutOfBounds = 1734,
    /// `ERROR_INVALID_OPERATION`: nothing to read once; again and again, a dead handle.
    InvalidOperation = 4317,
    /// `ERROR_EVT_INVALID_CHANNEL_PATH`.
    InvalidChannel = 15000,
    /// `ERROR_EVT_INVALID_QUERY`.
    InvalidQuery = 15001,
    /// `ERROR_EVT_CHANNEL_NOT_FOUND`.
    ChannelNotFound = 15007,
    /// `ERROR_EVT_SUBSCRIPTION_TO_DIRECT_CHANNEL`: an analytic or debug channel.
    DirectChannel = 15009,
    /// `ERROR_EVT_QUERY_RESULT_STALE`: the log was overwritten or cleared under the subscription.
    Stale = 15011,
    /// `ERROR_EVT_QUERY_RESULT_INVALID_POSITION`.
    InvalidPosition = 15012,
}

impl LogError {
    /// Returns true where the service or the rights are to blame. No other way to begin would help now.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(
            self,
            Self::AccessDenied
                | Self::ServiceNotActive
                | Self::ShuttingDown
                | Self::Timeout
                | Self::ServerUnavailable
                | Self::CallFailed
                | Self::CallNotMade
                | Self::CallCancelled
                | Self::InvalidChannel
                | Self::ChannelNotFound
                | Self::DirectChannel
                | Self::NoReason
        )
    }

    /// Returns true for an error of the handle alone. It reports nothing of the events.
    #[must_use]
    pub const fn is_of_handle(self) -> bool {
        matches!(
            self,
            Self::Stale
                | Self::InvalidPosition
                | Self::NotFound
                | Self::InvalidOperation
                | Self::InvalidHandle
        )
    }
}

/// The start of a subscription. A bookmark that is not strict is not offered: it begins after the event that is
/// closest, at either end of the log, and does not report the events that it skips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// At the oldest event that the query lets through.
    Oldest,
    /// After the bookmark, and only if its event is still there.
    AfterBookmark,
}

/// The state of a log at the moment. Its numbers are the log's own, which a bookmark names too; of a forwarded event
/// the number within it (`EventRecordID`) is the one of the log that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogInfo {
    /// The number of the oldest record.
    pub oldest: u64,
    /// How many records there are.
    pub count: u64,
    /// When the log was made, in ticks of a FILETIME.
    pub created: Option<u64>,
}

impl LogInfo {
    /// The number of the newest record; `None` for an empty log.
    #[must_use]
    pub const fn newest(&self) -> Option<u64> {
        if self.count == 0 { None } else { Some(self.oldest.saturating_add(self.count - 1)) }
    }
}

/// The reason why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wake {
    /// The log signals new events.
    Signal,
    /// A stop was requested.
    Stop,
    /// The time is up.
    Timeout,
}

/// One channel of the Windows Event Log, pulled by one thread.
///
/// The events of the last [`EventLog::next`] are named by their index, and stay until the next call of it.
pub trait EventLog {
    /// Returns whether the channel is turned on.
    ///
    /// # Errors
    /// The channel's configuration can't be read.
    fn is_enabled(&mut self) -> Result<bool, LogError>;

    /// Closes the present subscription, if there is one, and opens a new one.
    ///
    /// # Errors
    /// There is no subscription now.
    fn subscribe(&mut self, query: &str, start: Start) -> Result<(), LogError>;

    /// Takes the signal back. Whatever is written from here on gives it again, so it is done before a drain, never
    /// after.
    ///
    /// # Errors
    /// The signal can't be reset.
    fn reset_signal(&mut self) -> Result<(), LogError>;

    /// Pulls at most `most` events and returns how many came, which is never 0.
    ///
    /// # Errors
    /// None came: [`LogError::NoMoreItems`] is the end of a drain, the others are troubles.
    fn next(&mut self, most: usize) -> Result<usize, LogError>;

    /// An event's XML, in a buffer that is used again.
    ///
    /// # Errors
    /// The event can't be rendered.
    fn render(&mut self, index: usize) -> Result<&str, LogError>;

    /// An event's number in this log.
    ///
    /// # Errors
    /// The service does not report it.
    fn place(&mut self, index: usize) -> Result<u64, LogError>;

    /// Sets the bookmark on an event.
    ///
    /// # Errors
    /// The bookmark is unchanged.
    fn mark(&mut self, index: usize) -> Result<(), LogError>;

    /// Returns the state of the log now.
    ///
    /// # Errors
    /// The service does not report it.
    fn info(&mut self) -> Result<LogInfo, LogError>;

    /// Returns the newest event that a query lets through: its number in this log, and its XML. The query is separate
    /// from the subscription, and leaves that unchanged.
    ///
    /// # Errors
    /// No event passes the query, or the service does not report it.
    fn newest(&mut self, query: &str) -> Result<(u64, String), LogError>;

    /// Waits for new events or a stop.
    ///
    /// # Errors
    /// The wait failed at once; the caller must pause before it calls again.
    fn wait(&mut self, timeout: Duration) -> Result<Wake, LogError>;

    /// Waits for a stop alone. Returns whether it came.
    fn pause(&mut self, timeout: Duration) -> bool;

    /// The time since some moment in the past, which never goes back.
    fn clock(&self) -> Duration;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_errors_are_each_others_inverse() {
        for code in [0, 5, 6, 259, 1062, 1168, 1722, 1734, 1818, 4317, 15001, 15007, 15011, 15012, 87] {
            assert_eq!(LogError::from_code(code).code(), code);
        }
        assert_eq!(LogError::from_code(0), LogError::NoReason);
        assert_eq!(LogError::from_code(87), LogError::Other(87));
    }
}
