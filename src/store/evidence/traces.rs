//! Traces: events that are no finding, but make one stand out that follows on the same host.

use crate::detect::evidence::signs::{Trace, trace_of_file, trace_of_start};
use crate::model::event::code;
use crate::model::text::image_name;
use crate::model::time::Timestamp;
use crate::store::events::Events;
use crate::store::events::interner::Symbol;
use crate::store::ids::EventId;

/// A trace.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct TraceEvent {
    /// The host's name in lower case.
    pub(in crate::store) host: Symbol,
    /// The time.
    pub(in crate::store) time: Timestamp,
    /// The event.
    pub(in crate::store) event: EventId,
    /// The kind.
    pub(in crate::store) trace: Trace,
    /// The program, or the file that was made.
    pub(in crate::store) name: Option<Symbol>,
}

/// All traces, in order of arrival.
#[derive(Default)]
pub(in crate::store) struct Traces {
    entries: Vec<TraceEvent>,
}

impl Traces {
    pub(in crate::store) fn all(&self) -> &[TraceEvent] {
        &self.entries
    }

    /// Bytes that they take.
    pub(in crate::store) const fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<TraceEvent>()
    }

    /// Keeps the trace of an event that was added, where it leaves one. An event without a host or a time leaves none:
    /// nothing is known to follow it.
    pub(in crate::store) fn add(
        &mut self,
        id: EventId,
        events: &mut Events,
        image: Option<&str>,
        line: Option<&str>,
        target: Option<&str>,
    ) {
        let Some(event) = events.event(id) else { return };
        let (image, time, host) = (image.unwrap_or(""), event.time, event.host);
        let (trace, name) = match event.event_code {
            code::PROCESS_CREATE => (trace_of_start(image, line.unwrap_or("")), image_name(image)),
            code::FILE_CREATE => {
                let target = target.unwrap_or("");
                (trace_of_file(image, target), image_name(target))
            }
            _ => return,
        };
        let Some(trace) = trace else { return };
        let (Some(time), Some(host)) = (time, events.host_key(host)) else { return };
        let name = events.intern(name);
        self.entries.push(TraceEvent { host, time, event: id, trace, name });
    }
}
