//! Files in, [`Batch`](crate::model::batch::Batch)es out. Knows nothing of the detection.

mod discover;
mod evtx;
mod file;
mod gaps;
mod ledger;
pub mod live;
mod load;
mod open;

pub use evtx::EvtxEvents;
pub use load::{LoadOptions, load};
