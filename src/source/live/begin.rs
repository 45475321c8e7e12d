//! The start of reading, at first and after each trouble.

use super::LiveOptions;
use super::api::{EventLog, LogError, LogInfo, Start};
use super::memory::{self, Stop};
use super::query::Part;
use super::sentences::{lost, made_anew, passed, turned_off, why};
use super::session::{Note, Session};
use super::xml::Stamp;
use crate::model::alarm::AlarmKind;
use crate::model::fault::Severity;

/// The channel of Windows for events of other hosts.
const FORWARDED_CHANNEL: &str = "ForwardedEvents";

impl Session {
    /// Subscribes at the oldest event, whatever an earlier console has read: its events are gone with it.
    ///
    /// # Errors
    /// The reason why the channel can't be read, and the remedy, as a clause.
    pub(super) fn open(log: Box<dyn EventLog + Send>, options: LiveOptions) -> Result<Self, String> {
        let mut session = Self::new(log, options);
        let is_off = session.log.is_enabled() == Ok(false);
        session.watch.is_off = is_off;
        session.is_forwarded = session.has_events_of_others();
        let info = session.log.info().ok();
        session.newest_at_start = info.and_then(|info| info.newest()).unwrap_or_default();
        session.recall(info);
        session.subscribe().map_err(|error| {
            let channel = &session.options.channel;
            if is_off { turned_off(channel) } else { why(error, channel) }
        })?;
        session.may_repeat = false;
        if is_off {
            session.note_alarm(AlarmKind::TurnedOff, turned_off(&session.options.channel));
        }
        Ok(session)
    }

    /// Returns true if the newest record's own number is not this log's.
    fn has_events_of_others(&mut self) -> bool {
        if self.options.channel.eq_ignore_ascii_case(FORWARDED_CHANNEL) {
            return true;
        }
        self.log
            .newest("*")
            .is_ok_and(|(place, xml)| Stamp::of(&xml).record_id.is_some_and(|own| own != place))
    }

    /// Reads the last console's stop. One that does not belong to this log is reported and not used.
    fn recall(&mut self, info: Option<LogInfo>) {
        let Some(path) = &self.options.memory else { return };
        let stop = match memory::read(path) {
            Ok(Some(stop)) => stop,
            Ok(None) => return,
            Err(reason) => {
                let reason =
                    format!("where the last console stopped is not known: {}: {reason}", path.display());
                self.notes.push(Note::new(Severity::Notice, reason));
                return;
            }
        };
        if let Some(reason) = foreign(&stop, &self.options, info) {
            let reason = format!("where the last console stopped is not used: {reason}");
            self.notes.push(Note::new(Severity::Notice, reason));
        } else {
            self.read_to = Some(stop.record);
            self.last_stop = Some(stop);
        }
    }

    /// Subscribes where reading stopped, or at the oldest event; never at the next one to come. A loss meanwhile
    /// is read off the log, not off an error.
    pub(super) fn subscribe(&mut self) -> Result<(), LogError> {
        if let Ok(info) = self.log.info() {
            self.compare(info);
        }
        self.may_repeat = !self.seen.is_empty();
        let may_mark =
            self.has_mark && !self.is_forwarded && !self.stuck.is_mark_useless() && self.failures <= 2;
        if may_mark {
            match self.log.subscribe(&self.query(Part::Oldest), Start::AfterBookmark) {
                Ok(()) => return Ok(()),
                Err(error) if error.is_outage() => return Err(error),
                // Whatever is wrong with the bookmark: numbers do without one.
                Err(_) => {}
            }
        }
        let part = self.part();
        match self.log.subscribe(&self.query(part), Start::Oldest) {
            Err(error) if !error.is_outage() && part != Part::Oldest => {
                self.log.subscribe(&self.query(Part::Oldest), Start::Oldest)
            }
            done => done,
        }
    }

    /// The part of the log that is asked for where no bookmark helps.
    fn part(&mut self) -> Part {
        match (self.seen.last(), self.options.since) {
            // Numbers of other hosts: all come again, and are known by their numbers in this log.
            _ if self.is_forwarded => Part::Oldest,
            (Some(last), _) => {
                let to_pass = self.stuck.to_pass();
                if to_pass > 0 {
                    let reason = passed(last, to_pass, &self.options.channel);
                    self.passed = Some(Note {
                        severity: Severity::Loss,
                        reason,
                        lost: to_pass,
                        record: Some(last.saturating_add(1)),
                        alarm: None,
                    });
                }
                Part::Behind(last.saturating_add(to_pass))
            }
            (None, Some(since)) => Part::Since(since, self.newest_at_start),
            (None, None) => Part::Oldest,
        }
    }

    /// Compares the log with its known state. Returns `true` if it is another one now.
    pub(super) fn compare(&mut self, info: LogInfo) -> bool {
        let known = self.info.replace(info);
        let channel = self.options.channel.clone();
        let is_other = known.is_some_and(|known| known.created != info.created && known.created.is_some())
            || self.read_to.is_some_and(|read| info.newest().is_some_and(|newest| newest < read));
        if is_other {
            let reason = made_anew(self.read_to, &channel);
            self.note_alarm(AlarmKind::Replaced, reason);
            self.watch.alarm = Some("the log was made anew");
            self.seen.forget_places();
            self.has_mark = false;
            self.newest_at_start = 0;
            self.last_stop = None;
            self.counted_to = Some(0).filter(|_| self.counted_to.is_some());
            (self.read_to, self.floor, self.hole) = (None, None, None);
        }
        if info.count == 0 {
            return is_other;
        }
        // Stepped over although they had to come: the log was overwritten faster than it was read.
        let floor = self.floor.take().filter(|floor| info.oldest > floor.saturating_add(1));
        let hole = self.hole.take().filter(|(first, _)| floor.is_some() && *first < info.oldest);
        let rest = self
            .read_to
            .filter(|read| info.oldest > read.saturating_add(1))
            .map(|read| (read + 1, info.oldest - 1));
        for (first, last) in
            [hole.map(|(first, last)| (first, last.min(info.oldest - 1))), rest].into_iter().flatten()
        {
            self.notes.push(Note {
                severity: Severity::Loss,
                reason: lost(first, last, &channel),
                lost: last - first + 1,
                record: Some(last + 1),
                alarm: None,
            });
        }
        if rest.is_some() || self.read_to.is_none() && self.options.since.is_none() {
            self.read_to = info.oldest.checked_sub(1);
        }
        self.floor = self.read_to;
        is_other
    }
}

/// Returns why a saved position is not one of this log.
fn foreign(stop: &Stop, options: &LiveOptions, info: Option<LogInfo>) -> Option<String> {
    if stop.host != options.host {
        return Some(format!("it is a place on the host {}", stop.host));
    }
    if stop.channel != options.channel {
        return Some(format!("it is a place in the channel {}", stop.channel));
    }
    let info = info?;
    let is_other = stop.log_created.is_some() && info.created.is_some() && stop.log_created != info.created;
    if is_other || info.newest().is_some_and(|newest| newest < stop.record) {
        return Some(format!("the log was made anew since its record {}", stop.record));
    }
    None
}
