//! wevtapi.dll, loaded while the program runs, and from the system's folder alone.
//!
//! It is not one of the libraries that Windows takes from its own folder in any case. Linked at the start, a file of
//! that name next to the program, as in a folder of downloads, would run in its place with the rights of an
//! administrator.

use std::ffi::c_void;
use std::mem::transmute;
use std::ops::Deref;
use std::sync::OnceLock;

use windows::Win32::Foundation::{HANDLE, SetLastError, WIN32_ERROR};
use windows::Win32::System::EventLog::{
    EVT_CHANNEL_CONFIG_PROPERTY_ID, EVT_HANDLE, EVT_LOG_PROPERTY_ID, EVT_VARIANT,
};
use windows::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_FLAGS, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};
use windows::core::{BOOL, Error, HSTRING, PCWSTR, Result, s, w};

/// Set for the tests: loads the library next to the program, an event log that the tests write. A release build ignores
/// it.
const FAKE: &str = "EXFILSCOPE_FAKE_WEVTAPI";

macro_rules! functions {
    ($($name:ident: $symbol:literal ($($kind:ty),*) -> $result:ty;)+) => {
        /// The functions of the library, with the types of winevt.h.
        struct Functions {
            $($name: unsafe extern "system" fn($($kind),*) -> $result,)+
        }

        impl Functions {
            fn load() -> Result<Self> {
                let is_fake = cfg!(debug_assertions) && std::env::var_os(FAKE).is_some();
                let folder = if is_fake { LOAD_LIBRARY_FLAGS(0) } else { LOAD_LIBRARY_SEARCH_SYSTEM32 };
                // SAFETY: the name is a constant; the library stays loaded until the program ends.
                let library = unsafe { LoadLibraryExW(w!("wevtapi.dll"), None, folder) }?;
                Ok(Self {
                    $($name: {
                        // SAFETY: the library is loaded, and the name is a constant.
                        let address = unsafe { GetProcAddress(library, s!($symbol)) };
                        let address = address.ok_or_else(Error::from_thread)?;
                        // SAFETY: the function of that name has these types and this calling convention in winevt.h.
                        unsafe { transmute::<unsafe extern "system" fn() -> isize, unsafe extern "system" fn($($kind),*) -> $result>(address) }
                    },)+
                })
            }
        }
    };
}

functions! {
    close: "EvtClose" (EVT_HANDLE) -> BOOL;
    create_bookmark: "EvtCreateBookmark" (PCWSTR) -> EVT_HANDLE;
    get_channel_config: "EvtGetChannelConfigProperty"
        (EVT_HANDLE, EVT_CHANNEL_CONFIG_PROPERTY_ID, u32, u32, *mut EVT_VARIANT, *mut u32) -> BOOL;
    get_log_info: "EvtGetLogInfo" (EVT_HANDLE, EVT_LOG_PROPERTY_ID, u32, *mut EVT_VARIANT, *mut u32) -> BOOL;
    next: "EvtNext" (EVT_HANDLE, u32, *mut isize, u32, u32, *mut u32) -> BOOL;
    open_channel_config: "EvtOpenChannelConfig" (EVT_HANDLE, PCWSTR, u32) -> EVT_HANDLE;
    open_log: "EvtOpenLog" (EVT_HANDLE, PCWSTR, u32) -> EVT_HANDLE;
    query: "EvtQuery" (EVT_HANDLE, PCWSTR, PCWSTR, u32) -> EVT_HANDLE;
    render: "EvtRender" (EVT_HANDLE, EVT_HANDLE, u32, u32, *mut c_void, *mut u32, *mut u32) -> BOOL;
    subscribe: "EvtSubscribe"
        (EVT_HANDLE, HANDLE, PCWSTR, PCWSTR, EVT_HANDLE, *const c_void, *const c_void, u32) -> EVT_HANDLE;
    update_bookmark: "EvtUpdateBookmark" (EVT_HANDLE, EVT_HANDLE) -> BOOL;
}

/// Returns the functions, with the thread's last error forgotten: a call that fails without one is known as such.
fn functions() -> Result<&'static Functions> {
    static FUNCTIONS: OnceLock<std::result::Result<Functions, windows::core::HRESULT>> = OnceLock::new();
    let loaded = FUNCTIONS.get_or_init(|| Functions::load().map_err(|error| error.code()));
    let functions = loaded.as_ref().map_err(|code| Error::from_hresult(*code))?;
    // SAFETY: it only writes a number of this thread's own.
    unsafe { SetLastError(WIN32_ERROR(0)) };
    Ok(functions)
}

/// This computer, and no bookmark.
const NONE: EVT_HANDLE = EVT_HANDLE(0);

/// A handle of the event log that is closed with its owner.
pub(super) struct OwnedHandle(EVT_HANDLE);

impl OwnedHandle {
    /// Takes ownership of a handle that a call gave.
    ///
    /// # Safety
    /// The handle is open, and nothing else closes it.
    pub(super) const unsafe fn new(handle: EVT_HANDLE) -> Self {
        Self(handle)
    }

    /// Takes ownership of a call's result. Returns its error where that is no handle.
    ///
    /// # Safety
    /// The handle, if it is one, comes fresh from a call that hands over ownership.
    unsafe fn of_call(handle: EVT_HANDLE) -> Result<Self> {
        if handle.is_invalid() { Err(Error::from_thread()) } else { Ok(Self(handle)) }
    }
}

