//! An event of a scenario: a record that has no number yet.

use std::rc::Rc;

use crate::support::clock::Ticks;
use crate::support::evtx_writer::record::{Record, Shape};
use crate::support::evtx_writer::value::{Guid, Kind, Sid, Value};

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    pub shape: &'static Shape,
    pub computer: Rc<str>,
    /// System/TimeCreated.
    pub time: Ticks,
    /// The process that wrote the event.
    pub process_id: u32,
    pub thread_id: u32,
    pub user: Option<Sid>,
    pub activity: Option<Guid>,
    pub values: Vec<Value>,
}

impl Event {
    /// The event as a record with a number.
    pub fn as_record(&self, record_id: u64) -> Record<'_> {
        Record {
            shape: self.shape,
            record_id,
            time: self.time.0,
            computer: &self.computer,
            process_id: self.process_id,
            thread_id: self.thread_id,
            user: self.user.as_ref(),
            activity: self.activity.as_ref(),
            values: &self.values,
        }
    }

    /// A field's text; empty where the event has no such field or it is no text.
    pub fn text(&self, field: &str) -> &str {
        let index = self.shape.fields.iter().position(|(name, _)| *name == field);
        match index.and_then(|index| self.values.get(index)) {
            Some(Value::Text(text)) => text,
            _ => "",
        }
    }

    /// Replaces a field's value.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        let index = self.shape.fields.iter().position(|(name, _)| *name == field);
        self.values[index.expect("a field of the shape")] = value.into();
        self
    }
}

/// Values for a shape's fields, picked by name: of what is given the shape takes what it knows, and a text that is not
/// given is `absent`: `-` as Sysmon writes it today, empty as it did once.
pub fn pick(shape: &Shape, absent: &'static str, given: &[(&str, Value)]) -> Vec<Value> {
    let value_of = |name: &str, kind: Kind| {
        let found = given.iter().find(|(given, _)| *given == name);
        match found {
            Some((_, value)) => value.clone(),
            None if kind == Kind::Text => Value::from(absent),
            None => panic!("{name} of event {} is not given", shape.event_id),
        }
    };
    shape.fields.iter().map(|(name, kind)| value_of(name, *kind)).collect()
}
