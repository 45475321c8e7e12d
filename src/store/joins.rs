//! Joins of an Event 3 to other events of its process: the name that it asked for, and its Event 1.
//!
//! Nothing of it is copied into the findings: it is looked up on demand, so that an event that comes late costs an
//! insertion into an order and not a change of every finding that it concerns. Only readers that cache results of a
//! finding are notified, once for all that came between two looks.

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::detect::TECHNIQUE;
use crate::detect::clauses::is_listed_host;
use crate::model::event::Field;
use crate::model::time::Timestamp;
use crate::store::Store;
use crate::store::findings::finding::{Finding, NamedBy};
use crate::store::ids::{AddressJoinId, EventId, FindingId, ProcessId};

/// The key that orders queries and connections: time, then record, then arrival.
pub(super) type TimeKey = (Option<Timestamp>, u64, EventId);

/// The findings by their processes, and the processes whose joined fields changed since that was logged.
#[derive(Default)]
pub(super) struct Joins {
    findings: HashMap<ProcessId, OfProcess>,
    changed: Vec<ProcessId>,
    renamed: Vec<(AddressJoinId, ProcessId)>,
    in_findings: usize,
}

#[derive(Default)]
struct OfProcess {
    findings: Vec<FindingId>,
    is_changed: bool,
}

impl Joins {
    pub(super) fn add_finding(&mut self, process: ProcessId, finding: FindingId) {
        self.findings.entry(process).or_default().findings.push(finding);
        self.in_findings += 1;
    }

    /// The Event 1 of a process is another one than before.
    fn start_changed(&mut self, process: ProcessId) {
        if let Some(of) = self.findings.get_mut(&process).filter(|of| !of.is_changed) {
            of.is_changed = true;
            self.changed.push(process);
        }
    }

    /// Returns the bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        let slot = size_of::<(ProcessId, OfProcess)>() + 1;
        self.findings.capacity() * slot
            + self.findings.len() * 8
            + self.in_findings * 2 * size_of::<FindingId>()
    }
}

/// An answer of DNS, and the uses that it counts for.
#[derive(Clone, Copy)]
struct Answer {
    id: EventId,
    process: Option<ProcessId>,
    /// Its name is on the search's list.
    is_listed: bool,
    /// Its name is a repository's, and leads are looked for.
    is_hunted: bool,
}

impl Store {
    /// Takes in an Event 22 for the name of a repository.
    pub(super) fn query_answered(&mut self, id: EventId) {
        let Some(answer) = self.answer(id).filter(|answer| answer.is_listed || answer.is_hunted) else {
            return;
        };
        let Some(event) = self.event(id) else { return };
        let Some(host) = self.events.host_key(event.host) else { return };
        for address in self.addresses_of(id) {
            if let Some(address_join) = self.addresses.add_answer(host, address, id) {
                self.put_answer(address_join, answer);
            }
        }
    }

    /// Returns true where an answer names an address that something has connected to.
    pub(super) fn answers_a_connection(&self, id: EventId) -> bool {
        let host = self.event(id).and_then(|event| self.events.host_key(event.host));
        host.is_some_and(|host| {
            self.addresses_of(id).into_iter().any(|address| self.addresses.knows(host, address))
        })
    }

    fn answer(&self, id: EventId) -> Option<Answer> {
        let event = self.event(id)?;
        let name = self.field(event, Field::QueryName)?;
        let is_listed = event.process.is_some() && is_listed_host(name);
        let is_hunted = self.activities.is_on && self.activities.hosts.knows(name);
        Some(Answer { id, process: event.process, is_listed, is_hunted })
    }

