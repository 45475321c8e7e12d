//! The events of one pull: read, freed of duplicates, and handed over as a batch.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::sentences::why;
use super::session::{Feed, Session, fault};
use super::status::LiveStatus;
use super::xml::Stamp;
use crate::model::batch::Batch;
use crate::model::fault::{BugIn, Fault, FaultKind, Severity, SkipReason};
use crate::model::feed::SourceInfo;
use crate::model::guard::guarded;
use crate::model::telemetry::Channel;
use crate::source::fault_log::FaultLog;
use crate::source::text::parse_rendered;

/// A send to the receiver that takes longer than this counts as a stall.
const STALL: Duration = Duration::from_millis(100);
/// Unreadable events that are reported as they come. Of more, a report follows each time that they are ten times as
/// many.
const MAX_REPORTED: usize = 100;

/// Events that could not be read. A channel has no end, so that their reports must have a bound.
#[derive(Debug)]
pub(super) struct Unreadable {
    log: FaultLog,
    /// Events that are not reported yet.
    waiting: usize,
    reported: usize,
    /// The count that is waited for once many are reported.
    report_at: usize,
}

impl Default for Unreadable {
    fn default() -> Self {
        Self { log: FaultLog::default(), waiting: 0, reported: 0, report_at: MAX_REPORTED }
    }
}

impl Unreadable {
    fn add(&mut self, fault: Fault) {
        self.waiting += 1;
        self.log.add(fault);
    }

    /// Returns the faults to report now.
    fn take_due(&mut self, info: &SourceInfo) -> Vec<Fault> {
        if self.reported >= MAX_REPORTED {
            if self.waiting < self.report_at {
                return Vec::new();
            }
            self.report_at = self.report_at.saturating_mul(10);
        }
        self.take_rest(info)
    }

    /// Returns all that is not reported yet.
    pub(super) fn take_rest(&mut self, info: &SourceInfo) -> Vec<Fault> {
        self.reported += std::mem::take(&mut self.waiting);
        self.log.take(info.id, &info.name)
    }
}

impl Session {
    /// Reads and hands over the events of the last pull, and only then moves the bookmark.
    pub(super) fn take(&mut self, feed: &mut Feed<'_>, count: usize) {
        let Some(last) = count.checked_sub(1) else { return };
        let end = self.log.place(last).ok();
        if self.may_repeat && end.is_some_and(|end| self.seen.is_before(end)) {
            LiveStatus::add(&feed.status.duplicates, count as u64);
            return;
        }
        self.note_what_was_passed();
        self.say_notes(feed);
        if let Ok(first) = self.log.place(0) {
            self.note_hole(first);
        }
        let mut batch = Batch::new(self.options.source);
        let (mut duplicates, mut own_end) = (0, None);
        for index in 0..count {
            let needs_place = self.may_repeat || self.is_forwarded;
            let place = if needs_place { self.log.place(index).ok() } else { None };
            match self.log.render(index) {
                Ok(xml) => {
                    let stamp = Stamp::of(xml);
                    own_end = stamp.record_id.filter(|_| index == last);
                    if self.may_repeat && self.seen.contains(place, &stamp) {
                        duplicates += 1;
                        continue;
                    }
                    self.seen.add(stamp);
                    if let Some(time) = stamp.time {
                        feed.status.latest.fetch_max(time.unix_seconds(), Ordering::Relaxed);
                        self.last_time = time.to_string();
                        let is_past = place.or(end).is_some_and(|place| place <= self.newest_at_start);
                        if is_past && self.options.since.is_some_and(|since| time < since) {
                            continue;
                        }
                    }
                    batch.tally.bytes += xml.len() as u64;
                    let (events, others) = (batch.events.len(), batch.telemetry.len());
                    if let Err(kind) = read(xml, &mut batch) {
                        let fault = fault(&self.options, Severity::Loss, stamp.record_id, 1, String::new());
                        self.unreadable.add(Fault { kind, ..fault });
                    }
                    if let Some(place) = place {
                        let events = batch.events.iter_mut().skip(events);
                        for event in events.chain(batch.telemetry.iter_mut().skip(others)) {
                            event.head.place = place;
                        }
                    }
                }
                Err(error) => {
                    batch.tally.skip(SkipReason::Damaged, 1);
                    let reason =
                        format!("an event could not be rendered: {}", why(error, &self.options.channel));
                    self.unreadable.add(fault(&self.options, Severity::Loss, place, 1, reason));
                }
            }
        }
        LiveStatus::add(&feed.status.duplicates, duplicates);
        self.has_sysmon |= batch.tally.sysmon > 0;
        batch.faults = self.unreadable.take_due(&feed.info);
        if self.counted_to.is_some() {
            // They are among the records that the log holds.
            batch.beside = [0; Channel::COUNT];
        }
        if !batch.is_empty() {
            let records = batch.tally.records();
            let before = self.log.clock();
            feed.sink.send_open_batch(&feed.info, batch);
            let waited = self.log.clock().saturating_sub(before);
            if waited >= STALL {
                LiveStatus::add(&feed.status.stalls, 1);
                let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                LiveStatus::add(&feed.status.stalled_millis, millis);
            }
            if feed.sink.is_gone() {
                return;
            }
            LiveStatus::add(&feed.status.events, records);
        }
        if let (Some(end), Some(own)) = (end, own_end)
            && end != own
            && !self.is_forwarded
        {
            // No decision after this batch was made by such a number yet: a subscription of its own begins at the
            // oldest.
            self.is_forwarded = true;
        }
        let end = end.or(own_end.filter(|_| !self.is_forwarded));
        if let Some(end) = end {
            self.may_repeat = false;
            self.seen.reach(end);
            self.read_to = self.read_to.max(Some(end));
        }
        self.stuck.clear();
        self.watch.events_came(self.log.clock());
        // A bookmark that is too old costs only duplicates, which are recognised.
        self.has_mark |= self.log.mark(last).is_ok();
    }
}

/// Reads one event. Whatever the reader does, one record more is accounted for.
fn read(xml: &str, batch: &mut Batch) -> Result<(), FaultKind> {
    let (events, others, records) = (batch.events.len(), batch.telemetry.len(), batch.tally.records());
    let done = guarded(|| parse_rendered(xml, batch));
    if done.is_none() {
        batch.events.truncate(events);
        batch.telemetry.truncate(others);
    }
    if batch.tally.records() == records {
        batch.tally.skip(SkipReason::Damaged, 1);
    }
    match done {
        Some(result) => result.map_err(|reason| FaultKind::Record(reason.into())),
        None => Err(FaultKind::Bug(BugIn::Event)),
    }
}
