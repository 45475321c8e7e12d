//! Deciding: a verdict or a note on the selected alert or on all of a group, and taking it back.

use crate::case::{Decision, line};
use crate::detect::profile::Profile;
use crate::model::verdict::Verdict;
use crate::store::finding::FindingId;
use crate::store::listing::Line;
use crate::tui::app::{App, Tone};
use crate::tui::effect::Effect;
use crate::tui::keys::Action;
use crate::tui::pin::Pin;
use crate::tui::prompt::Kind;
use crate::tui::triage::identity_of;

/// Acts of deciding that can be taken back.
const MOST_UNDONE: usize = 1000;

impl App {
    /// Does what a key of triage asks for.
    pub(super) fn triage(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Decide => {
                self.pin = self.pin_selection();
                self.deciding = self.pin.is_some();
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
    pub(super) fn can_triage(&self, action: Action) -> Result<(), &'static str> {
        match action {
            Action::UndoVerdict if self.triage.undone.is_empty() => Err("Nothing was decided yet."),
            Action::NextUndecided if self.next_undecided().is_none() => {
                Err("Every alert of this list has a verdict.")
            }
            Action::Decide | Action::Note if self.triage.place.is_none() => {
                Err("There is no folder for a case file here: name a file with --case.")
            }
            Action::Decide | Action::Note if self.selected_finding().is_none() => Err("Nothing is selected."),
            _ => Ok(()),
        }
    }

    /// What a command for what is selected is about: what was selected when its line was opened.
    ///
    /// # Errors
    /// A sentence, where that is nothing, or has left the store since.
    pub(super) fn pinned(&mut self) -> Result<Pin, String> {
        let pin = self.pin.take().or_else(|| self.pin_selection()).ok_or("Nothing is selected.")?;
        if pin.alerts(&self.store).is_empty() {
            return Err(left_the_store(&pin));
        }
        Ok(pin)
    }

    /// Opens the line for a note.
    pub(super) fn open_note(&mut self) {
        let note = self
            .selected_finding()
            .and_then(|id| self.store.view(id, Profile::Hunt, &self.flags))
            .and_then(|view| self.triage.decision(&view))
            .map_or_else(String::new, |decision| decision.note.clone());
        self.open_prompt(Kind::Note, &note);
    }

    /// Puts a verdict, a note or both on what was selected when it was asked for; what is not given stays as it is.
    pub(super) fn decide(&mut self, verdict: Option<Verdict>, note: Option<&str>) -> Vec<Effect> {
        self.deciding = false;
        let pin = match self.pinned() {
            Ok(pin) => pin,
            Err(message) => {
                self.say(Tone::Warning, message);
                return Vec::new();
            }
        };
        let gone = pin.gone(&self.store);
        let note = note.map(line::clean_note);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut unknowable = 0;
        for id in pin.alerts(&self.store) {
            let Some(view) = self.store.view(*id, Profile::Hunt, &self.flags) else { continue };
            let Some(identity) = identity_of(&view) else {
                unknowable += 1;
                continue;
            };
            let known = self.triage.book.find(&identity).cloned();
            let was = known.unwrap_or_else(|| Decision {
                identity: identity.clone(),
                verdict: Verdict::Undecided,
                note: String::new(),
                at: None,
                by: None,
                host: view.host().map(str::to_owned),
                signal: view.signal().name().to_owned(),
            });
            let decision = Decision {
                identity,
                verdict: verdict.unwrap_or(was.verdict),
                note: note.clone().unwrap_or_else(|| was.note.clone()),
                at: None,
                by: None,
                ..was.clone()
            };
            if (decision.verdict, &decision.note) != (was.verdict, &was.note) {
                before.push(Decision { identity: decision.identity.clone(), ..was });
                after.push(decision);
            }
        }
        if after.is_empty() {
            let reason = if unknowable > 0 {
                "This event has neither a record number nor a time: nothing tells it from another one."
            } else {
                "Nothing changed: that is what stands there already."
            };
            self.say(Tone::Warning, reason);
            return Vec::new();
        }
        self.triage.undone.push(before);
        if self.triage.undone.len() > MOST_UNDONE {
            self.triage.undone.remove(0);
        }
        let what = match verdict {
            Some(Verdict::Undecided) => "Undecided".to_owned(),
            Some(verdict) => format!("Decided {verdict}"),
            None => "Noted".to_owned(),
        };
        let left_out = match unknowable {
            0 => String::new(),
            number => format!(", not on {number} without record number and time"),
        };
        let left_out = match gone {
            0 => left_out,
            number => format!("{left_out}, not on {number} that left the store meanwhile"),
        };
        let number = after.len();
        let named =
            if number == 1 && pin.group().is_none() { pin.short_name().to_owned() } else { alerts(number) };
        self.kept(&format!("{what}: {named}{left_out}"), after)
    }

    /// Takes the last act of deciding back, by deciding what stood there before.
    pub(super) fn undo_verdict(&mut self) -> Vec<Effect> {
        let Some(before) = self.triage.undone.pop() else { return Vec::new() };
        let what = format!("Taken back: {}", alerts(before.len()));
        let before = before.into_iter().map(|was| Decision { at: None, by: None, ..was }).collect();
        self.kept(&what, before)
    }

    fn kept(&mut self, what: &str, decisions: Vec<Decision>) -> Vec<Effect> {
        for decision in &decisions {
            self.triage.book.apply(decision.clone());
        }
        self.touch();
        let place = self.triage.place.clone().unwrap_or_default();
        self.say(Tone::Info, format!("{what}. In {place}; n goes on, U takes it back."));
        vec![Effect::Decide(decisions)]
    }

    /// The line of the next alert, or closed group, that has no verdict; from the selected one on, around the end.
    #[must_use]
    pub fn next_undecided(&self) -> Option<usize> {
        let is_left = |id: FindingId| self.triage.mark(id).verdict == Verdict::Undecided;
        let is_undecided = |line: &usize| match self.line(*line) {
            Some(Line::Finding(id)) => is_left(id),
            Some(Line::Group(number)) => {
                let is_open = self
                    .listing()
                    .groups
                    .get(number)
                    .is_some_and(|group| self.list.open.contains(&group.key));
                !is_open && self.listing().members(number).iter().any(|id| is_left(*id))
            }
            None => false,
        };
        let next = (self.cursor + 1).min(self.lines.len());
        (next..self.lines.len()).chain(0..next).find(is_undecided)
    }
}

fn left_the_store(pin: &Pin) -> String {
    format!("Nothing was done: it has left the store since: {}", pin.name())
}

fn alerts(number: usize) -> String {
    if number == 1 { "1 alert".to_owned() } else { format!("{number} alerts") }
}
