//! The operations on tables.
