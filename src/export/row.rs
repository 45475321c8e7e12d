//! The columns of a row, in the one order in which every format writes them.

use std::borrow::Cow;

use super::safe;
use crate::model::row::{AlertRow, COLUMNS, EvidenceRow, JoinedField};

/// Value of a column.
pub(super) enum Value<'a> {
    /// The row lacks it, or has it empty.
    Missing,
    /// A text, tokens masked, otherwise as in the event.
    Text(Cow<'a, str>),
    /// A number.
    Number(u64),
    /// The fields that came from other events.
    Joined(&'a [JoinedField]),
    /// The evidence of its activity.
    Evidence(&'a [EvidenceRow]),
    /// A number that can be negative.
    Points(i32),
}

/// A text of the row; an empty one is a missing one.
pub(super) fn text(value: Option<&str>, reveal_secrets: bool) -> Option<Cow<'_, str>> {
    value.filter(|text| !text.is_empty()).map(|text| safe::masked(text, reveal_secrets))
}

/// The row's values, in the order of [`COLUMNS`].
pub(super) fn values(row: &AlertRow, reveal_secrets: bool) -> [Value<'_>; COLUMNS.len()] {
    let shown = |value| text(value, reveal_secrets).map_or(Value::Missing, Value::Text);
    let as_it_is = |value: &'static str| Value::Text(Cow::Borrowed(value));
    [
        row.time.map_or(Value::Missing, |time| Value::Text(Cow::Owned(time.to_string()))),
        shown(row.host.as_deref()),
        shown(row.user.as_deref()),
        shown(row.image.as_deref()),
        shown(row.command_line.as_deref()),
        shown(row.parent_image.as_deref()),
        shown(row.parent_command_line.as_deref()),
        shown(row.destination_hostname.as_deref()),
        as_it_is(row.signal.name()),
        Value::Number(u64::from(row.is_ci_system)),
        Value::Number(u64::from(row.is_known_ide)),
        Value::Number(u64::from(row.suspicion_score)),
        Value::Number(u64::from(row.event_code)),
        shown(row.process_guid.as_deref()),
        row.record_id.map_or(Value::Missing, Value::Number),
        shown(Some(&row.source)),
        Value::Joined(&row.joined),
        shown(Some(&row.explanation.sentence)),
        shown(row.repository.as_deref()),
        shown(row.owner.as_deref()),
        shown(row.activity.as_deref()),
        shown(row.incident.as_deref()),
        Value::Evidence(&row.evidence),
        Value::Points(row.evidence_points),
    ]
}
