//! The substitution values of a template instance ([MS-EVEN6] 2.2.12, TemplateInstanceData), decoded on demand.

use super::binxml::Instance;
use super::event_buffer::{EventBuffer, channel_utf16, is_sysmon_utf16};
use super::template::{FieldKind, FieldSource, Template, ValueOrigin};
use super::utf16::{may_end_with, push_utf16};
use super::value::{self, Kind};
use crate::model::event::{Field, Gate};
use crate::model::guid::Guid;
use crate::model::telemetry::Channel;
use crate::model::time::Timestamp;

/// The reason to fall back to the slow reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    /// An unsupported shape.
    Shape,
    /// The definition of a template is destroyed.
    Template,
    /// The record goes on after its values, which end at this offset of the chunk.
    Slack(usize),
    /// The record's value sizes do not fit into it: bytes of it are missing, or of another record.
    Unfit,
}

/// A value of an instance: its type, and its range in the chunk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Value {
    pub(super) kind: u8,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Value {
    /// Returns whether it has a type and bytes.
    pub(super) fn is_something(&self) -> bool {
        self.kind != Kind::NULL && self.end > self.start
    }
}

/// The substitution values of one instance.
#[derive(Clone, Copy)]
pub(super) struct Substitutions<'a> {
    pub(super) chunk: &'a [u8],
    pub(super) template: &'a Template,
    /// Size and type of each value.
    pub(super) descriptors: &'a [[u8; 4]],
    /// The offset of each in the chunk.
    pub(super) starts: &'a [u32],
}

/// Computes the offset of each value; returns the end of the last one, and the sizes and types of all.
pub(super) fn read_values<'c>(
    chunk: &'c [u8],
    instance: &Instance,
    end: usize,
    starts: &mut Vec<u32>,
) -> Result<(usize, &'c [[u8; 4]]), Fallback> {
    let table = chunk.get(instance.descriptors..instance.values).ok_or(Fallback::Shape)?;
    let (descriptors, _) = table.as_chunks::<4>();
    // Writes into a pre-sized buffer: `extend` would keep the running offset in memory, not in a register. Values are
    // decoded on demand.
    if starts.len() < descriptors.len() {
        starts.resize(descriptors.len(), 0);
    }
    let mut start = u32::try_from(instance.values).map_err(|_| Fallback::Unfit)?;
    for (slot, [low, high, ..]) in starts.iter_mut().zip(descriptors) {
        *slot = start;
        start += u32::from(u16::from_le_bytes([*low, *high]));
    }
    let values_end = start as usize;
    if values_end > end || values_end > chunk.len() {
        Err(Fallback::Unfit)
    } else {
        Ok((values_end, descriptors))
    }
}

impl<'a> Substitutions<'a> {
    /// The value of that number.
    pub(super) fn value(&self, id: u16) -> Option<Value> {
        let [low, high, kind, _] = *self.descriptors.get(usize::from(id))?;
        let start = *self.starts.get(usize::from(id))? as usize;
        Some(Value { kind, start, end: start + usize::from(u16::from_le_bytes([low, high])) })
    }

    /// The type and the bytes of what a source speaks of; nothing where its element is left out.
    fn resolve(&self, source: &FieldSource) -> (u8, &'a [u8]) {
        let is_left_out = source.dependency_id.is_some_and(|dependency_id| {
            self.descriptors.get(usize::from(dependency_id)).is_some_and(|[.., kind, _]| *kind == Kind::NULL)
        });
        let found = match source.origin {
            _ if is_left_out => None,
            ValueOrigin::Substitution(id) => {
                self.value(id).and_then(|value| Some((value.kind, self.chunk.get(value.start..value.end)?)))
            }
            ValueOrigin::Literal(start, length) => {
                self.template.literals.get(start..start + length).map(|text| (Kind::UTF16, text))
            }
        };
        found.unwrap_or((Kind::NULL, &[]))
    }

