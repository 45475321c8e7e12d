//! Questions before leaving or ending a feed, and their answers.

use crate::tui::state::effect::Effect;
use crate::tui::state::question::Question;
use crate::tui::state::{App, Tone};

impl App {
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
