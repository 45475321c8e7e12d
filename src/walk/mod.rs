//! Walking through tests: was each step seen, was the test detected, and if not, why not.
//!
//! A test is data: a TOML file ([`mod@file`]) with its steps and the telemetry that it must leave ([`definition`]). A [`Walk`]
//! looks at the events of a store once (`matching`), tells the runs of a test apart by process tree and time
//! (`runs`), and says of each run what was seen (`steps`) and what the detection made of it (`verdict`).

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
