//! Secrets on command lines: tokens, passwords and keys are masked wherever a text is shown or exported, unless the
//! user asks to reveal them. The mask keeps the part that identifies the kind (`ghp_****`, `Bearer ****`) and nothing
//! else.
//!
//! A secret is identified by its shape (`shapes`), by its name (`names`), by the tool that takes it (`tools`), by the
//! call that contains it (`calls`), or by its position in a URL (`urls`). All of that is searched in the text, in the
//! text as its reader reads it (`folded`), in the texts that its base64 encodes (`encoded`), and in those that an event
//! holds (`contained`).

mod calls;
mod clean;
mod contained;
mod encoded;
mod folded;
mod names;
mod shapes;
mod tools;
mod urls;
mod value;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex::Regex;

use super::text::{Edits, map_ranges, visible_with_ranges};

/// The mask of a secret of any length.
pub const MASK: &str = "****";

/// The maximum depth at which an encoded text is read again: base64 within base64, escapes within escapes. The texts
/// that are read get no longer, so that all of them together are a fixed number of times the text.
const MAX_DEPTH: usize = 3;

/// A secret's bytes, and the count of its first ones that identify its kind and stay.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    range: Range<usize>,
    kept: usize,
}

/// The text from `at` on; empty where it has no such offset.
fn text_at(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

/// The patterns are constants and are all compiled by the tests; one that failed would find nothing.
fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// A count of the bytes read, for the tests: masking takes time that is linear in its text.
mod steps {
    #[cfg(test)]
    thread_local! {
        static COUNTED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[cfg(test)]
    pub(super) fn count(bytes: usize) {
        COUNTED.with(|counted| counted.set(counted.get() + bytes));
    }

    #[cfg(not(test))]
    pub(super) const fn count(_bytes: usize) {}

    /// Returns the count since the last call.
    #[cfg(test)]
    pub(super) fn taken() -> usize {
        COUNTED.take()
    }
}

/// Words of a text that is about users and their credentials.
const OF_USERS: [&str; 6] = ["auth", "basic", "cred", "login", "passw", "header"];

fn find(text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    find_in(text, MAX_DEPTH, &mut findings);
    findings.retain(|finding| {
        text.get(finding.range.clone()).is_some_and(|secret| !secret.is_empty() && !shapes::is_masked(secret))
    });
    merge(findings)
}

/// Finds a word that the rules by call and most by shape need: a text without has nothing for them.
static SIGNS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .build(shapes::needs().chain(calls::needs()))
        .ok()
});

/// Finds secrets in a text and in the texts that it encodes, `depth` levels deep.
fn find_in(text: &str, depth: usize, findings: &mut Vec<Finding>) {
    steps::count(text.len());
    let has_signs = SIGNS.as_ref().is_some_and(|signs| signs.is_match(text));
    let lower = has_signs.then(|| text.to_ascii_lowercase());
    shapes::find(text, lower.as_deref(), findings);
    if let Some(lower) = &lower {
        calls::find(text, lower, findings);
    }
    names::find(text, findings);
    urls::find(text, findings);
    tools::find(text, findings);
    let Some(depth) = depth.checked_sub(1) else { return };
    let knows_users = || {
        let lower = text.to_ascii_lowercase();
        OF_USERS.iter().any(|word| lower.contains(word))
    };
    encoded::find_encoded(text, &knows_users, &|inner, found| find_in(inner, depth, found), findings);
    for (at, inner, edits) in contained::texts(text) {
        find_behind(at, &inner, &edits, depth, findings);
    }
    if let Some((folded, edits)) = folded::fold(text) {
        find_behind(0, &folded, &edits, depth, findings);
    }
}

/// Finds secrets in the decoded form of a text's part, which begins at `at`, and maps them back to the original.
fn find_behind(at: usize, meant: &str, edits: &Edits, depth: usize, findings: &mut Vec<Finding>) {
    let mut inner = Vec::new();
    find_in(meant, depth, &mut inner);
    let back = edits.inverted();
    findings.extend(inner.into_iter().map(|Finding { range, kept }| {
        let secret = back.map(&(range.start + kept..range.end));
        let start = back.map(&range).start.min(secret.start);
        Finding { range: at + start..at + secret.end, kept: secret.start - start }
    }));
}

/// Overlapping findings become one: all that any of them covers is masked, and the kind of the first stays.
fn merge(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.range.start, std::cmp::Reverse(finding.kept)));
    let mut merged: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match merged.last_mut() {
            Some(last) if finding.range.start <= last.range.end => {
                last.range.end = last.range.end.max(finding.range.end);
            }
            _ => merged.push(finding),
        }
    }
    merged
}

