//! BinXML ([MS-EVEN6] 2.2.12): tokens of a template definition, and instances of templates with their values.

use super::bytes::{size_at, u8_at, u16_at, u32_at};

/// Bytes before a definition's tokens: the next definition's offset, a GUID, the size.
pub(super) const DEFINITION_HEADER: usize = 24;

/// A name in the chunk's table of names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The offset of its UTF-16LE in the chunk.
    pub(super) at: usize,
    /// Its length in units of two bytes.
    pub(super) units: usize,
}

impl Name {
    /// Returns whether the name's hash is right: a name lies at its first reference, which may be overwritten. The hash
    /// is that of [MS-EVEN6] 2.2.12, Name: `h = h * 65599 + unit`, the low 16 bits.
    pub(super) fn is_sound(&self, chunk: &[u8]) -> bool {
        let text = chunk.get(self.at..).and_then(|rest| rest.get(..self.units * 2)).unwrap_or_default();
        let (units, _) = text.as_chunks::<2>();
        let sum = units.iter().fold(0_u32, |sum, unit| {
            sum.wrapping_mul(65_599).wrapping_add(u32::from(u16::from_le_bytes(*unit)))
        });
        let stored = self.at.checked_sub(4).and_then(|at| u16_at(chunk, at));
        self.units > 0 && units.len() == self.units && stored == Some((sum & 0xffff) as u16)
    }
}

/// A token of [MS-EVEN6] 2.2.12, as far as templates need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An element begins; its attributes (if it has any) and the end of its start follow.
    Open {
        /// Its name.
        name: Name,
        /// The value without which it is left out.
        dependency: Option<u16>,
        /// True if attributes follow.
        attributes: bool,
    },
    /// An element ends.
    Close,
    /// A substitution (NormalSubstitution 0x0d, OptionalSubstitution 0x0e).
    Substitution {
        /// The number.
        number: u16,
    },
    /// Text, UTF-16LE.
    Text {
        /// Its offset in the chunk.
        at: usize,
        /// Its bytes.
        length: usize,
    },
    /// An entity or character reference (0x09, 0x08), CDATA (0x07), or a processing instruction (0x0a, 0x0b).
    Reference,
}

/// Reads tokens. Each function gives `None` for bytes that are none of the tokens known here.
#[derive(Debug)]
pub(super) struct Tokens<'c> {
    chunk: &'c [u8],
    at: usize,
    end: usize,
    has_dependencies: bool,
    name_refs: Vec<usize>,
}

impl<'c> Tokens<'c> {
    /// Tokens from `at` to `end` of a chunk. Elements of a definition name the value that they depend on.
    pub(super) fn new(chunk: &'c [u8], at: usize, end: usize, has_dependencies: bool) -> Self {
        Self { chunk, at, end, has_dependencies, name_refs: Vec::with_capacity(64) }
    }

    /// Returns the offset after the last token that was read.
    pub(super) const fn position(&self) -> usize {
        self.at
    }

    /// Offsets of the name references of all tokens that were read.
    pub(super) fn into_name_refs(self) -> Vec<usize> {
        self.name_refs
    }

    fn peek(&self) -> Option<u8> {
        if self.at < self.end { u8_at(self.chunk, self.at) } else { None }
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.at = self.at.checked_add(bytes).filter(|at| *at <= self.end)?;
        Some(())
    }

    fn u16(&mut self) -> Option<u16> {
        let value = u16_at(self.chunk, self.at)?;
        self.skip(2)?;
        Some(value)
    }

    /// The next token of an element's content; `Some(None)` at the end.
    #[expect(clippy::option_option, reason = "outside: unknown bytes; inside: the end")]
    pub(super) fn next(&mut self) -> Option<Option<Token>> {
        let Some(byte) = self.peek() else { return Some(None) };
        if byte == 0x0f {
            self.skip(4)?;
            return self.next_behind_header();
        }
        self.next_behind_header()
    }

    #[expect(clippy::option_option, reason = "outside: unknown bytes; inside: the end")]
    fn next_behind_header(&mut self) -> Option<Option<Token>> {
        let Some(byte) = self.peek() else { return Some(None) };
        match byte {
            0x00 => Some(None),
            0x01 | 0x41 => {
                self.skip(1)?;
                let dependency = if self.has_dependencies { Some(self.u16()?) } else { None };
                self.skip(4)?;
                let name = self.name()?;
                let attributes = byte & 0x40 != 0;
                if attributes {
                    self.skip(4)?;
                }
                let dependency = dependency.filter(|number| *number != u16::MAX);
                Some(Some(Token::Open { name, dependency, attributes }))
            }
            0x04 => {
                self.skip(1)?;
                Some(Some(Token::Close))
            }
            _ => self.value(byte).map(Some),
        }
    }

