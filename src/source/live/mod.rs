//! This host's Sysmon channel, pulled: first what the log holds already, then what is written, on and on.
//!
//! [`run`](Session::run) is the loop; it knows the Windows Event Log only as [`EventLog`], of which there is the real one
//! (`win32.rs`, the only unsafe code of the program) and, in tests, a scripted double.

mod api;
mod begin;
mod memory;
mod query;
mod run;
mod seen;
mod sentences;
mod status;
mod stuck;
mod watch;
#[cfg(windows)]
#[allow(unsafe_code, reason = "the Win32 calls; each block says why it is sound")]
mod win32;
mod xml;

#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use api::{BATCH, EventLog, LogError, LogInfo, Start, Wake};
pub use query::{EVENT_CODES, Part, query};
pub use run::Session;
pub use sentences::why;
pub use status::LiveStatus;

pub use super::text::parse_rendered;

use crate::model::batch::{Place, SourceId};
use crate::model::feed::{EventKey, RawEvents, SourceInfo};
use crate::model::time::Timestamp;

/// The channel that Sysmon writes to.
pub const SYSMON_CHANNEL: &str = "Microsoft-Windows-Sysmon/Operational";

/// What is read, and from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveOptions {
    /// The channel.
    pub channel: String,
    /// How old events may be that the log holds already; `None` for all. What is written from now on comes in any case.
    pub since: Option<Timestamp>,
    /// Where the place in the log is kept from one run to the next, to tell what was seen before.
    pub memory: Option<PathBuf>,
    /// This host's name.
    pub host: String,
    /// Between two looks at the log itself.
    pub look_every: Duration,
    /// The source's number.
    pub source: SourceId,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            channel: SYSMON_CHANNEL.to_owned(),
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

/// Subscribes to a channel of this host, so that what is wrong is known before a screen is drawn.
///
/// # Errors
/// A clause that says why the channel can't be read and what to do.
#[cfg(windows)]
pub fn open(options: LiveOptions) -> Result<(Session, Stopper), String> {
    let log = win32::Win32Log::new(&options.channel).map_err(|error| why(error, &options.channel))?;
    let stopper = log.stopper();
    Ok((Session::open(Box::new(log), options)?, stopper))
}

/// Whether the console's window was opened for this process alone, and closes with it.
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
pub fn open(options: LiveOptions) -> Result<(Session, Stopper), String> {
    drop(options);
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
