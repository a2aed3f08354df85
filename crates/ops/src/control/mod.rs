//! Operations on tables: created, described, changed, deleted, tagged.

use std::sync::Arc;

use graticule_model::{Error, RegionName, TableName};
use graticule_tables::{
    Table,
    schema::{ReplicaStatus, TableStatus},
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
mod replica_description;
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

/// How the service says that a replica of a global table is busy: without details.
const REPLICA_IN_USE: &str = "The resource which you are attempting to change is in use.";

/// The table is busy with what `detail` says.
fn in_use(table: &Table, detail: &str) -> Error {
    Error::ResourceInUse(if table.is_global() {
        REPLICA_IN_USE.to_owned()
    } else {
        format!("Attempt to change a resource which is still in use: {detail}")
    })
}

/// The table is busy with a change of its replicas.
fn being_used() -> Error {
    Error::ResourceInUse(REPLICA_IN_USE.to_owned())
}

/// Refuses changes of a table that comes or goes, becomes a table of its own, or whose global table changes members.
///
/// # Errors
/// [`Error::ResourceInUse`].
fn check_idle(context: &Context, table: &Table) -> Result<(), Error> {
    check_not_joined(context, table)?;
    let region = &context.region;
    if table.is_changing_members(region.name(), region.env().unix_ms()) {
        return Err(being_used());
    }
    Ok(())
}

/// The same, but members may be on their way out.
///
/// # Errors
/// [`Error::ResourceInUse`].
fn check_not_joined(context: &Context, table: &Table) -> Result<(), Error> {
    let joining =
        || table.replicas(context.region.name()).any(|(_, status)| status == ReplicaStatus::Creating);
    match table.status {
        TableStatus::Creating => Err(in_use(table, &format!("Table is being created: {}", table.name))),
        TableStatus::Deleting => Err(in_use(table, &format!("Table is being deleted: {}", table.name))),
        TableStatus::Active if table.detaching.is_some() || joining() => Err(being_used()),
        TableStatus::Active => Ok(()),
    }
}

/// Refuses to take out the replica in `member` for 24 hours after another one was added from there, where that rule is
/// on.
///
/// # Errors
/// If it has to stay.
fn check_no_source(context: &Context, table: &Table, member: &RegionName) -> Result<(), Error> {
    let region = &context.region;
    if region.source_region_rule() && table.was_source(member, region.env().unix_ms()) {
        let text = "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the table in the last 24 hours.";
        return Err(Error::Validation(text.to_owned()));
    }
    Ok(())
}

/// A member of a request that is understood, but not supported yet.
fn unsupported(member: &str) -> Error {
    Error::Validation(format!("{member} is not supported yet"))
}
