//! Colours by what they mean: views ask for a [`Token`], themes say what it looks like.
//!
//! A theme is a TOML file: `TOKEN = { fg = COLOUR, bg = COLOUR, modifiers = [...] }`, where a colour is one of the
//! sixteen by name, `"default"`, or `{ rgb = "#rrggbb", ansi = NAME }` with the name for terminals without more. Six
//! are built in. A file of the user's, `themes/NAME.toml` next to the configuration, extends the theme that its
//! `base` names and says only what is different.

use std::fs;
use std::io;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use toml_edit::{Item, Key, Value};

use crate::config::{ConfigError, Source, meant, read_file, reason};
use crate::model::text::visible;

/// The theme where none is asked for.
pub const DEFAULT_THEME: &str = "ansi";

/// The theme whose modifiers replace colours under `NO_COLOR`.
const COLOURLESS_THEME: &str = "mono";

/// The built-in themes.
const BUILT_IN: [(&str, &str); 6] = [
    (DEFAULT_THEME, include_str!("../../themes/ansi.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("colour-blind-safe", include_str!("../../themes/colour-blind-safe.toml")),
    (COLOURLESS_THEME, include_str!("../../themes/mono.toml")),
];

/// Maximum depth of themes that extend each other.
const MAX_BASES: usize = 8;

const BASE: &str = "base";
const TOKEN_KEYS: [&str; 3] = ["fg", "bg", "modifiers"];
const COLOR_KEYS: [&str; 2] = ["rgb", "ansi"];

macro_rules! tokens {
    ($($(#[$doc:meta])* $name:ident = $text:literal),+ $(,)?) => {
        /// Meanings of things on the screen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Token {
            $($(#[$doc])* $name),+
        }

        impl Token {
            /// All tokens, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
            /// How many tokens there are.
            pub const COUNT: usize = Self::ALL.len();
            const NAMES: &'static [&'static str] = &[$($text),+];

            /// The token's name in theme files.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

tokens! {
    /// Everything that is nothing else; its background is the screen's.
    Text = "text",
    /// Less important text.
    Muted = "muted",
    /// A region's frame.
    Border = "border",
    /// The frame of the region that has the keys.
    BorderFocused = "border_focused",
    /// A region's title.
    Title = "title",
    /// The names of columns.
    Header = "header",
    /// The row or entry that is chosen.
    Selection = "selection",
    /// Score 3.
    Score3 = "score3",
    /// Score 2.
    Score2 = "score2",
    /// Score 1.
    Score1 = "score1",
    /// Score 0.
    Score0 = "score0",
    /// A push.
    SignalPush = "signal_push",
    /// An upload by API.
    SignalApi = "signal_api",
    /// A connection.
    SignalNet = "signal_net",
    /// A lead of `hunt`.
    SignalLead = "signal_lead",
    /// Selected, and no signal.
    SignalUnknown = "signal_unknown",
    /// The part of a text that matched.
    Match = "match",
    /// A field that came from another event.
    Joined = "joined",
    /// A key in the key bar.
    Key = "key",
    /// Label of a key.
    KeyLabel = "key_label",
    /// Something failed.
    Error = "error",
    /// Something needs attention.
    Warning = "warning",
    /// Something went well.
    Ok = "ok",
    /// Text that is being typed.
    Input = "input",
    /// The same, where it means nothing.
    InputError = "input_error",
}

/// The colours that a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorSupport {
    /// None: only modifiers.
    None,
    /// The sixteen of old.
    Ansi16,
    /// Any.
    Rgb,
}

impl ColorSupport {
    /// Reads the environment's `NO_COLOR`, `COLORTERM` and `TERM`. Where nothing promises more, there are sixteen
    /// colours, also over SSH, which does not carry `COLORTERM`.
    #[must_use]
    pub fn from_environment(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        if no_color.is_some_and(|value| !value.is_empty()) || term == "dumb" {
            Self::None
        } else if colorterm.is_some_and(|value| {
            value.eq_ignore_ascii_case("truecolor") || value.eq_ignore_ascii_case("24bit")
        }) || term.ends_with("-direct")
        {
            Self::Rgb
        } else {
            Self::Ansi16
        }
    }
}

const COLORS: [(&str, Color); 17] = [
    ("default", Color::Reset),
    ("black", Color::Black),
    ("red", Color::Red),
    ("green", Color::Green),
    ("yellow", Color::Yellow),
    ("blue", Color::Blue),
    ("magenta", Color::Magenta),
    ("cyan", Color::Cyan),
    ("gray", Color::Gray),
    ("dark-gray", Color::DarkGray),
    ("light-red", Color::LightRed),
    ("light-green", Color::LightGreen),
    ("light-yellow", Color::LightYellow),
    ("light-blue", Color::LightBlue),
    ("light-magenta", Color::LightMagenta),
    ("light-cyan", Color::LightCyan),
    ("white", Color::White),
];

const MODIFIERS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underlined", Modifier::UNDERLINED),
    ("reversed", Modifier::REVERSED),
];

/// A colour and its fallback among the sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shade {
    full: Color,
    ansi: Color,
}

/// A token's look in a theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    fg: Option<Shade>,
    bg: Option<Shade>,
    modifiers: Option<Modifier>,
}

impl Look {
    fn style(self, support: ColorSupport) -> Style {
        let color = |shade: Option<Shade>| match support {
            ColorSupport::None => None,
            ColorSupport::Ansi16 => shade.map(|shade| shade.ansi),
            ColorSupport::Rgb => shade.map(|shade| shade.full),
        };
        Style {
            fg: color(self.fg),
            bg: color(self.bg),
            ..Style::default().add_modifier(self.modifiers.unwrap_or_default())
        }
    }
}

type Looks = [Look; Token::COUNT];

/// A theme, ready for one terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    name: String,
    styles: [Style; Token::COUNT],
}

impl Theme {
    /// The theme of a name: the user's own, where the configuration's folder has it, or a built-in one.
    ///
    /// # Errors
    /// A name that no theme has, and anything that a theme's file cannot say.
    pub fn load(
        name: &str,
        config_folder: Option<&Path>,
        support: ColorSupport,
    ) -> Result<Self, ConfigError> {
        let Some(looks) = looks_of(name, config_folder, 0)? else {
            return Err(ConfigError::UnknownTheme { message: unknown(name, config_folder, "Unknown") });
        };
        let mut styles = looks.map(|look| look.style(support));
        if support == ColorSupport::None
            && let Some(colourless) = looks_of(COLOURLESS_THEME, None, 0)?
        {
            for (style, look) in styles.iter_mut().zip(colourless) {
                *style = style.add_modifier(look.modifiers.unwrap_or_default());
            }
        }
        Ok(Self { name: name.to_owned(), styles })
    }

    /// The theme's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the style of a token.
    #[must_use]
    pub fn style(&self, token: Token) -> Style {
        self.styles.get(token as usize).copied().unwrap_or_default()
    }

    /// The names of all themes: the built-in ones, then the user's own by name.
    #[must_use]
    pub fn names(config_folder: Option<&Path>) -> Vec<String> {
        let mut own: Vec<String> = config_folder
            .and_then(|folder| fs::read_dir(folder.join("themes")).ok())
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
            .filter(|name| is_name(name) && built_in(name).is_none())
            .collect();
        own.sort();
        BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).chain(own).collect()
    }
}

fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(own, _)| *own == name).map(|(_, text)| *text)
}

