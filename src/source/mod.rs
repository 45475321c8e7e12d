//! Files in, [`Batch`](crate::model::batch::Batch)es out. Knows nothing of the detection.

mod discover;
mod ending;
mod events;
mod evtx;
mod file;
mod follow;
mod gaps;
mod ledger;
pub mod live;
mod load;
mod open;
mod outlet;
mod text;
mod understood;

pub use discover::is_read_in_folder;
pub use events::Events;
#[cfg(fuzzing)]
pub use evtx::Agreement;
pub use evtx::EvtxEvents;
pub use follow::{FollowStatus, follow};
pub use load::{Inputs, LoadOptions, load, load_inputs};
pub use text::{InputFormat, is_row_file, load_rows};
