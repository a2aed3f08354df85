//! Operations on tables: created, described, changed, deleted, tagged.

use std::sync::Arc;

use graticule_model::{Error, TableName};
use graticule_tables::{
    Table,
    schema::{Member, TableStatus},
};

use crate::Context;

pub(crate) mod absent;
mod capacity_input;
pub(crate) mod create_table;
pub(crate) mod delete_table;
pub(crate) mod describe_endpoints;
pub(crate) mod describe_limits;
pub(crate) mod describe_table;
pub(crate) mod description;
mod index_input;
mod key_schema;
pub(crate) mod legacy_global_tables;
pub(crate) mod list_tables;
pub(crate) mod replica_auto_scaling;
pub(crate) mod settings;
pub(crate) mod tags;
pub(crate) mod time_to_live;
pub(crate) mod update_table;

/// Finds a table for an operation that names it when it is missing.
///
/// # Errors
/// [`Error::TableNotFound`].
pub(crate) async fn find_table(context: &Context, name: &TableName) -> Result<Arc<Table>, Error> {
    context.region.table(name).await.map_err(|error| not_found(name, error))
}

/// The same error, naming the table if it is missing.
fn not_found(name: &TableName, error: Error) -> Error {
    match error {
        Error::ResourceNotFound => Error::TableNotFound(name.to_string()),
        error => error,
    }
}

/// The table is busy with what `detail` says. Of a replica of a global table, the service says no details.
fn in_use(table: &Table, detail: &str) -> Error {
    Error::ResourceInUse(if table.is_global() {
        "The resource which you are attempting to change is in use.".to_owned()
    } else {
        format!("Attempt to change a resource which is still in use: {detail}")
    })
}

/// The table is busy with a change of its replicas.
fn being_used(table: &Table) -> Error {
    in_use(table, &format!("Table: {} is being used.", table.name))
}

/// Refuses changes of a table that comes or goes, or whose global table is getting a replica.
///
/// # Errors
/// [`Error::ResourceInUse`].
fn check_idle(table: &Table) -> Result<(), Error> {
    let joining =
        table.settings.members.values().any(|register| matches!(register.value, Member::Joining { .. }));
    match table.status {
        TableStatus::Creating => Err(in_use(table, &format!("Table is being created: {}", table.name))),
        TableStatus::Deleting => Err(in_use(table, &format!("Table is being deleted: {}", table.name))),
        TableStatus::Active if joining => Err(being_used(table)),
        TableStatus::Active => Ok(()),
    }
}

/// A member of a request that is understood, but not supported yet.
fn unsupported(member: &str) -> Error {
    Error::Validation(format!("{member} is not supported yet"))
}
