//! The orders of a list other than the detection's own, in steps that can be interrupted.

use crate::store::Store;
use crate::store::events::interner::Symbol;
use crate::store::ids::FindingId;
use crate::store::list::listing::SortKey;
use crate::store::resumable::{MergeSort, Pause, YIELD_CHEAP, YIELD_COSTLY};
use crate::store::tuning_matches::TuningMatches;
use std::cmp::Ordering;

use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::model::text::image_name;

/// The sort key of a finding.
#[derive(Clone, Copy)]
struct Item {
    /// The first bytes without case: most texts differ in them.
    start: [u8; 8],
    text: Text,
    finding: FindingId,
}

#[derive(Clone, Copy)]
enum Text {
    /// A text of the store, or of an executable's path the name.
    Symbol(Symbol),
    /// One that was made for this: from and to.
    Made(usize, usize),
    Missing,
}

/// A list being sorted by a column of texts, without case; what lacks it comes last, and what has the same keeps its
/// order.
pub(in crate::store) struct ColumnSort {
    by: SortKey,
    profile: Profile,
    reversed: bool,
    made: String,
    /// How many of the findings are looked at.
    looked_at: usize,
    sort: MergeSort<Item>,
}

impl ColumnSort {
    pub(in crate::store) const fn new(by: SortKey, profile: Profile, reversed: bool) -> Self {
        let sort = MergeSort::new(Vec::new());
        Self { by, profile, reversed, made: String::new(), looked_at: 0, sort }
    }

    pub(in crate::store) fn percent(&self, findings: usize) -> usize {
        if self.looked_at < findings { 0 } else { self.sort.percent() }
    }

    /// Continues until all is in order, or the pause asks to stop. Returns true when done.
    pub(in crate::store) fn advance(
        &mut self,
        store: &Store,
        tuning: &TuningMatches,
        findings: &[FindingId],
        pause: Pause<'_>,
    ) -> bool {
        let every = if self.by == SortKey::Destination { YIELD_COSTLY } else { YIELD_CHEAP };
        while let Some(id) = findings.get(self.looked_at) {
            let text = self.text_of(store, tuning, *id);
            let mut start = [0; 8];
            for (slot, byte) in start.iter_mut().zip(self.shown(store, text).bytes()) {
                *slot = byte.to_ascii_lowercase();
            }
            self.sort.push(Item { start, text, finding: *id });
            self.looked_at += 1;
            if self.looked_at.is_multiple_of(every) && pause() {
                return false;
            }
        }
        let Self { by, made, sort, .. } = self;
        let (by, made) = (*by, &*made);
        let is_missing = |item: &Item| matches!(item.text, Text::Missing);
        sort.advance(
            |a, b| {
                is_missing(a).cmp(&is_missing(b)).then_with(|| a.start.cmp(&b.start)).then_with(|| {
                    let (a, b) = (shown(store, by, made, a.text), shown(store, by, made, b.text));
                    if std::ptr::eq(a, b) { Ordering::Equal } else { compare_without_case(a, b) }
                })
            },
            pause,
        )
    }

    /// Puts the findings into their order.
    pub(in crate::store) fn write(&self, findings: &mut [FindingId]) {
        for (slot, item) in findings.iter_mut().zip(self.sort.items()) {
            *slot = item.finding;
        }
        if self.reversed {
            findings.reverse();
        }
    }

    fn text_of(&mut self, store: &Store, tuning: &TuningMatches, id: FindingId) -> Text {
        let Some(finding) = store.finding(id) else { return Text::Missing };
        let field = match self.by {
            SortKey::Host => {
                let host = finding.host.and_then(|host| store.hosts().get(host));
                return host.map_or(Text::Missing, |host| Text::Symbol(host.first));
            }
            SortKey::User => Field::User,
            SortKey::Image => Field::Image,
            SortKey::CommandLine => Field::CommandLine,
            SortKey::Signal => {
                let signal = finding.signal(self.profile);
                return signal.map_or(Text::Missing, |signal| self.keep(signal.name()));
            }
            SortKey::Destination => {
                let destination = store.view(id, self.profile, tuning).and_then(|view| view.destination());
                return destination.map_or(Text::Missing, |destination| self.keep(&destination));
            }
            SortKey::Rank | SortKey::Evidence | SortKey::Time => return Text::Missing,
        };
        store.symbol_of(finding, self.profile, field).map_or(Text::Missing, Text::Symbol)
    }

    fn keep(&mut self, text: &str) -> Text {
        let from = self.made.len();
        self.made.push_str(text);
        Text::Made(from, self.made.len())
    }

    fn shown<'a>(&'a self, store: &'a Store, text: Text) -> &'a str {
        shown(store, self.by, &self.made, text)
    }
}

fn shown<'a>(store: &'a Store, by: SortKey, made: &'a str, text: Text) -> &'a str {
    match text {
        Text::Symbol(symbol) if by == SortKey::Image => image_name(store.text(symbol)),
        Text::Symbol(symbol) => store.text(symbol),
        Text::Made(from, to) => made.get(from..to).unwrap_or(""),
        Text::Missing => "",
    }
}

fn compare_without_case(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_compare_as_their_lower_case_does(a in "[aAbBÄä\u{0}]{0,12}", b in "[aAbBÄä\u{0}]{0,12}") {
            let expected = a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase());
            prop_assert_eq!(compare_without_case(&a, &b), expected);
        }
    }
}
