//! The parameters from before there were expressions (`Expected`, `QueryFilter`, `AttributeUpdates`, …), made into the
//! very things that expressions become, so that one evaluator serves both.
//!
//! Invariant: names are those of top-level attributes, whatever characters they have. Knows nothing of JSON, nor of
//! which request has which parameter.

mod condition;
mod operator;
mod update;

pub use condition::Comparison;
pub use operator::ComparisonOperator;
pub use update::AttributeChange;

use crate::path::Path;

/// The path of a top-level attribute.
fn attribute(name: String) -> Path {
    Path { top: name, steps: Vec::new() }
}
