//! DeleteTable: an ordinary table is gone at once; a replica leaves its global table first.
//!
//! A replica that leaves still ships what the other Regions lack, then replication drops it. For 24 hours after it was the
//! source of a new replica it has to stay, where that rule is on.

use graticule_model::{Error, RegionName};
use graticule_tables::{
    Table,
    schema::{Member, Register, TableStatus},
};
use serde::Deserialize;

use super::{
    being_used, check_no_source, check_not_joined,
    description::{Stage, describe, is_on_its_way},
    find_table, in_use, not_found,
};
use crate::{Context, parameters::parse, reply::Reply};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    table_name: String,
}

/// Answers the request.
///
/// # Errors
/// [`Error::TableNotFound`], [`Error::DeletionProtected`], [`Error::ResourceInUse`].
pub(crate) async fn call(context: &Context, body: &[u8]) -> Result<Vec<u8>, Error> {
    let request: Request = parse(body)?;
    let name = context.table_name(&request.table_name)?;

    let table = find_table(context, &name).await?;
    let region = &context.region;
    check_deletable(context, &table)?;
    let description = describe(context, &table, Stage::Deleting).await?;
    if is_shared(&table, region.name()) {
        let leave = region.update_settings(&name, |table| {
            check_deletable(context, table)?;
            let version = region.clock().register_version(table.settings.version().time);
            let removed = Register::new(version, Member::Removed);
            table.settings.members.insert(region.name().clone(), removed.clone());
            table.settings.clear_overrides(region.name(), &removed.version);
            Ok(())
        });
        leave.await.map_err(|error| not_found(&name, error))?;
    } else {
        let drop = region.drop_table(&name, |table| {
            check_deletable(context, table)?;
            // It became a replica just now: that is a change under way.
            if is_shared(table, region.name()) { Err(being_used()) } else { Ok(()) }
        });
        drop.await.map_err(|error| not_found(&name, error))?;
    }
    let mut reply = Reply::new();
    reply.value("TableDescription", &description);
    Ok(reply.finish())
}

/// Whether another Region has a replica.
fn is_shared(table: &Table, here: &RegionName) -> bool {
    table.peers(here).next().is_some()
}

fn check_deletable(context: &Context, table: &Table) -> Result<(), Error> {
    let here = context.region.name();
    // What is left of a global table whose other replicas are gone has nobody to ship anything to.
    let left_over = table.status == TableStatus::Deleting && !is_shared(table, here);
    if !left_over {
        check_not_joined(context, table)?;
    }
    if table.deletion_protection {
        return Err(Error::DeletionProtected);
    }
    check_no_source(context, table, here)?;
    if table.indexes.values().any(is_on_its_way) {
        let detail = "Cannot delete table while indexes are being created, updated, or deleted.";
        return Err(in_use(table, detail));
    }
    Ok(())
}
