//! Counts the events of each source that lack the fields that Sysmon always writes. All batches pass here, so that no
//! reader of a dialect can forget it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::batch::{Batch, SourceId};
use crate::model::event::Wanted;
use crate::model::fault::{Fault, FaultKind, Severity};
use crate::model::feed::SourceInfo;
use crate::model::understood::Understood;

/// An endless source is reported again when this many times the events lack their fields.
const REPORT_FACTOR: u64 = 10;

/// The counts of each source so far.
#[derive(Debug)]
pub(super) struct Understanding {
    wanted: Wanted,
    sources: Mutex<HashMap<SourceId, SourceCounts>>,
}

#[derive(Debug, Default)]
struct SourceCounts {
    counts: Understood,
    hint: Option<Box<str>>,
    /// The last report, and its count of events.
    reported: Option<(Severity, u64)>,
}

impl Understanding {
    /// `wanted` is the projection of the sources.
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, sources: Mutex::default() }
    }

    fn with<T>(&self, source: SourceId, look: impl FnOnce(&mut SourceCounts) -> T) -> T {
        look(self.sources.lock().unwrap_or_else(PoisonError::into_inner).entry(source).or_default())
    }

    /// Counts the events of a batch.
    pub(super) fn count(&self, batch: &Batch) {
        if batch.events.is_empty() {
            return;
        }
        let mut counts = Understood::default();
        counts.count_batch(batch, &self.wanted);
        self.with(batch.source, |source| {
            source.counts.add(&counts);
            if source.hint.is_none() {
                source.hint.clone_from(&batch.hint);
            }
        });
    }

    /// Returns the fault of a source that goes on, if it is new.
    pub(super) fn so_far(&self, info: &SourceInfo) -> Option<Fault> {
        self.with(info.id, |source| {
            let severity = source.counts.severity().filter(|severity| *severity > Severity::Notice)?;
            let bare = source.counts.bare();
            if source.reported.is_some_and(|(_, reported)| bare < reported.saturating_mul(REPORT_FACTOR)) {
                return None;
            }
            source.reported = Some((severity, bare));
            Some(fault(info, severity, source, " so far"))
        })
    }

    /// Returns the fault of a source at its end, if it is new.
    pub(super) fn at_end(&self, info: &SourceInfo) -> Option<Fault> {
        self.with(info.id, |source| {
            let severity = source.counts.severity()?;
            if source.reported.is_some_and(|(reported, _)| reported >= severity) {
                return None;
            }
            source.reported = Some((severity, source.counts.bare()));
            Some(fault(info, severity, source, ""))
        })
    }
}

fn fault(info: &SourceInfo, severity: Severity, source: &SourceCounts, when: &str) -> Fault {
    let hint = source.hint.as_deref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    let kind = FaultKind::NotUnderstood(format!(
        "{}{when}, which Sysmon always writes: these events were not understood and could not be judged{hint}",
        source.counts.sentence()
    ));
    Fault::new(info.name.clone(), kind).of_source(info.id).with_severity(severity)
}