/// Masks a finding's kept kind from the start of a secret that begins within it: a password `ghp_`, before a text that
/// looked like the rest of a token. The findings come in order and do not overlap.
fn keep_less(findings: &mut [Finding], secret: &Range<usize>) {
    let after = findings.partition_point(|finding| finding.range.start <= secret.start);
    let Some(finding) = after.checked_sub(1).and_then(|at| findings.get_mut(at)) else { return };
    if secret.end <= finding.range.start + finding.kept {
        finding.kept = secret.start - finding.range.start;
    }
}

/// Rounds until no further secret is found. Real command lines take one, and one more that finds nothing; chains that a
/// fuzzer built took eleven. Each round is linear in the text, and so is the bound.
const MAX_ROUNDS: usize = 64;

/// The text with its secrets masked, and the edits that this took. A text without a secret comes back as it is.
#[must_use]
pub fn mask_with_edits(text: &str) -> (Cow<'_, str>, Edits) {
    if clean::is_known(text) {
        return (Cow::Borrowed(text), Edits::default());
    }
    let mut findings = find(text);
    if findings.is_empty() {
        clean::remember(text);
        return (Cow::Borrowed(text), Edits::default());
    }
    let (mut masked, mut edits) = apply(text, &findings);
    // Where a secret is masked, the text around it may look like one too.
    for _ in 1..MAX_ROUNDS {
        let further = find(&masked);
        if further.is_empty() {
            break;
        }
        let back = edits.inverted();
        let further = further.into_iter().map(|Finding { range, kept }| {
            let secret = back.map(&(range.start + kept..range.end));
            let start = back.map(&range).start.min(secret.start);
            Finding { range: start..secret.end, kept: secret.start - start }
        });
        let further: Vec<_> = further.collect();
        for Finding { range, kept } in &further {
            keep_less(&mut findings, &(range.start + kept..range.end));
        }
        findings.extend(further);
        findings = merge(findings);
        (masked, edits) = apply(text, &findings);
    }
    (Cow::Owned(masked), edits)
}

/// Replaces findings by masks. The findings come in order and do not overlap.
fn apply(text: &str, findings: &[Finding]) -> (String, Edits) {
    let mut edits = Edits::default();
    let mut output = String::with_capacity(text.len());
    let mut copied = 0;
    for Finding { range, kept } in findings {
        let start = range.start + kept;
        output.push_str(text.get(copied..start).unwrap_or_default());
        let masked_at = output.len();
        output.push_str(MASK);
        edits.push(start..range.end, masked_at..output.len());
        copied = range.end;
    }
    output.push_str(text.get(copied..).unwrap_or_default());
    (output, edits)
}

/// The text with its secrets masked.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    mask_with_edits(text).0
}

/// The text with its secrets masked, and byte ranges of the original mapped to it. A range that touches a secret takes
/// in its whole mask.
#[must_use]
pub fn mask_with_ranges<'a>(text: &'a str, ranges: &[Range<usize>]) -> (Cow<'a, str>, Vec<Range<usize>>) {
    let (masked, edits) = mask_with_edits(text);
    let ranges = map_ranges(text, &edits, ranges);
    (masked, ranges)
}

/// A part of a text, masked as within the whole: alone, a piece of a secret is not recognised.
#[must_use]
pub fn mask_part(text: &str, range: &Range<usize>) -> String {
    let (masked, ranges) = mask_with_ranges(text, std::slice::from_ref(range));
    ranges.first().and_then(|range| masked.get(range.clone())).unwrap_or_default().to_owned()
}

/// A text as a terminal may show it: masked unless `reveal_secrets`, then made visible, with the ranges of matches.
#[must_use]
pub fn shown<'a>(
    text: &'a str,
    ranges: &[Range<usize>],
    reveal_secrets: bool,
) -> (Cow<'a, str>, Vec<Range<usize>>) {
    if reveal_secrets {
        return visible_with_ranges(text, ranges);
    }
    match mask_with_ranges(text, ranges) {
        (Cow::Borrowed(text), ranges) => visible_with_ranges(text, &ranges),
        (Cow::Owned(masked), ranges) => {
            let (visible, ranges) = visible_with_ranges(&masked, &ranges);
            (Cow::Owned(visible.into_owned()), ranges)
        }
    }
}

#[cfg(test)]
mod tests;
