//! Whether the events of each source were understood, judged where all of them pass: no reader of a dialect needs to
//! think of it, and none can forget it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::batch::{Batch, SourceId};
use crate::model::event::Wanted;
use crate::model::fault::{Fault, Severity};
use crate::model::feed::SourceInfo;
use crate::model::understood::Understood;

/// A source without an end is told of again when so many times the events lack their fields.
const AGAIN: u64 = 10;

/// The counts of each source so far.
#[derive(Debug)]
pub(super) struct Understanding {
    wanted: Wanted,
    sources: Mutex<HashMap<SourceId, Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    counts: Understood,
    hint: Option<Box<str>>,
    /// The last report, and its count of events.
    told: Option<(Severity, u64)>,
}

impl Understanding {
    /// `wanted` says which fields the sources hand over.
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, sources: Mutex::default() }
    }

    fn with<T>(&self, source: SourceId, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(self.sources.lock().unwrap_or_else(PoisonError::into_inner).entry(source).or_default())
    }

    /// Counts the events of a batch.
    pub(super) fn count(&self, batch: &Batch) {
        if batch.events.is_empty() {
            return;
        }
        let mut counts = Understood::default();
        counts.count_batch(batch, &self.wanted);
        self.with(batch.source, |seen| {
            seen.counts.add(&counts);
            if seen.hint.is_none() {
                seen.hint.clone_from(&batch.hint);
            }
        });
    }

    /// Returns the fault of a source that goes on, if it is new.
    pub(super) fn so_far(&self, info: &SourceInfo) -> Option<Fault> {
        self.with(info.id, |seen| {
            let severity = seen.counts.severity().filter(|severity| *severity > Severity::Notice)?;
            let bare = seen.counts.bare();
            if seen.told.is_some_and(|(_, told)| bare < told.saturating_mul(AGAIN)) {
                return None;
            }
            seen.told = Some((severity, bare));
            Some(fault(info, severity, seen, " so far"))
        })
    }

    /// Returns the fault of a source at its end, if it is new.
    pub(super) fn at_end(&self, info: &SourceInfo) -> Option<Fault> {
        self.with(info.id, |seen| {
            let severity = seen.counts.severity()?;
            if seen.told.is_some_and(|(told, _)| told >= severity) {
                return None;
            }
            seen.told = Some((severity, seen.counts.bare()));
            Some(fault(info, severity, seen, ""))
        })
    }
}

fn fault(info: &SourceInfo, severity: Severity, seen: &Seen, when: &str) -> Fault {
    let hint = seen.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    Fault {
        source: Some(info.id),
        name: info.name.clone(),
        chunk: None,
        record: None,
        severity,
        lost_records: 0,
        reason: format!(
            "{}{when}, which Sysmon always writes: these events were not understood and could not be judged{hint}",
            seen.counts.sentence()
        ),
    }
}
