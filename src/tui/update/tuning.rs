//! The editor of a pattern: every keystroke is tried, Enter keeps, Esc restores.

use tui_textarea::{CursorMove, Input as FieldInput, Key as FieldKey, TextArea};

use crate::detect::exception::{Exception, Exceptions, MAX_EXCEPTIONS};
use crate::model::event::Field;
use crate::store::epoch::Held;
use crate::store::finding::FindingId;
use crate::tui::app::{App, Draft, Page, Tone, Tuning};
use crate::tui::effect::Effect;
use crate::tui::input::{Chord, Key};
use crate::tui::keys::Action;
use crate::tune::{Adviser, Proposal, Trial, Which, also_taken_in, exception_of, proposals};

/// Said where Enter would put a pattern in force that silences everything; the editor says which and why.
pub(super) const SILENCES_ALL: &str =
    "Not kept yet: it would silence everything. Enter again keeps it, Esc restores.";

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
        self.tuning = Some(Tuning {
            trial: Trial::new(which, &self.flags),
            editor: editor_of(text),
            changes: Held::default(),
            scroll: 0,
            proposals: Vec::new(),
            proposal: 0,
            made_for: None,
            made_for_name: String::new(),
            other: None,
            warnings: Vec::new(),
            warned: None,
            adviser: Adviser::default(),
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
        if self.flags.exceptions().all().len() >= MAX_EXCEPTIONS {
            let message = format!("There are {MAX_EXCEPTIONS} exceptions already; more there can't be.");
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
        let name = made_for.and_then(|id| id.get(&self.store).copied());
        let name = name.map_or_else(String::new, |id| self.name_of(id));
        self.open_editor(proposal.which, proposal.text.clone());
        if let Some(tuning) = &mut self.tuning {
            (tuning.proposals, tuning.proposal, tuning.made_for) = (proposals, number, made_for);
            tuning.made_for_name = name;
        }
    }

    /// Edits the other pattern; this one's text waits for Enter or Esc with it.
    pub(super) fn edit_other_pattern(&mut self) {
        let Some(tuning) = &mut self.tuning else { return };
        let which = tuning.trial.which.other();
        let next = tuning.other.take().unwrap_or_else(|| {
            let text = which.of(tuning.trial.flags.patterns()).text().to_owned();
            Draft { editor: editor_of(text), error: None }
        });
        let editor = std::mem::replace(&mut tuning.editor, next.editor);
        let error = std::mem::replace(&mut tuning.trial.error, next.error);
        tuning.other = Some(Draft { editor, error });
        tuning.trial.which = which;
        tuning.scroll = 0;
        self.touch();
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
        tuning.warned = None;
        self.touch();
    }

    /// Puts the patterns as they stand in force. What would silence everything is warned of first.
    pub(super) fn keep_pattern(&mut self) {
        let Some(mut tuning) = self.tuning.take() else { return };
        let other = tuning.other.as_ref().and_then(|draft| draft.error.as_ref());
        let fault = match (&tuning.trial.error, other) {
            (Some(error), _) => Some(error.message.clone()),
            (None, Some(error)) => Some(format!("{}: {}", tuning.trial.which.other().name(), error.message)),
            (None, None) => None,
        };
        if let Some(fault) = fault {
            self.tuning = Some(tuning);
            self.say(Tone::Warning, format!("Not kept: {fault}."));
            return;
        }
        let patterns = tuning.trial.flags.patterns().clone();
        tuning.warn(&self.store, self.flags.patterns());
        if !tuning.warnings.is_empty() && tuning.warned.as_ref() != Some(&patterns) {
            tuning.warned = Some(patterns);
            self.tuning = Some(tuning);
            self.say(Tone::Danger, SILENCES_ALL);
            return;
        }
        let is_changed = |which: &Which| which.of(&patterns) != which.of(self.flags.patterns());
        let changed: Vec<Which> = [Which::CiHost, Which::IdeParent].into_iter().filter(is_changed).collect();
        self.keep_patterns(patterns);
        let what = match changed.as_slice() {
            [] => return,
            [one] => format!("{} pattern", one.name()),
            _ => "Both patterns".to_owned(),
        };
        self.say(Tone::Info, format!("{what} kept; w writes it to the configuration, u undoes."));
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

fn editor_of(text: String) -> TextArea<'static> {
    let mut editor = TextArea::new(vec![text]);
    editor.move_cursor(CursorMove::End);
    editor
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
