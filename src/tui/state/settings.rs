//! Start-up values of the console.

use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::store::compaction::Compactor;
use crate::tui::theme::Theme;

/// Returns the state of an endless source in a few words: a line a fact, the most important first. A line after `! ` is
/// an alarm.
pub type SourceState = Box<dyn Fn() -> String + Send>;

/// How the console begins.
pub struct Settings {
    /// The profile.
    pub profile: Profile,
    /// The least score of an alert.
    pub min_score: u8,
    /// The patterns in force.
    pub patterns: Patterns,
    /// The patterns as the configuration file has them.
    pub saved: Patterns,
    /// The exceptions that suppress.
    pub exceptions: Exceptions,
    /// A sentence on each that has expired.
    pub expired: Vec<String>,
    /// The theme.
    pub theme: Theme,
    /// Its name.
    pub theme_name: String,
    /// All themes, for the key that steps through them.
    pub theme_names: Vec<String>,
    /// Letters only: for terminals without line characters.
    pub ascii: bool,
    /// Show secrets.
    pub reveal_secrets: bool,
    /// Names of the sources, for the header.
    pub title: String,
    /// Take the mouse from the start.
    pub mouse: bool,
    /// For a source that does not end: how it does.
    pub endless: Option<SourceState>,
    /// The case file, for messages; `None` where there is no place for one.
    pub case: Option<String>,
    /// The retention; `None` keeps everything.
    pub keeper: Option<Compactor>,
}
