//! Windows' own XML of one event. No entities but XML's own five and numbers, no DTD, no deep nesting.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::event_builder::{EventBuilder, RecordKind};
use crate::model::event::Field;

const MAX_DEPTH: usize = 32;

/// The part of an event that the reader is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Elsewhere,
    System,
    Data,
}

/// The element whose text is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    EventId,
    RecordId,
    Channel,
    Computer,
    Data(Field),
}

/// Reads events one after the other; keeps its buffer.
#[derive(Debug, Default)]
pub(super) struct XmlReader {
    text: String,
}

impl XmlReader {
    /// Reads an event from `<Event` to `</Event>`, or an `<EventData>` alone.
    pub(super) fn read(&mut self, xml: &str, builder: &mut EventBuilder) -> RecordKind {
        match self.fill(xml, builder) {
            Ok(()) => builder.record_kind(),
            Err(reason) => RecordKind::damaged(reason),
        }
    }

    /// Reads an event without judging its kind.
    ///
    /// # Errors
    /// The fault of the XML, as a clause.
    pub(super) fn fill(&mut self, xml: &str, builder: &mut EventBuilder) -> Result<(), String> {
        self.walk(xml, builder, |builder| !builder.is_kept())
    }

    /// Reads an event up to the end of its `System` element.
    ///
    /// # Errors
    /// The fault of the XML, as a clause.
    pub(super) fn fill_system(&mut self, xml: &str, builder: &mut EventBuilder) -> Result<(), String> {
        self.walk(xml, builder, |_| true)
    }

    /// Reads an event; `is_enough` is asked at the end of its `System` element.
    fn walk(
        &mut self,
        xml: &str,
        builder: &mut EventBuilder,
        is_enough: impl Fn(&EventBuilder) -> bool,
    ) -> Result<(), String> {
        let mut reader = Reader::from_str(xml);
        reader.config_mut().allow_dangling_amp = true;
        let mut depth = 0_usize;
        let mut part = (Part::Elsewhere, 0_usize);
        let mut wanted: Option<(Wanted, usize)> = None;
        loop {
            let event = reader.read_event().map_err(|error| {
                format!("it is no XML: {error} (at its byte {})", reader.error_position())
            })?;
            match event {
                Event::Start(start) => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err("it is nested too deeply".to_owned());
                    }
                    if wanted.is_none() {
                        if part.0 == Part::Elsewhere
                            && let Some(found) = part_of(&start)
                        {
                            part = (found, depth);
                        } else if let Some(found) = element(part.0, &start, builder)? {
                            self.text.clear();
                            wanted = Some((found, depth));
                        }
                    }
                }
                Event::Empty(start) if wanted.is_none() => {
                    element(part.0, &start, builder)?;
                }
                Event::End(_) => {
                    if let Some((found, at)) = wanted
                        && at == depth
                    {
                        self.take(found, builder);
                        wanted = None;
                    }
                    if part.1 == depth {
                        if part.0 == Part::System && is_enough(builder) {
                            return Ok(());
                        }
                        part = (Part::Elsewhere, 0);
                    }
                    depth = depth.saturating_sub(1);
                }
                Event::Text(text) if wanted.is_some() => self.text.push_str(&text),
                Event::CData(text) if wanted.is_some() => self.text.push_str(&text),
                Event::GeneralRef(reference) => {
                    let letter = resolve(&reference)?;
                    if wanted.is_some() {
                        self.text.push(letter);
                    }
                }
                Event::DocType(_) => {
                    return Err("it declares a document type, which no event does".to_owned());
                }
                Event::Eof if depth > 0 => return Err("it ends early".to_owned()),
                Event::Eof => return Ok(()),
                _ => {}
            }
        }
    }

    fn take(&self, wanted: Wanted, builder: &mut EventBuilder) {
        match wanted {
            Wanted::EventId => builder.set_code(&self.text),
            Wanted::RecordId => builder.set_record_id(&self.text),
            Wanted::Channel => builder.channel.push_str(self.text.trim()),
            Wanted::Computer => builder.add(Field::Computer, self.text.trim()),
            Wanted::Data(field) => builder.add(field, &self.text),
        }
    }
}

fn part_of(start: &BytesStart<'_>) -> Option<Part> {
    match start.local_name().into_inner() {
        "System" => Some(Part::System),
        "EventData" => Some(Part::Data),
        _ => None,
    }
}

/// Reads an element's attributes. Returns the field that its text is wanted for.
fn element(part: Part, start: &BytesStart<'_>, builder: &mut EventBuilder) -> Result<Option<Wanted>, String> {
    let name = start.local_name();
    Ok(match (part, name.into_inner()) {
        (Part::System, "EventID") => Some(Wanted::EventId),
        (Part::System, "EventRecordID") => Some(Wanted::RecordId),
        (Part::System, "Channel") => Some(Wanted::Channel),
        (Part::System, "Computer") => Some(Wanted::Computer),
        (Part::System, "Provider") => {
            if builder.provider.is_empty() {
                builder.provider = attribute(start, "Name")?.unwrap_or_default();
            }
            None
        }
        (Part::System, "TimeCreated") => {
            if let Some(time) = attribute(start, "SystemTime")? {
                builder.set_time(&time);
            }
            None
        }
        (Part::Data, "Data") => attribute(start, "Name")?
            .as_deref()
            .and_then(Field::from_name)
            .filter(|field| *field != Field::Computer)
            .map(Wanted::Data),
        _ => None,
    })
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>, String> {
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| format!("it is no XML: {error}"))?;
        if attribute.key.local_name().into_inner() == name {
            let value = quick_xml::escape::unescape(&attribute.value)
                .map_err(|error| format!("it is no XML: {error}"))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, String> {
    match reference.resolve_char_ref() {
        Ok(Some(letter)) => Ok(letter),
        // Windows writes control characters and half surrogates in this way, which XML itself can't hold.
        Err(_) => Ok(char::REPLACEMENT_CHARACTER),
        Ok(None) => match &**reference {
            "lt" => Ok('<'),
            "gt" => Ok('>'),
            "amp" => Ok('&'),
            "quot" => Ok('"'),
            "apos" => Ok('\''),
            other => Err(format!(
                "it uses the entity {:?}, which no event does",
                other.chars().take(20).collect::<String>()
            )),
        },
    }
}
