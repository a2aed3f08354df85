//! Tests of the expression language, one module per kind of expression.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod application;
mod conditions;
mod evaluation;
mod key_conditions;
mod partiql;
mod placeholders;
mod projections;
mod properties;
mod rejections;
mod support;
mod updates;
