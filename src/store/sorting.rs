//! The orders of a list other than the detection's own, in steps that can be interrupted.

use std::cmp::Ordering;

use super::Store;
use super::finding::FindingId;
use super::flags::Flags;
use super::interner::Symbol;
use super::listing::SortKey;
use super::making::{FEW, MANY, Pause};
use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::model::text::image_name;

/// A stable sort by merging, which can stop anywhere and go on.
pub(super) struct MergeSort<T> {
    items: Vec<T>,
    merged: Vec<T>,
    /// How many are in order already, beginning with each multiple of it; 0 before the first pass.
    run: usize,
    /// Where the next run, or the next pair of runs, begins.
    at: usize,
    /// How much of that pair's runs is merged.
    taken: (usize, usize),
}

/// What is sorted at once.
const FIRST_RUN: usize = 512;
/// What is merged between two questions of whether it is time to stop.
const MERGED: usize = 256;

impl<T: Copy> MergeSort<T> {
    pub(super) const fn new(items: Vec<T>) -> Self {
        Self { items, merged: Vec::new(), run: 0, at: 0, taken: (0, 0) }
    }

    pub(super) fn items(&self) -> &[T] {
        &self.items
    }

    pub(super) fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// Of all the passes that it takes, how much is done, in percent.
    pub(super) fn percent(&self) -> usize {
        let length = self.items.len().max(1);
        let passes = 1 + length.div_ceil(FIRST_RUN).next_power_of_two().trailing_zeros() as usize;
        let done = match self.run {
            0 => 0,
            run => 1 + (run / FIRST_RUN).trailing_zeros() as usize,
        };
        let at = (self.at + self.taken.0 + self.taken.1).min(length);
        (done * 100 + at * 100 / length) / passes
    }

    /// Goes on until all is in order, which it says, or it is time to stop.
    pub(super) fn advance(&mut self, order: impl Fn(&T, &T) -> Ordering, pause: Pause<'_>) -> bool {
        if self.run == 0 {
            while self.at < self.items.len() {
                let end = (self.at + FIRST_RUN).min(self.items.len());
                if let Some(run) = self.items.get_mut(self.at..end) {
                    run.sort_by(&order);
                }
                self.at = end;
                if pause() {
                    return false;
                }
            }
            (self.run, self.at) = (FIRST_RUN, 0);
            self.merged.reserve(self.items.len());
        }
        while self.run < self.items.len() {
            while self.at < self.items.len() {
                if !self.merge_pair(&order, pause) {
                    return false;
                }
                self.at += 2 * self.run;
                self.taken = (0, 0);
            }
            std::mem::swap(&mut self.items, &mut self.merged);
            self.merged.clear();
            (self.run, self.at) = (2 * self.run, 0);
        }
        true
    }

    /// Merges the two runs at hand; says whether it came to their end.
    fn merge_pair(&mut self, order: &impl Fn(&T, &T) -> Ordering, pause: Pause<'_>) -> bool {
        let middle = (self.at + self.run).min(self.items.len());
        let end = (middle + self.run).min(self.items.len());
        let (left, right) = (self.items.get(self.at..middle), self.items.get(middle..end));
        let (Some(left), Some(right)) = (left, right) else { return true };
        loop {
            match (left.get(self.taken.0), right.get(self.taken.1)) {
                (Some(a), Some(b)) if order(b, a) == Ordering::Less => {
                    self.merged.push(*b);
                    self.taken.1 += 1;
                }
                (Some(a), _) => {
                    self.merged.push(*a);
                    self.taken.0 += 1;
                }
                (None, Some(b)) => {
                    self.merged.push(*b);
                    self.taken.1 += 1;
                }
                (None, None) => return true,
            }
            if self.merged.len().is_multiple_of(MERGED) && pause() {
                return false;
            }
        }
    }
}

/// What a finding is sorted by.
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
pub(super) struct Sorting {
    by: SortKey,
    profile: Profile,
    reversed: bool,
    made: String,
    /// How many of the findings are looked at.
    looked_at: usize,
    sort: MergeSort<Item>,
}

impl Sorting {
    pub(super) const fn new(by: SortKey, profile: Profile, reversed: bool) -> Self {
        let sort = MergeSort::new(Vec::new());
        Self { by, profile, reversed, made: String::new(), looked_at: 0, sort }
    }

    pub(super) fn percent(&self, findings: usize) -> usize {
        if self.looked_at < findings { 0 } else { self.sort.percent() }
    }

    /// Goes on until all is in order, which it says, or it is time to stop.
    pub(super) fn advance(
        &mut self,
        store: &Store,
        flags: &Flags,
        findings: &[FindingId],
        pause: Pause<'_>,
    ) -> bool {
        let every = if self.by == SortKey::Destination { FEW } else { MANY };
        while let Some(id) = findings.get(self.looked_at) {
            let text = self.text_of(store, flags, *id);
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
    pub(super) fn write(&self, findings: &mut [FindingId]) {
        for (slot, item) in findings.iter_mut().zip(self.sort.items()) {
            *slot = item.finding;
        }
        if self.reversed {
            findings.reverse();
        }
    }

    fn text_of(&mut self, store: &Store, flags: &Flags, id: FindingId) -> Text {
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
                let destination = store.view(id, self.profile, flags).and_then(|view| view.destination());
                return destination.map_or(Text::Missing, |destination| self.keep(&destination));
            }
            SortKey::Rank | SortKey::Time => return Text::Missing,
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
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sort_that_stops_and_goes_on_is_the_stable_one(
            keys in proptest::collection::vec(0_u8..20, 0..3000),
            every in 1_u32..50,
        ) {
            let items: Vec<(u8, usize)> = keys.iter().copied().zip(0..).collect();
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            let mut sort = MergeSort::new(items);
            let asked = Cell::new(0_u32);
            let pause = || {
                asked.set(asked.get() + 1);
                asked.get().is_multiple_of(every)
            };
            let mut steps = 0;
            let mut before = 0;
            while !sort.advance(|a, b| a.0.cmp(&b.0), &pause) {
                steps += 1;
                prop_assert!(steps < 1000, "it gets on");
                prop_assert!((before..=100).contains(&sort.percent()), "{before} -> {}", sort.percent());
                before = sort.percent();
            }
            prop_assert_eq!(sort.items(), expected);
        }

        #[test]
        fn texts_compare_as_their_lower_case_does(a in "[aAbBÄä\u{0}]{0,12}", b in "[aAbBÄä\u{0}]{0,12}") {
            let expected = a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase());
            prop_assert_eq!(compare_without_case(&a, &b), expected);
        }
    }
}
