//! The detection: a Splunk search for MITRE ATT&CK T1567.001, to the letter (`spl`), as it was meant (`correlated`), and
//! with the leads that it misses (`hunt`).
//!
//! [`technique`] is the table that holds the search. An event passes one of its [`clauses`], gets a [`signal`] and a score
//! from the two [`pattern`]s, may be suppressed by an [`exception`], and can explain itself ([`explain`]). Nothing here
//! keeps state.

pub mod clauses;
pub mod evidence;
pub mod exception;
pub mod explain;
pub mod hunt;
pub mod pattern;
mod pcre;
pub mod profile;
pub mod signal;
pub mod technique;

pub use technique::{ALERT_SCORE, TECHNIQUE};

use crate::model::event::Field;

/// The texts of an event that the detection reads. A missing field is `None`, and so is an empty one.
#[derive(Clone, Copy, Debug, Default)]
pub struct DetectionInput<'a> {
    /// Sysmon's Event ID.
    pub event_code: u16,
    /// `System/Computer`, or its first label.
    pub host: Option<&'a str>,
    /// The process's executable.
    pub image: Option<&'a str>,
    /// Its command line.
    pub command_line: Option<&'a str>,
    /// The parent's executable.
    pub parent_image: Option<&'a str>,
    /// The other side's name.
    pub destination_hostname: Option<&'a str>,
}

impl<'a> DetectionInput<'a> {
    /// The text of a field; `None` for fields that the detection does not read.
    #[must_use]
    pub const fn text(&self, field: Field) -> Option<&'a str> {
        match field {
            Field::Image => self.image,
            Field::CommandLine => self.command_line,
            Field::ParentImage => self.parent_image,
            Field::DestinationHostname => self.destination_hostname,
            Field::Computer => self.host,
            _ => None,
        }
    }
}
