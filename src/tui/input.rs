//! Keys as the console knows them, normalised once: presses only, AltGr undone, a burst of text taken as a paste.

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

/// What comes from the terminal.
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

/// Translates one event; `None` for what means nothing here (releases, focus, other buttons).
#[must_use]
pub fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind == KeyEventKind::Press => chord(key).map(Input::Key),
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

fn chord(event: KeyEvent) -> Option<Chord> {
    let mut ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
    let mut alt = event.modifiers.contains(KeyModifiers::ALT);
    let key = match event.code {
        KeyCode::Char(c) => {
            // AltGr arrives as Control and Alt on Windows: the character is meant as it stands.
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

/// How many keys that arrive at once are text that was pasted, where the terminal does not mark pastes.
const BURST: usize = 6;

/// Takes what was waiting at once. Where pastes arrive as keys (on Windows), a burst of characters is a paste, and an
/// Enter inside it is part of the text.
#[must_use]
pub fn coalesce(inputs: Vec<Input>, pastes_arrive_as_keys: bool) -> Vec<Input> {
    let as_text = |input: &Input| match input {
        Input::Key(Chord { key: Key::Char(c), ctrl: false, alt: false }) => Some(*c),
        Input::Key(Chord { key: Key::Enter, ctrl: false, alt: false }) => Some('\n'),
        Input::Key(Chord { key: Key::Tab, ctrl: false, alt: false }) => Some('\t'),
        _ => None,
    };
    let text: Option<String> = inputs.iter().map(as_text).collect();
    match text {
        Some(text) if pastes_arrive_as_keys && inputs.len() >= BURST => vec![Input::Paste(text)],
        _ => inputs,
    }
}

/// Reads the terminal on a thread of its own and hands on what comes, until `hand_on` returns false.
pub fn read_terminal(mut hand_on: impl FnMut(Input) -> bool) {
    #[cfg(unix)]
    let keyboard = super::terminal::Keyboard::find();
    loop {
        #[cfg(unix)]
        if let Some(keyboard) = &keyboard {
            keyboard.wake_reader();
        }
        let mut waiting = Vec::new();
        let Ok(event) = crossterm::event::read() else {
            hand_on(Input::Closed);
            return;
        };
        waiting.extend(translate(event));
        while waiting.len() < 10_000 && matches!(crossterm::event::poll(std::time::Duration::ZERO), Ok(true))
        {
            match crossterm::event::read() {
                Ok(event) => waiting.extend(translate(event)),
                Err(_) => break,
            }
        }
        for input in coalesce(waiting, cfg!(windows)) {
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

    #[test]
    fn altgr_types_its_character_and_releases_are_nothing() {
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

    #[test]
    fn a_burst_is_a_paste_where_pastes_arrive_as_keys() {
        let keys = |text: &str| {
            text.chars()
                .map(|c| Input::Key(Chord::plain(if c == '\n' { Key::Enter } else { Key::Char(c) })))
                .collect::<Vec<_>>()
        };
        assert_eq!(coalesce(keys("ci-\nbuild-"), true), [Input::Paste("ci-\nbuild-".to_owned())]);
        assert_eq!(coalesce(keys("ci-\nbuild-"), false), keys("ci-\nbuild-"));
        assert_eq!(coalesce(keys("jj"), true), keys("jj"));
    }
}