impl Deref for OwnedHandle {
    type Target = EVT_HANDLE;

    fn deref(&self) -> &EVT_HANDLE {
        &self.0
    }
}

impl Drop for OwnedHandle {
    fn drop(&mut self) {
        if let Ok(functions) = functions() {
            // SAFETY: the handle is open and owned, and is not used after this.
            let _ = unsafe { (functions.close)(self.0) };
        }
    }
}

pub(super) fn open_channel_config(channel: &HSTRING) -> Result<OwnedHandle> {
    let functions = functions()?;
    // SAFETY: the name outlives the call, which hands over ownership.
    unsafe { OwnedHandle::of_call((functions.open_channel_config)(NONE, PCWSTR(channel.as_ptr()), 0)) }
}

pub(super) fn get_channel_config(
    config: EVT_HANDLE,
    property: EVT_CHANNEL_CONFIG_PROPERTY_ID,
    value: &mut EVT_VARIANT,
) -> Result<()> {
    let functions = functions()?;
    let mut used = 0;
    // SAFETY: the buffer has the size that is passed, and outlives the call, as does the number.
    unsafe { (functions.get_channel_config)(config, property, 0, VARIANT_BYTES, value, &raw mut used) }.ok()
}

pub(super) fn open_log(channel: &HSTRING, flags: u32) -> Result<OwnedHandle> {
    let functions = functions()?;
    // SAFETY: the name outlives the call, which hands over ownership.
    unsafe { OwnedHandle::of_call((functions.open_log)(NONE, PCWSTR(channel.as_ptr()), flags)) }
}

pub(super) fn get_log_info(
    log: EVT_HANDLE,
    property: EVT_LOG_PROPERTY_ID,
    value: &mut EVT_VARIANT,
) -> Result<()> {
    let functions = functions()?;
    let mut used = 0;
    // SAFETY: the buffer has the size that is passed, and outlives the call, as does the number.
    unsafe { (functions.get_log_info)(log, property, VARIANT_BYTES, value, &raw mut used) }.ok()
}

/// Subscribes without a callback.
///
/// # Safety
/// The signal outlives the subscription.
pub(super) unsafe fn subscribe(
    signal: HANDLE,
    channel: &HSTRING,
    query: &HSTRING,
    bookmark: Option<EVT_HANDLE>,
    flags: u32,
) -> Result<OwnedHandle> {
    let functions = functions()?;
    let (channel, query) = (PCWSTR(channel.as_ptr()), PCWSTR(query.as_ptr()));
    let (bookmark, nothing) = (bookmark.unwrap_or(NONE), std::ptr::null());
    // SAFETY: the texts and the bookmark outlive the call, which hands over ownership; the caller sees to the signal.
    unsafe {
        OwnedHandle::of_call((functions.subscribe)(
            NONE, signal, channel, query, bookmark, nothing, nothing, flags,
        ))
    }
}

pub(super) fn query(channel: &HSTRING, query: &HSTRING, flags: u32) -> Result<OwnedHandle> {
    let functions = functions()?;
    let (channel, query) = (PCWSTR(channel.as_ptr()), PCWSTR(query.as_ptr()));
    // SAFETY: the texts outlive the call, which hands over ownership.
    unsafe { OwnedHandle::of_call((functions.query)(NONE, channel, query, flags)) }
}

/// Fills the beginning of `events` with handles, which the caller owns then, and returns their count.
pub(super) fn next(results: EVT_HANDLE, events: &mut [isize], timeout: u32) -> Result<u32> {
    let functions = functions()?;
    let room = u32::try_from(events.len()).unwrap_or(u32::MAX);
    let mut returned = 0;
    // SAFETY: the array has room for the count of handles that is passed, and outlives the call, as does the number.
    let done = unsafe { (functions.next)(results, room, events.as_mut_ptr(), timeout, 0, &raw mut returned) };
    // Of a call that fails the count is not to be trusted.
    done.ok().map(|()| returned)
}

/// Renders into UTF-16. Returns the bytes that it takes, also where there is no room for them.
pub(super) fn render(fragment: EVT_HANDLE, flags: u32, units: &mut [u16]) -> (u32, Result<()>) {
    let functions = match functions() {
        Ok(functions) => functions,
        Err(error) => return (0, Err(error)),
    };
    let room = u32::try_from(size_of_val(units)).unwrap_or(u32::MAX);
    let (mut used, mut properties) = (0, 0);
    let buffer = units.as_mut_ptr().cast();
    // SAFETY: the buffer has the size that is passed, and outlives the call, as do the numbers.
    let done = unsafe {
        (functions.render)(NONE, fragment, flags, room, buffer, &raw mut used, &raw mut properties)
    };
    (used, done.ok())
}

pub(super) fn create_bookmark() -> Result<OwnedHandle> {
    let functions = functions()?;
    // SAFETY: no text is given; the call hands over ownership.
    unsafe { OwnedHandle::of_call((functions.create_bookmark)(PCWSTR::null())) }
}

pub(super) fn update_bookmark(bookmark: EVT_HANDLE, event: EVT_HANDLE) -> Result<()> {
    let functions = functions()?;
    // SAFETY: both are handles, which the call checks.
    unsafe { (functions.update_bookmark)(bookmark, event) }.ok()
}

/// Bytes of a value.
#[allow(clippy::cast_possible_truncation, reason = "it is 16")]
const VARIANT_BYTES: u32 = size_of::<EVT_VARIANT>() as u32;
