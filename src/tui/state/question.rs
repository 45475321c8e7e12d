//! Questions before something that can't be taken back: leaving with work that is not written, and ending a feed.

use crate::tui::safe;
use crate::tui::state::effect::Effect;
use crate::tui::state::{App, Tone};

/// A question that waits for its answer. All keys go to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Leave, although something is not written.
    Quit,
    /// Take in nothing more.
    Stop,
}

impl App {
    /// What would be lost by leaving now, each as a part of a sentence; empty where nothing would.
    #[must_use]
    pub fn unwritten(&self) -> Vec<String> {
        let mut unwritten = Vec::new();
        if self.is_unsaved() {
            unwritten.push("the patterns in force are not in the configuration".to_owned());
        }
        let is_typed = self
            .pattern_editor
            .as_ref()
            .is_some_and(|pattern_editor| pattern_editor.is_changed(self.flags.patterns()))
            || self.workbench.as_ref().is_some_and(|workbench| workbench.is_changed(self.flags.patterns()));
        if is_typed {
            unwritten.push("a pattern is typed and not kept".to_owned());
        }
        let writing = self.writing.iter();
        unwritten.extend(
            writing.map(|writing| format!("writing {} is not done{}", writing.what, writing.percent())),
        );
        unwritten
    }

    /// The question in words.
    #[must_use]
    pub fn question_text(&self, question: Question) -> String {
        match question {
            Question::Quit => {
                let mut text = self.unwritten().join(", and ");
                if let Some(first) = text.get(..1).map(str::to_uppercase) {
                    text.replace_range(..1, &first);
                }
                let text = safe::shown(&text, true);
                let is_waiting = self.writing.len() == self.unwritten().len();
                let waits = if is_waiting { " Without an answer it ends when that is done." } else { "" };
                if text.is_empty() { "Quit?".to_owned() } else { format!("{text}. Quit anyway?{waits}") }
            }
            Question::Stop => "Stop reading? Nothing more is read until :resume.".to_owned(),
        }
    }

    /// Leaves, or asks once where something would be lost.
    pub(in crate::tui) fn quit(&mut self) -> Vec<Effect> {
        if self.question == Some(Question::Quit) || self.unwritten().is_empty() {
            return vec![Effect::Quit];
        }
        self.question = Some(Question::Quit);
        Vec::new()
    }

    /// Does what the question was about.
    pub(in crate::tui) fn answer_yes(&mut self) -> Vec<Effect> {
        match self.question.take() {
            Some(Question::Quit) => return vec![Effect::Quit],
            Some(Question::Stop) => {
                self.load.is_held = true;
                self.say(Tone::Info, "Reading is stopped; what was read stays. :resume goes on.");
            }
            None => {}
        }
        Vec::new()
    }

    /// Asks whether to take in nothing more.
    ///
    /// # Errors
    /// A sentence, where nothing is being read.
    pub(in crate::tui) fn ask_to_stop(&mut self) -> Result<(), String> {
        if self.load.finished {
            return Err("Nothing to stop: everything is read.".to_owned());
        }
        if self.load.is_held {
            return Err("Reading is stopped already; :resume goes on.".to_owned());
        }
        self.question = Some(Question::Stop);
        Ok(())
    }

    /// Takes in what has come since the stop, and what comes.
    ///
    /// # Errors
    /// A sentence, where reading was not stopped or has come to its end.
    pub(in crate::tui) fn resume(&mut self) -> Result<(), String> {
        if self.load.finished {
            return Err("Nothing to resume: everything is read.".to_owned());
        }
        if !self.load.is_held {
            return Err("Nothing to resume: reading was not stopped.".to_owned());
        }
        self.load.is_held = false;
        let message = if self.endless.is_some() {
            "Reading goes on where it stopped; events overwritten meanwhile are reported as lost."
        } else {
            "Reading goes on where it stopped."
        };
        self.say(Tone::Info, message);
        Ok(())
    }
}
