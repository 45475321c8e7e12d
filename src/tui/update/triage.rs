//! Deciding: a verdict or a note on the selected alert or on all of a group, and taking it back.

use crate::case::desk::Report;
use crate::detect::profile::Profile;
use crate::model::fault::{Fault, FaultKind};
use crate::model::verdict::Verdict;
use crate::store::ids::FindingId;
use crate::store::list::listing::Line;
use crate::tui::keys::Action;
use crate::tui::state::effect::Effect;
use crate::tui::state::pin::Pin;
use crate::tui::state::prompt::Kind;
use crate::tui::state::{App, Tone};

impl App {
    /// Does what a key of triage asks for.
    pub(in crate::tui) fn triage(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Decide => {
                self.pin = self.pin_selection();
                self.verdict_menu = self.pin.is_some();
            }
            Action::Malicious => return self.decide(Some(Verdict::Malicious), None),
            Action::Benign => return self.decide(Some(Verdict::Benign), None),
            Action::Unclear => return self.decide(Some(Verdict::Unclear), None),
            Action::Undecide => return self.decide(Some(Verdict::Undecided), None),
            Action::Note => self.open_note(),
            Action::UndoVerdict => return self.undo_verdict(),
            _ => {
                if let Some(line) = self.next_undecided() {
                    self.select_line(line);
                }
            }
        }
        Vec::new()
    }

    /// Whether a key of triage does anything here and now.
    pub(in crate::tui) fn can_triage(&self, action: Action) -> Result<(), &'static str> {
        match action {
            Action::Decide | Action::Note | Action::UndoVerdict if self.bulk.is_some() => {
                Err("The previous verdict is still being applied.")
            }
            Action::UndoVerdict if self.triage.undone.is_empty() => Err("Nothing to undo: no verdict yet."),
            Action::NextUndecided if self.next_undecided().is_none() => {
                Err("Every alert of this list has a verdict.")
            }
            Action::Decide | Action::Note if self.triage.place.is_none() => {
                Err("There is no folder for a case file here: name a file with --case.")
            }
            Action::Decide | Action::Note if self.selected_finding().is_none() => {
                Err(self.nothing_selected())
            }
            _ => Ok(()),
        }
    }

    /// Returns why there is no event to act on.
    pub(in crate::tui) fn nothing_selected(&self) -> &'static str {
        match self.selected_alarm() {
            Some(_) => "An alarm is no event of the log: it takes no verdict and has no row.",
            None => "Nothing is selected.",
        }
    }

    /// The alerts that a command for the selection is about: those selected when its line was opened.
    ///
    /// # Errors
    /// A sentence, where that is nothing, or has left the store since.
    pub(in crate::tui) fn pinned(&mut self) -> Result<Pin, String> {
        let pin = self.pin.take().or_else(|| self.pin_selection()).ok_or_else(|| self.nothing_selected())?;
        if pin.alerts(&self.store).is_empty() {
            return Err(left_the_store(&pin));
        }
        Ok(pin)
    }

    /// Opens the line for a note.
    pub(in crate::tui) fn open_note(&mut self) {
        let note = self
            .selected_finding()
            .and_then(|id| self.store.view(id, Profile::Hunt, &self.flags))
            .and_then(|view| self.triage.decision(&view))
            .map_or_else(String::new, |decision| decision.note.clone());
        self.open_prompt(Kind::Note, &note);
    }

    /// The line of the next alert, or closed group, that has no verdict; from the selected one on, around the end.
    #[must_use]
    pub fn next_undecided(&self) -> Option<usize> {
        let is_left = |id: FindingId| self.triage.mark(id).verdict == Verdict::Undecided;
        let is_undecided = |line: &usize| match self.line(*line) {
            Some(Line::Alarm(_)) | None => false,
            Some(Line::Finding(id)) => is_left(id),
            Some(Line::Group(number)) => {
                let is_open = self
                    .listing()
                    .groups
                    .get(number)
                    .is_some_and(|group| self.list.open.contains(&group.key));
                !is_open && self.listing().members(number).iter().any(|id| is_left(*id))
            }
        };
        let next = (self.cursor + 1).min(self.lines.len());
        (next..self.lines.len()).chain(0..next).find(is_undecided)
    }
}

pub(in crate::tui) fn left_the_store(pin: &Pin) -> String {
    format!("Nothing was done: evicted since: {}", pin.name())
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
                    let place = self.triage.place.clone().unwrap_or_default();
                    self.store.add_fault(Fault::new(place, FaultKind::line(line, reason)));
                }
                self.invalidate();
            }
        }
    }
}
