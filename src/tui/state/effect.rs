//! Effects of keys outside the console's state. One place applies them: [`crate::tui::run`].

use std::path::PathBuf;

use crate::case::Decision;
use crate::config::Plan;
use crate::detect::pattern::Patterns;
use crate::export::Format;
use crate::files::policy::Existing;
use crate::store::ids::EventId;
use crate::tui::state::pin::Pin;
use crate::tune::Tuned;

/// Something to be done outside the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leave the console.
    Quit,
    /// Stop the process until the shell continues it.
    Suspend,
    /// Redraw everything.
    Redraw,
    /// Put a text, safe for a terminal, into the clipboard.
    Copy {
        /// The text.
        text: String,
        /// Its name, for the message.
        what: &'static str,
    },
    /// Read an event again from its source.
    ReadRaw {
        /// The event.
        event: EventId,
        /// The number of the page's request.
        request: u64,
    },
    /// Show what would be written into the configuration.
    PlanSave(Tuned),
    /// Write it.
    Save(Box<Plan>),
    /// Keep the patterns under a name.
    TakeSnapshot(String, Patterns),
    /// Show all snapshots.
    ListSnapshots,
    /// Put the patterns of a name in force.
    RestoreSnapshot(String),
    /// Write a report: to a file, or to a new one where none is named.
    Report {
        /// Of what.
        scope: Scope,
        /// The file.
        path: Option<PathBuf>,
        /// Whether another file may go for it.
        existing: Existing,
    },
    /// Keep decisions in the case file.
    Decide(Vec<Decision>),
    /// Write the screen to a file: SVG where its name ends so, text otherwise.
    Screenshot {
        /// The file.
        path: PathBuf,
        /// Whether another file may go for it.
        existing: Existing,
    },
    /// Write rows to a file.
    Export {
        /// The format.
        format: Format,
        /// The file.
        path: PathBuf,
        /// Whether another file may go for it.
        existing: Existing,
        /// Which rows.
        scope: Scope,
    },
    /// Give up the exports and reports that are being gathered.
    StopWriting,
    /// Take the mouse, or leave it to the terminal.
    Mouse(bool),
    /// Load a theme by name.
    Theme(String),
}

/// Which alerts a report is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The selected alert, or all of the selected group, as they were when the command was begun.
    Selected(Pin),
    /// The list: filtered, grouped.
    List,
}
