//! The console's state. It knows no terminal, no clock and no file: what it needs of them comes in as messages, what
//! it wants of them goes out as [`crate::tui::state::effect::Effect`]s.

pub mod alarms;
pub mod effect;
pub mod histogram;
mod layers;
pub mod lines;
mod list;
mod page;
mod pattern_editor;
pub mod pin;
pub mod prepared;
pub mod prompt;
pub mod pushes;
pub mod question;
mod selection;
mod settings;
pub mod test_runs;
pub mod triage;
pub(in crate::tui) mod verdicts;
pub mod workbench;
pub mod writing;

pub use layers::{Layer, Narrowing};
pub(in crate::tui) use list::{FilterInputs, ListJob, WeighInputs};
pub use list::{Frozen, HistogramCursor, ListOptions, Selected};
pub use page::Page;
pub use pattern_editor::{Draft, PatternEditor};
pub use settings::{Settings, SourceState};

use std::mem::Discriminant;
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::model::feed::Progress;
use crate::store::Store;
use crate::store::compaction::Compactor;
use crate::store::coverage::Note;
use crate::store::held::Held;
use crate::store::ids::{FindingId, ProcessId};
use crate::store::list::listing::Listing;
use crate::store::tuning_matches::TuningMatches;
use crate::tui::state::alarms::Alarms;
use crate::tui::state::effect::Effect;
use crate::tui::state::histogram::Bars;
use crate::tui::state::lines::Lines;
use crate::tui::state::pin::Pin;
use crate::tui::state::prepared::{Detail, DetailKey, Panes};
use crate::tui::state::prompt::Prompt;
use crate::tui::state::pushes::PushesPage;
use crate::tui::state::question::Question;
use crate::tui::state::test_runs::TestRuns;
use crate::tui::state::triage::Triage;
use crate::tui::state::verdicts::Bulk;
use crate::tui::state::workbench::Workbench;
use crate::tui::state::writing::Writing;
use crate::tui::theme::Theme;
use crate::tui::widgets::line::Glyphs;
use crate::tune::History;

/// A pane of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// The list.
    #[default]
    Alerts,
    /// The histogram.
    Histogram,
    /// The detail.
    Detail,
}

/// How urgent a line of message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something was done.
    Info,
    /// Something was not.
    Warning,
    /// Something would silence everything.
    Danger,
}

/// State of a load, as last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Whether all is read, or the load was stopped.
    pub finished: bool,
    /// Whether it was stopped.
    pub stopped: bool,
    /// Whether reading is stopped until `:resume`.
    pub is_held: bool,
    /// Time since its start.
    pub elapsed: Duration,
}

impl Load {
    /// Whether more comes in just now.
    #[must_use]
    pub const fn is_going_on(&self) -> bool {
        !self.finished && !self.is_held
    }
}

