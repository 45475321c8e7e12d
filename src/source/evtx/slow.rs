//! Reads a record through the evtx crate: whatever the fast reader does not know exactly, and its measure in the tests.
//!
//! The crate keeps its typed tree to itself; its JSON loses nothing of what is wanted here, while its XML would turn
//! control characters into underscores.

use std::sync::Arc;

use evtx::{EvtxChunkData, EvtxRecord, ParserSettings};
use serde_json::Value;

use super::bytes::put;
use super::event_buffer::{EventBuffer, RecordKind};
use super::header::{CHUNK_MAGIC, CHUNK_SIZE, HEADER_SIZE};
use super::records::{RECORD_MAGIC, Record};
use crate::model::event::is_sysmon;
use crate::model::event::{Field, code};
use crate::model::telemetry::Channel;
use crate::model::time::Timestamp;

/// The last FILETIME that the crate accepts as a record's own; the event's time is in its content.
const HARMLESS_FILETIME: u64 = 0x01d0_0000_0000_0000;

/// Bytes that the records of one chunk may make the crate build and write, beyond which the others are lost. It bounds
/// a record by itself alone, at 16 MiB and 262,144 nodes, and a chunk has room for two thousand records of one
/// definition. The records of no real chunk are known to need more than 7 MiB, were all of them read through the crate.
pub(super) const MAX_WORK: usize = 32 << 20;
/// The cost of a record that fails when it is written; the crate does not report how much was written by then.
const FAILED_WORK: usize = MAX_WORK / 8;
/// Bytes of a record as JSON. Those of a real chunk's records are together fewer than 300 KiB.
const MAX_JSON: usize = 1 << 20;

/// Reads single records of any chunk.
pub(super) struct SlowReader {
    settings: Arc<ParserSettings>,
    buffer: Vec<u8>,
    /// The cost of this chunk's records.
    work: usize,
}

impl Default for SlowReader {
    fn default() -> Self {
        Self {
            settings: Arc::new(ParserSettings::new().num_threads(1).indent(false)),
            buffer: Vec::with_capacity(CHUNK_SIZE),
            work: 0,
        }
    }
}

impl SlowReader {
    /// For text to be read by people: indented.
    pub(super) fn indented() -> Self {
        Self { settings: Arc::new(ParserSettings::new().num_threads(1).indent(true)), ..Self::default() }
    }

    /// The records that follow are another chunk's.
    pub(super) const fn begin_chunk(&mut self) {
        self.work = 0;
    }

    /// The cost of this chunk's records, in bytes that were built and written.
    pub(super) const fn work(&self) -> usize {
        self.work
    }

    /// Reads a record; a kept one's fields are in `event` afterwards.
    ///
    /// # Errors
    /// The fault of the record, as a clause.
    pub(super) fn read(
        &mut self,
        chunk: &[u8],
        record: &Record,
        with_telemetry: bool,
        event: &mut EventBuffer,
    ) -> Result<RecordKind, String> {
        event.clear();
        let json = self.with_record(chunk, record, |record| {
            record.into_json_bytes().map(|record| record.data).map_err(|error| describe(&error))
        })?;
        self.work = self.work.saturating_add(json.len());
        if json.len() > MAX_JSON {
            return Err(format!("it becomes {} bytes of text, more than any event of Windows", json.len()));
        }
        let value: Value = serde_json::from_slice(&json)
            .map_err(|error| format!("its content can't be decoded: {error}"))?;
        take(&value, with_telemetry, event)
    }

    /// A record as XML.
    ///
    /// # Errors
    /// The fault of the record, as a clause.
    pub(super) fn xml(&mut self, chunk: &[u8], record: &Record) -> Result<String, String> {
        self.with_record(chunk, record, |record| {
            record.into_xml().map(|record| record.data).map_err(|error| describe(&error))
        })
    }

