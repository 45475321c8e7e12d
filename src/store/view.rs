//! A finding's texts under a profile, borrowed: the input of lists and filters.

use std::cell::OnceCell;

use crate::detect::DetectionInput;
use crate::detect::exception::Exception;
use crate::detect::explain::{ExplainInput, explain};
use crate::detect::hunt::target::spoken_to;
use crate::detect::profile::Profile;
use crate::filter::{FilterField, Subject};
use crate::model::event::Field;
use crate::model::repository::owner;
use crate::model::row::Signal;
use crate::model::row::{AlertRow, Explanation, JoinedField};
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::events::event::StoredEvent;
use crate::store::events::interner::Symbol;
use crate::store::findings::finding::Finding;
use crate::store::ids::{EventId, FindingId};
use crate::store::tuning_matches::TuningMatches;

/// A finding as a profile sees it.
#[derive(Clone, Copy)]
pub struct FindingView<'a> {
    store: &'a Store,
    id: FindingId,
    finding: &'a Finding,
    event: &'a StoredEvent,
    signal: Signal,
    profile: Profile,
    tuning: &'a TuningMatches,
}

impl Store {
    /// A finding under a profile; `None` where that does not select it, or the tuning speak of hosts and parents of
    /// before a compaction.
    #[must_use]
    pub fn view<'a>(
        &'a self,
        id: FindingId,
        profile: Profile,
        tuning: &'a TuningMatches,
    ) -> Option<FindingView<'a>> {
        if tuning.epoch() != self.epoch() {
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
            tuning,
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

    pub(in crate::store) const fn store(&self) -> &'a Store {
        self.store
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

    /// Returns true where the CI-host pattern matches.
    #[must_use]
    pub fn is_ci_system(&self) -> bool {
        self.tuning.is_ci_system(self.finding.host)
    }

    /// Returns true where the IDE-parent pattern matches.
    #[must_use]
    pub fn is_known_ide(&self) -> bool {
        self.tuning.is_known_ide(self.store.parent_of(self.finding, self.profile))
    }

    /// The exception that takes it out.
    #[must_use]
    pub fn exception(&self) -> Option<&'a Exception> {
        self.tuning.exception(self.finding.event, self.profile)
    }

    /// The score, 0 to 3.
    #[must_use]
    pub fn score(&self) -> u8 {
        self.store.score_of(self.finding, self.profile, self.tuning).unwrap_or(0)
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

    /// Returns the symbol of a field of the row.
    pub(in crate::store) fn symbol(&self, field: Field) -> Option<Symbol> {
        self.store.symbol_of(self.finding, self.profile, field)
    }

    /// A field of the row, joined ones included where the profile joins.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&'a str> {
        self.store.symbol_of(self.finding, self.profile, field).map(|symbol| self.store.text(symbol))
    }

    /// Returns the source of a joined field of the row: the event, and that event's field. `None` for the event's own.
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

    /// Returns the owner of the target repository: `github.com/owner`, or the host alone, in lower case.
    #[must_use]
    pub fn owner(&self) -> Option<String> {
        self.destination().as_deref().map(owner)
    }

    /// Returns the fields that the detection evaluated.
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

/// The row's fields that can be joined, in the row's order.
const JOINABLE: [Field; 4] =
    [Field::CommandLine, Field::ParentImage, Field::ParentCommandLine, Field::DestinationHostname];

impl Store {
    /// The row of a finding under a profile; `None` where that does not select it.
    #[must_use]
    pub fn row(&self, id: FindingId, profile: Profile, tuning: &TuningMatches) -> Option<AlertRow> {
        let view = self.view(id, profile, tuning)?;
        let joined = self.joined_fields(&view);
        let anew = match view.finding().hunt {
            Some(hunt) => Some(self.explain_lead(&view, &hunt, tuning)),
            None => self.explain_finding(id, &view, profile, &joined, tuning),
        };
        let explanation = self.imported_explanation(&view, anew)?;
        let text = |field| view.text(field).map(str::to_owned);
        let table = self.activities_of(profile);
        let activity = table.and_then(|table| table.of(id));
        Some(AlertRow {
            repository: activity.and_then(|activity| activity.repository.clone()),
            owner: activity.and_then(|activity| activity.owner.clone()),
            activity: activity.map(|activity| self.activity_name(activity)),
            incident: activity.zip(table).map(|(activity, table)| self.incident_name(table, activity)),
            evidence: activity.map_or_else(Vec::new, |activity| self.evidence_rows(activity)),
            evidence_points: activity.map_or(0, |activity| activity.points),
            rows: None,
            time: view.time(),
            host: view.host().map(str::to_owned),
            user: text(Field::User),
            image: text(Field::Image),
            command_line: text(Field::CommandLine),
            parent_image: text(Field::ParentImage),
            parent_command_line: text(Field::ParentCommandLine),
            destination_hostname: text(Field::DestinationHostname),
            signal: view.signal(),
            is_ci_system: view.is_ci_system(),
            is_known_ide: view.is_known_ide(),
            suspicion_score: view.score(),
            event_code: view.event().event_code,
            process_guid: self.guid_text(&view),
            record_id: view.event().record_id(),
            source: view.source().to_owned(),
            joined,
            explanation,
        })
    }

    fn explain_finding(
        &self,
        id: FindingId,
        view: &FindingView<'_>,
        profile: Profile,
        joined: &[JoinedField],
        tuning: &TuningMatches,
    ) -> Option<Explanation> {
        let correlated = self.view(id, Profile::Correlated, tuning)?;
        let own_joins;
        let joined_for_reasons = if profile == Profile::Spl {
            own_joins = self.joined_fields(&correlated);
            &own_joins
        } else {
            joined
        };
        explain(&ExplainInput {
            profile,
            own: self.events.facts(view.finding().event),
            with_joins: correlated.facts(),
            joined: joined_for_reasons,
            patterns: tuning.patterns(),
            exception_of: Profile::ALL.map(|profile| tuning.exception(view.finding().event, profile)),
        })
    }

    fn joined_fields(&self, view: &FindingView<'_>) -> Vec<JoinedField> {
        JOINABLE
            .into_iter()
            .filter_map(|field| {
                let (from, _) = view.joined_from(field)?;
                let from = self.event(from)?;
                Some(JoinedField {
                    field,
                    event_code: from.event_code,
                    record_id: from.record_id(),
                    source: self.source_name(from).to_owned(),
                    own_value: self.field(view.event(), field).map(str::to_owned),
                })
            })
            .collect()
    }

    pub(super) fn guid_text(&self, view: &FindingView<'_>) -> Option<String> {
        match view.event().process.and_then(|process| self.process(process)) {
            Some(process) => Some(process.guid.to_string()),
            None => view.text(Field::ProcessGuid).map(str::to_owned),
        }
    }
}
