//! The events of a store: their texts, hosts, parents and processes, and the search for duplicates.
//!
//! The owner of all facts of a single event. It knows no finding and no join between hosts' events: see
//! `joins` for those. An event is a row of numbers and symbols, so that a hundred million fit into
//! memory.

pub mod collect;
mod counted;
pub(in crate::store) mod dedup;
pub(in crate::store) mod deferred;
pub(in crate::store) mod dense_map;
pub mod distinct;
pub mod event;
pub(in crate::store) mod hash_index;
pub(in crate::store) mod host_names;
pub mod interner;
pub mod process;
pub(in crate::store) mod same_event;
mod tree;

use crate::detect::DetectionInput;
use crate::model::batch::{Batch, EventRecord};
use crate::model::event::{Field, Wanted, code};
use crate::model::guid::Guid;
use crate::model::host;
use crate::model::time::Timestamp;
use crate::store::events::collect::{Collect, is_for_rows, is_of_starts};
use crate::store::events::dedup::{Dedup, KeyedEvents};
use crate::store::events::deferred::{Deferred, Waiting};
use crate::store::events::distinct::DistinctTable;
use crate::store::events::event::{MAX_SLOTS, StoredEvent, slot_fields};
use crate::store::events::host_names::{FirstSpellings, HostName, HostNameCache};
use crate::store::events::interner::{Interner, Symbol};
use crate::store::events::process::{Process, Processes};
use crate::store::ids::{DistinctId, EventId, ProcessId};

/// The form in which a row names its host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostNaming {
    /// `System/Computer` as written.
    #[default]
    Computer,
    /// Its first label, as a forwarder names it.
    Short,
}

impl HostNaming {
    fn shown(self, computer: &str) -> &str {
        match self {
            Self::Computer => computer,
            Self::Short => host::label(computer),
        }
    }
}

/// The process of an event, and its place in time.
pub(in crate::store) type ProcessTimeKey = (Option<ProcessId>, Option<Timestamp>, u64, EventId);

/// The events of a store.
#[derive(Default)]
pub struct Events {
    naming: HostNaming,
    collect: Collect,
    keeps_duplicates: bool,
    entries: Vec<StoredEvent>,
    strings: Interner,
    name_cache: HostNameCache,
    spellings: FirstSpellings,
    hosts: DistinctTable,
    /// By number of host: its name in lower case.
    host_keys: Vec<Option<Symbol>>,
    parents: DistinctTable,
    processes: Processes,
    dedup: Dedup,
    deferred: Deferred,
}

impl Events {
    pub(in crate::store) fn new(naming: HostNaming, collect: Collect) -> Self {
        Self { naming, collect, ..Self::default() }
    }

    /// Creates an empty table that collects and names as another one does, with its first spellings.
    pub(in crate::store) fn new_like(other: &Self) -> Self {
        let mut new = Self::new(other.naming, other.collect);
        new.keeps_duplicates = other.keeps_duplicates;
        new.spellings = other.spellings.renamed(|symbol| new.strings.intern(other.text(symbol)));
        new
    }

    pub(in crate::store) const fn keep_duplicates(&mut self) {
        self.keeps_duplicates = true;
    }

    pub(in crate::store) const fn keeps_duplicates(&self) -> bool {
        self.keeps_duplicates
    }

    /// Returns which events are collected.
    pub(in crate::store) const fn collect(&self) -> Collect {
        self.collect
    }

    /// Returns the texts of events that are asked of the sources.
    pub(in crate::store) fn wanted(&self) -> Wanted {
        self.collect.wanted()
    }

    /// Returns the number of events.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns true where there are no events.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns all events, in order of arrival.
    #[must_use]
    pub fn all(&self) -> &[StoredEvent] {
        &self.entries
    }

    /// Returns an event.
    #[must_use]
    pub fn event(&self, id: EventId) -> Option<&StoredEvent> {
        self.entries.get(id.index())
    }

