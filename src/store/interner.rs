//! Texts kept once each, in blocks that never move.

use std::hash::{BuildHasher, Hash};
use std::num::NonZeroU32;

use hashbrown::{DefaultHashBuilder, HashTable};

const BLOCK_BYTES: usize = 1 << 20;

/// A text of an [`Interner`]. Equal texts have equal symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(NonZeroU32);

impl Symbol {
    /// Its number, from 0 in the order in which texts were met.
    pub(super) const fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

#[derive(Clone, Copy)]
struct Span {
    block: u32,
    start: u32,
    length: u32,
}

/// A text's number and its hash, so that the table grows without a look at the texts.
#[derive(Clone, Copy)]
struct Entry {
    number: NonZeroU32,
    hash: u32,
}

/// A hash of 32 bits over the 64 of which the table takes its bits from both ends.
pub(super) const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The hash of a key by which an entry is known.
pub(super) fn short_hash(hasher: &DefaultHashBuilder, key: impl Hash) -> u32 {
    (hasher.hash_one(key) >> 32) as u32
}

/// Keeps each distinct text once.
///
/// The hash is seeded at random, since the texts are the attacker's.
#[derive(Default)]
pub struct Interner {
    blocks: Vec<String>,
    spans: Vec<Span>,
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The symbol of a text; `None` for an empty text, and once four thousand million texts are kept.
    pub fn intern(&mut self, text: &str) -> Option<Symbol> {
        if text.is_empty() {
            return None;
        }
        let hash = self.hash(text);
        if let Some(found) = self.find_hashed(hash, text) {
            return Some(found);
        }
        let span = self.store(text)?;
        self.spans.push(span);
        let number = NonZeroU32::new(u32::try_from(self.spans.len()).ok()?)?;
        self.table.insert_unique(spread(hash), Entry { number, hash }, |other| spread(other.hash));
        Some(Symbol(number))
    }

    /// The symbol of a text that is kept already.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.find_hashed(self.hash(text), text)
    }

    fn hash(&self, text: &str) -> u32 {
        short_hash(&self.hasher, text)
    }

    fn find_hashed(&self, hash: u32, text: &str) -> Option<Symbol> {
        let is_it =
            |entry: &Entry| entry.hash == hash && look_up(&self.blocks, &self.spans, entry.number) == text;
        self.table.find(spread(hash), is_it).map(|entry| Symbol(entry.number))
    }

    /// The text of a symbol.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        look_up(&self.blocks, &self.spans, symbol.0)
    }

    /// Bytes that the texts and their index take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.blocks.iter().map(String::capacity).sum::<usize>()
            + self.spans.capacity() * size_of::<Span>()
            + self.table.capacity() * (size_of::<Entry>() + 1)
    }

    fn store(&mut self, text: &str) -> Option<Span> {
        let has_room = |block: &String| block.capacity() - block.len() >= text.len();
        if !self.blocks.last().is_some_and(has_room) {
            self.blocks.push(String::with_capacity(text.len().max(BLOCK_BYTES)));
        }
        let index = u32::try_from(self.blocks.len() - 1).ok()?;
        let block = self.blocks.last_mut()?;
        let start = u32::try_from(block.len()).ok()?;
        block.push_str(text);
        Some(Span { block: index, start, length: u32::try_from(text.len()).ok()? })
    }
}

fn look_up<'a>(blocks: &'a [String], spans: &[Span], number: NonZeroU32) -> &'a str {
    spans
        .get(number.get() as usize - 1)
        .and_then(|span| {
            let start = span.start as usize;
            blocks.get(span.block as usize)?.get(start..start + span.length as usize)
        })
        .unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_symbol_and_long_ones_a_block_of_their_own() {
        let mut interner = Interner::default();
        let long = "x".repeat(BLOCK_BYTES * 2);
        let texts = ["a", "git.exe", long.as_str(), "b"];
        let symbols: Vec<_> = texts.iter().map(|text| interner.intern(text).unwrap()).collect();
        for (text, symbol) in texts.iter().zip(&symbols) {
            assert_eq!(interner.text(*symbol), *text);
            assert_eq!(interner.intern(text), Some(*symbol));
            assert_eq!(interner.find(text), Some(*symbol));
        }
        assert_eq!(interner.intern(""), None);
        assert_eq!(interner.find("never seen"), None);
    }
}