/// Whether a name can be a file's without leaving the folder.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
}

fn unknown(name: &str, config_folder: Option<&Path>, opening: &str) -> String {
    let names = Theme::names(config_folder);
    let known = names.iter().map(|name| format!("`{}`", visible(name))).collect::<Vec<_>>().join(", ");
    match meant(name, names.iter().map(String::as_str)) {
        meant if meant.is_empty() => format!("{opening} theme `{}`. Available: {known}.", visible(name)),
        meant => format!("{opening} theme `{}`{meant}", visible(name)),
    }
}

/// Reads the theme of a name; `None` where no theme has it.
fn looks_of(name: &str, config_folder: Option<&Path>, depth: usize) -> Result<Option<Looks>, ConfigError> {
    if !is_name(name) {
        return Ok(None);
    }
    if let Some(folder) = config_folder {
        let path = folder.join("themes").join(format!("{name}.toml"));
        match read_file(&path) {
            Ok(bytes) => return read(&bytes, &path, Some(name), config_folder, depth).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(ConfigError::Read { path, reason: reason(&error) }),
        }
    }
    match built_in(name) {
        Some(text) => read(text.as_bytes(), Path::new(name), None, None, depth).map(Some),
        None => Ok(None),
    }
}

/// Reads a theme's file. `own_name` is a user's theme's, which extends another one; a built-in one does not.
fn read(
    bytes: &[u8],
    path: &Path,
    own_name: Option<&str>,
    config_folder: Option<&Path>,
    depth: usize,
) -> Result<Looks, ConfigError> {
    let source = Source::new(bytes, path)?;
    let document = source.document()?;
    let mut looks = [Look::default(); Token::COUNT];
    if let Some(own_name) = own_name {
        let base_item = document.get(BASE);
        let base = base_item.map_or(Ok(DEFAULT_THEME), |item| source.string(BASE, item))?;
        let span = base_item.and_then(Item::span);
        if depth >= MAX_BASES {
            return Err(
                source.fault(span, format!("themes may stand on each other at most {MAX_BASES} deep"))
            );
        }
        // A theme that is named like a built-in one can extend that, not itself.
        let folder = config_folder.filter(|_| base != own_name);
        looks = looks_of(base, folder, depth + 1)?
            .ok_or_else(|| source.fault(span, unknown(base, folder, "unknown")))?;
    }
    for (key, item) in document.iter() {
        if key == BASE && own_name.is_some() {
            continue;
        }
        let Some(look) = Token::NAMES.iter().position(|name| *name == key).and_then(|at| looks.get_mut(at))
        else {
            let span = document.key(key).and_then(Key::span);
            let names = Token::NAMES.iter().copied().chain([BASE]);
            return Err(source.fault(span, format!("unknown token `{}`{}", visible(key), meant(key, names))));
        };
        read_look(&source, key, item, look)?;
    }
    Ok(looks)
}

