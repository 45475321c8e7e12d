//! The fast reader: reads records through the templates of their chunk, and decodes only the values of the projection.

use std::rc::Rc;

use super::binxml::Instance;
use super::bytes::size_at;
use super::event_buffer::{EventBuffer, RecordKind};
use super::header::CHUNK_SIZE;
use super::records::Record;
use super::recovered_templates::RecoveredTemplates;
use super::substitutions::{Fallback, Substitutions, Value, read_values};
use super::template::{FieldKind, Role, Template, ValueOrigin};
use super::template_cache::TemplateCache;
use super::value::Kind;
use crate::model::event::{Gate, Wanted, code};

/// Maximum bytes of definitions in a chunk. They are together no longer than the chunk, and each may be read in two
/// roles; more are made to keep the reader busy.
const MAX_DEFINED: usize = 2 * CHUNK_SIZE;

/// Reads the records of one chunk after the other.
#[derive(Debug, Default)]
pub(super) struct FastReader {
    templates: Vec<Known>,
    cache: TemplateCache,
    defined: usize,
    starts: Vec<u32>,
    nested: Vec<u32>,
    wanted: Wanted,
    /// Read the events of other channels too.
    pub(super) with_telemetry: bool,
}

/// A definition of the chunk.
#[derive(Clone, Debug)]
struct Known {
    definition: usize,
    template_id: u32,
    role: Role,
    /// `None` if its bytes are no definition.
    template: Option<Rc<Template>>,
}

impl FastReader {
    /// The projection.
    pub(super) const fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// A reader that decodes no more than the projection.
    pub(super) fn with_projection(wanted: Wanted) -> Self {
        Self { wanted, ..Self::default() }
    }

    /// Forgets where the last chunk's templates were.
    pub(super) fn begin_chunk(&mut self) {
        self.templates.clear();
        self.defined = 0;
    }

    /// Reads a record; a kept one's fields are in `event` afterwards. Where a template's definition is destroyed, the
    /// recovered is asked for it.
    pub(super) fn read(
        &mut self,
        chunk: &[u8],
        record: &Record,
        recovered: Option<&RecoveredTemplates>,
        event: &mut EventBuffer,
    ) -> Result<RecordKind, Fallback> {
        event.clear();
        let end = record.content_end;
        let Some(instance) = Instance::read(chunk, record.content_start(), end) else {
            return self.read_whole_event(chunk, record, event);
        };
        let template = self.template(chunk, &instance, Role::Event, recovered)?;
        if template.unsupported_system {
            return Err(Fallback::Shape);
        }
        let mut starts = std::mem::take(&mut self.starts);
        let result = read_values(chunk, &instance, end, &mut starts).and_then(|(values_end, descriptors)| {
            if !fits(chunk, record, values_end) {
                return Err(if record.is_whole { Fallback::Slack(values_end) } else { Fallback::Unfit });
            }
            let values = Substitutions { chunk, template: &template, descriptors, starts: &starts };
            self.read_event(values, recovered, event)
        });
        self.starts = starts;
        result
    }

    /// Reads a record whose event is not by a template.
    fn read_whole_event(
        &mut self,
        chunk: &[u8],
        record: &Record,
        event: &mut EventBuffer,
    ) -> Result<RecordKind, Fallback> {
        let (template, _) = Template::of_whole_event(chunk, record.content_start(), record.content_end)
            .filter(|(template, end)| !template.unsupported_system && fits(chunk, record, *end))
            .ok_or(Fallback::Shape)?;
        self.read_event(
            Substitutions { chunk, template: &template, descriptors: &[], starts: &[] },
            None,
            event,
        )
    }

