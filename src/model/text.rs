//! The border between hostile text and a terminal. Command lines are the attacker's: any character that could move the
//! cursor, turn the reading direction or hide goes through [`visible`] before it is shown, once.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The maximum count of combining marks on one character; the ones after them are escaped.
pub const MARKS_PER_BASE: usize = 4;

const ESCAPE_OPENING: &str = "<U+";
const ESCAPE_CLOSING: char = '>';
const ESCAPE_DIGITS: Range<usize> = 4..7;

/// Returns whether a character must never reach a terminal as it is: control characters, bidirectional controls,
/// invisible formatting, blanks other than the space, variation selectors, tags, fillers without a shape, private use,
/// and noncharacters.
///
/// The ranges are the general categories Cc, Cf, Co, Zs, Zl and Zp and the properties Default_Ignorable_Code_Point,
/// Bidi_Control and Noncharacter_Code_Point of Unicode 16.0 (DerivedGeneralCategory.txt, DerivedCoreProperties.txt,
/// PropList.txt), which a test holds them to, and the letters and symbols whose glyph is blank.
#[must_use]
pub const fn is_forbidden(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1F}'
            | '\u{7F}'..='\u{A0}' // controls, no-break space
            | '\u{AD}' // soft hyphen
            | '\u{34F}' // combining grapheme joiner
            | '\u{600}'..='\u{605}' // Arabic number signs, which enclose the text after them
            | '\u{61C}' // Arabic letter mark
            | '\u{6DD}' // Arabic end of ayah
            | '\u{70F}' // Syriac abbreviation mark
            | '\u{890}'..='\u{891}' // Arabic pound and piastre marks
            | '\u{8E2}' // Arabic disputed end of ayah
            | '\u{115F}'..='\u{1160}' // Hangul fillers
            | '\u{1680}' // Ogham space
            | '\u{17B4}'..='\u{17B5}' // Khmer inherent vowels
            | '\u{180B}'..='\u{180F}' // Mongolian selectors and vowel separator
            | '\u{2000}'..='\u{200F}' // spaces, zero width, joiners, direction marks
            | '\u{2028}'..='\u{202F}' // separators, embeddings, overrides, narrow no-break space
            | '\u{205F}'..='\u{206F}' // space, joiner, invisible operators, isolates, deprecated formatting
            | '\u{2800}' // Braille without a dot
            | '\u{3000}' // ideographic space
            | '\u{3164}' // Hangul filler
            | '\u{E000}'..='\u{F8FF}' // private use
            | '\u{FDD0}'..='\u{FDEF}' // noncharacters
            | '\u{FE00}'..='\u{FE0F}' // variation selectors
            | '\u{FEFF}' // byte order mark
            | '\u{FFA0}' // halfwidth Hangul filler
            | '\u{FFF0}'..='\u{FFFC}' // default-ignorable, interlinear annotation, object replacement
            | '\u{110BD}' // Kaithi number sign
            | '\u{110CD}' // Kaithi number sign above
            | '\u{13430}'..='\u{1343F}' // Egyptian hieroglyph formatting
            | '\u{13441}'..='\u{13442}' // Egyptian hieroglyph blanks
            | '\u{16FE4}' // Khitan filler
            | '\u{1BCA0}'..='\u{1BCA3}' // shorthand formatting
            | '\u{1D159}' // musical symbol without a note head
            | '\u{1D173}'..='\u{1D17A}' // musical formatting
            | '\u{E0000}'..='\u{E0FFF}' // tags, variation selectors, default-ignorable
            | '\u{F0000}'..='\u{10FFFF}' // private use
    ) || character as u32 & 0xFFFE == 0xFFFE
}

/// The rewritten pieces of a text, as pairs of byte ranges. They map match ranges from a text to its masked or visible
/// form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<Edit>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Edit {
    source: Range<usize>,
    target: Range<usize>,
}

