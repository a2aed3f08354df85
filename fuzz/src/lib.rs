//! What the fuzz targets check: one module per target, each with one function that takes any text.
//!
//! A check fails by panicking. Beside not panicking, hanging or running out of memory, every reader is held against
//! something written without it: another parser, another kind of number, or what must follow from the answer.

pub mod codec;
pub mod condition;
mod fixture;
pub mod json;
pub mod key_condition;
pub mod number;
pub mod partiql;
pub mod projection;
pub mod update;
