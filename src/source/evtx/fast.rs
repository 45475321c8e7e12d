//! Reads records through the templates of their chunk: of each record only the wanted values are decoded.

use std::rc::Rc;

use super::binxml::Instance;
use super::bytes::size_at;
use super::event::{Event, Verdict, channel_utf16, is_sysmon_utf16};
use super::header::CHUNK_SIZE;
use super::lexicon::Lexicon;
use super::records::Record;
use super::shelf::Shelf;
use super::template::{Origin, Role, Target, Template, Want};
use super::utf16::push_utf16;
use super::value::{self, Kind};
use crate::model::event::{Field, Wanted, code};
use crate::model::guid::Guid;
use crate::model::telemetry::Channel;
use crate::model::time::Timestamp;

/// Why this reader leaves a record to the slow one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Something is of a shape that it does not know exactly.
    Shape,
    /// The definition of a template is destroyed.
    Template,
    /// The record goes on behind its values, which end here in the chunk.
    Slack(usize),
    /// What the record says of its values does not fit into it: bytes of it are missing, or of another record.
    Unfit,
}

/// The definitions of a chunk are together not longer than the chunk. Each may be read in two roles; who has more is
/// made to keep the reader busy.
const MOST_DEFINED: usize = 2 * CHUNK_SIZE;

/// Reads the records of one chunk after the other.
#[derive(Debug, Default)]
pub(super) struct FastReader {
    templates: Vec<Known>,
    shelf: Shelf,
    defined: usize,
    values: Vec<Value>,
    nested: Vec<Value>,
    wanted: Wanted,
    /// Read the events of other channels too, where somebody asked for them.
    pub(super) with_telemetry: bool,
}

/// A definition of the chunk.
#[derive(Clone, Debug)]
struct Known {
    definition: usize,
    template_id: u32,
    role: Role,
    /// `None` where its bytes are none.
    template: Option<Rc<Template>>,
}

/// A value of an instance: its type, and where its bytes stand in the chunk.
#[derive(Clone, Copy, Debug, Default)]
struct Value {
    kind: u8,
    start: usize,
    end: usize,
}

impl Value {
    fn is_something(&self) -> bool {
        self.kind != Kind::NULL && self.end > self.start
    }
}

/// Where the values of one instance are found.
#[derive(Clone, Copy)]
struct Scene<'a> {
    chunk: &'a [u8],
    template: &'a Template,
    values: &'a [Value],
}

