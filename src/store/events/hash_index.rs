//! A hash index of numbers. The keys are read from the things themselves.
//!
//! In parts: a table grows by moving all that it has, and a million numbers would take longer than a frame.

use std::hash::{BuildHasher, Hash};

use hashbrown::{DefaultHashBuilder, HashTable};

/// The count of parts; a power of two.
const SHARDS: usize = 16;

/// A number, and the hash by which it is known, so that a table grows without a look at the things.
#[derive(Clone, Copy)]
struct Entry {
    number: u32,
    hash: u32,
}

/// A table of numbers. The hash is seeded at random, since the keys are the attacker's.
#[derive(Default)]
pub(in crate::store) struct HashIndex {
    parts: [HashTable<Entry>; SHARDS],
    hasher: DefaultHashBuilder,
}

/// A hash of 32 bits over the 64 of which a table takes its bits from both ends.
pub(in crate::store) const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The hash of a key by which an entry is known.
pub(in crate::store) fn short_hash(hasher: &DefaultHashBuilder, key: impl Hash) -> u32 {
    (hasher.hash_one(key) >> 32) as u32
}

/// The shard that a hash belongs to: by bits that no table looks at.
const fn shard_of(hash: u32) -> usize {
    (spread(hash) >> 40) as usize % SHARDS
}

impl HashIndex {
    /// The hash of a key.
    pub(in crate::store) fn hash(&self, key: impl Hash) -> u32 {
        short_hash(&self.hasher, key)
    }

    /// The number of that hash for which `is_it` holds.
    pub(in crate::store) fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let is_it = |entry: &Entry| entry.hash == hash && is_it(entry.number);
        self.parts.get(shard_of(hash))?.find(spread(hash), is_it).map(|entry| entry.number)
    }

    /// Adds a number that is not there.
    pub(in crate::store) fn insert(&mut self, hash: u32, number: u32) {
        if let Some(table) = self.parts.get_mut(shard_of(hash)) {
            table.insert_unique(spread(hash), Entry { number, hash }, |other| spread(other.hash));
        }
    }

    /// Returns the capacity.
    pub(in crate::store) fn capacity(&self) -> usize {
        self.parts.iter().map(HashTable::capacity).sum()
    }

    /// Bytes that one takes.
    pub(in crate::store) const BYTES: usize = size_of::<Entry>() + 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_number_and_all_parts_are_used() {
        let keys: Vec<String> = (0..10_000).map(|number| format!("key {number}")).collect();
        let mut index = HashIndex::default();
        let find =
            |index: &HashIndex, key: &str| index.find(index.hash(key), |number| keys[number as usize] == key);
        for (number, key) in (0..).zip(&keys) {
            assert_eq!(find(&index, key), None);
            index.insert(index.hash(key.as_str()), number);
        }
        for (number, key) in (0..).zip(&keys) {
            assert_eq!(find(&index, key), Some(number));
        }
        assert!(index.parts.iter().all(|shard_of| (400..900).contains(&shard_of.len())));
        assert!(index.capacity() >= keys.len());
    }
}