    fn read_event(
        &mut self,
        values: Substitutions<'_>,
        recovered: Option<&RecoveredTemplates>,
        event: &mut EventBuffer,
    ) -> Result<RecordKind, Fallback> {
        let mut is_sysmon = None;
        let mut event_code = None;
        for source in &values.template.sources {
            match source.kind {
                FieldKind::Provider if is_sysmon.is_none() => is_sysmon = Some(values.is_sysmon(source)?),
                FieldKind::EventId if event_code.is_none() => event_code = Some(values.number(source)?),
                FieldKind::Provider | FieldKind::EventId => {}
                _ => break,
            }
        }
        let channel = if is_sysmon == Some(true) {
            None
        } else if let Some(channel) = self.with_telemetry.then(|| values.channel()).flatten() {
            Some(channel)
        } else {
            return Ok(RecordKind::OtherProvider);
        };
        let code = event_code.and_then(|code| u16::try_from(code).ok()).ok_or(Fallback::Shape)?;
        match channel {
            None if !code::is_kept(code) => return Ok(RecordKind::CountedOnly(code)),
            Some(channel) if code != channel.event_code() => return Ok(RecordKind::OtherChannel(channel)),
            _ => {}
        }
        event.code = code;
        let gate = self.wanted.gate(code).filter(|_| channel.is_none());
        let passes = gate.and_then(|gate| values.passes(gate));
        let mask = narrow(self.wanted.mask(code), gate, passes);
        if values.template.unsupported_data {
            return Err(Fallback::Shape);
        }
        let mut fragment = None;
        for source in &values.template.sources {
            if source.kind == FieldKind::Fragment {
                let ValueOrigin::Substitution(id) = source.origin else { continue };
                let Some(value) = values.value(id).filter(Value::is_something) else { continue };
                let is_odd = fragment.is_some() || source.dependency_id.is_some() || values.template.has_data;
                if value.kind != Kind::BINXML || is_odd {
                    return Err(Fallback::Shape);
                }
                fragment = Some(value);
            } else {
                values.take(source, mask, event)?;
            }
        }
        if let Some(value) = fragment.filter(|_| Wanted::has_data(mask)) {
            let gate = gate.filter(|_| passes.is_none());
            self.read_fragment(values.chunk, value, recovered, mask, gate, event)?;
        }
        Ok(channel.map_or(RecordKind::Event, RecordKind::OtherChannelEvent))
    }

    fn read_fragment(
        &mut self,
        chunk: &[u8],
        value: Value,
        recovered: Option<&RecoveredTemplates>,
        mask: u64,
        gate: Option<&Gate>,
        event: &mut EventBuffer,
    ) -> Result<(), Fallback> {
        let instance = Instance::read(chunk, value.start, value.end).ok_or(Fallback::Shape)?;
        let template = self.template(chunk, &instance, Role::Fragment, recovered)?;
        if template.unsupported_data || template.unsupported_system {
            return Err(Fallback::Shape);
        }
        let (end, descriptors) = read_values(chunk, &instance, value.end, &mut self.nested)?;
        // Another element may follow, such as what a message was rendered to.
        if end < value.end && chunk.get(end) != Some(&0) {
            return Err(Fallback::Shape);
        }
        let values = Substitutions { chunk, template: &template, descriptors, starts: &self.nested };
        let mask = narrow(mask, gate, gate.and_then(|gate| values.passes(gate)));
        for source in &template.sources {
            if source.kind == FieldKind::Fragment {
                return Err(Fallback::Shape);
            }
            values.take(source, mask, event)?;
        }
        Ok(())
    }

    fn template(
        &mut self,
        chunk: &[u8],
        instance: &Instance,
        role: Role,
        recovered: Option<&RecoveredTemplates>,
    ) -> Result<Rc<Template>, Fallback> {
        let known = self.templates.iter().find(|known| {
            known.definition == instance.definition
                && known.template_id == instance.template_id
                && known.role == role
        });
        let template = if let Some(known) = known {
            known.template.clone()
        } else {
            self.defined += Template::size(chunk, instance.definition, instance.template_id).unwrap_or(0);
            if self.defined > MAX_DEFINED {
                return Err(Fallback::Unfit);
            }
            let (definition, template_id) = (instance.definition, instance.template_id);
            let template = self.cache.find(chunk, definition, template_id, role).or_else(|| {
                let read = Template::read(chunk, definition, template_id, role).map(Rc::new);
                if let Some(template) = &read {
                    self.cache.keep(chunk, definition, template_id, role, template);
                }
                read.or_else(|| recovered?.find(template_id, role).map(Rc::new))
            });
            self.templates.push(Known { definition, template_id, role, template: template.clone() });
            template
        };
        template.ok_or(Fallback::Template)
    }
}

/// The fields that are asked for of an event that passes a gate, or does not.
fn narrow(mask: u64, gate: Option<&Gate>, passes: Option<bool>) -> u64 {
    gate.filter(|_| passes == Some(false)).map_or(mask, |gate| mask & gate.others())
}

/// Returns whether a record ends where its values do, but for an end token, padding, and the copy of its size. If a
/// record's header is damaged, its size or the copy of that may be the only evidence.
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
