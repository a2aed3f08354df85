//! DescribeTableReplicaAutoScaling and UpdateTableReplicaAutoScaling: how the capacity of a global table's replicas is to
//! be scaled.
//!
//! The settings are checked, kept and told in every member; nothing scales by them, and capacity stays as configured. An
//! ordinary table has none: the service knows it by another API.

pub(crate) mod describe;
mod input;
pub(crate) mod update;

use graticule_model::{Error, TableName};
use graticule_tables::{Table, schema::TableStatus};

use crate::Context;

/// A table that cannot be asked: missing, not global, or being filled.
fn no_global_table(name: &TableName) -> Error {
    Error::OtherNotFound(format!("Global table with name: '{name}' does not exist."))
}

/// The same error, naming the global table if it is missing.
fn not_found(name: &TableName, error: Error) -> Error {
    match error {
        Error::ResourceNotFound => no_global_table(name),
        error => error,
    }
}

/// Checks that a table is a global one that can be asked.
///
/// # Errors
/// [`Error::OtherNotFound`].
fn check_global(context: &Context, table: &Table) -> Result<(), Error> {
    let has_replicas = table.replicas(context.region.name()).next().is_some();
    if has_replicas && table.status != TableStatus::Creating {
        Ok(())
    } else {
        Err(no_global_table(&table.name))
    }
}
