//! Hosts and what happens on them: the logs under `fixtures/`, each described in `fixtures/README.md`.

pub mod background;
pub mod damaged;
pub mod developers_day;
pub mod event;
pub mod forwarded;
pub mod four_tests;
pub mod git;
pub mod host;
pub mod hostile;
pub mod names;
pub mod old_schema;
pub mod programs;
pub mod walk;

use std::io;

use super::evtx_writer::record::ComputerName;
use event::Event;

/// A file under `fixtures/`, as its scenario makes it.
pub struct Fixture {
    /// Its path below `fixtures/`.
    pub path: &'static str,
    /// Expected content, byte by byte.
    pub bytes: Vec<u8>,
    /// The events that a reader must find in it; `None` for a file that is no intact log.
    pub log: Option<Log>,
}

/// Events in the order of their log, with consecutive record numbers.
pub struct Log {
    pub first_record_id: u64,
    pub events: Vec<Event>,
    /// Records that the evtx crate's own values cannot hold.
    pub beyond_the_crate: Vec<u64>,
}

impl Log {
    /// A log of these events in the order of their times.
    pub fn sorted(first_record_id: u64, mut events: Vec<Event>) -> Self {
        events.sort_by_key(|event| event.time);
        Self { first_record_id, events, beyond_the_crate: Vec::new() }
    }

    /// The bytes of its file.
    pub fn to_bytes(&self, computer_name: ComputerName) -> io::Result<Vec<u8>> {
        let records = (self.first_record_id..).zip(&self.events).map(|(id, event)| event.as_record(id));
        super::evtx_writer::to_bytes(computer_name, records)
    }
}

/// An intact log as a fixture.
fn intact(path: &'static str, log: Log) -> Fixture {
    let bytes = log.to_bytes(ComputerName::InTemplate).expect("every record fits into a chunk");
    Fixture { path, bytes, log: Some(log) }
}

/// All fixtures.
pub fn all() -> Vec<Fixture> {
    let mut fixtures = four_tests::fixtures();
    fixtures.push(old_schema::fixture());
    fixtures.extend(developers_day::fixtures());
    fixtures.push(forwarded::fixture());
    fixtures.push(hostile::fixture());
    fixtures.extend(walk::fixtures());
    fixtures.extend(damaged::fixtures());
    fixtures
}
