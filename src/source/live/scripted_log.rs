//! A scripted double of the Windows Event Log: a small log that is written, overwritten and created again, and troubles
//! at the pulls and subscriptions that the script names.
//!
//! The script is a list of steps, or a channel's name with rules, as `tests/support/windows/scenarios.tsv` describes
//! them; the targets of bookmarks are in `bookmarks.tsv` there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::api::{EventLog, LogError, LogInfo, Start, Wake};
use crate::model::time::Timestamp;

/// The action at one pull; then the next step is due.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Up to this count of events is handed over, however many are asked for.
    Give(usize),
    /// This count of events is written, the signal is given, and the next step is taken at once.
    Write(u64),
    /// The pull finds nothing more; right after it this count of events is written, and the signal is given.
    NothingThenWrite(u64),
    /// The pull fails once.
    Fail(LogError),
    /// The pull fails, and so does each until there is a new subscription.
    Dead(LogError),
    /// The pull fails and takes the events along that it should have given; each fails until there is a new
    /// subscription.
    DeadWithEvents(LogError),
    /// The oldest events go, up to this number, and the next step is taken at once.
    Overwrite(u64),
    /// The log is created again and counts from 1, and the next step is taken at once.
    MadeAnew,
    /// All records go, the numbers go on, and the next step is taken at once.
    Clear,
    /// The channel is removed, and the next step is taken at once.
    Remove,
    /// The channel is turned off, and the next step is taken at once.
    TurnOff,
    /// The next events come in this order of their distance from the subscription's position.
    Shuffled(&'static [usize]),
    /// A stop is requested.
    Stop,
}

/// A rule of a channel's name.
#[derive(Clone, Debug)]
struct Rule {
    kind: char,
    value: u64,
    after: u64,
    is_done: bool,
}

/// An event of the log.
#[derive(Clone, Debug)]
struct Record {
    /// Its number in this log.
    place: u64,
    /// A number that is the same for no two events.
    serial: u64,
    /// True if its Event ID is asked for.
    is_asked_for: bool,
    computer: u64,
    /// Its own number, the `EventRecordID`.
    own: u64,
    /// Seconds of its time.
    second: u64,
    /// The Event ID of another channel; 0 for Sysmon's.
    other: u64,
    /// True if it has no data.
    is_bare: bool,
    /// True if the reader fails on it.
    fails: bool,
}

impl Record {
    fn new(place: u64, serial: u64, hosts: u64, modulus: u64) -> Self {
        // The host's number, and how late its events come.
        let (computer, own) = if hosts == 0 { (1, place) } else { (place % hosts, place / hosts + 1) };
        let late = (computer * 8 * 3600).checked_div(hosts).unwrap_or(0);
        Self {
            place,
            serial,
            is_asked_for: modulus == 0 || place.is_multiple_of(modulus),
            computer,
            own,
            second: 10 * 3600 + serial - late,
            other: 0,
            is_bare: false,
            fails: false,
        }
    }

    /// The KiB that the record has in a batch.
    const fn weight(&self) -> u64 {
        if self.serial % 50 == 7 { 41 } else { 1 }
    }

    fn time(&self) -> String {
        let Self { second, .. } = self;
        format!("2026-11-24T{:02}:{:02}:{:02}.0000000Z", second / 3600 % 24, second / 60 % 60, second % 60)
    }

    /// The rendered event of the double: its serial number is the command line.
    fn rendered(&self, out: &mut String) {
        let Self { own, serial, computer, .. } = self;
        let (provider, asked_for, text) = match self.other {
            4104 => ("Microsoft-Windows-PowerShell", 4104, "ScriptBlockText"),
            4688 => ("Microsoft-Windows-Security-Auditing", 4688, "CommandLine"),
            _ => ("Microsoft-Windows-Sysmon", 1, "CommandLine"),
        };
        let event_code = if self.is_asked_for { asked_for } else { 10 };
        let fails = if self.fails { "fails-in-rendered" } else { "" };
        let data = if self.is_bare {
            String::new()
        } else {
            format!("<Data Name='Image'>git.exe</Data><Data Name='{text}'>{serial}{fails}</Data>")
        };
        *out = format!(
            "<Event><System><Provider Name='{provider}'/><EventID>{event_code}</EventID><TimeCreated SystemTime='{}'/>\
             <EventRecordID>{own}</EventRecordID><Computer>WS-{computer}</Computer></System><EventData>{data}\
             </EventData></Event>",
            self.time()
        );
    }

