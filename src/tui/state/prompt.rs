//! The line at the bottom: a filter, answered while it is typed, or a command.

use crate::filter::{Filter, FilterError};
use crate::tui::input::{Chord, Key};

/// Purpose of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A filter of the list.
    Filter,
    /// A command.
    Command,
    /// A note on what is selected.
    Note,
}

/// A line that is being typed.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its purpose.
    pub kind: Kind,
    /// The text.
    pub text: String,
    /// The cursor, in characters from the start.
    pub cursor: usize,
    /// The error of the typed text.
    pub error: Option<FilterError>,
    /// The filter of the last valid text.
    filter: Option<Filter>,
    past: Option<usize>,
    /// The completions that Tab steps through, each with its cursor.
    completions: Vec<(String, usize)>,
    completion: usize,
}

/// Lines typed before.
#[derive(Clone, Debug, Default)]
pub struct PastLines {
    filters: Vec<String>,
    commands: Vec<String>,
    notes: Vec<String>,
}

impl PastLines {
    fn of(&mut self, kind: Kind) -> &mut Vec<String> {
        match kind {
            Kind::Filter => &mut self.filters,
            Kind::Command => &mut self.commands,
            Kind::Note => &mut self.notes,
        }
    }

    /// Remembers a line, once.
    pub fn add(&mut self, kind: Kind, text: &str) {
        let lines = self.of(kind);
        lines.retain(|line| line != text);
        if !text.trim().is_empty() {
            lines.push(text.to_owned());
        }
    }
}

impl Prompt {
    /// A line that begins with a text.
    #[must_use]
    pub fn new(kind: Kind, text: &str) -> Self {
        let mut prompt = Self {
            kind,
            text: text.to_owned(),
            cursor: text.chars().count(),
            error: None,
            filter: None,
            past: None,
            completions: Vec::new(),
            completion: 0,
        };
        prompt.check();
        prompt
    }

    /// The filter that the list shall answer to while this is typed: `None` where it is no filter line,
    /// `Some(None)` for an empty one.
    #[must_use]
    pub fn filter(&self) -> Option<Option<&Filter>> {
        (self.kind == Kind::Filter).then_some(self.filter.as_ref())
    }

    /// Types or edits. Returns whether the text changed.
    pub fn edit(&mut self, chord: Chord) -> bool {
        let before = self.text.clone();
        match (chord.key, chord.ctrl) {
            (Key::Char(c), false) if !chord.alt => self.insert(&c.to_string()),
            (Key::Char('a'), true) | (Key::Home, _) => self.cursor = 0,
            (Key::Char('e'), true) | (Key::End, _) => self.cursor = self.text.chars().count(),
            (Key::Char('u'), true) => {
                self.text = self.text.chars().skip(self.cursor).collect();
                self.cursor = 0;
            }
            (Key::Char('k'), true) => self.text = self.text.chars().take(self.cursor).collect(),
            (Key::Char('w'), true) => {
                let start = self.word_start();
                self.remove(start, self.cursor);
            }
            (Key::Backspace, _) => self.remove(self.cursor.saturating_sub(1), self.cursor),
            (Key::Delete, _) => self.remove(self.cursor, self.cursor + 1),
            (Key::Left, _) => self.cursor = self.cursor.saturating_sub(1),
            (Key::Right, _) => self.cursor = (self.cursor + 1).min(self.text.chars().count()),
            _ => {}
        }
        if self.text == before {
            return false;
        }
        self.completions.clear();
        self.check();
        true
    }

    /// Inserts a text; its line breaks become blanks.
    pub fn paste(&mut self, text: &str) {
        let line: String = text
            .trim_end_matches(['\r', '\n'])
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        self.insert(&line);
        self.check();
    }

    /// Steps through the lines typed before.
    pub fn recall(&mut self, past_lines: &mut PastLines, back: bool) {
        let lines = past_lines.of(self.kind);
        let next = match (self.past, back) {
            (None, true) => lines.len().checked_sub(1),
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) => Some(at + 1).filter(|at| *at < lines.len()),
            (None, false) => None,
        };
        self.past = next;
        self.text = next.and_then(|at| lines.get(at)).cloned().unwrap_or_default();
        self.cursor = self.text.chars().count();
        self.check();
    }

    /// Completes the word before the cursor; again: with the next possibility.
    pub fn complete(&mut self, commands: &dyn Fn(&str) -> Vec<String>) {
        if self.completions.is_empty() {
            self.completions = self.completed(commands);
            self.completion = 0;
        } else {
            self.completion = (self.completion + 1) % self.completions.len();
        }
        if let Some((text, cursor)) = self.completions.get(self.completion) {
            self.text.clone_from(text);
            self.cursor = *cursor;
            self.check();
        }
    }

    /// The lines that this one could become, each with its cursor.
    fn completed(&self, commands: &dyn Fn(&str) -> Vec<String>) -> Vec<(String, usize)> {
        match self.kind {
            Kind::Note => Vec::new(),
            Kind::Command => commands(&self.text)
                .into_iter()
                .map(|text| {
                    let end = text.chars().count();
                    (text, end)
                })
                .collect(),
            Kind::Filter => {
                let start = Filter::completion_start(&self.text, self.cursor);
                let before: String = self.text.chars().take(start).collect();
                let after: String = self.text.chars().skip(self.cursor).collect();
                Filter::completions(&self.text, self.cursor)
                    .into_iter()
                    .map(|word| (format!("{before}{word}{after}"), start + word.chars().count()))
                    .collect()
            }
        }
    }

    /// The completions, and the current one, for the screen.
    #[must_use]
    pub fn possibilities(&self) -> (&[(String, usize)], usize) {
        (&self.completions, self.completion)
    }

    fn insert(&mut self, text: &str) {
        let at = self.byte_of(self.cursor);
        self.text.insert_str(at, text);
        self.cursor += text.chars().count();
    }

    fn remove(&mut self, from: usize, to: usize) {
        let (start, end) = (self.byte_of(from), self.byte_of(to));
        self.text.replace_range(start..end, "");
        self.cursor = from.min(self.text.chars().count());
    }

    fn byte_of(&self, character: usize) -> usize {
        self.text.char_indices().nth(character).map_or(self.text.len(), |(at, _)| at)
    }

    fn word_start(&self) -> usize {
        let before: Vec<char> = self.text.chars().take(self.cursor).collect();
        let trimmed = before.iter().rposition(|c| !c.is_whitespace()).map_or(0, |at| at + 1);
        before.iter().take(trimmed).rposition(|c| c.is_whitespace()).map_or(0, |at| at + 1)
    }

    /// A text that is no filter leaves the last one as it is.
    fn check(&mut self) {
        if self.kind != Kind::Filter {
            return;
        }
        if self.text.trim().is_empty() {
            (self.filter, self.error) = (None, None);
            return;
        }
        match Filter::parse(&self.text) {
            Ok(filter) => (self.filter, self.error) = (Some(filter), None),
            Err(error) => self.error = Some(error),
        }
    }
}
