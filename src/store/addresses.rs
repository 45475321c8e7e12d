//! Which answers gave which address on which host.
//!
//! One answer can hold thousands of addresses that nothing ever connects to: such a one costs an entry of a table, and
//! its place among the others is only looked for once a connection to the address is there.

use crate::store::events::hash_index::HashIndex;
use crate::store::events::interner::Symbol;
use crate::store::ids::{AddressJoinId, EventId, FindingId, ProcessId};
use crate::store::ordered::Ordered;
use crate::store::pages::Pages;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The connections to an address of one host, and the answers that gave it.
#[derive(Default)]
pub(super) struct AddressJoin {
    /// Answers for a name on the search's list, by process and moment.
    pub(super) listed: Ordered,
    /// Connections that the search's join would name, of processes that have no such answer yet.
    pub(super) waiting: BTreeSet<(ProcessId, EventId)>,
    /// The findings of such connections.
    pub(super) findings: BTreeSet<(ProcessId, FindingId)>,
    /// Answers for a name of any repository, by moment: for the leads.
    pub(super) answers: Ordered,
    /// Those of them that have a process, by process and moment.
    pub(super) own: Ordered,
    /// Connections by process and moment, and the latest of all.
    pub(super) connections: Ordered,
    pub(super) latest: Option<EventId>,
    pub(super) sweep: Sweep,
    /// True if it is queued for the next sweep.
    pub(super) waits_for_sweep: bool,
}

impl AddressJoin {
    fn bytes(&self) -> usize {
        self.listed.bytes()
            + self.answers.bytes()
            + self.own.bytes()
            + self.connections.bytes()
            + tree_bytes(&self.waiting)
            + tree_bytes(&self.findings)
            + self.sweep.connections.capacity() * size_of::<EventId>()
    }
}

/// The connections that are compared with the answers, around and around: those that have not been since the last
/// answer came, from the next one on.
#[derive(Default)]
pub(super) struct Sweep {
    connections: Vec<EventId>,
    next: usize,
    left: usize,
}

impl Sweep {
    /// Adds a connection, which is to be compared with the answers.
    pub(super) fn add(&mut self, connection: EventId) {
        let known = self.connections.len();
        self.connections.push(connection);
        if self.left == 0 {
            (self.next, self.left) = (known, 1);
        } else if self.next + self.left < known {
            // Those between are asked again, once for each time around.
            self.left = known + 1 - self.next;
        } else {
            self.left += 1;
        }
    }

    /// Holds all of them against the answers again.
    pub(super) const fn begin_again(&mut self) {
        self.left = self.connections.len();
    }

    /// Returns the next connection to look at.
    pub(super) fn step(&mut self) -> Option<EventId> {
        self.left = self.left.checked_sub(1)?;
        if self.next >= self.connections.len() {
            self.next = 0;
        }
        let connection = self.connections.get(self.next).copied();
        self.next += 1;
        connection
    }

    /// Returns how many are still to be looked at.
    pub(super) const fn left(&self) -> usize {
        self.left
    }
}

/// The answers and connections of an address.
#[derive(Clone, Copy)]
enum Slot {
    /// One answer, no connection.
    One(EventId),
    /// Several answers, the last of which is this link; no connection.
    Several(u32),
    /// There is a connection.
    Earlier(AddressJoinId),
}

struct Entry {
    host: Symbol,
    /// As IPv6: the others are mapped into it.
    address: [u8; 16],
    slot: Slot,
}

struct Link {
    answer: EventId,
    before: Option<u32>,
}

/// The addresses of all hosts.
#[derive(Default)]
pub(super) struct Addresses {
    entries: Pages<Entry>,
    index: HashIndex,
    links: Pages<Link>,
    joins_by_address: Pages<AddressJoin>,
    /// Bytes of the lists that the joins_by_address hold.
    held: usize,
}

