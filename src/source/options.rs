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

/// How a load is done.
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
    /// Whether the events of other channels that a walk-through of tests looks at are handed on too. Without it they are
    /// passed over as early as can be.
    pub telemetry: bool,
    /// The projection.
    pub wanted: Wanted,
}
