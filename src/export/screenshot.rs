//! A screen of the console as a picture (SVG) and as text.
//!
//! The picture is self-contained: no font, script or style sheet from elsewhere. Each run of cells of one style is one
//! `<text>` whose `textLength` is the width of its cells, so columns stay columns whatever monospaced font a viewer
//! has. A wide character is a run of its own, two cells long.
//!
//! The texts of a screen are masked and made visible already. A picture only ensures that it is well-formed XML, and
//! that text in a right-to-left script keeps to its cells.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::safe::escaped;
use crate::model::text;

const CELL_WIDTH: usize = 9;
const CELL_HEIGHT: usize = 19;
const FONT_SIZE: usize = 15;
/// Distance from the top of a cell to the baseline of its characters.
const BASELINE: usize = 14;
const PADDING: usize = 10;
const FONTS: &str = "ui-monospace,'Cascadia Mono','Cascadia Code',Consolas,'DejaVu Sans Mono',Menlo,'Liberation Mono',monospace";

/// A colour: red, green, blue.
pub type Rgb = [u8; 3];

/// Colours of a picture for the names of the terminal's own colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Text without a colour of its own.
    pub foreground: Rgb,
    /// Cells without a background of their own.
    pub background: Rgb,
    /// The 16 colours: black, red, green, yellow, blue, magenta, cyan, white, and the bright ones.
    pub ansi: [Rgb; 16],
}

impl Palette {
    /// The colours of a Windows console.
    pub const DARK: Self = Self {
        foreground: [0xcc, 0xcc, 0xcc],
        background: [0x0c, 0x0c, 0x0c],
        ansi: [
            [0x0c, 0x0c, 0x0c],
            [0xc5, 0x0f, 0x1f],
            [0x13, 0xa1, 0x0e],
            [0xc1, 0x9c, 0x00],
            [0x00, 0x37, 0xda],
            [0x88, 0x17, 0x98],
            [0x3a, 0x96, 0xdd],
            [0xcc, 0xcc, 0xcc],
            [0x76, 0x76, 0x76],
            [0xe7, 0x48, 0x56],
            [0x16, 0xc6, 0x0c],
            [0xf9, 0xf1, 0xa5],
            [0x3b, 0x78, 0xff],
            [0xb4, 0x00, 0x9e],
            [0x61, 0xd6, 0xd6],
            [0xf2, 0xf2, 0xf2],
        ],
    };

    /// The same on paper.
    pub const LIGHT: Self =
        Self { foreground: [0x1e, 0x1e, 0x1e], background: [0xff, 0xff, 0xff], ..Self::DARK };

    /// The colour; `None` for the terminal's own.
    fn rgb(&self, color: Color) -> Option<Rgb> {
        let index = match color {
            Color::Reset => return None,
            Color::Rgb(red, green, blue) => return Some([red, green, blue]),
            Color::Black => 0,
            Color::Red => 1,
            Color::Green => 2,
            Color::Yellow => 3,
            Color::Blue => 4,
            Color::Magenta => 5,
            Color::Cyan => 6,
            Color::Gray => 7,
            Color::DarkGray => 8,
            Color::LightRed => 9,
            Color::LightGreen => 10,
            Color::LightYellow => 11,
            Color::LightBlue => 12,
            Color::LightMagenta => 13,
            Color::LightCyan => 14,
            Color::White => 15,
            Color::Indexed(index) => index,
        };
        Some(self.ansi.get(usize::from(index)).copied().unwrap_or_else(|| indexed(index)))
    }
}

impl Default for Palette {
    fn default() -> Self {
        Self::DARK
    }
}

/// The colours 16 to 255, which are the same on every terminal: a cube of 6 x 6 x 6, and 24 greys.
fn indexed(index: u8) -> Rgb {
    if let Some(grey) = index.checked_sub(232) {
        return [8 + 10 * grey; 3];
    }
    let step = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let cube = index.saturating_sub(16);
    [step(cube / 36), step(cube / 6 % 6), step(cube % 6)]
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    foreground: Rgb,
    /// `None` where the picture's own background shows.
    background: Option<Rgb>,
    modifier: Modifier,
}

impl Look {
    fn of(cell: &Cell, palette: &Palette) -> Self {
        let foreground = palette.rgb(cell.fg).unwrap_or(palette.foreground);
        let background = palette.rgb(cell.bg);
        let modifier = cell.modifier;
        if modifier.contains(Modifier::REVERSED) {
            let reversed = background.unwrap_or(palette.background);
            Self { foreground: reversed, background: Some(foreground), modifier }
        } else {
            Self { foreground, background, modifier }
        }
    }

    fn has_line(self) -> bool {
        self.modifier.intersects(Modifier::UNDERLINED | Modifier::CROSSED_OUT)
    }
}

