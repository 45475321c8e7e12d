//! Options of the sources: formats, fields, threads.

use crate::model::event::Wanted;

/// The format of an input, given by the user instead of detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InputFormat {
    /// Windows event logs.
    Evtx,
    /// Windows' XML of events.
    Xml,
    /// JSON, one value a line or over several lines.
    Json,
    /// A table with a line of names.
    Csv,
}

impl InputFormat {
    /// All formats, in the order in which help lists them.
    pub const ALL: [Self; 4] = [Self::Evtx, Self::Xml, Self::Json, Self::Csv];

    /// The format's name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evtx => "evtx",
            Self::Xml => "xml",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// The options of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Threads that read, 1 to 64; 0 means one for each core.
    pub threads: usize,
}

/// The inputs' format and projection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The format of all of them; `None` detects each by its content.
    pub format: Option<InputFormat>,
    /// True if the events of other channels, for a walk-through of tests, are handed on too. Otherwise they are skipped
    /// as early as possible.
    pub telemetry: bool,
    /// The projection.
    pub wanted: Wanted,
}
