//! Numbers by symbol, without a hash: symbols are numbers themselves, and small ones.

use super::interner::Symbol;

/// A number for each of some symbols.
#[derive(Default)]
pub(super) struct BySymbol {
    /// By the symbol's number: the number behind it and one more; 0 where there is none.
    numbers: Vec<u32>,
}

impl BySymbol {
    /// The number of a symbol.
    pub(super) fn get(&self, symbol: Symbol) -> Option<u32> {
        self.numbers.get(symbol.index())?.checked_sub(1)
    }

    /// Bytes that it takes.
    pub(super) const fn bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<u32>()
    }

    /// Sets the number of a symbol, which is less than the largest there is.
    pub(super) fn set(&mut self, symbol: Symbol, number: u32) {
        let at = symbol.index();
        if self.numbers.len() <= at {
            self.numbers.resize(at + 1, 0);
        }
        if let Some(slot) = self.numbers.get_mut(at) {
            *slot = number.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::interner::Interner;
    use super::*;

    #[test]
    fn a_symbol_has_the_number_that_it_was_given() {
        let mut strings = Interner::default();
        let [one, two, three] = ["one", "two", "three"].map(|text| strings.intern(text).unwrap());
        let mut numbers = BySymbol::default();
        numbers.set(three, 0);
        numbers.set(one, 7);
        assert_eq!([one, two, three].map(|symbol| numbers.get(symbol)), [Some(7), None, Some(0)]);
    }
}
