//! A cache of templates over chunks: each chunk repeats its definitions, and nearly all are the ones of the chunk
//! before.
//!
//! A definition is the same if its bytes are, but for the offsets of its names: they are in a table all over the chunk,
//! which each chunk fills in its own order. So the bytes between the name_refs of names are compared, and the names
//! themselves, wherever they are.

use std::rc::Rc;

use super::binxml::DEFINITION_HEADER;
use super::bytes::size_at;
use super::template::{Role, Template};

/// Definitions that are kept; real logs have one for each Event ID and version.
const MAX_KEPT: usize = 64;
/// Bytes of a definition that is kept; real ones are a tenth of it.
const MAX_BYTES: usize = 16 << 10;
/// Maximum number of definitions of one number and size that are compared. There is one, unless an attacker adds more.
const MAX_COMPARED: usize = 4;

/// A name's bytes from the next name's place on: its checksum, its length, its letters.
const NAME_HEAD: usize = 4;

/// Templates of the last chunks.
#[derive(Debug, Default)]
pub(super) struct TemplateCache {
    kept: Vec<CachedTemplate>,
}

#[derive(Debug)]
struct CachedTemplate {
    template_id: u32,
    role: Role,
    /// The definition's tokens.
    tokens: Vec<u8>,
    name_refs: Vec<NameRef>,
    template: Rc<Template>,
}

/// A name that the tokens name_ref.
#[derive(Debug)]
struct NameRef {
    /// Offset in the tokens of the name's offset.
    at: usize,
    /// The name: checksum, length and letters; `None` where it follows at once, as a part of the tokens.
    name: Option<Vec<u8>>,
    /// The name_ref before it of the same name at the same place.
    earlier: Option<usize>,
}

impl TemplateCache {
    /// The template of the definition at an offset of the chunk, if one just like it was read before.
    pub(super) fn find(
        &self,
        chunk: &[u8],
        definition: usize,
        template_id: u32,
        role: Role,
    ) -> Option<Rc<Template>> {
        let size = Template::size(chunk, definition, template_id)?;
        let start = definition + DEFINITION_HEADER;
        let tokens = chunk.get(start..start + size)?;
        self.kept
            .iter()
            .filter(|kept| kept.template_id == template_id && kept.role == role && kept.tokens.len() == size)
            .take(MAX_COMPARED)
            .find(|kept| kept.is_same(chunk, start, tokens))
            .map(|kept| Rc::clone(&kept.template))
    }

    /// Keeps a template that was read off the definition at an offset of the chunk.
    pub(super) fn keep(
        &mut self,
        chunk: &[u8],
        definition: usize,
        template_id: u32,
        role: Role,
        template: &Rc<Template>,
    ) {
        let start = definition + DEFINITION_HEADER;
        let Some(tokens) = Template::size(chunk, definition, template_id)
            .filter(|size| *size <= MAX_BYTES)
            .and_then(|size| chunk.get(start..start + size))
        else {
            return;
        };
        let mut name_refs = Vec::with_capacity(template.name_refs.len());
        for at in &template.name_refs {
            let earlier = template.name_refs.iter().take(name_refs.len());
            let earlier =
                earlier.rev().take(2).position(|other| size_at(chunk, *other) == size_at(chunk, *at));
            let earlier = earlier.and_then(|back| name_refs.len().checked_sub(back + 1));
            let Some(name_ref) = NameRef::read(chunk, *at, start, earlier) else { return };
            name_refs.push(name_ref);
        }
        if self.kept.len() >= MAX_KEPT {
            self.kept.clear();
        }
        let (tokens, template) = (tokens.to_vec(), Rc::clone(template));
        self.kept.push(CachedTemplate { template_id, role, tokens, name_refs, template });
    }
}

impl NameRef {
    /// Reads the reference at an offset of the chunk.
    fn read(chunk: &[u8], at: usize, start: usize, earlier: Option<usize>) -> Option<Self> {
        let table = size_at(chunk, at)?;
        let name = if table == at + 4 { None } else { Some(name_at(chunk, table, None)?.to_vec()) };
        Some(Self { at: at.checked_sub(start)?, name, earlier })
    }
}

/// A name in the table: checksum, length and letters. With the length (of all of that) known, it is not looked up.
fn name_at(chunk: &[u8], table: usize, length: Option<usize>) -> Option<&[u8]> {
    let rest = chunk.get(table.checked_add(4)?..)?;
    let stated = || {
        let [_, _, low, high, ..] = rest else { return None };
        Some(NAME_HEAD + usize::from(u16::from_le_bytes([*low, *high])) * 2)
    };
    let length = length.or_else(stated)?;
    rest.get(..length)
}

impl CachedTemplate {
    /// Returns whether the tokens at `start` of a chunk are these, by the same names.
    fn is_same(&self, chunk: &[u8], start: usize, tokens: &[u8]) -> bool {
        let mut from = 0;
        for name_ref in &self.name_refs {
            let is_same = |from, to| {
                let before: Option<&[u8]> = self.tokens.get(from..to);
                before.is_some() && before == tokens.get(from..to)
            };
            let Some(table) = size_at(tokens, name_ref.at) else { return false };
            let follows = table == start + name_ref.at + 4;
            // Most templates repeat the names `Data` and `Name`; a name already compared is not compared again.
            let is_repeated = || {
                let earlier = name_ref.earlier.and_then(|earlier| self.name_refs.get(earlier));
                earlier.is_some_and(|earlier| size_at(tokens, earlier.at) == Some(table))
            };
            let names_agree = match &name_ref.name {
                None => follows,
                Some(_) if !follows && is_repeated() => true,
                Some(name) => !follows && name_at(chunk, table, Some(name.len())) == Some(name.as_slice()),
            };
            if !names_agree || !is_same(from, name_ref.at) {
                return false;
            }
            // A name in the tokens begins with the place of another one of the table.
            from = name_ref.at + if follows { 8 } else { 4 };
        }
        self.tokens.get(from..).is_some_and(|rest| tokens.get(from..) == Some(rest))
    }
}
