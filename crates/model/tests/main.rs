//! Tests of DynamoDB's nouns: numbers, values and their JSON, names, errors.

mod codec;
mod errors;
mod names;
mod numbers;
mod values;