    /// The addresses that an Event 22 holds, each once.
    fn addresses_of(&self, id: EventId) -> Vec<IpAddr> {
        let results = self.event(id).and_then(|event| self.field(event, Field::QueryResults)).unwrap_or("");
        let mut addresses: Vec<IpAddr> = results.split(';').filter_map(address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }

    /// Returns where the connections of an event's host to its other side meet the answers; made where it is new.
    pub(super) fn address_join_of(&mut self, id: EventId) -> Option<AddressJoinId> {
        let event = self.event(id)?;
        let address = self.field(event, Field::DestinationIp).and_then(address)?;
        let host = self.events.host_key(event.host)?;
        let (address_join, answers) = self.addresses.meet(host, address)?;
        for answer in answers {
            if let Some(answer) = self.answer(answer) {
                self.put_answer(address_join, answer);
            }
        }
        Some(address_join)
    }

    fn put_answer(&mut self, address_join: AddressJoinId, answer: Answer) {
        if answer.is_listed
            && let Some(process) = answer.process
        {
            self.put_listed(address_join, process, answer.id);
        }
        if answer.is_hunted {
            self.put_hunted(address_join, answer.process, answer.id);
        }
    }

    /// An answer that the search's join goes by: the process's connections to the address are findings.
    fn put_listed(&mut self, id: AddressJoinId, process: ProcessId, answer: EventId) {
        let events = &self.events;
        let moment = |id: EventId| events.time_key(id);
        let own = moment(answer);
        let Some(address_join) = self.addresses.get(id) else { return };
        let (before, after) = address_join.listed.around(|other| moment(other) <= own);
        let is_of_process = |id: &EventId| moment(*id).0 == Some(process);
        let neighbour = before.filter(is_of_process).or_else(|| after.filter(is_of_process));
        self.addresses
            .change(id, |address_join| address_join.listed.insert(answer, |other| moment(other) <= own));
        let Some(neighbour) = neighbour else {
            let Some(address_join) = self.addresses.get(id) else { return };
            let waiting: Vec<EventId> = of_process(&address_join.waiting, process, EventId(0)).collect();
            for connection in waiting {
                self.addresses.change(id, |address_join| {
                    address_join.waiting.remove(&(process, connection));
                });
                self.add_named(connection, id);
            }
            return;
        };
        // Connections that the other one named are named by this one now. Where both give the same name, only the
        // source of the name changes.
        let name = |id: EventId| self.event(id).and_then(|event| event.symbol(Field::QueryName));
        if name(neighbour) != name(answer) && self.joins.renamed.last() != Some(&(id, process)) {
            self.joins.renamed.push((id, process));
        }
    }

    /// An Event 3 whose own name is of no use: it is a finding if its process asked for a listed name.
    pub(super) fn connection_to_resolve(&mut self, id: EventId) {
        let Some(process) = self.event(id).and_then(|event| event.process) else { return };
        let Some(address_join) = self.address_join_of(id) else { return };
        if self.listed_answer(address_join, process, id).is_some() {
            self.add_named(id, address_join);
        } else {
            self.addresses.change(address_join, |address_join| {
                address_join.waiting.insert((process, id));
            });
        }
    }

    fn add_named(&mut self, connection: EventId, address_join: AddressJoinId) {
        let Some(clause) = TECHNIQUE.select_if_named(&self.events.facts(connection)) else { return };
        let finding = self.add_finding(connection, clause, None, NamedBy::Answers(address_join));
        let process = self.event(connection).and_then(|event| event.process);
        if let Some((finding, process)) = finding.zip(process) {
            self.addresses.change(address_join, |address_join| {
                address_join.findings.insert((process, finding));
            });
        }
    }

    /// The last answer of a process at or before a connection, or else the first after it.
    fn listed_answer(
        &self,
        address_join: AddressJoinId,
        process: ProcessId,
        connection: EventId,
    ) -> Option<EventId> {
        let time = self.event(connection)?.time;
        let events = &self.events;
        let is_before = |id: EventId| {
            let (of, time_of, ..) = events.time_key(id);
            (of, time_of) <= (Some(process), time)
        };
        let (before, after) = self.addresses.get(address_join)?.listed.around(is_before);
        let is_of_process =
            |id: &EventId| self.event(*id).is_some_and(|event| event.process == Some(process));
        before.filter(is_of_process).or_else(|| after.filter(is_of_process))
    }

    /// The Event 22 that named a finding's other side.
    #[must_use]
    pub fn resolved_by(&self, finding: &Finding) -> Option<EventId> {
        match finding.named_by {
            NamedBy::Nothing => None,
            NamedBy::Event(event) => Some(event),
            NamedBy::Answers(address_join) => {
                let process = self.event(finding.event)?.process?;
                self.listed_answer(address_join, process, finding.event)
            }
        }
    }

    /// The Event 1 that a finding's fields are joined from.
    #[must_use]
    pub fn start_of(&self, finding: &Finding) -> Option<EventId> {
        finding.start(&self.events)
    }

    /// An Event 1 came in: if it is the process's first, its connections gain a parent.
    pub(super) fn process_started(&mut self, id: EventId) {
        let Some(process_id) = self.event(id).and_then(|event| event.process) else { return };
        let known = self.process(process_id).and_then(|process| process.start);
        if known.is_some_and(|known| self.events.sort_key(known) <= self.events.sort_key(id)) {
            return;
        }
        self.set_process_start(process_id, id);
    }

    pub(super) fn set_process_start(&mut self, process: ProcessId, start: EventId) {
        self.events.set_start(process, Some(start));
        self.joins.start_changed(process);
    }

    /// Logs the findings whose joined fields changed, for the readers of the change log.
    pub(super) fn log_changed_joins(&mut self) {
        for process in std::mem::take(&mut self.joins.changed) {
            let Some(of) = self.joins.findings.get_mut(&process) else { continue };
            of.is_changed = false;
            of.findings.iter().for_each(|id| self.findings.log_change(*id));
        }
        let mut renamed = std::mem::take(&mut self.joins.renamed);
        renamed.sort_unstable();
        renamed.dedup();
        for (address_join, process) in renamed {
            let Some(address_join) = self.addresses.get(address_join) else { continue };
            of_process(&address_join.findings, process, FindingId(0))
                .for_each(|id| self.findings.log_change(id));
        }
    }
}

/// Returns the entries of a process; `first` is the least of its kind.
fn of_process<T: Copy + Ord>(
    set: &std::collections::BTreeSet<(ProcessId, T)>,
    process: ProcessId,
    first: T,
) -> impl Iterator<Item = T> {
    set.range((process, first)..).take_while(move |(of, _)| *of == process).map(|(_, thing)| *thing)
}

/// An address as Event 3 and QueryResults write it; a v4 address mapped into v6 is the v4 address.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_by_value() {
        assert_eq!(address("::ffff:140.82.121.6"), address(" 140.82.121.6"));
        assert_eq!(address("0:0:0:0:0:0:0:1"), address("::1"));
        assert_eq!(address("type:  5 github.com"), None);
        assert_eq!(address("-"), None);
    }
}
