//! The fast reader of EVTX against the evtx crate. It stands outside of the other targets, since the library shows its
//! readers to nobody but cargo-fuzz.
#![no_main]

use exfilscope::source::Agreement;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(why) = Agreement::of(data) {
        panic!("{why}");
    }
});
