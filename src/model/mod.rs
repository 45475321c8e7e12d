//! The vocabulary of every other module. This module names none of them.

pub mod alarm;
pub mod batch;
pub mod claim;
pub mod event;
pub mod fault;
pub mod fault_kind;
pub mod feed;
pub mod guard;
pub mod guid;
pub mod host;
pub mod repository;
pub mod row;
pub mod secrets;
pub mod telemetry;
pub mod text;
pub mod time;
pub mod understood;
pub mod utf16;
pub mod verdict;
pub mod walkthrough;
