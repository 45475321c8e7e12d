//! The DNS join: a connection without a usable name gets the one that the same process asked for.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::Store;
use super::event::EventId;
use super::finding::FindingId;
use super::process::ProcessId;
use crate::model::event::Field;
use crate::model::row::Clause;
use crate::model::time::Timestamp;

/// What orders queries and connections among each other: time, then record, then arrival.
type Moment = (Option<Timestamp>, u64, EventId);

/// The queries and connections of one process that concern one address, each in order of time.
#[derive(Default)]
struct Resolution {
    answers: Vec<Moment>,
    connections: Vec<(Moment, Option<FindingId>)>,
}

impl Resolution {
    /// The last answer at or before a connection, or else the first after it.
    fn answer_for(&self, connection: Moment) -> Option<EventId> {
        let later = self.answers.partition_point(|answer| answer.0 <= connection.0);
        self.answers.get(later.saturating_sub(1)).map(|answer| answer.2)
    }
}

/// What is joined by process: names by address, and the findings that wait for their process's Event 1.
#[derive(Default)]
pub(super) struct Resolutions {
    by_address: HashMap<(ProcessId, IpAddr), Resolution>,
    findings: HashMap<ProcessId, Vec<FindingId>>,
}

impl Resolutions {
    pub(super) fn add_finding(&mut self, process: ProcessId, finding: FindingId) {
        self.findings.entry(process).or_default().push(finding);
    }

    pub(super) fn findings_of(&self, process: ProcessId) -> Vec<FindingId> {
        self.findings.get(&process).cloned().unwrap_or_default()
    }
}

impl Store {
    /// An Event 3 whose own name is of no use: it is a finding if its process asked for a listed name.
    pub(super) fn connection_to_resolve(&mut self, id: EventId) {
        let Some((process, moment)) = self.moment(id) else { return };
        let Some(address) =
            self.event(id).and_then(|event| self.field(event, Field::DestinationIp)).and_then(address)
        else {
            return;
        };
        let resolution = self.resolutions.by_address.entry((process, address)).or_default();
        let answer = resolution.answer_for(moment);
        let finding = answer.and_then(|answer| self.add_finding(id, Clause::Net, None, Some(answer)));
        if let Some(resolution) = self.resolutions.by_address.get_mut(&(process, address)) {
            let at = resolution.connections.partition_point(|(other, _)| *other <= moment);
            resolution.connections.insert(at, (moment, finding));
        }
    }

    /// An Event 22 for a listed name: the process's connections to its addresses are findings.
    pub(super) fn name_resolved(&mut self, id: EventId) {
        let Some((process, moment)) = self.moment(id) else { return };
        let results = self.event(id).and_then(|event| self.field(event, Field::QueryResults)).unwrap_or("");
        let mut addresses: Vec<IpAddr> = results.split(';').filter_map(address).collect();
        addresses.sort_unstable();
        addresses.dedup();
        for address in addresses {
            let resolution = self.resolutions.by_address.entry((process, address)).or_default();
            let at = resolution.answers.partition_point(|other| *other <= moment);
            resolution.answers.insert(at, moment);
            // The answer counts for the connections from its own time to the next answer's; the first one also for
            // all before it.
            let from = if at == 0 {
                0
            } else {
                resolution.connections.partition_point(|(other, _)| other.0 < moment.0)
            };
            let to = match resolution.answers.get(at + 1) {
                Some(next) => resolution.connections.partition_point(|(other, _)| other.0 < next.0),
                None => resolution.connections.len(),
            };
            let affected: Vec<_> = resolution.connections.get(from..to).unwrap_or_default().to_vec();
            for (offset, (connection, finding)) in affected.into_iter().enumerate() {
                let answer = self
                    .resolutions
                    .by_address
                    .get(&(process, address))
                    .and_then(|resolution| resolution.answer_for(connection));
                let finding = match finding {
                    Some(finding) => {
                        if let Some(slot) = self.finding_mut(finding) {
                            slot.resolved_by = answer;
                        }
                        continue;
                    }
                    None => self.add_finding(connection.2, Clause::Net, None, answer),
                };
                if let Some(slot) = self
                    .resolutions
                    .by_address
                    .get_mut(&(process, address))
                    .and_then(|resolution| resolution.connections.get_mut(from + offset))
                {
                    slot.1 = finding;
                }
            }
        }
    }

    fn moment(&self, id: EventId) -> Option<(ProcessId, Moment)> {
        let event = self.event(id)?;
        Some((event.process?, (event.time, event.record_id_or_max, id)))
    }
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
