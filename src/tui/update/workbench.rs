//! The keys of the workbench.

use tui_textarea::Input as FieldInput;

use super::pattern_editor::{SILENCES_ALL, field_key};
use crate::store::held::Held;
use crate::store::list::listing::Shown;
use crate::tui::input::{Chord, Key};
use crate::tui::state::workbench::{PARTS, Part, Workbench};
use crate::tui::state::{App, Pane, Selected, Tone};
use crate::tune::Which;

impl App {
    /// Opens the workbench, or goes back to it.
    pub(in crate::tui) fn open_workbench(&mut self) {
        if let Some(workbench) = &mut self.workbench {
            if let Some(list) = workbench.list_before.take() {
                self.list = list;
                self.selected = None;
            }
        } else {
            let (saved, exceptions) = (self.saved.clone(), self.saved_exceptions.clone());
            self.workbench = Some(Workbench::new(&self.flags, saved, exceptions));
        }
        self.invalidate();
    }

    /// Leaves it; what was typed and not kept is gone.
    pub(in crate::tui) fn close_workbench(&mut self) {
        let Some(workbench) = self.workbench.take() else { return };
        if workbench.trial.patterns() != self.flags.patterns() {
            self.say(Tone::Info, "The patterns are as they were before; what was typed was not kept.");
        }
        self.invalidate();
    }

    /// Esc: out of the filter, or out of the workbench.
    pub(in crate::tui) fn escape_workbench(&mut self) {
        match &mut self.workbench {
            Some(workbench) if workbench.part == Part::SubjectFilter => {
                workbench.subject_filter.clear();
                workbench.part = Part::Pattern(Which::CiHost);
            }
            _ => self.close_workbench(),
        }
    }

    /// Types into the part that has the keys.
    pub(in crate::tui) fn type_in_workbench(&mut self, chord: Chord) {
        let Some(workbench) = &mut self.workbench else { return };
        match workbench.part {
            Part::Pattern(which) => {
                let Some(key) = field_key(chord.key) else { return };
                let input = FieldInput { key, ctrl: chord.ctrl, alt: chord.alt, shift: false };
                if workbench.editor_mut(which).area.input(input) {
                    workbench.try_text(which, &self.store);
                }
            }
            Part::SubjectFilter => match chord.key {
                Key::Char(c) if !chord.ctrl && !chord.alt => workbench.subject_filter.push(c),
                Key::Backspace => {
                    workbench.subject_filter.pop();
                }
                _ => {}
            },
            Part::Changes | Part::Advice => {}
        }
    }

    /// A paste is text; its line breaks are left out, since a pattern is one line.
    pub(in crate::tui) fn paste_into_workbench(&mut self, text: &str) {
        let Some(workbench) = &mut self.workbench else { return };
        let line: String = text.chars().filter(|c| !c.is_control()).collect();
        match workbench.part {
            Part::Pattern(which) => {
                workbench.editor_mut(which).area.insert_str(line);
                workbench.try_text(which, &self.store);
            }
            Part::SubjectFilter => workbench.subject_filter.push_str(&line),
            Part::Changes | Part::Advice => {}
        }
    }

    /// To the next part, or the one before.
    pub(in crate::tui) fn step_part(&mut self, by: usize) {
        let Some(workbench) = &mut self.workbench else { return };
        let at = PARTS.iter().position(|part| *part == workbench.part);
        let next = at.map_or(0, |at| at + by) % PARTS.len();
        if let Some(part) = PARTS.get(next) {
            workbench.part = *part;
        }
    }

    /// To the line that filters hosts and parents.
    pub(in crate::tui) fn filter_subjects(&mut self) {
        if let Some(workbench) = &mut self.workbench {
            workbench.part = Part::SubjectFilter;
        }
    }

