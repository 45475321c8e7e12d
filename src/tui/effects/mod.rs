//! The console's dealings with files.

mod config;
pub(in crate::tui) mod jobs;
pub mod report;
