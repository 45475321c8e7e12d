//! The console.
//!
//! [`run`] waits for keys, events and signals, and is the only place that applies [`effect`]s; [`app`] holds the
//! state and knows neither a terminal nor a clock; [`update`] turns keys into changes of it; [`views`] draw it. Only
//! [`terminal`] and [`input`] name crossterm.

pub mod effects;
pub mod input;
pub mod keys;
pub mod run;
pub mod safe;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod views;
pub mod widgets;
