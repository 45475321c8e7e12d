//! Which events are kept, and which of their texts are asked for.

use std::sync::LazyLock;

use crate::detect::TECHNIQUE;
use crate::detect::evidence::signs::{ARCHIVE_ENDINGS, DOWNLOAD_ENDINGS};
use crate::detect::technique::Prefilter;
use crate::model::event::{Field, Gate, Wanted, code};

/// Which events are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Collect {
    /// All that sources hand over: for the drill-down.
    #[default]
    Everything,
    /// The events that `hunt` needs to find its leads.
    Leads,
    /// The events that `correlated` needs to find its alerts.
    Joins,
    /// The events that `spl` selects.
    Selected,
}

/// Returns true where a row shows the field, or a join needs it.
pub(in crate::store) const fn is_for_rows(field: Field) -> bool {
    matches!(field, Field::User | Field::ProcessGuid | Field::DestinationIp)
        || matches!(field, Field::DestinationHostname | Field::QueryName | Field::QueryResults)
        || is_of_starts(field)
}

/// Returns true where an Event 1 that is not selected is kept with the field: a connection is joined to it, or evidence
/// is found in it.
pub(in crate::store) const fn is_of_starts(field: Field) -> bool {
    is_joined(field) || matches!(field, Field::Image | Field::CurrentDirectory | Field::OriginalFileName)
}

/// Returns true where an Event 3 takes the field from its process's Event 1.
pub(in crate::store) const fn is_joined(field: Field) -> bool {
    matches!(field, Field::CommandLine | Field::ParentImage | Field::ParentCommandLine)
}

/// The texts without which an event is neither selected nor joined.
static PREFILTER: LazyLock<Prefilter> = LazyLock::new(|| TECHNIQUE.prefilter());

/// Images whose Event 1 is asked for in full: those that clauses select, and those whose connections they do.
static START_IMAGES: LazyLock<Option<Vec<&'static str>>> =
    LazyLock::new(|| Some(both(PREFILTER.start_images.as_deref()?, PREFILTER.connection_images.as_deref()?)));

/// Names of DNS queries that are asked for in full: those of repositories, and those that evidence looks for.
static NAMES: LazyLock<Option<Vec<&'static str>>> =
    LazyLock::new(|| Some(both(PREFILTER.hosts.as_deref()?, DOWNLOAD_ENDINGS)));

fn both(some: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    let mut all = [some, more].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// Events of other images can't be selected, nor do their connections need a DNS name. Of them only the fields for coverage
/// counts and for joins are decoded.
static GATES: LazyLock<Vec<Gate>> = LazyLock::new(|| gates(&PREFILTER));

fn gates(prefilter: &'static Prefilter) -> Vec<Gate> {
    const START: &[Field] =
        &[Field::Image, Field::CommandLine, Field::ParentImage, Field::ParentCommandLine, Field::ProcessGuid];
    const CONNECTION: &[Field] = &[Field::Image, Field::DestinationHostname];
    [
        (code::PROCESS_CREATE, Field::Image, START_IMAGES.as_deref(), START),
        (code::NETWORK_CONNECT, Field::Image, prefilter.connection_images.as_deref(), CONNECTION),
        (code::DNS_QUERY, Field::QueryName, NAMES.as_deref(), &[Field::QueryName][..]),
        (code::FILE_CREATE, Field::TargetFilename, Some(ARCHIVE_ENDINGS), &[][..]),
    ]
    .into_iter()
    .filter_map(|(event_code, field, terms, others)| Some(Gate::new(event_code, field, terms?, others)))
    .collect()
}

impl Collect {
    /// The texts of events that a store asks for which keeps so much.
    #[must_use]
    pub fn wanted(self) -> Wanted {
        const START: &[Field] = &[
            Field::User,
            Field::Image,
            Field::CommandLine,
            Field::ParentImage,
            Field::ParentCommandLine,
            Field::CurrentDirectory,
            Field::OriginalFileName,
        ];
        const CONNECTION: &[Field] = &[
            Field::User,
            Field::Image,
            Field::CommandLine,
            Field::ParentImage,
            Field::ParentCommandLine,
            Field::DestinationHostname,
            Field::DestinationIp,
        ];
        match self {
            Self::Everything | Self::Leads => Wanted::default(),
            Self::Joins => Wanted::only(
                START,
                CONNECTION,
                &[Field::User, Field::Image, Field::QueryName, Field::QueryResults],
                &[Field::Image, Field::TargetFilename],
            )
            .behind(&GATES),
            Self::Selected => Wanted::only(START, CONNECTION, &[], &[]).behind(&GATES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::events::event::slot_fields;

    #[test]
    fn what_a_store_keeps_it_asks_for() {
        let wanted = Collect::Joins.wanted();
        let mut asked = 0;
        for event_code in [code::PROCESS_CREATE, code::NETWORK_CONNECT, code::DNS_QUERY] {
            let common = [Field::User, Field::Image, Field::ProcessGuid, Field::Computer];
            for field in common.iter().chain(slot_fields(event_code)) {
                assert!(field.is_carried() && Collect::Everything.wanted().has(event_code, *field));
                if is_for_rows(*field) || *field == Field::Computer {
                    assert!(wanted.has(event_code, *field), "{event_code} {field:?}");
                    asked += 1;
                }
            }
        }
        assert!(asked > 15, "{asked}");
    }

    #[test]
    fn no_clause_selects_what_does_not_pass() {
        assert_eq!(GATES.len(), 4);
        for gate in GATES.iter() {
            let is_lower = |ending: &&str| ending.is_ascii() && **ending == ending.to_ascii_lowercase();
            assert!(gate.endings().iter().all(is_lower), "{gate:?}");
            let is_counted = gate.others() & 1 << gate.field().index() != 0;
            assert!(is_counted || gate.field() == Field::TargetFilename, "{gate:?}");
        }
    }
}
