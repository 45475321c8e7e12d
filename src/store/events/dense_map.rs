//! A `u32 -> u32` map in fixed-size pages, so that growing never copies: a copy would miss a frame.

/// Entries of a page.
const PAGE: usize = 4096;
/// Marks an empty slot.
const NONE: u32 = u32::MAX;

/// A number for each of many numbers, most of which come one after the other.
#[derive(Default)]
pub(in crate::store) struct DenseMap {
    pages: Vec<Option<Box<[u32]>>>,
}

impl DenseMap {
    /// Returns the value of a key.
    pub(in crate::store) fn get(&self, at: u32) -> Option<u32> {
        let at = at as usize;
        let page = self.pages.get(at / PAGE)?.as_ref()?;
        page.get(at % PAGE).copied().filter(|number| *number != NONE)
    }

    /// Sets the value of a key; `u32::MAX` empties it.
    pub(in crate::store) fn set(&mut self, at: u32, number: u32) {
        let at = at as usize;
        if self.pages.len() <= at / PAGE {
            self.pages.resize_with(at / PAGE + 1, || None);
        }
        let page = self.pages.get_mut(at / PAGE);
        let page = page.map(|page| page.get_or_insert_with(|| vec![NONE; PAGE].into_boxed_slice()));
        if let Some(slot) = page.and_then(|page| page.get_mut(at % PAGE)) {
            *slot = number;
        }
    }

    /// Bytes that it takes.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.pages.capacity() * size_of::<Option<Box<[u32]>>>()
            + self.pages.iter().flatten().count() * PAGE * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(puts in proptest::collection::vec((0_u32..40_000, 0_u32..10), 0..200)) {
            let (mut paged, mut map) = (DenseMap::default(), HashMap::new());
            for (at, number) in puts {
                paged.set(at, number);
                map.insert(at, number);
            }
            for at in 0..41_000 {
                prop_assert_eq!(paged.get(at), map.get(&at).copied());
            }
        }
    }
}
