//! The patterns in the regular expressions of other engines.
//!
//! A pattern is written from its syntax tree, part by part, so that each part means there what it means here. What an
//! engine can't say, and what is not known to be the same there, is refused with the place and another way to say it.
//!
//! One difference stays where the rule's remark names it: `\d`, `\w`, `\s` and `\b` know ASCII alone in Splunk, in most
//! back ends of Sigma and in ES|QL.

mod class;
mod lucene;
mod sequence;

use std::fmt;

use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerlKind, FlagsItemKind, GroupKind, RepetitionKind, RepetitionRange,
};

pub(super) use lucene::{Search, lucene};

use crate::detect::pattern::Pattern;
use crate::model::text::{is_forbidden, truncate_to_width, visible};

/// The regular expressions of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Splunk: PCRE.
    Pcre,
    /// Sigma: what PCRE and Python have in common.
    Sigma,
    /// ClickHouse: RE2.
    ClickHouse,
    /// Kusto: what RE2 and Rust's own have in common, since it was the one and is the other.
    Kusto,
}

impl Dialect {
    const fn name(self) -> &'static str {
        match self {
            Self::Pcre => "Splunk",
            Self::Sigma => "Sigma",
            Self::ClickHouse => "ClickHouse",
            Self::Kusto => "Kusto",
        }
    }

    /// Whether its `\d`, `\w` and `\s` are written out, so that they know all scripts.
    const fn is_exact(self) -> bool {
        matches!(self, Self::ClickHouse | Self::Kusto)
    }

    /// The most that a repetition may count, nested ones multiplied.
    const fn max_count(self) -> u32 {
        match self {
            Self::ClickHouse | Self::Kusto => 1000,
            Self::Pcre | Self::Sigma => 65_535,
        }
    }
}

/// Why a pattern can't be written for an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    engine: &'static str,
    /// The part of the pattern.
    construct: String,
    /// The character, counted from 1, at which it begins.
    column: usize,
    /// The construct to write in its place.
    advice: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, construct, column, advice } = self;
        write!(f, "{engine} can't say `{construct}` (column {column}) as it is meant: {advice}")
    }
}

/// Writes a pattern in a dialect, as the regular expression without quotes.
///
/// # Errors
/// The first part that the dialect can't say.
pub(super) fn written(dialect: Dialect, pattern: &Pattern) -> Result<String, Refusal> {
    let source = Source::new(dialect.name(), pattern.text());
    let tree = source.tree()?;
    let mut writer = Writer { dialect, source: &source, out: String::new(), count: 1, ignores_case: false };
    writer.ignores_case = sequence::holds(&tree, &|part| match part {
        Ast::Flags(set) => sets(&set.flags, ast::Flag::CaseInsensitive),
        Ast::Group(group) => group.flags().is_some_and(|flags| sets(flags, ast::Flag::CaseInsensitive)),
        _ => false,
    });
    if dialect.is_exact() && sequence::holds(&tree, &is_word_boundary) {
        writer.with_boundaries()?;
    } else {
        writer.part(&tree)?;
    }
    Ok(writer.out)
}

/// Whether a pattern holds what knows ASCII alone in some engines.
pub(super) fn depends_on_scripts(pattern: &Pattern) -> bool {
    ast::parse::Parser::new().parse(pattern.text()).is_ok_and(|tree| {
        sequence::holds(&tree, &|part| match part {
            Ast::ClassPerl(_) => true,
            Ast::ClassBracketed(class) => class::holds_perl(&class.kind),
            Ast::Assertion(assertion) => {
                matches!(assertion.kind, AssertionKind::WordBoundary | AssertionKind::NotWordBoundary)
            }
            _ => false,
        })
    })
}

const HALF_BOUNDARY: &str = r"write `\b` for the beginning and the end of a word";

/// Whether an assertion is of the kind `\<` and `\b{end}`.
const fn is_half_boundary(kind: &AssertionKind) -> bool {
    !matches!(
        kind,
        AssertionKind::StartLine
            | AssertionKind::EndLine
            | AssertionKind::StartText
            | AssertionKind::EndText
            | AssertionKind::WordBoundary
            | AssertionKind::NotWordBoundary
    )
}

fn is_word_boundary(part: &Ast) -> bool {
    matches!(part, Ast::Assertion(assertion) if assertion.kind == AssertionKind::WordBoundary)
}

fn sets(flags: &ast::Flags, flag: ast::Flag) -> bool {
    flags.flag_state(flag) == Some(true)
}

/// A pattern's text, for refusals that quote its parts.
pub(super) struct Source<'a> {
    engine: &'static str,
    text: &'a str,
}

impl<'a> Source<'a> {
    const fn new(engine: &'static str, text: &'a str) -> Self {
        Self { engine, text }
    }

    fn tree(&self) -> Result<Ast, Refusal> {
        ast::parse::Parser::new().parse(self.text).map_err(|error| Refusal {
            engine: self.engine,
            construct: visible(self.text).into_owned(),
            column: 1,
            advice: error.kind().to_string(),
        })
    }

