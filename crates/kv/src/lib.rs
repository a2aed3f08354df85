//! The ordered key-value store under a Region: one contract, several engines.
//!
//! [`contract`] says what an engine promises; [`memory`] and [`embedded`] keep that promise in memory and in
//! a RocksDB directory. Engines know nothing of DynamoDB, and nothing above this crate knows an engine.

pub mod contract;
pub mod embedded;
mod limits;
mod locks;
pub mod memory;
mod watches;

pub use contract::*;
