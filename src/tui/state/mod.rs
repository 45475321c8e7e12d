//! The console's state. It knows no terminal, no clock and no file: what it needs of them comes in as messages, what
//! it wants of them goes out as [`crate::tui::state::effect::Effect`]s.

pub mod alarms;
pub mod effect;
pub mod lines;
pub mod pin;
pub mod prompt;
pub mod pushes;
pub mod question;
pub mod test_runs;
pub mod triage;
pub mod workbench;
pub mod writing;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Rect;

use crate::config::{Plan, Snapshot};
use crate::detect::exception::{Exception, Exceptions};
use crate::detect::pattern::{PatternError, Patterns};
use crate::detect::profile::Profile;
use crate::filter::Filter;
use crate::model::batch::Batch;
use crate::model::feed::{FeedMessage, Progress};
use crate::store::Store;
use crate::store::compaction::Compactor;
use crate::store::coverage::Note;
use crate::store::findings::finding::Finding;
use crate::store::held::Held;
use crate::store::ids::{FindingId, ProcessId};
use crate::store::list::listing::{GroupKey, Listing, Shown, SortKey};
use crate::store::resumable::Pause;
use crate::store::tuning_matches::TuningMatches;
use crate::tui::keys::Context;
use crate::tui::state::alarms::{AlarmKey, Alarms};
use crate::tui::state::effect::Effect;
use crate::tui::state::lines::Lines;
use crate::tui::state::pin::Pin;
use crate::tui::state::prompt::Prompt;
use crate::tui::state::pushes::PushesPage;
use crate::tui::state::question::Question;
use crate::tui::state::test_runs::TestRuns;
use crate::tui::state::triage::Triage;
use crate::tui::state::workbench::Workbench;
use crate::tui::state::writing::Writing;
use crate::tui::theme::Theme;
use crate::tui::update::list::ListJob;
use crate::tui::update::verdicts::Bulk;
use crate::tui::views::detail::reasons::{Detail, DetailKey};
use crate::tui::views::histogram::Bars;
use crate::tui::views::layout::{Layout, Panes};
use crate::tui::widgets::line::Glyphs;
use crate::tune::{Advice, Adviser, Changes, History, Proposal, Trial};

/// Says in a few words how an endless source does: a line for each thing, the most important first. A line behind `! ` is
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
    /// What is read, for the header.
    pub title: String,
    /// Take the mouse from the start.
    pub mouse: bool,
    /// For a source that does not end: how it does.
    pub endless: Option<SourceState>,
    /// The case file, for messages; `None` where there is no place for one.
    pub case: Option<String>,
    /// What is kept, where not everything is.
    pub keeper: Option<Compactor>,
}

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

/// What is selected in the list: by identity, so that it stays while others come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// A finding.
    Finding(Held<FindingId>),
    /// A group's head, by its key.
    Group(String),
    /// An alarm.
    Alarm(AlarmKey),
}

/// A page over the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The keys and the languages.
    Help,
    /// What could not be read.
    ReadErrors,
    /// What the logs could have shown.
    Coverage,
    /// What would be written into the configuration, to be confirmed.
    SavePreview(Box<Plan>),
    /// An exception, to be confirmed.
    NewException {
        /// The exception.
        exception: Box<Exception>,
        /// The alerts that it takes out.
        taken: Held<Vec<FindingId>>,
    },
    /// The patterns that were kept under names.
    Snapshots(Vec<Result<Snapshot, String>>),
    /// The tests, step by step.
    Tests,
    /// Who pushes where.
    Pushes,
    /// A raw event; `None` while it is being read.
    Raw {
        /// The number of the request: the answer to an earlier one is of another event.
        request: u64,
        /// Its XML, or why there is none.
        text: Option<Result<String, String>>,
    },
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

/// What the list shows and how.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// The profile.
    pub profile: Profile,
    /// Alerts or suppressed.
    pub side: Shown,
    /// The least score of an alert.
    pub min_score: u8,
    /// The order.
    pub sort: SortKey,
    /// Against the order's own direction.
    pub reversed: bool,
    /// The grouping.
    pub group: Option<GroupKey>,
    /// The keys of the groups that are open.
    pub open: HashSet<String>,
    /// The filter and its text.
    pub filter: Option<(String, Filter)>,
    /// From (inclusive) to (exclusive), in seconds since 1970.
    pub range: Option<(i64, i64)>,
}

