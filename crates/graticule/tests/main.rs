//! The program as its users meet it: flags, start-up, refusals, and the pages that describe it.

#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

mod compat;
mod keys;
mod operate;
mod program;
mod scenarios;
