//! Seeds of the simulation in every test run, the proof that a seed repeats, and the contract that the simulated disk keeps.
//!
//! More seeds: `make sim ARGS="--seeds 5000"`. A seed that fails is played again with `make sim ARGS="--seed N --trace"`.

// Clippy's exception for `unwrap` in tests does not reach their helper functions, and the cases of the contract suite drive
// real threads and clocks.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../../kv/tests/cases.rs"]
mod cases;
mod contract;
#[allow(dead_code)] // the fixtures of the engines that ship
#[path = "../../kv/tests/harness.rs"]
mod harness;
mod scenes;
mod seeds;
