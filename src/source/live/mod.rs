//! This host's channels, pulled: first what the log holds already, then what is written, on and on. Sysmon's is the one
//! that must be there; PowerShell's and Security's are read for the walk-through of the tests where the rights allow
//! it.
//!
//! Each channel is a source with a `Session` of its own, on a thread of its own. The session knows the Windows Event
//! Log only as [`EventLog`], of which there is the real one (`win32.rs` with `wevtapi.rs`, the only unsafe code of the
//! program) and, in tests, doubles.

mod api;
mod batches;
mod begin;
mod dedup;
mod memory;
mod query;
mod sentences;
mod session;
mod status;
mod stuck;
mod watch;
#[cfg(windows)]
#[allow(unsafe_code, reason = "the calls into the system's library; each block says why it is sound")]
mod wevtapi;
#[cfg(windows)]
#[allow(unsafe_code, reason = "the Win32 calls; each block says why it is sound")]
mod win32;
mod xml;

#[cfg(test)]
mod scripted_log;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

pub use api::{BATCH, EventLog, LogError, LogInfo, Start, Wake};
pub use query::EVENT_CODES;
pub use sentences::why;
use session::Session;
pub use status::LiveStatus;

pub use super::text::parse_rendered;

use crate::model::batch::{Place, SourceId};
use crate::model::event::Wanted;
use crate::model::fault::{Fault, FaultKind, Severity};
use crate::model::feed::{EventKey, FeedMessage, Progress, RawEvents, SOURCE_THREAD, SourceInfo};
use crate::model::telemetry::Channel;
use crate::model::time::Timestamp;
use crate::source::sink::Sink;

/// The channel that Sysmon writes to.
pub const SYSMON_CHANNEL: &str = "Microsoft-Windows-Sysmon/Operational";

/// One channel that is read, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// The channel's name.
    pub channel: String,
    /// The channel as one that only the walk-through of the tests looks at; `None` for the one that the detection
    /// reads.
    pub telemetry: Option<Channel>,
    /// The maximum age of events that the log holds already; `None` for all. Events written from now on come in any
    /// case.
    pub since: Option<Timestamp>,
    /// The file that keeps the position in the log between runs, to mark the events that were seen before.
    pub memory: Option<PathBuf>,
    /// This host's name.
    pub host: String,
    /// Between two looks at the log itself.
    pub look_every: Duration,
    /// The source's number; given when it is opened.
    pub source: SourceId,
}

impl LiveOptions {
    /// Returns the channels of a host: Sysmon's with the others of the walk-through, or the one that was named, alone.
    #[must_use]
    pub fn of_host(
        host: &str,
        named: Option<&str>,
        since: Option<Timestamp>,
        state_folder: Option<&Path>,
    ) -> Vec<Self> {
        let options = |channel: &str, telemetry| Self {
            channel: channel.to_owned(),
            telemetry,
            since,
            memory: state_folder.map(|folder| folder.join(memory::file_name(host, channel))),
            host: host.to_owned(),
            ..Self::default()
        };
        let channel = named.unwrap_or(SYSMON_CHANNEL);
        let mut all = vec![options(channel, None)];
        if channel.eq_ignore_ascii_case(SYSMON_CHANNEL) {
            all.extend(Channel::ALL.map(|other| options(other.name(), Some(other))));
        }
        all
    }
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            channel: SYSMON_CHANNEL.to_owned(),
            telemetry: None,
            since: None,
            memory: None,
            host: String::new(),
            look_every: Duration::from_secs(10),
            source: SourceId(0),
        }
    }
}

/// Asks the loop for a stop from another thread; it wakes at once.
pub type Stopper = Arc<dyn Fn() + Send + Sync>;

/// Opens the log of a channel.
pub type OpenLog<'a> = &'a mut dyn FnMut(&LiveOptions) -> Result<Box<dyn EventLog + Send>, LogError>;

/// The subscriptions of this host's channels, ready to be run.
#[derive(Debug)]
pub struct Live {
    sessions: Vec<(Session, Arc<LiveStatus>)>,
    /// Channels that can't be read.
    unread: Vec<Fault>,
}

impl Live {
    /// Subscribes to channels. The first one must be there; another that can't be read is a notice.
    ///
    /// # Errors
    /// The reason why the first channel can't be read, and the remedy, as a clause.
    pub fn open(channels: Vec<LiveOptions>, log_of: OpenLog<'_>) -> Result<Self, String> {
        let mut live = Self { sessions: Vec::new(), unread: Vec::new() };
        for options in channels {
            let source = SourceId(u32::try_from(live.sessions.len()).unwrap_or(u32::MAX));
            let options = LiveOptions { source, ..options };
            let (channel, telemetry) = (options.channel.clone(), options.telemetry);
            let opened = log_of(&options)
                .map_err(|error| why(error, &channel))
                .and_then(|log| Session::open(log, options));
            match (opened, telemetry) {
                (Ok(session), _) => live.sessions.push((session, Arc::default())),
                (Err(reason), None) => return Err(reason),
                (Err(reason), Some(other)) => live.unread.push(not_read(&channel, other, &reason)),
            }
        }
        Ok(live)
    }

