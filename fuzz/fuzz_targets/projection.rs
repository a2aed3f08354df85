//! See `graticule_fuzz::projection`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| graticule_fuzz::projection::check(text));
