//! The list's options, and the job that builds the next list.

use std::collections::HashSet;

use crate::case::CaseBook;
use crate::detect::exception::Exceptions;
use crate::detect::pattern::Patterns;
use crate::detect::profile::Profile;
use crate::filter::{Filter, FilterField};
use crate::store::evidence::pass::EvidencePass;
use crate::store::held::Held;
use crate::store::ids::FindingId;
use crate::store::list::builder::ListBuilder;
use crate::store::list::filter_cache::FilterCache;
use crate::store::list::listing::{GroupKey, Listing, Query, Shown, SortKey};
use crate::store::tuning_matches::TuningMatches;
use crate::tui::state::App;
use crate::tui::state::alarms::AlarmKey;
use crate::tui::state::prompt::Prompt;

/// The selection: by identity, so that it stays while others come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selected {
    /// A finding.
    Finding(Held<FindingId>),
    /// A group's head, by its key.
    Group(String),
    /// An alarm.
    Alarm(AlarmKey),
}

/// Options of the list.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// The profile.
    pub profile: Profile,
    /// Alerts or suppressed.
    pub shown: Shown,
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

/// A frozen view: it does not change while more comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// How many events were kept when it was frozen; of their findings the list is made.
    pub events: usize,
    /// Alerts that came since.
    pub new_alerts: usize,
    /// Alarms when it was frozen.
    pub alarms: usize,
}

/// Findings up to which a list is built in one go: it takes less than a frame.
const MAX_IMMEDIATE_FINDINGS: usize = 20_000;

/// The list that is being made, and what the next one can use again.
#[derive(Default)]
pub(in crate::tui) struct ListJob {
    /// Whether what has come is being put in its place, before a list is made of it.
    pub(in crate::tui) is_settling: bool,
    pub(in crate::tui) making: Option<ListBuilder>,
    /// The activities that are being weighed.
    pub(in crate::tui) weighing: Option<EvidencePass>,
    /// The inputs of the activities that were last weighed.
    pub(in crate::tui) weighed: Option<WeighInputs>,
    /// The memory of the list before.
    pub(in crate::tui) spare: Listing,
    pub(in crate::tui) sieve: FilterCache,
    /// The inputs of the cached answers.
    pub(in crate::tui) filter_inputs: Option<FilterInputs>,
}

/// Inputs of the activities' evidence.
#[derive(Clone, PartialEq)]
pub(in crate::tui) struct WeighInputs {
    pub(in crate::tui) generation: u64,
    pub(in crate::tui) profile: Profile,
    pub(in crate::tui) ide_parent: String,
    pub(in crate::tui) findings: usize,
}

/// Inputs of a filter's answers, other than the findings.
#[derive(PartialEq)]
pub(in crate::tui) struct FilterInputs {
    filter: Filter,
    profile: Profile,
    /// Where it asks for what they decide.
    tuned: Option<(Patterns, Exceptions)>,
    /// Where it asks for verdicts or notes: the generation of the case book.
    decided: Option<u64>,
}

impl FilterInputs {
    pub(in crate::tui) fn new(
        filter: &Filter,
        profile: Profile,
        flags: &TuningMatches,
        book: &CaseBook,
    ) -> Self {
        let asks_for = |fields: &[FilterField]| fields.iter().any(|field| filter.asks_for(*field));
        let is_tuned = asks_for(&[FilterField::Score, FilterField::IsCiSystem, FilterField::IsKnownIde]);
        Self {
            filter: filter.clone(),
            profile,
            tuned: is_tuned.then(|| (flags.patterns().clone(), flags.exceptions().clone())),
            decided: asks_for(&[FilterField::Verdict, FilterField::Note]).then(|| book.generation()),
        }
    }
}

impl App {
    /// Whether a list, or the table of pushes, is being made.
    #[must_use]
    pub const fn is_making_list(&self) -> bool {
        self.is_building_list() || self.list_job.weighing.is_some() || self.has_work_beside()
    }

    /// Whether a list is being made of what has come.
    pub(in crate::tui) const fn is_building_list(&self) -> bool {
        self.list_job.is_settling || self.list_job.making.is_some()
    }

    /// Whether other work goes on in steps: the table of pushes, or a verdict on many alerts.
    const fn has_work_beside(&self) -> bool {
        self.pushes.making.is_some() || self.bulk.is_some()
    }

    /// Whether a list of all findings takes longer than a frame.
    #[must_use]
    pub fn has_long_list(&self) -> bool {
        self.store.findings().len() > MAX_IMMEDIATE_FINDINGS
    }

    /// The step of the next list and its progress in percent, while it takes more than a frame.
    #[must_use]
    pub fn list_progress(&self) -> Option<(&'static str, usize)> {
        let making = self.list_job.making.as_ref().filter(|_| !self.list_job.is_settling)?;
        making.progress(&self.store)
    }

    /// The filter that the list answers to: the one being typed, or the one in force.
    pub(in crate::tui) fn shown_filter(&self) -> Option<&Filter> {
        match self.prompt.as_ref().and_then(Prompt::filter) {
            Some(typed) => typed,
            None => self.list.filter.as_ref().map(|(_, filter)| filter),
        }
    }

    pub(in crate::tui) fn query(&self) -> Query {
        Query {
            profile: self.list.profile,
            shown: self.list.shown,
            min_score: self.list.min_score,
            sort: self.list.sort,
            reversed: self.list.reversed,
            group: self.list.group,
            range: self.list.range,
            by_evidence: true,
            up_to_event: self.frozen.map(|frozen| frozen.events),
        }
    }
}
