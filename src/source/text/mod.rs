//! Sysmon events as text, in all the dialects in which exports, shippers and converters write them.
//!
//! A stream is cut into records ([`framing`]), and each record is read for itself ([`dialects`], [`xml`]): what is wrong
//! with one costs no other.

mod block;
mod dialects;
mod event_builder;
mod framing;
mod json;
mod message;
mod places;
mod raw;
mod reader;
mod rendered;
mod schema;
mod workers;
mod xml;

#[cfg(test)]
mod tests;

pub(super) use raw::text_xml;
pub(super) use reader::{Done, read, read_growing};
pub(super) use rendered::RenderedSystem;
pub use rendered::parse_rendered;