impl FastReader {
    /// What it is asked for.
    pub(super) const fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// One that decodes no more than somebody asks for.
    pub(super) fn wanting(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Forgets where the last chunk's templates were.
    pub(super) fn begin_chunk(&mut self) {
        self.templates.clear();
        self.defined = 0;
    }

    /// Reads a record; a kept one's fields are in `event` afterwards. Where a template's definition is destroyed, the
    /// lexicon is asked for it.
    pub(super) fn read(
        &mut self,
        chunk: &[u8],
        record: &Record,
        lexicon: Option<&Lexicon>,
        event: &mut Event,
    ) -> Result<Verdict, Doubt> {
        event.clear();
        let end = record.content_end;
        let Some(instance) = Instance::read(chunk, record.content_start(), end) else {
            return self.read_whole_event(chunk, record, event);
        };
        let template = self.template(chunk, &instance, Role::Event, lexicon)?;
        if template.odd_system {
            return Err(Doubt::Shape);
        }
        let mut values = std::mem::take(&mut self.values);
        let result = read_values(chunk, &instance, end, &mut values).and_then(|values_end| {
            if !fits(chunk, record, values_end) {
                return Err(if record.is_whole { Doubt::Slack(values_end) } else { Doubt::Unfit });
            }
            let scene = Scene { chunk, template: &template, values: &values };
            self.read_event(scene, lexicon, event)
        });
        self.values = values;
        result
    }

    /// Reads a record whose event is not by a template.
    fn read_whole_event(
        &mut self,
        chunk: &[u8],
        record: &Record,
        event: &mut Event,
    ) -> Result<Verdict, Doubt> {
        let (template, _) = Template::of_whole_event(chunk, record.content_start(), record.content_end)
            .filter(|(template, end)| !template.odd_system && fits(chunk, record, *end))
            .ok_or(Doubt::Shape)?;
        self.read_event(Scene { chunk, template: &template, values: &[] }, None, event)
    }

    fn read_event(
        &mut self,
        scene: Scene<'_>,
        lexicon: Option<&Lexicon>,
        event: &mut Event,
    ) -> Result<Verdict, Doubt> {
        let mut is_sysmon = None;
        let mut event_code = None;
        for want in &scene.template.wants {
            match want.target {
                Target::Provider if is_sysmon.is_none() => is_sysmon = Some(scene.is_sysmon(want)?),
                Target::EventId if event_code.is_none() => event_code = Some(scene.number(want)?),
                Target::Provider | Target::EventId => {}
                _ => break,
            }
        }
        let channel = if is_sysmon == Some(true) {
            None
        } else if let Some(channel) = self.with_telemetry.then(|| scene.channel()).flatten() {
            Some(channel)
        } else {
            return Ok(Verdict::OtherProvider);
        };
        let code = event_code.and_then(|code| u16::try_from(code).ok()).ok_or(Doubt::Shape)?;
        match channel {
            None if !code::is_kept(code) => return Ok(Verdict::Counted(code)),
            Some(channel) if code != channel.event_code() => return Ok(Verdict::Beside(channel)),
            _ => {}
        }
        event.code = code;
        if scene.template.odd_data {
            return Err(Doubt::Shape);
        }
        let mut fragment = None;
        for want in &scene.template.wants {
            if want.target == Target::Fragment {
                let Origin::Hole(hole) = want.origin else { continue };
                let Some(value) = scene.values.get(usize::from(hole)).filter(|value| value.is_something())
                else {
                    continue;
                };
                if value.kind != Kind::BINXML || fragment.is_some() || want.guard.is_some() {
                    return Err(Doubt::Shape);
                }
                fragment = Some(*value);
            } else {
                scene.take(want, self.wanted, event)?;
            }
        }
        if let Some(value) = fragment.filter(|_| self.wanted.has_data(code)) {
            self.read_fragment(scene.chunk, value, lexicon, event)?;
        }
        Ok(channel.map_or(Verdict::Kept, Verdict::Telemetry))
    }

    fn read_fragment(
        &mut self,
        chunk: &[u8],
        value: Value,
        lexicon: Option<&Lexicon>,
        event: &mut Event,
    ) -> Result<(), Doubt> {
        let instance = Instance::read(chunk, value.start, value.end).ok_or(Doubt::Shape)?;
        let template = self.template(chunk, &instance, Role::Fragment, lexicon)?;
        if template.odd_data || template.odd_system {
            return Err(Doubt::Shape);
        }
        let end = read_values(chunk, &instance, value.end, &mut self.nested)?;
        // Another element may follow, such as what a message was rendered to.
        if end < value.end && chunk.get(end) != Some(&0) {
            return Err(Doubt::Shape);
        }
        let scene = Scene { chunk, template: &template, values: &self.nested };
        for want in &template.wants {
            if want.target == Target::Fragment {
                return Err(Doubt::Shape);
            }
            scene.take(want, self.wanted, event)?;
        }
        Ok(())
    }

    fn template(
        &mut self,
        chunk: &[u8],
        instance: &Instance,
        role: Role,
        lexicon: Option<&Lexicon>,
    ) -> Result<Rc<Template>, Doubt> {
        let known = self.templates.iter().find(|known| {
            known.definition == instance.definition
                && known.template_id == instance.template_id
                && known.role == role
        });
        let template = if let Some(known) = known {
            known.template.clone()
        } else {
            self.defined += Template::size(chunk, instance.definition, instance.template_id).unwrap_or(0);
            if self.defined > MOST_DEFINED {
                return Err(Doubt::Unfit);
            }
            let (definition, template_id) = (instance.definition, instance.template_id);
            let template = self.shelf.find(chunk, definition, template_id, role).or_else(|| {
                let read = Template::read(chunk, definition, template_id, role).map(Rc::new);
                if let Some(template) = &read {
                    self.shelf.keep(chunk, definition, template_id, role, template);
                }
                read.or_else(|| lexicon?.find(template_id, role).map(Rc::new))
            });
            self.templates.push(Known { definition, template_id, role, template: template.clone() });
            template
        };
        template.ok_or(Doubt::Template)
    }
}

/// Whether a record ends where its values do, but for an end token, padding, and the copy of its size. Of a record
/// whose header is damaged, its size or the copy of that may say so where nothing else does.
fn fits(chunk: &[u8], record: &Record, values_end: usize) -> bool {
    const COPY: usize = 4;
    let is_end = |end: usize| end.checked_sub(values_end).is_some_and(|rest| rest <= 1 + 8 + COPY);
    let tail = values_end..values_end + 1 + 8;
    is_end(record.content_end + COPY)
        || (!record.is_whole
            && (is_end(record.end)
                || size_at(chunk, record.start + 4)
                    .is_some_and(|size| is_end(record.start.saturating_add(size)))
                || tail.into_iter().any(|at| size_at(chunk, at) == (at + COPY).checked_sub(record.start))))
}

/// Notes where each value stands; gives where the last one ends.
fn read_values(
    chunk: &[u8],
    instance: &Instance,
    end: usize,
    values: &mut Vec<Value>,
) -> Result<usize, Doubt> {
    let table = chunk.get(instance.descriptors..instance.values).ok_or(Doubt::Shape)?;
    let (descriptors, _) = table.as_chunks::<4>();
    // Into room that is there, since an iterator that extends the list would keep the sum in memory.
    values.resize(descriptors.len(), Value::default());
    let mut start = instance.values;
    for (value, [low, high, kind, _]) in values.iter_mut().zip(descriptors) {
        let end = start + usize::from(u16::from_le_bytes([*low, *high]));
        *value = Value { kind: *kind, start, end };
        start = end;
    }
    if start > end || start > chunk.len() { Err(Doubt::Unfit) } else { Ok(start) }
}

impl<'a> Scene<'a> {
    /// The type and the bytes of what a want speaks of; nothing where its element is left out.
    fn resolve(&self, want: &Want) -> (u8, &'a [u8]) {
        let is_left_out = want.guard.is_some_and(|guard| {
            self.values.get(usize::from(guard)).is_some_and(|value| value.kind == Kind::NULL)
        });
        let found = match want.origin {
            _ if is_left_out => None,
            Origin::Hole(hole) => self
                .values
                .get(usize::from(hole))
                .and_then(|value| Some((value.kind, self.chunk.get(value.start..value.end)?))),
            Origin::Text(start, length) => {
                self.template.literals.get(start..start + length).map(|text| (Kind::UTF16, text))
            }
        };
        found.unwrap_or((Kind::NULL, &[]))
    }

