//! Comparison of two events of one host, record number and time: one event that was met twice, or one number that was
//! given to two.
//!
//! Dialects differ in the fields of an event: times have three digits or seven, a field that is `-` in one is missing
//! in another, accounts are named in several ways. The fields that decide an event's fate must agree, those missing on
//! one side included. Otherwise an event with a field less, or one more, would replace the one that is a finding.

use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::{DefaultHashBuilder, HashSet};

use crate::model::batch::{Batch, EventRecord, SourceId};
use crate::model::event::{Field, code};
use crate::model::fault::{Fault, FaultKind};
use crate::model::feed::SourceInfo;
use crate::model::guid::Guid;
use crate::store::events::Events;
use crate::store::events::collect::{Collect, is_for_rows, is_of_starts};
use crate::store::events::dedup::{Earlier, EventKey, KeyedEvents, Likeness, agree};
use crate::store::events::event::{StoredEvent, slot_fields};
use crate::store::events::host_names::HostName;
use crate::store::events::interner::Symbol;
use crate::store::ids::EventId;

/// Contradictions that are named; the others are counted.
const MAX_NAMED: usize = 20;

/// The contradictions that were met, each record's number once.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Contradictions {
    /// The hashes of the hosts' names without case and the numbers.
    met: HashSet<u64>,
    hasher: DefaultHashBuilder,
    /// Index of the fault that counts those not named.
    summary: Option<usize>,
}

/// The fields that are compared of events of an ID.
const fn compared(event_code: u16) -> &'static [Field] {
    match event_code {
        code::PROCESS_CREATE => {
            &[Field::Image, Field::CommandLine, Field::ParentImage, Field::ParentCommandLine]
        }
        code::NETWORK_CONNECT => &[Field::Image, Field::DestinationHostname, Field::DestinationIp],
        code::DNS_QUERY => &[Field::Image, Field::QueryName, Field::QueryResults],
        code::FILE_CREATE => &[Field::Image, Field::TargetFilename],
        code::SCRIPT_BLOCK => &[Field::ScriptBlockText],
        code::NEW_PROCESS => &[Field::CommandLine, Field::NewProcessName],
        _ => &[Field::Image],
    }
}

