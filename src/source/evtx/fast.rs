//! Reads records through the templates of their chunk: of each record only the wanted values are decoded.

use std::fmt::Write as _;

use super::binxml::Instance;
use super::bytes::{array_at, u8_at, u16_at, u32_at, u64_at};
use super::event::{Event, Verdict, is_sysmon_utf16};
use super::records::Record;
use super::template::{Origin, Role, Target, Template, Want};
use super::utf16::push_utf16;
use crate::model::event::{Field, code};
use crate::model::guid::Guid;
use crate::model::time::Timestamp;

/// Something that this reader does not know exactly: the slow one must look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt;

/// More definitions than this in one chunk are not kept.
const MOST_TEMPLATES: usize = 512;

/// Reads the records of one chunk after the other.
#[derive(Debug, Default)]
pub(super) struct FastReader {
    templates: Vec<(usize, u32, Role, Option<Template>)>,
    values: Vec<Value>,
    nested: Vec<Value>,
}

/// A value of an instance: type, and where its bytes stand in the chunk.
#[derive(Clone, Copy, Debug)]
struct Value {
    kind: u8,
    start: usize,
    end: usize,
}

impl FastReader {
    /// Forgets the last chunk's templates.
    pub(super) fn begin_chunk(&mut self) {
        self.templates.clear();
    }

    /// Reads a record; a kept one's fields are in `event` afterwards.
    pub(super) fn read(
        &mut self,
        chunk: &[u8],
        record: &Record,
        event: &mut Event,
    ) -> Result<Verdict, Doubt> {
        event.clear();
        let instance = Instance::read(chunk, record.content_start(), record.content_end).ok_or(Doubt)?;
        let template = find(&mut self.templates, chunk, &instance, Role::Event)?;
        if template.odd_system {
            return Err(Doubt);
        }
        read_values(chunk, &instance, record.content_end, &mut self.values)?;
        let mut provider = None;
        let mut event_code = None;
        for want in &template.wants {
            match want.target {
                Target::Provider if provider.is_none() => {
                    provider = Some(is_sysmon_provider(chunk, want, &self.values)?);
                }
                Target::EventId if event_code.is_none() => {
                    event_code = Some(number(chunk, want, &self.values)?);
                }
                Target::Provider | Target::EventId => {}
                _ => break,
            }
        }
        if provider != Some(true) {
            return Ok(Verdict::OtherProvider);
        }
        let code = event_code.and_then(|code| u16::try_from(code).ok()).ok_or(Doubt)?;
        if !code::is_kept(code) {
            return Ok(Verdict::Counted(code));
        }
        event.code = code;
        if template.odd_data {
            return Err(Doubt);
        }
        let mut fragment = None;
        for want in &template.wants {
            if want.target == Target::Fragment {
                let Origin::Hole(hole) = want.origin else { continue };
                let value = match self.values.get(usize::from(hole)) {
                    Some(value) if value.end > value.start && value.kind != 0 => *value,
                    _ => continue,
                };
                if value.kind != 0x21 || fragment.is_some() || want.guard.is_some() {
                    return Err(Doubt);
                }
                fragment = Some(value);
            } else {
                take(chunk, want, &self.values, event)?;
            }
        }
        if let Some(value) = fragment {
            self.read_fragment(chunk, value, event)?;
        }
        Ok(Verdict::Kept)
    }

    fn read_fragment(&mut self, chunk: &[u8], value: Value, event: &mut Event) -> Result<(), Doubt> {
        let instance = Instance::read(chunk, value.start, value.end).ok_or(Doubt)?;
        let template = find(&mut self.templates, chunk, &instance, Role::Fragment)?;
        if template.odd_data || template.odd_system {
            return Err(Doubt);
        }
        let end = read_values(chunk, &instance, value.end, &mut self.nested)?;
        // Another element may follow, such as what a message was rendered to.
        if end < value.end && u8_at(chunk, end) != Some(0) {
            return Err(Doubt);
        }
        for want in &template.wants {
            if want.target == Target::Fragment {
                return Err(Doubt);
            }
            take(chunk, want, &self.nested, event)?;
        }
        Ok(())
    }
}

fn find<'t>(
    templates: &'t mut Vec<(usize, u32, Role, Option<Template>)>,
    chunk: &[u8],
    instance: &Instance,
    role: Role,
) -> Result<&'t Template, Doubt> {
    let key = (instance.definition, instance.template_id, role);
    let known = templates.iter().position(|(at, id, role, _)| (*at, *id, *role) == key);
    let known = if let Some(known) = known {
        known
    } else {
        if templates.len() >= MOST_TEMPLATES {
            return Err(Doubt);
        }
        let template = Template::read(chunk, instance.definition, instance.template_id, role);
        templates.push((instance.definition, instance.template_id, role, template));
        templates.len() - 1
    };
    templates.get(known).and_then(|(_, _, _, template)| template.as_ref()).ok_or(Doubt)
}

/// Notes where each value stands; gives where the last one ends.
fn read_values(
    chunk: &[u8],
    instance: &Instance,
    end: usize,
    values: &mut Vec<Value>,
) -> Result<usize, Doubt> {
    values.clear();
    let table = chunk.get(instance.descriptors..instance.values).ok_or(Doubt)?;
    let (descriptors, _) = table.as_chunks::<4>();
    let mut start = instance.values;
    values.extend(descriptors.iter().map(|[low, high, kind, _]| {
        let value_end = start + usize::from(u16::from_le_bytes([*low, *high]));
        let value = Value { kind: *kind, start, end: value_end };
        start = value_end;
        value
    }));
    if start > end || start > chunk.len() { Err(Doubt) } else { Ok(start) }
}

