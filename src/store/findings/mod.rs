//! The findings of the detection, their order, and a log of their changes.

pub mod change_log;
pub mod finding;
pub(in crate::store) mod refresh;
pub mod time_order;
