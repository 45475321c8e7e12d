//! The loop: drain, hand over, wait, and when the subscription breaks, begin again where it was.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use super::LiveOptions;
use super::api::{BATCH, EventLog, LogError, LogInfo, Wake};
use super::batches::Unreadable;
use super::dedup::Dedup;
use super::memory::{self, Stop};
use super::sentences::why;
use super::status::LiveStatus;
use super::stuck::Stuck;
use super::watch::Watch;
use crate::model::alarm::{Alarm, AlarmKind};
use crate::model::batch::Batch;
use crate::model::fault::{Fault, FaultKind, Severity};
use crate::model::feed::{FeedMessage, SourceInfo};
use crate::model::time::Timestamp;
use crate::source::sink::Sink;

/// Between two pulls where the log gives no signal.
const PULL_EVERY: Duration = Duration::from_millis(500);
/// Between two times that the bookmark is saved.
const SAVE_EVERY: Duration = Duration::from_secs(2);
/// The first pause before a broken subscription is tried again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many times in a row 4317 is nothing to read; then the handle counts as dead. Doubled each time that a new handle
/// does not say anything else.
const DEAD_AFTER: u32 = 3;
const MAX_DEAD_AFTER: u32 = 128;
/// Full batches after which a halved batch is doubled again.
const GROW_AFTER: u32 = 256;
/// Maximum of troubles that are named; the others are only counted.
const MAX_NAMED: u32 = 100;

/// A message to report before the next event.
pub(super) struct Note {
    pub(super) severity: Severity,
    pub(super) reason: String,
    /// The count of lost records, and the first one after them.
    pub(super) lost: u64,
    pub(super) record: Option<u64>,
    pub(super) alarm: Option<Alarm>,
}

impl Note {
    pub(super) const fn new(severity: Severity, reason: String) -> Self {
        Self { severity, reason, lost: 0, record: None, alarm: None }
    }
}

/// An open subscription, ready to be run.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact for itself")]
pub(super) struct Session {
    pub(super) log: Box<dyn EventLog + Send>,
    pub(super) options: LiveOptions,
    pub(super) seen: Dedup,
    /// True once a bookmark is set.
    pub(super) has_mark: bool,
    /// True if events of other hosts come. Their own numbers are not this log's.
    pub(super) is_forwarded: bool,
    /// True while duplicates of events handed over before may come.
    pub(super) may_repeat: bool,
    /// All records up to this one were read, or passed the filter by.
    pub(super) read_to: Option<u64>,
    /// As it was when the log was looked at last, and the largest step since then over records that did not come.
    pub(super) floor: Option<u64>,
    pub(super) hole: Option<(u64, u64)>,
    /// The newest record at the start.
    pub(super) newest_at_start: u64,
    pub(super) info: Option<LogInfo>,
    pub(super) watch: Watch,
    pub(super) stuck: Stuck,
    /// The message reported once records are known to be skipped for good.
    pub(super) passed: Option<Note>,
    /// True once a Sysmon event came.
    pub(super) has_sysmon: bool,
    /// The last console's stop.
    pub(super) last_stop: Option<Stop>,
    pub(super) notes: Vec<Note>,
    most: usize,
    full_batches: u32,
    /// How often 4317 came in a row, and the count that is too many.
    odd: u32,
    dead_after: u32,
    /// Troubles in a row without an event or an orderly end of a drain between them.
    pub(super) failures: u32,
    named: u32,
    saved_at: Option<Duration>,
    /// The record that the file names.
    saved: Option<u64>,
    /// The time of the last event, as it was written.
    pub(super) last_time: String,
    was_save_named: bool,
    /// Events that could not be read.
    pub(super) unreadable: Unreadable,
    /// Of another channel: the newest record that is counted among those the log holds.
    pub(super) counted_to: Option<u64>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The end of a drain.
pub(super) enum Drained {
    /// All is read that is there.
    All,
    /// A stop was requested, or the receiver is gone.
    Over,
    /// The subscription is of no more use.
    Broken(LogError),
}

/// The destination of one channel's events and notes.
pub(super) struct Feed<'a> {
    pub(super) sink: &'a Sink<'a>,
    pub(super) info: SourceInfo,
    pub(super) status: &'a LiveStatus,
}

