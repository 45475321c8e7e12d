//! Parts of an event, before it is encoded.

use super::value::{Guid, Kind, Sid, Value};

/// Who writes an event, and where to.
#[derive(Debug)]
pub struct Provider {
    pub name: &'static str,
    pub guid: Guid,
    pub channel: &'static str,
}

/// One version of one event of a provider: everything about it that is the same in each of its records.
#[derive(Debug)]
pub struct Shape {
    pub provider: &'static Provider,
    pub event_id: u16,
    pub version: u8,
    pub level: u8,
    pub task: u16,
    pub opcode: u8,
    pub keywords: u64,
    /// The names of EventData, in the template's order.
    pub fields: &'static [(&'static str, Kind)],
}

/// Location of `System/Computer` in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComputerName {
    /// In the template, as a host's own log has it.
    InTemplate,
    /// As a value of the record: for logs of very many hosts, which else had a template each in every chunk.
    InRecord,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    pub shape: &'static Shape,
    pub record_id: u64,
    /// 100 ns ticks since 1601: both the record's own time and TimeCreated.
    pub time: u64,
    pub computer: &'a str,
    /// The process and the thread that wrote the event.
    pub process_id: u32,
    pub thread_id: u32,
    pub user: Option<&'a Sid>,
    pub activity: Option<&'a Guid>,
    /// The values of the shape's fields, in their order.
    pub values: &'a [Value],
}
