//! The loop: drain, hand over, wait, and when the subscription breaks, begin again where it was.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::LiveOptions;
use super::api::{BATCH, EventLog, LogError, Start, Wake};
use super::query::query;
use super::seen::Seen;
use super::sentences::{turned_off, why};
use super::status::LiveStatus;
use super::xml::Stamp;
use crate::model::batch::Batch;
use crate::model::fault::{Fault, Severity, SkipReason};
use crate::model::feed::{FeedMessage, Progress, SourceInfo};
use crate::model::guard::guarded;

/// Between two pulls where the log gives no signal.
const PULL_EVERY: Duration = Duration::from_millis(500);
/// Whoever takes events is waited for when it takes longer than this.
const STALL: Duration = Duration::from_millis(100);
/// Between two times that the bookmark is saved.
const SAVE_EVERY: Duration = Duration::from_secs(2);
/// The first pause before a broken subscription is tried again, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many times in a row 4317 is nothing to read; then the handle counts as dead. Doubled each time that a new handle
/// does not say anything else.
const DEAD_AFTER: u32 = 3;
const MOST_DEAD_AFTER: u32 = 128;
/// Full batches after which a halved batch is doubled again.
const GROW_AFTER: u32 = 256;
/// How many troubles are named; the others are only counted.
const MOST_NAMED: u32 = 100;

/// A subscription that stands, ready to be run.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact for itself")]
pub struct Session {
    log: Box<dyn EventLog + Send>,
    options: LiveOptions,
    seen: Seen,
    /// Whether a bookmark is set.
    has_bookmark: bool,
    /// Whether this run began at a bookmark that was saved.
    is_resumed: bool,
    /// Whether events may come that were handed over before.
    may_repeat: bool,
    /// What is said before the first event.
    notes: Vec<(Severity, String)>,
    /// Events behind the last one may be lost; how many is known with the next one.
    is_loss_open: bool,
    most: usize,
    full_batches: u32,
    /// How many times in a row 4317 came, and how many are too many.
    odd: u32,
    dead_after: u32,
    /// Troubles in a row without an event or an orderly end of a drain between them.
    failures: u32,
    named: u32,
    saved_at: Option<Duration>,
    is_unsaved: bool,
    was_save_named: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("options", &self.options).finish_non_exhaustive()
    }
}

/// How a drain ended.
enum Drained {
    /// All is read that is there.
    All,
    /// Somebody asked for a stop, or nobody listens.
    Over,
    /// The subscription is of no more use.
    Broken(LogError),
}

/// Whom the loop speaks to.
struct Outlet<'a> {
    parse: &'a mut dyn FnMut(&str, &mut Batch),
    sink: &'a mut dyn FnMut(FeedMessage) -> bool,
    progress: &'a Progress,
    status: &'a LiveStatus,
    is_gone: bool,
}

impl Outlet<'_> {
    fn is_over(&self) -> bool {
        self.is_gone || self.progress.is_stopped()
    }

    fn send(&mut self, message: FeedMessage) {
        if !self.is_gone && !(self.sink)(message) {
            self.is_gone = true;
        }
    }
}

impl Session {
    /// Subscribes, behind the saved bookmark where there is one.
    ///
    /// # Errors
    /// A clause that says why the channel can't be read and what to do.
    pub fn open(log: Box<dyn EventLog + Send>, options: LiveOptions) -> Result<Self, String> {
        let mut session = Self {
            log,
            options,
            seen: Seen::default(),
            has_bookmark: false,
            is_resumed: false,
            may_repeat: false,
            notes: Vec::new(),
            is_loss_open: false,
            most: BATCH,
            full_batches: 0,
            odd: 0,
            dead_after: DEAD_AFTER,
            failures: 0,
            named: 0,
            saved_at: None,
            is_unsaved: false,
            was_save_named: false,
        };
        let is_off = session.log.is_enabled() == Ok(false);
        session.load_bookmark();
        session.subscribe().map_err(|error| {
            let channel = &session.options.channel;
            if is_off { turned_off(channel) } else { why(error, channel) }
        })?;
        session.may_repeat = false;
        if is_off {
            session.notes.push((Severity::Loss, turned_off(&session.options.channel)));
        }
        Ok(session)
    }