/// The state.
#[allow(clippy::struct_excessive_bools, reason = "they are switches of the screen, each on its own")]
pub struct App {
    /// The events that were read.
    pub store: Store,
    /// The verdicts of the patterns in force.
    pub flags: TuningMatches,
    /// Undo and redo of the patterns.
    pub history: History,
    /// The patterns as the configuration file has them.
    pub saved: Patterns,
    /// The exceptions as the configuration file has them, without those that have expired.
    pub saved_exceptions: Exceptions,
    /// A sentence on each exception that has expired.
    pub expired: Vec<String>,
    /// The pattern that is being edited.
    pub pattern_editor: Option<PatternEditor>,
    /// The verdicts.
    pub triage: Triage,
    /// Whether a verdict is asked for.
    pub verdict_menu: bool,
    /// The question that waits for its answer.
    pub question: Option<Question>,
    /// The alerts that the verdict, the note or the command being typed is about.
    pub pin: Option<Pin>,
    /// A verdict that is being put on many alerts.
    pub(in crate::tui) bulk: Option<Bulk>,
    /// Returns the effects since the last key.
    pub(in crate::tui) effects: Vec<Effect>,
    /// The workbench, while it is open.
    pub workbench: Option<Workbench>,
    /// The options of the list.
    pub list: ListOptions,
    /// The findings that pass.
    pub listing: Listing,
    pub(in crate::tui) list_job: ListJob,
    /// The histogram of the list, and the columns that it is for.
    pub(in crate::tui) bars: Option<(u16, Bars)>,
    /// Notes on the log coverage, the gravest first.
    pub notes: Vec<Note>,
    /// The lines of the list: findings, or groups and the findings of open ones.
    pub lines: Lines,
    /// The selection; `None` takes the top of the next list.
    pub selected: Option<Selected>,
    /// The line under the cursor: the selection, or the line in its place where a filter hides it.
    pub(in crate::tui) shown: Option<Selected>,
    /// The finding that the detail shows: under the cursor, or of a group there.
    pub(in crate::tui) detail_of: Option<Held<FindingId>>,
    /// Whether no key was pressed yet.
    pub(in crate::tui) is_untouched: bool,
    /// The next list selects its first line, unless a key is pressed before.
    pub(in crate::tui) is_released: bool,
    /// The line of the selection.
    pub cursor: usize,
    /// The first line that is shown.
    pub top: usize,
    /// Columns that the command lines are scrolled by.
    pub scroll_right: usize,
    /// The pane that has the keys.
    pub pane: Pane,
    /// Whether that pane has the whole screen.
    pub zoomed: bool,
    /// The processes walked up to from the selected one.
    pub(in crate::tui) walked: Held<Vec<ProcessId>>,
    /// How many raw events were asked for.
    pub(in crate::tui) raw_requests: u64,
    /// The detail, and of what it is.
    pub detail: Detail,
    /// The first line of the detail that is shown.
    pub detail_top: usize,
    /// The histogram's cursor.
    pub histogram: HistogramCursor,
    /// The page over the screen.
    pub page: Option<Page>,
    /// The first line of the page that is shown.
    pub page_top: usize,
    /// The lines of the page, and of which kind of page.
    pub(in crate::tui) page_lines: Option<(Discriminant<Page>, Vec<Line<'static>>)>,
    /// The page that comes back when this one is closed.
    pub previous_page: Option<Page>,
    /// The walk through the tests.
    pub test_runs: TestRuns,
    /// The page "who pushes where".
    pub pushes: PushesPage,
    /// The line at the bottom, while it is typed in.
    pub prompt: Option<Prompt>,
    /// The names of the snapshots, for completion.
    pub snapshot_names: Vec<String>,
    /// Lines typed before, per kind of prompt.
    pub past_lines: crate::tui::state::prompt::PastLines,
    /// The message at the bottom.
    pub message: Option<(Tone, String)>,
    /// The theme.
    pub theme: Theme,
    /// Its name.
    pub theme_name: String,
    /// All themes.
    pub theme_names: Vec<String>,
    /// The glyphs.
    pub glyphs: Glyphs,
    /// Show secrets.
    pub reveal_secrets: bool,
    /// Names of the sources.
    pub title: String,
    /// For a source that does not end: how it does.
    pub endless: Option<SourceState>,
    /// The retention; `None` keeps everything.
    pub keeper: Option<Compactor>,
    /// How far the load is.
    pub progress: Arc<Progress>,
    /// State of the load.
    pub load: Load,
    /// Alarms of the sources.
    pub alarms: Alarms,
    /// The files that are being written.
    pub writing: Vec<Writing>,
    /// Whether the mouse is taken.
    pub mouse: bool,
    /// The screen.
    pub area: Rect,
    /// Where the panes are.
    pub panes: Panes,
    /// Whether the list must be rebuilt with the next frame.
    pub needs_rebuild: bool,
    /// Set while the view is frozen.
    pub frozen: Option<Frozen>,
    pub(in crate::tui) listed_generation: u64,
    pub(in crate::tui) detail_key: Option<DetailKey>,
}

impl App {
    /// A console on an empty store.
    #[must_use]
    pub fn new(store: Store, settings: Settings, progress: Arc<Progress>) -> Self {
        let list = ListOptions {
            profile: settings.profile,
            min_score: settings.min_score,
            ..ListOptions::default()
        };
        Self {
            store,
            flags: TuningMatches::with_exceptions(settings.patterns, settings.exceptions.clone()),
            history: History::default(),
            saved: settings.saved,
            saved_exceptions: settings.exceptions,
            expired: settings.expired,
            pattern_editor: None,
            triage: Triage::new(settings.case),
            verdict_menu: false,
            question: None,
            pin: None,
            bulk: None,
            effects: Vec::new(),
            workbench: None,
            list,
            listing: Listing::default(),
            bars: None,
            notes: Vec::new(),
            lines: Lines::default(),
            list_job: ListJob::default(),
            selected: None,
            shown: None,
            detail_of: None,
            is_untouched: true,
            is_released: false,
            cursor: 0,
            top: 0,
            scroll_right: 0,
            pane: Pane::Alerts,
            zoomed: false,
            walked: Held::default(),
            raw_requests: 0,
            detail: Detail::default(),
            detail_top: 0,
            histogram: HistogramCursor::default(),
            page: None,
            page_top: 0,
            page_lines: None,
            previous_page: None,
            test_runs: TestRuns::default(),
            pushes: PushesPage::default(),
            prompt: None,
            snapshot_names: Vec::new(),
            past_lines: crate::tui::state::prompt::PastLines::default(),
            message: None,
            theme: settings.theme,
            theme_name: settings.theme_name,
            theme_names: settings.theme_names,
            glyphs: if settings.ascii { Glyphs::ASCII } else { Glyphs::UNICODE },
            reveal_secrets: settings.reveal_secrets,
            title: settings.title,
            endless: settings.endless,
            keeper: settings.keeper,
            progress,
            load: Load::default(),
            alarms: Alarms::default(),
            writing: Vec::new(),
            mouse: settings.mouse,
            area: Rect::default(),
            panes: Panes::default(),
            needs_rebuild: true,
            frozen: None,
            listed_generation: u64::MAX,
            detail_key: None,
        }
    }

