//! Long texts on several lines, with parts of them highlighted.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;

use crate::model::text;

/// A text in one style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text, safe for a terminal.
    pub text: String,
    /// Its style.
    pub style: Style,
}

impl Piece {
    /// A text in a style.
    #[must_use]
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// Cuts a text into pieces: the ranges (in bytes, sorted or not, they may overlap) in `highlight`, the rest in `base`.
#[must_use]
pub fn highlighted(
    text: &str,
    ranges: &[std::ops::Range<usize>],
    base: Style,
    highlight: Style,
) -> Vec<Piece> {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut push = |part: Option<&str>, style| {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            pieces.push(Piece::new(part, style));
        }
    };
    for range in ranges {
        let start = range.start.max(at);
        if start >= range.end || text.get(start..range.end).is_none() {
            continue;
        }
        push(text.get(at..start), base);
        push(text.get(start..range.end), highlight);
        at = range.end;
    }
    push(text.get(at..), base);
    pieces
}

/// Breaks pieces into lines of at most `width` columns, after a blank where one is near, anywhere otherwise. Lines
/// after the first begin with `indent` blanks. No more than `most` lines; the last one says how much is left.
#[must_use]
pub fn wrap(pieces: &[Piece], width: usize, indent: usize, most: usize) -> Vec<Line<'static>> {
    let width = width.max(4);
    let indent = indent.min(width / 2);
    let mut lines: Vec<Vec<(String, Style, usize)>> = vec![Vec::new()];
    let mut column = 0;
    let mut dropped = 0_usize;
    for piece in pieces {
        for grapheme in piece.text.graphemes(true) {
            let columns = text::width(grapheme);
            if dropped > 0 {
                dropped += 1;
                continue;
            }
            if column + columns > width {
                if lines.len() == most {
                    dropped = 1;
                    continue;
                }
                let carried = carry(lines.last_mut(), width);
                column = indent + carried.iter().map(|(_, _, columns)| columns).sum::<usize>();
                let mut next = vec![(" ".repeat(indent), Style::default(), indent)];
                next.extend(carried);
                lines.push(next);
            }
            if let Some(line) = lines.last_mut() {
                line.push((grapheme.to_owned(), piece.style, columns));
            }
            column += columns;
        }
    }
    let mut out: Vec<Line<'static>> = lines.into_iter().map(join).collect();
    if dropped > 0 {
        out.push(Line::from(format!(
            "{}[{dropped} characters more; r shows the raw event]",
            " ".repeat(indent)
        )));
    }
    out
}

/// The end of a line after its last blank, where that is at most a quarter of the line: it moves to the next one.
fn carry(line: Option<&mut Vec<(String, Style, usize)>>, width: usize) -> Vec<(String, Style, usize)> {
    let Some(line) = line else { return Vec::new() };
    match line.iter().rposition(|(text, _, _)| text == " ") {
        Some(blank) if line.len() - blank - 1 <= width / 4 => line.split_off(blank + 1),
        _ => Vec::new(),
    }
}

fn join(line: Vec<(String, Style, usize)>) -> Line<'static> {
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (text, style, _) in line {
        match spans.last_mut() {
            Some(last) if last.style == style => last.content.to_mut().push_str(&text),
            _ => spans.push(Span::styled(text, style)),
        }
    }
    Line::from(spans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(lines: &[Line<'_>]) -> Vec<String> {
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn lines_break_after_nearby_blank() {
        let pieces = [Piece::new("git push --force https://github.com/a/b", Style::default())];
        let expected = ["git push --force https:", "  //github.com/a/b"];
        assert_eq!(texts(&wrap(&pieces, 23, 2, 9)), expected);
        let short = [Piece::new("one two three", Style::default())];
        assert_eq!(texts(&wrap(&short, 9, 0, 9)), ["one two ", "three"]);
    }

    #[test]
    fn highlights_become_separate_pieces() {
        let bold = Style::default().bold();
        let pieces = highlighted("abcdef", &[3..5, 1..2, 4..6], Style::default(), bold);
        let texts: Vec<_> = pieces.iter().map(|piece| (piece.text.as_str(), piece.style == bold)).collect();
        assert_eq!(texts, [("a", false), ("b", true), ("c", false), ("de", true), ("f", true)]);
    }

    #[test]
    fn dropped_characters_are_counted() {
        let pieces = [Piece::new("x".repeat(100), Style::default())];
        let lines = texts(&wrap(&pieces, 10, 0, 3));
        assert_eq!(lines.len(), 4);
        assert!(lines[3].contains("[70 characters more"), "{lines:?}");
    }

    proptest! {
        #[test]
        fn wrap_keeps_width_and_text(text in "[a-z日 ]{0,80}", width in 4_usize..40) {
            let lines = wrap(&[Piece::new(text.clone(), Style::default())], width, 0, 1000);
            for line in &lines {
                prop_assert!(line.width() <= width);
            }
            prop_assert_eq!(texts(&lines).concat(), text);
        }
    }
}