/// Neighbouring cells of one look.
struct Run {
    column: usize,
    columns: usize,
    text: String,
    look: Look,
    is_wide: bool,
}

fn rows(buffer: &Buffer) -> impl Iterator<Item = Vec<(usize, &Cell, usize)>> {
    let area = buffer.area;
    (area.top()..area.bottom()).map(move |y| {
        let mut cells = Vec::new();
        let mut covered = 0;
        for (column, x) in (area.left()..area.right()).enumerate() {
            if column < covered {
                continue;
            }
            if let Some(cell) = buffer.cell((x, y)) {
                let columns = text::width(cell.symbol()).clamp(1, usize::from(area.right() - x));
                cells.push((column, cell, columns));
                covered = column + columns;
            }
        }
        cells
    })
}

fn runs(cells: Vec<(usize, &Cell, usize)>, palette: &Palette) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (column, cell, columns) in cells {
        let look = Look::of(cell, palette);
        let is_wide = columns > 1;
        let symbol = printable(cell.symbol());
        match runs.last_mut() {
            Some(run) if run.look == look && !is_wide && !run.is_wide => {
                run.columns += columns;
                run.text.push_str(&symbol);
            }
            _ => runs.push(Run { column, columns, text: symbol.into_owned(), look, is_wide }),
        }
    }
    runs
}

/// Returns a cell's symbol without characters that XML forbids or a viewer would obey.
fn printable(symbol: &str) -> Cow<'_, str> {
    if symbol.is_empty() {
        return Cow::Borrowed(" ");
    }
    if !symbol.contains(text::is_forbidden) {
        return Cow::Borrowed(symbol);
    }
    let kept: String = symbol.chars().filter(|character| !text::is_forbidden(*character)).collect();
    Cow::Owned(if kept.is_empty() { "\u{fffd}".to_owned() } else { kept })
}

