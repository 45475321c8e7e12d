//! The `hunt` profile: leads, which the search misses.
//!
//! One event gives [`indicator`]s. The indicators of one activity (a git with its helpers, or one process) give at most
//! one [`lead`]. Nothing here keeps state.

pub mod command_line;
pub mod encoded;
pub mod gh;
pub mod git;
pub mod hosts;
pub mod indicator;
pub mod lead;
pub mod other_tools;
pub mod program;
pub mod sends;
pub mod ssh;
mod steps;
pub mod target;
pub mod unlisted;
pub mod upload_tools;
