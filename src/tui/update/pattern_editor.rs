//! The editor of a pattern: every keystroke is tried, Enter keeps, Esc restores.

use tui_textarea::{CursorMove, Input as FieldInput, Key as FieldKey, TextArea};

use crate::detect::exception::{Exception, Exceptions, MAX_EXCEPTIONS};
use crate::model::event::Field;
use crate::store::held::Held;
use crate::store::ids::FindingId;
use crate::tui::input::{Chord, Key};
use crate::tui::keys::Action;
use crate::tui::state::effect::Effect;
use crate::tui::state::{App, Draft, Page, PatternEditor, Tone};
use crate::tune::{Adviser, Proposal, Trial, Which, also_taken_in, exception_of, proposals};

/// Warns before Enter puts a pattern in force that silences everything; the editor names it and the reason.
pub(in crate::tui) const SILENCES_ALL: &str =
    "Not kept yet: it would silence everything. Enter again keeps it, Esc restores.";

impl App {
    /// Does what a key asks for that concerns the patterns.
    pub(in crate::tui) fn act_on_patterns(&mut self, action: Action) -> Vec<Effect> {
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
                Some(Page::SavePreview(plan)) => return vec![Effect::Save(plan)],
                Some(Page::NewException { exception, .. }) => self.keep_exception(*exception),
                other => self.page = other,
            },
            Action::SavePatterns => return vec![Effect::PlanSave(self.tuned())],
            _ => {}
        }
        Vec::new()
    }

    /// Opens a pattern in its editor.
    pub(in crate::tui) fn open_pattern(&mut self, which: Which) {
        let text = which.of(self.flags.patterns()).text().to_owned();
        self.open_editor(which, text);
    }

    fn open_editor(&mut self, which: Which, text: String) {
        self.pattern_editor = Some(PatternEditor {
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
    pub(in crate::tui) fn allow(&mut self) {
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
                self.pattern_editor = None;
                self.invalidate();
                // The alerts that it suppresses are found with the next list.
                let taken = Held::new(Vec::new(), &self.store);
                self.open_page(Page::NewException { exception: Box::new(exception), taken });
            }
            Ok(None) => self.say(Tone::Warning, "This alert has no field for an exception."),
            Err(error) => {
                self.say(Tone::Warning, format!("No exception can be made of it: {}.", error.message));
            }
        }
    }

    /// Puts the exception that the page shows in force.
    fn keep_exception(&mut self, exception: Exception) {
        if self.flags.exceptions().all().len() >= MAX_EXCEPTIONS {
            let message = format!("No more exceptions: {MAX_EXCEPTIONS} is the maximum.");
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
    pub(in crate::tui) fn next_proposal(&mut self) {
        let Some(pattern_editor) = &self.pattern_editor else {
            // After the exception it starts again.
            self.page = None;
            self.allow();
            return;
        };
        let (next, made_for) = (pattern_editor.proposal + 1, pattern_editor.made_for);
        if next < pattern_editor.proposals.len() {
            self.propose(pattern_editor.proposals.clone(), next, made_for);
        } else {
            self.propose_exception(made_for);
        }
    }

    fn propose(&mut self, proposals: Vec<Proposal>, number: usize, made_for: Option<Held<FindingId>>) {
        let Some(proposal) = proposals.get(number) else { return };
        let name = made_for.and_then(|id| id.get(&self.store).copied());
        let name = name.map_or_else(String::new, |id| self.name_of(id));
        self.open_editor(proposal.which, proposal.text.clone());
        if let Some(pattern_editor) = &mut self.pattern_editor {
            (pattern_editor.proposals, pattern_editor.proposal, pattern_editor.made_for) =
                (proposals, number, made_for);
            pattern_editor.made_for_name = name;
        }
    }

    /// Edits the other pattern; this one's text waits for Enter or Esc with it.
    pub(in crate::tui) fn edit_other_pattern(&mut self) {
        let Some(pattern_editor) = &mut self.pattern_editor else { return };
        let which = pattern_editor.trial.which.other();
        let next = pattern_editor.other.take().unwrap_or_else(|| {
            let text = which.of(pattern_editor.trial.flags.patterns()).text().to_owned();
            Draft { editor: editor_of(text), error: None }
        });
        let editor = std::mem::replace(&mut pattern_editor.editor, next.editor);
        let error = std::mem::replace(&mut pattern_editor.trial.error, next.error);
        pattern_editor.other = Some(Draft { editor, error });
        pattern_editor.trial.which = which;
        pattern_editor.scroll = 0;
        self.invalidate();
    }

    /// Types into the pattern.
    pub(in crate::tui) fn edit_pattern(&mut self, chord: Chord) {
        let Some(pattern_editor) = &mut self.pattern_editor else { return };
        let Some(key) = field_key(chord.key) else { return };
        pattern_editor.editor.input(FieldInput { key, ctrl: chord.ctrl, alt: chord.alt, shift: false });
        self.try_pattern();
    }

    /// A paste is text; its line breaks are left out, since a pattern is one line.
    pub(in crate::tui) fn paste_into_pattern(&mut self, text: &str) {
        let Some(pattern_editor) = &mut self.pattern_editor else { return };
        let line: String = text.chars().filter(|c| !c.is_control()).collect();
        pattern_editor.editor.insert_str(line);
        self.try_pattern();
    }

    fn try_pattern(&mut self) {
        let Some(pattern_editor) = &mut self.pattern_editor else { return };
        let text = pattern_editor.editor.lines().join("");
        pattern_editor.trial.edit(&text, &self.store);
        pattern_editor.scroll = 0;
        pattern_editor.warned = None;
        self.invalidate();
    }

    /// Puts the typed patterns in force. Warns once before a pattern that would silence everything.
    pub(in crate::tui) fn keep_pattern(&mut self) {
        let Some(mut pattern_editor) = self.pattern_editor.take() else { return };
        let other = pattern_editor.other.as_ref().and_then(|draft| draft.error.as_ref());
        let fault = match (&pattern_editor.trial.error, other) {
            (Some(error), _) => Some(error.message.clone()),
            (None, Some(error)) => {
                Some(format!("{}: {}", pattern_editor.trial.which.other().name(), error.message))
            }
            (None, None) => None,
        };
        if let Some(fault) = fault {
            self.pattern_editor = Some(pattern_editor);
            self.say(Tone::Warning, format!("Not kept: {fault}."));
            return;
        }
        let patterns = pattern_editor.trial.flags.patterns().clone();
        pattern_editor.warn(&self.store, self.flags.patterns());
        if !pattern_editor.warnings.is_empty() && pattern_editor.warned.as_ref() != Some(&patterns) {
            pattern_editor.warned = Some(patterns);
            self.pattern_editor = Some(pattern_editor);
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
    pub(in crate::tui) fn undo_pattern(&mut self) {
        if self.step_history(true) {
            self.say(Tone::Info, "Undone; ^R redoes it.");
        }
    }

    /// Does what was undone again.
    pub(in crate::tui) fn redo_pattern(&mut self) {
        if self.step_history(false) {
            self.say(Tone::Info, "Redone.");
        }
    }
}

fn editor_of(text: String) -> TextArea<'static> {
    let mut editor = TextArea::new(vec![text]);
    editor.move_cursor(CursorMove::End);
    editor
}

pub(in crate::tui) const fn field_key(key: Key) -> Option<FieldKey> {
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
