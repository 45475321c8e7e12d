//! The binary XML of a record: an outer template with Event and System, whose last values hold an inner fragment with
//! a template of its own for EventData. Both are laid out, and their values numbered, as Windows does it.

use super::binxml::Content::{OptionalValue, Text, Value as Required};
use super::chunk::{Chunk, TemplateKey, offset_u32};
use super::record::{ComputerName, Record, Shape};
use super::value::{Guid, Kind, Value, put_utf16};

const NAMESPACE: &str = "http://schemas.microsoft.com/win/2004/08/events/event";
const EVENT_DATA: u16 = 17;
const COMPUTER: u16 = 18;

/// Appends a record's binary XML.
pub fn put_record(chunk: &mut Chunk, record: &Record<'_>) {
    assert_eq!(record.values.len(), record.shape.fields.len(), "one value for each field");
    let in_record = chunk.computer_name == ComputerName::InRecord;
    let computer = if in_record { "" } else { record.computer };
    chunk.put_fragment_header();
    put_instance(chunk, TemplateKey::System(computer.to_owned()), system_guid(computer), |chunk| {
        put_system_template(chunk, computer);
    });
    let shape = record.shape;
    let provider = shape.provider;
    let values = [
        Value::UInt8(shape.level),
        Value::UInt8(shape.opcode),
        Value::UInt16(shape.task),
        Value::UInt16(shape.event_id),
        Value::Null, // Qualifiers
        Value::HexInt64(shape.keywords),
        Value::FileTime(record.time),
        record.activity.map_or(Value::Null, |guid| Value::Guid(*guid)),
        Value::UInt32(record.process_id),
        Value::UInt32(record.thread_id),
        Value::UInt64(record.record_id),
        Value::UInt8(shape.version),
        record.user.map_or(Value::Null, |sid| Value::Sid(sid.clone())),
        Value::Null, // RelatedActivityID
        Value::from(provider.name),
        Value::Guid(provider.guid),
        Value::from(provider.channel),
    ];
    let count = values.len() + 1 + usize::from(in_record);
    let mut sizes = put_value_table(chunk, count);
    for value in &values {
        put_value(chunk, &mut sizes, value.type_byte(), |out| value.put(out));
    }
    let data_start = chunk.bytes.len();
    put_event_data(chunk, record);
    sizes.note(chunk, Kind::BinXml as u8, data_start);
    if in_record {
        put_value(chunk, &mut sizes, Kind::Text as u8, |out| put_utf16(record.computer, out));
    }
    chunk.put_end_of_stream();
}

fn put_event_data(chunk: &mut Chunk, record: &Record<'_>) {
    let shape = record.shape;
    chunk.put_fragment_header();
    let key = TemplateKey::Data(std::ptr::from_ref(shape).addr());
    put_instance(chunk, key, data_guid(shape), |chunk| put_data_template(chunk, shape));
    let mut sizes = put_value_table(chunk, record.values.len());
    for value in record.values {
        put_value(chunk, &mut sizes, value.type_byte(), |out| value.put(out));
    }
    chunk.put_end_of_stream();
}

/// A template's use, with its definition where it is the chunk's first.
fn put_instance(chunk: &mut Chunk, key: TemplateKey, guid: Guid, put_body: impl FnOnce(&mut Chunk)) {
    let [a, b, c, d, ..] = guid.windows_bytes();
    if let Some(offset) = chunk.template(&key) {
        chunk.put_template_instance([a, b, c, d], offset);
        return;
    }
    let instance_size = 10;
    let offset = offset_u32(chunk.bytes.len() + instance_size);
    chunk.put_template_instance([a, b, c, d], offset);
    chunk.begin_template(key, guid);
    let size_at = chunk.bytes.len();
    chunk.put_u32(0);
    put_body(chunk);
    let size = chunk.bytes.len() - size_at - 4;
    chunk.patch_u32(size_at, offset_u32(size));
}