impl Edits {
    /// Returns whether the text is unchanged.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes that `source` of the old text became `target` of the new one. Edits come in order and do not overlap.
    pub fn push(&mut self, source: Range<usize>, target: Range<usize>) {
        self.0.push(Edit { source, target });
    }

    /// The edits from the new text to the old one.
    #[must_use]
    pub(super) fn inverted(&self) -> Self {
        let swap = |edit: &Edit| Edit { source: edit.target.clone(), target: edit.source.clone() };
        Self(self.0.iter().map(swap).collect())
    }

    /// Maps a byte range of the old text to the new one. A range that touches the inside of a rewritten piece takes in
    /// the whole piece.
    #[must_use]
    pub fn map(&self, range: &Range<usize>) -> Range<usize> {
        let before_start = self.0.partition_point(|edit| edit.source.start <= range.start);
        let start = match before_start.checked_sub(1).and_then(|last| self.0.get(last)) {
            Some(edit) if range.start < edit.source.end => edit.target.start,
            Some(edit) => edit.target.end + (range.start - edit.source.end),
            None => range.start,
        };
        if range.end <= range.start {
            return start..start;
        }
        let before_end = self.0.partition_point(|edit| edit.source.start < range.end);
        let end = match before_end.checked_sub(1).and_then(|last| self.0.get(last)) {
            Some(edit) if range.end <= edit.source.end => edit.target.end,
            Some(edit) => edit.target.end + (range.end - edit.source.end),
            None => range.end,
        };
        start..end
    }
}

/// The range cut to the text and widened to whole characters.
fn whole_characters(text: &str, range: &Range<usize>) -> Range<usize> {
    let mut start = range.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = range.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

/// Maps ranges of `text` over its edits; the results are on character boundaries of the new text.
pub(super) fn map_ranges(text: &str, edits: &Edits, ranges: &[Range<usize>]) -> Vec<Range<usize>> {
    ranges.iter().map(|range| edits.map(&whole_characters(text, range))).collect()
}

/// True if the terminal takes only ASCII.
static KEEPS_TO_ASCII: AtomicBool = AtomicBool::new(false);

/// From now on every character beyond ASCII is written as an escape too: the terminal takes no UTF-8.
pub fn keep_to_ascii() {
    KEEPS_TO_ASCII.store(true, Ordering::Relaxed);
}

/// Returns whether [`keep_to_ascii`] was called.
#[must_use]
pub fn keeps_to_ascii() -> bool {
    KEEPS_TO_ASCII.load(Ordering::Relaxed)
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.contains(ESCAPE_OPENING)
}

/// The text with every character that a terminal would obey, hide or pile up written as `<U+202E>`, and the edits
/// that this took. [`unescape`] is the inverse, since the `<` of a `<U+` that was there before is written so too.
#[must_use]
pub fn visible_with_edits(text: &str) -> (Cow<'_, str>, Edits) {
    if is_plain(text) {
        return (Cow::Borrowed(text), Edits::default());
    }
    let keeps_to_ascii = keeps_to_ascii();
    let mut edits = Edits::default();
    let mut output = String::new();
    let mut copied = 0;
    // A mark at the very start, or after an escape, has no base of its own and would combine with a foreign character.
    let mut marks = MARKS_PER_BASE;
    for (at, character) in text.char_indices() {
        let is_mark = character.width() == Some(0);
        let is_kept = !(is_forbidden(character)
            || keeps_to_ascii && !character.is_ascii()
            || is_mark && marks >= MARKS_PER_BASE
            || character == '<' && text.get(at..).is_some_and(|rest| rest.starts_with(ESCAPE_OPENING)));
        if is_kept {
            marks = if is_mark { marks + 1 } else { 0 };
            continue;
        }
        marks = MARKS_PER_BASE;
        output.push_str(text.get(copied..at).unwrap_or_default());
        copied = at + character.len_utf8();
        let start = output.len();
        // Writing to a String cannot fail.
        let _ = write!(output, "{ESCAPE_OPENING}{:04X}{ESCAPE_CLOSING}", u32::from(character));
        edits.push(at..copied, start..output.len());
    }
    if edits.is_empty() {
        return (Cow::Borrowed(text), edits);
    }
    output.push_str(text.get(copied..).unwrap_or_default());
    (Cow::Owned(output), edits)
}

/// The text as it may be shown: see [`visible_with_edits`].
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    visible_with_edits(text).0
}

