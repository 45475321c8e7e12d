//! Rows of the result, with their reasons.

use super::Store;
use super::finding::FindingId;
use super::flags::Flags;
use super::view::FindingView;
use crate::detect::explain::{ExplainInput, explain};
use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::model::row::{AlertRow, Explanation, JoinedField};

/// The row's fields that can be joined, in the row's order.
const JOINABLE: [Field; 4] =
    [Field::CommandLine, Field::ParentImage, Field::ParentCommandLine, Field::DestinationHostname];

impl Store {
    /// The row of a finding under a profile; `None` where that does not select it.
    #[must_use]
    pub fn row(&self, id: FindingId, profile: Profile, flags: &Flags) -> Option<AlertRow> {
        let view = self.view(id, profile, flags)?;
        let joined = self.joined_fields(&view);
        let anew = match view.finding().hunt {
            Some(hunt) => Some(self.explain_lead(&view, &hunt, flags)),
            None => self.explain_finding(id, &view, profile, &joined, flags),
        };
        let explanation = self.claimed_explanation(&view, anew)?;
        let text = |field| view.text(field).map(str::to_owned);
        Some(AlertRow {
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
        flags: &Flags,
    ) -> Option<Explanation> {
        let correlated = self.view(id, Profile::Correlated, flags)?;
        let own_joins;
        let joined_for_reasons = if profile == Profile::Spl {
            own_joins = self.joined_fields(&correlated);
            &own_joins
        } else {
            joined
        };
        explain(&ExplainInput {
            profile,
            own: self.facts(view.finding().event),
            with_joins: correlated.facts(),
            joined: joined_for_reasons,
            patterns: flags.patterns(),
            excepted: Profile::ALL.map(|profile| flags.exception(view.finding().event, profile)),
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