    /// Up (negative) or down in the part that has the keys.
    pub(in crate::tui) fn scroll_workbench(&mut self, by: isize) {
        let Some(workbench) = &mut self.workbench else { return };
        match workbench.part {
            Part::Pattern(which) => {
                let last = which.count(&self.store).saturating_sub(1);
                let editor = workbench.editor_mut(which);
                editor.scroll = editor.scroll.saturating_add_signed(by).min(last);
            }
            Part::SubjectFilter => {}
            Part::Changes => {
                let last = workbench.changes(&self.store).len().saturating_sub(1);
                workbench.change = workbench.change.saturating_add_signed(by).min(last);
            }
            Part::Advice => {
                let last = workbench.advice.len().saturating_sub(1);
                workbench.advised = workbench.advised.saturating_add_signed(by.signum()).min(last);
            }
        }
    }

    /// Enter: keeps what is typed, shows the alert that changes, or takes the advice.
    pub(in crate::tui) fn enter_workbench(&mut self) {
        let Some(workbench) = &mut self.workbench else { return };
        match workbench.part {
            Part::Pattern(_) => self.keep_workbench(),
            Part::SubjectFilter => workbench.part = Part::Pattern(Which::CiHost),
            Part::Changes => self.show_change(),
            Part::Advice => self.take_advice(),
        }
    }

    fn keep_workbench(&mut self) {
        let Some(workbench) = &mut self.workbench else { return };
        if let Some(editor) = workbench.editors.iter().find(|editor| editor.error.is_some()) {
            let message = format!(
                "Not kept: {}: {}.",
                editor.which.name(),
                editor.error.as_ref().map_or("", |error| error.message.as_str())
            );
            self.say(Tone::Warning, message);
            return;
        }
        let patterns = workbench.trial.patterns().clone();
        if patterns == *self.flags.patterns() {
            self.say(Tone::Info, "No change: both patterns are in force already.");
            return;
        }
        let warnings = workbench.adviser.warnings(&self.store, &workbench.trial, self.flags.patterns());
        if !warnings.is_empty() && workbench.warned.as_ref() != Some(&patterns) {
            workbench.warned = Some(patterns);
            self.say(Tone::Danger, SILENCES_ALL);
            return;
        }
        self.keep_patterns(patterns);
        self.say(Tone::Info, "Both patterns are kept; ^S writes them to the configuration, ^U undoes.");
    }

    /// Shows the alert under the cursor in the list, under the patterns as they are typed.
    fn show_change(&mut self) {
        let Some(workbench) = &mut self.workbench else { return };
        let Some((_, id)) = workbench.changes(&self.store).get(workbench.change) else { return };
        let score = self
            .store
            .finding(id)
            .and_then(|finding| self.store.score_of(finding, self.list.profile, &workbench.trial))
            .unwrap_or(0);
        workbench.list_before = Some(self.list.clone());
        self.list.shown = if score >= self.list.min_score { Shown::Alerts } else { Shown::Suppressed };
        (self.list.filter, self.list.range, self.list.group) = (None, None, None);
        self.selected = Some(Selected::Finding(Held::new(id, &self.store)));
        self.walk_to(Vec::new());
        self.pane = Pane::Alerts;
        self.zoomed = false;
        self.invalidate();
        self.say(Tone::Info, "This is under the patterns as they are typed; 2 or Esc goes back to them.");
    }

    /// Puts the proposal of the advice under the cursor into its pattern.
    pub(in crate::tui) fn take_advice(&mut self) {
        let Some(workbench) = &mut self.workbench else { return };
        let Some(advice) = workbench.advice.get(workbench.advised).cloned() else { return };
        let Some(text) = advice.text else {
            self.say(Tone::Warning, "There is no proposal sure enough to take: edit the pattern yourself.");
            return;
        };
        workbench.set_text(advice.which, &text, &self.store);
        self.say(
            Tone::Info,
            format!("Put into the {} pattern; Enter there keeps it, Esc restores it.", advice.which.name()),
        );
    }
}
