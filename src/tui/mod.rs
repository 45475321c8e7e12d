//! The console.
//!
//! Floors, each of which names itself and the ones before it: [`state`] holds the data and knows neither a terminal nor
//! a clock; [`update`] turns keys and messages into changes of it; [`views`] draw it; `prepare` brings it up to date for a
//! frame; [`effects`] reads and writes outside; [`run`] is the loop. A screen has the same file name on each floor. Only
//! [`terminal`] and [`input`] name crossterm.
//!
//! To add a page: a variant of [`state::Page`], its key in [`keys`], its file in [`views`], and its keys in [`update`].

pub mod effects;
pub mod format;
pub mod input;
pub mod keys;
mod prepare;
pub mod run;
pub mod safe;
mod signals;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod views;
pub mod widgets;
