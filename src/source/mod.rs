//! Files in, [`Batch`](crate::model::batch::Batch)es out. Knows nothing of the detection.

mod discover;
mod evtx;
mod file;
mod ledger;
mod load;
mod open;

pub use evtx::EvtxEvents;
pub use load::{LoadOptions, load};
