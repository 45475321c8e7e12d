//! Templates of other chunks, for records whose own chunk's definitions are destroyed.
//!
//! The first record of each kind in a chunk holds the definition by which all later ones are read. Where it is
//! overwritten, other chunks of the file hold the same definition under the same number.

use std::collections::{BTreeMap, BTreeSet};

use super::binxml::Instance;
use super::header::ChunkHeader;
use super::records::{Record, Step, Walk};
use super::template::{Role, Template};
use super::value::Kind;

/// A definition by its number and by the kind of its template.
pub(in crate::source) type TemplateKey = (u32, Role);

/// Templates of a file.
#[derive(Debug, Default)]
pub(in crate::source) struct RecoveredTemplates {
    templates: BTreeMap<TemplateKey, Template>,
}

impl RecoveredTemplates {
    /// The template of a number.
    pub(super) fn find(&self, template_id: u32, role: Role) -> Option<Template> {
        self.templates.get(&(template_id, role)).cloned()
    }

    /// Takes the wanted definitions from a chunk, and strikes them off the list.
    pub(in crate::source) fn learn(&mut self, chunk: &[u8], wanted: &mut BTreeSet<TemplateKey>) {
        let mut walk = Walk::new(chunk, ChunkHeader::read(chunk));
        while let Some(step) = walk.step() {
            if wanted.is_empty() {
                return;
            }
            let Step::Record(record) = step else { continue };
            for (instance, role) in instances(chunk, &record) {
                let key = (instance.template_id, role);
                if instance.is_first
                    && wanted.contains(&key)
                    && let Some(template) = Template::read(chunk, instance.definition, key.0, role)
                {
                    wanted.remove(&key);
                    self.templates.insert(key, template);
                }
            }
        }
    }
}

/// The templates that a record is read by.
pub(super) fn keys(chunk: &[u8], record: &Record) -> impl Iterator<Item = TemplateKey> {
    instances(chunk, record).map(|(instance, role)| (instance.template_id, role))
}

/// The instance that a record consists of, and those inside of it.
fn instances(chunk: &[u8], record: &Record) -> impl Iterator<Item = (Instance, Role)> {
    let outer = Instance::read(chunk, record.content_start(), record.content_end);
    let table = outer.and_then(|outer| chunk.get(outer.descriptors..outer.values)).unwrap_or_default();
    let (descriptors, _) = table.as_chunks::<4>();
    let mut start = outer.map_or(0, |outer| outer.values);
    let inner = descriptors.iter().filter_map(move |[low, high, kind, _]| {
        let value = start;
        start += usize::from(u16::from_le_bytes([*low, *high]));
        if *kind != Kind::BINXML || start > record.content_end {
            return None;
        }
        Instance::read(chunk, value, start).map(|instance| (instance, Role::Fragment))
    });
    outer.map(|outer| (outer, Role::Event)).into_iter().chain(inner)
}
