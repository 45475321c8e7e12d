//! The tests that run the program in a pseudo-terminal, with keys and a screen. They depend on timing more than those of
//! `tests/it`, and are a crate of their own so that the two can be run apart.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what fails by failing"
)]

#[path = "../support/pty.rs"]
mod pty;
#[path = "../support/mod.rs"]
mod support;

mod accidents_pty;
mod console;
mod console_keys;
mod export_pty;
mod hostile_console;
mod outputs;
mod stalled_terminal;
mod triage_console;