    fn piece(&self, span: &ast::Span) -> &'a str {
        self.text.get(span.start.offset..span.end.offset).unwrap_or("")
    }

    fn refuse<T>(&self, span: &ast::Span, advice: impl Into<String>) -> Result<T, Refusal> {
        let before = self.text.get(..span.start.offset).unwrap_or("");
        Err(Refusal {
            engine: self.engine,
            construct: truncate_to_width(&visible(self.piece(span)), 40, "…").into_owned(),
            column: before.chars().count() + 1,
            advice: advice.into(),
        })
    }
}

struct Writer<'a> {
    dialect: Dialect,
    source: &'a Source<'a>,
    out: String,
    /// How often what is written now can be repeated by the repetitions around it.
    count: u32,
    ignores_case: bool,
}

impl Writer<'_> {
    fn part(&mut self, tree: &Ast) -> Result<(), Refusal> {
        match tree {
            Ast::Empty(_) => {}
            Ast::Dot(_) => self.out.push('.'),
            Ast::Literal(literal) => literal_in(self.dialect, literal.c, &mut self.out),
            Ast::Assertion(assertion) => self.assertion(assertion)?,
            Ast::ClassPerl(class) => self.perl(class),
            Ast::ClassUnicode(class) => {
                let text = class::category(self, class)?;
                self.out.push_str(&text);
            }
            Ast::ClassBracketed(class) => class::bracketed(self, class)?,
            Ast::Repetition(repetition) => self.repetition(repetition)?,
            Ast::Flags(set) => {
                let letters = self.flags(&set.flags, &set.span)?;
                if self.dialect == Dialect::Sigma && (set.span.start.offset > 0 || letters.contains('-')) {
                    return self.source.refuse(
                        &set.span,
                        "flags must stand at the very beginning, or in a group: `(?i:…)`",
                    );
                }
                self.out.extend(["(?", &letters, ")"]);
            }
            Ast::Group(group) => self.group(group)?,
            Ast::Alternation(alternation) => {
                for (number, branch) in alternation.asts.iter().enumerate() {
                    if number > 0 {
                        self.out.push('|');
                    }
                    self.part(branch)?;
                }
            }
            Ast::Concat(concat) => {
                for part in &concat.asts {
                    self.part(part)?;
                }
            }
        }
        Ok(())
    }

    fn group(&mut self, group: &ast::Group) -> Result<(), Refusal> {
        match &group.kind {
            GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } => self.out.push('('),
            GroupKind::NonCapturing(flags) => {
                let letters = self.flags(flags, &group.span)?;
                self.out.extend(["(?", &letters, ":"]);
            }
        }
        self.part(&group.ast)?;
        self.out.push(')');
        Ok(())
    }

    /// The letters of flags that mean the same there.
    fn flags(&self, flags: &ast::Flags, span: &ast::Span) -> Result<String, Refusal> {
        let mut letters = String::new();
        for item in &flags.items {
            use ast::Flag;
            match item.kind {
                FlagsItemKind::Negation => letters.push('-'),
                FlagsItemKind::Flag(Flag::CaseInsensitive) => letters.push('i'),
                FlagsItemKind::Flag(Flag::DotMatchesNewLine) => letters.push('s'),
                FlagsItemKind::Flag(Flag::MultiLine) if self.dialect.is_exact() => letters.push('m'),
                FlagsItemKind::Flag(Flag::MultiLine) => {
                    return self
                        .source
                        .refuse(span, "write `(?:^|\\n)` and `(?:\\n|$)` for the ends of a line");
                }
                FlagsItemKind::Flag(Flag::IgnoreWhitespace) => {
                    return self
                        .source
                        .refuse(span, "write the pattern without the flag x, its blanks and its remarks");
                }
                FlagsItemKind::Flag(Flag::SwapGreed | Flag::Unicode | Flag::CRLF) => {
                    return self.source.refuse(span, "write the pattern without the flags U, u and R");
                }
            }
        }
        Ok(letters)
    }

    fn assertion(&mut self, assertion: &ast::Assertion) -> Result<(), Refusal> {
        let text = match (&assertion.kind, self.dialect) {
            (AssertionKind::StartLine, _) | (AssertionKind::StartText, Dialect::Sigma) => "^",
            (AssertionKind::StartText, _) => r"\A",
            // Elsewhere `$` matches before a line break at the end, too.
            (AssertionKind::EndLine, Dialect::Pcre) => r"\z",
            (AssertionKind::EndLine, _) | (AssertionKind::EndText, Dialect::Sigma) => "$",
            (AssertionKind::EndText, _) => r"\z",
            (AssertionKind::WordBoundary, Dialect::Pcre | Dialect::Sigma) => r"\b",
            (AssertionKind::NotWordBoundary, Dialect::Pcre | Dialect::Sigma) => r"\B",
            (AssertionKind::WordBoundary, _) => {
                return self.source.refuse(
                    &assertion.span,
                    "it knows ASCII alone there; write `(^|[^A-Za-z0-9_])` or `([^A-Za-z0-9_]|$)`",
                );
            }
            (AssertionKind::NotWordBoundary, _) => {
                return self.source.refuse(
                    &assertion.span,
                    "it knows ASCII alone there; write `[A-Za-z0-9_]` for the character that must stand there",
                );
            }
            _ => return self.source.refuse(&assertion.span, HALF_BOUNDARY),
        };
        self.out.push_str(text);
        Ok(())
    }

    fn perl(&mut self, class: &ast::ClassPerl) {
        if !self.dialect.is_exact() {
            self.out.push_str(self.source.piece(&class.span));
            return;
        }
        let not = if class.negated { "^" } else { "" };
        match (&class.kind, class.negated) {
            (ClassPerlKind::Digit, false) => self.out.push_str(class::DIGITS),
            (ClassPerlKind::Digit, true) => self.out.push_str(class::NO_DIGITS),
            (ClassPerlKind::Space, _) => self.out.extend(["[", not, class::SPACES, "]"]),
            (ClassPerlKind::Word, _) => self.out.extend(["[", not, class::WORDS, "]"]),
        }
    }

    fn repetition(&mut self, repetition: &ast::Repetition) -> Result<(), Refusal> {
        let (count, operator) = operator(&repetition.op.kind);
        let outer = self.count;
        self.count = outer.saturating_mul(count.max(1));
        if count > 1 && self.count > self.dialect.max_count() {
            let most = self.dialect.max_count();
            let advice = format!("it can repeat {most} times at most, nested repetitions multiplied");
            return self.source.refuse(&repetition.op.span, advice);
        }
        let is_atom = !matches!(&*repetition.ast, Ast::Repetition(_) | Ast::Assertion(_) | Ast::Flags(_));
        if is_atom {
            self.part(&repetition.ast)?;
        } else {
            self.out.push_str("(?:");
            self.part(&repetition.ast)?;
            self.out.push(')');
        }
        self.count = outer;
        self.out.push_str(&operator);
        if !repetition.greedy {
            self.out.push('?');
        }
        Ok(())
    }

    /// Writes a pattern whose `\b` are at the ends of its alternatives as what may be there: only whether there is a
    /// match is asked for, so that a neighbour may be a part of it.
    fn with_boundaries(&mut self) -> Result<(), Refusal> {
        let source = self.source;
        let (flags, rest) = sequence::leading_flags(source)?;
        if let Some(set) = flags {
            let letters = self.flags(&set.flags, &set.span)?;
            self.out.extend(["(?", &letters, ")"]);
        }
        let Some(branches) = sequence::branches(&rest) else {
            let span = *rest.span();
            return source
                .refuse(&span, "it has too many alternatives around a `\\b`: write several exceptions");
        };
        for (number, branch) in branches.iter().enumerate() {
            if number > 0 {
                self.out.push('|');
            }
            let edges = sequence::Edges::of(branch, false);
            if edges.before == sequence::Edge::Word {
                self.out.extend([r"(?:\A|[^", class::WORDS, "])"]);
            }
            for part in &edges.inner {
                self.part(part)?;
            }
            if edges.after == sequence::Edge::Word {
                self.out.extend(["(?:[^", class::WORDS, r"]|\z)"]);
            }
        }
        Ok(())
    }
}

