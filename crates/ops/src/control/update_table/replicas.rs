//! ReplicaUpdates: Regions join and leave a global table, one at a time, and get settings of their own.
//!
//! Here only membership and settings change; replication fills a new replica and dismantles one that left. Unlike on
//! DynamoDB, a replica that is still being added can be deleted, so that a Region that never answers does not block the
//! table.

use std::sync::Arc;

use graticule_model::{Error, RegionName, TableName, limits::TABLE_CLASS_CHANGES_MAX};
use graticule_tables::{
    Table,
    schema::{Member, Register, ReplicaStatus, StreamView, TableStatus},
};

use super::{
    super::{being_used, check_idle, check_no_source, find_table, not_found},
    consistency, disassociate, invalid,
    override_input::OverrideInput,
    replica_input::{NO_ACTIONS, ReplicaChange},
};
use crate::Context;

/// A table after a change of its replicas, and before: that is what answers show of replicas.
pub(super) struct Changed {
    pub(super) table: Arc<Table>,
    pub(super) before: Arc<Table>,
}

/// Changes who replicates the table, or what a replica has of its own. `chosen`: the request says which consistency it
/// wants.
///
/// # Errors
/// If the table, its state or the other Regions do not allow it.
pub(super) async fn change(
    context: &Context,
    name: &TableName,
    change: &ReplicaChange,
    chosen: bool,
) -> Result<Changed, Error> {
    let before = find_table(context, name).await?;
    let here = context.region.name();
    if let ReplicaChange::Disassociate { region } = change {
        let table = disassociate::disassociate(context, name, region).await?;
        return Ok(Changed { table, before });
    }
    if change.region() == here.as_str() {
        return invalid(
            "Cannot add or delete the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.",
        );
    }
    if before.status == TableStatus::Creating {
        return invalid(format!(
            "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: ‘{name}’ in region: ‘{here}’."
        ));
    }
    match change {
        ReplicaChange::Create { region, overrides } => {
            check_idle(context, &before)?;
            if chosen && before.replicas(here).next().is_some() {
                return invalid(consistency::EXISTING);
            }
            let region = known_region(context, region)?;
            let table = create(context, name, &region, overrides).await?;
            Ok(Changed { table, before })
        }
        ReplicaChange::Update { region, overrides } => {
            check_idle(context, &before)?;
            let member = check_member(&before, here, region)?;
            update(context, name, &member, overrides).await?;
            Ok(Changed { table: Arc::clone(&before), before })
        }
        ReplicaChange::Delete { region } => {
            let member = check_member(&before, here, region)?;
            delete(context, name, &member).await?;
            Ok(Changed { table: Arc::clone(&before), before })
        }
        ReplicaChange::Disassociate { .. } => invalid(NO_ACTIONS),
    }
}

/// A Region that this one can replicate with.
fn known_region(context: &Context, region: &str) -> Result<RegionName, Error> {
    let Some(peers) = context.region.peers() else {
        return invalid(
            "This server has no connection to other Regions, so that a table cannot have replicas",
        );
    };
    let known = peers.known();
    let name: Option<RegionName> = region.parse().ok();
    match (&known, name) {
        (None, Some(name)) => Ok(name),
        (Some(known), Some(name)) if known.contains(&name) => Ok(name),
        (None, None) => {
            invalid(format!("Region {region} is not supported. The name of a Region looks like us-east-1"))
        }
        (Some(known), _) => {
            let names: Vec<&str> = known.iter().map(RegionName::as_str).collect();
            invalid(format!(
                "Region {region} is not supported. The latest version of global tables are only supported in the following regions: [{}]",
                names.join(", ")
            ))
        }
    }
}

/// The Region is no member.
pub(super) fn not_member(region: &str) -> Error {
    Error::Validation(format!(
        "Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [{region}]."
    ))
}

fn check_member(table: &Table, here: &RegionName, region: &str) -> Result<RegionName, Error> {
    match table.replicas(here).find(|(member, _)| member.as_str() == region) {
        Some((_, ReplicaStatus::Deleting)) => Err(being_used()),
        Some((member, _)) => Ok(member.clone()),
        None => Err(not_member(region)),
    }
}

fn exists_already(name: &TableName) -> Error {
    Error::Validation(format!(
        "Failed to create a the new replica of table with name: ‘{name}’ because one or more replicas already existed as tables."
    ))
}

