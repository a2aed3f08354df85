//! All tests of the crate that need whole Regions, in one binary.
//!
//! [`support`] opens Regions in memory under a clock that tests set; every other module is about one thing that tables
//! promise, mostly by comparing with a plain model.

// Tests drive real threads and keep deadlines. Clippy's exception for `unwrap` in tests does not reach their helper
// functions.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod apply;
mod catalogue;
mod collections;
mod comparisons;
mod conflicts;
mod indexes;
mod membership;
mod reading;
mod records;
mod settings;
mod shards;
mod streams;
mod support;
mod throughput;
mod tombstones;
mod transactions;
mod versions;
mod wide_keys;
