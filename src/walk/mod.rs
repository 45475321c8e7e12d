//! Walking through tests: was each step seen, was the test detected, and if not, why not.
//!
//! A test is data: a TOML file ([`mod@file`]) with its steps and the telemetry that it must leave ([`definition`]). A
//! [`Walk`] processes the events of a store once (`matching`) and separates the runs of a test by process tree and time
//! (`runs`). For each run it reports the telemetry that was seen (`steps`) and the verdict of the detection
//! (`verdict`).

mod around;
pub mod definition;
pub mod file;
mod matching;
mod report;
mod runs;
mod steps;
mod verdict;

pub use matching::Walk;
pub use report::{Scope, View};
