//! Template definitions ([MS-EVEN6] 2.2.12, TemplateDef): where the fields of the projection come from.
//!
//! A definition is BinXML with numbered substitutions for the values of each record. It is read once per chunk, into a
//! list of field sources: substitutions, or literals of the definition itself.

use super::binxml::{DEFINITION_HEADER, Name, Token, Tokens};
use super::bytes::{size_at, u32_at};
use super::utf16::{is_ascii, push_utf16};
use crate::model::event::Field;

/// Elements inside of elements that are followed; real ones are four deep.
const MAX_DEPTH: usize = 16;

/// The field that a value becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// `System/Provider@Name`.
    Provider,
    /// `System/EventID`.
    EventId,
    /// `System/TimeCreated@SystemTime`.
    Time,
    /// `System/EventRecordID`.
    RecordId,
    /// A field.
    Field(Field),
    /// A whole fragment inside of `Event`.
    Fragment,
    /// A value directly inside of `EventData`; supported only when empty.
    EventDataContent,
}

impl FieldKind {
    /// The provider and the Event ID come first, then the fields in the order of their numbers.
    const fn rank(self) -> usize {
        match self {
            Self::Provider | Self::EventId => 0,
            Self::Field(field) => 2 + field.index(),
            _ => 1,
        }
    }
}

/// The origin of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueOrigin {
    /// The record's value of this number.
    Substitution(u16),
    /// UTF-16LE text in the definition: offset and bytes, in the chunk while the definition is read, then in
    /// [`Template::literals`].
    Literal(usize, usize),
}

/// A wanted value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FieldSource {
    /// The field.
    pub(super) kind: FieldKind,
    /// Its origin.
    pub(super) origin: ValueOrigin,
    /// The substitution without which its element is left out ([MS-EVEN6] dependency id).
    pub(super) dependency_id: Option<u16>,
}

/// The role of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::source) enum Role {
    /// A whole event.
    Event,
    /// A fragment inside of `Event`.
    Fragment,
}

/// A template: a definition as far as it is needed. It holds for the same definition in any chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    /// The wanted values; the provider and the Event ID before the others.
    pub(super) sources: Vec<FieldSource>,
    /// The literals of the definition, UTF-16LE.
    pub(super) literals: Vec<u8>,
    /// True if the provider or the Event ID are of an unsupported shape.
    pub(super) unsupported_system: bool,
    /// True if a field source is of an unsupported shape.
    pub(super) unsupported_data: bool,
    /// True if it holds fields of `EventData`.
    pub(super) has_data: bool,
    /// Offsets of its name references, in the chunk that it was read from.
    pub(super) name_refs: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Event,
    System,
    EventData,
    Provider,
    EventId,
    TimeCreated,
    RecordId,
    Computer,
    Data,
    Other,
}

#[derive(Clone, Copy, Debug)]
struct Element {
    kind: Kind,
    dependency_id: Option<u16>,
    /// More than one value guards it.
    has_many_dependencies: bool,
    field: Option<Field>,
    content: Option<ValueOrigin>,
    /// It has more content than one value.
    mixed: bool,
}

impl Template {
    /// The bytes of a definition's tokens. `None` where there is no definition of that number, or it is cut off.
    pub(super) fn size(chunk: &[u8], at: usize, template_id: u32) -> Option<usize> {
        // A definition's number is the beginning of its GUID.
        if u32_at(chunk, at.checked_add(4)?)? != template_id {
            return None;
        }
        let size = size_at(chunk, at.checked_add(20)?)?;
        let end = at.checked_add(DEFINITION_HEADER)?.checked_add(size)?;
        (end <= chunk.len()).then_some(size)
    }

    /// Reads the definition at an offset of the chunk. `None` where its bytes are none, or of a shape that is not
    /// known.
    pub(super) fn read(chunk: &[u8], at: usize, template_id: u32, role: Role) -> Option<Self> {
        let start = at.checked_add(DEFINITION_HEADER)?;
        let end = start + Self::size(chunk, at, template_id)?;
        let mut tokens = Tokens::new(chunk, start, end, true);
        let mut template = Self::of_tokens(chunk, &mut tokens, role)?;
        template.name_refs = tokens.into_name_refs();
        Some(template)
    }

