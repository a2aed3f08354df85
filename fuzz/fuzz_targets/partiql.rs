//! See `graticule_fuzz::partiql`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| graticule_fuzz::partiql::check(text));
