//! The alternatives of a pattern as sequences of parts, so that what they begin and end with can be seen.

use regex_syntax::ast::{self, AssertionKind, Ast, ClassPerlKind, GroupKind, RepetitionKind};

use super::{Refusal, Source};

/// Alternatives that a pattern is opened into.
const MAX_BRANCHES: usize = 128;
/// Parts of all of them.
const MAX_PARTS: usize = 16_384;

/// Whether any part of a tree is such.
pub(super) fn holds(tree: &Ast, is_such: &dyn Fn(&Ast) -> bool) -> bool {
    if is_such(tree) {
        return true;
    }
    match tree {
        Ast::Repetition(repetition) => holds(&repetition.ast, is_such),
        Ast::Group(group) => holds(&group.ast, is_such),
        Ast::Alternation(alternation) => alternation.asts.iter().any(|part| holds(part, is_such)),
        Ast::Concat(concat) => concat.asts.iter().any(|part| holds(part, is_such)),
        _ => false,
    }
}

/// The flags that a pattern begins with, such as `(?i)`, and the tree of the rest. The places of the rest are those of
/// the whole pattern.
pub(super) fn leading_flags(source: &Source<'_>) -> Result<(Option<ast::SetFlags>, Ast), Refusal> {
    fn first(tree: &Ast) -> Option<&ast::SetFlags> {
        match tree {
            Ast::Flags(set) => Some(set),
            Ast::Concat(concat) => first(concat.asts.first()?),
            Ast::Alternation(alternation) => first(alternation.asts.first()?),
            _ => None,
        }
    }
    let mut tree = source.tree()?;
    let Some(set) = first(&tree).cloned() else { return Ok((None, tree)) };
    take_first(&mut tree);
    Ok((Some(set), tree))
}

/// Takes the first part out of a tree.
fn take_first(tree: &mut Ast) {
    match tree {
        Ast::Concat(concat) if !concat.asts.is_empty() => {
            concat.asts.remove(0);
        }
        Ast::Alternation(alternation) => alternation.asts.first_mut().into_iter().for_each(take_first),
        other => *other = Ast::empty(*other.span()),
    }
}

fn is_assertion(part: &Ast) -> bool {
    matches!(part, Ast::Assertion(_))
}

/// The alternatives of a pattern, with the groups at their ends opened as far as these hold assertions; `None` where
/// that would be too many.
pub(super) fn branches(tree: &Ast) -> Option<Vec<Vec<&Ast>>> {
    let mut open = vec![vec![tree]];
    let mut done = Vec::new();
    let mut parts = 0;
    while let Some(sequence) = open.pop() {
        parts += sequence.len();
        if open.len() + done.len() > MAX_BRANCHES || parts > MAX_PARTS {
            return None;
        }
        let last = sequence.len().saturating_sub(1);
        match opened(&sequence, 0).or_else(|| opened(&sequence, last)) {
            Some(sequences) => open.extend(sequences.into_iter().rev()),
            None => done.push(sequence),
        }
    }
    Some(done)
}

/// The sequences that come of opening one part of a sequence.
fn opened<'a>(sequence: &[&'a Ast], at: usize) -> Option<Vec<Vec<&'a Ast>>> {
    let part: &'a Ast = sequence.get(at).copied()?;
    let with = |parts: Vec<&'a Ast>| {
        let (before, after) = (sequence.get(..at).unwrap_or(&[]), sequence.get(at + 1..).unwrap_or(&[]));
        before.iter().copied().chain(parts).chain(after.iter().copied()).collect::<Vec<_>>()
    };
    // Flags within would reach over its other alternatives.
    let opens = || holds(part, &is_assertion) && !holds(part, &|part| matches!(part, Ast::Flags(_)));
    match part {
        Ast::Concat(concat) => Some(vec![with(concat.asts.iter().collect())]),
        Ast::Group(group) if !has_flags(group) && opens() => Some(vec![with(vec![&*group.ast])]),
        Ast::Alternation(alternation) if opens() => {
            Some(alternation.asts.iter().map(|branch| with(vec![branch])).collect())
        }
        Ast::Empty(_) if sequence.len() > 1 => Some(vec![with(Vec::new())]),
        _ => None,
    }
}

pub(super) fn has_flags(group: &ast::Group) -> bool {
    matches!(&group.kind, GroupKind::NonCapturing(flags) if !flags.items.is_empty())
}

