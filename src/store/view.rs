//! A finding's texts under a profile, borrowed: what lists and filters look at.

use std::cell::OnceCell;

use super::Store;
use super::event::{EventId, StoredEvent};
use super::finding::{Finding, FindingId};
use super::flags::Flags;
use super::interner::Symbol;
use crate::detect::DetectionInput;
use crate::detect::exception::Exception;
use crate::detect::hunt::target::spoken_to;
use crate::detect::profile::Profile;
use crate::filter::{FilterField, Subject};
use crate::model::event::Field;
use crate::model::repository::owner;
use crate::model::row::Signal;
use crate::model::time::Timestamp;

/// A finding as a profile sees it.
#[derive(Clone, Copy)]
pub struct FindingView<'a> {
    store: &'a Store,
    id: FindingId,
    finding: &'a Finding,
    event: &'a StoredEvent,
    signal: Signal,
    profile: Profile,
    flags: &'a Flags,
}

impl Store {
    /// A finding under a profile; `None` where that does not select it, or the flags speak of hosts and parents of
    /// before a compaction.
    #[must_use]
    pub fn view<'a>(&'a self, id: FindingId, profile: Profile, flags: &'a Flags) -> Option<FindingView<'a>> {
        if flags.epoch() != self.epoch() {
            return None;
        }
        let finding = self.finding(id)?;
        let event = self.event(finding.event)?;
        Some(FindingView {
            store: self,
            id,
            finding,
            event,
            signal: finding.signal(profile)?,
            profile,
            flags,
        })
    }

    /// The symbol of a field as a profile sees it, joined ones included where it joins.
    pub(super) fn symbol_of(&self, finding: &Finding, profile: Profile, field: Field) -> Option<Symbol> {
        let named = finding.hunt.and_then(|hunt| hunt.destination);
        if let Some((name, _)) = named.filter(|_| field == Field::DestinationHostname) {
            return Some(name);
        }
        match self.joined_from(finding, profile, field) {
            Some((from, source_field)) => self.event(from)?.symbol(source_field),
            None => self.event(finding.event)?.symbol(field),
        }
    }

    fn joined_from(&self, finding: &Finding, profile: Profile, field: Field) -> Option<(EventId, Field)> {
        if profile == Profile::Spl {
            return None;
        }
        let named = finding.hunt.and_then(|hunt| hunt.destination);
        if let Some((_, from)) = named.filter(|_| field == Field::DestinationHostname) {
            return Some((from, field));
        }
        if field == Field::DestinationHostname {
            return self.resolved_by(finding).map(|event| (event, Field::QueryName));
        }
        if !matches!(field, Field::CommandLine | Field::ParentImage | Field::ParentCommandLine) {
            return None;
        }
        let start = self.start_of(finding)?;
        let own = self.event(finding.event)?.symbol(field);
        (own.is_none() && self.event(start)?.symbol(field).is_some()).then_some((start, field))
    }
}

impl<'a> FindingView<'a> {
    /// The finding's number.
    #[must_use]
    pub const fn id(&self) -> FindingId {
        self.id
    }