    /// Returns a process.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> Option<&Process> {
        self.processes.get(id)
    }

    /// Returns the text of a symbol.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        self.strings.text(symbol)
    }

    /// Returns the text of an event's field; `None` where the event lacks it or it is not collected.
    #[must_use]
    pub fn field(&self, event: &StoredEvent, field: Field) -> Option<&str> {
        event.symbol(field).map(|symbol| self.text(symbol))
    }

    /// Returns the host of an event, as its row shows it.
    #[must_use]
    pub fn host_of(&self, event: &StoredEvent) -> Option<&str> {
        self.hosts.get(event.host?).map(|host| self.text(host.shown))
    }

    /// Returns the first spelling of a host's name. Names of hosts have no case.
    #[must_use]
    pub fn host_name(&self, host: DistinctId) -> Option<&str> {
        self.hosts.get(host).map(|host| self.text(host.first))
    }

    /// Returns the distinct hosts.
    #[must_use]
    pub const fn hosts(&self) -> &DistinctTable {
        &self.hosts
    }

    /// Returns the distinct parents.
    #[must_use]
    pub const fn parents(&self) -> &DistinctTable {
        &self.parents
    }

    /// Returns the number of a parent's image.
    pub(in crate::store) fn own_parent(&self, event: &StoredEvent) -> Option<DistinctId> {
        self.parents.find(event.symbol(Field::ParentImage)?)
    }

    /// Returns the symbol of a text, which is added where it is new; `None` for an empty text.
    pub(in crate::store) fn intern(&mut self, text: &str) -> Option<Symbol> {
        self.strings.intern(text)
    }

    /// Returns the process of a host that was seen with a GUID.
    pub(in crate::store) fn find_process(&self, host_key: Symbol, guid: Guid) -> Option<ProcessId> {
        self.processes.find(host_key, guid)
    }

    /// Returns the process of a host and a GUID, which is added where it is new.
    pub(in crate::store) fn process_of(&mut self, host_key: Symbol, guid: Guid) -> Option<ProcessId> {
        self.processes.get_or_add(host_key, guid)
    }

    /// Returns a process and its key, by its number; `None` after the last one.
    pub(in crate::store) fn key_of_process(&self, number: u32) -> Option<(ProcessId, (Symbol, Guid))> {
        let id = ProcessId(number);
        self.processes.get(id).map(|process| (id, (process.host_key(), process.guid)))
    }

    /// Sets or clears the Event 1 of a process.
    pub(in crate::store) fn set_start(&mut self, process: ProcessId, start: Option<EventId>) {
        if let Some(process) = self.processes.get_mut(process) {
            process.start = start;
        }
    }

    /// Returns the key that orders the Event 1 of one GUID: the earliest counts, whatever order they arrive in.
    pub(in crate::store) fn sort_key(&self, id: EventId) -> impl Ord + use<> {
        self.event(id).map(|event| (event.time, event.record_id_or_max, event.source, event.place))
    }

    /// Returns the key that orders queries and connections of a process.
    pub(in crate::store) fn time_key(&self, id: EventId) -> ProcessTimeKey {
        self.event(id)
            .map_or((None, None, 0, id), |event| (event.process, event.time, event.record_id_or_max, id))
    }

    /// Adds an event that no source delivered; `None` once there are no numbers left.
    pub(in crate::store) fn push(&mut self, event: StoredEvent) -> Option<EventId> {
        let id = EventId(u32::try_from(self.entries.len()).ok()?);
        if let Some(parent) = event.symbol(Field::ParentImage) {
            self.parents.count(parent, parent, parent, event.time);
        }
        self.entries.push(event);
        Some(id)
    }

    pub(in crate::store) fn reserve(&mut self, events: usize) {
        self.entries.reserve_exact(events);
    }

    /// Adds an event and returns its number; `None` once there are no numbers left. Of an event that is not selected,
    /// only the fields that others may be joined to are kept, unless all events are collected.
    pub(in crate::store) fn insert(
        &mut self,
        batch: &Batch,
        record: &EventRecord,
        name: Option<HostName>,
        is_selected: bool,
    ) -> Option<EventId> {
        let id = EventId(u32::try_from(self.entries.len()).ok()?);
        let head = &record.head;
        let host = name.map(|name| self.host(name, record));
        let key = head.process_guid.zip(self.host_key(host));
        let is_deferred = !is_selected && self.deferred.takes(head.event_code);
        let process = match key {
            Some((guid, host_key)) if is_deferred => {
                let parent = head.parent_process_guid;
                self.deferred.wait(Waiting { guid, host_key, event: id, parent });
                None
            }
            Some((guid, host_key)) => self.processes.get_or_add(host_key, guid),
            None => None,
        };
        let keeps_all = matches!(self.collect, Collect::Everything | Collect::Leads);
        let is_start = head.event_code == code::PROCESS_CREATE;
        let packed = if is_deferred && is_start {
            self.deferred.pack(|field| batch.text(record, field))
        } else {
            None
        };
        let mut intern = |field| {
            let is_asked_for = is_selected || !is_start || (is_of_starts(field) && packed.is_none());
            let is_kept = keeps_all || (is_for_rows(field) && is_asked_for);
            if is_kept { self.strings.intern(batch.text(record, field)?) } else { None }
        };
        let mut slots = [None; MAX_SLOTS];
        for (slot, field) in slots.iter_mut().zip(slot_fields(head.event_code)) {
            *slot = intern(*field);
        }
        let event = StoredEvent {
            time: head.time,
            place: head.place,
            source: batch.source,
            host,
            process,
            previous_of_process: None,
            event_code: head.event_code,
            user: intern(Field::User),
            image: intern(Field::Image),
            process_number: intern(Field::ProcessId),
            slots,
            packed,
            record_id_or_max: head.record_id.unwrap_or(u64::MAX),
            odd_guid: intern(Field::ProcessGuid),
        };
        self.push(event)?;
        if head.record_id.is_some() && host.is_some() && !self.keeps_duplicates {
            let all = KeyedEvents { events: &self.entries, host_keys: &self.host_keys };
            self.dedup.add(id, all);
        }
        if let Some(process) = process {
            self.chain(id, process);
        }
        if is_start && let Some((process, key)) = process.zip(self.host_key(host)) {
            self.link_to_parent(process, key, head.parent_process_guid);
        }
        Some(id)
    }

    /// Makes an event the newest of its process.
    fn chain(&mut self, id: EventId, process: ProcessId) {
        let previous = self.processes.get_mut(process).and_then(|process| process.newest_event.replace(id));
        if let Some(event) = self.entries.get_mut(id.0 as usize) {
            event.previous_of_process = previous;
        }
    }

    /// Returns the host that an event names; `None` where there are no symbols left.
    pub(in crate::store) fn name(&mut self, computer: &str) -> Option<HostName> {
        let naming = self.naming;
        let spellings = &mut self.spellings;
        self.name_cache.get_or_add(computer, &mut self.strings, |strings| {
            spellings.name(computer, naming.shown(computer), strings)
        })
    }

    /// Counts an event of a host.
    fn host(&mut self, name: HostName, record: &EventRecord) -> DistinctId {
        let id = if code::is_kept(record.head.event_code) {
            self.hosts.count(name.written, name.shown, name.first, record.head.time)
        } else {
            // An event of another channel names its host, but does not count for the tuning.
            self.hosts.number(name.written, name.shown, name.first)
        };
        if self.host_keys.len() < self.hosts.entries().len() {
            self.host_keys.push(Some(name.key));
        }
        id
    }

    /// Returns the name in lower case of the host of a process.
    pub(in crate::store) fn host_of_process(&self, process: ProcessId) -> Option<Symbol> {
        self.processes.get(process).map(Process::host_key)
    }

    /// Returns the name in lower case, by which processes and answers are joined.
    pub(in crate::store) fn host_key(&self, host: Option<DistinctId>) -> Option<Symbol> {
        self.host_keys.get(host?.0 as usize).copied().flatten()
    }

    /// Makes a process a child of its parent, which is added where it is new.
    pub(in crate::store) fn link_to_parent(
        &mut self,
        process: ProcessId,
        host_key: Symbol,
        parent: Option<Guid>,
    ) {
        let parent = parent.and_then(|guid| self.processes.get_or_add(host_key, guid));
        if let Some(parent) = parent {
            self.processes.link(process, parent);
        }
    }

    /// The fields of an event as the detection sees them, without joins.
    pub(in crate::store) fn facts(&self, id: EventId) -> DetectionInput<'_> {
        let Some(event) = self.event(id) else { return DetectionInput::default() };
        DetectionInput {
            event_code: event.event_code,
            host: self.host_of(event),
            image: self.field(event, Field::Image),
            command_line: self.field(event, Field::CommandLine),
            parent_image: self.field(event, Field::ParentImage),
            destination_hostname: self.field(event, Field::DestinationHostname),
        }
    }

    /// Returns the bytes of all tables that grow with events, processes, hosts or texts.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.text_bytes()
            + self.entries.capacity() * size_of::<StoredEvent>()
            + self.dedup.bytes()
            + self.hosts.bytes()
            + self.host_keys.capacity() * size_of::<Option<Symbol>>()
            + self.parents.bytes()
            + self.processes.bytes()
    }

    fn text_bytes(&self) -> usize {
        self.strings.bytes() + self.deferred.bytes()
    }
}
