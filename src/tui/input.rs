//! Keys as the console knows them, normalised once: presses only, AltGr undone, a burst of text taken as a paste.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};

/// A key without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Key {
    Char(char),
    Enter,
    Esc,
    Backspace,
    Delete,
    Tab,
    BackTab,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Function(u8),
}

/// A key with its modifiers. Shift is part of the character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// With Control.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
}

impl Chord {
    /// A key alone.
    #[must_use]
    pub const fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false }
    }

    /// A character with Control.
    #[must_use]
    pub const fn ctrl(letter: char) -> Self {
        Self { key: Key::Char(letter), ctrl: true, alt: false }
    }
}

/// Input of the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Chord),
    /// Text was pasted.
    Paste(String),
    /// The terminal has this size now: columns, rows.
    Resize(u16, u16),
    /// The left button at column, row.
    Click(u16, u16),
    /// The wheel: lines down, negative for up.
    Wheel(i16),
    /// The terminal is gone: no more keys will come.
    Closed,
}

/// Translates events. Releases, focus and other buttons mean nothing here, but for one: a character that the keyboard
/// lacks, typed by its number on Windows (Alt and digits) or pasted there, comes as a release that no press came before.
#[derive(Debug, Default)]
pub struct Translator {
    /// Characters whose keys are held down, oldest first.
    held: Vec<char>,
}

/// Keys that are held down at once, at most: a release that is lost is forgotten.
const MAX_HELD: usize = 16;

impl Translator {
    /// Translates one event; `None` for what means nothing.
    #[must_use]
    pub fn translate(&mut self, event: Event) -> Option<Input> {
        match event {
            Event::Key(key) => self.is_typed(key).then(|| chord(key).map(Input::Key)).flatten(),
            Event::Paste(text) => Some(Input::Paste(text)),
            Event::Resize(columns, rows) => Some(Input::Resize(columns, rows)),
            Event::Mouse(mouse) => match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Some(Input::Click(mouse.column, mouse.row)),
                MouseEventKind::ScrollDown => Some(Input::Wheel(3)),
                MouseEventKind::ScrollUp => Some(Input::Wheel(-3)),
                _ => None,
            },
            _ => None,
        }
    }

    fn is_typed(&mut self, key: KeyEvent) -> bool {
        let KeyCode::Char(c) = key.code else { return key.kind == KeyEventKind::Press };
        match key.kind {
            KeyEventKind::Press => {
                if !self.held.contains(&c) {
                    if self.held.len() == MAX_HELD {
                        self.held.remove(0);
                    }
                    self.held.push(c);
                }
                true
            }
            KeyEventKind::Release if self.held.is_empty() => true,
            KeyEventKind::Release => {
                // Shift may have gone up first: then the key that was held has another character.
                let at = self.held.iter().position(|held| *held == c).unwrap_or(0);
                self.held.remove(at);
                false
            }
            KeyEventKind::Repeat => false,
        }
    }
}

fn chord(event: KeyEvent) -> Option<Chord> {
    let mut ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let mut alt = event.modifiers.contains(KeyModifiers::ALT);
    let key = match event.code {
        KeyCode::Char(c) => {
            // AltGr arrives as Control and Alt on Windows: the character is the one that is meant.
            if ctrl && alt {
                (ctrl, alt) = (false, false);
            }
            Key::Char(if ctrl { c.to_ascii_lowercase() } else { c })
        }
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => Key::BackTab,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::F(number) => Key::Function(number),
        _ => return None,
    };
    Some(Chord { key, ctrl, alt })
}

/// Keys that follow one another so closely are typed by no hand.
const MAX_PASTE_GAP: Duration = Duration::from_millis(5);
/// How much of a paste is taken at once.
const MAX_PASTE_INPUTS: usize = 10_000;

/// Takes what came together. Where pastes arrive as keys (on Windows), text that came together is a paste, an Enter in it
/// is part of the text, and none of it is a command. A key that is held down is not a paste: its characters are all the same.
/// `is_rest` says that a paste came before that was not at its end.
#[must_use]
pub fn coalesce(inputs: Vec<Input>, pastes_arrive_as_keys: bool, is_rest: bool) -> Vec<Input> {
    if !pastes_arrive_as_keys {
        return inputs;
    }
    let text: Option<String> = inputs.iter().map(as_text).collect();
    match text {
        Some(text) if is_rest || inputs.iter().any(|input| Some(input) != inputs.first()) => {
            vec![Input::Paste(text)]
        }
        _ => inputs,
    }
}

