//! The orders of a list other than the detection's own. Each distinct text is compared once and then known by its place.

use std::collections::HashMap;

use super::Store;
use super::finding::{Finding, FindingId};
use super::interner::Symbol;
use super::listing::SortKey;
use crate::detect::profile::Profile;
use crate::model::event::Field;
use crate::model::text::image_name;

/// Sorts findings by a column of texts, without case; what lacks it comes last, and what has the same keeps its order.
/// Of the columns without texts of their own nothing is moved.
pub(super) fn sort(findings: &mut [FindingId], store: &Store, profile: Profile, by: SortKey) {
    let symbol = |finding: &Finding| -> Option<Symbol> {
        match by {
            SortKey::Host => store.hosts().get(finding.host?).map(|host| host.shown),
            SortKey::User => store.symbol_of(finding, profile, Field::User),
            SortKey::Image => store.symbol_of(finding, profile, Field::Image),
            SortKey::CommandLine => store.symbol_of(finding, profile, Field::CommandLine),
            SortKey::Rank | SortKey::Time | SortKey::Signal | SortKey::Destination => None,
        }
    };
    let part = |symbol: Symbol| {
        let text = store.text(symbol);
        if by == SortKey::Image { image_name(text) } else { text }.to_ascii_lowercase()
    };
    by_place(findings, |id| store.finding(id).and_then(symbol), part);
}

/// The same by what is made of each finding.
pub(super) fn sort_by_text(findings: &mut [FindingId], text: impl Fn(FindingId) -> Option<String>) {
    let texts: HashMap<FindingId, String> =
        findings.iter().filter_map(|id| Some((*id, text(*id)?))).collect();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut distinct: Vec<&str> = Vec::new();
    for text in texts.values() {
        numbers.entry(text).or_insert_with(|| {
            distinct.push(text);
            distinct.len() - 1
        });
    }
    let number = |id: FindingId| texts.get(&id).and_then(|text| numbers.get(text.as_str()).copied());
    by_place(findings, number, |number| distinct.get(number).map(|text| text.to_ascii_lowercase()));
}

/// Sorts by the place that a finding's key has among all keys, when they are sorted by what `text` makes of them.
fn by_place<K: Copy + Eq + std::hash::Hash, T: Ord>(
    findings: &mut [FindingId],
    key: impl Fn(FindingId) -> Option<K>,
    text: impl Fn(K) -> T,
) {
    let keys: Vec<Option<K>> = findings.iter().map(|id| key(*id)).collect();
    let mut places: HashMap<K, u32> = HashMap::new();
    let mut distinct: Vec<(T, K)> = Vec::new();
    for key in keys.iter().flatten() {
        places.entry(*key).or_insert_with(|| {
            distinct.push((text(*key), *key));
            0
        });
    }
    distinct.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut place = 0;
    let mut before = None;
    for (text, key) in &distinct {
        // Texts that differ in case alone share a place.
        place += u32::from(before.is_some_and(|before| before != text));
        before = Some(text);
        places.insert(*key, place);
    }
    let mut order: Vec<(u32, u32, FindingId)> = (0_u32..)
        .zip(keys.iter().zip(&*findings))
        .map(|(at, (key, id))| {
            let place = key.and_then(|key| places.get(&key).copied()).unwrap_or(u32::MAX);
            (place, at, *id)
        })
        .collect();
    order.sort_unstable();
    for (slot, (_, _, id)) in findings.iter_mut().zip(order) {
        *slot = id;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_a_stable_sort_without_case(texts in proptest::collection::vec(proptest::option::of("[aAbB]{0,2}"), 0..30)) {
            let mut findings: Vec<_> = (0_u32..).zip(&texts).map(|(number, _)| FindingId(number)).collect();
            let mut expected = findings.clone();
            let text = |id: FindingId| texts[id.0 as usize].clone();
            expected.sort_by_key(|id| (text(*id).is_none(), text(*id).map(|text| text.to_ascii_lowercase())));
            sort_by_text(&mut findings, text);
            prop_assert_eq!(findings, expected);
        }
    }
}
