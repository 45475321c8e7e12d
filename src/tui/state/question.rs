//! Questions before something that can't be taken back: leaving with work that is not written, and ending a feed.

use crate::tui::safe;
use crate::tui::state::App;

/// A question that waits for its answer. All keys go to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Leave, although something is not written.
    Quit,
    /// Take in nothing more.
    Stop,
}

impl App {
    /// Unwritten work that leaving now would lose, each as a part of a sentence.
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
                let text = safe::visible(&text);
                let is_waiting = self.writing.len() == self.unwritten().len();
                let waits = if is_waiting { " Without an answer it ends when that is done." } else { "" };
                if text.is_empty() { "Quit?".to_owned() } else { format!("{text}. Quit anyway?{waits}") }
            }
            Question::Stop => "Stop reading? Nothing more is read until :resume.".to_owned(),
        }
    }
}
