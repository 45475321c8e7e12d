//! Events of any source, read again to show them raw.

use super::evtx::EvtxEvents;
use super::text;
use crate::model::batch::Place;
use crate::model::feed::{RawEvents, SourceInfo};
use crate::model::guard::{IS_A_BUG, guarded};

/// Events of files, whatever they hold: a record of a Windows event log is shown as XML, a record of a text as what it
/// is, indented.
#[derive(Clone, Copy, Debug, Default)]
pub struct Events;

impl RawEvents for Events {
    fn xml(&self, source: &SourceInfo, place: Place) -> Result<String, String> {
        let read = || match text::text_xml(source, place)? {
            Some(text) => Ok(text),
            None => EvtxEvents.xml(source, place),
        };
        guarded(read).unwrap_or_else(|| {
            Err(format!("{}: the reader failed on this record, {IS_A_BUG}", source.path.display()))
        })
    }
}