/// The element at an end of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Edge {
    /// Anything.
    #[default]
    Open,
    /// The beginning or the end of the text.
    Text,
    /// The beginning or the end of a word.
    Word,
}

/// A sequence without the assertions that it begins and ends with, and without those that always hold.
#[derive(Debug, Default)]
pub(super) struct Edges<'a> {
    pub(super) before: Edge,
    pub(super) inner: Vec<&'a Ast>,
    pub(super) after: Edge,
}

impl<'a> Edges<'a> {
    /// Looks at both ends of a sequence. Assertions that can't be taken off stay in `inner`; so do `^` and `$` unless
    /// `takes_anchors`.
    pub(super) fn of(sequence: &[&'a Ast], takes_anchors: bool) -> Self {
        let mut inner: Vec<&'a Ast> = sequence.to_vec();
        let kind = |part: Option<&&'a Ast>| match part {
            Some(Ast::Assertion(assertion)) => Some(assertion.kind.clone()),
            _ => None,
        };
        let is_start = |kind| matches!(kind, Some(AssertionKind::StartLine | AssertionKind::StartText));
        let is_end = |kind| matches!(kind, Some(AssertionKind::EndLine | AssertionKind::EndText));
        // `^\bword`, `-\bword`: what a neighbour decides.
        let mut at = 0;
        while at < inner.len() {
            if kind(inner.get(at)) == Some(AssertionKind::WordBoundary) && at > 0 {
                let (before, after) = (inner.get(at - 1), inner.get(at + 1));
                let word = |part: Option<&&Ast>| part.is_some_and(|part| is_of_words(part));
                let other = |part: Option<&&Ast>| part.is_some_and(|part| is_of_others(part));
                let is_true = (is_start(kind(before)) || other(before)) && word(after)
                    || word(before) && (is_end(kind(after)) || other(after));
                if is_true {
                    inner.remove(at);
                    continue;
                }
            }
            at += 1;
        }
        let mut edges = Self::default();
        if takes_anchors && is_start(kind(inner.first())) {
            edges.before = Edge::Text;
            inner.remove(0);
        } else if kind(inner.first()) == Some(AssertionKind::WordBoundary)
            && inner.get(1).is_some_and(|part| is_of_words(part))
        {
            edges.before = Edge::Word;
            inner.remove(0);
        }
        if takes_anchors && is_end(kind(inner.last())) {
            edges.after = Edge::Text;
            inner.pop();
        } else if kind(inner.last()) == Some(AssertionKind::WordBoundary)
            && inner.iter().rev().nth(1).is_some_and(|part| is_of_words(part))
        {
            edges.after = Edge::Word;
            inner.pop();
        }
        edges.inner = inner;
        edges
    }
}

/// Whether a part matches characters of words alone, one at least.
fn is_of_words(part: &Ast) -> bool {
    match part {
        Ast::Literal(literal) => literal.c.is_ascii_alphanumeric() || literal.c == '_',
        Ast::ClassPerl(class) => !class.negated && !matches!(class.kind, ClassPerlKind::Space),
        Ast::ClassBracketed(class) => !class.negated && super::class::is_of_ascii_words(&class.kind),
        Ast::Repetition(repetition) => {
            let is_some = match &repetition.op.kind {
                RepetitionKind::OneOrMore => true,
                RepetitionKind::ZeroOrOne | RepetitionKind::ZeroOrMore => false,
                RepetitionKind::Range(range) => match range {
                    ast::RepetitionRange::Exactly(least)
                    | ast::RepetitionRange::AtLeast(least)
                    | ast::RepetitionRange::Bounded(least, _) => *least > 0,
                },
            };
            is_some && is_of_words(&repetition.ast)
        }
        Ast::Group(group) => !has_flags(group) && is_of_words(&group.ast),
        Ast::Concat(concat) => !concat.asts.is_empty() && concat.asts.iter().all(is_of_words),
        Ast::Alternation(alternation) => alternation.asts.iter().all(is_of_words),
        _ => false,
    }
}

/// Whether a part is a character that is in no word.
fn is_of_others(part: &Ast) -> bool {
    matches!(part, Ast::Literal(literal) if literal.c.is_ascii() && !literal.c.is_ascii_alphanumeric() && literal.c != '_')
}
