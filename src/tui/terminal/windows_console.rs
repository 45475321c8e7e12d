//! Modes of a Windows console, saved and restored, and which kind of console it is.

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::{Mutex, PoisonError};

use winapi_util::console::{mode, set_mode};

use super::surroundings::Surroundings;

/// `ENABLE_QUICK_EDIT_MODE`: a click selects, and while something is selected every write waits.
const QUICK_EDIT: u32 = 0x40;
/// `ENABLE_EXTENDED_FLAGS`: without it the bit above is not looked at.
const EXTENDED_FLAGS: u32 = 0x80;
/// `ENABLE_VIRTUAL_TERMINAL_PROCESSING`.
const TAKES_SEQUENCES: u32 = 0x4;

/// The two sides of the console that this process is attached to, whatever its standard handles are.
const INPUT: &str = "CONIN$";
const OUTPUT: &str = "CONOUT$";

/// The modes of input and output before the screen was taken.
static KEPT: Mutex<[Option<u32>; 2]> = Mutex::new([None, None]);

fn open(side: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(side)
}

fn mode_of(side: &str) -> io::Result<u32> {
    mode(open(side)?)
}

fn set_mode_of(side: &str, bits: u32) -> io::Result<()> {
    set_mode(open(side)?, bits)
}

/// Notes the modes as they are before the screen is taken.
pub(super) fn keep_modes() {
    *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = [mode_of(INPUT).ok(), mode_of(OUTPUT).ok()];
}

/// Has clicks select nothing while the screen is taken: a selection stops every write.
pub(super) fn leave_selecting_off() {
    if let Ok(bits) = mode_of(INPUT) {
        // Where the console refuses, a selection stops the drawing, and only that.
        let _ = set_mode_of(INPUT, (bits | EXTENDED_FLAGS) & !QUICK_EDIT);
    }
}

/// Restores the modes that were noted, once.
pub(super) fn restore_modes() {
    let [input, output] = std::mem::take(&mut *KEPT.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some(bits) = input {
        let _ = set_mode_of(INPUT, bits | EXTENDED_FLAGS);
    }
    if let Some(bits) = output {
        let _ = set_mode_of(OUTPUT, bits);
    }
}

/// Looks at what this process runs in.
pub(super) fn look() -> Surroundings {
    let output = mode_of(OUTPUT);
    Surroundings {
        has_console: mode_of(INPUT).is_ok() && output.is_ok(),
        input_is_console: mode(io::stdin()).is_ok(),
        output_is_console: mode(io::stdout()).is_ok(),
        takes_sequences: output.is_ok_and(|bits| {
            bits & TAKES_SEQUENCES != 0 || set_mode_of(OUTPUT, bits | TAKES_SEQUENCES).is_ok()
        }),
    }
}

/// Waits until Enter is pressed in the console.
pub(super) fn wait_for_enter() {
    use std::io::Read as _;
    if let Ok(mut input) = open(INPUT) {
        let _ = input.read(&mut [0; 8]);
    }
}
