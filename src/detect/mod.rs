//! The detection: a Splunk search for MITRE ATT&CK T1567.001, to the letter (`spl`), as it was meant (`correlated`), and
//! with what it misses (`hunt`).
//!
//! An event passes [`selection`] (one of three clauses), gets a [`signal`] and a [`score`](signal::score) from the two
//! [`pattern`]s, may be taken out by an [`exception`], and can explain itself ([`explain`]). Nothing here keeps state.

pub mod exception;
pub mod explain;
pub mod hunt;
pub mod pattern;
mod pcre;
pub mod profile;
pub mod selection;
pub mod signal;
pub mod unmet;

/// The MITRE ATT&CK technique that the detection is for.
pub const TECHNIQUE_ID: &str = "T1567.001";
/// Its name.
pub const TECHNIQUE_NAME: &str = "Exfiltration Over Web Service: Exfiltration to Code Repository";
/// The lowest score that is an alert.
pub const ALERT_SCORE: u8 = 2;

/// The texts of an event that the detection looks at. A missing field is `None`, and so is an empty one.
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
