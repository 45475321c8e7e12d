//! Files of this host: which one a name stands for, what is opened for reading, and where an output may go.
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
