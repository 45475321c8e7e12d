//! Files of this host: their identity, opening for reading, and the permitted outputs.
//!
//! Everything that reads a file which a person or a configuration names, and everything that writes one, comes through
//! here, so that the rules are written once.

pub mod atomic;
pub mod identity;
pub mod open;
pub mod part;
pub mod patience;
mod place;
pub mod policy;