    fn is_sysmon(&self, want: &Want) -> Result<bool, Doubt> {
        match self.resolve(want) {
            (Kind::NULL, _) => Ok(false),
            (Kind::UTF16, name) => Ok(is_sysmon_utf16(name)),
            _ => Err(Doubt::Shape),
        }
    }

    /// The channel beside Sysmon's whose provider this is.
    fn channel(&self) -> Option<Channel> {
        let want = self.template.wants.iter().find(|want| want.target == Target::Provider)?;
        match self.resolve(want) {
            (Kind::UTF16, name) => channel_utf16(name),
            _ => None,
        }
    }

    /// A whole number, typed or as text.
    fn number(&self, want: &Want) -> Result<u64, Doubt> {
        let (kind, bytes) = self.resolve(want);
        value::number(kind, bytes).ok_or(Doubt::Shape)
    }

    fn take(&self, want: &Want, wanted: Wanted, event: &mut Event) -> Result<(), Doubt> {
        match want.target {
            Target::Provider | Target::EventId | Target::Fragment => return Ok(()),
            Target::Field(field) if !wanted.has(event.code, field) => return Ok(()),
            _ => {}
        }
        let (kind, bytes) = self.resolve(want);
        if kind == Kind::NULL || (bytes.is_empty() && matches!(kind, Kind::UTF16 | Kind::ANSI)) {
            return Ok(());
        }
        match want.target {
            Target::Nothing => return if bytes.is_empty() { Ok(()) } else { Err(Doubt::Shape) },
            Target::Time if event.time.is_none() => {
                event.time = Some(time(kind, bytes).ok_or(Doubt::Shape)?);
            }
            Target::RecordId if event.record_id.is_none() => {
                event.record_id = Some(value::number(kind, bytes).ok_or(Doubt::Shape)?);
            }
            Target::Provider | Target::EventId | Target::Fragment | Target::Time | Target::RecordId => {}
            Target::Field(field) => take_field(kind, bytes, field, event)?,
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

fn take_field(kind: u8, bytes: &[u8], field: Field, event: &mut Event) -> Result<(), Doubt> {
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
        _ => event.add(field, |out| value::push(kind, bytes, out)).ok_or(Doubt::Shape),
    }
}
