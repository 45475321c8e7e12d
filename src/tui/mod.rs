//! The console.
//!
//! [`run`] waits for keys, events and signals, and is the only place that applies [`effect`]s; [`app`] holds the
//! state and knows neither a terminal nor a clock; [`update`] turns keys into changes of it; [`views`] draw it. Only
//! [`terminal`] and [`input`] name crossterm.

pub mod app;
mod bounds;
pub mod detail;
pub mod effect;
pub mod input;
pub mod keys;
mod lines;
pub mod pin;
pub mod prompt;
pub mod pushes;
pub mod question;
pub mod report;
pub mod run;
pub mod safe;
pub mod terminal;
pub mod theme;
pub mod triage;
pub mod update;
pub mod views;
pub mod walk;
pub mod widgets;
pub mod workbench;
pub mod writing;
