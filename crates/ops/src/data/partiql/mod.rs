//! PartiQL: statements alone, in batches and in transactions.
//!
//! A statement becomes what the other operations are made of: one action of a write, one key, or pages of a table or an
//! index. What is here says which, and in whose words it is answered.

pub(crate) mod batch_execute_statement;
pub(crate) mod execute_statement;
pub(crate) mod execute_transaction;
mod next_token;
mod read;
mod request;
mod write;
