//! ReplicaUpdates: Regions join and leave a global table, one at a time.
//!
//! Here only the membership changes; replication fills a new replica and dismantles one that left. DynamoDB keeps a
//! Region from leaving for 24 hours after it was the source of a new replica; that rule is not imitated. Unlike there, a
//! replica that is still being added can be deleted, so that a Region that never answers does not block the table.

use std::{collections::BTreeSet, sync::Arc};

use graticule_model::{Error, RegionName, TableName};
use graticule_tables::{
    Table,
    schema::{Member, Register, StreamView, TableStatus},
};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    super::{being_used, check_idle, find_table, not_found, settings::table_class, unsupported},
    parameter,
};
use crate::Context;

/// One entry of the list.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ReplicaUpdate {
    create: Option<ReplicaInput>,
    update: Option<ReplicaInput>,
    delete: Option<ReplicaInput>,
    disassociate: Option<IgnoredAny>,
}

/// An action on one replica.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaInput {
    region_name: String,
    #[serde(rename = "KMSMasterKeyId")]
    key: Option<IgnoredAny>,
    provisioned_throughput_override: Option<IgnoredAny>,
    on_demand_throughput_override: Option<IgnoredAny>,
    global_secondary_indexes: Option<Vec<IndexOverride>>,
    table_class_override: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct IndexOverride {
    provisioned_throughput_override: Option<IgnoredAny>,
    on_demand_throughput_override: Option<IgnoredAny>,
}

impl IndexOverride {
    fn is_empty(&self) -> bool {
        self.provisioned_throughput_override.is_none() && self.on_demand_throughput_override.is_none()
    }
}

impl ReplicaInput {
    fn region(&self) -> &str {
        &self.region_name
    }

    /// Refuses settings of one replica's own.
    fn check_supported(&self) -> Result<(), Error> {
        if self.key.is_some() {
            return parameter("KMSMasterKeyId must be specified for each replica.");
        }
        let indexes = self.global_secondary_indexes.as_deref().unwrap_or_default();
        let refused = [
            ("ProvisionedThroughputOverride", self.provisioned_throughput_override.is_some()),
            ("OnDemandThroughputOverride", self.on_demand_throughput_override.is_some()),
            ("GlobalSecondaryIndexes with overrides", !indexes.iter().all(IndexOverride::is_empty)),
        ];
        match refused.iter().find(|(_, given)| *given) {
            Some((member, _)) => Err(unsupported(member)),
            None => Ok(()),
        }
    }
}

/// What is to happen to which replica.
#[derive(Debug)]
pub(super) enum ReplicaChange {
    Create { region: String, infrequent_access: Option<bool> },
    Update { region: String },
    Delete { region: String },
}

fn invalid<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Validation(text.into()))
}

/// An update of a replica that updates nothing.
const NO_ACTIONS: &str = "There are no actions specified in the Replica Update Action of the request.";

impl ReplicaChange {
    /// Checks everything that can be checked without the table.
    ///
    /// # Errors
    /// If it is not one change of one replica, or one that is not supported.
    pub(super) fn read(updates: &[ReplicaUpdate]) -> Result<ReplicaChange, Error> {
        if updates.iter().any(|update| update.disassociate.is_some()) {
            return Err(unsupported("Disassociate in ReplicaUpdates"));
        }
        let creates: Vec<&ReplicaInput> =
            updates.iter().filter_map(|update| update.create.as_ref()).collect();
        let changes: Vec<&ReplicaInput> =
            updates.iter().filter_map(|update| update.update.as_ref()).collect();
        let deletes: Vec<&ReplicaInput> =
            updates.iter().filter_map(|update| update.delete.as_ref()).collect();
        let kinds = [&creates, &changes, &deletes].into_iter().filter(|kind| !kind.is_empty()).count();
        if kinds > 1 {
            return invalid("Update table operation with more than one type of replica actions not allowed.");
        }
        let regions: BTreeSet<&str> =
            creates.iter().chain(&changes).chain(&deletes).map(|input| input.region()).collect();
        if regions.len() > 1 {
            return invalid(
                "Update table operation with more than one create or delete replica actions not allowed",
            );
        }
        let Some(region) = regions.first().map(|region| (*region).to_owned()) else {
            return invalid(NO_ACTIONS);
        };
        if region.is_empty() {
            return Err(Error::AccessDenied("A replica needs the name of a Region".to_owned()));
        }
        if !deletes.is_empty() {
            return Ok(ReplicaChange::Delete { region });
        }
        for input in creates.iter().chain(&changes) {
            input.check_supported()?;
        }
        if let Some(update) = changes.first() {
            return match &update.table_class_override {
                Some(_) => Err(unsupported("TableClassOverride")),
                None => Ok(ReplicaChange::Update { region }),
            };
        }
        let class = creates.first().and_then(|create| create.table_class_override.as_deref());
        Ok(ReplicaChange::Create { region, infrequent_access: class.map(table_class).transpose()? })
    }