fn read_look(source: &Source<'_>, token: &str, item: &Item, look: &mut Look) -> Result<(), ConfigError> {
    let table = source.table(token, item)?;
    for (key, item) in table.iter() {
        match key {
            "fg" => look.fg = Some(shade(source, key, item)?),
            "bg" => look.bg = Some(shade(source, key, item)?),
            "modifiers" => look.modifiers = Some(modifiers(source, key, item)?),
            _ => return Err(source.unknown_key(table, key, Some(token), &TOKEN_KEYS)),
        }
    }
    Ok(())
}

fn shade(source: &Source<'_>, key: &str, item: &Item) -> Result<Shade, ConfigError> {
    if let Some(name) = item.as_str() {
        if name.starts_with('#') {
            return Err(source.fault(
                item.span(),
                format!(
                    "`{key}` needs a colour for plain terminals too: {{ rgb = \"{}\", ansi = \"…\" }}",
                    visible(name)
                ),
            ));
        }
        let color = named(source, item, name, "colour", &COLORS)?;
        return Ok(Shade { full: color, ansi: color });
    }
    let table = item.as_table_like().ok_or_else(|| {
        source.wrong_type(key, item, "a colour's name or { rgb = \"#rrggbb\", ansi = \"…\" }")
    })?;
    for (inner, _) in table.iter() {
        if !COLOR_KEYS.contains(&inner) {
            return Err(source.unknown_key(table, inner, Some(key), &COLOR_KEYS));
        }
    }
    let (Some(rgb), Some(ansi)) = (table.get("rgb"), table.get("ansi")) else {
        return Err(source.fault(item.span(), format!("`{key}` needs both `rgb` and `ansi`")));
    };
    let hex = source.string("rgb", rgb)?;
    let full = hex_color(hex).ok_or_else(|| {
        source.fault(
            rgb.span(),
            format!("`rgb` must be `#` and six hexadecimal digits, not `{}`", visible(hex)),
        )
    })?;
    let ansi = named(source, ansi, source.string("ansi", ansi)?, "colour", &COLORS)?;
    Ok(Shade { full, ansi })
}

