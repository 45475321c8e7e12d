//! The real Windows Event Log: a pull subscription with a signal, on the `windows` crate. The only unsafe code of the
//! program is here.

use std::sync::Arc;
use std::time::{Duration, Instant};

use windows::Win32::Foundation::{HANDLE, WAIT_EVENT, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows::Win32::System::Console::GetConsoleProcessList;
use windows::Win32::System::EventLog::{
    EVT_HANDLE, EVT_LOG_PROPERTY_ID, EVT_RENDER_FLAGS, EVT_VARIANT, EvtChannelConfigEnabled,
    EvtLogCreationTime, EvtLogNumberOfLogRecords, EvtLogOldestRecordNumber, EvtOpenChannelPath,
    EvtQueryChannelPath, EvtQueryReverseDirection, EvtRenderBookmark, EvtRenderEventXml,
    EvtSubscribeStartAfterBookmark, EvtSubscribeStartAtOldestRecord, EvtSubscribeStrict, EvtVarTypeBoolean,
    EvtVarTypeFileTime, EvtVarTypeUInt64,
};
use windows::Win32::System::Threading::{CreateEventW, ResetEvent, SetEvent, WaitForMultipleObjects};
use windows::core::{Error, HSTRING, Owned, PCWSTR};

use super::Stopper;
use super::api::{BATCH, EventLog, LogError, LogInfo, Start, Wake};
use super::wevtapi::{self, OwnedHandle};
use super::xml::Stamp;
use crate::model::feed::EventKey;
use crate::model::utf16::decode_lossy;

/// `ERROR_INSUFFICIENT_BUFFER`.
const INSUFFICIENT_BUFFER: u32 = 122;
/// UTF-16 units that an event's XML has room for at first.
const FIRST_ROOM: usize = 8 << 10;
/// Events of one number that are looked at for the one that is meant.
const MAX_OF_ONE_NUMBER: usize = 64;
/// Milliseconds that a read of one event waits for it.
const ONE_EVENT_WAIT: u32 = 2000;

fn log_error(error: &Error) -> LogError {
    // A Win32 code is the low half of the HRESULT.
    LogError::from_code(u32::from_ne_bytes(error.code().0.to_ne_bytes()) & 0xffff)
}

/// A manual-reset event.
struct Event(Owned<HANDLE>);

// SAFETY: a handle of an event may be used and closed by any thread; the system synchronises it.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    fn new() -> Result<Self, LogError> {
        // SAFETY: no security attributes, no name; the handle is new and owned from here on.
        unsafe { CreateEventW(None, true, false, PCWSTR::null()).map(|handle| Self(Owned::new(handle))) }
            .map_err(|error| log_error(&error))
    }

    fn set(&self) {
        // SAFETY: the handle is open as long as `self` is there. It can't fail on an event of our own.
        let _ = unsafe { SetEvent(*self.0) };
    }

    fn reset(&self) -> Result<(), LogError> {
        // SAFETY: the handle is open as long as `self` is there.
        unsafe { ResetEvent(*self.0) }.map_err(|error| log_error(&error))
    }
}

/// The buffers of rendering, used again and again.
struct Renderer {
    units: Vec<u16>,
    text: String,
}

impl Renderer {
    fn new() -> Self {
        Self { units: vec![0; FIRST_ROOM], text: String::with_capacity(FIRST_ROOM) }
    }

    fn render(&mut self, handle: EVT_HANDLE, what: EVT_RENDER_FLAGS) -> Result<&str, LogError> {
        // At most twice: the second time there is room.
        for _ in 0..2 {
            let room = self.units.len() * 2;
            let (used, result) = wevtapi::render(handle, what.0, &mut self.units);
            match result.map_err(|error| log_error(&error)) {
                Ok(()) => {
                    let units = self.units.get(..used as usize / 2).unwrap_or(&self.units);
                    self.text.clear();
                    let units = units.iter().copied().take_while(|unit| *unit != 0);
                    self.text.extend(decode_lossy(units));
                    return Ok(&self.text);
                }
                Err(LogError::Other(INSUFFICIENT_BUFFER)) if used as usize > room => {
                    self.units.resize((used as usize).div_ceil(2), 0);
                }
                Err(error) => return Err(error),
            }
        }
        Err(LogError::Other(INSUFFICIENT_BUFFER))
    }
}

/// A channel of this host.
pub(super) struct Win32Log {
    channel: HSTRING,
    // Closed in this order: the events, the subscription, and then the signal that it sets.
    events: Vec<OwnedHandle>,
    subscription: Option<OwnedHandle>,
    bookmark: Option<OwnedHandle>,
    /// A bookmark that events are asked for their numbers with.
    scratch: Option<OwnedHandle>,
    signal: Event,
    stop: Arc<Event>,
    renderer: Renderer,
    started: Instant,
}