    /// Hands over the channel's events until somebody asks for a stop or `sink` says by `false` that nobody listens.
    ///
    /// `parse` is given one event's XML at a time and adds the event, and one record to the account, to the batch. `sink`
    /// may wait: meanwhile the events stay in the log. The source comes first and [`FeedMessage::Finished`] last.
    pub fn run(
        mut self,
        parse: &mut dyn FnMut(&str, &mut Batch),
        progress: &Progress,
        status: &LiveStatus,
        sink: &mut dyn FnMut(FeedMessage) -> bool,
    ) {
        let mut outlet = Outlet { parse, sink, progress, status, is_gone: false };
        let channel = self.options.channel.clone();
        outlet.send(FeedMessage::Source(SourceInfo {
            id: self.options.source,
            path: PathBuf::from(&channel),
            name: channel,
            size: None,
        }));
        loop {
            for (severity, reason) in std::mem::take(&mut self.notes) {
                self.say(&mut outlet, severity, reason);
            }
            let goes_on = match self.drain(&mut outlet) {
                Drained::All => {
                    status.is_caught_up.store(true, Ordering::Relaxed);
                    self.save_bookmark(&mut outlet, false);
                    match self.log.wait(PULL_EVERY) {
                        Ok(Wake::Signal | Wake::Timeout) => true,
                        Ok(Wake::Stop) => false,
                        // Without a wait the log is still pulled, only not at once.
                        Err(_) => !self.log.pause(PULL_EVERY),
                    }
                }
                Drained::Broken(error) => self.recover(&mut outlet, error),
                Drained::Over => false,
            };
            if !goes_on || outlet.is_over() {
                break;
            }
        }
        self.save_bookmark(&mut outlet, true);
        outlet.send(FeedMessage::Finished);
    }

    /// Reads all that is there.
    fn drain(&mut self, outlet: &mut Outlet<'_>) -> Drained {
        // Before the pulls: what is written from here on gives the signal again.
        if let Err(error) = self.log.reset_signal() {
            return Drained::Broken(error);
        }
        loop {
            if outlet.is_over() {
                return Drained::Over;
            }
            match self.log.next(self.most) {
                Ok(count) => {
                    self.odd = 0;
                    self.dead_after = DEAD_AFTER;
                    self.failures = 0;
                    self.take(outlet, count);
                    self.grow(count);
                    self.save_bookmark(outlet, false);
                }
                Err(LogError::NoMoreItems) => {
                    self.odd = 0;
                    self.failures = 0;
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
                    self.dead_after = (self.dead_after * 2).min(MOST_DEAD_AFTER);
                    return Drained::Broken(LogError::InvalidOperation);
                }
                Err(error) => return Drained::Broken(error),
            }
        }
    }

    /// A batch that was halved grows again once the large events are behind.
    fn grow(&mut self, count: usize) {
        if self.most < BATCH && count == self.most {
            self.full_batches += 1;
            if self.full_batches >= GROW_AFTER {
                self.most = (self.most * 2).min(BATCH);
                self.full_batches = 0;
            }
        }
    }

