//! Lucene's regular expressions, as ES|QL's RLIKE has them: they match a text as a whole, with case, and have no
//! assertions, no flags and no escapes for characters.

use regex_syntax::ast::{self, Ast, ClassPerlKind, ClassSetItem, FlagsItemKind};
use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::class::{ascii, items, spelled_out};
use super::sequence::{Edge, Edges, branches, has_flags, leading_flags};
use super::{HALF_BOUNDARY, Refusal, Source, is_half_boundary, operator};
use crate::detect::pattern::Pattern;
use crate::model::text::is_forbidden;

/// The most that repetitions may count, nested ones multiplied: an automaton has a state for each.
const MAX_COUNT: u32 = 1000;

/// A search as RLIKE has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rule) struct Search {
    /// The regular expression, without quotes.
    pub(in crate::rule) regex: String,
    /// Whether it looks at the text in lower case.
    pub(in crate::rule) is_lowered: bool,
}

/// Writes a pattern for RLIKE.
///
/// # Errors
/// The first part that it can't say.
pub(in crate::rule) fn lucene(pattern: &Pattern) -> Result<Search, Refusal> {
    let source = Source::new("ES|QL", pattern.text());
    let (flags, tree) = leading_flags(&source)?;
    let mut writer =
        Writer { source: &source, out: String::new(), is_lowered: false, dot_is_all: false, count: 1 };
    for item in flags.iter().flat_map(|set| &set.flags.items) {
        match item.kind {
            FlagsItemKind::Flag(ast::Flag::CaseInsensitive) => writer.is_lowered = true,
            FlagsItemKind::Flag(ast::Flag::DotMatchesNewLine) => writer.dot_is_all = true,
            _ => return source.refuse(&item.span, "write the pattern without this flag"),
        }
    }
    let Some(branches) = branches(&tree) else {
        let span = *tree.span();
        return source.refuse(
            &span,
            "it has too many alternatives around `^`, `$` or `\\b`: write several exceptions",
        );
    };
    let edges: Vec<Edges<'_>> = branches.iter().map(|branch| Edges::of(branch, true)).collect();
    let all_open = edges.iter().all(|edges| (edges.before, edges.after) == (Edge::Open, Edge::Open));
    if all_open {
        writer.out.push_str(".*(");
    }
    for (number, edges) in edges.iter().enumerate() {
        if number > 0 {
            writer.out.push('|');
        }
        writer.out.push_str(match edges.before {
            Edge::Word => "(.*[^A-Za-z0-9_])?",
            Edge::Open if !all_open => ".*",
            Edge::Open | Edge::Text => "",
        });
        let start = writer.out.len();
        for part in &edges.inner {
            writer.part(part)?;
        }
        if writer.out.len() == start {
            writer.out.push_str("()");
        } else if !all_open {
            writer.out.insert(start, '(');
            writer.out.push(')');
        }
        writer.out.push_str(match edges.after {
            Edge::Word => "([^A-Za-z0-9_].*)?",
            Edge::Open if !all_open => ".*",
            Edge::Open | Edge::Text => "",
        });
    }
    if all_open {
        writer.out.push_str(").*");
    }
    Ok(Search { regex: writer.out, is_lowered: writer.is_lowered })
}

struct Writer<'a> {
    source: &'a Source<'a>,
    out: String,
    is_lowered: bool,
    dot_is_all: bool,
    count: u32,
}