    /// The finding.
    #[must_use]
    pub const fn finding(&self) -> &'a Finding {
        self.finding
    }

    /// Its event.
    #[must_use]
    pub const fn event(&self) -> &'a StoredEvent {
        self.event
    }

    /// The event's time.
    #[must_use]
    pub const fn time(&self) -> Option<Timestamp> {
        self.event.time
    }

    /// The signal.
    #[must_use]
    pub const fn signal(&self) -> Signal {
        self.signal
    }

    /// Whether the CI-host pattern matches.
    #[must_use]
    pub fn is_ci_system(&self) -> bool {
        self.flags.is_ci_system(self.finding.host)
    }

    /// Whether the IDE-parent pattern matches.
    #[must_use]
    pub fn is_known_ide(&self) -> bool {
        self.flags.is_known_ide(self.store.parent_of(self.finding, self.profile))
    }

    /// The exception that takes it out.
    #[must_use]
    pub fn exception(&self) -> Option<&'a Exception> {
        self.flags.exception(self.finding.event, self.profile)
    }

    /// The score, 0 to 3.
    #[must_use]
    pub fn score(&self) -> u8 {
        self.store.score_of(self.finding, self.profile, self.flags).unwrap_or(0)
    }

    /// The host's name as it was first written, by which hosts are counted and compared.
    #[must_use]
    pub fn host_name(&self) -> Option<&'a str> {
        self.store.host_name(self.finding.host?)
    }

    /// The host, as the event writes it.
    #[must_use]
    pub fn host(&self) -> Option<&'a str> {
        self.store.host_of(self.event)
    }

    /// The file name of the source.
    #[must_use]
    pub fn source(&self) -> &'a str {
        self.store.source_name(self.event)
    }

    /// The process's GUID, as the row has it.
    #[must_use]
    pub fn process_guid(&self) -> Option<String> {
        self.store.guid_text(self)
    }

    /// A field of the row, joined ones included where the profile joins.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&'a str> {
        self.store.symbol_of(self.finding, self.profile, field).map(|symbol| self.store.text(symbol))
    }

    /// Where a field of the row was joined from: the event, and that event's field. `None` for the event's own.
    #[must_use]
    pub fn joined_from(&self, field: Field) -> Option<(EventId, Field)> {
        self.store.joined_from(self.finding, self.profile, field)
    }

    /// The other side: the destination's name, or the repository that the command line names.
    #[must_use]
    pub fn destination(&self) -> Option<String> {
        if let Some(repository) = self.finding.hunt.and_then(|hunt| hunt.repository) {
            return Some(self.store.text(repository).to_owned());
        }
        if let Some(name) = self.text(Field::DestinationHostname) {
            return Some(name.to_owned());
        }
        let own = self.store.repository_hosts().own();
        let address = spoken_to(self.text(Field::Image), self.text(Field::CommandLine)?, own)?;
        Some(address.to_string())
    }

    /// Whose repository it goes to: `github.com/owner`, or the host alone, in lower case.
    #[must_use]
    pub fn owner(&self) -> Option<String> {
        self.destination().as_deref().map(owner)
    }

    /// What the detection looked at.
    #[must_use]
    pub fn facts(&self) -> DetectionInput<'a> {
        DetectionInput {
            event_code: self.event.event_code,
            host: self.host(),
            image: self.text(Field::Image),
            command_line: self.text(Field::CommandLine),
            parent_image: self.text(Field::ParentImage),
            destination_hostname: self.text(Field::DestinationHostname),
        }
    }
}

/// A finding as a filter looks at it.
pub struct FilteredFinding<'a, 'b> {
    view: &'b FindingView<'a>,
    guid: OnceCell<Option<String>>,
    owner: OnceCell<Option<String>>,
}

impl<'a, 'b> FilteredFinding<'a, 'b> {
    /// A finding for a filter.
    #[must_use]
    pub const fn new(view: &'b FindingView<'a>) -> Self {
        Self { view, guid: OnceCell::new(), owner: OnceCell::new() }
    }
}

impl Subject for FilteredFinding<'_, '_> {
    fn text(&self, field: FilterField) -> Option<&str> {
        let view = self.view;
        match field {
            FilterField::Host => view.host(),
            FilterField::User => view.text(Field::User),
            FilterField::Image => view.text(Field::Image),
            FilterField::CommandLine => view.text(Field::CommandLine),
            FilterField::ParentImage => view.text(Field::ParentImage),
            FilterField::ParentCommandLine => view.text(Field::ParentCommandLine),
            FilterField::DestinationHostname => view.text(Field::DestinationHostname),
            FilterField::Owner => self.owner.get_or_init(|| view.owner()).as_deref(),
            FilterField::Signal => Some(view.signal().name()),
            FilterField::Source => Some(view.source()),
            FilterField::ProcessGuid => self.guid.get_or_init(|| view.store.guid_text(view)).as_deref(),
            _ => None,
        }
    }

    fn number(&self, field: FilterField) -> Option<i64> {
        let view = self.view;
        match field {
            FilterField::Score => Some(i64::from(view.score())),
            FilterField::IsCiSystem => Some(i64::from(view.is_ci_system())),
            FilterField::IsKnownIde => Some(i64::from(view.is_known_ide())),
            FilterField::EventCode => Some(i64::from(view.event.event_code)),
            FilterField::RecordId => view.event.record_id().and_then(|record| i64::try_from(record).ok()),
            _ => None,
        }
    }

    fn time(&self) -> Option<Timestamp> {
        self.view.time()
    }
}