fn put_system_template(chunk: &mut Chunk, computer: &str) {
    chunk.put_fragment_header();
    let event = chunk.open("Event", &[("xmlns", Text(NAMESPACE))]);
    let system = chunk.open("System", &[]);
    chunk.put_empty(
        "Provider",
        &[("Name", OptionalValue(14, Kind::Text)), ("Guid", OptionalValue(15, Kind::Guid))],
    );
    let qualifiers = [("Qualifiers", OptionalValue(4, Kind::UInt16))];
    chunk.put_leaf("EventID", &qualifiers, OptionalValue(3, Kind::UInt16));
    chunk.put_leaf("Version", &[], OptionalValue(11, Kind::UInt8));
    chunk.put_leaf("Level", &[], OptionalValue(0, Kind::UInt8));
    chunk.put_leaf("Task", &[], OptionalValue(2, Kind::UInt16));
    chunk.put_leaf("Opcode", &[], OptionalValue(1, Kind::UInt8));
    chunk.put_leaf("Keywords", &[], OptionalValue(5, Kind::HexInt64));
    chunk.put_empty("TimeCreated", &[("SystemTime", OptionalValue(6, Kind::FileTime))]);
    chunk.put_leaf("EventRecordID", &[], OptionalValue(10, Kind::UInt64));
    chunk.put_empty(
        "Correlation",
        &[("ActivityID", OptionalValue(7, Kind::Guid)), ("RelatedActivityID", OptionalValue(13, Kind::Guid))],
    );
    chunk.put_empty(
        "Execution",
        &[("ProcessID", OptionalValue(8, Kind::UInt32)), ("ThreadID", OptionalValue(9, Kind::UInt32))],
    );
    chunk.put_leaf("Channel", &[], OptionalValue(16, Kind::Text));
    if computer.is_empty() {
        chunk.put_leaf("Computer", &[], OptionalValue(COMPUTER, Kind::Text));
    } else {
        chunk.put_leaf("Computer", &[], Text(computer));
    }
    chunk.put_empty("Security", &[("UserID", OptionalValue(12, Kind::Sid))]);
    chunk.close(&system);
    chunk.put_content(OptionalValue(EVENT_DATA, Kind::BinXml));
    chunk.close(&event);
    chunk.put_end_of_stream();
}

fn put_data_template(chunk: &mut Chunk, shape: &Shape) {
    chunk.put_fragment_header();
    let event_data = chunk.open("EventData", &[]);
    for (number, (name, kind)) in (0_u16..).zip(shape.fields) {
        chunk.put_leaf("Data", &[("Name", Text(name))], Required(number, *kind));
    }
    chunk.close(&event_data);
    chunk.put_end_of_stream();
}

/// The table of a template's values: a size and a type for each, before the values themselves.
struct ValueTable {
    next_at: usize,
}

impl ValueTable {
    /// Notes a value whose bytes reach from `start` to the end.
    fn note(&mut self, chunk: &mut Chunk, type_byte: u8, start: usize) {
        let size = u16::try_from(chunk.bytes.len() - start).unwrap_or(u16::MAX);
        let [low, high] = size.to_le_bytes();
        chunk.bytes[self.next_at..self.next_at + 4].copy_from_slice(&[low, high, type_byte, 0]);
        self.next_at += 4;
    }
}

fn put_value_table(chunk: &mut Chunk, count: usize) -> ValueTable {
    chunk.put_u32(offset_u32(count));
    let table = ValueTable { next_at: chunk.bytes.len() };
    chunk.bytes.resize(table.next_at + 4 * count, 0);
    table
}

fn put_value(chunk: &mut Chunk, table: &mut ValueTable, type_byte: u8, put: impl FnOnce(&mut Vec<u8>)) {
    let start = chunk.bytes.len();
    put(&mut chunk.bytes);
    table.note(chunk, type_byte, start);
}

/// A template's GUID, which Windows derives from its content; so does this, by a hash of its own.
fn system_guid(computer: &str) -> Guid {
    fingerprint([NAMESPACE, computer])
}

fn data_guid(shape: &Shape) -> Guid {
    let head = [shape.provider.name].into_iter();
    let mut guid = fingerprint(head.chain(shape.fields.iter().map(|(name, _)| *name)));
    // Two events of a provider may have the same fields.
    let [high, low] = shape.event_id.to_be_bytes();
    guid.0[0] ^= high;
    guid.0[1] ^= low;
    guid.0[2] ^= shape.version;
    guid
}

/// FNV-1a of 128 bits.
fn fingerprint<'a>(texts: impl IntoIterator<Item = &'a str>) -> Guid {
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in texts.into_iter().flat_map(|text| text.bytes().chain([0])) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    Guid::from_number(hash)
}
