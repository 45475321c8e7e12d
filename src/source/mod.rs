//! Files in, [`Batch`](crate::model::batch::Batch)es out. Knows nothing of the detection.

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