impl Writer<'_> {
    fn part(&mut self, tree: &Ast) -> Result<(), Refusal> {
        match tree {
            Ast::Empty(_) => self.out.push_str("()"),
            Ast::Dot(_) => self.out.push_str(if self.dot_is_all { "." } else { "[^\n]" }),
            Ast::Literal(literal) => self.literal(literal)?,
            Ast::ClassPerl(class) => {
                let set = perl(class);
                self.class(&set, &class.span)?;
            }
            Ast::ClassBracketed(class) => {
                let set = self.bracketed(class)?;
                self.class(&set, &class.span)?;
            }
            Ast::ClassUnicode(class) => {
                return self.source.refuse(&class.span, "write the characters themselves, such as `[a-z]`");
            }
            Ast::Repetition(repetition) => self.repetition(repetition)?,
            Ast::Group(group) => {
                if has_flags(group) {
                    let advice =
                        "flags must stand at the very beginning: `(?i)…`; write `[Aa]` for one letter";
                    return self.source.refuse(&group.span, advice);
                }
                self.out.push('(');
                self.part(&group.ast)?;
                self.out.push(')');
            }
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
            Ast::Assertion(assertion) => {
                if is_half_boundary(&assertion.kind) {
                    return self.source.refuse(&assertion.span, HALF_BOUNDARY);
                }
                let advice = "`^`, `$` and `\\b` can only stand where an alternative begins or ends; write `\\b` beside a \
                    letter, or `[^A-Za-z0-9_]`";
                return self.source.refuse(&assertion.span, advice);
            }
            Ast::Flags(set) => {
                return self.source.refuse(&set.span, "flags must stand at the very beginning: `(?i)…`");
            }
        }
        Ok(())
    }

    fn literal(&mut self, literal: &ast::Literal) -> Result<(), Refusal> {
        let mut lowered = literal.c.to_lowercase();
        let c = match (self.is_lowered, lowered.next(), lowered.next()) {
            (false, ..) => literal.c,
            (true, Some(lower), None) => lower,
            (true, ..) => {
                return self
                    .source
                    .refuse(&literal.span, "it has no lower case of one character; write it without `(?i)`");
            }
        };
        self.character(c, r#".?+*|{}[]()"\#@&<>~^$-"#, &literal.span)
    }

    /// A character, with a backslash where it is one of `special`.
    fn character(&mut self, c: char, special: &str, span: &ast::Span) -> Result<(), Refusal> {
        if is_forbidden(c) && !matches!(c, '\t' | '\n' | '\r') {
            return self
                .source
                .refuse(span, "it has no way to write this character; leave it out, or write `.`");
        }
        if special.contains(c) {
            self.out.push('\\');
        }
        self.out.push(c);
        Ok(())
    }

    fn repetition(&mut self, repetition: &ast::Repetition) -> Result<(), Refusal> {
        let (count, operator) = operator(&repetition.op.kind);
        let outer = self.count;
        self.count = outer.saturating_mul(count.max(1));
        if count > 1 && self.count > MAX_COUNT {
            let advice = format!("it can repeat {MAX_COUNT} times at most, nested repetitions multiplied");
            return self.source.refuse(&repetition.op.span, advice);
        }
        self.out.push('(');
        self.part(&repetition.ast)?;
        self.out.push(')');
        self.count = outer;
        self.out.push_str(&operator);
        Ok(())
    }

    /// The characters of a class, of a text in lower case where it is looked at in that.
    fn bracketed(&self, class: &ast::ClassBracketed) -> Result<ClassUnicode, Refusal> {
        let refuse = |span: &ast::Span| self.source.refuse(span, spelled_out(self.source.piece(&class.span)));
        let Some(items) = items(class) else { return refuse(&class.span) };
        let mut set = ClassUnicode::empty();
        for item in items {
            let (ranges, negated) = match item {
                ClassSetItem::Empty(_) => continue,
                ClassSetItem::Literal(literal) => (vec![(literal.c, literal.c)], false),
                ClassSetItem::Range(range) => (vec![(range.start.c, range.end.c)], false),
                ClassSetItem::Ascii(class) => (ascii(&class.kind).to_vec(), class.negated),
                // It holds both cases of each letter, or neither.
                ClassSetItem::Perl(class) => {
                    set.union(&perl(class));
                    continue;
                }
                ClassSetItem::Unicode(class) => {
                    return self
                        .source
                        .refuse(&class.span, "write the characters themselves, such as `[a-z]`");
                }
                ClassSetItem::Bracketed(_) | ClassSetItem::Union(_) => return refuse(&class.span),
            };
            let ranges = ranges.into_iter().map(|(start, end)| ClassUnicodeRange::new(start, end));
            let mut part = ClassUnicode::new(ranges);
            if self.is_lowered && part.try_case_fold_simple().is_err() {
                return refuse(&class.span);
            }
            if negated {
                part.negate();
            }
            set.union(&part);
        }
        if class.negated {
            set.negate();
        }
        if self.is_lowered {
            // A text in lower case has none of these.
            set.difference(&ClassUnicode::new([ClassUnicodeRange::new('A', 'Z')]));
        }
        Ok(set)
    }

    /// A class by its ranges, or by those that are not in it, whichever can be written.
    fn class(&mut self, set: &ClassUnicode, span: &ast::Span) -> Result<(), Refusal> {
        let can_be_written = |set: &ClassUnicode| {
            let can = |c: char| !is_forbidden(c) || matches!(c, '\t' | '\n' | '\r');
            set.iter().all(|range| can(range.start()) && can(range.end())) && set.iter().next().is_some()
        };
        let mut complement = set.clone();
        complement.negate();
        let (not, ranges) = if can_be_written(set) {
            ("", set)
        } else if can_be_written(&complement) {
            ("^", &complement)
        } else {
            return self
                .source
                .refuse(span, "it has no way to write control characters; leave them out of the class");
        };
        self.out.extend(["[", not]);
        for range in ranges.iter() {
            self.character(range.start(), r#"\[]^-"&~"#, span)?;
            if range.start() != range.end() {
                self.out.push('-');
                self.character(range.end(), r#"\[]^-"&~"#, span)?;
            }
        }
        self.out.push(']');
        Ok(())
    }
}

/// `\d`, `\w` and `\s` of ASCII.
fn perl(class: &ast::ClassPerl) -> ClassUnicode {
    let ranges: &[(char, char)] = match class.kind {
        ClassPerlKind::Digit => &[('0', '9')],
        ClassPerlKind::Word => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        ClassPerlKind::Space => &[('\t', '\r'), (' ', ' ')],
    };
    let mut set = ClassUnicode::new(ranges.iter().map(|(start, end)| ClassUnicodeRange::new(*start, *end)));
    if class.negated {
        set.negate();
    }
    set
}
