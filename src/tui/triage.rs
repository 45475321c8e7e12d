//! The verdicts as the screen needs them: by finding, ready to be drawn, filtered and counted.

use crate::case::desk::Report;
use crate::case::identity::record_key;
use crate::case::{CaseBook, Decision, Identity};
use crate::detect::profile::Profile;
use crate::filter::{FilterField, Subject};
use crate::model::fault::{Fault, Severity};
use crate::model::time::Timestamp;
use crate::model::verdict::Verdict;
use crate::store::Store;
use crate::store::finding::{Finding, FindingId};
use crate::store::flags::Flags;
use crate::store::listing::{Listing, Query, Side};
use crate::store::view::{FilteredFinding, FindingView};
use crate::tui::app::{App, Tone};
use crate::tui::theme::Token;

/// What a list shows of a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The verdict.
    pub verdict: Verdict,
    /// Whether there is a note.
    pub has_note: bool,
}

impl Mark {
    /// A letter for it, and how it looks; a blank where there is nothing to say.
    #[must_use]
    pub const fn letter(self) -> (&'static str, Token) {
        match (self.verdict, self.has_note) {
            (Verdict::Malicious, _) => ("M", Token::Error),
            (Verdict::Benign, _) => ("b", Token::Ok),
            (Verdict::Unclear, _) => ("u", Token::Warning),
            (Verdict::Undecided, true) => ("n", Token::Muted),
            (Verdict::Undecided, false) => (" ", Token::Text),
        }
    }
}

/// The verdicts, by finding.
#[derive(Debug, Default)]
pub struct Triage {
    /// The decisions.
    pub book: CaseBook,
    /// The case file, for messages; `None` where there is no place for one.
    pub place: Option<String>,
    /// Findings of the list's side and profile by verdict, in the order of [`Verdict::ALL`], before filter and range.
    pub counts: [usize; 4],
    /// How many are undecided in each group of the list.
    pub left: Vec<usize>,
    /// By number of finding: the key that it would stand under in the book.
    keys: Vec<Option<u64>>,
    marks: Vec<Mark>,
    marked_generation: u64,
    /// What stood there before each act of deciding, the last one on top.
    pub(super) undone: Vec<Vec<Decision>>,
}

/// What an alert is known by; `None` where nothing of it tells it from another one.
#[must_use]
pub fn identity_of(view: &FindingView<'_>) -> Option<Identity> {
    let event = view.event();
    let guid = view.process_guid();
    Identity::new(view.host(), event.event_code, event.record_id(), event.time, guid.as_deref())
}

impl Triage {
    /// Nothing decided yet; `place` is the case file's name.
    #[must_use]
    pub fn new(place: Option<String>) -> Self {
        Self { place, ..Self::default() }
    }

    /// The mark of a finding.
    #[must_use]
    pub fn mark(&self, id: FindingId) -> Mark {
        self.marks.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// The decision on a finding.
    #[must_use]
    pub fn decision(&self, view: &FindingView<'_>) -> Option<&Decision> {
        self.book.find(&identity_of(view)?)
    }

    /// Findings have other numbers now.
    pub(super) fn restart(&mut self) {
        self.keys.clear();
        self.marks.clear();
    }

    /// Marks what came in, and all anew where decisions changed.
    pub(super) fn extend(&mut self, store: &Store, flags: &Flags) {
        for finding in store.findings().iter().skip(self.keys.len()) {
            let event = store.event(finding.event);
            let key = event.and_then(|event| {
                Some(record_key(store.host_of(event), event.event_code, event.record_id()?))
            });
            self.keys.push(key);
        }
        if self.marked_generation != self.book.generation() {
            self.marks.clear();
            self.marked_generation = self.book.generation();
        }
        let (book, marks) = (&self.book, &mut self.marks);
        for (number, key) in self.keys.iter().enumerate().skip(marks.len()) {
            let mark = u32::try_from(number).ok().filter(|_| book.may_know(*key)).and_then(|number| {
                let view = store.view(FindingId(number), Profile::Correlated, flags)?;
                let decision = book.find(&identity_of(&view)?)?;
                Some(Mark { verdict: decision.verdict, has_note: !decision.note.is_empty() })
            });
            marks.push(mark.unwrap_or_default());
        }
    }

    /// Counts what a list has by verdict.
    pub(super) fn count(&mut self, store: &Store, flags: &Flags, query: &Query<'_>, listing: &Listing) {
        (self.counts, self.left) = ([0; 4], Vec::new());
        if self.book.is_empty() {
            return;
        }
        let is_shown =
            |finding: &Finding| query.of_first_events.is_none_or(|first| (finding.event.0 as usize) < first);
        for (finding, mark) in
            store.findings().iter().zip(&self.marks).filter(|(finding, _)| is_shown(finding))
        {
            let is_listed = finding
                .score(query.profile, flags)
                .is_some_and(|score| (score >= query.min_score) == (query.side == Side::Alerts));
            let number = Verdict::ALL.iter().position(|verdict| *verdict == mark.verdict);
            if let Some(count) = number.and_then(|number| self.counts.get_mut(number)).filter(|_| is_listed) {
                *count += 1;
            }
        }
        let undecided = |id: &&FindingId| self.mark(**id).verdict == Verdict::Undecided;
        self.left = listing.members.iter().map(|members| members.iter().filter(undecided).count()).collect();
    }
}

/// A finding as a filter looks at it, with what was decided on it.
pub(super) struct TriagedFinding<'a, 'b> {
    /// The finding.
    pub(super) finding: FilteredFinding<'a, 'b>,
    /// Its mark.
    pub(super) mark: Mark,
    /// Its note.
    pub(super) note: Option<&'b str>,
}

impl Subject for TriagedFinding<'_, '_> {
    fn text(&self, field: FilterField) -> Option<&str> {
        match field {
            FilterField::Verdict => Some(self.mark.verdict.name()),
            FilterField::Note => self.note,
            _ => self.finding.text(field),
        }
    }

    fn number(&self, field: FilterField) -> Option<i64> {
        self.finding.number(field)
    }

    fn time(&self) -> Option<Timestamp> {
        self.finding.time()
    }
}

impl App {
    /// Takes what the case file's thread says.
    pub fn take_case(&mut self, report: Report) {
        match report {
            Report::Written => {}
            Report::NotWritten(error) => {
                let message = format!("{error}. The verdict is on this screen alone; it is tried again.");
                self.say(Tone::Warning, message);
            }
            Report::NotRead(error) => self.say(Tone::Warning, format!("{error}.")),
            Report::News(news) => {
                if news.is_another {
                    self.triage.book.clear();
                }
                for decision in news.decisions {
                    self.triage.book.apply(decision);
                }
                for (line, reason) in news.faults {
                    self.store.add_fault(Fault {
                        source: None,
                        name: self.triage.place.clone().unwrap_or_default(),
                        chunk: None,
                        record: None,
                        severity: Severity::Loss,
                        lost_records: 0,
                        reason: format!("line {line}: {reason}"),
                    });
                }
                self.touch();
            }
        }
    }
}
