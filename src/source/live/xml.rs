//! The stamp that identifies an event of a log, read off the event as the service renders it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::model::feed::EventKey;
use crate::model::time::Timestamp;
use crate::source::text::RenderedSystem;

/// The identity of an event within a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    /// The number in the log of the host that wrote it.
    pub(super) record_id: Option<u64>,
    /// A hash of that host's name.
    pub(super) computer: u64,
    pub(super) time: Option<Timestamp>,
}

impl Stamp {
    /// Reads it off an event.
    pub(super) fn of(xml: &str) -> Self {
        let system = RenderedSystem::read(xml);
        Self { computer: hash_of(&system.computer), record_id: system.record_id, time: system.time }
    }

    /// Returns whether it is the stamp of the event with this key.
    #[cfg_attr(not(windows), allow(dead_code, reason = "only Windows has events to read again"))]
    pub(super) fn is_of(&self, key: &EventKey) -> bool {
        key.time.is_none_or(|time| self.time == Some(time))
            && key.computer.as_deref().is_none_or(|name| self.computer == hash_of(name))
    }
}

fn hash_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The provider's name in an event.
pub(super) fn provider(xml: &str) -> Option<String> {
    Some(RenderedSystem::read(xml).provider).filter(|name| !name.is_empty())
}
