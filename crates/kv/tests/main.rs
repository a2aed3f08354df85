//! All tests of the crate that need whole engines, in one binary.
//!
//! [`contract`] runs every case on every engine, [`model`] compares engines with plain maps; the other
//! modules are about what only an engine on disk can get wrong.

// Tests drive real threads and clocks; the environment value is above this crate. Clippy's exception for
// `unwrap` in tests does not reach their helper functions.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod cases;
mod contract;
mod crash;
mod directory;
mod harness;
mod model;
mod reopen;
mod torn;