impl Win32Log {
    /// Makes ready for a channel; nothing is asked of it yet.
    pub(super) fn new(channel: &str) -> Result<Self, LogError> {
        Ok(Self {
            channel: HSTRING::from(channel),
            events: Vec::with_capacity(BATCH),
            subscription: None,
            bookmark: None,
            scratch: None,
            signal: Event::new()?,
            stop: Arc::new(Event::new()?),
            renderer: Renderer::new(),
            started: Instant::now(),
        })
    }

    /// Ends a wait from another thread.
    pub(super) fn stopper(&self) -> Stopper {
        let stop = Arc::clone(&self.stop);
        Arc::new(move || stop.set())
    }

    fn event(&self, index: usize) -> Result<EVT_HANDLE, LogError> {
        self.events.get(index).map(|event| **event).ok_or(LogError::InvalidHandle)
    }

    fn wait_for(handles: &[HANDLE], timeout: Duration) -> WAIT_EVENT {
        // All ones is `INFINITE`.
        let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX).min(u32::MAX - 1);
        // SAFETY: the handles are open; the caller holds them.
        unsafe { WaitForMultipleObjects(handles, false, millis) }
    }
}

impl EventLog for Win32Log {
    fn is_enabled(&mut self) -> Result<bool, LogError> {
        let config = wevtapi::open_channel_config(&self.channel).map_err(|error| log_error(&error))?;
        let mut value = EVT_VARIANT::default();
        wevtapi::get_channel_config(*config, EvtChannelConfigEnabled, &mut value)
            .map_err(|error| log_error(&error))?;
        if i32::try_from(value.Type) != Ok(EvtVarTypeBoolean.0) {
            return Err(LogError::NoReason);
        }
        // SAFETY: by its type the union holds a truth value, and any bits are one.
        Ok(unsafe { value.Anonymous.BooleanVal }.as_bool())
    }

    fn subscribe(&mut self, query: &str, start: Start) -> Result<(), LogError> {
        self.events.clear();
        self.subscription = None;
        self.signal.reset()?;
        let flags = match start {
            Start::Oldest => EvtSubscribeStartAtOldestRecord.0,
            Start::AfterBookmark => EvtSubscribeStartAfterBookmark.0 | EvtSubscribeStrict.0,
        };
        let bookmark = match (start, &self.bookmark) {
            (Start::Oldest, _) => None,
            (_, Some(bookmark)) => Some(**bookmark),
            (_, None) => return Err(LogError::NotFound),
        };
        let query = HSTRING::from(query);
        // SAFETY: the signal outlives the subscription, which is dropped before it.
        let subscription =
            unsafe { wevtapi::subscribe(*self.signal.0, &self.channel, &query, bookmark, flags) };
        self.subscription = Some(subscription.map_err(|error| log_error(&error))?);
        Ok(())
    }

    fn reset_signal(&mut self) -> Result<(), LogError> {
        self.signal.reset()
    }

    fn next(&mut self, most: usize) -> Result<usize, LogError> {
        self.events.clear();
        let subscription = self.subscription.as_ref().ok_or(LogError::InvalidHandle)?;
        let mut handles = [0_isize; BATCH];
        let asked = handles.get_mut(..most.clamp(1, BATCH)).ok_or(LogError::OutOfBounds)?;
        let returned = wevtapi::next(**subscription, asked, 0).map_err(|error| log_error(&error))?;
        // SAFETY: the call hands over ownership of the handles, of which no copy is kept.
        let owned = |handle: &isize| unsafe { OwnedHandle::new(EVT_HANDLE(*handle)) };
        self.events.extend(asked.iter().take(returned as usize).filter(|handle| **handle != 0).map(owned));
        if self.events.is_empty() { Err(LogError::NoMoreItems) } else { Ok(self.events.len()) }
    }

    fn render(&mut self, index: usize) -> Result<&str, LogError> {
        let event = self.event(index)?;
        self.renderer.render(event, EvtRenderEventXml)
    }

    fn place(&mut self, index: usize) -> Result<u64, LogError> {
        let event = self.event(index)?;
        place_of(&mut self.scratch, &mut self.renderer, event)
    }

    fn mark(&mut self, index: usize) -> Result<(), LogError> {
        let event = self.event(index)?;
        set_bookmark(&mut self.bookmark, event).map(|_| ())
    }

    fn info(&mut self) -> Result<LogInfo, LogError> {
        let log =
            wevtapi::open_log(&self.channel, EvtOpenChannelPath.0).map_err(|error| log_error(&error))?;
        Ok(LogInfo {
            oldest: number(*log, EvtLogOldestRecordNumber)?,
            count: number(*log, EvtLogNumberOfLogRecords)?,
            created: number(*log, EvtLogCreationTime).ok(),
        })
    }

    fn newest(&mut self, query: &str) -> Result<(u64, String), LogError> {
        let results = Results::new(&self.channel, query)?;
        let event = results.next()?;
        let place = place_of(&mut self.scratch, &mut self.renderer, *event)?;
        Ok((place, self.renderer.render(*event, EvtRenderEventXml)?.to_owned()))
    }

