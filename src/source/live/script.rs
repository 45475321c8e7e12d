//! A scripted double of the Windows Event Log: a small log that is written, overwritten and made anew, and troubles at the
//! pulls and subscriptions that the script names.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::api::{EventLog, LogError, Start, Wake};

/// What happens at one pull; then the next step is due.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Up to so many events are handed over, however many are asked for.
    Give(usize),
    /// So many events are written, the signal is given, and the step behind is taken at once.
    Write(u64),
    /// The pull finds nothing more; right behind it so many events are written, and the signal is given.
    NothingThenWrite(u64),
    /// The pull fails once.
    Fail(LogError),
    /// The pull fails, and so does each until there is a new subscription.
    Dead(LogError),
    /// The pull fails and takes the events along that it should have given; each fails until there is a new subscription.
    DeadWithEvents(LogError),
    /// The oldest events go, up to this number, and the step behind is taken at once.
    Overwrite(u64),
    /// The log is made anew and counts from 1 again, and the step behind is taken at once.
    MadeAnew,
    /// The next events come in this order of their distance from where the subscription stands.
    Shuffled(&'static [usize]),
    /// Somebody asks for a stop.
    Stop,
}

/// An event of the log.
#[derive(Clone, Debug)]
struct Record {
    id: u64,
    /// A number that is the same for no two events.
    serial: u64,
}

#[allow(clippy::struct_excessive_bools, reason = "each is a fact for itself")]
#[derive(Default)]
pub(super) struct State {
    records: Vec<Record>,
    next_id: u64,
    next_serial: u64,
    steps: VecDeque<Step>,
    /// What the next subscriptions say; `None` and behind the last one they stand.
    pub(super) subscriptions: VecDeque<Option<LogError>>,
    /// What was subscribed to.
    pub(super) subscribed: Vec<(String, Start)>,
    /// How long each pause was.
    pub(super) pauses: Vec<Duration>,
    /// How many events were asked for at each pull.
    pub(super) asked: Vec<usize>,
    /// The number that a saved bookmark and the present one name.
    pub(super) bookmark: Option<u64>,
    pub(super) is_off: bool,
    /// Events of these numbers can't be rendered.
    pub(super) unrendered: Vec<u64>,
    /// `mark` fails.
    pub(super) cannot_mark: bool,
    is_subscribed: bool,
    dead: Option<LogError>,
    position: usize,
    given: Vec<Record>,
    signal: bool,
    stop: bool,
    pub(super) clock: Duration,
}

impl State {
    /// The pulls fail so many times.
    pub(super) fn add_failures(&mut self, error: LogError, count: usize) {
        self.steps.extend(std::iter::repeat_n(Step::Fail(error), count));
    }

    /// Forgets what was noted.
    pub(super) fn clear(&mut self) {
        self.subscribed.clear();
        self.asked.clear();
        self.pauses.clear();
    }

    fn write(&mut self, count: u64) {
        for _ in 0..count {
            self.next_id += 1;
            self.next_serial += 1;
            self.records.push(Record { id: self.next_id, serial: self.next_serial });
        }
        self.signal |= count > 0;
    }
}

/// The double, and (as a clone) the test's view of it.
#[derive(Clone, Default)]
pub(super) struct ScriptedLog {
    state: Arc<Mutex<State>>,
    xml: String,
}

impl ScriptedLog {
    /// A log that holds so many events, and what happens at each pull. Behind the last step everything goes well, and the
    /// first wait without a signal is a stop.
    pub(super) fn new(events: u64, steps: &[Step]) -> Self {
        let log = Self::default();
        log.state().write(events);
        log.state().steps.extend(steps);
        log
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give(state: &mut State, count: usize) -> Result<usize, LogError> {
        let end = (state.position + count).min(state.records.len());
        state.given = state.records.get(state.position..end).unwrap_or_default().to_vec();
        state.position = end;
        if state.given.is_empty() { Err(LogError::NoMoreItems) } else { Ok(state.given.len()) }
    }
}

/// What the double renders of an event: its serial number is the command line.
fn rendered(record: &Record, out: &mut String) {
    let Record { id, serial } = record;
    *out = format!(
        "<Event><System><Provider Name='Microsoft-Windows-Sysmon'/><EventID>1</EventID><TimeCreated \
         SystemTime='2026-11-24T{:02}:{:02}:{:02}.0000000Z'/><EventRecordID>{id}</EventRecordID><Computer>WS-1</Computer>\
         </System><EventData><Data Name='Image'>git.exe</Data><Data Name='CommandLine'>{serial}</Data></EventData></Event>",
        serial / 3600 % 24,
        serial / 60 % 60,
        serial % 60
    );
}

impl EventLog for ScriptedLog {
    fn is_enabled(&mut self) -> Result<bool, LogError> {
        Ok(!self.state().is_off)
    }