/// The histogram's cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramCursor {
    /// The bar.
    pub bar: usize,
    /// Where a range begins.
    pub mark: Option<usize>,
}

/// A pattern in its editor.
pub struct PatternEditor {
    /// What it would change.
    pub trial: Trial,
    /// The text.
    pub editor: tui_textarea::TextArea<'static>,
    /// Against what is in force.
    pub changes: Held<Changes>,
    /// The first line of the matches that is shown.
    pub scroll: usize,
    /// What would make an alert normal, and which of it stands in the editor; empty where it was opened by hand.
    pub proposals: Vec<Proposal>,
    /// The number of that one.
    pub proposal: usize,
    /// The alert that they are made for: it may be gone from the list while one of them is tried.
    pub made_for: Option<Held<FindingId>>,
    /// The label of that alert.
    pub made_for_name: String,
    /// The other pattern, where it was edited too.
    pub other: Option<Draft>,
    /// Warnings of patterns that would silence everything.
    pub warnings: Vec<Advice>,
    /// The patterns that were warned of: Enter again keeps them all the same.
    pub(in crate::tui) warned: Option<Patterns>,
    pub(in crate::tui) adviser: Adviser,
}

/// A pattern's text that is not on the screen just now.
pub struct Draft {
    /// The text.
    pub editor: tui_textarea::TextArea<'static>,
    /// Why it is no pattern as it stands.
    pub error: Option<PatternError>,
}

impl PatternEditor {
    /// Whether anything typed here differs from what is in force.
    #[must_use]
    pub fn is_changed(&self, in_force: &Patterns) -> bool {
        let is_invalid = |draft: &Draft| draft.error.is_some();
        self.trial.flags.patterns() != in_force
            || self.trial.error.is_some()
            || self.other.as_ref().is_some_and(is_invalid)
    }

    /// Finds what the patterns typed here would silence altogether.
    pub(in crate::tui) fn warn(&mut self, store: &Store, in_force: &Patterns) {
        self.warnings = self.adviser.warnings(store, &self.trial.flags, in_force);
    }
}

/// How a load stands, as last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Whether all is read, or the load was stopped.
    pub finished: bool,
    /// Whether somebody stopped it.
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

/// A view that stands still while more comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// How many events were kept when it was frozen; of their findings the list is made.
    pub events: usize,
    /// Alerts that came since.
    pub new_alerts: usize,
    /// Alarms when it was frozen.
    pub alarms: usize,
}

/// The state.
#[allow(clippy::struct_excessive_bools, reason = "they are switches of the screen, each on its own")]
pub struct App {
    /// What was read.
    pub store: Store,
    /// The verdicts of the patterns in force.
    pub flags: TuningMatches,
    /// What was in force before, and what was undone.
    pub history: History,
    /// The patterns as the configuration file has them.
    pub saved: Patterns,
    /// The exceptions as the configuration file has them, without those that have expired.
    pub saved_exceptions: Exceptions,
    /// A sentence on each exception that has expired.
    pub expired: Vec<String>,
    /// The pattern that is being edited.
    pub pattern_editor: Option<PatternEditor>,
    /// What was decided.
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
    /// What the list shows.
    pub list: ListOptions,
    /// The findings that pass.
    pub listing: Listing,
    pub(in crate::tui) list_job: ListJob,
    /// The histogram of the list, for so many columns.
    pub(in crate::tui) bars: Option<(u16, Bars)>,
    /// What the logs could not have shown, the gravest first.
    pub notes: Vec<Note>,
    /// The lines of the list: findings, or groups and the findings of open ones.
    pub lines: Lines,
    /// The selection, wherever it stands in the list; `None` takes the top of the next list.
    pub selected: Option<Selected>,
    /// What the cursor is on: the selection, or where a filter hides that, the line that stands in for it.
    pub(in crate::tui) shown: Option<Selected>,
    /// The finding that the detail shows: under the cursor, or of a group there.
    pub(in crate::tui) detail_of: Option<Held<FindingId>>,
    /// Whether no key was pressed yet.
    pub(in crate::tui) is_untouched: bool,
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
    /// What is read.
    pub title: String,
    /// For a source that does not end: how it does.
    pub endless: Option<SourceState>,
    /// What is kept, where not everything is.
    pub keeper: Option<Compactor>,
    /// How far the load is.
    pub progress: Arc<Progress>,
    /// How it stands.
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
    /// Whether the list must be made anew whatever the clock says.
    pub needs_rebuild: bool,
    /// While the view stands still.
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