impl Feed<'_> {
    fn is_over(&self) -> bool {
        self.sink.is_over()
    }
}

impl Session {
    pub(super) fn new(log: Box<dyn EventLog + Send>, options: LiveOptions) -> Self {
        Self {
            log,
            options,
            seen: Dedup::default(),
            has_mark: false,
            is_forwarded: false,
            may_repeat: false,
            read_to: None,
            floor: None,
            hole: None,
            newest_at_start: 0,
            info: None,
            watch: Watch::default(),
            stuck: Stuck::default(),
            passed: None,
            has_sysmon: false,
            last_stop: None,
            notes: Vec::new(),
            most: BATCH,
            full_batches: 0,
            odd: 0,
            dead_after: DEAD_AFTER,
            failures: 0,
            named: 0,
            saved_at: None,
            saved: None,
            last_time: String::new(),
            was_save_named: false,
            unreadable: Unreadable::default(),
            counted_to: None,
        }
    }

    /// The channel as a source.
    pub(super) fn source(&self) -> SourceInfo {
        let channel = &self.options.channel;
        SourceInfo {
            id: self.options.source,
            path: PathBuf::from(channel),
            name: channel.clone(),
            size: None,
        }
    }

    /// Hands over the channel's events until a stop is asked for or the receiver is gone. The receiver may wait:
    /// meanwhile the events stay in the log. The source comes first.
    pub(super) fn run(mut self, sink: &Sink<'_>, status: &LiveStatus) {
        let mut feed = Feed { sink, info: self.source(), status };
        if let Some(stop) = &self.last_stop {
            // A text that another process wrote there may be no time.
            let time = Timestamp::parse(&stop.time)
                .map_or_else(|| "?".to_owned(), |time| format!("{} {}", time.date_text(), time.clock_text()));
            let _ =
                status.last_stop.set(format!("the last console stopped at record {}, {time}", stop.record));
        }
        self.mark_seen(&feed);
        loop {
            self.say_notes(&mut feed);
            let drained = self.drain(&mut feed);
            let drained = if let Drained::All = drained { self.check(&mut feed) } else { drained };
            let goes_on = match drained {
                Drained::All => {
                    if !status.is_caught_up.swap(true, Ordering::Relaxed) {
                        self.say_what_it_has(&mut feed);
                    }
                    self.save(&mut feed, false);
                    match self.log.wait(PULL_EVERY) {
                        Ok(Wake::Signal | Wake::Timeout) => true,
                        Ok(Wake::Stop) => false,
                        // Without a wait the log is still pulled, only not at once.
                        Err(_) => !self.log.pause(PULL_EVERY),
                    }
                }
                Drained::Broken(error) => self.recover(&mut feed, error),
                Drained::Over => false,
            };
            if !goes_on || feed.is_over() {
                break;
            }
        }
        self.watch.look_now();
        self.look(&mut feed);
        self.save(&mut feed, true);
        let mut batch = Batch::new(self.options.source);
        batch.faults = self.unreadable.take_rest(&feed.info);
        sink.send_batch(batch);
    }

    /// Reports to the console which events were seen before: none if the log is no longer the last console's.
    fn mark_seen(&self, feed: &Feed<'_>) {
        let until = self.last_stop.as_ref().map(|stop| stop.record);
        feed.sink.progress.set_seen_until(self.options.source, until);
    }

    /// Counts the records that the log of another channel holds: the filter passes nearly all of them by.
    pub(super) fn count_records(&mut self, feed: &Feed<'_>) {
        let (Some(channel), Some(info)) = (self.options.telemetry, self.info) else { return };
        let before = info.oldest.saturating_sub(1);
        let from = self.counted_to.unwrap_or(0).max(before);
        let newest = info.newest().unwrap_or(before).max(from);
        self.counted_to = Some(newest);
        let mut batch = Batch::new(self.options.source);
        if let Some(count) = batch.beside.get_mut(channel.index()) {
            *count = newest - from;
        }
        feed.sink.send_batch(batch);
    }