impl Events {
    fn keyed_events(&self) -> KeyedEvents<'_> {
        KeyedEvents { events: &self.entries, host_keys: &self.host_keys }
    }

    /// Returns the key of a new event; `None` where it has no host or no record number.
    fn event_key(record: &EventRecord, name: Option<HostName>) -> Option<EventKey> {
        Some(EventKey { host: name?.key, record: record.head.record_id?, time: record.head.time })
    }

    /// Finds the event of the same host, record number, time and contents that was added earlier, and completes it: of
    /// two the place of the earlier source counts, the finer time, and each gives what the other lacks, whichever came
    /// first.
    pub(in crate::store) fn find_earlier(
        &mut self,
        batch: &Batch,
        record: &EventRecord,
        name: Option<HostName>,
        is_selected: bool,
    ) -> Earlier {
        if !self.dedup.may_know() {
            return Earlier::default();
        }
        let Some(event_key) = Self::event_key(record, name) else { return Earlier::default() };
        self.dedup.settle(KeyedEvents { events: &self.entries, host_keys: &self.host_keys });
        let earlier = self
            .dedup
            .find(event_key, self.keyed_events(), |id| self.likeness(id, batch, record, is_selected));
        if let Some(id) = earlier.same {
            self.complete(id, batch, record, is_selected);
        }
        earlier
    }

    /// Counts an event that is not collected, and returns true where it was counted before.
    pub(in crate::store) fn is_counted_before(
        &mut self,
        record: &EventRecord,
        name: Option<HostName>,
    ) -> bool {
        let event_key = Self::event_key(record, name).filter(|_| !self.keeps_duplicates);
        event_key.is_some_and(|event_key| self.dedup.count(event_key, record.head.event_code))
    }

    /// Announces the batch whose events come next.
    pub(in crate::store) fn begin_batch(&mut self, batch: &Batch) {
        self.dedup.begin(batch);
    }

    /// Ends the batch that was announced.
    pub(in crate::store) const fn end_batch(&mut self) {
        self.dedup.end();
    }

    fn likeness(&self, id: EventId, batch: &Batch, record: &EventRecord, is_selected: bool) -> Likeness {
        let Some(event) = self.event(id) else { return Likeness::Other };
        if !agree(event.time, record.head.time) {
            return Likeness::Other;
        }
        if event.event_code != record.head.event_code {
            return Likeness::Contradiction;
        }
        let mut likeness =
            match (self.guid_of(id, event), record.head.process_guid.filter(|it| !it.is_zero())) {
                (one, other) if one == other => Likeness::Same,
                (Some(_), Some(_)) => return Likeness::Contradiction,
                _ => Likeness::Other,
            };
        for field in compared(event.event_code) {
            let (one, other) = (said(self.kept_text(event, *field)), said(batch.text(record, *field)));
            match (one, other) {
                (Some(one), Some(other)) if is_same_text(*field, one, other) => {}
                (Some(_), Some(_)) => return Likeness::Contradiction,
                (None, None) => {}
                (None, Some(_)) if !self.keeps(*field, event.event_code, is_selected) => {}
                _ if *field == Field::ParentCommandLine => {}
                _ => likeness = Likeness::Other,
            }
        }
        match (self.field(event, Field::User), batch.text(record, Field::User)) {
            (Some(one), Some(other)) if !is_same_account(one, other) => Likeness::Contradiction,
            _ => likeness,
        }
    }

    /// Adds to an event the fields that only another copy of it has.
    fn complete(&mut self, id: EventId, batch: &Batch, record: &EventRecord, is_selected: bool) {
        let Some(event) = self.entries.get(id.0 as usize) else { return };
        let event_code = event.event_code;
        let lacks = |field: &Field| {
            event.symbol(*field).is_none()
                && !(event.packed.is_some() && is_of_starts(*field))
                && self.keeps(*field, event_code, is_selected)
        };
        let common = [Field::User, Field::Image, Field::ProcessId];
        let more: Vec<(Field, Symbol)> = common
            .iter()
            .chain(slot_fields(event_code))
            .filter(|field| lacks(field))
            .filter_map(|field| Some((*field, batch.text(record, *field)?)))
            .collect::<Vec<_>>()
            .into_iter()
            .filter_map(|(field, text)| Some((field, self.strings.intern(text)?)))
            .collect();
        let Some(event) = self.entries.get_mut(id.0 as usize) else { return };
        for (field, symbol) in more {
            event.set_symbol(field, symbol);
        }
        if (batch.source, record.head.place) < (event.source, event.place) {
            (event.source, event.place) = (batch.source, record.head.place);
        }
        if let (Some(own), Some(other)) = (event.time, record.head.time)
            && other.digits() > own.digits()
            && other.unix_seconds() == own.unix_seconds()
        {
            event.time = Some(other);
        }
    }

    /// Returns true where a field of an event is collected.
    const fn keeps(&self, field: Field, event_code: u16, is_selected: bool) -> bool {
        if matches!(self.collect, Collect::Everything | Collect::Leads) {
            return true;
        }
        is_for_rows(field) && (is_selected || event_code != code::PROCESS_CREATE || is_of_starts(field))
    }

    fn kept_text(&self, event: &StoredEvent, field: Field) -> Option<&str> {
        let packed = || self.deferred.packed_text(event.packed?, field);
        self.field(event, field).or_else(packed)
    }

    fn guid_of(&self, id: EventId, event: &StoredEvent) -> Option<Guid> {
        match event.process {
            Some(process) => self.process(process).map(|process| process.guid),
            None => self.deferred.guid_of(id),
        }
    }
}