/// The count of a repetition, and its operator without greediness.
fn operator(kind: &RepetitionKind) -> (u32, String) {
    match kind {
        RepetitionKind::ZeroOrOne => (1, "?".to_owned()),
        RepetitionKind::ZeroOrMore => (1, "*".to_owned()),
        RepetitionKind::OneOrMore => (1, "+".to_owned()),
        RepetitionKind::Range(RepetitionRange::Exactly(count)) => (*count, format!("{{{count}}}")),
        RepetitionKind::Range(RepetitionRange::AtLeast(count)) => (*count, format!("{{{count},}}")),
        RepetitionKind::Range(RepetitionRange::Bounded(least, most)) => {
            (*most, format!("{{{least},{most}}}"))
        }
    }
}

/// A character outside of a class.
fn literal_in(dialect: Dialect, c: char, out: &mut String) {
    if r"\.+*?()|[]{}^$".contains(c) {
        out.extend(['\\', c]);
    } else {
        character(dialect, c, out);
    }
}

/// A character that has no meaning of its own; one that can't be seen as its number.
fn character(dialect: Dialect, c: char, out: &mut String) {
    let is_macro = dialect == Dialect::Pcre && c == '`';
    // Sigma's YAML has escapes of its own.
    if (is_forbidden(c) && dialect != Dialect::Sigma) || is_macro {
        out.extend(["\\x{", &format!("{:X}", u32::from(c)), "}"]);
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::{patterns, texts};
