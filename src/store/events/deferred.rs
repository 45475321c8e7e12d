//! Joins that wait until all is read.
//!
//! Few processes connect to a repository host, and all others' starts and queries are never joined to anything. A batch
//! run, which reads to the end before it shows a row, need not make a process of each of them. They wait here, and
//! those of the processes that did connect are joined at the end, as they would have been when they came.

use crate::model::event::{Field, code};
use crate::model::guid::Guid;
use crate::store::events::Events;
use crate::store::events::collect::Collect;
use crate::store::events::interner::{Interner, Symbol};
use crate::store::ids::{EventId, ProcessId};

/// The fields that an Event 3 takes from its process's Event 1, and those that evidence is found in, in packed order.
const PACKED: [Field; 6] = [
    Field::CommandLine,
    Field::ParentImage,
    Field::ParentCommandLine,
    Field::CurrentDirectory,
    Field::OriginalFileName,
    Field::Image,
];

/// An event that its process may be joined to.
#[derive(Clone, Copy)]
pub(in crate::store) struct Waiting {
    pub(in crate::store) guid: Guid,
    pub(in crate::store) host_key: Symbol,
    pub(in crate::store) event: EventId,
    /// The parent's GUID, of an Event 1.
    pub(in crate::store) parent: Option<Guid>,
}

/// The events that wait.
#[derive(Default)]
pub(in crate::store) struct Deferred {
    is_on: bool,
    waiting: Vec<Waiting>,
    /// The texts of an Event 1 as one, which costs one look-up for all of them.
    packs: Interner,
    scratch: String,
}

impl Deferred {
    /// Returns true where an event that is not selected is deferred.
    pub(in crate::store) const fn takes(&self, event_code: u16) -> bool {
        self.is_on && matches!(event_code, code::PROCESS_CREATE | code::DNS_QUERY)
    }

    pub(in crate::store) fn wait(&mut self, waiting: Waiting) {
        // A zero GUID is of no process.
        if !waiting.guid.is_zero() {
            self.waiting.push(waiting);
        }
    }

    /// Packs the texts of an Event 1, after a letter for the length of each. `None` where a length is no letter's
    /// number.
    pub(in crate::store) fn pack<'a>(&mut self, text: impl Fn(Field) -> Option<&'a str>) -> Option<Symbol> {
        let texts = PACKED.map(|field| text(field).unwrap_or_default());
        self.scratch.clear();
        for text in texts {
            self.scratch.push(char::from_u32(u32::try_from(text.len()).ok()?)?);
        }
        for text in texts {
            self.scratch.push_str(text);
        }
        self.packs.intern(&self.scratch)
    }

    /// Returns the packed texts that are not missing.
    fn unpack(&self, pack: Symbol) -> impl Iterator<Item = (Field, &str)> {
        let all = self.packs.text(pack);
        let mut rest = all.chars();
        let lengths = PACKED.map(|_| rest.next().map_or(0, u32::from) as usize);
        let mut rest = rest.as_str();
        PACKED.into_iter().zip(lengths).filter_map(move |(field, length)| {
            let (text, behind) = rest.split_at_checked(length)?;
            rest = behind;
            (length > 0).then_some((field, text))
        })
    }

    /// Returns the packed text of a field.
    pub(in crate::store) fn packed_text(&self, pack: Symbol, field: Field) -> Option<&str> {
        self.unpack(pack).find(|(packed, _)| *packed == field).map(|(_, text)| text)
    }

    /// The GUID of an event that waits; they wait in the order in which they came.
    pub(in crate::store) fn guid_of(&self, event: EventId) -> Option<Guid> {
        let at = self.waiting.binary_search_by_key(&event, |waiting| waiting.event).ok()?;
        self.waiting.get(at).map(|waiting| waiting.guid)
    }

    /// Bytes that the texts take.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.packs.bytes()
    }
}

impl Events {
    /// Defers joins and the search for duplicates. For batch runs, where no row is read before the end.
    pub(in crate::store) const fn defer(&mut self) {
        self.dedup.defer();
        self.deferred.is_on = matches!(self.collect, Collect::Joins);
    }

    /// Stops deferring new events.
    pub(in crate::store) const fn end_deferring(&mut self) {
        self.deferred.is_on = false;
    }

    /// Takes the deferred events, in order of arrival; those that stay deferred go back by [`Self::put_back`].
    pub(in crate::store) fn take_deferred(&mut self) -> Vec<Waiting> {
        std::mem::take(&mut self.deferred.waiting)
    }

    pub(in crate::store) fn put_back(&mut self, waiting: Vec<Waiting>) {
        self.deferred.waiting = waiting;
    }

    /// Gives a deferred event its process and its texts, and returns its Event ID.
    pub(in crate::store) fn join(&mut self, waiting: &Waiting, process: ProcessId) -> Option<u16> {
        let id = waiting.event;
        self.link_to_parent(process, waiting.host_key, waiting.parent);
        let event = self.entries.get_mut(id.index())?;
        event.process = Some(process);
        if let Some(pack) = event.packed.take() {
            for (field, text) in self.deferred.unpack(pack) {
                if let Some(symbol) = self.strings.intern(text) {
                    event.set_symbol(field, symbol);
                }
            }
            if let Some(parent) = event.symbol(Field::ParentImage) {
                self.parents.count(parent, parent, parent, event.time);
            }
        }
        let event_code = event.event_code;
        self.chain(id, process);
        Some(event_code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_comes_out_as_it_was() {
        let mut deferred = Deferred::default();
        let long = "ü".repeat(28_000);
        for texts in [
            [None, None, None, None, None, None],
            [Some("git push"), None, Some("\0\u{1}cmd"), None, Some("x"), None],
            [Some("a"), Some(r"C:\b.exe"), Some("c"), Some("d"), Some("e"), Some("f")],
            [None, Some("ü\u{1F600}"), None, None, None, Some("g")],
        ] {
            let text = |field| PACKED.iter().zip(texts).find(|(packed, _)| **packed == field).unwrap().1;
            let pack = deferred.pack(text).unwrap();
            let out: Vec<_> = deferred.unpack(pack).collect();
            let expected: Vec<_> =
                PACKED.into_iter().filter_map(|field| Some((field, text(field)?))).collect();
            assert_eq!(out, expected);
        }
        assert_eq!(deferred.pack(|_| Some(&long)), None, "no letter is of that number");
    }
}