    /// Returns whether a query lets the record through.
    fn passes(&self, query: &str) -> bool {
        let behind = |mark: &str| query.split_once(mark).map(|(_, rest)| rest);
        let number = |mark: &str| {
            behind(mark).map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>())
        };
        let larger = number("EventRecordID > ").map(|text| self.own > text.parse().unwrap());
        let since = behind("@SystemTime >= '")
            .map(|rest| Timestamp::parse(&self.time()) >= Timestamp::parse(rest.split('\'').next().unwrap()));
        let is_in_part = match (larger, since) {
            (None, None) => true,
            (larger, since) => larger.unwrap_or(false) || since.unwrap_or(false),
        };
        is_in_part && (query == "*" || self.is_asked_for)
    }
}

#[allow(clippy::struct_excessive_bools, reason = "each is a fact for itself")]
#[derive(Default)]
pub(super) struct State {
    records: Vec<Record>,
    next_id: u64,
    next_serial: u64,
    created: u64,
    steps: VecDeque<Step>,
    rules: Vec<Rule>,
    /// Records that are still to be written, some at each wait.
    future: u64,
    handed_out: u64,
    hosts: u64,
    modulus: u64,
    /// The Event ID of another channel whose log this is; 0 for Sysmon's.
    other: u64,
    /// Events have no data.
    pub(super) is_bare: bool,
    /// The reader fails on events of these numbers.
    pub(super) failing: Vec<u64>,
    /// Subscriptions that the service is still down for.
    down: u64,
    /// Waits in a row in which nothing happened.
    idle: u32,
    /// The results of the next subscriptions. `None` succeeds, and so does each after the last.
    pub(super) subscriptions: VecDeque<Option<LogError>>,
    /// The queries and starts of the subscriptions.
    pub(super) subscribed: Vec<(String, Start)>,
    /// The length of each pause.
    pub(super) pauses: Vec<Duration>,
    /// The count of events asked for at each pull.
    pub(super) asked: Vec<usize>,
    /// The place that the bookmark names.
    bookmark: Option<u64>,
    pub(super) is_off: bool,
    /// The channel is not there any more.
    pub(super) is_removed: bool,
    /// Events of these numbers can't be rendered.
    pub(super) unrendered: Vec<u64>,
    /// `mark` fails, and so does asking for an event's place.
    pub(super) cannot_mark: bool,
    /// The service reports nothing of the log.
    pub(super) has_no_info: bool,
    is_subscribed: bool,
    query: String,
    dead: Option<LogError>,
    /// The record number after which the subscription continues.
    position: u64,
    given: Vec<Record>,
    signal: bool,
    stop: bool,
    pub(super) clock: Duration,
}

impl State {
    /// Makes the next `count` pulls fail.
    pub(super) fn add_failures(&mut self, error: LogError, count: usize) {
        self.steps.extend(std::iter::repeat_n(Step::Fail(error), count));
    }

    /// Forgets the notes.
    pub(super) fn clear(&mut self) {
        self.subscribed.clear();
        self.asked.clear();
        self.pauses.clear();
    }

    pub(super) fn write(&mut self, count: u64) {
        for _ in 0..count {
            self.next_id += 1;
            self.next_serial += 1;
            let record = Record::new(self.next_id, self.next_serial, self.hosts, self.modulus);
            self.records.push(Record { other: self.other, is_bare: self.is_bare, ..record });
        }
        self.signal |= count > 0;
    }

    fn overwrite(&mut self, place: u64) {
        self.records.retain(|record| record.place > place);
    }

    fn make_anew(&mut self) {
        self.records.clear();
        (self.next_id, self.position, self.created) = (0, 0, self.created + 1);
    }

    /// The value of a rule that always holds.
    fn standing(&self, kind: char) -> Option<u64> {
        self.rules.iter().find(|rule| rule.kind == kind).map(|rule| rule.value)
    }

