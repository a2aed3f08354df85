//! Tests of DynamoDB's nouns: numbers, values and their JSON, names, errors.

#![allow(clippy::unwrap_used)] // helpers of tests fail as tests do

mod codec;
mod errors;
mod names;
mod numbers;
mod values;
