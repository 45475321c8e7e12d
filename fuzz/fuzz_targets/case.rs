#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| exfilscope_fuzz::targets::case(data));
