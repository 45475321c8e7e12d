//! The editor of a pattern: every keystroke is tried, Enter keeps, Esc restores.

use tui_textarea::{CursorMove, Input as FieldInput, Key as FieldKey, TextArea};

use crate::model::event::Field;
use crate::tui::app::{App, Tone, Tuning};
use crate::tui::effect::Effect;
use crate::tui::input::{Chord, Key};
use crate::tui::keys::Action;
use crate::tune::{Changes, Proposal, Trial, Which, proposals};

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
            Action::SavePatterns => return vec![Effect::SavePatterns(self.flags.patterns().clone())],
            _ => {}
        }
        Vec::new()
    }

    /// Opens a pattern in its editor.
    pub(super) fn open_pattern(&mut self, which: Which) {
        let text = which.of(self.flags.patterns()).text().to_owned();
        self.open_editor(which, text, Vec::new(), 0);
    }

    fn open_editor(&mut self, which: Which, text: String, proposals: Vec<Proposal>, proposal: usize) {
        let mut editor = TextArea::new(vec![text]);
        editor.move_cursor(CursorMove::End);
        let trial = Trial::new(which, &self.flags);
        self.tuning =
            Some(Tuning { trial, editor, changes: Changes::default(), scroll: 0, proposals, proposal });
        self.try_pattern();
    }

    /// Opens the editor with a pattern that would make the selected alert normal.
    pub(super) fn allow(&mut self) {
        let selected = self.selected_finding();
        let view = selected.and_then(|id| self.store.view(id, self.list.profile, &self.flags));
        let Some(view) = view else { return };
        let proposals = proposals(self.flags.patterns(), view.host(), view.text(Field::ParentImage));
        self.propose(&proposals, 0);
    }

    /// Puts the next proposal into the editor.
    pub(super) fn next_proposal(&mut self) {
        let Some(tuning) = &self.tuning else { return };
        let (proposals, next) = (tuning.proposals.clone(), tuning.proposal + 1);
        self.propose(&proposals, next);
    }

    fn propose(&mut self, proposals: &[Proposal], number: usize) {
        let number = number.checked_rem(proposals.len()).unwrap_or(0);
        if let Some(proposal) = proposals.get(number) {
            self.open_editor(proposal.which, proposal.text.clone(), proposals.to_vec(), number);
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
