//! One event as the service renders it: `<Event><System>…</System><EventData><Data Name='Image'>…</Data>…`.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::model::batch::{Batch, EventHead};
use crate::model::event::{Field, code, is_sysmon};
use crate::model::fault::SkipReason;
use crate::model::feed::EventKey;
use crate::model::guid::Guid;
use crate::model::time::Timestamp;

/// What tells one event of a log from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    /// The number in the log of the host that wrote it.
    pub(super) record_id: Option<u64>,
    /// A hash of that host's name.
    pub(super) computer: u64,
    pub(super) time: Option<Timestamp>,
}

impl Stamp {
    /// Reads it off an event.
    pub(super) fn of(xml: &str) -> Self {
        Self::of_system(system(xml))
    }

    /// Whether it is of the event that is meant.
    #[cfg_attr(not(windows), allow(dead_code, reason = "only Windows has events to read again"))]
    pub(super) fn is_of(&self, key: &EventKey) -> bool {
        key.time.is_none_or(|time| self.time == Some(time))
            && key.computer.as_deref().is_none_or(|name| self.computer == hash_of(name))
    }

    fn of_system(system: &str) -> Self {
        Self {
            computer: hash_of(&unescaped(element(system, "Computer").unwrap_or_default())),
            record_id: element(system, "EventRecordID").and_then(|text| text.trim().parse().ok()),
            time: attribute(system, "TimeCreated", "SystemTime").and_then(Timestamp::parse),
        }
    }
}

fn hash_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Adds an event, as `EvtRender` writes it, to a batch and its account. Its place is its record number.
pub fn parse_rendered(xml: &str, batch: &mut Batch) {
    let system = system(xml);
    let provider = attribute(system, "Provider", "Name").unwrap_or_default();
    if !is_sysmon(provider) {
        let reason = if provider.is_empty() { SkipReason::Damaged } else { SkipReason::OtherProvider };
        batch.tally.skip(reason, 1);
        return;
    }
    let Some(event_code) = element(system, "EventID").and_then(|text| text.trim().parse().ok()) else {
        batch.tally.skip(SkipReason::Damaged, 1);
        return;
    };
    batch.tally.count_sysmon(event_code);
    if !code::is_kept(event_code) {
        return;
    }
    let stamp = Stamp::of_system(system);
    let mut head = EventHead {
        event_code,
        time: stamp.time,
        record_id: stamp.record_id,
        place: stamp.record_id.unwrap_or_default(),
        process_guid: None,
        parent_process_guid: None,
    };
    let mut fields: Vec<(Field, Cow<'_, str>)> = Vec::with_capacity(Field::COUNT);
    if let Some(computer) = element(system, "Computer") {
        fields.push((Field::Computer, unescaped(computer)));
    }
    let data = xml.find("<EventData").and_then(|at| xml.get(at..)).unwrap_or_default();
    for (name, value) in Data(data) {
        // `Computer` is read off System alone.
        let Some(field) = Field::from_name(name).filter(|field| *field != Field::Computer) else { continue };
        let value = unescaped(value);
        match (field, Guid::parse(&value)) {
            (Field::ProcessGuid, Some(guid)) => head.process_guid = head.process_guid.or(Some(guid)),
            (Field::ParentProcessGuid, Some(guid)) => {
                head.parent_process_guid = head.parent_process_guid.or(Some(guid));
            }
            _ => fields.push((field, value)),
        }
    }
    batch.push(head, fields.iter().map(|(field, value)| (*field, &**value)));
}

/// The provider's name in an event.
pub(super) fn provider(xml: &str) -> Option<&str> {
    attribute(system(xml), "Provider", "Name").filter(|name| !name.is_empty())
}

/// The event's `System` element, which comes first: nothing that a process can write stands before its end.
fn system(xml: &str) -> &str {
    xml.split_once("<System>")
        .and_then(|(_, rest)| rest.split_once("</System>"))
        .map_or("", |(system, _)| system)
}

/// What stands between `<name…>` and the next `<`.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (tag, rest) = tag(xml, name)?;
    if tag.ends_with('/') { None } else { rest.split('<').next() }
}

/// The value of an attribute of the first element of that name, in quotes of either kind.
fn attribute<'x>(xml: &'x str, name: &str, attribute: &str) -> Option<&'x str> {
    let (tag, _) = tag(xml, name)?;
    tag.match_indices(attribute).find_map(|(at, found)| {
        let is_whole = tag.get(..at).is_some_and(|before| before.ends_with(char::is_whitespace));
        is_whole.then(|| tag.get(at + found.len()..)?.strip_prefix('=').and_then(quoted)).flatten()
    })
}

/// A text in quotes.
fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    text.get(1..)?.split_once(quote).map(|(value, _)| value)
}