    /// Reads all that is there.
    fn drain(&mut self, feed: &mut Feed<'_>) -> Drained {
        // Before the pulls: events written from here on give the signal again.
        if let Err(error) = self.log.reset_signal() {
            return Drained::Broken(error);
        }
        loop {
            if feed.is_over() {
                return Drained::Over;
            }
            if let Some(error) = self.look(feed) {
                return Drained::Broken(error);
            }
            let most = if self.stuck.is_doubtful() { 1 } else { self.most };
            match self.log.next(most) {
                Ok(count) => {
                    self.odd = 0;
                    self.dead_after = DEAD_AFTER;
                    self.failures = 0;
                    self.take(feed, count);
                    self.grow(count);
                    self.save(feed, false);
                }
                Err(LogError::NoMoreItems) => {
                    self.odd = 0;
                    self.failures = 0;
                    self.note_what_was_passed();
                    return Drained::All;
                }
                Err(LogError::Timeout) => return Drained::All,
                Err(LogError::InvalidOperation) => {
                    self.odd += 1;
                    if self.odd < self.dead_after {
                        self.failures = 0;
                        return Drained::All;
                    }
                    self.odd = 0;
                    self.dead_after = (self.dead_after * 2).min(MAX_DEAD_AFTER);
                    return Drained::Broken(LogError::InvalidOperation);
                }
                Err(error) => return Drained::Broken(error),
            }
        }
    }

    /// Doubles a halved batch again once the large events are read.
    pub(super) fn grow(&mut self, count: usize) {
        if self.most < BATCH && count == self.most {
            self.full_batches += 1;
            if self.full_batches >= GROW_AFTER {
                self.most = (self.most * 2).min(BATCH);
                self.full_batches = 0;
            }
        }
    }

    /// Opens the subscription again until it succeeds. Returns `false` if a stop was requested meanwhile.
    fn recover(&mut self, feed: &mut Feed<'_>, error: LogError) -> bool {
        let mut error = error;
        let mut is_named = false;
        feed.status.is_broken.store(true, Ordering::Relaxed);
        loop {
            if error == LogError::OutOfBounds {
                self.most = (self.most / 2).max(1);
                self.full_batches = 0;
            }
            self.failures = self.failures.saturating_add(1);
            if self.most == 1 || error != LogError::OutOfBounds {
                self.stuck.failed(self.seen.last(), error);
            }
            let pause = self.pause(error);
            // Troubles that are mended at once are only counted.
            if !pause.is_zero() && !is_named {
                is_named = true;
                let reason = format!(
                    "{}; meanwhile nothing is read, and it is tried again by itself",
                    why(error, &self.options.channel)
                );
                self.say(feed, Severity::Notice, reason);
            }
            if (!pause.is_zero() && self.log.pause(pause)) || feed.is_over() {
                return false;
            }
            LiveStatus::add(&feed.status.reconnects, 1);
            match self.subscribe() {
                Ok(()) => break,
                Err(next) => error = next,
            }
        }
        feed.status.is_broken.store(false, Ordering::Relaxed);
        if is_named {
            self.say(feed, Severity::Notice, "the subscription stands again".to_owned());
        }
        true
    }

    /// Returns the wait before the subscription is opened again: zero the first time that it merely went stale.
    fn pause(&self, error: LogError) -> Duration {
        let is_handle = error.is_of_handle() || error == LogError::OutOfBounds;
        let doublings = self.failures.saturating_sub(if is_handle { 2 } else { 1 });
        // A batch of 64 is halved six times.
        if is_handle && (self.failures <= 1 || error == LogError::OutOfBounds && self.failures <= 6) {
            return Duration::ZERO;
        }
        // What can't be given is passed step by step, and is waited for less.
        let doublings = if error.is_outage() || is_handle { doublings } else { 0 };
        FIRST_PAUSE.saturating_mul(1 << doublings.min(5)).min(LONGEST_PAUSE)
    }

    fn say(&mut self, feed: &mut Feed<'_>, severity: Severity, reason: String) {
        self.notes.push(Note::new(severity, reason));
        self.say_notes(feed);
    }

