//! exfilscope: detection of data carried out through a code repository. (MITRE ATT&CK T1567.001)
//!
//! The way of an event through the modules, each of which may name only those above it here:
//!
//! | module | content |
//! |---|---|
//! | [`model`] | the shared vocabulary: events, times, GUIDs, batches, rows, faults, safe text |
//! | [`files`] | the identity of a file, opening for reading, and the permitted outputs |
//! | [`detect`] | the detection: selection, signal, score, patterns, and why |
//! | [`rule`] | the tuned detection for other engines, and patterns out of a Splunk search |
//! | [`source`] | files in, [`model::batch::Batch`]es out; knows nothing of the detection |
//! | [`store`] | the events that were read: processes, joins, findings, their ranking |
//! | [`filter`] | the language of the `/` line |
//! | [`case`](mod@case) | the analyst's decisions, and the file that keeps them |
//! | [`tune`] | the effect of a changed pattern, before it is kept |
//! | [`config`] | the configuration file and the themes' files |
//! | [`walk`] | the tests of the detection, step by step: seen, detected, or why not |
//! | [`export`] | rows to standard output and to files |
//! | [`tui`] | the console: everything but the sources |
//! | [`cli`] | the command line, and the wiring of all of the above |

pub mod case;
pub mod cli;
pub mod config;
pub mod detect;
pub mod export;
pub mod files;
pub mod filter;
pub mod model;
pub mod rule;
pub mod source;
pub mod store;
pub mod tui;
pub mod tune;
pub mod walk;
