//! Graticule through the AWS SDK for Rust, against the server that `make clients` has started.

mod support;

mod items;
mod partiql;
mod queries;
mod regions;
mod streams;
mod tables;
mod transactions;