    /// Reads an event that a record holds without a template, as in logs that were exported through a filter: all its
    /// values are texts. Returns its end too.
    pub(super) fn of_whole_event(chunk: &[u8], start: usize, end: usize) -> Option<(Self, usize)> {
        let mut tokens = Tokens::new(chunk, start, end.min(chunk.len()), false);
        let template = Self::of_tokens(chunk, &mut tokens, Role::Event)?;
        Some((template, tokens.position()))
    }

    fn of_tokens(chunk: &[u8], tokens: &mut Tokens<'_>, role: Role) -> Option<Self> {
        let mut reader =
            Reader { chunk, role, template: Self::default(), stack: Vec::new(), is_closed: false };
        while let Some(token) = tokens.next()? {
            reader.take(token, tokens)?;
        }
        if !reader.stack.is_empty() || !reader.is_closed {
            return None;
        }
        let mut template = reader.template;
        template.sources.sort_by_key(|source| source.kind.rank());
        template.mark_what_stands_twice();
        let is_data = |kind| matches!(kind, FieldKind::Field(field) if field != Field::Computer);
        template.has_data = template.sources.iter().any(|source| is_data(source.kind));
        Some(template)
    }
}

impl Template {
    /// Marks duplicate elements as unsupported: the crate decides what comes of them.
    fn mark_what_stands_twice(&mut self) {
        let once = |kind: &FieldKind| !matches!(kind, FieldKind::Fragment | FieldKind::EventDataContent);
        let is_twice = |kind: FieldKind| self.sources.iter().filter(|source| source.kind == kind).count() > 1;
        for kind in self.sources.iter().map(|source| source.kind).filter(once) {
            if is_twice(kind) {
                self.unsupported_data = true;
                self.unsupported_system |= matches!(kind, FieldKind::Provider | FieldKind::EventId);
            }
        }
    }
}

struct Reader<'c> {
    chunk: &'c [u8],
    role: Role,
    template: Template,
    stack: Vec<Element>,
    is_closed: bool,
}