    /// The lines of the open page, as last prepared.
    pub(in crate::tui) fn page_lines(&self) -> Option<&[Line<'static>]> {
        let open = std::mem::discriminant(self.page.as_ref()?);
        self.page_lines.as_ref().filter(|(of, _)| *of == open).map(|(_, lines)| lines.as_slice())
    }

    /// The verdicts that the list answers to: those of the pattern being edited, or those in force.
    #[must_use]
    pub fn shown_flags(&self) -> &TuningMatches {
        self.tried_flags().unwrap_or(&self.flags)
    }

    /// The verdicts of patterns that are tried and not kept.
    fn tried_flags(&self) -> Option<&TuningMatches> {
        let by_workbench = || self.workbench.as_ref().filter(|workbench| !workbench.is_shown());
        let by_tuning = self.pattern_editor.as_ref().map(|pattern_editor| &pattern_editor.trial.flags);
        by_tuning.or_else(|| by_workbench().map(|workbench| &workbench.trial))
    }

    /// Whether the workbench is on the screen.
    #[must_use]
    pub fn shows_workbench(&self) -> bool {
        self.workbench.as_ref().is_some_and(Workbench::is_shown)
    }

    /// Whether the store has grown since the list was made.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.listed_generation != self.store.generation() || self.test_runs_are_behind()
    }

    /// Takes the effects of steps that no key asked for.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Rebuilds list and detail at the next [`Self::prepare`].
    pub fn invalidate(&mut self) {
        self.needs_rebuild = true;
        self.detail_key = None;
    }

    /// Says something at the bottom.
    pub fn say(&mut self, tone: Tone, message: impl Into<String>) {
        let mut message = message.into();
        // A sentence within a sentence brings its own full stop.
        if message.ends_with("..") && !message.ends_with("...") {
            message.pop();
        }
        self.message = Some((tone, message));
    }
}
