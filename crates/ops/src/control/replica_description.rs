//! `ReplicaDescription`: what is shown of the replicas in other Regions.
//!
//! What only a replica's own Region knows is not in it: its ARN, its keys, how full its indexes are.

use graticule_model::RegionName;
use graticule_tables::{
    Table,
    schema::{CapacityOverrides, IndexDefinition, ReplicaStatus, Throughput},
};
use serde_json::{Map, Value, json};

use crate::Context;

/// All replicas belong to one account, and can differ in some settings.
pub(super) const REPLICATION_MODE: &str = "ENABLED_WITH_OVERRIDES";

/// `Replicas`: the other replicas, in the order in which this Region saw them come.
pub(super) fn replicas(context: &Context, table: &Table) -> Value {
    let here = context.region.name();
    table.replicas(here).map(|(region, status)| replica(context, table, region, status)).collect()
}

/// `TableClassSummary`.
pub(super) fn table_class(infrequent_access: bool) -> Value {
    json!({"TableClass": if infrequent_access { "STANDARD_INFREQUENT_ACCESS" } else { "STANDARD" }})
}

/// `WarmThroughput`.
pub(super) fn warm_throughput(units: Throughput, status: &str) -> Value {
    json!({"ReadUnitsPerSecond": units.read, "WriteUnitsPerSecond": units.write, "Status": status})
}

/// `ReplicaStatus`.
pub(super) fn status_name(status: ReplicaStatus) -> &'static str {
    match status {
        ReplicaStatus::Creating => "CREATING",
        ReplicaStatus::Active => "ACTIVE",
        ReplicaStatus::Deleting => "DELETING",
    }
}

fn replica(context: &Context, table: &Table, region: &RegionName, status: ReplicaStatus) -> Value {
    let billing = table.settings.billing.value;
    let overrides = table.overrides(region);
    let mut shown = Map::new();
    shown.insert("RegionName".to_owned(), region.as_str().into());
    shown.insert("ReplicaStatus".to_owned(), status_name(status).into());
    shown.insert("WarmThroughput".to_owned(), warm_throughput(billing.warm_units(), "ACTIVE"));
    shown.insert("GlobalTableSettingsReplicationMode".to_owned(), REPLICATION_MODE.into());
    add_capacity(billing.on_demand, overrides.map(|overrides| &overrides.capacity), &mut shown);
    let index = |(name, definition): (_, &IndexDefinition)| {
        let mut index = Map::new();
        let warm = warm_throughput(definition.warm_units(billing.on_demand), "ACTIVE");
        index.insert("IndexName".to_owned(), json!(name));
        index.insert("WarmThroughput".to_owned(), warm);
        let own = overrides.and_then(|overrides| overrides.indexes.get(name));
        add_capacity(billing.on_demand, own, &mut index);
        Value::from(index)
    };
    let indexes: Vec<Value> = table.global_indexes().map(index).collect();
    if !indexes.is_empty() {
        shown.insert("GlobalSecondaryIndexes".to_owned(), indexes.into());
    }
    if let Some(infrequent_access) = table.infrequent_access_in(region) {
        shown.insert("ReplicaTableClassSummary".to_owned(), table_class(infrequent_access));
    }
    if status == ReplicaStatus::Creating
        && let Some(percent) = context.region.peers().and_then(|peers| peers.join_percent(table, region))
    {
        shown.insert("ReplicaStatusPercentProgress".to_owned(), percent.to_string().into());
    }
    shown.into()
}

/// What a replica, or an index of it, has of its own, as far as its billing uses it.
fn add_capacity(on_demand: bool, own: Option<&CapacityOverrides>, shown: &mut Map<String, Value>) {
    let Some(own) = own else { return };
    match (on_demand, own.read.get(), own.read_max.get()) {
        (false, Some(read), _) => {
            let units = json!({"ReadCapacityUnits": read});
            shown.insert("ProvisionedThroughputOverride".to_owned(), units);
        }
        (true, _, Some(read_max)) => {
            let units = if read_max == 0 { json!(-1) } else { json!(read_max) };
            shown.insert("OnDemandThroughputOverride".to_owned(), json!({"MaxReadRequestUnits": units}));
        }
        _ => {}
    }
}