    /// Reads and hands over what the last pull gave, and only then moves the bookmark.
    fn take(&mut self, outlet: &mut Outlet<'_>, count: usize) {
        let mut batch = Batch::new(self.options.source);
        let mut doubles = 0;
        for index in 0..count {
            match self.log.render(index) {
                Ok(xml) => {
                    let stamp = Stamp::of(xml);
                    if self.may_repeat && self.seen.contains(stamp) {
                        doubles += 1;
                        continue;
                    }
                    if std::mem::take(&mut self.is_loss_open) {
                        LiveStatus::add(&outlet.status.losses, 1);
                        let reason = loss(self.seen.highest(), stamp.record_id, &self.options.channel);
                        batch.faults.push(fault(&self.options, Severity::Loss, stamp.record_id, 0, reason));
                    }
                    self.seen.add(stamp);
                    batch.tally.bytes += xml.len() as u64;
                    if !parse(outlet.parse, xml, &mut batch) {
                        let reason = "the reader failed on this event, which is a bug; please send it in";
                        let reason = reason.to_owned();
                        batch.faults.push(fault(&self.options, Severity::Loss, stamp.record_id, 1, reason));
                    }
                }
                Err(error) => {
                    batch.tally.skip(SkipReason::Damaged, 1);
                    let reason =
                        format!("an event could not be rendered: {}", why(error, &self.options.channel));
                    batch.faults.push(fault(&self.options, Severity::Loss, None, 1, reason));
                }
            }
        }
        LiveStatus::add(&outlet.status.doubles, doubles);
        if !batch.is_empty() {
            let records = batch.tally.records();
            let before = self.log.clock();
            outlet.send(FeedMessage::Batch(batch));
            let waited = self.log.clock().saturating_sub(before);
            if waited >= STALL {
                LiveStatus::add(&outlet.status.stalls, 1);
                let millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                LiveStatus::add(&outlet.status.stalled_millis, millis);
            }
            if outlet.is_gone {
                return;
            }
            LiveStatus::add(&outlet.status.events, records);
            outlet.progress.records_done.fetch_add(records, Ordering::Relaxed);
        }
        // A bookmark that stays behind costs nothing but events that come twice, which are known.
        if let Some(last) = count.checked_sub(1)
            && self.log.mark(last).is_ok()
        {
            self.has_bookmark = true;
            self.is_unsaved = true;
        }
    }

    /// Makes the subscription anew until it stands; `false` where somebody asked for a stop meanwhile.
    fn recover(&mut self, outlet: &mut Outlet<'_>, error: LogError) -> bool {
        let mut error = error;
        let mut is_named = false;
        outlet.status.is_broken.store(true, Ordering::Relaxed);
        loop {
            if error == LogError::OutOfBounds {
                self.most = (self.most / 2).max(1);
                self.full_batches = 0;
            }
            self.failures = self.failures.saturating_add(1);
            let pause = self.pause(error);
            // What is mended at once is only counted.
            if !pause.is_zero() && !is_named {
                is_named = true;
                let reason = format!(
                    "{}; meanwhile nothing is read, and it is tried again by itself",
                    why(error, &self.options.channel)
                );
                self.say(outlet, Severity::Notice, reason);
            }
            if (!pause.is_zero() && self.log.pause(pause)) || outlet.is_over() {
                return false;
            }
            LiveStatus::add(&outlet.status.reconnects, 1);
            match self.subscribe() {
                Ok(()) => break,
                Err(next) => error = next,
            }
        }
        outlet.status.is_broken.store(false, Ordering::Relaxed);
        if is_named {
            self.say(outlet, Severity::Notice, "the subscription stands again".to_owned());
        }
        true
    }

    /// How long to wait before the subscription is made anew: not at all the first time that it merely went stale.
    fn pause(&self, error: LogError) -> Duration {
        let is_handle = matches!(
            error,
            LogError::Stale
                | LogError::InvalidPosition
                | LogError::OutOfBounds
                | LogError::InvalidOperation
                | LogError::InvalidHandle
        );
        let doublings = self.failures.saturating_sub(if is_handle { 2 } else { 1 });
        // A batch of 64 is halved six times.
        if is_handle && (self.failures <= 1 || error == LogError::OutOfBounds && self.failures <= 6) {
            return Duration::ZERO;
        }
        FIRST_PAUSE.saturating_mul(1 << doublings.min(5)).min(LONGEST_PAUSE)
    }

