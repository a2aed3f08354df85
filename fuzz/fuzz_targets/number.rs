//! See `graticule_fuzz::number`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| graticule_fuzz::number::check(text));