/// The inside of the first tag of that name, and what stands behind it.
fn tag<'x>(xml: &'x str, name: &str) -> Option<(&'x str, &'x str)> {
    xml.match_indices('<').find_map(|(at, _)| {
        let inside = xml.get(at + 1..)?.strip_prefix(name)?;
        inside.starts_with(|next: char| next.is_whitespace() || matches!(next, '>' | '/')).then_some(())?;
        inside.split_once('>')
    })
}

/// The `Data` elements with their names, text still escaped.
struct Data<'x>(&'x str);

impl<'x> Iterator for Data<'x> {
    type Item = (&'x str, &'x str);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.0.find("<Data Name=")?;
        let rest = self.0.get(at + "<Data Name=".len()..)?;
        let name = quoted(rest)?;
        let behind = rest.get(name.len() + 2..)?;
        if let Some(behind) = behind.strip_prefix("/>") {
            self.0 = behind;
            return Some((name, ""));
        }
        let (value, behind) = behind.strip_prefix('>')?.split_once('<')?;
        self.0 = behind;
        Some((name, value))
    }
}

/// The text with its entities resolved; what is none stays as it is.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        out.push_str(before);
        let entity = behind.split_once(';').and_then(|(name, after)| Some((entity(name)?, after)));
        if let Some((character, after)) = entity {
            out.push(character);
            rest = after;
        } else {
            out.push('&');
            rest = behind;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUSH: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
        Name='Microsoft-Windows-Sysmon' Guid='{5770385f-c22a-43e0-bf4c-06f5698ffbd9}'/><EventID>1</EventID><Version>5\
        </Version><TimeCreated SystemTime='2026-11-24T10:00:00.1234567Z'/><EventRecordID>42</EventRecordID><Channel>\
        Microsoft-Windows-Sysmon/Operational</Channel><Computer>WS-7.corp.example</Computer><Security \
        UserID='S-1-5-18'/></System><EventData><Data Name='RuleName'>-</Data><Data \
        Name='ProcessGuid'>{01234567-89AB-CDEF-0123-456789ABCDEF}</Data><Data Name='User'></Data><Data \
        Name='Image'>C:\\git\\git.exe</Data><Data Name='CommandLine'>git push &lt;System&gt; &quot;a&amp;lt;b&quot; \
        &#x41;&#10;&nbsp; & x</Data><Data Name='Computer'>forged</Data><Data Name='ParentProcessGuid'/></EventData></Event>";

    #[test]
    fn an_event_is_read_as_it_is_written() {
        let mut batch = Batch::default();
        parse_rendered(PUSH, &mut batch);
        let [event] = batch.events.as_slice() else { panic!("one event") };
        assert_eq!((event.head.event_code, event.head.record_id, event.head.place), (1, Some(42), 42));
        assert_eq!(event.head.time, Timestamp::parse("2026-11-24T10:00:00.1234567Z"));
        assert_eq!(event.head.process_guid, Guid::parse("{01234567-89ab-cdef-0123-456789abcdef}"));
        assert_eq!(event.head.parent_process_guid, None);
        let text = |field| batch.text(event, field);
        assert_eq!(text(Field::Computer), Some("WS-7.corp.example"));
        assert_eq!(text(Field::Image), Some(r"C:\git\git.exe"));
        assert_eq!(text(Field::CommandLine), Some("git push <System> \"a&lt;b\" A\n&nbsp; & x"));
        assert_eq!(text(Field::User), None);
        assert_eq!(batch.tally.event_codes[&1], 1);
    }

    #[test]
    fn every_event_is_counted_once_whatever_it_is() {
        let cases = [
            PUSH.replace("<EventID>1<", "<EventID Qualifiers=''>10<"),
            PUSH.replace("Microsoft-Windows-Sysmon'", "Microsoft-Windows-Security-Auditing'"),
            PUSH.replace("<EventID>1<", "<EventID>x<"),
            "no event".to_owned(),
            PUSH.replace('\'', "\""),
        ];
        let mut batch = Batch::default();
        for (number, case) in (1..).zip(&cases) {
            parse_rendered(case, &mut batch);
            assert_eq!(batch.tally.records(), number);
        }
        assert_eq!(batch.tally.event_codes[&10], 1);
        assert_eq!(batch.tally.skipped[&SkipReason::OtherProvider], 1);
        assert_eq!(batch.tally.skipped[&SkipReason::Damaged], 2);
        assert_eq!(batch.events.len(), 1);
    }

    #[test]
    fn no_cut_of_an_event_is_a_panic() {
        for end in 0..PUSH.len() {
            parse_rendered(&PUSH[..end], &mut Batch::default());
            let _ = Stamp::of(&PUSH[..end]);
        }
    }
}