/// The value that a want speaks of; `Ok(None)` where its element is left out.
fn resolve(want: &Want, values: &[Value]) -> Option<Value> {
    if let Some(guard) = want.guard
        && values.get(usize::from(guard)).is_some_and(|value| value.kind == 0)
    {
        return None;
    }
    match want.origin {
        Origin::Hole(hole) => values.get(usize::from(hole)).copied(),
        Origin::Text(at, length) => Some(Value { kind: 1, start: at, end: at.checked_add(length)? }),
    }
}

fn is_sysmon_provider(chunk: &[u8], want: &Want, values: &[Value]) -> Result<bool, Doubt> {
    match resolve(want, values) {
        None | Some(Value { kind: 0, .. }) => Ok(false),
        Some(Value { kind: 1, start, end }) => chunk.get(start..end).map(is_sysmon_utf16).ok_or(Doubt),
        Some(_) => Err(Doubt),
    }
}

/// A whole number, typed or as text.
fn number(chunk: &[u8], want: &Want, values: &[Value]) -> Result<u64, Doubt> {
    let value = resolve(want, values).ok_or(Doubt)?;
    let at = value.start;
    let number = match (value.kind, value.end - value.start) {
        (0x04, 1) => u8_at(chunk, at).map(u64::from),
        (0x06, 2) => u16_at(chunk, at).map(u64::from),
        (0x08, 4) => u32_at(chunk, at).map(u64::from),
        (0x0a, 8) => u64_at(chunk, at),
        (0x01, _) => {
            let mut text = String::new();
            push_utf16(chunk.get(at..value.end).ok_or(Doubt)?, &mut text);
            text.trim().parse().ok()
        }
        _ => None,
    };
    number.ok_or(Doubt)
}

fn take(chunk: &[u8], want: &Want, values: &[Value], event: &mut Event) -> Result<(), Doubt> {
    match want.target {
        Target::Provider | Target::EventId | Target::Fragment => Ok(()),
        Target::Nothing => match resolve(want, values) {
            Some(value) if value.kind != 0 && value.end > value.start => Err(Doubt),
            _ => Ok(()),
        },
        Target::Time => {
            let Some(value) = resolve(want, values).filter(|value| value.kind != 0) else { return Ok(()) };
            let time = match (value.kind, value.end - value.start) {
                (0x11, 8) => u64_at(chunk, value.start).map(Timestamp::from_filetime),
                _ => None,
            };
            event.time = event.time.or(Some(time.ok_or(Doubt)?));
            Ok(())
        }
        Target::RecordId => {
            if resolve(want, values).is_some_and(|value| value.kind != 0) && event.record_id.is_none() {
                event.record_id = Some(number(chunk, want, values)?);
            }
            Ok(())
        }
        Target::Field(field) => {
            let Some(value) = resolve(want, values) else { return Ok(()) };
            take_field(chunk, value, field, event)
        }
    }
}

fn take_field(chunk: &[u8], value: Value, field: Field, event: &mut Event) -> Result<(), Doubt> {
    let at = value.start;
    let bytes = chunk.get(at..value.end).ok_or(Doubt)?;
    match (value.kind, bytes.len()) {
        (0x00, _) | (0x01 | 0x02, 0) => Ok(()),
        (0x01, length) => {
            if length % 2 != 0 {
                return Err(Doubt);
            }
            event.add(field, |out| push_utf16(bytes, out));
            Ok(())
        }
        (0x0f, 16) if matches!(field, Field::ProcessGuid | Field::ParentProcessGuid) => {
            event.set_guid(field, Guid::from_windows_bytes(array_at(chunk, at).ok_or(Doubt)?));
            Ok(())
        }
        (kind, length) => event.add(field, |out| push_number(chunk, at, kind, length, out)),
    }
}

/// Numbers and truth values as text.
fn push_number(chunk: &[u8], at: usize, kind: u8, length: usize, out: &mut String) -> Result<(), Doubt> {
    let signed = |value: i64, out: &mut String| write!(out, "{value}").map_err(|_| Doubt);
    let unsigned = |value: u64, out: &mut String| write!(out, "{value}").map_err(|_| Doubt);
    let hex = |value: u64, out: &mut String| write!(out, "{value:#x}").map_err(|_| Doubt);
    match (kind, length) {
        (0x03, 1) => signed(i64::from(i8::from_le_bytes(array_at(chunk, at).ok_or(Doubt)?)), out),
        (0x04, 1) => unsigned(u8_at(chunk, at).map(u64::from).ok_or(Doubt)?, out),
        (0x05, 2) => signed(i64::from(i16::from_le_bytes(array_at(chunk, at).ok_or(Doubt)?)), out),
        (0x06, 2) => unsigned(u16_at(chunk, at).map(u64::from).ok_or(Doubt)?, out),
        (0x07, 4) => signed(i64::from(i32::from_le_bytes(array_at(chunk, at).ok_or(Doubt)?)), out),
        (0x08, 4) => unsigned(u32_at(chunk, at).map(u64::from).ok_or(Doubt)?, out),
        (0x09, 8) => signed(i64::from_le_bytes(array_at(chunk, at).ok_or(Doubt)?), out),
        (0x0a, 8) => unsigned(u64_at(chunk, at).ok_or(Doubt)?, out),
        (0x0d, 4) => match i32::from_le_bytes(array_at(chunk, at).ok_or(Doubt)?) {
            0 => {
                out.push_str("false");
                Ok(())
            }
            1 => {
                out.push_str("true");
                Ok(())
            }
            other => signed(i64::from(other), out),
        },
        (0x14 | 0x10, 4) => hex(u32_at(chunk, at).map(u64::from).ok_or(Doubt)?, out),
        (0x15 | 0x10, 8) => hex(u64_at(chunk, at).ok_or(Doubt)?, out),
        _ => Err(Doubt),
    }
}