    /// Notes something that keeps events from coming: as a loss, and as an alarm in the list.
    pub(super) fn note_alarm(&mut self, kind: AlarmKind, reason: String) {
        let alarm = Alarm {
            kind,
            source: self.options.source,
            channel: self.options.channel.clone(),
            host: self.options.host.clone(),
            noticed: wall_clock(),
            fine_at: self.watch.fine_at(kind),
            last_record: self.read_to.filter(|_| !self.seen.is_empty()),
            last_time: Timestamp::parse(&self.last_time),
            reason: reason.clone(),
        };
        self.notes.push(Note { alarm: Some(alarm), ..Note::new(Severity::Loss, reason) });
    }

    /// Reports the notes.
    pub(super) fn say_notes(&mut self, feed: &mut Feed<'_>) {
        if !self.notes.is_empty() {
            self.mark_seen(feed);
        }
        for Note { severity, reason, lost, record, alarm } in std::mem::take(&mut self.notes) {
            if lost > 0 {
                LiveStatus::add(&feed.status.losses, 1);
            }
            self.named += 1;
            if self.named <= MAX_NAMED {
                feed.sink.send(FeedMessage::Fault(fault(&self.options, severity, record, lost, reason)));
            }
            if let Some(alarm) = alarm {
                let mut batch = Batch::new(self.options.source);
                batch.alarms.push(alarm);
                feed.sink.send_batch(batch);
            }
        }
    }

    /// Notes records between the last ones and those that come now: the filter passed them by, or they are gone.
    pub(super) fn note_hole(&mut self, next: u64) {
        let Some(first) = self.read_to.map(|read| read.saturating_add(1)).filter(|first| *first < next)
        else {
            return;
        };
        let is_larger = self.hole.is_none_or(|(start, end)| next - first > end - start + 1);
        if is_larger && !self.seen.is_empty() {
            self.hole = Some((first, next - 1));
        }
    }

    /// Events came, or all is read: skipped records do not come any more.
    pub(super) fn note_what_was_passed(&mut self) {
        if let Some(note) = self.passed.take() {
            let last = note.record.map(|record| record.saturating_add(note.lost).saturating_sub(1));
            if let Some(last) = last {
                self.seen.reach(last);
                self.read_to = self.read_to.max(Some(last));
            }
            self.stuck.clear();
            self.has_mark = false;
            self.notes.push(note);
        }
    }

    /// Saves the place where that is due, or in any case at the end.
    fn save(&mut self, feed: &mut Feed<'_>, is_end: bool) {
        let now = self.log.clock();
        let is_due = is_end || self.saved_at.is_none_or(|at| now.saturating_sub(at) >= SAVE_EVERY);
        let Some(record) = self.seen.last().and(self.read_to).filter(|place| Some(*place) != self.saved)
        else {
            return;
        };
        let Some(path) = self.options.memory.clone().filter(|_| is_due) else { return };
        self.saved_at = Some(now);
        let stop = Stop {
            host: self.options.host.clone(),
            channel: self.options.channel.clone(),
            log_created: self.info.and_then(|info| info.created),
            record,
            time: self.last_time.clone(),
        };
        match memory::write(&path, &stop) {
            Ok(()) => {
                self.saved = Some(record);
                if std::mem::take(&mut self.was_save_named) {
                    let reason = format!("the place is saved again as {}", path.display());
                    self.say(feed, Severity::Notice, reason);
                }
            }
            Err(error) if !self.was_save_named => {
                self.was_save_named = true;
                let reason = format!(
                    "the place in the log can't be saved as {}: {error}; the next start will not know what was seen now",
                    path.display()
                );
                self.say(feed, Severity::Notice, reason);
            }
            Err(_) => {}
        }
    }
}

/// Returns the time of this host's clock.
pub(super) fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix(seconds, since.subsec_millis() * 1_000_000, 3)
}

pub(super) fn fault(
    options: &LiveOptions,
    severity: Severity,
    record: Option<u64>,
    lost: u64,
    reason: String,
) -> Fault {
    Fault::new(options.channel.clone(), FaultKind::Live(reason))
        .of_source(options.source)
        .with_severity(severity)
        .at_record(record)
        .losing(lost)
}
