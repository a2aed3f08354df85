//! DynamoDB's expression language: conditions, filters, key conditions, projections and updates.
//!
//! An expression is parsed once, with the request's [`Placeholders`], into a value that holds everything it needs;
//! evaluating it is then a pure function of an item. No I/O, no async, and no knowledge of tables beyond the names
//! and types of key attributes. Wordings of errors live in `graticule_model`.

mod condition;
mod function;
mod key_condition;
mod legacy;
mod lexer;
mod parser;
pub mod partiql;
mod path;
mod placeholders;
mod projection;
mod reserved;
mod syntax;
mod update;

pub use condition::Condition;
pub use graticule_model::error::{ExpressionError, ExpressionKind};
pub use key_condition::{
    KeyCondition, KeySchemaRef, KeyTerm, SortCondition, match_key_terms, parse_key_condition, parse_key_terms,
};
pub use legacy::{AttributeChange, Comparison, ComparisonOperator};
pub use placeholders::Placeholders;
pub use projection::Projection;
pub use update::Update;
