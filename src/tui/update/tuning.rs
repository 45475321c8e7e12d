//! The editor of a pattern: every keystroke is tried, Enter keeps, Esc restores.

use tui_textarea::{CursorMove, Input as FieldInput, Key as FieldKey, TextArea};

use crate::detect::exception::{Exception, Exceptions, MOST_EXCEPTIONS};
use crate::model::event::Field;
use crate::store::epoch::Held;
use crate::store::finding::FindingId;
use crate::tui::app::{App, Page, Tone, Tuning};
use crate::tui::effect::Effect;
use crate::tui::input::{Chord, Key};
use crate::tui::keys::Action;
use crate::tune::{Proposal, Trial, Which, also_taken_in, exception_of, proposals};

impl App {
    /// Does what a key asks for that concerns the patterns.
    pub(super) fn act_on_patterns(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::EditCiHost => self.open_pattern(Which::CiHost),
            Action::EditIdeParent => self.open_pattern(Which::IdeParent),
            Action::Allow => self.allow(),
            Action::NextProposal => self.next_proposal(),
            Action::UndoPattern => self.undo_pattern(),
            Action::RedoPattern => self.redo_pattern(),
            Action::Workbench => self.open_workbench(),
            Action::FilterSubjects => self.filter_subjects(),
            Action::TakeAdvice => self.take_advice(),
            Action::Confirm => match self.page.take() {
                Some(Page::Saving(plan)) => return vec![Effect::Save(plan)],
                Some(Page::Excepting { exception, .. }) => self.keep_exception(*exception),
                other => self.page = other,
            },
            Action::SavePatterns => return vec![Effect::PlanSave(self.tuned())],
            _ => {}
        }
        Vec::new()
    }

    /// Opens a pattern in its editor.
    pub(super) fn open_pattern(&mut self, which: Which) {
        let text = which.of(self.flags.patterns()).text().to_owned();
        self.open_editor(which, text);
    }

    fn open_editor(&mut self, which: Which, text: String) {
        let mut editor = TextArea::new(vec![text]);
        editor.move_cursor(CursorMove::End);
        self.tuning = Some(Tuning {
            trial: Trial::new(which, &self.flags),
            editor,
            changes: Held::default(),
            scroll: 0,
            proposals: Vec::new(),
            proposal: 0,
            made_for: None,
        });
        self.try_pattern();
    }

    /// Opens the editor with a pattern that would make the selected alert normal.
    pub(super) fn allow(&mut self) {
        let selected = self.selected_finding().map(|id| Held::new(id, &self.store));
        let view = self.selected_finding().and_then(|id| self.store.view(id, self.list.profile, &self.flags));
        let Some(view) = view else { return };
        let (host, parent) = (view.host(), view.text(Field::ParentImage));
        let mut proposals = proposals(self.flags.patterns(), host, parent);
        for proposal in &mut proposals {
            let made_for = if proposal.which == Which::CiHost { host } else { parent };
            if let Some(others) = also_taken_in(&self.store, proposal, made_for.unwrap_or("")) {
                proposal.takes_in = format!("{}, {others}", proposal.takes_in);
            }
        }
        if proposals.is_empty() {
            self.propose_exception(selected);
        } else {
            self.propose(proposals, 0, selected);
        }
    }

    /// Shows an exception of the selected alert, and what it would take out.
    fn propose_exception(&mut self, made_for: Option<Held<FindingId>>) {
        let made_for = made_for.and_then(|id| id.get(&self.store).copied());
        let Some(view) = made_for.and_then(|id| self.store.view(id, self.list.profile, &self.flags)) else {
            return;
        };
        match exception_of(&view, self.flags.exceptions()) {
            Ok(Some(exception)) => {
                self.tuning = None;
                self.touch();
                // What it takes out is found with the next list.
                let taken = Held::new(Vec::new(), &self.store);
                self.open_page(Page::Excepting { exception: Box::new(exception), taken });
            }
            Ok(None) => self.say(Tone::Warning, "This alert names nothing that an exception could go by."),
            Err(error) => {
                self.say(Tone::Warning, format!("No exception can be made of it: {}.", error.message));
            }
        }
    }

    /// Puts the exception that the page shows in force.
    fn keep_exception(&mut self, exception: Exception) {
        if self.flags.exceptions().all().len() >= MOST_EXCEPTIONS {
            let message = format!("There are {MOST_EXCEPTIONS} exceptions already; more there can't be.");
            self.say(Tone::Warning, message);
            return;
        }
        let message = format!("The exception {} is in force; w writes it, u undoes.", exception.name);
        let mut tuned = self.tuned();
        tuned.exceptions =
            Exceptions::new(tuned.exceptions.all().iter().cloned().chain([exception]).collect());
        self.keep(tuned);
        self.say(Tone::Info, message);
    }

    /// Puts the next proposal into the editor.
    pub(super) fn next_proposal(&mut self) {
        let Some(tuning) = &self.tuning else {
            // After the exception it begins anew.
            self.page = None;
            self.allow();
            return;
        };
        let (next, made_for) = (tuning.proposal + 1, tuning.made_for);
        if next < tuning.proposals.len() {
            self.propose(tuning.proposals.clone(), next, made_for);
        } else {
            self.propose_exception(made_for);
        }
    }

    fn propose(&mut self, proposals: Vec<Proposal>, number: usize, made_for: Option<Held<FindingId>>) {
        let Some(proposal) = proposals.get(number) else { return };
        self.open_editor(proposal.which, proposal.text.clone());
        if let Some(tuning) = &mut self.tuning {
            (tuning.proposals, tuning.proposal, tuning.made_for) = (proposals, number, made_for);
        }
    }

    /// Keeps this one's text if it is valid, and opens the other.
    pub(super) fn edit_other_pattern(&mut self) {
        let Some(tuning) = &self.tuning else { return };
        let other = match tuning.trial.which {
            Which::CiHost => Which::IdeParent,
            Which::IdeParent => Which::CiHost,
        };
        self.keep_pattern();
        if self.tuning.is_none() {
            self.open_pattern(other);
        }
    }

    /// Types into the pattern.
    pub(super) fn edit_pattern(&mut self, chord: Chord) {
        let Some(tuning) = &mut self.tuning else { return };
        let Some(key) = field_key(chord.key) else { return };
        tuning.editor.input(FieldInput { key, ctrl: chord.ctrl, alt: chord.alt, shift: false });
        self.try_pattern();
    }

    /// A paste is text; its line breaks are left out, since a pattern is one line.
    pub(super) fn paste_into_pattern(&mut self, text: &str) {
        let Some(tuning) = &mut self.tuning else { return };
        let line: String = text.chars().filter(|c| !c.is_control()).collect();
        tuning.editor.insert_str(line);
        self.try_pattern();
    }

    fn try_pattern(&mut self) {
        let Some(tuning) = &mut self.tuning else { return };
        let text = tuning.editor.lines().join("");
        tuning.trial.edit(&text, &self.store);
        tuning.scroll = 0;
        self.touch();
    }

    /// Puts the pattern as it stands in force.
    pub(super) fn keep_pattern(&mut self) {
        let Some(tuning) = self.tuning.take() else { return };
        if let Some(error) = &tuning.trial.error {
            let message = format!("Not kept: {}.", error.message);
            self.tuning = Some(tuning);
            self.say(Tone::Warning, message);
            return;
        }
        let patterns = tuning.trial.flags.patterns().clone();
        let changed = patterns != *self.flags.patterns();
        self.keep_patterns(patterns);
        if changed {
            self.say(
                Tone::Info,
                format!(
                    "{} pattern kept; w writes it to the configuration, u undoes.",
                    tuning.trial.which.name()
                ),
            );
        }
    }

    /// Takes the last change of a pattern back.
    pub(super) fn undo_pattern(&mut self) {
        if self.step_history(true) {
            self.say(Tone::Info, "The last change is undone; ^R does it again.");
        }
    }

    /// Does what was undone again.
    pub(super) fn redo_pattern(&mut self) {
        if self.step_history(false) {
            self.say(Tone::Info, "The change is done again.");
        }
    }
}

pub(super) const fn field_key(key: Key) -> Option<FieldKey> {
    Some(match key {
        Key::Char(c) => FieldKey::Char(c),
        Key::Backspace => FieldKey::Backspace,
        Key::Delete => FieldKey::Delete,
        Key::Left => FieldKey::Left,
        Key::Right => FieldKey::Right,
        Key::Home => FieldKey::Home,
        Key::End => FieldKey::End,
        _ => return None,
    })
}
