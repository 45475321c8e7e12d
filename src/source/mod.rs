//! Files and the live channel in, [`Batch`](crate::model::batch::Batch)es out. Knows nothing of the detection.
//!
//! The way of an event out of a file:
//!
//! 1. `discover` turns paths into candidates; `format` names a file by its first bytes, never by its name.
//! 2. `load` shares the candidates among worker threads. A log is read chunk by chunk, by all of them; a text is read by
//!    one, which cuts it into blocks, and parsed by the idle others.
//! 3. `input` opens a stream: unpacked within a ratio (`stream`, `zip`), decoded to UTF-8 (`encoding`).
//! 4. `evtx` reads the records of a chunk through its templates; `text` frames a stream into records and reads each in
//!    its dialect. Neither knows the other.
//! 5. `sink` hands batches to the consumer, keeps the progress, and catches a reader that panics. `fault_log` bounds
//!    the faults of a file, `understood` reports a source whose events lack the fields that Sysmon always writes.
//!
//! `follow` and `live` drive the same readers over files that grow and over this host's channel. `raw` reads an event
//! again from its place. `scan_rows` reads the rows that scans of other hosts wrote. The files form floors, each of
//! which names only lower ones; a test holds that.
//!
//! | word | meaning |
//! |---|---|
//! | source | one file, member of an archive, pipe or channel; has a number and its own account of records |
//! | chunk | 64 KiB of an event log, read independently of all others |
//! | template, substitution | the shared part of a record's BinXML, and the values that a record puts into it |
//! | block, frame | a run of whole records of a text, and one step of the framer that cuts them out |
//! | dialect | a shape in which an exporter or shipper writes an event |
//! | projection, prefilter | the fields that the consumer asks for, and the events that it needs in full |

mod discover;
mod encoding;
mod evtx;
mod fault_log;
mod follow;
mod format;
mod input;
pub mod live;
mod load;
mod options;
mod raw;
mod read_at;
mod scan_rows;
mod sink;
mod stream;
mod text;
mod understood;
mod zip;

pub use discover::is_read_in_folder;
#[cfg(fuzzing)]
pub use evtx::Agreement;
pub use evtx::EvtxEvents;
pub use follow::{FollowStatus, follow};
pub use load::{load, load_inputs};
pub use options::{InputFormat, Inputs, LoadOptions};
pub use raw::Events;
pub use scan_rows::{is_row_file, load_rows};
