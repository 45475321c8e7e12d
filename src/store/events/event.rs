//! An event as the store keeps it: numbers and symbols, under a hundred bytes.

use crate::model::batch::{Place, SourceId};
use crate::model::event::{Field, code};
use crate::model::time::Timestamp;
use crate::store::events::interner::Symbol;
use crate::store::ids::{DistinctId, EventId, ProcessId};

/// Maximum of own fields of an Event ID.
pub(in crate::store) const MAX_SLOTS: usize = 7;

/// Returns the fields kept of an Event ID apart from the ones that all have, in the order of their slots.
pub(in crate::store) const fn slot_fields(event_code: u16) -> &'static [Field] {
    match event_code {
        code::PROCESS_CREATE => &[
            Field::CommandLine,
            Field::ParentImage,
            Field::ParentCommandLine,
            Field::CurrentDirectory,
            Field::ParentProcessId,
            Field::IntegrityLevel,
            Field::OriginalFileName,
        ],
        code::NETWORK_CONNECT => &[
            Field::DestinationHostname,
            Field::DestinationIp,
            Field::DestinationPort,
            Field::Protocol,
            Field::Initiated,
            Field::ParentImage,
        ],
        code::DNS_QUERY => &[Field::QueryName, Field::QueryResults, Field::QueryStatus],
        code::FILE_CREATE => &[Field::TargetFilename],
        code::SCRIPT_BLOCK => &[Field::ScriptBlockText, Field::ScriptBlockId, Field::MessageTotal],
        code::NEW_PROCESS => &[
            Field::CommandLine,
            Field::NewProcessName,
            Field::NewProcessId,
            Field::ParentProcessName,
            Field::SubjectUserName,
        ],
        _ => &[],
    }
}

/// Returns true where the store keeps a field of events of an ID.
#[must_use]
pub fn is_kept_field(event_code: u16, field: Field) -> bool {
    matches!(field, Field::User | Field::Image | Field::ProcessId) || slot_fields(event_code).contains(&field)
}

/// A kept event.
#[derive(Clone, Debug)]
pub struct StoredEvent {
    /// `System/TimeCreated/@SystemTime`.
    pub time: Option<Timestamp>,
    /// Its offset in its source.
    pub place: Place,
    /// Its source.
    pub source: SourceId,
    /// The host, in the store's table of hosts; `None` where the event names none.
    pub host: Option<DistinctId>,
    /// The process that it speaks of; `None` where its GUID is missing or zero.
    pub process: Option<ProcessId>,
    /// The next older event of the same process, in order of arrival.
    pub(in crate::store) previous_of_process: Option<EventId>,
    /// Sysmon's Event ID, or that of another channel's event that was wanted.
    pub event_code: u16,
    /// The account.
    pub user: Option<Symbol>,
    /// The process's executable.
    pub image: Option<Symbol>,
    /// The process's number.
    pub process_number: Option<Symbol>,
    pub(in crate::store) slots: [Option<Symbol>; MAX_SLOTS],
    /// An Event 1's texts, packed until its process makes a connection.
    pub(in crate::store) packed: Option<Symbol>,
    pub(in crate::store) record_id_or_max: u64,
    /// The `ProcessGuid` where its text is no GUID.
    pub(in crate::store) odd_guid: Option<Symbol>,
}

impl StoredEvent {
    /// `System/EventRecordID`.
    #[must_use]
    pub const fn record_id(&self) -> Option<u64> {
        if self.record_id_or_max == u64::MAX { None } else { Some(self.record_id_or_max) }
    }

    /// Sets one of the event's texts, if it is one that is kept of its Event ID.
    pub(in crate::store) fn set_symbol(&mut self, field: Field, symbol: Symbol) {
        match field {
            Field::User => self.user = Some(symbol),
            Field::Image => self.image = Some(symbol),
            Field::ProcessId => self.process_number = Some(symbol),
            _ => {
                let slot = slot_fields(self.event_code).iter().position(|kept| *kept == field);
                if let Some(slot) = slot.and_then(|slot| self.slots.get_mut(slot)) {
                    *slot = Some(symbol);
                }
            }
        }
    }

    /// The symbol of one of the event's texts; `None` where the event lacks it or the store does not keep it.
    #[must_use]
    pub fn symbol(&self, field: Field) -> Option<Symbol> {
        match field {
            Field::User => self.user,
            Field::Image => self.image,
            Field::ProcessId => self.process_number,
            Field::ProcessGuid => self.odd_guid,
            _ => {
                let slot = slot_fields(self.event_code).iter().position(|kept| *kept == field)?;
                self.slots.get(slot).copied().flatten()
            }
        }
    }
}
