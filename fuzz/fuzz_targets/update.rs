//! See `graticule_fuzz::update`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| graticule_fuzz::update::check(text));