fn bytes_of(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

impl Addresses {
    fn find(&self, hash: u32, host: Symbol, address: [u8; 16]) -> Option<u32> {
        self.index.find(hash, |number| {
            self.entries.get(number).is_some_and(|entry| entry.host == host && entry.address == address)
        })
    }

    fn add(&mut self, hash: u32, host: Symbol, address: [u8; 16], slot: Slot) {
        if let Some(number) = self.entries.push(Entry { host, address, slot }) {
            self.index.insert(hash, number);
        }
    }

    /// Returns whether anything is known of an address.
    pub(super) fn knows(&self, host: Symbol, address: IpAddr) -> bool {
        let address = bytes_of(address);
        self.find(self.index.hash((host, address)), host, address).is_some()
    }

    /// Adds an answer. Where there is a connection it is only named: the answer must be put in its place there.
    pub(super) fn add_answer(
        &mut self,
        host: Symbol,
        address: IpAddr,
        answer: EventId,
    ) -> Option<AddressJoinId> {
        let address = bytes_of(address);
        let hash = self.index.hash((host, address));
        let Some(number) = self.find(hash, host, address) else {
            self.add(hash, host, address, Slot::One(answer));
            return None;
        };
        let entry = self.entries.get_mut(number)?;
        let before = match entry.slot {
            Slot::Earlier(address_join) => return Some(address_join),
            Slot::One(first) => self.links.push(Link { answer: first, before: None }),
            Slot::Several(last) => Some(last),
        };
        if let Some(link) = self.links.push(Link { answer, before }) {
            entry.slot = Slot::Several(link);
        }
        None
    }

    /// Returns the join of an address, added where it is new, and the answers that must be put into it.
    pub(super) fn meet(&mut self, host: Symbol, address: IpAddr) -> Option<(AddressJoinId, Vec<EventId>)> {
        let address = bytes_of(address);
        let hash = self.index.hash((host, address));
        let known = self.find(hash, host, address);
        let slot = known.and_then(|number| self.entries.get(number)).map(|entry| entry.slot);
        if let Some(Slot::Earlier(address_join)) = slot {
            return Some((address_join, Vec::new()));
        }
        let address_join = AddressJoinId(self.joins_by_address.push(AddressJoin::default())?);
        let mut answers = Vec::new();
        match slot {
            Some(Slot::One(answer)) => answers.push(answer),
            Some(Slot::Several(last)) => {
                let mut at = Some(last);
                while let Some(link) = at.and_then(|at| self.links.get(at)) {
                    answers.push(link.answer);
                    at = link.before;
                }
                // They come in the order in which they came.
                answers.reverse();
            }
            Some(Slot::Earlier(_)) | None => {}
        }
        match known.and_then(|number| self.entries.get_mut(number)) {
            Some(entry) => entry.slot = Slot::Earlier(address_join),
            None => self.add(hash, host, address, Slot::Earlier(address_join)),
        }
        Some((address_join, answers))
    }

    pub(super) fn get(&self, id: AddressJoinId) -> Option<&AddressJoin> {
        self.joins_by_address.get(id.0)
    }

    pub(super) fn get_mut(&mut self, id: AddressJoinId) -> Option<&mut AddressJoin> {
        self.joins_by_address.get_mut(id.0)
    }

    /// Returns the bytes that all of it takes.
    pub(super) fn bytes(&self) -> usize {
        self.entries.bytes()
            + self.index.capacity() * HashIndex::BYTES * 8 / 7
            + self.links.bytes()
            + self.joins_by_address.bytes()
            + self.held
    }

    /// Changes an address join, and keeps account of the bytes of its lists.
    pub(super) fn change(&mut self, id: AddressJoinId, change: impl FnOnce(&mut AddressJoin)) {
        let Some(address_join) = self.joins_by_address.get_mut(id.0) else { return };
        let before = address_join.bytes();
        change(address_join);
        self.held = (self.held + address_join.bytes()).saturating_sub(before);
    }
}

/// Returns roughly the heap bytes of a tree: nodes have room for eleven, and are half full or more.
pub(super) fn tree_bytes<T>(tree: &BTreeSet<T>) -> usize {
    const IN_NODE: usize = 11;
    let node = IN_NODE * size_of::<T>() + 16;
    if tree.is_empty() { 0 } else { node + tree.len() * node * 2 / 13 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::events::interner::Interner;

    #[test]
    fn answers_wait_for_a_connection_in_order() {
        let mut strings = Interner::default();
        let [host, other] = ["a", "b"].map(|name| strings.intern(name).unwrap());
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut addresses = Addresses::default();
        for answer in 0..3 {
            assert_eq!(addresses.add_answer(host, address("1.1.1.1"), EventId(answer)), None);
        }
        assert_eq!(addresses.add_answer(host, address("::1"), EventId(9)), None);
        assert!(addresses.knows(host, address("::1")) && !addresses.knows(other, address("::1")));
        let (address_join, answers) = addresses.meet(host, address("1.1.1.1")).unwrap();
        assert_eq!(answers, [0, 1, 2].map(EventId));
        assert_eq!(addresses.meet(host, address("1.1.1.1")).unwrap(), (address_join, Vec::new()));
        assert_eq!(addresses.add_answer(host, address("1.1.1.1"), EventId(3)), Some(address_join));
        assert_eq!(addresses.meet(host, address("::1")).unwrap().1, [EventId(9)]);
        assert_eq!(addresses.meet(other, address("::1")).unwrap().1, []);
    }

    #[test]
    fn sweep_reaches_all_after_each_answer() {
        let mut sweep = Sweep::default();
        (0..5).for_each(|number| sweep.add(EventId(number)));
        let mut seen: Vec<u32> = (0..3).filter_map(|_| sweep.step()).map(|event| event.0).collect();
        assert_eq!(seen, [0, 1, 2]);
        sweep.begin_again();
        sweep.add(EventId(5));
        seen = std::iter::from_fn(|| sweep.step()).map(|event| event.0).collect();
        assert_eq!(seen, [3, 4, 5, 0, 1, 2]);
        // The next one waits in the middle: a new one at the end is reached all the same.
        sweep.begin_again();
        (0..4).for_each(|_| {
            sweep.step();
        });
        sweep.add(EventId(6));
        seen = std::iter::from_fn(|| sweep.step()).map(|event| event.0).collect();
        assert!(seen.contains(&6) && [1, 2].iter().all(|number| seen.contains(number)), "{seen:?}");
        assert_eq!(sweep.step(), None);
    }
}