    fn give(&mut self, count: usize) -> Result<usize, LogError> {
        let (unreadable, room) = (self.standing('x'), self.standing('d'));
        let (position, query) = (self.position, &self.query);
        let behind = self.records.partition_point(|record| record.place <= position);
        let waiting = self.records[behind..].iter().filter(|record| record.passes(query));
        let mut sum = 0;
        let has_room = |record: &&Record| {
            let is_first = sum == 0;
            sum += record.weight();
            is_first || room.is_none_or(|room| sum <= room)
        };
        self.given = waiting
            .take(count)
            .take_while(|record| Some(record.place) != unreadable)
            .take_while(has_room)
            .cloned()
            .collect();
        if let Some(last) = self.given.last() {
            self.position = last.place;
            if self
                .standing('t')
                .is_some_and(|limit| self.given.iter().map(Record::weight).sum::<u64>() > limit)
            {
                self.given.clear();
                self.dead = Some(LogError::OutOfBounds);
                return Err(LogError::OutOfBounds);
            }
            self.handed_out += self.given.len() as u64;
            return Ok(self.given.len());
        }
        let is_before = unreadable.is_some_and(|place| {
            self.records
                .iter()
                .any(|record| record.place == place && place > position && record.passes(query))
        });
        Err(if is_before { LogError::Other(1500) } else { LogError::NoMoreItems })
    }