/// The text in its visible form, with byte ranges of the original mapped to it. A range that touches an escaped
/// character takes in its whole escape; ranges beyond the text are cut to it.
#[must_use]
pub fn visible_with_ranges<'a>(text: &'a str, ranges: &[Range<usize>]) -> (Cow<'a, str>, Vec<Range<usize>>) {
    let (shown, edits) = visible_with_edits(text);
    let ranges = map_ranges(text, &edits, ranges);
    (shown, ranges)
}

/// The original of a [`visible`] text. Text that is not an escape stays.
#[must_use]
pub fn unescape(text: &str) -> String {
    let mut output = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(ESCAPE_OPENING) {
        let (before, escape) = rest.split_at(at);
        output.push_str(before);
        let after_opening = escape.get(ESCAPE_OPENING.len()..).unwrap_or_default();
        if let Some((character, after)) = escaped_character(after_opening) {
            output.push(character);
            rest = after;
        } else {
            output.push_str(ESCAPE_OPENING);
            rest = after_opening;
        }
    }
    output.push_str(rest);
    output
}

/// Reads `202E>` and returns the text after it.
fn escaped_character(text: &str) -> Option<(char, &str)> {
    let length = text.bytes().take_while(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')).count();
    let digits = text.get(..length).filter(|_| ESCAPE_DIGITS.contains(&length))?;
    let after = text.get(length..)?.strip_prefix(ESCAPE_CLOSING)?;
    Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, after))
}