    fn region(&self) -> &str {
        match self {
            ReplicaChange::Create { region, .. }
            | ReplicaChange::Update { region }
            | ReplicaChange::Delete { region } => region,
        }
    }
}

/// Changes who replicates the table.
///
/// # Errors
/// If the table, its state or the other Regions do not allow it.
pub(super) async fn change(
    context: &Context,
    name: &TableName,
    change: &ReplicaChange,
) -> Result<Arc<Table>, Error> {
    let table = find_table(context, name).await?;
    let here = context.region.name();
    if change.region() == here.as_str() {
        return invalid(
            "Cannot add or delete the local region through ReplicaUpdates. Use CreateTable, DeleteTable, or UpdateTable as required.",
        );
    }
    if table.status == TableStatus::Creating {
        return invalid(format!(
            "Create/Update/Delete of replica is not allowed while the replica is being added to table with name: ‘{name}’ in region: ‘{here}’."
        ));
    }
    match change {
        ReplicaChange::Create { region, infrequent_access } => {
            check_idle(&table)?;
            let region = known_region(context, region)?;
            create(context, name, &region, *infrequent_access).await
        }
        ReplicaChange::Update { region } => {
            check_idle(&table)?;
            check_member(&table, here, region)?;
            invalid(NO_ACTIONS)
        }
        ReplicaChange::Delete { region } => {
            let member = check_member(&table, here, region)?;
            delete(context, name, &member).await
        }
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

fn check_member(table: &Table, here: &RegionName, region: &str) -> Result<RegionName, Error> {
    match table.peers(here).find(|(member, _)| member.as_str() == region) {
        Some((member, _)) => Ok(member.clone()),
        None => invalid(format!(
            "Update global table operation failed because one or more replicas were not part of the global table. Please retry the request without these replicas: [{region}]."
        )),
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
    infrequent_access: Option<bool>,
) -> Result<Arc<Table>, Error> {
    let region = &context.region;
    let table = find_table(context, name).await?;
    check_can_join(&table, region.name(), newcomer, infrequent_access)?;
    if let Some(peers) = region.peers()
        && peers.table(newcomer, name).await?.is_some()
    {
        return Err(exists_already(name));
    }
    let group = region.env().random_uuid();
    let join = region.update_settings(name, |table| {
        check_idle(table)?;
        check_can_join(table, region.name(), newcomer, infrequent_access)?;
        let version = region.clock().register_version(table.settings.version().time);
        table.group.get_or_insert_with(|| group.clone());
        let settings = &mut table.settings;
        if settings.stream.value.is_none() {
            settings.stream = Register::new(version.clone(), Some(StreamView::NewAndOldImages));
        }
        // The first to replicate a table does so from its own replica; a later source is a member already.
        let me = settings.members.entry(region.name().clone());
        let me = me.or_insert_with(|| Register::new(version.clone(), Member::Active));
        if me.value != Member::Active {
            *me = Register::new(version.clone(), Member::Active);
        }
        let joining = Member::Joining { source: region.name().clone() };
        settings.members.insert(newcomer.clone(), Register::new(version, joining));
        Ok(())
    });
    join.await.map(|(table, ())| table).map_err(|error| not_found(name, error))
}

fn check_can_join(
    table: &Table,
    here: &RegionName,
    newcomer: &RegionName,
    infrequent_access: Option<bool>,
) -> Result<(), Error> {
    if table.peers(here).any(|(member, _)| member == newcomer) {
        return Err(exists_already(&table.name));
    }
    let class = table.settings.infrequent_access.value.unwrap_or(false);
    if infrequent_access.is_some_and(|wanted| wanted != class) {
        return Err(unsupported("TableClassOverride"));
    }
    if table.settings.billing.value.on_demand {
        Ok(())
    } else {
        invalid("Table write capacity should either be Pay-Per-Request or AutoScaled.")
    }
}

async fn delete(context: &Context, name: &TableName, member: &RegionName) -> Result<Arc<Table>, Error> {
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
        let other_joining = table
            .peers(region.name())
            .any(|(other, state)| other != member && matches!(state, Member::Joining { .. }));
        if other_joining || table.status != TableStatus::Active {
            return Err(being_used(table));
        }
        let version = region.clock().register_version(table.settings.version().time);
        table.settings.members.insert(member.clone(), Register::new(version, Member::Removed));
        Ok(())
    });
    leave.await.map(|(table, ())| table).map_err(|error| not_found(name, error))
}
