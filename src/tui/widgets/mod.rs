//! Pieces that several views draw with.

pub mod line;
pub mod wrap;
