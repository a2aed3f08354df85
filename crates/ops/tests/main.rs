//! The operations, called in process on the memory engine.

mod control;
mod data;
mod limits;
mod scenarios;
mod shapes;
mod support;
mod throughput;
