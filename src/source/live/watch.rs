//! Periodic checks of the log: that it is the same, that it is on, and that the subscription lives.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::api::{LogError, LogInfo};
use super::query::Part;
use super::sentences::{cleared, removed, turned_off, without_sysmon};
use super::session::{Drained, Feed, Note, Session, wall_clock};
use super::xml::provider;
use crate::model::alarm::AlarmKind;
use crate::model::fault::Severity;
use crate::model::time::Timestamp;

/// The count of looks between two checks that the channel is on.
const LOOKS_A_QUESTION: u32 = 6;

/// The findings of the checks so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    looked_at: Option<Duration>,
    looks: u32,
    /// When events came last.
    came_at: Duration,
    /// True if the channel is turned off, or was removed.
    pub(super) is_off: bool,
    is_removed: bool,
    /// An event that is in the log and did not come yet.
    suspect: Option<u64>,
    /// The alarm shown next to the state, in two words.
    pub(super) alarm: Option<&'static str>,
    /// The last times that the channel was found turned on, and the log the same.
    on_at: Option<Timestamp>,
    same_at: Option<Timestamp>,
}

impl Watch {
    /// Has the next look done at once.
    pub(super) const fn look_now(&mut self) {
        self.looked_at = None;
    }

    /// The last time that nothing of that kind had happened.
    pub(super) const fn fine_at(&self, kind: AlarmKind) -> Option<Timestamp> {
        match kind {
            AlarmKind::TurnedOff | AlarmKind::Removed => self.on_at,
            AlarmKind::Cleared | AlarmKind::Replaced => self.same_at,
        }
    }

    pub(super) const fn events_came(&mut self, now: Duration) {
        self.came_at = now;
        self.suspect = None;
    }
}

impl Session {
    /// Looks at the log where that is due. Returns why the subscription has to be renewed, if it has.
    pub(super) fn look(&mut self, feed: &mut Feed<'_>) -> Option<LogError> {
        let now = self.log.clock();
        let every = self.options.look_every;
        if self.watch.looked_at.is_some_and(|at| now.saturating_sub(at) < every) {
            return None;
        }
        self.watch.looked_at = Some(now);
        self.watch.looks = self.watch.looks.wrapping_add(1);
        let before = self.info;
        let is_other = match self.log.info() {
            Ok(info) => {
                self.find_clearing(before, info);
                let is_other = self.compare(info);
                self.count_records(feed);
                self.watch.same_at = Some(wall_clock());
                is_other
            }
            Err(_) => false,
        };
        if self.watch.looks % LOOKS_A_QUESTION == 1 {
            self.find_turning_off();
        }
        feed.status.set_alarm(self.watch.alarm);
        self.say_notes(feed);
        is_other.then_some(LogError::Stale)
    }

    /// A log that has lost more records than were written into it was cleared: its numbers go on.
    fn find_clearing(&mut self, before: Option<LogInfo>, now: LogInfo) {
        let Some((before, newest)) = before.and_then(|before| Some((before, before.newest()?))) else {
            return;
        };
        let is_gone = now.count == 0 || now.oldest > newest;
        if is_gone && now.count < before.count / 2 + 1 && before.created == now.created {
            self.note_alarm(AlarmKind::Cleared, cleared(&self.options.channel));
            self.watch.alarm = Some("the log was cleared");
        }
    }

    fn find_turning_off(&mut self) {
        let channel = self.options.channel.clone();
        match self.log.is_enabled() {
            Ok(true) => {
                self.watch.on_at = Some(wall_clock());
                if std::mem::take(&mut self.watch.is_off) || std::mem::take(&mut self.watch.is_removed) {
                    self.watch.alarm = None;
                    let reason = format!("the channel {channel} is on again");
                    self.notes.push(Note::new(Severity::Notice, reason));
                }
            }
            Ok(false) => {
                if !std::mem::replace(&mut self.watch.is_off, true) {
                    self.note_alarm(AlarmKind::TurnedOff, turned_off(&channel));
                }
                self.watch.alarm = Some("the channel is off");
            }
            Err(LogError::ChannelNotFound) => {
                if !std::mem::replace(&mut self.watch.is_removed, true) {
                    self.note_alarm(AlarmKind::Removed, removed(&channel));
                }
                self.watch.alarm = Some("the channel is gone");
            }
            Err(_) => {}
        }
    }

    /// Checks for an event that should have come, if nothing came for a while although the log moves.
    pub(super) fn check(&mut self, feed: &mut Feed<'_>) -> Drained {
        let Some(newest) = self.info.and_then(|info| info.newest()) else { return Drained::All };
        let idle = self.log.clock().saturating_sub(self.watch.came_at);
        let is_read = self.read_to.is_some_and(|read| newest <= read);
        if is_read || idle < self.options.look_every.saturating_mul(3) || self.is_down(feed) {
            return Drained::All;
        }
        self.watch.came_at = self.log.clock();
        match self.log.newest(&self.query(Part::Oldest)) {
            Ok((place, _)) if !self.seen.is_before(place) => {
                if self.watch.suspect.is_some_and(|suspect| !self.seen.is_before(suspect)) {
                    self.watch.suspect = None;
                    let reason = format!(
                        "the subscription to {} gave no events although there are some; it is made anew",
                        self.options.channel
                    );
                    self.notes.push(Note::new(Severity::Notice, reason));
                    return Drained::Broken(LogError::InvalidHandle);
                }
                self.watch.suspect = Some(place);
            }
            // All others pass the filter by.
            Ok(_) | Err(LogError::NoMoreItems | LogError::NotFound) => {
                self.watch.suspect = None;
                self.read_to = self.read_to.max(Some(newest));
            }
            Err(_) => {}
        }
        Drained::All
    }

    fn is_down(&self, feed: &Feed<'_>) -> bool {
        self.watch.is_removed || feed.status.is_broken.load(Ordering::Relaxed)
    }

    /// Reports whose events the log has, where it holds no Sysmon event.
    pub(super) fn say_what_it_has(&mut self, feed: &mut Feed<'_>) {
        if self.has_sysmon || self.options.since.is_some() || self.options.telemetry.is_some() {
            return;
        }
        if let Ok((_, xml)) = self.log.newest("*") {
            let reason =
                without_sysmon(provider(&xml).as_deref().unwrap_or("unknown"), &self.options.channel);
            self.notes.push(Note::new(Severity::Notice, reason));
            self.say_notes(feed);
        }
    }
}