/// Writes the screen as plain text, a line for each row, blanks at a line's end cut.
///
/// # Errors
/// Those of `out`.
pub fn write_text(out: &mut dyn Write, buffer: &Buffer) -> io::Result<()> {
    for cells in rows(buffer) {
        let line: String = cells.into_iter().map(|(_, cell, _)| printable(cell.symbol())).collect();
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes the screen as an SVG picture, with a title for screen readers.
///
/// # Errors
/// Those of `out`.
pub fn write_svg(out: &mut dyn Write, buffer: &Buffer, palette: &Palette, title: &str) -> io::Result<()> {
    let width = usize::from(buffer.area.width) * CELL_WIDTH + 2 * PADDING;
    let height = usize::from(buffer.area.height) * CELL_HEIGHT + 2 * PADDING;
    let title = escaped(&text::visible(title));
    write!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<style>text{{font-family:{FONTS};font-size:{FONT_SIZE}px;white-space:pre;direction:ltr;unicode-bidi:bidi-override}}</style>
<rect width="{width}" height="{height}" fill="{}"/>
"#,
        hex(palette.background)
    )?;
    let mut line = String::new();
    for (row, cells) in rows(buffer).enumerate() {
        line.clear();
        let runs = runs(cells, palette);
        // All backgrounds first: a character may reach a little into its neighbour's cell.
        for run in &runs {
            push_background(&mut line, run, row);
        }
        for run in &runs {
            push_text(&mut line, run, row);
        }
        out.write_all(line.as_bytes())?;
    }
    out.write_all(b"</svg>\n")
}

// Writing to a String cannot fail.
fn push_background(svg: &mut String, run: &Run, row: usize) {
    if let Some(background) = run.look.background {
        let _ = writeln!(
            svg,
            r#"<rect x="{}" y="{}" width="{}" height="{CELL_HEIGHT}" fill="{}"/>"#,
            PADDING + run.column * CELL_WIDTH,
            PADDING + row * CELL_HEIGHT,
            run.columns * CELL_WIDTH,
            hex(background)
        );
    }
}

fn push_text(svg: &mut String, run: &Run, row: usize) {
    let look = run.look;
    let is_blank = run.text.trim_matches(' ').is_empty();
    if look.modifier.contains(Modifier::HIDDEN) || is_blank && !look.has_line() {
        return;
    }
    let _ = write!(
        svg,
        r#"<text x="{}" y="{}" textLength="{}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="{}""#,
        PADDING + run.column * CELL_WIDTH,
        PADDING + row * CELL_HEIGHT + BASELINE,
        run.columns * CELL_WIDTH,
        hex(look.foreground)
    );
    if look.modifier.contains(Modifier::BOLD) {
        svg.push_str(r#" font-weight="bold""#);
    }
    if look.modifier.contains(Modifier::ITALIC) {
        svg.push_str(r#" font-style="italic""#);
    }
    if look.modifier.contains(Modifier::DIM) {
        svg.push_str(r#" fill-opacity="0.6""#);
    }
    let lines = [(Modifier::UNDERLINED, "underline"), (Modifier::CROSSED_OUT, "line-through")]
        .into_iter()
        .filter_map(|(modifier, line)| look.modifier.contains(modifier).then_some(line))
        .collect::<Vec<_>>();
    if !lines.is_empty() {
        let _ = write!(svg, r#" text-decoration="{}""#, lines.join(" "));
    }
    let _ = writeln!(svg, ">{}</text>", escaped(&run.text));
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    fn svg(buffer: &Buffer) -> String {
        let mut out = Vec::new();
        write_svg(&mut out, buffer, &Palette::DARK, "a <screen>").unwrap();
        String::from_utf8(out).unwrap()
    }

    fn texts(svg: &str) -> Vec<&str> {
        svg.lines().filter(|line| line.starts_with("<text")).collect()
    }

    #[test]
    fn text_is_the_screen_without_blanks_at_the_ends() {
        let mut buffer = Buffer::empty(Rect::new(3, 2, 10, 3));
        buffer.set_string(3, 2, "  git  ", Style::new());
        buffer.set_string(3, 4, "東京 <x>", Style::new());
        let mut out = Vec::new();
        write_text(&mut out, &buffer).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "  git\n\n東京 <x>\n");
    }

    #[test]
    fn a_run_is_as_long_as_its_cells() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(0, 0, "ab東京c", Style::new());
        let svg = svg(&buffer);
        let lengths: Vec<_> = texts(&svg)
            .iter()
            .map(|text| {
                let x = text.split(r#"x=""#).nth(1).unwrap().split('"').next().unwrap();
                let length = text.split(r#"textLength=""#).nth(1).unwrap().split('"').next().unwrap();
                let inner = text.split('>').nth(1).unwrap().split('<').next().unwrap();
                (x.parse::<usize>().unwrap(), length.parse::<usize>().unwrap(), inner)
            })
            .collect();
        assert_eq!(lengths, [(10, 18, "ab"), (28, 18, "東"), (46, 18, "京"), (64, 54, "c     ")]);
    }

    #[test]
    fn looks_are_carried_over() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 1));
        for (x, style) in (0..).zip([
            Style::new().red().bold(),
            Style::new().fg(Color::Indexed(208)).underlined().dim(),
            Style::new().fg(Color::Rgb(1, 2, 3)).bg(Color::Blue).italic(),
            Style::new().green().reversed(),
            Style::new().hidden(),
        ]) {
            buffer.set_string(x, 0, "x", style);
        }
        let svg = svg(&buffer);
        let texts = texts(&svg);
        assert_eq!(texts.len(), 4, "what is hidden is not drawn");
        assert!(texts[0].contains(r##"fill="#c50f1f" font-weight="bold">x<"##), "{}", texts[0]);
        assert!(
            texts[1].contains(r##"fill="#ff8700" fill-opacity="0.6" text-decoration="underline">"##),
            "{}",
            texts[1]
        );
        assert!(texts[2].contains(r##"fill="#010203" font-style="italic">"##), "{}", texts[2]);
        assert!(texts[3].contains(r##"fill="#0c0c0c">"##), "{}", texts[3]);
        for rect in [
            r##"<rect x="28" y="10" width="9" height="19" fill="#0037da"/>"##,
            r##"<rect x="37" y="10" width="9" height="19" fill="#13a10e"/>"##,
        ] {
            assert!(svg.contains(rect), "{svg}");
        }
    }

    #[test]
    fn the_fixed_colours_are_those_of_every_terminal() {
        for (index, rgb) in [
            (16, [0, 0, 0]),
            (21, [0, 0, 255]),
            (196, [255, 0, 0]),
            (231, [255, 255, 255]),
            (232, [8, 8, 8]),
            (255, [238, 238, 238]),
        ] {
            assert_eq!(Palette::DARK.rgb(Color::Indexed(index)), Some(rgb), "{index}");
        }
        assert_eq!(Palette::DARK.rgb(Color::Indexed(9)), Palette::DARK.rgb(Color::LightRed));
    }

    #[test]
    fn nothing_of_the_screen_is_markup() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 2));
        buffer.set_string(0, 0, "</text><script>alert(1)</script>&\"'", Style::new());
        for (x, symbol) in (0..).zip(["\u{1b}", "\u{202e}", "a\u{202e}", "\u{fffe}", ""]) {
            buffer.cell_mut((x, 1)).unwrap().set_symbol(symbol);
        }
        let svg = svg(&buffer);
        assert!(!svg.contains("<script"), "{svg}");
        assert!(svg.contains("<title>a &lt;screen&gt;</title>"), "{svg}");
        assert!(!svg.replace('\n', "").contains(text::is_forbidden), "{svg:?}");
        assert!(svg.contains(">\u{fffd}\u{fffd}a\u{fffd} "), "{svg}");
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
}