    /// Applies the rules to a pull of `most` events.
    fn obey(&mut self, most: usize) -> Result<(), LogError> {
        for at in 0..self.rules.len() {
            let rule = self.rules[at].clone();
            if rule.is_done
                || rule.after > self.handed_out
                || matches!(rule.kind, 's' | 'b' | 'x' | 'r' | 't' | 'd')
            {
                continue;
            }
            if rule.kind == 'l' && most as u64 > rule.value {
                let _ = self.give(most);
                self.given.clear();
                self.dead = Some(LogError::OutOfBounds);
                return Err(LogError::OutOfBounds);
            }
            self.rules[at].is_done = true;
            let mut dead = None;
            match rule.kind {
                'e' => {
                    let error = LogError::from_code(u32::try_from(rule.value).unwrap());
                    if matches!(error, LogError::NoMoreItems | LogError::InvalidOperation) {
                        return Err(error);
                    }
                    dead = Some(error);
                }
                'o' => {
                    self.overwrite(rule.value);
                    dead = Some(LogError::Stale);
                }
                'w' => self.overwrite(rule.value),
                'v' => {
                    self.overwrite(rule.value);
                    return Err(LogError::Stale);
                }
                'c' => self.records.clear(),
                'n' => {
                    self.write(self.future);
                    self.future = 0;
                    self.make_anew();
                    self.write(rule.value);
                    dead = Some(LogError::Stale);
                }
                'z' => dead = Some(LogError::NoMoreItems),
                'u' => {
                    self.down = rule.value;
                    dead = Some(LogError::InvalidHandle);
                }
                'q' => self.is_off = true,
                'g' => self.is_removed = true,
                _ => {}
            }
            if let Some(error) = dead {
                self.dead = Some(error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Returns the record number after which a subscription with a bookmark begins. One that is not strict begins after
    /// the closest record.
    fn position_of(&self, marked: u64, is_strict: bool) -> Result<u64, LogError> {
        if let Some(error) = self.rule_error('b', 0) {
            return Err(error);
        }
        let oldest = self.records.first().map(|record| record.place);
        match oldest {
            Some(oldest) if (oldest..=self.next_id).contains(&marked) => Ok(marked),
            _ if is_strict => Err(LogError::NotFound),
            Some(oldest) if marked < oldest => Ok(oldest),
            _ => Ok(self.next_id),
        }
    }

    /// Returns the first result of a subscription with a bookmark, as `bookmarks.tsv` writes it.
    pub(super) fn first_behind(&mut self, marked: u64, is_strict: bool, query: &str) -> String {
        match self.position_of(marked, is_strict) {
            Err(error) => format!("e{}", error.code()),
            Ok(position) => {
                self.position = position;
                query.clone_into(&mut self.query);
                let given = self.give(1).map(|_| self.position.to_string());
                given.unwrap_or_else(|error| {
                    if error == LogError::NoMoreItems { "-".to_owned() } else { format!("n{}", error.code()) }
                })
            }
        }
    }

    fn rule_error(&self, kind: char, after: u64) -> Option<LogError> {
        let rule = self.rules.iter().find(|rule| rule.kind == kind && rule.after == after)?;
        Some(LogError::from_code(u32::try_from(rule.value).unwrap()))
    }
}

/// The double, and (as a clone) the test's view of it.
#[derive(Clone, Default)]
pub(super) struct ScriptedLog {
    state: Arc<Mutex<State>>,
    xml: String,
}

impl ScriptedLog {
    /// Returns a log of `events` events with a step for each pull. After the last step every call succeeds, and the
    /// first wait without a signal is a stop.
    pub(super) fn new(events: u64, steps: &[Step]) -> Self {
        let log = Self::default();
        log.state().write(events);
        log.state().steps.extend(steps);
        log
    }

    /// The log that a channel's name describes. It stops where nothing happened for a while.
    pub(super) fn of_channel(name: &str) -> Self {
        let log = Self::default();
        let mut parts = name.split('/').skip(1);
        let (past, future) =
            parts.next().unwrap().split_once('+').unwrap_or_else(|| (name.split('/').nth(1).unwrap(), "0"));
        {
            let mut state = log.state();
            for rule in parts {
                let kind = rule.chars().next().filter(char::is_ascii_alphabetic);
                let rest = rule.trim_start_matches(|c: char| c.is_ascii_alphabetic());
                let (value, after) = rest.split_once('@').unwrap_or((rest, "0"));
                let (value, after) = (value.parse().unwrap_or(0), after.parse().unwrap());
                match kind {
                    Some('h') => state.hosts = value,
                    Some('m') => state.modulus = value,
                    Some('p') => state.other = value,
                    kind => {
                        let kind = kind.unwrap_or('e');
                        state.rules.push(Rule { kind, value, after, is_done: false });
                    }
                }
            }
            state.write(past.parse().unwrap());
            state.future = future.parse().unwrap();
            if let Some(at) = state.rules.iter().position(|rule| rule.kind == 'f') {
                let rule = state.rules.remove(at);
                state.overwrite(rule.value);
            }
        }
        log
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventLog for ScriptedLog {
    fn is_enabled(&mut self) -> Result<bool, LogError> {
        let state = self.state();
        if state.is_removed { Err(LogError::ChannelNotFound) } else { Ok(!state.is_off) }
    }

    fn subscribe(&mut self, query: &str, start: Start) -> Result<(), LogError> {
        let mut state = self.state();
        let number = state.subscribed.len() as u64;
        state.subscribed.push((query.to_owned(), start));
        state.given.clear();
        state.is_subscribed = false;
        state.dead = None;
        state.signal = false;
        if state.down > 0 {
            state.down -= 1;
            return Err(LogError::ServerUnavailable);
        }
        if let Some(error) = state.subscriptions.pop_front().flatten().or(state.rule_error('s', number)) {
            return Err(error);
        }
        state.position = 0;
        if start == Start::AfterBookmark {
            let marked = state.bookmark.ok_or(LogError::NotFound)?;
            state.position = state.position_of(marked, true)?;
        }
        query.clone_into(&mut state.query);
        state.is_subscribed = true;
        Ok(())
    }

    fn reset_signal(&mut self) -> Result<(), LogError> {
        self.state().signal = false;
        Ok(())
    }

    fn next(&mut self, most: usize) -> Result<usize, LogError> {
        let mut state = self.state();
        let state = &mut *state;
        state.given.clear();
        state.asked.push(most);
        assert!(state.asked.len() < 100_000, "the loop turns without end");
        if !state.is_subscribed {
            return Err(LogError::InvalidHandle);
        }
        if let Some(error) = state.dead {
            return Err(error);
        }
        loop {
            match state.steps.pop_front() {
                None => {
                    state.obey(most)?;
                    return state.give(most);
                }
                Some(Step::Give(count)) => return state.give(most.min(count)),
                Some(Step::Write(count)) => state.write(count),
                Some(Step::NothingThenWrite(count)) => {
                    state.write(count);
                    return Err(LogError::NoMoreItems);
                }
                Some(Step::Fail(error)) => return Err(error),
                Some(Step::Dead(error)) => {
                    state.dead = Some(error);
                    return Err(error);
                }
                Some(Step::DeadWithEvents(error)) => {
                    let _ = state.give(most);
                    state.given.clear();
                    state.dead = Some(error);
                    return Err(error);
                }
                Some(Step::Overwrite(place)) => state.overwrite(place),
                Some(Step::MadeAnew) => state.make_anew(),
                Some(Step::Clear) => state.records.clear(),
                Some(Step::TurnOff) => state.is_off = true,
                Some(Step::Remove) => state.is_removed = true,
                Some(Step::Shuffled(order)) => {
                    let position = state.position;
                    let waiting: Vec<&Record> =
                        state.records.iter().filter(|record| record.place > position).collect();
                    let records = order.iter().filter_map(|at| waiting.get(*at).copied().cloned());
                    state.given = records.collect();
                    state.position += order.len() as u64;
                    return Ok(state.given.len());
                }
                Some(Step::Stop) => state.stop = true,
            }
        }
    }

    fn render(&mut self, index: usize) -> Result<&str, LogError> {
        let record = {
            let state = self.state();
            let mut record = state.given.get(index).cloned().ok_or(LogError::InvalidHandle)?;
            record.fails = state.failing.contains(&record.place);
            let is_unreadable = state.rules.iter().any(|rule| rule.kind == 'r' && rule.value == record.place);
            if is_unreadable || state.unrendered.contains(&record.place) {
                return Err(LogError::Other(15_027));
            }
            record
        };
        record.rendered(&mut self.xml);
        Ok(&self.xml)
    }

    fn place(&mut self, index: usize) -> Result<u64, LogError> {
        let state = self.state();
        if state.cannot_mark {
            return Err(LogError::InvalidHandle);
        }
        state.given.get(index).map(|record| record.place).ok_or(LogError::InvalidHandle)
    }

    fn mark(&mut self, index: usize) -> Result<(), LogError> {
        let place = self.place(index)?;
        self.state().bookmark = Some(place);
        Ok(())
    }

    fn info(&mut self) -> Result<LogInfo, LogError> {
        let state = self.state();
        if state.has_no_info {
            return Err(LogError::NoReason);
        }
        if state.is_removed {
            return Err(LogError::ChannelNotFound);
        }
        let oldest = state.records.first().map_or(state.next_id + 1, |record| record.place);
        Ok(LogInfo { oldest, count: state.records.len() as u64, created: Some(state.created) })
    }

    fn newest(&mut self, query: &str) -> Result<(u64, String), LogError> {
        let state = self.state();
        let newest = state.records.iter().rev().find(|record| record.passes(query));
        let record = newest.ok_or(LogError::NoMoreItems)?;
        let mut xml = String::new();
        record.rendered(&mut xml);
        Ok((record.place, xml))
    }

    fn wait(&mut self, timeout: Duration) -> Result<Wake, LogError> {
        let mut state = self.state();
        let is_scripted = !state.steps.is_empty() || state.dead.is_some();
        if state.stop {
            return Ok(Wake::Stop);
        }
        if state.future > 0 {
            let count = state.future.min(7);
            state.future -= count;
            state.write(count);
        }
        if state.signal {
            state.idle = 0;
            return Ok(Wake::Signal);
        }
        state.idle += 1;
        // Where rules are obeyed the log is looked at now and then.
        if !is_scripted && (state.rules.is_empty() || state.idle > 400) {
            return Ok(Wake::Stop);
        }
        state.clock += timeout;
        Ok(Wake::Timeout)
    }

    fn pause(&mut self, timeout: Duration) -> bool {
        let mut state = self.state();
        state.pauses.push(timeout);
        state.clock += timeout;
        state.stop
    }

    fn clock(&self) -> Duration {
        self.state().clock
    }
}
