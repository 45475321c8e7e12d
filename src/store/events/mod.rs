//! The events and all that is told by an event alone: texts, hosts, parents, processes, and duplicates.

pub mod collect;
mod counted;
pub(in crate::store) mod dedup;
pub(in crate::store) mod deferred;
pub(in crate::store) mod dense_map;
pub mod distinct;
pub mod event;
pub(in crate::store) mod hash_index;
pub(in crate::store) mod host_names;
pub mod interner;
pub mod process;
pub(in crate::store) mod same_event;
mod tree;
