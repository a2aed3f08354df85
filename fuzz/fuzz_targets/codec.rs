//! See `graticule_fuzz::codec`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| graticule_fuzz::codec::check(text));
