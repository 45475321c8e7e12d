//! Events of any source, read again to show them raw.

use super::evtx::EvtxEvents;
use super::text;
use crate::model::batch::Place;
use crate::model::feed::{RawEvents, SourceInfo};

/// Events of files, whatever they hold: a record of a Windows event log is shown as XML, a record of a text as what it
/// is, indented.
#[derive(Clone, Copy, Debug, Default)]
pub struct Events;

impl RawEvents for Events {
    fn xml(&self, source: &SourceInfo, place: Place) -> Result<String, String> {
        match text::text_xml(source, place)? {
            Some(text) => Ok(text),
            None => EvtxEvents.xml(source, place),
        }
    }
}