impl Reader<'_> {
    fn take(&mut self, token: Token, tokens: &mut Tokens<'_>) -> Option<()> {
        match token {
            Token::Open { name, dependency, attributes } => {
                let parent = self.stack.last().copied();
                if self.stack.len() >= MAX_DEPTH || (parent.is_none() && self.is_closed) {
                    return None;
                }
                let kind = self.kind(parent.map(|element| element.kind), name);
                if kind == Kind::Other && !name.is_sound(self.chunk) {
                    return None;
                }
                let inherited = parent.and_then(|element| element.dependency_id);
                // A template's outermost element is always there.
                let dependency = dependency.filter(|_| parent.is_some());
                let element = Element {
                    kind,
                    dependency_id: dependency.or(inherited),
                    has_many_dependencies: parent.is_some_and(|element| element.has_many_dependencies)
                        || (dependency.is_some() && inherited.is_some() && dependency != inherited),
                    field: None,
                    content: None,
                    mixed: false,
                };
                self.stack.push(element);
                if attributes {
                    self.attributes(tokens)?;
                }
                if tokens.start_closes_empty()? {
                    self.close()?;
                }
            }
            Token::Close => self.close()?,
            Token::Substitution { number } => self.content(ValueOrigin::Substitution(number)),
            Token::Text { at, length } => self.content(ValueOrigin::Literal(at, length)),
            Token::Reference => {
                if let Some(element) = self.stack.last_mut() {
                    element.mixed = true;
                }
            }
        }
        Some(())
    }

    fn kind(&self, parent: Option<Kind>, name: Name) -> Kind {
        let is = |text: &[u8]| self.is_name(name, text);
        match parent {
            None if self.role == Role::Event => {
                if is(b"Event") {
                    Kind::Event
                } else {
                    Kind::Other
                }
            }
            Some(Kind::Event) if is(b"System") => Kind::System,
            None | Some(Kind::Event) if is(b"EventData") => Kind::EventData,
            Some(Kind::System) => {
                if is(b"Provider") {
                    Kind::Provider
                } else if is(b"EventID") {
                    Kind::EventId
                } else if is(b"TimeCreated") {
                    Kind::TimeCreated
                } else if is(b"EventRecordID") {
                    Kind::RecordId
                } else if is(b"Computer") {
                    Kind::Computer
                } else {
                    Kind::Other
                }
            }
            Some(Kind::EventData) if is(b"Data") => Kind::Data,
            _ => Kind::Other,
        }
    }

    fn is_name(&self, name: Name, text: &[u8]) -> bool {
        name.units == text.len()
            && self
                .chunk
                .get(name.at..)
                .and_then(|rest| rest.get(..name.units * 2))
                .is_some_and(|units| is_ascii(units, text, false))
    }

    /// Reads the attributes of the element that was just opened.
    fn attributes(&mut self, tokens: &mut Tokens<'_>) -> Option<()> {
        let mut is_known_already = false;
        while let Some(name) = tokens.attribute()? {
            let mut origin = None;
            let mut mixed = false;
            while let Some(token) = tokens.attribute_value()? {
                let next = match token {
                    Token::Substitution { number } => Some(ValueOrigin::Substitution(number)),
                    Token::Text { at, length } => Some(ValueOrigin::Literal(at, length)),
                    _ => None,
                };
                mixed |= origin.is_some() || next.is_none();
                origin = origin.or(next);
            }
            let Some(element) = self.stack.last().copied() else { continue };
            let is_name = self.is_name(name, b"Name");
            if !is_name && !name.is_sound(self.chunk) {
                return None;
            }
            let is_known = match element.kind {
                Kind::Provider | Kind::Data => is_name,
                Kind::TimeCreated => self.is_name(name, b"SystemTime"),
                _ => false,
            };
            if is_known && is_known_already {
                // The crate decides which of two counts.
                self.template.unsupported_system = true;
                self.template.unsupported_data = true;
            }
            is_known_already |= is_known;
            match element.kind {
                Kind::Provider if is_name => self.source(FieldKind::Provider, element, origin, mixed),
                Kind::TimeCreated if is_known => {
                    self.source(FieldKind::Time, element, origin, mixed);
                }
                Kind::Data if is_name => {
                    let field = match origin {
                        Some(ValueOrigin::Literal(at, length)) if !mixed => self.field(at, length),
                        // A name that each record gives is not followed.
                        _ => {
                            self.template.unsupported_data = true;
                            None
                        }
                    };
                    if let Some(element) = self.stack.last_mut() {
                        element.field = element.field.or(field);
                    }
                }
                _ => {}
            }
        }
        Some(())
    }

    fn field(&self, at: usize, length: usize) -> Option<Field> {
        let units = self.chunk.get(at..at.checked_add(length)?)?;
        // Longer than any field's name.
        if length > 64 {
            return None;
        }
        let mut name = Vec::new();
        push_utf16(units, &mut name);
        Field::from_name(str::from_utf8(&name).ok()?)
            .filter(|field| *field != Field::Computer && field.is_carried())
    }

    fn content(&mut self, origin: ValueOrigin) {
        let Some(element) = self.stack.last_mut() else { return };
        match element.kind {
            Kind::Event => {
                let element = *element;
                self.source(FieldKind::Fragment, element, Some(origin), false);
            }
            Kind::EventData => {
                let element = *element;
                self.source(FieldKind::EventDataContent, element, Some(origin), false);
            }
            _ => {
                element.mixed |= element.content.is_some();
                element.content = element.content.or(Some(origin));
            }
        }
    }

    fn close(&mut self) -> Option<()> {
        let element = self.stack.pop()?;
        self.is_closed |= self.stack.is_empty();
        let kind = match element.kind {
            Kind::EventId => FieldKind::EventId,
            Kind::RecordId => FieldKind::RecordId,
            Kind::Computer => FieldKind::Field(Field::Computer),
            Kind::Data => match element.field {
                Some(field) => FieldKind::Field(field),
                None => return Some(()),
            },
            _ => return Some(()),
        };
        self.source(kind, element, element.content, element.mixed);
        Some(())
    }

    fn source(&mut self, kind: FieldKind, element: Element, origin: Option<ValueOrigin>, mixed: bool) {
        let Some(origin) = origin else { return };
        let own =
            matches!(origin, ValueOrigin::Substitution(number) if element.dependency_id == Some(number));
        if mixed || element.has_many_dependencies {
            match kind {
                FieldKind::Provider | FieldKind::EventId => self.template.unsupported_system = true,
                _ => self.template.unsupported_data = true,
            }
            return;
        }
        let dependency_id = if own { None } else { element.dependency_id };
        let origin = match origin {
            ValueOrigin::Literal(at, length) => {
                let text = at.checked_add(length).and_then(|end| self.chunk.get(at..end)).unwrap_or_default();
                let start = self.template.literals.len();
                self.template.literals.extend_from_slice(text);
                ValueOrigin::Literal(start, text.len())
            }
            id @ ValueOrigin::Substitution(_) => id,
        };
        self.template.sources.push(FieldSource { kind, origin, dependency_id });
    }
}