    fn subscribe(&mut self, query: &str, start: Start) -> Result<(), LogError> {
        let mut state = self.state();
        state.subscribed.push((query.to_owned(), start));
        state.given.clear();
        state.is_subscribed = false;
        state.dead = None;
        state.signal = false;
        if let Some(error) = state.subscriptions.pop_front().flatten() {
            return Err(error);
        }
        let marked = state.bookmark;
        let behind = marked.and_then(|id| state.records.iter().position(|record| record.id == id));
        state.position = match start {
            Start::Oldest => 0,
            Start::AfterBookmark => behind.ok_or(LogError::NotFound)? + 1,
            Start::NearBookmark => {
                let marked = marked.ok_or(LogError::NotFound)?;
                state.records.iter().position(|record| record.id > marked).unwrap_or(0)
            }
        };
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
                None => return Self::give(state, most),
                Some(Step::Give(count)) => return Self::give(state, most.min(count)),
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
                    let _ = Self::give(state, most);
                    state.given.clear();
                    state.dead = Some(error);
                    return Err(error);
                }
                Some(Step::Overwrite(id)) => {
                    let before = state.records.len();
                    state.records.retain(|record| record.id > id);
                    state.position = state.position.saturating_sub(before - state.records.len());
                }
                Some(Step::MadeAnew) => {
                    state.records.clear();
                    state.next_id = 0;
                    state.position = 0;
                }
                Some(Step::Shuffled(order)) => {
                    let start = state.position;
                    let records = order.iter().filter_map(|at| state.records.get(start + at).cloned());
                    state.given = records.collect();
                    state.position += order.len();
                    return Ok(state.given.len());
                }
                Some(Step::Stop) => state.stop = true,
            }
        }
    }

    fn render(&mut self, index: usize) -> Result<&str, LogError> {
        let record = {
            let state = self.state();
            let record = state.given.get(index).cloned().ok_or(LogError::InvalidHandle)?;
            if state.unrendered.contains(&record.id) {
                return Err(LogError::Other(15_027));
            }
            record
        };
        rendered(&record, &mut self.xml);
        Ok(&self.xml)
    }

    fn mark(&mut self, index: usize) -> Result<(), LogError> {
        let mut state = self.state();
        if state.cannot_mark {
            return Err(LogError::InvalidHandle);
        }
        state.bookmark = Some(state.given.get(index).ok_or(LogError::InvalidHandle)?.id);
        Ok(())
    }

    fn set_bookmark(&mut self, xml: &str) -> Result<(), LogError> {
        let id = xml.split_once("RecordId='").and_then(|(_, rest)| rest.split('\'').next()?.parse().ok());
        self.state().bookmark = Some(id.ok_or(LogError::Other(87))?);
        Ok(())
    }

    fn bookmark(&mut self) -> Result<String, LogError> {
        let id = self.state().bookmark.ok_or(LogError::NotFound)?;
        Ok(format!("<BookmarkList><Bookmark Channel='x' RecordId='{id}' IsCurrent='true'/></BookmarkList>"))
    }

    fn wait(&mut self, timeout: Duration) -> Result<Wake, LogError> {
        let mut state = self.state();
        if state.stop {
            Ok(Wake::Stop)
        } else if state.signal {
            Ok(Wake::Signal)
        } else if state.steps.is_empty() && state.dead.is_none() {
            Ok(Wake::Stop)
        } else {
            state.clock += timeout;
            Ok(Wake::Timeout)
        }
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