/// The count of columns that a text takes: the sum over its grapheme clusters, as ratatui lays them out.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The longest start of `text` in whole grapheme clusters that fits into `columns`.
fn head(text: &str, columns: usize) -> &str {
    let mut left = columns;
    let end = text
        .grapheme_indices(true)
        .find(|(_, grapheme)| match left.checked_sub(grapheme.width()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// The longest end of `text` in whole grapheme clusters that fits into `columns`.
fn tail(text: &str, columns: usize) -> &str {
    let mut left = columns;
    let start = text
        .grapheme_indices(true)
        .rev()
        .find(|(_, grapheme)| match left.checked_sub(grapheme.width()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
        .map_or(0, |(at, grapheme)| at + grapheme.len());
    text.get(start..).unwrap_or_default()
}

/// Returns whether the text fits, without measuring much more of it than the columns.
fn fits(text: &str, columns: usize) -> bool {
    head(text, columns).len() == text.len()
}

/// The text cut at its end to at most `columns`, in whole grapheme clusters. A cut text ends in `ellipsis` (itself cut
/// where there is no room for it).
#[must_use]
pub fn truncate_to_width<'a>(text: &'a str, columns: usize, ellipsis: &str) -> Cow<'a, str> {
    if fits(text, columns) {
        return Cow::Borrowed(text);
    }
    let mark = head(ellipsis, columns);
    let kept = head(text, columns.saturating_sub(width(mark)));
    Cow::Owned(joined_within([kept, mark], columns))
}

/// The text cut in its middle to at most `columns`: for paths, whose end is more specific than their start. The last
/// component stays whole where it fits.
#[must_use]
pub fn truncate_middle<'a>(text: &'a str, columns: usize, ellipsis: &str) -> Cow<'a, str> {
    if fits(text, columns) {
        return Cow::Borrowed(text);
    }
    let mark = head(ellipsis, columns);
    let room = columns.saturating_sub(width(mark));
    let name = image_name(text);
    // The name with the separator before it, which shows that it is one.
    let name_width = width(name).saturating_add(1);
    let end = tail(text, room.min(name_width.max(room - room / 3)));
    let start = head(text, room - width(end).min(room));
    Cow::Owned(joined_within([start, mark, end], columns))
}

/// Pieces in one text. Clusters may merge where two pieces meet; should that make the whole wider, it is cut.
fn joined_within<const N: usize>(pieces: [&str; N], columns: usize) -> String {
    let whole = pieces.concat();
    if fits(&whole, columns) { whole } else { head(&whole, columns).to_owned() }
}

/// The last component of a Windows or Unix path; a path of separators alone is given back whole.
#[must_use]
pub fn image_name(path: &str) -> &str {
    let is_separator = |character: char| matches!(character, '\\' | '/');
    let trimmed = path.trim_end_matches(is_separator);
    if trimmed.is_empty() {
        return path;
    }
    // It is asked of every Event 1.
    let last = memchr::memrchr2(b'\\', b'/', trimmed.as_bytes());
    last.and_then(|at| trimmed.get(at + 1..)).unwrap_or(trimmed)
}

/// Returns the candidate nearest to a misspelt name: compared without case, `_` as `-`, and no further off than a third
/// of its length.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let normal = |text: &str| -> Vec<char> {
        text.chars().take(64).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    let name = normal(name);
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, &normal(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(name.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the number of letters to insert, drop, change or swap with their neighbour that make one text of another.
#[must_use]
pub fn edits(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    distance(&one, &other)
}

fn distance(left: &[char], right: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    let mut left_before = None;
    for (row, left_char) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut right_before = None;
        for (column, right_char) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&last, column) + usize::from(left_char != right_char))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if left_before == Some(right_char) && right_before == Some(left_char) {
                best = best.min(at(&before_last, column.saturating_sub(1)) + 1);
            }
            current.push(best);
            right_before = Some(right_char);
        }
        before_last = std::mem::replace(&mut last, current);
        left_before = Some(left_char);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (text, expected) in [
            ("git push", "git push"),
            ("", ""),
            ("größe 東京 Привет", "größe 東京 Привет"),
            ("C\tD\n", "C<U+0009>D<U+000A>"),
            ("\u{1b}[2J", "<U+001B>[2J"),
            ("\u{9b}2J\u{7f}\0", "<U+009B>2J<U+007F><U+0000>"),
            ("gnp.\u{202e}exe", "gnp.<U+202E>exe"),
            ("\u{2066}a\u{2069}\u{200e}\u{61c}", "<U+2066>a<U+2069><U+200E><U+061C>"),
            ("git\u{200b}hub\u{ad}.com\u{feff}", "git<U+200B>hub<U+00AD>.com<U+FEFF>"),
            ("a\u{e0041}\u{fe0f}\u{e0100}", "a<U+E0041><U+FE0F><U+E0100>"),
            ("\u{2028}\u{2029}\u{fff9}", "<U+2028><U+2029><U+FFF9>"),
            ("\u{fffe}\u{10ffff}\u{fdd0}", "<U+FFFE><U+10FFFF><U+FDD0>"),
            ("\u{3164}\u{115f}\u{180e}\u{206a}", "<U+3164><U+115F><U+180E><U+206A>"),
            ("private \u{e000} use \u{fffd}", "private <U+E000> use \u{fffd}"),
            ("\u{600}1\u{70f}\u{8e2}\u{110bd}", "<U+0600>1<U+070F><U+08E2><U+110BD>"),
            ("a\u{a0}b\u{2800}c\u{3000}", "a<U+00A0>b<U+2800>c<U+3000>"),
            ("a<U+0041>", "a<U+003C>U+0041>"),
            ("a < b <U <<", "a < b <U <<"),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
            assert_eq!(unescape(expected), text, "{text:?}");
        }
    }

    #[test]
    fn table_holds_what_unicode_names() {
        let named = regex::Regex::new(
            r"[\p{Cc}\p{Cf}\p{Co}\p{Zs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}\p{Noncharacter_Code_Point}]",
        )
        .unwrap();
        let blank = ['\u{2800}', '\u{FFFC}', '\u{13441}', '\u{13442}', '\u{16FE4}', '\u{1D159}'];
        for character in '\u{0}'..=char::MAX {
            let is_named = named.is_match(character.encode_utf8(&mut [0; 4])) && character != ' ';
            let expected = is_named || blank.contains(&character);
            assert_eq!(is_forbidden(character), expected, "U+{:04X}", u32::from(character));
        }
    }

    #[test]
    fn marks_are_bounded_and_need_a_base() {
        assert_eq!(visible("e\u{301}a\u{300}\u{301}\u{302}\u{303}"), "e\u{301}a\u{300}\u{301}\u{302}\u{303}");
        assert_eq!(
            visible("a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}b\u{301}"),
            "a\u{300}\u{301}\u{302}\u{303}<U+0304><U+0305>b\u{301}"
        );
        assert_eq!(visible("\u{301}a"), "<U+0301>a", "a mark at the start would sit on the frame");
        assert_eq!(visible("a\u{200b}\u{301}b"), "a<U+200B><U+0301>b");
    }

    #[test]
    fn what_is_no_escape_stays_as_it_is() {
        for text in ["<U+>", "<U+41>", "<U+0041", "<U+00e9>", "<U+110000>", "<U+D800>", "<U+0000041>", "<U+"]
        {
            assert_eq!(unescape(text), text);
        }
        assert_eq!(unescape("<U+<U+0041>"), "<U+A");
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(visible("git push https://github.com/a/b"), Cow::Borrowed(_)));
        assert!(matches!(visible("C:\\Benutzer\\Jürgen"), Cow::Borrowed(_)));
    }

    #[test]
    fn ranges_follow_their_text() {
        let text = "a\u{202e}bc<U+d\u{1b}e";
        let ranges = [0..1, 1..4, 4..6, 2..5, 6..7, 5..10, 11..12, 0..99, 4..4, 50..60];
        let (shown, mapped) = visible_with_ranges(text, &ranges);
        assert_eq!(shown, "a<U+202E>bc<U+003C>U+d<U+001B>e");
        let texts: Vec<&str> = mapped.iter().map(|range| &shown[range.clone()]).collect();
        assert_eq!(
            texts,
            [
                "a",
                "<U+202E>",
                "bc",
                "<U+202E>b",
                "<U+003C>",
                "c<U+003C>U+d",
                "e",
                "a<U+202E>bc<U+003C>U+d<U+001B>e",
                "",
                ""
            ]
        );
    }

    #[test]
    fn widths_count_columns() {
        for (text, columns) in [("", 0), ("abc", 3), ("東京", 4), ("e\u{301}", 1), ("ﾊﾝ", 2), ("한", 2)]
        {
            assert_eq!(width(text), columns, "{text}");
        }
    }

    #[test]
    fn cuts_fall_between_whole_clusters() {
        for (text, columns, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("東京都", 6, "東京都"),
            ("東京都", 5, "東京…"),
            ("東京都", 4, "東…"),
            ("東京都", 2, "…"),
            ("東京都", 0, ""),
            ("cafe\u{301}s!", 5, "cafe\u{301}…"),
            ("abcd", 1, "…"),
        ] {
            assert_eq!(truncate_to_width(text, columns, "…"), expected, "{text} in {columns}");
        }
        assert_eq!(truncate_to_width("abcdefgh", 5, "..."), "ab...");
        assert_eq!(truncate_to_width("abcdefgh", 2, "..."), "..");
        assert_eq!(truncate_to_width("abcdefgh", 2, ""), "ab");
    }

    #[test]
    fn the_middle_is_cut_and_the_name_stays() {
        let path = r"C:\Program Files\Git\mingw64\bin\git-remote-https.exe";
        for (columns, expected) in [
            (60, path),
            (32, r"C:\Program…\git-remote-https.exe"),
            (22, r"…\git-remote-https.exe"),
            (10, "…https.exe"),
            (1, "…"),
            (0, ""),
        ] {
            let cut = truncate_middle(path, columns, "…");
            assert_eq!(cut, expected, "{columns}");
            assert!(width(&cut) <= columns);
        }
    }

    #[test]
    fn the_last_component_is_the_name() {
        for (path, name) in [
            (r"C:\Program Files\Git\cmd\git.exe", "git.exe"),
            ("/usr/bin/git", "git"),
            (r"C:\mixed/git.exe", "git.exe"),
            ("git.exe", "git.exe"),
            (r"C:\folder\", "folder"),
            ("", ""),
            (r"\\", r"\\"),
            (r"C:\größe\東京.exe", "東京.exe"),
        ] {
            assert_eq!(image_name(path), name, "{path}");
        }
    }

    #[test]
    fn the_nearest_name_is_found() {
        let names = ["ci-host", "ide-parent", "theme", "min-score"];
        for (name, expected) in [
            ("ci_host", Some("ci-host")),
            ("CI-Hots", Some("ci-host")),
            ("teme", Some("theme")),
            ("minscore", Some("min-score")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
    }

    /// Text as an attacker would write it: everything, with the dangerous kinds often.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => any::<char>().prop_map(String::from),
            2 => proptest::sample::select(vec![
                "<U+", "<U+0041>", "<", "U+", ">", "\u{301}", "\u{20dd}", "\u{202e}", "\u{200d}", "\u{1b}[31m", "\t",
                "東", "👩", "\u{fe0f}", "e\u{301}", "\u{1100}\u{1161}", "\u{600}", "\u{94d}", "\u{915}", "\u{644}\u{627}",
            ]).prop_map(str::to_owned),
            2 => "[ -~]{0,6}",
            1 => "\u{301}{0,9}",
        ];
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    fn holds_nothing_forbidden(text: &str) -> bool {
        let mut marks = MARKS_PER_BASE;
        text.chars().all(|character| {
            marks = if character.width() == Some(0) { marks + 1 } else { 0 };
            !is_forbidden(character) && marks <= MARKS_PER_BASE
        })
    }

    proptest! {
        #[test]
        fn visible_text_is_harmless_and_reads_back(text in hostile()) {
            let shown = visible(&text);
            prop_assert!(holds_nothing_forbidden(&shown), "{:?}", shown);
            prop_assert_eq!(unescape(&shown), text);
        }

        #[test]
        fn a_mapped_range_holds_exactly_its_text(text in hostile(), from in 0_usize..80, length in 0_usize..40) {
            let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let start = boundaries[from.min(boundaries.len() - 1)];
            let end = boundaries[(from + length).min(boundaries.len() - 1)];
            let (shown, mapped) = visible_with_ranges(&text, std::slice::from_ref(&(start..end)));
            let part = shown.get(mapped[0].clone());
            prop_assert!(part.is_some());
            prop_assert_eq!(unescape(part.unwrap()), &text[start..end]);
        }

        #[test]
        fn any_range_is_mapped_onto_characters(text in hostile(), start in 0_usize..200, end in 0_usize..200) {
            let (shown, mapped) = visible_with_ranges(&text, std::slice::from_ref(&Range { start, end }));
            prop_assert!(shown.get(mapped[0].clone()).is_some());
        }

        #[test]
        fn cut_text_fits(text in hostile(), columns in 0_usize..40, ellipsis in prop_oneof![Just("…"), Just("..."), Just(""), Just("東")]) {
            let shown = visible(&text);
            for cut in [truncate_to_width(&shown, columns, ellipsis), truncate_middle(&shown, columns, ellipsis)] {
                prop_assert!(width(&cut) <= columns, "{:?} in {}", cut, columns);
                if width(&shown) <= columns {
                    prop_assert_eq!(cut, shown.clone());
                }
            }
        }

        #[test]
        fn unescaping_and_names_take_any_text(text in hostile()) {
            let _ = unescape(&text);
            prop_assert!(text.ends_with(image_name(&text)) || text.ends_with(['\\', '/']));
        }
    }
}
