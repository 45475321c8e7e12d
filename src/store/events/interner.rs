//! A string interner. Blocks never move, so that growing never copies a million strings within a frame.

use std::num::NonZeroU32;

use crate::store::events::hash_index::HashIndex;

const BLOCK_BYTES: usize = 1 << 20;

/// A text of an [`Interner`]. Equal texts have equal symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Symbol(NonZeroU32);

impl Symbol {
    /// Its number, from 0 in the order in which texts were met.
    pub(in crate::store) const fn number(self) -> u32 {
        self.0.get() - 1
    }
}

#[derive(Clone, Copy)]
struct Span {
    block: u32,
    start: u32,
    length: u32,
}

/// Keeps each distinct text once.
#[derive(Default)]
pub struct Interner {
    blocks: Vec<String>,
    spans: Vec<Span>,
    table: HashIndex,
}

impl Interner {
    /// The symbol of a text; `None` for an empty text, and once four thousand million texts are kept.
    pub fn intern(&mut self, text: &str) -> Option<Symbol> {
        if text.is_empty() {
            return None;
        }
        let hash = self.table.hash(text);
        if let Some(found) = self.find_hashed(hash, text) {
            return Some(found);
        }
        let span = self.store(text)?;
        self.spans.push(span);
        let number = NonZeroU32::new(u32::try_from(self.spans.len()).ok()?)?;
        self.table.insert(hash, number.get());
        Some(Symbol(number))
    }

    /// The symbol of a text that is kept already.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.find_hashed(self.table.hash(text), text)
    }

    fn find_hashed(&self, hash: u32, text: &str) -> Option<Symbol> {
        let is_it = |number| {
            NonZeroU32::new(number).is_some_and(|number| look_up(&self.blocks, &self.spans, number) == text)
        };
        self.table.find(hash, is_it).and_then(NonZeroU32::new).map(Symbol)
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
            + self.table.capacity() * HashIndex::BYTES
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