impl Contradictions {
    /// Reports that an event and an earlier one of other contents have one number: both are kept, and one of the two is
    /// not what the host wrote.
    pub(in crate::store) fn report(
        &mut self,
        (batch, record): (&Batch, &EventRecord),
        host: &str,
        other: Option<SourceId>,
        sources: &[SourceInfo],
        faults: &mut Vec<Fault>,
    ) {
        let Some(record_id) = record.head.record_id else { return };
        if !self.met.insert(self.hasher.hash_one((host, record_id))) {
            return;
        }
        let source = |id| sources.iter().find(|source| source.id == id);
        let more = self.met.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            let reason = format!(
                "{more} more record numbers were given to several events of one host and one time: all of them are kept"
            );
            if let Some(fault) = self.summary.and_then(|at| faults.get_mut(at)) {
                fault.kind = FaultKind::Contradiction(reason);
            } else {
                self.summary = Some(faults.len());
                faults.push(fault("all that was read".to_owned(), None, None, reason));
            }
            return;
        }
        let path = |id| source(id).map_or_else(String::new, |source| source.path.display().to_string());
        let other = other.map_or_else(String::new, path);
        let reason = format!(
            "an event of {host} with this number and time, but other contents, is in {other}: both are kept, and one of the \
             two is not what the host wrote"
        );
        faults.push(fault(path(batch.source), Some(batch.source), Some(record_id), reason));
    }
}

fn fault(name: String, source: Option<SourceId>, record: Option<u64>, reason: String) -> Fault {
    Fault { source, record, ..Fault::new(name, FaultKind::Contradiction(reason)) }
}

/// Returns a text without blanks; `None` for `-`, which most dialects write for a missing one.
fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty() && *text != "-")
}

/// Returns true where two texts of a field are equal but for the dialects' ways to write them.
fn is_same_text(field: Field, one: &str, other: &str) -> bool {
    one == other
        || match field {
            Field::DestinationIp => match (one.parse::<IpAddr>(), other.parse::<IpAddr>()) {
                (Ok(one), Ok(other)) => one == other,
                _ => false,
            },
            _ => visible(one).eq(visible(other)),
        }
}

/// A text's letters; what can't be seen, or can't be written in some dialects, is one blank.
fn visible(text: &str) -> impl Iterator<Item = char> {
    let mut is_blank = false;
    text.chars().filter_map(move |letter| {
        let was_blank = is_blank;
        is_blank = letter.is_whitespace() || letter.is_control() || letter == char::REPLACEMENT_CHARACTER;
        match (is_blank, was_blank) {
            (true, true) => None,
            (true, false) => Some(' '),
            (false, _) => Some(letter),
        }
    })
}

/// Returns true where two names can be one account's: with its domain or without, as a name or as a number.
fn is_same_account(one: &str, other: &str) -> bool {
    let name = |text: &str| text.rsplit('\\').next().unwrap_or(text).trim().to_lowercase();
    let is_unclear = |text: &str| {
        let text = text.trim();
        text == "-" || text == "NOT_TRANSLATED" || text.starts_with("S-1-")
    };
    is_unclear(one) || is_unclear(other) || name(one) == name(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_compared_as_dialects_write_them() {
        for (field, one, other, expected) in [
            (Field::CommandLine, "git  push\r\n", "git push ", true),
            (Field::CommandLine, "git \tpush", "git push", true),
            (Field::CommandLine, "git\u{1}push", "git\u{fffd}push", true),
            (Field::CommandLine, "git push", "gitpush", false),
            (Field::CommandLine, "git push", "git Push", false),
            (Field::DestinationIp, "2606:50c0:8000::154", "2606:50c0:8000:0:0:0:0:154", true),
            (Field::DestinationIp, "140.82.113.3", "140.82.113.4", false),
        ] {
            assert_eq!(is_same_text(field, one, other), expected, "{one:?} {other:?}");
        }
        assert_eq!(
            [said(Some("-")), said(Some(" ")), said(Some(" a ")), said(None)],
            [None, None, Some("a"), None]
        );
        for (one, other, expected) in [
            (r"CORP\ann", "ann", true),
            (r"CORP\Ann", r"corp\ann", true),
            (r"CORP\ann", "S-1-5-21-1", true),
            ("NOT_TRANSLATED", r"CORP\ann", true),
            (r"CORP\ann", r"CORP\bob", false),
        ] {
            assert_eq!(is_same_account(one, other), expected, "{one} {other}");
        }
    }
}
