//! Windows event logs: chunks of 64 KiB, read one at a time and each for itself.

mod binxml;
mod bytes;
mod chunk;
mod ending;
mod event_buffer;
mod fast;
mod file;
mod file_header;
mod gaps;
mod header;
mod layout;
mod raw;
mod records;
mod recovered_templates;
mod slow;
mod substitutions;
mod template;
mod template_cache;
mod utf16;
mod value;

#[cfg(test)]
mod budget_tests;
#[cfg(any(test, fuzzing))]
#[cfg_attr(test, allow(unreachable_pub, reason = "cargo-fuzz reaches it"))]
mod differential;
#[cfg(test)]
mod differential_tests;

pub(super) use chunk::{
    ChunkReader, Findings, first_number, is_chunk, is_unused, read_chunk_guarded, stated_records,
};
#[cfg(fuzzing)]
pub use differential::Agreement;
pub(super) use ending::{Ending, LogSummary, judge};
pub(super) use file::{OpenFile, Pass, WorkItem, WorkResult};
pub(super) use file_header::{FILE_HEADER_READ, FileHeader};
pub(super) use header::CHUNK_SIZE;
pub(super) use layout::{ChunkExtent, base_of, is_log_head};
pub use raw::EvtxEvents;
pub(super) use records::{TO_FIRST_RECORD, ends_with_its_size, first_record_id};
