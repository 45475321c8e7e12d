//! The tests of the library and of the program's output. Tests that need a terminal are in `tests/terminal`.
//!
//! One crate, so that the library is linked once. A new file is a module here; inputs and helpers that several files use
//! are in `tests/support`.
//!
//! `INSTA_UPDATE=always cargo test --test it` takes new pictures of the screens: look at them before they are committed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test says what fails by failing"
)]

#[path = "../support/secret_forms.rs"]
mod secret_forms;
#[path = "../support/settings.rs"]
mod settings;
#[path = "../support/mod.rs"]
mod support;

mod accidents;
mod advice;
mod border;
mod case_file;
mod evidence;
mod exceptions;
mod export_atomic;
mod export_formats;
mod fixtures;
mod fixtures_alerts;
mod follow;
mod fuzz_corpus;
mod hostile;
mod hostile_files;
mod hunt;
mod layers;
mod live;
mod long_list;
mod many;
mod merge;
mod pushes;
mod reading;
mod same_events;
mod saving;
mod screens;
mod secret_borders;
mod source_damage;
mod source_dialects;
mod source_evtx;
mod source_folders;
mod source_log;
mod source_random;
mod source_twins;
mod source_understood;
mod stale_ids;
mod store;
mod store_keep;
mod telemetry;
mod vectors;
mod walk;
mod walk_screen;
