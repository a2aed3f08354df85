//! See `graticule_fuzz::condition`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| graticule_fuzz::condition::check(text));
