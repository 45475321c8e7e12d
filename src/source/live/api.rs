//! What the loop needs of the Windows Event Log, thin enough that a scripted double can stand in for it.

use std::time::Duration;

/// Events that are asked for at a time, at most; the service hands over about 2 MB at once.
pub const BATCH: usize = 64;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        /// Why a call failed: the Win32 codes that ask for something to be done, and the others as their number.
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

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Start {
    /// At the oldest event that the query lets through.
    Oldest,
    /// Behind the bookmark, and only if its event is still there.
    AfterBookmark,
    /// Behind the bookmark, or where it would stand.
    NearBookmark,
}

/// Why a wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wake {
    /// The log says that there are new events.
    Signal,
    /// Somebody asked for a stop.
    Stop,
    /// The time is up.
    Timeout,
}

/// One channel of the Windows Event Log, pulled by one thread.
///
/// The events of the last [`EventLog::next`] are named by their index, and stay until the next call of it.
pub trait EventLog {
    /// Whether the channel is turned on.
    ///
    /// # Errors
    /// The channel's configuration can't be read.
    fn is_enabled(&mut self) -> Result<bool, LogError>;

    /// Closes the present subscription, if there is one, and opens a new one.
    ///
    /// # Errors
    /// There is no subscription now.
    fn subscribe(&mut self, query: &str, start: Start) -> Result<(), LogError>;

    /// Takes the signal back. Whatever is written from here on gives it again, so it is done before a drain, never after.
    ///
    /// # Errors
    /// The signal can't be reset.
    fn reset_signal(&mut self) -> Result<(), LogError>;

    /// Pulls at most `most` events and says how many came, which is never none.
    ///
    /// # Errors
    /// None came: [`LogError::NoMoreItems`] is the end of a drain, the others are troubles.
    fn next(&mut self, most: usize) -> Result<usize, LogError>;

    /// An event's XML, in a buffer that is used again.
    ///
    /// # Errors
    /// The event can't be rendered.
    fn render(&mut self, index: usize) -> Result<&str, LogError>;

    /// Sets the bookmark on an event.
    ///
    /// # Errors
    /// The bookmark stands where it stood.
    fn mark(&mut self, index: usize) -> Result<(), LogError>;

    /// Sets the bookmark to one that was saved.
    ///
    /// # Errors
    /// It is none.
    fn set_bookmark(&mut self, xml: &str) -> Result<(), LogError>;

    /// The bookmark, to save it.
    ///
    /// # Errors
    /// It can't be rendered.
    fn bookmark(&mut self) -> Result<String, LogError>;

    /// Waits for new events or a stop.
    ///
    /// # Errors
    /// The wait failed at once; who calls again must not do so without a pause.
    fn wait(&mut self, timeout: Duration) -> Result<Wake, LogError>;

    /// Waits for a stop alone, and says whether it came.
    fn pause(&mut self, timeout: Duration) -> bool;

    /// The time since some moment in the past, which never goes back.
    fn clock(&self) -> Duration;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_errors_are_each_others_inverse() {
        for code in [0, 5, 6, 259, 1062, 1168, 1722, 1734, 4317, 15001, 15007, 15011, 15012, 87] {
            assert_eq!(LogError::from_code(code).code(), code);
        }
        assert_eq!(LogError::from_code(0), LogError::NoReason);
        assert_eq!(LogError::from_code(87), LogError::Other(87));
    }
}
