//! Work in steps that can be interrupted: a screen must answer while a million findings are sorted.

use std::cmp::Ordering;

/// Returns true when the caller should yield. Polled at least once a millisecond.
pub type Pause<'a> = &'a dyn Fn() -> bool;

/// Items between two polls of the pause, for steps that cost about 100 ns and 1 us. Tests stop far more
/// often than that.
pub(in crate::store) const YIELD_CHEAP: usize = if cfg!(test) { 4 } else { 4096 };
pub(in crate::store) const YIELD_COSTLY: usize = if cfg!(test) { 2 } else { 256 };

/// A stable sort by merging, which can stop anywhere and go on.
pub(in crate::store) struct MergeSort<T> {
    items: Vec<T>,
    merged: Vec<T>,
    /// How many are in order already, beginning with each multiple of it; 0 before the first pass.
    run: usize,
    /// The index of the next run, or of the next pair of runs.
    at: usize,
    /// The merged counts of that pair's runs.
    taken: (usize, usize),
}

/// Items that are sorted at once.
const FIRST_RUN: usize = 512;
/// Items that are merged between two polls.
const MERGED: usize = 256;

impl<T: Copy> MergeSort<T> {
    pub(in crate::store) const fn new(items: Vec<T>) -> Self {
        Self { items, merged: Vec::new(), run: 0, at: 0, taken: (0, 0) }
    }

    pub(in crate::store) fn items(&self) -> &[T] {
        &self.items
    }

    pub(in crate::store) fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// Of all the passes that it takes, how much is done, in percent.
    pub(in crate::store) fn percent(&self) -> usize {
        let length = self.items.len().max(1);
        let passes = 1 + length.div_ceil(FIRST_RUN).next_power_of_two().trailing_zeros() as usize;
        let done = match self.run {
            0 => 0,
            run => 1 + (run / FIRST_RUN).trailing_zeros() as usize,
        };
        let at = (self.at + self.taken.0 + self.taken.1).min(length);
        (done * 100 + at * 100 / length) / passes
    }

    /// Continues until all is in order, or the pause asks to stop. Returns true when done.
    pub(in crate::store) fn advance(&mut self, order: impl Fn(&T, &T) -> Ordering, pause: Pause<'_>) -> bool {
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

    /// Merges the current two runs. Returns whether it reached their end.
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
    }
}
