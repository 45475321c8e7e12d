//! Shared code of the tests and the benches: a writer of real EVTX files, and the scenarios whose logs it writes.
//!
//! | module | content |
//! |---|---|
//! | [`evtx_writer`] | events in, the bytes of an EVTX file out |
//! | [`schemas`] | the fields of Sysmon's, PowerShell's and Security's events, version by version |
//! | [`dialects`] | the same events as XML, JSON and CSV of all kinds |
//! | [`growing_log`] | a log that is written while it is read |
//! | [`clock`], [`random`] | times and chance that are the same at every run |
//! | [`big_log`] | a log of any size, for measurements |
//! | `settings` | how a console begins; a test that opens one includes the file alone |
//! | [`scenarios`] | hosts, their processes and what they do: the logs under `fixtures/` |
//!
//! Nothing here reads a clock or an environment: the same call writes the same bytes on every system.

#![allow(dead_code, unreachable_pub, reason = "each test crate and bench uses its own part of this")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a scenario that can't be written is a failed test"
)]
#![allow(
    clippy::must_use_candidate,
    clippy::missing_panics_doc,
    clippy::struct_field_names,
    reason = "helpers of tests; fields are called what Windows calls them"
)]

pub mod big_log;
pub mod clock;
pub mod dialects;
pub mod event_log;
pub mod evtx_writer;
pub mod growing_log;
pub mod random;
pub mod scenarios;
pub mod schemas;
