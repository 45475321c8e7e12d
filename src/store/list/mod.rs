//! The lists that a console shows, built in steps that can be interrupted.

pub mod builder;
#[cfg(test)]
mod builder_tests;
mod column_sort;
pub mod filter_cache;
mod groups;
pub mod listing;