fn hex_color(text: &str) -> Option<Color> {
    let digits = text.strip_prefix('#')?;
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let [_, red, green, blue] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some(Color::Rgb(red, green, blue))
}

fn named<T: Copy>(
    source: &Source<'_>,
    item: &Item,
    name: &str,
    what: &str,
    values: &[(&str, T)],
) -> Result<T, ConfigError> {
    values.iter().find(|(own, _)| *own == name).map(|(_, value)| *value).ok_or_else(|| {
        let meant = meant(name, values.iter().map(|(own, _)| *own));
        source.fault(item.span(), format!("unknown {what} `{}`{meant}", visible(name)))
    })
}

fn modifiers(source: &Source<'_>, key: &str, item: &Item) -> Result<Modifier, ConfigError> {
    let list = item.as_array().ok_or_else(|| source.wrong_type(key, item, "a list"))?;
    let mut modifiers = Modifier::empty();
    for value in list {
        let entry = Item::Value(Value::clone(value));
        let name = source.string(key, &entry)?;
        modifiers |= named(source, &entry, name, "modifier", &MODIFIERS)?;
    }
    Ok(modifiers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SUPPORTS: [ColorSupport; 3] = [ColorSupport::None, ColorSupport::Ansi16, ColorSupport::Rgb];

    /// Tokens that are no text to read.
    const LINES: [Token; 2] = [Token::Border, Token::Muted];

    fn built_in_theme(name: &str, support: ColorSupport) -> Theme {
        Theme::load(name, None, support).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn built_in_themes_define_every_token() {
        for (name, text) in BUILT_IN {
            let source = Source::new(text.as_bytes(), Path::new(name)).unwrap();
            let document = source.document().unwrap();
            for token in Token::ALL {
                assert!(document.contains_key(token.name()), "{name} lacks {}", token.name());
            }
            assert_eq!(document.iter().count(), Token::COUNT);
            for support in SUPPORTS {
                assert_eq!(built_in_theme(name, support).name(), name);
            }
        }
    }

    /// Relative luminance, as WCAG has it.
    fn luminance(color: Color) -> f64 {
        let Color::Rgb(red, green, blue) = color else { panic!("{color} is no RGB") };
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(one: Color, other: Color) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn token_contrast_is_sufficient() {
        for (name, _) in BUILT_IN {
            for support in SUPPORTS {
                let theme = built_in_theme(name, support);
                let text = theme.style(Token::Text);
                for token in Token::ALL {
                    let style = theme.style(*token);
                    let (fg, bg) = (style.fg.or(text.fg), style.bg.or(text.bg));
                    assert!(fg.is_none() || fg != bg, "{name}: {} under {support:?}", token.name());
                    let (Some(fg @ Color::Rgb(..)), Some(bg @ Color::Rgb(..))) = (fg, bg) else { continue };
                    let least = match (name, LINES.contains(token)) {
                        ("high-contrast", _) => 7.0,
                        (_, true) => 3.0,
                        (_, false) => 4.5,
                    };
                    let contrast = contrast(fg, bg);
                    assert!(contrast >= least, "{name}: {} has {contrast:.2}", token.name());
                }
            }
        }
    }

    #[test]
    fn colourless_themes_use_modifiers() {
        for (name, _) in BUILT_IN {
            let theme = built_in_theme(name, ColorSupport::None);
            for token in Token::ALL {
                let style = theme.style(*token);
                assert_eq!(
                    (style.fg, style.bg, style.underline_color),
                    (None, None, None),
                    "{name} {}",
                    token.name()
                );
            }
            assert!(theme.style(Token::Selection).add_modifier.contains(Modifier::REVERSED));
            let scores =
                [Token::Score0, Token::Score1, Token::Score2, Token::Score3].map(|token| theme.style(token));
            for (at, score) in scores.iter().enumerate() {
                assert!(!scores[at + 1..].contains(score), "{name}: two scores look the same");
                assert!(!score.add_modifier.contains(Modifier::REVERSED), "{name}: it would look chosen");
            }
            for token in [Token::Match, Token::Error, Token::InputError, Token::Joined] {
                assert_ne!(theme.style(token), theme.style(Token::Text), "{name}: {}", token.name());
            }
        }
        for support in SUPPORTS {
            assert_eq!(built_in_theme("mono", support), built_in_theme("mono", ColorSupport::None));
        }
    }

    #[test]
    fn plain_terminals_get_no_rgb() {
        for (name, _) in BUILT_IN {
            let theme = built_in_theme(name, ColorSupport::Ansi16);
            for token in Token::ALL {
                let style = theme.style(*token);
                for color in [style.fg, style.bg].into_iter().flatten() {
                    assert!(!matches!(color, Color::Rgb(..) | Color::Indexed(_)), "{name} {}", token.name());
                }
            }
            let scores =
                [Token::Score0, Token::Score1, Token::Score2, Token::Score3].map(|token| theme.style(token));
            assert!(
                (0..4).all(|at| !scores[at + 1..].contains(&scores[at])),
                "{name}: two scores look the same"
            );
        }
        let dark = built_in_theme("dark", ColorSupport::Rgb);
        assert_eq!(dark.style(Token::Text).bg, Some(Color::Rgb(0x14, 0x16, 0x1b)));
    }

    #[test]
    fn environment_selects_color_support() {
        use ColorSupport::{Ansi16, None as NoColor, Rgb};
        for (no_color, colorterm, term, expected) in [
            (None, None, None, Ansi16),
            (None, None, Some("xterm-256color"), Ansi16),
            (None, Some("truecolor"), Some("xterm-256color"), Rgb),
            (None, Some("24bit"), None, Rgb),
            (None, Some("yes"), Some("xterm"), Ansi16),
            (None, None, Some("xterm-direct"), Rgb),
            (None, Some("truecolor"), Some("dumb"), NoColor),
            (Some("1"), Some("truecolor"), Some("xterm"), NoColor),
            (Some(""), Some("truecolor"), Some("xterm"), Rgb),
        ] {
            assert_eq!(ColorSupport::from_environment(no_color, colorterm, term), expected);
        }
    }

    fn with_theme(files: &[(&str, &str)], name: &str) -> Result<Theme, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("themes")).unwrap();
        for (file, text) in files {
            fs::write(folder.path().join("themes").join(format!("{file}.toml")), text).unwrap();
        }
        Theme::load(name, Some(folder.path()), ColorSupport::Rgb)
            .map_err(|error| {
                error.to_string().replace(&folder.path().join("themes").display().to_string(), "")
            })
            .map_err(|message| message.trim_start_matches(['/', '\\']).to_owned())
    }

    #[test]
    fn user_themes_extend_others() {
        let dark = built_in_theme("dark", ColorSupport::Rgb);
        let mine = ("mine", "base = 'dark'\n[score3]\nfg = 'red'\n[match]\nmodifiers = ['dim', 'bold']\n");
        let theme = with_theme(&[mine], "mine").unwrap();
        assert_eq!(
            theme.style(Token::Score3),
            dark.style(Token::Score3).fg(Color::Red),
            "the rest of it stays"
        );
        assert_eq!(theme.style(Token::Match).add_modifier, Modifier::DIM | Modifier::BOLD);
        assert_eq!(theme.style(Token::Text), dark.style(Token::Text));

        let second = ("second", "base = 'mine'\nscore3.modifiers = []\n");
        let theme = with_theme(&[mine, second], "second").unwrap();
        assert_eq!(theme.style(Token::Score3), Style { fg: Some(Color::Red), ..Style::default() });

        let dark_again = ("dark", "base = 'dark'\ntext = { bg = 'default' }\n");
        let theme = with_theme(&[dark_again], "dark").unwrap();
        assert_eq!(theme.style(Token::Text), dark.style(Token::Text).bg(Color::Reset));

        let ansi = built_in_theme("ansi", ColorSupport::Rgb);
        assert_eq!(with_theme(&[("plain", "")], "plain").unwrap().style(Token::Key), ansi.style(Token::Key));
    }

    #[test]
    fn mistakes_in_themes_are_named() {
        for (text, expected) in [
            ("scoer3 = {}", "t.toml:1:1: unknown token `scoer3`; did you mean `score3`?"),
            (
                "\n border-focused = {}",
                "t.toml:2:2: unknown token `border-focused`; did you mean `border_focused`?",
            ),
            ("frobnicate = {}", "t.toml:1:1: unknown token `frobnicate`"),
            ("text = 'red'", "t.toml:1:8: `text` must be a table, not a string"),
            ("text = { foo = 'red' }", "t.toml:1:10: unknown key `foo` in [text]"),
            ("text = { fg = 'rde' }", "t.toml:1:15: unknown colour `rde`; did you mean `red`?"),
            (
                "text = { fg = 3 }",
                "t.toml:1:15: `fg` must be a colour's name or { rgb = \"#rrggbb\", ansi = \"…\" }, not an integer",
            ),
            (
                "text = { fg = '#123456' }",
                "t.toml:1:15: `fg` needs a colour for plain terminals too: { rgb = \"#123456\", ansi = \"…\" }",
            ),
            ("text = { fg = { rgb = '#123456' } }", "t.toml:1:15: `fg` needs both `rgb` and `ansi`"),
            (
                "text = { fg = { rgb = '#12345', ansi = 'red' } }",
                "t.toml:1:23: `rgb` must be `#` and six hexadecimal digits, not `#12345`",
            ),
            (
                "text = { fg = { rgb = '#+12345', ansi = 'red' } }",
                "t.toml:1:23: `rgb` must be `#` and six hexadecimal digits, not `#+12345`",
            ),
            ("text = { fg = { rgb = '#123456', ansi = 'pink' } }", "t.toml:1:41: unknown colour `pink`"),
            (
                "text = { fg = { rbg = '#123456', ansi = 'red' } }",
                "t.toml:1:17: unknown key `rbg` in [fg]; did you mean `rgb`?",
            ),
            ("text = { modifiers = 'bold' }", "t.toml:1:22: `modifiers` must be a list, not a string"),
            (
                "text = { modifiers = ['bold', 'blod'] }",
                "t.toml:1:31: unknown modifier `blod`; did you mean `bold`?",
            ),
            ("text = { modifiers = [1] }", "t.toml:1:23: `modifiers` must be a string, not an integer"),
            ("base = 'drak'", "t.toml:1:8: unknown theme `drak`; did you mean `dark`?"),
            ("base = 1", "t.toml:1:8: `base` must be a string, not an integer"),
            (
                "base = 't'",
                "t.toml:1:8: unknown theme `t`. Available: `ansi`, `dark`, `light`, `high-contrast`, `colour-blind-safe`, `mono`.",
            ),
            (
                "base = '../x'",
                "t.toml:1:8: unknown theme `../x`. Available: `ansi`, `dark`, `light`, `high-contrast`, `colour-blind-safe`, `mono`, `t`.",
            ),
        ] {
            assert_eq!(with_theme(&[("t", text)], "t"), Err(expected.to_owned()), "{text}");
        }
        let circle = [("one", "base = 'two'"), ("two", "base = 'one'")];
        assert_eq!(
            with_theme(&circle, "one"),
            Err("one.toml:1:8: themes may stand on each other at most 8 deep".into())
        );
        assert_eq!(with_theme(&[], "drak"), Err("Unknown theme `drak`; did you mean `dark`?".into()));
        assert_eq!(
            with_theme(&[("mine", "")], "../../etc/passwd"),
            Err("Unknown theme `../../etc/passwd`. Available: `ansi`, `dark`, `light`, `high-contrast`, `colour-blind-safe`, `mono`, `mine`.".into())
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(text|score3|base|fg|rgb|ansi|modifiers|'dark'|'#12345[6ü]'|[=\\[\\]{}', \n.]|red){0,16}") {
            let _ = read(text.as_bytes(), Path::new("t"), Some("t"), None, 0);
        }
    }
}
