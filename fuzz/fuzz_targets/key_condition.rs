//! See `graticule_fuzz::key_condition`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| graticule_fuzz::key_condition::check(text));
