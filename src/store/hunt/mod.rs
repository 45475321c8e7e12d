//! The leads of `hunt`: activities, their indicators, and the leads that these add up to.

pub(in crate::store) mod activity;
mod leads;