async fn create(
    context: &Context,
    name: &TableName,
    newcomer: &RegionName,
    overrides: &OverrideInput,
) -> Result<Arc<Table>, Error> {
    let region = &context.region;
    let table = find_table(context, name).await?;
    check_can_join(&table, newcomer)?;
    if let Some(peers) = region.peers()
        && peers.table(newcomer, name).await?.is_some()
    {
        return Err(exists_already(name));
    }
    let group = region.env().random_uuid();
    let join = region.update_settings(name, |table| {
        check_idle(context, table)?;
        check_can_join(table, newcomer)?;
        let version = region.clock().register_version(table.settings.version().time);
        table.group.get_or_insert_with(|| group.clone());
        let settings = &mut table.settings;
        settings.clear_overrides(newcomer, &version);
        overrides.apply(settings, newcomer, &version)?;
        if settings.stream.value.is_none() {
            settings.stream = Register::new(version.clone(), Some(StreamView::NewAndOldImages));
        }
        // The first to replicate a table does so from its own replica; a later source is a member already.
        let me = settings.members.entry(region.name().clone());
        let me = me.or_insert_with(|| Register::new(version.clone(), Member::Active));
        if me.value != Member::Active {
            *me = Register::new(version.clone(), Member::Active);
        }
        settings.sources.insert(newcomer.clone(), Register::new(version.clone(), region.name().clone()));
        let joining = Member::Joining { source: region.name().clone() };
        settings.members.insert(newcomer.clone(), Register::new(version, joining));
        Ok(())
    });
    join.await.map(|(table, ())| table).map_err(|error| not_found(name, error))
}

fn check_can_join(table: &Table, newcomer: &RegionName) -> Result<(), Error> {
    if table.replica_status(newcomer).is_some() {
        return Err(exists_already(&table.name));
    }
    let settings = &table.settings;
    if settings.billing.value.on_demand {
        return Ok(());
    }
    if !settings.scales_writes(None) {
        return invalid("Table write capacity should either be Pay-Per-Request or AutoScaled.");
    }
    if table.global_indexes().any(|(name, _)| !settings.scales_writes(Some(name))) {
        return invalid("GSI write capacity should either be Pay-Per-Request or AutoScaled.");
    }
    Ok(())
}

async fn update(
    context: &Context,
    name: &TableName,
    member: &RegionName,
    overrides: &OverrideInput,
) -> Result<(), Error> {
    if overrides.is_empty() {
        return invalid(NO_ACTIONS);
    }
    let region = &context.region;
    let update = region.update_settings(name, |table| {
        check_idle(context, table)?;
        check_member(table, region.name(), member.as_str())?;
        if let Some(wanted) = overrides.infrequent_access()?
            && wanted != table.infrequent_access_in(member).unwrap_or(false)
        {
            check_class_changes(context, table, [member].into_iter())?;
        }
        let version = region.clock().register_version(table.settings.version().time);
        overrides.apply(&mut table.settings, member, &version)
    });
    update.await.map(drop).map_err(|error| not_found(name, error))
}

/// Refuses to change the class of these replicas more often than the service allows.
///
/// # Errors
/// [`Error::LimitExceeded`].
pub(super) fn check_class_changes<'a>(
    context: &Context,
    table: &Table,
    regions: impl Iterator<Item = &'a RegionName>,
) -> Result<(), Error> {
    match table.class_exhausted(regions, context.region.env().unix_ms()) {
        Some(region) => Err(Error::LimitExceeded(format!(
            "Limit exceeded for replica in {region}. Updates to TableClass are limited to {TABLE_CLASS_CHANGES_MAX} times in 30 day(s)"
        ))),
        None => Ok(()),
    }
}

async fn delete(context: &Context, name: &TableName, member: &RegionName) -> Result<(), Error> {
    let region = &context.region;
    if let Some(peers) = region.peers() {
        match peers.table(member, name).await {
            Ok(Some(table)) if table.deletion_protection => {
                return invalid(format!(
                    "Cannot delete table {name} in region {member} because it has deletion protection enabled. Disable deletion protection first."
                ));
            }
            // A Region that cannot be asked can be taken out all the same: it may never come back.
            Ok(_) | Err(_) => {}
        }
    }
    let leave = region.update_settings(name, |table| {
        check_member(table, region.name(), member.as_str())?;
        if table.replica_status(member) != Some(ReplicaStatus::Creating) {
            check_idle(context, table)?;
        } else if table.status != TableStatus::Active || table.detaching.is_some() {
            return Err(being_used());
        }
        check_no_source(context, table, member)?;
        let version = region.clock().register_version(table.settings.version().time);
        table.settings.clear_overrides(member, &version);
        table.settings.members.insert(member.clone(), Register::new(version, Member::Removed));
        Ok(())
    });
    leave.await.map(drop).map_err(|error| not_found(name, error))
}