    /// After an element's name and attributes: whether it ends at once, without content.
    pub(super) fn start_closes_empty(&mut self) -> Option<bool> {
        let byte = self.peek()?;
        self.skip(1)?;
        match byte {
            0x02 => Some(false),
            0x03 => Some(true),
            _ => None,
        }
    }

    /// The next attribute's name; `Some(None)` where no further one follows.
    #[expect(clippy::option_option, reason = "outside: unknown bytes; inside: the end")]
    pub(super) fn attribute(&mut self) -> Option<Option<Name>> {
        if !matches!(self.peek()?, 0x06 | 0x46) {
            return Some(None);
        }
        self.skip(1)?;
        self.name().map(Some)
    }

    /// The next piece of an attribute's value; `Some(None)` at its end.
    #[expect(clippy::option_option, reason = "outside: unknown bytes; inside: the end")]
    pub(super) fn attribute_value(&mut self) -> Option<Option<Token>> {
        match self.peek()? {
            0x02 | 0x03 | 0x06 | 0x46 => Some(None),
            byte => self.value(byte).map(Some),
        }
    }

    fn value(&mut self, byte: u8) -> Option<Token> {
        self.skip(1)?;
        match byte {
            0x05 | 0x45 => {
                if u8_at(self.chunk, self.at)? != 1 {
                    return None;
                }
                self.skip(1)?;
                let length = usize::from(self.u16()?) * 2;
                let at = self.at;
                self.skip(length)?;
                Some(Token::Text { at, length })
            }
            0x0d | 0x0e => {
                let number = self.u16()?;
                self.skip(1)?;
                Some(Token::Substitution { number })
            }
            0x09 | 0x49 | 0x0a => {
                self.name()?;
                Some(Token::Reference)
            }
            0x08 | 0x48 => {
                self.skip(2)?;
                Some(Token::Reference)
            }
            0x07 | 0x47 | 0x0b => {
                let length = usize::from(self.u16()?) * 2;
                self.skip(length)?;
                Some(Token::Reference)
            }
            _ => None,
        }
    }

    /// Reads a name reference. The chunk has a table of names; the first reference of a name holds it.
    fn name(&mut self) -> Option<Name> {
        let table = size_at(self.chunk, self.at)?;
        self.name_refs.push(self.at);
        self.skip(4)?;
        let units = usize::from(u16_at(self.chunk, table.checked_add(6)?)?);
        let name = Name { at: table + 8, units };
        if table == self.at {
            self.skip(8 + units * 2 + 2)?;
        }
        Some(name)
    }
}

/// An instance of a template: where its definition is, and its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    /// The beginning of the definition's GUID.
    pub(super) template_id: u32,
    /// Offset of the definition in the chunk.
    pub(super) definition: usize,
    /// The offset of the values' descriptors: two bytes of size, one of type, one of nothing.
    pub(super) descriptors: usize,
    /// The offset of the values.
    pub(super) values: usize,
    /// True if the instance holds the definition, as the first of its template in the chunk.
    pub(super) is_first: bool,
}

impl Instance {
    /// Reads the one instance that a record's content, or a fragment inside of one, consists of. `None` where it is
    /// anything else, or does not fit into its bytes.
    pub(super) fn read(chunk: &[u8], start: usize, end: usize) -> Option<Self> {
        let mut at = start;
        if u8_at(chunk, at)? == 0x0f {
            at += 4;
        }
        if u8_at(chunk, at)? != 0x0c {
            return None;
        }
        let template_id = u32_at(chunk, at + 2)?;
        let definition = size_at(chunk, at + 6)?;
        at += 10;
        let is_first = definition == at;
        if is_first {
            let size = size_at(chunk, at + 20)?;
            at = at.checked_add(DEFINITION_HEADER)?.checked_add(size)?;
        }
        let count = size_at(chunk, at)?;
        let descriptors = at.checked_add(4)?;
        let values = descriptors.checked_add(count.checked_mul(4)?)?;
        (values <= end).then_some(Self { template_id, definition, descriptors, values, is_first })
    }
}