    /// Returns the channels that are read, in the order of their sources, with the state of each.
    #[must_use]
    pub fn statuses(&self) -> Vec<(String, Arc<LiveStatus>)> {
        let of = |(session, status): &(Session, Arc<LiveStatus>)| {
            (session.options.channel.clone(), Arc::clone(status))
        };
        self.sessions.iter().map(of).collect()
    }

    /// Hands over the channels' events until a stop is asked for or `sink` returns `false` because the receiver is
    /// gone. `sink` may wait: meanwhile the events stay in their logs. [`FeedMessage::Finished`] is the last message of
    /// all.
    pub fn run(self, progress: &Progress, sink: &(dyn Fn(FeedMessage) -> bool + Sync)) {
        let sink = Sink::new(progress, sink, Wanted::default());
        // A source comes before its first batch, and the sources in their order.
        for (session, _) in &self.sessions {
            sink.send(FeedMessage::Source(session.source()));
        }
        for fault in self.unread {
            sink.send(FeedMessage::Fault(fault));
        }
        let run = |session: Session, status: &LiveStatus| {
            let info = session.source();
            sink.guarded(&info, || session.run(&sink, status));
        };
        thread::scope(|scope| {
            let mut sessions = self.sessions.into_iter();
            let first = sessions.next();
            for (session, status) in sessions {
                let (channel, other) = (session.options.channel.clone(), session.options.telemetry);
                let thread = thread::Builder::new().name(SOURCE_THREAD.to_owned());
                if let Err(error) = thread.spawn_scoped(scope, move || run(session, &status)) {
                    let reason = format!("no thread can be started to read {channel}: {error}");
                    let fault = not_read(&channel, other.unwrap_or(Channel::Security), &reason);
                    sink.send(FeedMessage::Fault(fault));
                }
            }
            if let Some((session, status)) = first {
                run(session, &status);
            }
        });
        sink.send(FeedMessage::Finished);
    }
}

/// The fault of a channel that only the walk-through looks at.
fn not_read(channel: &str, other: Channel, reason: &str) -> Fault {
    let reason = format!(
        "{reason}. The detection does not need it; the walk-through of the tests sees no Event {}",
        other.event_code()
    );
    Fault::new(channel.to_owned(), FaultKind::Live(reason)).with_severity(Severity::Notice)
}

/// Subscribes to channels of this host, so that an error is known before a screen is drawn.
///
/// # Errors
/// The reason why the first channel can't be read, and the remedy, as a clause.
#[cfg(windows)]
pub fn open(channels: Vec<LiveOptions>) -> Result<(Live, Stopper), String> {
    let mut stoppers: Vec<Stopper> = Vec::new();
    let live = Live::open(channels, &mut |options| {
        let log = win32::Win32Log::new(&options.channel)?;
        stoppers.push(log.stopper());
        Ok(Box::new(log))
    })?;
    Ok((live, Arc::new(move || stoppers.iter().for_each(|stop| stop()))))
}

/// Returns whether the console's window was opened for this process alone, and closes with it.
#[cfg(windows)]
#[must_use]
pub fn is_alone_in_console() -> bool {
    win32::is_alone_in_console()
}

/// Only Windows has such channels.
///
/// # Errors
/// Always.
#[cfg(not(windows))]
pub fn open(channels: Vec<LiveOptions>) -> Result<(Live, Stopper), String> {
    drop(channels);
    Err("only Windows has a Sysmon channel to read live; name .evtx files or folders, with --follow where they grow".to_owned())
}

/// Events of a channel, read again; their place is the record's number.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiveEvents;

impl RawEvents for LiveEvents {
    fn xml(&self, source: &SourceInfo, place: Place) -> Result<String, String> {
        self.xml_of_event(source, place, &EventKey { record: Some(place), ..EventKey::default() })
    }

    #[cfg(windows)]
    fn xml_of_event(&self, source: &SourceInfo, place: Place, key: &EventKey) -> Result<String, String> {
        let channel = source.path.to_string_lossy();
        match win32::xml_of(&channel, place, key) {
            Ok(xml) => Ok(xml),
            Err(LogError::NoMoreItems | LogError::NotFound) => {
                Err(format!("record {place} is not in {channel} any more: it was overwritten or cleared"))
            }
            Err(error) => Err(why(error, &channel)),
        }
    }

    #[cfg(not(windows))]
    fn xml_of_event(&self, source: &SourceInfo, place: Place, _: &EventKey) -> Result<String, String> {
        Err(format!("record {place} of {} can only be read on its own Windows host", source.name))
    }
}