    /// Has the crate read one record, in a copy of the chunk in which it is the only one.
    fn with_record<T>(
        &mut self,
        chunk: &[u8],
        record: &Record,
        read: impl FnOnce(EvtxRecord<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut data = std::mem::take(&mut self.buffer);
        isolate(chunk, record, &mut data);
        let mut chunk = EvtxChunkData::new(data, false).map_err(|error| describe(&error))?;
        let mut work = 0;
        let mut parsed = chunk.parse(Arc::clone(&self.settings)).map_err(|error| describe(&error))?;
        let result = (|| {
            let mut reason = None;
            // The first step fails, on purpose, where the record is not the chunk's first.
            for step in parsed.iter().take(3) {
                match step {
                    Ok(found) if found.binxml_offset == record.content_start() as u64 => {
                        let result = read(found);
                        work += if result.is_err() { FAILED_WORK } else { 0 };
                        return result;
                    }
                    Ok(_) => {}
                    Err(error) => reason = Some(describe(&error)),
                }
            }
            Err(reason.unwrap_or_else(|| "its content can't be decoded".to_owned()))
        })();
        self.work = self.work.saturating_add(work).saturating_add(parsed.arena.allocated_bytes());
        drop(parsed);
        self.buffer = chunk.data;
        result
    }
}

/// A copy of the chunk in which nothing but this record can be read, and its header is as it should be.
fn isolate(chunk: &[u8], record: &Record, data: &mut Vec<u8>) {
    data.clear();
    data.extend_from_slice(chunk.get(..CHUNK_SIZE).unwrap_or(chunk));
    data.resize(CHUNK_SIZE, 0);
    let end = record.content_end + 4;
    if end > CHUNK_SIZE {
        data.resize(end, 0);
    }
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    put(data, 0, CHUNK_MAGIC);
    for at in [8, 16, 24, 32] {
        put(data, at, &record.id.to_le_bytes());
    }
    put(data, 40, &128_u32.to_le_bytes());
    put(data, 44, &number(record.start));
    put(data, 48, &number(end));
    // Without the tables of names and templates the crate follows each reference by itself.
    put(data, 128, &[0; HEADER_SIZE - 128]);
    if record.start != HEADER_SIZE {
        put(data, HEADER_SIZE, &[0; 4]);
    }
    let size = number(end - record.start);
    put(data, record.start, RECORD_MAGIC);
    put(data, record.start + 4, &size);
    put(data, record.start + 8, &record.id.to_le_bytes());
    put(data, record.start + 16, &HARMLESS_FILETIME.to_le_bytes());
    put(data, record.content_end, &size);
}

/// An error of the crate as a clause: its innermost cause, which is the informative one.
fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("its content can't be decoded: {}", cause.to_string().trim_end_matches('.'))
}

fn take(value: &Value, with_telemetry: bool, event: &mut EventBuffer) -> Result<RecordKind, String> {
    let root = value.get("Event").unwrap_or(&Value::Null);
    let system = root.get("System").unwrap_or(&Value::Null);
    // If names are overwritten, the crate goes on with the bytes that are there.
    if system.get("Provider").is_none() {
        return Err("its provider can't be told: the names in its template are overwritten".to_owned());
    }
    let attribute = |element: &str, name: &str| {
        system.get(element).and_then(|element| element.get("#attributes")).and_then(|all| all.get(name))
    };
    let provider = attribute("Provider", "Name").and_then(Value::as_str).unwrap_or_default();
    let channel = Channel::of_provider(|name| with_telemetry && name.eq_ignore_ascii_case(provider));
    if channel.is_none() && !is_sysmon(provider) {
        return Ok(RecordKind::OtherProvider);
    }
    let code = text_of(system.get("EventID"))
        .and_then(|text| text.trim().parse::<u16>().ok())
        .ok_or_else(|| "it has no Event ID".to_owned())?;
    match channel {
        None if !code::is_kept(code) => return Ok(RecordKind::CountedOnly(code)),
        Some(channel) if code != channel.event_code() => return Ok(RecordKind::OtherChannel(channel)),
        _ => {}
    }
    event.code = code;
    event.time = attribute("TimeCreated", "SystemTime").and_then(Value::as_str).and_then(Timestamp::parse);
    event.record_id = text_of(system.get("EventRecordID")).and_then(|text| text.trim().parse().ok());
    let mut add = |field: Field, value: Option<&Value>| {
        let text = text_of(value).filter(|text| !text.is_empty());
        if let Some(text) = text.as_ref().filter(|_| field.is_carried()) {
            event.add(field, |out| out.extend_from_slice(text.as_bytes()));
        }
        text.is_some()
    };
    add(Field::Computer, system.get("Computer"));
    let data = root.get("EventData").unwrap_or(&Value::Null);
    let fields = Field::ALL.iter().filter(|field| **field != Field::Computer);
    // Each event of Sysmon has some field that is known.
    if fields.filter(|field| add(**field, data.get(field.name()))).count() == 0 {
        return Err("its fields can't be told: the names in its template are overwritten".to_owned());
    }
    Ok(channel.map_or(RecordKind::Event, RecordKind::OtherChannelEvent))
}

/// The text of an element, typed or not; elements with attributes have it one level deeper.
fn text_of(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Object(object) => text_of(object.get("#text")),
        Value::Array(items) => {
            Some(items.iter().filter_map(|item| text_of(Some(item))).collect::<Vec<_>>().join(","))
        }
        Value::Null => None,
    }
}