    /// Takes what the sources say. The list follows at the next [`Self::prepare`].
    pub fn feed(&mut self, message: FeedMessage) {
        match message {
            FeedMessage::Source(source) => self.store.add_source(source),
            FeedMessage::Batch(batch) => self.take_batch(batch),
            FeedMessage::Fault(fault) => self.store.add_fault(fault),
            FeedMessage::Finished => {
                self.load.finished = true;
                self.load.stopped = self.progress.is_stopped();
                self.store.finish_script_blocks();
                self.needs_rebuild = true;
            }
        }
    }

    fn take_batch(&mut self, mut batch: Batch) {
        for alarm in std::mem::take(&mut batch.alarms) {
            self.alarms.add(alarm);
            self.needs_rebuild = true;
        }
        let Some(keeper) = &mut self.keeper else {
            self.store.ingest(batch);
            return;
        };
        if let Some(moved) = keeper.ingest(&mut self.store, batch, &self.flags) {
            self.relocate(moved);
        }
    }

    /// Where keys go.
    #[must_use]
    pub fn context(&self) -> Context {
        if self.question.is_some() {
            Context::Question
        } else if self.prompt.is_some() {
            Context::Prompt
        } else if matches!(self.page, Some(Page::Tests)) {
            Context::TestRuns
        } else if matches!(self.page, Some(Page::Pushes)) {
            Context::Pushes
        } else if self.page.is_some() {
            Context::Page
        } else if self.verdict_menu {
            Context::Verdict
        } else if self.pattern_editor.is_some() {
            Context::PatternEditor
        } else if let Some(workbench) = self.workbench.as_ref().filter(|workbench| workbench.is_shown()) {
            if workbench.is_typing() { Context::WorkbenchText } else { Context::WorkbenchList }
        } else {
            match self.pane {
                Pane::Alerts => Context::Alerts,
                Pane::Histogram => Context::Histogram,
                Pane::Detail => Context::Detail,
            }
        }
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

    /// Brings the list, the selection and the detail up to date for a screen of that size. `with_news` says whether
    /// what came in since the last time is to be shown too; a change of what the list shows always is.
    pub fn prepare(&mut self, area: Rect, with_news: bool) {
        self.prepare_until(area, with_news, &|| false);
    }

    /// The same, but a list that takes longer than `pause` allows stays the one before until a later call has made it.
    pub fn prepare_until(&mut self, area: Rect, with_news: bool, pause: Pause<'_>) {
        if self.area != area {
            self.area = area;
            self.detail_key = None;
        }
        let effects = self.advance_verdicts(None, pause);
        self.effects.extend(effects);
        if self.frozen.is_some() && with_news && self.has_news() {
            self.count_behind_the_frozen_view();
        }
        if self.needs_rebuild || (with_news && self.has_news() && !self.is_making_list()) {
            self.begin_list();
        }
        let news = self.advance_list(pause);
        if let Some(workbench) = &mut self.workbench {
            workbench.refresh(&self.store, self.list.profile, self.list.min_score, news);
        }
        self.prepare_pushes(news, pause);
        self.panes = Layout::of(self).panes;
        self.make_bars();
        self.follow_selection();
        self.make_detail();
        if self.page == Some(Page::Tests) {
            self.advance_test_runs();
            self.follow_in_test_runs();
        }
    }

    /// Stops the view, or lets it go on; the collection never stops.
    pub fn freeze(&mut self) {
        self.frozen = match self.frozen {
            Some(_) => None,
            None => Some(Frozen {
                events: self.store.kept_events(),
                new_alerts: 0,
                alarms: self.alarms.lines().len(),
            }),
        };
        self.needs_rebuild = true;
    }

    fn count_behind_the_frozen_view(&mut self) {
        self.flags.extend(&self.store);
        let Some(frozen) = &mut self.frozen else { return };
        let (profile, min_score) = (self.list.profile, self.list.min_score);
        let is_later = |finding: &&Finding| finding.event.0 as usize >= frozen.events;
        let is_alert = |finding: &&Finding| {
            self.store.score_of(finding, profile, &self.flags).is_some_and(|score| score >= min_score)
        };
        frozen.new_alerts = self.store.findings().iter().filter(is_later).filter(is_alert).count();
        self.listed_generation = self.store.generation();
    }

    /// What is to be done outside, after steps that no key asked for.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Makes list and detail anew at the next [`Self::prepare`].
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