/// The character that an input would be in a paste.
fn as_text(input: &Input) -> Option<char> {
    match input {
        Input::Key(Chord { key: Key::Char(c), ctrl: false, alt: false }) => Some(*c),
        // Some terminals paste a line break with Control.
        Input::Key(Chord { key: Key::Enter, alt: false, .. }) => Some('\n'),
        Input::Key(Chord { key: Key::Tab, ctrl: false, alt: false }) => Some('\t'),
        _ => None,
    }
}

/// The result of polling the terminal.
enum Asked {
    Event(Event),
    Nothing,
    Gone,
}

/// Reads what comes together: the first event, however long that takes, and those right after it.
struct Gatherer {
    translator: Translator,
    pastes_arrive_as_keys: bool,
    /// A paste was cut.
    is_cut: bool,
}

impl Gatherer {
    const fn new(pastes_arrive_as_keys: bool) -> Self {
        Self { translator: Translator { held: Vec::new() }, pastes_arrive_as_keys, is_cut: false }
    }

    /// `ask` waits for an event for so long, or without an end; `None` where the terminal is gone.
    fn gather(&mut self, mut ask: impl FnMut(Option<Duration>) -> Asked) -> Option<Vec<Input>> {
        let Asked::Event(first) = ask(None) else { return None };
        let mut waiting = Vec::new();
        waiting.extend(self.translator.translate(first));
        while waiting.len() < MAX_PASTE_INPUTS {
            let may_be_paste = self.pastes_arrive_as_keys && waiting.last().and_then(as_text).is_some();
            let patience = if may_be_paste { MAX_PASTE_GAP } else { Duration::ZERO };
            match ask(Some(patience)) {
                Asked::Event(event) => waiting.extend(self.translator.translate(event)),
                Asked::Nothing | Asked::Gone => break,
            }
        }
        let is_rest = std::mem::replace(&mut self.is_cut, waiting.len() >= MAX_PASTE_INPUTS);
        Some(coalesce(waiting, self.pastes_arrive_as_keys, is_rest))
    }
}

/// Asks the terminal.
fn ask(patience: Option<Duration>) -> Asked {
    let is_there = match patience {
        Some(patience) => crossterm::event::poll(patience),
        None => Ok(true),
    };
    match is_there {
        Ok(true) => crossterm::event::read().map_or(Asked::Gone, Asked::Event),
        Ok(false) => Asked::Nothing,
        Err(_) => Asked::Gone,
    }
}

