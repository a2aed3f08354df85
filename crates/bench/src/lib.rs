//! The benchmark of DynamoDB-compatible servers over plain HTTP/1.1, and the load generator that it is made of.
//!
//! The load generator shares the machine with the servers it measures, so a request costs it little: request bytes are
//! built once and filled in place, signing keys are kept, few answers are parsed, and one thread drives all connections.
//! [`suite`] compares servers with each other; [`links`] measures what links between two Regions do.

#![allow(clippy::disallowed_methods)] // a load generator measures real time

pub mod accounting;
pub mod control;
pub mod http;
pub mod links;
pub mod machine;
pub mod process;
pub mod rates;
pub mod report;
pub mod requests;
pub mod server;
pub mod suite;
