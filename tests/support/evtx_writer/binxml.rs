//! Binary XML: elements, attributes and substitutions, appended to a chunk.

use super::chunk::{Chunk, offset_u32};
use super::value::{Kind, put_utf16};

const END_OF_STREAM: u8 = 0x00;
const OPEN_ELEMENT: u8 = 0x01;
const CLOSE_START_TAG: u8 = 0x02;
const CLOSE_EMPTY_TAG: u8 = 0x03;
const CLOSE_ELEMENT: u8 = 0x04;
const TEXT: u8 = 0x05;
const ATTRIBUTE: u8 = 0x06;
const TEMPLATE_INSTANCE: u8 = 0x0c;
const SUBSTITUTION: u8 = 0x0d;
const OPTIONAL_SUBSTITUTION: u8 = 0x0e;
/// Added to a token: attributes follow an element's name, or another attribute follows this one.
const MORE: u8 = 0x40;

/// Content of an attribute or an element.
#[derive(Clone, Copy)]
pub enum Content<'a> {
    Text(&'a str),
    /// The value of that number.
    Value(u16, Kind),
    /// The value of that number; where it is null, the attribute or element is left out.
    OptionalValue(u16, Kind),
}

impl Content<'_> {
    /// The value without which an element is left out, as its head names it.
    fn dependency(self) -> u16 {
        match self {
            Self::OptionalValue(number, _) => number,
            Self::Text(_) | Self::Value(..) => u16::MAX,
        }
    }
}

/// An attribute's name and value.
pub type Attribute<'a> = (&'static str, Content<'a>);

/// An element whose size is written when it ends.
pub struct OpenElement {
    size_at: usize,
}

impl Chunk {
    /// The header that every fragment begins with: version 1.1, no flags.
    pub fn put_fragment_header(&mut self) {
        self.bytes.extend([0x0f, 1, 1, 0]);
    }

    pub fn put_end_of_stream(&mut self) {
        self.bytes.push(END_OF_STREAM);
    }

    /// The head of a template's use: its id and the offset of its definition.
    pub fn put_template_instance(&mut self, id: [u8; 4], offset: u32) {
        self.bytes.extend([TEMPLATE_INSTANCE, 1]);
        self.bytes.extend(id);
        self.put_u32(offset);
    }

    /// Begins an element that has children.
    pub fn open(&mut self, name: &'static str, attributes: &[Attribute<'_>]) -> OpenElement {
        let element = self.put_head(name, u16::MAX, attributes);
        self.bytes.push(CLOSE_START_TAG);
        element
    }

    /// Ends an element that has children.
    pub fn close(&mut self, element: &OpenElement) {
        self.bytes.push(CLOSE_ELEMENT);
        self.end(element);
    }

    /// An element with nothing but attributes.
    pub fn put_empty(&mut self, name: &'static str, attributes: &[Attribute<'_>]) {
        let element = self.put_head(name, u16::MAX, attributes);
        self.bytes.push(CLOSE_EMPTY_TAG);
        self.end(&element);
    }

    /// An element with a text or a value.
    pub fn put_leaf(&mut self, name: &'static str, attributes: &[Attribute<'_>], content: Content<'_>) {
        let element = self.put_head(name, content.dependency(), attributes);
        self.bytes.push(CLOSE_START_TAG);
        self.put_content(content);
        self.close(&element);
    }

    pub fn put_content(&mut self, content: Content<'_>) {
        match content {
            Content::Text(text) => {
                self.bytes.extend([TEXT, Kind::Text as u8]);
                self.put_u16(u16::try_from(text.encode_utf16().count()).expect("literals are short"));
                put_utf16(text, &mut self.bytes);
            }
            Content::Value(number, kind) => self.put_substitution(SUBSTITUTION, number, kind),
            Content::OptionalValue(number, kind) => {
                self.put_substitution(OPTIONAL_SUBSTITUTION, number, kind);
            }
        }
    }

    fn put_substitution(&mut self, token: u8, number: u16, kind: Kind) {
        self.bytes.push(token);
        self.put_u16(number);
        self.bytes.push(kind as u8);
    }

    fn put_head(&mut self, name: &'static str, dependency: u16, attributes: &[Attribute<'_>]) -> OpenElement {
        self.bytes.push(if attributes.is_empty() { OPEN_ELEMENT } else { OPEN_ELEMENT | MORE });
        self.put_u16(dependency);
        let element = OpenElement { size_at: self.bytes.len() };
        self.put_u32(0);
        self.put_name(name);
        if !attributes.is_empty() {
            let list = OpenElement { size_at: self.bytes.len() };
            self.put_u32(0);
            for (index, (name, content)) in attributes.iter().enumerate() {
                let is_last = index + 1 == attributes.len();
                self.bytes.push(if is_last { ATTRIBUTE } else { ATTRIBUTE | MORE });
                self.put_name(name);
                self.put_content(*content);
            }
            self.end(&list);
        }
        element
    }

    fn end(&mut self, element: &OpenElement) {
        let size = self.bytes.len() - element.size_at - 4;
        self.patch_u32(element.size_at, offset_u32(size));
    }
}
