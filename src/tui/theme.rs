//! (stub)
use ratatui::style::{Color, Modifier, Style};
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Token {
    Text,
    Muted,
    Border,
    BorderFocused,
    Title,
    Header,
    Selection,
    Score3,
    Score2,
    Score1,
    Score0,
    SignalPush,
    SignalApi,
    SignalNet,
    Match,
    Joined,
    Key,
    KeyLabel,
    Error,
    Warning,
    Ok,
    Input,
    InputError,
}
/// t
#[derive(Clone, Debug, Default)]
pub struct Theme;
impl Theme {
    /// s
    #[must_use]
    pub fn style(&self, token: Token) -> Style {
        let s = Style::default();
        match token {
            Token::Muted | Token::Border | Token::Score0 => s.fg(Color::DarkGray),
            Token::Title | Token::Header => s.add_modifier(Modifier::BOLD),
            Token::Selection => s.add_modifier(Modifier::REVERSED),
            Token::Score3 | Token::Error | Token::InputError => s.fg(Color::Red),
            Token::Score2 | Token::Warning => s.fg(Color::Yellow),
            Token::Key | Token::BorderFocused => s.fg(Color::Cyan),
            Token::Match => s.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            Token::Joined | Token::SignalNet => s.fg(Color::Blue),
            Token::SignalPush => s.fg(Color::Magenta),
            Token::SignalApi => s.fg(Color::Cyan),
            Token::Ok => s.fg(Color::Green),
            _ => s,
        }
    }
}
