//! The profile `hunt`: what the search misses. One event gives [`clue`]s; the clues of one act (a git with its helpers,
//! or one process) give a [`lead`] or none. Nothing here keeps state.

pub mod cli;
pub mod clue;
pub mod encoded;
pub mod git;
pub mod hosts;
pub mod lead;
pub mod program;
pub mod senders;
pub mod ssh;
mod steps;
pub mod target;
pub mod words;