    /// Returns whether the provider is Sysmon.
    pub(super) fn is_sysmon(&self, source: &FieldSource) -> Result<bool, Fallback> {
        match self.resolve(source) {
            (Kind::NULL, _) => Ok(false),
            (Kind::UTF16, name) => Ok(is_sysmon_utf16(name)),
            _ => Err(Fallback::Shape),
        }
    }

    /// Returns whether an event passes a gate; `None` where the template lacks the gate's field. Values of an unusual
    /// shape pass.
    pub(super) fn passes(&self, gate: &Gate) -> Option<bool> {
        let source =
            self.template.sources.iter().find(|source| source.kind == FieldKind::Field(gate.field()))?;
        let (kind, bytes) = self.resolve(source);
        Some(kind != Kind::UTF16 || bytes.is_empty() || may_end_with(bytes, gate.endings()))
    }

    /// The other channel of the event's provider.
    pub(super) fn channel(&self) -> Option<Channel> {
        let source = self.template.sources.iter().find(|source| source.kind == FieldKind::Provider)?;
        match self.resolve(source) {
            (Kind::UTF16, name) => channel_utf16(name),
            _ => None,
        }
    }

    /// A whole number, typed or as text.
    pub(super) fn number(&self, source: &FieldSource) -> Result<u64, Fallback> {
        let (kind, bytes) = self.resolve(source);
        value::number(kind, bytes).ok_or(Fallback::Shape)
    }

    /// Takes a wanted value into an event, if the mask of its fields has it.
    pub(super) fn take(
        &self,
        source: &FieldSource,
        mask: u64,
        event: &mut EventBuffer,
    ) -> Result<(), Fallback> {
        match source.kind {
            FieldKind::Provider | FieldKind::EventId | FieldKind::Fragment => return Ok(()),
            FieldKind::Field(field) if mask & 1 << field.index() == 0 => return Ok(()),
            _ => {}
        }
        let (kind, bytes) = self.resolve(source);
        if kind == Kind::NULL || (bytes.is_empty() && matches!(kind, Kind::UTF16 | Kind::ANSI)) {
            return Ok(());
        }
        match source.kind {
            FieldKind::EventDataContent => {
                return if bytes.is_empty() { Ok(()) } else { Err(Fallback::Shape) };
            }
            FieldKind::Time if event.time.is_none() => {
                event.time = Some(time(kind, bytes).ok_or(Fallback::Shape)?);
            }
            FieldKind::RecordId if event.record_id.is_none() => {
                event.record_id = Some(value::number(kind, bytes).ok_or(Fallback::Shape)?);
            }
            FieldKind::Provider
            | FieldKind::EventId
            | FieldKind::Fragment
            | FieldKind::Time
            | FieldKind::RecordId => {}
            FieldKind::Field(field) => take_field(kind, bytes, field, event)?,
        }
        Ok(())
    }
}

/// A time, typed or as text.
fn time(kind: u8, bytes: &[u8]) -> Option<Timestamp> {
    if kind == Kind::UTF16 {
        let mut text = Vec::new();
        push_utf16(bytes, &mut text);
        return Timestamp::parse(str::from_utf8(&text).ok()?);
    }
    value::filetime(kind, bytes).map(Timestamp::from_filetime)
}

fn take_field(kind: u8, bytes: &[u8], field: Field, event: &mut EventBuffer) -> Result<(), Fallback> {
    match (kind, bytes.first_chunk::<16>()) {
        (Kind::UTF16, _) if bytes.len().is_multiple_of(2) => {
            event.add(field, |out| push_utf16(bytes, out));
            Ok(())
        }
        (Kind::GUID, Some(guid))
            if bytes.len() == 16 && matches!(field, Field::ProcessGuid | Field::ParentProcessGuid) =>
        {
            event.set_guid(field, Guid::from_windows_bytes(*guid));
            Ok(())
        }
        _ => event.add(field, |out| value::push(kind, bytes, out)).ok_or(Fallback::Shape),
    }
}