    fn wait(&mut self, timeout: Duration) -> Result<Wake, LogError> {
        // The stop comes first: of several that are set the first counts.
        let woken = Self::wait_for(&[*self.stop.0, *self.signal.0], timeout);
        if woken == WAIT_OBJECT_0 {
            Ok(Wake::Stop)
        } else if woken.0 == WAIT_OBJECT_0.0 + 1 {
            Ok(Wake::Signal)
        } else if woken == WAIT_TIMEOUT {
            Ok(Wake::Timeout)
        } else {
            Err(log_error(&Error::from_thread()))
        }
    }

    fn pause(&mut self, timeout: Duration) -> bool {
        Self::wait_for(&[*self.stop.0], timeout) == WAIT_OBJECT_0
    }

    fn clock(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Sets a bookmark on an event; creates the bookmark if necessary.
fn set_bookmark(slot: &mut Option<OwnedHandle>, event: EVT_HANDLE) -> Result<EVT_HANDLE, LogError> {
    if slot.is_none() {
        *slot = Some(wevtapi::create_bookmark().map_err(|error| log_error(&error))?);
    }
    let bookmark = slot.as_ref().ok_or(LogError::InvalidHandle)?;
    wevtapi::update_bookmark(**bookmark, event).map_err(|error| log_error(&error))?;
    Ok(**bookmark)
}

/// Returns the number of an event in its log. A bookmark on it names that, whatever number the event itself has.
fn place_of(
    scratch: &mut Option<OwnedHandle>,
    renderer: &mut Renderer,
    event: EVT_HANDLE,
) -> Result<u64, LogError> {
    let bookmark = set_bookmark(scratch, event)?;
    let xml = renderer.render(bookmark, EvtRenderBookmark)?;
    let number = xml.split_once("RecordId=").and_then(|(_, rest)| {
        let digits = rest.get(1..)?;
        digits.split(['\'', '"']).next()?.parse().ok()
    });
    number.ok_or(LogError::NoReason)
}

/// A number of a log's properties, or a time as a number.
fn number(log: EVT_HANDLE, property: EVT_LOG_PROPERTY_ID) -> Result<u64, LogError> {
    let mut value = EVT_VARIANT::default();
    wevtapi::get_log_info(log, property, &mut value).map_err(|error| log_error(&error))?;
    let kind = i32::try_from(value.Type);
    if kind == Ok(EvtVarTypeUInt64.0) {
        // SAFETY: the type selects which of the union's numbers it is, and any bits are one.
        Ok(unsafe { value.Anonymous.UInt64Val })
    } else if kind == Ok(EvtVarTypeFileTime.0) {
        // SAFETY: as above.
        Ok(unsafe { value.Anonymous.FileTimeVal })
    } else {
        Err(LogError::NoReason)
    }
}

/// Events that a query finds, the newest one first: the wanted event is young as a rule, and a log may be large.
struct Results(OwnedHandle);

impl Results {
    fn new(channel: &HSTRING, query: &str) -> Result<Self, LogError> {
        let query = HSTRING::from(query);
        let flags = EvtQueryChannelPath.0 | EvtQueryReverseDirection.0;
        wevtapi::query(channel, &query, flags).map(Self).map_err(|error| log_error(&error))
    }

    fn next(&self) -> Result<OwnedHandle, LogError> {
        let mut handles = [0_isize; 1];
        let returned =
            wevtapi::next(*self.0, &mut handles, ONE_EVENT_WAIT).map_err(|error| log_error(&error))?;
        let [handle] = handles;
        if returned == 0 || handle == 0 {
            return Err(LogError::NoMoreItems);
        }
        // SAFETY: the call hands over ownership of the handle, of which no copy is kept.
        Ok(unsafe { OwnedHandle::new(EVT_HANDLE(handle)) })
    }
}

/// Reads one event of a channel again: the one of that number, host and time. A channel may hold several events of a
/// number, and a log that was created again another one.
pub(super) fn xml_of(channel: &str, place: u64, key: &EventKey) -> Result<String, LogError> {
    let number = key.record.unwrap_or(place);
    let computer = key.computer.as_deref().filter(|name| !name.contains(['\'', '"']));
    let computer = computer.map_or(String::new(), |name| format!(" and Computer='{name}'"));
    let results =
        Results::new(&HSTRING::from(channel), &format!("*[System[EventRecordID={number}{computer}]]"))?;
    let mut renderer = Renderer::new();
    for _ in 0..MAX_OF_ONE_NUMBER {
        let event = results.next()?;
        let xml = renderer.render(*event, EvtRenderEventXml)?;
        if Stamp::of(xml).is_of(key) {
            return Ok(xml.to_owned());
        }
    }
    Err(LogError::NotFound)
}

/// Returns whether the console's window was opened for this process alone: by a double-click, or as an administrator.
pub(super) fn is_alone_in_console() -> bool {
    let mut processes = [0; 2];
    // SAFETY: the array outlives the call and has room for as many numbers as its length says.
    unsafe { GetConsoleProcessList(&mut processes) == 1 }
}
