//! The hosts' names: each event gives one, and nearly all give one that was met before.

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::store::events::hash_index::{short_hash, spread};
use crate::store::events::interner::{Interner, Symbol};

use crate::model::host;

/// A host as an event names it, as it is shown in the event's row, and as it was first shown: names of hosts have no
/// case, so that all that is counted or compared by host goes by the first spelling.
#[derive(Clone, Copy)]
pub(in crate::store) struct HostName {
    pub(in crate::store) written: Symbol,
    pub(in crate::store) shown: Symbol,
    pub(in crate::store) first: Symbol,
    /// The name as written, without case: events are joined and distinguished by it.
    pub(in crate::store) key: Symbol,
}

/// The first spelling of each name that hosts are shown by.
#[derive(Default)]
pub(in crate::store) struct FirstSpellings {
    /// By the name in lower case.
    of: HashMap<Symbol, Symbol>,
}

impl FirstSpellings {
    /// The same for a store in which texts have other symbols.
    pub(in crate::store) fn renamed(&self, mut rename: impl FnMut(Symbol) -> Option<Symbol>) -> Self {
        let of = self.of.iter().filter_map(|(key, first)| Some((rename(*key)?, rename(*first)?))).collect();
        Self { of }
    }

    /// The first spelling of a name, which is shown now and is this one without case.
    fn of(&mut self, shown: Symbol, key: Symbol) -> Symbol {
        *self.of.entry(key).or_insert(shown)
    }

    /// A host by how an event writes it and how that is shown.
    pub(in crate::store) fn name(
        &mut self,
        computer: &str,
        shown: &str,
        strings: &mut Interner,
    ) -> Option<HostName> {
        let written = strings.intern(computer)?;
        let key = strings.intern(&host::key(computer))?;
        if shown == computer {
            return Some(HostName { written, shown: written, first: self.of(written, key), key });
        }
        let own_key = strings.intern(&host::key(shown))?;
        let shown = strings.intern(shown)?;
        Some(HostName { written, shown, first: self.of(shown, own_key), key })
    }
}

/// Maximum of cached names; those of more hosts are looked up in the interner.
const MAX_NAMES: usize = 4_096;
/// Letters of a name that is kept here: with the rest they fill what a processor reads at once.
const MAX_LETTERS: usize = 43;

/// A name that was met, with its letters, so that nothing else is looked at to know it again.
#[derive(Clone, Copy)]
struct Entry {
    name: HostName,
    hash: u32,
    length: u8,
    letters: [u8; MAX_LETTERS],
}

impl Entry {
    fn is(&self, computer: &str) -> bool {
        self.letters.get(..usize::from(self.length)) == Some(computer.as_bytes())
    }
}

/// A small cache of host names in front of the interner: it stays in the CPU's cache.
#[derive(Default)]
pub(in crate::store) struct HostNameCache {
    table: HashTable<Entry>,
    hasher: DefaultHashBuilder,
}

impl HostNameCache {
    /// The host of that name, which `make` interns where it is new.
    pub(in crate::store) fn get_or_add(
        &mut self,
        computer: &str,
        strings: &mut Interner,
        make: impl FnOnce(&mut Interner) -> Option<HostName>,
    ) -> Option<HostName> {
        let hash = short_hash(&self.hasher, computer);
        let is_it = |entry: &Entry| entry.hash == hash && entry.is(computer);
        if let Some(known) = self.table.find(spread(hash), is_it) {
            return Some(known.name);
        }
        let name = make(strings)?;
        let mut letters = [0; MAX_LETTERS];
        if let Some(room) = letters.get_mut(..computer.len()).filter(|_| self.table.len() < MAX_NAMES) {
            room.copy_from_slice(computer.as_bytes());
            let length = u8::try_from(computer.len()).unwrap_or(0);
            let entry = Entry { name, hash, length, letters };
            self.table.insert_unique(spread(hash), entry, |other| spread(other.hash));
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_once_and_long_ones_and_many_are_made_by_the_texts() {
        let (mut names, mut strings) = (HostNameCache::default(), Interner::default());
        let long = "x".repeat(MAX_LETTERS + 1);
        let mut made = 0;
        let mut of = |computer: &str| {
            let intern = |strings: &mut Interner| {
                made += 1;
                FirstSpellings::default().name(computer, computer, strings)
            };
            let name = names.get_or_add(computer, &mut strings, intern).unwrap();
            assert_eq!(strings.text(name.written), computer);
        };
        for computer in ["WS-1", "ws-1", "WS-1", &long, &long, "WS-1"] {
            of(computer);
        }
        (0..MAX_NAMES + 10).for_each(|number| of(&number.to_string()));
        assert_eq!(made, 4 + MAX_NAMES + 10);
        assert!(names.table.len() == MAX_NAMES);
    }
}