    /// Subscribes: behind the bookmark; where its event is gone, near it; and where that fails too, at the oldest event.
    /// Never at the next one to come.
    fn subscribe(&mut self) -> Result<(), LogError> {
        let began = !self.seen.is_empty() || self.is_resumed;
        self.may_repeat = true;
        if self.has_bookmark {
            // A bookmark that fails again and again is not believed any more.
            let is_doubtful =
                |error| matches!(error, LogError::NotFound | LogError::Stale | LogError::InvalidPosition);
            let all = query(None);
            for (start, patience) in [(Start::AfterBookmark, 2), (Start::NearBookmark, 3)] {
                if self.failures > patience {
                    continue;
                }
                match self.log.subscribe(&all, start) {
                    Ok(()) => return Ok(()),
                    Err(error) if is_doubtful(error) => self.is_loss_open |= error == LogError::NotFound,
                    Err(error) => return Err(error),
                }
            }
        }
        let since = if began { None } else { self.options.since };
        self.log.subscribe(&query(since), Start::Oldest)
    }

    fn say(&mut self, outlet: &mut Outlet<'_>, severity: Severity, reason: String) {
        self.named += 1;
        if self.named <= MOST_NAMED {
            outlet.send(FeedMessage::Fault(fault(&self.options, severity, None, 0, reason)));
        }
    }

    fn load_bookmark(&mut self) {
        let Some(path) = &self.options.bookmark else { return };
        let note = match fs::read_to_string(path) {
            Ok(text) if self.log.set_bookmark(text.trim()).is_ok() => {
                self.has_bookmark = true;
                self.is_resumed = true;
                return;
            }
            Ok(_) => "it is no bookmark of the Windows Event Log".to_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => error.to_string(),
        };
        let reason = format!("the bookmark {} is not used: {note}; reading begins anew", path.display());
        self.notes.push((Severity::Notice, reason));
    }

    /// Saves the bookmark where that is due, or in any case at the end.
    fn save_bookmark(&mut self, outlet: &mut Outlet<'_>, is_end: bool) {
        let now = self.log.clock();
        let is_due = self.saved_at.is_none_or(|at| now.saturating_sub(at) >= SAVE_EVERY);
        let Some(path) = self.options.bookmark.clone().filter(|_| self.is_unsaved && (is_due || is_end))
        else {
            return;
        };
        self.saved_at = Some(now);
        let channel = &self.options.channel;
        let result = match self.log.bookmark() {
            Ok(text) => write_whole(&path, &text).map_err(|error| error.to_string()),
            Err(error) => Err(why(error, channel)),
        };
        match result {
            Ok(()) => self.is_unsaved = false,
            Err(reason) if !self.was_save_named => {
                self.was_save_named = true;
                let reason = format!(
                    "the bookmark can't be saved as {}: {reason}; the next start reads again what was read now",
                    path.display()
                );
                self.say(outlet, Severity::Notice, reason);
            }
            Err(_) => {}
        }
    }
}

/// Has one event parsed; `false` where the parser failed. Whatever it does, one record more is accounted for.
fn parse(parse: &mut dyn FnMut(&str, &mut Batch), xml: &str, batch: &mut Batch) -> bool {
    let (events, records) = (batch.events.len(), batch.tally.records());
    let is_done = guarded(|| parse(xml, batch)).is_some();
    if !is_done {
        batch.events.truncate(events);
    }
    if batch.tally.records() == records {
        batch.tally.skip(if is_done { SkipReason::Unsupported } else { SkipReason::Damaged }, 1);
    }
    is_done
}

fn fault(options: &LiveOptions, severity: Severity, record: Option<u64>, lost: u64, reason: String) -> Fault {
    Fault {
        source: Some(options.source),
        name: options.channel.clone(),
        chunk: None,
        record,
        severity,
        lost_records: lost,
        reason,
    }
}

/// What is said when the bookmarked event was gone and this is the first one behind.
fn loss(last: Option<u64>, next: Option<u64>, channel: &str) -> String {
    match (last, next) {
        (Some(last), Some(next)) if next > last => format!(
            "the log {channel} was overwritten or cleared before it was read: up to {} of its records are lost before \
             this one; make it larger with `wevtutil sl \"{channel}\" /ms:1073741824`",
            next - last - 1
        ),
        _ => format!(
            "the log {channel} was overwritten, cleared or made anew before it was read: what stood in it before this \
             record is lost"
        ),
    }
}

/// Writes a file whole or not at all.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".exfilscope-").suffix(".part").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|failed| failed.error)?;
    Ok(())
}
