//! All tests of the crate that need whole Regions, in one binary.
//!
//! [`cluster`] runs several Regions in this process, over wires that can be cut; every other module is about one thing
//! that global tables promise. Tests wait for what is promised with a deadline, and never rely on how long it takes.

// The harness is the environment value here: it spawns, sleeps and keeps deadlines. Clippy's exception for `unwrap` in
// tests does not reach their helper functions.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod addresses;
mod bounds;
mod clocks;
mod cluster;
mod convergence;
mod detaching;
mod dials;
mod expelling;
mod failing;
mod fairness;
mod joining;
mod leaving;
mod linked;
mod network;
mod restart;
mod resync;
mod rotation;
mod settings;
mod settings_apart;
mod shipping;
mod status;
mod tcp;
mod verify;
mod versions;