/// Reads the terminal on a thread of its own and hands on what comes, until `hand_on` returns false.
pub fn read_terminal(mut hand_on: impl FnMut(Input) -> bool) {
    #[cfg(unix)]
    let keyboard = crate::tui::terminal::Keyboard::find();
    let mut gatherer = Gatherer::new(cfg!(windows));
    loop {
        #[cfg(unix)]
        if let Some(keyboard) = &keyboard {
            keyboard.wake_reader();
        }
        let Some(inputs) = gatherer.gather(ask) else {
            hand_on(Input::Closed);
            return;
        };
        for input in inputs {
            if !hand_on(input) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::KeyEventState;

    fn event(code: KeyCode, modifiers: KeyModifiers, kind: KeyEventKind) -> Event {
        Event::Key(KeyEvent { code, modifiers, kind, state: KeyEventState::NONE })
    }

    fn translate(event: Event) -> Option<Input> {
        let mut translator = Translator::default();
        // Another key is held, so that a release is one.
        let _ = translator.translate(Event::Key(KeyEvent::from(KeyCode::Char('y'))));
        translator.translate(event)
    }

    #[test]
    fn altgr_types_and_release_does_nothing() {
        let altgr = KeyModifiers::CONTROL | KeyModifiers::ALT;
        for c in ['{', '[', ']', '\\', '|', '@', '~', '€'] {
            let typed = translate(event(KeyCode::Char(c), altgr, KeyEventKind::Press));
            assert_eq!(typed, Some(Input::Key(Chord::plain(Key::Char(c)))));
        }
        assert_eq!(translate(event(KeyCode::Char('x'), KeyModifiers::NONE, KeyEventKind::Release)), None);
        let control = translate(event(KeyCode::Char('C'), KeyModifiers::CONTROL, KeyEventKind::Press));
        assert_eq!(control, Some(Input::Key(Chord::ctrl('c'))));
        let back = translate(event(KeyCode::Tab, KeyModifiers::SHIFT, KeyEventKind::Press));
        assert_eq!(back, Some(Input::Key(Chord::plain(Key::BackTab))));
    }

    fn keys(text: &str) -> Vec<Input> {
        let key = |c| if c == '\n' { Key::Enter } else { Key::Char(c) };
        text.chars().map(|c| Input::Key(Chord::plain(key(c)))).collect()
    }

    #[test]
    fn burst_of_keys_becomes_paste() {
        let pasted = |text: &str| vec![Input::Paste(text.to_owned())];
        assert_eq!(coalesce(keys("ci-\nbuild-"), true, false), pasted("ci-\nbuild-"));
        assert_eq!(coalesce(keys("ci-\nbuild-"), false, false), keys("ci-\nbuild-"));
        assert_eq!(coalesce(keys("dm"), true, false), pasted("dm"), "two keys together are no commands");
        assert_eq!(coalesce(keys("jjj"), true, false), keys("jjj"), "a key that is held down");
        assert_eq!(coalesce(keys("d"), true, false), keys("d"));
        assert_eq!(coalesce(keys("d"), true, true), pasted("d"), "the rest of a paste");
        let mut with_control = keys("a\nb");
        with_control[1] = Input::Key(Chord { key: Key::Enter, ctrl: true, alt: false });
        assert_eq!(coalesce(with_control, true, false), pasted("a\nb"));
    }

    /// Gathers events that each come after a number of milliseconds; a wait is over when its time is.
    fn gathered(events: &[(u64, Event)], pastes_arrive_as_keys: bool) -> Vec<Input> {
        let mut waiting = events.iter();
        let mut next = waiting.next();
        let mut gatherer = Gatherer::new(pastes_arrive_as_keys);
        let mut all = Vec::new();
        while let Some(inputs) = gatherer.gather(|patience| match (next, patience) {
            (None, None) => Asked::Gone,
            (None, Some(_)) => Asked::Nothing,
            (Some((after, _)), Some(patience)) if u128::from(*after) > patience.as_millis() => Asked::Nothing,
            (Some((_, event)), _) => {
                next = waiting.next();
                Asked::Event(event.clone())
            }
        }) {
            all.extend(inputs);
        }
        all
    }

    fn typed(text: &str, apart: u64) -> Vec<(u64, Event)> {
        let code = |c| if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
        text.chars()
            .flat_map(|c| {
                let press = event(code(c), KeyModifiers::NONE, KeyEventKind::Press);
                [(apart, press), (0, event(code(c), KeyModifiers::NONE, KeyEventKind::Release))]
            })
            .collect()
    }

    #[test]
    fn keys_close_together_are_one_paste() {
        assert_eq!(gathered(&typed("dmw", 4), true), [Input::Paste("dmw".to_owned())]);
        assert_eq!(gathered(&typed("dmw", 20), true), keys("dmw"), "typed by hand");
        assert_eq!(gathered(&typed("dmw", 0), false), keys("dmw"), "where pastes are marked");
        let long = "ab".repeat(MAX_PASTE_INPUTS);
        let pasted: String = gathered(&typed(&long, 1), true)
            .into_iter()
            .map(|input| if let Input::Paste(text) = input { text } else { panic!("{input:?} leaked") })
            .collect();
        assert_eq!(pasted, long);
    }

    #[test]
    fn release_without_press_types_its_character() {
        let release = |c| event(KeyCode::Char(c), KeyModifiers::NONE, KeyEventKind::Release);
        let press = |c| event(KeyCode::Char(c), KeyModifiers::NONE, KeyEventKind::Press);
        let all = |events: Vec<Event>| {
            let mut translator = Translator::default();
            events.into_iter().filter_map(|event| translator.translate(event)).collect::<Vec<_>>()
        };
        assert_eq!(all(vec![press('a'), release('a'), release('–'), press('b')]), keys("a–b"));
        // Shift goes up before the key does.
        assert_eq!(all(vec![press('A'), release('a'), press('!'), press('x'), release('1')]), keys("A!x"));
    }
}
