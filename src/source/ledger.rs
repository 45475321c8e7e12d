//! What is wrong with one file: the gravest faults by name, the rest as a number.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::model::batch::SourceId;
use crate::model::fault::{Fault, Severity};

/// How many faults of one file are named.
pub(super) const MOST_NAMED: usize = 100;

type Key = (Reverse<Severity>, Option<u64>, u64);

/// The faults of one file.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    named: BTreeMap<Key, Fault>,
    count: u64,
    more: u64,
    more_lost: u64,
    more_severity: Option<Severity>,
}

impl Ledger {
    /// Adds a fault. The faults of one chunk are added in their order.
    pub(super) fn add(&mut self, fault: Fault) {
        self.count += 1;
        self.named.insert((Reverse(fault.severity), fault.chunk, self.count), fault);
        if self.named.len() > MOST_NAMED
            && let Some((_, least)) = self.named.pop_last()
        {
            self.more += 1;
            self.more_lost += least.lost_records;
            self.more_severity = self.more_severity.max(Some(least.severity));
        }
    }

    /// Hands over the faults in the order of the file.
    pub(super) fn take(&mut self, source: SourceId, name: &str) -> Vec<Fault> {
        let mut faults: Vec<Fault> = std::mem::take(&mut self.named).into_values().collect();
        faults.sort_by_key(|fault| (fault.chunk, fault.record));
        if let Some(severity) = self.more_severity.take() {
            faults.push(Fault {
                source: Some(source),
                name: name.to_owned(),
                chunk: None,
                record: None,
                severity,
                lost_records: self.more_lost,
                reason: format!(
                    "{} more places are damaged, {} more records are lost in them",
                    self.more, self.more_lost
                ),
            });
        }
        self.more = 0;
        self.more_lost = 0;
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(severity: Severity, chunk: u64, lost_records: u64) -> Fault {
        Fault {
            source: Some(SourceId(0)),
            name: "a.evtx".to_owned(),
            chunk: Some(chunk),
            record: None,
            severity,
            lost_records,
            reason: String::new(),
        }
    }

    #[test]
    fn the_gravest_are_named_and_the_rest_is_counted() {
        let mut ledger = Ledger::default();
        for chunk in 0..MOST_NAMED as u64 {
            ledger.add(fault(Severity::Notice, chunk, 0));
        }
        ledger.add(fault(Severity::Loss, 7, 3));
        ledger.add(fault(Severity::Loss, 500, 4));
        let faults = ledger.take(SourceId(0), "a.evtx");
        assert_eq!(faults.len(), MOST_NAMED + 1);
        assert_eq!(faults.iter().map(|fault| fault.lost_records).sum::<u64>(), 7);
        let last = faults.last().unwrap();
        assert_eq!(last.reason, "2 more places are damaged, 0 more records are lost in them");
        assert_eq!(last.severity, Severity::Notice);
        assert!(ledger.take(SourceId(0), "a.evtx").is_empty());
    }
}
