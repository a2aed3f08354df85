//! A small load generator for DynamoDB-compatible servers over plain HTTP/1.1.
//!
//! It shares the machine with the server it measures, so a request costs it little: request bytes are built
//! once and patched in place, nothing is signed, answers are not parsed beyond status and length, and one
//! thread drives all connections. The plain workloads are closed loops: a connection sends its next request when the
//! previous one is answered, so a stalled server is seen as fewer requests, each counted with its full latency. Those of
//! [`links`] that are about lag send at a steady rate, whatever the server does.

#![allow(clippy::disallowed_methods)] // a load generator measures real time

pub mod http;
pub mod links;
pub mod rates;
pub mod replication;
pub mod report;
pub mod requests;
pub mod server;
pub mod workloads;
