//! The branches of a pattern: the texts between its `|`, inside its groups too.

use std::ops::Range;

use regex_syntax::ast::{self, Ast, GroupKind};

/// Maximum number of branches that are processed.
const MOST: usize = 256;

/// A branch of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    /// Its span in the pattern, in bytes.
    pub(super) span: Range<usize>,
    /// Its text as a pattern of its own: with the flags that the whole begins with.
    pub(super) alone: String,
}

/// Returns the branches of a pattern that compiles; empty if it has too many.
#[must_use]
pub(super) fn branches(pattern: &str) -> Vec<Branch> {
    let flags = flags(pattern);
    let body = pattern.get(flags..).unwrap_or_default();
    let Ok(tree) = ast::parse::Parser::new().parse(body) else { return Vec::new() };
    let mut spans = Vec::new();
    flatten(&tree, &mut spans);
    if spans.len() > MOST {
        return Vec::new();
    }
    let prefix = pattern.get(..flags).unwrap_or_default();
    let branch = |span: Range<usize>| {
        let text = body.get(span.clone())?;
        Some(Branch { span: span.start + flags..span.end + flags, alone: format!("{prefix}{text}") })
    };
    spans.into_iter().filter_map(branch).collect()
}

/// Returns the length in bytes of the flags that a pattern begins with: `(?i)`.
fn flags(pattern: &str) -> usize {
    let Some(rest) = pattern.strip_prefix("(?") else { return 0 };
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic() && c != '-').unwrap_or(0);
    if letters > 0 && rest.get(letters..).is_some_and(|rest| rest.starts_with(')')) { letters + 3 } else { 0 }
}

fn flatten(tree: &Ast, spans: &mut Vec<Range<usize>>) {
    match tree {
        Ast::Alternation(alternation) => alternation.asts.iter().for_each(|branch| flatten(branch, spans)),
        Ast::Group(group) if !matches!(&group.kind, GroupKind::NonCapturing(flags) if !flags.items.is_empty()) =>
        {
            flatten(&group.ast, spans);
        }
        other => {
            let span = other.span();
            spans.push(span.start.offset..span.end.offset);
        }
    }
}

impl Branch {
    /// Its own text in the pattern.
    #[must_use]
    pub(super) fn text<'a>(&self, pattern: &'a str) -> &'a str {
        pattern.get(self.span.clone()).unwrap_or_default()
    }

    /// Returns the pattern with the branch replaced by another text.
    #[must_use]
    pub(super) fn replaced(&self, pattern: &str, text: &str) -> String {
        let (before, after) = (pattern.get(..self.span.start), pattern.get(self.span.end..));
        format!("{}{text}{}", before.unwrap_or_default(), after.unwrap_or_default())
    }

    /// Returns the pattern without it; `None` if it is the only one of its group, since an empty group matches
    /// everything.
    #[must_use]
    pub(super) fn removed(&self, pattern: &str) -> Option<String> {
        let (before, after) = (pattern.get(..self.span.start)?, pattern.get(self.span.end..)?);
        match (before.strip_suffix('|'), after.strip_prefix('|')) {
            (Some(before), _) => Some(format!("{before}{after}")),
            (_, Some(after)) => Some(format!("{before}{after}")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_found_in_their_groups_and_can_be_replaced() {
        let pattern = r"(?i)(jenkins|ci[-_]|(?:a|b\|c))|^x\.y$|d(e|f)";
        let found = branches(pattern);
        let texts: Vec<_> = found.iter().map(|branch| branch.text(pattern)).collect();
        assert_eq!(texts, ["jenkins", "ci[-_]", "a", r"b\|c", r"^x\.y$", "d(e|f)"]);
        assert_eq!(found[1].alone, "(?i)ci[-_]");
        assert_eq!(
            found[1].replaced(pattern, r"\bci[-_]"),
            r"(?i)(jenkins|\bci[-_]|(?:a|b\|c))|^x\.y$|d(e|f)"
        );
        assert_eq!(found[0].removed(pattern).unwrap(), r"(?i)(ci[-_]|(?:a|b\|c))|^x\.y$|d(e|f)");
        assert_eq!(found[5].removed(pattern).unwrap(), r"(?i)(jenkins|ci[-_]|(?:a|b\|c))|^x\.y$");
        assert_eq!(branches("(?i)(a)")[0].removed("(?i)(a)"), None);
        assert_eq!(branches("a||b")[1].text("a||b"), "");
        assert_eq!(branches("a||b")[1].removed("a||b").unwrap(), "a|b");
        assert_eq!(branches("(").len(), 0);
    }
}
