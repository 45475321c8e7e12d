//! An event log of the tests: the channels of a host, each with its records, for the console without Windows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use exfilscope::source::live::{EventLog, LogError, LogInfo, Start, Wake};

/// The channels by name.
#[derive(Clone, Default)]
pub struct Host(Arc<Mutex<BTreeMap<String, Channel>>>);

#[derive(Default)]
struct Channel {
    /// The rendered events by record number.
    records: BTreeMap<u64, String>,
    next: u64,
    is_off: bool,
    is_cleared: bool,
}

/// One channel of a host, as a session reads it. Where nothing is left to read for a while it stops.
pub struct Log {
    host: Host,
    channel: String,
    position: u64,
    given: Vec<u64>,
    xml: String,
    clock: Duration,
    idle: u32,
    /// Action on the channel once all is read.
    at_end: Option<fn(&Host, &str)>,
}

impl Host {
    /// Writes an event of a provider: its ID and the fields of its data. Returns its record number.
    pub fn write(&self, channel: &str, provider: &str, event_code: u16, data: &[(&str, &str)]) -> u64 {
        let mut channels = self.0.lock().expect("no test panics with the lock");
        let log = channels.entry(channel.to_owned()).or_default();
        log.next += 1;
        let (number, minute, second) = (log.next, log.next / 60 % 60, log.next % 60);
        let data: Vec<String> =
            data.iter().map(|(name, value)| format!("<Data Name='{name}'>{value}</Data>")).collect();
        let data = data.concat();
        log.records.insert(
            number,
            format!(
                "<Event><System><Provider Name='{provider}'/><EventID>{event_code}</EventID><TimeCreated \
                 SystemTime='2026-11-24T10:{minute:02}:{second:02}.0000000Z'/><EventRecordID>{number}</EventRecordID>\
                 <Channel>{channel}</Channel><Computer>WS-1</Computer></System><EventData>{data}</EventData></Event>"
            ),
        );
        number
    }

    /// Turns a channel off.
    pub fn turn_off(&self, channel: &str) {
        self.0
            .lock()
            .expect("no test panics with the lock")
            .get_mut(channel)
            .expect("a channel that was written to")
            .is_off = true;
    }

    /// Clears a channel: its numbers go on.
    pub fn clear(&self, channel: &str) {
        let mut channels = self.0.lock().expect("no test panics with the lock");
        let log = channels.get_mut(channel).expect("a channel that was written to");
        log.records.clear();
        log.is_cleared = true;
    }

    /// Opens a channel, to which something happens once all is read.
    pub fn open(&self, channel: &str, at_end: Option<fn(&Self, &str)>) -> Result<Log, LogError> {
        if !self.0.lock().expect("no test panics with the lock").contains_key(channel) {
            return Err(LogError::ChannelNotFound);
        }
        Ok(Log {
            host: self.clone(),
            channel: channel.to_owned(),
            position: 0,
            given: Vec::new(),
            xml: String::new(),
            clock: Duration::ZERO,
            idle: 0,
            at_end,
        })
    }
}

impl Log {
    fn with<T>(&self, look: impl FnOnce(&Channel) -> T) -> T {
        look(&self.host.0.lock().expect("no test panics with the lock")[&self.channel])
    }
}

impl EventLog for Log {
    fn is_enabled(&mut self) -> Result<bool, LogError> {
        Ok(self.with(|channel| !channel.is_off))
    }

    fn subscribe(&mut self, _: &str, start: Start) -> Result<(), LogError> {
        if start == Start::Oldest {
            self.position = 0;
        }
        Ok(())
    }

    fn reset_signal(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    fn next(&mut self, most: usize) -> Result<usize, LogError> {
        let position = self.position;
        self.given = self.with(|channel| {
            channel.records.range(position + 1..).take(most).map(|(number, _)| *number).collect()
        });
        self.position = self.given.last().copied().unwrap_or(position);
        if self.given.is_empty() { Err(LogError::NoMoreItems) } else { Ok(self.given.len()) }
    }

    fn render(&mut self, index: usize) -> Result<&str, LogError> {
        let number = *self.given.get(index).ok_or(LogError::InvalidHandle)?;
        self.xml = self.with(|channel| channel.records[&number].clone());
        Ok(&self.xml)
    }

    fn place(&mut self, index: usize) -> Result<u64, LogError> {
        self.given.get(index).copied().ok_or(LogError::InvalidHandle)
    }

    fn mark(&mut self, _: usize) -> Result<(), LogError> {
        Ok(())
    }

    fn info(&mut self) -> Result<LogInfo, LogError> {
        Ok(self.with(|channel| {
            let oldest = channel.records.keys().next().copied().unwrap_or(channel.next + 1);
            LogInfo { oldest, count: channel.records.len() as u64, created: Some(1) }
        }))
    }

    fn newest(&mut self, _: &str) -> Result<(u64, String), LogError> {
        let newest =
            self.with(|channel| channel.records.last_key_value().map(|(number, xml)| (*number, xml.clone())));
        newest.ok_or(LogError::NoMoreItems)
    }

    fn wait(&mut self, timeout: Duration) -> Result<Wake, LogError> {
        self.clock += timeout;
        self.idle += 1;
        if let Some(happen) = self.at_end.take() {
            happen(&self.host, &self.channel);
        }
        // Two minutes, in which the log is looked at again and again.
        Ok(if self.idle > 240 { Wake::Stop } else { Wake::Timeout })
    }

    fn pause(&mut self, timeout: Duration) -> bool {
        self.clock += timeout;
        true
    }

    fn clock(&self) -> Duration {
        self.clock
    }
}
